"""What co-design may change: silicon, memory, links, number format, model shape, machine, source of power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.machine.chip.columns import template_die
from gigawatt.machine.chip.parts import Design

__all__ = ["GROUPS", "Gene", "space_of"]

GROUPS = ("silicon", "memory", "links", "format", "shape", "machine", "promise", "power source")
"""What is changed together when a gain is taken apart."""

_GROUP = {
    "dies": "silicon", "area": "silicon", "sram": "silicon", "stacks": "memory", "height": "memory",
    "scale_up": "links", "domain": "links", "format": "format", "parameters": "shape", "aspect": "shape",
    "count": "machine", "speed": "promise", "source": "power source",
}  # fmt: skip
_WORDS = {
    "dies": "dies that compute",
    "area": "area of one",
    "sram": "memory on one",
    "stacks": "stacks of memory",
    "height": "dies of a stack",
    "scale_up": "bandwidth inside a domain",
    "domain": "accelerators of a domain",
    "format": "number format",
    "parameters": "parameters over the scenario's",
    "aspect": "width over depth, over the family's",
    "count": "accelerators",
    "speed": "TPOT target over the scenario's",
    "source": "source of power",
}
_GEOMETRIC = ("scale_up", "domain", "parameters", "aspect", "count", "speed")
_DIES = (1, 2, 4)


@dataclass(frozen=True)
class Gene:
    """One choice: its values (SI, or names), which of them is that of today's chip and of the scenario."""

    key: str
    values: tuple[float | str, ...]
    own: int
    unit: str = ""

    @property
    def group(self) -> str:
        """What it is changed together with."""
        return _GROUP[self.key]

    @property
    def words(self) -> str:
        """What it is, for a person."""
        return _WORDS[self.key]

    @property
    def ordered(self) -> bool:
        """Whether neighbouring values are alike."""
        return not isinstance(self.values[0], str)


def _range(key: str, own: float | None = None) -> Gene:
    """Values between the ends that the catalog gives, that of today among them."""
    row = entity("codesign", key)
    bound = row.evidence("range")
    assert bound.low is not None
    assert bound.high is not None
    points, here = int(row.value("points")), bound.value if own is None else own
    if key in _GEOMETRIC:
        made = np.geomspace(bound.low, bound.high, points)
    else:
        made = np.linspace(bound.low, bound.high, points)
    grid = [float(v) for v in made]
    near = min(grid, key=lambda v: abs(v - here))
    if abs(near - here) > 1e-9 * abs(here):
        grid.append(here)
    else:
        grid[grid.index(near)] = here
    grid.sort()
    return Gene(key, tuple(grid), grid.index(here), bound.unit)


def _choice(key: str, values: Sequence[float | str], own: float | str, unit: str = "") -> Gene:
    kept = tuple(dict.fromkeys(values))
    if own not in kept:
        kept = (own, *kept)
    if not isinstance(own, str):
        kept = tuple(sorted(kept, key=float))
    return Gene(key, kept, kept.index(own), unit)


def space_of(
    design: Design,
    *,
    scale_up: float,
    domain: int,
    formats: Sequence[str],
    form: str,
    sources: Sequence[str],
    serves: bool,
    held: Sequence[str] = (),
) -> tuple[Gene, ...]:
    """The genes of a co-design; ``held`` ones stay as they are today.

    Parameters
    ----------
    design : Design
        The template: one kind of die with stacks beside it.
    scale_up : float
        Its bandwidth inside a domain [B/s].
    domain : int
        Accelerators of a domain.
    formats, form : sequence of str, str
        Number formats that may be chosen, and the scenario's.
    sources : sequence of str
        Names of sources of power, the scenario's first.
    serves : bool
        A model is served, rather than trained.
    held : sequence of str
        Keys that are not varied.

    Raises
    ------
    InputError
        A template of another make, an unknown key in ``held``.
    """
    die, part = template_die(design), design.memory
    assert part is not None
    row = entity("stacked_memory", part.kind).evidence("height")
    usual = int(row.value if part.height is None else part.height)
    low, high = int(row.low or usual), int(row.high or usual)
    heights = [float(h) for h in (4, 8, 12, 16, 20, 24) if low <= h <= high]
    counts = [float(n) for n in _DIES if design.die_link or n == 1]
    genes = [
        _choice("dies", counts, float(die.count)),
        _range("area", die.area),
        _range("sram", die.sram),
        _range("stacks", float(part.stacks)),
        _choice("height", heights, float(usual)),
        _range("scale_up", scale_up),
        _range("domain", float(domain)),
        _choice("format", formats, form),
    ]
    genes += [_range("speed")] if serves else [_range("parameters"), _range("aspect"), _range("count")]
    genes.append(_choice("source", sources, sources[0]))
    known = [gene.key for gene in genes]
    for key in held:
        if key not in known:
            from gigawatt.core.errors import nearest

            raise InputError(
                "nothing of this name is varied", key="--hold", given=key, allowed=known,
                nearest=nearest(key, known),
            )  # fmt: skip
    return tuple(
        Gene(gene.key, (gene.values[gene.own],), 0, gene.unit) if gene.key in held else gene for gene in genes
    )

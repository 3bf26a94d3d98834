"""What takes several units at once: a fuel line, the switchyard. Rows of the catalog's ``outages``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import table
from gigawatt.core.evidence import Assumption, worst
from gigawatt.power.adequacy.indices import Indices
from gigawatt.power.adequacy.rows import PlantUnits, rates_of
from gigawatt.power.adequacy.units import Units

__all__ = ["CommonMode", "common_modes", "with_modes"]

Array = npt.NDArray[np.float64]
_TABLE, _SWITCHYARD = "outages", "switchyard"
_DAY = 24


@dataclass(frozen=True)
class CommonMode:
    """``units`` of which one is enough; while all are out, so are the ``kinds`` with these numbers.

    ``all`` : stores and connections too.
    """

    units: Units
    kinds: tuple[int, ...]
    all: bool
    assumption: Assumption

    @property
    def words(self) -> str:
        """``natural gas line``, ``natural gas lines``."""
        return self.units.name + ("" if self.units.count == 1 else "s")

    @property
    def share(self) -> float:
        """Share of the time in which all are out."""
        return self.units.forced**self.units.count

    @property
    def frequency(self) -> float:
        """Times an hour that the last of them fails."""
        one = self.units
        return one.count * one.forced ** (one.count - 1) * (1.0 - one.forced) * one.failure_rate


def common_modes(kinds: Sequence[PlantUnits], fuel_lines: int = 1) -> tuple[CommonMode, ...]:
    """The fuel lines of the plants, each fuel's of ``fuel_lines`` lines, and the switchyard behind all."""
    fuels = dict.fromkeys(one.plant.burns for one in kinds)
    found = [
        _mode(
            fuel,
            f"{_name(fuel)} line",
            fuel_lines,
            [i for i, one in enumerate(kinds) if one.plant.burns == fuel],
        )
        for fuel in fuels
        if fuel in table(_TABLE) and "failure_rate" in table(_TABLE)[fuel].numbers
    ]
    return (*found, _mode(_SWITCHYARD, "switchyard", 1, range(len(kinds)), everything=True))


def _name(fuel: str) -> str:
    return table("fuels")[fuel].text("name") or fuel


def _mode(row: str, name: str, count: int, kinds: Sequence[int], *, everything: bool = False) -> CommonMode:
    forced, repair, rows = rates_of(row)
    units = Units(name, count, 1.0, forced, repair)
    lines = "one" if count == 1 else f"{count:,}, of which one is enough"
    said = Assumption(
        key=f"supply.adequacy.{row}",
        value=f"{lines}, {units.failure_rate * 8760:.3g} failures a year each, {repair:.3g} h to repair",
        reason="takes several units at once" if everything else "takes all that burn this fuel at once",
        grade=worst(one.grade for one in rows),
        source=", ".join(dict.fromkeys(one.source_id for one in rows)),
    )
    return CommonMode(units, tuple(kinds), everything, said)


def with_modes(
    modes: Sequence[CommonMode], need: Array, weight: Array, without: Callable[[frozenset[int]], Indices]
) -> Indices:
    """Indices with common modes: those of every set of them that is out, weighed by its probability.

    Parameters
    ----------
    modes : sequence of CommonMode
        Independent of one another and of units.
    need, weight : (H,)
        As for :func:`~gigawatt.power.adequacy.indices.convolve`.
    without : callable
        Indices without the kinds of these numbers.
    """
    known: dict[frozenset[int] | None, Indices] = {}

    def lost(out: tuple[CommonMode, ...]) -> Indices:
        gone = None if any(one.all for one in out) else frozenset(i for one in out for i in one.kinds)
        if gone not in known:
            known[gone] = _nothing(need, weight) if gone is None else without(gone)
        return known[gone]

    base = lost(())
    lolp, lacking, events = np.zeros(len(need)), np.zeros(len(need)), 0.0
    worth = np.zeros((2, len(modes)))
    for out in (out for n in range(len(modes) + 1) for out in combinations(modes, n)):
        rest = [one for one in modes if one not in out]
        share = float(np.prod([one.share for one in out] + [1.0 - one.share for one in rest]))
        here = lost(out)
        lolp += share * here.lolp
        lacking += share * here.lacking
        if base.events is not None:
            events += share * (here.events or 0.0)
            events += sum(
                share
                / (1.0 - one.share)
                * one.frequency
                * float((lost((*out, one)).lolp - here.lolp) @ weight)
                for one in rest
            )
    for k, one in enumerate(modes):
        gone = lost((one,))
        worth[:, k] = gone.hours / float(weight.sum()), one.share * (gone.energy - base.energy)
    whole = len(need) % _DAY == 0
    return replace(
        base,
        hours=float(lolp @ weight),
        days=float(lolp.reshape(-1, _DAY).max(1) @ weight[::_DAY]) if whole else None,
        energy=float(lacking @ weight),
        events=None if base.events is None else events,
        lolp=lolp,
        lacking=lacking,
        modes_out=tuple((short, energy) for short, energy in worth.T.tolist()),
    )


def _nothing(need: Array, weight: Array) -> Indices:
    """Where no unit is left: every hour with a need is lost."""
    lolp, lacking = (need > 0.0).astype(float), np.maximum(need, 0.0)
    return Indices(float(lolp @ weight), None, float(lacking @ weight), 0.0, lolp, lacking)

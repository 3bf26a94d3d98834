"""What an answer is uncertain in: rows of the catalog with a range, and the measured errors of a model.

A row's ends are its 5 and 95 %. An error of a model multiplies a quantity once it is computed; rows that its
residuals already hold are not drawn beside it, so that each cause is counted once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch

from gigawatt.catalog.entity import Key
from gigawatt.chain.bands import row_ends
from gigawatt.chain.recompute import Adjust
from gigawatt.core.evidence import Z95, Evidence, Grade

__all__ = ["ELSEWHERE", "ModelError", "RowFactor", "group_of", "row_factors"]

ELSEWHERE = ("kernels*", "software*", "attention_kernels*", "expert_exchanges*", "engines*")
"""Tables of the time of a step or of a service, whose errors the residuals of measured ones hold."""

_GROUPS: tuple[tuple[str, str], ...] = (
    ("reliability.whole-run.*", "what whole runs take besides"),
    ("reliability.*", "failures"),
    ("recovery.*", "failures"),
    ("*construction_carbon", "carbon of making it"),
    ("*embodied*", "carbon of making it"),
    ("*upstream*", "carbon of electricity"),
    ("methane*", "carbon of electricity"),
    ("fuels.*carbon*", "carbon of electricity"),
    ("grids*carbon*", "carbon of electricity"),
    ("grids_hours_carbon*", "carbon of electricity"),
    ("grids*firm_construction", "carbon of electricity"),
    ("*.water", "water"),
    ("*drift", "water"),
    ("*cycles_of_concentration", "water"),
    ("chips*price*", "price of accelerators"),
    ("chip_prices*", "price of accelerators"),
    ("chip_resale*", "price of accelerators"),
    ("chip_*", "parts of the chip"),
    ("chiplets*", "parts of the chip"),
    ("memor*", "parts of the chip"),
    ("silicon*", "parts of the chip"),
    ("stacked_memory*", "parts of the chip"),
    ("hybrids*", "parts of the chip"),
    ("technolog*", "parts of the chip"),
    ("photonic*", "parts of the chip"),
    ("analog*", "parts of the chip"),
    ("optical*", "parts of the chip"),
    ("neuromorphic*", "parts of the chip"),
    ("host_links*", "parts of the chip"),
    ("chips*", "watts of the machine"),
    ("dynamics_load*", "watts of the machine"),
    ("links*price", "price of nodes and network"),
    ("nodes*price", "price of nodes and network"),
    ("links*", "watts of the machine"),
    ("nodes*", "watts of the machine"),
    ("finance*", "lives, interest and upkeep"),
    ("countries*", "lives, interest and upkeep"),
    ("building*", "building"),
    ("cooling*", "cooling and power chain"),
    ("facility*", "cooling and power chain"),
    ("fuel_hubs*", "price of fuel"),
    ("fuels*price*", "price of fuel"),
    ("grids*", "price of the grid"),
    ("tariffs*", "price of the grid"),
    ("basis*", "price of the grid"),
    ("carbon_markets*", "price of carbon"),
    ("plants*cost*", "price of plants"),
    ("plants*labour_share", "price of plants"),
    ("plants*life", "price of plants"),
    ("plants*capital_factor", "price of plants"),
    ("credits*", "price of plants"),
    ("plants*", "what plants can do"),
    ("modules*", "what plants can do"),
    ("outages*", "what plants can do"),
)
"""First pattern of ``table.id.quantity`` that fits → group."""
_OTHER = "other rows"
_SHARES = ("", "1", "%", "percent")
"""Units of what may be a share of a whole."""


def group_of(key: Key) -> str:
    """The group that a row's share of the spread is told with."""
    name = ".".join(key)
    return next((group for pattern, group in _GROUPS if fnmatch(name, pattern)), _OTHER)


@dataclass(frozen=True)
class RowFactor:
    """A row of the catalog with its ends [SI]."""

    key: Key
    row: Evidence = field(repr=False)
    ends: tuple[float, float]

    @property
    def shared(self) -> str:
        """What it varies with in part: the same quantity of other rows that one source says."""
        return ".".join((self.key[0], self.key[2], self.row.source_id))

    @property
    def name(self) -> str:
        """``table.id.quantity``."""
        return ".".join(self.key)

    @property
    def group(self) -> str:
        """See :func:`group_of`."""
        return group_of(self.key)

    @property
    def guessed(self) -> bool:
        """Whether the row is graded a guess."""
        return self.row.grade is Grade.guess

    def at(self, z: float) -> float:
        """The value [SI] at a normal ``z``: the ends at ± 1.645, in logarithms where all are positive.

        Beyond its ends what is nowhere negative stays so, and what lies between 0 and 1 does not leave it.
        """
        middle, end = self.row.value, self.ends[1 if z > 0.0 else 0]
        reach, least, most = abs(z) / Z95, min(middle, *self.ends), max(middle, *self.ends)
        found = middle * (end / middle) ** reach if least > 0.0 else middle + (end - middle) * reach
        if least < 0.0:
            return found
        return min(max(found, 0.0), 1.0) if most <= 1.0 and self.row.unit in _SHARES else max(found, 0.0)


@dataclass(frozen=True)
class ModelError:
    """The error of a model: measured over predicted, its 5 and 95 %.

    Parameters
    ----------
    name, group : str
        What it is an error of; the group of its share.
    low, high : float
        Factors, around 1.
    acts : mapping of str to callable
        Quantity → what becomes of its value at a factor.
    guessed : bool
        Whether the factors are a guess.
    """

    name: str
    group: str
    low: float
    high: float
    acts: Mapping[str, Acts] = field(repr=False)
    guessed: bool = False

    def at(self, z: float) -> float:
        """The factor at a standard normal ``z``."""
        return (self.high if z > 0.0 else self.low) ** (abs(z) / Z95)

    def adjusted(self, z: float) -> dict[str, Adjust]:
        """What becomes of each quantity at ``z``."""
        factor = self.at(z)
        return {name: _bound(act, factor) for name, act in self.acts.items()}


class Acts:
    """How a factor acts on a quantity: a number or an array times a power of it, each part of a mapping; a
    number of things is rounded, and at least 1.
    """

    def __init__(self, power: float = 1.0, most: float = math.inf) -> None:
        self.power, self.most = power, most

    def __call__(self, value: object, factor: float) -> object:
        """The value under the factor."""
        by = factor**self.power
        if isinstance(value, Mapping):
            return {name: part * by for name, part in value.items()}  # pyright: ignore
        if isinstance(value, int):
            return max(1, round(value * by))
        found = value * by  # type: ignore[operator]
        return min(found, self.most) if isinstance(found, float) else found


def _bound(act: Acts, factor: float) -> Adjust:
    return lambda value: act(value, factor)


def row_factors(
    rows: Mapping[Key, Evidence], readers: Mapping[Key, set[str]], besides: Iterable[str] = ()
) -> tuple[RowFactor, ...]:
    """The rows with a range that may be drawn, in a fixed order.

    Parameters
    ----------
    rows, readers
        Of a :class:`~gigawatt.chain.recompute.Recompute`.
    besides : iterable of str
        Patterns of ``table.id.quantity`` that are not drawn, with those of :data:`ELSEWHERE`.
    """
    left_out = (*ELSEWHERE, *besides)
    found: list[RowFactor] = []
    for key in sorted(rows):
        ends, name = row_ends(rows[key]), ".".join(key)
        if ends is not None and readers.get(key) and not any(fnmatch(name, one) for one in left_out):
            found.append(RowFactor(key, rows[key], ends))
    return tuple(found)

"""Uncertain inputs of an answer: catalog rows with a range, and measured errors of the models.

The ends of a row's range are its 5 and 95 % quantiles. A model error multiplies a quantity after it is
computed; rows whose errors are contained in its residuals are not sampled as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.entity import Key
from gigawatt.chain.bands import row_ends, to_end
from gigawatt.chain.recompute import Adjust
from gigawatt.core.evidence import Z95, Evidence, Grade

__all__ = [
    "ELSEWHERE",
    "ENDS",
    "QUANTILES",
    "Act",
    "Acts",
    "ModelError",
    "RowFactor",
    "group_of",
    "row_factors",
]

Act = Callable[[Any, float], Any]
"""What becomes of a quantity's value at a factor."""
ELSEWHERE = ("kernels*", "software*", "attention_kernels*", "expert_exchanges*", "engines*")
"""Tables that act on step time or latency alone: their errors are contained in the measured residuals."""

_GROUPS: tuple[tuple[str, str], ...] = (
    ("reliability.whole-run.*", "overhead of whole runs"),
    ("reliability.*", "failures"),
    ("recovery.*", "failures"),
    ("*construction_carbon", "embodied carbon"),
    ("*embodied*", "embodied carbon"),
    ("*upstream*", "carbon of electricity"),
    ("methane*", "carbon of electricity"),
    ("fuels.*carbon*", "carbon of electricity"),
    ("grids*carbon*", "carbon of electricity"),
    ("grids_hours_carbon*", "carbon of electricity"),
    ("grids*firm_construction", "carbon of electricity"),
    ("*.water", "water"),
    ("*drift", "water"),
    ("*cycles_of_concentration", "water"),
    ("chips*price*", "accelerator prices"),
    ("chip_prices*", "accelerator prices"),
    ("chip_resale*", "accelerator prices"),
    ("chip_*", "chip parts"),
    ("chiplets*", "chip parts"),
    ("memor*", "chip parts"),
    ("silicon*", "chip parts"),
    ("stacked_memory*", "chip parts"),
    ("hybrids*", "chip parts"),
    ("technolog*", "chip parts"),
    ("photonic*", "chip parts"),
    ("analog*", "chip parts"),
    ("optical*", "chip parts"),
    ("neuromorphic*", "chip parts"),
    ("host_links*", "chip parts"),
    ("chips*", "machine power"),
    ("dynamics_load*", "machine power"),
    ("links*price", "node and network prices"),
    ("nodes*price", "node and network prices"),
    ("links*", "machine power"),
    ("nodes*", "machine power"),
    ("finance*", "lifetimes, interest and maintenance"),
    ("countries*", "lifetimes, interest and maintenance"),
    ("building*", "building cost"),
    ("cooling*", "cooling and power distribution"),
    ("facility*", "cooling and power distribution"),
    ("fuel_hubs*", "fuel prices"),
    ("fuels*price*", "fuel prices"),
    ("grids*", "grid prices"),
    ("tariffs*", "grid prices"),
    ("basis*", "grid prices"),
    ("carbon_markets*", "carbon prices"),
    ("plants*cost*", "plant costs"),
    ("plants*labour_share", "plant costs"),
    ("plants*life", "plant costs"),
    ("plants*capital_factor", "plant costs"),
    ("credits*", "plant costs"),
    ("plants*", "plant performance"),
    ("modules*", "plant performance"),
    ("outages*", "plant performance"),
)
"""First pattern of ``table.id.quantity`` that fits → group."""
_OTHER = "other inputs"
ENDS = (-Z95, Z95)
"""Standard normals of the ends of a range."""
_FAR = 3.0
"""Ratio of an end of a range to the value, or of the value to the end, from which the end is called far."""
_QUARTILE = 0.6744897501960817
"""The 75 % quantile of a standard normal."""
QUANTILES = (-Z95, -_QUARTILE, 0.0, _QUARTILE, Z95)
"""Standard normals of the 5, 25, 50, 75 and 95 % of an input."""
_SHARES = ("", "1", "%", "percent")
"""Units of what may be a share of a whole."""


@lru_cache(maxsize=4096)
def group_of(key: Key) -> str:
    """The group of inputs that a row belongs to."""
    name = ".".join(key)
    return next((group for pattern, group in _GROUPS if fnmatch(name, pattern)), _OTHER)


@dataclass(frozen=True)
class RowFactor:
    """A row of the catalog with a range: of a series the one of the scenario's year."""

    key: Key
    row: Evidence = field(repr=False)

    @property
    def tried(self) -> tuple[float, ...]:
        """Standard normals at which the scenario is evaluated: both ends, and half-way to them where an end
        is :data:`_FAR` times the value or more, since what follows is not in proportion so far.
        """
        ends = (self.at(-Z95), self.at(Z95))
        far = min(ends) > 0.0 and max(self.row.value / min(ends), max(ends) / self.row.value) >= _FAR
        return (*ENDS, *(end / 2.0 for end in ENDS)) if far else ENDS

    @property
    def shared(self) -> str:
        """Name of the common factor: rows of one quantity from one source are correlated."""
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

    def reach(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far ``z`` reaches towards the end on its side: 1 at ± 1.645."""
        return np.abs(z) / Z95

    def at(self, z: float, row: Evidence | None = None) -> float:
        """Value [SI] at a standard normal ``z``: the ends at ± 1.645, log-linear where all are positive.

        Extrapolation keeps non-negative rows non-negative, and shares between 0 and 1. Another ``row`` of the
        series is as far towards its own end.
        """
        row = self.row if row is None else row
        middle, ends = row.value, (to_end(self.row, 0)(row), to_end(self.row, 1)(row))
        end, reach = ends[1 if z > 0.0 else 0], abs(z) / Z95
        least, most = min(middle, *ends), max(middle, *ends)
        found = middle * (end / middle) ** reach if least > 0.0 else middle + (end - middle) * reach
        if least < 0.0:
            return found
        return min(max(found, 0.0), 1.0) if most <= 1.0 and row.unit in _SHARES else max(found, 0.0)


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
    middle : (float, float), optional
        Its 25 and 75 %, around 1 and within the ends; without them its logarithm is normal on either side.
    shared : sequence of (str, float), optional
        What it has in common with errors of other models, and the share of its variance that lies there.
    """

    guessed: ClassVar[bool] = False
    """Model errors are measured."""
    tried: ClassVar[tuple[float, ...]] = ENDS
    """Standard normals at which the scenario is evaluated: both ends."""

    name: str
    group: str
    low: float
    high: float
    acts: Mapping[str, Act] = field(repr=False)
    middle: tuple[float, float] | None = None
    shared: tuple[tuple[str, float], ...] = ()

    def at(self, z: float) -> float:
        """The factor at a standard normal ``z``."""
        return (self.high if z > 0.0 else self.low) ** float(self.reach(np.array(z)))

    def reach(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the factor at ``z`` over that of the end on its side: 1 at ± 1.645."""
        away = np.abs(z)
        if self.middle is None:
            return away / Z95
        quarters = [
            min(max(math.log(at) / math.log(end), 0.0), 1.0) if end != 1.0 else 0.0
            for at, end in zip(self.middle, (self.low, self.high), strict=True)
        ]
        quarter = np.where(z > 0.0, quarters[1], quarters[0])
        outside = quarter + (1.0 - quarter) * (away - _QUARTILE) / (Z95 - _QUARTILE)
        found = np.where(away < _QUARTILE, quarter * away / _QUARTILE, outside)
        return np.where(away > Z95, away / Z95, found)

    def adjusted(self, z: float) -> dict[str, Adjust]:
        """What becomes of each quantity at ``z``."""
        factor = self.at(z)
        return {name: _bound(act, factor) for name, act in self.acts.items()}


class Acts:
    """How a factor acts on a quantity: a number or an array times a power of it, each part of a mapping; a
    number of things comes in whole lots, one at least.
    """

    def __init__(self, power: float = 1.0, most: float = math.inf, lot: int = 1) -> None:
        self.power, self.most, self.lot = power, most, lot

    def __call__(self, value: object, factor: float) -> object:
        """The value under the factor."""
        by = factor**self.power
        if isinstance(value, Mapping):
            return {name: part * by for name, part in value.items()}  # pyright: ignore
        if isinstance(value, int):
            return self.lot * max(1, round(value * by / self.lot))
        found = value * by  # type: ignore[operator]
        return min(found, self.most) if isinstance(found, float) else found


def _bound(act: Act, factor: float) -> Adjust:
    return lambda value: act(value, factor)


def row_factors(rows: Mapping[Key, Evidence], readers: Mapping[Key, set[str]]) -> tuple[RowFactor, ...]:
    """Sampled rows in a fixed order: those with a range, :data:`ELSEWHERE` left out.

    ``rows`` and ``readers`` are those of a :class:`~gigawatt.chain.recompute.Recompute`.
    """
    found: list[RowFactor] = []
    for key in sorted(rows):
        held = any(fnmatch(".".join(key), one) for one in ELSEWHERE)
        if row_ends(rows[key]) is not None and readers.get(key) and not held:
            found.append(RowFactor(key, rows[key]))
    return tuple(found)

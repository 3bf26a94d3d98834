"""Lead times of plants as random times: rows with a low and a high end as lognormals of two pieces."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Z95
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.dates.milestones import date_words

__all__ = ["Arrival", "check_ordered", "lead_time_draw", "row_range", "waits_in_queue"]

Array = npt.NDArray[np.float64]
_NORMAL = NormalDist()
_YEAR = HOURS_PER_YEAR * 3600.0


def lead_time_draw(spread: Array, value: float, low: float, high: float) -> Array:
    """Lead times [s]: lognormal around ``value`` with ``low`` and ``high`` as 5 and 95 %, two-piece.

    Parameters
    ----------
    spread : array
        Standard normal.
    value, low, high : float
        [s], 0 < low ≤ value ≤ high.
    """
    down, up = math.log(value / low), math.log(high / value)
    return value * np.exp(spread * np.where(spread < 0.0, down, up) / Z95)


def check_ordered(dates: Iterable[float | None], year: int) -> None:
    """Raise ``InputError`` of an order (decimal year; ``None``: it is there) after the year of a plan."""
    latest = max((date for date in dates if date is not None), default=-math.inf)
    if latest >= year + 1:
        raise InputError("after the year of the plan", given=date_words(latest),
                         allowed=f"a date up to {year}-12, or any")  # fmt: skip


def row_range(name: str) -> tuple[float, float, float]:
    """(value, low, high) [s] of a plant's lead time; one without a range has none."""
    row = entity("plants", name).evidence("lead_time")
    return row.value, row.low or row.value, row.high or row.value


def waits_in_queue(name: str) -> bool:
    """Whether a plant is a connection of the site's own, which waits in the queue of its grid.

    Leased power is fed by the grid too, by a connection that another has.
    """
    row = entity("plants", name)
    return row.text("kind") == "grid" and "queue_time" in row.numbers


@dataclass(frozen=True)
class Arrival:
    """When a plant is there that is ordered at ``ordered`` (decimal year).

    ``lead``: (value, low, high) of its lead time [s], low and high as 5 and 95 %; all zero: it stands.
    """

    id: str
    name: str
    ordered: float
    lead: tuple[float, float, float]

    def ready(self, probability: float = 0.5) -> float:
        """Decimal year by which it is there with this probability.

        Raises
        ------
        InputError
            A probability that is not between 0 and 1.
        """
        if not 0.0 < probability < 1.0:
            raise InputError("out of range", key="probability", given=probability, allowed="between 0 and 1")
        if not self.lead[0] > 0.0:
            return self.ordered
        z = np.array(_NORMAL.inv_cdf(probability))
        return self.ordered + float(lead_time_draw(z, *self.lead)) / _YEAR

    def chance(self, year: float) -> float:
        """Probability that it is there at the start of a decimal year."""
        value, low, high = (one / _YEAR for one in self.lead)
        passed = year - self.ordered
        if not value > 0.0:
            return 1.0 if passed >= 0.0 else 0.0
        if passed <= 0.0:
            return 0.0
        off = math.log(passed / value)
        width = math.log(value / low) if off < 0.0 else math.log(high / value)
        if not width > 0.0:
            return 1.0 if off >= 0.0 else 0.0
        return _NORMAL.cdf(Z95 * off / width)

    @property
    def words(self) -> str:
        """Its median and the dates that hold it in eight of ten cases."""
        if not self.lead[0] > 0.0 or self.lead[1] == self.lead[2]:
            return date_words(self.ready())
        low, high = (date_words(self.ready(p)) for p in (0.1, 0.9))
        return f"{date_words(self.ready())} (80 %: {low} to {high})"

    def to_json(self) -> Mapping[str, str | float]:
        """Dates as decimal years."""
        return {
            "id": self.id,
            "name": self.name,
            "ordered": self.ordered,
            "ready": self.ready(),
            "ready_low": self.ready(0.1),
            "ready_high": self.ready(0.9),
        }

"""What a connection pays for power: billing demand by period, of hours, ratchets and minimum takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

__all__ = ["Demand"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Demand:
    """A charge on demand.

    Attributes
    ----------
    line : str
        What the bill calls it.
    period : (H,)
        Billing period in which an hour counts, -1: in none. Periods of a year follow one another.
    price : (P,)
        $/W of billing demand in each period; 0 where it is measured and not paid.
    years : int
        Years that the periods are of, of equal number in each.
    mean : bool
        Demand is the mean of the hours of a period, not the highest of them.
    ratchet, ratchet_in : float, (P,)
        Billing demand is at least this share of the highest of the year's periods that are marked.
    minimum : float
        Least billing demand, as a share of the contract demand.
    contract : float or None
        Contract demand [W]; ``None`` is the power of the connection.
    """

    line: str
    period: Ints = field(repr=False)
    price: Array = field(repr=False)
    years: int = 1
    mean: bool = False
    ratchet: float = 0.0
    ratchet_in: npt.NDArray[np.bool_] | None = field(default=None, repr=False)
    minimum: float = 0.0
    contract: float | None = None

    @property
    def periods(self) -> int:
        """Number of billing periods of all years."""
        return len(self.price)

    def measured(self, drawn: Array) -> Array:
        """(P,) W of each period, highest or mean, of what is drawn (H,); 0 where it has no hour."""
        counts, at = self.period >= 0, self.period[self.period >= 0]
        found: Array = np.zeros(self.periods)
        if self.mean:
            np.add.at(found, at, drawn[counts])
            return found / np.maximum(np.bincount(at, minlength=self.periods), 1)
        np.maximum.at(found, at, drawn[counts])
        return found

    def billed(self, drawn: Array, capacity: float) -> Array:
        """(P,) W that are paid for: measured demand, not below the ratchet and the minimum take."""
        found = self.measured(drawn)
        if self.ratchet > 0.0:
            there = np.ones(self.periods, dtype=bool) if self.ratchet_in is None else self.ratchet_in
            highest = np.where(there, found, 0.0).reshape(self.years, -1).max(1)
            found = np.maximum(found, self.ratchet * np.repeat(highest, self.periods // self.years))
        contract = capacity if self.contract is None else self.contract
        return np.maximum(found, self.minimum * contract)

    def yearly(self, drawn: Array, capacity: float, weights: Array | None = None) -> float:
        """$ of a mean year; ``weights`` (years,) of its years, 1 in the mean."""
        paid: Array = self.price * self.billed(drawn, capacity)
        by_year: Array = paid.reshape(self.years, -1).sum(1)
        return float(np.sum(by_year if weights is None else by_year * weights)) / self.years

    def at(self, hours: Ints) -> Demand:
        """The charge on some of the hours."""
        return replace(self, period=self.period[hours])

    def same_peaks(self, other: Demand) -> bool:
        """Whether both measure the same demand."""
        alike = self.mean == other.mean and self.years == other.years
        return alike and np.array_equal(self.period, other.period)

    def same_terms(self, other: Demand) -> bool:
        """Whether both bill what they measure alike."""
        ratchets = self.ratchet == other.ratchet and (
            self.ratchet == 0.0 or np.array_equal(self._in_ratchet, other._in_ratchet)
        )
        return (
            ratchets
            and self.minimum == other.minimum
            and (self.minimum == 0.0 or self.contract == other.contract)
        )

    @property
    def _in_ratchet(self) -> npt.NDArray[np.bool_]:
        return np.ones(self.periods, dtype=bool) if self.ratchet_in is None else self.ratchet_in

"""Swaps: contracts that are settled in money against the price of an hour, whatever is drawn in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Settled", "Swap"]

Array = npt.NDArray[np.float64]

_HOUR, _YEAR, _MONTHS = 3600.0, 8760, 12
_MONTH = np.repeat(np.arange(_MONTHS), np.array((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)) * 24)


@dataclass(frozen=True)
class Settled:
    """What a swap costs in a mean year: ``energy`` (12,) [J] and ``amount`` (12,) [$] by month, negative
    where it pays."""

    line: str
    kind: str
    energy: Array = field(repr=False)
    amount: Array = field(repr=False)

    @property
    def total(self) -> float:
        """$ a year."""
        return float(self.amount.sum())


@dataclass(frozen=True)
class Swap:
    """A price that is paid for the ``index`` of every hour, on a volume.

    Attributes
    ----------
    line, kind : str
        What the bill calls it; ``hedge`` or ``congestion right``.
    price : float
        $/J that is paid.
    index : (H,)
        $/J that is received: the hub's price of the hour, or the basis of the place.
    share, power : float
        Of the load in each hour; or a strip, W in every hour. One of them is 0.
    """

    line: str
    kind: str
    price: float
    index: Array = field(repr=False)
    share: float = 0.0
    power: float = 0.0

    def settled(self, load: Array, *, duty: float = 1.0, weights: Array | None = None) -> Settled:
        """What it costs in a mean year of whole years.

        volume × (price − index), summed over the hours of each month

        Parameters
        ----------
        load : (H,) [W]
            Of the site while it is drawn, before anything gives way.
        duty : float
            Share of the time in which it is drawn; a strip is settled in all of it.
        weights : (years,), optional
            Of each year, 1 in the mean.
        """
        years = len(load) // _YEAR
        volume = (self.share * duty * load + self.power) * _HOUR
        share = (np.ones(years) if weights is None else weights) / years
        at = np.tile(_MONTH, years)
        by_hour = np.repeat(share, _YEAR)
        energy, amount = np.zeros(_MONTHS), np.zeros(_MONTHS)
        np.add.at(energy, at, volume * by_hour)
        np.add.at(amount, at, volume * by_hour * (self.price - self.index))
        return Settled(self.line, self.kind, energy, amount)

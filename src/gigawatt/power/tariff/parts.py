"""A tariff and its parts: what is paid, on what, when.

Kinds of a part:

- ``energy`` : price of energy. The parts of this kind (or one ``hours``) price every hour once, in blocks of
  a month's energy where they have them.
- ``hours`` : the hourly price of the grid passes through.
- ``rider`` : price added to energy, in any hours.
- ``demand`` : price of power, by ``determinant``: ``month``, ``year`` (highest hour of the part's hours in
  the month, in the year), ``month-CP`` (the month's coincident peak), ``4CP``, ``12CP``, ``5CP``, ``triads``
  or a number of hours (mean over the coincident peaks of the year), ``contract`` (contract demand).
- ``fixed`` : by the month, the year or the day.
- ``tax`` : share of all lines before it.
- ``connection`` : paid once for the connection, by its power.
- ``nonfirm`` : what is saved a year by a connection that may be cut in ``off`` hours a year.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gigawatt.core.evidence import Grade

__all__ = ["BY_CONTRACT", "DETERMINANTS", "KINDS", "MONTHLY", "PERIODS", "Part", "Tariff"]

KINDS = ("energy", "hours", "rider", "demand", "fixed", "tax", "connection", "nonfirm")
MONTHLY = ("month", "month-CP")
"""Determinants of which each month has its own."""
BY_CONTRACT = "contract"
DETERMINANTS = (*MONTHLY, "year", BY_CONTRACT, "4CP", "12CP", "5CP", "triads")
PERIODS = {
    "energy": ("kWh", "MWh"),
    "rider": ("kWh", "MWh"),
    "demand": ("kW/month", "kW/year", "MW/day"),
    "fixed": ("month", "year", "day"),
    "connection": ("kW",),
    "nonfirm": ("kW/year",),
}
"""What a price may be by, for each kind; ``$/kW/month`` is a price of the currency ``$``."""


@dataclass(frozen=True)
class Part:
    """One part of a tariff.

    Attributes
    ----------
    line : str
        What the bill calls it.
    kind, determinant : str
        As the module says; ``determinant`` of ``demand`` alone.
    price : float
        In the tariff's currency: by J, by W and month or year, by month or day, by W; of a tax the share.
    per : str
        ``J``, ``month``, ``year``, ``day``, ``once``, or empty.
    months, days, hours : tuple of int
        In which it is paid (months from 0, Monday 0, hours of the day); of demand those that count.
    block : (float, float)
        J of a month's energy between which it is paid.
    ratchet, ratchet_months : float, tuple of int
        Billing demand of a month is at least this share of the highest measured demand of the other months
        of the year that are among ``ratchet_months``.
    minimum : float
        Billing demand is at least this share of the contract demand.
    scale : float
        Obligation over measured demand: reserve and forecast factors of capacity.
    off : float
        Hours a year in which a non-firm connection may be cut.
    """

    line: str
    kind: str
    price: float = 0.0
    per: str = ""
    determinant: str = ""
    months: tuple[int, ...] = tuple(range(12))
    days: tuple[int, ...] = tuple(range(7))
    hours: tuple[int, ...] = tuple(range(24))
    block: tuple[float, float] = (0.0, float("inf"))
    ratchet: float = 0.0
    ratchet_months: tuple[int, ...] = tuple(range(12))
    minimum: float = 0.0
    scale: float = 1.0
    off: float = 0.0
    grade: Grade = Grade.guess
    source_id: str = ""

    @property
    def in_blocks(self) -> bool:
        """Whether it prices only a part of a month's energy."""
        return self.block != (0.0, float("inf"))

    @property
    def charges(self) -> int:
        """How often a year it is paid."""
        return {"month": len(self.months), "day": 365}.get(self.per, 1)


@dataclass(frozen=True)
class Tariff:
    """A tariff: ``currency`` of its prices, of ``year``; ``dollars`` of the plan's currency for one of it.

    ``minimum_power`` [W] from which it is offered, ``term`` [s] for which it binds (0: not known).
    """

    id: str
    name: str
    currency: str
    dollars: float
    parts: tuple[Part, ...] = field(repr=False)
    year: int | None = None
    utility: str = ""
    market: str = ""
    minimum_power: float = 0.0
    term: float = 0.0

    def of(self, *kinds: str) -> tuple[Part, ...]:
        """Its parts of these kinds."""
        return tuple(part for part in self.parts if part.kind in kinds)

    def weight(self, part: Part) -> float:
        """What one unit of money of a part costs with the taxes behind it."""
        factor, behind = 1.0, False
        for one in self.parts:
            if one is part:
                behind = True
            elif behind and one.kind == "tax":
                factor *= 1.0 + one.price
        return factor

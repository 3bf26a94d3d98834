"""The bill of a load: every line of a tariff, month by month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.power.plants.swap import Settled
from gigawatt.power.tariff.clock import MONTH_DAYS, Clock
from gigawatt.power.tariff.parts import BY_CONTRACT, MONTHLY, Part, Tariff
from gigawatt.power.tariff.prices import demand_of

__all__ = ["BASIS", "Bill", "Line", "Metered", "bill", "cents"]

Array = NDArray[np.float64]

_HOUR, _MONTHS = 3600.0, 12
BASIS = ", basis"
"""What is behind the name of a line of hours in that of its basis."""
_DIGITS = 9
"""Decimals in which an amount is exact before it is rounded to cents."""


@dataclass(frozen=True)
class Line:
    """A line of a bill: ``month`` 1 to 12, 0 of the year; ``quantity`` in J or W, months or days, or, of a
    tax, what is taxed; ``amount`` in the tariff's currency."""

    line: str
    kind: str
    month: int
    quantity: float
    amount: float


@dataclass(frozen=True)
class Bill:
    """The lines of a year, and what is paid ``once`` for the connection; amounts in ``tariff.currency``."""

    tariff: Tariff
    lines: tuple[Line, ...]
    once: float = 0.0

    @property
    def total(self) -> float:
        """Of a year, in the tariff's currency."""
        return float(sum(one.amount for one in self.lines))

    @property
    def dollars(self) -> float:
        """Of a year, in $ of the catalog's currency year."""
        return self.total * self.tariff.dollars

    def of_month(self, month: int) -> tuple[Line, ...]:
        """Lines of a month, 1 to 12, as they are printed: amounts in cents, taxes on the printed ones."""
        rates = {part.line: part.price for part in self.tariff.of("tax")}
        printed: list[Line] = []
        for one in (one for one in self.lines if one.month == month):
            exact, quantity = one.amount, one.quantity
            if one.kind == "tax":
                quantity = sum(other.amount for other in printed)
                exact = quantity * rates[one.line]
            printed.append(Line(one.line, one.kind, month, quantity, cents(exact)))
        return tuple(printed)

    def by_line(self) -> dict[str, float]:
        """Amount of the year by line."""
        found: dict[str, float] = {}
        for one in self.lines:
            found[one.line] = found.get(one.line, 0.0) + one.amount
        return found


def cents(amount: float) -> float:
    """An amount rounded to the cent, half a cent up."""
    exact = Decimal(amount).quantize(Decimal(10) ** -_DIGITS, ROUND_HALF_UP)
    return float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def bill(
    load: Array,
    tariff: Tariff,
    clock: Clock,
    *,
    price: Array | None = None,
    contract: float | None = None,
    duty: float = 1.0,
    weights: Array | None = None,
    bought: Array | None = None,
    basis: Array | None = None,
    settled: Sequence[Settled] = (),
) -> Bill:
    """What a load pays in a mean year of its hours.

    Parameters
    ----------
    load : (H,) [W]
        Drawn from the grid in each hour of local standard time, of ``clock.years`` years of 8,760 hours.
    tariff : Tariff
        Its parts; blocks of a month's energy among them.
    clock : Clock
        The calendar, whose days of the week it uses.
    price : (H,) [$/J], optional
        Hourly price of the grid in the catalog's dollars; needed for ``hours`` and coincident peaks.
    contract : float, optional
        Contract demand [W]; default: the highest hour.
    duty : float
        Share of the time in which the load is drawn, at all hours alike.
    weights : (years,), optional
        Weight of each year, 1 in the mean.
    bought : (H,) [W], optional
        What of the load is paid by its energy, where some of it comes through the meter under an agreement of
        its own.
    basis : (H,) [$/J], optional
        What the place pays more than ``price`` in hours that pass through: a line of its own.
    settled : sequence of Settled
        Swaps beside the tariff, after its lines and without its taxes.

    Returns
    -------
    Bill
        A line a part and month (``month`` 0: of the year), in the order of the parts.

    Raises
    ------
    InputError
        A load of another length; a price that is missing or does not tell the peaks.
    """
    if load.shape != (clock.hours,):
        raise InputError(
            "the load is not of whole years",
            key="load",
            given=f"{load.size:,} hours",
            allowed=f"{clock.hours:,} hours",
        )
    contract = float(np.max(load)) if contract is None else contract
    share = (np.ones(clock.years) if weights is None else weights) / clock.years
    meter = _Meter(
        load, load if bought is None else bought, tariff, clock, price, basis, contract, duty, share
    )
    lines: list[Line] = []
    for part in tariff.parts:
        if part.kind == "tax":
            lines.extend(_taxed(part, lines))
        elif part.kind != "connection":
            lines.extend(meter.read(part))
    for swap in settled:
        for month, (joules, amount) in enumerate(zip(swap.energy, swap.amount, strict=True), start=1):
            lines.append(Line(swap.line, swap.kind, month, float(joules), float(amount) / tariff.dollars))
    order = sorted(range(len(lines)), key=lambda k: lines[k].month)
    once = sum(part.price * contract for part in tariff.of("connection"))
    return Bill(tariff, tuple(lines[k] for k in order), once)


@dataclass(frozen=True)
class Metered:
    """How a connection is billed: tariff, calendar, the grid's price [$/J], contract demand [W] (``None``:
    the power of the connection), the basis of the place [$/J], swaps beside the tariff."""

    tariff: Tariff
    clock: Clock
    price: Array = field(repr=False)
    contract: float | None = None
    basis: Array | None = field(default=None, repr=False)
    settled: tuple[Settled, ...] = ()

    def bill(
        self, drawn: Array, bought: Array, capacity: float, *, duty: float = 1.0, weights: Array | None = None
    ) -> Bill:
        """:func:`bill` of what passes a connection of ``capacity`` [W], of which so much is ``bought``."""
        contract = capacity if self.contract is None else self.contract
        return bill(
            drawn, self.tariff, self.clock, price=self.price, contract=contract, duty=duty, weights=weights,
            bought=bought, basis=self.basis, settled=self.settled,
        )  # fmt: skip


def _taxed(part: Part, lines: list[Line]) -> list[Line]:
    found: list[Line] = []
    for month in sorted({one.month for one in lines}):
        base = sum(one.amount for one in lines if one.month == month)
        found.append(Line(part.line, "tax", month, base, base * part.price))
    return found


@dataclass(frozen=True)
class _Meter:
    """A load as a tariff measures it."""

    load: Array
    bought: Array
    tariff: Tariff
    clock: Clock
    price: Array | None
    basis: Array | None
    contract: float
    duty: float
    share: Array  # (years,) of each year in a mean one

    def read(self, part: Part) -> Iterator[Line]:
        """Lines of a part."""
        if part.kind in ("energy", "rider", "hours"):
            yield from self._energy(part)
        elif part.kind == "demand":
            yield from self._demand(part)
        elif part.kind == "nonfirm":
            yield Line(part.line, part.kind, 0, self.contract, -part.price * self.contract)
        elif part.per == "year":
            yield Line(part.line, part.kind, 0, 1.0, part.price)
        else:
            for month in part.months:
                count = float(MONTH_DAYS[month]) if part.per == "day" else 1.0
                yield Line(part.line, part.kind, month + 1, count, count * part.price)

    def _energy(self, part: Part) -> Iterator[Line]:
        there = self.clock.within(part.months, part.days, part.hours)
        energy = self._by_month(self.bought * there)
        for month in part.months:
            if part.kind == "hours":
                yield from self._hours(part, there, month, self._mean(energy[:, month]))
                continue
            low, high = part.block
            quantity = np.clip(energy[:, month], low, high) - low
            amount = quantity * part.price
            yield Line(part.line, part.kind, month + 1, self._mean(quantity), self._mean(amount))

    def _hours(self, part: Part, there: NDArray[np.bool_], month: int, joules: float) -> Iterator[Line]:
        """What passes through in a month: at the hub, and the basis of the place."""
        if self.price is None:
            raise InputError("the hourly price of the grid is needed", key="price", given=self.tariff.id)
        passed = [(part.line, part.kind, self.price)]
        if self.basis is not None:
            passed.append((f"{part.line}{BASIS}", "basis", self.basis))
        for line, kind, price in passed:
            amount = self._by_month(self.bought * there * price)[:, month] / self.tariff.dollars
            yield Line(line, kind, month + 1, joules, self._mean(amount))

    def _demand(self, part: Part) -> Iterator[Line]:
        charge = demand_of(part, self.tariff, self.clock, self.price, self.contract)
        billed = charge.billed(self.load, self.contract).reshape(self.clock.years, -1)
        worth = charge.price.reshape(self.clock.years, -1) / (self.tariff.dollars * self.tariff.weight(part))
        if part.determinant not in (*MONTHLY, BY_CONTRACT):
            yield Line(part.line, part.kind, 0, self._mean(billed[:, 0]), self._mean((billed * worth)[:, 0]))
            return
        for month in part.months:
            amount = self._mean(billed[:, month] * worth[:, month])
            yield Line(part.line, part.kind, month + 1, self._mean(billed[:, month]), amount)

    def _by_month(self, power: Array) -> Array:
        """(years, 12) J of each month."""
        at = (
            np.repeat(np.arange(self.clock.years), len(power) // self.clock.years) * _MONTHS
            + self.clock.month
        )
        sums = np.zeros(self.clock.years * _MONTHS)
        np.add.at(sums, at, power)
        return sums.reshape(self.clock.years, _MONTHS) * (_HOUR * self.duty)

    def _mean(self, by_year: Array) -> float:
        return float(self.share @ by_year)

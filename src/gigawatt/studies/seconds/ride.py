"""What a campus does in the dips of a grid code's curve and in an event, and the smallest mend."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from gigawatt.power.seconds import (
    Case,
    Mend,
    Prices,
    Ridden,
    bought,
    exceeded,
    judge,
    list_stores,
    load_store,
    mend,
    ride,
)
from gigawatt.studies.seconds.question import SecondsQuestion

__all__ = ["PricedMend", "RideAnswer", "holding", "ride_through"]


@dataclass(frozen=True)
class PricedMend:
    """A change of the load; ``store`` that holds it through dips (empty: settings alone), its ``power`` [W],
    ``energy`` [J] and ``cost`` [$/year]; ``ridden``: the event with it, where one is asked about."""

    mend: Mend
    store: str
    power: float
    energy: float
    cost: float
    ridden: Ridden | None


@dataclass(frozen=True)
class RideAnswer:
    """The demands of the code, changes of the load up to the first that breaks none, and the event.

    ``load`` [W] of all figures; ``ridden`` is the event with the load as it is, ``passed`` [s] when the event
    leaves the code's curve (``inf``: never, it has to be ridden through).
    """

    load: float
    cases: tuple[Case, ...]
    mends: tuple[PricedMend, ...]
    ridden: Ridden | None
    passed: float

    @property
    def broken(self) -> tuple[Case, ...]:
        """Demands that are not met as the load is."""
        return tuple(case for case in self.cases if case.broken)

    @property
    def best(self) -> PricedMend | None:
        """The smallest change that breaks no demand; ``None`` where none does, or none is needed."""
        last = self.mends[-1]
        return last if len(self.mends) > 1 and not last.mend.left else None


def ride_through(question: SecondsQuestion, *, priced: Callable[[str], Prices]) -> RideAnswer:
    """Demands, mends and event of a question, for the load at its peak.

    Parameters
    ----------
    question : SecondsQuestion
        With its code, protection and event.
    priced : callable
        Row of ``dynamics_stores`` → its prices.
    """
    q, peak = question, float(question.load.max())
    level, volts = q.code.recovery_level, q.code.recovery_voltage

    def through(one: Mend) -> Ridden | None:
        return None if q.event is None else ride(q.event, load=one.load, level=level, voltage=volts)

    found: list[PricedMend] = []
    for one in mend(q.code, q.protection):
        store, energy, cost = "", 0.0, 0.0
        if one.hold > 0.0:
            store, energy, cost = holding(peak, one.hold, q.accelerators, priced)
        found.append(PricedMend(one, store, peak if store else 0.0, energy, cost, through(one)))
    return RideAnswer(
        load=peak,
        cases=judge(q.code, q.protection),
        mends=tuple(found),
        ridden=found[0].ridden,
        passed=math.inf if q.event is None else exceeded(q.event, q.code.voltage),
    )


def holding(
    power: float, seconds: float, accelerators: float, priced: Callable[[str], Prices]
) -> tuple[str, float, float]:
    """(store, J, $ a year) of the cheapest store that gives ``power`` [W] for ``seconds``."""
    found: list[tuple[float, str, float]] = []
    for name in list_stores():
        basis = load_store(name, accelerators=accelerators)
        joules = power * seconds / basis.discharge_efficiency
        if joules <= basis.energy:
            cost = priced(name).yearly(power=power, energy=joules, burnt=0.0, seconds=1.0)
            found.append((cost, name, bought(name, power=power, energy=joules)))
    cost, name, joules = min(found)
    return name, joules, cost

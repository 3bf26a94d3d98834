"""Power swings of a campus: a training step of the model, or a trace, through stores to grid or island."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gigawatt import catalog
from gigawatt.core.errors import InfeasibleError
from gigawatt.money import capital_recovery_factor
from gigawatt.power.seconds import (
    Bound,
    Carried,
    Frontier,
    Measures,
    Prices,
    Sized,
    UnitLoss,
    carry_seconds,
    frontier,
    least_store,
    list_stores,
    load_store,
    lose_unit,
    measure,
    smallest_store,
    store_prices,
)
from gigawatt.studies.seconds.flexibility import Flexibility, flexibility
from gigawatt.studies.seconds.flexible import FlexibleQuestion
from gigawatt.studies.seconds.question import SecondsQuestion
from gigawatt.studies.seconds.remedies import Remedy, remedies
from gigawatt.studies.seconds.ride import RideAnswer, ride_through

__all__ = ["FLOORS", "SecondsAnswer", "StoreOffer", "plan_seconds"]

FLOORS = (0.0, 0.25, 0.5, 0.7, 0.8, 0.9)
"""Software power floors, as shares of the peak."""
_NOISE = 0.05
"""What a trace at rest may rise above its least power without being at work; a run's rest is known."""


@dataclass(frozen=True)
class StoreOffer:
    """A candidate store: ``sized`` with its ``cost`` [$/year], or the reason against it (``refused``)."""

    store: str
    sized: Sized | None
    cost: float
    refused: str = ""


@dataclass(frozen=True)
class SecondsAnswer:
    """Measures of the load, the limits it exceeds (measure over limit), and the remedies.

    ``frontier`` is of floors alone, ``slow`` of floors with a start and a stop held to the ramps by software.
    ``remedies`` are all ways to the limits, the cheapest first; ``ride`` is ``None`` on an island without an
    event, ``loss`` of the largest unit ``None`` without an island, ``flexibility`` without a call.
    """

    question: SecondsQuestion
    measures: Measures
    excess: Mapping[str, float]
    offers: tuple[StoreOffer, ...]
    frontier: Frontier | None
    slow: Frontier | None
    frontier_store: str
    bound: Bound | None
    carried: Carried | None
    remedies: tuple[Remedy, ...]
    ride: RideAnswer | None
    loss: UnitLoss | None
    cpu_seconds: float
    notices: tuple[str, ...]
    flexibility: Flexibility | None = None


def plan_seconds(
    question: SecondsQuestion,
    progress: Callable[[str, float], None] | None = None,
    flexible: FlexibleQuestion | None = None,
) -> SecondsAnswer:
    """The measures of the load, every store and floor, and the verdict on the plants where some are given.

    Parameters
    ----------
    question : SecondsQuestion
        The load, and its limits.
    progress : callable, optional
        Called with (what is done, share done).
    flexible : FlexibleQuestion, optional
        A call of the utility, and who may answer it.

    Raises
    ------
    InputError, InfeasibleError
        Plants that cannot carry the load at all.
    """
    q, started = question, time.process_time()
    say = progress or (lambda text, share: None)
    say("Measuring", 0.0)

    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=q.rate, life=life))

    def priced(store: str) -> Prices:
        return store_prices(store, electricity=q.electricity, capital_recovery=recovery)

    notices = list(q.notices)
    found = measure(q.load, step=q.step, limits=q.limits)
    excess = found.excess(q.limits)
    mended = _mended(q, priced, say, notices) if excess else _Mended()
    verdict: Carried | None = None
    loss: UnitLoss | None = None
    if q.plants:
        say("Checking the plants", 0.8)
        verdict = carry_seconds(
            q.load, step=q.step, plants=q.plants, limits=q.limits, electricity=q.electricity,
            capital_recovery=recovery, short_circuit_ratio=q.short_circuit_ratio,
        )  # fmt: skip
        notices += verdict.notices
        if verdict.island:
            loss = _loss(q, notices)
    ride: RideAnswer | None = None
    if q.event is not None or verdict is None or not verdict.island:
        say("Riding through dips", 0.9)
        ride = ride_through(q, priced=priced)
        if ride.load < q.code.least_load:
            notices.append(
                f"{q.code.id} applies from {q.code.least_load / 1e6:g} MW on; this load has "
                f"{ride.load / 1e6:.3g} MW"
            )
    answered: Flexibility | None = None
    if flexible is not None:
        answered = flexibility(flexible, priced=priced, say=lambda text: say(text, 0.95))
    return SecondsAnswer(
        question=q,
        measures=found,
        excess=excess,
        offers=mended.offers,
        frontier=mended.floors,
        slow=mended.slow_floors,
        frontier_store=mended.store,
        bound=mended.bound,
        carried=verdict,
        remedies=mended.remedies,
        ride=ride,
        loss=loss,
        cpu_seconds=time.process_time() - started,
        notices=tuple(notices),
        flexibility=answered,
    )


class _Mended(NamedTuple):
    """What brings a load within its limits: each store alone, power floors beside the best, all compared."""

    offers: tuple[StoreOffer, ...] = ()
    store: str = ""
    floors: Frontier | None = None
    slow_floors: Frontier | None = None
    bound: Bound | None = None
    remedies: tuple[Remedy, ...] = ()


def _mended(
    q: SecondsQuestion,
    priced: Callable[[str], Prices],
    say: Callable[[str, float], None],
    notices: list[str],
) -> _Mended:
    offers = _offers(q, priced, say)
    able = [one for one in offers if one.sized is not None]
    best = min(able, key=lambda one: one.cost).store if able else list_stores()[-1]
    curves: tuple[Frontier | None, Frontier | None] = (None, None)
    bound: Bound | None = None
    try:
        say("Software power floors", 0.5)
        curves = (_floors(q, priced(best), best, slow=False), _floors(q, priced(best), best, slow=True))
        row = catalog.entity("dynamics_load", "training")
        bound = least_store(
            q.load, step=q.step, limits=q.limits, prices=priced(best),
            store=load_store(best, accelerators=q.accelerators),
            floor=row.value("floor_most") * float(q.load.max()),
        )  # fmt: skip
    except InfeasibleError as error:
        notices.append(str(error))
    say("Comparing remedies", 0.7)
    stores = {one.store: one.sized for one in offers}
    found = remedies(q, stores=stores, curves=curves, best=best, priced=priced, awake=_awake(q))
    return _Mended(tuple(offers), best, *curves, bound, found)


def _awake(q: SecondsQuestion) -> float:
    """W from which on the load is at work."""
    rest = q.idle * (1.0 + (1e-3 if q.segments else _NOISE))
    return min(rest, float(q.load.max()))


def _offers(
    q: SecondsQuestion, priced: Callable[[str], Prices], say: Callable[[str, float], None]
) -> list[StoreOffer]:
    """Every store of the catalog at its smallest size, or why it cannot be."""
    found: list[StoreOffer] = []
    for number, name in enumerate(list_stores()):
        say(f"Sizing the store {name}", 0.05 + 0.45 * number / len(list_stores()))
        basis = load_store(name, accelerators=q.accelerators)
        try:
            sized = smallest_store(q.load, step=q.step, limits=q.limits, store=basis)
        except InfeasibleError as error:
            found.append(StoreOffer(name, None, math.inf, str(error)))
            continue
        cost = priced(name).yearly(
            power=sized.store.power, energy=sized.store.energy, burnt=sized.passed.losses,
            seconds=len(q.load) * q.step,
        )  # fmt: skip
        found.append(StoreOffer(name, sized, cost))
    return found


def _floors(q: SecondsQuestion, prices: Prices, store: str, *, slow: bool) -> Frontier:
    """Floors from none to the highest, each with the smallest store beside it."""
    row, peak = catalog.entity("dynamics_load", "training"), float(q.load.max())
    most = row.value("floor_most") * peak
    return frontier(
        q.load, step=q.step, limits=q.limits, prices=prices,
        floors=[share * peak for share in FLOORS if share * peak <= most],
        store=load_store(store, accelerators=q.accelerators),
        hold=row.value("hold"), awake=_awake(q), slow=slow,
    )  # fmt: skip


def _loss(q: SecondsQuestion, notices: list[str]) -> UnitLoss | None:
    """The loss of the island's largest unit at the load's peak."""
    peak = float(q.load.max())
    firm = sum(watts for name, watts in q.plants.items() if not name.startswith("battery") and watts > 0.0)
    if peak > firm > 0.0:
        notices.append("the loss of a unit is not judged: what turns cannot give the peak as it is")
        return None
    found = lose_unit(load=peak, plants=q.plants)
    if found is not None and found.short > 0.0:
        notices.append(
            f"without its largest unit the island lacks {found.short / 1e6:.4g} MW: a store gives them for a "
            "time, another unit (N+1) for good"
        )
    return found

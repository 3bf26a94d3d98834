"""Plans that cost almost the same as the cheapest, and the prices at which the cheapest becomes another.

A capacity plan is a linear programme: least cost as a function of one plant's capacity is convex. Its ends
within a share of the optimum are found by pricing that capacity up or down until the cost has risen by the
share; between two optima of one price every mixture is a plan too, so that what is said is attained. Ends
and prices are sought on some days of the year (three of every 21), what the cheapest plan without a plant
costs on all of it.

References
----------
DeCarolis (2011), Using modeling to generate alternatives, Energy Economics 33, 145-152. Neumann & Brown
(2021), The near-optimal feasible space of a renewable power system model, Electr. Power Syst. Res. 190,
106690.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plan.plan import solve_problem
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.result import SupplyPlan
from gigawatt.power.plants.plant import Plant

__all__ = [
    "CARBON_PRICE",
    "GRID_PRICE",
    "MOVED",
    "STORES",
    "Flip",
    "Neighbours",
    "Reach",
    "Without",
    "flips_of",
    "neighbours_of",
    "shares_of",
]

Progress = Callable[[str, float], None]

MOVED = 0.25
"""Share of the energy that comes from other plants where an answer has become another."""
_STEPS = 4
"""Prices of a capacity that are tried between the ends."""
_CLOSE = 0.02
"""Capacities and prices closer than this share of each other are not told apart."""
_FACTOR, _DEAR = 4.0, 4.0
"""A price is followed from a quarter of itself to four times."""
_CARBON = 0.5
"""$/kg of carbon up to which its price is followed."""
HOUR = 3600.0
_DUST, _ROUNDING, _FINE = 1e-3, 1e-5, 1e-2
GRID_PRICE, STORES, CARBON_PRICE = "grid price", "stores", "carbon price"
"""What a flip is of, beside the ids of fuels."""


@dataclass(frozen=True)
class Reach:
    """Least and most W of a plant among plans that cost at most the share more; ``size``: the cheapest's."""

    plant: str
    size: float
    least: float
    most: float


@dataclass(frozen=True)
class Without:
    """The cheapest plan without a plant: how much more it costs as a share, and who gives the energy.

    ``more`` is infinite, and ``shares`` empty, where limits allow no such plan.
    """

    plant: str
    more: float
    shares: Mapping[str, float]


@dataclass(frozen=True)
class Flip:
    """A price at which another plan is the cheapest.

    ``what``: ``grid price``, ``carbon price``, ``stores`` or the id of a fuel; ``now`` in $/J of electricity
    (fuels: of the built plant that burns most of it; grid: mean of the hours), $/kg, or 1 for stores; ``at``
    the nearest value, below and above, at which :data:`MOVED` of the energy comes from other plants, and the
    shares there; ``None`` where that is not between a quarter of ``now`` and four times.
    """

    what: str
    now: float
    below: tuple[float, Mapping[str, float]] | None
    above: tuple[float, Mapping[str, float]] | None


@dataclass(frozen=True)
class Neighbours:
    """``within``: share of the cost; ``shares``: of the energy in the cheapest plan, sizes not rounded."""

    within: float
    shares: Mapping[str, float]
    reaches: tuple[Reach, ...]
    without: tuple[Without, ...]
    flips: tuple[Flip, ...]


def shares_of(plan: SupplyPlan) -> dict[str, float]:
    """Share of the energy served by plant, what stores take in taken off them."""
    given, taken = plan.energy("dispatch"), plan.energy("charge")
    served = plan.energy_served
    return {name: (given[name] - taken[name]) / served if served > 0.0 else 0.0 for name in given}


def neighbours_of(problem: Problem, within: float, progress: Progress | None = None) -> Neighbours:
    """What stands near the cheapest plan of ``problem``, in capacities of any size.

    Parameters
    ----------
    problem : Problem
        The plan's question.
    within : float
        Share of the cost of the cheapest plan, above 0.
    progress : callable, optional
        Called with (what is looked at, share done).

    Raises
    ------
    InfeasibleError
        No plan meets the limits.
    """
    whole, days = solve_problem(problem), problem.sample() or problem
    best = solve_problem(days)
    free = [plant for plant in problem.plants if plant.minimum < plant.maximum]
    prices = list(_prices(days, best))
    parts = len(free) + len(prices)
    reaches: list[Reach] = []
    without: list[Without] = []
    for k, plant in enumerate(free):
        if progress is not None:
            progress(f"Near-optimal plans: {plant.name}", k / parts)
        here = next(one for one in days.plants if one.id == plant.id)
        limit, size = best.objective * (1.0 + within), _point(best, here, 0.0).size
        least, most = _least(days, best, here, limit), _most(days, best, here, limit)
        reaches.append(Reach(plant.id, size, least, most))
        if whole.capacity[plant.id] > _DUST * float(whole.load.max()):
            without.append(_without(problem, whole, plant))
    flips: list[Flip] = []
    for k, (what, now, at) in enumerate(prices):
        if progress is not None:
            progress(f"Prices at which the plan turns: {what}", (len(free) + k) / parts)
        flips.append(_flip(what, now, at, best))
    return Neighbours(within, shares_of(whole), tuple(reaches), tuple(without), tuple(flips))


def flips_of(problem: Problem) -> tuple[Flip, ...]:
    """The prices at which the cheapest plan becomes another, as :func:`neighbours_of` has them.

    Raises
    ------
    InfeasibleError
        No plan meets the limits.
    """
    days = problem.sample() or problem
    best = solve_problem(days)
    return tuple(_flip(what, now, at, best) for what, now, at in _prices(days, best))


@dataclass(frozen=True)
class _Point:
    """W of the plant, the plan's cost, and what is priced: the same W, or J of a connection."""

    size: float
    cost: float
    amount: float


def _with(problem: Problem, plant: Plant) -> Problem:
    return replace(problem, plants=tuple(plant if one.id == plant.id else one for one in problem.plants))


def _point(found: SupplyPlan, plant: Plant, cost: float) -> _Point:
    if plant.kind == "grid":
        most = float(found.dispatch[:, found.names.index(plant.id)].max())
        return _Point(most, cost, found.energy()[plant.id])
    size = found.capacity[plant.id]
    return _Point(size, cost, size * found.hours / HOURS_PER_YEAR)


def _at(problem: Problem, plant: Plant, price: float) -> _Point:
    """The cheapest plan where each W, or J, of the plant costs ``price`` [$/W/yr, $/J] more.

    The cost is without what is added. What a connection costs is mostly its energy, whose price falls to 0 at
    most.
    """
    count = len(problem.watts)
    if plant.kind != "grid":
        other, added = replace(plant, capital=plant.capital + price), np.zeros(count)
    else:
        fuel = plant.hourly("fuel", count)
        other = replace(plant, fuel=np.maximum(fuel + price, np.minimum(fuel, 0.0)))
        added = other.hourly("fuel", count) - fuel
    found = solve_problem(_with(problem, other), rough=True)
    made = found.dispatch[:, found.names.index(plant.id)]
    cost = found.objective - float(found.hour_weight @ (made * added)) * HOUR * found.weight
    if plant.kind != "grid":
        cost -= price * found.capacity[plant.id] * found.hours / HOURS_PER_YEAR
    return _point(found, plant, cost)


def _lever(plant: Plant) -> float:
    """What may be taken off its price: capital [$/W/yr], of a connection its dearest joule [$/J]."""
    return float(np.max(plant.fuel)) if plant.kind == "grid" else plant.capital


def _along(problem: Problem, plant: Plant, near: _Point, far: _Point, limit: float) -> float:
    """W between ``near``, cheaper than ``limit``, and ``far``, dearer, at which the cost is ``limit``.

    The price that makes both ends cost the same finds the plan furthest below the line between them.
    """
    for _ in range(_STEPS):
        slope = (far.cost - near.cost) / (far.amount - near.amount)
        found = _at(problem, plant, -slope)
        line = near.cost + slope * (found.amount - near.amount)
        inside = min(near.amount, far.amount) < found.amount < max(near.amount, far.amount)
        if not inside or line - found.cost <= _ROUNDING * near.cost:
            break
        near, far = (found, far) if found.cost <= limit else (near, found)
        if abs(far.amount - near.amount) <= _CLOSE * max(far.amount, near.amount):
            break
    return near.size + (far.size - near.size) * (limit - near.cost) / (far.cost - near.cost)


def _most(problem: Problem, best: SupplyPlan, plant: Plant, limit: float) -> float:
    """Most W of the plant among plans that cost at most ``limit``: that of a free one where it fits."""
    near = _point(best, plant, best.objective)
    far = _at(problem, plant, -_lever(plant))
    if far.cost <= limit or far.amount <= near.amount:
        return max(far.size, near.size)
    return _along(problem, plant, near, far, limit)


def _least(problem: Problem, best: SupplyPlan, plant: Plant, limit: float) -> float:
    """Least W of the plant among plans that cost at most ``limit``."""
    near = _point(best, plant, best.objective)
    if near.size <= _DUST * float(best.load.max()):
        return 0.0
    try:
        found = solve_problem(_with(problem, replace(plant, maximum=plant.minimum)))
        far = _point(found, plant, found.objective)
    except InfeasibleError:  # a limit needs some of it: as little as where it is several times as dear
        far = _at(problem, plant, _DEAR * _lever(plant))
    if far.amount >= near.amount:
        return near.size
    return far.size if far.cost <= limit else _along(problem, plant, near, far, limit)


def _without(problem: Problem, whole: SupplyPlan, plant: Plant) -> Without:
    """What is cheapest without a plant, or with what there must be of it."""
    try:
        found = solve_problem(_with(problem, replace(plant, maximum=plant.minimum)))
    except InfeasibleError:
        return Without(plant.id, math.inf, {})
    return Without(plant.id, found.objective / whole.objective - 1.0, shares_of(found))


_Priced = tuple[str, float, Callable[[float], Problem]]


def _prices(problem: Problem, best: SupplyPlan) -> Iterator[_Priced]:
    """(what, its value, the question at another value) of each price that the plants of a plan depend on."""
    load = float(best.load.max())
    burnt = best.energy()
    fuels = dict.fromkeys(plant.burns for plant in problem.plants if plant.burns)
    for fuel in fuels:
        first = max((p for p in problem.plants if p.burns == fuel), key=lambda p: burnt[p.id])
        now = float(np.mean(first.fuel))
        if now > 0.0:
            yield fuel, now, _scaling(problem, now, lambda p, f=fuel: p.burns == f, _fuel_times)
    for grid in problem.plants:
        now = float(np.mean(grid.fuel))
        if grid.kind == "grid" and now > 0.0:
            yield GRID_PRICE, now, _scaling(problem, now, lambda p, g=grid.id: p.id == g, _fuel_times)
    if any(p.storage for p in problem.plants):
        yield STORES, 1.0, _scaling(problem, 1.0, lambda p: p.storage is not None, _capital_times)
    if any(float(np.max(p.carbon)) > 0.0 and best.capacity[p.id] > _DUST * load for p in problem.plants):
        yield CARBON_PRICE, problem.carbon_price, lambda value: replace(problem, carbon_price=value)


def _scaling(
    problem: Problem, now: float, which: Callable[[Plant], bool], change: Callable[[Plant, float], Plant]
) -> Callable[[float], Problem]:
    def at(value: float) -> Problem:
        plants = tuple(change(one, value / now) if which(one) else one for one in problem.plants)
        return replace(problem, plants=plants)

    return at


def _fuel_times(plant: Plant, factor: float) -> Plant:
    return replace(
        plant, fuel=np.multiply(plant.fuel, factor) if np.ndim(plant.fuel) else plant.fuel * factor
    )


def _capital_times(plant: Plant, factor: float) -> Plant:
    store = plant.storage
    assert store is not None
    store = replace(store, energy_capital=store.energy_capital * factor)
    return replace(plant, capital=plant.capital * factor, storage=store)


def _flip(what: str, now: float, at: Callable[[float], Problem], best: SupplyPlan) -> Flip:
    base = shares_of(best)

    def shares(value: float) -> Mapping[str, float] | None:
        """Who gives the energy at a price; ``None`` while that is about who gives it now."""
        found = shares_of(solve_problem(at(value), rough=True))
        return found if sum(abs(found[name] - base[name]) for name in base) / 2.0 >= MOVED else None

    top = max(_FACTOR * now, _CARBON) if what == CARBON_PRICE else _FACTOR * now
    bottom = 0.0 if what == CARBON_PRICE else now / _FACTOR
    return Flip(
        what, now,
        _turning(shares, now, bottom, top - bottom) if bottom < now else None,
        _turning(shares, now, top, top - bottom),
    )  # fmt: skip


def _turning(
    shares: Callable[[float], Mapping[str, float] | None], now: float, end: float, span: float
) -> tuple[float, Mapping[str, float]] | None:
    """The value nearest to ``now``, on the way to ``end``, at which the answer is another, by halving."""
    there = shares(end)
    if there is None:
        return None
    same, other = now, end
    while abs(other - same) > _CLOSE * max(abs(same), abs(other)) and abs(other - same) > _FINE * span:
        middle = math.sqrt(same * other) if same > 0.0 and other > 0.0 else (same + other) / 2.0
        found = shares(middle)
        if found is None:
            same = middle
        else:
            other, there = middle, found
    return other, there

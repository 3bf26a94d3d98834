"""Limits that cannot be met: which, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.core.quantities import compact
from gigawatt.power.formulation import CARBON_PER_ENERGY, HOUR
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.programme import Programme
from gigawatt.power.plan.recover import Hours, recover
from gigawatt.power.plan.words import carbon_shadow_price, grams
from gigawatt.power.solve import Solution, interior_point, solve

__all__ = [
    "NOTICED",
    "carbon_starves",
    "check_carbon",
    "check_shortage",
    "explain_infeasible",
    "lacking_share",
    "matching_starves",
    "shortage_notice",
]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Energy not served below this share of the load is not worth a word.
NOTICED = 1e-6
#: How much a joule not served outweighs all money when the least possible of it is sought.
_OUTWEIGHS = 1e6


def lacking_share(programme: Programme, found: Hours) -> float:
    """Share of the load's energy that is not served."""
    w = programme.weight
    lacking = float(w @ found.not_served)
    return lacking / float(w @ programme.load)


def _first(weight: Array, programme: Programme) -> Array:
    """A cost in which ``weight`` counts first and money only decides between equals."""
    scale = float(np.max(np.abs(programme.cost))) or 1.0
    return weight + programme.cost / (scale * _OUTWEIGHS)


def shed_cost(programme: Programme) -> Array:
    """A cost of 1 on each unit of energy not served."""
    cost = np.zeros_like(programme.cost)
    cost[programme.shed : programme.shed + programme.hours] = programme.weight
    return cost


def carbon_starves(programme: Programme, solution: Solution, not_served_price: float) -> bool:
    """Whether load may be shed for the carbon limit's sake.

    Then the joule shed last saves its price by the carbon it avoids, at most that of the dirtiest plant;
    a shadow price far below this ratio rules it out and spares a second programme.
    """
    dirtiest = float(np.max(programme.carbon)) * CARBON_PER_ENERGY
    return 2.0 * carbon_shadow_price(programme, solution.z) * dirtiest > not_served_price


def check_carbon(asked: Problem, limit: float, solver: str, *, early: bool = False) -> None:
    """Raise where no supply of these plants reaches the carbon limit, however dear.

    The least excess over the limit is sought while all load is served, or as much of it as can be; ``early``
    leaves it at the first, for a check before the plan is known.
    """
    p = asked.programme(not_served_share=0.0)
    if p.carbon_row is None:
        return
    found = _least_slacks(p, [np.array([p.carbon_row])], solver)
    if found is None and not early:
        most = asked.programme(carbon_limit=None)
        solution = _solved(most.A, most.b, _first(shed_cost(most), most), most.equalities, solver)
        share = float(most.weight @ np.maximum(solution.x[most.shed : most.shed + most.hours], 0.0))
        share /= float(most.weight @ most.load) / most.power_unit
        p = asked.programme(not_served_share=min(share * (1.0 + NOTICED) + NOTICED * NOTICED, 1.0))
        found = _least_slacks(p, [np.array([p.carbon_row])], solver)
    if found is None:
        return
    hours = recover(p, found.x, found.z)
    served = float(p.weight @ (p.load - hours.not_served - hours.cut)) / p.power_unit
    if served <= 0.0:
        return
    excess = float(found.x[-1]) / served * CARBON_PER_ENERGY
    if excess > 1e-4 * limit + 1e-6 * CARBON_PER_ENERGY:
        raise InfeasibleError(
            f"the carbon limit of {grams(limit)} cannot be met with these plants: the least they "
            f"reach is {grams(limit + excess)}, {grams(excess)} too much",
            key="carbon_limit",
            allowed="raise the limit, or the limits of the clean plants, or add one",
        )


def check_shortage(programme: Programme, solver: str, limit: float, cause: str) -> None:
    """Raise where the plants cannot carry the load, whatever is paid."""
    p = programme
    solution = _solved(p.A, p.b, _first(shed_cost(p), p), p.equalities, solver)
    found = recover(programme, solution.x, solution.z)
    share = lacking_share(programme, found)
    if share > limit + NOTICED:
        lacking = float(np.sum(found.not_served)) * HOUR
        when = found.not_served > NOTICED * programme.power_unit
        raise InfeasibleError(
            f"the plants cannot carry the load{cause}: at least {compact(lacking / HOUR, 'Wh')} in "
            f"{int(np.sum(when)):,} h are lacking, up to {compact(float(np.max(found.not_served)), 'W')}; "
            f"that is {share * 100:.3g} % of the energy",
            key="not_served_limit",
            given=f"{limit:g}",
            allowed="raise the limits of capacity, or allow more energy not served",
        )


def _least_slacks(p: Programme, rows: Sequence[Ints], solver: str) -> Solution | None:
    """The least sum of slacks, one for each set of rows, that makes the programme feasible.

    They are the last numbers of ``x``. Nothing else counts, so that an interior point ends early. ``None``
    where they do not make it feasible.
    """
    sparse: Any = import_module("scipy.sparse")
    n = len(rows)
    columns = np.concatenate([np.full(len(one), k) for k, one in enumerate(rows)])
    at = np.concatenate(list(rows))
    slacks = sparse.csc_matrix((np.full(len(at), -1.0), (at, columns)), shape=(len(p.b), n))
    signs = sparse.hstack([sparse.csc_matrix((n, p.A.shape[1])), sparse.csc_matrix(-np.eye(n))])
    A = sparse.csc_matrix(sparse.vstack([sparse.hstack([p.A, slacks]), signs]))
    cost = np.concatenate([np.zeros(len(p.cost)), np.ones(n)])
    try:
        return _solved(A, np.concatenate([p.b, np.zeros(n)]), cost, p.equalities, solver)
    except GigawattError:
        return None


def _solved(A: Any, b: Array, cost: Array, equalities: int, solver: str) -> Solution:
    """:func:`gigawatt.power.solve.solve` that does not try the second solver on what has no solution."""
    if solver != "highs":
        found = interior_point(A=A, b=b, cost=cost, equalities=equalities, tell=True)
        if found is not None:
            return found
    return solve(A=A, b=b, cost=cost, equalities=equalities, solver="highs")


def explain_infeasible(programme: Programme) -> None:
    """Raise where limits contradict what must be built or run: which limit, and by how much at least.

    Each kind of limit is given one slack, and the least sum of slacks sought. Returns where none is needed:
    then it is not the limits.
    """
    p = programme
    hourly = np.arange(p.hours)
    groups: dict[str, tuple[npt.NDArray[np.int64], str, float]] = {}
    served = float(p.weight @ p.load) / p.power_unit
    if p.carbon_row is not None:
        grams_each = CARBON_PER_ENERGY / served
        groups["carbon_limit"] = (np.array([p.carbon_row]), "the carbon limit", grams_each)
    if p.matching_row is not None:
        groups["matching"] = (p.matching_row + hourly, "the hourly matching", p.power_unit)
    if p.surplus_row is not None:
        groups["plants"] = (
            p.surplus_row + hourly,
            "the load (what is bought at negative prices may not be thrown away)",
            p.power_unit,
        )
    for i, rows in p.ramp_rows.items():
        groups[f"{p.plants[i].id}.ramp"] = (rows, f"the ramp limit of {p.plants[i].name}", p.power_unit)
    for i, row in p.largest_row.items():
        if i in p.energy or p.plants[i].minimum > 0.0:
            groups[f"{p.plants[i].id}.maximum"] = (
                np.array([row]),
                f"the size of {p.plants[i].name}",
                p.power_unit,
            )
    if not groups:
        return
    names = list(groups)
    n = len(names)
    found = _least_slacks(p, [groups[name][0] for name in names], "clarabel")
    if found is None:
        return
    amounts = found.x[-n:]
    k = int(np.argmax(amounts))
    if amounts[k] <= NOTICED:
        return
    name = names[k]
    _, words, unit = groups[name]
    by = float(amounts[k]) * unit
    much = grams(by) if name == "carbon_limit" else compact(by, "W")
    raise InfeasibleError(
        f"{words} cannot be kept with what must be built and run: at least {much} too much",
        key=name,
        allowed="a looser limit, or smaller least capacities, least loads or fixed sizes",
    )


def shortage_notice(programme: Programme, found: Hours, weight: float, price: float, cause: str) -> str:
    """How much is not served, at what price it would be."""
    lacking = float(programme.weight @ found.not_served) * weight
    count = round(float(programme.weight @ (found.not_served > 0.0)) * weight)
    most, share = compact(float(np.max(found.not_served)), "W"), lacking_share(programme, found) * 100
    return (
        f"{compact(lacking, 'Wh')} ({share:.3g} % of the energy) are not served in {count:,} h, "
        f"at most {most}: at ${price * HOUR * 1e6:,.0f}/MWh this is cheaper than more capacity, or capacity "
        f"is at its limit{cause}"
    )


def matching_starves(programme: Programme, solution: Solution) -> bool:
    """Whether load is shed for the hourly matching's sake: its row is worth something where load lacks."""
    if programme.matching_row is None:
        return False
    rows = slice(programme.matching_row, programme.matching_row + programme.hours)
    lacks = solution.x[programme.shed : programme.shed + programme.hours] > NOTICED
    return bool(np.any(lacks & (solution.z[rows] > NOTICED * np.max(programme.cost))))

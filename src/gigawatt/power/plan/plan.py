"""The capacity plan: which plants, how large, and what they do in every hour, at least cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_word
from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.power.flexible import Flexible
from gigawatt.power.plan.kept_optima import kept_optima
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.programme import Programme
from gigawatt.power.plan.recover import recover
from gigawatt.power.plan.reduce import Guess, guess_by, guess_from, solve_reduced
from gigawatt.power.plan.refuse import (
    NOTICED,
    carbon_starves,
    check_carbon,
    check_shortage,
    explain_infeasible,
    lacking_share,
    matching_starves,
    shortage_notice,
)
from gigawatt.power.plan.result import COMPONENTS, SupplyPlan, books
from gigawatt.power.plants.plant import Plant
from gigawatt.power.solve import SOLVERS as GENERAL
from gigawatt.power.solve import ContradictionError, Solution, fall_back, solve

__all__ = ["COMPONENTS", "SupplyPlan", "plan", "solve_problem"]


SOLVERS = ("hours", *GENERAL)


def plan(
    *,
    load: npt.ArrayLike,
    plants: Sequence[Plant],
    not_served_price: float,
    carbon_limit: float | None = None,
    carbon_price: float = 0.0,
    not_served_limit: float | None = None,
    hours: float | None = None,
    solver: str = "hours",
    years: int = 1,
    year_weights: Sequence[float] | None = None,
    flexible: Flexible | None = None,
    matching: float | None = None,
    clean_carbon: float = 0.0,
    duty: float = 1.0,
) -> SupplyPlan:
    """The cheapest plants, and what they do in every hour, for a load at one place.

    One linear programme. Storage is cyclic, ramps too. Energy not served is a slack with a price, so
    there is an answer wherever no limit forbids one.

    Parameters
    ----------
    load : (H,)
        W in each hour, not negative, not all zero.
    plants : sequence of Plant
        Unique ids; hourly attributes have H values.
    not_served_price : float
        $/J of load that is not served.
    carbon_limit : float, optional
        Largest mean operational carbon of the energy served, kg/J.
    carbon_price : float
        $/kg of operational carbon.
    not_served_limit : float, optional
        Largest share of the load's energy that may stay unserved; 0 asks for a full supply.
    hours : float, optional
        Hours of the year that the H hours stand for (default: those of one weather year): costs, carbon and
        energy are over them.
    years : int
        Weather years in the series, one after the other, of equal length. Capacities are the same in all,
        each year is cyclic on its own, limits hold in their mean.
    year_weights : (years,), optional
        How likely each year is; any scale.
    flexible : Flexible, optional
        What of the load may be cut at a price or wait.
    matching : float, optional
        Hourly matching: share of every hour's load that must come from clean plants or from stores. What
        plants of more than ``clean_carbon`` make may then not exceed the rest of the load.
    clean_carbon : float
        kg/J up to which a plant counts as clean in an hour.
    duty : float
        Share of the year in which the load is drawn, at all hours alike: energy, fuel and carbon are those of
        ``duty`` × load, capacities those of the load.
    solver : str
        ``hours`` (:mod:`gigawatt.power.plan.interior`), ``clarabel`` or ``highs``.

    Raises
    ------
    InputError
        Load, ids, lengths, prices or limits make no sense.
    InfeasibleError
        The carbon limit, the hourly matching, or the limit on energy not served cannot be met; the message
        says by how much.

    References
    ----------
    Hörsch et al. (2018), PyPSA, J. Open Research Software 6(1): the formulation of capacity expansion.
    Goulart & Chen (2024), Clarabel, arXiv:2405.12762.
    """
    asked = Problem(
        load=load,
        plants=plants,
        not_served_price=not_served_price,
        carbon_limit=carbon_limit,
        carbon_price=carbon_price,
        not_served_limit=not_served_limit,
        hours=hours,
        years=years,
        year_weights=year_weights,
        flexible=flexible,
        matching=matching,
        clean_carbon=clean_carbon,
        duty=duty,
    )
    return solve_problem(asked, solver=solver)


def _rows(programme: Programme) -> dict[str, Any]:
    """The keywords of :func:`gigawatt.power.solve.solve`."""
    p = programme
    return {"A": p.A, "b": p.b, "cost": p.cost, "equalities": p.equalities}


def solve_problem(
    asked: Problem, *, solver: str = "hours", rough: bool = False, varied: bool = False
) -> SupplyPlan:
    """:func:`plan` of a question that was put together before.

    ``varied`` : the same plants with other limits than in the question before, whose optimum is the guess
    where it is kept: no sample of days is solved. A wrong guess costs time only.

    ``rough`` : plants of which a sample of days builds less than 0.15 % of the largest load may be left out
    though they pay; ``bound`` is -inf where one is.
    """
    start = time.perf_counter()
    limit, most = asked.carbon_limit, asked.not_served_limit
    check_word(None, solver, SOLVERS, "unknown solver")
    programme = asked.programme()
    solution = _first_optimum(asked, programme, solver, rough, varied)
    found = recover(programme, solution.x, solution.z)
    notices = list(solution.notices)
    share = lacking_share(programme, found)
    if share > NOTICED:
        cause = ""
        if limit is not None and carbon_starves(programme, solution, asked.not_served_price):
            check_carbon(asked, limit, solver)
            cause = " under the carbon limit"
        if matching_starves(programme, solution):
            cause += f"{' and' if cause else ' under'} the hourly matching"
        if most is not None and share > most:
            check_shortage(asked.programme(), solver, most, cause)
            programme = asked.programme(not_served_share=most)
            solution = _optimum(asked, programme, solver, most)
            notices.extend(solution.notices)
            found = recover(programme, solution.x, solution.z)
        if lacking_share(programme, found) > NOTICED:
            weight, price = asked.hours_drawn / programme.hours, asked.not_served_price
            notices.append(shortage_notice(programme, found, weight, price, cause))
    return books(
        problem=asked,
        programme=programme,
        solution=solution,
        found=found,
        notices=notices,
        start=start,
    )


def _first_optimum(asked: Problem, programme: Programme, solver: str, rough: bool, varied: bool) -> Solution:
    """The optimum, or an error that says which limit rules out every plan."""
    try:
        return _optimum(asked, programme, solver, None, rough=rough, varied=varied)
    except InfeasibleError:
        raise
    except ContradictionError:
        explain_infeasible(programme)
        return fall_back(**_rows(programme))
    except GigawattError:
        explain_infeasible(programme)
        raise


def _optimum(
    asked: Problem, programme: Programme, solver: str, share: float | None, *, rough: bool = False,
    varied: bool = False,
) -> Solution:  # fmt: skip
    """The optimum with at most ``share`` of the energy not served, from the store of optima where it is."""
    if solver == "highs":
        return solve(**_rows(programme), solver=solver)
    kept = kept_optima() if solver == "hours" else None
    known = None if kept is None else kept.find(programme)
    if known is not None:
        return known
    before = kept.last(programme) if varied and kept is not None else None
    guess = _guess(asked, programme, solver, share) if before is None else guess_by(programme, before.x)
    found = solve_reduced(programme, guess, solver, rough=rough)
    if kept is not None and np.isfinite(found.bound):
        kept.keep(programme, found)
    return found


def _guess(asked: Problem, programme: Programme, solver: str, share: float | None) -> Guess:
    """What binds, by the optimum of some days; raises where those already say that no plan meets a limit."""
    sample, limit = asked.sample(), asked.carbon_limit
    if sample is None:
        return Guess()
    small = sample.programme(not_served_share=share)
    guess = guess_from(small, solver)
    if guess.contradicts:
        explain_infeasible(programme)
    if limit is not None and guess.solution is not None and share is None:
        lost = guess.solution.x[small.shed : small.shed + small.hours]
        if np.mean(lost) > NOTICED and carbon_starves(small, guess.solution, asked.not_served_price):
            check_carbon(asked, limit, solver, early=True)
    return guess

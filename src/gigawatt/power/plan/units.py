"""Whole units that start, run and stop: the plan as a mixed integer programme, on request.

Units of one kind are counted, not told apart: ``built`` and, in each hour, ``running``, ``started`` and
``stopped`` are whole numbers. That is exact for equal units with minimum times (clustered commitment). A year
is taken as representative weeks, each cyclic and weighted, or as a whole; the answer says which.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.quantities import compact
from gigawatt.power.formulation import HOUR, MONEY_PER_ENERGY
from gigawatt.power.pathway.hours import representative_weeks
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.programme import Programme
from gigawatt.power.plan.recover import recover
from gigawatt.power.plan.result import SupplyPlan, books
from gigawatt.power.plants.plant import HOURLY, Plant
from gigawatt.power.solve import Solution, quiet

__all__ = ["UnitPlan", "plan_units"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class UnitPlan:
    """A plan in whole units.

    ``plan`` : the hours of the representative weeks, its ``gap`` that of the search, ``price`` not a number:
    a mixed integer programme has none. ``built`` : units by plant. ``running``, ``started`` : (H,) units.
    ``start_cost`` : $ by plant over the year. ``objective`` : $ with them. ``bound`` : $ that no plan of
    whole units undercuts on these hours. ``weeks`` : first hour of each representative week (one 0 for the
    whole year).
    """

    plan: SupplyPlan
    built: dict[str, int]
    running: dict[str, Array] = field(repr=False)
    started: dict[str, Array] = field(repr=False)
    start_cost: dict[str, float]
    objective: float
    bound: float
    gap: float
    seconds: float
    weeks: tuple[int, ...]
    notices: tuple[str, ...]


def plan_units(
    *,
    problem: Problem,
    weeks: int | None = 4,
    gap: float = 1e-3,
    time_limit: float = 120.0,
) -> UnitPlan:
    """The cheapest plan in whole units, with minimum load, starts and minimum times.

    Plants with a ``unit_size`` come in whole units; others stay as they are. ``minimum_load``, ``ramp``,
    ``start_cost``, ``minimum_up`` and ``minimum_down`` are of the running units.

    Parameters
    ----------
    problem : Problem
        One weather year.
    weeks : int, optional
        Representative weeks; ``None`` takes every hour.
    gap : float
        Relative distance to the bound at which the search stops.
    time_limit : float
        s after which the best plan so far is taken, with its gap.

    Raises
    ------
    InputError
        More than one weather year; weeks of a series that is no year.
    GigawattError
        No plan was found in the time.

    References
    ----------
    Palmintier & Webster (2014), Heterogeneous unit clustering, IEEE Trans. Power Systems 29(3).
    Huangfu & Hall (2018), HiGHS, Mathematical Programming Computation 10.
    """
    start = time.perf_counter()
    if problem.years != 1:
        raise InputError("unit sizes are planned on one weather year", key="years", given=str(problem.years))
    if any(plant.demand for plant in problem.plants):
        raise InputError("units that start and stop are not planned with charges on demand", key="demand")
    cut, first_hours, (blocks, weights) = _cut(problem, weeks)
    committed = [i for i, q in enumerate(cut.plants) if _in_units(q)]
    linear = tuple(replace(q, minimum_load=0.0, ramp=1.0) if _in_units(q) else q for q in cut.plants)
    p = replace(cut, plants=linear).programme(
        not_served_share=cut.not_served_limit, blocks=blocks, weights=weights
    )
    model = _Model(p)
    columns = {i: model.commit(i, cut.plants[i]) for i in committed}
    x, bound, reached = model.solve(gap, time_limit)
    solution = Solution(
        x=x[: len(p.cost)],
        z=np.zeros(len(p.b)),
        objective=float(p.cost @ x[: len(p.cost)]),
        gap=reached,
        infeasibility=0.0,
        solver="highs",
        seconds=time.perf_counter() - start,
        iterations=0,
    )
    plan = _hourly_plan(cut, p, solution, start)
    h, of_year = np.arange(p.hours), cut.hours_of_year / p.hours
    built: dict[str, int] = {}
    start_cost: dict[str, float] = {}
    running: dict[str, Array] = {}
    started: dict[str, Array] = {}
    for i, (number, on, begin, _) in columns.items():
        q = cut.plants[i]
        built[q.id] = round(float(x[number]))
        running[q.id], started[q.id] = np.round(x[on + h]), np.round(x[begin + h])
        paid = q.start_cost + cut.carbon_price * q.levied * q.start_carbon
        start_cost[q.id] = float(p.weight @ started[q.id]) * q.unit_size * paid * of_year
    notices: list[str] = []
    if reached > gap * (1.0 + 1e-6):
        notices.append(f"the search was stopped after {time_limit:g} s at a gap of {reached * 100:.2g} %")
    if weeks is not None:
        notices.append(f"unit sizes were planned on {len(first_hours)} representative weeks of the year")
    return UnitPlan(
        plan=plan,
        built=built,
        running=running,
        started=started,
        start_cost=start_cost,
        objective=plan.objective + sum(start_cost.values()),
        bound=bound * MONEY_PER_ENERGY * HOUR * p.power_unit * of_year,
        gap=reached,
        seconds=time.perf_counter() - start,
        weeks=first_hours,
        notices=tuple(notices),
    )


def _in_units(plant: Plant) -> bool:
    return plant.unit_size > 0.0 and plant.storage is None and not plant.follows_weather_freely


def _hourly_plan(problem: Problem, p: Programme, solution: Solution, start: float) -> SupplyPlan:
    """Hours and books without shadow prices, which a programme in whole numbers does not have."""
    found = replace(recover(p, solution.x, solution.z), price=np.full(p.hours, math.nan))
    plan = books(
        problem=problem,
        programme=replace(p, plants=problem.plants),
        solution=solution,
        found=found,
        notices=[],
        start=start,
    )
    return replace(plan, binding=(), notices=tuple(t for t in plan.notices if "unit sizes" not in t))


def _cut(
    problem: Problem, weeks: int | None
) -> tuple[Problem, tuple[int, ...], tuple[tuple[int, ...], Array]]:
    """(the question of the representative weeks, their first hours, (blocks, weights))."""
    load, plants = problem.watts, tuple(problem.plants)
    hours = len(load)
    if weeks is None:
        return problem, (0,), ((hours,), np.ones(1))
    series = [q.hourly("availability", hours) for q in plants if q.kind == "profile"]
    chosen = representative_weeks(series=series, load=load, weeks=weeks)
    at, period = chosen.index, chosen.period
    cut = tuple(
        replace(q, **{n: q.hourly(n, hours)[at] for n in HOURLY if np.ndim(getattr(q, n))}) for q in plants
    )
    asked = replace(problem, load=load[at], plants=cut, hours=problem.hours_of_year, year_weights=None)
    weights = chosen.weight[::period]
    first = tuple(int(hour) for hour in at[::period])
    return asked, first, ((period,) * len(first), weights / weights.mean())


class _Model:
    """The programme with whole numbers, growing by plant."""

    def __init__(self, programme: Programme) -> None:
        self.p = programme
        self.count = len(programme.cost)
        self.cost: list[Array] = [programme.cost]
        self.whole: list[Ints] = []
        self.rows: list[tuple[Any, Any, Any]] = []
        self.upper: list[Array] = []
        self.lower: list[Array] = []
        self.row = len(programme.b)

    def add(self, low: float, high: float, *terms: tuple[Any, Any]) -> None:
        hours = self.p.hours
        at = self.row + np.arange(hours)
        for columns, values in terms:
            shape = np.broadcast_shapes((hours,), np.shape(columns))
            row, column, value = (
                np.broadcast_to(a, shape).ravel() for a in (at, columns, np.asarray(values, float))
            )
            self.rows.append((row, column, value))
        self.lower.append(np.full(hours, low))
        self.upper.append(np.full(hours, high))
        self.row += hours

    def commit(self, i: int, q: Plant) -> tuple[int, int, int, int]:
        """Columns (built, first running, first started, first stopped) of plant ``i``."""
        p, h = self.p, np.arange(self.p.hours)
        size, share = q.unit_size / p.power_unit, q.hourly("availability", p.hours)
        number, on, begin, end = (self.count, *(self.count + 1 + k * p.hours for k in range(3)))
        self.count += 1 + 3 * p.hours
        paid = q.start_cost * size / (HOUR * MONEY_PER_ENERGY)
        self.cost.append(np.concatenate([np.zeros(1 + p.hours), paid * p.weight, np.zeros(p.hours)]))
        self.whole.append(np.arange(number, self.count))
        out = p.output[i] + h
        inf = math.inf
        self.rows.append((np.full(2, self.row), np.array([i, number]), np.array([1.0, -size])))
        self.lower.append(np.zeros(1))
        self.upper.append(np.zeros(1))
        self.row += 1
        self.add(-inf, 0.0, (on + h, 1.0), (number, -1.0))
        self.add(-inf, 0.0, (out, 1.0), (on + h, -size * share))
        if q.minimum_load > 0.0:
            self.add(0.0, inf, (out, 1.0), (on + h, -size * share * q.minimum_load))
        self.add(0.0, 0.0, (on + h, 1.0), (on + p.before, -1.0), (begin + h, -1.0), (end + h, 1.0))
        for seconds, first, sign in ((q.minimum_up, begin, 1.0), (q.minimum_down, end, -1.0)):
            last = self.before(math.ceil(seconds / HOUR))
            if len(last) > 1 and sign > 0.0:
                self.add(-inf, 0.0, *((first + at, 1.0) for at in last), (on + h, -1.0))
            elif len(last) > 1:
                self.add(-inf, 0.0, *((first + at, 1.0) for at in last), (on + h, 1.0), (number, -1.0))
        if q.ramp is not None and q.ramp < 1.0:
            room, jump = q.ramp * size, max(q.ramp, q.minimum_load) * size
            moved = np.abs(share - share[p.before]) * size
            up = ((out, 1.0), (out[p.before], -1.0), (on + p.before, -room - moved), (begin + h, -jump))
            down = ((out, -1.0), (out[p.before], 1.0), (on + h, -room - moved), (end + h, -jump))
            self.add(-inf, 0.0, *up)
            self.add(-inf, 0.0, *down)
        return number, on, begin, end

    def before(self, hours: int) -> list[Ints]:
        """This hour and those before it, as many as ``hours`` in all."""
        found = [np.arange(self.p.hours)]
        for _ in range(min(hours, min(self.p.blocks)) - 1):
            found.append(self.p.before[found[-1]])
        return found

    def solve(self, gap: float, time_limit: float) -> tuple[Array, float, float]:
        """(x, bound, gap)."""
        from scipy.sparse import coo_matrix  # pyright: ignore[reportMissingTypeStubs]

        highspy: Any = import_module("highspy")
        p = self.p
        old = p.A.tocoo()
        entries = [
            np.concatenate(part) for part in zip((old.row, old.col, old.data), *self.rows, strict=True)
        ]
        A: Any = coo_matrix((entries[2], (entries[0], entries[1])), shape=(self.row, self.count)).tocsc()
        least = np.full(len(p.b), -highspy.kHighsInf)
        least[: p.equalities] = p.b[: p.equalities]
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self.count, self.row
        model.col_cost_ = np.concatenate(self.cost)
        low = np.full(self.count, -highspy.kHighsInf)
        low[len(p.cost) :] = 0.0
        model.col_lower_, model.col_upper_ = low, np.full(self.count, highspy.kHighsInf)
        model.row_lower_ = np.concatenate([least, *self.lower])
        model.row_upper_ = np.concatenate([p.b, *self.upper])
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = A.indptr, A.indices, A.data
        kind = [highspy.HighsVarType.kContinuous] * self.count
        for k in np.concatenate(self.whole) if self.whole else ():
            kind[int(k)] = highspy.HighsVarType.kInteger
        model.integrality_ = kind
        with quiet():
            highs = highspy.Highs()
        options = {"output_flag": False, "threads": 1, "mip_rel_gap": gap, "time_limit": time_limit}
        for key, value in options.items():
            highs.setOptionValue(key, value)
        highs.passModel(model)
        highs.run()
        info = highs.getInfo()
        if not math.isfinite(info.objective_function_value) or info.primal_solution_status != 2:
            raise GigawattError(
                "no plan with unit sizes was found",
                given=f"{time_limit:g} s, {compact(p.power_unit, 'W')}",
                allowed="a longer time limit, fewer weeks, or limits that units of this size can meet",
            )
        bound = info.mip_dual_bound if self.whole else info.objective_function_value
        reached = abs(info.objective_function_value - bound) / max(abs(info.objective_function_value), 1e-12)
        return np.array(highs.getSolution().col_value), float(bound), float(reached)

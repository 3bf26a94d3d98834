"""A capacity plan as it is handed on, and its books."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gigawatt.core.quantities import HOURS_PER_YEAR, compact
from gigawatt.power.carbon import warming_20
from gigawatt.power.flexible import Flexible
from gigawatt.power.formulation import HOUR, MONEY_PER_ENERGY
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.programme import Programme, stand_behind
from gigawatt.power.plan.recover import Hours
from gigawatt.power.plan.words import binding, carbon_shadow_price, money
from gigawatt.power.plants.plant import Plant
from gigawatt.power.solve import Solution

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

__all__ = ["COMPONENTS", "Books", "SupplyPlan", "books", "plant_books"]

Array = npt.NDArray[np.float64]
_Lost = dict[str, dict[str, float]]

COMPONENTS = ("capital", "fixed", "variable", "fuel", "carbon_price", "credits", "not_served")

#: A part of a unit smaller than this share of it is the solver's dust.
_NOTICED = 1e-6
#: Power that a store passes through itself, in units of the largest load, above which it is told.
_BURNT = 1e-4


@dataclass(frozen=True)
class SupplyPlan:
    """Capacities and hours of the cheapest supply, in SI units and dollars.

    Attributes
    ----------
    names : tuple of str
        Plant ids; the columns of the hourly arrays.
    capacity, storage_energy : dict
        W and J by plant (stores only in the second).
    load, not_served, price : (H,)
        W, W, and the marginal price of a joule, $/J.
    dispatch : (H, plants)
        W delivered (a store's discharge), net of what is curtailed.
    charge, state_of_charge, curtailed : (H, plants)
        W, J at the end of the hour, W. ``dispatch.sum(1) − charge.sum(1) + not_served == load``.
    cost : dict of dict
        $ by plant and component (``capital, fixed, variable, fuel, carbon_price``, and
        ``credits``, which are negative and are in no other), and under
        ``"energy not served"`` its price. The sum is ``objective``.
    objective : float
        $ over ``hours`` hours of the year.
    upfront : dict
        $ by plant when it is built.
    carbon, construction_carbon : dict
        kg by plant, operational and from making the plants, over ``hours`` hours.
    water : dict
        m³ by plant.
    carbon_shadow_price : float
        $/kg of the carbon limit.
    gap, infeasibility : float
        Relative duality gap; largest violation of a row in units of the largest load.
    binding, notices : tuple of str
        Sentences.
    hour_weight : (H,)
        How much each hour counts, 1 in the mean: other than 1 where weather years are weighted.
    cut, waiting : (H,)
        W of load cut, J of load that waits at the end of the hour. They stand on the left of the balance:
        ``dispatch.sum(1) − charge.sum(1) + not_served == drawn``.
    cut_steps : (H, steps)
        W of load cut by step of ``flexible``.
    reserve : (H, plants)
        W of load that a grid pays to be able to cut; what it pays is taken off its variable cost.
    sold : (H, plants)
        W sold to a grid; what it pays is taken off its variable cost.
    years : int
        Weather years that the hours are of, one after the other.
    duty : float
        Share of the year in which the load is drawn, at all hours alike.
    bound : float
        $ that no plan of these plants and limits can undercut, by the dual.
    flexible, not_served_limit
        Of the question: what may be cut or wait, and the share of the energy that may stay unserved.
    by_mean : dict or None
        W by plant at mean availability, where the capacities are whole units with outages.
    fuel_lines : int
        Of the question.
    carbon_value : float
        $/kg of the carbon limit for dispatch at these capacities; ``carbon_shadow_price`` is that of the plan
        whose sizes are free, which differs where they are whole units.
    """

    plants: tuple[Plant, ...]
    hours: float
    load: Array = field(repr=False)
    capacity: Mapping[str, float]
    storage_energy: Mapping[str, float]
    dispatch: Array = field(repr=False)
    charge: Array = field(repr=False)
    state_of_charge: Array = field(repr=False)
    curtailed: Array = field(repr=False)
    not_served: Array = field(repr=False)
    price: Array = field(repr=False)
    cost: Mapping[str, Mapping[str, float]]
    objective: float
    upfront: Mapping[str, float]
    carbon: Mapping[str, float]
    construction_carbon: Mapping[str, float]
    water: Mapping[str, float]
    carbon_shadow_price: float
    gap: float
    infeasibility: float
    solver: str
    seconds: float
    iterations: int
    binding: tuple[str, ...]
    notices: tuple[str, ...]
    hour_weight: Array = field(repr=False)
    cut: Array = field(repr=False)
    cut_steps: Array = field(repr=False)
    reserve: Array = field(repr=False)
    waiting: Array = field(repr=False)
    sold: Array = field(repr=False)
    years: int = 1
    bound: float = math.nan
    duty: float = 1.0
    flexible: Flexible | None = None
    not_served_limit: float | None = None
    by_mean: Mapping[str, float] | None = None
    fuel_lines: int = 1
    carbon_value: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Plant ids in the order of the columns."""
        return tuple(plant.id for plant in self.plants)

    @property
    def weight(self) -> float:
        """Hours of the year that each hour of the plan stands for, of those in which the load is drawn."""
        return self.hours * self.duty / len(self.load)

    @property
    def energy_served(self) -> float:
        """J over ``hours`` hours."""
        return float(self.hour_weight @ (self.load - self.not_served - self.cut)) * HOUR * self.weight

    @property
    def drawn(self) -> Array:
        """(H,) W that the load asks for after cutting and putting off, and what is sold."""
        by_year = self.waiting.reshape(self.years, -1)
        served = self.load - self.cut + (np.roll(by_year, 1, axis=1) - by_year).ravel() / HOUR
        return served + self.sold.sum(1) if np.any(self.sold) else served

    def metered(self, name: str) -> Array:
        """(H,) W that pass the meter of a grid: what it gives, and what comes through its connection."""
        at = self.names.index(name)
        others = [k for k, plant in enumerate(self.plants) if plant.through == name]
        return self.dispatch[:, at] + self.curtailed[:, at] + self.dispatch[:, others].sum(1)

    @property
    def cost_per_energy(self) -> float:
        """$/J served, without the price of energy not served."""
        spent = self.objective - self.cost["energy not served"]["not_served"]
        spent -= self.cost.get("load cut", {}).get("not_served", 0.0)
        return spent / self.energy_served if self.energy_served > 0.0 else math.nan

    @property
    def carbon_intensity(self) -> float:
        """Operational kg/J served."""
        return sum(self.carbon.values()) / self.energy_served if self.energy_served > 0.0 else math.nan

    @property
    def carbon_intensity_20(self) -> float:
        """The same by the warming of 20 years, in which the methane leaked before the plants counts more."""
        more = sum(plant.methane * self.carbon[plant.id] for plant in self.plants) * warming_20()
        return self.carbon_intensity + more / self.energy_served if self.energy_served > 0.0 else math.nan

    def energy(self, what: str = "dispatch") -> dict[str, float]:
        """J by plant over ``hours`` hours of ``dispatch``, ``charge`` or ``curtailed``."""
        total = self.hour_weight @ np.asarray(getattr(self, what)) * HOUR * self.weight
        return dict(zip(self.names, total.tolist(), strict=True))

    def to_frame(self) -> pd.DataFrame:
        """Hourly table: ``load``, ``not_served``, ``price``, then ``plant dispatch|charge|…`` columns."""
        import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

        columns: dict[str, Array] = {"load": self.load, "not_served": self.not_served, "price": self.price}
        for i, plant in enumerate(self.plants):
            columns[f"{plant.id} dispatch"] = self.dispatch[:, i]
            if plant.kind == "storage":
                columns[f"{plant.id} charge"] = self.charge[:, i]
                columns[f"{plant.id} state_of_charge"] = self.state_of_charge[:, i]
            elif np.any(self.curtailed[:, i] > 0.0):
                columns[f"{plant.id} curtailed"] = self.curtailed[:, i]
        if np.any(self.cut) or np.any(self.waiting):
            columns |= {"cut": self.cut, "waiting": self.waiting}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self.load), name="hour"))


def books(
    *,
    problem: Problem,
    programme: Programme,
    solution: Solution,
    found: Hours,
    notices: list[str],
    start: float,
) -> SupplyPlan:
    """The plan with its books: dollars, kilograms and cubic metres by plant, and what binds, in words."""
    carbon_limit, w = problem.carbon_limit, programme.weight
    weight = problem.hours_drawn / programme.hours
    shadow = carbon_shadow_price(programme, solution.z)
    ledgers = {q.id: _books_of(problem, programme, found, i) for i, q in enumerate(programme.plants)}
    for i in range(len(programme.plants)):
        notices.extend(_plant_notices(programme, found, i))
    cost = {name: one.cost for name, one in ledgers.items()} | _lost_load(programme, problem, found, weight)
    objective = math.fsum(value for parts in cost.values() for value in parts.values())
    unit = MONEY_PER_ENERGY * HOUR * programme.power_unit * weight
    standing = sum(plant.standing for plant in problem.plants) * problem.hours_of_year / HOURS_PER_YEAR
    solved = solution.objective * unit + standing
    if abs(objective - solved) > 1e-6 * max(abs(objective), abs(solved)):
        notices.append(f"bounds were mended after solving: {money(objective)} instead of {money(solved)}")
    return SupplyPlan(
        plants=tuple(problem.plants),
        hours=problem.hours_of_year,
        load=programme.load,
        capacity={q.id: float(found.capacity[i]) for i, q in enumerate(programme.plants)},
        storage_energy={programme.plants[i].id: float(found.energy[i]) for i in programme.energy},
        dispatch=found.delivered,
        charge=found.charge,
        state_of_charge=found.level,
        curtailed=found.curtailed,
        not_served=found.not_served,
        price=found.price,
        cost=cost,
        objective=objective,
        upfront={name: one.upfront for name, one in ledgers.items()},
        carbon={name: one.carbon for name, one in ledgers.items()},
        construction_carbon={name: one.construction_carbon for name, one in ledgers.items()},
        water={name: one.water for name, one in ledgers.items()},
        carbon_shadow_price=shadow,
        gap=solution.gap,
        infeasibility=solution.infeasibility,
        solver=solution.solver,
        seconds=time.perf_counter() - start,
        iterations=solution.iterations,
        binding=binding(
            programme=programme,
            hours=found,
            z=solution.z,
            bill=objective / weight,
            carbon_limit=carbon_limit,
            duty=problem.duty,
        ),
        notices=tuple(notices),
        hour_weight=w,
        cut=found.cut,
        cut_steps=found.steps,
        reserve=found.reserve,
        waiting=found.queue,
        sold=found.sold,
        years=problem.years,
        bound=min(solution.bound * unit + standing, solved),
        duty=problem.duty,
        flexible=problem.flexible,
        not_served_limit=problem.not_served_limit,
        fuel_lines=problem.fuel_lines,
        carbon_value=shadow,
    )


@dataclass(frozen=True)
class Books:
    """Of one plant over the plan's hours: $ by component, $ when it is built, kg, kg and m³."""

    cost: dict[str, float]
    upfront: float
    carbon: float
    construction_carbon: float
    water: float


def plant_books(
    plant: Plant,
    *,
    size: float,
    store: float,
    output: Array,
    through: Array,
    reserve: Array,
    sold: Array,
    hour_weight: Array,
    years: int,
    hours: float,
    drawn: float,
    carbon_price: float,
) -> Books:
    """Dollars, kilograms and cubic metres of one plant.

    Parameters
    ----------
    plant : Plant
        Whose prices count.
    size, store : float
        Capacity [W] and, of a store, its energy [J].
    output, through, reserve, sold : (H,)
        W that it makes, that pass its meter, that it pays to be able to cut, that it takes.
    hour_weight : (H,)
        How much each hour counts, 1 in the mean.
    years : int
        Weather years that the hours are of.
    hours, drawn : float
        Hours of the plan, and those of them in which the load is drawn.
    carbon_price : float
        $/kg.
    """
    count = len(output)
    of_year, each = hours / HOURS_PER_YEAR, hour_weight * HOUR * (drawn / count)
    made = output * each
    capital, fixed, upfront = size * plant.capital, size * plant.fixed, float(size * plant.investment)
    construction = float(size * plant.construction_carbon * of_year)
    credit = size * plant.credit
    if plant.storage is not None:
        capital += store * plant.storage.energy_capital
        credit += store * plant.storage.credit
        upfront += float(store * plant.storage.energy_investment)
        fixed += store * plant.storage.energy_fixed
        construction += float(store * plant.storage.construction_carbon * of_year)
    if plant.demand or plant.standing:
        fixed += plant.demand_cost(through, size, hour_weight.reshape(years, -1).mean(1))
    income = float(reserve @ each) * plant.reserve_price
    if plant.sale_limit > 0.0:
        income += float((sold * each) @ plant.hourly("sale", count))
    carbon = float(made @ plant.hourly("carbon", count))
    by_energy = float(np.sum(made)) * plant.energy_credit
    cost = {
        "capital": float((capital + credit) * of_year),
        "fixed": float(fixed * of_year),
        "variable": float(made @ plant.hourly("variable", count)) + by_energy - income,
        "fuel": float(made @ plant.hourly("fuel", count)),
        "carbon_price": carbon_price * plant.levied * carbon,
        "credits": 0.0 - float(credit * of_year) - by_energy,
    }
    return Books(cost, upfront, carbon, construction, float(made @ plant.hourly("water", count)))


def _books_of(problem: Problem, programme: Programme, found: Hours, i: int) -> Books:
    behind = stand_behind(programme.plants).get(i, ())
    return plant_books(
        problem.plants[i],
        size=float(found.capacity[i]),
        store=float(found.energy[i]),
        output=found.output[:, i],
        through=found.output[:, [i, *behind]].sum(1),
        reserve=found.reserve[:, i],
        sold=found.sold[:, i],
        hour_weight=programme.weight,
        years=problem.years,
        hours=problem.hours_of_year,
        drawn=problem.hours_drawn,
        carbon_price=problem.carbon_price,
    )


def _plant_notices(programme: Programme, found: Hours, i: int) -> Iterator[str]:
    """What a linear programme gets wrong of a plant, and what a grid pays for."""
    if i in programme.reserve:
        mean = float(programme.weight @ found.reserve[:, i]) / programme.hours
        paid = mean * HOUR * HOURS_PER_YEAR * programme.plants[i].reserve_price
        yield (
            f"load that the {programme.plants[i].name} pays to be able to cut: {compact(mean, 'W')} in the "
            f"mean, for {money(paid)} per year of hours that draw; none of it is called"
        )
    plant, size = programme.plants[i], found.capacity[i]
    both = np.minimum(found.charge[:, i], found.output[:, i]) > _BURNT * programme.power_unit
    if plant.storage is not None and np.any(both):
        yield (
            f"{plant.name} charges and discharges at once in {int(np.sum(both)):,} h of negative price, "
            "which a linear programme cannot forbid: the cost is a little too low"
        )
    if _NOTICED * plant.unit_size < size < (1.0 - _NOTICED) * plant.unit_size:
        unit = compact(plant.unit_size, "W")
        yield (
            f"{plant.name}: {compact(size, 'W')} is less than one unit of {unit}; unit sizes are not modelled"
        )


def _cost_of_cuts(programme: Programme, gives: Flexible, steps: Array) -> float:
    """$/h of the energy cut in each step (H, steps) [W], and of what begins to be cut."""
    w, cost = programme.weight, 0.0
    for step, cut in zip(gives.ladder, steps.T, strict=False):
        begun = np.maximum(cut - cut[programme.before], 0.0)
        cost += float(w @ cut) * step.cost + float(w @ begun) * step.event / HOUR
    return cost


def _lost_load(programme: Programme, problem: Problem, found: Hours, weight: float) -> _Lost:
    """$ of the load that is not served, cut or made to wait."""
    w = programme.weight
    lacking = float(w @ found.not_served) * HOUR * weight
    cost = {"energy not served": {"not_served": lacking * problem.not_served_price}}
    if problem.flexible is not None:
        cut = _cost_of_cuts(programme, problem.flexible, found.steps)
        waited = float(w @ found.queue) * problem.flexible.wait_cost
        cost["load cut"] = {"not_served": cut * HOUR * weight + waited * weight}
    return cost

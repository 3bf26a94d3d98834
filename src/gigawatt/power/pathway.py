"""The pathway: what to build, run and retire over the years, at least present cost.

One linear programme over all steps. A plant of a year is a *vintage*: what is built of it pays its annuity in
every year of its life, and its upkeep only as long as it is kept on line. Each step stands for its years and
is dispatched over hours that stand for its year. Nothing gives power before its lead time: the vintages of a
plant begin where the caller lets them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.formulation import CARBON_PER_ENERGY, HOUR, MONEY_PER_ENERGY, discharge_of
from gigawatt.power.pathway_hours import Hours
from gigawatt.power.pathway_programme import PathwayProgramme, build_pathway_programme
from gigawatt.power.pathway_steps import Step, Vintage, alive
from gigawatt.power.solve import Solution, solve

__all__ = ["COSTS", "Pathway", "plan_pathway"]

Array = npt.NDArray[np.float64]

COSTS = ("capital", "fixed", "variable", "fuel", "carbon_price")


@dataclass(frozen=True)
class Pathway:
    """What is built, on line and run in each of S steps, for the plants of ``names``.

    Attributes
    ----------
    built, storage_built : (V,)
        W and J of each vintage.
    online : (V, S)
        W of each vintage on line in each step.
    capacity, added, retired : (S, plants)
        W on line; W that begin in the step; W that stood in the step before and no longer do.
    storage_energy : (S, plants)
        J.
    dispatch, charge : (S, H, plants)
        W delivered (a store's discharge), net of what is curtailed; W charged.
    not_served, price : (S, H)
        W; the marginal price of a joule, $/J of the step's own years.
    costs : mapping of str to (S, plants)
        $ a year by component (:data:`COSTS`), not discounted.
    not_served_cost : (S,)
        $ a year.
    carbon, construction_carbon, water : (S, plants)
        kg, kg and m³ a year.
    carbon_shadow_price : (S,)
        $/kg of each step's limit.
    objective : float
        $ at the start: present worth of all years, energy not served with it.
    gap, infeasibility : float
        Relative duality gap; largest violation of a row in units of the largest load.
    """

    steps: tuple[Step, ...]
    vintages: tuple[Vintage, ...]
    hours: Hours
    names: tuple[str, ...]
    built: Array = field(repr=False)
    storage_built: Array = field(repr=False)
    online: Array = field(repr=False)
    capacity: Array = field(repr=False)
    added: Array = field(repr=False)
    retired: Array = field(repr=False)
    storage_energy: Array = field(repr=False)
    dispatch: Array = field(repr=False)
    charge: Array = field(repr=False)
    not_served: Array = field(repr=False)
    price: Array = field(repr=False)
    costs: Mapping[str, Array] = field(repr=False)
    not_served_cost: Array = field(repr=False)
    carbon: Array = field(repr=False)
    construction_carbon: Array = field(repr=False)
    water: Array = field(repr=False)
    carbon_shadow_price: Array = field(repr=False)
    objective: float
    gap: float
    infeasibility: float
    solver: str
    seconds: float
    iterations: int
    notices: tuple[str, ...] = ()

    @property
    def years(self) -> Array:
        """(S,) first year of each step."""
        return np.array([step.year for step in self.steps])

    @property
    def demand(self) -> Array:
        """(S,) J a year."""
        return np.array([float(np.sum(s.load * self.hours.weight)) for s in self.steps]) * HOUR

    @property
    def energy(self) -> Array:
        """(S, plants) J a year."""
        return np.einsum("shp,h->sp", self.dispatch, self.hours.weight) * HOUR

    @property
    def energy_not_served(self) -> Array:
        """(S,) J a year."""
        return self.not_served @ self.hours.weight * HOUR

    @property
    def cost(self) -> Array:
        """(S,) $ a year of the supply, without the price of energy not served."""
        return np.sum([one.sum(1) for one in self.costs.values()], axis=0)

    @property
    def cost_per_energy(self) -> Array:
        """(S,) $/J served; not a number where nothing is."""
        served = self.demand - self.energy_not_served
        enough = served > 1e-9 * np.maximum(self.demand, 1e-300)
        return np.where(enough, self.cost / np.where(enough, served, 1.0), np.nan)

    @property
    def carbon_intensity(self) -> Array:
        """(S,) operational kg/J served; not a number where nothing is."""
        served = self.demand - self.energy_not_served
        enough = served > 1e-9 * np.maximum(self.demand, 1e-300)
        return np.where(enough, self.carbon.sum(1) / np.where(enough, served, 1.0), np.nan)


def plan_pathway(
    *,
    steps: Sequence[Step],
    vintages: Sequence[Vintage],
    hours: Hours,
    not_served_price: float,
    together: float = 0.0,
    solver: str = "clarabel",
) -> Pathway:
    """The cheapest way through all steps.

    Parameters
    ----------
    steps
        In order of years; the last one's ``worth`` says how long it lasts.
    vintages
        What may be built, each in a step's own year, and what stands already.
    hours : Hours
        Which hours stand for a year: loads and series of plants are at these.
    not_served_price : float
        $/J, positive: what an hour without power costs whoever waits for it.
    together : float
        Vintages of a plant whose fuel, variable cost and carbon lie within this share run as one, as the
        oldest of them: fewer columns. 0 keeps all apart that differ.
    solver : str
        ``clarabel`` or ``highs``.

    Returns
    -------
    Pathway

    Raises
    ------
    InputError
        Steps out of order, loads of another length, a vintage of no step's year.
    InfeasibleError
        Limits that no plan keeps.

    Notes
    -----
    A life ends at the first step that begins after it. A store stays for its whole life. Stores and ramps
    close within each ``hours.period``, so that no energy goes from one representative week to another.
    """
    _check(steps, vintages, hours, not_served_price)
    made = build_pathway_programme(
        steps=steps, vintages=vintages, hours=hours, not_served_price=not_served_price, together=together
    )
    found = solve(A=made.A, b=made.b, cost=made.cost, equalities=made.equalities, solver=solver)
    return _recovered(steps, vintages, hours, not_served_price, made, found)


def _check(steps: Sequence[Step], vintages: Sequence[Vintage], hours: Hours, not_served_price: float) -> None:
    years = [step.year for step in steps]
    if not steps or any(b <= a for a, b in pairwise(years)):
        raise InputError(
            "the steps are not in order", key="years", given=years, allowed="one year or more, rising"
        )
    if not (np.isfinite(not_served_price) and not_served_price > 0.0):
        raise InputError(
            "out of range", key="not_served_price", given=not_served_price, allowed="above 0 $/J"
        )
    count = len(hours.index)
    for step in steps:
        if step.load.shape != (count,) or not np.all(np.isfinite(step.load)) or np.any(step.load < 0.0):
            raise InputError(
                "not a load at the hours that stand for the year",
                key=f"{step.year:g}.load",
                given=f"{step.load.shape}",
                allowed=f"{count} finite values, not negative",
            )
        if not (np.isfinite(step.worth) and step.worth > 0.0):
            raise InputError("out of range", key=f"{step.year:g}.worth", given=step.worth, allowed="above 0")
        if not (np.isfinite(step.carbon_price) and step.carbon_price >= 0.0):
            raise InputError("out of range", key=f"{step.year:g}.carbon_price", given=step.carbon_price,
                             allowed="0 $/kg or more")  # fmt: skip
        if step.carbon_limit is not None and not step.carbon_limit >= 0.0:
            raise InputError("out of range", key=f"{step.year:g}.carbon_limit", given=step.carbon_limit,
                             allowed="0 kg/J or more")  # fmt: skip
        for limits in (step.limits, step.build_limits):
            for name, limit in limits.items():
                if not limit >= 0.0:
                    raise InputError(
                        "out of range", key=f"{step.year:g}.{name}", given=limit, allowed="0 W or more"
                    )
    if not any(np.any(step.load > 0.0) for step in steps):
        raise InputError("there is no load in any step", key="load", given=0, allowed="a load above 0")
    for one in vintages:
        if any(plant.host for plant in one.running):
            raise InputError(
                "a store inside a plant has no pathway of its own",
                key=one.plant,
                given=f"inside {one.running[0].host}",
                allowed="a plan of one year, or a store that any power charges",
            )
        if len(one.running) != len(steps):
            raise InputError(
                "a vintage runs in every step",
                key=one.plant,
                given=len(one.running),
                allowed=f"{len(steps)} plants",
            )
        if one.capacity is None and one.year not in years:
            raise InputError(
                "built in no step", key=one.plant, given=one.year, allowed=[f"{year:g}" for year in years]
            )
        if not one.life > 0.0 or (one.capacity is not None and not one.capacity >= 0.0):
            raise InputError("out of range", key=one.plant, given=min(one.life, one.capacity or 0.0),
                             allowed="a life above 0 s, a capacity of 0 W or more")  # fmt: skip
    standing: dict[str, float] = {}
    for one in vintages:
        if one.capacity is not None and one.running[0].storage is not None and alive(one, years[0]):
            standing[one.plant] = standing.get(one.plant, 0.0) + one.capacity
    for name, watts in standing.items():
        limit = min(step.limits.get(name, np.inf) for step in steps)
        if watts > limit:
            raise InfeasibleError(
                "more of this store stands than its limit lets", key=name, given=f"{watts:g} W",
                allowed=f"at most {limit:g} W",
            )  # fmt: skip


def _recovered(
    steps: Sequence[Step],
    vintages: Sequence[Vintage],
    hours: Hours,
    not_served_price: float,
    made: PathwayProgramme,
    found: Solution,
) -> Pathway:
    names = tuple(dict.fromkeys(one.plant for one in vintages))
    place = {name: i for i, name in enumerate(names)}
    count, several = len(steps), len(names)
    x, h = found.x, np.arange(len(hours.index))
    before = hours.before
    unit = made.power_unit
    built = np.maximum(x[made.built], 0.0) * unit
    stored = np.where(made.energy >= 0, np.maximum(x[made.energy], 0.0), 0.0) * unit * HOUR
    online = np.where(made.online >= 0, np.maximum(x[made.online], 0.0), 0.0) * unit
    shape = (count, several)
    capacity, added, retired, storage = (np.zeros(shape) for _ in range(4))
    construction, carbon, water = (np.zeros(shape) for _ in range(3))
    costs = {name: np.zeros(shape) for name in COSTS}
    dispatch, charged = (np.zeros((count, len(h), several)) for _ in range(2))
    not_served, price = (np.zeros((count, len(h))) for _ in range(2))
    for v, one in enumerate(vintages):
        i, where = place[one.plant], np.flatnonzero(made.online[v] >= 0)
        capacity[:, i] += online[v]
        gone = np.maximum(online[v, :-1] - online[v, 1:], 0.0)
        retired[1:, i] += gone
        if not len(where):
            continue
        s, plant = int(where[0]), one.running[int(where[0])]
        if one.capacity is None:
            added[s, i] += built[v]
            costs["capital"][where, i] += plant.capital * built[v]
        costs["fixed"][where, i] += plant.fixed * online[v, where]
        construction[where, i] += plant.construction_carbon * online[v, where]
        if plant.storage is not None:
            storage[where, i] += stored[v]
            if one.capacity is None:
                costs["capital"][where, i] += plant.storage.energy_capital * stored[v]
            costs["fixed"][where, i] += plant.storage.energy_fixed * stored[v]
            construction[where, i] += plant.storage.construction_carbon * stored[v]
    shadow = np.zeros(count)
    for s, step in enumerate(steps):
        net = np.zeros(len(h))
        free: list[tuple[int, Array]] = []
        for fleet in made.fleets[s]:
            plant, i = fleet.plant, place[vintages[fleet.members[0]].plant]
            if fleet.output is not None:
                flow = np.maximum(x[fleet.output + h], 0.0) * unit
            elif fleet.level is not None and fleet.charge is not None and plant.storage is not None:
                c = np.maximum(x[fleet.charge + h], 0.0)
                given = discharge_of(plant.storage, charge=c, level=x[fleet.level + h], before=before)
                flow = np.maximum(given, 0.0) * unit
                charged[s, :, i] += c * unit
                net -= c * unit
            else:
                size = sum(max(float(x[column]), 0.0) for column in fleet.capacity) * unit
                free.append((i, plant.hourly("availability", len(h)) * size))
                continue
            net += flow
            dispatch[s, :, i] += flow
            joules = flow * hours.weight * HOUR
            costs["variable"][s, i] += float(np.sum(joules * plant.hourly("variable", len(h))))
            costs["fuel"][s, i] += float(np.sum(joules * plant.hourly("fuel", len(h))))
            kilograms = float(np.sum(joules * plant.hourly("carbon", len(h))))
            carbon[s, i] += kilograms
            costs["carbon_price"][s, i] += kilograms * step.carbon_price
            water[s, i] += float(np.sum(joules * plant.hourly("water", len(h))))
        possible = np.sum([one for _, one in free], axis=0) if free else np.zeros(len(h))
        room = np.clip(step.load - net, 0.0, None)
        used = np.minimum(possible, room) / np.where(possible > 0.0, possible, 1.0)
        for i, one in free:
            dispatch[s, :, i] += one * used
            fits = next(f.plant for f in made.fleets[s] if place[vintages[f.members[0]].plant] == i)
            water[s, i] += float(np.sum(one * used * hours.weight * fits.hourly("water", len(h)))) * HOUR
        left = step.load - dispatch[s].sum(1) + charged[s].sum(1)
        not_served[s] = np.clip(left, 0.0, None)
        surplus = np.clip(-left, 0.0, None)  # must-run output that nobody takes
        thermal = dispatch[s] * (surplus > 0.0)[:, None]
        share = surplus / np.maximum(thermal.sum(1), 1e-300)
        dispatch[s] -= thermal * share[:, None]
        pay = hours.weight * step.worth / made.scale / MONEY_PER_ENERGY
        price[s] = found.z[made.balance_row[s] + h] / pay
        paid_to_run = made.surplus_row[s]
        if paid_to_run is not None:
            price[s] -= found.z[paid_to_run + h] / pay
        row = made.carbon_row[s]
        if row is not None:
            per_kilogram = made.scale * MONEY_PER_ENERGY / (CARBON_PER_ENERGY * HOURS_PER_YEAR)
            shadow[s] = float(found.z[row]) * per_kilogram / step.worth
    lacking = not_served @ hours.weight * HOUR * not_served_price
    return Pathway(
        steps=tuple(steps), vintages=tuple(vintages), hours=hours, names=names, built=built,
        storage_built=stored, online=online, capacity=capacity, added=added, retired=retired,
        storage_energy=storage, dispatch=dispatch, charge=charged, not_served=not_served, price=price,
        costs=costs, not_served_cost=lacking, carbon=carbon, construction_carbon=construction, water=water,
        carbon_shadow_price=shadow, objective=found.objective * made.money, gap=found.gap,
        infeasibility=found.infeasibility, solver=found.solver, seconds=found.seconds,
        iterations=found.iterations, notices=found.notices,
    )  # fmt: skip

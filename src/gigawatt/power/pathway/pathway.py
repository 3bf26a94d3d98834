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
from gigawatt.power.pathway.hours import Hours
from gigawatt.power.pathway.programme import Fleet, PathwayProgramme, build_pathway_programme
from gigawatt.power.pathway.steps import Step, Vintage, alive
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
        $/J, positive: what unserved energy costs its consumer.
    together : float
        Vintages of a plant whose fuel, variable cost and carbon lie within this share run as one, as the
        oldest of them: fewer columns. 0 keeps all apart that differ.
    solver : str
        ``clarabel`` or ``highs``.

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
    _check_range("not_served_price", not_served_price, not_served_price > 0.0, "above 0 $/J")
    for step in steps:
        _check_step(step, len(hours.index))
    if not any(np.any(step.load > 0.0) for step in steps):
        raise InputError("there is no load in any step", key="load", given=0, allowed="a load above 0")
    for one in vintages:
        _check_vintage(one, years)
    _check_existing_stores(steps, vintages)


def _check_range(key: str, value: float, fits: bool, allowed: str) -> None:
    if not (np.isfinite(value) and fits):
        raise InputError("out of range", key=key, given=value, allowed=allowed)


def _check_step(step: Step, count: int) -> None:
    if step.load.shape != (count,) or not np.all(np.isfinite(step.load)) or np.any(step.load < 0.0):
        raise InputError(
            "not a load at the hours that stand for the year",
            key=f"{step.year:g}.load",
            given=f"{step.load.shape}",
            allowed=f"{count} finite values, not negative",
        )
    _check_range(f"{step.year:g}.worth", step.worth, step.worth > 0.0, "above 0")
    carbon = step.carbon_price
    _check_range(f"{step.year:g}.carbon_price", carbon, carbon >= 0.0, "0 $/kg or more")
    limits = [("carbon_limit", step.carbon_limit, "0 kg/J or more")]
    limits += [
        (name, watts, "0 W or more") for of in (step.limits, step.build_limits) for name, watts in of.items()
    ]
    for name, limit, allowed in limits:
        if limit is not None and not limit >= 0.0:
            raise InputError("out of range", key=f"{step.year:g}.{name}", given=limit, allowed=allowed)


def _check_vintage(one: Vintage, years: Sequence[float]) -> None:
    if any(plant.host for plant in one.running):
        raise InputError(
            "a store inside a plant has no pathway of its own",
            key=one.plant,
            given=f"inside {one.running[0].host}",
            allowed="a plan of one year, or a store that any power charges",
        )
    if len(one.running) != len(years):
        raise InputError(
            "a vintage runs in every step",
            key=one.plant,
            given=len(one.running),
            allowed=f"{len(years)} plants",
        )
    if one.capacity is None and one.year not in years:
        raise InputError(
            "built in no step", key=one.plant, given=one.year, allowed=[f"{year:g}" for year in years]
        )
    if not one.life > 0.0 or (one.capacity is not None and not one.capacity >= 0.0):
        raise InputError(
            "out of range",
            key=one.plant,
            given=min(one.life, one.capacity or 0.0),
            allowed="a life above 0 s, a capacity of 0 W or more",
        )


def _check_existing_stores(steps: Sequence[Step], vintages: Sequence[Vintage]) -> None:
    """A store stays for its whole life: no later limit may lie below what stands."""
    existing: dict[str, float] = {}
    for one in vintages:
        if one.capacity is not None and one.running[0].storage is not None and alive(one, steps[0].year):
            existing[one.plant] = existing.get(one.plant, 0.0) + one.capacity
    for name, watts in existing.items():
        limit = min(step.limits.get(name, np.inf) for step in steps)
        if watts > limit:
            raise InfeasibleError(
                "more of this store stands than its limit lets",
                key=name,
                given=f"{watts:g} W",
                allowed=f"at most {limit:g} W",
            )


def _recovered(
    steps: Sequence[Step],
    vintages: Sequence[Vintage],
    hours: Hours,
    not_served_price: float,
    made: PathwayProgramme,
    found: Solution,
) -> Pathway:
    books = _Books(steps, vintages, hours, made, found)
    for v in range(len(vintages)):
        books.enter_vintage(v)
    for s in range(len(steps)):
        books.run_step(s)
    return Pathway(
        steps=tuple(steps), vintages=tuple(vintages), hours=hours, names=books.names, built=books.built,
        storage_built=books.stored, online=books.online, capacity=books.capacity, added=books.added,
        retired=books.retired, storage_energy=books.storage, dispatch=books.dispatch, charge=books.charge,
        not_served=books.not_served, price=books.price, costs=books.costs,
        not_served_cost=books.not_served @ hours.weight * HOUR * not_served_price, carbon=books.carbon,
        construction_carbon=books.construction, water=books.water, carbon_shadow_price=books.shadow,
        objective=found.objective * made.money, gap=found.gap, infeasibility=found.infeasibility,
        solver=found.solver, seconds=found.seconds, iterations=found.iterations, notices=found.notices,
    )  # fmt: skip


class _Books:
    """Capacities, hours and costs of a pathway, filled by vintage and then by step; shapes as in Pathway."""

    def __init__(
        self,
        steps: Sequence[Step],
        vintages: Sequence[Vintage],
        hours: Hours,
        made: PathwayProgramme,
        found: Solution,
    ) -> None:
        self.steps, self.vintages, self.hours, self.made, self.found = steps, vintages, hours, made, found
        self.names = tuple(dict.fromkeys(one.plant for one in vintages))
        self.place = {name: i for i, name in enumerate(self.names)}
        self.h = np.arange(len(hours.index))
        x, unit = found.x, made.power_unit
        self.built = np.maximum(x[made.built], 0.0) * unit
        self.stored = np.where(made.energy >= 0, np.maximum(x[made.energy], 0.0), 0.0) * unit * HOUR
        self.online = np.where(made.online >= 0, np.maximum(x[made.online], 0.0), 0.0) * unit
        count, h, several = len(steps), len(self.h), len(self.names)
        self.capacity, self.added, self.retired, self.storage = np.zeros((4, count, several))
        self.construction, self.carbon, self.water = np.zeros((3, count, several))
        self.costs = {name: np.zeros((count, several)) for name in COSTS}
        self.dispatch, self.charge = np.zeros((2, count, h, several))
        self.not_served, self.price = np.zeros((2, count, h))
        self.shadow = np.zeros(count)

    def enter_vintage(self, v: int) -> None:
        """What of a vintage is on line in each step, what it costs to have and what making it emitted."""
        one = self.vintages[v]
        i, where = self.place[one.plant], np.flatnonzero(self.made.online[v] >= 0)
        online, built, stored = self.online[v], self.built[v], self.stored[v]
        self.capacity[:, i] += online
        self.retired[1:, i] += np.maximum(online[:-1] - online[1:], 0.0)
        if not len(where):
            return
        s, plant = int(where[0]), one.running[int(where[0])]
        if one.capacity is None:
            self.added[s, i] += built
            self.costs["capital"][where, i] += plant.capital * built
        self.costs["fixed"][where, i] += plant.fixed * online[where]
        self.construction[where, i] += plant.construction_carbon * online[where]
        if plant.storage is not None:
            self.storage[where, i] += stored
            if one.capacity is None:
                self.costs["capital"][where, i] += plant.storage.energy_capital * stored
            self.costs["fixed"][where, i] += plant.storage.energy_fixed * stored
            self.construction[where, i] += plant.storage.construction_carbon * stored

    def run_step(self, s: int) -> None:
        """Hours of a step: dispatch first, then what needs none, then what is left over or not served."""
        net = np.zeros(len(self.h))
        free: list[Fleet] = []
        for fleet in self.made.fleets[s]:
            flow = self._flow(s, fleet)
            if flow is None:
                free.append(fleet)
                continue
            discharged, charged = flow
            net += discharged - charged
            self._enter_flow(s, fleet, discharged)
        self._use_free(s, free, room=np.clip(self.steps[s].load - net, 0.0, None))
        left = self.steps[s].load - self.dispatch[s].sum(1) + self.charge[s].sum(1)
        self.not_served[s] = np.clip(left, 0.0, None)
        surplus = np.clip(-left, 0.0, None)  # of must-run output
        thermal = self.dispatch[s] * (surplus > 0.0)[:, None]
        share = surplus / np.maximum(thermal.sum(1), 1e-300)
        self.dispatch[s] -= thermal * share[:, None]
        self._price_step(s)

    def _index(self, fleet: Fleet) -> int:
        return self.place[self.vintages[fleet.members[0]].plant]

    def _flow(self, s: int, fleet: Fleet) -> tuple[Array, Array] | None:
        """(output or discharge, charge) in W; ``None`` for what runs without being dispatched."""
        x, h, unit = self.found.x, self.h, self.made.power_unit
        if fleet.output is not None:
            return np.maximum(x[fleet.output + h], 0.0) * unit, np.zeros(len(h))
        store = fleet.plant.storage
        if fleet.level is None or fleet.charge is None or store is None:
            return None
        charge = np.maximum(x[fleet.charge + h], 0.0)
        given = discharge_of(store, charge=charge, level=x[fleet.level + h], before=self.hours.before)
        self.charge[s, :, self._index(fleet)] += charge * unit
        return np.maximum(given, 0.0) * unit, charge * unit

    def _enter_flow(self, s: int, fleet: Fleet, flow: Array) -> None:
        """Fuel, variable cost, carbon and water of what a fleet delivers."""
        i, plant, count = self._index(fleet), fleet.plant, len(self.h)
        self.dispatch[s, :, i] += flow
        joules = flow * self.hours.weight * HOUR
        for name in ("variable", "fuel"):
            self.costs[name][s, i] += float(np.sum(joules * plant.hourly(name, count)))
        kilograms = float(np.sum(joules * plant.hourly("carbon", count)))
        self.carbon[s, i] += kilograms
        self.costs["carbon_price"][s, i] += kilograms * plant.levied * self.steps[s].carbon_price
        self.water[s, i] += float(np.sum(joules * plant.hourly("water", count)))

    def _use_free(self, s: int, fleets: Sequence[Fleet], *, room: Array) -> None:
        """What weather gives fills ``room``, each plant by its part of what is possible."""
        x, count = self.found.x, len(self.h)
        output = [
            fleet.plant.hourly("availability", count)
            * (max(float(x[fleet.capacity]), 0.0) * self.made.power_unit)
            for fleet in fleets
        ]
        possible = np.sum(output, axis=0) if output else np.zeros(count)
        used = np.minimum(possible, room) / np.where(possible > 0.0, possible, 1.0)
        for fleet, one in zip(fleets, output, strict=True):
            i = self._index(fleet)
            self.dispatch[s, :, i] += one * used
            water = fleet.plant.hourly("water", count)
            self.water[s, i] += float(np.sum(one * used * self.hours.weight * water)) * HOUR

    def _price_step(self, s: int) -> None:
        """The price of energy by the hour, and of the carbon limit."""
        made, z, step = self.made, self.found.z, self.steps[s]
        pay = self.hours.weight * step.worth / made.scale / MONEY_PER_ENERGY
        self.price[s] = z[made.balance_row[s] + self.h] / pay
        paid_to_run = made.surplus_row[s]
        if paid_to_run is not None:
            self.price[s] -= z[paid_to_run + self.h] / pay
        row = made.carbon_row[s]
        if row is not None:
            per_kilogram = made.scale * MONEY_PER_ENERGY / (CARBON_PER_ENERGY * HOURS_PER_YEAR)
            self.shadow[s] = float(z[row]) * per_kilogram / step.worth

"""The capacity plan: which plants, how large, and what they do in every hour, at least cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gigawatt.errors import InfeasibleError, InputError
from gigawatt.quantities import HOURS_PER_YEAR, compact
from gigawatt.supply.plant import Plant
from gigawatt.supply.programme import CARBON_PER_ENERGY, HOUR, MONEY_PER_ENERGY, Programme, build_programme
from gigawatt.supply.recover import Hours, recover
from gigawatt.supply.reduce import Guess, guess_from, sample_days, solve_reduced
from gigawatt.supply.solve import Solution, solve
from gigawatt.supply.words import binding, carbon_shadow_price, grams, money

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]

__all__ = ["COMPONENTS", "SupplyPlan", "plan"]

Array = npt.NDArray[np.float64]

_Park = tuple[Array, tuple[Plant, ...]]
_Run = Callable[[Programme, "Array | None"], Solution]

COMPONENTS = ("capital", "fixed", "variable", "fuel", "carbon_price", "not_served")

#: Energy not served below this share of the load is not worth a word.
_NOTICED = 1e-6
#: Power that a store passes through itself, in units of the largest load, above which it is told.
_BURNT = 1e-4
#: How much a joule or a gram outweighs all money when the least possible of it is sought.
_OUTWEIGHS = 1e4


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
        $ by plant and component (``capital, fixed, variable, fuel, carbon_price``), and under
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

    @property
    def names(self) -> tuple[str, ...]:
        """Plant ids in the order of the columns."""
        return tuple(plant.id for plant in self.plants)

    @property
    def weight(self) -> float:
        """Hours of the year that each hour of the plan stands for."""
        return self.hours / len(self.load)

    @property
    def energy_served(self) -> float:
        """J over ``hours`` hours."""
        return float(np.sum(self.load - self.not_served)) * HOUR * self.weight

    @property
    def cost_per_energy(self) -> float:
        """$/J served, without the price of energy not served."""
        spent = self.objective - self.cost["energy not served"]["not_served"]
        return spent / self.energy_served if self.energy_served > 0.0 else math.nan

    @property
    def carbon_intensity(self) -> float:
        """Operational kg/J served."""
        return sum(self.carbon.values()) / self.energy_served if self.energy_served > 0.0 else math.nan

    def energy(self, what: str = "dispatch") -> dict[str, float]:
        """J by plant over ``hours`` hours of ``dispatch``, ``charge`` or ``curtailed``."""
        total = np.asarray(getattr(self, what)).sum(0) * HOUR * self.weight
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
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self.load), name="hour"))


def plan(
    *,
    load: npt.ArrayLike,
    plants: Sequence[Plant],
    not_served_price: float,
    carbon_limit: float | None = None,
    carbon_price: float = 0.0,
    not_served_limit: float | None = None,
    hours: float | None = None,
    solver: str = "clarabel",
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
        Hours of the year that the H hours stand for (default H): costs, carbon and energy are over them.
    solver : str
        ``clarabel`` or ``highs``.

    Returns
    -------
    SupplyPlan

    Raises
    ------
    InputError
        Load, ids, lengths, prices or limits make no sense.
    InfeasibleError
        The carbon limit, or the limit on energy not served, cannot be met; the message says by how much.

    References
    ----------
    Hörsch et al. (2018), PyPSA, J. Open Research Software 6(1): the formulation of capacity expansion.
    Goulart & Chen (2024), Clarabel, arXiv:2405.12762.
    """
    start = time.perf_counter()
    need = _check(load, plants, not_served_price, carbon_limit, carbon_price, not_served_limit)
    hours = float(len(need)) if hours is None else float(hours)
    if not (math.isfinite(hours) and hours > 0.0):
        raise InputError("not a number of hours", key="hours", given=f"{hours:g}", allowed="above 0")

    whole = need, tuple(plants)
    sample = sample_days(*whole) if solver == "clarabel" else None

    def build(limit: float | None, share: float | None, of: _Park = whole) -> Programme:
        return build_programme(
            load=of[0],
            plants=of[1],
            not_served_price=not_served_price,
            carbon_limit=limit,
            carbon_price=carbon_price,
            not_served_share=share,
        )

    def run(programme: Programme, cost: Array | None) -> Solution:
        cost = programme.cost if cost is None else cost
        return solve(A=programme.A, b=programme.b, cost=cost, equalities=programme.equalities, solver=solver)

    def optimum(programme: Programme, limit: float | None, share: float | None) -> Solution:
        if solver != "clarabel":
            return run(programme, None)
        guess = Guess() if sample is None else guess_from(build(limit, share, sample))
        return solve_reduced(programme, guess)

    programme = build(carbon_limit, None)
    solution = optimum(programme, carbon_limit, None)
    found = recover(programme, solution.x, solution.z)
    notices = list(solution.notices)
    share = _share(found)
    if share > _NOTICED:
        cause = ""
        if carbon_limit is not None and _carbon_starves(programme, solution, not_served_price):
            _check_carbon(build(None, None), run, carbon_limit)
            cause = " under the carbon limit"
        if not_served_limit is not None and share > not_served_limit:
            _check_shortage(build(carbon_limit, None), run, not_served_limit, cause)
            programme = build(carbon_limit, not_served_limit)
            solution = optimum(programme, carbon_limit, not_served_limit)
            notices.extend(solution.notices)
            found = recover(programme, solution.x, solution.z)
        if _share(found) > _NOTICED:
            notices.append(_shortage_notice(found, hours / len(need), not_served_price, cause))
    prices = (carbon_limit, carbon_price, not_served_price)
    return _result(programme, solution, found, notices, prices, hours, start)


def _check(
    load: npt.ArrayLike,
    plants: Sequence[Plant],
    not_served_price: float,
    carbon_limit: float | None,
    carbon_price: float,
    not_served_limit: float | None,
) -> Array:
    need = np.asarray(load, dtype=float)
    sound = need.ndim == 1 and need.size > 0 and bool(np.all(np.isfinite(need)))
    if not sound or np.any(need < 0.0) or not np.any(need):
        raise InputError(
            "the load is not a series of watts",
            key="load",
            allowed="(hours,), finite, not negative, not all zero",
        )
    ids = [plant.id for plant in plants]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise InputError("two plants have the same id", key="plants", given=twice)
    checks = (
        ("not_served_price", not_served_price, "$/J, above 0", not_served_price > 0.0),
        ("carbon_limit", carbon_limit, "kg/J, not negative", carbon_limit is None or carbon_limit >= 0.0),
        ("carbon_price", carbon_price, "$/kg, not negative", carbon_price >= 0.0),
        ("not_served_limit", not_served_limit, "a share, 0 to 1", 0.0 <= (not_served_limit or 0.0) <= 1.0),
    )
    for key, value, allowed, fits in checks:
        if value is not None and not (math.isfinite(value) and fits):
            raise InputError("not a sensible value", key=key, given=f"{value:g}", allowed=allowed)
    return need


def _share(found: Hours) -> float:
    delivered = float(np.sum(found.delivered) - np.sum(found.charge))
    lacking = float(np.sum(found.not_served))
    return lacking / (lacking + delivered)


def _outweighed(programme: Programme, weight: Array) -> Array:
    """A cost in which ``weight`` counts first and money only decides between equals."""
    scale = float(np.max(np.abs(programme.cost))) or 1.0
    return weight * _OUTWEIGHS + programme.cost / scale


def _shed_cost(programme: Programme) -> Array:
    cost = np.zeros_like(programme.cost)
    cost[programme.shed : programme.shed + programme.hours] = 1.0
    return cost


def _carbon_starves(programme: Programme, solution: Solution, not_served_price: float) -> bool:
    """Whether load may be shed for the carbon limit's sake.

    Then the joule shed last saves its price by the carbon it avoids, at most that of the dirtiest plant;
    a shadow price far below this ratio rules it out and spares a second programme.
    """
    dirtiest = float(np.max(programme.carbon)) * CARBON_PER_ENERGY
    return 2.0 * carbon_shadow_price(programme, solution.z) * dirtiest > not_served_price


def _check_carbon(programme: Programme, run: _Run, carbon_limit: float) -> None:
    """Raise where no supply of these plants reaches the carbon limit, however dear."""
    weight = _shed_cost(programme) * 10.0 * max(float(np.max(programme.carbon)), 1.0) + programme.carbon
    solution = run(programme, _outweighed(programme, weight))
    found = recover(programme, solution.x, solution.z)
    served = float(np.sum(programme.load - found.not_served))
    carbon = sum(
        float(np.sum(found.output[:, i] * programme.carbon[column : column + programme.hours]))
        for i, column in programme.output.items()
    )
    if served <= 0.0:
        return
    least = carbon / served * CARBON_PER_ENERGY
    if least > carbon_limit * (1.0 + 1e-4) + 1e-6 * CARBON_PER_ENERGY:
        raise InfeasibleError(
            f"the carbon limit of {grams(carbon_limit)} cannot be met with these plants: the least they "
            f"reach is {grams(least)}, {grams(least - carbon_limit)} too much",
            key="carbon_limit",
            allowed="raise the limit, or the limits of the clean plants, or add one",
        )


def _check_shortage(programme: Programme, run: _Run, limit: float, cause: str) -> None:
    """Raise where the plants cannot carry the load, whatever is paid."""
    solution = run(programme, _outweighed(programme, _shed_cost(programme)))
    found = recover(programme, solution.x, solution.z)
    share = _share(found)
    if share > limit + _NOTICED:
        lacking = float(np.sum(found.not_served)) * HOUR
        when = found.not_served > _NOTICED * programme.power_unit
        raise InfeasibleError(
            f"the plants cannot carry the load{cause}: at least {compact(lacking / HOUR, 'Wh')} in "
            f"{int(np.sum(when)):,} h are lacking, up to {compact(float(np.max(found.not_served)), 'W')}; "
            f"that is {share * 100:.3g} % of the energy",
            key="not_served_limit",
            given=f"{limit:g}",
            allowed="raise the limits of capacity, or allow more energy not served",
        )


def _shortage_notice(found: Hours, weight: float, price: float, cause: str) -> str:
    lacking = float(np.sum(found.not_served)) * weight
    count = round(float(np.sum(found.not_served > 0.0)) * weight)
    most, share = compact(float(np.max(found.not_served)), "W"), _share(found) * 100
    return (
        f"{compact(lacking, 'Wh')} ({share:.3g} % of the energy) are not served in {count:,} h, "
        f"at most {most}: at ${price * HOUR * 1e6:,.0f}/MWh this is cheaper than more capacity, or capacity "
        f"is at its limit{cause}"
    )


def _result(
    programme: Programme,
    solution: Solution,
    found: Hours,
    notices: list[str],
    prices: tuple[float | None, float, float],
    hours: float,
    start: float,
) -> SupplyPlan:
    carbon_limit, carbon_price, not_served_price = prices
    count = programme.hours
    weight = hours / count
    of_year = hours / HOURS_PER_YEAR
    cost: dict[str, dict[str, float]] = {}
    upfront: dict[str, float] = {}
    carbon: dict[str, float] = {}
    construction: dict[str, float] = {}
    water: dict[str, float] = {}
    for i, plant in enumerate(programme.plants):
        made = found.output[:, i] * HOUR * weight
        size, store = found.capacity[i], plant.storage
        carbon[plant.id] = float(made @ plant.hourly("carbon", count))
        water[plant.id] = float(made @ plant.hourly("water", count))
        construction[plant.id] = float(size * plant.construction_carbon * of_year)
        capital, fixed = size * plant.capital, size * plant.fixed
        upfront[plant.id] = float(size * plant.investment)
        if store is not None:
            capital += found.energy[i] * store.energy_capital
            upfront[plant.id] += float(found.energy[i] * store.energy_investment)
            fixed += found.energy[i] * store.energy_fixed
            construction[plant.id] += float(found.energy[i] * store.construction_carbon * of_year)
        cost[plant.id] = {
            "capital": float(capital * of_year),
            "fixed": float(fixed * of_year),
            "variable": float(made @ plant.hourly("variable", count)),
            "fuel": float(made @ plant.hourly("fuel", count)),
            "carbon_price": carbon_price * carbon[plant.id],
        }
        both = np.minimum(found.charge[:, i], found.output[:, i]) > _BURNT * programme.power_unit
        if store is not None and np.any(both):
            notices.append(
                f"{plant.name} charges and discharges at once in {int(np.sum(both)):,} h of negative price, "
                "which a linear programme cannot forbid: the cost is a little too low"
            )
        if _NOTICED * plant.unit_size < size < (1.0 - _NOTICED) * plant.unit_size:
            unit = compact(plant.unit_size, "W")
            notices.append(
                f"{plant.name}: {compact(size, 'W')} is less than one unit of {unit}; the plan does not know "
                "whole units"
            )
    lacking = float(np.sum(found.not_served)) * HOUR * weight
    cost["energy not served"] = {"not_served": lacking * not_served_price}
    objective = math.fsum(value for parts in cost.values() for value in parts.values())
    solved = solution.objective * MONEY_PER_ENERGY * HOUR * programme.power_unit * weight
    if abs(objective - solved) > 1e-6 * max(abs(objective), abs(solved)):
        notices.append(f"bounds were mended after solving: {money(objective)} instead of {money(solved)}")
    return SupplyPlan(
        plants=programme.plants,
        hours=hours,
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
        upfront=upfront,
        carbon=carbon,
        construction_carbon=construction,
        water=water,
        carbon_shadow_price=carbon_shadow_price(programme, solution.z),
        gap=solution.gap,
        infeasibility=solution.infeasibility,
        solver=solution.solver,
        seconds=time.perf_counter() - start,
        iterations=solution.iterations,
        binding=binding(
            programme=programme, hours=found, z=solution.z, bill=objective / weight, carbon_limit=carbon_limit
        ),
        notices=tuple(notices),
    )

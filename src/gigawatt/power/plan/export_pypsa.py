"""A plan's question as a PyPSA network (extra ``pypsa``), for those who work there and as a check on us.

PyPSA has no words for some of our limits: durations of stores between two bounds, carbon as a mean of the
energy served, hourly matching, the limits of a load that gives way, ramps that are cyclic, stores that one
plant alone charges.
:func:`pypsa_limits` adds them through PyPSA's own door, ``extra_functionality``; with it both
solve the same programme.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.flexible import CutStep, queue_limit
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.programme import stores_inside
from gigawatt.power.plants.plant import Plant

__all__ = ["export_pypsa", "pypsa_limits"]

Array = npt.NDArray[np.float64]

_HOUR = 3600.0
_MEGA = 1e6
#: J in a MWh.
_MWH = _HOUR * _MEGA
_SITE = "site"


def export_pypsa(problem: Problem) -> Any:
    """The question as a ``pypsa.Network``, in MW, MWh, $ and t.

    Parameters
    ----------
    problem : Problem
        One weather year. Its objective there is over the hours of the series, as is
        ``SupplyPlan.objective`` where ``hours`` was left out.

    Returns
    -------
    pypsa.Network
        Ready for ``network.optimize(extra_functionality=pypsa_limits(problem))``.

    Raises
    ------
    GigawattError
        PyPSA is not installed.
    InputError
        Several weather years; charges on demand; must-run plants beside negative prices, whose surplus PyPSA
        would burn.

    References
    ----------
    Brown, Hörsch & Schlachtberger (2018), PyPSA, J. Open Research Software 6(1).
    """
    try:
        pypsa: Any = import_module("pypsa")
    except ImportError:
        raise GigawattError("PyPSA is not installed", allowed="pip install 'gigawatt[pypsa]'") from None
    if any(plant.reserve_price > 0.0 for plant in problem.plants):
        raise InputError("load that a grid pays to be able to cut is not exported", key="reserve_price")
    if any(plant.demand or plant.standing for plant in problem.plants):
        raise InputError("charges of a tariff on demand are not exported", key="supply.grid.tariff",
                         allowed="the plan without a tariff")  # fmt: skip
    if any(plant.sale_limit > 0.0 or plant.through for plant in problem.plants):
        raise InputError("sales and power purchase agreements are not exported", key="supply.ppa")
    if problem.years != 1:
        raise InputError("one weather year is exported at a time", key="years", given=str(problem.years))
    need = problem.watts / _MEGA
    top = float(np.max(need))
    network: Any = pypsa.Network()
    network.set_snapshots(range(len(need)))
    network.add("Bus", _SITE)
    network.add("Load", "load", bus=_SITE, p_set=need)
    lost = problem.not_served_price * _MWH
    network.add(
        "Generator", "energy not served", bus=_SITE, p_nom=top, p_max_pu=need / top, marginal_cost=lost
    )
    _add_plants(network, problem)
    _add_flexible(network, problem, need, top)
    return network


def _add_plants(network: Any, problem: Problem) -> None:
    hours = len(problem.watts)
    of_year = hours / HOURS_PER_YEAR
    must_run = negative = False
    for plant in problem.plants:
        price = _price(problem, plant, hours)
        if plant.storage is not None:
            _add_store(network, plant, price, of_year, hours)
            continue
        share = plant.hourly("availability", hours)
        floor = 0.0 if plant.follows_weather_freely else plant.minimum_load
        must_run |= floor > 0.0
        negative |= bool(np.any(price < 0.0))
        network.add(
            "Generator",
            plant.id,
            bus=_SITE,
            p_nom_extendable=True,
            p_nom_min=plant.minimum / _MEGA,
            p_nom_max=plant.maximum / _MEGA,
            p_max_pu=share,
            p_min_pu=floor * share,
            marginal_cost=price,
            capital_cost=(plant.capital + plant.fixed) * of_year * _MEGA,
        )
    if must_run and negative:
        raise InputError(
            "must-run plants beside negative prices are not exported",
            key="plants",
            allowed="prices of 0 and more, or no minimum load",
        )
    if must_run:
        network.add("Generator", "spill", bus=_SITE, sign=-1.0, p_nom_extendable=True)


def _steps(problem: Problem) -> dict[str, CutStep]:
    """Steps of what may be cut by the name of their generator."""
    flexible = problem.flexible
    if flexible is None or not flexible.cuts:
        return {}
    return {f"load cut {k + 1}" if k else "load cut": step for k, step in enumerate(flexible.ladder)}


def _add_flexible(network: Any, problem: Problem, need: Array, top: float) -> None:
    """Load that may be cut, as a generator; load that may wait, as a store below empty."""
    flexible = problem.flexible
    for name, step in _steps(problem).items():
        if step.event > 0.0 or step.stops > 0.0:
            raise InputError(
                "what a cut costs by the event is not exported", key="flexible.steps.event",
                given=f"{step.event:g}", allowed="0 $/W",
            )  # fmt: skip
        network.add(
            "Generator",
            name,
            bus=_SITE,
            p_nom=top,
            p_max_pu=step.share * need / top,
            marginal_cost=step.cost * _MWH,
        )
    if flexible is not None and flexible.waits:
        arriving = flexible.defer_share * need
        limit = queue_limit(arriving=arriving, window=flexible.window, blocks=problem.blocks)
        network.add(
            "Store",
            "waiting",
            bus=_SITE,
            e_nom=top,
            e_min_pu=-limit / top,
            e_max_pu=0.0,
            e_cyclic=True,
            marginal_cost_storage=-flexible.wait_cost * _MWH,
        )


def pypsa_limits(problem: Problem) -> Callable[[Any, Any], None]:
    """What :func:`export_pypsa` cannot say in components, as PyPSA's ``extra_functionality``."""

    def add(network: Any, snapshots: Any) -> None:
        limits = _Limits(problem, network.model)
        limits.stores_and_ramps()
        limits.stores_inside()
        unserved, left_out = limits.flexible()
        limits.shortage()
        limits.emissions(unserved, left_out)

    return add


class _Limits:
    """Constraints added to a linopy model of the network, group by group."""

    def __init__(self, problem: Problem, model: Any) -> None:
        self.problem, self.model = problem, model
        self.need = problem.watts / _MEGA
        self.hours = len(self.need)
        self.made = model.variables["Generator-p"]

    def output(self, name: str) -> Any:
        return self.made.sel(name=name)

    def series(self, values: Array) -> Any:
        import xarray as xr

        return xr.DataArray(values, coords={"snapshot": self.made.coords["snapshot"]}, dims="snapshot")

    def stores_and_ramps(self) -> None:
        model = self.model
        for plant in self.problem.plants:
            if plant.storage is not None:
                _durations(model, plant)
                if np.isfinite(plant.host_ratio) and plant.host:
                    size = model.variables["Link-p_nom"].sel(name=f"{plant.id} charge")
                    host = model.variables["Generator-p_nom"].sel(name=plant.host)
                    model.add_constraints(size - plant.host_ratio * host <= 0, name=f"{plant.id} beside host")
            elif plant.ramp is not None and plant.ramp < 1.0 and not plant.follows_weather_freely:
                share = plant.hourly("availability", self.hours)
                room = self.series(plant.ramp + np.abs(share - np.roll(share, 1)))
                size = model.variables["Generator-p_nom"].sel(name=plant.id)
                step = self.output(plant.id) - self.output(plant.id).roll(snapshot=1)
                model.add_constraints(step - room * size <= 0, name=f"{plant.id} ramp up")
                model.add_constraints(step + room * size >= 0, name=f"{plant.id} ramp down")

    def stores_inside(self) -> None:
        plants = self.problem.plants
        for i, stores in stores_inside(plants).items():
            passes = self.model.variables["Link-p"]
            charge = sum(passes.sel(name=f"{plants[k].id} charge") for k in stores)
            host = plants[i].id
            self.model.add_constraints(charge - self.output(host) <= 0, name=f"{host} charges what is inside")

    def flexible(self) -> tuple[Any, Any]:
        """(load not served or cut, load that needs no supply in the hour)."""
        flexible, need, model = self.problem.flexible, self.need, self.model
        unserved = self.output("energy not served")
        steps = _steps(self.problem)
        for name in steps:
            unserved = unserved + self.output(name)
        if steps and flexible is not None and flexible.cut_limit is not None:
            most = flexible.cut_limit * float(np.sum(need))
            cut = sum(self.output(name).sum() for name in steps)
            model.add_constraints(cut <= most, name="limit on load cut")
        if steps and flexible is not None and flexible.lost_limit is not None:
            per_need = np.divide(1.0, need, out=np.zeros(self.hours), where=need > 0.0)
            lost = sum(
                (self.output(name) * self.series(step.slows / step.share * per_need)).sum()
                for name, step in steps.items()
            )
            model.add_constraints(lost <= flexible.lost_limit * self.hours, name="limit on work lost")
        if flexible is None or not flexible.waits:
            return unserved, unserved
        put_off = model.variables["Store-p"].sel(name="waiting")
        peak = max((flexible.peak or 0.0) / _MEGA, float(np.max(need)))
        model.add_constraints(put_off <= self.series(flexible.defer_share * need), name="work put off")
        model.add_constraints(put_off >= self.series(need - peak), name="work made up")
        return unserved, unserved + put_off

    def shortage(self) -> None:
        if self.problem.not_served_limit is not None:
            most = self.problem.not_served_limit * float(np.sum(self.need))
            lost = self.output("energy not served").sum()
            self.model.add_constraints(lost <= most, name="limit on energy not served")

    def emissions(self, unserved: Any, left_out: Any) -> None:
        """The carbon limit in the mean of what is served, and hourly matching."""
        problem, need, hours = self.problem, self.need, self.hours
        emitting = [
            q for q in problem.plants if q.storage is None and np.any(q.hourly("carbon", hours) > 0.0)
        ]
        if problem.carbon_limit is not None and emitting:
            limit = problem.carbon_limit * _MWH
            carbon = sum(
                (self.output(q.id) * self.series(q.hourly("carbon", hours) * _MWH)).sum() for q in emitting
            )
            served = limit * float(np.sum(need))
            self.model.add_constraints(carbon + limit * unserved.sum() <= served, name="carbon limit")
        if problem.matching is not None and emitting:
            rest = 1.0 - problem.matching
            dirty = [self.output(q.id) * self.series(q.dirty(hours, problem.clean_carbon)) for q in emitting]
            total = sum(dirty[1:], start=dirty[0])
            self.model.add_constraints(
                total + rest * left_out <= self.series(rest * need), name="hourly matching"
            )


def _price(problem: Problem, plant: Plant, hours: int) -> Array:
    price = plant.hourly("variable", hours) + plant.hourly("fuel", hours)
    return (price + problem.carbon_price * plant.levied_carbon(hours)) * _MWH


def _add_store(network: Any, plant: Plant, price: Array, of_year: float, hours: int) -> None:
    """A store behind two links: our power is what passes at the site, in and out."""
    store = plant.storage
    assert store is not None
    share = plant.hourly("availability", hours)
    inside, out = f"{plant.id} inside", store.discharge_efficiency
    network.add("Bus", inside)
    network.add(
        "Store",
        plant.id,
        bus=inside,
        e_nom_extendable=True,
        e_cyclic=True,
        e_max_pu=store.mean_energy,
        standing_loss=store.self_discharge,
        capital_cost=(store.energy_capital + store.energy_fixed) * of_year * _MWH,
    )
    limits = {"p_nom_min": plant.minimum / _MEGA, "p_nom_max": plant.maximum / _MEGA}
    network.add(
        "Link",
        f"{plant.id} charge",
        bus0=_SITE,
        bus1=inside,
        efficiency=store.charge_efficiency,
        p_nom_extendable=True,
        p_max_pu=share,
        capital_cost=(plant.capital + plant.fixed) * of_year * _MEGA,
        **limits,
    )
    network.add(
        "Link",
        f"{plant.id} discharge",
        bus0=inside,
        bus1=_SITE,
        efficiency=out,
        p_nom_extendable=True,
        p_max_pu=share,
        marginal_cost=price * out,
    )


def _durations(model: Any, plant: Plant) -> None:
    store = plant.storage
    assert store is not None
    sizes = model.variables["Link-p_nom"]
    power = sizes.sel(name=f"{plant.id} charge")
    behind = sizes.sel(name=f"{plant.id} discharge")
    energy = model.variables["Store-e_nom"].sel(name=plant.id)
    model.add_constraints(
        store.discharge_efficiency * behind - power == 0, name=f"{plant.id} same power in and out"
    )
    model.add_constraints(energy - store.duration_min / _HOUR * power >= 0, name=f"{plant.id} duration min")
    if np.isfinite(store.duration_max):
        longest = store.duration_max / _HOUR
        model.add_constraints(energy - longest * power <= 0, name=f"{plant.id} duration max")

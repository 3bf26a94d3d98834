"""The chain, third part: the building's load over the year, and the plants that carry it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity
from gigawatt.chain import methods
from gigawatt.chain.registry import running, serving, shared, training
from gigawatt.chain.supply.arrivals import Arrivals
from gigawatt.chain.supply.candidates import candidates_in
from gigawatt.chain.supply.grid_terms import check_reserve
from gigawatt.chain.supply.grid_trade import market_based
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import show
from gigawatt.facility import (
    LoadShape,
    Site,
    Weather,
    facility_load,
    held_to,
    with_pue,
    with_standing,
)
from gigawatt.power import (
    Flexible,
    Grid,
    Plant,
    Problem,
    SupplyPlan,
    default_not_served_price,
    plan,
    solve_problem,
)
from gigawatt.power.adequacy import WHOLE, Adequacy, adequacy_judged, plan_whole_units
from gigawatt.schema.values import ByYear

__all__ = ["HOUR", "bought_plant", "planned"]

Array = NDArray[np.float64]

HOUR = 3600.0
#: Energy served below this share of the load is the rounding of sums over the hours.
_ROUNDING = 1e-9


@training("facility.load", "")
def load_of_runs(
    machine_step_power: float,
    machine_power_it: float,
    machine_nameplate: float,
    machine_count: int,
    machine_pue_peak: float,
    site_weather: Weather,
    site_cooling: Entity,
    site_redundancy: Entity | None,
    site_pue: float | None,
    site_oversubscription: float | None,
) -> LoadShape:
    """Power of the whole facility in every hour of the year, while the runs step and as a mean.

    IT power of a step × hourly PUE of the cooling system in the site's weather, or the PUE that is given; the
    mean is that of mean IT power, at all hours alike. Runs follow one another all year. Nameplate: rated
    power × accelerators × PUE in the hottest hour. Water where it evaporates. Oversubscribed, no hour draws
    more than its highest / (1 + oversubscription).
    """
    load = facility_load(
        it_power=machine_step_power, weather=site_weather, cooling=site_cooling, redundancy=site_redundancy
    )
    return with_standing(
        held_to(with_pue(load, site_pue), site_oversubscription),
        duty=min(1.0, machine_power_it / machine_step_power),
        nameplate=machine_nameplate * machine_count * machine_pue_peak,
    )


@serving("facility.load", "")
def load_of_service(
    machine_power_hours: Array,
    machine_nameplate: float,
    machine_count: int,
    machine_pue_peak: float,
    site_weather: Weather,
    site_cooling: Entity,
    site_redundancy: Entity | None,
    site_pue: float | None,
    site_oversubscription: float | None,
) -> LoadShape:
    """Power of the whole facility in every hour of the year.

    IT power of the hour × hourly PUE of the cooling system in the site's weather, or the PUE that is given;
    nameplate: rated power × accelerators × PUE in the hottest hour; water where it evaporates.
    Oversubscribed, no hour draws more than the highest / (1 + oversubscription).
    """
    load = facility_load(
        it_power=machine_power_hours, weather=site_weather, cooling=site_cooling, redundancy=site_redundancy
    )
    held = held_to(with_pue(load, site_pue), site_oversubscription)
    return replace(held, nameplate=machine_nameplate * machine_count * machine_pue_peak)


@running("facility.capped_time", "percent")
def capped_time(facility_load: LoadShape) -> float:
    """Share of the year in which an oversubscribed facility caps its accelerators.

    Hours of which the power exceeds the firm power at the meter / hours of the year
    """
    return float(np.mean(facility_load.allowed < 1.0))


@running("facility.pue", "1")
def pue(facility_load: LoadShape) -> float:
    """Power usage effectiveness over the year.

    facility energy / IT energy
    """
    return float(np.sum(facility_load.facility) / np.sum(facility_load.it))


@shared("facility.power_mean", "MW")
def power_mean(facility_load: LoadShape) -> float:
    """Mean facility power.

    Mean over the hours of the year, those in which it stands among them.
    """
    return facility_load.mean


@shared("facility.power_peak", "MW")
def power_peak(facility_load: LoadShape) -> float:
    """Facility power in the highest hour in which it runs; firm capacity follows it.

    Largest hour of the year at the power of a step, or of the service.
    """
    return facility_load.peak


@running("facility.power_nameplate", "MW")
def power_nameplate(facility_load: LoadShape) -> float | None:
    """Rated power of the facility at the meter, which breakers, UPS and racks are made for.

    rated power of all nodes and the network × PUE in the hottest hour
    """
    return facility_load.nameplate


@training("facility.power_standing", "MW")
def power_standing(machine_standing_power: float, facility_pue: float) -> float:
    """Mean facility power while it stands: after a failure, in a restart, at a checkpoint.

    IT power of accelerators that wait × PUE of the year
    """
    return machine_standing_power * facility_pue


@shared("facility.energy", "GWh")
def facility_energy(facility_load: LoadShape) -> float:
    """Electricity of the facility in a year.

    Sum over the hours.
    """
    return float(np.sum(facility_load.facility)) * HOUR


@running("facility.water", "m^3")
def water(facility_load: LoadShape) -> float:
    """Water evaporated and drained on site in a year.

    Sum over the hours.
    """
    return float(np.sum(facility_load.water))


@shared("supply.candidates", "")
def candidates(
    supply_plants: tuple[str, ...],
    supply_grid: Grid,
    supply_grid_given: Mapping[str, Any],
    supply_limits: Mapping[str, float],
    supply_capacity_factors: Mapping[str, Array],
    supply_fuel_prices: Mapping[str, ByYear],
    supply_fuel_stock: float | None,
    supply_carbon_market: bool,
    supply_credits: str,
    supply_arrivals: Arrivals,
    site_site: Site,
    site_weather_years: tuple[Weather, ...],
    scenario_year: int,
    economics_discount_rate: float,
    carbon_boundary: str,
    carbon_leak: str | None,
) -> tuple[Plant, ...]:
    """Plants that may be built, with this year's costs and this site's weather.

    capital × rate / (1 − (1 + rate)^−life) + fixed operation; fuel and variable cost per joule.
    """
    return candidates_in(
        "value",
        supply_plants=supply_plants,
        supply_grid=supply_grid,
        supply_grid_given=supply_grid_given,
        supply_limits=supply_limits,
        supply_capacity_factors=supply_capacity_factors,
        supply_fuel_prices=supply_fuel_prices,
        supply_fuel_stock=supply_fuel_stock,
        supply_carbon_market=supply_carbon_market,
        supply_credits=supply_credits,
        supply_arrivals=supply_arrivals,
        site_site=site_site,
        site_weather_years=site_weather_years,
        scenario_year=scenario_year,
        economics_discount_rate=economics_discount_rate,
        carbon_boundary=carbon_boundary,
        carbon_leak=carbon_leak,
    )


@shared("supply.plan", "", method=methods.SUPPLY)
def supply_plan(
    facility_load: LoadShape,
    supply_candidates: tuple[Plant, ...],
    supply_carbon_limit: float | None,
    supply_carbon_price: float,
    supply_not_served_price: float,
    supply_not_served_limit: float | None,
    supply_units: str,
    supply_fuel_lines: int,
    supply_matching: float | None,
    supply_flexible: Flexible | None,
    site_weather_years: tuple[Weather, ...],
) -> SupplyPlan:
    """Cheapest capacities and hourly dispatch that carry the load.

    Capacities carry the power of every hour while the facility runs; energy is that of the mean. Plants come
    in whole units that fail: as many as reliability, or the price of energy not served, asks for.
    One linear programme over the hours of all weather years: minimise annuities, fixed and variable cost,
    fuel, carbon price and the prices of energy cut and not served, subject to the balance of every hour,
    storage, ramps, capacity limits, the carbon limit, reliability and matching.
    """
    check_reserve(supply_candidates, supply_flexible)
    return planned(
        facility_load, supply_candidates, supply_carbon_limit, supply_carbon_price, supply_not_served_price,
        supply_not_served_limit, supply_units, supply_fuel_lines, supply_matching, supply_flexible,
        site_weather_years,
    )  # fmt: skip


def planned(
    load: LoadShape, candidates: tuple[Plant, ...], carbon_limit: float | None, carbon_price: float,
    not_served_price: float, not_served_limit: float | None, units: str, fuel_lines: int,
    matching: float | None, flexible: Flexible | None, weather_years: tuple[Weather, ...],
) -> SupplyPlan:  # fmt: skip
    """:func:`supply_plan` of its inputs.

    Raises
    ------
    InfeasibleError
        No plan meets the limits, or none serves any of the load.
    """
    years = len(weather_years)
    problem = Problem(
        load=np.tile(load.running, years),
        plants=candidates,
        not_served_price=not_served_price,
        carbon_limit=carbon_limit,
        carbon_price=carbon_price,
        not_served_limit=not_served_limit,
        years=years,
        flexible=flexible,
        matching=matching,
        duty=load.duty,
        fuel_lines=fuel_lines,
    )
    found = plan_whole_units(problem) if units == WHOLE else solve_problem(problem)
    if float(np.sum(found.load - found.not_served)) <= _ROUNDING * float(np.sum(found.load)):
        raise InfeasibleError(
            f"the plants cannot serve any of a load of {show(float(np.mean(found.load)), 'MW')}",
            key="supply.plants",
            given=", ".join(found.capacity),
            allowed="a plant, limit or price of energy not served with which some of the load is served",
        )
    return found


@shared("supply.arrivals", "")
def arrivals(supply_dates: Arrivals, facility_load: LoadShape, scenario_year: int) -> Arrivals:
    """When each plant that may be built gives power; a connection by the size of the load.

    order + lead time, lognormal with the low and high end of the row as 5 and 95 %
    """
    return supply_dates.at(facility_load.peak, scenario_year)


@shared("supply.arrivals", "", given=("supply.price",))
def nothing_to_order(supply_price: float) -> Arrivals:
    """Nothing is ordered where all electricity is bought.

    No plant, no date: a connection at the given price gives power from the beginning.
    """
    return Arrivals(False, {}, 0.0)


@shared("supply.plan", "", given=("supply.price",), method=methods.PURCHASE)
def purchase(facility_load: LoadShape, supply_price: float, supply_grid: Grid) -> SupplyPlan:
    """All electricity bought at the given price, with the carbon of the grid's hours.

    price × energy of every hour; no plant is built.
    """
    bought = bought_plant(facility_load, supply_price, supply_grid)
    dearer = supply_price + default_not_served_price()[0]  # the whole load is bought, whatever it costs
    bill = plan(
        load=facility_load.running, plants=(bought,), not_served_price=dearer, duty=facility_load.duty
    )
    return replace(bill, binding=())  # that the purchase is as large as the load is no limit


def bought_plant(load: LoadShape, price: float, grid: Grid) -> Plant:
    """All electricity at one price [$/J] as a plant, with the carbon of the grid's hours."""
    hours = len(load.facility)
    carbon = grid.carbon.reshape(len(grid.carbon) // hours, hours).mean(axis=0)
    return Plant(
        "grid",
        "grid",
        name="grid connection at the given price",
        fuel=price,
        carbon=carbon,
        maximum=load.peak,
    )


@shared("supply.electricity_cost", "$/MWh")
def electricity_cost(supply_plan: SupplyPlan) -> float:
    """Levelised cost of the electricity served.

    (annuities + operation + fuel + carbon price) / energy served
    """
    return supply_plan.cost_per_energy


@shared("supply.marginal_price", "$/MWh")
def marginal_price(supply_plan: SupplyPlan) -> float:
    """Load-weighted marginal price of electricity.

    Dual of the hourly balance, weighted by the load.
    """
    return float(np.average(supply_plan.price, weights=supply_plan.load))


@shared(
    "supply.carbon_intensity", "g/kWh", rows=("carbon*", "efficiency*", "heat_rate", "fuel*", "mean_carbon*")
)
def carbon_intensity(supply_plan: SupplyPlan) -> float:
    """Operational carbon of the electricity served.

    kg of all plants and of the grid / energy served
    """
    return supply_plan.carbon_intensity


@shared("supply.carbon_intensity_20", "g/kWh", rows=("warming*",))
def carbon_intensity_20(supply_plan: SupplyPlan) -> float:
    """Operational carbon of the electricity served by the warming of 20 years.

    As over 100 years, the methane that leaks before the plants of the plan counting 82.5 in place of 29.8 of
    its mass; that in the carbon of the grid and of imports is not known apart
    """
    return supply_plan.carbon_intensity_20


@shared("supply.carbon_intensity_market", "g/kWh", rows=("residual_carbon", "fossil_upstream"))
def carbon_intensity_market(supply_plan: SupplyPlan, supply_grid: Grid) -> float:
    """Operational carbon of the electricity served, market-based (GHG Protocol scope 2).

    kg of plants and agreements + energy from the grid × residual mix of its market, / energy served;
    ``supply.carbon_intensity`` is location-based
    """
    return market_based(supply_plan, supply_grid.residual)


@shared("supply.grid_water", "m^3", rows=("water",))
def grid_water(supply_plan: SupplyPlan, supply_grid: Grid) -> float:
    """Water that the power plants behind the grid consume in a year for what is drawn from it.

    energy from the grid × litres that its plants consume per kWh, reservoirs of hydropower among them;
    beside ``facility.water``, on site, and the water of plants that are built
    """
    kinds = {plant.id: plant.kind for plant in supply_plan.plants}
    drawn = sum(joules for name, joules in supply_plan.energy().items() if kinds[name] == "grid")
    return drawn * supply_grid.water


@shared("supply.not_served", "MWh")
def not_served(supply_plan: SupplyPlan) -> float:
    """Energy not served in a year.

    Sum over the hours.
    """
    return float(supply_plan.hour_weight @ supply_plan.not_served) * HOUR * supply_plan.weight


@shared("supply.cut", "MWh")
def cut(supply_plan: SupplyPlan) -> float:
    """Curtailable load that is cut in a year.

    Sum over the hours.
    """
    return float(supply_plan.hour_weight @ supply_plan.cut) * HOUR * supply_plan.weight


@shared("supply.put_off", "MWh")
def put_off(supply_plan: SupplyPlan) -> float:
    """Deferrable load that is shifted to a later hour, in a year.

    Sum of what joins the queue, by the hour.
    """
    queue = supply_plan.waiting.reshape(supply_plan.years, -1)
    joined = np.maximum(queue - np.roll(queue, 1, axis=1), 0.0).ravel()
    return float(supply_plan.hour_weight @ joined) * supply_plan.weight


@shared("supply.curtailed", "GWh")
def curtailed(supply_plan: SupplyPlan) -> float:
    """Curtailed energy of sun, wind and must-run plants in a year.

    Sum over plants and hours.
    """
    return float(supply_plan.hour_weight @ supply_plan.curtailed.sum(axis=1)) * HOUR * supply_plan.weight


@shared("supply.gap", "1")
def gap(supply_plan: SupplyPlan) -> float:
    """Relative duality gap of the plan.

    |primal − dual| / |primal|
    """
    return supply_plan.gap


@shared("supply.adequacy", "", method=methods.ADEQUACY)
def adequacy(supply_plan: SupplyPlan) -> Adequacy:
    """What the plan lacks when its plants are whole units that fail and are maintained.

    Convolution of the outages of all units, hour by hour; where there are stores, simulation of many years.
    """
    return adequacy_judged(supply_plan)


@shared("supply.lolh", "h")
def lolh(supply_adequacy: Adequacy) -> float:
    """Hours of a mean year in which whole units that fail do not carry the load (LOLH).

    Sum over the hours of the probability that less is available than the load.
    """
    return supply_adequacy.indices.hours * HOUR


@shared("supply.eue", "MWh")
def eue(supply_adequacy: Adequacy) -> float:
    """Energy that whole units that fail leave unserved in a mean year (EUE).

    Sum over the hours of the power that lacks in the mean.
    """
    return supply_adequacy.indices.energy * HOUR


@shared("supply.worst_outage", "")
def worst_outage(supply_adequacy: Adequacy) -> str:
    """The single unit whose outages lose most energy in a year.

    Probability that it is out × power that lacks while it is out, less what would lack without its outage.
    """
    return supply_adequacy.worst.words

"""The chain, fourth part: the ledger of money, carbon and water, and the figures of a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.chain.machine.quantities import Machine, provided
from gigawatt.chain.registry import load_alone, running, serving, shared, training
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.formula import function_of
from gigawatt.facility.embodied import embodied_carbon
from gigawatt.facility.power_chain import construction_factor
from gigawatt.machine import Chip
from gigawatt.machine.prices import rent_in, resale_share
from gigawatt.money import SECONDS_PER_YEAR, Asset, Ledger, PlantCost, campus_assets, ledger
from gigawatt.money.annuity import annuity
from gigawatt.power import SupplyPlan

__all__ = ["Campus", "supply_costs"]

#: The redundancy that published costs of construction are of.
_PUBLISHED = "n+1"


@dataclass(frozen=True)
class Campus:
    """Assets that are bought once, with their rows and assumptions."""

    assets: Mapping[str, Asset]
    evidence: tuple[Evidence, ...]
    assumptions: tuple[Assumption, ...]


def built_with(
    redundancy: Entity | None, it_power: float
) -> tuple[float, float | None, tuple[Evidence, ...]]:
    """(cost over that of the published redundancy, embodied carbon [kg], rows) of a building.

    Where no redundancy is given: that of the published costs, ``None`` of the carbon, no rows.
    """
    if redundancy is None:
        return 1.0, None, ()
    parts = catalog.entity("building", "ai-campus-parts")
    usual = catalog.entity("cooling_redundancy", _PUBLISHED)
    sizes = {"redundancy": redundancy, "reference": usual, "parts": parts}
    embodied = sum(embodied_carbon(it_power=it_power, years=0.0, **sizes).values())
    return construction_factor(**sizes), embodied, (*parts.rows(), *usual.rows())


@running("ledger.campus", "")
def campus(
    machine_machine: Machine,
    machine_count: int,
    machine_power_it: float,
    machine_design_power: float,
    economics_chip_life: float | None,
    site_redundancy: Entity | None,
    ledger_assets: Mapping[str, Asset | None],
) -> Campus:
    """Chips, nodes, network, building and further assets: price, life, upkeep and embodied carbon.

    Chips are sold at the end of their life where a resale is given.
    Nodes are bought whole. The building is sized for the design power of every accelerator and node; where
    its redundancy is given, its power and cooling cost and embody as much more or less as they are larger or
    smaller than the usual ones.
    A further asset that is ``None`` is left out.
    """
    cluster = machine_machine.cluster
    it_power = max(machine_power_it, provided(cluster.node, machine_design_power, machine_count))
    factor, embodied, of_redundancy = built_with(site_redundancy, it_power)
    assets, told = campus_assets(
        chip_count=machine_count,
        chip_price=cluster.chip.price,
        node_count=cluster.node.number(machine_count),
        node_price=cluster.node.price,
        network_price=cluster.network_price * machine_count,
        it_power=it_power,
        chip_embodied=cluster.chip.embodied_carbon,
        node_embodied=cluster.node.embodied_carbon,
        building_factor=factor,
        building_embodied=embodied,
    )
    if economics_chip_life is not None:
        for name in ("chips", "nodes"):
            assets[name] = replace(assets[name], life=economics_chip_life)
        told = tuple(item for item in told if item.key != "finance.chip_life")
    chips = assets["chips"]
    assets["chips"] = replace(chips, resale=chips.price * resale_share(cluster.chip, chips.life))
    rows = (*catalog.entity("finance", "hyperscaler").rows(), *catalog.entity("building", "ai-campus").rows())
    rows += of_redundancy
    assets |= {name: asset for name, asset in ledger_assets.items() if asset is not None}
    return Campus(assets, rows, told)


@running("ledger.chip_hour_owned", "$/h")
def chip_hour_owned(ledger_campus: Campus, economics_discount_rate: float, machine_count: int) -> float:
    """Cost of one accelerator for one hour without electricity, every hour of the year in use.

    (annuities of chips, nodes, network and building, resale counted, + their upkeep) / accelerators
    """
    rate = economics_discount_rate
    yearly = sum(
        float(annuity(capital=asset.net_price(rate), rate=rate, life=asset.life)) + asset.operating
        for asset in ledger_campus.assets.values()
    )
    return yearly / SECONDS_PER_YEAR / machine_count


@training("ledger.run_owned", "M$")
def run_owned(training_accelerator_hours: float, ledger_chip_hour_owned: float) -> float:
    """Cost of one run for chips, nodes, network and building, for its time on the clock.

    accelerator-hours × cost of one for an hour without electricity
    """
    return training_accelerator_hours * ledger_chip_hour_owned


@training("ledger.run_electricity", "M$")
def run_electricity(energy_facility: float, supply_electricity_cost: float) -> float:
    """Cost of the electricity of one run.

    energy at the meter × price of electricity
    """
    return energy_facility * supply_electricity_cost


TAX_CREDITS = "tax credits"
"""Line of the ledger that has the tax credits of all plants; it is less than nothing."""


def supply_costs(optimum: SupplyPlan) -> dict[str, PlantCost]:
    """Cost of each plant of the supply per year; what hedges pay beyond its fixed cost is off its energy."""
    supply: dict[str, PlantCost] = {}
    for plant in optimum.plants:
        cost = optimum.cost[plant.id]
        operating = cost["fixed"] + cost["variable"]
        supply[plant.id] = PlantCost(
            capital=cost["capital"],
            operating=max(operating, 0.0),
            energy=cost["fuel"] + cost["carbon_price"] + min(operating, 0.0),
            upfront=optimum.upfront[plant.id],
            embodied=optimum.construction_carbon[plant.id],
        )
    credits = sum(optimum.cost[plant.id]["credits"] for plant in optimum.plants)
    if credits != 0.0:
        supply[TAX_CREDITS] = PlantCost(energy=credits)
    return supply


@training("ledger.ledger", "")
def books(
    ledger_campus: Campus,
    supply_plan: SupplyPlan,
    economics_discount_rate: float,
    facility_energy: float,
    facility_water: float,
    training_duration: float,
    training_tokens_trained: float,
    training_runs: int,
    machine_count: int,
) -> Ledger:
    """Money, carbon and water of the campus in a year and of one run.

    A run bears the share of the campus's yearly cost that it occupies, for its time on the clock.
    """
    return ledger(
        assets=ledger_campus.assets,
        supply=supply_costs(supply_plan),
        discount_rate=economics_discount_rate,
        energy=facility_energy,
        duration=training_duration,
        tokens=training_tokens_trained,
        chip_count=machine_count,
        campus_share=1.0 / training_runs,
        carbon=sum(supply_plan.carbon.values()),
        water_site=facility_water,
        water_supply=sum(supply_plan.water.values()),
    )


_CONSTANTS = {"SECONDS_PER_YEAR": SECONDS_PER_YEAR}


def _figure(
    name: str, unit: str, summary: str, words: str, formula: str, register: Callable[..., Any] = training
) -> Callable[..., Any]:
    return register(name, unit)(function_of(formula, f"{summary}\n\n{words}", _CONSTANTS))


_figure("ledger.total_capital", "M$", "Upfront investment.",
        "chips + nodes + network + building + plants", "ledger.ledger.capital_upfront", shared)  # fmt: skip
_figure("ledger.annual_cost", "M$/yr", "Cost of the campus in a year.",
        "annuities + operation + energy", "ledger.ledger.cost_yearly / SECONDS_PER_YEAR",
        shared)  # fmt: skip
_figure("ledger.run_cost", "M$", "Cost of one run.",
        "yearly cost × share of the campus × duration in years",
        "ledger.ledger.cost_yearly * ledger.ledger.run_years")  # fmt: skip


@training("ledger.rented_cost", "M$")
def rented_cost(
    economics_chip_rent: float | None,
    machine_chip: Chip,
    scenario_year: int,
    training_accelerator_hours: float,
) -> float | None:
    """Cost of one run on rented accelerators, host, network, building and power included.

    rent × accelerator-hours; the rent that is given, or the catalog's of the year, nothing without one
    """
    rent = rent_in(machine_chip, scenario_year) if economics_chip_rent is None else economics_chip_rent
    return None if rent is None else rent * training_accelerator_hours


_figure("ledger.electricity_cost", "$/MWh", "Levelised cost of the facility's electricity.",
        "cost of the plants / energy of the facility",
        "ledger.ledger.electricity_yearly / ledger.ledger.energy_yearly", shared)  # fmt: skip
_figure("ledger.chip_hour", "$/h", "All-in cost of one accelerator for one hour.",
        "cost of the run, or of a year that serves / accelerator-hours",
        "ledger.ledger.cost / ledger.ledger.chip_seconds", running)  # fmt: skip
_figure("ledger.cost_per_mtoken", "$/Mtoken", "Cost of a million tokens.",
        "cost of the run / tokens", "ledger.ledger.cost / ledger.ledger.tokens")  # fmt: skip
_figure("ledger.energy_per_mtoken", "kWh/Mtoken", "Electricity of a million tokens, at the facility's meter.",
        "energy of the run / tokens",
        "ledger.ledger.energy_yearly * ledger.ledger.run_years / ledger.ledger.tokens")  # fmt: skip
_figure("ledger.carbon_operational_per_mtoken", "g/Mtoken", "Operational carbon of a million tokens.",
        "operational carbon of the run / tokens",
        "ledger.ledger.carbon_yearly * ledger.ledger.run_years / ledger.ledger.tokens")  # fmt: skip
_figure("ledger.carbon_embodied_per_mtoken", "g/Mtoken", "Embodied carbon of a million tokens.",
        "the run's share of what making chips, building and plants emitted / tokens",
        "ledger.ledger.carbon_embodied / ledger.ledger.tokens")  # fmt: skip
_figure("ledger.water_per_mtoken", "L/Mtoken", "Water of a million tokens, on site and at the plants.",
        "water of the run / tokens",
        "(ledger.ledger.water_site + ledger.ledger.water_supply) / ledger.ledger.tokens")  # fmt: skip
_figure("ledger.run_carbon", "t", "Carbon of one run, operational and embodied.", "operational + embodied",
        "ledger.ledger.carbon_operational + ledger.ledger.carbon_embodied")  # fmt: skip
for _register in (serving, load_alone):
    _figure("ledger.annual_carbon", "t", "Carbon of a year, operational and embodied.",
            "operational + embodied", "ledger.ledger.carbon_operational + ledger.ledger.carbon_embodied",
            _register)  # fmt: skip
_figure("ledger.annual_water", "m^3", "Water of a year, on site and at the plants.",
        "on site + at the plants", "ledger.ledger.water_site + ledger.ledger.water_supply",
        load_alone)  # fmt: skip
_figure("ledger.cost_per_energy", "$/MWh", "All costs of a year for each unit of energy at the meter.",
        "cost of a year / energy of the facility", "ledger.ledger.cost_yearly / ledger.ledger.energy_yearly",
        load_alone)  # fmt: skip
_figure("ledger.cost_per_it_energy", "$/MWh", "All costs of a year for each unit of energy at the racks.",
        "cost of a year / energy of the facility × PUE",
        "ledger.ledger.cost_yearly / ledger.ledger.energy_yearly * facility.pue", load_alone)  # fmt: skip

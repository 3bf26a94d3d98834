"""Response tables of the supply room for the outlook: least-cost pathways of a few sites, made once.

Each cell is a real pathway (:func:`gigawatt.studies.pathway.plan.pathways`): a site, a price of gas, a price
of carbon that rises to a level in 2050 (a limit on carbon works as its shadow price), build rates free or
held, plants at the catalog's costs or at the low ends. What is kept of it, by year: shares of plants in what
is served, cost, carbon, water. The table is a file of the catalog; ``benchmarks/make_outlook_energy.py``
makes it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from gigawatt import catalog
from gigawatt.chain.question_words import HERE
from gigawatt.schema.changed import scenario_of
from gigawatt.studies.pathway.plan import pathways
from gigawatt.studies.pathway.question import Question

__all__ = ["BUILDS", "CASES", "PLANTS", "YEARS_TOLD", "Cell", "cells", "respond", "rows_of", "site_water"]

PLANTS = (
    "grid", "solar", "wind", "battery", "gas-combined-cycle", "gas-engine", "fission-small",
    "fission-molten-salt", "fusion", "space-solar",
)  # fmt: skip
"""Plants that a pathway may build."""
BUILDS = ("free", "held")
CASES = ("value", "low")
YEARS_TOLD = (2026.0, 2030.0, 2035.0, 2040.0, 2050.0)
"""First years of the steps of a pathway."""
CHIP = "GB200"
"""What waits where power is late."""

_MWH, _KWH = 3.6e9, 3.6e6


@dataclass(frozen=True)
class Cell:
    """One pathway: ``gas`` [$/J] at Henry Hub, ``carbon`` [$/kg] in 2050, ``build`` and ``case``."""

    site: str
    gas: float
    carbon: float
    build: str
    case: str


def _axis(stem: str, quantity: str) -> tuple[float, ...]:
    rows = catalog.table("outlook_energy")
    return tuple(row.value(quantity) for id, row in rows.items() if id.startswith(f"{stem}-"))


def cells() -> tuple[Cell, ...]:
    """Every cell of the table, in its order."""
    sites = catalog.table("outlook_energy_sites")
    axes = (sites, _axis("gas", "gas_price"), _axis("carbon", "carbon_price"), BUILDS, CASES)
    return tuple(Cell(*one) for one in product(*axes))


def question(cell: Cell) -> Question:
    """The question of a cell: a load that grows, every plant to choose from.

    Parameters
    ----------
    cell : Cell
        See :func:`cells`.

    Returns
    -------
    Question
    """
    path, rows = catalog.entity("outlook_energy", "path"), catalog.table("outlook_energy")
    gas = cell.gas + rows[cell.site].value("gas_adder")
    first, last = path.value("start_year"), path.value("level_year")
    held = rows["held"]
    rates = {name: held.value(name) for name in PLANTS if name in held.numbers}
    years = (2026, 2030, 2040, 2050)
    values = {
        "site.name": cell.site,
        "year": int(YEARS_TOLD[0]),
        "load.mean": ", ".join(f"{year}: {path.value(f'load_{year}')} W" for year in years),
        "supply.plants": list(PLANTS),
        "supply.ordered": "any",
        "supply.allow": list(PLANTS),  # a site stands for a kind of place, not for its law
        "supply.credits": "none",
        "supply.carbon_price": f"{first:.0f}: {cell.carbon * path.value('start_share')} $/kg, "
        f"{last:.0f}: {cell.carbon} $/kg",
        "supply.fuel_prices.natural-gas": f"{gas} $/J",
    }
    return Question(
        scenario_of(values, HERE),
        years=YEARS_TOLD,
        end=path.value("end"),
        chip=CHIP,
        cut=False,
        build_rates=rates if cell.build == "held" else {},
        case=cell.case,
        weeks=int(path.value("weeks")),
    )


def respond(cell: Cell) -> list[dict[str, str]]:
    """Solve one cell: a row for every step in which something is served.

    Parameters
    ----------
    cell : Cell
        See :func:`cells`.

    Returns
    -------
    list of dict
        ``cost_MWh`` [$/MWh] with what is paid for carbon, ``carbon_kWh`` [g/kWh] operational,
        ``built_kWh`` [g/kWh] of construction, ``water_MWh`` [L/MWh], each of a unit served; ``served`` share
        of the load; shares of plants in what they deliver, and what stores deliver beside it.

    Raises
    ------
    InputError, InfeasibleError
        As :func:`gigawatt.studies.pathway.plan.pathways`.
    """
    best = pathways(question(cell), compare=False).best
    energy, demand = best.energy, best.demand
    stores = [name == "battery" for name in best.names]
    made = energy[:, ~np.array(stores)].sum(axis=1)
    served = demand - best.energy_not_served
    found: list[dict[str, str]] = []
    for s, step in enumerate(best.steps):
        if served[s] <= 1e-3 * demand[s]:
            continue
        row = {
            "site": cell.site,
            "gas_MMBtu": f"{cell.gas * _MMBTU:.4g}",
            "carbon_t": f"{cell.carbon * 1e3:.4g}",
            "build": cell.build,
            "case": cell.case,
            "year": f"{step.year:.0f}",
            "served": f"{served[s] / demand[s]:.4f}",
            "cost_MWh": f"{float(best.cost_per_energy[s]) * _MWH:.2f}",
            "carbon_kWh": f"{float(best.carbon[s].sum()) / served[s] * _KWH * 1e3:.2f}",
            "built_kWh": f"{float(best.construction_carbon[s].sum()) / served[s] * _KWH * 1e3:.2f}",
            "water_MWh": f"{float(best.water[s].sum()) / served[s] * _MWH * 1e3:.1f}",
        }
        for i, name in enumerate(best.names):
            of = served[s] if stores[i] else made[s]
            row[name] = f"{energy[s, i] / of:.4f}"
        found.append(row)
    return found


_MMBTU = 1.05505585262e9  # J, international table


def rows_of(progress: Callable[[str, float], None] = lambda text, share: None) -> list[dict[str, str]]:
    """All rows of the table, cell after cell; some minutes.

    Raises
    ------
    InputError, InfeasibleError
        As :func:`respond`.
    """
    found: list[dict[str, str]] = []
    asked = cells()
    for i, cell in enumerate(asked):
        progress(f"{cell.site}, pathway {i + 1} of {len(asked)}", i / len(asked))
        found.extend(respond(cell))
    return found


def site_water() -> list[dict[str, str]]:
    """Water evaporated on site by each site's building, L a kWh of IT: the catalog's usual cooling plant,
    whose towers evaporate, in the site's weather."""
    from gigawatt.facility import facility_load, load_site, load_weather

    row = catalog.entity("cooling", catalog.entity("defaults", "site.cooling").text("text"))
    found: list[dict[str, str]] = []
    for name in catalog.table("outlook_energy_sites"):
        weather = load_weather(load_site(name))
        load = facility_load(it_power=np.ones(len(weather.air_temperature())), weather=weather, cooling=row)
        litres = float(load.evaporated.sum()) * 1e3  # evaporated m³/h of 1 W of IT for a year
        joules = float(load.it.sum()) * 3600.0
        found.append({"site": name, "water_kWh": f"{litres / joules * _KWH:.3f}"})
    return found

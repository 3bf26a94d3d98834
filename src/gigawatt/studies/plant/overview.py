"""Every plant of the catalog in one table: what its electricity would cost at a site in a year, and the rest.

A levelised cost is that of a plant that runs whenever it can: fuel plants at their availability, sun and wind
as the site's weather has it. What a plan makes of them (stores, hours without sun, a grid that is dear in the
evening) is not in it; see ``gigawatt plan-supply``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.supply.candidates import fuelled, grid_at
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.core.evidence import worst
from gigawatt.facility import Country, country_of, load_site, load_weather
from gigawatt.money import capital_recovery_factor, discount_rate
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.power import Grid, Plant, build_plant, load_grid, plant_profiles
from gigawatt.power.dates import waits_in_queue
from gigawatt.power.plants.hubs import NO_HUBS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "levelised_cost_of", "plant_costs", "plant_overview"]

Array = NDArray[np.float64]

_MWH, _G_KWH, _KW, _KWH, _HOUR = 3.6e9, 3.6e9, 1e3, 3.6e6, 3600.0
_NONE = float("nan")

COLUMNS = (
    "name", "kind", "fuel", "lcoe [$/MWh]", "lcoe_low [$/MWh]", "lcoe_high [$/MWh]", "capacity_factor []",
    "capital [$/kW]", "capital_low [$/kW]", "capital_high [$/kW]", "energy_capital [$/kWh]",
    "round_trip []", "lead_time [year]", "life [year]", "carbon [g/kWh]", "water [L/MWh]", "grade",
    "worst_grade", "source", "note",
)  # fmt: skip


def levelised_cost_of(plant: Plant, *, capacity_factor: float) -> float:
    """Levelised cost in $/J of a plant's electricity, without storage.

    Parameters
    ----------
    plant : Plant
        Whose ``capital`` is an annuity [$/W/year].
    capacity_factor : float
        Energy delivered / (capacity × year), (0, 1]; with outages in it.

    References
    ----------
    As :func:`gigawatt.money.levelised_cost` (NREL, "Simple Levelized Cost of Energy Calculator
    Documentation"), with the annuity already taken and the carbon price left out.
    """
    yearly = plant.capital + plant.fixed
    running = float(np.mean(plant.variable)) + float(np.mean(plant.fuel))
    return yearly / (capacity_factor * SECONDS_PER_YEAR) + running


def plant_overview(year: int, site: str) -> pd.DataFrame:
    """One row a plant of the catalog, by its id.

    Parameters
    ----------
    year : int
        Of operation, of which the costs are.
    site : str
        A site of the catalog; its weather rules sun, wind and warm air, its grid the price of the grid.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`. ``lcoe`` at the usual discount rate, with the ends of the ranges of capital
        cost and fuel (or grid) price; NaN for stores, which make no electricity, and
        where a plant cannot stand (a satellite too low above the horizon). ``carbon`` is that of
        operation, fuel supply and construction. ``grade`` is that of the capital cost, ``worst_grade`` that
        of the least certain number (a construction carbon, more often than not). ``note`` says where a
        capacity factor comes from.

    Raises
    ------
    InputError
        No such site.
    """
    import pandas as pd

    rows = _overview(year, load_site(site).id)
    return pd.DataFrame(list(rows), columns=["plant", *COLUMNS]).set_index("plant")


@lru_cache(maxsize=64)
def _overview(year: int, site: str) -> tuple[tuple[object, ...], ...]:
    place = load_site(site)
    sky = load_weather(place)
    grid = load_grid(place.grid, year, weather=sky)
    profile = plant_profiles(sky)
    country = country_of(place)
    asked = country.row_with("risk_premium")
    rate, _ = discount_rate(premium=None if asked is None else asked.evidence("risk_premium"))
    rows: list[tuple[object, ...]] = []
    for name in catalog.table("plants"):
        try:
            found, why = profile(name), _unknown_profile(name)
        except (InputError, MissingDataError) as error:  # the sky here is none for this plant
            found, why = None, f"not here: {error.message}"
        if why:
            found = np.zeros(1)
        rows.append(_row(name, year, rate, found, grid, sky.temperature, country, why))
    return tuple(rows)


def _unknown_profile(name: str) -> str:
    """Why the mean of a plant that follows the weather is not known; empty where it is."""
    row = catalog.entity("plants", name)
    if row.text("kind") != "profile" or row.text("profile") or "capacity_factor" in row.numbers:
        return ""
    return "its row has neither a profile nor a capacity factor"


def _built(
    name: str,
    year: float,
    rate: float,
    profile: Array | None,
    grid: Grid | None,
    air: Array | None,
    country: Country | None,
    case: str,
) -> Plant:
    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=rate, life=life))

    row = catalog.entity("plants", name)
    options: dict[str, Any] = {}
    if row.text("kind") == "grid":
        here = grid_at(grid, case) if grid is not None else None
        options = {
            "price": 0.0 if here is None else here.price,
            "carbon": 0.0 if here is None else here.carbon,
        }
    elif row.text("kind") == "profile" and profile is None:
        profile = np.full(1, row.value("capacity_factor") / row.value("availability"))
    made = build_plant(
        name, year=year, capital_recovery=recovery, profile=profile, temperature=air, case=case,
        country=country, **options,
    )  # fmt: skip
    hubs = NO_HUBS if country is None else country.hubs()
    return fuelled(made, case, int(year), hubs=hubs) if case != "value" else made


def _row(
    name: str,
    year: int,
    rate: float,
    profile: Array | None,
    grid: Grid,
    air: Array | None,
    country: Country,
    why: str = "",
) -> tuple[object, ...]:
    row = catalog.entity("plants", name)
    kind, notes = row.text("kind"), list[str]()
    cases = {
        case: _built(name, year, rate, profile, grid, air, country, case) for case in ("value", "low", "high")
    }
    plant = cases["value"]
    store = plant.storage
    factor = float(np.mean(plant.availability))
    cost = dict.fromkeys(cases, _NONE)
    carbon = _NONE
    if why:
        notes.append(why)
    elif store is None:
        cost = {case: levelised_cost_of(one, capacity_factor=factor) for case, one in cases.items()}
        made = plant.construction_carbon / (factor * SECONDS_PER_YEAR)
        carbon = (float(np.mean(plant.carbon)) + made) * _G_KWH
        if kind == "profile" and profile is None:
            notes.append("capacity factor of the catalog: the inflow is not known")
        elif kind == "profile":
            driver = row.text("profile")
            told = f"of {driver}" if driver.endswith(".csv") else "of the sky over the site"
            notes.append(f"capacity factor {told}")
        elif kind != "grid":
            notes.append("runs whenever it can")
    else:
        least, most = (f"{seconds / _HOUR:g}" for seconds in (store.duration_min, store.duration_max))
        notes.append(f"a store of {most} h" if least == most else f"a store of {least} to {most} h")
    law = country.law(row.text("law"))
    if law is not None and not law.offered:
        notes.append(f"not offered in {law.place}: {law.words}")
    lead = grid.connection_time if waits_in_queue(name) else plant.lead_time
    grades = [one.grade for one in plant.evidence]
    return (
        plant.id, plant.name, kind, row.text("fuel"),
        *(cost[case] * _MWH for case in ("value", "low", "high")),
        _NONE if store is not None or why else factor,
        *(cases[case].investment * _KW for case in ("value", "low", "high")),
        _NONE if store is None else store.energy_investment * _KWH,
        _NONE if store is None else store.charge_efficiency * store.discharge_efficiency,
        lead / SECONDS_PER_YEAR, plant.life / SECONDS_PER_YEAR, carbon,
        float(np.mean(plant.water)) * _MWH * 1e3,
        row.evidence("capital_cost", math.floor(year)).grade.label, worst(grades).label,
        ", ".join(dict.fromkeys(one.source_id for one in plant.evidence)), "; ".join(notes),
    )  # fmt: skip


def plant_costs(plant: str, years: tuple[int, ...] = (2025, 2030, 2035, 2040, 2045, 2050)) -> pd.DataFrame:
    """Capital cost of one plant by year, with its range: ``year``, ``capital``, ``low``, ``high`` [$/kW].

    A store has ``energy_capital``, ``energy_low``, ``energy_high`` [$/kWh] beside them.

    Raises
    ------
    InputError
        No such plant.
    """
    import pandas as pd

    row = catalog.entity("plants", plant)
    found: list[dict[str, Any]] = []
    for year in years:
        value, low, high = row.at("capital_cost", year)
        line: dict[str, Any] = {
            "year": year,
            "capital [$/kW]": value * _KW,
            "low [$/kW]": low * _KW,
            "high [$/kW]": high * _KW,
        }
        if "energy_capital_cost" in row.numbers:
            ends = row.at("energy_capital_cost", year)
            names = ("energy_capital [$/kWh]", "energy_low [$/kWh]", "energy_high [$/kWh]")
            line |= {name: end * _KWH for name, end in zip(names, ends, strict=True)}
        found.append(line)
    return pd.DataFrame(found)

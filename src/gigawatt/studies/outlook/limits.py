"""What the rooms say to the outlook: utilisation, hosts, buildings, lead times, sites, joules of a token.

Computed once, from the catalog in force, and handed on as plain arrays.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.facility import facility_load, load_site, load_weather
from gigawatt.outlook.compute.fleet import CLASSES
from gigawatt.outlook.forecasts.growth import sample_together
from gigawatt.outlook.frame import YEARS
from gigawatt.outlook.paths import ANCHOR
from gigawatt.outlook.randomness import SEED
from gigawatt.outlook.series import record
from gigawatt.outlook.society.value import metcalfe_exponent, revenue_and_users
from gigawatt.outlook.tables import Tables
from gigawatt.studies.codesign.equal_loss import law_rows
from gigawatt.studies.outlook.utilisation import overhead_by_chip, utilisation_table

__all__ = ["SERVED", "SITES", "outlook_tables"]

Array = NDArray[np.float64]

SITES = ("abilene-texas", "virginia", "iron-range-minnesota", "turku", "kuala-lumpur")
"""Sites whose weather stands for where campuses are: hot, mild, cold, cold, tropical."""
SERIES = ("training_compute", "chip_flops_per_watt_16bit")
"""Records of AI whose futures are drawn, by the models of ``outlook.forecasts.growth``."""
SERVED = ("llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b", "mixtral-8x22b")
"""Models whose tokens stand for what is served."""


def _buildings() -> tuple[Array, Array]:
    row = catalog.entity("cooling", catalog.entity("defaults", "site.cooling").text("text"))
    mean: list[float] = []
    peak: list[float] = []
    for name in SITES:
        weather = load_weather(load_site(name))
        load = facility_load(it_power=np.ones(len(weather.air_temperature())), weather=weather, cooling=row)
        mean.append(load.annual_pue)
        peak.append(float(np.max(load.pue)))
    return np.array(mean), np.array(peak)


def _lead_times() -> dict[str, tuple[float, float, float]]:
    found: dict[str, tuple[float, float, float]] = {}
    for plant in CLASSES.values():
        row = catalog.entity("plants", plant).evidence("lead_time")
        found[plant] = (row.value, row.low or row.value, row.high or row.value)
    return found


def _sites() -> tuple[Array, Array]:
    """(largest tracked campus by the end of each year [W], lead times of the sites [s])."""
    rows = catalog.table("outlook_sites").values()
    campus = np.empty(len(YEARS))
    for i, year in enumerate(YEARS):
        values = [row.get(f"power_{year}") for row in rows]
        known = [value for value in values if value is not None]
        campus[i] = max(known) if known else campus[i - 1]
    leads = [value for value in (row.get("lead_time") for row in rows) if value is not None]
    return campus, np.sort(np.array(leads))


def _joules() -> Array:
    """Joules of a decoded token at system scope, half-full context, at the batch of the settings."""
    from gigawatt.technology.rollup import BASE, token_cost
    from gigawatt.workload import read_architecture

    row = catalog.entity("outlook_settings", "answer")
    found: list[float] = []
    for name in SERVED:
        cost = token_cost(
            BASE,
            read_architecture(name),
            {},
            chip=row.text("chip"),
            batch=row.value("batch"),
            context=row.value("context"),
        )
        found.append(cost.joules("system"))
    return np.array(found)


def _futures() -> dict[str, Array]:
    """Drawn futures of the records of AI: (rows, years) of ln over the value of 2025, zero until then."""
    rows = int(catalog.table("outlook")["growth_row"].value("mid"))
    ahead = YEARS[-1] - ANCHOR
    found: dict[str, Array] = {}
    for name, paths in sample_together(SERIES, _generator(), rows, ahead).items():
        found[name] = np.concatenate([np.zeros((rows, len(YEARS) - ahead)), paths], axis=1)
    return found


def _exponents() -> Array:
    """Draws of the exponent of revenue over users, all reports, with tails in which outliers weigh less."""
    row, count = (
        catalog.entity("hindcast", "metcalfe"),
        int(catalog.table("outlook")["value_row"].value("mid")),
    )
    _, users, revenue = revenue_and_users(with_first=True)
    return metcalfe_exponent(
        users,
        revenue,
        users_error=row.value("users_error"),
        revenue_error=row.value("revenue_error"),
        draws=count,
        rng=_generator(),
        freedom=catalog.entity("outlook_settings", "value").value("freedom"),
    )


def _generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=SEED))


@lru_cache(maxsize=1)
def outlook_tables() -> Tables:
    """Everything that the outlook reads from other rooms; about two seconds the first time, then kept.

    Raises
    ------
    GigawattError
        A row that is needed is missing from the catalog.
    """
    mean, peak = _buildings()
    years, overhead = overhead_by_chip()
    campus, leads = _sites()
    return Tables(
        utilisation=utilisation_table(),
        overhead=np.interp(np.asarray(YEARS, dtype=float), years, overhead),
        pue_mean=mean,
        pue_peak=peak,
        lead_times=_lead_times(),
        campus=campus,
        site_lead_times=leads,
        scaling=law_rows(),
        joules_token=_joules(),
        growth=_futures(),
        past_growth=float(np.diff(record("training_compute").values)[-1]),
        value_exponent=_exponents(),
    )

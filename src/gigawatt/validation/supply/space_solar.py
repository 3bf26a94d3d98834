"""Space solar power beside what was published: NASA's two designs, orbits, beams, rain.

Rows of ``space_solar_published`` with the range that is accepted. NASA's dollars are taken as those of 2022,
and both sides are carried to the catalog's year, so that inflation cancels. ``fitted`` marks numbers that
something of ours was worked back from: the launches (the number of debris vehicles) and the levelised cost
(the interest, which was not found in the report).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from gigawatt.catalog import entity, table
from gigawatt.catalog.loader import Entity
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.space_solar import DESIGNS, sheet
from gigawatt.power.plants.space_solar.air import rain_coefficients
from gigawatt.power.plants.space_solar.beam import (
    LIGHT,
    collection_efficiency,
    ground_density,
    sidelobe,
)
from gigawatt.power.plants.space_solar.carbon import footprint
from gigawatt.power.plants.space_solar.cost import Programme, assembly_months, levelised, spend
from gigawatt.power.plants.space_solar.orbit import (
    EARTH_RADIUS,
    geostationary,
    lit_share,
    positions,
    sun,
    sun_synchronous_inclination,
)

__all__ = ["name_of", "nasa_levelised", "nasa_programme", "ours"]

_TABLE = "space_solar_published"

_YEAR = HOURS_PER_YEAR * 3600.0


def nasa_programme(design: str, **given: float) -> Programme:
    """A design of the report at its launch price; ``cell_efficiency`` scales the modules as it does there."""
    row = entity("space_solar", design)
    cells = given.pop("cell_efficiency", row.value("cell_efficiency"))
    if cells != row.value("cell_efficiency"):
        given["modules"] = row.value("modules") * row.value("cell_efficiency") / cells
    return Programme.of(row, **given)


def nasa_levelised(design: str, **given: float) -> float:
    """Levelised cost by the report's own formula [$/J], which has the capacity factor twice."""
    row, programme = entity("space_solar", design), nasa_programme(design, **given)
    return levelised(
        spend(programme),
        power=_power(row) * row.value("capacity_factor"),
        life=programme.life,
        rate=entity("space_solar", "operation").value("interest"),
        capacity_factor=row.value("capacity_factor"),
    )


def ours(id: str, quantity: str) -> float:
    """Our number of a quantity of ``space_solar_published``, SI."""
    design = id in table("space_solar") and id != "beam"
    return (_design(id) if design else _physics())[quantity]()


def name_of(id: str) -> str:
    """The name of a design, the id of anything else."""
    return entity("space_solar", id).text("name") if id in DESIGNS else id


def _power(row: Entity) -> float:
    """Power at the grid in full sunlight, W."""
    shares = ("cell", "dc", "rf", "antenna", "air", "collection", "rectenna", "ground")
    chain = math.prod(row.value(f"{name}_efficiency") for name in shares)
    return row.value("irradiance") * row.value("panel_area") * chain


@lru_cache(maxsize=4)
def _design(design: str) -> dict[str, Callable[[], float]]:
    row, made, paid = entity("space_solar", design), sheet(design=design), spend(nasa_programme(design))
    launch, year = entity("space_solar", "launch"), _YEAR
    full = launch.value("price")
    base = nasa_levelised(design)
    straight = {"refuels": 0.0, "launch_payload": launch.value("direct_payload")}
    mean = _power(row) * row.value("capacity_factor")

    def fall(**given: float) -> Callable[[], float]:
        return lambda: nasa_levelised(design, **given) / base - 1.0

    def faster(points: float) -> dict[str, float]:
        names = ("module_learning", "servicer_learning", "remover_learning")
        return {name: row.value(name) - points for name in names}

    def tenth() -> dict[str, float]:
        return {name: row.value(name) / 10.0 for name in ("module_cost", "servicer_cost", "remover_cost")}

    return {
        "chain": lambda: made.chain[-1].leaving / made.chain[0].entering,
        "power": lambda: mean,
        "geometry": lambda: made.quantities["capacity_factor"],
        "collection": lambda: made.beam.collection,
        "air": lambda: made.beam.air,
        "rectenna": lambda: made.beam.rectenna,
        "modules": lambda: paid.phases["develop"]["modules"],
        "technology": lambda: paid.phases["develop"]["technology"],
        "develop": lambda: paid.phase("develop"),
        "launches": lambda: paid.total_launches,
        "direct_launches": lambda: spend(nasa_programme(design, **straight)).total_launches,
        "assembly": lambda: assembly_months(nasa_programme(design)) / 12.0 * year,
        "launch_share": lambda: paid.item("launch") / paid.total,
        "total": lambda: paid.total,
        "lcoe": lambda: base,
        "launch_50": fall(launch_price=0.5 * full),
        "launch_10": fall(launch_price=0.1 * full),
        "direct": fall(**straight),
        "electric": fall(refuels=0.0, propulsion_share=row.value("propulsion_share")),
        "cells_50": fall(cell_efficiency=0.5),
        "learning_5": fall(**faster(0.05)),
        "hardware_10": fall(**tenth()),
        "life_15": fall(module_life=15.0 * year),
        "carbon": lambda: footprint(nasa_programme(design), paid).carbon_intensity(mean * 30.0 * year),
    }


@lru_cache(maxsize=1)
def _eclipses() -> Any:
    start = 8400.5  # 2023-01-01 12:00 UT, noon of a satellite above Greenwich is near it
    seconds = np.arange(0.0, 365.0 * 86400.0, 60.0) + 30.0
    direction, distance = sun(start + seconds / 86400.0)
    orbit = geostationary(longitude=0.0, days_since_2000=start)
    return lit_share(positions(orbit, seconds), direction, distance).reshape(365, 1440)


def _physics() -> dict[str, Callable[[], float]]:
    wave = LIGHT / 2.45e9
    return {
        "eclipse_longest": lambda: float(np.max(np.sum(1.0 - _eclipses(), axis=1))) * 60.0,
        "eclipse_days": lambda: float(np.sum(np.any(_eclipses() < 0.5, axis=1))),
        "eclipse_lit": lambda: float(_eclipses().mean()),
        "synchronous_800": lambda: sun_synchronous_inclination(semi_major_axis=EARTH_RADIUS + 8e5),
        "tau_173": lambda: float(collection_efficiency(1.73)),
        "reference_peak": lambda: float(
            ground_density([0.0], power=6.72e9, transmit_diameter=1e3, wavelength=wave, distance=3.7e7)[0]
        ),
        "reference_sidelobe": lambda: sidelobe(10.0),
        "rain_k_6": lambda: rain_coefficients(6e9, "horizontal")[0],
        "rain_a_6": lambda: rain_coefficients(6e9, "horizontal")[1],
        "rain_k_20": lambda: rain_coefficients(2e10, "vertical")[0],
    }

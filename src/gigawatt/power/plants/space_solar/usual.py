"""Cells, laser and computing in orbit with the catalog's usual numbers; what is given goes before them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gigawatt.catalog.loader import entity, table
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.space_solar.chain import cell_temperature, radiation_remaining
from gigawatt.power.plants.space_solar.compute import OrbitalCompute, orbital_compute, radiator_flux
from gigawatt.power.plants.space_solar.laser import LaserLink, laser_link
from gigawatt.power.plants.space_solar.orbit import DAY, EARTH_RADIUS
from gigawatt.power.plants.space_solar.year import constellation, eclipse_by_day

__all__ = ["Cells", "usual_cells", "usual_compute", "usual_laser"]

_YEAR = HOURS_PER_YEAR * 3600.0
_START = 8400.5  # days since 2000-01-01 12:00: 2023-01-01 00:00 UT


@dataclass(frozen=True)
class Cells:
    """``temperature`` [K] in sunlight; ``efficiency`` there when new; its share ``remaining`` after years and
    its ``mean`` over them []."""

    temperature: float
    efficiency: float
    remaining: float
    mean: float


def usual_cells(*, orbit: str, years: float, efficiency: float | None = None, suns: float = 1.0) -> Cells:
    """Cells in an orbit: hot from the sun, tired from particles.

    Parameters
    ----------
    orbit : str
        A row of ``space_solar_orbits``.
    years : float
        > 0.
    efficiency : float []
        At 25 °C; the catalog's where left out.
    suns : float
        Concentration, > 0.

    Raises
    ------
    InputError
        An unknown orbit, no years, cells too hot.

    References
    ----------
    :func:`~.chain.cell_temperature`, :func:`~gigawatt.power.plants.space_solar.chain.radiation_remaining`.
    """
    known = table("space_solar_orbits")
    check_word("orbit", orbit, known, "no such orbit")
    check_range("years", years, 0.0, open_low=True, message="no time")
    row = entity("space_solar", "cells")
    kelvin, there = cell_temperature(
        light=suns * row.value("irradiance"),
        efficiency=row.value("efficiency") if efficiency is None else efficiency,
        slope=row.value("temperature_slope"),
        absorptance=row.value("absorptance"),
        emittance_front=row.value("emittance_front"),
        emittance_back=row.value("emittance_back"),
    )
    yearly = row.value(f"fluence_{orbit.partition('-')[0]}")
    slope, reference = row.value("damage_slope"), row.value("damage_reference")
    left = radiation_remaining(yearly * np.linspace(0.0, years, 101), slope=slope, reference=reference)
    mean = float(np.trapezoid(left, dx=0.01))
    return Cells(kelvin, there, float(left[-1]), there * mean)


def usual_laser(*, power: float, distance: float, **given: float) -> LaserLink:
    """A laser link by the row ``laser`` of the catalog.

    Parameters
    ----------
    power : float [W]
        Direct current into the lasers.
    distance : float [m]
        To the ground.
    **given
        Other keywords of :func:`~.laser.laser_link` in place of the catalog's.

    Raises
    ------
    InputError
        As there.
    """
    row = entity("space_solar", "laser")
    values = {name: row.value(name) for name in row.numbers} | given
    sites = int(values.pop("sites"))
    return laser_link(power=power, distance=distance, sites=sites, **values)


def usual_compute(
    *,
    chip_power: float,
    chip_cost: float,
    token_bytes: float,
    ground_price: float,
    ground_pue: float,
    ground_chip_life: float,
    rate: float,
    orbit: str = "leo-dawn-dusk",
    **given: float,
) -> OrbitalCompute:
    """A data centre in orbit by the row ``compute`` of the catalog; shadow and radiator by the orbit.

    Parameters
    ----------
    chip_power, chip_cost, token_bytes : float [W, $/W, B]
        Of a satellite's chips, of their servers' price, and what a token takes down.
    ground_price, ground_pue, ground_chip_life, rate : float [$/J, , s, ]
        What to compare with, and the interest, effective a year.
    orbit : str
        A row of ``space_solar_orbits``.
    **given
        ``radiator_temperature`` [K] and other rows of ``compute`` in place of the catalog's, in SI units.

    Raises
    ------
    InputError
        A name that ``compute`` does not have; values out of range.

    References
    ----------
    :func:`~.compute.orbital_compute`.
    """
    row = entity("space_solar", "compute")
    unknown = [name for name in given if name not in row.numbers]
    if unknown:
        raise InputError(
            "no such value", key="compute", given=unknown[0], allowed=sorted(row.numbers),
            nearest=nearest(unknown[0], row.numbers),
        )  # fmt: skip
    values = {name: row.value(name) for name in row.numbers} | given
    cells = usual_cells(orbit=orbit, years=values["life"] / _YEAR)
    first = constellation(orbit, satellites=1, longitude=0.0, days_since_2000=_START)[0]
    altitude = first.semi_major_axis * (1.0 - first.eccentricity) - EARTH_RADIUS
    minutes = eclipse_by_day(first, days_since_2000=_START)
    turns = max(DAY / (2.0 * math.pi * math.sqrt(first.semi_major_axis**3 / 3.986004418e14)), 1.0)
    flux = radiator_flux(
        temperature=values.pop("radiator_temperature"),
        emittance=values.pop("radiator_emittance"),
        absorptance=values.pop("radiator_absorptance"),
        fin=values.pop("radiator_fin"),
        altitude=altitude,
        sunlight=entity("space_solar", "cells").value("irradiance"),
    )
    return orbital_compute(
        chip_power=chip_power,
        chip_cost=chip_cost,
        token_bytes=token_bytes,
        ground_price=ground_price,
        ground_pue=ground_pue,
        ground_chip_life=ground_chip_life,
        rate=rate,
        remaining=cells.remaining,
        lit=1.0 - float(minutes.max()) / 1440.0,
        longest_eclipse=float(minutes.max()) * 60.0 / turns,
        flux=flux,
        **values,
    )

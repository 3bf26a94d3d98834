"""Curves of a plant in orbit: the data of its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.power.plants.space_solar.beam import (
    LIGHT,
    collection_efficiency,
    ground_density,
    optimum_efficiency,
)
from gigawatt.power.plants.space_solar.cost import Programme, levelised, spend
from gigawatt.power.plants.space_solar.orbit_sheet import OrbitSheet
from gigawatt.power.plants.space_solar.year import constellation, eclipse_by_day

__all__ = ["curves_of"]

_START = 8400.5  # days since 2000-01-01 12:00: 2023-01-01 00:00 UT
_RINGS = 60.0  # as far out as the pattern is drawn


def curves_of(
    made: OrbitSheet, use: Mapping[str, Any], *, programme: Callable[..., Programme], distance: float
) -> dict[str, dict[str, Any]]:
    """Arrays by figure and by what they are.

    Parameters
    ----------
    made : OrbitSheet
        With all but what is drawn.
    use : mapping
        Its settings.
    programme : callable
        Settings in place of those of the sheet, by keyword → :class:`Programme`.
    distance : float [m]
        Of the satellite.

    Returns
    -------
    dict
        ``power_chain`` (stage, entering, leaving, lost [W]); ``beam`` (tau, gaussian, optimum [], here: τ and
        what this beam collects); ``cost`` (launch_price [$], levelised, electric [$/J]); ``eclipse`` (day,
        minutes);
        ``ground`` (radius [m], density [W/m²], limit [W/m²] for the public and at work).
    """
    tau = np.linspace(0.0, 4.0, 41)
    prices = np.geomspace(5e6, 2e8, 31)
    q = made.quantities
    delivered = q["power"] * q["capacity_factor"] * q["availability"]

    def cost(price: float, **other: float) -> float:
        bought = programme(launch_price=price, **other)
        return levelised(
            spend(bought), power=delivered, life=bought.life, rate=use["interest"], ground_first=True
        )

    wave = LIGHT / use["frequency"]
    drawn = _RINGS * wave * distance / (math.pi * use["transmit_diameter"])
    radius = np.linspace(0.0, min(1.5 * float(use["rectenna_diameter"]), drawn), 301)
    beam, row = entity("space_solar", "beam"), entity("space_solar", made.design)
    antenna = next(stage for stage in made.chain if stage.name == "antenna")
    noon = _START + 0.5 - use["longitude"] / 360.0
    first = constellation(
        str(use["orbit"]),
        satellites=1 if use["orbit"] == "geo" else int(use["constellation"]),
        longitude=use["longitude"],
        days_since_2000=noon,
    )[0]
    return {
        "power_chain": {
            "stage": np.array([stage.name for stage in made.chain]),
            "entering": np.array([stage.entering for stage in made.chain]),
            "leaving": np.array([stage.leaving for stage in made.chain]),
            "lost": np.array([stage.lost for stage in made.chain]),
        },
        "beam": {
            "tau": tau,
            "gaussian": collection_efficiency(tau),
            "optimum": optimum_efficiency(tau),
            "here": np.array([made.beam.tau, made.beam.collection]),
        },
        "cost": {
            "launch_price": prices,
            "levelised": np.array([cost(float(price)) for price in prices]),
            "electric": np.array([cost(float(price), electric_propulsion=1.0) for price in prices]),
        },
        "eclipse": {"day": np.arange(1.0, 366.0), "minutes": eclipse_by_day(first, days_since_2000=noon)},
        "ground": {
            "radius": radius,
            "density": ground_density(
                radius,
                power=antenna.leaving / row.value("satellites") * made.beam.air,
                transmit_diameter=use["transmit_diameter"],
                wavelength=wave,
                distance=distance,
                taper=use["taper"],
            ),
            "limit": np.array([beam.value("limit_public"), beam.value("limit_work")]),
        },
    }

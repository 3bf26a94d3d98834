"""The physical beam of a design: what arrives at its rectenna and what its diodes make of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import table
from gigawatt.core.errors import InputError
from gigawatt.power.plants.space_solar.air import cloud_loss, gas_loss, passes, rain_loss
from gigawatt.power.plants.space_solar.beam import (
    LIGHT,
    aperture_product,
    collection_efficiency,
    ground_density,
    optimum_efficiency,
    tapered_collection,
)

__all__ = ["Beam", "physical_beam", "rectenna_efficiency"]

Array = npt.NDArray[np.float64]
_REFUSED, _TOLD = 0.5, 0.9


@lru_cache(maxsize=1)
def _curve() -> tuple[Array, Array]:
    rows = sorted(table("space_solar_rectenna").values(), key=lambda row: row.value("density"))
    return (
        np.array([row.value("density") for row in rows]),
        np.array([row.value("efficiency") for row in rows]),
    )


def rectenna_efficiency(density: npt.ArrayLike) -> Array:
    """Direct current over the microwave power that falls on a rectenna, by its density, any shape [].

    Parameters
    ----------
    density : array [W/m²]
        >= 0. Between the rows of ``rectenna`` linear in its logarithm, below in proportion,
        above constant.

    Raises
    ------
    InputError
        A negative density.

    References
    ----------
    Shape: Brown, W. C. (1984). IEEE Trans. Microwave Theory Tech. 32(9), 1230-1242.
    """
    given = np.asarray(density, dtype=np.float64)
    if not np.all(given >= 0.0):
        raise InputError(
            "not a density", key="density", given=f"{float(np.min(given)):g} W/m2", allowed=">= 0"
        )
    at, share = _curve()
    between = np.interp(np.log(np.maximum(given, 1e-300)), np.log(at), share)
    return np.where(given < at[0], share[0] * given / at[0], between)


@dataclass(frozen=True)
class Beam:
    """A beam as physics has it. ``tau`` []; ``gaussian`` and ``optimum``: the share that a formula and the
    best taper would bring []; ``collection``: what this taper brings with its jitter []; ``air``: what the
    sky lets through [];
    ``rectenna``: its efficiency over the spot []; ``peak``, ``edge`` [W/m²]: density in the middle and at
    the rectenna's
    edge; ``notice``: what is lost, where it is much."""

    tau: float
    gaussian: float
    optimum: float
    collection: float
    air: float
    rectenna: float
    peak: float
    edge: float
    notice: str = ""


def physical_beam(
    *,
    power: float,
    frequency: float,
    transmit_diameter: float,
    rectenna_diameter: float,
    distance: float,
    elevation: float,
    taper: float,
    pointing: float,
    rain_rate: float,
    liquid: float,
) -> Beam:
    """A design's beam by its apertures, its distance and the sky.

    Parameters
    ----------
    power : float [W]
        That one aperture radiates, > 0.
    frequency : float [Hz]
        1 to 50 GHz.
    transmit_diameter, rectenna_diameter, distance : float [m]
        The rectenna's as seen along the beam (it is an ellipse on the ground).
    elevation : float [rad]
        5 to 90 deg.
    taper : float [dB]
        At the aperture's edge.
    pointing : float [rad]
        Root mean square of the beam's offset on each axis.
    rain_rate, liquid : float [mm/h, kg/m²]
        Of the sky.

    Raises
    ------
    InputError
        Out of range; or a beam of which more than half falls beside the rectenna.

    References
    ----------
    Brown (1974); Slepian (1964); ITU-R P.676, P.838, P.840.
    """
    wavelength = LIGHT / frequency
    areas = [math.pi / 4.0 * diameter**2 for diameter in (transmit_diameter, rectenna_diameter)]
    tau = float(
        aperture_product(
            transmit_area=areas[0], receive_area=areas[1], wavelength=wavelength, distance=distance
        )
    )
    gaussian = float(collection_efficiency(tau))
    offset = pointing * distance / (rectenna_diameter / 2.0)
    if tau <= 20.0:
        still = tapered_collection(
            transmit_diameter=transmit_diameter,
            receive_diameter=rectenna_diameter,
            wavelength=wavelength,
            distance=distance,
            taper=taper,
        )
    else:
        still = gaussian
    collection = min(still * float(collection_efficiency(tau, jitter=offset)) / gaussian, 1.0)
    if collection < _REFUSED:
        raise InputError(
            "the beam is wider than the rectenna",
            key="rectenna_diameter",
            given=f"{rectenna_diameter / 1e3:g} km: {1.0 - collection:.0%} of the power falls beside it",
            allowed=f"τ = {tau:.2g} above about 0.9: larger apertures, a shorter wave or a nearer orbit",
        )
    loss = (
        gas_loss(frequency, elevation)
        + cloud_loss(frequency, elevation, liquid=liquid)
        + rain_loss(frequency, elevation, rate=rain_rate)
    )
    air = float(passes(loss))
    edge = rectenna_diameter / 2.0
    radius = (np.arange(200) + 0.5) / 200.0 * edge
    inside = radius * min(1.0, 15.0 / tau)
    spot = ground_density(
        np.append(inside, 0.0),
        power=power * air,
        transmit_diameter=transmit_diameter,
        wavelength=wavelength,
        distance=distance,
        taper=taper,
    )
    weights = inside * spot[:-1]
    diodes = float(np.sum(weights * rectenna_efficiency(spot[:-1])) / np.sum(weights))
    notice = ""
    if collection < _TOLD:
        notice = f"{1.0 - collection:.0%} of the beam falls beside the rectenna"
    return Beam(
        tau=tau,
        gaussian=gaussian,
        optimum=float(optimum_efficiency([tau])[0]) if tau <= 20.0 else 1.0,
        collection=collection,
        air=air,
        rectenna=diodes,
        peak=float(spot[-1]),
        edge=float(spot[-2]),
        notice=notice,
    )

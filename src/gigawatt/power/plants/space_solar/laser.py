"""A laser in place of the microwave beam: small apertures, but clouds stop it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.power.plants.space_solar.beam import aperture_product, collection_efficiency

__all__ = ["LaserLink", "laser_link"]


@dataclass(frozen=True)
class LaserLink:
    """What a laser brings down: ``efficiencies`` by stage and their product ``efficiency`` under a clear sky
    [];
    ``availability`` with its clouds []; ``spot`` [m], the beam's diameter (1/e²) at the ground with its
    jitter;
    ``peak`` [W/m²] in its middle for each watt that leaves, and ``delivered`` [W] under a clear sky."""

    efficiencies: dict[str, float]
    efficiency: float
    availability: float
    spot: float
    peak: float
    delivered: float


def laser_link(
    *,
    power: float,
    wavelength: float,
    transmit_diameter: float,
    receive_diameter: float,
    distance: float,
    pointing: float,
    laser_efficiency: float,
    optics_efficiency: float,
    air_efficiency: float,
    receiver_efficiency: float,
    clear_share: float,
    sites: int = 1,
) -> LaserLink:
    """From direct current in orbit to direct current on the ground by light.

    Parameters
    ----------
    power : float [W]
        Direct current into the lasers, >= 0.
    wavelength, transmit_diameter, receive_diameter, distance : float [m]
        > 0; the beam is a Gaussian focused on the receiver.
    pointing : float [rad]
        Root mean square of the offset on each axis, >= 0.
    laser_efficiency, optics_efficiency, air_efficiency, receiver_efficiency : float []
        0 to 1; the air's under a clear sky.
    clear_share : float []
        Of the year without cloud at a site, 0 to 1.
    sites : int
        Receivers with independent weather, one of which is served at a time.

    Raises
    ------
    InputError
        Out of range; or less than 1 % of the light falls on the receiver.

    References
    ----------
    Siegman, A. (1986). Lasers, section 17.1 (focused Gaussian beam); jitter: convolution of two Gaussians.
    """
    shares = {
        "laser": laser_efficiency,
        "optics": optics_efficiency,
        "air": air_efficiency,
        "receiver": receiver_efficiency,
        "clear_share": clear_share,
    }
    for name, share in shares.items():
        check_range(name, share, 0.0, 1.0, message="not a share")
    if not (power >= 0.0 and pointing >= 0.0 and sites >= 1):
        raise InputError(
            "not a sensible value", key="power", given=f"{power:g} W, {pointing:g} rad, {sites} sites",
            allowed="power and pointing 0 or more, a site or more",
        )  # fmt: skip
    tau = aperture_product(
        transmit_area=math.pi / 4.0 * transmit_diameter**2,
        receive_area=math.pi / 4.0 * receive_diameter**2,
        wavelength=wavelength,
        distance=distance,
    )
    radius = receive_diameter / 2.0
    jitter = pointing * distance / radius
    caught = float(collection_efficiency(tau, jitter=jitter))
    if caught < 0.01:
        raise InputError(
            "nearly all of the light falls beside the receiver",
            key="receive_diameter",
            given=f"{caught:.2g} of it is caught",
            allowed="at least 1 %: larger apertures or a steadier beam",
        )
    waist = math.sqrt(2.0) * radius / float(tau)
    mean = math.sqrt(waist**2 + 4.0 * (pointing * distance) ** 2)
    stages = {
        "laser": laser_efficiency,
        "optics": optics_efficiency,
        "air": air_efficiency,
        "caught": caught,
        "receiver": receiver_efficiency,
    }
    efficiency = math.prod(stages.values())
    return LaserLink(
        efficiencies=stages,
        efficiency=efficiency,
        availability=1.0 - (1.0 - clear_share) ** sites,
        spot=2.0 * mean,
        peak=2.0 * air_efficiency / (math.pi * mean**2),
        delivered=power * efficiency,
    )

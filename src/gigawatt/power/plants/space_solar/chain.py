"""From sunlight in orbit to power on the ground: cells, then stage after stage, and nothing lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.power.plants.space_solar.orbit import ASTRONOMICAL_UNIT, sun

__all__ = ["Stage", "cell_temperature", "irradiance", "power_chain", "radiation_remaining"]

Array = npt.NDArray[np.float64]

STEFAN_BOLTZMANN = 5.670374419e-8
_ROOM = 298.15  # K, at which the efficiency of a cell is stated


@dataclass(frozen=True)
class Stage:
    """A step of the chain: power ``entering``, ``leaving`` and ``lost`` [W]; ``efficiency`` []."""

    name: str
    efficiency: float
    entering: float
    leaving: float
    lost: float


def irradiance(days_since_2000: npt.ArrayLike, *, solar_constant: float) -> Array:
    """Sunlight on a plane that faces the sun near the Earth, by the season, (n,) [W/m²].

    Parameters
    ----------
    days_since_2000 : (n,) [d]
        Universal time since 2000-01-01 12:00.
    solar_constant : float [W/m²]
        At one astronomical unit, > 0.

    Raises
    ------
    InputError
        No sunlight.

    References
    ----------
    Kopp, G., Lean, J. (2011). Geophys. Res. Lett. 38, L01706: 1360.8 W/m²; distance of the almanac.
    """
    check_range("solar_constant", solar_constant, 0.0, unit="W/m2", open_low=True, message="no sunlight")
    _, distance = sun(days_since_2000)
    return solar_constant * (ASTRONOMICAL_UNIT / distance) ** 2


def cell_temperature(
    *,
    light: float,
    efficiency: float,
    slope: float,
    absorptance: float,
    emittance_front: float,
    emittance_back: float,
    heat: float = 0.0,
) -> tuple[float, float]:
    """(temperature [K], efficiency there []) of a panel in balance with the sun and with empty space.

    Parameters
    ----------
    light : float [W/m²]
        On the cells; several suns where mirrors concentrate. >= 0.
    efficiency : float []
        At 25 °C.
    slope : float [1/K]
        Relative change of the efficiency, <= 0.
    absorptance, emittance_front, emittance_back : float []
        Of sunlight; of heat, on both faces.
    heat : float [W/m²]
        That electronics behind the cells add.

    Raises
    ------
    InputError
        A share outside 0 to 1, or a panel so hot that its cells give nothing (and the linear slope ends).

    References
    ----------
    Gilmore, D. (2002). Spacecraft Thermal Control Handbook, chapter 2: the radiation balance of a plate.
    """
    shares = {
        "efficiency": efficiency,
        "absorptance": absorptance,
        "emittance_front": emittance_front,
        "emittance_back": emittance_back,
    }
    for name, share in shares.items():
        check_range(name, share, 0.0, 1.0, open_low=True, message="not a share")
    for name, value, fits in (("light", light, light >= 0.0), ("slope", slope, slope <= 0.0)):
        if not (fits and math.isfinite(value)):
            raise InputError(
                "not a sensible value", key=name, given=f"{value:g}", allowed="light >= 0, slope <= 0"
            )
    outward = STEFAN_BOLTZMANN * (emittance_front + emittance_back)
    kelvin = max(((absorptance * light + heat) / outward) ** 0.25, 3.0)
    for _ in range(60):
        excess = (
            outward * kelvin**4 - heat - light * (absorptance - efficiency * (1.0 + slope * (kelvin - _ROOM)))
        )
        change = excess / (4.0 * outward * kelvin**3 + light * efficiency * slope)
        kelvin -= change
        if abs(change) < 1e-10:
            break
    there = efficiency * (1.0 + slope * (kelvin - _ROOM))
    if there <= 0.0 or 4.0 * outward * kelvin**3 + light * efficiency * slope <= 0.0:
        raise InputError(
            "the cells are too hot to give power",
            key="light",
            given=f"{light:g} W/m2 ({kelvin:.0f} K)",
            allowed=f"cells below {_ROOM - 1.0 / slope:.0f} K",
        )
    return kelvin, there


def radiation_remaining(fluence: npt.ArrayLike, *, slope: float, reference: float) -> Array:
    """Share of the power that particles leave a cell [], any shape: 1 − C log10(1 + Φ / Φ_x).

    Parameters
    ----------
    fluence : array [1/m²]
        Equivalent electrons of 1 MeV so far, >= 0.
    slope, reference : float
        C []; Φ_x [1/m²] > 0.

    Raises
    ------
    InputError
        A fluence below 0, or one that leaves nothing.

    References
    ----------
    Tada, H. et al. (1982). Solar Cell Radiation Handbook. JPL 82-69, section 3.
    """
    dose = np.asarray(fluence, dtype=np.float64)
    if not (np.all(dose >= 0.0) and slope >= 0.0 and reference > 0.0):
        raise InputError(
            "not a sensible value", key="fluence", given=f"{float(np.min(dose)):g}", allowed=">= 0"
        )
    left = 1.0 - slope * np.log10(1.0 + dose / reference)
    if not np.all(left > 0.0):
        raise InputError(
            "the particles leave nothing of the cells",
            key="fluence",
            given=f"{float(np.max(dose)):.3g} /m2",
            allowed=f"below {reference * (10.0 ** (1.0 / slope) - 1.0):.3g} /m2",
        )
    return left


def power_chain(power: float, efficiencies: Mapping[str, float]) -> tuple[Stage, ...]:
    """Stages that turn ``power`` into what is delivered; every watt is in ``leaving`` or in ``lost``.

    Parameters
    ----------
    power : float [W]
        That enters the first stage, >= 0.
    efficiencies : mapping
        Name of the stage → share that passes, 0 to 1, in order.

    Raises
    ------
    InputError
        A share outside 0 to 1.

    References
    ----------
    Rodgers et al. (2024). NASA OTPS, appendix A, table 4: the stages and their shares.
    """
    check_range("power", power, 0.0, unit="W", message="not a power")
    found: list[Stage] = []
    left = power
    for name, share in efficiencies.items():
        check_range(name, share, 0.0, 1.0, message="not a share")
        found.append(Stage(name, share, left, left * share, left * (1.0 - share)))
        left *= share
    return tuple(found)

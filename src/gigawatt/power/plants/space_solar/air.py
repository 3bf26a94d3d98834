"""What the air takes from a microwave beam: gases, cloud, rain, by frequency and elevation.

Recommendations of the ITU's radio sector: P.676 (gases, the approximation for low frequencies), P.840
(cloud), P.838 (rain), with the slant path of P.618. All losses in dB; the share that passes is 10^(−dB / 10).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = ["cloud_loss", "gas_loss", "passes", "rain_coefficients", "rain_loss"]

Array = npt.NDArray[np.float64]

_LOWEST, _HIGHEST = 1e9, 50e9
_LEAST_ELEVATION = math.radians(5.0)

# P.838-3, tables 1 to 4: (a, b, c) of every term, then m and c of the line; circular is the mean of both.
_K_H = ((-5.33980, -0.10008, 1.13098), (-0.35351, 1.26970, 0.45400), (-0.23789, 0.86036, 0.15354),
        (-0.94158, 0.64552, 0.16817)), -0.18961, 0.71147  # fmt: skip
_K_V = ((-3.80595, 0.56934, 0.81061), (-3.44965, -0.22911, 0.51059), (-0.39902, 0.73042, 0.11899),
        (0.50167, 1.07319, 0.27195)), -0.16398, 0.63297  # fmt: skip
_A_H = ((-0.14318, 1.82442, -0.55187), (0.29591, 0.77564, 0.19822), (0.32177, 0.63773, 0.13164),
        (-5.37610, -0.96230, 1.47828), (16.1721, -3.29980, 3.43990)), 0.67849, -1.95537  # fmt: skip
_A_V = ((-0.07771, 2.33840, -0.76284), (0.56727, 0.95545, 0.54039), (-0.20238, 1.14520, 0.26809),
        (-48.2991, 0.791669, 0.116226), (48.5833, 0.791459, 0.116479)), -0.053739, 0.83433  # fmt: skip

_Terms = tuple[tuple[tuple[float, float, float], ...], float, float]


def _checked(frequency: float, elevation: npt.ArrayLike) -> Array:
    if not _LOWEST <= frequency <= _HIGHEST:
        raise InputError(
            "out of range of the recommendations as they stand here",
            key="frequency",
            given=f"{frequency / 1e9:g} GHz",
            allowed="1 to 50 GHz",
        )
    found = np.asarray(elevation, dtype=np.float64)
    if not np.all((found >= _LEAST_ELEVATION) & (found <= math.pi / 2.0 + 1e-12)):
        raise InputError(
            "out of range: lower, the air is no flat layer",
            key="elevation",
            given=f"{math.degrees(float(np.min(found))):g} deg",
            allowed="5 to 90 deg",
        )
    return found


def gas_loss(frequency: float, elevation: npt.ArrayLike, *, vapour: float = 7.5e-3) -> Array:
    """Loss in oxygen and water vapour from space to sea level [dB], any shape.

    Parameters
    ----------
    frequency : float [Hz]
        1 to 50 GHz.
    elevation : array [rad]
        5 to 90 deg.
    vapour : float [kg/m³]
        Water vapour at the ground; the recommendation's reference is 7.5 g/m³.

    Raises
    ------
    InputError
        Out of range.

    References
    ----------
    ITU-R P.676-9 (2012), annex 2, at 1013 hPa and 15 °C, of the water lines the one at 22 GHz; equivalent
    heights at low frequencies.
    """
    up = _checked(frequency, elevation)
    check_range("vapour", vapour, 0.0, 0.05, "kg/m3", message="out of range")
    f, rho = frequency / 1e9, vapour * 1e3
    dry = (7.2 / (f**2 + 0.34) + 0.62 / ((54.0 - f) ** 1.16 + 0.83)) * f**2 * 1e-3
    width = 0.955 + 0.006 * rho
    line = 3.98 * width / ((f - 22.235) ** 2 + 9.42 * width**2) * (1.0 + ((f - 22.0) / (f + 22.0)) ** 2)
    wide = 11.96 * width / ((f - 183.31) ** 2 + 11.14 * width**2)
    wet = (line + wide) * f**2 * rho * 1e-4
    return (5.22 * dry + 1.66 * wet) / np.sin(up)


def cloud_loss(
    frequency: float, elevation: npt.ArrayLike, *, liquid: float, temperature: float = 273.15
) -> Array:
    """Loss in cloud [dB], any shape.

    Parameters
    ----------
    frequency : float [Hz]
        1 to 50 GHz.
    elevation : array [rad]
        5 to 90 deg.
    liquid : float [kg/m²]
        Water of the cloud above a square metre; some 1 in heavy cloud, 2 in a storm.
    temperature : float [K]
        Of the drops.

    Raises
    ------
    InputError
        Out of range.

    References
    ----------
    ITU-R P.840-3 to 840-8: small drops, double Debye permittivity of water.
    """
    up = _checked(frequency, elevation)
    check_range("liquid", liquid, 0.0, 20.0, "kg/m2", message="out of range")
    f, theta = frequency / 1e9, 300.0 / temperature
    static = 77.66 + 103.3 * (theta - 1.0)
    middle, high = 0.0671 * static, 3.52
    first = 20.20 - 146.0 * (theta - 1.0) + 316.0 * (theta - 1.0) ** 2
    second = 39.8 * first
    real = (static - middle) / (1.0 + (f / first) ** 2) + (middle - high) / (1.0 + (f / second) ** 2) + high
    imaginary = f * (static - middle) / (first * (1.0 + (f / first) ** 2)) + f * (middle - high) / (
        second * (1.0 + (f / second) ** 2)
    )
    ratio = (2.0 + real) / imaginary
    return 0.819 * f / (imaginary * (1.0 + ratio**2)) * liquid / np.sin(up)


def _sum(frequency: float, terms: _Terms) -> float:
    rows, slope, constant = terms
    x = math.log10(frequency / 1e9)
    return sum(a * math.exp(-(((x - b) / c) ** 2)) for a, b, c in rows) + slope * x + constant


def rain_coefficients(frequency: float, polarisation: str = "circular") -> tuple[float, float]:
    """(k, α) of the loss k R^α in dB/km at R mm/h of rain.

    Parameters
    ----------
    frequency : float [Hz]
        1 to 50 GHz.
    polarisation : str
        ``horizontal``, ``vertical`` or ``circular`` (for a low path: tilt 45 deg).

    Raises
    ------
    InputError
        Out of range, or another polarisation.

    References
    ----------
    ITU-R P.838-3 (2005).
    """
    _checked(frequency, math.pi / 2.0)
    k_h, k_v = 10.0 ** _sum(frequency, _K_H), 10.0 ** _sum(frequency, _K_V)
    a_h, a_v = _sum(frequency, _A_H), _sum(frequency, _A_V)
    if polarisation == "horizontal":
        return k_h, a_h
    if polarisation == "vertical":
        return k_v, a_v
    if polarisation != "circular":
        raise InputError(
            "no such polarisation",
            key="polarisation",
            given=polarisation,
            allowed=("horizontal", "vertical", "circular"),
        )
    return (k_h + k_v) / 2.0, (k_h * a_h + k_v * a_v) / (k_h + k_v)


def rain_loss(frequency: float, elevation: npt.ArrayLike, *, rate: float, height: float = 4000.0) -> Array:
    """Loss in rain on the slant path [dB], any shape.

    Parameters
    ----------
    frequency : float [Hz]
        1 to 50 GHz.
    elevation : array [rad]
        5 to 90 deg.
    rate : float [mm/h]
        0 to 200.
    height : float [m]
        Up to which it rains.

    Raises
    ------
    InputError
        Out of range.

    References
    ----------
    ITU-R P.838-3; slant path and its shortening 1 / (1 + L cos θ / L0), L0 = 35 km exp(−0.015 R), as in ITU-R
    P.618-5.
    """
    up = _checked(frequency, elevation)
    check_range("rain_rate", rate, 0.0, 200.0, "mm/h", message="out of range")
    if rate == 0.0:
        return np.zeros_like(up)
    k, power = rain_coefficients(frequency)
    slant = height / 1e3 / np.sin(up)
    cell = 35.0 * math.exp(-0.015 * min(rate, 100.0))
    return k * rate**power * slant / (1.0 + slant * np.cos(up) / cell)


def passes(loss: npt.ArrayLike) -> Array:
    """Share that a loss in dB leaves [], any shape."""
    return 10.0 ** (-np.asarray(loss, dtype=np.float64) / 10.0)

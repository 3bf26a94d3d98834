"""What a hot plasma radiates: bremsstrahlung, impurities (line, recombination, continuum), synchrotron.

Temperatures in keV. Coefficients are those of the published fits named in each function.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from gigawatt.catalog import entity
from gigawatt.core.checks import check_word

__all__ = [
    "IMPURITIES",
    "bremsstrahlung_coefficients",
    "cooling_rate",
    "mean_charge",
    "synchrotron_power",
]

Array = npt.NDArray[np.float64]

_REST = 511.0  # keV, electron
_COLDEST, _HOTTEST = 0.1, 100.0  # keV, of the cooling-rate fits

# Mavrin 2018, table 1: upper ends [keV] of the pieces, log10(Lz / (W m³)) as a polynomial in log10(T / keV).
_COOLING: Mapping[str, tuple[tuple[float, tuple[float, ...]], ...]] = {
    "He": ((100.0, (-35.551, 0.31469, 0.10156, -0.09373, 0.02502)),),
    "Li": ((100.0, (-35.115, 0.19475, 0.25082, -0.16070, 0.03519)),),
    "Be": ((100.0, (-34.765, 0.03727, 0.38363, -0.21384, 0.04169)),),
    "C": (
        (0.5, (-34.738, -5.0085, -12.788, -16.637, -7.2904)),
        (100.0, (-34.174, -0.36687, 0.68856, -0.29191, 0.04447)),
    ),
    "N": (
        (0.5, (-34.065, -2.3614, -6.0605, -11.570, -6.9621)),
        (2.0, (-33.899, -0.59668, 0.76272, -0.17160, 0.05877)),
        (100.0, (-33.913, -0.52628, 0.70047, -0.22790, 0.02835)),
    ),
    "O": (
        (0.3, (-37.257, -15.635, -17.141, -5.3765, 0.0)),
        (100.0, (-33.640, -0.76211, 0.79655, -0.20850, 0.01436)),
    ),
    "Ne": (
        (0.7, (-33.132, 1.7309, 15.230, 28.939, 15.648)),
        (5.0, (-33.290, -0.87750, 0.86842, -0.39544, 0.17244)),
        (100.0, (-33.410, -0.45345, 0.29731, 0.04396, -0.02693)),
    ),
    "Ar": (
        (0.6, (-32.155, 6.5221, 30.769, 39.161, 15.353)),
        (3.0, (-32.530, 0.54490, 1.5389, -7.6887, 4.9806)),
        (100.0, (-31.853, -1.6674, 0.61339, 0.17480, -0.08226)),
    ),
    "Kr": (
        (0.447, (-34.512, -21.484, -44.723, -40.133, -13.564)),
        (2.364, (-31.399, -0.50091, 1.9148, -2.5865, -5.2704)),
        (100.0, (-29.954, -6.3683, 6.6831, -2.9674, 0.48356)),
    ),
    "Xe": (
        (0.5, (-29.303, 14.351, 47.081, 59.580, 25.615)),
        (2.5, (-31.113, 0.59339, 1.2808, -11.628, 10.748)),
        (10.0, (-25.813, -27.526, 48.614, -36.885, 10.069)),
        (100.0, (-22.138, -22.592, 19.619, -7.5181, 1.0858)),
    ),
    "W": (
        (1.5, (-30.374, 0.38304, -0.95126, -1.0311, -0.10103)),
        (4.0, (-30.238, -2.9208, 22.824, -63.303, 51.849)),
        (100.0, (-32.153, 5.2499, -6.2740, 2.6627, -0.36759)),
    ),
}
_NUCLEUS: Mapping[str, int] = {
    "He": 2,
    "Li": 3,
    "Be": 4,
    "C": 6,
    "N": 7,
    "O": 8,
    "Ne": 10,
    "Ar": 18,
    "Kr": 36,
    "Xe": 54,
    "W": 74,
}

_CHARGES = {
    "charge_05": 0.5,
    "charge_1": 1.0,
    "charge_2": 2.0,
    "charge_5": 5.0,
    "charge_10": 10.0,
    "charge_20": 20.0,
    "charge_50": 50.0,
}  # columns of the catalog and their keV

IMPURITIES: tuple[str, ...] = tuple(_COOLING)
"""Elements with a cooling rate."""


def cooling_rate(element: str, temperature: npt.ArrayLike) -> Array:
    """Radiative cooling rate L_z in coronal equilibrium: power over n_e n_z.

    Parameters
    ----------
    element : str
        One of :data:`IMPURITIES`.
    temperature : array_like, any shape
        Electron temperature [keV]. Held at the ends of the fit, 0.1 and 100 keV.

    Returns
    -------
    array, same shape
        W m³; line radiation, recombination and bremsstrahlung of the element together.

    Raises
    ------
    InputError
        No such element.

    References
    ----------
    Mavrin, Radiation Effects and Defects in Solids 173 (2018) 388, fits of ADAS data (ADAS: 30 % and worse).
    """
    check_word("impurity", element, IMPURITIES, "no cooling rate of this element")
    warm = np.clip(np.asarray(temperature, dtype=float), _COLDEST, _HOTTEST)
    found = np.zeros_like(warm)
    below = _COLDEST
    for above, coefficients in _COOLING[element]:
        log = np.log10(np.clip(warm, below, above))
        value = np.zeros_like(warm)
        for one in reversed(coefficients):
            value = value * log + one
        found = np.where(warm >= below, 10.0**value, found)
        below = above
    return found


def mean_charge(element: str, temperature: npt.ArrayLike) -> Array:
    """Mean charge number of an impurity ion: bare up to neon, tabulated above.

    Parameters
    ----------
    element : str
        One of :data:`IMPURITIES`.
    temperature : array_like, any shape
        Electron temperature [keV], > 0; held at the ends of the table, 0.5 and 50 keV.

    Returns
    -------
    array, same shape
        Between 0 and the charge of the nucleus; linear in log T between the rows of ``fusion_charge``.

    Raises
    ------
    InputError
        No such element.

    References
    ----------
    ADAS ionisation balance (Summers 2004), read in the tables of the PROCESS code.
    """
    check_word("impurity", element, IMPURITIES, "no cooling rate of this element")
    warm = np.maximum(np.asarray(temperature, dtype=float), _COLDEST)
    if _NUCLEUS[element] <= _NUCLEUS["Ne"]:
        return np.full_like(warm, float(_NUCLEUS[element]))
    row = entity("fusion_charge", element)
    charges = [row.value(name) for name in _CHARGES]
    return np.interp(np.log(warm), np.log(tuple(_CHARGES.values())), charges)


def bremsstrahlung_coefficients(temperature: npt.ArrayLike) -> tuple[Array, Array]:
    """Bremsstrahlung over n_e²: ``ions * z_eff + electrons``.

    Parameters
    ----------
    temperature : array_like, any shape
        Electron temperature [keV], >= 0.

    Returns
    -------
    ions, electrons : arrays, same shape
        W m³: of electrons on ions, a unit of Σ n_i Z_i² / n_e, and of electrons on electrons.

    References
    ----------
    Stott, Plasma Phys. Control. Fusion 47 (2005) 1305, eq. 13 (relativistic to some 300 keV).
    """
    warm = np.asarray(temperature, dtype=float)
    share = warm / _REST
    ions = 5.35e-37 * np.sqrt(warm) * (1.0 + 2.0 * share)
    return ions, ions * 2.0 * (1.0 - 1.0 / (1.0 + share))


def synchrotron_power(
    *,
    density: npt.ArrayLike,
    temperature: npt.ArrayLike,
    major_radius: float,
    minor_radius: float,
    elongation: float,
    field: float,
    density_exponent: float,
    temperature_exponent: float,
    temperature_inner: float = 2.0,
    reflection: float = 0.6,
) -> Array:
    """Synchrotron radiation of the whole plasma.

    Parameters
    ----------
    density, temperature : array_like, broadcast
        Of the electrons on the axis, 1/m³ and keV.
    major_radius, minor_radius, elongation, field
        m, m, 1, T on the axis.
    density_exponent, temperature_exponent, temperature_inner
        α_n, α_T, β_T of n ∝ (1-ρ²)^α_n, T ∝ (1-ρ^β_T)^α_T.
    reflection : float
        Share that the walls reflect, [0, 1).

    Returns
    -------
    array
        W.

    References
    ----------
    Albajar, Johner, Granata, Nucl. Fusion 41 (2001) 665; Fidone, Giruzzi, Granata, Nucl. Fusion 41 (2001)
    1755. The fit is of 10 to 100 keV on the axis, within some 6 %.
    """
    n20 = 1e-20 * np.asarray(density, dtype=float)
    hot = np.asarray(temperature, dtype=float)
    aspect = major_radius / minor_radius
    thick = 6.04e3 * minor_radius * n20 / field
    shape = (
        (density_exponent + 3.87 * temperature_exponent + 1.46) ** -0.79
        * (1.98 + temperature_exponent) ** 1.36
        * temperature_inner**2.14
        * (temperature_inner**1.53 + 1.87 * temperature_exponent - 0.16) ** -1.33
    )
    curved = 0.93 * (1.0 + 0.85 * np.exp(-0.82 * aspect))
    open_ = 1.0 - reflection
    power = (
        3.84e-8
        * open_**0.62
        * major_radius
        * minor_radius**1.38
        * elongation**0.79
        * field**2.62
        * n20**0.38
        * hot
        * (16.0 + hot) ** 2.61
        * (1.0 + 0.12 * hot / np.maximum(thick, 1e-30) ** 0.41 * open_**0.41) ** -1.51
        * shape
        * curved
    )
    return 1e6 * power

"""Fusion reactions: reactivities of thermal plasmas, energies, and the fuels that burn by them.

Temperatures are in keV, as everywhere in the field; reactivities in m³/s, energies in J.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError

__all__ = ["FUELS", "KEV", "REACTIONS", "Fuel", "Reaction", "load_fuel", "reactivity"]

Array = npt.NDArray[np.float64]

KEV = 1.602176634e-16
"""J of a keV (exact, SI 2019)."""
_MEV = 1e3 * KEV
_ATOMIC_MASS = 931494.10242  # keV, CODATA 2018
_LIGHT = 299792458.0  # m/s, exact


@dataclass(frozen=True)
class Reaction:
    """``a + b`` → products. Energies in J; ``coldest``, ``hottest``: keV between which the fit holds.

    ``charged`` : J that the charged products carry; the rest of ``energy`` leaves with neutrons.
    ``alphas`` : helium-4 nuclei made.
    """

    id: str
    a: str
    b: str
    energy: float
    charged: float
    alphas: int
    coldest: float
    hottest: float


@dataclass(frozen=True)
class Fuel:
    """Ions by name: (share of the fuel ions, charge number, mass in u); ``reactions`` : ids."""

    id: str
    name: str
    ions: Mapping[str, tuple[float, int, float]]
    reactions: tuple[str, ...]

    @property
    def charge(self) -> float:
        """Mean charge number of a fuel ion."""
        return sum(share * charge for share, charge, _ in self.ions.values())

    @property
    def charge_squared(self) -> float:
        """Mean square of the charge number."""
        return sum(share * charge**2 for share, charge, _ in self.ions.values())

    @property
    def mass(self) -> float:
        """Mean mass of a fuel ion, u."""
        return sum(share * mass for share, _, mass in self.ions.values())


# Energies: Bosch and Hale 1992 (table I) and the masses of AME; pB11: 8.68 MeV, three alphas.
REACTIONS: Mapping[str, Reaction] = {
    one.id: one
    for one in (
        Reaction("T(d,n)4He", "D", "T", 17.589 * _MEV, 3.518 * _MEV, 1, 0.2, 100.0),
        Reaction("D(d,p)T", "D", "D", 4.033 * _MEV, 4.033 * _MEV, 0, 0.2, 100.0),
        Reaction("D(d,n)3He", "D", "D", 3.269 * _MEV, 0.817 * _MEV, 0, 0.2, 100.0),
        Reaction("3He(d,p)4He", "D", "He3", 18.353 * _MEV, 18.353 * _MEV, 1, 0.5, 190.0),
        Reaction("11B(p,a)2a", "p", "B11", 8.68 * _MEV, 8.68 * _MEV, 3, 1.0, 500.0),
    )
}

FUELS: Mapping[str, Fuel] = {
    one.id: one
    for one in (
        Fuel("dt", "D-T", {"D": (0.5, 1, 2.0141), "T": (0.5, 1, 3.0160)}, ("T(d,n)4He",)),
        Fuel("dd", "D-D", {"D": (1.0, 1, 2.0141)}, ("D(d,p)T", "D(d,n)3He")),
        Fuel(
            "dhe3",
            "D-He3",
            {"D": (0.5, 1, 2.0141), "He3": (0.5, 2, 3.0160)},
            ("3He(d,p)4He", "D(d,p)T", "D(d,n)3He"),
        ),
        Fuel("pb11", "p-B11", {"p": (0.85, 1, 1.0073), "B11": (0.15, 5, 11.0066)}, ("11B(p,a)2a",)),
    )
}

# Bosch and Hale 1992, table VII: B_G [sqrt(keV)], reduced mass [keV], C1 to C7 (cm³/s inside)
_BOSCH_HALE: Mapping[str, tuple[float, float, tuple[float, ...]]] = {
    "T(d,n)4He": (
        34.3827,
        1124656.0,
        (1.17302e-9, 1.51361e-2, 7.51886e-2, 4.60643e-3, 1.35000e-2, -1.06750e-4, 1.36600e-5),
    ),
    "3He(d,p)4He": (
        68.7508,
        1124572.0,
        (5.51036e-10, 6.41918e-3, -2.02896e-3, -1.91080e-5, 1.35776e-4, 0.0, 0.0),
    ),
    "D(d,p)T": (31.3970, 937814.0, (5.65718e-12, 3.41267e-3, 1.99167e-3, 0.0, 1.05060e-5, 0.0, 0.0)),
    "D(d,n)3He": (31.3970, 937814.0, (5.43360e-12, 5.85778e-3, 7.68222e-3, 0.0, -2.96400e-6, 0.0, 0.0)),
}


def load_fuel(name: str) -> Fuel:
    """The fuel ``dt``, ``dd``, ``dhe3`` or ``pb11``.

    Raises
    ------
    InputError
        No such fuel.
    """
    check_word("fuel", name, FUELS, "no such fuel")
    return FUELS[name]


def reactivity(reaction: str, temperature: npt.ArrayLike) -> Array:
    """⟨σv⟩ of Maxwellian ions.

    Parameters
    ----------
    reaction : str
        Id in :data:`REACTIONS`.
    temperature : array_like, any shape
        Ion temperature [keV], >= 0. Below the fit's range the reactivity counts as that of the formula
        (it vanishes), above it as at the hottest temperature: extrapolated rates would be inventions.

    Returns
    -------
    array, same shape
        m³/s.

    Raises
    ------
    InputError
        No such reaction; a temperature that is negative or no number.

    References
    ----------
    Bosch, Hale, Nucl. Fusion 32 (1992) 611, eqs. 12-14 and table VII (0.2 to 100 keV within 0.25 %, D-He3
    0.5 to 190 keV within 2.5 %). Nevins, Swain, Nucl. Fusion 40 (2000) 865 (p-B11); the rates measured by
    Sikora and Weller (J. Fusion Energy 35, 2016) are about 30 % higher at 300 keV.
    """
    check_word("reaction", reaction, REACTIONS, "no such reaction")
    value = np.asarray(temperature, dtype=float)
    if not bool(np.all(value >= 0.0)) or not bool(np.all(np.isfinite(value))):
        raise InputError(
            "not an ion temperature",
            key="temperature",
            given=f"{float(np.min(value)):g} keV" if value.size else "nothing",
            allowed="0 keV and above",
        )
    hottest = REACTIONS[reaction].hottest
    warm = np.clip(value, 1e-3, hottest)  # a thousandth of a keV: the rate is zero in double precision
    if reaction in _BOSCH_HALE:
        return _bosch_hale(reaction, warm)
    return _nevins_swain(warm)


def _bosch_hale(reaction: str, t: Array) -> Array:
    gamow, mass, (c1, c2, c3, c4, c5, c6, c7) = _BOSCH_HALE[reaction]
    theta = t / (1.0 - t * (c2 + t * (c4 + t * c6)) / (1.0 + t * (c3 + t * (c5 + t * c7))))
    xi = (gamow**2 / (4.0 * theta)) ** (1.0 / 3.0)
    return 1e-6 * c1 * theta * np.sqrt(xi / (mass * t**3)) * np.exp(-3.0 * xi)


def _nevins_swain(t: Array) -> Array:
    """Non-resonant part below 50 and above 70 keV, joined linearly, and the resonance at 148 keV."""
    masses = (1.00782503207, 11.0093054)
    reduced = masses[0] * masses[1] / (masses[0] + masses[1]) * _ATOMIC_MASS  # keV
    gamow = 22589.0  # keV
    # low temperatures: S(E) = C0 + C1 E + C2 E² (keV b, b, b/keV)
    peak = (gamow / 4.0) ** (1.0 / 3.0) * t ** (2.0 / 3.0)
    tau = 3.0 * peak / t
    width = 4.0 * np.sqrt(t * peak / 3.0)
    astro = (
        197e3 * (1.0 + 5.0 / (12.0 * tau))
        + 240.0 * (peak + 35.0 / 36.0 * t)
        + 0.231 * (peak**2 + 89.0 / 36.0 * peak * t)
    )
    low = _LIGHT * 1e-28 * np.sqrt(2.0 * t / reduced) * width / t**2 * astro * np.exp(-tau)
    # high temperatures: the form of Bosch and Hale
    up = t * (-5.9357e-2 + t * (1.0404e-3 + t * -9.1653e-6))
    down = 1.0 + t * (2.0165e-1 + t * (2.7621e-3 + t * 9.8305e-7))
    theta = t / (1.0 - up / down)
    xi = (gamow / (4.0 * theta)) ** (1.0 / 3.0)
    high = 4.4467e-14 * theta * np.sqrt(xi / (reduced * t**3)) * np.exp(-3.0 * xi)
    share = np.clip((t - 50.0) / 20.0, 0.0, 1.0)
    resonance = 5.41e-21 * t**-1.5 * np.exp(-148.0 / t)
    return (1.0 - share) * low + share * high + resonance

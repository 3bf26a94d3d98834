"""What a fuel asks of a plasma: Lawson's figure, and maps of a given machine over density and temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.power.plants.fusion.machine import Plasma
from gigawatt.power.plants.fusion.plasma import State, evaluate
from gigawatt.power.plants.fusion.radiation import bremsstrahlung_coefficients
from gigawatt.power.plants.fusion.reactivity import KEV, REACTIONS, load_fuel, reactivity

__all__ = ["Popcon", "fusion_over_bremsstrahlung", "popcon", "triple_product"]

Array = npt.NDArray[np.float64]


def _densities(fuel: str, temperature: Array, electrons: float) -> tuple[Array, Array, Array, float]:
    """Fusion power, charged power and bremsstrahlung over n_e² [W m³], ions an electron."""
    one = load_fuel(fuel)
    per = 1.0 / one.charge
    fusion, charged = np.zeros_like(temperature), np.zeros_like(temperature)
    for name in one.reactions:
        made = REACTIONS[name]
        product = one.ions[made.a][0] * one.ions[made.b][0] * (0.5 if made.a == made.b else 1.0)
        rate = per**2 * product * reactivity(name, temperature)
        fusion, charged = fusion + rate * made.energy, charged + rate * made.charged
    ions, electron = bremsstrahlung_coefficients(electrons * temperature)
    return fusion, charged, ions * one.charge_squared * per + electron, per


def triple_product(
    fuel: str, temperature: npt.ArrayLike, gain: float, *, electron_ratio: float = 1.0
) -> Array:
    """n_e T_i τ_E that a uniform plasma of clean fuel needs for a gain; inf where no τ_E is long enough.

    Parameters
    ----------
    fuel : str
        Id in ``FUELS``.
    temperature : array_like, any shape
        Ion temperature, keV, > 0.
    gain : float
        Q, fusion power over heating from outside, > 0; ``inf`` is ignition.
    electron_ratio : float
        T_e/T_i, (0, 1].

    Returns
    -------
    array
        keV s/m³. τ_E is of conduction: bremsstrahlung is a loss beside it.

    Raises
    ------
    InputError
        A gain or ratio out of its range.

    References
    ----------
    Lawson, Proc. Phys. Soc. B 70 (1957) 6; Wurzel, Hsu, Phys. Plasmas 29 (2022) 062103, eq. 26.
    """
    if not gain > 0.0:
        raise InputError("not a gain", key="gain", given=f"{gain:g}", allowed="above 0; inf is ignition")
    check_range("electron_ratio", electron_ratio, 0.0, 1.0, open_low=True, message="not a ratio")
    t = np.asarray(temperature, dtype=float)
    fusion, charged, brems, ions = _densities(fuel, t, electron_ratio)
    left = charged + fusion / gain - brems
    energy = 1.5 * KEV * t * (electron_ratio + ions)
    return np.where(left > 0.0, t * energy / np.where(left > 0.0, left, 1.0), np.inf)


def fusion_over_bremsstrahlung(
    fuel: str, temperature: npt.ArrayLike, *, electron_ratio: float = 1.0
) -> Array:
    """Fusion power in charged particles over bremsstrahlung of clean fuel; below 1 nothing ignites.

    Parameters
    ----------
    fuel, temperature, electron_ratio
        As in :func:`triple_product`.

    References
    ----------
    Nevins, J. Fusion Energy 17 (1998) 25.
    """
    _, charged, brems, _ = _densities(fuel, np.asarray(temperature, dtype=float), electron_ratio)
    return charged / brems


@dataclass(frozen=True)
class Popcon:
    """A contour map: ``density`` (N, 1), ``temperature`` (1, K), ``state`` with (N, K) arrays."""

    density: Array
    temperature: Array
    state: State


def popcon(
    plasma: Plasma,
    *,
    density: tuple[float, float],
    temperature: tuple[float, float] = (2.0, 40.0),
    count: int = 200,
) -> Popcon:
    """The balance of ``plasma`` over a rectangle of mean density and temperature.

    Parameters
    ----------
    plasma : Plasma
        The machine.
    density, temperature : (low, high)
        1/m³, keV.
    count : int
        Points a side, >= 2.

    Raises
    ------
    InputError
        As :func:`evaluate`.

    References
    ----------
    Houlberg, Attenberger, Hively, Nucl. Fusion 22 (1982) 935.
    """
    if count < 2:
        raise InputError("a map has two points a side", key="count", given=count, allowed="2 and more")
    n = np.linspace(*density, count)[:, None]
    t = np.linspace(*temperature, count)[None, :]
    return Popcon(n, t, evaluate(plasma, n, t))

"""Saturable absorption along a waveguide, and what filling the states of graphene takes.

The absorber follows the light at once: dI/dz = −α₀·I/(1 + I/I_sat) − α₁·I. Its integral is closed; with
u = I/I_sat, d₀ = α₀L, d₁ = α₁L, d = d₀ + d₁ the transmission T = u_out/u_in solves

    ln T + (d₀/d₁)·ln[(d + d₁·u·T)/(d + d₁·u)] + d = 0,   for d₁ = 0:   ln T + u·(T − 1) + d₀ = 0,

the second of which is the Lambert W function.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.core.checks import check_range
from gigawatt.workload.operations import Array

__all__ = ["PLANCK_REDUCED", "filling_energy", "saturable_transmission"]

PLANCK_REDUCED = 1.054_571_817e-34
"""Reduced Planck constant [J·s], exact to the digits given."""
_ITERATIONS = 60


def saturable_transmission(power: ArrayLike, *, depth: float, fixed_depth: float = 0.0) -> Array:
    """Share of ``power`` that passes a saturable absorber.

    Parameters
    ----------
    power : array
        u ≥ 0, in units of the saturation power.
    depth : float
        d₀ = α₀L ≥ 0, what saturates.
    fixed_depth : float
        d₁ = α₁L ≥ 0, what does not.

    Returns
    -------
    array
        T, from e^(−d₀−d₁) at u = 0 up to e^(−d₁).

    Raises
    ------
    InputError
        A number that is negative or not finite.

    References
    ----------
    Corless et al. 1996, "On the Lambert W function", Advances in Computational Mathematics 5, 329;
    Siegman 1986, Lasers, section 7.7 (homogeneous saturation along a medium).
    """
    u = check_range("power", power, 0.0, message="not a power")
    for key, value in (("depth", depth), ("fixed_depth", fixed_depth)):
        check_range(key, value, 0.0, message="not an optical depth")
    total = depth + fixed_depth
    if total == 0.0:
        return np.ones_like(u)
    below = total + fixed_depth * u
    log_t = np.zeros_like(u)  # the function is convex and positive at 0: Newton falls to the root from there
    for _ in range(_ITERATIONS):
        passed = u * np.expm1(log_t)
        bend = depth / fixed_depth * np.log1p(fixed_depth * passed / below) if fixed_depth > 0.0 else passed
        here = u * np.exp(log_t)
        slope = 1.0 + depth * here / (total + fixed_depth * here)
        step = (log_t + bend + total) / slope
        log_t = log_t - step
        if bool(np.all(np.abs(step) <= 1e-14 * (1.0 + np.abs(log_t)))):
            break
    return np.exp(log_t)


def filling_energy(*, wavelength: float, fermi_velocity: float, area: float) -> float:
    """Energy [J] that fills graphene's states up to half a photon's energy: then it can absorb no more.

    n = E²/(π·ħ²·v²) electrons per area have energies up to E = ħω/2 (four at each wave vector); each costs a
    photon. Carriers are counted as cold; hot ones spread further and block with fewer or more.

    Parameters
    ----------
    wavelength, fermi_velocity, area : float [m, m/s, m²]
        Each above 0.

    Raises
    ------
    InputError
        A number that is not above 0.

    References
    ----------
    Castro Neto et al. 2009, Reviews of Modern Physics 81, 109 (density of states); Bao et al. 2009, Advanced
    Functional Materials 19, 3077 (saturation by Pauli blocking).
    """
    for key, value in (("wavelength", wavelength), ("fermi_velocity", fermi_velocity), ("area", area)):
        check_range(key, value, 0.0, open_low=True, message="not a size")
    photon = 2.0 * np.pi * PLANCK_REDUCED * 299_792_458.0 / wavelength
    density = (0.5 * photon / (PLANCK_REDUCED * fermi_velocity)) ** 2 / np.pi
    return float(area * density * photon)

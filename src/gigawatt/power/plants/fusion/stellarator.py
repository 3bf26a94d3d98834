"""Stellarators: no current, no pulses, no bootstrap; the same balance with ISS04 and Sudo's density."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.plants.fusion.confinement import load_scaling
from gigawatt.power.plants.fusion.machine import Plasma
from gigawatt.power.plants.fusion.plasma import State, evaluate
from gigawatt.power.plants.fusion.reactivity import REACTIONS

__all__ = ["ignition_factor", "temperature_for"]

_HALVINGS = 36


def temperature_for(plasma: Plasma, density: float, fusion: float) -> State:
    """The coolest state at ``density`` that gives a fusion power.

    Parameters
    ----------
    plasma : Plasma
        The machine.
    density : float
        1/m³.
    fusion : float
        W, > 0.

    Returns
    -------
    State
        One point.

    Raises
    ------
    InputError
        A power that is not positive.
    InfeasibleError
        No temperature up to 40 keV gives it; names the most.

    References
    ----------
    Fusion power is a function of density and temperature alone.
    """
    check_range("fusion", fusion, 0.0, unit="W", open_low=True, message="a fusion power is positive")
    grid = np.geomspace(1.0, 40.0, 121)
    made = evaluate(plasma, density, grid).fusion
    above = np.flatnonzero(made >= fusion)
    if above.size == 0:
        raise InfeasibleError(
            f"no temperature gives {fusion / 1e6:.4g} MW at this density; at most {made.max() / 1e6:.4g} MW",
            key="fusion",
        )
    first = int(above[0])
    low, high = float(grid[max(first - 1, 0)]), float(grid[first])
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        enough = evaluate(plasma, density, middle).at("fusion") >= fusion
        low, high = (low, middle) if enough else (middle, high)
    return evaluate(plasma, density, high)


def ignition_factor(plasma: Plasma, density: float, fusion: float) -> tuple[float, State]:
    """(confinement over the scaling at which the plasma burns without heating, the state).

    Parameters
    ----------
    plasma : Plasma
        Its ``h_factor`` is not used; a D-T plasma.
    density, fusion : float
        1/m³, W.

    Returns
    -------
    (float, State)
        The state has the helium that its own confinement leaves, and no heating.

    Raises
    ------
    InfeasibleError
        Radiation alone takes what the fusion products leave; the fusion power cannot be reached.
    InputError
        Another fuel than D-T.

    References
    ----------
    Yamada et al., Nucl. Fusion 45 (2005) 1684; renormalisation as in Warmer et al., Fusion Sci. Technol. 68
    (2015).
    """
    if plasma.fuel != "dt":
        raise InputError("ignition without heating is for D-T", key="fuel", given=plasma.fuel, allowed="dt")
    alpha = REACTIONS["T(d,n)4He"].charged
    power = 1.0 / (1.0 + load_scaling(plasma.scaling).power)

    def balance(helium: float) -> tuple[float, State]:
        """(helium that its confinement leaves less ``helium``, the state at the scaling's confinement)."""
        state = temperature_for(replace(plasma, helium=helium, h_factor=1.0), density, fusion)
        left = state.at("deposited") - state.at("core")
        if left <= 0.0:
            raise InfeasibleError(
                "no power balance: radiation of the core exceeds the power that fusion products leave",
                key="plasma",
            )
        confinement = state.at("stored") / left
        made = state.at("charged") / (alpha * plasma.torus)
        return plasma.ash_ratio * confinement * made / density - helium, state

    low, high = 0.0, 0.0
    for high in np.linspace(0.02, 0.4, 20):
        if balance(float(high))[0] < 0.0:
            break
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + float(high))
        low, high = (middle, high) if balance(middle)[0] > 0.0 else (low, middle)
    helium = 0.5 * (low + float(high))
    _, state = balance(helium)
    left = state.at("deposited") - state.at("core")
    factor = (state.at("loss") / left) ** (1.0 / power)
    return factor, temperature_for(replace(plasma, helium=helium, h_factor=factor), density, fusion)

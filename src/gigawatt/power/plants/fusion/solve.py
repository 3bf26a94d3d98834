"""The temperature at which a given heating sustains a plasma."""

from __future__ import annotations

import numpy as np

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InfeasibleError
from gigawatt.power.plants.fusion.machine import Plasma
from gigawatt.power.plants.fusion.plasma import State, evaluate

__all__ = ["solve_temperature"]

_STEPS = 50  # halvings


def solve_temperature(
    plasma: Plasma, density: float, auxiliary: float, *, low: float = 1.0, high: float = 100.0
) -> State:
    """The plasma that ``auxiliary`` watts sustain at ``density``: the hottest state that is thermally stable.

    Parameters
    ----------
    plasma : Plasma
        The machine.
    density : float
        1/m³.
    auxiliary : float
        Heating from outside, without the ohmic part, W, >= 0.
    low, high : float
        Temperatures looked through, keV.

    Returns
    -------
    State
        One point; more heating makes it hotter.

    Raises
    ------
    InfeasibleError
        No temperature balances; says what the nearest one lacks.
    InputError
        Negative heating.

    References
    ----------
    Freidberg, Plasma Physics and Fusion Energy (2007), 4.5: stability of the burn.
    """
    check_range("auxiliary", auxiliary, 0.0, unit="W", message="heating cannot be negative")
    grid = np.geomspace(low, high, 241)
    state = evaluate(plasma, density, grid)
    lack = np.where(state.possible, state.auxiliary - auxiliary, np.inf)
    rises = np.flatnonzero((lack[:-1] <= 0.0) & (lack[1:] > 0.0))
    if rises.size == 0:
        raise InfeasibleError(_why_none(state, auxiliary), key="plasma")
    cool, hot = float(grid[rises[-1]]), float(grid[rises[-1] + 1])
    for _ in range(_STEPS):
        middle = 0.5 * (cool + hot)
        one = evaluate(plasma, density, middle)
        too_hot = one.at("auxiliary") > auxiliary or not bool(one.possible)
        cool, hot = (cool, middle) if too_hot else (middle, hot)
    return evaluate(plasma, density, 0.5 * (cool + hot))


def _why_none(state: State, auxiliary: float) -> str:
    best = int(np.argmax(state.fusion / state.radiation))
    ratio = float((state.deposited / state.radiation).max())
    if not bool(np.any(state.possible & (state.auxiliary <= auxiliary))):
        if ratio < 1.0:
            return (
                "no power balance: radiation exceeds the fusion power left in the plasma everywhere "
                f"(at best {ratio:.2f} of it, at {float(state.temperature[best]):.3g} keV)"
            )
        least = float(np.min(np.where(state.possible, state.auxiliary, np.inf)))
        return f"no power balance: the least heating that sustains this density is {least / 1e6:.4g} MW"
    return "no power balance: the burn runs away above the hottest temperature looked at"

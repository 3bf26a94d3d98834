"""Money over time: the capital recovery factor, present value and levelised cost.

Rates are effective annual rates as fractions (0.07 is 7 % a year), real rather than nominal wherever
the money is of one currency year; lives are in seconds and a year is 8,760 hours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_range
from gigawatt.core.quantities import HOURS_PER_YEAR, factor

__all__ = ["SECONDS_PER_YEAR", "annuity", "capital_recovery_factor", "levelised_cost"]

SECONDS_PER_YEAR = HOURS_PER_YEAR * factor("h")


def capital_recovery_factor(*, rate: ArrayLike, life: ArrayLike) -> NDArray[np.float64]:
    """Yearly payment at each year's end that repays one unit of capital over its life.

    ``i / (1 - (1 + i)^-n)`` with ``n = life`` in years, and its limit ``1 / n`` as ``i → 0``.

    Parameters
    ----------
    rate : array_like
        Effective annual discount rate as a fraction [1/yr], > -1.
    life : array_like
        Economic life [s], > 0.

    Returns
    -------
    ndarray
        Broadcast shape of the two [1/yr]. Never below ``1 / n`` for a rate ≥ 0.

    Raises
    ------
    InputError
        A rate of -100 % or less, a life that is zero or negative, anything not finite.

    References
    ----------
    .. [1] W. Short, D. J. Packey, T. Holt, "A Manual for the Economic Evaluation of Energy Efficiency and
       Renewable Energy Technologies", NREL/TP-462-5173, 1995: uniform capital recovery factor.
    """
    i = check_range("rate", rate, -1.0, open_low=True, message="the discount rate is out of range")
    seconds = check_range("life", life, 0.0, unit="s", open_low=True, message="the life is out of range")
    years = seconds / SECONDS_PER_YEAR
    # expm1 loses nothing near zero; below the rounding of 1 + rate the limit 1/years is exact.
    flat = np.abs(i) < np.finfo(np.float64).eps
    paid = np.where(flat, 1.0, -np.expm1(-np.log1p(i) * years))
    return np.where(flat, 1.0 / years, i / paid)


def annuity(*, capital: ArrayLike, rate: ArrayLike, life: ArrayLike) -> NDArray[np.float64]:
    """Yearly cost [$/yr] of ``capital`` [$] over ``life`` [s] at ``rate`` [1/yr].

    Capital times its recovery factor. Raises ``InputError`` where the capital is negative, or as
    :func:`capital_recovery_factor` does.
    """
    dollars = check_range("capital", capital, 0.0, unit="$", message="the capital is out of range")
    return dollars * capital_recovery_factor(rate=rate, life=life)


def levelised_cost(
    *,
    capital: ArrayLike,
    rate: ArrayLike,
    life: ArrayLike,
    operating: ArrayLike = 0.0,
    variable: ArrayLike = 0.0,
    output: ArrayLike,
) -> NDArray[np.float64]:
    """Levelised cost of a product whose yearly output and costs stay constant (LCOE for electricity).

    ``(capital × CRF + operating) / output + variable``.

    Parameters
    ----------
    capital : array_like
        Overnight capital [$], ≥ 0.
    rate, life : array_like
        Effective annual rate [1/yr] and life [s].
    operating : array_like
        Fixed cost [$/yr], ≥ 0.
    variable : array_like
        Cost per unit of output [$/unit], fuel included; may be negative (a subsidy).
    output : array_like
        Units a year [unit/yr], > 0; joules for $/J.

    Returns
    -------
    ndarray
        [$/unit].

    References
    ----------
    .. [1] NREL, "Simple Levelized Cost of Energy Calculator Documentation" (sLCOE).
    """
    units = check_range("output", output, 0.0, open_low=True, message="the output is out of range")
    upkeep = check_range(
        "operating", operating, 0.0, unit="$/yr", message="the operating cost is out of range"
    )
    fixed = annuity(capital=capital, rate=rate, life=life) + upkeep
    return fixed / units + np.asarray(variable, dtype=float)

"""Costs: the first plant, learning with the number built, a levelised cost in plain numbers."""

from __future__ import annotations

import math

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR

__all__ = ["learned", "learning_needed", "levelised", "units_by"]

_YEAR = HOURS_PER_YEAR * 3600.0


def learned(first: float, *, rate: float, units: float) -> float:
    """Cost of the ``units``-th plant of a series whose first costs ``first``.

    Parameters
    ----------
    first : float
        Any unit.
    rate : float
        Share by which each doubling of the number built lowers the cost, (-1, 1); negative: it rises.
    units : float
        Plants built, this one included, >= 1.

    Raises
    ------
    InputError
        A rate or number out of its range.

    References
    ----------
    Wright, J. Aeronaut. Sci. 3 (1936) 122.
    """
    if not -1.0 < rate < 1.0:
        raise InputError("not a learning rate", key="rate", given=f"{rate:g}", allowed="above -1, below 1")
    check_range("units", units, 1.0, message="the first plant is number one")
    return first * units ** math.log2(1.0 - rate)


def learning_needed(*, first: float, mature: float, units: float) -> float:
    """Learning rate that takes ``first`` to ``mature`` with the ``units``-th plant.

    Raises
    ------
    InputError
        A cost that is not positive, or fewer than two plants.

    References
    ----------
    Wright, J. Aeronaut. Sci. 3 (1936) 122.
    """
    if not (first > 0.0 and mature > 0.0):
        raise InputError("a cost is positive", key="first", given=f"{first:g}, {mature:g}", allowed="above 0")
    if not units > 1.0:
        raise InputError("learning takes a second plant", key="units", given=f"{units:g}", allowed="above 1")
    return 1.0 - (mature / first) ** (1.0 / math.log2(units))


def units_by(year: float, *, first_year: float, doubling: float) -> float:
    """Plants built by ``year``: one in ``first_year``, twice as many each ``doubling`` years; at least 1.

    References
    ----------
    Lopes Cardozo, Phil. Trans. R. Soc. A 377 (2019) 20170444: exponential growth of a young technology.
    """
    if not doubling > 0.0:
        raise InputError(
            "a doubling takes time", key="doubling", given=f"{doubling:g}", allowed="above 0 years"
        )
    return 2.0 ** (max(year - first_year, 0.0) / doubling)


def levelised(
    *,
    capital: float,
    fixed: float,
    variable: float,
    rate: float,
    life: float,
    build: float,
    availability: float,
) -> float:
    """Levelised cost of electricity, $/J.

    Parameters
    ----------
    capital : float
        Overnight, $/W net.
    fixed, variable : float
        $/W and year; $/J.
    rate : float
        1/year.
    life, build : float
        s of operation; s of construction, over which capital is spent evenly.
    availability : float
        Net energy over capacity × time, (0, 1].

    References
    ----------
    IEA/NEA, Projected Costs of Generating Electricity 2020, annex on the method.
    """
    years, building = life / _YEAR, build / _YEAR
    annuity = rate / (1.0 - (1.0 + rate) ** -years)
    interest = ((1.0 + rate) ** building - 1.0) / (building * math.log1p(rate)) if building > 0.0 else 1.0
    return (capital * interest * annuity + fixed) / (availability * _YEAR) + variable

"""What a molten-salt reactor costs: fuel with separative work, and the first and the n-th unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = ["Fuel", "availability", "fuel_use", "separative_work", "unit_cost"]

_DAY = 86400.0


@dataclass(frozen=True)
class Fuel:
    """Per J of electricity: ``uranium``, ``natural``, ``work`` kg ; ``cost`` $."""

    uranium: float
    natural: float
    work: float
    cost: float


def separative_work(*, product: float, tails: float, feed: float) -> tuple[float, float]:
    """(kg of separative work, kg of feed) for a kg of enriched uranium.

    Parameters
    ----------
    product, tails, feed : float
        Shares of U-235 by weight; 0 < tails < feed <= product < 1.

    Raises
    ------
    InputError
        Shares out of that order.

    References
    ----------
    Benedict, Pigford and Levi 1981, chapter 12: value function V(x) = (2x - 1) ln(x / (1 - x)).
    """
    if not 0.0 < tails < feed <= product < 1.0:
        raise InputError(
            "enrichments out of order",
            key="enrichment",
            given=f"product {product:g}, feed {feed:g}, tails {tails:g}",
            allowed="0 < tails < feed <= product < 1",
        )
    value = [(2.0 * x - 1.0) * math.log(x / (1.0 - x)) for x in (product, tails, feed)]
    fed = (product - tails) / (feed - tails)
    return value[0] + (fed - 1.0) * value[1] - fed * value[2], fed


def fuel_use(
    *,
    burnup: float,
    efficiency: float,
    product: float,
    tails: float,
    feed: float,
    uranium_price: float,
    conversion_price: float,
    separation_price: float,
    salt_price: float,
) -> Fuel:
    """Fuel burnt for a J of electricity, and what it costs.

    Parameters
    ----------
    burnup : float
        J of heat per kg of uranium put in, > 0.
    efficiency : float
        Electricity over heat, (0, 1).
    product, tails, feed : float
        Shares of U-235.
    uranium_price, conversion_price, separation_price, salt_price : float
        $/kg of natural uranium, its conversion, separative work, and salt with its making per kg of uranium.

    Raises
    ------
    InputError
        A burn-up or efficiency out of range.

    References
    ----------
    Benedict, Pigford and Levi 1981, chapters 3 and 12.
    """
    if not 0.0 < burnup < 8.2e13:
        raise InputError(
            "burn-up out of range: more than all of the uranium would fission",
            key="burnup",
            given=burnup,
            allowed="above 0, below 8.2e13 J/kg",
        )
    if not 0.0 < efficiency < 1.0:
        raise InputError("efficiency out of range", key="efficiency", given=efficiency, allowed="0 to 1")
    work, fed = separative_work(product=product, tails=tails, feed=feed)
    mass = 1.0 / (burnup * efficiency)
    price = fed * (uranium_price + conversion_price) + work * separation_price + salt_price
    return Fuel(uranium=mass, natural=mass * fed, work=mass * work, cost=mass * price)


def availability(*, forced: float, outage: float, interval: float) -> float:
    """Share of the time that a reactor runs, with forced outages and one planned outage each interval.

    Parameters
    ----------
    forced : float
        Share lost by faults, [0, 1).
    outage, interval : float
        s; the outage is within the interval. Fuel is topped up as it runs and takes no time.

    Raises
    ------
    InputError
        Numbers out of range.

    References
    ----------
    IEEE 762: planned and forced outage factors.
    """
    if not (0.0 <= forced < 1.0 and 0.0 <= outage < interval):
        raise InputError(
            "outages out of range",
            key="outage",
            given=f"{outage / _DAY:g} days, {forced:g} forced",
            allowed="shorter than the life of a core; forced below 1",
        )
    return (1.0 - forced) * (1.0 - outage / interval)


def unit_cost(*, estimate: float, overrun: float, units: float, learning_rate: float) -> float:
    """Price of the n-th unit: estimate × (1 + overrun) × n^log2(1 - learning rate).

    Parameters
    ----------
    estimate : float
        $/W before anything was built, > 0.
    overrun : float
        Cost of the first over its estimate less one, > -1 (1.3: 130 % more).
    units : float
        n, >= 1.
    learning_rate : float
        Fall of the price at each doubling, [-1, 1); negative where units grew dearer.

    Raises
    ------
    InputError
        Numbers out of range.

    References
    ----------
    Wright 1936; Rubin et al., Energy Policy 86, 2015 (nuclear: below 0 to 6 %); Grubler 2010.
    """
    if not (estimate > 0.0 and overrun > -1.0):
        raise InputError("estimate or overrun out of range", key="overrun", given=overrun, allowed="above -1")
    check_range("units_built", units, 1.0, message="no unit before the first")
    if not -1.0 <= learning_rate < 1.0:
        raise InputError(
            "learning out of range: a price cannot fall by all of it",
            key="learning_rate",
            given=learning_rate,
            allowed="-1 to below 1",
        )
    return estimate * (1.0 + overrun) * units ** math.log2(1.0 - learning_rate)

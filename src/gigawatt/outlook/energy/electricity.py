"""Electricity of data centres: AI from its stock of chips, the rest by growth; by region.

AI: mean of the chips' watts at both ends of a year × hosts and network × mean draw over nameplate × PUE.
Nothing here is fitted to a forecast of anybody; the rest of 2024 is the published total less this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigawatt.outlook.frame import YEARS, Frame
from gigawatt.outlook.paths import fading

__all__ = ["BLOCKS"]

Array = NDArray[np.float64]

_YEAR = np.asarray(YEARS, dtype=float)[None, :]


BLOCKS = Frame()
"""The blocks of this module."""


@BLOCKS.block("ai_power [W]", "ai_nameplate [W]")
def ai(
    fleet_watts: Array,
    fleet_watts_2023: Array,
    overhead: Array,
    pue_mean: Array,
    pue_peak: Array,
    draw: Array,
    old_watts: Array,
) -> tuple[Array, Array]:
    """Mean power of AI at the meter over a year, and what it could draw at the year's end.

    ``old_watts`` are accelerators from before the counts begin, which leave within some four years.
    """
    before = np.concatenate(
        [np.broadcast_to(fleet_watts_2023, (len(fleet_watts), 1)), fleet_watts[:, :-1]], axis=1
    )
    old = old_watts * np.clip(1.0 - (_YEAR - YEARS[0]) / 4.0, 0.0, 1.0)
    mean = 0.5 * (before + fleet_watts) + old
    return mean * overhead * draw * pue_mean, (fleet_watts + old) * overhead * pue_peak


@BLOCKS.block("other_power [W]")
def other(ai_power: Array, total_2024: Array, other_growth: Array, other_growth_late: Array) -> Array:
    """Mean power of all other data centres: those of 2024 are the published total less AI."""
    drift = fading(other_growth, other_growth_late, 2028.0, 2040.0)
    drift = np.where(YEARS[0] < _YEAR, drift, 0.0)
    start = np.maximum(total_2024 - ai_power[:, :1], 0.3 * total_2024)
    return start * np.exp(np.cumsum(drift, axis=1))


@BLOCKS.block("electricity [W]")
def world(ai_power: Array, other_power: Array) -> Array:
    """Mean power of the world's data centres over a year (energy of the year over its length)."""
    return ai_power + other_power


@BLOCKS.block(
    "electricity_us [W]",
    "electricity_china [W]",
    "electricity_europe [W]",
    "electricity_asia [W]",
    "demand_us [W]",
)
def regions(
    ai_power: Array,
    other_power: Array,
    ai_nameplate: Array,
    other_load_factor: Array,
    country_share: Array,
    other_us: Array,
    ai_china: Array,
    other_china: Array,
    ai_europe: Array,
    other_europe: Array,
    ai_asia: Array,
    other_asia: Array,
) -> tuple[Array, ...]:
    """Mean power by region, from the shares of AI and of the rest; and what the US could draw at once.

    What AI has outside the United States is shared in the proportions of China, Europe and Asia.
    """
    outside = 1.0 - country_share
    rest = [outside * share for share in (ai_china, ai_europe, ai_asia)]
    found = [ai_power * country_share + other_power * other_us]
    found += [
        ai_power * a + other_power * o
        for a, o in zip(rest, (other_china, other_europe, other_asia), strict=True)
    ]
    peak = ai_nameplate * country_share + other_power * other_us / other_load_factor
    return (*found, peak)

"""Environment: carbon by place and by contract, carbon of making things, water, damages, rebound, waste.

*Location-based*: carbon of the power as the grids and plants around make it. *Market-based*: power under
contracts counts as free of carbon, the rest as what contracts leave. Life-cycle factors throughout, plants'
construction in them.

References
----------
GHG Protocol Scope 2 Guidance 2015 (the two bases); Berkhout, Muskens and Velthuijsen 2000, "Defining the
rebound effect", Energy Policy 28, 425-432; Khazzoom 1980, "Economic implications of mandated efficiency in
standards for household appliances", The Energy Journal 1(4), 21-40.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.outlook.energy.response import KEPT, OWN_REGIONS, site_water
from gigawatt.outlook.energy.sources import REGIONS
from gigawatt.outlook.frame import FIRST, LAST, YEARS, Frame
from gigawatt.outlook.paths import ANCHOR, since

__all__ = ["BLOCKS", "TOLD", "cohorts", "rebound_share"]

Array = NDArray[np.float64]

_YEAR = np.asarray(YEARS, dtype=float)[None, :]
_OWN = [REGIONS.index(name) for name in OWN_REGIONS]
_KEPT = {name: i for i, name in enumerate(KEPT)}
_MASS, _FLOW = (1.0, 1e8), (1e-3, 1e8)  # kg/s, m³/s

TOLD: tuple[tuple[str, str, str, float, float], ...] = (
    ("carbon_all", "Mt/yr", "carbon of data centres' power, by location", *_MASS),
    ("carbon_ai", "Mt/yr", "of which AI", *_MASS),
    ("carbon_market", "Mt/yr", "carbon of data centres' power, by contract", *_MASS),
    ("carbon_made", "Mt/yr", "carbon of making AI's servers and buildings", *_MASS),
    ("water_site", "GL/yr", "water that AI evaporates on site", *_FLOW),
    ("water_plants", "GL/yr", "water that plants evaporate for AI", *_FLOW),
    ("damages", "B$/yr", "damages of that carbon (location, and making)", 1.0, 1e8),
    ("power_without_gain", "TWh/yr", "AI's power had efficiency stayed where it was in 2025", 1e4, 1e16),
    ("waste", "Mt/yr", "AI servers that are taken out", 1e-6, 1e6),
)
"""Name, unit, words and range (SI) of what is told of the environment."""


def rebound_share(efficiency: Array, elasticity: Array) -> Array:
    """The part of the saving by efficiency that more use takes back.

    Services S grow with efficiency g as g^η, so that energy goes as g^(η − 1): without more use it would go
    as 1/g. The share is (g^η − 1) / (g − 1): 0 at η = 0, 1 at η = 1, beyond it more energy is used than
    before (backfire); for g near 1 it is η.

    Parameters
    ----------
    efficiency : array
        g > 0, over that of the start.
    elasticity : array
        η ≥ 0 of the services to their efficiency, broadcast with g.

    Raises
    ------
    InputError
        An efficiency of 0 or less, an elasticity below 0.

    References
    ----------
    Khazzoom 1980; Berkhout et al. 2000.
    """
    if not np.all(np.asarray(efficiency) > 0.0):
        raise InputError(
            "not an efficiency", key="efficiency", given=float(np.min(efficiency)), allowed="> 0"
        )
    if not np.all(np.asarray(elasticity) >= 0.0):
        raise InputError(
            "not an elasticity", key="elasticity", given=float(np.min(elasticity)), allowed="0 or more"
        )
    log = np.log(efficiency)
    small = np.abs(log) < 1e-9
    safe = np.where(small, 1.0, log)
    return np.where(small, elasticity, np.expm1(elasticity * safe) / np.expm1(safe))


def cohorts(stock: Array, life: Array) -> tuple[Array, Array]:
    """What is added and what is taken out in each year, of a stock whose parts last ``life``.

    The first year's stock counts as of that year. A part is taken out in the year of its life, as machines of
    :mod:`~.compute.fleet` are. Where a stock falls faster than parts reach their life, the rest of
    the fall is taken out as well.

    Parameters
    ----------
    stock : array (draws, years)
        At the ends of years, 0 or more.
    life : array (draws, 1)
        In years.

    Returns
    -------
    added, out : array (draws, years)
        ``added − out`` is the change of the stock; ``added`` of the first year is the stock.
    """
    years = stock.shape[1]
    alive: Array = np.clip(life + 0.5 - np.arange(float(years))[None, :], 0.0, 1.0)  # by age
    added = np.zeros((years, len(stock)))
    by_year = np.ascontiguousarray(stock.T)
    of_age = np.ascontiguousarray(np.broadcast_to(alive, (len(stock), years)).T)
    added[0] = by_year[0]
    for t in range(1, years):
        kept = np.einsum("sd,sd->d", added[:t], of_age[t:0:-1])
        added[t] = np.maximum(by_year[t] - kept, 0.0)
    before = np.concatenate([np.zeros((1, len(stock))), by_year[:-1]])
    return added.T, (added - by_year + before).T


BLOCKS = Frame()
"""The blocks of this module."""


@BLOCKS.block("carbon_ai [kg/s]", "carbon_all [kg/s]", "carbon_market [kg/s]")
def operation(
    ai_power: Array,
    other_power: Array,
    regions_ai: Array,
    own: Array,
    own_part: Array,
    grid_carbon_ai: Array,
    grid_carbon_other: Array,
    contract_ai: Array,
    contract_other: Array,
    contract_2050: Array,
    residual_mix: Array,
) -> tuple[Array, Array, Array]:
    """Carbon of power a second: where it is used, and as contracts declare it.

    Own supply counts with its construction on both bases. Contracts run in a line from 2024 to 2050.
    """
    share = own_part * regions_ai[:, _OWN].sum(axis=1, keepdims=True)
    made = ai_power * share * (own[_KEPT["carbon"]] + own[_KEPT["built"]])
    grid_ai, grid_other = ai_power * (1.0 - share) * grid_carbon_ai, other_power * grid_carbon_other
    part = since(FIRST) / float(LAST - FIRST)
    left = [
        np.maximum(1.0 - ((1.0 - part) * one + part * contract_2050), 0.0)
        for one in (contract_ai, contract_other)
    ]
    ai = made + grid_ai
    return ai, ai + grid_other, made + residual_mix * (grid_ai * left[0] + grid_other * left[1])


@BLOCKS.block("carbon_made [kg/s]", "waste [kg/s]")
def making(
    fleet_watts: Array,
    overhead: Array,
    chip_life: Array,
    chip_embodied: Array,
    building_embodied: Array,
    mass_power: Array,
) -> tuple[Array, Array]:
    """Carbon of servers made and of buildings for the growth of the fleet, and the mass of servers taken out.

    What stood at the end of 2024 is not counted as made.
    """
    year = factor("yr")
    added, out = cohorts(fleet_watts, chip_life / year)
    after = _YEAR > FIRST
    grown = np.maximum(added - out, 0.0)
    carbon = added * chip_embodied + grown * overhead * building_embodied
    return np.where(after, carbon, 0.0) / year, np.where(after, out, 0.0) * overhead * mass_power / year


@BLOCKS.block("water_site [m^3/s]", "water_plants [m^3/s]")
def water(
    ai_power: Array,
    pue_mean: Array,
    regions_ai: Array,
    evaporative: Array,
    own: Array,
    own_part: Array,
    grid_water_ai: Array,
) -> tuple[Array, Array]:
    """Water that AI evaporates a second: towers on site, and plants and reservoirs behind its power.

    Where no site of the table stands (China, elsewhere), towers evaporate as in the mean of the others.
    """
    weights, towers = regions_ai[:, _OWN], site_water()
    share = weights.sum(axis=1, keepdims=True)
    litre = (weights @ towers)[:, None] + (1.0 - share) * float(towers.mean())
    site = ai_power / pue_mean * evaporative * litre
    own_share = own_part * share
    return site, ai_power * (own_share * own[_KEPT["water"]] + (1.0 - own_share) * grid_water_ai)


@BLOCKS.block("damages [$/s]")
def damage(carbon_all: Array, carbon_made: Array, damage_2025: Array, damage_growth: Array) -> Array:
    """Damages by the social cost of carbon of the year."""
    return (carbon_all + carbon_made) * damage_2025 * damage_growth ** (_YEAR - ANCHOR)


@BLOCKS.block("rebound [1]", "power_without_gain [W]")
def rebound(ai_power: Array, efficiency_path: Array, rebound_elasticity: Array) -> tuple[Array, Array]:
    """The part of the saving since 2025 that more use takes back, and AI's power had there been neither.

    A reading of the draws: efficiency enters the outlook's limits on its own, and this says what share of the
    use it brought about if demand answers with this elasticity.
    """
    gain = np.maximum(efficiency_path, 1e-6)
    gain = np.where(_YEAR < ANCHOR, 1.0, gain)
    return rebound_share(gain, rebound_elasticity), ai_power * gain ** (1.0 - rebound_elasticity)

"""The energy system behind data centres: power by source, its price, the carbon and water of making it.

What stood in 2025 takes the grid. Of what is added, a share (``own_share``) in the United States, Europe and
Asia is supplied as the least-cost pathways of the supply room say (:mod:`~.energy.response`), at the
draw's price of gas and of carbon, freedom to build and costs of plants; the rest takes the grid. The mix of a
grid starts from its row and moves by the year: coal and gas fall, others take their place.

References
----------
UNECE 2022, "Carbon Neutrality in the UNECE Region" (life-cycle carbon); Macknick, Newmark, Heath and Hallett
2012, "Operational water consumption and withdrawal factors for electricity generating technologies",
Environmental Research Letters 7, 045802.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.outlook.energy.response import KEPT, OWN_REGIONS, own_response
from gigawatt.outlook.frame import FIRST, YEARS, Frame
from gigawatt.outlook.paths import ANCHOR, since

__all__ = ["BLOCKS", "GRID_SOURCES", "REGIONS", "SOURCES", "TOLD", "moved", "moved_mean"]

Array = NDArray[np.float64]

REGIONS = ("us", "china", "europe", "asia", "rest")
"""Regions with a grid of their own; ``asia`` is Asia and the Pacific without China."""
GRID_SOURCES = ("coal", "gas", "fission", "hydro", "wind", "solar")
"""Sources of grids: gas with oil, hydro with biomass and geothermal."""
SOURCES = (*GRID_SOURCES, "fusion", "space")
"""Sources of power that are told."""

_YEAR = np.asarray(YEARS, dtype=float)[None, :]
_AT = YEARS.index(ANCHOR)
_OWN = [REGIONS.index(name) for name in OWN_REGIONS]
_KEPT = {name: i for i, name in enumerate(KEPT)}
_COAL, _GAS = 0, 1
_LEAST = 1e-12  # W, or a share: not to divide by 0

_WATT = (1.0, 1e14)
TOLD: tuple[tuple[str, str, str, float, float], ...] = (
    *(
        (f"power_{name}", "TWh/yr", f"electricity of data centres from {words}", *_WATT)
        for name, words in (
            ("coal", "coal"), ("gas", "gas and oil"), ("fission", "fission"),
            ("hydro", "water, biomass and geothermal"), ("wind", "wind"), ("solar", "the sun"),
            ("fusion", "fusion"), ("space", "space-based solar power"),
        )
    ),
    ("power_stored", "TWh/yr", "of which out of batteries", *_WATT),
    ("price_ai", "$/MWh", "price of AI's electricity, what carbon costs in it", 1e-10, 1e-6),
    ("price_all", "$/MWh", "price of all data centres' electricity", 1e-10, 1e-6),
)  # fmt: skip
"""Name, unit, words and range (SI) of what is told of the energy system."""


@lru_cache(maxsize=1)
def _grids() -> tuple[Array, Array, Array]:
    """(mix (regions, sources), carbon [kg/J], price [$/J]) of the grids."""
    rows = [catalog.entity("outlook_grid", name) for name in REGIONS]
    mix = np.array([[row.value(name) for name in GRID_SOURCES] for row in rows])
    carbon, price = (np.array([row.value(name) for row in rows]) for name in ("carbon", "price"))
    return mix, carbon, price


@lru_cache(maxsize=1)
def _of_sources() -> tuple[Array, Array]:
    """(carbon [kg/J], water [m³/J]) of the sources of grids."""
    rows = [catalog.entity("outlook_sources", name) for name in GRID_SOURCES]
    carbon, water = (np.array([row.value(name) for row in rows]) for name in ("carbon", "water"))
    return carbon, water


BLOCKS = Frame()
"""The blocks of this module."""


@BLOCKS.block("regions_ai [1]", "regions_other [1]")
def regional_shares(
    country_share: Array,
    ai_china: Array,
    ai_europe: Array,
    ai_asia: Array,
    other_us: Array,
    other_china: Array,
    other_europe: Array,
    other_asia: Array,
) -> tuple[Array, Array]:
    """Shares of the regions in AI's power and in that of other data centres: (draws, regions), sums of one.

    Shares that are drawn to more than one together are scaled back.
    """
    outside = 1.0 - country_share
    found: list[Array] = []
    for named in (
        (country_share, outside * ai_china, outside * ai_europe, outside * ai_asia),
        (other_us, other_china, other_europe, other_asia),
    ):
        parts = np.concatenate(np.broadcast_arrays(*named), axis=1)
        rest = np.maximum(1.0 - parts.sum(axis=1, keepdims=True), 0.0)
        whole = np.concatenate([parts, rest], axis=1)
        found.append(whole / whole.sum(axis=1, keepdims=True))
    return found[0], found[1]


@BLOCKS.block("own [1]", "own_part [1]", "carbon_paid [$/kg]")
def own_supply(
    regions_ai: Array,
    ai_power: Array,
    own_share: Array,
    gas_price: Array,
    carbon_price: Array,
    build_freedom: Array,
    plant_costs: Array,
) -> tuple[Array, Array, Array]:
    """What least-cost supply is made of (kept, draws, years), its share of AI's power in the regions that
    have it, and the price of carbon of the year."""
    weights = regions_ai[:, _OWN]
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    own = own_response().at(weights, carbon_price, gas_price, build_freedom, plant_costs)
    before = ai_power[:, _AT : _AT + 1] / np.maximum(ai_power, _LEAST)
    added = np.clip(1.0 - before, 0.0, 1.0) * (_YEAR > ANCHOR)
    path = catalog.entity("outlook_energy", "path")
    begin, end, start = (path.value(name) for name in ("start_year", "level_year", "start_share"))
    rise = np.clip((_YEAR - begin) / (end - begin), 0.0, 1.0)
    paid = carbon_price * (start + (1.0 - start) * rise) * (begin <= _YEAR)
    return own, own_share * added, paid


@BLOCKS.block("gas_left [1]", "coal_left [1]", "new_mix [1]")
def grid_moves(
    grid_decline: Array,
    coal_exponent: Array,
    new_solar: Array,
    new_wind: Array,
    new_fission: Array,
    new_hydro: Array,
) -> tuple[Array, Array, Array]:
    """What is left of the shares of gas and coal by year, and what takes their place: (draws, sources)."""
    left = np.minimum(grid_decline, 1.0) ** since(FIRST)
    none = np.zeros_like(new_solar)
    weights = np.concatenate(
        np.broadcast_arrays(none, none, new_fission, new_hydro, new_wind, new_solar), axis=1
    )
    return left, left**coal_exponent, weights / weights.sum(axis=1, keepdims=True)


def moved(base: Array, gas_left: Array, coal_left: Array, new_mix: Array) -> Array:
    """The mix of grids in later years: coal and gas fall, what is freed is shared by ``new_mix``.

    Parameters
    ----------
    base : array (sources, draws, years)
        Shares, or watts, of :data:`GRID_SOURCES` at the start.
    gas_left, coal_left : array (draws, years)
        0 to 1.
    new_mix : array (draws, sources)
        Sums to one; nothing of coal and gas.

    Returns
    -------
    array (sources, draws, years)
        Sums as ``base`` does.
    """
    found = base.copy()
    found[_COAL] *= coal_left
    found[_GAS] *= gas_left
    freed = base[_COAL] - found[_COAL] + base[_GAS] - found[_GAS]
    for i in range(_GAS + 1, len(found)):
        found[i] += freed * new_mix[:, i : i + 1]
    return found


def moved_mean(
    base: Array, coal: Array, gas: Array, gas_left: Array, coal_left: Array, new_mix: Array, of_source: Array
) -> Array:
    """Mean over the moved mix of what each source has: as of :func:`moved`, without the mix itself.

    Parameters
    ----------
    base : array (draws, years)
        Mean over the mix at the start.
    coal, gas : array (draws, years)
        Their shares at the start.
    gas_left, coal_left : array (draws, years)
        As of :func:`moved`.
    new_mix : array (draws, sources)
        As of :func:`moved`.
    of_source : array (sources,) or (draws, sources)
        What a joule of each source has.

    Returns
    -------
    array (draws, years)
    """
    new = np.sum(new_mix * of_source, axis=1, keepdims=True)
    for share, left, i in ((coal, coal_left, _COAL), (gas, gas_left, _GAS)):
        base = base - share * (1.0 - left) * (of_source[..., i : i + 1] - new)
    return base


@BLOCKS.block(
    *(f"power_{name} [W]" for name in SOURCES),
    "power_stored [W]",
)
def by_source(
    ai_power: Array,
    other_power: Array,
    regions_ai: Array,
    regions_other: Array,
    own: Array,
    own_part: Array,
    gas_left: Array,
    coal_left: Array,
    new_mix: Array,
) -> tuple[Array, ...]:
    """Mean power of all data centres by source; their sum is the whole. What batteries give comes from
    these."""
    mix = _grids()[0]
    everywhere, here = regions_ai @ mix, regions_ai[:, _OWN] @ mix[_OWN]
    through = own_part * (own[_KEPT["grid"]] - 1.0)  # less own supply, plus what that takes off the grid
    other = regions_other @ mix
    base = np.empty((len(GRID_SOURCES), *ai_power.shape))
    for i in range(len(base)):
        base[i] = ai_power * (everywhere[:, i : i + 1] + through * here[:, i : i + 1])
        base[i] += other_power * other[:, i : i + 1]
    grid = moved(base, gas_left, coal_left, new_mix)
    made = ai_power * own_part * regions_ai[:, _OWN].sum(axis=1, keepdims=True)
    found: list[Array] = []
    for name in SOURCES:
        part = made * own[_KEPT[name]] if name in _KEPT else np.zeros_like(made)
        found.append(part + grid[GRID_SOURCES.index(name)] if name in GRID_SOURCES else part)
    return (*found, made * own[_KEPT["stored"]])


@BLOCKS.block("grid_carbon_ai [kg/J]", "grid_carbon_other [kg/J]", "grid_water_ai [m^3/J]")
def grid_intensity(
    regions_ai: Array,
    regions_other: Array,
    own_part: Array,
    gas_left: Array,
    coal_left: Array,
    new_mix: Array,
    reservoir: Array,
) -> tuple[Array, Array, Array]:
    """Carbon and water of a joule off the grid, life cycle, where AI takes it; carbon where others do.

    At the start the carbon is that of the rows of grids; from there it moves as the mix does.
    """
    mix, carbon, _ = _grids()
    by_carbon, water = _of_sources()
    charged = np.where(np.arange(len(water)) == GRID_SOURCES.index("hydro"), reservoir, 1.0) * water
    ai, own = regions_ai @ mix, regions_ai[:, _OWN] @ mix[_OWN]
    whole = np.maximum(1.0 - own_part * regions_ai[:, _OWN].sum(axis=1, keepdims=True), _LEAST)

    def start(of: Array) -> Array:
        """Mean over the mix off which AI's grid power comes, of what each source has."""
        every, here = (np.sum(one * of, axis=1, keepdims=True) for one in (ai, own))
        return (every - own_part * here) / whole

    coal, gas = ((ai[:, i : i + 1] - own_part * own[:, i : i + 1]) / whole for i in (_COAL, _GAS))
    by_rows = (regions_ai @ carbon)[:, None] - own_part * (regions_ai[:, _OWN] @ carbon[_OWN])[:, None]
    base = start(by_carbon)
    ours = moved_mean(base, coal, gas, gas_left, coal_left, new_mix, by_carbon) * (by_rows / whole) / base
    other = regions_other @ mix
    base = (other @ by_carbon)[:, None]
    coal_there, gas_there = other[:, _COAL, None], other[:, _GAS, None]
    theirs = moved_mean(base, coal_there, gas_there, gas_left, coal_left, new_mix, by_carbon)
    theirs = theirs * (regions_other @ carbon)[:, None] / base
    return ours, theirs, moved_mean(start(charged), coal, gas, gas_left, coal_left, new_mix, charged)


@BLOCKS.block("price_ai [$/J]", "price_all [$/J]")
def prices(
    ai_power: Array,
    other_power: Array,
    regions_ai: Array,
    regions_other: Array,
    own: Array,
    own_part: Array,
    grid_price_growth: Array,
    carbon_paid: Array,
    carbon_pass: Array,
    grid_carbon_ai: Array,
    grid_carbon_other: Array,
) -> tuple[Array, Array]:
    """Price of a joule for AI and for all: own supply at its cost, grid power at the price of its region,
    each with what carbon costs."""
    price = _grids()[2]
    growth = grid_price_growth ** since(FIRST)
    here = regions_ai[:, _OWN].sum(axis=1, keepdims=True)
    off_grid = own_part * here
    bought = (regions_ai @ price)[:, None] - own_part * (regions_ai[:, _OWN] @ price[_OWN])[:, None]
    carbon = carbon_paid * carbon_pass
    ai = bought * growth + (1.0 - off_grid) * carbon * grid_carbon_ai + off_grid * own[_KEPT["cost"]]
    other = (regions_other @ price)[:, None] * growth + carbon * grid_carbon_other
    return ai, (ai * ai_power + other * other_power) / (ai_power + other_power)

"""What there is to compute with: chips and their watts, what power, factories and money allow, the stock.

A machine is counted in H100 equivalents (989.4 TFLOP/s in bf16, dense; twice that in 8 bits). Additions of a
year are the least of what factories make, what money buys, and what power can be found for.

References
----------
Ho, Erdil and Besiroglu 2023, arXiv:2312.08595, "Limits to the energy efficiency of CMOS
microprocessors"; Epoch AI, chip counts and data centres (CC BY 4.0).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.quantities import factor
from gigawatt.outlook.frame import FIRST, YEARS, Frame
from gigawatt.outlook.paths import ANCHOR, fading, since, walk
from gigawatt.outlook.tables import Tables
from gigawatt.power.dates.lead import lead_time_draw

__all__ = ["BLOCKS", "CLASSES", "H100_FLOPS"]

Array = NDArray[np.float64]

H100_FLOPS = 989.4e12
"""bf16 rate of an H100 SXM, dense [FLOP/s] (NVIDIA H100 datasheet): one H100 equivalent."""
_FP4 = 4.0
"""4-bit operations in the place of one of 16 bits (16/4)."""
CLASSES: Mapping[str, str] = {
    "grid": "grid",
    "turbine": "gas-turbine",
    "onsite": "gas-engine",
    "solar": "solar",
    "reactor": "fission-small",
}
"""Ways to power a campus → the plant of the catalog whose lead time it has."""

_YEAR = np.asarray(YEARS, dtype=float)[None, :]
_AT = YEARS.index(ANCHOR)


BLOCKS = Frame()
"""The blocks of this module."""


@BLOCKS.block("chip_watts_digital [W]", "efficiency_path [1]")
def chips(
    tables: Tables,
    chip_watts_2025: Array,
    chip_watts_2024: Array,
    growth_row: Array,
    efficiency_growth: Array,
    cmos_ceiling: Array,
) -> tuple[Array, Array]:
    """Chip watts per H100 equivalent of the chips sold in a year; efficiency bends into the CMOS ceiling.

    The trend is a drawn future of the record of 16-bit operations a joule. 1/e = 1/e_trend + 1/e_max: a tenth
    below the trend where it stands at a ninth of the ceiling.
    """
    trend = tables.future("chip_flops_per_watt_16bit", growth_row) + since(ANCHOR) * np.log(efficiency_growth)
    path = np.exp(trend)
    least = H100_FLOPS * _FP4 / cmos_ceiling
    watts = least + np.maximum(chip_watts_2025 - least, 0.0) / path  # 2025 is measured
    watts = np.where(_YEAR == FIRST, chip_watts_2024, watts)
    return watts, watts[:, _AT : _AT + 1] / watts


@BLOCKS.block("overhead_plain [1]", "pue_mean [1]", "pue_peak [1]")
def building(tables: Tables, pue_site: Array, pue_progress: Array) -> tuple[Array, Array, Array]:
    """IT watts per chip watt (hosts, network), and PUE of the year and of the hottest hour at a site."""
    row = np.minimum((pue_site[:, 0] * len(tables.pue_mean)).astype(np.intp), len(tables.pue_mean) - 1)
    falls = pue_progress ** since(ANCHOR)
    mean, peak = tables.pue_mean[row][:, None], tables.pue_peak[row][:, None]
    return tables.overhead[None, :] + 0.0 * mean, 1.0 + (mean - 1.0) * falls, 1.0 + (peak - 1.0) * falls


@BLOCKS.block("power_queue [W]")
def campuses(
    tables: Tables,
    fleet_watts_2025: Array,
    overhead_plain: Array,
    pue_peak: Array,
    lead_spread: Array,
    site_lead: Array,
    grid_rate: Array,
    grid_growth: Array,
    turbine_rate: Array,
    turbine_growth: Array,
    onsite_rate: Array,
    onsite_growth: Array,
    solar_rate: Array,
    solar_growth: Array,
    reactor_rate: Array,
    reactor_growth: Array,
    power_growth_late: Array,
) -> Array:
    """Power at the meter that AI campuses of the world can have by the end of a year.

    Each way of powering goes on at its rate of 2025; orders for more bring it only after the longer of its
    own lead time and that of a site. From then on it grows, and from 2035 on ever less.
    """
    found = np.zeros((len(lead_spread), len(YEARS)))
    site = np.quantile(tables.site_lead_times, site_lead[:, 0])[:, None]
    rates = {"grid": (grid_rate, grid_growth), "turbine": (turbine_rate, turbine_growth),
             "onsite": (onsite_rate, onsite_growth), "solar": (solar_rate, solar_growth),
             "reactor": (reactor_rate, reactor_growth)}  # fmt: skip
    for name, (rate, growth) in rates.items():
        lead = np.maximum(lead_time_draw(lead_spread, *tables.lead_times[CLASSES[name]]), site) / factor("yr")
        ramp = np.clip(_YEAR - ANCHOR - lead, 0.0, 1.0)  # the part of the year that has the larger rate
        if name == "reactor":  # none runs yet: the rate begins with the first
            found += (
                rate
                * ramp
                * np.exp(np.cumsum(ramp * fading(growth, power_growth_late, 2035.0, 2050.0), axis=1))
            )
        else:
            found += rate * np.exp(
                np.cumsum(ramp * fading(growth, power_growth_late, 2035.0, 2050.0), axis=1)
            )
    start = fleet_watts_2025 * (overhead_plain * pue_peak)[:, _AT : _AT + 1]
    return start + np.cumsum(np.where(_YEAR > ANCHOR, found, 0.0), axis=1) * factor("yr")


@BLOCKS.block("made [1/s]", "made_limit [1]")
def factories(
    added_2025: Array,
    efficiency_path: Array,
    density_growth: Array,
    packaging_growth: Array,
    packaging_growth_late: Array,
    memory_spare: Array,
    memory_growth: Array,
    memory_growth_late: Array,
    memory_follows: Array,
    wafer_share: Array,
    wafer_most: Array,
    wafer_growth: Array,
) -> tuple[Array, Array]:
    """H100 equivalents that factories make: the least of what packaging, stacked memory and wafers allow, and
    which of them it is (0, 1, 2)."""
    after = since(ANCHOR)
    area = efficiency_path * density_growth ** np.minimum(after, 10.0)  # per area of silicon
    packaging = walk(fading(packaging_growth, packaging_growth_late, 2028.0, 2040.0), 0.0, 0.0)
    stacks = walk(fading(memory_growth, memory_growth_late, 2028.0, 2040.0), 0.0, 0.0)
    options = np.stack(
        np.broadcast_arrays(
            added_2025 * area * np.exp(packaging),
            added_2025 * memory_spare * np.exp(stacks) * efficiency_path**memory_follows,
            added_2025 * area * (wafer_most / wafer_share) * wafer_growth**after,
        )
    )
    return options.min(axis=0), np.argmin(options, axis=0).astype(float)


@BLOCKS.block("capital [$/s]", "machine_price [$]")
def money(
    capital_2025: Array,
    capital_step: Array,
    capital_growth: Array,
    capital_growth_late: Array,
    capital_volatility: Array,
    capital_shocks: Array,
    output: Array,
    capital_most: Array,
    revenue: Array,
    capital_revenue_ratio: Array,
    patience: Array,
    watt_price: Array,
    watt_price_growth: Array,
    chip_watts: Array,
    overhead: Array,
    pue_peak: Array,
) -> tuple[Array, Array]:
    """What may be spent on machines in a year: the trend, at most a share of the world's product, and in the
    long run in proportion to what they earn; and the price of an H100 equivalent with its building."""
    drift = fading(capital_growth, capital_growth_late, 2027.0, 2037.0)
    drift = np.where(_YEAR == ANCHOR + 1, np.log(capital_step), drift)
    trend = capital_2025 * np.exp(walk(drift, capital_volatility, capital_shocks))
    most = capital_most * output
    ratio = np.log(capital_2025 / revenue[:, _AT : _AT + 1])
    waited = np.clip(since(ANCHOR) * factor("yr") / patience, 0.0, 1.0)
    earned = revenue * np.exp((1.0 - waited) * np.maximum(ratio, np.log(capital_revenue_ratio))
                              + waited * np.log(capital_revenue_ratio))  # fmt: skip
    price = watt_price * watt_price_growth ** since(ANCHOR) * chip_watts * overhead * pue_peak
    earned = np.where(_YEAR <= ANCHOR + 1, np.maximum(earned, trend), earned)  # already ordered
    return np.minimum(np.minimum(trend, most), earned), price


@BLOCKS.block("stock [1]", "stock_chips [1]", "stock_capital [1]", "fleet_watts [W]", "fleet_limit [1]")
def machines(
    stock_2024: Array,
    stock_2025: Array,
    fleet_watts_2024: Array,
    fleet_watts_2025: Array,
    chip_life: Array,
    chip_watts: Array,
    made: Array,
    capital: Array,
    machine_price: Array,
    power_ceiling: Array,
    overhead: Array,
    pue_peak: Array,
) -> tuple[Array, Array, Array, Array, Array]:
    """H100 equivalents that stand, what factories or money alone would allow, the chips' watts, and what
    held additions back (0 factories, 1 money, 2 power).

    A chip is taken out in the year in which it reaches its life; what stood in 2024 counts as of that year.
    """
    year = factor("yr")
    shape = np.broadcast_shapes(made.shape, capital.shape, power_ceiling.shape)
    life = chip_life / year
    alive = [np.clip(life[:, 0] + 0.5 - age, 0.0, 1.0) for age in range(shape[1])]
    room, afford = power_ceiling / (overhead * pue_peak), capital / machine_price * year
    made = np.broadcast_to(made * year, shape)
    added = np.zeros((4, shape[1], shape[0]))  # by all limits, by factories, by money, and watts
    sums = np.zeros_like(added)
    limit = np.zeros(shape)
    old = (stock_2024[:, 0],) * 3, fleet_watts_2024[:, 0]
    new = (stock_2025[:, 0] - stock_2024[:, 0],) * 3, fleet_watts_2025[:, 0] - fleet_watts_2024[:, 0]
    for t, (counts, watts) in enumerate((old, new)):
        added[:3, t], added[3, t] = counts, watts
        sums[:, t] = added[:, : t + 1].sum(axis=1)
    for t in range(_AT + 1, shape[1]):
        kept = np.zeros((4, shape[0]))
        for s in range(t):
            if alive[t - s].any():
                kept += added[:, s] * alive[t - s]
        space = np.maximum(room[:, t] - kept[3], 0.0) / chip_watts[:, t]
        options = np.stack([made[:, t], afford[:, t], space])
        limit[:, t] = np.argmin(options, axis=0)
        added[0, t] = options.min(axis=0)
        added[1, t], added[2, t] = options[0], options[1]
        added[3, t] = added[0, t] * chip_watts[:, t]
        sums[:, t] = kept + added[:, t]
    everything, chips, paid, watts_all = (np.ascontiguousarray(rows.T) for rows in sums)
    return everything, chips, paid, watts_all, limit

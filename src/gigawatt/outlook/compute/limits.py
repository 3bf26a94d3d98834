"""The largest run: what each limit allows, which one binds, what relieving each would give.

*Feasible* is the largest training run that one developer can finish in the run's time with what stands at the
end of a year: the least of what power at one campus or over linked ones, chips, capital, the interconnect and
data allow. *Actual* is the feasible run or the one on trend, whichever is smaller.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.quantities import factor
from gigawatt.outlook.compute.demand import LAW_FLOPS
from gigawatt.outlook.compute.fleet import H100_FLOPS
from gigawatt.outlook.frame import YEARS, Frame
from gigawatt.outlook.tables import Tables, Utilisation

__all__ = ["BLOCKS", "DEFINITION", "LIMITS"]

Array = NDArray[np.float64]

LIMITS = ("power", "chips", "capital", "interconnect", "data")
"""Limits of the feasible run; of the flat one latency stands in the place of the interconnect; of the actual
one, demand is a sixth."""

DEFINITION = (
    "Feasible: the largest training run that one developer can finish in the run's time with what stands at "
    "the end of the year, the least of what power (one campus, or linked ones of one country), chips, "
    "capital, the interconnect and data allow. It binds what, if lifted alone, would give the most."
)

_YEAR = np.asarray(YEARS, dtype=float)


BLOCKS = Frame()
"""The blocks of this module."""


@BLOCKS.block("campus_power [W]", "network_power [W]", "run_power [W]")
def run_power(
    tables: Tables,
    campus_slip: Array,
    campus_growth: Array,
    campus_most: Array,
    campus_share: Array,
    power_ceiling: Array,
    country_share: Array,
    developer_share: Array,
    run_share: Array,
    linked: Array,
) -> tuple[Array, Array, Array]:
    """Power of the largest campus, of a developer's campuses in one country, and what a run may use.

    The campus follows the tracked queue of sites, late by a slip, and then grows up to what one place can be
    given. Linked campuses count where training over distance works.
    """
    known = np.log(tables.campus)
    last = int(np.argmax(known))  # after it nothing is announced
    when = _YEAR[None, :] - campus_slip / factor("yr")
    announced = np.exp(np.interp(when, _YEAR[: last + 1], known[: last + 1]))
    later = np.maximum(when - _YEAR[last], 0.0)
    grown = np.maximum(campus_growth, 1.0) ** later
    free = 1.0 / (1.0 / (announced * grown) + (1.0 / campus_most) * (1.0 - 1.0 / grown))
    campus = np.maximum(free, announced)  # what stands does not shrink
    network = power_ceiling * country_share * developer_share
    return campus, network, np.maximum(campus * campus_share, linked * network * run_share)


@BLOCKS.block("run_watts [W]", "run_rate [FLOP]")
def run_machine(
    chip_watts: Array,
    chip_lag: Array,
    overhead: Array,
    pue_peak: Array,
    format_gain: Array,
    goodput: Array,
    run_time: Array,
) -> tuple[Array, Array]:
    """Watts at the meter per H100 equivalent of the run's chips, which were bought a while ago, and the
    FLOPs that one does in the run's time at its full rate in the format that is trained in."""
    lag = np.minimum(chip_lag / factor("yr"), 2.0)
    logs = np.log(chip_watts)
    one, two = logs.copy(), logs.copy()
    one[:, 1:], two[:, 2:] = logs[:, :-1], logs[:, :-2]
    old = np.where(lag <= 1.0, (1.0 - lag) * logs + lag * one, (2.0 - lag) * one + (lag - 1.0) * two)
    gain = 1.0 + (format_gain - 1.0) * np.clip((_YEAR[None, :] - 2024.0) / 4.0, 0.0, 1.0)
    return np.exp(old) * overhead * pue_peak, H100_FLOPS * gain * goodput * run_time


@BLOCKS.block("run_machines [1]", "raw_power [FLOP]", "raw_chips [FLOP]", "raw_capital [FLOP]")
def by_limit(
    run_power: Array,
    run_watts: Array,
    run_rate: Array,
    stock_chips: Array,
    stock_capital: Array,
    developer_share: Array,
    run_share: Array,
) -> tuple[Array, Array, Array, Array]:
    """H100 equivalents that chips allow one run, and FLOPs at full rate by power, chips and capital."""
    held = developer_share * run_share
    machines = stock_chips * held
    return machines, run_power / run_watts * run_rate, machines * run_rate, stock_capital * held * run_rate


@BLOCKS.block("limit_data [FLOP]")
def by_data(
    data_stock: Array,
    data_epochs: Array,
    overtraining: Array,
    law_a: Array,
    law_b: Array,
    law_alpha: Array,
    law_beta: Array,
) -> Array:
    """The run whose tokens are all there are, read as often as it helps: D(C) of the law turned round."""
    g = (law_alpha * law_a / (law_beta * law_b)) ** (1.0 / (law_alpha + law_beta))
    tokens = data_stock * data_epochs / overtraining
    return LAW_FLOPS * (tokens * g) ** ((law_alpha + law_beta) / law_alpha)


@BLOCKS.block(
    "feasible [FLOP]", "feasible_flat [FLOP]", "run [FLOP]", "binding [1]", "binding_flat [1]",
    "binding_actual [1]", "limit_power [FLOP]", "limit_chips [FLOP]", "limit_capital [FLOP]",
    "limit_interconnect [FLOP]", "latency_wall [FLOP]", "relief_power [1]", "relief_chips [1]",
    "relief_capital [1]", "relief_interconnect [1]", "relief_data [1]", "run_utilisation [1]",
    "leading_power [W]", "reference_power [W]",
)  # fmt: skip
def least(
    tables: Tables,
    raw_power: Array,
    raw_chips: Array,
    raw_capital: Array,
    limit_data: Array,
    desired_run: Array,
    batch_exponent: Array,
    run_time: Array,
    run_watts: Array,
    run_rate: Array,
    reference_run: Array,
    network_gain: Array,
) -> tuple[Array, ...]:
    """The feasible run, the actual one, what binds (index of LIMITS; 5 demand), and the gain of each relief.

    After the last chip of the table, chips, their memory and links get quicker together, latencies stay: a
    run on chips k times as quick takes as long as one that may take k times as long. ``feasible_flat`` is
    without the utilisation cliff: the least of power, chips, capital, latency and data at the utilisation of
    small runs.
    """
    use = tables.utilisation
    feasible_table, latency_table = _by_year(use)
    longer = run_time * network_gain  # chips k times as quick: as if there were k times as long

    def done(raw: Array) -> Array:
        return np.minimum(use.done(feasible_table, raw, batch_exponent, longer), latency)

    latency = use.latency_wall(latency_table, batch_exponent, run_time + 0.0 * longer)
    each = {"power": done(raw_power), "chips": done(raw_chips), "capital": done(raw_capital)}
    by_network = np.minimum(np.minimum(each["power"], each["chips"]), each["capital"])  # done is monotone
    feasible = np.minimum(by_network, limit_data)
    wall = done(np.full(by_network.shape, 10.0 ** float(use.sizes[-1])))
    plain = np.interp(_YEAR, use.years, use.plain)[None, :]
    raws = {"power": raw_power, "chips": raw_chips, "capital": raw_capital}
    size = np.minimum(np.minimum(raw_power, raw_chips), raw_capital)
    free = {
        name: np.minimum(np.minimum(*(each[other] for other in each if other != name)), limit_data)
        for name in each
    }
    free["interconnect"], free["data"] = np.minimum(size * plain, limit_data), by_network
    gains = np.stack([np.maximum(free[name] / feasible, 1.0) for name in LIMITS])
    binding = np.argmax(gains, axis=0).astype(float)
    even = np.stack(np.broadcast_arrays(*(raws[name] * plain for name in raws), latency, limit_data))
    run = np.minimum(feasible, desired_run)
    utilisation = by_network / size
    per_flop = run_watts / run_rate / utilisation  # W at the meter per FLOP of the run
    return (
        feasible, even.min(axis=0), run, binding, np.argmin(even, axis=0).astype(float),
        np.where(desired_run < feasible, float(len(LIMITS)), binding), *each.values(), wall, latency, *gains,
        utilisation, run * per_flop, reference_run * run_watts / run_rate / plain,
    )  # fmt: skip


@lru_cache(maxsize=4)
def _by_year(use: Utilisation) -> tuple[Array, Array]:
    return use.by_year(_YEAR)

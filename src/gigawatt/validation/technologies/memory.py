"""Checks of stacked memory: peaks, what patterns reach, joules a bit, bonds, units in memory, SRAM machines.

What is fitted: bytes used of a row in the default (so that HBM2 gives 3.92 pJ/b), the resistance of hybrid
bonds, the shares of applications in Amdahl's law, the fixed time of a layer of each SRAM machine. Patterns
are held to two simulators that were run with the same timing, and to what cards were measured to reach.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gigawatt.catalog import entity
from gigawatt.technology.near_memory.sram_machines import token_rate
from gigawatt.technology.stacked_memory.dram_energy import access_energy
from gigawatt.technology.stacked_memory.dram_patterns import reach
from gigawatt.technology.stacked_memory.dram_thermal import Temperatures, stack_temperature
from gigawatt.technology.stacked_memory.dram_timing import (
    Accesses,
    channel_of,
    peak_bandwidth,
    simulate,
)
from gigawatt.technology.stacked_memory.pim import published_systems, speedup, units_of
from gigawatt.technology.stacked_memory.products import stack_of
from gigawatt.workload import read_architecture

__all__ = [
    "joules",
    "joules_at_half_activity",
    "one_way_out",
    "peak_bandwidth",
    "published_systems",
    "reach",
    "read_architecture",
    "saved_by_hybrid_bonds",
    "simulated",
    "speedup",
    "stack_of",
    "stream_of_card",
    "token_rate",
    "units_of",
]

_COUNT = 16000
_GROUPS, _BANKS, _COLUMNS, _ROWS = 4, 16, 32, 16384
_LANES = 5.0 * 1024.0
"""Data pins of the five stacks of A100 and H100."""


def _trace(name: str, count: int = _COUNT) -> Accesses:
    """Requests to a pseudo-channel of 16 banks in four groups, as they were given to DRAMsim3."""
    rng, i = np.random.default_rng(1), np.arange(count)
    none = np.zeros(count, dtype=bool)
    if name == "one-group":
        return Accesses(_GROUPS * ((i // _COLUMNS) % 4), i // (4 * _COLUMNS), none)
    if name in ("sequential", "copy"):
        j, written = (i // 2, i % 2 == 1) if name == "copy" else (i, none)
        per = _GROUPS * _COLUMNS
        return Accesses(j % _GROUPS + _GROUPS * ((j // per) % 4), j // (4 * per) + 8000 * written, written)
    run = 8 if name == "runs-256" else 1
    drawn = -(-count // run)
    bank, row = (np.repeat(rng.integers(0, size, drawn), run)[:count] for size in (_BANKS, _ROWS))
    return Accesses(bank, row, rng.random(count) < 0.5 if name == "random-half-written" else none)


@lru_cache(maxsize=32)
def simulated(memory: str, name: str) -> float:
    """Share of the peak that a trace reaches with refresh of all banks."""
    return simulate(channel_of(memory, ranks=1), _trace(name), refresh="all").share


def stream_of_card(memory: str, card: str) -> float:
    """Share of the peak that reading weights reaches at the pins' rate of a card's bandwidth."""
    bandwidth = entity("stacked_memory_published", card).value("bandwidth")
    return float(reach(memory, "weights", data_rate=bandwidth / _LANES).share)


def joules(memory: str) -> float:
    """Joules of reading a byte with the default use of a row."""
    return float(sum(access_energy(memory).values()))


def joules_at_half_activity(part: str) -> float:
    """Joules of a byte of HBM2 at the paper's use of rows: ``all``, ``moved`` on the die, or one part."""
    used = entity("stacked_memory", "hbm2").value("activation")
    used /= entity("stacked_memory_published", "oconnor").value("bit_activation")
    parts = {name: float(one) for name, one in access_energy("hbm2", row_bytes=used).items()}
    parts["moved"], parts["all"] = parts["array"] + parts["wire"] + parts["via"], sum(parts.values())
    return parts[part]


def one_way_out(bonding: str, *, dies: float, base: float) -> Temperatures:
    """A stack of HBM4, 16 high, of which all heat (``dies`` and ``base`` [W] each) leaves by the top."""
    return stack_temperature(
        stack_of("hbm4", height=16), bonding=bonding, dies=dies, base=base, cooling="cold-plate",
        processor_power=0.0, lateral=False, board=False,
    )  # fmt: skip


def saved_by_hybrid_bonds() -> float:
    """Share by which hybrid bonds lessen the step in temperature from one die of the middle to the next."""
    bumps, hybrid = (
        one.dies[5] - one.dies[6]
        for one in (one_way_out("microbump", dies=2.0, base=20.0), one_way_out("hybrid", dies=2.0, base=20.0))
    )
    return float(1.0 - hybrid / bumps)

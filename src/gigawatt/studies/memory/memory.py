"""A sheet of stacked memory: every generation, or one, with what patterns reach, joules, heat, money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gigawatt.catalog import entity
from gigawatt.chain.rows_read import reading
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.stacked_memory import dram_patterns
from gigawatt.technology.stacked_memory.dram_energy import (
    COMPONENTS,
    SCOPES_OF,
    access_energy,
    access_range,
)
from gigawatt.technology.stacked_memory.dram_patterns import pattern_of, reach
from gigawatt.technology.stacked_memory.dram_thermal import (
    BONDS,
    most_height,
    most_power,
    stack_temperature,
)
from gigawatt.technology.stacked_memory.pim import units_of
from gigawatt.technology.stacked_memory.stack import Stack, generations, stack_of

__all__ = ["memory_answer", "memory_sheet"]

_BITS, _GIGA = 8.0, 1e9
_SUMMARY = ("weights", "kv-pages", "random")


def memory_sheet(
    generation: str | None = None,
    *,
    patterns: Sequence[str] | None = None,
    stacks: int = 5,
    cooling: str | None = None,
) -> dict[str, Any]:
    """What ``gigawatt technologies memory --json`` prints, but for the rows that it read.

    Parameters
    ----------
    generation : str, optional
        ``hbm2`` to ``hbm8``; all where left out.
    patterns : sequence of str, optional
        With changes behind them; of one generation all, of all a few where left out.
    stacks : int
        Of a chip, 1 to 64.
    cooling : str, optional
        In place of the generation's.

    Returns
    -------
    dict
        Stable keys, SI; ``None`` where a stack is beyond a limit without any power of its own.

    Raises
    ------
    InputError
        An unknown generation, pattern or cooling; a number outside its range.
    """
    check_range("stacks", stacks, 1, 64)
    names = generations() if generation is None else (stack_of(generation).generation,)
    asked = tuple(patterns) if patterns else (_SUMMARY if generation is None else dram_patterns.patterns())
    for one in asked:
        pattern_of(one)
    hot = entity("stacked_memory_usage", "defaults").value("hot")
    most = entity("stacked_memory_thermal", "limit").value("throttle")
    return {
        "stacks": stacks,
        "limits": {"doubled_refresh": hot, "throttle": most},
        "generations": [_sheet(stack_of(name), asked, stacks, cooling) for name in names],
    }


def memory_answer(
    generation: str | None = None,
    *,
    patterns: Sequence[str] | None = None,
    stacks: int = 5,
    cooling: str | None = None,
) -> dict[str, Any]:
    """:func:`memory_sheet` with the rows that it read: ``assumptions`` and ``rows``."""
    found, read = reading(lambda: memory_sheet(generation, patterns=patterns, stacks=stacks, cooling=cooling))
    return {**found, **read.to_json()}


def _sheet(stack: Stack, asked: Sequence[str], stacks: int, cooling: str | None) -> dict[str, Any]:
    heat = stack_temperature(stack, cooling=cooling)
    reached = [(name, reach(stack.generation, name, stacks=stacks)) for name in asked]
    parts = access_energy(stack.generation, height=stack.height)
    ranges = {scope: access_range(stack.generation, scope=scope) for scope in SCOPES_OF}
    return {
        "generation": stack.generation,
        "name": stack.name,
        "year": stack.year,
        "height": stack.height,
        "channels": stack.channels,
        "lanes": stack.lanes,
        "data_rate": stack.data_rate,
        "bandwidth": stack.bandwidth,
        "capacity": stack.capacity,
        "energy_bit": stack.energy_byte / _BITS,
        "energy_bit_low": stack.energy_low / _BITS,
        "energy_bit_high": stack.energy_high / _BITS,
        "energy_bit_parts": {name: float(parts[name]) / _BITS for name in COMPONENTS},
        "energy_bit_scopes": {scope: [one / _BITS for one in ends] for scope, ends in ranges.items()},
        "idle_power": stack.idle_power,
        "power": stack.power,
        "area": stack.area,
        "price_gb": stack.price / stack.capacity * _GIGA,
        "price_gb_low": stack.price_low / stack.capacity * _GIGA,
        "price_gb_high": stack.price_high / stack.capacity * _GIGA,
        "pim_gain": units_of(stack.generation).gain,
        "reached": [
            {
                "pattern": name,
                "name": pattern_of(name).name,
                "share": one.share,
                "bound": one.bound,
                "bandwidth": one.bandwidth,
                "row_bytes": one.row_bytes,
                "energy_bit": one.energy_byte / _BITS,
            }
            for name, one in reached
        ],
        "temperature": {
            "cooling": cooling or stack.cooling,
            "bonding": stack.bonding,
            "hottest": heat.hottest,
            "bottom": heat.bottom,
            "top": heat.dies[-1],
            "base": heat.base,
            "processor": heat.processor,
            "bandwidth_lost": heat.bandwidth_lost,
            "power_added": heat.power_added,
            "most_power": _most_power(stack, cooling),
            "most_height": most_height(stack.generation, cooling=cooling),
            "by_height": {
                bond: [
                    [height, stack_temperature(_tall(stack, height), bonding=bond, cooling=cooling).hottest]
                    for height in (4, 8, 12, 16, 20, 24)
                ]
                for bond in BONDS
            },
        },
    }


def _tall(stack: Stack, height: int) -> Stack:
    from dataclasses import replace

    return replace(stack, height=height, capacity=stack.capacity / stack.height * height)


def _most_power(stack: Stack, cooling: str | None) -> float | None:
    """``None`` where the processor alone heats the stack beyond the limit."""
    try:
        return most_power(stack, cooling=cooling)
    except InputError:
        return None

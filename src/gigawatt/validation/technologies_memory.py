"""Checks of stacked memory: peaks, what patterns reach, joules a bit, bonds, units in memory, SRAM machines.

What is fitted: bytes used of a row in the default (so that HBM2 gives 3.92 pJ/b), the resistance of hybrid
bonds, the shares of applications in Amdahl's law, the fixed time of a layer of each SRAM machine. Patterns
are held to two simulators that were run with the same timing, and to what cards were measured to reach.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import numpy as np

from gigawatt.catalog.loader import entity, source
from gigawatt.technology.near_memory.sram_machines import token_rate
from gigawatt.technology.stacked_memory.dram_energy import access_energy
from gigawatt.technology.stacked_memory.dram_patterns import reach
from gigawatt.technology.stacked_memory.dram_thermal import stack_temperature
from gigawatt.technology.stacked_memory.dram_timing import (
    Accesses,
    channel_of,
    peak_bandwidth,
    simulate,
)
from gigawatt.technology.stacked_memory.pim import published_systems, speedup, units_of
from gigawatt.technology.stacked_memory.products import stack_of
from gigawatt.validation.check import Check
from gigawatt.workload import read_architecture

__all__ = ["SIMULATED", "checks", "of_generations", "simulated", "trace"]

SIMULATED = ("sequential", "one-group", "random", "runs-256", "random-half-written", "copy")
"""Traces that were run through DRAMsim3."""
_COUNT = 16000
_GROUPS, _BANKS, _COLUMNS, _ROWS = 4, 16, 32, 16384


def _check(
    what: str, ours: float, id: str, quantity: str, tolerance: float, *, unit: str = "", scale: float = 1.0,
    fitted: bool = False,
) -> Check:  # fmt: skip
    row = entity("stacked_memory_published", id).evidence(quantity)
    name = f"{source(row.source_id).title}, {row.locator}".strip(", ")
    return Check("memory", what, ours / scale, row.value / scale, unit, tolerance, name, fitted)


def trace(name: str, count: int = _COUNT) -> Accesses:
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
    return simulate(channel_of(memory, ranks=1), trace(name), refresh="all").share


def _peaks() -> list[Check]:
    found = [
        _check(f"{name.upper()}: GB/s of a stack, from channels and timing", peak_bandwidth(name), name,
               "bandwidth", 0.005 if name in ("hbm2", "hbm2e", "hbm3", "hbm3e", "hbm4") else 0.03,
               unit="GB/s", scale=1e9)
        for name in ("hbm2", "hbm2e", "hbm3", "hbm3e", "hbm4", "hbm4e", "hbm5", "hbm6", "hbm7", "hbm8")
    ]  # fmt: skip
    fast = {"hbm2-fast": ("hbm2", 2.4e9), "hbm4-fast": ("hbm4", 11e9)}
    for id, (name, rate) in fast.items():
        what = f"{name.upper()} at {rate / 1e9:g} Gb/s a pin"
        ours = peak_bandwidth(name, data_rate=rate / 8.0)
        found.append(_check(what, ours, id, "bandwidth", 0.01, unit="GB/s", scale=1e9))
    for name in ("hbm5", "hbm6", "hbm7", "hbm8"):
        ours = stack_of(name).capacity
        found.append(
            _check(f"{name.upper()}: GB of a stack", ours, name, "capacity", 0.01, unit="GB", scale=1e9)
        )
    return found


def _powers() -> list[Check]:
    found: list[Check] = []
    for name in ("hbm4", "hbm4e", "hbm5", "hbm6", "hbm7", "hbm8"):
        what, fitted = f"{name.upper()}: W of a stack at its peak", name not in ("hbm4", "hbm4e")
        found.append(_check(what, stack_of(name).power, name, "power", 0.1, unit="W", fitted=fitted))
    return found


def _patterns(memories: Collection[str] = ("hbm2", "hbm2e", "hbm3", "hbm4")) -> list[Check]:
    """Of ``memories`` alone: each is simulated."""
    found = [
        _check(f"{memory.upper()}, {name}: share of the peak", simulated(memory, name),
        f"dramsim3-{memory}-{name}",
               "share", 0.05)
        for memory in ("hbm2", "hbm3")
        if memory in memories
        for name in SIMULATED
    ]  # fmt: skip
    for memory in ("hbm2", "hbm3", "hbm4"):
        if memory not in memories:
            continue
        all_banks, by_bank = (reach(memory, "weights", refresh=how).share for how in ("all", "bank"))
        id = f"ramulator-{memory}"
        found.append(
            _check(f"{memory.upper()}, a stream, all banks refreshed", all_banks, id, "stream_all", 0.03)
        )
        found.append(
            _check(f"{memory.upper()}, a stream, refreshed by bank", by_bank, id, "stream_bank", 0.05)
        )
    rates = {"a100": "hbm2e", "h100": "hbm3"}
    published = {id: entity("stacked_memory_published", id) for id in rates}
    lanes = 5.0 * 1024.0
    if "hbm2e" in memories:
        ours = reach("hbm2e", "weights", data_rate=published["a100"].value("bandwidth") / lanes).share
        found.append(_check("A100: a stream of reads, share of the peak", ours, "a100", "read_share", 0.05))
    for id, chip in (("a100", "A100-SXM4-80GB"), ("h100", "H100-SXM5-80GB")):
        if rates[id] not in memories:
            continue
        row = entity("kernels", chip).evidence("memory_share")
        mine = reach(rates[id], "weights", data_rate=published[id].value("bandwidth") / lanes).share
        what = f"{id.upper()}: bandwidth that memory-bound kernels reach, share of the peak"
        found.append(Check("memory", what, mine, row.value, "", 0.1, source(row.source_id).title))
    return found


def _energies() -> list[Check]:
    bit = 8e-12  # J/B of 1 pJ/b
    whole = float(sum(access_energy("hbm2").values()))
    used = entity("stacked_memory", "hbm2").value("activation")
    used /= entity("stacked_memory_published", "oconnor").value("bit_activation")
    parts = {name: float(one) for name, one in access_energy("hbm2", row_bytes=used).items()}
    moved = parts["array"] + parts["wire"] + parts["via"]
    joules = read_architecture("llama-3.1-70b").parameters.total * whole
    target = entity("technologies_checks", "hbm").evidence("token_70b")
    cases = (
        ("HBM2: pJ a bit, 256 B of a row used", whole, "bit", 0.02, True),
        ("HBM2: pJ a bit at the paper's use of rows, 50 % activity", sum(parts.values()), "bit", 0.15, False),
        ("HBM2: of it moved on the die, 50 % activity", moved, "bit_moved", 0.15, False),
        ("HBM2: of it interface, 50 % activity", parts["io"], "bit_io", 0.15, False),
    )
    return [
        *(_check(what, ours, "oconnor", key, tolerance, unit="pJ/b", scale=bit, fitted=fit)
          for what, ours, key, tolerance, fit in cases),
        Check("memory", "Llama 3.1 70B in 8 bits read once from HBM2", joules, target.value, "J/token", 0.05,
              target.locator, True),
    ]  # fmt: skip


def _heat() -> list[Check]:
    stack = stack_of("hbm4", height=16)
    only = {"cooling": "cold-plate", "processor_power": 0.0, "lateral": False, "board": False}
    each, lowest = 2.0, 20.0
    found = {
        bond: stack_temperature(stack, bonding=bond, dies=each, base=lowest, **only)  # type: ignore[arg-type]
        for bond in ("microbump", "hybrid")
    }
    spans = {bond: one.dies[5] - one.dies[6] for bond, one in found.items()}
    saved = 1.0 - spans["hybrid"] / spans["microbump"]
    middle = entity("stacked_memory_published", "hybrid")
    target = 0.5 * (middle.value("saved_low") + middle.value("saved_high"))
    row = middle.evidence("saved_high")
    one = found["microbump"]
    whole = each * 16 + lowest
    return [
        Check("memory", "Hybrid bonds: less from junction to junction", saved, target, "", 0.05,
              f"{source(row.source_id).title}, {row.locator}: 22.8 to 47 %, the middle", True),
        Check("memory", "Heat to the coolant of 52 W in a stack with one way out", one.to_coolant, whole,
        "W", 1e-9,
              "conservation of energy"),
    ]  # fmt: skip


def _units() -> list[Check]:
    made = published_systems()
    alveo, aim = made["alveo"], made["aim"]
    gpu = entity("stacked_memory_pim", "gpu").value("share")
    whole = float(speedup(entity("stacked_memory_published", "hbm-pim").value("kernel_gpu"), gpu))
    rate = units_of("hbm2", data_rate=2.4e9 / 8.0).rate
    cases = (
        ("on an Alveo card: matrix times vector, times", alveo["kernel"], "kernel_alveo", False),
        ("on an Alveo card: speech, times", alveo["system"], "system", True),
        ("on an Alveo card: LSTM, times", alveo["system"], "lstm_alveo", True),
        ("on an Alveo card: energy saved", alveo["energy_saved"], "energy_saved", False),
        ("beside a processor: matrix times vector, times", alveo["kernel"], "kernel_gpu", False),
        ("beside a processor: applications, times", whole, "application_gpu", True),
        ("joules of a bit, times less", alveo["bit"], "bit", False),
    )
    return [
        _check("HBM-PIM: TFLOP/s of a stack", rate, "hbm-pim", "rate", 0.03, unit="TFLOP/s", scale=1e12),
        *(
            _check(f"HBM-PIM {what}", ours, "hbm-pim", key, 0.15, fitted=fit)
            for what, ours, key, fit in cases
        ),
        _check("GDDR6-AiM: bandwidth of units over that of pins", aim["peak"], "aim", "kernel", 0.01),
        _check("GDDR6-AiM: matrix times vector, rows opened", aim["reached"], "aim", "kernel", 0.15),
    ]


def _sram() -> list[Check]:
    cases = (
        ("groq-lpu", "llama-2-70b", "groq-llama-2-70b", True),
        ("groq-lpu", "llama-2-7b", "groq-llama-2-7b", False),
        ("cerebras-wse3", "llama-3.1-8b", "cerebras-llama-3.1-8b", True),
        ("cerebras-wse3", "llama-3.1-70b", "cerebras-llama-3.1-70b", False),
    )
    found: list[Check] = []
    for machine, model, id, fitted in cases:
        made = token_rate(machine, read_architecture(model))
        found.append(
            _check(f"{made.machine}, {model}: tokens a second of one sequence", made.rate, id, "rate", 0.15,
                   unit="token/s", fitted=fitted)
        )  # fmt: skip
        if "chips" in entity("stacked_memory_published", id).numbers:
            found.append(_check(f"{made.machine}, {model}: chips", float(made.chips), id, "chips", 0.15))
    return found


def of_generations(names: Collection[str]) -> list[Check]:
    """What is published of these generations of stacks, and of the bonds of all."""
    told = [*_peaks(), *_powers(), *_energies()]
    mine = [check for check in told if check.what.split()[0].strip(":,").lower() in names]
    return [*mine, *_patterns(names), *(check for check in _heat() if check.fitted)]


def checks() -> list[Check]:
    """Published figures of stacked memory, of processing in it, and of machines without it."""
    return [*_peaks(), *_powers(), *_patterns(), *_energies(), *_heat(), *_units(), *_sram()]

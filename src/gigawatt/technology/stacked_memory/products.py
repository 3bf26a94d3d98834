"""Stacks of memory beside a chip, as a substrate: what a token's products cost with them.

A stack is a row of ``stacked_memory`` at a height and a data rate
(:mod:`~gigawatt.technology.stacked_memory.stack`). Its peak bandwidth follows from its organisation
(channels × pseudo-channels × lanes × rate), its capacity from its dies, its joules from ``dram_energy``. What
of the peak a pattern of access reaches is in ``dram_timing``, how hot it gets in ``dram_thermal``.

A digital chip is given other stacks (:func:`host`): its bandwidth, capacity, waiting power and joules a byte
change, the way across the chip and the kernels' share of the bandwidth do not. With ``pim=bank`` products by
weights are made between the banks (:mod:`~gigawatt.technology.stacked_memory.pim`) wherever that is
quicker than on the chip, which is so for a few tokens at once. Numbers are those of the chip's formats, so
that quality is the digital face's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.machine.load import load_chip
from gigawatt.machine.machine import Chip
from gigawatt.technology.digital import formats as digital
from gigawatt.technology.stacked_memory import dram_energy
from gigawatt.technology.stacked_memory.dram_energy import access_energy
from gigawatt.technology.stacked_memory.pim import gemv_energy, gemv_time
from gigawatt.technology.stacked_memory.stack import stack_of
from gigawatt.technology.substrate import Bound, Statistics, Substrate, check_settings
from gigawatt.workload.operations import Array

__all__ = ["SETTINGS", "area", "checked", "cost", "host", "numerics", "time"]

_GENERATIONS = ("hbm2", "hbm2e", "hbm3", "hbm3e", "hbm4", "hbm4e", "hbm5", "hbm6", "hbm7", "hbm8")
PIM = ("none", "bank")

SETTINGS: Mapping[str, Bound] = {
    "memory": ("", "generation of the stacks: a row of stacked_memory", _GENERATIONS),
    "stacks": ("", "stacks beside one chip", 1.0, 64.0),
    "pim": ("", "where products by weights are made: on the chip, or between banks where quicker", PIM),
    "row_bytes": ("B", "used of a row before it is closed", 1.0, 1024.0),
    **{key: digital.SETTINGS[key] for key in (
        "weights", "weight_group", "activations", "activation_group", "cache", "cache_group", "rounding",
        "sparsity", "keep", "rotate", "smooth",
    )},
}  # fmt: skip

_BYTE = 8.0
_OWN = ("memory", "stacks", "pim", "row_bytes")


def _memory_of(chip: Chip) -> str:
    """The generation of the stacks that a chip of the catalog has."""
    name = entity("chips", chip.id).text("memory")
    try:
        return dram_energy.generation(name).id
    except InputError as error:
        raise InputError(
            "no stacked memory beside this chip that could be exchanged",
            key="chip",
            given=f"{chip.id} with {name}",
            allowed="a chip with HBM2 or later",
        ) from error


def checked(substrate: Substrate) -> Substrate:
    """The substrate with its settings checked; of another technology: refused."""
    if substrate.technology != "stacked_memory":
        raise InputError(
            "not stacked memory", key="technology", given=substrate.technology, allowed="stacked_memory"
        )
    return check_settings(substrate, SETTINGS, whole=True)


def numerics(substrate: Substrate) -> Substrate:
    """The digital substrate whose formats, and so whose quality, a substrate of this technology has."""
    kept = {key: value for key, value in substrate.settings.items() if key not in _OWN}
    return Substrate(substrate.id, substrate.name, "digital", kept)


def host(substrate: Substrate, chip: str | Chip = digital.CHIP) -> Chip:
    """The chip with the substrate's stacks in place of its own.

    Joules a byte are those of the new stacks and of the chip's own way from them to its units, which is what
    its measured joules a byte have beyond its present stacks'. Waiting power exchanges stack for stack.

    Parameters
    ----------
    substrate : Substrate
        Of the technology ``stacked_memory``.
    chip : str or Chip
        With stacked memory of the catalog.

    Raises
    ------
    InputError
        A setting outside its range, a chip without stacks.
    """
    asked = checked(substrate)
    machine = load_chip(chip) if isinstance(chip, str) else chip
    old = stack_of(_memory_of(machine))
    new = stack_of(asked.word("memory") or "hbm3e")
    count = float(asked.settings.get("stacks", 5.0))
    used = asked.settings.get("row_bytes")
    parts = access_energy(new.generation, height=new.height, row_bytes=None if used is None else float(used))
    byte = float(sum(parts.values()))
    way = max(machine.energy_byte["dram"] - old.energy_byte, 0.0)
    present = max(1.0, round(machine.memory_bytes / old.capacity))
    idle = max(machine.idle_power - present * old.idle_power, 0.0) + count * new.idle_power
    return replace(
        machine,
        memory_bytes=count * new.capacity,
        memory_bandwidth=count * new.bandwidth,
        energy_byte={**machine.energy_byte, "dram": byte + way},
        idle_power=idle,
    )


def _stored(substrate: Substrate, statistics: Statistics | None, length: ArrayLike) -> float:
    """Bytes of a stored weight."""
    return float(np.mean(digital.stored_weight_bits(numerics(substrate), statistics, length=length))) / _BYTE


def _inside(
    substrate: Substrate, m: ArrayLike, chip: Chip, n: ArrayLike, k: ArrayLike, statistics: Statistics
) -> NDArray[np.bool_]:
    """Whether the stacks make a product sooner than the chip."""
    if substrate.word("pim") != "bank":
        return np.zeros(np.broadcast(m, n, k).shape, dtype=bool)
    there = digital.time(numerics(substrate), m=m, n=n, k=k, statistics=statistics, chip=chip)
    return np.asarray(_pim_time(substrate, m, n, k, statistics) < there)


def _pim_time(
    substrate: Substrate, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
) -> Array:
    return gemv_time(
        substrate.word("memory") or "hbm3e",
        m=m,
        n=n,
        k=k,
        stacks=float(substrate.settings.get("stacks", 5.0)),
        weight_bytes=min(max(_stored(substrate, statistics, k), 0.25), 4.0),
    )


def cost(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics,
    chip: str | Chip = digital.CHIP,
) -> dict[str, Array]:
    """Energy by component [J] of m tokens through a matrix of k inputs and n outputs, above waiting power.

    Raises
    ------
    InputError
        A size that is not above 0; a setting outside its range.
    """
    asked, machine = checked(substrate), host(substrate, chip)
    far = digital.cost(numerics(asked), m=m, n=n, k=k, statistics=statistics, chip=machine)
    inside = _inside(asked, m, machine, n, k, statistics)
    if not np.any(inside):
        return far
    stored = min(max(_stored(asked, statistics, k), 0.25), 4.0)
    near = gemv_energy(asked.word("memory") or "hbm3e", m=m, n=n, k=k, weight_bytes=stored)
    return {
        name: np.where(inside, near.get(name, np.zeros(())), far.get(name, np.zeros(())))
        for name in {**far, **near}
    }


def time(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics,
    chip: str | Chip = digital.CHIP,
) -> Array:
    """Seconds of the same multiplication, where it is made sooner: on the chip, or with PIM in the stacks."""
    asked, machine = checked(substrate), host(substrate, chip)
    there = digital.time(numerics(asked), m=m, n=n, k=k, statistics=statistics, chip=machine)
    if asked.word("pim") != "bank":
        return there
    return np.minimum(there, _pim_time(asked, m, n, k, statistics))


def area(substrate: Substrate, *, chip: str | Chip = digital.CHIP) -> float:
    """Silicon of the chip and footprint of its stacks [m²]."""
    asked, machine = checked(substrate), host(substrate, chip)
    return (
        machine.die_area
        + float(asked.settings.get("stacks", 5.0)) * stack_of(asked.word("memory") or "hbm3e").area
    )

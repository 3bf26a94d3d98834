"""Stacks of memory beside a chip: what a generation gives, takes and costs, and what a token costs with it.

A stack is a row of ``stacked_memory`` at a height and a data rate. Its peak bandwidth follows from its
organisation (channels × pseudo-channels × lanes × rate), its capacity from its dies, its joules from
:mod:`~gigawatt.technology.dram_energy`. What of the peak a pattern of access reaches is in
:mod:`~gigawatt.technology.dram_timing`, how hot it gets in
:mod:`~gigawatt.technology.dram_thermal`.

As a substrate, a digital chip is given other stacks (:func:`host`): its bandwidth, capacity, waiting power
and joules a byte change, the way across the chip and the kernels' share of the bandwidth do not. With
``pim=bank`` products by weights are made between the banks (:mod:`~gigawatt.technology.pim`)
wherever that is quicker than on the chip, which is so for a few tokens at once. Numbers are those of the
chip's formats, so that quality is the digital face's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import entity, table
from gigawatt.core.errors import InputError
from gigawatt.machine.load import load_chip
from gigawatt.machine.machine import Chip
from gigawatt.technology import digital, dram_energy
from gigawatt.technology.dram_energy import access_energy, access_range, idle_power, require
from gigawatt.technology.substrate import Bound, Statistics, Substrate, check_settings
from gigawatt.technology.token import TokenCost
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.operations import Array

__all__ = [
    "SETTINGS",
    "Stack",
    "area",
    "cost",
    "decode",
    "generations",
    "host",
    "numerics",
    "stack_of",
    "time",
]

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


def generations() -> tuple[str, ...]:
    """Ids of the generations, oldest first."""
    return tuple(table("stacked_memory"))


@dataclass(frozen=True)
class Stack:
    """One stack of memory; SI throughout.

    Attributes
    ----------
    generation, name : str
        Row of ``stacked_memory``.
    year : int
        First product, or the roadmap's.
    height : int
        DRAM dies.
    channels, lanes : int
        Independent channels; data lanes in all.
    data_rate : float
        Of a lane [B/s] (a bit is an eighth of a byte, as everywhere in the catalog).
    bandwidth, capacity : float
        Peak [B/s]; bytes.
    energy_byte, energy_low, energy_high : float
        Of an access, both ends of the interface counted [J/B], with its range.
    idle_power, power : float
        Kept but not read; at peak bandwidth [W].
    area, thickness : float
        Footprint [m²]; of the whole stack [m].
    price, price_low, price_high : float
        Of the stack [$].
    bonding, cooling : str
        How its dies are joined; what the generation is meant to be cooled by.
    """

    generation: str
    name: str
    year: int
    height: int
    channels: int
    lanes: int
    data_rate: float
    bandwidth: float
    capacity: float
    energy_byte: float
    energy_low: float
    energy_high: float
    idle_power: float
    power: float
    area: float
    thickness: float
    price: float
    price_low: float
    price_high: float
    bonding: str
    cooling: str

    @property
    def price_byte(self) -> float:
        """$ a byte."""
        return self.price / self.capacity


def stack_of(generation: str, *, height: int | None = None, data_rate: float | None = None) -> Stack:
    """A stack of a generation.

    Parameters
    ----------
    generation : str
        ``hbm2`` to ``hbm8``.
    height : int, optional
        DRAM dies, within the generation's range; its usual one where left out.
    data_rate : float, optional
        Of a lane [B/s], within the range of its grades; 9.6 Gb/s is 1.2e9.

    Returns
    -------
    Stack

    Raises
    ------
    InputError
        An unknown generation, a height or rate that it does not have.
    """
    row = dram_energy.generation(generation)
    found: dict[str, float] = {}
    for key, given, unit in (("height", height, "dies"), ("data_rate", data_rate, "B/s")):
        one = row.evidence(key)
        low = one.value if one.low is None else one.low
        high = one.value if one.high is None else one.high
        found[key] = float(require(key, one.value if given is None else given, low, high, unit))
    dies = round(found["height"])
    lanes = row.value("channels") * row.value("pseudo_channels") * row.value("width") * _BYTE
    bandwidth = lanes * found["data_rate"]
    capacity = dies * row.value("die_capacity")
    value, low, high = access_range(row, height=dies)
    idle = float(idle_power(row, height=dies))
    price = row.evidence("price")
    assert price.low is not None
    assert price.high is not None
    return Stack(
        generation=row.id,
        name=row.text("name"),
        year=int(row.text("year")),
        height=dies,
        channels=round(row.value("channels")),
        lanes=round(lanes),
        data_rate=found["data_rate"],
        bandwidth=bandwidth,
        capacity=capacity,
        energy_byte=value,
        energy_low=low,
        energy_high=high,
        idle_power=idle,
        power=idle + bandwidth * value,
        area=row.value("area"),
        thickness=row.value("thickness"),
        price=price.value * capacity,
        price_low=price.low * capacity,
        price_high=price.high * capacity,
        bonding=row.text("bonding"),
        cooling=row.text("cooling"),
    )


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


def _checked(substrate: Substrate) -> Substrate:
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
    asked = _checked(substrate)
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
    from gigawatt.technology.pim import gemv_time

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
    from gigawatt.technology.pim import gemv_energy

    asked, machine = _checked(substrate), host(substrate, chip)
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
    asked, machine = _checked(substrate), host(substrate, chip)
    there = digital.time(numerics(asked), m=m, n=n, k=k, statistics=statistics, chip=machine)
    if asked.word("pim") != "bank":
        return there
    return np.minimum(there, _pim_time(asked, m, n, k, statistics))


def area(substrate: Substrate, *, chip: str | Chip = digital.CHIP) -> float:
    """Silicon of the chip and footprint of its stacks [m²]."""
    asked, machine = _checked(substrate), host(substrate, chip)
    return (
        machine.die_area
        + float(asked.settings.get("stacks", 5.0)) * stack_of(asked.word("memory") or "hbm3e").area
    )


def decode(
    substrate: Substrate,
    architecture: Architecture,
    statistics: Statistics,
    *,
    batch: float = 1.0,
    context: float = 512.0,
    chip: str | Chip = digital.CHIP,
) -> TokenCost:
    """A token on a chip with these stacks, as :func:`~gigawatt.technology.rollup.token_cost`."""
    from gigawatt.technology import pim_token
    from gigawatt.technology.rollup import token_cost

    asked, machine = _checked(substrate), host(substrate, chip)
    plain = token_cost(numerics(asked), architecture, statistics, chip=machine, batch=batch, context=context)
    note = (
        f"{asked.settings.get('stacks', 5.0):g} stacks of {asked.word('memory') or 'hbm3e'} beside the chip"
    )
    made = replace(plain, technology="stacked_memory", notes=(note, *plain.notes))
    if asked.word("pim") != "bank":
        return made
    return pim_token.with_units(
        made,
        numerics(asked),
        architecture,
        statistics,
        chip=machine,
        memory=asked.word("memory") or "hbm3e",
        stacks=float(asked.settings.get("stacks", 5.0)),
    )

"""Processing in memory: multipliers between the banks of a stack, which read rows that never leave the die.

One command reads a column (32 B) in all banks that have a unit, once in tCCD_L, where the interface brings
one column in tCCD_S. A unit multiplies it by an input that it holds and adds to a running sum. So the
weights of a product come at ``units · tCCD_S / tCCD_L`` times the bandwidth of the interface, less what
else a pseudo-channel does meanwhile:

- opening rows: tRP + tRCD + tRTP for every row, in all banks at once;
- bringing inputs: a unit holds R inputs of 32 B and R running sums, so that R columns of inputs are written
  for every R² columns of weights, with the turnaround of the bus from read to write and back;
- refresh, of which the host's own reads lose as much.

Every token of a batch reads the weights again: with a few tokens the host, which reads them once, is quicker
(:func:`crossover`).

References
----------
Lee et al. 2021, "Hardware Architecture and Software Stack for PIM Based on Commercial DRAM Technology", ISCA.
Kim et al. 2022, "Aquabolt-XL HBM2-PIM, LPDDR5-PIM With In-Memory Processing, and AXDIMM With Acceleration
Buffer", IEEE Micro 42. Amdahl 1967 (systems).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range
from gigawatt.technology.stacked_memory.dram_energy import access_energy, generation
from gigawatt.technology.stacked_memory.dram_timing import Channel, channel_of
from gigawatt.workload.operations import Array

__all__ = [
    "Units",
    "crossover",
    "gemv_energy",
    "gemv_time",
    "published_systems",
    "speedup",
    "system",
    "units_of",
]

_TABLE = "stacked_memory_pim"
_VALUE = 2.0  # bytes of a 16-bit number, in which the units multiply


@dataclass(frozen=True)
class Units:
    """Multipliers of a stack.

    ``count`` units, ``rate`` their peak [FLOP/s], ``bandwidth`` of all their columns [B/s] without rows and
    inputs, ``reached`` with them, ``host`` what the interface reaches in a stream [B/s].
    """

    count: float
    rate: float
    bandwidth: float
    reached: float
    host: float

    @property
    def gain(self) -> float:
        """Times quicker than a host that streams the same weights through the interface."""
        return self.reached / self.host


@lru_cache(maxsize=64)
def _units(memory: str, data_rate: float | None) -> Units:
    row, machine = generation(memory), entity(_TABLE, "bank")
    channel = channel_of(row, data_rate=data_rate, ranks=1)
    own = row.value("channels") * row.value("pseudo_channels")
    each = machine.value("units_of_a_bank") * machine.value("banks_of_a_rank")
    lanes = machine.value("lanes")
    columns = each * own * channel.access / channel.ccd_l
    left = 1.0 - channel.rfc / channel.refi
    return Units(
        count=each * own,
        rate=2.0 * lanes * each * own / channel.ccd_l,
        bandwidth=columns,
        reached=columns * _busy(channel, machine) * left,
        host=own * channel.bandwidth * left,
    )


def units_of(memory: str | Entity, *, data_rate: float | None = None) -> Units:
    """Units of a stack of a generation, one for two banks of one stack identity.

    Parameters
    ----------
    memory : str or Entity
        A generation.
    data_rate : float, optional
        Of a lane [B/s]; the columns' clock follows it.

    Raises
    ------
    InputError
        An unknown generation, a rate outside its range.
    """
    return _units(generation(memory).id if isinstance(memory, str) else memory.id, data_rate)


def _busy(channel: Channel, machine: Entity) -> float:
    """Share of the time in which columns of weights are read, refresh left out."""
    held = machine.value("registers")
    per_pass = held * held
    rows = per_pass / channel.columns * (channel.rp + channel.rcd_read + channel.rtp)
    turn = channel.rtw + channel.cwl + channel.burst + channel.wtr_l
    reading = per_pass * channel.ccd_l
    return reading / (reading + rows + held * channel.ccd_l + turn)


def gemv_time(
    memory: str | Entity,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    stacks: float = 1.0,
    weight_bytes: float = _VALUE,
    data_rate: float | None = None,
) -> Array:
    """Seconds of m vectors of k numbers times a matrix (k, n) that lies in ``stacks`` stacks.

    Parameters
    ----------
    memory : str or Entity
        A generation.
    m, n, k : array
        Vectors, outputs, inputs; > 0.
    stacks : float
        ≥ 1; the outputs are spread over all.
    weight_bytes : float
        Of a stored weight, 0.25 to 4 [B]; narrower ones are widened in the unit at the rate of a 16-bit lane.
    data_rate : float, optional
        Of a lane [B/s].

    Raises
    ------
    InputError
        A size that is not above 0.
    """
    units = units_of(memory, data_rate=data_rate)
    weights = check_range("n", n, 1e-9, 1e12) * check_range("k", k, 1e-9, 1e12)
    tokens = check_range("m", m, 1e-9, 1e12)
    check_range("stacks", stacks, 1e-3, 1e5)
    check_range("weight_bytes", weight_bytes, 0.25, 4.0, "B")
    stored = weights * weight_bytes / units.reached
    busy = units.reached / units.bandwidth
    multiplied = 2.0 * weights / (units.rate * busy)
    return tokens * np.maximum(stored, multiplied) / stacks


def gemv_energy(
    memory: str | Entity, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, weight_bytes: float = _VALUE
) -> dict[str, Array]:
    """Joules of the same: ``weights`` (cells and rows), ``arithmetic``, ``memory`` (inputs, outputs).

    Rows are used up, data do not leave the bank: no wires across the die, vias or interface for weights.
    Inputs are written once for every R sums of a unit, outputs read once.

    Raises
    ------
    InputError
        A size that is not above 0.
    """
    row, machine = (generation(memory) if isinstance(memory, str) else memory), entity(_TABLE, "bank")
    tokens = check_range("m", m, 1e-9, 1e12)
    outputs, inputs = check_range("n", n, 1e-9, 1e12), check_range("k", k, 1e-9, 1e12)
    check_range("weight_bytes", weight_bytes, 0.25, 4.0, "B")
    parts = access_energy(row, row_bytes=row.value("page"))
    weights = outputs * inputs
    cells = parts["activation"] + parts["array"]
    moved = sum(parts.values(), np.zeros(()))
    lanes = machine.value("lanes") * _VALUE  # bytes of a column of inputs
    broadcast = weights * weight_bytes / machine.value("registers") / _listeners(machine)
    return {
        "weights": tokens * weights * weight_bytes * cells,
        "arithmetic": tokens * weights * machine.value("multiply_add"),
        "memory": tokens * (broadcast + outputs * lanes) * moved,
    }


def _listeners(machine: Entity) -> float:
    """Units of a pseudo-channel that take one written column of inputs."""
    return machine.value("units_of_a_bank") * machine.value("banks_of_a_rank")


def crossover(memory: str | Entity, *, data_rate: float | None = None) -> float:
    """Tokens of a batch from which the host, reading the weights once for all of them, is quicker."""
    return units_of(memory, data_rate=data_rate).gain


def speedup(gain: ArrayLike, share: ArrayLike) -> Array:
    """Amdahl: times quicker of which ``share`` of the time becomes ``gain`` times quicker.

    Raises
    ------
    InputError
        A gain that is not above 0, a share outside 0 to 1.
    """
    quicker, part = check_range("gain", gain, 1e-9, 1e9), check_range("share", share, 0.0, 1.0)
    return 1.0 / (1.0 - part + part / quicker)


def system(
    *,
    memory: str = "hbm2",
    stacks: float | None = None,
    share: float | None = None,
    power: float | None = None,
    data_rate: float | None = None,
) -> dict[str, float]:
    """Speed and energy of a whole system with HBM-PIM over the same with plain stacks.

    Parameters
    ----------
    memory : str
        A generation.
    stacks : float, optional
        Of the system; as of the card that was shown (row ``alveo``) where left out, like the next two.
    share : float, optional
        Of the host's time that is matrix times vector, 0 to 1.
    power : float, optional
        Of all that is not memory [W], ≥ 0.
    data_rate : float, optional
        Of a lane [B/s].

    Returns
    -------
    dict
        ``kernel`` and ``system`` (times quicker), ``energy_saved`` (share), ``bit`` (J of a bit through the
        interface over that of a bit used in place).
    """
    card = entity(_TABLE, "alveo")
    count = card.value("stacks") if stacks is None else stacks
    part = card.value("share") if share is None else share
    rest = float(check_range("power", card.value("power") if power is None else power, 0.0, 1e5, "W"))
    row, units = generation(memory), units_of(memory, data_rate=data_rate)
    quicker = float(speedup(units.gain, part))
    from gigawatt.technology.stacked_memory.dram_energy import idle_power

    idle = float(idle_power(row)) * count
    far = float(sum(access_energy(row).values()))
    machine = entity(_TABLE, "bank")
    whole = access_energy(row, row_bytes=row.value("page"))
    near = float(whole["activation"] + whole["array"]) + machine.value("multiply_add") / _VALUE
    read = units.host * count * part  # bytes a second of the host's run
    before = rest + idle + read * far
    after = (rest + idle) / quicker + read * near
    return {
        "kernel": units.gain,
        "system": quicker,
        "energy_saved": 1.0 - after / before,
        "bit": far / near,
    }


def published_systems() -> dict[str, dict[str, float]]:
    """Ours of what was shown: HBM-PIM as built, on an FPGA card and beside a processor; GDDR6-AiM."""
    built, aim = entity(_TABLE, "hbm-pim"), entity(_TABLE, "aim")
    inside = aim.value("units") * aim.value("lanes") * _VALUE * aim.value("clock")
    columns = aim.value("page") / (aim.value("lanes") * _VALUE)
    busy = columns / (columns + aim.value("row") * aim.value("clock"))
    return {
        "hbm-pim": {"rate": 2.0 * built.value("units") * built.value("lanes") * built.value("clock")},
        "alveo": system(),
        "aim": {
            "rate": 2.0 * aim.value("units") * aim.value("lanes") * aim.value("clock"),
            "peak": inside / aim.value("bandwidth"),
            "reached": inside * busy / (aim.value("bandwidth") * aim.value("host_share")),
        },
    }

"""Power of serving: what accelerators draw while they decode and read prompts, and what their node adds.

A serving accelerator draws more than its idle power whenever kernels run: clocks are up and its processors
wait for memory. So one chip draws

    P = idle + active · b/t + J/B · bytes/t + J/FLOP · FLOPs/t,

with t the time of an iteration and b ≤ t the part of it in which kernels (collectives among them) run. In the
rest, while the host prepares the next iteration, it idles with its clocks up. The mean stays below the chip's
limit, or a lower cap. The coefficients are effective ones, rows of the catalog's ``serving_power``. A chip
without a measurement takes the shares of the row ``default``: of its limit, of its catalog's J/B, and of the
J/FLOP at which a large multiplication draws the limit.

*Limits.* Kernel times of the catalog were measured on chips that keep their own limit, so no time changes
there (as in training, :mod:`gigawatt.machine.clocks`); what would pass it is cut. A lower cap slows the
clock: multiplications take longer, J/FLOP and active power fall with the voltage (:class:`Regulator`, which
the closed form and the step tables share). It binds on the mean of an iteration's
work, since iterations are shorter than a regulator's time constant.

*Nodes.* A node takes from the wall what its chips draw, a base that is always there (processors, memory,
network, fans at rest) and a share of the chips' watts (conversion, fans under load).

References
----------
Chung et al. 2025, "The ML.ENERGY Benchmark", arXiv:2505.06371: the watts of serving that the rows were fitted
to. Arafa et al. 2020, "Verified instruction-level energy consumption measurement for NVIDIA GPUs",
arXiv:2002.07795: energies of instructions add up on top of a constant power.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import Entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade, worst
from gigawatt.machine.chips import multiplication_energy
from gigawatt.machine.clocks import ClockModel, Settled, clock_model, least_cap, settle
from gigawatt.machine.machine import Chip, Node
from gigawatt.technology.registry import registered

__all__ = [
    "Drawn",
    "NodePower",
    "Regulator",
    "ServingPower",
    "cut_energy",
    "largest_step",
    "least_serving_cap",
    "load_node_power",
    "load_serving_power",
    "metered",
    "serving_energy",
    "serving_power",
    "wall_power",
    "whole_energy",
]

Array = NDArray[np.float64]

DEFAULT = "default"
_WIDE = "bf16"
_NARROW = {"fp8": "flop_8", "int8": "flop_8", "fp4": "flop_4"}
"""Ratio of the catalog by which J/FLOP of a format is that of 16 bits; other formats: by their rates."""


@dataclass(frozen=True)
class ServingPower:
    """Coefficients of one chip that serves.

    Attributes
    ----------
    idle : float [W]
        Clocks up, no kernel runs.
    active : float [W]
        Above idle, while kernels run, whatever they do.
    byte : float [J/B]
        Of device memory, with the path on the chip.
    flop : mapping of number format to float [J/FLOP]
    limit : float [W]
        Highest mean that the chip keeps at its own limit.
    sustained : float
        That mean over the limit; holds for lower caps too.
    """

    id: str
    idle: float
    active: float
    byte: float
    flop: Mapping[str, float]
    limit: float
    sustained: float
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Drawn:
    """What one chip draws: arrays of the broadcast shape.

    ``time`` [s] of the iteration, longer than asked where a cap slows it; mean ``power`` [W] over it and
    ``energy`` [J], idle power included; ``clock`` over the one at the chip's own limit.
    """

    time: Array
    power: Array
    energy: Array
    clock: Array


@dataclass(frozen=True)
class NodePower:
    """A node at the wall: ``base`` [W] + (1 + ``share``) · watts of its ``chips``; ``parked`` [W] of one chip
    that no process uses."""

    id: str
    chips: int
    base: float
    share: float
    parked: float


def _rows(chip: Chip) -> tuple[Entity, Entity]:
    """(the chip's own row, or that of the chip whose kernels it has, or the default; the default)."""
    rows = table("serving_power")
    common = rows[DEFAULT]
    return rows.get(chip.id, rows.get(chip.kernels, common)), common


def whole_energy(chip: Chip) -> float:
    """J/FLOP above idle at which a large 16-bit multiplication draws the limit of the chip's silicon."""
    return multiplication_energy(chip, _wide(chip))


def _wide(chip: Chip) -> str:
    return _WIDE if _WIDE in chip.peak else max(chip.peak, key=lambda form: chip.energy_flop[form])


def load_serving_power(chip: Chip) -> ServingPower:
    """The coefficients of a chip: its row of ``serving_power``, completed by shares of the row ``default``.

    A chip without a row takes J/B and J/FLOP of the one whose kernels it has; its active power goes with its
    limit. A chip whose technology is not a digital tensor machine keeps its own energies and has no active
    power, so that nothing is counted twice.
    """
    own, common = _rows(chip)
    sibling = own.id != chip.id
    sustained = common.value("sustained_share")
    if not registered(chip.technology).alone:
        return ServingPower(
            id=chip.id, idle=chip.idle_power, active=0.0, byte=chip.energy_byte["dram"],
            flop=chip.energy_flop, limit=sustained * chip.power_limit, sustained=sustained,
        )  # fmt: skip
    assumed: list[Assumption] = []

    def coefficient(name: str, of: float, unit: str) -> float:
        value = own.get(name)
        if value is not None and not (sibling and name == "active"):  # whose limit is another
            return value
        share = common.evidence(f"{name}_share")
        found = share.value * of
        assumed.append(
            Assumption(
                key=f"serving_power.{chip.id}.{name}",
                value=f"{found:.3g} {unit}",
                reason="no published power of this chip in service: the share of the chips with one",
                grade=worst((share.grade, Grade.modelled)),
                source=share.source_id,
            )
        )
        return found

    wide = coefficient("flop", whole_energy(chip), "J/FLOP")
    ratio = {name: own.get(name, common.get(name)) for name in set(_NARROW.values())}
    base = chip.energy_flop[_wide(chip)]
    flop = {
        form: wide * (float(ratio[_NARROW[form]] or 1.0) if form in _NARROW else joules / base)
        for form, joules in chip.energy_flop.items()
    }
    return ServingPower(
        id=chip.id,
        idle=chip.idle_power,
        active=coefficient("active", chip.power_limit, "W"),
        byte=coefficient("byte", chip.energy_byte["dram"], "J/B"),
        flop=flop,
        limit=sustained * chip.power_limit,
        sustained=sustained,
        assumptions=tuple(assumed),
    )


def metered(chip: Chip) -> Chip:
    """The same chip with the J/B and J/FLOP of serving: energies of its operations are those of this module.

    ``sram`` is nought: J/FLOP of serving have the way of the operands in them.
    """
    power = load_serving_power(chip)
    if not registered(chip.technology).alone:
        return chip
    return replace(
        chip, energy_flop=power.flop, energy_byte={**chip.energy_byte, "dram": power.byte, "sram": 0.0}
    )


def serving_energy(
    *,
    power: ServingPower,
    busy: ArrayLike,
    flops: Mapping[str, ArrayLike],
    bytes_moved: ArrayLike,
    links: ArrayLike = 0.0,
) -> dict[str, Array]:
    """Joules of one chip above idle, by component: ``active``, ``arithmetic``, ``dram``, ``links``.

    Parameters
    ----------
    power : ServingPower
        Of the chip.
    busy : array [s]
        In which its kernels run, collectives among them.
    flops : mapping of number format to array [FLOP]
        Multiplications by format.
    bytes_moved : array [B]
        Through device memory.
    links : array [J]
        Of what it sends.

    Raises
    ------
    InputError
        A number format that the chip does not multiply in.
    """
    arithmetic: Array = np.zeros(())
    for form, count in flops.items():
        check_word("flops", form, power.flop, f"{power.id} does not multiply in this number format")
        arithmetic = arithmetic + power.flop[form] * np.asarray(count, float)
    return {
        "active": power.active * np.asarray(busy, float),
        "arithmetic": arithmetic,
        "dram": power.byte * np.asarray(bytes_moved, float),
        "links": np.asarray(links, float),
    }


def _checked(time: ArrayLike, busy: ArrayLike) -> tuple[Array, Array]:
    t, b = np.asarray(time, float), np.asarray(busy, float)
    if np.any(~(t > 0.0)):
        raise InputError("an iteration takes time", key="time", given=float(np.min(t)), allowed="s, above 0")
    if np.any(~(b >= 0.0)):
        raise InputError("kernels run for some time or none", key="busy", given=float(np.min(b)), allowed="s")
    return t, np.minimum(b, t)


def serving_power(
    *,
    power: ServingPower,
    time: ArrayLike,
    busy: ArrayLike,
    flops: Mapping[str, ArrayLike],
    bytes_moved: ArrayLike,
    links: ArrayLike = 0.0,
    cap: ArrayLike | None = None,
) -> Drawn:
    """What one chip draws in an iteration whose time is known, measured or predicted.

    Parameters
    ----------
    power, flops, bytes_moved, links
        As of :func:`serving_energy`.
    time : array [s]
        Of the iteration, > 0.
    busy : array [s]
        In which kernels run; no more than ``time`` counts.
    cap : array [W], optional
        Limit that was in force while the time was measured; the chip's own if left out.

    Returns
    -------
    Drawn
        Power between idle and what the chip keeps of its limit or cap; ``time`` as given.
    """
    t, b = _checked(time, busy)
    joules = serving_energy(power=power, busy=b, flops=flops, bytes_moved=bytes_moved, links=links)
    total = sum(joules.values(), np.zeros(()))
    most = power.limit if cap is None else np.minimum(power.limit, power.sustained * np.asarray(cap, float))
    watts = np.minimum(power.idle + total / t, np.maximum(most, power.idle))
    return Drawn(time=t, power=watts, energy=watts * t, clock=np.ones_like(watts))


@dataclass(frozen=True)
class Regulator:
    """What holds accelerators that serve to a power cap.

    Attributes
    ----------
    model : ClockModel
        Of a chip whose kernels run: ``idle`` [W] is idle and active power together.
    idle : float [W]
        Of a chip without kernels.
    cap : array [W]
        Mean that a chip keeps while kernels run: what it keeps of the setting, at most of its own limit.
    """

    model: ClockModel
    idle: float
    cap: Array

    @classmethod
    def of(cls, chip: Chip, cap: ArrayLike, power: ServingPower | None = None) -> Regulator:
        """Of ``chip`` under the setting ``cap`` [W]; ``power`` is that of the catalog if left out."""
        p = load_serving_power(chip) if power is None else power
        model, up = clock_model(chip), p.idle + p.active
        clocked = (model.clocked * p.idle + p.active) / up
        model = replace(model, idle=up, clocked=clocked, factor=1.0, power_limit=p.limit)
        return cls(model, p.idle, np.minimum(p.sustained * np.asarray(cap, float), p.limit))

    def settle(
        self, *, time: ArrayLike, energy: ArrayLike, arithmetic: ArrayLike, core: ArrayLike
    ) -> Settled:
        """Where one chip settles.

        Parameters
        ----------
        time : array [s]
            Of the work at the chip's own limit.
        energy : array [J]
            Of one chip above ``idle`` in it.
        arithmetic : array [s]
            Part of ``time`` that multiplications bind; memory and links keep their time.
        core : array [J]
            Part of ``energy`` that multiplications take: it falls with the voltage.

        Raises
        ------
        InputError, InfeasibleError
            A cap that is not positive, or below what the chip draws at its least clock.
        """
        t = np.asarray(time, float)
        busy = np.minimum(np.asarray(arithmetic, float), t)
        beside = np.asarray(energy, float) - np.asarray(core, float) - (self.model.idle - self.idle) * t
        return settle(
            chip_power=self.model, dynamic_energy=core, memory_energy=beside, arithmetic_time=busy,
            memory_time=t - busy, other_time=0.0, cap=self.cap,
        )  # fmt: skip

    def hold(
        self, *, time: ArrayLike, energy: ArrayLike, arithmetic: ArrayLike, core: ArrayLike, chips: ArrayLike
    ) -> tuple[Array, Array]:
        """(time [s], energy above idle [J]) of the work of ``chips`` under the cap; parameters as of
        :meth:`settle`, energies of all chips together."""
        n = np.asarray(chips, float)
        done = self.settle(
            time=time, energy=np.asarray(energy) / n, arithmetic=arithmetic, core=np.asarray(core) / n
        )
        return done.step_time, (done.energy - self.idle * done.step_time) * n


def least_serving_cap(chip: Chip) -> float:
    """Least setting [W] of the power limit that a chip keeps as it serves: between iterations it idles with
    its clocks up, and its kernels run at the least clock."""
    power = load_serving_power(chip)
    floor = least_cap(Regulator.of(chip, chip.power_limit, power).model)
    return max(floor, power.idle) / power.sustained


def load_node_power(node: Node, chip: Chip) -> NodePower:
    """How a node draws from the wall, by the rows of ``serving_power``.

    The node's ``overhead_power`` is what it takes beside its chips when they draw their limit; ``base_share``
    of it is there whatever they draw.
    """
    rows = table("serving_power")
    own, common = rows.get(node.id, rows[DEFAULT]), rows[DEFAULT]
    full = own.get("full_overhead")
    full = node.overhead_power if full is None else full
    base = float(own.get("base_share", common.get("base_share")) or 0.0)
    parked = _rows(chip)[0].get("parked")
    return NodePower(
        id=node.id,
        chips=node.chips,
        base=base * full,
        share=(1.0 - base) * full / (node.chips * chip.power_limit),
        parked=common.value("parked_share") * chip.power_limit if parked is None else parked,
    )


def wall_power(*, node: NodePower, chip_power: ArrayLike | None = None) -> Array:
    """Watts of a node at the wall when each of its chips draws ``chip_power`` [W]; parked if left out."""
    each = np.asarray(node.parked if chip_power is None else chip_power, float)
    return node.base + (1.0 + node.share) * node.chips * each


def largest_step(*, node: NodePower, high: ArrayLike, low: ArrayLike | None = None) -> Array:
    """Largest change of a node's power within a second [W].

    All chips of a synchronised program go from ``high`` [W] to ``low`` [W] each (parked if left out) together
    and within milliseconds, at both ends of a run, of a checkpoint or of an evaluation. So it is the largest
    difference between samples one second apart. The base stays. Conversion follows at once; fans, which
    follow in seconds, are in ``share`` as well, so that this is a bound.
    """
    return np.abs(wall_power(node=node, chip_power=high) - wall_power(node=node, chip_power=low))


def cut_energy(*, power: ServingPower, chips: ArrayLike, time: ArrayLike, energy: ArrayLike) -> Array:
    """Joules above idle of ``chips`` in ``time`` [s], at most what keeps their mean within the limit.

    Parameters
    ----------
    power : ServingPower
        Of one chip.
    chips, time, energy : array [1], [s], [J]
        All chips together; broadcast.
    """
    most = (power.limit - power.idle) * np.asarray(chips, float) * np.asarray(time, float)
    return np.minimum(np.asarray(energy, float), most)

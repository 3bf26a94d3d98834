"""Frequency, voltage and power of a chip: what a power cap costs in time and saves in energy.

A chip draws ``P(c) = static + clocked·c·v² + (core·v² + memory)/t(c)`` while it works, with c its clock and
v its core voltage, both over those of the *reference*: the clock that it keeps at its own power limit, at
which every rate and every J/FLOP of the catalog is meant. Above a knee the voltage rises linearly with the
clock, below it the voltage is at its least, so energy per FLOP stops falling there and idling costs more and
more: joules per step have a minimum between. Arithmetic takes 1/c of its time, device memory and networks
keep theirs. One set of numbers gives both the time and the energy.

A cap binds on the mean power while the chip works: multiplications and memory-bound kernels alternate within
milliseconds, the regulator looks at tens of milliseconds, so they settle at one clock. Waiting for a network
or for the pipeline is a phase of its own, at idle power. A chip cannot clock below its least; a cap that asks
for less is met by pauses, and a cap that even pauses cannot meet is refused with the least that can be.

At its own limit no time changes, by definition of the reference; where J/FLOP and idle power add up to more
than the limit, dynamic energies are scaled down to it. :func:`sustained_share` is the absolute side: the
share of a rate measured at a known clock that a chip keeps under its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import Entity, table
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.machine.machine import Chip

__all__ = [
    "ClockModel",
    "Settled",
    "Sweep",
    "clock_model",
    "joules_per_step",
    "least_cap",
    "relative_voltage",
    "settle",
    "sustained_share",
    "sweep",
]

Array = NDArray[np.float64]

#: Components of a step's energy that scale with the square of the core voltage; see :func:`joules_per_step`.
CORE = ("arithmetic", "sram")
#: Components that are a power times the time of the step.
STEADY = ("node", "network")
_HALVINGS = 36  # of the bracket of clocks: 1e-11 of it is left
_ROUNDING = 1e-9


@dataclass(frozen=True)
class ClockModel:
    """Clocks and power of one chip; clocks and voltages relative to the reference.

    Attributes
    ----------
    reference : float [Hz]
        Clock that the chip keeps at ``power_limit`` in large 16-bit multiplications; everything else is
        relative to it.
    least, boost : float
        Least and highest clock over the reference (least ≤ 1 ≤ boost).
    knee : float
        Clock over the reference below which the voltage stays at its least.
    slope : float
        Relative rise of voltage over relative rise of clock above the knee, both at the knee.
    idle : float [W]
        Of a chip that waits with its clocks up at the reference.
    clocked : float in [0, 1]
        Share of ``idle`` that is the clock tree (∝ c·v²); the rest does not change.
    power_limit : float [W]
        The chip's own limit.
    factor : float
        Dynamic joules of a training step over those of the catalog, which are of one large multiplication
        at its limit: operands out of cold caches, exponents that toggle, kernels between multiplications.
    step : float, optional
        Measured clock of a training step in 16 bit over the reference; ``None`` where none was measured, or
        under a higher limit than ``power_limit``.
    """

    id: str
    reference: float
    least: float
    boost: float
    knee: float
    slope: float
    idle: float
    clocked: float
    power_limit: float
    factor: float = 1.0
    step: float | None = None

    def voltage(self, clock: ArrayLike) -> Array:
        """Core voltage over that at the reference, of a relative ``clock``."""
        return relative_voltage(clock=clock, knee=self.knee, slope=self.slope)

    def waiting(self, clock: ArrayLike, voltage: Array | None = None) -> Array:
        """Power [W] of a chip that waits at a relative ``clock``, whose ``voltage`` may be known."""
        c = np.asarray(clock, float)
        v = self.voltage(c) if voltage is None else voltage
        return self.idle * ((1.0 - self.clocked) + self.clocked * c * v * v)

    def highest(self, power: Callable[[Array, Array], Array], most: Array, limit: Array | float) -> Array:
        """The highest clock up to ``most`` whose power stays within a limit; the least where none does.

        ``power`` [W] of a relative clock and its voltage, rising with them; all arrays of the shape of
        ``most``. Power above the limit by rounding counts as within it.
        """
        free = power(most, self.voltage(most)) <= np.multiply(limit, 1.0 + _ROUNDING)
        if np.all(free):
            return most
        low, high = np.full(most.shape, self.least), most
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            over = power(middle, self.voltage(middle)) > limit
            low, high = np.where(over, low, middle), np.where(over, middle, high)
        return np.where(free, most, low)


@dataclass(frozen=True)
class Settled:
    """Where a chip settles under a cap; arrays of the broadcast shape.

    ``clock`` relative to the reference, ``step_time`` [s], ``energy`` [J] and mean ``power`` [W] of the chip
    over the step, ``busy_power`` [W] while it works (what the cap binds, pauses included), ``duty`` the share
    of working time that is not paused (1 unless the least clock does not suffice), ``scale`` what dynamic
    energies were multiplied by: the model's ``factor``, less where that would pass the chip's own limit.
    """

    clock: Array
    step_time: Array
    energy: Array
    power: Array
    busy_power: Array
    duty: Array
    scale: Array


@dataclass(frozen=True)
class Sweep:
    """Caps [W] ``(K,)`` against step time, energy and power ``(K, …)``; ``nan`` where a cap cannot be met.

    ``best`` is the index of the cap of least energy for every layout.
    """

    caps: Array
    settled: Settled
    best: NDArray[np.intp]


def clock_model(chip: Chip) -> ClockModel:
    """The clock model of a chip: its row of the catalog's ``clocks``, or that of its ``silicon``, completed
    by the row ``default``.

    The default row holds shares of the reference (``least_share``, ``boost_share``, ``knee_share``), the
    medians of the chips that somebody measured.
    """
    rows = table("clocks")
    common = rows["default"]
    own: Entity = rows.get(chip.id, rows.get(chip.silicon, common))

    def relative(name: str) -> float:
        value, share = own.get(f"{name}_clock"), own.get(f"{name}_share")
        if value is not None and reference is not None:
            return value / reference
        return common.value(f"{name}_share") if share is None else share

    def shape(name: str) -> float:
        value = own.get(name)
        return common.value(name) if value is None else value

    reference, step = own.get("reference_clock"), own.get("step_clock")
    return ClockModel(
        id=chip.id,
        reference=float("nan") if reference is None else reference,
        least=min(relative("least"), 1.0),
        boost=max(relative("boost"), 1.0),
        knee=relative("knee"),
        slope=shape("voltage_slope"),
        idle=chip.idle_power,
        clocked=shape("clocked_idle"),
        power_limit=chip.power_limit,
        factor=shape("training_factor"),
        step=step / reference if step and reference and chip.power_limit >= own.value("step_limit") else None,
    )


def relative_voltage(*, clock: ArrayLike, knee: float, slope: float) -> Array:
    """Voltage over that at clock 1: ``max(1, 1 + slope·(c/knee − 1))``, divided by its value at 1.

    Parameters
    ----------
    clock : array
        Relative clock, > 0.
    knee, slope : float
        See :class:`ClockModel`; knee > 0, slope ≥ 0.

    Returns
    -------
    array
        Non-decreasing in ``clock``; 1 at clock 1.

    References
    ----------
    Guerreiro et al. 2019, "Modeling and decoupling the GPU power consumption for cross-domain DVFS", IEEE
    TPDS 30(11): measured voltages are constant up to a clock and then linear. Chung et al. 2024, Perseus,
    SOSP: energy of A100 training stages has its minimum at that knee.
    """

    def above(c: Array) -> Array:
        return np.maximum(1.0, 1.0 + slope * (c / knee - 1.0))

    return above(np.asarray(clock, float)) / max(1.0, 1.0 + slope * (1.0 / knee - 1.0))


def settle(
    *,
    chip_power: ClockModel,
    dynamic_energy: ArrayLike,
    arithmetic_time: ArrayLike,
    memory_time: ArrayLike,
    other_time: ArrayLike,
    cap: ArrayLike,
    memory_energy: ArrayLike = 0.0,
    other_energy: ArrayLike = 0.0,
    waiting_time: ArrayLike = 0.0,
) -> Settled:
    """The highest clock at which a chip's work stays within a cap, and what the step then takes.

    Parameters
    ----------
    chip_power : ClockModel
        Of the chip.
    dynamic_energy : array [J]
        Per chip and step above idle power, at the reference voltage: arithmetic, caches, registers.
    arithmetic_time, memory_time, other_time : array [s]
        Per chip and step at the reference clock: seconds that multiplications bind; that device memory binds;
        that networks, launches and the host bind. Those parts of a step time that sum to it.
    cap : array [W]
        Per chip; at or above its own limit nothing changes.
    memory_energy, other_energy : array [J]
        Of device memory while the chip works, of links while it waits: they keep their own voltage.
    waiting_time : array [s]
        Pipeline bubble: idle, and stretched as the work of the other stages is.

    Raises
    ------
    InputError
        A cap that is not positive.
    InfeasibleError
        A cap below what the chip draws when it waits at its least clock; names the least cap.

    Notes
    -----
    A kernel that memory binds may come to be bound by arithmetic at a low clock, which is left out (time is
    too short); communication hidden behind slower arithmetic is hidden better, also left out (too long).
    """
    caps = np.asarray(cap, float)
    if np.any(~(caps > 0.0)):
        raise InputError("a power cap must be above zero", key="cap", given=float(np.min(caps)), allowed="W")
    floor = least_cap(chip_power)
    if np.any(caps < floor):
        raise InfeasibleError(
            f"{chip_power.id} cannot be held below its idle power at the least clock",
            key="cap",
            given=f"{float(np.min(caps)):.0f} W",
            allowed=f"{np.ceil(floor):.0f} W or more",
        )
    energies = [np.asarray(joules, float) for joules in (dynamic_energy, memory_energy, other_energy)]
    times = [
        np.asarray(seconds, float) for seconds in (arithmetic_time, memory_time, other_time, waiting_time)
    ]
    return _settle(chip_power, energies, times, caps)


def _settle(model: ClockModel, energies: list[Array], times: list[Array], cap: Array) -> Settled:
    core, dram, link = energies
    arithmetic, memory, other, waiting = times
    working = arithmetic + memory
    some = np.where(working > 0.0, working, 1.0)
    demand, own = (core + dram) / some, model.power_limit - model.idle
    beyond = demand * model.factor > own
    scale = np.where(beyond, own / np.where(beyond, demand, 1.0), model.factor)
    core, dram = core * scale, dram * scale

    def busy(c: Array, v: Array) -> Array:
        seconds = arithmetic / c + memory
        return model.waiting(c, v) + (core * v * v + dram) / np.where(seconds > 0.0, seconds, 1.0)

    shape = np.broadcast(core, dram, link, working, other, waiting, cap).shape
    clock = model.highest(busy, np.ones(shape), cap)
    power, seconds = busy(clock, model.voltage(clock)), arithmetic / clock + memory
    pause_power = model.waiting(clock)
    # below the least clock: pauses at idle power bring the mean down to the cap
    over, spare = np.maximum(power - cap, 0.0), cap - pause_power
    stuck = over > _ROUNDING * cap
    pause = np.where(stuck, seconds * over / np.where(spare > 0.0, spare, np.nan), 0.0)
    stretch = np.where(working > 0.0, (seconds + pause) / some, 1.0)
    idle_time = other + waiting * stretch
    step_time = seconds + pause + idle_time
    energy = power * seconds + pause_power * (pause + idle_time) + link
    total = np.where(step_time > 0.0, step_time, 1.0)
    return Settled(
        clock=clock,
        step_time=step_time,
        energy=energy,
        power=energy / total,
        busy_power=np.where(stuck, cap, power),
        duty=np.where(seconds > 0.0, seconds / np.where(seconds > 0.0, seconds + pause, 1.0), 1.0),
        scale=scale * np.ones_like(clock),
    )


def least_cap(chip_power: ClockModel) -> float:
    """Power [W] of the chip that waits at its least clock: no cap below it can be kept."""
    return float(chip_power.waiting(chip_power.least))


def sweep(*, caps: ArrayLike, chip_power: ClockModel, **work: ArrayLike) -> Sweep:
    """:func:`settle` for every one of ``caps`` [W] ``(K,)``, in front of the shape of the work.

    Caps that cannot be kept give ``nan`` instead of an error. ``work`` is that of :func:`settle`.

    Returns
    -------
    Sweep
        Joules per step have their minimum at ``best``: energy per token is that over the step's tokens.
    """
    row = np.atleast_1d(np.asarray(caps, float))
    shape = np.broadcast_shapes(*(np.shape(value) for value in work.values()))
    grid = row.reshape(-1, *(1,) * len(shape))
    feasible = grid >= least_cap(chip_power)
    kept = settle(chip_power=chip_power, cap=np.where(feasible, grid, chip_power.power_limit), **work)
    found = Settled(**{name: np.where(feasible, value, np.nan) for name, value in vars(kept).items()})
    return Sweep(row, found, np.argmin(np.where(np.isnan(found.energy), np.inf, found.energy), axis=0))


def joules_per_step(*, energy: Mapping[str, ArrayLike], settled: Settled, chip_power: ClockModel,
                    count: float, step_time: ArrayLike) -> dict[str, Array]:  # fmt: skip
    """A step's joules by component under a cap, from those at the reference.

    Parameters
    ----------
    energy : mapping of component to array [J]
        Of all chips at the reference clock: ``idle``, ``arithmetic``, ``dram``, ``sram``, ``scale_up``,
        ``scale_out``, ``node``, ``network`` and what a technology adds.
    settled : Settled
        Of one chip with the same work.
    chip_power : ClockModel
        Of the chip.
    count : float
        Chips.
    step_time : array [s]
        At the reference clock.

    Returns
    -------
    dict
        The same components. ``arithmetic`` and ``sram`` follow the square of the voltage, ``node`` and
        ``network`` the time, ``idle`` time and clock; ``dram`` and links keep their joules.
    """
    v = chip_power.voltage(settled.clock)
    longer = settled.step_time / np.asarray(step_time, float)
    found: dict[str, Array] = {}
    for name, joules in energy.items():
        value = np.asarray(joules, float)
        if name == "idle":
            value = chip_power.waiting(settled.clock) * count * settled.step_time
        elif name in CORE:
            value = value * settled.scale * v * v
        elif name == "dram":
            value = value * settled.scale
        elif name in STEADY:
            value = value * longer
        found[name] = value * np.ones_like(longer)
    return found


def sustained_share(*, chip_power: ClockModel, rate: ArrayLike, energy_flop: ArrayLike,
                    memory_power: ArrayLike = 0.0, clock: ArrayLike | None = None) -> Array:  # fmt: skip
    """Share of a measured rate that a chip keeps up for long under its own power limit.

    Parameters
    ----------
    chip_power : ClockModel
        Of the chip.
    rate : array [FLOP/s]
        Measured at ``clock``.
    energy_flop : array [J/FLOP]
        Whole dynamic energy of a FLOP at the reference voltage, caches included (times ``factor`` in a step).
    memory_power : array [W]
        Of device memory and links beside it.
    clock : array, optional
        Over the reference: 1 for a benchmark that runs at the limit; the boost clock (a burst too short for
        the regulator) where it is left out.

    Returns
    -------
    array
        Settled over measured clock, at most 1.
    """
    at = np.asarray(chip_power.boost if clock is None else clock, float)
    work = np.asarray(rate, float) * np.asarray(energy_flop, float) / at
    beside = np.asarray(memory_power, float)

    def power(c: Array, v: Array) -> Array:
        return chip_power.waiting(c, v) + work * c * v * v + beside

    most = np.broadcast_to(at, np.broadcast_shapes(work.shape, beside.shape, at.shape)).astype(float)
    return chip_power.highest(power, most, chip_power.power_limit) / at

"""Optical memory: a bistable cavity that must be lit, a loop that must be amplified, a cell that stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.optical.absorber import PLANCK_REDUCED
from gigawatt.technology.optical.gates import TABLE
from gigawatt.technology.optical.kerr import (
    LIGHT,
    KerrCavity,
    cavity_energy,
    ring_up,
    turning_points,
)
from gigawatt.workload.operations import Array

__all__ = ["Latch", "Loop", "holding_energy", "kerr_latch", "loop_buffer"]


@dataclass(frozen=True)
class Latch:
    """A bit in a bistable cavity.

    Attributes
    ----------
    hold_power : float [W]
        Light while the bit is kept: the middle of the hysteresis.
    window : float
        Width of the hysteresis over that power: how far the light may be off.
    write_energy : float [J]
        Of the pulse, beside the light that holds.
    write_time : float [s]
        Until nine tenths of the upper state are reached.
    contrast : float
        Output of the upper over that of the lower state.
    """

    hold_power: float
    window: float
    write_energy: float
    write_time: float
    contrast: float


def kerr_latch(cavity: KerrCavity, detuning: float = 2.5) -> Latch:
    """A bit in a Kerr cavity, by its steady states and its equation of motion.

    The pulse is twice the input at which the lower state ends, for as long as it takes.

    Parameters
    ----------
    cavity : KerrCavity
        Any.
    detuning : float
        δ, half linewidths, above √3.

    Raises
    ------
    InputError
        A detuning without two states.

    References
    ----------
    Gibbs 1985, Optical Bistability; Nozaki et al. 2012, Nature Photonics 6, 248 (memories of cavities).
    """
    down, up = turning_points(detuning)
    if up - down <= 1e-9 * up:
        raise InputError(
            "no width of hysteresis", key="detuning", given=detuning, allowed="above √3 half linewidths"
        )
    hold = 0.5 * (down + up)
    lower = float(cavity_energy(hold, detuning))
    upper = float(cavity_energy(hold, detuning, upper=True))
    pulse = 2.0 * up
    until = 40.0
    course = ring_up(pulse, detuning, start=np.sqrt(lower), until=until)[:, 0]
    reached = np.flatnonzero(course >= 0.9 * upper)
    if reached.size == 0:
        raise InputError("the pulse does not switch", key="detuning", given=detuning, allowed="a smaller one")
    half_linewidths = until * float(reached[0]) / (len(course) - 1)
    seconds = half_linewidths * 2.0 * cavity.lifetime
    power = cavity.characteristic_power
    return Latch(hold * power, (up - down) / hold, (pulse - hold) * power * seconds, seconds, upper / lower)


@dataclass(frozen=True)
class Loop:
    """Bits that go round in a fibre.

    Attributes
    ----------
    length : array [m]
        Fibre for the bits.
    turn : array [s]
        One round: how long a bit waits for its turn.
    hold_power : array [W]
        Electricity of the amplifier a bit.
    turns : array
        Rounds until noise leaves a quality of 6, one error in 10⁹.
    kept : array [s]
        Time until then.
    """

    length: Array
    turn: Array
    hold_power: Array
    turns: Array
    kept: Array


def loop_buffer(bits: ArrayLike, id: str = "loop-fibre") -> Loop:
    """A loop of fibre for ``bits`` bits, whose amplifier makes up for each round's loss and adds its noise.

    Noise a round, over the signal's light, in the bandwidth of the bits: F·ħω·(G − 1)·B/P (beating with the
    signal), so that q = 1/(2·√(rounds × that)).

    Parameters
    ----------
    bits : array
        ≥ 1.
    id : str
        Of ``optical_elements``.

    Raises
    ------
    InputError
        Fewer bits than one.

    References
    ----------
    Agrawal, Fiber-Optic Communication Systems, chapter 7 (noise of amplifiers).
    """
    count = check_range("bits", bits, 1.0, message="not a number of bits")
    row, rules = entity(TABLE, id), entity(TABLE, "criteria")
    rate = row.value("rate") * 8.0  # the loader brings bits to bytes
    turn = count / rate
    length = turn * LIGHT / 1.468
    loss = row.value("component_loss") + row.value("attenuation") * length
    gain = 10.0 ** (loss / 10.0)
    photon = 2.0 * np.pi * PLANCK_REDUCED * LIGHT / rules.value("wavelength")
    noise = 10.0 ** (row.value("noise_figure") / 10.0) * photon * np.maximum(gain - 1.0, 0.0) * rate
    share = noise / row.value("level")
    turns = 1.0 / (share * (2.0 * 6.0) ** 2)
    return Loop(length, turn, row.value("amplifier_power") / count, turns, turns * turn)


def holding_energy(id: str, seconds: ArrayLike) -> Array:
    """Joules to write a bit of ``optical_elements`` once and to keep it for ``seconds``.

    Parameters
    ----------
    id : str
        A row with ``write_energy``; no ``hold_power`` counts as none.
    seconds : array [s]
        ≥ 0.

    Raises
    ------
    InputError
        A negative time.
    MissingDataError
        A row without an energy to write.
    """
    time = check_range("seconds", seconds, 0.0, message="not a time")
    row = entity(TABLE, id)
    return row.value("write_energy") + (row.get("hold_power", 0.0) or 0.0) * time

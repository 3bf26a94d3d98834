"""A chip beside how it was measured: other operands in its multiplications, a cooler or hotter die.

Joules of a multiplication grow with the bits that change in its operands: zeros and repeated values take
fewer than random numbers, so that a chip at its power limit keeps a higher clock. What a die leaks doubles
with every few tens of kelvins and leaves that much less of the limit for work.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gigawatt.catalog import entity
from gigawatt.core.evidence import Evidence
from gigawatt.machine.chips import multiplication_energy, sustained_rate
from gigawatt.machine.clocks import clock_model
from gigawatt.machine.machine import Chip

__all__ = ["clock_ratio", "condition_rows", "conditioned"]

_QUANTITIES = ("leakage_share", "leakage_doubling", "die_temperature")


def condition_rows() -> tuple[Evidence, ...]:
    """The catalog's rows of how leakage grows with temperature."""
    common = entity("clocks", "default")
    return tuple(common.evidence(name) for name in _QUANTITIES)


def conditioned(chip: Chip, *, operand_energy: float = 1.0, temperature: float | None = None) -> Chip:
    """The chip with other operands, or at another temperature, than it was measured with.

    Idle power W changes to W·(1 + λ·(2^((T − T₀)/D) − 1)): λ of it is leakage, which doubles every D.

    Parameters
    ----------
    chip : Chip
        As measured: random operands, a die at T₀ (``die_temperature`` of the catalog's ``clocks``).
    operand_energy : float
        Joules of a multiplication over those of random operands, > 0.
    temperature : float, optional [K]
        Of the die.

    Returns
    -------
    Chip
        The same one where nothing differs.
    """
    share, doubling, usual = (row.value for row in condition_rows())
    hotter = 1.0 if temperature is None else 2.0 ** ((temperature - usual) / doubling)
    if operand_energy == 1.0 and hotter == 1.0:
        return chip
    return replace(
        chip,
        energy_flop={form: joules * operand_energy for form, joules in chip.energy_flop.items()},
        idle_power=chip.idle_power * (1.0 + share * (hotter - 1.0)),
        like=chip,
    )


def clock_ratio(chip: Chip, form: str, clock: float = 1.0) -> float:
    """Clock of a training step in the number format ``form`` over that of the chip as it was measured.

    Both are the highest at which multiplications at their sustained rate stay within the power limit, up to
    the boost clock, also from the ``clock`` over the reference that the step was measured or computed to
    have. 1 of a chip as it was measured, and of a format for which it has no joules.
    """
    if chip.like is None or form not in chip.energy_flop:
        return 1.0
    return min(_clock(chip, form) / _clock(chip.like, form), max(clock_model(chip).boost / clock, 1.0))


def _clock(chip: Chip, form: str) -> float:
    model = clock_model(chip)
    work = model.factor * sustained_rate(chip, form) * multiplication_energy(chip, form)
    most = np.asarray(model.boost)
    return float(model.highest(lambda c, v: model.waiting(c, v) + work * c * v * v, most, model.power_limit))

"""Setting weights that stay in light: joules and seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.technology.photonic.link import dynamic, held_power, held_weights, number, part, word
from gigawatt.technology.photonic.products import counts
from gigawatt.technology.substrate import Substrate
from gigawatt.workload.operations import Array

__all__ = ["Setting", "write"]


@dataclass(frozen=True)
class Setting:
    """What it takes to set a matrix once.

    Attributes
    ----------
    energy : array [J]
        Of all elements.
    time : array [s]
        Heaters at once, patches of phase-change material a row at a time, arrays at once.
    """

    energy: Array
    time: Array


def write(substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> Setting:
    """Set a matrix of k inputs and n outputs once.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``photonic``. Heaters burn their power while they settle; a patch takes its pulse;
        electro-optic elements, and a crossbar that is sent its weights, take nothing here.
    n, k : array
        > 0.

    Raises
    ------
    InputError
        A size that cannot be.
    """
    arrays = counts(substrate, m=0.0, n=n, k=k).arrays
    tuning = word(substrate, "tuning", "thermal")
    if dynamic(substrate) or tuning == "electro-optic":
        return Setting(np.zeros_like(arrays), np.zeros_like(arrays))
    if tuning == "phase-change":
        row = part("phase-change")
        energy = arrays * held_weights(substrate) * row.value("write_energy")
        return Setting(energy, np.full_like(arrays, number(substrate, "size") * row.value("write_time")))
    settle = part("heater").value("response")
    return Setting(arrays * held_power(substrate) * settle, np.full_like(arrays, settle))

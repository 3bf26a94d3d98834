"""Events or numbers: at how many spikes a number does the same silicon lose by waiting for events?

One input of a matrix meets n weights. Used densely, the silicon fetches each weight once and multiplies.
Used by events it adds each weight as often as a spike comes, and fetches it each time (``refetch``) or once
for all spikes of a number (a row that stays in registers while they come, which a core that serves events in
the order of their time cannot do). A dense machine can leave out zeros too (``gated``): that needs no spikes.

    dense   (f/r + a + x) n
    gated   (1 − z) (f + a + x) n
    events  s (f + a) n + route s + update T (1 + n/k)          fetched for every spike
            ((1 − z) f + s a) n + route s + update T (1 + n/k)  fetched once

with f, a, x the joules of fetching, adding and multiplying a weight, r the inputs that share a fetch,
s the spikes and z the zeros of a number, T the steps. Both codes of :mod:`gigawatt.emulation.neurons` are in
it: s = 1 − z is the time to first spike.

References
----------
Davidson and Furber 2021, "Comparison of artificial and spiking neural networks on digital hardware",
Frontiers in Neuroscience 15, 651141; Yan, Bai, Tang and Wong 2024, "Reconsidering the energy efficiency of
spiking neural networks", arXiv:2409.08290.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.workload.operations import Array

__all__ = ["Silicon", "break_even", "curve", "energies", "load_silicon"]

_BYTE, _LONG = 8.0, 1e12


@dataclass(frozen=True)
class Silicon:
    """Joules of one process: ``add`` to a potential, ``multiply`` beside it, ``fetch`` of a weight,
    ``update`` of a neuron and ``route`` of a spike (0: not counted)."""

    add: float
    multiply: float
    fetch: float
    update: float = 0.0
    route: float = 0.0

    def __post_init__(self) -> None:
        for name in ("add", "multiply", "fetch", "update", "route"):
            value = getattr(self, name)
            check_range(name, value, 0.0, unit="J", message="not an energy")
        if self.add == 0.0:
            raise InputError("not an energy", key="add", given=0.0, allowed="above 0 J")


def load_silicon(*, weight_bits: float = 8.0, memory: str = "sram") -> Silicon:
    """Additions, multiplications and memory of the catalog's 45-nm row; nothing for neurons and routes.

    Parameters
    ----------
    weight_bits : float
        Of a fetched weight, 1 to 16.
    memory : str
        ``sram`` (32 KB), ``sram_large`` (1 MB) or ``none``: weights that stay where they are added.
    """
    check_range("weight_bits", weight_bits, 1.0, 16.0, message="bits of a weight")
    check_word("memory", memory, ("sram", "sram_large", "none"), "no such memory")
    row = entity("neuromorphic", "silicon-45nm")
    fetch = 0.0 if memory == "none" else row.value(memory) * weight_bits / _BYTE
    return Silicon(row.value("add"), row.value("multiply_8"), fetch)


def energies(
    silicon: Silicon,
    *,
    spikes: ArrayLike,
    zeros: ArrayLike,
    outputs: ArrayLike = _LONG,
    inputs: ArrayLike = _LONG,
    steps: float = 0.0,
    batch: float = 1.0,
    refetch: bool = True,
) -> dict[str, Array]:
    """Joules of one input on one weight, used densely, gated and by events.

    Parameters
    ----------
    silicon : Silicon
        The same for all three.
    spikes, zeros : array
        Spikes of a number (all counted, silent ones too), ≥ 0, and the share of numbers that send none.
    outputs, inputs : array
        n and k of the matrix, over which routes and updates are spread; left out: too many to matter.
    steps : float
        In which neurons are updated.
    batch : float
        Inputs that share a fetch where the silicon is used densely; events of different tokens do not.
    refetch : bool
        A weight is fetched for every spike.

    Returns
    -------
    dict of array [J]
        ``dense``, ``gated``, ``events``.

    Raises
    ------
    InputError
        Out of range; fewer spikes than numbers that are not silent.
    """
    s, z = check_range("spikes", spikes, 0.0, 1e6), check_range("zeros", zeros, 0.0, 1.0)
    n, k = check_range("outputs", outputs, 1.0, _LONG), check_range("inputs", inputs, 1.0, _LONG)
    check_range("steps", steps, 0.0, 1e6)
    check_range("batch", batch, 1.0, 1e9)
    if bool(np.any(s < 1.0 - z - 1e-9)):
        raise InputError(
            "fewer spikes than numbers that are not silent", key="spikes", given=str(s), allowed="≥ 1 − zeros"
        )
    fetched = s if refetch else 1.0 - z
    around = silicon.route * s / n + silicon.update * steps * (1.0 / n + 1.0 / k)
    product = silicon.add + silicon.multiply
    return {
        "dense": (silicon.fetch / batch + product) * np.ones_like(s * z * n * k),
        "gated": (1.0 - z) * (silicon.fetch + product) * np.ones_like(s * n * k),
        "events": fetched * silicon.fetch + s * silicon.add + around,
    }


def break_even(
    silicon: Silicon,
    *,
    zeros: ArrayLike = 0.0,
    against: str = "dense",
    outputs: ArrayLike = _LONG,
    inputs: ArrayLike = _LONG,
    steps: float = 0.0,
    batch: float = 1.0,
    refetch: bool = True,
) -> Array:
    """Spikes a number at which events take as much as the same silicon used densely; fewer of them win.

    Keywords as of :func:`energies`. ``against``: ``dense`` or ``gated``. A result below 1 − zeros cannot be
    reached by either code: a number that is not silent sends one spike at least. It may be 0: then updates
    alone cost more than the dense product.

    Raises
    ------
    InputError
        Out of range, or another comparison.
    """
    check_word("against", against, ("dense", "gated"), "no such comparison")
    z = check_range("zeros", zeros, 0.0, 1.0)
    n, k = check_range("outputs", outputs, 1.0, _LONG), check_range("inputs", inputs, 1.0, _LONG)
    made = energies(silicon, spikes=1.0, zeros=z, outputs=n, inputs=k, batch=batch, refetch=refetch)
    fixed = silicon.update * steps * (1.0 / n + 1.0 / k)
    once = 0.0 if refetch else (1.0 - z) * silicon.fetch
    slope = silicon.add + silicon.route / n + (silicon.fetch if refetch else 0.0)
    return np.maximum((made[against] - once - fixed) / slope, 0.0)


def curve(
    silicon: Silicon, *, zeros: ArrayLike, spikes: ArrayLike, refetch: bool = True, against: str = "dense"
) -> Array:
    """Joules by events over those of the same silicon used densely, (zeros, spikes); below 1 events win.

    Where a code cannot be (fewer spikes than numbers that are not silent) the value is that of the fewest.
    """
    z, s = check_range("zeros", zeros, 0.0, 1.0), check_range("spikes", spikes, 0.0, 1e6)
    check_word("against", against, ("dense", "gated"), "no such comparison")
    z, s = np.atleast_1d(z)[:, None], np.atleast_1d(s)[None, :]
    made = energies(silicon, spikes=np.maximum(s, 1.0 - z), zeros=z, refetch=refetch)
    return made["events"] / np.maximum(made[against], 1e-300)

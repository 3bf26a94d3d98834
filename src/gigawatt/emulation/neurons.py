"""Integrate-and-fire neurons on fixed-point numbers: step by step, and in closed form, equal bit by bit.

Membranes and currents are whole numbers, as on digital neuromorphic chips: a threshold is 2^14, a current
is a multiple of 2^-14 of it. In whole numbers below 2^24 every step and every closed form is exact in fp32.

*Rate code*: a constant current x is integrated for T steps. The signed neuron fires +1 above half a threshold
and −1 below minus half of it, and the threshold is taken off. It fires ceil(T |x|/θ − 1/2) times, T at most.

*Time to first spike*: the threshold falls from θ (1 − 1/2T) to θ/2T; a neuron fires once, at the first step t
at which |x| is above it. What it means is T − t, the same number as that of the rate code. A receiver adds
the weight as a current from that step on, T − t times in all.

References
----------
Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient event-driven networks for
image classification", Frontiers in Neuroscience 11, 682 (reset by subtraction, threshold balancing);
Rueckauer and Liu 2018, "Conversion of analog to spiking neural networks using sparse temporal coding", ISCAS.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.core.checks import check_range

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "MOST_STEPS",
    "THRESHOLD",
    "counts",
    "first_spikes",
    "integrate",
    "rate_spikes",
    "to_fixed",
]

THRESHOLD = 1 << 14
"""A threshold in units of the membrane."""
MOST_STEPS = 1 << 10
"""T · 2^14 must stay within the 24 bits that an fp32 counts exactly."""


def _steps(steps: int) -> int:
    check_range("steps", steps, 1, MOST_STEPS, message="too few or too many steps")
    return int(steps)


def to_fixed(x: Tensor, threshold: Tensor) -> Tensor:
    """Currents x over their threshold in units of 2^-14, rounded to nearest even, cut at ±1 threshold.

    Parameters
    ----------
    x : tensor (…, inputs)
        Any real numbers.
    threshold : tensor
        Broadcastable to ``x``; what fires once a step. Where it is 0 the current is 0.

    Returns
    -------
    tensor
        Whole numbers, of the type of ``x``.
    """
    import torch

    share = torch.where(threshold > 0.0, x / threshold, torch.zeros_like(x))
    return (share * THRESHOLD).round_().clamp_(-THRESHOLD, THRESHOLD)


def integrate(currents: Tensor, start: Tensor | float = 0.0) -> Tensor:
    """Spikes (steps, …) in {−1, 0, 1} of signed neurons driven by ``currents`` (steps, …), step by step.

    u ← u + I; a spike +1 where u > θ/2, −1 where u < −θ/2; u ← u − θ · spike.

    Parameters
    ----------
    currents : tensor (steps, …)
        Whole numbers in units of 2^-14 of a threshold; may change from step to step.
    start : tensor or float
        Of the membrane, in the same unit.
    """
    import torch

    membrane = torch.zeros_like(currents[0]) + start
    fired = torch.zeros_like(currents)
    half = THRESHOLD / 2
    for step, current in enumerate(currents):
        membrane = membrane + current
        spike = (membrane > half).to(currents.dtype) - (membrane < -half).to(currents.dtype)
        membrane = membrane - THRESHOLD * spike
        fired[step] = spike
    return fired


def rate_spikes(current: Tensor, steps: int) -> Tensor:
    """Spikes (steps, …) of the rate code of a constant ``current``, simulated step by step."""
    repeated = current.expand(_steps(steps), *current.shape)
    return integrate(repeated)


def first_spikes(current: Tensor, steps: int) -> Tensor:
    """Spikes (steps, …) of the code by time to first spike, step by step: one a neuron at most.

    At step t a neuron that has not fired does so where 2 T |x| > θ (2 (T − t) − 1).
    """
    import torch

    total = _steps(steps)
    size, sign = current.abs() * 2.0 * total, torch.sign(current)
    fired = torch.zeros(total, *current.shape, dtype=current.dtype)
    waiting = torch.ones_like(current, dtype=torch.bool)
    for step in range(total):
        now = waiting & (size > THRESHOLD * (2.0 * (total - step) - 1.0))
        fired[step] = now.to(current.dtype) * sign
        waiting &= ~now
    return fired


def counts(current: Tensor, steps: int) -> Tensor:
    """What either code sends of a constant ``current``: sign · min(ceil(T |x|/θ − 1/2), T), in closed form.

    The number of spikes of the rate code, and T − t of the other.

    Raises
    ------
    InputError
        Fewer than 1 or more than 1,024 steps.
    """
    import torch

    total = _steps(steps)
    size = (current.abs() * (total / THRESHOLD) - 0.5).ceil_().clamp_(0.0, float(total))
    return torch.copysign(size, current)

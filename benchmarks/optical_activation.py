"""Optical activations inside a network: the physical transfer functions in torch, differentiable, lossy.

Two ways for a signal x to ride on light, in units of the device's threshold:

* ``field``: the amplitude of a coherent beam is x, its power x²; the output is x·√T(x²), odd in x (the phase
  that a device adds is taken as undone);
* ``power``: the power is offset + x, and none where that is negative; the output is that power's, less what
  no signal gives.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError, nearest
from gigawatt.emulation.extra import needed
from gigawatt.technology.optical.activations import OpticalActivation

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["ENCODINGS", "optical_module", "relative_transmission"]

ENCODINGS = ("field", "power")
"""How a signal rides on light."""
_ITERATIONS = 40


def relative_transmission(power: Tensor, activation: OpticalActivation) -> Tensor:
    """Output over input for ``power`` ≥ 0 in thresholds, differentiable.

    Parameters
    ----------
    power : Tensor
        ≥ 0, any shape; not checked, so that it can be compiled.
    activation : OpticalActivation
        Its ``kind`` chooses the equation; see :mod:`gigawatt.technology.optical.activations`.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    InputError
        An unknown kind.

    References
    ----------
    The equations are those of the modules ``nonlinear_*`` of the hardware room.
    """
    torch = needed("torch")
    form = activation.form
    if activation.kind == "kerr":
        return _kerr(torch, power, form["detuning"], form["scale"], form["coupled"])
    if activation.kind == "absorber":
        return _absorber(torch, power, form["depth"], form["fixed_depth"])
    if activation.kind == "electro-optic":
        return form["open"] * torch.cos(0.5 * math.pi * (power + form["bias"])) ** 2
    if activation.kind == "harmonic":
        safe = torch.clamp(power, min=1e-12)  # tanh²(√u)/u·u: the root has no derivative at 0
        return torch.tanh(torch.sqrt(safe)) ** 2
    raise InputError("no such kind of activation", key="kind", given=activation.kind)


def _kerr(torch: Any, u: Tensor, detuning: float, scale: float, coupled: float) -> Tensor:
    """coupled²·y/x with the one real root y of the cubic, below the critical detuning, in closed form.

    Through T = 1/(1 + (δ − y)²), which has no division by the input.
    """
    x = u * scale
    p = 1.0 - detuning**2 / 3.0
    size = math.sqrt(p / 3.0)
    q = 2.0 * detuning * (1.0 + detuning**2) / 3.0 - 16.0 * detuning**3 / 27.0 - x
    y = -2.0 * size * torch.sinh(torch.asinh(q / (2.0 * size**3)) / 3.0) + 2.0 * detuning / 3.0
    return coupled**2 / (1.0 + (detuning - y) ** 2)


def _absorber(torch: Any, u: Tensor, depth: float, fixed: float) -> Tensor:
    """The closed integral of the saturable absorber, by Newton; its derivative from the same equation."""
    total = depth + fixed

    class Solve(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, power: Tensor) -> Tensor:
            below = total + fixed * power
            log_t = torch.zeros_like(power)
            near = torch.finfo(power.dtype).eps ** 0.5  # the next step is the square of this one
            for _ in range(_ITERATIONS):
                passed = power * torch.expm1(log_t)
                bend = depth / fixed * torch.log1p(fixed * passed / below) if fixed > 0.0 else passed
                here = power * torch.exp(log_t)
                slope = 1.0 + depth * here / (total + fixed * here)
                step = (log_t + bend + total) / slope
                log_t = log_t - step
                if float((step / (1.0 + log_t.abs())).abs().max()) < near:
                    break
            context.save_for_backward(power, log_t)
            return torch.exp(log_t)

        @staticmethod
        def backward(context: Any, *gradients: Tensor) -> Tensor:
            power, log_t = context.saved_tensors
            passed = torch.exp(log_t)
            by_power = depth * (passed / (total + fixed * power * passed) - 1.0 / (total + fixed * power))
            by_log = 1.0 + depth * power * passed / (total + fixed * power * passed)
            return gradients[0] * passed * (-by_power / by_log)

    return Solve.apply(u)


def optical_module(
    activation: OpticalActivation, *, encoding: str = "field", offset: float = 1.0, scale: float = 1.0
) -> nn.Module:
    """A layer without weights that does to a signal what the device does to light.

    Parameters
    ----------
    activation : OpticalActivation
        The device.
    encoding : str
        One of :data:`ENCODINGS`.
    offset : float
        Of ``power``: thresholds at no signal, ≥ 0.
    scale : float
        Signal that is one threshold (of amplitude with ``field``, of power with ``power``), above 0.

    Returns
    -------
    torch.nn.Module
        Keeps shapes. Nothing amplifies: what the device loses, the next weights have to make up for.

    Raises
    ------
    InputError
        An unknown encoding, an offset or scale outside its range.
    """
    torch = needed("torch")
    if encoding not in ENCODINGS:
        raise InputError(
            "no such encoding", key="encoding", given=encoding, allowed=ENCODINGS,
            nearest=nearest(encoding, ENCODINGS),
        )  # fmt: skip
    if not (math.isfinite(offset) and offset >= 0.0):
        raise InputError("not an offset", key="offset", given=offset, allowed="0 or more, finite")
    if not (math.isfinite(scale) and scale > 0.0):
        raise InputError("not a scale", key="scale", given=scale, allowed="above 0, finite")
    dark = float(activation.relative(offset))

    class Optical(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            signal = x / scale
            if encoding == "field":
                passed = relative_transmission(signal**2, activation)
                # the root has no derivative where nothing passes: a floor far below every signal
                return scale * signal * torch.sqrt(torch.clamp(passed, min=1e-12))
            power = torch.clamp(signal + offset, min=0.0)
            return scale * (power * relative_transmission(power, activation) - dark)

        def extra_repr(self) -> str:
            return f"{activation.id}, {encoding}"

    return Optical()

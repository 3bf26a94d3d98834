"""A language model in light: linear layers on meshes, rings and crossbars with their errors and their noise.

:func:`convert` replaces every linear layer of a model by a :class:`PhotonicLinear`. Its weights are those
that the hardware makes of the model's (phases off, rings that see other channels, few bits), inputs pass
converters, outputs carry shot noise at so many photons a multiply-accumulate and noise of the receiver, and
are converted after as many products as one detector adds. Embeddings, the head, norms and softmax stay
digital; so does attention, unless ``attention`` says ``photonic``.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.emulation.analog import DIGITAL, linear_layers, run_calibration
from gigawatt.emulation.analog_tile import best_range, convert_range, quantise
from gigawatt.technology.photonic.mesh import Flaws, decompose_real, flawed_matrix
from gigawatt.technology.photonic.products import dynamic, number
from gigawatt.technology.photonic.rings import drop
from gigawatt.technology.substrate import Substrate

__all__ = ["NOISY", "PhotonicLinear", "convert", "mesh_weights", "ring_weights"]

NOISY = True
"""Every run draws: shot noise, errors of phases."""

_EXACT = 8  # conversions of an output that are made one by one; the errors of more are drawn as their sum
_CHUNK = 1 << 20  # weights that are worked on at once


def mesh_weights(weight: Tensor, size: int, flaws: Flaws, rng: np.random.Generator) -> Tensor:
    """What meshes of ``size`` modes make of ``weight`` (out, in), block by block.

    Parameters
    ----------
    weight : tensor (out, in)
        Filled up with zeros to whole blocks.
    size : int
        Modes, ≥ 2.
    flaws : Flaws
        Of every mesh; drawn anew for each.
    rng : numpy Generator
        Of the draws.
    """
    rows, columns = weight.shape
    down, across = -(-rows // size), -(-columns // size)
    full = np.zeros((down * size, across * size), dtype=np.float32)
    full[:rows, :columns] = weight.numpy()
    blocks = full.reshape(down, size, across, size).swapaxes(1, 2).reshape(-1, size, size)
    step = max(1, _CHUNK // (size * size) // 2)
    made = np.empty_like(blocks)
    for start in range(0, len(blocks), step):
        some = blocks[start : start + step]
        made[start : start + step] = flawed_matrix(
            decompose_real(some), flaws, rng, exact=some if flaws.loss else None
        )
    full = made.reshape(down, across, size, size).swapaxes(1, 2).reshape(down * size, across * size)
    return torch.from_numpy(full[:rows, :columns].copy())


def ring_weights(
    normal: Tensor, *, channels: int, phase_error: float, crosstalk: float, generator: torch.Generator | None
) -> Tensor:
    """Weights of ring banks whose phases were set for ``normal`` (out, in), −1 to 1, with crosstalk known.

    Parameters
    ----------
    normal : tensor (out, in)
        Wanted.
    channels : int
        Wavelengths, and rings, of a bank.
    phase_error : float [rad]
        Spread of each ring's phase.
    crosstalk : float
        Share of what the other rings take from a channel, 0 to 1. It is measured at the first setting and
        divided out of a second; what is left of it is of second order.
    generator : torch.Generator, optional
        Of the phases' errors.
    """
    finesse = entity("photonic", "bank").value("finesse")
    rows, columns = normal.shape
    # a ring that is tuned further than half a spacing meets the next channel: that bounds the weights
    half = math.pi / channels
    least = float(drop(half, finesse=finesse))
    range_ = 2.0 * (1.0 - least) ** (2.0 if crosstalk else 1.0) - 1.0
    if range_ <= 0.0:
        raise InputError(
            "channels closer than a ring can tell apart",
            key="wavelengths",
            given=channels,
            allowed=f"fewer at a finesse of {finesse:g}",
        )
    padded = -(-columns // channels) * channels
    wanted = torch.zeros(rows, padded)
    wanted[:, :columns] = normal * range_
    banks = wanted.reshape(-1, channels)
    made = torch.empty_like(banks)
    step = max(1, _CHUNK // channels)
    for start in range(0, len(banks), step):
        want = banks[start : start + step]
        phase = _phase(want, finesse, half)
        if crosstalk:
            left = 1.0 - crosstalk * (1.0 - _others(phase, finesse))
            passed = (0.5 * (1.0 - want) / left).clamp(0.0, 1.0)
            phase = _phase(1.0 - 2.0 * passed, finesse, half)
        if phase_error:
            phase = phase + phase_error * torch.randn(phase.shape, generator=generator)
        left = 1.0 - crosstalk * (1.0 - _others(phase, finesse)) if crosstalk else torch.ones(())
        own = 1.0 / (1.0 + (phase * (finesse / math.pi)).square())
        made[start : start + step] = 1.0 - 2.0 * (1.0 - own) * left
    return made.reshape(rows, padded)[:, :columns] / range_


def _phase(weight: Tensor, finesse: float, most: float) -> Tensor:
    share = (0.5 * (weight + 1.0)).clamp(min=1.0 / (1.0 + (most * finesse / math.pi) ** 2))
    return (math.pi / finesse) * (1.0 / share - 1.0).clamp(min=0.0).sqrt()


def _others(phase: Tensor, finesse: float) -> Tensor:
    """What all rings but a channel's own let through of it."""
    count, scale = phase.shape[-1], finesse / math.pi
    left = torch.ones_like(phase)
    for away in range(1, count):
        # ring r = c + away, counted round: its resonance stands (r − c) spacings off
        seen = torch.roll(phase, -away, -1) - away * (2.0 * math.pi / count)
        seen = torch.remainder(seen + math.pi, 2.0 * math.pi) - math.pi
        left = left * (1.0 - 1.0 / (1.0 + (seen * scale).square()))
    return left


class PhotonicLinear(nn.Module):
    """A linear layer in light.

    Parameters
    ----------
    linear : nn.Linear
        Read, not changed. A bias is added digitally.
    substrate : Substrate
        Of technology ``photonic``.
    inputs : tensor (samples, in_features), optional
        Calibration: ranges of converters. Needed where bits or ``thermal_noise`` are not 0.
    generator : torch.Generator, optional
        Of every draw.

    Raises
    ------
    InputError
        A substrate of another technology; converters without inputs; inputs of another width.

    References
    ----------
    Hamerly et al. 2019, PRX 9, 021032 (noise of homodyne detection).
    """

    def __init__(
        self,
        linear: nn.Linear,
        substrate: Substrate,
        inputs: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        standing = dynamic(substrate)  # checks the technology, too
        self.substrate, self.generator = substrate, generator
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.design = substrate.word("design") or "mzi"
        self.dac_bits, self.adc_bits, self.weight_bits = (
            number(substrate, f"{name}_bits", ideal=True) for name in ("dac", "adc", "weight")
        )
        self.photons, self.thermal = number(substrate, "photons_per_mac"), number(substrate, "thermal_noise")
        waves, size = int(number(substrate, "wavelengths")), int(number(substrate, "size"))
        self.streams = standing and waves > 1
        reach = waves if self.streams or self.design == "ring" else size
        reach *= int(number(substrate, "cores"))
        self.parts = [(i, min(i + reach, self.in_features)) for i in range(0, self.in_features, reach)]
        bias: Tensor | None = linear.bias
        self.register_buffer("bias", None if bias is None else bias.detach().clone())
        weight = linear.weight.detach().to(torch.float32)
        made = self._made(weight, waves, size)
        self.weight_error = float((made - weight).norm() / weight.norm().clamp(min=1e-30))
        self.register_buffer("weights", made)
        self.register_buffer("norm", made.norm())
        top = made.abs().amax(
            1
        )  # each output has a scale of its own: its largest weight lets all light through
        self.register_buffer("top", torch.where(top > 0.0, top, torch.ones_like(top)))
        self.register_buffer("input_range", torch.tensor(1.0))
        self.register_buffer("output_range", torch.ones(self.out_features))
        needs = self.dac_bits > 0.0 or self.adc_bits > 0.0 or self.thermal > 0.0
        if inputs is not None and inputs.shape[-1] != self.in_features:
            raise InputError(
                "calibration inputs of another width",
                key="inputs",
                given=inputs.shape[-1],
                allowed=str(self.in_features),
            )
        if needs and inputs is None:
            raise InputError(
                "converters need ranges",
                key="inputs",
                allowed="calibration inputs, or dac_bits=adc_bits=thermal_noise=0",
            )
        if inputs is not None and inputs.numel():
            self._set_ranges(inputs.reshape(-1, self.in_features).to(torch.float32))

    def _made(self, weight: Tensor, waves: int, size: int) -> Tensor:
        """The weights that the hardware makes of ``weight``."""
        phase_error, crosstalk = (number(self.substrate, key) for key in ("phase_error", "crosstalk"))
        if self.design == "mzi":
            flaws = Flaws(
                phase_error=phase_error,
                loss=number(self.substrate, "loss"),
                crosstalk=crosstalk,
                bits=self.weight_bits,
            )
            if flaws == Flaws():
                return weight.clone()
            seed = int(torch.randint(2**62, (1,), generator=self.generator))
            return mesh_weights(weight, size, flaws, np.random.default_rng(seed))
        scale = weight.abs().amax(1, keepdim=True)
        scale = torch.where(scale > 0.0, scale, torch.ones_like(scale))
        normal = quantise(weight / scale, 1.0, self.weight_bits)
        if self.design == "ring":
            normal = ring_weights(
                normal,
                channels=waves,
                phase_error=phase_error,
                crosstalk=crosstalk,
                generator=self.generator,
            )
        elif phase_error > 0.0:  # two beams out of step by δ beat with cos δ; every crossing has its own
            off = torch.randn(size, waves, generator=self.generator) * phase_error
            rows = torch.arange(self.out_features) % size
            columns = torch.arange(self.in_features) % waves
            normal = normal * torch.cos(off)[rows][:, columns]
        return normal * scale

    def _set_ranges(self, x: Tensor) -> None:
        x = x / self._reach(x)
        self.input_range.fill_(best_range(x, self.dac_bits))
        x = quantise(x / self.input_range, 1.0, self.dac_bits)
        top = torch.zeros(self.out_features)
        for a, b in self.parts:
            top = torch.maximum(top, convert_range(x[:, a:b] @ self.weights[:, a:b].T, 1.0))
        self.output_range = top * entity("photonic", "receiver").value("headroom")

    def _reach(self, x: Tensor) -> Tensor:
        """The input that drives a modulator fully: a share of each vector's largest."""
        return x.detach().abs().amax(-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny) * self.input_range

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator, dtype=like.dtype)

    def shot(self, u: Tensor) -> Tensor:
        """Standard deviation of shot noise of each output, (…, 1) or (…, out), for driven inputs ``u``."""
        count = self.in_features * self.photons
        if self.design == "mzi" or self.streams:  # homodyne
            return self.norm * u.norm(dim=-1, keepdim=True) / math.sqrt(count * self.out_features)
        size = u.abs()
        if self.design == "ring":  # both ports are read: all light counts
            return size.sum(-1, keepdim=True) * self.top / math.sqrt(count)
        lit = size @ (self.weights.abs() / self.top[:, None]).T
        return (lit * lit.mean(-1, keepdim=True) / count).clamp(min=0.0).sqrt() * self.top

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, of the type of ``x``."""
        x32 = x.to(torch.float32)
        if self.dac_bits > 0.0 or self.adc_bits > 0.0 or self.thermal > 0.0:
            reach = self._reach(x32)
            u = quantise(x32 / reach, 1.0, self.dac_bits)
        else:
            reach, u = torch.ones(()), x32
        y = self._converted(u)
        if self.photons > 0.0:
            y = y + self.shot(u) * self._noise(y)
        y = y * reach
        if self.bias is not None:
            y = y + self.bias
        return y.to(x.dtype)

    def _converted(self, u: Tensor) -> Tensor:
        """The product with the noise of receivers and converters, part by part."""
        count = len(self.parts)
        if not (self.adc_bits > 0.0 or self.thermal > 0.0):
            return u @ self.weights.T
        if count > _EXACT:
            # rounding errors of many conversions add up to a normal one: step²/12 each
            step = 2.0 / (2.0**self.adc_bits - 2.0) if self.adc_bits > 0.0 else 0.0
            each = math.sqrt(step**2 / 12.0 + self.thermal**2)
            y = u @ self.weights.T
            return y + (each * math.sqrt(count)) * self.output_range * self._noise(y)
        total: Any = 0.0
        for a, b in self.parts:
            y = u[..., a:b] @ self.weights[:, a:b].T
            if self.thermal > 0.0:
                y = y + self.thermal * self.output_range * self._noise(y)
            total = total + quantise(y, self.output_range, self.adc_bits)
        return total

    def extra_repr(self) -> str:
        """What torch prints."""
        return f"{self.in_features}, {self.out_features}, {self.substrate.id}, parts={len(self.parts)}"


def convert(
    model: nn.Module,
    substrate: Substrate,
    calibration_inputs: Tensor | None = None,
    generator: torch.Generator | None = None,
    skip: Sequence[str] = DIGITAL,
) -> Mapping[str, float]:
    """Replace the linear layers of ``model`` in place by those of ``substrate``.

    Keywords of :func:`gigawatt.emulation.analog.convert`.

    Returns
    -------
    mapping
        ``tokens``, ``activation_zeros``, ``activation_crest``, ``weight_zeros``, ``weight_bits``,
        ``activation_bits``, ``cache_bits``, ``weight_error`` (‖made − wanted‖/‖wanted‖, of all layers), and
        by the token ``macs``, ``photons`` (detected), ``adc_conversions``.

    Raises
    ------
    InputError
        No linear layer; a substrate of another technology; converters without calibration inputs.
    """
    dynamic(substrate)
    found = list(linear_layers(model, skip))
    if not found:
        raise InputError("no linear layer", key="model", allowed="a model with nn.Linear layers")
    samples: Mapping[str, Tensor] = {}
    counted: dict[str, float] = {"tokens": 0.0, "activation_zeros": 0.0, "activation_crest": 1.0}
    if calibration_inputs is not None:
        samples, counted = run_calibration(model, calibration_inputs, skip)
    macs = conversions = zeros = wrong = power = 0.0
    for path, parent, name, layer in found:
        made = PhotonicLinear(layer, substrate, samples.get(path), generator)
        size = float(layer.weight.detach().square().sum())
        wrong, power = wrong + made.weight_error**2 * size, power + size
        zeros += float((layer.weight == 0.0).sum())
        macs += layer.weight.numel()
        conversions += layer.out_features * len(made.parts)
        setattr(parent, name, made)
    if substrate.word("attention") == "photonic":
        from gigawatt.emulation.photonic_attention import use_photonic_attention

        use_photonic_attention(model, substrate, generator)
    return {
        **counted,
        "weight_zeros": zeros / macs,
        "weight_bits": number(substrate, "weight_bits", ideal=True) or 32.0,
        "activation_bits": number(substrate, "dac_bits", ideal=True) or 32.0,
        "cache_bits": 16.0,
        "weight_error": math.sqrt(wrong / max(power, 1e-30)),
        "macs": macs,
        "photons": macs * number(substrate, "photons_per_mac"),
        "adc_conversions": conversions,
    }

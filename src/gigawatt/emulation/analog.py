"""A language model on analog tiles: linear layers are computed where their weights are stored.

:func:`convert` replaces every linear layer of a model by an :class:`AnalogLinear`: its weights are split over
tiles, written as pairs of conductances with the errors of the device, and read through converters. What stays
digital is what the field leaves there: embeddings, the output head, norms, softmax, the products of attention
and the cache (unless ``attention`` says ``gain-cell``).
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.emulation.analog_devices import Cell, load_cell, weights_at
from gigawatt.emulation.analog_tile import best_range, convert_range, quantise, tiles, wire_transfer
from gigawatt.technology.substrate import Substrate

__all__ = ["DIGITAL", "AnalogLinear", "convert", "linear_layers", "run_calibration"]

DIGITAL = ("lm_head", "embed", "score", "classifier")
"""Names of layers that stay digital."""

_KEPT = 256  # rows of calibration inputs that are kept of a layer
_DEFAULTS: dict[str, float] = {
    "tile_rows": 512.0,
    "tile_columns": 512.0,
    "dac_bits": 8.0,
    "adc_bits": 8.0,
    "input_noise": 0.0,
    "output_noise": 0.0,
    "programming_noise": 1.0,
    "read_noise": 1.0,
    "drift_time": 0.0,
    "ir_drop": 0.0,
    "stuck_share": 0.0,
    "slices": 1.0,
}


def _number(substrate: Substrate, key: str) -> float:
    return float(substrate.settings.get(key, _DEFAULTS[key]))


class AnalogLinear(nn.Module):
    """A linear layer on tiles.

    Each tile takes at most ``tile_rows`` inputs; every output has a scale of its own on each tile (its
    largest weight is the largest conductance), and the partial sums of tiles are added digitally after
    conversion. Several ``slices`` hold what the programming of those before them missed, so that the error
    falls with each (Song et al. 2024).

    Parameters
    ----------
    linear : nn.Linear
        Read, not changed. A bias is added digitally.
    substrate : Substrate
        Of technology ``analog``.
    inputs : tensor (samples, in_features), optional
        Calibration: ranges of both converters are chosen on it. Without it the largest input is 1 and the
        converters of the outputs span ``adc_bound`` (row ``periphery``).
    generator : torch.Generator, optional
        Of every draw, at programming and at each read.

    Raises
    ------
    InputError
        A substrate of another technology, or inputs of another width.

    References
    ----------
    Rasch et al. 2023, "Hardware-aware training for large-scale and diverse deep learning inference workloads
    using in-memory computing-based accelerators", Nature Communications 14, 5282. Song et al. 2024,
    "Programming memristor arrays with arbitrarily high precision for analog computing", Science 383, 903.
    """

    def __init__(
        self,
        linear: nn.Linear,
        substrate: Substrate,
        inputs: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        substrate.check_technology("analog")
        if inputs is not None and inputs.shape[-1] != linear.in_features:
            raise InputError(
                "calibration inputs of another width",
                key="inputs",
                given=inputs.shape[-1],
                allowed=str(linear.in_features),
            )
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.substrate, self.generator = substrate, generator
        self.cell: Cell = load_cell(substrate.word("device") or "pcm")
        self.dac_bits, self.adc_bits = _number(substrate, "dac_bits"), _number(substrate, "adc_bits")
        self.input_noise, self.output_noise = _number(substrate, "input_noise"), output_noise(substrate)
        self.read_noise = _number(substrate, "read_noise") * self.cell.get("read_noise")
        self.dynamic = substrate.word("input_range") != "static"
        self.slices = int(_number(substrate, "slices"))
        count = tiles(self.in_features, _number(substrate, "tile_rows"))
        size = -(-self.in_features // count)
        self.parts = [(i, min(i + size, self.in_features)) for i in range(0, self.in_features, size)]
        bias: Tensor | None = linear.bias
        bias = None if bias is None else bias.detach().clone()
        self.register_buffer("bias", bias)
        self.register_buffer("input_range", torch.tensor(1.0))
        self._write(linear.weight.detach().to(torch.float32))
        self._set_ranges(inputs)

    def _write(self, weight: Tensor) -> None:
        """Program ``weight`` (out, in): conductance differences, scales and noise weights by slice."""
        stored = torch.empty(self.slices, *weight.shape)
        scales = torch.empty(self.slices, len(self.parts), weight.shape[0])
        for part, (a, b) in enumerate(self.parts):
            rest = weight[:, a:b]
            for piece in range(self.slices):
                scale = rest.abs().amax(1)
                scale = torch.where(scale > 0.0, scale, torch.ones_like(scale))
                made, first = self._program(rest / scale[:, None])
                stored[piece, :, a:b], scales[piece, part] = made, scale
                rest = rest - first * scale[:, None]
        self.register_buffer("weights", stored)
        self.register_buffer("scales", scales)

    def _program(self, normal: Tensor) -> tuple[Tensor, Tensor]:
        """(difference of conductances as read, the same when programming ended), of weights within ±1."""
        substrate = self.substrate
        time = _number(substrate, "drift_time")
        plus, minus, plus_then, minus_then = weights_at(
            self.cell,
            normal,
            time=time,
            programming=_number(substrate, "programming_noise"),
            noise=_number(substrate, "read_noise"),
            stuck_share=_number(substrate, "stuck_share"),
            generator=self.generator,
        )
        made, first = plus - minus, plus_then - minus_then
        if time > 0.0 and substrate.word("compensation") == "global":
            now = float(made.abs().mean())
            if now > 0.0:
                made = made * (float(first.abs().mean()) / now)
        ratio = (
            _number(substrate, "ir_drop")
            * self.cell["conductance"]
            * entity("analog", "periphery").value("wire")
        )
        if ratio > 0.0:
            made = made * wire_transfer(plus + minus, ratio)
            first = first * wire_transfer(plus_then + minus_then, ratio)
        return made, first

    def _set_ranges(self, inputs: Tensor | None) -> None:
        bound = entity("analog", "periphery").value("adc_bound")
        self.register_buffer("output_range", torch.full_like(self.scales, bound))
        if inputs is None or inputs.numel() == 0:
            return
        x = inputs.reshape(-1, self.in_features).to(torch.float32)
        if self.dynamic:  # a share of the largest input of each vector
            x = x / self._reach(x)
        self.input_range.fill_(best_range(x, self.dac_bits))
        x = quantise(x / self.input_range, 1.0, self.dac_bits)
        headroom = entity("analog", "periphery").value("adc_headroom")
        for part, (a, b) in enumerate(self.parts):
            for piece in range(self.slices):
                found = convert_range(x[:, a:b] @ self.weights[piece, :, a:b].T, headroom)
                self.output_range[piece, part] = found

    def _reach(self, x: Tensor) -> Tensor:
        """The input that drives a row fully: fixed, or a share of each vector's largest."""
        if not self.dynamic:
            return self.input_range
        return x.detach().abs().amax(-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny) * self.input_range

    def matrix(self) -> Tensor:
        """The weights (out, in) that the tiles hold, without converters and noise of a read."""
        made = torch.zeros(self.out_features, self.in_features)
        for part, (a, b) in enumerate(self.parts):
            for piece in range(self.slices):
                made[:, a:b] += self.weights[piece, :, a:b] * self.scales[piece, part][:, None]
        return made

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator, dtype=like.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of the tiles, scaled and summed; of the type of ``x``."""
        x32 = x.to(torch.float32)
        reach = self._reach(x32)
        u = quantise(x32 / reach, 1.0, self.dac_bits)
        if self.input_noise > 0.0:
            u = u + self.input_noise * self._noise(u)
        total: Any = None
        for part, (a, b) in enumerate(self.parts):
            drive = u[..., a:b]
            for piece in range(self.slices):
                weight = self.weights[piece, :, a:b]
                y = drive @ weight.T
                if self.read_noise > 0.0:
                    y = y + self.read_noise * _root(drive.square() @ weight.abs().T) * self._noise(y)
                bound = self.output_range[piece, part]
                if self.output_noise > 0.0:
                    y = y + self.output_noise * bound * self._noise(y)
                y = quantise(y, bound, self.adc_bits) * self.scales[piece, part] * reach
                total = y if total is None else total + y
        if self.bias is not None:
            total = total + self.bias
        return total.to(x.dtype)

    def extra_repr(self) -> str:
        """What torch prints."""
        return f"{self.in_features}, {self.out_features}, {self.substrate.id}, tiles={len(self.parts)}"


def _root(x: Tensor) -> Tensor:
    """Square root whose gradient stays finite where nothing flows."""
    return x.clamp(min=1e-12).sqrt()


def output_noise(substrate: Substrate) -> float:
    """Noise of a conversion over its range [1]: the setting, and in the fast mode what one phase adds."""
    own = _number(substrate, "output_noise")
    if substrate.word("mode") == "fast":
        return float((own**2 + entity("analog", "periphery").value("fast_noise") ** 2) ** 0.5)
    return own


def linear_layers(
    model: nn.Module, skip: Sequence[str] = DIGITAL
) -> Iterator[tuple[str, nn.Module, str, nn.Linear]]:
    """(path, parent, name in the parent, layer) of every linear layer that goes onto tiles."""
    for path, parent in list(model.named_modules()):
        for name, child in list(parent.named_children()):
            whole = f"{path}.{name}" if path else name
            if type(child) is nn.Linear and not any(word in whole.split(".")[-1] for word in skip):
                yield whole, parent, name, child


@torch.no_grad()
def run_calibration(
    model: nn.Module, inputs: Tensor, skip: Sequence[str] = DIGITAL
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Run the digital model once: inputs of each linear layer (at most 256 rows), and what was counted.

    Parameters
    ----------
    model : nn.Module
        Called with ``inputs``.
    inputs : tensor
        Token ids (sequences, tokens), or whatever the model takes.
    skip : sequence of str
        Words in the names of layers that stay digital.

    Returns
    -------
    (samples, counted)
        Layer → tensor (rows, in_features); ``tokens``, ``activation_zeros``, ``activation_crest``.
    """
    samples: dict[str, list[Tensor]] = {}
    rows: dict[str, float] = {}
    seen: dict[str, float] = {"zeros": 0.0, "values": 0.0, "crest": 0.0, "calls": 0.0}
    each = max(1, _KEPT // max(1, inputs.shape[0]))

    def watch(path: str) -> Any:
        def hook(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            x = arguments[0].detach().reshape(-1, arguments[0].shape[-1]).to(torch.float32)
            rows[path] = rows.get(path, 0.0) + x.shape[0]
            seen["zeros"] += float((x == 0.0).sum())
            seen["values"] += x.numel()
            rms = x.square().mean(1).sqrt().clamp(min=torch.finfo(x.dtype).tiny)
            seen["crest"] += float((x.abs().amax(1) / rms).mean())
            seen["calls"] += 1.0
            samples.setdefault(path, []).append(x[:: max(1, x.shape[0] // each)][:each].clone())

        return hook

    handles = [
        layer.register_forward_pre_hook(watch(path)) for path, _, _, layer in linear_layers(model, skip)
    ]
    try:
        for one in inputs.split(1):  # one sequence at a time: logits of many are large
            model(one)
    finally:
        for handle in handles:
            handle.remove()
    if not seen["calls"]:
        raise InputError("no linear layer was reached", key="model", allowed="a model with nn.Linear layers")
    return {path: torch.cat(kept) for path, kept in samples.items()}, {
        "tokens": max(rows.values()),
        "activation_zeros": seen["zeros"] / seen["values"],
        "activation_crest": seen["crest"] / seen["calls"],
    }


def convert(
    model: nn.Module,
    substrate: Substrate,
    calibration_inputs: Tensor | None = None,
    generator: torch.Generator | None = None,
    skip: Sequence[str] = DIGITAL,
) -> Mapping[str, float]:
    """Replace the linear layers of ``model`` in place by tiles of ``substrate``.

    Parameters
    ----------
    model : nn.Module
        Any; layers of :data:`DIGITAL` stay.
    substrate : Substrate
        Of technology ``analog``.
    calibration_inputs : tensor, optional
        What the model is called with once, still digital; needed with converters (bits other than 0).
    generator : torch.Generator, optional
        Same generator, same chip.
    skip : sequence of str
        Words in the names of layers that stay digital.

    Returns
    -------
    mapping
        Statistics for the cost: ``tokens``, ``activation_zeros``, ``activation_crest``, ``weight_zeros``,
        ``weight_bits``, ``activation_bits``, ``cache_bits``, ``tile_utilisation``, and by the token
        ``tile_reads``, ``adc_conversions``, ``dac_conversions``, ``macs``.

    Raises
    ------
    InputError
        No linear layer, a substrate of another technology, converters without calibration inputs.
    """
    substrate.check_technology("analog")
    found = list(linear_layers(model, skip))
    if not found:
        raise InputError(
            "no linear layer to put on tiles", key="model", allowed="a model with nn.Linear layers"
        )
    if calibration_inputs is not None and calibration_inputs.numel() == 0:
        calibration_inputs = None
    converters = _number(substrate, "dac_bits") + _number(substrate, "adc_bits")
    if calibration_inputs is None and converters:
        raise InputError(
            "converters need ranges",
            key="calibration_inputs",
            allowed="inputs of the model, or dac_bits=adc_bits=0",
        )
    samples: Mapping[str, Tensor] = {}
    counted: dict[str, float] = {"tokens": 0.0, "activation_zeros": 0.0, "activation_crest": 1.0}
    if calibration_inputs is not None:
        samples, counted = run_calibration(model, calibration_inputs, skip)
    shapes: list[tuple[int, int]] = []
    zeros = weights = 0.0
    for path, parent, name, layer in found:
        zeros += float((layer.weight == 0.0).sum())
        weights += layer.weight.numel()
        shapes.append((layer.in_features, layer.out_features))
        setattr(parent, name, AnalogLinear(layer, substrate, samples.get(path), generator))
    if substrate.word("attention") == "gain-cell":
        from gigawatt.emulation.analog_attention import use_gain_cells

        use_gain_cells(model)
    return {**counted, "weight_zeros": zeros / weights, **count_reads(shapes, substrate)}


def count_reads(shapes: Sequence[tuple[int, int]], substrate: Substrate) -> dict[str, float]:
    """What one token takes on tiles, from the (inputs, outputs) of the layers.

    Returns
    -------
    dict
        ``tile_reads``, ``adc_conversions``, ``dac_conversions``, ``macs`` of a token (a read of two phases
        counts once: phases are the cost's), ``tile_utilisation`` (cells that hold a weight), and the bits.
    """
    rows, columns = _number(substrate, "tile_rows"), _number(substrate, "tile_columns")
    pieces = _number(substrate, "slices")
    reads = outputs = inputs = macs = 0.0
    for n, m in shapes:
        down, across = tiles(n, rows), tiles(m, columns)
        reads += down * across * pieces
        outputs += down * m * pieces
        inputs += across * n * pieces
        macs += float(n) * m
    return {
        "tile_reads": reads,
        "adc_conversions": outputs,
        "dac_conversions": inputs,
        "macs": macs,
        "tile_utilisation": macs * pieces / (reads * rows * columns),
        "weight_bits": entity("analog", substrate.word("device") or "pcm").value("weight_bits") * pieces,
        "activation_bits": _number(substrate, "dac_bits") or 32.0,
        "cache_bits": 16.0,
    }

"""Digital substrates: number formats of weights, inputs and cache, and what is left out of them.

A linear layer y = W x becomes Q(P(W S R)) · Q(T(Rᵀ S⁻¹ x)): inputs are scaled (S, SmoothQuant), rotated by a
block Hadamard matrix (R), cut at a threshold (T, TEAL) and rounded (Q); weights are pruned (P) and rounded. S
and R change nothing by themselves. Keys and values are rounded as they enter the cache. Products accumulate
in fp32.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError
from gigawatt.emulation.formats import hadamard, quantise, rotate
from gigawatt.emulation.gptq import gptq
from gigawatt.emulation.layers import Counted, SharedInput, linear_layers, replace_layer, watch_inputs
from gigawatt.emulation.sparsity import mask_of, threshold
from gigawatt.technology.digital.formats import SETTINGS
from gigawatt.technology.substrate import Substrate, check_settings
from gigawatt.workload.formats import stored_bits

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

__all__ = ["NOISY", "SETTINGS", "Counter", "convert", "needs_calibration"]

NOISY = False
"""Whether two runs with different seeds differ."""

_ATTENTION = "gigawatt_rounded_cache"
_KEPT_INPUTS = 512  # calibration tokens of a layer whose magnitudes are sorted for a threshold


class Counter(Counted):
    """What the run counted, as :data:`~gigawatt.technology.substrate.Statistics`.

    Means over layers are weighted by their multiply-accumulates. ``activation_crest`` is the largest of a
    token's inputs over their root mean square, before rounding; ``activation_zeros`` are counted after it.
    ``weight_bits`` are those of a stored weight with its part of the scales; what sparsity saves is not in
    it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._work = self._zeros = self._crest = 0.0
        self._tokens = 0.0

    def count_tokens(self, tokens: int) -> None:
        """Tokens that passed the model."""
        self._tokens += tokens

    def count(self, work: float, zeros: float, crest: float) -> None:
        """One pass of a layer: its multiply-accumulates, share of zero inputs, mean crest factor."""
        self._work += work
        self._zeros += work * zeros
        self._crest += work * crest

    def totals(self) -> dict[str, float]:
        """Means over the layers."""
        work = max(self._work, 1.0)
        return {
            "tokens": self._tokens,
            "activation_zeros": self._zeros / work,
            "activation_crest": self._crest / work,
        }


def _layer_class() -> type[nn.Module]:
    """The replacement of a linear layer; made when torch is there."""
    import torch
    from torch import nn

    class RoundedLinear(nn.Module):
        """A linear layer whose weight and inputs are those of a digital substrate."""

        def __init__(self, linear: nn.Linear, counter: Counter, shared: SharedInput) -> None:
            super().__init__()
            self.weight = nn.Parameter(linear.weight.detach().clone(), requires_grad=False)
            self.bias = linear.bias
            self.counter, self.shared = counter, shared
            self.smooth: Tensor | None = None
            self.matrix: Tensor | None = None
            self.cut: Tensor | None = None
            self.form, self.group = "fp32", "block"
            self.counting = False

        def transform(self, x: Tensor) -> Tensor:
            """Scaled and rotated, not yet rounded."""
            if self.smooth is not None:
                x = x / self.smooth
            return x if self.matrix is None else rotate(x, self.matrix)

        def _enter(self, x: Tensor) -> tuple[Tensor, float, float]:
            made = self.transform(x)
            if not self.counting:
                return made, 0.0, 0.0
            crest = float((made.abs().amax(-1) / made.square().mean(-1).sqrt().clamp(min=1e-30)).mean())
            if self.cut is not None:
                made = torch.where(made.abs() < self.cut, torch.zeros_like(made), made)
            made = quantise(made, self.form, self.group)
            return made, float((made == 0.0).float().mean()), crest

        def forward(self, x: Tensor) -> Tensor:
            key = (id(self.smooth), self.cut, self.form, self.group, self.counting)
            if self.shared.source is not x or self.shared.key != key or self.shared.made is None:
                self.shared.source, self.shared.key = x, key
                self.shared.made = self._enter(x)
            made, zeros, crest = self.shared.made
            if self.counting:
                work = float(self.weight.numel()) * x.shape[:-1].numel()
                self.counter.count(work, zeros, crest)
            return nn.functional.linear(made, self.weight, self.bias)

    return RoundedLinear


def needs_calibration(substrate: Substrate) -> bool:
    """Whether some inputs of training text are needed before the model can be converted."""
    s = substrate.settings
    asked = str(s.get("sparsity", "none"))
    return (
        str(s.get("rounding", "nearest")) == "gptq"
        or float(s.get("smooth", 0.0)) > 0.0
        or asked == "teal"
        or asked.endswith("wanda")
    )


def convert(model: Any, substrate: Substrate, calibration_inputs: Tensor, generator: Generator) -> Counter:
    """Replace the linear layers of a model by those of a digital substrate, in place.

    Parameters
    ----------
    model : torch.nn.Module
        A causal language model of transformers; embeddings and the output head stay as they are.
    substrate : Substrate
        Of technology ``digital``.
    calibration_inputs : tensor (n, tokens) of int
        Windows of training text; read where :func:`needs_calibration`.
    generator : torch.Generator
        Not used: nothing here is drawn.

    Returns
    -------
    Counter
        Fills itself while the model runs.

    Raises
    ------
    InputError
        A format, group, method or size that does not fit; no calibration inputs where they are needed.

    References
    ----------
    Xiao et al. 2023, "SmoothQuant", arXiv:2211.10438 (S); Ashkboos et al. 2024, arXiv:2404.00456 (R); the
    modules ``formats``, ``gptq`` and ``sparsity`` (Q, P, T).
    """
    import torch

    s = substrate.settings
    weights, group = str(s.get("weights", "fp32")), str(s.get("weight_group", "block"))
    method, keep = str(s.get("sparsity", "none")), float(s.get("keep", 1.0))
    rounding, alpha = str(s.get("rounding", "nearest")), float(s.get("smooth", 0.0))
    block = round(float(s.get("rotate", 0.0)))
    check_settings(substrate, SETTINGS, whole=True)
    if needs_calibration(substrate) and not len(calibration_inputs):
        raise InputError(
            "needs inputs of calibration", key="calibration", given=0, allowed="a window or more"
        )
    counter, shared, kind = Counter(), SharedInput(), _layer_class()
    layers: dict[str, Any] = {}
    for name, linear in linear_layers(model):
        layers[name] = kind(linear, counter, shared)
        replace_layer(model, name, layers[name])
    if alpha > 0.0:
        _smooth(model, layers, calibration_inputs, alpha)
    if block:
        matrix = hadamard(block)
        for layer in layers.values():
            layer.matrix = matrix
            layer.weight.data = rotate(layer.weight.data, matrix)
    seen = _Seen(rounding == "gptq", method.endswith("wanda"), method == "teal")
    if seen.anything:
        watch_inputs(
            model, layers, calibration_inputs, lambda name, x: seen.see(name, layers[name].transform(x))
        )
    zeros = bits = total = 0.0
    with torch.no_grad():
        for name, layer in layers.items():
            w = layer.weight.data
            mask = mask_of(method, w, keep, seen.norms(name))
            if rounding == "gptq":
                w = gptq(w, seen.hessians.pop(name), weights, group, mask)
            else:
                w = quantise(w if mask is None else w * mask, weights, group)
            layer.weight.data = w
            layer.cut = threshold(torch.cat(seen.sizes.pop(name)), keep) if method == "teal" else None
            layer.form, layer.group = (
                str(s.get("activations", "fp32")),
                str(s.get("activation_group", "block")),
            )
            layer.counting = True
            zeros += float((w == 0.0).sum())
            bits += w.numel() * stored_bits(weights, group, width=w.shape[1], rows=w.shape[0])
            total += w.numel()
    counter.fixed = {
        "weight_zeros": zeros / total,
        "weight_bits": bits / total,
        "activation_bits": _activation_bits(layers),
        "cache_bits": _round_cache(model, str(s.get("cache", "fp32")), str(s.get("cache_group", "block"))),
        "tile_utilisation": 1.0,
    }
    model.register_forward_pre_hook(
        lambda _, args, kwargs: counter.count_tokens((args[0] if args else kwargs["input_ids"]).numel()),
        with_kwargs=True,
    )
    return counter


class _Seen:
    """What calibration saw of each layer's inputs: sums of x xᵀ, of squares, and samples of |x|."""

    def __init__(self, hessian: bool, norm: bool, size: bool) -> None:
        self._want = (hessian, norm, size)
        self.hessians: dict[str, Tensor] = {}
        self.squares: dict[str, Tensor] = {}
        self.sizes: dict[str, list[Tensor]] = {}

    @property
    def anything(self) -> bool:
        return any(self._want)

    def see(self, name: str, x: Tensor) -> None:
        hessian, norm, size = self._want
        if hessian:
            self.hessians[name] = self.hessians.get(name, 0.0) + x.t() @ x
        if norm:
            self.squares[name] = self.squares.get(name, 0.0) + x.square().sum(0)
        if size:
            found = self.sizes.setdefault(name, [])
            if sum(len(one) for one in found) < _KEPT_INPUTS:
                found.append(x[:: max(1, len(x) // 64)].abs())

    def norms(self, name: str) -> Tensor | None:
        found = self.squares.pop(name, None)
        return None if found is None else found.sqrt()


def _smooth(model: Any, layers: dict[str, Any], windows: Tensor, alpha: float) -> None:
    """Scales s = max|x|^α / max|w|^(1−α) of each input; layers with the same input share them."""
    import torch

    largest: dict[str, Tensor] = {}
    group_of: dict[str, str] = {}
    last: list[Any] = ["", None]

    def see(name: str, x: Tensor) -> None:
        if last[1] is None or last[1].data_ptr() != x.data_ptr() or last[1].shape != x.shape:
            last[:] = [name, x]
        group_of[name] = last[0]
        largest[name] = torch.maximum(largest.get(name, x.new_zeros(())), x.abs().amax(0))

    watch_inputs(model, layers, windows, see)
    for leader in set(group_of.values()):
        names = [name for name, group in group_of.items() if group == leader]
        inputs = torch.stack([largest[name] for name in names]).amax(0).clamp(min=1e-5)
        rows = torch.cat([layers[name].weight.data for name in names]).abs().amax(0).clamp(min=1e-5)
        scale = (inputs**alpha / rows ** (1.0 - alpha)).clamp(min=1e-5)
        for name in names:
            layers[name].smooth = scale
            layers[name].weight.data = layers[name].weight.data * scale


def _activation_bits(layers: dict[str, Any]) -> float:
    """Mean over inputs of layers; the scale of a whole tensor, shared by many tokens, counts nothing."""
    total = sum(layer.weight.shape[1] for layer in layers.values())
    return (
        sum(
            layer.weight.shape[1]
            * stored_bits(layer.form, layer.group, width=layer.weight.shape[1], rows=math.inf)
            for layer in layers.values()
        )
        / total
    )


def _round_cache(model: Any, form: str, group: str) -> float:
    """Round keys (after their positions) and values of every attention; gives the bits of a number."""
    config = model.config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    bits = stored_bits(form, "token" if group == "channel" else group, width=width, rows=math.inf)
    if form == "fp32":
        return float(bits)
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    plain = ALL_ATTENTION_FUNCTIONS["sdpa"]

    def attention(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **more: Any) -> Any:
        form, group = module.gigawatt_cache
        key = quantise(key, form, group, dim=-2 if group == "channel" else -1)
        return plain(module, query, key, quantise(value, form, group), mask, **more)

    ALL_ATTENTION_FUNCTIONS.register(_ATTENTION, attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(_ATTENTION, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    for module in model.modules():
        if type(module).__name__.endswith("Attention"):
            module.gigawatt_cache = (form, group)
    model.set_attn_implementation(_ATTENTION)
    return float(bits)

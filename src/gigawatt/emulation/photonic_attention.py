"""Attention on a crossbar that is modulated on both sides: scores and values as products of two streams."""

# pyright: reportMissingImports=false
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.emulation.analog_tile import quantise
from gigawatt.technology.photonic.products import dynamic, number
from gigawatt.technology.substrate import Substrate

__all__ = ["photonic_attention", "use_photonic_attention"]

_NAME = "gigawatt_photonic"


def _rounded(x: Tensor, bits: float) -> Tensor:
    """Each vector (last dimension) to ``bits`` over its own largest."""
    return quantise(x, x.abs().amax(-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny), bits)


def photonic_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    substrate: Substrate,
    generator: torch.Generator | None = None,
    scale: float | None = None,
) -> Tensor:
    """Causal attention (batch, heads, tokens, width) with both products in light; softmax is digital.

    Queries, keys, values and attention weights are rounded to the bits of their converters, scores and sums
    carry shot noise of homodyne detection, and both are rounded to ``adc_bits``. Each rounding is over the
    largest of its vector.

    Parameters
    ----------
    query, key, value : tensor (batch, heads, tokens, width)
        Of one sequence from its first token; keys and values may have fewer heads that divide the queries'.
    substrate : Substrate
        A crossbar.
    generator : torch.Generator, optional
        Of the noise.
    scale : float, optional
        Of scores; 1/√width by default.

    Raises
    ------
    InputError
        A design whose weights stand; heads that do not divide.

    References
    ----------
    Zhu et al. 2024, "Lightening-Transformer", HPCA (arXiv:2305.19533).
    """
    if not dynamic(substrate):
        raise InputError(
            "weights of this design stand: it cannot multiply two activations",
            key="attention",
            given=substrate.word("design"),
            allowed="design=crossbar",
        )
    groups, rest = divmod(query.shape[1], key.shape[1])
    if rest:
        raise InputError(
            "heads do not divide", key="heads", given=query.shape[1], allowed=f"times {key.shape[1]}"
        )
    dac, weight, adc = (number(substrate, f"{name}_bits", ideal=True) for name in ("dac", "weight", "adc"))
    photons, tokens, width = number(substrate, "photons_per_mac"), query.shape[-2], query.shape[-1]

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    q = _rounded(query, dac)
    k, v = (_rounded(x, weight).repeat_interleave(groups, 1) for x in (key, value))
    scores = q @ k.transpose(-1, -2)
    if photons > 0.0:
        size = q.norm(dim=-1)[..., :, None] * k.norm(dim=-1)[..., None, :]
        scores = scores + size / math.sqrt(width * photons) * noise(scores)
    later = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
    scores = _rounded(scores.masked_fill(later, 0.0), adc)
    scores = scores * (1.0 / math.sqrt(width) if scale is None else scale)
    shares = _rounded(scores.masked_fill(later, -math.inf).softmax(-1), dac)
    found = shares @ v
    if photons > 0.0:
        seen = torch.arange(1, tokens + 1, dtype=found.dtype)[:, None]
        power = v.square().cumsum(-2).sqrt()  # of the values that a query may see
        found = found + shares.norm(dim=-1, keepdim=True) * power / (seen * photons).sqrt() * noise(found)
    return _rounded(found, adc)


def use_photonic_attention(
    model: nn.Module, substrate: Substrate, generator: torch.Generator | None = None
) -> None:
    """Let a model of transformers compute its attention in light from now on.

    Parameters
    ----------
    model : nn.Module
        A causal model of transformers, called without a cache and without padding.
    substrate, generator
        As :func:`photonic_attention` takes them.

    Raises
    ------
    InputError
        A design whose weights stand.
    MissingDataError
        The model is not one of transformers'.
    """
    if not dynamic(substrate):
        raise InputError(
            "weights of this design stand: it cannot multiply two activations",
            key="attention",
            given=substrate.word("design"),
            allowed="design=crossbar, or attention=digital",
        )
    configuration: Any = getattr(model, "config", None)
    if configuration is None or not hasattr(configuration, "_attn_implementation"):
        raise MissingDataError(
            "attention in light needs a model of transformers", key="attention", allowed="attention=digital"
        )
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    def function(
        module: nn.Module, query: Tensor, key: Tensor, value: Tensor, *_: Any, **other: Any
    ) -> tuple[Tensor, None]:
        del module
        made = photonic_attention(query, key, value, substrate, generator, other.get("scaling"))
        return made.transpose(1, 2).contiguous(), None

    ALL_ATTENTION_FUNCTIONS.register(_NAME, function)
    configuration._attn_implementation = _NAME

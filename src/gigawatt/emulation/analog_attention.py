"""Attention on gain cells: keys and values as leaking charges, queries as pulses.

Keys and values are written once, in few levels, and decay while later tokens read them; what is older than
the window is gone. Softmax stays digital here: the published design replaces it by a clipped line, which
only a model that was trained for it survives.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.emulation.analog_devices import load_cell

__all__ = ["gain_cell_attention", "levels", "use_gain_cells"]

_NAME = "gigawatt_gain_cell"


def levels(x: Tensor, count: float) -> Tensor:
    """Round each vector (last dimension) to ``count`` even levels between its extremes ±max.

    Raises
    ------
    InputError
        Fewer than two levels.
    """
    if count < 2:
        raise InputError("too few levels", key="levels", given=count, allowed="2 or more")
    top = x.abs().amax(-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)
    steps = (count - 1.0) / 2.0
    # an even count has no level at zero: half-way steps
    shift = 0.5 if int(count) % 2 == 0 else 0.0
    made = (torch.round(x / top * steps - shift) + shift).clamp(-steps, steps)
    return made / steps * top


def gain_cell_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    token_time: float = 0.0,
    window: int | None = None,
    scale: float | None = None,
    retention: float | None = None,
    stored: float | None = None,
    pulsed: float | None = None,
) -> Tensor:
    """Causal attention (batch, heads, tokens, width) whose keys and values stand in gain cells.

    Parameters
    ----------
    query, key, value : tensor (batch, heads, tokens, width)
        Of one sequence from its first token; keys and values may have fewer heads that divide the queries'.
    token_time : float [s]
        Between two tokens, ≥ 0: a key of age a is read as e^(−a·token_time/τ) of what was written.
    window : int, optional
        Tokens that are kept, ≥ 1; all by default.
    scale : float, optional
        Of scores; 1/√width by default.
    retention, stored, pulsed : float, optional
        τ [s], levels of a cell, levels of a query; of the row ``gain-cell`` by default.

    Raises
    ------
    InputError
        A negative time, a window below 1, heads that do not divide.

    References
    ----------
    Leroux et al. 2025, "Analog in-memory computing attention mechanism for fast and energy-efficient large
    language models", Nature Computational Science 5, 813.
    """
    cell = load_cell("gain-cell")
    if token_time < 0.0:
        raise InputError("a negative time", key="token_time", given=token_time, allowed="0 s or more")
    tokens = query.shape[-2]
    kept = tokens if window is None else window
    if kept < 1:
        raise InputError("an empty window", key="window", given=kept, allowed="1 or more")
    groups, rest = divmod(query.shape[1], key.shape[1])
    if rest:
        raise InputError(
            "heads do not divide", key="heads", given=query.shape[1], allowed=f"times {key.shape[1]}"
        )
    levels_stored = cell["levels"] if stored is None else stored
    tau = cell["retention"] if retention is None else retention
    q = levels(query, cell["query_levels"] if pulsed is None else pulsed)
    k, v = (levels(x, levels_stored).repeat_interleave(groups, 1) for x in (key, value))
    place = torch.arange(tokens)
    old = (place[:, None] - place[None, :]).to(q.dtype)
    left = torch.exp(-old.clamp(min=0.0) * (token_time / tau))
    scores = (q @ k.transpose(-1, -2)) * left * (1.0 / math.sqrt(q.shape[-1]) if scale is None else scale)
    scores = scores.masked_fill((old < 0) | (old >= kept), -math.inf)
    return (scores.softmax(-1) * left) @ v


def use_gain_cells(model: nn.Module, *, token_time: float = 0.0, window: int | None = None) -> None:
    """Let a model of transformers compute its attention on gain cells from now on.

    Parameters
    ----------
    model : nn.Module
        A causal model of transformers, called without a cache and without padding.
    token_time, window : float [s], int
        As :func:`gain_cell_attention` takes them.

    Raises
    ------
    MissingDataError
        The model is not one of transformers'.
    """
    configuration: Any = getattr(model, "config", None)
    if configuration is None or not hasattr(configuration, "_attn_implementation"):
        raise MissingDataError(
            "attention on gain cells needs a model of transformers",
            key="attention",
            allowed="attention=digital",
        )
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    def function(
        module: nn.Module, query: Tensor, key: Tensor, value: Tensor, *_: Any, **other: Any
    ) -> tuple[Tensor, None]:
        del module
        made = gain_cell_attention(
            query, key, value, token_time=token_time, window=window, scale=other.get("scaling")
        )
        return made.transpose(1, 2).contiguous(), None

    ALL_ATTENTION_FUNCTIONS.register(_NAME, function)
    configuration._attn_implementation = _NAME

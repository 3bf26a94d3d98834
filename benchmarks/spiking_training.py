"""A small language model whose feed-forward layers spike, trained directly, beside its dense twin.

The layer is y = W₂ s with s the mean over T steps of the spikes of leaky integrate-and-fire neurons that W₁ x
drives as a constant current; its twin is y = W₂ max(W₁ x, 0). Both have the same weights to learn, the same
text in the same order and the same steps of training. The step of a spike has no gradient; the one of a fast
sigmoid stands in for it. Spikes are counted on held-out text: each is an addition of a column of W₂.

References
----------
Zenke and Ganguli 2018, "SuperSpike: Supervised learning in multilayer spiking neural networks", Neural
Computation 30, 1514; Neftci, Mostafa and Zenke 2019, "Surrogate gradient learning in spiking neural
networks", IEEE Signal Processing Magazine 36, 51.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.emulation.extra import needed
from gigawatt.emulation.text import Text
from language_training import SHAPE, initialise, train_steps, train_tokenizer

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["KINDS", "Trained", "feed_forward", "spike", "train_twins"]

KINDS = ("spiking", "relu", "swiglu")
"""Feed-forward layers: that of this file, its twin of the same shape, and the usual gated one of as many
weights."""


@dataclass(frozen=True)
class Trained:
    """One model after training.

    ``loss``: of the last tenth of training; ``held_out``: on text that was not trained on [nats a token].
    ``active``: share of inner neurons that sent anything on a token; ``spikes``: of a neuron and token (of
    dense twins: 1 for every number that is not zero). ``operations``, ``macs``: additions and dense products
    of the second matrix, a token and layer. ``parameters``, ``cpu_seconds``.
    """

    kind: str
    loss: float
    held_out: float
    active: float
    spikes: float
    operations: float
    macs: float
    parameters: int
    cpu_seconds: float


def _spike_class() -> Any:
    import torch

    class FastSigmoid(torch.autograd.Function):
        """1 where the membrane is above 0; the gradient is 1/(1 + slope |membrane|)²."""

        @staticmethod
        def forward(ctx: Any, above: Tensor, slope: float) -> Tensor:
            ctx.save_for_backward(above)
            ctx.slope = slope
            return (above > 0.0).to(above.dtype)

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
            (above,) = ctx.saved_tensors
            return grad / (1.0 + ctx.slope * above.abs()).square(), None

    return FastSigmoid


def spike(above: Tensor, slope: float) -> Tensor:
    """1 where ``above`` > 0, else 0; with the gradient of a fast sigmoid of that ``slope``."""
    return _spike_class().apply(above, slope)


def feed_forward(kind: str, hidden: int, wide: int, steps: int = 4) -> nn.Module:
    """A feed-forward layer of ``hidden`` inputs with ``up_proj`` and ``down_proj`` (and ``gate_proj``).

    Parameters
    ----------
    kind : str
        Of :data:`KINDS`.
    hidden, wide : int
        Inputs and inner neurons; the gated layer takes 2/3 of ``wide``.
    steps : int
        Of the spiking neurons.

    Raises
    ------
    InputError
        Another kind; no step.
    """
    import torch
    from torch import nn

    if kind not in KINDS:
        raise InputError("no such layer", key="kind", given=kind, allowed=KINDS)
    if steps < 1:
        raise InputError("too few", key="steps", given=steps, allowed="1 or more")
    row = entity("neuromorphic", "training")
    leak, slope = row.value("leak"), row.value("slope")
    sigmoid = _spike_class()

    class FeedForward(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inner = wide if kind != "swiglu" else wide * 2 // 3
            self.up_proj = nn.Linear(hidden, inner, bias=False)
            self.down_proj = nn.Linear(inner, hidden, bias=False)
            if kind == "swiglu":
                self.gate_proj = nn.Linear(hidden, inner, bias=False)
            self.macs = float(inner * hidden)
            self.sent = self.active = self.seen = 0.0

        def _inner(self, x: Tensor) -> Tensor:
            current = self.up_proj(x)
            if kind == "relu":
                return torch.relu(current)
            if kind == "swiglu":
                return nn.functional.silu(self.gate_proj(x)) * current
            current = current.float()
            membrane, total = torch.zeros_like(current), torch.zeros_like(current)
            for _ in range(steps):
                membrane = leak * membrane + current
                fired = sigmoid.apply(membrane - 1.0, slope)
                membrane = membrane - fired
                total = total + fired
            return total / steps

        def forward(self, x: Tensor) -> Tensor:
            inner = self._inner(x)
            if not self.training:
                on = (inner != 0.0).float()
                self.sent += float(inner.sum() * steps if kind == "spiking" else on.sum())
                self.active += float(on.sum())
                self.seen += inner.numel()
            return self.down_proj(inner.to(x.dtype))

    return FeedForward()


def train_twins(
    text: Text,
    *,
    kinds: tuple[str, ...] = KINDS,
    steps: int = 4,
    epochs: float = 1.0,
    batch: int = 4,
    length: int = 512,
    rate: float = 3e-3,
    seed: int = 0,
    windows: int = 24,
    shape: dict[str, int] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> list[Trained]:
    """Train one model of each kind on the same windows in the same order, and judge all on held-out text.

    Parameters
    ----------
    text : Text
        Trained on its training part.
    kinds : tuple of str
        Of :data:`KINDS`.
    steps : int
        Of the spiking neurons.
    epochs, batch, length, rate, seed
        As of :func:`~language_training.train_small_model`.
    windows : int
        Of held-out text.
    shape : dict, optional
        Of :data:`~language_training.SHAPE`'s keys; ``intermediate_size`` is that of the gated layer,
        the others have half as many again, which makes as many weights.
    progress : callable, optional
        Called with words and the share done of a model.

    Raises
    ------
    MissingDataError
        The extra is not installed.
    InputError
        An unknown kind, or a text too short for a window.
    """
    torch = needed("torch")
    needed("transformers")
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {**SHAPE, **(shape or {})}
    tokenizer = train_tokenizer(text, sizes["vocab_size"])
    end = tokenizer.token_to_id("<end>")

    def encode(passages: tuple[str, ...]) -> Any:
        return np.concatenate([[*one.ids, end] for one in tokenizer.encode_batch(list(passages))])

    ids, held = encode(text.training), encode(text.held_out)
    starts = np.linspace(0, len(held) - length - 1, windows).astype(int)
    if len(held) <= length + 1 or len(ids) <= length + 1:
        most = f"below {len(held) - 1}"
        raise InputError("the text is too short", key="length", given=length, allowed=most)
    found: list[Trained] = []
    for kind in kinds:
        started = time.process_time()
        torch.manual_seed(seed)
        config = LlamaConfig(**sizes, tie_word_embeddings=True, bos_token_id=end, eos_token_id=end)
        model = LlamaForCausalLM(config)
        for layer in model.model.layers:
            layer.mlp = feed_forward(kind, sizes["hidden_size"], sizes["intermediate_size"] * 3 // 2, steps)
        initialise(model, sizes["hidden_size"], sizes["num_hidden_layers"])
        count = max(2, math.ceil(epochs * (len(ids) - 1) / (batch * length)))
        model.train()
        losses = train_steps(model, ids, count, seed, batch, length, rate, progress)
        model.eval()
        judged = []
        with torch.no_grad():
            for start in starts:
                window = torch.tensor(held[start : start + length + 1])[None]
                logits = model(input_ids=window[:, :-1]).logits
                judged.append(
                    float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten()))
                )
        layers = [layer.mlp for layer in model.model.layers]
        seen = sum(layer.seen for layer in layers)
        spikes = sum(layer.sent for layer in layers) / seen
        found.append(
            Trained(
                kind=kind,
                loss=float(np.mean(losses[-max(1, count // 10) :])),
                held_out=float(np.mean(judged)),
                active=sum(layer.active for layer in layers) / seen,
                spikes=spikes,
                operations=spikes * layers[0].macs,
                macs=layers[0].macs,
                parameters=sum(p.numel() for p in model.parameters()),
                cpu_seconds=time.process_time() - started,
            )
        )
    return found

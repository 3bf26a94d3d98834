"""Small language models trained from scratch with another activation in their feed-forward layers."""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.core.errors import InputError, nearest
from gigawatt.emulation.extra import needed
from gigawatt.emulation.text import Text
from gigawatt.technology.optical.activations import list_activations, load_activation
from language_training import train_tokenizer
from optical_activation import optical_module

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CONTROLS", "SHAPE", "Trained", "activation_layer", "prepare", "train_with"]

SHAPE: dict[str, int] = {
    "vocab_size": 512,
    "hidden_size": 96,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 128,
}
"""Of the models that are compared: 0.22 M parameters, tied embeddings, two matrices a feed-forward layer."""
CONTROLS = ("linear", "relu", "silu", "clipped")
"""Without optics: none, two usual ones, and light that cannot be negative but does nothing else."""
_OFFSET = 1.0


@dataclass(frozen=True)
class Trained:
    """One run.

    Attributes
    ----------
    loss : float
        On held-out text [nats a token].
    training_loss : float
        Mean of the last tenth of the steps.
    power_kept : float
        Mean square of what leaves the activations over that of what enters them, on held-out text.
    seconds : float
        Of one processor.
    """

    loss: float
    training_loss: float
    power_kept: float
    seconds: float


def activation_layer(name: str) -> nn.Module:
    """A control, or an optical activation of the catalog with encoding and scale behind colons.

    Parameters
    ----------
    name : str
        One of :data:`CONTROLS`, ``absorber-graphene``, ``kerr-silicon-phc:power``,
        ``electro-optic-integrated:field:2`` …; ``field`` and 1 if left out.

    Raises
    ------
    InputError
        No such activation or encoding, a scale that is not above 0.
    """
    torch = needed("torch")
    controls = {"linear": torch.nn.Identity, "relu": torch.nn.ReLU, "silu": torch.nn.SiLU}
    if name in controls:
        return controls[name]()
    if name == "clipped":

        class Clipped(torch.nn.Module):
            def forward(self, x: Any) -> Any:
                return torch.clamp(x + _OFFSET, min=0.0) - _OFFSET

        return Clipped()
    id, *options = name.split(":")
    known = list_activations()
    if id not in known:
        raise InputError(
            "no such activation", key="activation", given=id, allowed=[*CONTROLS, *known],
            nearest=nearest(id, [*CONTROLS, *known]),
        )  # fmt: skip
    try:
        scale = float(options[1]) if len(options) > 1 else 1.0
    except ValueError:
        raise InputError("not a scale", key="scale", given=options[1], allowed="above 0, finite") from None
    encoding = options[0] if options else "field"
    return optical_module(load_activation(id), encoding=encoding, offset=_OFFSET, scale=scale)


def prepare(text: Text, shape: dict[str, int] | None = None) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """(training tokens, held-out tokens, shape): a tokenizer trained on the training part and what it makes.

    Parameters
    ----------
    text : Text
        Its held-out part is only encoded.
    shape : dict, optional
        Of :data:`SHAPE`'s keys.

    Returns
    -------
    (array (n,), array (m,), dict)
    """
    sizes = {**SHAPE, **(shape or {})}
    tokenizer = train_tokenizer(text, sizes["vocab_size"])

    def ids(passages: tuple[str, ...]) -> np.ndarray:
        return np.concatenate([one.ids for one in tokenizer.encode_batch(list(passages))])

    return ids(text.training), ids(text.held_out), sizes


def train_with(
    name: str,
    tokens: tuple[np.ndarray, np.ndarray],
    sizes: dict[str, int],
    *,
    seed: int = 0,
    steps: int = 300,
    batch: int = 8,
    length: int = 128,
    rate: float = 4e-3,
    gated: bool = False,
    windows: int = 64,
    progress: Callable[[str, float], None] | None = None,
) -> Trained:
    """Train a small model with feed-forward layers down(activation(up(x))), and judge it on held-out text.

    All runs of a seed have the same initial weights, batches and steps; only the activation differs.

    Parameters
    ----------
    name : str
        Of :func:`activation_layer`.
    tokens : (array, array)
        Training and held-out tokens of :func:`prepare`.
    sizes : dict
        Of :func:`prepare`.
    seed, steps, batch, length : int
        Of weights and order; optimizer steps; windows a step; tokens a window.
    rate : float
        Peak rate of AdamW: rises over a twentieth of the steps, then a cosine to a tenth.
    gated : bool
        down(activation(gate(x))·up(x)) instead; the product is digital, optics has none.
    windows : int
        Held-out windows.
    progress : callable, optional
        Called with words and the share done.

    Raises
    ------
    InputError
        No such activation; a count below 1.
    MissingDataError
        The extra is not installed.

    References
    ----------
    Shazeer 2020, "GLU variants improve transformer", arXiv:2002.05202 (feed-forward layers with and without
    a gate).
    """
    torch = needed("torch")
    needed("transformers")
    from transformers import LlamaConfig, LlamaForCausalLM

    for key, count in (("steps", steps), ("batch", batch), ("length", length), ("windows", windows)):
        if count < 1:
            raise InputError("not a count", key=key, given=count, allowed="1 or more")
    started = time.process_time()
    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig(**sizes, tie_word_embeddings=True, bos_token_id=0, eos_token_id=0))
    seen = _replace(torch, model, name, gated, sizes)
    for key, weight in model.named_parameters():
        if weight.dim() == 2:
            spread = 0.02 if "embed" in key else weight.shape[1] ** -0.5
            if key.endswith(("o_proj.weight", "down.weight")):
                spread /= math.sqrt(2.0 * sizes["num_hidden_layers"])
            torch.nn.init.normal_(weight, std=spread)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.1)
    warm = max(1, steps // 20)
    rng = np.random.default_rng(seed)
    training, held = (np.asarray(part) for part in tokens)
    losses: list[float] = []

    def loss_of(starts: np.ndarray, source: np.ndarray) -> Any:
        cut = torch.tensor(np.stack([source[s : s + length + 1] for s in starts]))
        logits = model(input_ids=cut[:, :-1]).logits
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), cut[:, 1:].flatten())

    for step in range(steps):
        rising = (step + 1) / warm
        falling = 0.1 + 0.45 * (1.0 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))
        for group in optimizer.param_groups:
            group["lr"] = rate * (rising if step < warm else falling)
        loss = loss_of(rng.integers(0, len(training) - length - 1, batch), training)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        if progress is not None:
            progress(f"{name}, loss {losses[-1]:.3f}", (step + 1) / steps)
    for one in seen:
        one.entered = one.left = 0.0
    starts = np.linspace(0, len(held) - length - 2, windows).astype(int)
    with torch.no_grad():
        found = [float(loss_of(part, held)) for part in np.array_split(starts, math.ceil(windows / 16))]
    return Trained(
        float(np.mean(found)),
        float(np.mean(losses[-max(1, steps // 10) :])),
        sum(one.left for one in seen) / max(sum(one.entered for one in seen), 1e-30),
        time.process_time() - started,
    )


def _replace(torch: Any, model: Any, name: str, gated: bool, sizes: dict[str, int]) -> list[Any]:
    wide, inner = sizes["hidden_size"], sizes["intermediate_size"]

    class FeedForward(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = torch.nn.Linear(wide, inner, bias=False)
            self.gate = torch.nn.Linear(wide, inner, bias=False) if gated else None
            self.down = torch.nn.Linear(inner, wide, bias=False)
            self.act = activation_layer(name)
            self.entered = self.left = 0.0

        def forward(self, x: Any) -> Any:
            before = self.up(x) if self.gate is None else self.gate(x)
            after = self.act(before)
            if not torch.is_grad_enabled():
                self.entered += float((before**2).sum())
                self.left += float((after**2).sum())
            return self.down(after if self.gate is None else after * self.up(x))

    made: list[Any] = []
    for layer in model.model.layers:
        layer.mlp = FeedForward()
        made.append(layer.mlp)
    return made

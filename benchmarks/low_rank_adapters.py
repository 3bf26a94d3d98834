"""Noise-aware fine-tuning: low-rank adapters beside noisy tiles, trained while the tiles compute.

The tiles keep their weights; a digital product of two narrow matrices stands beside each. It starts as the
best correction of what programming missed, in the metric of the layer's own inputs, and is then trained on
text by gradients that pass through the tiles' outputs (converters by straight-through estimates). ``redraw``
trains for any chip (tiles are programmed anew every step); without it the loop runs on one chip, whose errors
were read.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gigawatt.core.errors import InputError
from gigawatt.emulation.analog import AnalogLinear

__all__ = ["Adapted", "LowRank", "adapt", "attach", "correction", "trainable"]

_RIDGE = 1e-3  # of the mean of the diagonal, added to second moments of inputs
_BETAS = (0.9, 0.95)
_CLIP = 1.0
_WARM_UP = 0.06  # share of the steps over which the rate rises; then a cosine to a tenth
_KEPT = 4096  # rows of inputs that second moments are taken of


class LowRank(nn.Module):
    """A layer with a low-rank digital path beside it: y = layer(x) + up·(down·x).

    Parameters
    ----------
    layer : nn.Module
        With ``in_features`` and ``out_features``; its own parameters stay.
    rank : int
        Width of the path, ≥ 1.
    """

    def __init__(self, layer: nn.Module, rank: int) -> None:
        super().__init__()
        n, m = int(layer.in_features), int(layer.out_features)  # type: ignore[arg-type]
        if not 1 <= rank <= min(n, m):
            raise InputError("not a rank of this layer", key="rank", given=rank, allowed=f"1 to {min(n, m)}")
        self.layer = layer
        self.in_features, self.out_features = n, m
        self.down = nn.Parameter(torch.empty(rank, n))
        self.up = nn.Parameter(torch.zeros(m, rank))
        nn.init.normal_(self.down, std=1.0 / math.sqrt(n))

    def forward(self, x: Tensor) -> Tensor:
        """The layer's outputs with the correction."""
        return self.layer(x) + (x @ self.down.T) @ self.up.T


def correction(error: Tensor, moment: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The matrix of ``rank`` that best takes ``error`` away from outputs: (up, down), error ≈ up·down.

    It minimises E‖(error − up·down)x‖² over inputs x of second moment ``moment``: the truncated singular
    value decomposition of error·moment^(1/2).

    Parameters
    ----------
    error : tensor (out, in)
        What the tile's weights lack.
    moment : tensor (in, in)
        E[x xᵀ]; a ridge of 10⁻³ of its mean diagonal is added.
    rank : int
        ≥ 1.

    Returns
    -------
    (up, down) : tensors (out, rank), (rank, in)

    References
    ----------
    Eckart and Young 1936; Zhang et al. 2024, "QERA: an analytical framework for quantization error
    reconstruction", arXiv:2410.06040.
    """
    n = moment.shape[0]
    mean = float(moment.diagonal().mean())
    values, vectors = torch.linalg.eigh(moment + torch.eye(n) * (_RIDGE * mean if mean > 0.0 else 1.0))
    root = vectors * values.clamp(min=0.0).sqrt()
    back = vectors / values.clamp(min=torch.finfo(values.dtype).tiny).sqrt()
    u, s, v = torch.linalg.svd(error @ root, full_matrices=False)
    return u[:, :rank] * s[:rank], v[:rank] @ back.T


def _analog(model: nn.Module) -> Iterator[tuple[str, nn.Module, str, AnalogLinear]]:
    for path, parent in list(model.named_modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, AnalogLinear):
                yield (f"{path}.{name}" if path else name), parent, name, child


def attach(
    model: nn.Module, digital: nn.Module, *, rank: int, inputs: Tensor | None = None
) -> dict[str, float]:
    """Put a :class:`LowRank` beside every analog layer of ``model``; freeze all else but norms.

    Parameters
    ----------
    model : nn.Module
        Converted by :func:`~gigawatt.emulation.analog.convert`; changed in place.
    digital : nn.Module
        The same model before: the weights that were meant.
    rank : int
        Of each path; cut to what a small layer has.
    inputs : tensor, optional
        Token ids: the digital model is run on them once, and every path starts as the best :func:`correction`
        of what its tile misses. Without it the paths start at zero.

    Returns
    -------
    dict
        ``adapter_weights``, ``adapter_share`` (over the weights on tiles), ``layers``.

    Raises
    ------
    InputError
        Nothing analog in ``model``.
    """
    moments = _moments(digital, inputs, {path for path, *_ in _analog(model)}) if inputs is not None else {}
    layers = dict(digital.named_modules())
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    added = held = count = 0.0
    for path, parent, name, child in list(_analog(model)):
        made = LowRank(child, min(rank, child.in_features, child.out_features))
        if path in moments:
            meant = layers[path].weight.detach().to(torch.float32)  # type: ignore[union-attr]
            up, down = correction(meant - child.matrix(), moments[path], made.down.shape[0])
            scale = (up.norm() / down.norm().clamp(min=1e-20)).sqrt().clamp(min=1e-20)
            made.up.data.copy_(up / scale)
            made.down.data.copy_(down * scale)
        setattr(parent, name, made)
        added += made.up.numel() + made.down.numel()
        held += child.in_features * child.out_features
        count += 1.0
    if not count:
        raise InputError("no analog layer", key="model", allowed="a model after convert")
    for module in model.modules():
        if "norm" in type(module).__name__.lower():
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(True)
    return {"adapter_weights": added, "adapter_share": added / held, "layers": count}


@torch.no_grad()
def _moments(model: nn.Module, inputs: Tensor, paths: set[str]) -> dict[str, Tensor]:
    """Second moments of the inputs of the layers at ``paths``, over at most 4,096 rows a run."""
    found: dict[str, Tensor] = {}
    rows: dict[str, int] = {}

    def watch(path: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            x = arguments[0].detach().reshape(-1, arguments[0].shape[-1]).to(torch.float32)[:_KEPT]
            found[path] = found.get(path, torch.zeros(x.shape[1], x.shape[1])) + x.T @ x
            rows[path] = rows.get(path, 0) + x.shape[0]

        return hook

    handles = [m.register_forward_pre_hook(watch(p)) for p, m in model.named_modules() if p in paths]
    try:
        for one in inputs:
            model(one[None])
    finally:
        for handle in handles:
            handle.remove()
    return {path: moment / rows[path] for path, moment in found.items()}


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """Parameters that training changes: paths and norms."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


@dataclass(frozen=True)
class Adapted:
    """How a training went.

    Attributes
    ----------
    losses : tuple of float
        By the step [nats a token].
    tokens : int
        Seen, counted as often as seen.
    cpu_seconds : float
        Processor time of this process.
    parameters : int
        That were trained.
    """

    losses: tuple[float, ...] = field(repr=False)
    tokens: int
    cpu_seconds: float
    parameters: int


def _loss(model: nn.Module, window: Tensor, *, half: bool) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        made = model(window)
    logits = getattr(made, "logits", made)
    return nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), window[:, 1:].flatten(), reduction="mean"
    )


def adapt(
    model: nn.Module,
    windows: Tensor,
    *,
    steps: int,
    batch: int = 1,
    rate: float = 5e-4,
    redraw: Callable[[], None] | None = None,
    half: bool = False,
    seconds: float = math.inf,
    generator: torch.Generator | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Adapted:
    """Train what :func:`attach` left trainable, to predict ``windows`` through the noisy tiles.

    AdamW without decay, gradients clipped to 1, a rate that rises over 6 % of the steps and falls as a cosine
    to a tenth.

    Parameters
    ----------
    model : nn.Module
        After :func:`attach`; takes token ids and returns logits, or an object with ``logits``.
    windows : tensor (windows, tokens)
        Token ids of the training text.
    steps, batch : int
        Steps, ≥ 1, and windows of each; drawn without return until all were seen.
    rate : float
        Largest rate, > 0.
    redraw : callable, optional
        Called before every step, to program the tiles anew.
    half : bool
        Multiply in bf16: quicker where the processor has it.
    seconds : float [s]
        Of processor time after which the rate is taken as at its end and training stops.
    generator : torch.Generator, optional
        Of the order of windows.
    progress : callable, optional
        Called with step and loss.

    Raises
    ------
    InputError
        No steps, no windows, nothing to train.

    References
    ----------
    Hu et al. 2021, "LoRA", arXiv:2106.09685; Joshi et al. 2020, Nature Communications 11, 2473 (training
    under noise); Wan et al. 2022, Nature 608, 504 (fine-tuning with the chip in the loop); Büchel et al.
    2025, "Analog foundation models", arXiv:2505.09663.
    """
    if steps < 1 or batch < 1 or rate <= 0.0:
        key, given = ("steps", steps) if steps < 1 else ("batch", batch) if batch < 1 else ("rate", rate)
        raise InputError("nothing to train with", key=key, given=given, allowed="above 0")
    if windows.ndim != 2 or windows.shape[0] < 1 or windows.shape[1] < 2:
        raise InputError(
            "not windows of token ids",
            key="windows",
            given=tuple(windows.shape),
            allowed="(windows, 2 or more)",
        )
    parameters = trainable(model)
    if not parameters:
        raise InputError("nothing to train", key="model", allowed="a model after attach")
    optimizer = torch.optim.AdamW(parameters, lr=rate, betas=_BETAS, weight_decay=0.0)
    started, found = time.process_time(), []
    order: list[int] = []
    share = 0.0
    for step in range(steps):
        if time.process_time() - started > seconds:
            break
        if redraw is not None:
            redraw()
        while len(order) < batch:
            order += torch.randperm(windows.shape[0], generator=generator).tolist()
        chosen, order = order[:batch], order[batch:]
        share = max((step + 1) / steps, min(1.0, (time.process_time() - started) / seconds))
        rise = min(1.0, (step + 1) / max(1.0, _WARM_UP * steps))
        for group in optimizer.param_groups:
            group["lr"] = rate * rise * (0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * share)))
        loss = _loss(model, windows[chosen], half=half)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, _CLIP)
        optimizer.step()
        found.append(float(loss.detach()))
        if progress is not None:
            progress(step, found[-1])
    return Adapted(
        tuple(found),
        len(found) * batch * windows.shape[1],
        time.process_time() - started,
        sum(p.numel() for p in parameters),
    )

"""Finding and replacing the linear layers of a language model, whatever carries them out."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Counted", "SharedInput", "linear_layers", "replace_layer", "unfold_transposed", "watch_inputs"]


class Counted(Mapping[str, float]):
    """What a run counts, as :data:`~gigawatt.technology.substrate.Statistics`.

    ``fixed`` is known before the run; :meth:`totals` is asked when a number is read.
    """

    def __init__(self) -> None:
        self.fixed: dict[str, float] = {}

    def totals(self) -> dict[str, float]:
        """Numbers of the run so far."""
        return {}

    def _all(self) -> dict[str, float]:
        return {**self.fixed, **self.totals()}

    def __getitem__(self, key: str) -> float:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class SharedInput:
    """The last input that was rounded or encoded: layers that share it (queries, keys, values) do so once."""

    def __init__(self) -> None:
        self.source: Tensor | None = None
        self.key: object = None
        self.made: Any = None


def unfold_transposed(model: nn.Module) -> None:
    """Replace layers that keep their weight transposed (GPT-2's ``Conv1D``) by linear ones, in place."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    for name, layer in list(model.named_modules()):
        if isinstance(layer, Conv1D):
            inputs, outputs = layer.weight.shape
            made = nn.Linear(inputs, outputs, bias=layer.bias is not None)
            made.weight.data = layer.weight.data.t().contiguous()
            if layer.bias is not None:
                made.bias.data = layer.bias.data.clone()
            replace_layer(model, name, made)


def linear_layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Names and linear layers of the blocks; embeddings and the output head stay as they are, as is usual.

    Raises
    ------
    InputError
        The model has none.
    """
    from torch import nn

    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    found = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and layer is not head
    ]
    if not found:
        raise InputError("the model has no linear layers", key="model", given=type(model).__name__)
    yield from found


def replace_layer(model: nn.Module, name: str, made: nn.Module) -> None:
    """Put ``made`` in the place of the layer called ``name``."""
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, made)


def watch_inputs(
    model: nn.Module,
    layers: dict[str, nn.Module],
    windows: Tensor,
    see: Callable[[str, Tensor], None],
) -> None:
    """Run ``windows`` (n, tokens) and show what enters each layer, (tokens, inputs), to ``see``."""
    import torch

    def hook(name: str) -> Callable[[Any, tuple[Tensor, ...]], None]:
        return lambda _, inputs: see(name, inputs[0].detach().reshape(-1, inputs[0].shape[-1]))

    handles = [layer.register_forward_pre_hook(hook(name)) for name, layer in layers.items()]
    try:
        with torch.no_grad():
            for window in windows:
                model(input_ids=window[None])
    finally:
        for handle in handles:
            handle.remove()

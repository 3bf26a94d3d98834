"""A language model on a hybrid machine: each group of layers by the functional face of its own substrate.

While one technology converts its layers, those of the others are hidden from it: a :class:`Hidden` layer
computes as before but is not found by a search for linear layers.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from gigawatt.core.errors import InputError
from gigawatt.emulation.layers import linear_layers, replace_layer
from gigawatt.technology.composition import parts
from gigawatt.technology.registry import registered
from gigawatt.technology.substrate import Substrate

__all__ = ["Hidden", "convert", "group_of_layer"]


class Hidden(nn.Module):
    """A layer that computes as it did, but is no submodule: searches for linear layers pass it by."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        object.__setattr__(self, "layer", layer)

    def forward(self, x: Tensor) -> Tensor:
        """What the layer gives."""
        return self.layer(x)


def group_of_layer(name: str) -> str:
    """The group of a linear layer by its name in transformers: ``model.layers.0.mlp.up_proj`` …

    Raises
    ------
    InputError
        A layer of no known part.
    """
    path = name.split(".")
    if "experts" in path:
        return "experts"
    if path[-1] in ("router", "gate"):
        return "gate"
    if any(part in ("mlp", "feed_forward", "shared_expert", "shared_experts") for part in path):
        return "feed_forward"
    if any("attn" in part or "attention" in part for part in path):
        return "projections"
    raise InputError(
        "this layer belongs to no group of a hybrid", key="model", given=name, allowed="attn, mlp, experts"
    )


def convert(
    model: nn.Module, substrate: Substrate, calibration_inputs: Tensor, generator: torch.Generator
) -> Callable[[], Mapping[str, float]]:
    """Put each group of layers on its substrate, in place.

    Parameters
    ----------
    model : nn.Module
        A causal language model of transformers.
    substrate : Substrate
        Of technology ``hybrid``.
    calibration_inputs : tensor (n, tokens) of int
        Windows of training text, for technologies that need them; earlier groups are already converted then.
    generator : torch.Generator
        Of every draw.

    Returns
    -------
    callable
        After the run: what each technology counted, as ``group.name``, and ``tokens``.

    Raises
    ------
    InputError
        A group without layers in this model, an unknown substrate, or what a technology refuses.
    """
    chosen = parts(substrate)
    cells = chosen.pop("attention", None)
    layers = {name: group_of_layer(name) for name, _ in linear_layers(model)}
    counted: dict[str, Any] = {}
    for group, part in chosen.items():
        mine = [name for name, its in layers.items() if its == group]
        if not mine:
            continue  # a dense model has no experts and no router
        hidden = _hide(model, [name for name in layers if name not in mine])
        if part.technology == "digital":  # keys and values are attention's, not of this group
            part = replace(part, settings={**part.settings, "cache": "fp32"})
        face = import_module(registered(part.technology).emulation)
        counted[group] = face.convert(model, part, calibration_inputs, generator)
        for name, layer in hidden.items():
            replace_layer(model, name, layer)
        layers = {name: its for name, its in layers.items() if its != group} | dict.fromkeys(mine, "")
    if cells is not None:
        _attention(model, cells)

    def statistics() -> Mapping[str, float]:
        found: dict[str, float] = {}
        for group, made in counted.items():
            filled: Any = made() if callable(made) else made
            found |= {f"{group}.{name}": float(filled[name]) for name in filled}
        return found

    return statistics


def _hide(model: nn.Module, names: list[str]) -> dict[str, nn.Module]:
    hidden = {name: model.get_submodule(name) for name in names}
    for name, layer in hidden.items():
        replace_layer(model, name, Hidden(layer))
    return hidden


def _attention(model: nn.Module, part: Substrate) -> None:
    if part.word("attention") != "gain-cell":
        raise InputError(
            "this substrate cannot multiply two activations",
            key="attention",
            given=part.id,
            allowed="gain-cell, digital",
        )
    from gigawatt.emulation.analog_attention import use_gain_cells

    use_gain_cells(model)

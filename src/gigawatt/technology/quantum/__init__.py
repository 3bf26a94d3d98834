"""Quantum computers: nothing of a transformer's step maps on them with gain."""

from __future__ import annotations

from gigawatt.technology.interface import Technology
from gigawatt.technology.operations import ELEMENTWISE, PRODUCTS

__all__ = ["TECHNOLOGY"]

_CLASSICAL = "element by element on classical numbers: nothing to superpose, and reading ends the state"
_LOADED = "product of two activations: both would be loaded for every token, and softmax read out"
_WEIGHTS = "product by weights: all N must be brought in for every token, which every known circuit pays for"

TECHNOLOGY = Technology(
    name="quantum",
    title="quantum computer",
    operations={},
    refusals={
        **dict.fromkeys((*PRODUCTS, "router", "head"), _WEIGHTS),
        **dict.fromkeys(("attention", "recurrence", "indexer"), _LOADED),
        **dict.fromkeys(ELEMENTWISE, _CLASSICAL),
        "softmax": "draws one token from classical numbers: a classical draw costs nothing",
    },
    cost="gigawatt.technology.quantum.model:Quantum",
    parts={"loading": "arithmetic"},
    settings="gigawatt.technology.quantum.loading:SETTINGS",
)
"""What a product would take is priced all the same, in the machine's favour."""

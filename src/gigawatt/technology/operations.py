"""Kinds of operations that a technology may support, and why a multiplier leaves each to its digital host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gigawatt.technology.substrate import Substrate
from gigawatt.workload.operations import Operation

__all__ = [
    "ELEMENTWISE",
    "ON_CHIP",
    "OPERATIONS",
    "PRODUCTS",
    "Support",
    "every",
    "operation_kind",
    "product_kind",
]

_RANKS = "ranks scores exactly and moves tokens: no product by stored weights"
_PAIR = "product of two activations: neither operand was written before the run"

OPERATIONS: Mapping[str, str] = {
    "projections": "product by weights around attention",
    "feed_forward": "product by weights of feed-forward layers",
    "experts": "product by weights of routed experts",
    "router": _RANKS,
    "head": "the run that measured quality left the head in digital",
    "attention": _PAIR,
    "recurrence": _PAIR,
    "indexer": _RANKS,
    "routing": _RANKS,
    "softmax": "softmax: element by element, no matrix product",
    "norm": "norm: element by element, no matrix product",
    "elementwise": "gate or position: element by element, no matrix product",
}
"""Kind → why what multiplies by stored weights leaves it to its host."""

PRODUCTS = ("projections", "feed_forward", "experts")
"""Products by weights inside of layers."""
ELEMENTWISE = ("routing", "softmax", "norm", "elementwise")
"""What moves bytes and multiplies no matrix."""

_ROUTED = ("router", "experts.permute", "indexer")


def operation_kind(operation: Operation) -> str:
    """The kind of an operation. Names are those of the workload room."""
    name, kind = operation.name, operation.kind
    routed = name.startswith(_ROUTED)
    if kind == "memory":
        if routed:
            return "routing"
        return "softmax" if "sample" in name else "norm" if "norm" in name else "elementwise"
    if routed:
        return "router" if name.startswith("router") else "indexer"
    if kind == "attention":
        return "attention" if name.startswith("attention") else "recurrence"
    return product_kind(name)


def product_kind(name: str) -> str:
    """The kind of a product by weights, by its name."""
    if name.startswith("head"):
        return "head"
    if name.startswith("experts"):
        return "experts"
    return "feed_forward" if name.startswith(("mlp", "shared")) else "projections"


@dataclass(frozen=True)
class Support:
    """How an operation is done (``how``, in words), where a substrate's ``settings`` are these words."""

    how: str
    settings: Mapping[str, str] = field(default_factory=lambda: {})

    def holds(self, substrate: Substrate) -> bool:
        """Whether a substrate's settings are those that this takes."""
        return all(substrate.word(key) == word for key, word in self.settings.items())


def every(kinds: Iterable[str], how: str) -> dict[str, Support]:
    """One way of doing several kinds of operations."""
    return dict.fromkeys(kinds, Support(how))


ON_CHIP: Mapping[str, Support] = {
    **every(OPERATIONS, "multiplied on the chip itself"),
    **every(("head", "router"), "on the same chip, kept in 16 bits"),
    **every(ELEMENTWISE, "element by element, on the same chip"),
}
"""What a whole digital machine does: everything."""

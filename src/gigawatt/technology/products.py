"""What a technology takes for one operation that runs on it, whoever asks: roll-up, hybrid machine, plan.

The cost face of a technology prices products by its own components; here they get the roll-up's names, and an
attention operation becomes its two products, or what the technology says of a whole head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from gigawatt.core.errors import MissingDataError
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.token import SYSTEM_SCOPE
from gigawatt.workload.operation import FORMAT_BYTES
from gigawatt.workload.operations import Array, Operation

__all__ = ["Product", "cost_module", "grouped", "product_of"]

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "converters": ("adc", "dac", "convert"),
    "laser": ("laser", "optical", "light"),
    "weights": ("weight", "program", "write"),
    "sram": ("sram", "buffer"),
}


_WIDE = 16.0


@dataclass(frozen=True)
class Product:
    """One launch on a substrate: joules by the roll-up's component and seconds, arrays over layouts."""

    energy: Mapping[str, Array]
    time: Array


def cost_module(technology: str) -> ModuleType:
    """The cost face of a technology: a module of this folder with ``cost`` and ``time``.

    Raises
    ------
    MissingDataError
        No such module, or one without a cost.
    """
    name = technology.replace("-", "_")
    try:
        found = import_module(f"gigawatt.technology.{name}")
    except ModuleNotFoundError:
        found = None
    if found is None or not (hasattr(found, "cost") and hasattr(found, "time")):
        raise MissingDataError(
            "no cost model for this compute technology yet",
            key="technology",
            given=technology,
            allowed="digital, or a technology with a module of costs",
        )
    return found


def grouped(energy: Mapping[str, Any]) -> dict[str, Array]:
    """A technology's own components under the roll-up's names."""
    found: dict[str, Array] = {}
    for name, value in energy.items():
        group = next((g for g, words in _GROUPS.items() if any(w in name.lower() for w in words)), None)
        key = group or (name if name in SYSTEM_SCOPE else "arithmetic")
        found[key] = found.get(key, np.zeros(())) + np.asarray(value, dtype=float)
    return found


def _attention_head(module: ModuleType) -> Callable[..., Any] | None:
    """What a technology says of one token through one head, writing of its key and value included."""
    name = f"{module.__name__}_write"
    return getattr(import_module(name), "attention_head", None) if find_spec(name) is not None else None


def product_of(
    operation: Operation,
    substrate: Substrate,
    statistics: Statistics | None = None,
    *,
    cache: tuple[Array, float] | None = None,
) -> Product:
    """What one launch of an operation takes on a substrate that it is placed on.

    Parameters
    ----------
    operation : Operation
        A product; of ``batch`` like ones each has silicon of its own, so that they run at once.
    substrate : Substrate
        Of a technology with a cost face.
    statistics : mapping, optional
        What a functional run of it counted.
    cache : tuple of (array, float), optional
        Elements of keys and values that an attention operation reads, and bits of each; what it reads in all,
        in 16 bits, where left out.

    Returns
    -------
    Product
        Joules of all ``batch`` products, seconds of one.

    Raises
    ------
    MissingDataError
        No cost model for the technology.
    """
    module, op, counted = cost_module(substrate.technology), operation, statistics or {}
    if op.kind == "attention" and hasattr(module, "attention"):  # both operands are sent in
        elements, bits = cache or (op.bytes_read / FORMAT_BYTES["bf16"], _WIDE)
        made = module.attention(
            substrate, m=op.m, n=op.n, k=op.k, batch=op.batch, cache=elements, cache_bits=bits
        )
        return Product(grouped(made.energy), np.asarray(made.time, dtype=float))
    if op.kind == "attention":
        head = _attention_head(module)
        if head is not None:
            made = head(window=op.n, width=op.k)
            factor = op.batch * op.m
            return Product({k: v * factor for k, v in grouped(made.energy).items()}, op.m * made.time)
        cells = {**substrate.settings, "device": substrate.word("attention")}
        substrate = replace(substrate, settings=cells)
    # of attention: the scores of all keys, then their values
    products = [(op.n, op.k), (op.k, op.n)] if op.kind == "attention" else [(op.n, op.k)]
    energy: dict[str, Array] = {}
    seconds: Array = np.zeros(())
    for n, k in products:
        sizes: dict[str, Any] = {"m": op.m, "n": n, "k": k, "statistics": counted}
        for name, value in grouped(module.cost(substrate, **sizes)).items():
            energy[name] = energy.get(name, np.zeros(())) + value * op.batch
        seconds = seconds + np.asarray(module.time(substrate, **sizes), dtype=float)
    return Product(energy, seconds)

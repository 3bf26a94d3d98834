"""What a replica keeps in memory: weights, adapters, keys, values and states; whether and how much fits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.serving.inference import Replica
from gigawatt.technology import technology
from gigawatt.workload.inference import kept_bytes, weight_bytes
from gigawatt.workload.served_adapters import adapter_bytes

__all__ = [
    "beside_cache",
    "cells_lacking",
    "check_fits",
    "holding",
    "kept",
    "load_time",
    "loaded_bytes",
    "room",
]

Array = NDArray[np.float64]

_HALVINGS, _ROUNDING = 50, 1e-9
"""Bisections until the number of sequences that fit beside their adapters is known, and what they leave."""


def loaded_bytes(r: Replica) -> Array:
    """Bytes of weights on each accelerator (L,), with the slots of adapters where they have some."""
    weights = weight_bytes(r.architecture, shares=r.shares, prediction=r.guesses > 0.0)
    if r.adapters is not None and r.adapters.slots is not None:
        each = adapter_bytes(r.architecture, r.adapters, tensor=r.shares.tensor)
        weights = weights + min(r.adapters.slots, r.adapters.number) * each
    return weights / r.pipeline


def beside_cache(r: Replica, sequences: ArrayLike) -> Array:
    """Bytes over all accelerators (L,) that adapters of ``sequences`` (L,) take of the room of keys and
    values: those of each attention group in its own memory; none where they have slots."""
    n = np.asarray(sequences, dtype=float)
    if r.adapters is None or r.adapters.slots is not None:
        return np.zeros_like(n)
    each = adapter_bytes(r.architecture, r.adapters, tensor=r.shares.tensor) * r.shares.tensor
    return r.adapters.distinct(n / r.shares.data) * each * r.shares.data


def load_time(r: Replica) -> Array:
    """Seconds in which an adapter comes from host memory, to all accelerators of a group at once (L,)."""
    if r.adapters is None:
        return np.zeros_like(r.pipeline)
    each = adapter_bytes(r.architecture, r.adapters, tensor=r.shares.tensor) / r.pipeline
    return each / r.adapters.bandwidth + r.adapters.latency


def room(r: Replica) -> Array:
    """Bytes over all accelerators of a replica (L,) that weights leave for keys, values and states, and for
    adapters that have no slots.

    Fewer than nought mean that the weights alone do not fit.
    """
    weights = loaded_bytes(r)
    found = (r.cluster.chip.memory_bytes * r.engine.usable - r.engine.reserve - weights) * r.chips
    return np.where(cells_lacking(r) > 0.0, -np.inf, found)


def cells_lacking(r: Replica) -> Array:
    """Silicon that an accelerator (L,) lacks for weights that stay written in it [m²]; else 0."""
    return technology(r.cluster.chip.technology).cells_lacking(r.cluster.chip, r.architecture, r.chips)


def kept(r: Replica, tokens: ArrayLike) -> Array:
    """Bytes over all accelerators of a replica (L,) that one sequence of ``tokens`` (L,) needs.

    Key-value heads that several tensor ranks repeat count for each of them.
    """
    return kept_bytes(r.architecture, tokens=tokens, shares=r.shares) * r.shares.tensor


def holding(r: Replica, tokens: ArrayLike) -> Array:
    """Sequences of ``tokens`` (L,) for which a replica has room; 0 where not even one fits."""
    one, space = np.maximum(kept(r, tokens), 1.0), np.maximum(room(r), 0.0)
    most = space / one
    if r.adapters is None or r.adapters.slots is not None:
        return np.floor(most)
    low = np.zeros_like(most)
    for _ in range(_HALVINGS):
        middle = (low + most) / 2.0
        fits = middle * one + beside_cache(r, middle) <= space
        low, most = np.where(fits, middle, low), np.where(fits, most, middle)
    return np.floor(low + _ROUNDING)


def check_fits(r: Replica) -> None:
    """Raise where a single replica's weights do not fit.

    Raises
    ------
    InputError
        Names what is there and what is needed.
    """
    chip = r.cluster.chip
    cells = float(np.max(cells_lacking(r)))
    if cells > 0.0:
        raise InputError(
            "the weights that stay written do not fit on the silicon for them",
            key="layout",
            given=f"{float(np.max(r.chips)):.0f} {chip.id}, each {cells * 1e6:,.0f} mm² short",
            allowed="more accelerators, or a machine that keeps fewer groups written",
        )
    if np.any(room(r) <= 0.0):
        weights = float(np.max(loaded_bytes(r)))
        usable = chip.memory_bytes * r.engine.usable - r.engine.reserve
        raise InputError(
            "the model does not fit",
            key="layout",
            given=f"{weights / 1e9:.1f} GB of weights on each of {float(np.max(r.chips)):.0f} {chip.id}",
            allowed=f"at most {usable / 1e9:.1f} GB; use more accelerators or narrower weights",
        )

"""How many keys a query of attention looks at: windows, chunks, an indexer's choice, compressed keys."""

from __future__ import annotations

import numpy as np

from gigawatt.workload.architecture import Attention
from gigawatt.workload.operation import Array

__all__ = ["reach", "score_pairs"]


def reach(a: Attention, seen: Array) -> Array:
    """Keys that a query with ``seen`` tokens behind it looks at."""
    near = seen
    for limit in (a.window, a.chunk):
        if limit is not None:
            near = np.minimum(near, float(limit))
    chosen = float(a.indexer.keys) if a.indexer is not None else np.inf
    if a.compression:
        return near + np.minimum(seen / a.compression, chosen)
    return np.minimum(near, chosen)


def score_pairs(a: Attention, chunk: Array, before: Array) -> Array:
    """(query, key) pairs of ``chunk`` queries behind ``before`` tokens: the mean of both ends' reach."""
    knee = np.clip(_knee(a) - before, 0.0, chunk)
    rising = knee * (reach(a, before) + reach(a, before + knee)) / 2.0
    flat = (chunk - knee) * (reach(a, before + knee) + reach(a, before + chunk)) / 2.0
    return rising + flat


def _knee(a: Attention) -> float:
    """Tokens behind a query from which on its reach stops growing one by one."""
    limits = [float(x) for x in (a.window, a.chunk) if x is not None]
    if a.indexer is not None and not a.compression:
        limits.append(float(a.indexer.keys))
    return min(limits, default=np.inf)

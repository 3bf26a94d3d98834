"""The adapters of a served model in an answer: how many run together, what they take, who waits for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Degrees, replica
from gigawatt.faces.figures.readable import with_unit
from gigawatt.machine import Cluster
from gigawatt.performance.serving.memory import beside_cache, load_time
from gigawatt.workload.served_adapters import adapter_bytes

__all__ = ["adapter_words", "adapters_answer"]


def adapters_answer(
    question: ServingQuestion, cluster: Cluster, degrees: Degrees, running: float
) -> dict[str, Any]:
    """``adapters`` of an answer with ``running`` requests in flight on a replica; empty without adapters."""
    a = question.adapters
    if a is None:
        return {}
    r = replica(question, cluster, degrees)
    groups = float(degrees.data[0])
    slots = {} if a.slots is None else {"slots": a.slots}
    size = float(adapter_bytes(question.architecture, a, tensor=1.0))
    # those without slots share the memory of keys and values; slots are set aside
    each = float(np.max(adapter_bytes(question.architecture, a, tensor=r.shares.tensor) / r.pipeline))
    taken = float(np.max(beside_cache(r, running) / r.chips)) if a.slots is None else each * a.slots
    return {
        "adapters": {
            "number": a.number, "rank": a.rank, "matrices": a.matrices, "zipf_exponent": a.exponent, **slots,
            "adapter_MB": size / 1e6,
            "running_distinct": float(a.distinct(running / groups)),
            "memory_GB_per_accelerator": taken / 1e9,
            "loaded_share": float(a.missing(running / groups)),
            "load_ms": 1e3 * float(np.max(load_time(r))),
        }
    }  # fmt: skip


def adapter_words(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The row of a summary, where there are adapters."""
    a = answer.get("adapters")
    if a is None:
        return []
    loaded = f"{100 * a['loaded_share']:.2g} % of requests load theirs in {with_unit(a['load_ms'], 'ms')}"
    return [(
        "adapters",
        f"{a['number']:,} of rank {a['rank']} ({a['matrices']}), {with_unit(a['adapter_MB'], 'MB')} each; "
        f"{a['running_distinct']:.3g} distinct run together, {loaded}",
    )]  # fmt: skip

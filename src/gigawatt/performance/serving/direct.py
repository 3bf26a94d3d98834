"""Reductions of small messages by kernels that read their neighbours' memory, as serving engines do them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog import table
from gigawatt.machine.machine import Link
from gigawatt.performance.collectives import Fabric, Traffic

__all__ = ["direct_latency", "direct_reduce"]


def direct_latency(link: Link) -> tuple[float, float] | None:
    """(seconds of a kernel that reads once, share of the link's rate it reaches), of the catalog's table;
    ``None`` where engines have no such kernel."""
    rows = table("links_direct")
    row = rows[link.id] if link.id in rows else rows["default"]
    latency = row.get("latency")
    return None if latency is None else (latency, row.value("efficiency"))


def direct_reduce(*, size: ArrayLike, ranks: ArrayLike, fabric: Fabric, other: Traffic) -> Traffic:
    """All-reduce of ``size`` bytes over ``ranks`` of one domain, or ``other`` where that is quicker.

    One pass: every rank reads the whole message of all others, (n − 1)·S. Two passes: a share of it from
    each, then the sums, 2·(n − 1)/n·S, with twice the latency.

    Parameters
    ----------
    size : array [B]
        The message.
    ranks : array
        n ≥ 1; a group that leaves the domain has ``other``.
    fabric : Fabric
        Whose inner link is used.
    other : Traffic
        What the library's collectives take.

    References
    ----------
    NVIDIA, TensorRT-LLM, custom all-reduce kernels (one-shot and two-shot); Shah et al. 2025,
    arXiv:2504.09014 (MSCCL++).
    """
    data, n = np.asarray(size, dtype=float), np.asarray(ranks, dtype=float)
    up = fabric.scale_up
    kernel = direct_latency(up)
    if kernel is None:
        return other
    latency, share = kernel
    rate = up.bandwidth * share
    once, twice = (n - 1.0) * data, 2.0 * (n - 1.0) / n * data
    single = once / rate + latency < twice / rate + 2.0 * latency
    sent = np.where(single, once, twice)
    waits = np.where(single, latency, 2.0 * latency)
    better = (n <= fabric.domain) & (sent / rate + waits < other.bandwidth + other.latency)
    return Traffic(
        np.where(better, sent / rate, other.bandwidth),
        np.where(better, waits, other.latency),
        np.where(better, sent, other.up_bytes),
        np.where(better, 0.0, other.out_bytes),
    )

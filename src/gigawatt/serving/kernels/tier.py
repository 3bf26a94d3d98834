"""Prefixes in slower tiers: which blocks of a prompt are loaded, when they are there, or that they are not.

The leading blocks that the replica's own cache lacks may lie in tiers below. Loaded are those down to the
tier with which the prompt is computed soonest: t(d) = max over tiers to d of (wait for the link +
bytes/bandwidth + latency) + the time in which the rest is computed alone. What is loaded stays in its tier.
"""

from __future__ import annotations

from typing import Any

from gigawatt.core.compiled import compiled
from gigawatt.serving.kernels.regulator import chunk_time
from gigawatt.serving.prefix import find, renew, tier_row

__all__ = ["choose", "fetch", "reach"]


@compiled
def reach(w: Any, r: int, i: int, start: int, most: int, deep: int) -> int:
    """The first block of request ``i`` from ``start`` on that neither the cache of the replica nor its first
    ``deep`` tiers hold, ``most`` at most; adds to what each tier is ``wanted`` for."""
    cfg, ent, whole = w.cfg[0], w.ent, w.whole
    first, own = cfg.names + w.req[i].first_block, cfg.buckets + r * (cfg.mask + 1)
    for b in range(start, most):
        name = whole[first + b]
        t = deep if find(ent, whole, own, cfg.mask, name) >= 0 else 0
        there = t == deep
        while t < deep and not there:
            low = w.low[tier_row(w, r, t)]
            if find(ent, whole, cfg.low_buckets + low.buckets, low.mask, name) >= 0:
                w.low[t * cfg.replicas + r].wanted += 1
                there = True
            t += 1
        if not there:
            return b
    return most


@compiled
def want_nothing(w: Any, r: int) -> None:
    """Nothing is wanted of the tiers of a replica."""
    for t in range(w.cfg[0].tiers):
        w.low[t * w.cfg[0].replicas + r].wanted = 0


@compiled
def loaded_at(w: Any, r: int, deep: int) -> float:
    """When what is wanted of the first ``deep`` tiers would be there."""
    cfg, now = w.cfg[0], w.rep[r].clock
    ready = now
    for t in range(deep):
        link = w.low[t * cfg.replicas + r]
        if link.wanted > 0:
            size = link.wanted * cfg.block_tokens * cfg.token_bytes
            ready = max(ready, max(now, link.free) + size / link.bandwidth + link.latency)
    return ready


@compiled
def computing(w: Any, total: int, done: int) -> float:
    """Time in which the rest of a prompt is computed alone, in chunks of the budget."""
    cfg, time = w.cfg[0], 0.0
    while done < total:
        chunk = min(float(total - done), cfg.budget)
        time += chunk_time(w.real, cfg, chunk, float(done))
        done += int(chunk)
    return time


@compiled
def choose(w: Any, r: int, i: int, hits: int, total: int) -> tuple[int, int]:
    """(tiers down to which blocks are loaded, leading blocks that need not be computed then)."""
    cfg = w.cfg[0]
    most = min(w.req[i].blocks, (total - 1) // cfg.block_tokens)
    deepest, ends = 0, hits
    if hits == most:
        return deepest, ends
    least, end = computing(w, total, hits * cfg.block_tokens), hits
    want_nothing(w, r)
    for deep in range(1, cfg.tiers + 1):
        before = end
        end = reach(w, r, i, before, most, deep)
        if end == before:
            continue
        time = loaded_at(w, r, deep) - w.rep[r].clock + computing(w, total, end * cfg.block_tokens)
        if time <= least:
            deepest, ends, least = deep, end, time
    return deepest, ends


@compiled
def fetch(w: Any, r: int, i: int, hits: int, end: int, deep: int, first_time: bool) -> float:
    """Load the blocks from ``hits`` to ``end`` of request ``i``; when they are there."""
    cfg, ent, whole, now = w.cfg[0], w.ent, w.whole, w.rep[r].clock
    first, own = cfg.names + w.req[i].first_block, cfg.buckets + r * (cfg.mask + 1)
    want_nothing(w, r)
    for b in range(end - 1, hits - 1, -1):
        name = whole[first + b]
        t = deep if find(ent, whole, own, cfg.mask, name) >= 0 else 0
        while t < deep:
            low = w.low[tier_row(w, r, t)]
            e = find(ent, whole, cfg.low_buckets + low.buckets, low.mask, name)
            if e >= 0:
                renew(ent, low, e)
                w.low[t * cfg.replicas + r].wanted += 1
                t = deep
            t += 1
    ready = loaded_at(w, r, deep)
    for t in range(deep):
        link = w.low[t * cfg.replicas + r]
        if link.wanted > 0:
            size = link.wanted * cfg.block_tokens * cfg.token_bytes
            link.free = max(now, link.free) + size / link.bandwidth
            link.loads += link.wanted
            link.hits += link.wanted if first_time else 0
    return ready

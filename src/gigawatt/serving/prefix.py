"""The prefix cache of a replica: blocks by identity, how many sequences hold each, the least recently used.

Entries lie in one array for all replicas, ``cfg.entries`` a replica, in chains by bucket; those that nobody
holds form a list from the least to the most recently used. Only they can be evicted.
"""

from __future__ import annotations

from typing import Any

from gigawatt.core.compiled import compiled

__all__ = ["evict", "find", "forget", "hold_leading", "insert", "leading", "let_go", "renew", "tier_row"]

NONE = -1


@compiled
def find(ent: Any, whole: Any, buckets: int, mask: int, name: int) -> int:
    """The entry of a block, -1 if it is not there; ``buckets``: where those of the replica begin."""
    e = whole[buckets + (name & mask)]
    while e >= 0 and ent[e].name != name:
        e = ent[e].chain
    return e


@compiled
def leading(w: Any, r: int, i: int, most: int) -> tuple[int, int]:
    """(leading blocks of request ``i`` that are there, ``most`` at most; how many of them nobody holds)."""
    cfg = w.cfg[0]
    first, buckets = cfg.names + w.req[i].first_block, cfg.buckets + r * (cfg.mask + 1)
    ent, whole, mask = w.ent, w.whole, cfg.mask
    free = 0
    for b in range(most):
        e = find(ent, whole, buckets, mask, whole[first + b])
        if e < 0:
            return b, free
        if ent[e].held == 0:
            free += 1
    return most, free


@compiled
def unlink(ent: Any, q: Any, e: int) -> None:
    """Take an entry out of the list of those that nobody holds."""
    entry = ent[e]
    if entry.older >= 0:
        ent[entry.older].newer = entry.newer
    else:
        q.oldest = entry.newer
    if entry.newer >= 0:
        ent[entry.newer].older = entry.older
    else:
        q.newest = entry.older
    q.unheld -= 1


@compiled
def hold(ent: Any, q: Any, e: int) -> None:
    """One more sequence holds an entry."""
    if ent[e].held == 0:
        unlink(ent, q, e)
        q.held += 1
    ent[e].held += 1


@compiled
def hold_leading(w: Any, r: int, i: int, count: int) -> None:
    """Let request ``i`` hold its first ``count`` blocks, which are there."""
    cfg, q = w.cfg[0], w.rep[r]
    first, buckets = cfg.names + w.req[i].first_block, cfg.buckets + r * (cfg.mask + 1)
    ent, whole, mask = w.ent, w.whole, cfg.mask
    for b in range(count):
        hold(ent, q, find(ent, whole, buckets, mask, whole[first + b]))
    w.req[i].holds = count
    q.shared += count


@compiled
def insert(w: Any, r: int, i: int) -> None:
    """Enter all whole blocks of a computed prompt; the request holds them."""
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    first, buckets = cfg.names + me.first_block, cfg.buckets + r * (cfg.mask + 1)
    ent, whole, mask = w.ent, w.whole, cfg.mask
    for b in range(me.holds, me.blocks):
        name = whole[first + b]
        e = find(ent, whole, buckets, mask, name)
        if e >= 0:
            hold(ent, q, e)
            continue
        e = q.spare
        entry = ent[e]
        q.spare = entry.chain
        bucket = buckets + (name & mask)
        entry.name = name
        entry.chain = whole[bucket]
        entry.held = 1
        whole[bucket] = e
        q.held += 1
    q.shared += me.blocks - me.holds
    me.holds = me.blocks


@compiled
def let_go(w: Any, r: int, i: int) -> None:
    """Request ``i`` holds no block any more; its last block is the first of them to be evicted."""
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    first, buckets = cfg.names + me.first_block, cfg.buckets + r * (cfg.mask + 1)
    ent, whole, mask = w.ent, w.whole, cfg.mask
    for b in range(me.holds - 1, -1, -1):
        e = find(ent, whole, buckets, mask, whole[first + b])
        entry = ent[e]
        entry.held -= 1
        if entry.held == 0:
            append(ent, q, e)
            q.held -= 1
    q.shared -= me.holds
    me.holds = 0


@compiled
def unchain(ent: Any, whole: Any, bucket: int, e: int) -> None:
    """Take an entry out of the chain of its bucket."""
    at = whole[bucket]
    if at == e:
        whole[bucket] = ent[e].chain
        return
    while ent[at].chain != e:
        at = ent[at].chain
    ent[at].chain = ent[e].chain


@compiled
def append(ent: Any, q: Any, e: int) -> None:
    """Move an entry without references to the most recently used end."""
    entry = ent[e]
    entry.older = q.newest
    entry.newer = NONE
    if q.newest >= 0:
        ent[q.newest].newer = e
    else:
        q.oldest = e
    q.newest = e
    q.unheld += 1


@compiled
def renew(ent: Any, q: Any, e: int) -> None:
    """An entry is used: it is the last to be evicted now."""
    unlink(ent, q, e)
    append(ent, q, e)


@compiled
def tier_row(w: Any, r: int, t: int) -> int:
    """The row of tier ``t`` that replica ``r`` uses."""
    row = t * w.cfg[0].replicas
    return row if w.low[row].shared == 1 else row + r


@compiled
def sink(w: Any, r: int, name: int) -> None:
    """A block leaves the cache of a replica: to the next tier, whose oldest goes to the one below."""
    ent, whole = w.ent, w.whole
    for t in range(w.cfg[0].tiers):
        low = w.low[tier_row(w, r, t)]
        buckets = w.cfg[0].low_buckets + low.buckets
        e = find(ent, whole, buckets, low.mask, name)
        if e >= 0:
            low.again += 1
            renew(ent, low, e)
            return
        if low.capacity == 0:
            continue
        out, full = NONE, low.spare < 0
        if full:
            e = low.oldest
            out = ent[e].name
            unlink(ent, low, e)
            unchain(ent, whole, buckets + (out & low.mask), e)
            low.left += 1
        else:
            e = low.spare
            low.spare = ent[e].chain
        bucket = buckets + (name & low.mask)
        ent[e].name = name
        ent[e].chain = whole[bucket]
        whole[bucket] = e
        append(ent, low, e)
        low.written += 1
        if not full:
            return
        name = out


@compiled
def evict(w: Any, r: int, used: int) -> None:
    """Drop blocks that nobody holds, the least recently used first, until ``used`` other pages fit."""
    cfg, q = w.cfg[0], w.rep[r]
    buckets = cfg.buckets + r * (cfg.mask + 1)
    ent, whole = w.ent, w.whole
    while q.unheld > 0 and used + q.unheld * cfg.block_pages > cfg.pages:
        e = q.oldest
        entry = ent[e]
        unlink(ent, q, e)
        unchain(ent, whole, buckets + (entry.name & cfg.mask), e)
        entry.chain = q.spare
        q.spare = e
        w.top[0].evictions += 1
        if cfg.tiers > 0:
            sink(w, r, entry.name)


@compiled
def drop_all(w: Any, q: Any, buckets: int, mask: int) -> int:
    """Evict all entries of a cache or a tier that no request holds; returns their number."""
    ent, count = w.ent, 0
    while q.unheld > 0:
        e = q.oldest
        unlink(ent, q, e)
        unchain(ent, w.whole, buckets + (ent[e].name & mask), e)
        ent[e].chain = q.spare
        q.spare = e
        count += 1
    return count


@compiled
def forget(w: Any, r: int) -> None:
    """A replica that runs nothing loses its prefix cache, and what its own tiers hold."""
    cfg = w.cfg[0]
    drop_all(w, w.rep[r], cfg.buckets + r * (cfg.mask + 1), cfg.mask)
    for t in range(cfg.own_tiers):
        low = w.low[tier_row(w, r, t)]
        low.left += drop_all(w, low, cfg.low_buckets + low.buckets, low.mask)
        low.free = 0.0

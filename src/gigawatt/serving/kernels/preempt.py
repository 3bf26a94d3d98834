"""Sequences that are taken off a replica of the event engine, and that come back with keys and values."""

from __future__ import annotations

import math
from typing import Any

from gigawatt.core.compiled import compiled
from gigawatt.serving.kernels.cost import RUNNING, mark
from gigawatt.serving.kernels.groups import get_off
from gigawatt.serving.kernels.queue import NEVER, ORDER, SHIFT, dequeue, enqueue, head, join, leave
from gigawatt.serving.kernels.session import rank
from gigawatt.serving.prefix import leading, let_go

__all__ = ["lacks_room", "lose_values", "outranks", "preempt", "resume", "take_off"]


@compiled
def latest(w: Any, key: int) -> int:
    """A key of a sequence with its place in the order of arrival."""
    return (key >> SHIFT << SHIFT) | rank(w, key & ORDER)


@compiled
def lose_values(me: Any, kept: float) -> None:
    """A request that held ``kept`` tokens has their text alone: it computes them again for the next."""
    exact = kept - me.prompt + 1.0
    me.way = 0
    me.generated = min(math.floor(exact + 1e-9), me.output - 1)
    me.counted = max(exact - me.generated, 0.0)


@compiled
def take_off(w: Any, r: int, place: int, decodes: bool, swaps: bool) -> tuple[int, float]:
    """Take the sequence at ``place`` of those that decode, or of those in prefill, off the replica.

    Returns the request, and the time that it takes to swap it out: its keys and values are lost unless it
    ``swaps``.
    """
    cfg, q = w.cfg[0], w.rep[r]
    first = r * cfg.slots
    i = (w.whole[first + place] if decodes else w.pre[first + place].key) & ORDER
    me = w.req[i]
    time = 0.0
    if decodes:
        left = w.whole[cfg.ends + first + place] - q.steps
        kept = leave(w, r, place)
        q.next_end = NEVER
        for n in range(q.decoding):
            q.next_end = min(q.next_end, w.whole[cfg.ends + first + n])
        me.last_token = q.clock
        size = kept * cfg.token_bytes + cfg.sequence_bytes
        if swaps and q.host + size <= cfg.host_capacity:
            me.way, me.kept, me.steps_left = 1, kept, left
            q.host += size
            w.top[0].swapped += size
            time = size / cfg.host_bandwidth
        else:
            lose_values(me, kept)
    else:
        total = w.pre[first + place].total
        q.prefilling -= 1
        for n in range(place, q.prefilling):
            to, of = w.pre[first + n], w.pre[first + n + 1]
            to.key, to.total, to.done, to.chunk, to.ready = of.key, of.total, of.done, of.chunk, of.ready
        q.prompt_tokens -= total
        q.prompt_pages -= math.ceil(total / cfg.block)
    if me.holds > 0:
        let_go(w, r, i)
    if cfg.groups > 1.0:
        get_off(w, r, i)
    return i, time


@compiled
def preempt(w: Any, r: int) -> float:
    """Take the least urgent, latest sequence off the replica; the time that it takes to swap it out."""
    cfg, q = w.cfg[0], w.rep[r]
    first = r * cfg.slots
    worst, place, decodes = -1, 0, True
    for n in range(q.decoding):
        key = latest(w, w.whole[first + n])
        if key > worst:
            worst, place = key, n
    for n in range(q.prefilling):
        key = latest(w, w.pre[first + n].key)
        if key > worst:
            worst, place, decodes = key, n, False
    i, time = take_off(w, r, place, decodes, cfg.swap == 1)
    me = w.req[i]
    me.preemptions += 1
    w.top[0].preemptions += 1
    q.blocked = 0
    q.visible += 1
    mark(w.book, cfg.width, RUNNING, q.clock, -1.0)
    enqueue(w, r, i, q.clock)
    return time


@compiled
def outranks(w: Any, r: int) -> bool:
    """Whether a request waits that is more urgent than one that runs."""
    cfg, q = w.cfg[0], w.rep[r]
    if q.waiting == 0:
        return False
    first, level, worst = r * cfg.slots, w.req[head(w, r)].level, 0
    for n in range(q.decoding):
        worst = max(worst, w.whole[first + n] >> SHIFT)
    for n in range(q.prefilling):
        worst = max(worst, w.pre[first + n].key >> SHIFT)
    return worst > level


@compiled
def lacks_room(w: Any, r: int, taken: int) -> bool:
    """Whether the request that is next finds no place or no pages beside the ``taken`` ones."""
    cfg, q = w.cfg[0], w.rep[r]
    i = head(w, r)
    me = w.req[i]
    if q.decoding + q.prefilling >= cfg.most:
        return True
    kept = me.kept if me.way == 1 else float(me.prompt + me.generated)
    need = math.ceil((kept + (cfg.verified if me.way > 0 else 0.0)) / cfg.block) + cfg.sequence_pages
    if cfg.prefix == 1 and me.way == 0 and me.blocks > 0:
        hits, unheld = leading(w, r, i, min(me.blocks, (int(kept) - 1) // cfg.block_tokens))
        need -= (hits - unheld) * cfg.block_pages
    return taken + need + cfg.watermark > cfg.pages


@compiled
def resume(w: Any, r: int, i: int, taken: int, budget: float) -> tuple[int, float]:
    """Admit a sequence whose keys and values exist: (pages it takes, time to fetch it); no pages: not now."""
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    running = q.decoding + q.prefilling
    kept = me.kept if me.way == 1 else float(me.prompt)
    need = (math.ceil((kept + cfg.verified) / cfg.block)) + cfg.sequence_pages
    spared = cfg.watermark if running > 0 else 0
    if taken + need + spared > cfg.pages:
        q.blocked = 1
        return 0, 0.0
    if budget < cfg.verified:
        q.blocked = 1 if q.prefilling == 0 else 0
        return 0, 0.0
    dequeue(w, r, i)
    time = 0.0
    if me.way == 1:
        size = kept * cfg.token_bytes + cfg.sequence_bytes
        q.host -= size
        w.top[0].swapped += size
        time = size / cfg.host_bandwidth
        steps = me.steps_left
    else:
        me.generated = 1
        steps = math.ceil((me.output - 1) / cfg.accepted)
    me.way = 0
    join(w, r, (me.level << SHIFT) | i, kept, steps)
    q.resumed += 1
    return need, time

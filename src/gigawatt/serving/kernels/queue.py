"""What a replica of the event engine holds: pages that are used, who waits, who decodes, who is done."""

from __future__ import annotations

import math
from typing import Any

from gigawatt.core.compiled import compiled
from gigawatt.serving.kernels.cost import RUNNING, WAITING, elapsed, mark, pages, steps_until
from gigawatt.serving.kernels.groups import board, even, get_off
from gigawatt.serving.kernels.session import follow, rank, remember
from gigawatt.serving.prefix import let_go

__all__ = [
    "NEVER",
    "ORDER",
    "SHIFT",
    "complete",
    "deliver",
    "dequeue",
    "enqueue",
    "head",
    "join",
    "leave",
    "meets",
    "most_used",
    "used",
]

#: Keys of sequences: urgency, then order of arrival.
SHIFT = 40
ORDER = (1 << SHIFT) - 1
NEVER = (1 << 63) - 1


@compiled
def most_used(w: Any, r: int, more: float) -> int:
    """At least the pages that are used if each decoding sequence holds ``more`` tokens more; no loop."""
    cfg, q = w.cfg[0], w.rep[r]
    n = q.decoding
    rough = int((q.context + n * more) / cfg.block) + n + 1
    fixed = (n + q.prefilling) * cfg.sequence_pages + (q.held - q.shared) * cfg.block_pages
    return rough + q.prompt_pages + fixed


@compiled
def used(w: Any, r: int, steps: int) -> int:
    """Pages that are used in the iteration after ``steps`` more, without blocks that nobody holds."""
    cfg, q = w.cfg[0], w.rep[r]
    more = cfg.accepted * (q.steps + steps) + cfg.verified
    found = pages(w.real, r * cfg.slots, q.decoding, more, cfg.block)
    fixed = (q.decoding + q.prefilling) * cfg.sequence_pages + (q.held - q.shared) * cfg.block_pages
    return found + q.prompt_pages + fixed


@compiled
def enqueue(w: Any, r: int, i: int, time: float) -> None:
    """Put a request in its place among those that wait, by urgency, then arrival."""
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    at = cfg.heads + r * cfg.levels + me.level
    tail, place = w.whole[at + cfg.tails], rank(w, i)
    me.next = -1
    if tail < 0:
        w.whole[at] = i
        w.whole[at + cfg.tails] = i
    elif rank(w, tail) < place:
        w.req[tail].next = i
        w.whole[at + cfg.tails] = i
    elif rank(w, w.whole[at]) > place:
        me.next = w.whole[at]
        w.whole[at] = i
    else:
        before = w.whole[at]
        while rank(w, w.req[before].next) < place:
            before = w.req[before].next
        me.next = w.req[before].next
        w.req[before].next = i
    q.waiting += 1
    mark(w.book, cfg.width, WAITING, time, 1.0)


@compiled
def head(w: Any, r: int) -> int:
    """The most urgent, earliest request that waits; there is one."""
    at = w.cfg[0].heads + r * w.cfg[0].levels
    while w.whole[at] < 0:
        at += 1
    return w.whole[at]


@compiled
def dequeue(w: Any, r: int, i: int) -> None:
    """Take the head of the queue out; it runs from now on."""
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    at = cfg.heads + r * cfg.levels + me.level
    w.whole[at] = me.next
    if me.next < 0:
        w.whole[at + cfg.tails] = -1
    q.waiting -= 1
    q.visible -= 1 if q.visible > 0 else 0
    if cfg.groups > 1.0:
        board(w, r, i)
    mark(w.book, cfg.width, WAITING, q.clock, -1.0)
    mark(w.book, cfg.width, RUNNING, q.clock, 1.0)
    if math.isnan(me.scheduled):
        me.scheduled = q.clock


@compiled
def meets(w: Any, r: int) -> bool:
    """Whether attention groups that wait for each other's prompts wait no longer; those that were prefilled
    elsewhere never do."""
    q = w.rep[r]
    return q.waiting > 0 and (w.req[head(w, r)].way == 2 or even(w, r, q.waiting))


@compiled
def batch_filled(w: Any, r: int) -> bool:
    """Whether waiting prompts fill their share of the budget, each counted as long as the first of them."""
    q, cfg = w.rep[r], w.cfg[0]
    return q.waiting > 0 and q.waiting * w.req[head(w, r)].prompt >= cfg.batch_wait * cfg.budget


@compiled
def look(w: Any, r: int) -> bool:
    """See the requests that wait, where it is time to; whether one of them may be admitted."""
    cfg, q = w.cfg[0], w.rep[r]
    met = False
    if cfg.balance == 1:
        q.visible, met = 0, q.blocked == 0 and meets(w, r)
    elif cfg.batch_wait > 0.0:
        q.visible, met = 0, batch_filled(w, r)
    if q.passes >= cfg.every or q.decoding + q.prefilling == 0 or met:
        q.visible, q.passes = q.waiting, 0
    return q.visible > 0 and q.blocked == 0


@compiled
def deliver(w: Any, r: int, i: int, time: float) -> None:
    """Request ``i`` is at replica ``r``; a jump that it might have a part in ends at its next boundary."""
    cfg, q = w.cfg[0], w.rep[r]
    if q.busy == 0:
        q.clock = time
    enqueue(w, r, i, time)
    if q.sleeping == 1:
        q.end = time
        q.d0 = time - q.clock
    leads = head(w, r) == i
    if leads:
        q.blocked = 0
    counts = (leads and (q.decoding < cfg.most or cfg.urgent == 1)) or cfg.every > 1
    if cfg.batch_wait > 0.0 and q.waiting == 1:
        q.passes = -q.flying
    if counts and q.flying == 1 and q.k > 1 and cfg.static == 0:
        j = steps_until(q.d0, q.d1, q.k, q.clock, time)
        if cfg.batch_wait > 0.0:
            if q.waiting == 1:
                q.passes = -j
            if not batch_filled(w, r):
                j = max(j, cfg.every - q.passes)
        elif cfg.every > 1 and not (leads and q.visible > 0) and not (cfg.balance == 1 and meets(w, r)):
            j = ((q.passes + j - 1) // cfg.every + 1) * cfg.every - q.passes
        if j < q.k:
            q.k = j
            q.end = q.clock + elapsed(q.d0, q.d1, float(j))


@compiled
def join(w: Any, r: int, key: int, kept: float, steps: int) -> None:
    """A sequence that holds ``kept`` tokens decodes for ``steps`` iterations from now on."""
    cfg, q = w.cfg[0], w.rep[r]
    at = r * cfg.slots + q.decoding
    w.whole[at] = key
    w.whole[cfg.ends + at] = q.steps + steps
    w.real[at] = kept - cfg.accepted * q.steps
    q.decoding += 1
    q.context += kept
    if steps > 0:
        q.next_end = min(q.next_end, q.steps + steps)


@compiled
def leave(w: Any, r: int, n: int) -> float:
    """Take decoding sequence ``n`` out; the tokens that it held."""
    cfg, q = w.cfg[0], w.rep[r]
    at = r * cfg.slots + n
    kept = w.real[at] + cfg.accepted * q.steps
    q.decoding -= 1
    last = r * cfg.slots + q.decoding
    w.whole[at] = w.whole[last]
    w.whole[cfg.ends + at] = w.whole[cfg.ends + last]
    w.real[at] = w.real[last]
    q.context = q.context - kept if q.decoding > 0 else 0.0
    return kept


@compiled
def complete(w: Any, r: int, i: int) -> None:
    """The last token of a request is out."""
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    me.finish = q.clock
    if cfg.groups > 1.0:
        get_off(w, r, i)
    q.outstanding -= 1
    q.blocked = 0
    w.top[0].done += 1
    w.top[0].finished += 1
    w.top[0].end = max(w.top[0].end, q.clock)
    mark(w.book, cfg.width, RUNNING, q.clock, -1.0)
    if cfg.sessions == 1:
        if cfg.prefix == 1:
            remember(w, r, i)
        follow(w, i, q.clock)
    if me.holds > 0:
        let_go(w, r, i)

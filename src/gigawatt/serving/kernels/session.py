"""Sessions in the event engine: the next turn comes a think time after an answer; turns to come in a heap.

Where requests are turns of sessions, ``whole`` holds for each of them its next turn (``after``, -1: none),
whether it is a later turn (``later``), its place in the order of arrival (``order``) and the heap of turns
that will come (``heap``); ``real`` holds think times (``think``).
"""

from __future__ import annotations

from typing import Any

from gigawatt.core.compiled import compiled
from gigawatt.serving.prefix import insert

__all__ = ["REJECTED", "arrived", "follow", "next_turn", "rank", "remember", "take_turn"]

#: Way of a request that is not served.
REJECTED = 3


@compiled
def rank(w: Any, i: int) -> int:
    """Place of request ``i`` in the order of arrival."""
    cfg = w.cfg[0]
    return w.whole[cfg.order + i] if cfg.sessions == 1 else i


@compiled
def arrived(w: Any, i: int) -> None:
    """Give request ``i`` its place in the order of arrival."""
    cfg, top = w.cfg[0], w.top[0]
    w.whole[cfg.order + i] = top.placed
    top.placed += 1


@compiled
def next_turn(w: Any) -> int:
    """The later turn that comes first, -1 if none is to come; it stays in the heap."""
    return w.whole[w.cfg[0].heap] if w.top[0].pending > 0 else -1


@compiled
def sooner(w: Any, i: int, j: int) -> bool:
    """Whether turn ``i`` comes before turn ``j``."""
    one, two = w.req[i].arrival, w.req[j].arrival
    return one < two or (one == two and i < j)


@compiled
def take_turn(w: Any) -> None:
    """Take the turn that comes first out of the heap."""
    top, heap = w.top[0], w.cfg[0].heap
    top.pending -= 1
    count = top.pending
    last, at = w.whole[heap + count], 0
    while 2 * at + 1 < count:
        child = 2 * at + 1
        if child + 1 < count and sooner(w, w.whole[heap + child + 1], w.whole[heap + child]):
            child += 1
        if sooner(w, last, w.whole[heap + child]):
            break
        w.whole[heap + at] = w.whole[heap + child]
        at = child
    w.whole[heap + at] = last


@compiled
def follow(w: Any, i: int, time: float) -> None:
    """The answer to request ``i`` is out at ``time``: its next turn comes when the think time is over."""
    cfg, top = w.cfg[0], w.top[0]
    j = w.whole[cfg.after + i]
    if j < 0 or w.req[j].way == REJECTED:
        return
    w.req[j].arrival = time + w.real[cfg.think + j]
    at = top.pending
    top.pending += 1
    while at > 0:
        above = (at - 1) >> 1
        if sooner(w, w.whole[cfg.heap + above], j):
            break
        w.whole[cfg.heap + at] = w.whole[cfg.heap + above]
        at = above
    w.whole[cfg.heap + at] = j


@compiled
def remember(w: Any, r: int, i: int) -> None:
    """Enter the whole blocks of prompt and output; the last token's keys and values are never computed."""
    me = w.req[i]
    me.blocks = (me.prompt + me.output - 1) // w.cfg[0].block_tokens
    if me.blocks > me.holds:
        insert(w, r, i)

"""Outages in the event engine: replicas fail, are drained and come back; what they held goes to others.

A failure ends what is under way: energy is spent, its tokens are lost, and so are keys and values. Requests
are routed again once it is noticed, and compute their prompt and the tokens that are out already again. A
drained replica takes nothing more and leaves when it has finished what it has. A replica that is away draws
no power, one that restarts idles. Where no replica takes requests, they wait for the first that comes back.

Outages are rows of ``real`` from ``cfg.falls`` on, in order of time: see :mod:`gigawatt.serving.outages`.
"""

from __future__ import annotations

import math
from typing import Any

from gigawatt.core.compiled import compiled
from gigawatt.serving.kernels.cost import BUSY, RUNNING, WAITING, elapsed, mark, spread, step_at
from gigawatt.serving.kernels.cost import ON as LEVEL_ON
from gigawatt.serving.kernels.preempt import lose_values, take_off
from gigawatt.serving.kernels.queue import NEVER
from gigawatt.serving.kernels.replica import finish
from gigawatt.serving.kernels.route import (
    AWAY,
    DRAINING,
    FAILED,
    LEAVING,
    ON,
    RESTARTING,
    route,
    send,
    takes,
)
from gigawatt.serving.prefix import forget

__all__ = ["AGAIN", "BACK", "DRAIN", "FAIL", "OUT", "ROW", "UPDATE", "change", "gone", "hold", "next_change"]

#: Numbers of a row: when, of which replica, kind, how long it is away [s]; when it went out of service and
#: came back, nan if it did not.
ROW = 6
WHEN, WHICH, KIND, LONG, OUT, BACK = range(ROW)
#: Kinds: a failure, a planned drain, one of a rolling update, which waits for the replica before to be back.
FAIL, DRAIN, UPDATE = range(3)
#: What :func:`next_change` names in place of a replica: the next row.
AGAIN = -1


@compiled
def next_change(w: Any) -> tuple[float, int]:
    """When a replica next fails, is drained, noticed to have failed, or goes on; which: -1, the next row."""
    cfg, top = w.cfg[0], w.top[0]
    soonest, which = math.inf, AGAIN
    if top.row < top.rows:
        soonest = w.real[cfg.falls + ROW * top.row + WHEN]
    for r in range(cfg.replicas):
        q = w.rep[r]
        if q.state >= FAILED and q.ready_at < soonest:
            soonest, which = q.ready_at, r
    return soonest, which


@compiled
def change(w: Any, which: int, time: float) -> None:
    """What :func:`next_change` names happens; all replicas are at ``time``."""
    if which == AGAIN:
        begin(w, time)
        return
    q = w.rep[which]
    if q.state == FAILED:
        noticed(w, which, time)
    elif q.state == AWAY:
        restart(w, which, time)
        mark(w.book, w.cfg[0].width, LEVEL_ON, time, 1.0)
    else:
        back(w, which, time)


@compiled
def begin(w: Any, time: float) -> None:
    """The next row: its replica fails, or takes nothing more, unless it is out of service."""
    cfg, top = w.cfg[0], w.top[0]
    n = top.row
    at = cfg.falls + ROW * n
    r, kind = int(w.real[at + WHICH]), int(w.real[at + KIND])
    top.row += 1
    if kind == FAIL:
        takes(w, r, time)  # one that has started takes requests from now on
        state = w.rep[r].state
        if state in (ON, DRAINING, LEAVING):
            fail(w, r, n, time)
    elif kind == DRAIN:
        drain(w, r, n, time)
    else:  # a rolling update has a row a replica
        top.row += cfg.replicas - 1
        top.chain, top.chain_left = n - 1, cfg.replicas
        update_next(w, time)


@compiled
def update_next(w: Any, time: float) -> None:
    """The rolling update goes on with the next replica that takes requests."""
    top = w.top[0]
    top.updated = -1
    while top.chain_left > 0:
        top.chain_left -= 1
        top.chain += 1
        r = int(w.real[w.cfg[0].falls + ROW * top.chain + WHICH])
        if takes(w, r, time):
            top.updated = r
            drain(w, r, top.chain, time)
            return


@compiled
def drain(w: Any, r: int, n: int, time: float) -> None:
    """A replica takes nothing more, and leaves when it has finished what it has."""
    q = w.rep[r]
    if takes(w, r, time):
        q.state, q.cause = LEAVING, n
        w.real[w.cfg[0].falls + ROW * n + OUT] = time
        if q.outstanding == 0:
            gone(w, r, time)


@compiled
def gone(w: Any, r: int, time: float) -> None:
    """A replica that holds no requests is away for as long as the cause says, then restarts."""
    q = w.rep[r]
    if w.cfg[0].prefix == 1:
        forget(w, r)
    long = w.real[w.cfg[0].falls + ROW * q.cause + LONG]
    if long > 0.0:
        q.state, q.ready_at = AWAY, time + long
        mark(w.book, w.cfg[0].width, LEVEL_ON, time, -1.0)
    else:
        restart(w, r, time)


@compiled
def restart(w: Any, r: int, time: float) -> None:
    """A replica loads its weights."""
    w.rep[r].state, w.rep[r].ready_at = RESTARTING, time + w.cfg[0].restart


@compiled
def back(w: Any, r: int, time: float) -> None:
    """A replica takes requests again: those that wait for one first."""
    q, top = w.rep[r], w.top[0]
    q.state = ON
    w.real[w.cfg[0].falls + ROW * q.cause + BACK] = time
    settle(w, time)
    if top.updated == r:
        update_next(w, time)


@compiled
def hold(w: Any, i: int, time: float) -> None:
    """Request ``i`` waits for a replica that takes it."""
    append(w, i)
    w.top[0].homeless += 1
    mark(w.book, w.cfg[0].width, WAITING, time, 1.0)


@compiled
def append(w: Any, i: int) -> None:
    """Request ``i`` is the last of those that wait for a replica."""
    top = w.top[0]
    w.req[i].next = -1
    if top.first_homeless < 0:
        top.first_homeless = i
    else:
        w.req[top.last_homeless].next = i
    top.last_homeless = i


@compiled
def settle(w: Any, time: float) -> None:
    """Route the requests that wait for a replica, if one takes them."""
    top = w.top[0]
    while top.first_homeless >= 0:
        i = top.first_homeless
        r = route(w, i, time)
        if r < 0:
            return
        top.first_homeless = w.req[i].next
        top.homeless -= 1
        mark(w.book, w.cfg[0].width, WAITING, time, -1.0)
        send(w, i, r, time)


@compiled
def fail(w: Any, r: int, n: int, time: float) -> None:
    """A replica fails: what is under way is lost, and its requests hang until it is noticed."""
    cfg, q, falls = w.cfg[0], w.rep[r], w.cfg[0].falls
    if q.state == LEAVING:  # the drain ends here
        w.real[falls + ROW * q.cause + BACK] = time
    w.real[falls + ROW * n + OUT] = time
    cut(w, r, time)
    lose(w, r, time)
    if q.busy == 1:
        q.busy = 0
        mark(w.book, cfg.width, BUSY, time, -1.0)
    q.state, q.cause, q.ready_at = FAILED, n, time + cfg.detection


@compiled
def noticed(w: Any, r: int, time: float) -> None:
    """A failure is noticed: requests go to other replicas, the replica is mended."""
    q = w.rep[r]
    i = q.first_lost
    q.first_lost = -1
    while i >= 0:
        following = w.req[i].next
        append(w, i)
        i = following
    gone(w, r, time)
    settle(w, time)


@compiled
def cut(w: Any, r: int, time: float) -> None:
    """End what is under way at ``time``: whole iterations bring their tokens, the last costs energy alone."""
    cfg, q, top = w.cfg[0], w.rep[r], w.top[0]
    if q.flying == 0:
        return
    d0, d1, e0, e1, j = q.d0, q.d1, q.e0, q.e1, 0
    if q.k > 1:
        j = step_at(d0, d1, q.k, time - q.clock)
    if j > 0:
        q.k = j
        q.end = q.clock + elapsed(d0, d1, float(j))
        finish(w, r)
    q.flying, q.sleeping = 0, 0
    spent, whole = time - q.clock, d0 + d1 * j
    if spent > 0.0 and whole > 0.0:
        share = min(spent / whole, 1.0)
        held = q.context + q.prompt_tokens - (q.shared - q.held) * cfg.block_tokens
        spread(
            w.book,
            cfg.width,
            q.clock,
            time,
            1,
            spent,
            0.0,
            (e0 + e1 * j) * share,
            0.0,
            0.0,
            0.0,
            0.0,
            held,
            0.0,
        )
        top.iterations += 1
    q.clock = time


@compiled
def lose(w: Any, r: int, time: float) -> None:
    """Take all requests off a replica; those that ran wait from now on, without keys and values."""
    cfg, q, top = w.cfg[0], w.rep[r], w.top[0]
    while q.decoding + q.prefilling > 0:
        decodes = q.decoding > 0
        place = (q.decoding if decodes else q.prefilling) - 1
        i = take_off(w, r, place, decodes, False)[0]
        w.whole[cfg.interrupted + i] += 1
        mark(w.book, cfg.width, RUNNING, time, -1.0)
        mark(w.book, cfg.width, WAITING, time, 1.0)
        top.homeless += 1
        w.req[i].next = q.first_lost
        q.first_lost = i
    for level in range(cfg.levels):
        at = cfg.heads + r * cfg.levels + level
        i = w.whole[at]
        while i >= 0:
            me = w.req[i]
            following = me.next
            if me.way == 1:  # swapped out to the memory of a host that fails with it
                lose_values(me, me.kept)
            top.homeless += 1
            me.next = q.first_lost
            q.first_lost = i
            i = following
        w.whole[at] = -1
        w.whole[at + cfg.tails] = -1
    q.waiting, q.visible, q.blocked, q.stalled, q.resumed, q.passes = 0, 0, 0, 0, 0, 0
    q.outstanding, q.host, q.context, q.next_end = 0, 0.0, 0.0, NEVER

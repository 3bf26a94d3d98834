"""Routing in the event engine: which replicas take requests, and which of them a request goes to."""

from __future__ import annotations

from typing import Any

from gigawatt.core.compiled import compiled
from gigawatt.serving.kernels.cost import step_at
from gigawatt.serving.kernels.queue import deliver, used
from gigawatt.serving.kernels.tier import reach
from gigawatt.serving.prefix import evict, leading

__all__ = [
    "AWAY",
    "DRAINING",
    "FAILED",
    "LEAVING",
    "OFF",
    "ON",
    "RESTARTING",
    "STARTING",
    "outstanding",
    "route",
    "send",
    "takes",
]

#: States of a replica. By autoscaling: ``OFF``, ``STARTING``, ``DRAINING`` before it is off. In an outage:
#: ``LEAVING`` (it finishes what it has, then is away), ``FAILED`` and not yet noticed, ``AWAY`` and
#: ``RESTARTING``.
OFF, ON, STARTING, DRAINING, LEAVING, FAILED, AWAY, RESTARTING = range(8)
#: Routings, in the order of ``fleet.ROUTINGS``.
ROUND_ROBIN, LEAST_LOADED, PREFIX_AWARE, RANDOM = range(4)


@compiled
def takes(w: Any, r: int, time: float) -> bool:
    """Whether a replica takes requests."""
    q = w.rep[r]
    if q.state == STARTING and q.ready_at <= time:
        q.state = ON
    return q.state == ON


@compiled
def matched(w: Any, r: int, i: int, time: float) -> int:
    """Leading blocks of request ``i`` that replica ``r`` and its own tiers hold at ``time``."""
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    if q.flying == 1 and q.k > 1 and q.unheld > 0:
        j = step_at(q.d0, q.d1, q.k, time - q.clock)
        evict(w, r, used(w, r, min(j, q.k - 1)))
    most = min(me.blocks, (me.prompt - 1) // cfg.block_tokens)
    hits = leading(w, r, i, most)[0]
    return hits if cfg.own_tiers == 0 else reach(w, r, i, hits, most, cfg.own_tiers)


@compiled
def taking(w: Any, time: float) -> int:
    """Replicas that take requests."""
    count = 0
    for r in range(w.cfg[0].replicas):
        count += 1 if takes(w, r, time) else 0
    return count


@compiled
def route(w: Any, i: int, time: float) -> int:
    """The replica for request ``i``, -1 if none takes any; the state of all replicas must be that of ``time``
    where it counts."""
    cfg, top = w.cfg[0], w.top[0]
    n, turn = cfg.replicas, top.turn
    if cfg.outages == 1 and taking(w, time) == 0:
        return -1
    if cfg.routing == RANDOM:
        on = n
        if cfg.scaling == 1 or cfg.outages == 1:
            on = taking(w, time)
        wanted = min(int(w.real[cfg.draws + i] * on), on - 1)
        for r in range(n):
            if takes(w, r, time):
                if wanted == 0:
                    return r
                wanted -= 1
    if cfg.routing == ROUND_ROBIN:
        r = turn
        while not takes(w, r, time):
            r = r + 1 if r + 1 < n else 0
        top.turn = r + 1 if r + 1 < n else 0
        return r
    best, least, most = -1, 0, -1
    by_prefix = cfg.routing == PREFIX_AWARE and cfg.prefix == 1
    if by_prefix:
        idle, busy = -1, 0
        for r in range(n):
            if takes(w, r, time):
                held = w.rep[r].outstanding
                idle = held if idle < 0 or held < idle else idle
                busy = max(busy, held)
        by_prefix = busy - idle <= cfg.slack or busy <= cfg.bound * idle
    for m in range(n):
        r = turn + m if turn + m < n else turn + m - n
        q = w.rep[r]
        if not takes(w, r, time):
            continue
        hits = matched(w, r, i, time) if by_prefix else 0
        if best < 0 or hits > most or (hits == most and q.outstanding < least):
            best, least, most = r, q.outstanding, hits
    top.turn = best + 1 if best + 1 < n else 0
    return best


@compiled
def send(w: Any, i: int, r: int, time: float) -> None:
    """Give request ``i`` to replica ``r``: at once, or over links that carry one after the other."""
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    q.outstanding += 1
    me.replica = r
    if cfg.linked == 0:
        deliver(w, r, i, time)
        return
    out, into = cfg.egress + me.source // cfg.link_shared, cfg.ingress + r // cfg.link_shared
    size = me.prompt * cfg.token_bytes + cfg.sequence_bytes
    free = max(time, max(w.real[out], w.real[into])) + size / cfg.bandwidth
    w.real[out] = free
    w.real[into] = free
    w.top[0].transferred += size
    me.arrival = free + cfg.latency
    me.next = -1
    if q.first_on_way < 0:
        q.first_on_way = i
    else:
        w.req[q.last_on_way].next = i
    q.last_on_way = i


@compiled
def outstanding(w: Any) -> int:
    """Requests that have come and are not done."""
    total = w.top[0].homeless
    for r in range(w.cfg[0].replicas):
        total += w.rep[r].outstanding
    return total

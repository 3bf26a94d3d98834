"""The fleet of the event engine: requests in time order, each to a replica that is brought up to its arrival.

Replicas do not act on each other but through routing, so each advances on its own until something is to be
known of it. :func:`run` can be called again after it has returned for want of bins.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gigawatt.core.compiled import compiled, compiled_and_kept, digest
from gigawatt.serving.kernels.cost import ON as LEVEL_ON
from gigawatt.serving.kernels.cost import mark
from gigawatt.serving.kernels.outage import change, gone, hold, next_change
from gigawatt.serving.kernels.queue import deliver
from gigawatt.serving.kernels.replica import finish, start
from gigawatt.serving.kernels.route import (
    DRAINING,
    LEAVING,
    OFF,
    ON,
    RANDOM,
    ROUND_ROBIN,
    STARTING,
    outstanding,
    route,
    send,
    takes,
)
from gigawatt.serving.kernels.session import REJECTED, arrived, next_turn, take_turn

__all__ = ["run"]

#: What :func:`run` returns.
DONE, WANTS_BINS = range(2)


@compiled
def turn_off(w: Any, r: int, time: float) -> None:
    """A replica that has nothing left to do is off from now on."""
    w.rep[r].state = OFF
    mark(w.book, w.cfg[0].width, LEVEL_ON, time, -1.0)


@compiled
def has_work(q: Any) -> bool:
    """Whether a replica could start an iteration."""
    return q.flying == 0 and q.decoding + q.prefilling + q.waiting > 0


@compiled
def advance(w: Any, r: int, time: float, starts: bool) -> bool:
    """End iterations up to ``time`` and start others before it (at it, too, if ``starts``).

    What is on its way to the replica is delivered at its time. False where the bins do not last.
    """
    cfg, q = w.cfg[0], w.rep[r]
    last = (cfg.bins - 1) * cfg.width
    while True:
        there = math.inf
        if q.first_on_way >= 0:
            there = w.req[q.first_on_way].arrival
        if q.flying == 1 and q.end <= min(time, there):
            if q.end >= last:
                return False
            finish(w, r)
            if q.state == DRAINING and q.outstanding == 0:
                turn_off(w, r, q.clock)
            elif q.state == LEAVING and q.outstanding == 0:
                gone(w, r, q.clock)
        elif has_work(q) and q.clock < there and (q.clock < time or (starts and q.clock == time)):
            start(w, r)
        elif q.first_on_way >= 0 and there <= time:
            if there >= last:
                return False
            i = q.first_on_way
            q.first_on_way = w.req[i].next
            deliver(w, r, i, there)
        else:
            return True


@compiled
def scale(w: Any, time: float) -> None:
    """Turn replicas on or off, as the outstanding requests ask for."""
    cfg, top = w.cfg[0], w.top[0]
    total, count = outstanding(w), 0
    for r in range(cfg.replicas):
        count += 1 if takes(w, r, time) or w.rep[r].state == STARTING else 0
    wanted = min(max((math.ceil(total / cfg.target)), cfg.minimum), cfg.maximum)
    if wanted > count:
        top.last_scaling = time
        for r in range(cfg.replicas):
            if wanted > count and w.rep[r].state == DRAINING:
                w.rep[r].state = ON
                count += 1
        for r in range(cfg.replicas):
            if wanted > count and w.rep[r].state == OFF:
                w.rep[r].state = STARTING
                w.rep[r].ready_at = time + cfg.start_up
                mark(w.book, cfg.width, LEVEL_ON, time, 1.0)
                top.started += 1
                count += 1
    if wanted < count and time - top.last_scaling >= cfg.cool_down:
        top.last_scaling = time
        for r in range(cfg.replicas - 1, -1, -1):
            if wanted < count and w.rep[r].state == STARTING:
                turn_off(w, r, time)
                count -= 1
        while wanted < count:
            least = -1
            for r in range(cfg.replicas - 1, -1, -1):
                if w.rep[r].state == ON and (least < 0 or w.rep[r].outstanding < w.rep[least].outstanding):
                    least = r
            w.rep[least].state = DRAINING
            if w.rep[least].outstanding == 0:
                turn_off(w, least, time)
            count -= 1


@compiled
def next_arrival(w: Any, time: float) -> float:
    """When the next request comes that is not rejected: at ``time`` in a closed loop; inf: none does."""
    cfg, top = w.cfg[0], w.top[0]
    while top.cursor < cfg.count:
        me = w.req[top.cursor]
        if cfg.concurrency > 0:
            me.arrival = time
        later = cfg.sessions == 1 and w.whole[cfg.later + top.cursor] == 1
        if me.way != REJECTED and not later:
            return me.arrival
        top.cursor += 1
    return math.inf


@compiled
def next_event(w: Any, leaving: bool) -> tuple[float, bool, int]:
    """The earliest end or start of an iteration: (time, whether it is a start, replica).

    Of all replicas, or of those that are ``leaving``.
    """
    soonest, starts, best = math.inf, False, -1
    for r in range(w.cfg[0].replicas):
        q = w.rep[r]
        if leaving and q.state != LEAVING:
            continue
        if q.flying == 1:
            if q.end < soonest or (q.end == soonest and starts):
                soonest, starts, best = q.end, False, r
        elif has_work(q) and q.clock < soonest:
            soonest, starts, best = q.clock, True, r
    return soonest, starts, best


@compiled
def serve(w: Any) -> int:
    """See :func:`run`: apart from it, since what an entry and its parts call is compiled for both."""
    cfg, top = w.cfg[0], w.top[0]
    alone = cfg.routing == ROUND_ROBIN or cfg.routing == RANDOM
    closed = cfg.concurrency > 0
    if closed and top.begun == 0:
        top.done = cfg.concurrency
    top.begun = 1
    while True:
        # what comes next: a request, a decision on scaling, in a closed loop an event of a replica
        time, turn, starts, chosen = math.inf, top.turn, False, -1
        comes = not closed or top.done > 0
        if comes:
            time = next_arrival(w, top.now)
        if closed and math.isinf(time):
            top.done = 0
            comes = False
            time, starts, chosen = next_event(w, False)
        turns, waits = -1, False
        if cfg.sessions == 1:
            turns = next_turn(w)
            if turns >= 0 and w.req[turns].arrival < time:
                time = w.req[turns].arrival
            else:
                turns = -1
            # no answer before this can bring a turn that comes sooner
            soonest, first_starts, soonest_of = next_event(w, False)
            waits = soonest + cfg.least_think < time
            if waits:
                time, comes = soonest + cfg.least_think, False
                if cfg.least_think == 0.0:
                    starts, chosen = first_starts, soonest_of
        scales = cfg.scaling == 1 and top.next_scaling <= time and (time < math.inf or outstanding(w) > 0)
        if scales:
            time, comes, chosen = top.next_scaling, False, -1
        changes, which = False, -1
        if cfg.outages == 1 and (time < math.inf or outstanding(w) > 0):
            if math.isinf(time):  # nothing more comes: an outage far off is not waited for
                time, starts, chosen = next_event(w, False)
                comes = False
            soonest, first_starts, soonest_of = next_event(w, True)
            if soonest < time:  # one that leaves is watched, as it is away from then on
                time, starts, chosen, comes, scales = soonest, first_starts, soonest_of, False, False
            soonest, which = next_change(w)
            changes = soonest <= time
            if changes:
                time, starts, chosen, comes, scales = soonest, False, -1, False, False
        if time < math.inf and time >= (cfg.bins - 1) * cfg.width:
            return WANTS_BINS
        # replicas whose state counts are brought up to it
        first, behind = 0, cfg.replicas
        i = turns if turns >= 0 else top.cursor
        if comes and time < math.inf and (alone or closed) and not scales:
            chosen = route(w, i, time)
        if chosen >= 0:
            first, behind = chosen, chosen + 1
        elif closed and not changes:
            behind = 0
        for r in range(first, behind):
            q = w.rep[r]
            if q.flying == 1 and q.end > time and q.first_on_way < 0:
                continue
            if not advance(w, r, time, starts):
                top.turn = turn
                return WANTS_BINS
        if math.isinf(time):
            return DONE
        # it happens
        if changes:
            change(w, which, time)
        elif scales:
            scale(w, time)
            top.next_scaling += cfg.interval
        elif comes:
            if chosen < 0:
                chosen = route(w, i, time)
            if turns >= 0:
                take_turn(w)
            else:
                top.cursor += 1
            if cfg.sessions == 1:
                arrived(w, i)
            if closed:
                top.done -= 1
            if chosen < 0:
                hold(w, i, time)
            else:
                send(w, i, chosen, time)
        top.now = time


def _entry(code: int) -> Callable[[Any], int]:
    """The kernel, kept under the digest of its files."""

    def run(w: Any) -> int:
        if code == 0:  # never: it makes the digest a part of what numba knows the code by
            return DONE
        return serve(w)

    return compiled_and_kept(run)


_HERE = Path(__file__).parent
_FILES = (*sorted(_HERE.glob("*.py")), _HERE.with_name("prefix.py"))

#: Serve the requests of a state; 1 where it wants more bins and is to be called again.
run: Callable[[Any], int] = _entry(digest(_FILES))

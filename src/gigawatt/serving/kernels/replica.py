"""One replica of the event engine: what the next iteration holds, and what its end brings.

As in vLLM's scheduler: every decoding sequence has its step, then prompts that are partly computed have their
chunks, then the most urgent of those that wait are admitted in order, until the budget, the sequences or the
pages are used up; the first that does not fit blocks those behind it. Pages of a whole prompt are reserved on
admission; a sequence takes more as it grows, and where none is left the least urgent, latest is preempted.
"""

from __future__ import annotations

import math
from typing import Any

from gigawatt.core.compiled import compiled
from gigawatt.serving.kernels.cost import (
    BUSY,
    decode_cost,
    elapsed,
    gap_bin,
    gaps,
    line_cost,
    mark,
    prefill_cost,
    spread,
    steps_until,
)
from gigawatt.serving.kernels.groups import busiest, clear, emptiest, free, owe, put, spare
from gigawatt.serving.kernels.preempt import lacks_room, outranks, preempt, resume
from gigawatt.serving.kernels.queue import (
    NEVER,
    ORDER,
    SHIFT,
    complete,
    dequeue,
    head,
    join,
    leave,
    look,
    most_used,
    used,
)
from gigawatt.serving.kernels.regulator import held
from gigawatt.serving.kernels.tier import choose, fetch
from gigawatt.serving.prefix import evict, hold_leading, insert, leading

__all__ = ["finish", "start"]


@compiled
def admit(w: Any, r: int, i: int, taken: int, budget: float, room: float) -> tuple[int, int]:
    """Admit a prompt: (pages it takes, tokens of its first chunk); no pages: not now.

    ``budget``: tokens that the iteration has left; ``room``: those that an attention group has for prompts.
    A prompt of which blocks are loaded from a slower tier has its first chunk when they are there.
    """
    cfg, q, me = w.cfg[0], w.rep[r], w.req[i]
    running = q.decoding + q.prefilling
    total = me.prompt + me.generated
    hits, unheld = 0, 0
    if cfg.prefix == 1 and me.blocks > 0:
        hits, unheld = leading(w, r, i, min(me.blocks, (total - 1) // cfg.block_tokens))
    all_pages = math.ceil(total / cfg.block)
    need = all_pages + cfg.sequence_pages - (hits - unheld) * cfg.block_pages
    spared = cfg.watermark if running > 0 else 0
    deep, end = 0, hits
    if cfg.tiers > 0 and me.blocks > hits and taken + need + spared <= cfg.pages:
        deep, end = choose(w, r, i, hits, total)
    left = total - end * cfg.block_tokens
    chunk, own, shares = left, budget, False
    if cfg.groups > 1.0:
        own = min(spare(w, r, emptiest(w, r), room), budget)
        shares = own < room  # its group has a prompt in this iteration
    if cfg.chunked == 1:
        chunk = int(min(float(left), own, cfg.long_prompt))
    elif left > own and (shares or (q.prefilling if cfg.alone == 1 else running) > 0):
        chunk = 0
    if chunk < 1:
        q.blocked = 1 if q.prefilling == 0 else 0
        return 0, 0
    if taken + need + spared > cfg.pages:
        q.blocked = 1
        return 0, 0
    first_time = math.isnan(me.scheduled)
    dequeue(w, r, i)
    if hits > 0:
        hold_leading(w, r, i, hits)
    if first_time:
        me.cached = end * cfg.block_tokens
    part = w.pre[r * cfg.slots + q.prefilling]
    part.ready = 0.0
    if end > hits:
        part.ready = fetch(w, r, i, hits, end, deep, first_time)
        chunk = 0 if part.ready > q.clock else chunk
    part.key = (me.level << SHIFT) | i
    part.total = total
    part.done = end * cfg.block_tokens
    part.chunk = chunk
    q.prefilling += 1
    q.prompt_tokens += total
    q.prompt_pages += all_pages
    return need, chunk


@compiled
def fly(
    w: Any, r: int, prompts: int, time: float, energy: float, tokens: float, most: float, leaps: bool
) -> None:
    """Put the iteration under way that all decoding sequences and ``prompts`` chunks are in.

    ``time`` and ``energy`` are of the chunks' attention, of ``tokens`` in all; the other attention groups
    wait for the one with the ``most``, those that they share work on the tokens of all. ``leaps``: nothing
    but decoding can come next, so that as many iterations are taken as are alike.
    """
    cfg, q = w.cfg[0], w.rep[r]
    n, there = q.moving, q.moving * cfg.verified + tokens
    apart = cfg.alone == 1 and tokens > 0.0  # prompts and decoding sequences are in different groups
    others = q.decoding * cfg.verified if n > 0 else 0.0
    wide = max(most * cfg.groups, others) if apart else most * cfg.groups + others
    more, more_energy, hidden, common = line_cost(w.real, cfg, there)
    if wide > there:
        more, _, hidden, theirs = line_cost(w.real, cfg, wide)
        more += common - theirs
    at = cfg.bat + 3 * (n + prompts)
    attention = time
    time += more + w.real[at]
    energy += more_energy + w.real[at + 1]
    floor = max(w.real[at + 2], hidden)
    slope, slope_energy, knot, mean = 0.0, 0.0, math.inf, 0.0
    if n > 0:
        mean = q.context / q.decoding
        more, more_energy, slope, slope_energy, knot = decode_cost(w.real, cfg, cfg.dec_y, q.decoding, mean)
        time += max(more - attention, 0.0) if apart else more
        energy += more_energy * n / q.decoding
    if tokens > 0.0:
        time += cfg.cores * hidden
    if cfg.held == 1:
        time, energy, slope, slope_energy = held(
            w, r, prompts, attention, there, wide, time, energy, slope, slope_energy, knot - mean
        )
    elif energy > cfg.headroom * time:
        energy, slope_energy = cfg.headroom * time, cfg.headroom * slope
    q.k, q.d0, q.d1 = 1, max(time, floor) + cfg.overhead, 0.0
    q.e0, q.e1 = energy, 0.0
    if leaps and cfg.jumps == 1:
        k = q.next_end - q.steps
        if cfg.every > 1 and (q.waiting > q.visible or (cfg.batch_wait > 0.0 and q.waiting > 0)):
            k = min(k, cfg.every - q.passes)
        a = cfg.accepted
        if knot < mean + a * k:
            k = min(k, int(max((knot - mean) / a, 0.0)) + 1)
        slope *= a
        if time < floor:
            if slope > 0.0 and time + slope * k > floor:
                k = min(k, int((floor - time) / slope) + 1)
        else:
            if slope < 0.0 and time + slope * k < floor:
                k = min(k, int((floor - time) / slope) + 1)
            q.d1 = slope
        q.e1 = slope_energy * a
        tight = cfg.static == 0 and most_used(w, r, a * (k - 1) + cfg.verified) > cfg.pages
        if tight and used(w, r, k - 1) > cfg.pages:
            low, high = 1, k
            while high - low > 1:
                middle = (low + high) >> 1
                if used(w, r, middle - 1) <= cfg.pages:
                    low = middle
                else:
                    high = middle
            k = low
        q.k = k
        if k == 1:
            q.d1, q.e1 = 0.0, 0.0
    q.flying = 1
    q.tokens = tokens


@compiled
def moving(w: Any, r: int) -> int:
    """Decoding sequences that go on beside prompts that run alone: those of the other attention groups."""
    cfg, q = w.cfg[0], w.rep[r]
    found = 0
    if cfg.groups > 1.0:
        for n in range(q.decoding):
            found += 1 if free(w, r, w.whole[r * cfg.slots + n] & ORDER) else 0
    return found


@compiled
def step_others(w: Any, r: int) -> float:
    """Decoding sequences of attention groups without a prompt have a token, the others stand; tokens that are
    gained in vain, as :func:`ended`."""
    cfg, q = w.cfg[0], w.rep[r]
    first, a, last = r * cfg.slots, cfg.accepted, 0
    q.steps += 1
    q.next_end = NEVER
    for n in range(q.decoding):
        me = w.req[w.whole[first + n] & ORDER]
        if free(w, r, w.whole[first + n] & ORDER):
            last = gap_bin((q.clock - me.last_token) / a)
            w.real[cfg.gaps + last] += a
            me.last_token = q.clock
            q.context += a
        else:
            w.whole[cfg.ends + first + n] += 1
            w.real[first + n] -= a
        q.next_end = min(q.next_end, w.whole[cfg.ends + first + n])
    over = ended(w, r) if q.steps >= q.next_end else 0.0
    w.real[cfg.gaps + last] -= over
    return over


@compiled
def stand(w: Any, r: int, tokens: int) -> None:
    """Note when decoding sequences had their last token, as prompts begin to run alone; and as these end,
    that the gap of each is as long as it has waited."""
    cfg, q = w.cfg[0], w.rep[r]
    if tokens > 0 and q.stalled == 0:
        for n in range(q.decoding - q.resumed):
            w.req[w.whole[r * cfg.slots + n] & ORDER].last_token = q.clock
        q.stalled = 1
    elif tokens == 0 and q.stalled == 1:
        q.resumed, q.stalled = q.decoding, 0


@compiled
def sleep(w: Any, r: int, until: float) -> None:
    """Nothing can run before blocks are loaded: an iteration without tokens, cut short by what comes."""
    q = w.rep[r]
    q.k, q.d0, q.d1, q.e0, q.e1 = 1, until - q.clock, 0.0, 0.0, 0.0
    q.flying, q.sleeping, q.tokens, q.moving, q.end = 1, 1, 0.0, 0, until


@compiled
def start(w: Any, r: int) -> None:
    """Form the next iteration of a replica that has work, at its clock."""
    cfg, q = w.cfg[0], w.rep[r]
    if q.busy == 0:
        q.busy = 1
        mark(w.book, cfg.width, BUSY, q.clock, 1.0)
    q.resumed, q.firsts = 0, 0.0
    if cfg.static == 1:
        start_static(w, r)
        return
    stall, preempted = 0.0, False
    taken = most_used(w, r, cfg.verified)
    looks = look(w, r)
    if looks or taken + q.unheld * cfg.block_pages > cfg.pages:
        taken = used(w, r, 0)
        while taken > cfg.pages:
            stall += preempt(w, r)
            preempted = True
            taken = used(w, r, 0)
        if cfg.urgent == 1 and looks and not preempted:
            while outranks(w, r) and lacks_room(w, r, taken):
                stall += preempt(w, r)
                taken = used(w, r, 0)
        if q.unheld > 0:
            evict(w, r, taken)
    budget = cfg.budget - (0.0 if cfg.alone == 1 else q.decoding * cfg.verified)
    tokens, prompts, time, energy, room = 0, 0, 0.0, 0.0, budget / cfg.groups
    first = r * cfg.slots
    if cfg.groups > 1.0:
        clear(w, r)
    for n in range(q.prefilling):
        part = w.pre[first + n]
        own = budget
        if cfg.groups > 1.0:
            own = min(own, spare(w, r, w.whole[cfg.member + (part.key & ORDER)], room))
        part.chunk = int(max(min(float(part.total - part.done), own, cfg.long_prompt), 0.0))
        if part.ready > q.clock:
            part.chunk = 0
        if cfg.groups > 1.0:
            put(w, r, part.key & ORDER, part.chunk, 0.0)
            owe(w, part.key & ORDER, part.total - part.done)
        budget -= part.chunk
    if looks and not preempted:
        while q.visible > 0 and q.blocked == 0:
            if q.decoding + q.prefilling >= cfg.most:
                q.blocked = 1
                break
            i = head(w, r)
            if w.req[i].way > 0:
                need, more = resume(w, r, i, taken, budget)
                stall += more
                budget -= cfg.verified
            else:
                need, chunk = admit(w, r, i, taken, budget, room)
                budget -= chunk
                if cfg.groups > 1.0 and need > 0:
                    put(w, r, i, chunk, 0.0)
                    owe(w, i, w.pre[first + q.prefilling - 1].total - w.pre[first + q.prefilling - 1].done)
            if need == 0:
                break
            taken += need
            if q.unheld > 0:
                evict(w, r, taken)
        if cfg.urgent == 1 and q.blocked == 1 and outranks(w, r):
            q.blocked = 0
    loading, soonest = 0, math.inf
    for n in range(q.prefilling):
        part = w.pre[first + n]
        if part.ready > q.clock:
            loading += 1
            soonest = min(soonest, part.ready)
        if part.chunk > 0:
            more, more_energy = prefill_cost(w.real, cfg, cfg.pre_y, float(part.chunk), float(part.done))
            time += more
            energy += more_energy
            tokens += part.chunk
            prompts += 1
            if cfg.groups > 1.0:
                put(w, r, part.key & ORDER, 0, more)
            if part.done + part.chunk == part.total:
                q.firsts += 1.0 - w.req[part.key & ORDER].counted
    if loading > 0 and tokens == 0 and q.decoding == 0:
        sleep(w, r, soonest + stall)
        return
    leaps = (
        q.prefilling == loading and q.resumed == 0 and not preempted and (q.visible == 0 or q.blocked == 1)
    )
    if cfg.alone == 1:
        leaps = leaps and q.stalled == 0
        stand(w, r, tokens)
    most = tokens
    if cfg.groups > 1.0:
        most, time = busiest(w, r)
    q.moving = moving(w, r) if cfg.alone == 1 and tokens > 0 else q.decoding
    fly(w, r, prompts, time, energy, float(tokens), float(most), leaps)
    if loading > 0 and q.k > 1:
        q.k = steps_until(q.d0, q.d1, q.k, q.clock, soonest)
        if q.k == 1:
            q.d1, q.e1 = 0.0, 0.0
    if stall > 0.0:
        q.d0 += stall
    q.end = q.clock + elapsed(q.d0, q.d1, float(q.k))


@compiled
def start_static(w: Any, r: int) -> None:
    """Form a batch and prefill it, or decode the one there is until its next answer is done."""
    cfg, q = w.cfg[0], w.rep[r]
    if q.decoding > 0:
        q.moving = q.decoding
        fly(w, r, 0, 0.0, 0.0, 0.0, 0.0, True)
        q.end = q.clock + elapsed(q.d0, q.d1, float(q.k))
        return
    prompt, output, n, real = 0, 0, 0, 0
    first = r * cfg.slots
    while q.waiting > 0 and n < cfg.most:
        i = head(w, r)
        me = w.req[i]
        longest, most = max(prompt, me.prompt), max(output, me.output)
        each = (math.ceil((longest + most - 1 + cfg.verified) / cfg.block)) + cfg.sequence_pages
        if n > 0 and (n + 1) * each > cfg.pages:
            break
        prompt, output = longest, most
        dequeue(w, r, i)
        real += me.prompt
        part = w.pre[first + n]
        part.key = (me.level << SHIFT) | i
        n += 1
    for m in range(n):
        part = w.pre[first + m]
        part.total, part.done, part.chunk = prompt, 0, prompt
    q.prefilling = n
    q.prompt_tokens = float(n * prompt)
    q.firsts, q.moving = float(n), 0
    time, energy = prefill_cost(w.real, cfg, cfg.pre_y, float(prompt), 0.0)
    apiece = max(n / cfg.groups, 1.0)
    fly(w, r, n, apiece * time, n * energy, float(n * prompt), apiece * prompt, False)
    q.tokens = float(real)
    q.end = q.clock + elapsed(q.d0, q.d1, float(q.k))


@compiled
def first_token(w: Any, r: int, part: Any) -> None:
    """A prompt is computed: its first token, or after a preemption the next, is out."""
    cfg, q = w.cfg[0], w.rep[r]
    i = part.key & ORDER
    me = w.req[i]
    q.prompt_tokens -= part.total
    q.prompt_pages -= (math.ceil(part.total / cfg.block)) if cfg.static == 0 else 0
    me.generated += 1
    if math.isnan(me.first_token):
        me.first_token = q.clock
    else:
        w.real[cfg.gaps + gap_bin(q.clock - me.last_token)] += 1.0 - me.counted
        me.counted = 0.0
    if cfg.alone == 1:
        me.last_token = q.clock
    if cfg.prefix == 1 and me.blocks > me.holds:
        insert(w, r, i)
        q.blocked = 0
    left = math.ceil((me.output - me.generated) / cfg.accepted)
    if left > 0 or cfg.static == 1:
        join(w, r, part.key, float(part.total), left)
        q.active += 1 if left > 0 else 0
    else:
        complete(w, r, i)


@compiled
def finish(w: Any, r: int) -> None:
    """End what is under way: tokens come out, sequences are done, prompts turn to decoding."""
    cfg, q, top = w.cfg[0], w.rep[r], w.top[0]
    n, k, a, began = q.moving, q.k, cfg.accepted, q.clock
    first = r * cfg.slots
    counted = q.active if cfg.static == 1 else n
    held = q.context + q.prompt_tokens - (q.shared - q.held) * cfg.block_tokens
    q.clock, q.flying = q.end, 0
    again = (q.tokens > 0.0 or q.sleeping == 1) and cfg.balance == 0
    if cfg.batch_wait > 0.0:
        q.passes = q.passes + k if q.waiting > 0 else 0
    else:
        q.passes = cfg.every if again else (q.passes + k - 1) % cfg.every + 1
    q.sleeping = 0
    top.iterations += k
    top.jumps += 1 if k > 1 else 0
    over, last = 0.0, 0
    if n > 0 and cfg.alone == 1 and q.tokens > 0.0:
        over = step_others(w, r)
    elif n > 0:
        last = gaps(w.real, cfg.gaps, k, q.d0, q.d1, a, float(counted - q.resumed))
        for m in range(n - q.resumed, n):
            me = w.req[w.whole[first + m] & ORDER]
            w.real[cfg.gaps + gap_bin((q.clock - me.last_token) / a)] += a
        most = most_used(w, r, a * (k - 1) + cfg.verified) + q.unheld * cfg.block_pages
        if k > 1 and q.unheld > 0 and most > cfg.pages:
            evict(w, r, used(w, r, k - 1))
        q.steps += k
        q.context += n * a * k
        if q.steps >= q.next_end:
            over = ended(w, r)
            w.real[cfg.gaps + last] -= over
    spread(
        w.book,
        cfg.width,
        began,
        q.end,
        k,
        q.d0,
        q.d1,
        q.e0,
        q.e1,
        counted * a + q.firsts,
        over,
        q.tokens,
        held,
        n * a,
    )
    if q.tokens > 0.0:
        top.computed += int(q.tokens)
        kept = 0
        for m in range(q.prefilling):
            part = w.pre[first + m]
            part.done += part.chunk
            if part.done == part.total:
                first_token(w, r, part)
            else:
                if kept < m:
                    to = w.pre[first + kept]
                    to.key, to.total, to.done, to.ready = part.key, part.total, part.done, part.ready
                kept += 1
        q.prefilling = kept
    if cfg.static == 1 and q.active == 0:
        for m in range(q.decoding):
            complete(w, r, w.whole[first + m] & ORDER)
        q.decoding, q.context, q.next_end = 0, 0.0, NEVER
    if q.decoding == 0 and q.prefilling == 0 and q.waiting == 0:
        q.busy = 0
        mark(w.book, cfg.width, BUSY, q.clock, -1.0)


@compiled
def ended(w: Any, r: int) -> float:
    """Decoding sequences whose last token is out leave; tokens that their last iteration gained in vain."""
    cfg, q = w.cfg[0], w.rep[r]
    first = r * cfg.slots
    over, soonest, m = 0.0, NEVER, 0
    while m < q.decoding:
        end = w.whole[cfg.ends + first + m]
        if end > q.steps:
            soonest = min(soonest, end)
            m += 1
            continue
        i = w.whole[first + m] & ORDER
        if cfg.static == 1:
            if end == q.steps:
                q.active -= 1
                me = w.req[i]
                over += cfg.accepted * math.ceil((me.output - 1) / cfg.accepted) - (me.output - 1)
            m += 1
            continue
        kept = leave(w, r, m)
        over += kept - w.req[i].prompt + 1.0 - w.req[i].output
        complete(w, r, i)
    q.next_end = soonest
    return over

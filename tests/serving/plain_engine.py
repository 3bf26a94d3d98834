"""The engine once more, iteration by iteration, with dictionaries and lists: what the kernel must agree with.

Written for being read, not for speed; it shares no code with the kernel.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from math import ceil, floor, inf

import numpy as np

from gigawatt.performance.serving.step_tables import StepTables, _line, _plane
from gigawatt.serving import EngineOptions, Requests


@dataclass
class Sequence:
    key: tuple[int, int]
    total: int = 0
    done: int = 0
    chunk: int = 0
    context: float = 0.0
    left: int = 0
    held: list[int] = field(default_factory=list)


@dataclass
class Found:
    scheduled: np.ndarray
    first_token: np.ndarray
    finish: np.ndarray
    preemptions: np.ndarray
    cached_tokens: np.ndarray
    energy: float = 0.0
    iterations: int = 0
    busy: float = 0.0
    most_pages: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)


def cost(
    tables: StepTables, decoding: int, context: float, chunks: list[tuple[int, int]]
) -> tuple[float, float]:
    """As ``iteration_cost``, for chunks that are unlike."""
    tokens = decoding * tables.verified + sum(q for q, _ in chunks)
    sequences = decoding + len(chunks)

    def parts(linear, decode, prefill, batch) -> float:
        found = float(_line(tables.tokens, linear, tokens)) + float(_line(tables.batch, batch, sequences))
        if decoding:
            found += float(_plane(tables.batch, tables.context, decode, decoding, context))
        return found + sum(float(_plane(tables.chunk, tables.before, prefill, q, b)) for q, b in chunks)

    time = parts(tables.linear_time, tables.decode_time, tables.prefill_time, tables.batch_time)
    energy = parts(tables.linear_energy, tables.decode_energy, tables.prefill_energy, tables.batch_energy)
    held = tables.held
    if held is None:
        energy = min(energy, (tables.power_limit - tables.idle_power) * time)
    else:
        arithmetic, core = (
            parts(held.linear[:, i], held.decode[..., i], held.prefill[..., i], held.batch[:, i])
            for i in (0, 1)
        )
        done = held.regulator.hold(
            time=time, energy=energy, arithmetic=arithmetic, core=core, chips=tables.chips
        )
        time, energy = (float(x) for x in done)
    return max(time, float(_line(tables.batch, tables.floor, sequences))) + tables.overhead, energy


def serve_plainly(requests: Requests, tables: StepTables, options: EngineOptions) -> Found:
    """One replica, continuous batching."""
    n, b, v, a = len(requests), options.block, tables.verified, tables.accepted
    nan = np.full(n, np.nan)
    found = Found(nan.copy(), nan.copy(), nan.copy(), np.zeros(n, int), np.zeros(n, int))
    capacity = int(tables.capacity // b)
    states = ceil(tables.sequence_bytes / (tables.token_bytes * b))
    each = requests.block_tokens // b if requests.blocks is not None else 0
    most = min(options.max_sequences, int(options.token_budget // v))
    names: list[list[int]] = [[] for _ in range(n)]
    if requests.blocks is not None and options.prefix_caching:
        offsets, ids = requests.blocks
        for i in range(n):
            whole = int(requests.prompt[i]) // requests.block_tokens
            names[i] = ids[offsets[i] : offsets[i + 1]][:whole].tolist()
    holders: dict[int, int] = {}
    cached: OrderedDict[int, None] = OrderedDict()
    waiting: list[tuple[int, int]] = []
    prefilling: list[Sequence] = []
    decoding: list[Sequence] = []
    generated = np.zeros(n, int)
    swapped: dict[int, tuple[float, int]] = {}
    last: dict[int, float] = {}
    counted: dict[int, float] = {}
    stamp: dict[int, float] = {}
    host, passes, visible = 0.0, 0, 0

    def used() -> int:
        pages = sum(ceil((s.context + v) / b) for s in decoding)
        pages += sum(ceil(s.total / b) for s in prefilling)
        pages -= each * sum(len(s.held) for s in decoding + prefilling)
        return pages + each * len(holders) + states * (len(decoding) + len(prefilling))

    def evict(more: int = 0) -> None:
        while cached and used() + more + each * len(cached) > capacity:
            cached.popitem(last=False)

    def hold(name: int) -> None:
        cached.pop(name, None)
        holders[name] = holders.get(name, 0) + 1

    def let_go(s: Sequence) -> None:
        for name in reversed(s.held):
            holders[name] -= 1
            if holders[name] == 0:
                del holders[name]
                cached[name] = None
        s.held = []

    clock, coming = 0.0, 0
    while coming < n or waiting or prefilling or decoding:
        if not (waiting or prefilling or decoding):
            clock = max(clock, requests.arrival[coming])
        if options.batch_wait > 0.0 and not waiting:
            passes = 0
        while coming < n and requests.arrival[coming] <= clock:
            waiting.append((int(requests.priority[coming]), coming))
            coming += 1
        waiting.sort()
        gathered = False
        if options.batch_wait > 0.0:
            visible = 0
            filled = len(waiting) * requests.prompt[waiting[0][1]] if waiting else 0
            gathered = bool(waiting) and filled >= options.batch_wait * options.token_budget
        if passes >= options.read_interval or gathered or not (prefilling or decoding):
            visible, passes = len(waiting), 0
        stall, preempted = 0.0, False
        while used() > capacity:
            preempted = True
            victim = max(decoding + prefilling, key=lambda s: s.key)
            i = victim.key[1]
            found.preemptions[i] += 1
            if victim in decoding:
                decoding.remove(victim)
                last[i] = clock
                size = victim.context * tables.token_bytes + tables.sequence_bytes
                if options.preemption == "swap" and host + size <= options.host_capacity:
                    swapped[i] = (victim.context, victim.left)
                    host += size
                    stall += size / options.host_bandwidth
                else:
                    exact = victim.context - requests.prompt[i] + 1
                    generated[i] = floor(exact + 1e-9)
                    counted[i] = max(exact - generated[i], 0.0)
            else:
                prefilling.remove(victim)
            let_go(victim)
            visible += 1
            waiting.append(victim.key)
            waiting.sort()
        evict()
        budget = options.token_budget - (0 if options.prompts_alone else len(decoding) * v)
        for s in prefilling:
            s.chunk = int(max(min(s.total - s.done, budget, options.long_prompt or inf), 0))
            budget -= s.chunk
        resumed: list[Sequence] = []
        while waiting and visible and not preempted and len(decoding) + len(prefilling) < most:
            running = len(decoding) + len(prefilling)
            i = waiting[0][1]
            spared = ceil(options.watermark * capacity) if running else 0
            if i in swapped:
                context, left = swapped[i]
                need = ceil((context + v) / b) + states
                if used() + need + spared > capacity or budget < v:
                    break
                size = context * tables.token_bytes + tables.sequence_bytes
                stall += size / options.host_bandwidth
                host -= size
                del swapped[i]
                resumed.append(Sequence(waiting.pop(0), context=context, left=left))
                decoding.append(resumed[-1])
                visible -= 1
                budget -= v
                evict()
                continue
            total = int(requests.prompt[i] + generated[i])
            hits = 0
            while hits < min(len(names[i]), (total - 1) // max(requests.block_tokens, 1)):
                if names[i][hits] not in holders and names[i][hits] not in cached:
                    break
                hits += 1
            left = total - hits * requests.block_tokens
            chunk = left
            if options.chunked:
                chunk = int(min(left, budget, options.long_prompt or inf))
            elif left > budget and (len(prefilling) if options.prompts_alone else running):
                break
            if chunk < 1:
                break
            new = sum(name not in holders for name in names[i][:hits])
            need = ceil(total / b) + states - (hits - new) * each
            if used() + need + spared > capacity:
                break
            s = Sequence(waiting.pop(0), total=total, done=hits * requests.block_tokens, chunk=chunk)
            for name in names[i][:hits]:
                hold(name)
                s.held.append(name)
            if np.isnan(found.scheduled[i]):
                found.scheduled[i] = clock
                found.cached_tokens[i] = s.done
            prefilling.append(s)
            visible -= 1
            budget -= chunk
            evict()
        found.most_pages = max(found.most_pages, used() + each * len(cached))
        mean = sum(s.context for s in decoding) / len(decoding) if decoding else 0.0
        chunks = [(s.chunk, s.done) for s in prefilling if s.chunk > 0]
        stands = options.prompts_alone and bool(chunks)
        decodes = [] if stands else list(decoding)
        passes = options.read_interval if chunks and options.batch_wait == 0.0 else passes + 1
        time, energy = cost(tables, len(decodes), mean, chunks)
        time += stall
        clock += time
        found.busy += time
        found.energy += energy
        found.iterations += 1
        for s in decodes:
            i = s.key[1]
            gap = clock - last[i] if any(s is x for x in resumed) else clock - stamp.get(i, clock - time)
            stamp[i] = clock
            gained = min(a, requests.output[i] - (s.context - requests.prompt[i] + 1))
            found.gaps.append((gap / a, gained))
            s.context += a
            s.left -= 1
            if s.left == 0:
                decoding.remove(s)
                found.finish[i] = clock
                let_go(s)
        for s in list(prefilling):
            s.done += s.chunk
            if s.done < s.total:
                continue
            i = s.key[1]
            prefilling.remove(s)
            if np.isnan(found.first_token[i]):
                found.first_token[i] = clock
            else:
                found.gaps.append((clock - last[i], 1.0 - counted.pop(i)))
            for name in names[i][len(s.held) :]:
                hold(name)
                s.held.append(name)
            stamp[i] = clock
            s.left = ceil((requests.output[i] - generated[i] - 1) / a)
            s.context = float(s.total)
            if s.left:
                decoding.append(s)
            else:
                found.finish[i] = clock
                let_go(s)
    return found

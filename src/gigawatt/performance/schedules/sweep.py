"""The longest path through many pipeline schedules at once, slot by slot.

What :mod:`~.schedules.makespan` works with: orders with a slot for every pass, layouts of one
order as a block of columns, end times as a table of slots by devices, and the search for rounds that repeat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.performance.schedules.order import PASSES, Order, forget_orders, order_of, slots_of

__all__ = ["Block", "Compiled", "Problem", "compile_orders", "durations_of", "forget", "repeats", "sweep"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Small = NDArray[np.int32]

_EQUAL = 1e-12
"""Relative difference below which two sums of the same times in another order are the same."""


@dataclass(frozen=True)
class Compiled:
    """An order by slots: for each ``(slot, device)`` the pass, what it waits for and over which link."""

    order: Order
    slots: int
    slot: Integers
    code: Small
    from_slot: Small
    from_device: Small
    link: Small
    count: Array
    waits: int


@dataclass(frozen=True)
class Problem:
    """Columns of layouts, checked: times ``(L, P, C)``, hops ``(L,)`` or ``(L, P)``."""

    kind: NDArray[np.str_]
    pipeline: Integers
    interleave: Integers
    microbatches: Integers
    forward: Array
    input_gradient: Array
    weight_gradient: Array
    hop: Array
    overlapped: Array | None


_COMPILED: dict[tuple[str, int, int, int], Compiled] = {}
_KEPT = 2048


def compile_orders(keys: list[tuple[str, int, int, int]]) -> list[Compiled]:
    """Orders by slots; those not seen before are made together."""
    new = [key for key in dict.fromkeys(keys) if key not in _COMPILED]
    if len(_COMPILED) + len(new) > _KEPT:
        _COMPILED.clear()
        new = list(dict.fromkeys(keys))
    if new:
        orders = [order_of(*key) for key in new]
        for key, order, slot in zip(new, orders, slots_of(orders), strict=True):
            _COMPILED[key] = _by_slot(order, slot)
    return [_COMPILED[key] for key in keys]


def forget() -> None:
    """Drop the compiled orders that are kept."""
    _COMPILED.clear()
    forget_orders()


def _by_slot(order: Order, slot: Integers) -> Compiled:
    p, slots = order.pipeline, int(slot.max()) + 1
    none = PASSES.index("none") * order.chunks
    code = np.full((slots, p), none, dtype=np.int32)
    from_slot = np.full((slots, p), -2, dtype=np.int32)
    from_device = np.empty((slots, p), dtype=np.int32)
    from_device[:] = np.arange(p)
    rows = np.arange(p)[:, None]
    code[slot, rows] = order.code
    exists = order.from_position >= 0
    device = np.where(exists, order.from_device, rows)
    from_slot[slot, rows] = np.where(exists, slot[device, order.from_position], -2)
    from_device[slot, rows] = device
    here = np.arange(p)
    link = np.minimum(here, from_device)
    link[np.abs(here - from_device) > 1] = p - 1
    width = len(PASSES) * order.chunks
    count = np.bincount((order.code + rows * width).ravel(), minlength=p * width).reshape(p, width)
    return Compiled(
        order, slots, slot, code, from_slot, from_device, link, count.astype(float), int(exists.sum())
    )


def durations_of(problem: Problem, rows: Integers, order: Order) -> Array:
    """Seconds of every kind of pass of every chunk by device, ``(rows, p, passes · chunks)``."""
    p, chunks = order.pipeline, order.chunks
    times = [t[rows, :p] for t in (problem.forward, problem.input_gradient, problem.weight_gradient)]
    if order.kind == "dualpipe":
        times = [np.concatenate([t[..., :1], t[:, ::-1, :1]], axis=2) for t in times]
    forward, into, weight = (t[..., :chunks] for t in times)
    found = np.zeros((len(rows), p, len(PASSES), chunks))
    found[:, :, 0], found[:, :, 1], found[:, :, 2], found[:, :, 3] = forward, into, weight, into + weight
    if order.kind == "dualpipe":
        if problem.overlapped is None:
            found[:, :, 5] = forward[..., ::-1] + into + weight
        else:
            found[:, :, 5] = problem.overlapped[rows, :p, None]
    return found.reshape(len(rows), p, -1)


@dataclass
class Block:
    """Layouts of one order inside a chunk: which ones, and where their devices stand."""

    compiled: Compiled
    rows: Integers
    base: int
    durations: Array

    def ends(self, table: Array, slot: Integers) -> Array:
        """End times after given slots ``(p, …)`` of every layout, ``(rows, p, …)``."""
        p = self.compiled.order.pipeline
        device = np.arange(p).reshape((p,) + (1,) * (slot.ndim - 1))
        flat = (slot + 2) * table.shape[1] + self.base + device
        each = p * np.arange(len(self.rows)).reshape((-1,) + (1,) * slot.ndim)
        return table.ravel()[flat + each]


def sweep(problem: Problem, blocks: list[Block]) -> Array:
    """End times by slot: row 0 is −∞, row 1 the start, row s + 2 the end of slot s; ``(S + 2, R)``.

    Blocks stand in order of falling numbers of slots, so that those still running come first.
    """
    slots, devices = blocks[0].compiled.slots, 0
    for block in blocks:
        block.base = devices
        devices += len(block.rows) * block.compiled.order.pipeline
    source = np.empty((slots, devices), dtype=np.intp)
    which = np.empty((slots, devices), dtype=np.intp)
    by_link = problem.hop.ndim == 2
    link = np.empty((slots, devices), dtype=np.intp) if by_link else None
    hops: list[Array] = []
    offset, running = 0, np.zeros(slots, dtype=np.int64)
    for block in blocks:
        c, number = block.compiled, len(block.rows)
        p, width = c.order.pipeline, block.durations.shape[2]
        end = block.base + number * p
        shape = (c.slots, number, p)
        each = np.arange(number)[:, None] * p
        waits = (c.from_slot + 2).astype(np.intp) * devices + c.from_device
        np.add(waits[:, None, :], (block.base + each), out=source[: c.slots, block.base : end].reshape(shape))
        own = offset + (each + np.arange(p)) * width
        np.add(c.code[:, None, :], own, out=which[: c.slots, block.base : end].reshape(shape))
        if link is not None:
            np.add(
                c.link[:, None, :], block.base + each, out=link[: c.slots, block.base : end].reshape(shape)
            )
            hops.append(problem.hop[block.rows, :p].ravel())
        else:
            hops.append(np.repeat(problem.hop[block.rows], p))
        offset += block.durations.size
        running[: c.slots] = end
    times = np.concatenate([block.durations.ravel() for block in blocks])
    hop = np.concatenate(hops)
    table = np.empty((slots + 2, devices))
    table[0], table[1] = -np.inf, 0.0
    flat = table.ravel()
    input_at, takes = np.empty(devices), np.empty(devices)
    for s in range(slots):
        n = running[s]
        arrives, took, now = input_at[:n], takes[:n], table[s + 2, :n]
        flat.take(source[s, :n], out=arrives, mode="clip")
        times.take(which[s, :n], out=took, mode="clip")
        if link is None:
            arrives += hop[:n]
        else:
            arrives += hop[link[s, :n]]
        np.maximum(arrives, table[s + 1, :n], out=now)
        now += took
    return table


def repeats(block: Block, table: Array) -> tuple[Integers, Array]:
    """Rounds after which everything repeats (0: never) and the time from one to the next, each ``(rows,)``.

    Looked for at the last steady round: all passes of the last ``lag`` rounds on all devices must have
    ended a fixed time after their like.
    """
    c = block.compiled
    number = len(block.rows)
    found, shift = np.zeros(number, dtype=np.int64), np.zeros(number)
    steady = c.order.steady
    if steady is None:
        return found, shift
    longest = steady.rounds - 1 - steady.lag
    if longest < 1:
        return found, shift
    longest = min(longest, 2 * c.order.pipeline)
    p = c.order.pipeline
    device = np.arange(p)[:, None]
    back = np.arange(longest + 1)
    last = steady.start[:, None] + (steady.rounds - back) * steady.period - 1
    ends = block.ends(table, c.slot[device, last])
    steps = ends[:, :, :1] - ends[:, :, 1:]
    near = np.abs(steps - steps[:, :1]).max(axis=1) <= _EQUAL * ends[:, :, 0].max(axis=1)[:, None]
    window = steady.lag * steady.period
    now = steady.start[:, None] + steady.rounds * steady.period - 1 - np.arange(window)
    first = [1, p] if 1 < p <= longest else [1]
    for rounds in [*first, *(n for n in range(2, longest + 1) if n != p)]:
        mine = np.flatnonzero(near[:, rounds - 1] & (found == 0))
        if not len(mine):
            continue
        part = Block(c, mine, block.base, block.durations)
        late = _at(part, table, c.slot[device, now])
        early = _at(part, table, c.slot[device, now - rounds * steady.period])
        step = (late - early).reshape(len(mine), -1)
        same = np.abs(step - step[:, :1]).max(axis=1) <= _EQUAL * late.reshape(len(mine), -1).max(axis=1)
        found[mine[same]] = rounds
        shift[mine[same]] = step[same, 0]
    return found, shift


def _at(part: Block, table: Array, slot: Integers) -> Array:
    """As :meth:`Block.ends`, for the layouts numbered ``part.rows`` inside their block."""
    p = part.compiled.order.pipeline
    flat = (slot + 2) * table.shape[1] + part.base + np.arange(p)[:, None]
    return table.ravel()[flat + p * part.rows[:, None, None]]

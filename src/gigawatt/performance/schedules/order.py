"""Orders of pipeline schedules: which pass each device runs after which, and what each pass waits for.

An order does not depend on times: it is fixed by the kind, the stages, the chunks a device and the
microbatches. Passes are numbered by their position on their device.

References
----------
GPipe: Huang et al. 2019, arXiv:1811.06965. 1F1B and its interleaved form: Narayanan et al. 2021,
arXiv:2104.04473, section 2.2, with the warm-up counts of Megatron-LM. ZB-H1, ZB-H2 and ZB-V: Qi et al.
2023, arXiv:2401.10241, sections 2 and 6. DualPipe: DeepSeek-AI 2024, arXiv:2412.19437, section 3.2.1, in
the order of the published code (eight steps).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError

__all__ = [
    "KINDS",
    "PASSES",
    "Order",
    "Steady",
    "check",
    "chunks_of",
    "forget_orders",
    "order_of",
    "slots_of",
]

Integers = NDArray[np.int64]

KINDS = ("1f1b", "zb-h1", "zb-h2", "dualpipe", "zb-v", "gpipe")
"""Schedules by name; 1F1B is interleaved where a device holds more than one chunk."""

PASSES = ("forward", "input_gradient", "weight_gradient", "backward", "wait", "overlapped", "none")
"""Kinds of passes by number. ``backward`` is both gradients at once, ``wait`` takes no time and only waits
for the input of the forward in the ``overlapped`` pass behind it: a forward and a backward of opposite
directions at once (DualPipe). ``none`` fills a row up."""
FORWARD, INPUT, WEIGHT, BACKWARD, WAIT, OVERLAPPED, NONE = range(len(PASSES))

_CODE = 1 << 20
"""More than the microbatches of any schedule, a power of two."""
_Lists = list[list[int]]
_Repeat = tuple[Integers, int, int, int]


@dataclass(frozen=True)
class Steady:
    """Rounds in which every device repeats the same passes, ``unit`` microbatches further each time.

    Device ``i`` runs round ``k < rounds`` at positions ``start[i] + k·period …``; what a pass waits for
    is at most ``lag`` rounds back.
    """

    start: Integers
    period: int
    rounds: int
    unit: int
    lag: int


@dataclass(frozen=True)
class Order:
    """Passes of every device in their order, arrays ``(p, N)``.

    ``code`` is ``pass · chunks + chunk``, ``microbatch`` which one, ``from_device`` and ``from_position``
    the pass of another device that it waits for (−1: none). ``steady`` is ``None`` where nothing repeats,
    ``slot`` where :func:`slots_of` must find slots that no formula gives.
    """

    kind: str
    pipeline: int
    chunks: int
    microbatches: int
    code: Integers
    microbatch: Integers
    from_device: Integers
    from_position: Integers
    steady: Steady | None
    slot: Integers | None = None

    def held(self, weight_share: float = 1.0) -> NDArray[np.float64]:
        """Largest number of chunk activations that each device holds at once, shape ``(p,)``.

        From the start of the forward to the end of the backward; where the weight gradient is a pass of
        its own, ``weight_share`` of it stays until that has run.
        """
        passes = self.code // self.chunks
        change = np.zeros(self.code.shape)
        change[(passes == FORWARD) | (passes == WAIT)] = 1.0
        change[passes == INPUT] = -(1.0 - weight_share)
        change[passes == WEIGHT] = -weight_share
        change[(passes == BACKWARD) | (passes == OVERLAPPED)] = -1.0
        return np.cumsum(change, axis=1).max(axis=1)


def chunks_of(kind: str, interleave: int) -> int:
    """Chunks of layers that a device holds: two in a V or in both directions, else ``interleave``."""
    return 2 if kind in ("zb-v", "dualpipe") else interleave


def order_of(kind: str, pipeline: int, interleave: int, microbatches: int) -> Order:
    """The order of one schedule; of what :func:`check` refuses there is none."""
    check(kind, pipeline, interleave, microbatches)
    return _order(kind, int(pipeline), int(interleave), int(microbatches))


def check(kind: str, pipeline: int, interleave: int, microbatches: int) -> None:
    """Whether a schedule takes these numbers.

    Raises
    ------
    InputError
        No such kind; a number of stages, chunks or microbatches that the schedule does not take.
    """
    check_word("schedule", kind, KINDS, "no such pipeline schedule")
    p, v, m = int(pipeline), int(interleave), int(microbatches)
    for name, value in (("pipeline", p), ("interleave", v), ("microbatches", m)):
        if value < 1:
            raise InputError("not a positive whole number", key=name, given=value)
    if v > 1 and kind not in ("gpipe", "1f1b") and not (kind == "zb-v" and v == 2):
        allowed = "2 (the two arms of the V)" if kind == "zb-v" else "1"
        raise InputError(f"{kind} is not interleaved", key="interleave", given=v, allowed=allowed)
    if v > 1 and kind == "1f1b" and m % p:
        raise InputError(
            "interleaved 1F1B takes microbatches in groups of the stages",
            key="microbatches",
            given=m,
            allowed=f"multiples of {p}",
        )
    if kind == "dualpipe" and (p % 2 or m % 2 or m < 2 * p):
        raise InputError(
            "DualPipe takes an even number of stages and an even number of microbatches, two for each stage",
            key="pipeline" if p % 2 else "microbatches",
            given=p if p % 2 else m,
            allowed="even numbers" if p % 2 else f"even numbers from {2 * p}",
        )


def forget_orders() -> None:
    """Drop the orders that are kept."""
    _order.cache_clear()


@lru_cache(maxsize=4096)
def _order(kind: str, p: int, v: int, m: int) -> Order:
    if kind == "zb-v":
        return _listed(kind, m, *_zb_v(p, m))
    if kind == "dualpipe":
        return _listed(kind, m, *_dualpipe(p, m))
    return _counted(kind, p, v, m)


def _counted(kind: str, p: int, v: int, m: int) -> Order:
    """Orders in which a device warms up with forwards and then alternates; positions by counting.

    Device i runs ``warm`` forwards, then rounds of one forward, one backward and, where split, the weight
    gradient of ``delay`` backwards ago; last what is left.
    """
    i, total = np.arange(p, dtype=np.int64)[:, None], m * v
    split = kind in ("zb-h1", "zb-h2")
    if kind == "gpipe":
        warm = np.full((p, 1), total)
    elif kind == "zb-h2":
        warm = 2 * (p - 1 - i)
    elif v > 1:
        warm = 2 * (p - 1 - i) + (v - 1) * p
    else:
        warm = p - 1 - i
    most = int(warm.max())
    delay = {"zb-h1": i, "zb-h2": 2 * i}.get(kind, np.full((p, 1), total))
    warm, delay = np.minimum(warm, total), np.minimum(delay, total)
    n = np.arange(total, dtype=np.int64)[None, :]
    group, within = np.divmod(n[0], p * v) if kind == "1f1b" else (np.zeros(total, int), n[0])
    chunk, turn = np.divmod(within, p if kind == "1f1b" else m)
    microbatch = group * p + turn
    before = np.maximum(n - warm, 0)
    at_forward = n + before + np.where(split, np.maximum(before - delay, 0), 0)
    forwards = np.minimum(warm + n + 1, total)
    at_backward = forwards + n + np.where(split, np.maximum(n - delay, 0), 0)
    code = np.empty((p, (3 if split else 2) * total), dtype=np.int64)
    which, device, position = np.empty_like(code), np.full_like(code, -1), np.full_like(code, -1)
    rows = np.broadcast_to(i, (p, total))
    back = v - 1 - chunk
    code[rows, at_forward], which[rows, at_forward] = FORWARD * v + chunk, microbatch
    code[rows, at_backward] = (INPUT if split else BACKWARD) * v + back
    which[rows, at_backward] = microbatch
    late, at_weight = n + delay, at_backward
    if split:
        then = np.minimum(warm + late + 1, total) + late + 1 + n
        at_weight = np.where(late < total, then, 2 * total + n)
        code[rows, at_weight], which[rows, at_weight] = WEIGHT * v + back, microbatch
    device[rows[1:], at_forward[1:]], position[rows[1:], at_forward[1:]] = rows[:-1], at_forward[:-1]
    device[rows[:-1], at_backward[:-1]], position[rows[:-1], at_backward[:-1]] = rows[1:], at_backward[1:]
    if v > 1 and p > 1:
        later = np.flatnonzero(chunk > 0)
        before = later - (m if kind == "gpipe" else p)
        device[0, at_forward[0, later]], position[0, at_forward[0, later]] = p - 1, at_forward[-1, before]
        device[-1, at_backward[-1, later]], position[-1, at_backward[-1, later]] = 0, at_backward[0, before]
    steady = None
    if kind == "1f1b" or split:
        skip = int(delay.max()) if split else 0
        each = v * p if v > 1 else 1
        rounds = (total - most - skip) // each
        if rounds > 1:
            start = at_forward[np.arange(p, dtype=np.int64), warm[:, 0] + skip]
            steady = Steady(start, (3 if split else 2) * each, rounds, p if v > 1 else 1, 1)
    slot = None
    if kind == "gpipe":
        if v == 1 or m >= p:
            slot = np.concatenate([i + n, total + 2 * p - i + n], axis=1)
    else:
        period = 3 if split else 2
        first = v * p - 1 + (2 if v > 1 else 1) * (p - 1 - i)
        slot = np.empty_like(code)
        slot[rows, at_forward] = np.where(n < warm, i + n, first + period * (n - warm))
        slot[rows, at_backward] = first + 1 + period * n
        if split:
            at = first + 2 + period * (n + delay)
            slot[rows, at_weight] = np.where(late < total, at, first + period * total + n - total + delay)
    return Order(kind, p, v, m, code, which, device, position, steady, slot)


class _Line:
    """Passes of one device while they are being put in order: ``(pass · 2 + chunk) · _CODE + microbatch``."""

    def __init__(self) -> None:
        self.passes: list[int] = []
        self.ahead, self._todo = [0, 0], [0, 0]
        self._owed: list[int] = []

    def forward(self, chunk: int, as_pass: int = FORWARD) -> None:
        """The next microbatch forward."""
        self.passes.append((as_pass * 2 + chunk) * _CODE + self.ahead[chunk])
        self.ahead[chunk] += 1

    def back(self, chunk: int, as_pass: int = INPUT) -> None:
        """The next microbatch back; an input gradient owes its weight gradient."""
        self.passes.append((as_pass * 2 + chunk) * _CODE + self._todo[chunk])
        if as_pass == INPUT:
            self._owed.append((WEIGHT * 2 + chunk) * _CODE + self._todo[chunk])
        self._todo[chunk] += 1

    def both(self, chunk: int) -> None:
        """A forward of ``chunk`` with a backward of the other one."""
        self.forward(chunk, WAIT)
        self.back(1 - chunk, OVERLAPPED)

    def weight(self, chunk: int | None = None) -> None:
        """The weight gradient owed for longest, of any chunk or of one."""
        one = next(o for o in self._owed if chunk is None or o // _CODE % 2 == chunk)
        self._owed.remove(one)
        self.passes.append(one)

    def weights(self, chunk: int | None = None) -> None:
        """All weight gradients still owed."""
        for _ in [o for o in self._owed if chunk is None or o // _CODE % 2 == chunk]:
            self.weight(chunk)

    def repeat(self, period: int, times: int) -> None:
        """The last ``period`` passes, in which each chunk goes and comes once, ``times`` more."""
        last = np.array(self.passes[-period:], dtype=np.int64)
        self.passes += (last + np.arange(1, times + 1, dtype=np.int64)[:, None]).ravel().tolist()
        self.ahead, self._todo = [n + times for n in self.ahead], [n + times for n in self._todo]


def _zb_v(p: int, m: int) -> tuple[Integers, _Lists, _Repeat | None]:
    """ZB-V by device: three warm-up phases, a steady one of six passes, three of cooling down.

    Device i holds stages i and 2p − 1 − i. With fewer than 2p − 1 microbatches the missing are left out.
    """
    enough = max(2 * p - 1, m)
    made: _Lists = []
    start = np.zeros(p, dtype=np.int64)
    for i in range(p):
        line = _Line()
        for _ in range(2 * (p - i) - 1):
            line.forward(0)
        for _ in range(i):
            line.forward(1)
            line.forward(0)
        for _ in range(p - i):
            line.forward(1)
            line.back(1)
            line.weight(1)
        start[i] = len(line.passes)
        while line.ahead[1] < line.ahead[0] or line.ahead[0] < enough:
            more = line.ahead[0] < enough
            if more:
                line.forward(0)
            line.back(0)
            line.weight(0)
            line.forward(1)
            line.back(1)
            line.weight(1)
            if more:
                line.repeat(6, enough - line.ahead[0])
        for _ in range(i):
            line.back(0)
            line.back(1)
        for _ in range(p - i):
            line.back(0)
            line.weight(0)
        line.weights(1)
        line.weights(0)
        made.append([one for one in line.passes if one % _CODE < m])
    device = np.arange(p, dtype=np.int64)
    stage = np.stack([device, 2 * p - 1 - device], axis=1)
    rounds = m - (2 * p - 1)
    return stage, made, (start, 6, rounds, 1) if rounds > 1 else None


def _dualpipe(p: int, m: int) -> tuple[Integers, _Lists, _Repeat | None]:
    """DualPipe by device, the eight steps of the published code; half of the microbatches from each end.

    The last devices do as the first ones with the chunks swapped.
    Chunk 0 are the microbatches that enter at device 0, chunk 1 those that enter at the last one.
    """
    half = p // 2
    made: _Lists = []
    start = np.zeros(p, dtype=np.int64)
    for h in range(half):
        line = _Line()
        for _ in range(2 * (half - h - 1)):
            line.forward(0)
        for _ in range(h + 1):
            line.forward(0)
            line.forward(1)
        for _ in range(half - h - 1):
            line.back(1)
            line.weight()
            line.forward(1)
        if h == half - 1:
            line.forward(0)
            line.back(1, BACKWARD)
        else:
            line.both(0)
        line.both(1)
        start[h] = start[p - 1 - h] = len(line.passes)
        steady = m // 2 - p + h
        if steady:
            line.both(0)
            line.both(1)
            line.repeat(4, steady - 1)
        for _ in range(half - h - 1):
            line.back(1, BACKWARD)
            line.both(1)
        alone = BACKWARD
        for k in range(h + 1):
            turn = k == (h + 1) // 2
            if turn and h % 2 == 1:
                alone = INPUT
            line.back(1, alone)
            if turn and h % 2 == 0:
                alone = INPUT
            line.back(0, alone)
        for _ in range(half - h - 1):
            line.weight()
            line.back(0)
        line.weights()
        made.append(line.passes)
    made += [[one ^ _CODE for one in line] for line in reversed(made)]
    device = np.arange(p, dtype=np.int64)
    stage = np.stack([device, p - 1 - device], axis=1)
    rounds = m // 2 - p
    return stage, made, (start, 4, rounds, 2) if rounds > 1 else None


def _listed(kind: str, m: int, stage: Integers, lists: _Lists, steady: _Repeat | None) -> Order:
    """An order from each device's passes as :class:`_Line` puts them."""
    p, length = len(lists), max(len(one) for one in lists)
    each = m // 2 if kind == "dualpipe" else m
    none = NONE * 2 * _CODE
    passes = np.array([one + [none] * (length - len(one)) for one in lists], dtype=np.int64)
    code, which = np.divmod(passes, _CODE)
    what, chunk = np.divmod(code, 2)
    made = [np.full((p, 2, each), -1, dtype=np.int64) for _ in range(2)]
    position = np.broadcast_to(np.arange(length, dtype=np.int64), (p, length))
    device = np.broadcast_to(np.arange(p, dtype=np.int64)[:, None], (p, length))
    forward, waits = what == FORWARD, what == WAIT
    backward = (what == INPUT) | (what == BACKWARD) | (what == OVERLAPPED)
    made[0][device[forward], chunk[forward], which[forward]] = position[forward]
    made[0][device[waits], chunk[waits], which[waits]] = position[waits] + 1
    made[1][device[backward], chunk[backward], which[backward]] = position[backward]
    return _linked(kind, m, stage, code, which, made[0], made[1], steady)


def _linked(
    kind: str,
    m: int,
    stage: Integers,
    code: Integers,
    microbatch: Integers,
    made_forward: Integers,
    made_backward: Integers,
    steady: _Repeat | None,
) -> Order:
    """The order with what each pass waits for.

    ``stage (p, chunks)`` is the stage that a chunk is; ``made_forward``, ``made_backward``
    ``(p, chunks, m)`` the positions at whose end an output exists. In DualPipe each chunk is a pipeline
    of its own.
    """
    p, chunks = stage.shape
    passes, chunk = np.divmod(code, chunks)
    by_stage = np.full((chunks if kind == "dualpipe" else 1, stage.max() + 1), -1, dtype=np.int64)
    lane = np.arange(chunks, dtype=np.int64) if kind == "dualpipe" else np.zeros(chunks, dtype=np.int64)
    by_stage[lane[None, :], stage] = np.arange(p * chunks, dtype=np.int64).reshape(p, chunks)
    device = np.broadcast_to(np.arange(p, dtype=np.int64)[:, None], code.shape)
    own = stage[device, chunk]
    forward = (passes == FORWARD) | (passes == WAIT)
    backward = (passes == INPUT) | (passes == BACKWARD) | (passes == OVERLAPPED)
    step = np.where(forward, -1, np.where(backward, 1, 0))
    wanted = own + step
    exists = (step != 0) & (wanted >= 0) & (wanted <= stage.max())
    source = by_stage[lane[chunk], np.where(exists, wanted, 0)]
    from_device, from_chunk = np.divmod(source, chunks)
    exists &= from_device != device
    found = np.where(forward, made_forward[from_device, from_chunk, microbatch], 0)
    found = np.where(backward, made_backward[from_device, from_chunk, microbatch], found)
    from_device, from_position = np.where(exists, from_device, -1), np.where(exists, found, -1)
    repeats = None
    if steady is not None:
        start, period, rounds, unit = steady
        mine = (np.arange(code.shape[1], dtype=np.int64)[None, :] - start[:, None]) // period
        theirs = (from_position - start[from_device]) // period
        inside = exists & (mine >= 1) & (mine < rounds)
        lag = max(1, int((mine - theirs)[inside].max(initial=1)))
        repeats = Steady(start, period, rounds, unit, lag)
    return Order(kind, p, chunks, m, code, microbatch, from_device, from_position, repeats)


def slots_of(orders: list[Order]) -> list[Integers]:
    """A slot for every pass of every order, ``(p, N)``: later than what it waits for, one a device.

    Those that no formula gives are found by letting all devices of all orders run.

    Raises
    ------
    InputError
        An order in which devices wait for each other for ever.
    """
    found = [order.slot for order in orders]
    unknown = [at for at, slot in enumerate(found) if slot is None]
    for at, slot in zip(unknown, _run_slots([orders[at] for at in unknown]), strict=True):
        found[at] = slot
    return [slot for slot in found if slot is not None]


def _run_slots(orders: list[Order]) -> list[Integers]:
    if not orders:
        return []
    devices = np.concatenate([[0], np.cumsum([o.pipeline for o in orders])])
    lengths = np.repeat([o.code.shape[1] for o in orders], [o.pipeline for o in orders])
    offset = np.concatenate([[0], np.cumsum(lengths)])
    base = np.repeat(devices[:-1], [o.code.size for o in orders])
    device = np.concatenate([o.from_device.ravel() for o in orders])
    waits = np.concatenate([o.from_position.ravel() for o in orders])
    source = np.where(device >= 0, device + base, 0)
    slot = np.empty(len(waits) + 1, dtype=np.int64)
    rows = np.arange(devices[-1], dtype=np.int64)
    first, length = offset[:-1], lengths
    done = np.zeros(devices[-1], dtype=np.int64)
    now = 0
    while len(rows):
        at = first[rows] + done[rows]
        ready = done[source[at]] > waits[at]
        if not ready.any():
            raise InputError("a pipeline schedule in which the devices wait for each other for ever")
        slot[at[ready]] = now
        ran = rows[ready]
        done[ran] += 1
        now += 1
        if (done[ran] == length[ran]).any():
            rows = rows[done[rows] < length[rows]]
    ends = offset[devices]
    return [slot[a:b].reshape(o.code.shape) for o, a, b in zip(orders, ends[:-1], ends[1:], strict=True)]

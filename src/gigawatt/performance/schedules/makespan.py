"""Exact pipeline schedules: when every pass of every microbatch runs, for many layouts at once.

The makespan is the longest path through the passes: a pass starts when the one before it on its device has
ended and its input has arrived. Layouts are taken together slot by slot (a slot holds at most one pass a
device, later than all that it waits for), whatever their stages, chunks and microbatches.

With many microbatches an order repeats itself, and the times with it: passes are sums and maxima of earlier
ones, so that, once all that later passes can see is what it was ``c`` rounds before, a fixed time later, it
stays so for ever. Such a layout is evaluated with few microbatches and the rounds between are added; where
no such rounds are found, all microbatches are.

References
----------
See :mod:`~gigawatt.performance.schedules.order`. Periodicity of systems of sums and maxima: Baccelli, Cohen,
Olsder and Quadrat 1992, "Synchronization and Linearity", section 3.7.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.schedules.closed import held_activations
from gigawatt.performance.schedules.order import PASSES, check, chunks_of, order_of
from gigawatt.performance.schedules.sweep import (
    Block,
    Compiled,
    Problem,
    compile_orders,
    durations_of,
    forget,
    repeats,
    sweep,
)

__all__ = ["Makespan", "Timeline", "clear_orders", "exact_makespan", "timeline"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_CELLS = 1 << 19
"""Slots times devices taken at once, so that they stay near the processor."""
_WORTH = 0.75
"""Share of the microbatches beyond which looking for rounds that repeat saves nothing."""


@dataclass(frozen=True)
class Makespan:
    """Exact schedules of ``L`` layouts of at most ``P`` devices; what a layout lacks is 0.

    Attributes
    ----------
    makespan : array (L,) [s]
        From the start of the first pass to the end of the last one on any device.
    longest : array (L,) [s]
        Of the device that takes longest from its own first pass to its own last: what a step costs where
        devices go on to the next without waiting for each other (Qi et al. 2023, section 4).
    busy, idle : array (L, P) [s]
        Each device's work, and the rest of the makespan.
    held : array (L, P)
        Most microbatches whose activations a device holds at once, in units of all its chunks.
    periodic : bool array (L,)
        Where repeating rounds were added rather than evaluated one by one.
    """

    makespan: Array
    longest: Array
    busy: Array
    idle: Array
    held: Array
    periodic: NDArray[np.bool_]

    def take(self, index: NDArray[np.intp] | slice) -> Makespan:
        """The layouts at ``index``."""
        return Makespan(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


@dataclass(frozen=True)
class Timeline:
    """All passes of one schedule in a fixed order, arrays ``(N,)``.

    ``device``, ``chunk``, ``microbatch`` count from 0, ``name`` is one of
    :data:`~gigawatt.performance.schedules.order.PASSES`, ``start`` and ``end`` are seconds. A forward and a
    backward that run at once are two rows of the same times.
    """

    device: Integers
    chunk: Integers
    microbatch: Integers
    name: NDArray[np.str_]
    start: Array
    end: Array


def _reduced(kind: str, p: int, v: int, m: int, waits: bool, tries: int) -> int:
    """Microbatches with which rounds that repeat are looked for: few, then more, then all ``m``.

    Few are enough for what repeats every round or two, more for what repeats every ``p``: schedules in
    which each microbatch ``waits`` for hops.
    """
    tries += waits and tries == 0 and v == 1 and kind in ("1f1b", "dualpipe")
    if tries > 1 or kind == "gpipe" or p == 1:
        return m
    if kind == "1f1b" and v > 1:
        unit, fewest = p, (6 if tries == 0 else 12) * p
    elif kind == "dualpipe":
        unit, fewest = 2, 2 * p + 2 * (6 if tries == 0 else p + 6)
    else:
        ahead = {"1f1b": p, "zb-h1": 2 * p, "zb-h2": 4 * p, "zb-v": 2 * p}[kind]
        unit, fewest = 1 if tries == 0 else p, ahead + (6 if tries == 0 else 2 * p + 4)
    fewest += (m - fewest) % unit
    return fewest if fewest < _WORTH * m else m


def _evaluate(
    problem: Problem, rows: Integers, microbatches: Integers, out: dict[str, Array], look: bool
) -> tuple[Integers, Array]:
    """Makespan and longest device of ``rows`` with the ``microbatches`` given, written into ``out``.

    Returns rounds after which all repeats and their time (zeros unless asked to ``look``).
    """
    found, shift = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows))
    order: dict[tuple[str, int, int, int], list[int]] = {}
    columns = (problem.kind[rows], problem.pipeline[rows], problem.interleave[rows], microbatches)
    for at, key in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        order.setdefault(key, []).append(at)
    compiled = compile_orders(list(order))
    groups = sorted(zip(compiled, order.values(), strict=True), key=lambda pair: -pair[0].slots)
    chunk: list[tuple[Compiled, list[int]]] = []
    room = 0

    def flush() -> None:
        blocks = [
            Block(c, np.asarray(at), 0, durations_of(problem, rows[np.asarray(at)], c.order))
            for c, at in chunk
        ]
        for block in blocks:
            block.rows = rows[block.rows]
        table = sweep(problem, blocks)
        for block, (c, at) in zip(blocks, chunk, strict=True):
            p = c.order.pipeline
            last = block.ends(table, c.slot.max(axis=1))
            lead = block.ends(table, c.slot[:, 0])
            first = np.take_along_axis(
                block.durations, np.broadcast_to(c.order.code[:, 0, None], (len(at), p, 1)), axis=2
            )
            out["makespan"][block.rows] = last.max(axis=1)
            out["longest"][block.rows] = (last - lead + first[..., 0]).max(axis=1)
            if look:
                found[at], shift[at] = repeats(block, table)
        chunk.clear()

    for c, at in groups:
        p = c.order.pipeline
        while at:
            most = chunk[0][0].slots if chunk else c.slots
            fits = max((_CELLS // most - room) // p, 0 if chunk else 1)
            if not fits:
                flush()
                room = 0
                continue
            chunk.append((c, at[:fits]))
            room += p * len(at[:fits])
            at = at[fits:]
    if chunk:
        flush()
    return found, shift


def clear_orders() -> None:
    """Forget the orders that are kept from one call to the next."""
    forget()


def exact_makespan(
    *,
    kind: str | ArrayLike,
    forward: ArrayLike,
    input_gradient: ArrayLike,
    weight_gradient: ArrayLike,
    microbatches: ArrayLike,
    hop: ArrayLike = 0.0,
    pipeline: ArrayLike | None = None,
    interleave: ArrayLike | None = None,
    overlapped: ArrayLike | None = None,
    whole: bool = False,
) -> Makespan:
    """Exact makespan of the pipeline schedules of many layouts, alike or not.

    Parameters
    ----------
    kind : str or array of str (L,)
        One of :data:`~gigawatt.performance.schedules.order.KINDS`; 1F1B with ``interleave`` above 1 is the
        interleaved one of Megatron-LM.
    forward, input_gradient, weight_gradient : array (L, P, C) or (L, P) [s]
        One pass of one microbatch through chunk ``c`` of device ``i``. Chunk ``c`` of device ``i`` is stage
        ``c·p + i`` of the model; in ZB-V (two chunks) stages ``i`` and ``2p − 1 − i``; in DualPipe times are
        those of stage ``i`` and device ``i`` also runs stage ``p − 1 − i``. Entries beyond a layout's own
        ``pipeline`` and ``interleave`` are not read. The whole backward is the sum of its two parts.
    microbatches : int or array (L,)
        Of one step; in DualPipe of both directions together.
    hop : float or array (L,) or (L, P) [s]
        From the end of a pass to the moment its output is where the next stage runs, for all links or by
        link: ``i`` between devices ``i`` and ``i + 1``, ``p − 1`` from the last device back to the first.
        The sender does not wait.
    pipeline, interleave : array (L,), optional
        Devices and chunks of each layout; by default ``P`` and ``C``.
    overlapped : array (L,) or (L, P) [s], optional
        DualPipe's forward and backward at once on device ``i``; by default the sum of the two.
    whole : bool
        Evaluate every microbatch, repeating rounds or not.

    Raises
    ------
    InputError
        Times that are negative or not finite, shapes that do not go together, a schedule that does not take
        these stages, chunks or microbatches.
    """
    problem = _checked(
        kind,
        forward,
        input_gradient,
        weight_gradient,
        hop,
        microbatches,
        pipeline,
        interleave,
        overlapped,
    )
    number, devices = problem.forward.shape[:2]
    out = {"makespan": np.zeros(number), "longest": np.zeros(number)}
    periodic = np.zeros(number, dtype=np.bool_)
    asked = problem.microbatches
    unit = np.where(problem.kind == "dualpipe", 2, 1)
    unit = np.where((problem.kind == "1f1b") & (problem.interleave > 1), problem.pipeline, unit)
    waits = problem.hop.reshape(number, -1).max(axis=1, initial=0.0) > 0.0
    left: Integers = np.arange(number, dtype=np.int64)
    before = np.zeros(number, dtype=np.int64)
    for tries in (2,) if whole else (0, 1, 2):
        columns = (problem.kind, problem.pipeline, problem.interleave, asked, waits)
        keys = zip(*(column[left].tolist() for column in columns), strict=True)
        few = np.array([_reduced(*key, tries) for key in keys], dtype=np.int64).reshape(-1)
        new = few > before[left]
        mine, few = left[new], few[new]
        if not len(mine):
            continue
        before[mine] = few
        rounds, shift = _evaluate(problem, mine, few, out, look=bool((few < asked[mine]).any()))
        rest = asked[mine] - few
        repeat = (rest > 0) & (rounds > 0)
        period = unit[mine] * np.maximum(rounds, 1)
        again = np.flatnonzero(repeat & (rest % period > 0))
        if len(again):
            more = few[again] + rest[again] % period[again]
            _evaluate(problem, mine[again], more, out, look=False)
        added = np.where(repeat, rest // period * shift, 0.0)
        for name in out:
            out[name][mine] += added
        periodic[mine] = repeat
        left = np.setdiff1d(left, mine[repeat | (rest == 0)])
    busy, held = _work(problem, devices)
    device: Integers = np.arange(devices, dtype=np.int64)
    exists = device < problem.pipeline[:, None]
    return Makespan(
        makespan=out["makespan"],
        longest=out["longest"],
        busy=busy,
        idle=np.where(exists, out["makespan"][:, None] - busy, 0.0),
        held=held,
        periodic=periodic,
    )


def _work(problem: Problem, devices: int) -> tuple[Array, Array]:
    """Work [s] and most held microbatches of every device, each ``(L, P)``."""
    device: Integers = np.arange(devices, dtype=np.int64)
    chunk: Integers = np.arange(problem.forward.shape[2], dtype=np.int64)
    exists = device < problem.pipeline[:, None]
    chunks = np.array(
        [chunks_of(k, v) for k, v in zip(problem.kind.tolist(), problem.interleave, strict=True)]
    )
    held = np.array(
        held_activations(
            kind=problem.kind[:, None],
            stage=device,
            pipeline=problem.pipeline[:, None],
            interleave=problem.interleave[:, None],
            microbatches=problem.microbatches[:, None],
        )
    )
    both_ways = problem.kind == "dualpipe"
    inside = chunk < np.where(both_ways, 1, chunks)[:, None, None]
    each = (problem.forward + problem.input_gradient + problem.weight_gradient) * inside
    busy = problem.microbatches[:, None] * each.sum(axis=2) * exists
    odd = both_ways | ((problem.kind == "zb-v") & (problem.microbatches < 2 * problem.pipeline - 1))
    for at in np.flatnonzero(odd):
        kind, p, m = str(problem.kind[at]), int(problem.pipeline[at]), int(problem.microbatches[at])
        if kind == "zb-v":
            held[at, :p] = order_of(kind, p, 2, m).held() / 2.0
            continue
        few = _reduced(kind, p, 1, m, True, 0)
        (one,) = compile_orders([(kind, p, 1, few)])
        times = durations_of(problem, np.array([at]), one.order)[0]
        both = times[:, PASSES.index("overlapped") * 2 :][:, :2]
        busy[at, :p] = (times * one.count).sum(axis=1) + both.sum(axis=1) * (m - few) / 2.0
    return busy, held * exists


def _checked(
    kind: str | ArrayLike,
    forward: ArrayLike,
    input_gradient: ArrayLike,
    weight_gradient: ArrayLike,
    hop: ArrayLike,
    microbatches: ArrayLike,
    pipeline: ArrayLike | None,
    interleave: ArrayLike | None,
    overlapped: ArrayLike | None,
) -> Problem:
    named = _times(forward, input_gradient, weight_gradient, hop, overlapped)
    stages = [named[name] for name in ("forward", "input_gradient", "weight_gradient")]
    try:
        stages = list(np.broadcast_arrays(*[s[..., None] if s.ndim == 2 else s for s in stages]))
        if stages[0].ndim != 3:
            raise ValueError
        number, devices, chunks = stages[0].shape
        columns = [
            np.broadcast_to(np.asarray(given), (number,))
            for given in (
                kind,
                devices if pipeline is None else pipeline,
                chunks if interleave is None else interleave,
                microbatches,
            )
        ]
        for name in ("hop", "overlapped"):
            if name in named:
                shape = (number, devices) if named[name].ndim == 2 or name == "overlapped" else (number,)
                given = (
                    named[name][:, None] if name == "overlapped" and named[name].ndim == 1 else named[name]
                )
                named[name] = np.broadcast_to(given, shape)
    except ValueError:
        raise InputError(
            "shapes of the schedule's times do not go together",
            given=", ".join(f"{name} {array.shape}" for name, array in named.items()),
            allowed="(layouts, stages) or (layouts, stages, chunks), the others (layouts,)",
        ) from None
    kinds = np.asarray(columns[0], dtype=np.str_)
    p, v, m = map(_whole, ("pipeline", "interleave", "microbatches"), columns[1:])
    v = np.where(kinds == "zb-v", 2, v)
    wide = np.where(kinds == "dualpipe", 1, v)
    if number and (p.max() > devices or wide.max() > chunks):
        raise InputError(
            "more stages or chunks than times are given for",
            given=f"{p.max()} stages of {wide.max()} chunks",
            allowed=f"{devices} of {chunks}",
        )
    for key in dict.fromkeys(zip(kinds.tolist(), p.tolist(), v.tolist(), m.tolist(), strict=True)):
        check(*key)
    f, i, w = stages
    return Problem(kinds, p, v, m, f, i, w, named["hop"], named.get("overlapped"))


def _times(
    forward: ArrayLike,
    input_gradient: ArrayLike,
    weight_gradient: ArrayLike,
    hop: ArrayLike,
    overlapped: ArrayLike | None,
) -> dict[str, Array]:
    named = {
        "forward": np.asarray(forward, dtype=float),
        "input_gradient": np.asarray(input_gradient, dtype=float),
        "weight_gradient": np.asarray(weight_gradient, dtype=float),
        "hop": np.asarray(hop, dtype=float),
    }
    if overlapped is not None:
        named["overlapped"] = np.asarray(overlapped, dtype=float)
    for name, array in named.items():
        if not np.isfinite(array).all() or (array < 0.0).any():
            raise InputError("a time is negative or not finite", key=name, allowed="0 s or more")
    return named


def _whole(name: str, column: Array) -> Integers:
    if column.dtype.kind not in "iu" and not (column == np.floor(column)).all():
        raise InputError("not a whole number", key=name, given=float(column[column != np.floor(column)][0]))
    return np.asarray(column, dtype=np.int64)


def timeline(
    *,
    kind: str,
    forward: ArrayLike,
    input_gradient: ArrayLike,
    weight_gradient: ArrayLike,
    microbatches: int,
    hop: ArrayLike = 0.0,
    overlapped: ArrayLike | None = None,
) -> Timeline:
    """All passes of one schedule with their times, for a chart.

    Parameters
    ----------
    kind, microbatches, hop, overlapped
        As in :func:`exact_makespan`, of one layout: ``hop`` a number or ``(P,)``, ``overlapped`` likewise.
    forward, input_gradient, weight_gradient : array (P, C) or (P,) [s]
        By device and chunk.

    Returns
    -------
    Timeline
        By device, then in the order in which it runs them.
    """
    f, i, w = (np.asarray(t, dtype=float)[None] for t in (forward, input_gradient, weight_gradient))
    link = np.asarray(hop, dtype=float)
    both = None if overlapped is None else np.atleast_1d(np.asarray(overlapped, dtype=float))[None]
    wide = f.shape[2] if f.ndim == 3 else 1
    problem = _checked(
        kind,
        f,
        i,
        w,
        link[None] if link.ndim else link,
        microbatches,
        None,
        1 if kind == "dualpipe" else wide,
        both,
    )
    key = (kind, int(problem.pipeline[0]), int(problem.interleave[0]), int(problem.microbatches[0]))
    (compiled,) = compile_orders([key])
    order = compiled.order
    block = Block(compiled, np.array([0]), 0, durations_of(problem, np.array([0]), order))
    table = sweep(problem, [block])
    end = block.ends(table, compiled.slot)[0]
    took = np.take_along_axis(block.durations[0], order.code, axis=1)
    passes, chunk = np.divmod(order.code, order.chunks)
    waits, both_ways = passes == PASSES.index("wait"), passes == PASSES.index("overlapped")
    start = end - took
    following = np.roll(both_ways, -1, axis=1) & waits
    start[following], end[following] = (np.roll(t, -1, axis=1)[following] for t in (start, end))
    names = np.array(PASSES)[passes]
    names[waits], names[both_ways] = "forward", "backward"
    kept = passes != PASSES.index("none")
    device = np.broadcast_to(np.arange(order.pipeline)[:, None], kept.shape)
    return Timeline(device[kept], chunk[kept], order.microbatch[kept], names[kept], start[kept], end[kept])

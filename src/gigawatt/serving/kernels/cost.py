"""Arithmetic of the event engine: look-ups in the step tables, jumps in closed form, what falls in which bin.

All functions are compiled. Tables lie in one flat array ``f``, where the options ``c``
say. A jump of ``k`` iterations has durations ``d0 + d1·j`` and energies ``e0 + e1·j``, j = 0 … k − 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gigawatt.core.compiled import COMPILED, compiled, compiled_exact_sums

__all__ = [
    "BUSY",
    "COLUMNS",
    "LEVELS",
    "ON",
    "RUNNING",
    "WAITING",
    "WORK",
    "decode_cost",
    "elapsed",
    "gap_bin",
    "gaps",
    "line_cost",
    "mark",
    "pages",
    "prefill_cost",
    "spread",
    "step_at",
    "steps_until",
]

Row = Any  #: a float array, or a list where nothing is compiled

#: The book has a row for each bin: columns of work, then of each level two (see :func:`mark`).
ENERGY, ITERATIONS, PROMPT, OUTPUT, KV, WORK = range(6)
RUNNING, WAITING, ON, BUSY, LEVELS = range(5)
COLUMNS = WORK + 2 * LEVELS

#: Bins of the histogram of gaps: a decade, the first decade's exponent, all.
DECADE, FIRST, GAPS = 128, -5, 9 * 128

_ceil = np.ceil if COMPILED else math.ceil


@compiled
def place(f: Row, x: int, n: int, at: float) -> int:
    """The knot below, the last but one at most."""
    low, high = 0, n - 1
    while high - low > 1:
        middle = (low + high) >> 1
        if f[x + middle] <= at:
            low = middle
        else:
            high = middle
    return low


@compiled
def line_cost(f: Row, c: Any, at: float) -> tuple[float, float, float, float]:
    """(time, energy) of what works on ``at`` tokens alike, time of the exchange beside it, and the part of
    the time that all attention groups share."""
    x, n, y = c.tok_x, c.tok_n, c.tok_y
    if n < 2:
        return f[y], f[y + 1], f[y + 2], f[y + 3]
    m = place(f, x, n, at)
    u = (at - f[x + m]) / (f[x + m + 1] - f[x + m])
    i = y + 4 * m
    time, energy = f[i] * (1.0 - u) + f[i + 4] * u, f[i + 1] * (1.0 - u) + f[i + 5] * u
    return time, energy, f[i + 2] * (1.0 - u) + f[i + 6] * u, f[i + 3] * (1.0 - u) + f[i + 7] * u


@compiled
def prefill_cost(f: Row, c: Any, y: int, chunk: float, before: float) -> tuple[float, float]:
    """(time, energy) of attention of one chunk after ``before`` tokens, in the table at ``y``."""
    x, rows, x1, n = c.chk_x, c.chk_n, c.bef_x, c.bef_n
    i, u, i1 = 0, 0.0, 0
    if rows > 1:
        i = place(f, x, rows, chunk)
        i1 = i + 1
        u = (chunk - f[x + i]) / (f[x + i1] - f[x + i])
    j, v, j1 = 0, 0.0, 0
    if n > 1:
        j = place(f, x1, n, before)
        j1 = j + 1
        v = (before - f[x1 + j]) / (f[x1 + j1] - f[x1 + j])
    near, near1 = y + 2 * (i * n + j), y + 2 * (i * n + j1)
    far, far1 = y + 2 * (i1 * n + j), y + 2 * (i1 * n + j1)
    time = (f[near] * (1.0 - v) + f[near1] * v) * (1.0 - u) + (f[far] * (1.0 - v) + f[far1] * v) * u
    near, near1, far, far1 = near + 1, near1 + 1, far + 1, far1 + 1
    energy = (f[near] * (1.0 - v) + f[near1] * v) * (1.0 - u) + (f[far] * (1.0 - v) + f[far1] * v) * u
    return time, energy


@compiled
def decode_cost(
    f: Row, c: Any, y: int, sequences: int, context: float
) -> tuple[float, float, float, float, float]:
    """(time, energy, their slopes per token of context, the next knot) of attention of decoding sequences.

    The table at ``y`` has a row of values for every whole number of sequences.
    """
    x, n = c.ctx_x, c.ctx_n
    i = y + 2 * n * sequences
    if n < 2:
        return f[i], f[i + 1], 0.0, 0.0, math.inf
    m = place(f, x, n, context)
    below, above = f[x + m], f[x + m + 1]
    i += 2 * m
    slope, slope_energy = (f[i + 2] - f[i]) / (above - below), (f[i + 3] - f[i + 1]) / (above - below)
    past = context - below
    knot = above if m < n - 2 else math.inf
    return f[i] + slope * past, f[i + 1] + slope_energy * past, slope, slope_energy, knot


@compiled
def elapsed(d0: float, d1: float, steps: float) -> float:
    """Time of the first ``steps`` iterations of a jump."""
    return d0 * steps + d1 * (0.5 * steps * (steps - 1.0))


@compiled
def step_at(d0: float, d1: float, k: int, time: float) -> int:
    """Iterations of a jump that are over after ``time``: the largest j ≤ k with elapsed(j) ≤ time."""
    b = d0 - 0.5 * d1
    root = b * b + 2.0 * d1 * time
    below = b + math.sqrt(root) if root > 0.0 else b
    guess = 2.0 * time / below if below > 0.0 else float(k)
    j = k if guess >= k else int(max(guess, 0.0))
    while j < k and elapsed(d0, d1, j + 1.0) <= time:
        j += 1
    while j > 0 and elapsed(d0, d1, float(j)) > time:
        j -= 1
    return j


@compiled
def steps_until(d0: float, d1: float, k: int, start: float, time: float) -> int:
    """The first boundary of a jump from ``start`` at or after ``time``, at least 1 and at most ``k``."""
    j = step_at(d0, d1, k, time - start)
    while j > 0 and start + elapsed(d0, d1, float(j)) >= time:
        j -= 1
    while j < k and start + elapsed(d0, d1, float(j)) < time:
        j += 1
    return max(j, 1)


@compiled_exact_sums
def pages(base: Row, first: int, count: int, more: float, block: float) -> int:
    """Pages of sequences that hold ``base + more`` tokens each."""
    total = 0.0
    for i in range(first, first + count):
        total += _ceil((base[i] + more) / block)
    return int(total)


@compiled
def mark(book: Row, width: float, kind: int, time: float, change: float) -> None:
    """Raise a level from ``time`` on; levels are kept as (seconds in the bin, change for all later bins)."""
    b = int(time / width)
    i = COLUMNS * b + WORK + 2 * kind
    book[i] += change * ((b + 1) * width - time)
    book[i + COLUMNS + 1] += change


@compiled
def spread(
    book: Row,
    width: float,
    start: float,
    end: float,
    k: int,
    d0: float,
    d1: float,
    e0: float,
    e1: float,
    gained: float,
    over: float,
    prompt: float,
    held: float,
    grows: float,
) -> None:
    """Put the work of an iteration or a jump in its bins, evenly over each iteration.

    ``gained`` tokens an iteration, ``over`` fewer in the last; ``prompt`` tokens in all; ``held`` tokens in
    the cache, ``grows`` more each iteration.
    """
    steps = float(k)
    energy = e0 * steps + e1 * (0.5 * steps * (steps - 1.0))
    output = gained * steps - over
    if k == 1:
        kept = held * (end - start)
    else:
        squares = (steps - 1.0) * steps * (2.0 * steps - 1.0) / 6.0
        kept = (
            held * d0 * steps
            + (held * d1 + grows * d0) * (0.5 * steps * (steps - 1.0))
            + grows * d1 * squares
        )
    first, last = int(start / width), int(end / width)
    done_energy, done_steps, done_output, done_kept = 0.0, 0.0, 0.0, 0.0
    for b in range(first, last):
        past = (b + 1) * width - start
        j = step_at(d0, d1, k, past)
        n = float(j)
        u, length = 0.0, d0 + d1 * n
        if j < k and length > 0.0:
            u = min(max((past - elapsed(d0, d1, n)) / length, 0.0), 1.0)
        pairs = 0.5 * n * (n - 1.0)
        squares = (n - 1.0) * n * (2.0 * n - 1.0) / 6.0
        to_energy = e0 * n + e1 * pairs + u * (e0 + e1 * n)
        to_kept = held * d0 * n + (held * d1 + grows * d0) * pairs + grows * d1 * squares
        to_kept += u * (held + grows * n) * length
        to_steps = n + u
        to_output = gained * to_steps - over * max(to_steps - (steps - 1.0), 0.0)
        i = COLUMNS * b
        book[i] += to_energy - done_energy
        book[i + 1] += to_steps - done_steps
        book[i + 2] += prompt * (to_steps - done_steps) / steps
        book[i + 3] += to_output - done_output
        book[i + 4] += to_kept - done_kept
        done_energy, done_steps, done_output, done_kept = to_energy, to_steps, to_output, to_kept
    i = COLUMNS * last
    book[i] += energy - done_energy
    book[i + 1] += steps - done_steps
    book[i + 2] += prompt * (steps - done_steps) / steps
    book[i + 3] += output - done_output
    book[i + 4] += kept - done_kept


@compiled
def gap_bin(gap: float) -> int:
    """Where a gap lies in the histogram."""
    if gap <= 0.0:
        return 0
    return min(max((math.floor((math.log10(gap) - FIRST) * DECADE)), 0), GAPS - 1)


@compiled
def gaps(f: Row, at: int, k: int, d0: float, d1: float, accepted: float, sequences: float) -> int:
    """Count the gaps of a jump: each iteration ``sequences · accepted`` of its duration over ``accepted``.

    Returns where the last lies.
    """
    weight = sequences * accepted
    here = gap_bin(d0 / accepted)
    if k == 1 or d1 == 0.0:
        f[at + here] += weight * k
        return here
    last = gap_bin((d0 + d1 * (k - 1)) / accepted)
    done = 0
    while here != last:
        edge = 10.0 ** ((here + (1 if d1 > 0.0 else 0)) / DECADE + FIRST) * accepted
        j = min(max((math.ceil((edge - d0) / d1)), done), k - 1)
        f[at + here] += weight * (j - done)
        done = j
        here += 1 if d1 > 0.0 else -1
    f[at + last] += weight * (k - done)
    return last

"""A trace at another demand and over a longer time.

More demand is more users: copies of the trace, each shifted in time by its own draw, are laid over one
another. The variance over the mean of the arrivals in any window (their index of dispersion) stays that of
the trace, as it would for as many independent populations; relative to the mean, bursts level out with the
root of the copies. Less demand is a share of the trace, which does lose burstiness. ``by="time"`` runs the
clock faster or slower instead: gaps keep their coefficient of variation, bursts are as large relative to
the mean as before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.serving.arrivals import DailyShape, daily_shape
from gigawatt.serving.requests import Requests
from gigawatt.serving.traces import trace_period

__all__ = [
    "scale_trace",
    "select_requests",
]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_BY = ("copies", "time")


def select_requests(requests: Requests, rows: ArrayLike, *, arrival: ArrayLike | None = None) -> Requests:
    """The requests of ``rows`` (K,), which may repeat, with new arrivals (K,) [s] if given."""
    chosen = np.asarray(rows, dtype=np.int64)
    blocks = None
    if requests.blocks is not None:
        places, offsets = _spans(requests.blocks[0], chosen)
        blocks = (offsets, requests.blocks[1][places])
    return Requests(
        arrival=requests.arrival[chosen] if arrival is None else np.asarray(arrival, dtype=float),
        prompt=requests.prompt[chosen],
        output=requests.output[chosen],
        priority=requests.priority[chosen],
        blocks=blocks,
        block_tokens=requests.block_tokens,
    )


def _spans(offsets: Whole, rows: Whole) -> tuple[Whole, Whole]:
    """Where the items of ``rows`` stand in the flat array, and their own offsets."""
    counts = np.diff(offsets)[rows]
    ends = np.concatenate([[0], np.cumsum(counts)])
    return np.arange(int(ends[-1]), dtype=np.int64) + np.repeat(offsets[rows] - ends[:-1], counts), ends


def scale_trace(
    requests: Requests,
    *,
    rate: float | None = None,
    token_rate: float | None = None,
    factor: float | None = None,
    span: float | None = None,
    shape: DailyShape | str | float | ArrayLike | None = None,
    by: str = "copies",
    seed: int = 0,
) -> Requests:
    """A trace brought to a stated demand, and to a longer (or shorter) time.

    Parameters
    ----------
    requests : Requests
        Two at least, not all at once.
    rate, token_rate, factor : float
        One of them, or none for the trace's own demand: requests [1/s], tokens of prompts and outputs
        together [token/s], or times the trace's own rate. The mean of a whole day where there is a shape.
    span : float [s], optional
        Length of what comes out; the trace's own if left out. A longer one repeats the trace, each time
        turned about itself by its own draw, so that no clock of the trace's length shows.
    shape : optional
        The hours of the day that the demand follows (:func:`gigawatt.serving.arrivals.daily_shape`); time 0
        is midnight of its clock.
    by : str
        ``copies`` or ``time``: see the module's head.
    seed : int
        The same seed gives the same requests.

    Returns
    -------
    Requests
        In order of arrival. Repetitions and copies are other people's prompts: their block hashes are their
        own, but for blocks that most requests of the trace begin with alike (a system prompt).

    Notes
    -----
    At time t the demand is c(t) = factor · shape(t) times the trace's. Copy j = 0, 1, … counts with the
    probability c(t) − j, at least 0 and at most 1: whole copies stay whole, and only the topmost is
    thinned. It is thinned evenly over lengths: the count is met within one request, and tokens nearly so.
    The first copy starts as the trace does; with factor 1, no span and no shape the trace comes back as it
    is.
    """
    period = trace_period(requests)
    if not math.isfinite(period):
        raise InputError(
            "this trace has no rate that could be scaled", allowed="two requests at two times at least"
        )
    check_word("by", by, _BY, "no such way to scale")
    times = _factor(requests, period, rate, token_rate, factor)
    if span is not None:
        check_range("span", span, 0.0, unit="seconds", open_low=True, message="not a span of time")
    length = period if span is None else float(span)
    base = requests.arrival - requests.arrival[0]
    if by == "time":
        base, period, times = base / times, period / times, 1.0
        length = period if span is None else length
    day = None if shape is None else daily_shape(shape)
    most = times * (1.0 if day is None else day.peak)
    random = np.random.default_rng(seed)
    repeats, copies = math.ceil(length / period * (1.0 - 1e-12)), max(math.ceil(most * (1.0 - 1e-12)), 1)
    lengths = np.tile(requests.prompt, repeats), np.tile(requests.output, repeats)
    found: list[tuple[Array, Whole, Whole]] = []
    for copy in range(copies):
        shift = random.random(repeats) * period
        if copy == 0:
            shift[0] = 0.0
        starts = np.arange(repeats) * period
        arrival = np.mod(base + shift[:, None], period) + starts[:, None]
        level = times if day is None else times * day.at(arrival)
        chance = np.where(arrival < length, np.clip(level - copy, 0.0, 1.0), 0.0)
        kept = _thin(chance.ravel(), *lengths, random)
        number, row = np.divmod(kept, len(base))
        found.append((arrival.ravel()[kept], row, copy * repeats + number))
    arrival, row, copy = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((row, copy, arrival))
    return _with_own_blocks(requests, row[order], copy[order], arrival[order])


def _factor(
    requests: Requests, period: float, rate: float | None, token_rate: float | None, factor: float | None
) -> float:
    """Times the trace's own demand."""
    tokens = float(requests.prompt.sum() + requests.output.sum())
    own = {"rate": len(requests.arrival) / period, "token_rate": tokens / period, "factor": 1.0}
    given = {
        name: value
        for name, value in (("rate", rate), ("token_rate", token_rate), ("factor", factor))
        if value is not None
    }
    if len(given) > 1:
        raise InputError("the demand stands twice", key=", ".join(given), allowed=f"one of {', '.join(own)}")
    for name, value in given.items():
        check_range(name, value, 0.0, open_low=True, message="not a demand")
        return value / own[name]
    return 1.0


def _thin(chance: Array, prompt: Whole, output: Whole, random: np.random.Generator) -> Whole:
    """Rows kept, each with its own chance, evenly over lengths: as many as the chances sum to, within one.

    In groups of like prompts, each up or down its outputs, every row at which the sum of chances passes a
    whole number (from a random start) is kept.
    """
    sure = np.flatnonzero(chance >= 1.0)
    open_ = np.flatnonzero((chance > 0.0) & (chance < 1.0))
    if not len(open_):
        return sure
    shuffled = np.argsort(random.random(len(open_)), kind="stable")  # equal ones in random order
    width = math.ceil(math.sqrt(len(open_)))
    group = np.empty(len(open_), np.int64)
    group[_in_order(shuffled, prompt[open_])] = np.arange(len(open_)) // width
    turn = random.choice((-1, 1), width + 1)  # at random, lest the order and the kept rows fall into step
    order = open_[_in_order(_in_order(shuffled, output[open_] * turn[group]), group)]
    passed = np.floor(np.cumsum(chance[order]) + random.random())
    return np.sort(np.concatenate([sure, order[np.diff(passed, prepend=0.0) > 0.0]]))


def _in_order(rows: Whole, whole: Whole) -> Whole:
    """``rows`` by their whole numbers, equal ones in the order they are in.

    Numbers of 16 bits are sorted by their digits, in a third of the time.
    """
    least = whole.min(initial=0)
    narrow = np.uint16 if whole.max(initial=0) - least < 2**16 else np.int64
    return rows[np.argsort((whole - least).astype(narrow)[rows], kind="stable")]


def _with_own_blocks(requests: Requests, rows: Whole, copy: Whole, arrival: Array) -> Requests:
    """Rows of a trace, each copy with block hashes of its own but for what most requests begin with."""
    made = select_requests(requests, rows, arrival=arrival)
    if requests.blocks is None or not np.any(copy):
        return made
    offsets, ids = requests.blocks
    seen, place, count = np.unique(ids, return_inverse=True, return_counts=True)
    common = count > len(requests.arrival) / 2.0  # most
    places, ends = _spans(offsets, rows)
    rank, other = place[places], np.repeat(copy, np.diff(ends))
    own = rank + np.where(common[rank], 0, other * len(seen))
    return Requests(
        arrival=made.arrival,
        prompt=made.prompt,
        output=made.output,
        priority=made.priority,
        blocks=(ends, own),
        block_tokens=made.block_tokens,
    )

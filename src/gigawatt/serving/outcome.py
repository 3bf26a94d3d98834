"""What an outcome means: latencies, throughput, goodput, utilisation, energy, and what tokens cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.serving.step_tables import StepTables
from gigawatt.serving.engine import ITL_EDGES, Outcome, Series
from gigawatt.serving.objectives import Objective, read_objective
from gigawatt.serving.power_profile import largest_step, power_series
from gigawatt.serving.requests import Requests

__all__ = [
    "Goodput",
    "Quantiles",
    "Summary",
    "latencies",
    "request_goodput",
    "steady_window",
    "summarise",
]

Array = NDArray[np.float64]
Window = tuple[float, float]

_SECOND = 1.0  #: of the peak and of the largest step, [s]
_PERCENTILES = (50.0, 90.0, 99.0)


@dataclass(frozen=True)
class Quantiles:
    """Mean, median, 90th and 99th percentile and largest of something; nan where there is nothing."""

    mean: float
    p50: float
    p90: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Array) -> Quantiles:
        """Of the finite ones among values (N,); percentiles linear between the sorted values, as numpy's."""
        seen = values[np.isfinite(values)]
        if not len(seen):
            return cls(math.nan, math.nan, math.nan, math.nan, math.nan)
        p50, p90, p99 = (float(q) for q in np.percentile(seen, _PERCENTILES))
        return cls(float(seen.mean()), p50, p90, p99, float(seen.max()))

    @classmethod
    def of_histogram(cls, edges: Array, weights: Array) -> Quantiles:
        """Of weights (K,) between edges (K + 1,), spread evenly over the logarithm within a bin."""
        total = float(weights.sum())
        if not total > 0.0:
            return cls(math.nan, math.nan, math.nan, math.nan, math.nan)
        logs = np.log(edges)
        passed = np.concatenate([[0.0], np.cumsum(weights)]) / total
        filled = np.flatnonzero(weights > 0.0)
        first, last = int(filled[0]), int(filled[-1])
        marks = np.interp(np.array(_PERCENTILES) / 100.0, passed[first : last + 2], logs[first : last + 2])
        middle = np.diff(edges) / np.diff(logs)
        p50, p90, p99 = (float(q) for q in np.exp(marks))
        return cls(float(weights @ middle) / total, p50, p90, p99, float(edges[last + 1]))


@dataclass(frozen=True)
class Goodput:
    """Requests that keep an objective.

    Attributes
    ----------
    objective : Objective
    share : float
        Of the requests (rejected ones among them) that keep all limits.
    rate : float [1/s]
        Of such requests.
    by_limit : mapping
        Share that keeps each limit alone.
    met : bool or None
        Whether each limit is kept by the percentile of requests that the objective asks for; None if it asks
        for none.
    """

    objective: Objective
    share: float
    rate: float
    by_limit: dict[str, float]
    met: bool | None


@dataclass(frozen=True)
class Summary:
    """A run in numbers.

    Attributes
    ----------
    window : (start, end) [s], trimmed : str
        What of the run was looked at, and why that.
    requests, finished, rejected, preempted : int
        That arrived in the window; of these that were finished, turned away, preempted at least once.
    preemptions : int
    wait, ttft, tpot, e2e : Quantiles [s]
        To the first iteration, to the first token, per token after the first of a request (those with two
        tokens and more), to the last token: of the requests that arrived in the window.
    itl : Quantiles [s]
        Gaps between tokens, of the whole run; from a histogram with bins of 1.8 %.
    request_rate, prompt_rate, computed_rate, output_rate : float [1/s], [token/s]
        Requests finished; tokens of the prompts whose first token came out; tokens of prompts computed
        (without cached ones, with recomputed ones); tokens of outputs. In the window, by its length.
    concurrency, queue : float
        Mean requests that run, that wait.
    cached : float
        Share of the prompts' tokens that came out of the cache.
    utilisation : float
        Share of the time, over replicas that were on, in which an iteration ran.
    occupancy, peak_occupancy : float
        Keys and values over what there is room for, mean and largest bin; nan where the room is not told.
    replicas : float
        On, in the mean.
    energy : float [J], power, peak_power, power_step : float [W]
        Of the accelerators, idle ones included; the largest mean of a second; the largest change between two
        seconds (of the series' bins where these are longer, see ``power_bin`` [s]).
    token_energy, request_energy : float [J]
        Over output tokens and over finished requests, prompts' share included.
    goodput : Goodput, optional
    """

    window: Window
    trimmed: str
    requests: int
    finished: int
    rejected: int
    preempted: int
    preemptions: int
    wait: Quantiles
    ttft: Quantiles
    tpot: Quantiles
    e2e: Quantiles
    itl: Quantiles
    request_rate: float
    prompt_rate: float
    computed_rate: float
    output_rate: float
    concurrency: float
    queue: float
    cached: float
    utilisation: float
    occupancy: float
    peak_occupancy: float
    replicas: float
    energy: float
    power: float
    peak_power: float
    power_step: float
    power_bin: float
    token_energy: float
    request_energy: float
    goodput: Goodput | None = field(default=None)


def latencies(outcome: Outcome, requests: Requests) -> dict[str, Array]:
    """Times of each request [s], arrays (N,), nan where rejected.

    ``wait`` to its first iteration, ``ttft`` to the first token, ``tpot`` = (finish − first token)/(n − 1) of
    n output tokens (nan for one), ``e2e`` to the last.
    """
    if len(outcome) != len(requests):
        raise InputError(
            "an outcome of other requests",
            key="requests",
            given=len(requests),
            allowed=f"{len(outcome)} of them",
        )
    more = requests.output - 1
    with np.errstate(invalid="ignore"):
        between = (outcome.finish - outcome.first_token) / np.where(more > 0, more, np.nan)
    return {
        "wait": outcome.scheduled - outcome.arrival,
        "ttft": outcome.first_token - outcome.arrival,
        "tpot": between,
        "e2e": outcome.finish - outcome.arrival,
    }


def steady_window(outcome: Outcome) -> Window:
    """The part of a run between its warm-up and its tail [s].

    It ends with the last arrival (of sessions: the last first turn), after which the fleet only drains. It
    starts where the mean of the requests in flight is known best (MSER: the start d, in the first half, that
    makes the variance of what follows over its length least).

    References
    ----------
    White 1997, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69.
    """
    starts = outcome.arrival[~outcome.later] if len(outcome.later) else outcome.arrival
    size, last = outcome.series.bin, float(np.max(starts, initial=0.0))
    flight = outcome.series.running + outcome.series.waiting
    whole = flight[: int(last // size)]
    if len(whole) < 4:  # nothing that could be told apart
        return 0.0, max(last, min(size, size * len(flight)))
    tails = np.arange(len(whole), 0, -1)
    level = whole - whole.mean()  # the rule does not depend on the level, rounding does
    sums, squares = np.cumsum(level[::-1])[::-1], np.cumsum(level[::-1] ** 2)[::-1]
    error = np.maximum(squares - sums**2 / tails, 0.0) / tails**2
    return float(np.argmin(error[: len(whole) // 2])) * size, last


def _share(series: Series, window: Window) -> Array:
    """How much of each bin lies in the window, (T,)."""
    start = np.arange(len(series)) * series.bin
    inside = np.minimum(start + series.bin, window[1]) - np.maximum(start, window[0])
    return np.clip(inside / series.bin, 0.0, 1.0)


def _window(outcome: Outcome, asked: Window | str | None) -> tuple[Window, str, Array]:
    """(window, what it is, share of each bin)."""
    series = outcome.series
    last = (
        float(np.nanmax(outcome.finish)) if np.any(np.isfinite(outcome.finish)) else len(series) * series.bin
    )
    if asked is None:
        return (0.0, last), "the whole run, warm-up and tail included", np.ones(len(series))
    if asked == "steady":
        found = steady_window(outcome)
        told = f"from {found[0]:g} s, where the requests in flight have settled, to the last arrival"
        return found, f"the steady part: {told} at {found[1]:g} s", _share(series, found)
    if isinstance(asked, str):
        raise InputError(
            "no such window", key="window", given=asked, allowed='"steady", (start, end) or nothing'
        )
    start, end = asked
    if not 0.0 <= start < end <= len(series) * series.bin:
        raise InputError(
            "not a window of the run",
            key="window",
            given=f"{start:g} to {end:g} s",
            allowed=f"within 0 to {len(series) * series.bin:g} s",
        )
    return (start, end), f"from {start:g} s to {end:g} s, as asked", _share(series, (start, end))


def summarise(
    outcome: Outcome,
    requests: Requests,
    objective: Objective | str | None = None,
    *,
    tables: StepTables | None = None,
    capacity: float | None = None,
    window: Window | str | None = None,
) -> Summary:
    """A run in numbers.

    Parameters
    ----------
    outcome : Outcome
        Of :func:`gigawatt.serving.simulation.simulate`.
    requests : Requests
        That led to it.
    objective : Objective or str, optional
        For the goodput: see :func:`gigawatt.serving.objectives.read_objective`.
    tables : StepTables, optional
        Of a replica: tells the room for keys and values.
    capacity : float [token], optional
        That room, instead of ``tables``.
    window : (start, end) [s], "steady" or None
        What of the run counts: all of it, a part, or what :func:`steady_window` finds. Latencies are those of
        requests that arrive in it, whenever they finish; rates, power and means over time are those of the
        time itself. A run as a whole lasts until its last finish; its energy runs to the end of that bin.

    Raises
    ------
    InputError
        Another number of requests, no such objective or window.
    """
    times = latencies(outcome, requests)
    (start, end), told, share = _window(outcome, window)
    series, length = outcome.series, end - start
    mine = (outcome.arrival >= start) & ((outcome.arrival < end) | (window is None))
    done = mine & ~outcome.rejected
    seconds = float(share.sum()) * series.bin

    def total(values: Array) -> float:
        return float(values @ share)

    def over(top: float, bottom: float) -> float:
        return top / bottom if bottom > 0.0 else math.nan

    def within(values: Array) -> NDArray[np.bool_]:
        return (values >= start) & ((values < end) | (window is None)) & ~outcome.rejected

    on, energy, output = total(series.replicas_on), total(series.energy), total(series.output_tokens)
    finished = int(within(outcome.finish).sum())
    room = capacity if capacity is not None else None if tables is None else tables.capacity
    used = series.kv_tokens / np.where(series.replicas_on > 0.0, series.replicas_on, np.nan)
    used = np.where(np.isfinite(used), used, 0.0) / (math.nan if room is None else room)
    step = max(_SECOND, series.bin)
    span = (start, min(max(end, start + series.bin), len(series) * series.bin))
    power = power_series(series, step=step, window=None if window is None else span)
    prompts = float(requests.prompt[done].sum())
    return Summary(
        window=(start, end),
        trimmed=told,
        requests=int(mine.sum()),
        finished=int(done.sum()),
        rejected=int((mine & outcome.rejected).sum()),
        preempted=int((outcome.preemptions[mine] > 0).sum()),
        preemptions=int(outcome.preemptions[mine].sum()),
        wait=Quantiles.of(times["wait"][done]),
        ttft=Quantiles.of(times["ttft"][done]),
        tpot=Quantiles.of(times["tpot"][done]),
        e2e=Quantiles.of(times["e2e"][done]),
        itl=Quantiles.of_histogram(ITL_EDGES, outcome.itl_weights),
        request_rate=over(finished, length),
        prompt_rate=over(float(requests.prompt[within(outcome.first_token)].sum()), length),
        computed_rate=over(total(series.prompt_tokens), length),
        output_rate=over(output, length),
        concurrency=over(total(series.running) * series.bin, length),
        queue=over(total(series.waiting) * series.bin, length),
        cached=over(float(outcome.cached_tokens[done].sum()), prompts),
        utilisation=over(total(series.busy), on * series.bin),
        occupancy=over(total(used * series.replicas_on), on),
        peak_occupancy=float(np.max(used[share > 0.0], initial=0.0)) if room is not None else math.nan,
        replicas=over(on * series.bin, seconds),
        energy=energy,
        power=over(energy, seconds),
        peak_power=float(power.whole.max()),
        power_step=largest_step(power),
        power_bin=step,
        token_energy=over(energy, output),
        request_energy=over(energy, finished),
        goodput=None
        if objective is None
        else request_goodput(times, mine, outcome, read_objective(objective), length),
    )


def request_goodput(
    times: dict[str, Array], mine: NDArray[np.bool_], outcome: Outcome, objective: Objective, length: float
) -> Goodput:
    """The goodput of requests ``mine`` (N,) with ``times`` (:func:`latencies`) over ``length`` [s]."""
    served, count = ~outcome.rejected[mine], int(mine.sum())
    kept: dict[str, NDArray[np.bool_]] = {}
    for key, limit in objective.limits.items():
        values = times[key][mine]
        kept[key] = served & ((values <= limit) | np.isnan(values))  # one token has no time between tokens
    every = np.logical_and.reduce([served, *kept.values()])
    by_limit = {key: float(good.mean()) if count else math.nan for key, good in kept.items()}
    asked = objective.percentile
    met = None if asked is None else bool(count and all(share >= asked for share in by_limit.values()))
    return Goodput(
        objective,
        float(every.mean()) if count else math.nan,
        float(every.sum()) / length if length > 0.0 else math.nan,
        by_limit,
        met,
    )

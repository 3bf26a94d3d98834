"""Days of a serving campus: demand by the hour, the simulated slice, power by the hour.

A campus of hundreds of replicas serves more requests in a day than need be simulated. A *slice* of few
replicas is served with its share of the demand, and the day is run ``speed`` times as quick: an hour of the
day takes so many seconds less, during which requests come, wait and leave at their own pace. That holds as
long as an hour lasts far longer than a request. Replicas are alike, so that the campus draws as many times
the power of its slice; what swings about an hour's course swings for each replica by itself, and adds up as
the root of their number.

References
----------
Lewis, Shedler 1979 (thinning); Çinlar 1975 (a process of constant rate on a stretched clock has any rate).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt import catalog
from gigawatt.chain.serving.choice import Configuration
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Prices
from gigawatt.chain.serving.simulate import ServingRun, Setup, part, run_serving
from gigawatt.chain.serving.traffic import Traffic
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Evidence
from gigawatt.machine import Cluster
from gigawatt.performance.serving.power import load_node_power
from gigawatt.serving.arrivals import DailyShape, daily_shape
from gigawatt.serving.engine import Outcome, Series
from gigawatt.serving.fleet import Autoscaling, Link
from gigawatt.serving.objectives import Objective
from gigawatt.serving.outcome import latencies
from gigawatt.serving.requests import Requests
from gigawatt.serving.scaling import scale_trace, select_requests
from gigawatt.serving.sessions import moved
from gigawatt.serving.synthetic import synthetic

__all__ = [
    "Day",
    "Profile",
    "Scaling",
    "Week",
    "check_demand",
    "day_requests",
    "power_profile",
    "read_week",
    "serve_day",
]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

_HOUR, _HOURS, _DAYS, _WEEK = 3600.0, 24, 365, 7
_WEEKEND = 5  # the first of its days, Monday is 0
_LEAD = 1
"""Warm-up hours before the first that counts."""
_BINS = 12
"""Power averages per hour, five minutes each; the largest is the hour's peak."""
_FEWEST = 100
"""Fewest requests of a day."""
_SLICE = 4
"""Replicas that the planning simulates of a kind."""
_FAILURES = 10.0
"""Fewest requests of an hour that may miss the SLO for hours to be judged one by one."""


@dataclass(frozen=True)
class Week:
    """Demand by the hour of the day over its mean: ``levels`` (D, 24) for each of ``kinds`` (D,) of days.

    Hours are local standard time; ``share`` (D,) of the days are of each kind; the mean over the week is 1.
    """

    name: str
    kinds: tuple[str, ...]
    levels: Array = field(repr=False)
    share: Array = field(repr=False)
    evidence: tuple[Evidence, ...] = field(repr=False, default=())

    @property
    def peak(self) -> float:
        """The highest hour."""
        return float(self.levels.max())

    def of_year(self, year: int) -> Ints:
        """Kind of each of the 365 days of a year (without 29 February)."""
        if len(self.kinds) == 1:
            return np.zeros(_DAYS, dtype=np.int64)
        first = datetime.date(year, 1, 1).weekday()
        return ((first + np.arange(_DAYS)) % _WEEK >= _WEEKEND).astype(np.int64)


def read_week(shape: str | float | tuple[float, ...], *, days: int | None, time_zone: float) -> Week:
    """Days of a shape by local hours.

    Parameters
    ----------
    shape : str, float or 24 numbers
        A row of ``traces_shapes``, ``constant``, a trough over a peak, or relative rates. A row whose name
        ends with ``-weekday`` has its weekend beside it.
    days : 1, 2 or None
        Kinds of days: all alike, weekdays and weekends, or both where the shape tells them apart.
    time_zone : float [h]
        Of the site; a shape whose clock is UTC is turned by it.
    """
    name, other = shape, ""
    if shape == "constant":
        first = DailyShape("constant", np.ones(_HOURS))
    else:
        first = daily_shape(shape)
        name = first.name
        other = name.removesuffix("-weekday") + "-weekend" if name.endswith("-weekday") else ""
    known = catalog.table("traces_shapes")
    if days == 2 and other not in known:
        raise InputError(
            "this shape has no separate weekend", key="days", given=days,
            allowed=["1", *(f"2 with {one}" for one in known if one.endswith("-weekday"))],
        )  # fmt: skip
    both = [first] if days == 1 or other not in known else [first, daily_shape(other)]
    hours = np.arange(_HOURS) + 0.5
    levels = np.stack([
        one.at((hours - (time_zone if one.clock == "UTC" else 0.0)) * _HOUR) for one in both
    ])  # fmt: skip
    levels = levels / levels.mean(axis=1, keepdims=True)
    rows = tuple(
        row
        for one in both
        if one.name in known
        for row in known[one.name].rows()
        if row.quantity.startswith("hour_")
    )
    if len(both) == 1:
        return Week(str(name), ("day",), levels, np.ones(1), rows)
    share = np.array([_WEEKEND, _WEEK - _WEEKEND]) / _WEEK
    return Week(str(name), ("weekday", "weekend"), levels, share, rows)


@dataclass(frozen=True)
class _Quick(DailyShape):
    """The days of a week one after another, at ``speed`` times the clock, after the warm-up hours."""

    speed: float = 1.0

    def hour(self, time: ArrayLike) -> Array:
        """Hours since the first midnight."""
        return np.asarray(time, dtype=float) * self.speed / _HOUR - _LEAD

    def at(self, time: ArrayLike) -> Array:
        """The relative rate at ``time`` [s] of the run."""
        count = len(self.hours)
        place = np.mod(self.hour(time) - 0.5, count)
        low = np.minimum(place.astype(np.int64), count - 1)
        above = place - low
        return self.hours[low] * (1.0 - above) + self.hours[(low + 1) % count] * above


def day_requests(traffic: Traffic, week: Week, *, rate: float, speed: float, seed: int = 0) -> Requests:
    """Requests of a warm-up and of a day of each kind, at ``speed`` times the clock, mean ``rate`` [1/s].

    A trace is scaled with the shape (:func:`~gigawatt.serving.scaling.scale_trace`); another process runs on
    a clock that goes as quick as the demand is high, as do the starts of sessions.
    """
    shape = _Quick(week.name, week.levels.ravel(), speed=speed)
    span = (_LEAD + week.levels.size) * _HOUR / speed
    if traffic.arrivals == "trace" and traffic.sample.sessions is None:
        return scale_trace(traffic.sample, rate=rate, span=span, shape=shape, seed=seed)
    grid = np.linspace(0.0, span, (_LEAD + week.levels.size) * _BINS + 1)
    level = shape.at(grid)
    passed = np.concatenate([[0.0], np.cumsum((level[1:] + level[:-1]) / 2.0 * np.diff(grid))])
    drawn = traffic.prompt is not None
    if traffic.sample.sessions is not None:  # each starts as the shape says; its think times are its own
        made = traffic.at(rate=rate, count=round(rate * float(passed[-1])), seed=seed)
        assert made.sessions is not None
        starts = np.interp(made.arrival[made.sessions.root], passed, grid)
        return made.with_sessions(*moved(made.arrival, made.sessions, starts))
    made = synthetic(
        rate=rate, span=float(passed[-1]), arrivals=traffic.arrivals, variation=traffic.variation, seed=seed,
        prompt=traffic.prompt if drawn else None, output=traffic.output if drawn else None,
        lengths_of=None if drawn else traffic.sample,
    )  # fmt: skip
    return select_requests(made, np.arange(len(made)), arrival=np.interp(made.arrival, passed, grid))


@dataclass(frozen=True)
class Scaling:
    """How replicas turn off and on; times [s].

    ``minimum`` share stays on; each is to have ``target`` requests, or the share ``full`` of what it holds at
    the peak.
    """

    minimum: float
    target: float | None
    full: float
    interval: float
    start_up: float
    cool_down: float


@dataclass(frozen=True)
class Day:
    """Simulated days: a ``share`` of the campus, at ``speed`` times the clock.

    ``numbers`` of replicas of each pool were simulated; ``prices`` and ``cluster`` are the campus's.
    """

    run: ServingRun
    week: Week
    configuration: Configuration
    numbers: tuple[int, ...]
    share: float
    speed: float

    @property
    def outcome(self) -> Outcome:
        """The outcome of each request."""
        return self.run.outcome

    @property
    def bin(self) -> float:
        """Seconds of a bin of the series."""
        return _HOUR / self.speed / _BINS

    @cached_property
    def hour(self) -> Ints:
        """Hour since the first midnight in which each request (N,) came; negative in the lead."""
        shape = _Quick(self.week.name, self.week.levels.ravel(), speed=self.speed)
        return np.floor(shape.hour(self.outcome.arrival)).astype(np.int64)

    @cached_property
    def weight(self) -> Array:
        """How much each request (N,) counts: 0 in the lead, else as its kind of day does in a week."""
        hour, kinds = self.hour, len(self.week.kinds)
        kind = np.clip(hour // _HOURS, 0, kinds - 1)
        return np.where((hour >= 0) & (hour < kinds * _HOURS), self.week.share[kind] * kinds, 0.0)

    def kept(self, objective: Objective) -> dict[str, float]:
        """Share of the requests that meets each limit, in the worst hour.

        Over the days, where an hour has too few requests to be judged.
        """
        weight, found = self.weight, dict[str, float]()
        for key, good in self._good(objective).items():
            shares = [float(np.average(good, weights=weight))]
            if self.judged(objective):
                mine = weight > 0.0
                number = np.bincount(self.hour[mine], minlength=self.week.levels.size)
                share = np.bincount(self.hour[mine], good[mine], self.week.levels.size) / np.maximum(
                    number, 1
                )
                shares = share[number > 0].tolist()
            found[key] = min(shares)
        return found

    def _good(self, objective: Objective) -> dict[str, NDArray[np.bool_]]:
        """Limit → whether each request (N,) meets it."""
        times, served = latencies(self.outcome, self.run.requests), ~self.outcome.rejected
        return {
            key: served & ((times[key] <= limit) | np.isnan(times[key]))
            for key, limit in objective.limits.items()
        }

    def kept_last(self, objective: Objective) -> tuple[float, int]:
        """(share of the requests of the last hour that meets the limit that fewest meet, how many)."""
        mine = self.hour == self.hour.max(initial=0)
        number = int(np.count_nonzero(mine))
        shares = [float(good[mine].sum()) / max(number, 1) for good in self._good(objective).values()]
        return min(shares, default=1.0), number

    def missed(self, objective: Objective) -> set[str]:
        """Limits that too few requests meet in the worst hour."""
        asked = objective.percentile or 1.0
        return {key for key, share in self.kept(objective).items() if share < asked}

    def judged(self, objective: Objective) -> bool:
        """Whether single hours are judged against the SLO.

        A mean hour has requests enough that some may break it, and the slice is no smaller than those of the
        planning: few replicas level out less of what comes.
        """
        return self.judges(np.count_nonzero(self.weight) / self.week.levels.size, objective)

    def judges(self, number: float, objective: Objective) -> bool:
        """The same where a mean hour has this number of requests."""
        enough = number * (1.0 - (objective.percentile or 1.0)) >= _FAILURES
        return bool(enough) and (self.share >= 1.0 or max(self.numbers) >= _SLICE)

    def series(self) -> tuple[Series, ...]:
        """Of each pool."""
        pools = self.outcome.pools
        return (self.outcome.series,) if not pools else (pools["prefill"], pools["decode"])

    def bins(self, values: Array, rest: float = 0.0) -> Array:
        """``values`` of a series' bins as (D · 24, bins of an hour), ``rest`` where the run ended before."""
        first, count = _LEAD * _BINS, self.week.levels.size * _BINS
        found = np.full(first + count, rest)
        seen = min(len(values), len(found))
        found[:seen] = values[:seen]
        return found[first:].reshape(-1, _BINS)


def check_demand(rate: float) -> None:
    """Raise ``InputError`` where ``rate`` [1/s] is too little for a day to say anything."""
    least = _FEWEST / (_HOURS * _HOUR)
    if rate < least:
        raise InputError(
            "too few requests for a day", key="demand", given=f"{rate:.3g} requests/s",
            allowed=f"{least:.2g} requests/s or more",
        )  # fmt: skip


def _numbers(configuration: Configuration, most: int) -> tuple[tuple[int, ...], float]:
    """(replicas of each pool that are simulated, share of the campus that the scarcest of them is)."""
    largest = max(pool.replicas for pool in configuration.pools)
    scale = min(1.0, most / largest)
    found = tuple(max(1, round(pool.replicas * scale)) for pool in configuration.pools)
    return found, min(n / pool.replicas for n, pool in zip(found, configuration.pools, strict=True))


def serve_day(
    question: ServingQuestion,
    cluster: Cluster,
    configuration: Configuration,
    week: Week,
    *,
    rate: float,
    held: float,
    prices: Prices,
    routing: str,
    scaling: Scaling | None,
    most_requests: int,
    most_replicas: int,
    least_hour: float,
    seed: int = 0,
    drawn: dict[tuple[float, float], Requests] | None = None,
    busiest: bool = False,
) -> Day:
    """Serve one day of each kind, or the busiest hour of them, on a slice of the campus.

    Parameters
    ----------
    question, cluster, configuration, prices
        What serves.
    week : Week
        The demand by the hour.
    rate : float [1/s]
        Mean demand of the campus.
    held : float
        Requests that a replica holds at the peak: what autoscaling aims at.
    routing, scaling
        Of the slice's replicas.
    most_requests, most_replicas : int
        Of the simulation; the day is run as quick as that takes.
    least_hour : float [s]
        That an hour lasts at least, if it can with one replica.
    seed : int
        Of arrivals, and of random routing.
    drawn : dict, optional
        (rate, speed) → requests of other days of the same question, week and seed, which are not drawn again.
    busiest : bool
        Whether only the hour that most tokens come in is served, after the one before it as warm-up.
    """
    seconds = (_LEAD + week.levels.size) * _HOUR
    replicas = max(pool.replicas for pool in configuration.pools)
    room = most_requests / (rate / replicas * (_LEAD + week.levels.size) * least_hour)
    numbers, share = _numbers(configuration, max(1, min(most_replicas, int(room))))
    speed = max(1.0, rate * share * seconds / most_requests)
    known = {} if drawn is None else drawn
    if (rate * share, speed) not in known:
        known[rate * share, speed] = day_requests(
            question.traffic, week, rate=rate * share, speed=speed, seed=seed
        )
    requests = known[rate * share, speed]
    if busiest:
        since = _Quick(week.name, week.levels.ravel(), speed=speed).hour(requests.arrival) + _LEAD
        tokens = np.bincount(since.astype(np.int64), requests.prompt + requests.output)
        hour = _LEAD + int(np.argmax(tokens[_LEAD : _LEAD + week.levels.size]))
        requests = select_requests(requests, np.flatnonzero((since >= hour - _LEAD) & (since < hour + 1)))
    setup = _setup(
        question, configuration, numbers, routing, _quick_scaling(scaling, numbers[0], held, speed)
    )
    # the last turns of sessions come long after the days
    over = question.traffic.sample.sessions is not None and requests.span > seconds / speed
    window, bin = (0.0, seconds / speed) if over else None, _HOUR / speed / _BINS
    run = run_serving(question, cluster, setup, requests, window=window, seed=seed, bin=bin, prices=prices)
    return Day(run, week, configuration, numbers, share, speed)


def _quick_scaling(scaling: Scaling | None, replicas: int, held: float, speed: float) -> Autoscaling | None:
    """The autoscaling rule of a slice at ``speed`` times the clock, with its times shortened alike."""
    if scaling is None or replicas < 2:
        return None
    return Autoscaling(
        minimum=max(1, math.ceil(scaling.minimum * replicas)),
        maximum=replicas,
        target=max(scaling.full * held, 1.0) if scaling.target is None else scaling.target,
        interval=scaling.interval / speed,
        start_up=scaling.start_up / speed,
        cool_down=scaling.cool_down / speed,
    )


def _setup(
    question: ServingQuestion, configuration: Configuration, numbers: tuple[int, ...], routing: str,
    scaling: Autoscaling | None,
) -> Setup:  # fmt: skip
    parts = [
        part(question, pool.points.degrees, n, float(pool.points.peak[0]))
        for pool, n in zip(configuration.pools, numbers, strict=True)
    ]
    moved = configuration.moved
    if moved is None:
        return Setup(parts[0], routing=routing, autoscaling=scaling)
    return Setup(parts[1], routing=routing, prefill=parts[0], link=Link(moved.bandwidth, moved.latency))


@dataclass(frozen=True)
class Profile:
    """IT power [W] of the campus by the hour of each kind of day, (D, 24).

    ``mean``, and ``peak`` of five minutes; ``parts`` are the means of what draws it: accelerators that are on
    (``idle``) and what they do, ``node``, ``network``.
    """

    mean: Array
    peak: Array
    parts: Mapping[str, Array]

    def of_year(self, kinds: Ints) -> Array:
        """(8760,) [W] of a year whose days are of these kinds (365,)."""
        return self.mean[kinds].ravel()


def power_profile(day: Day, cluster: Cluster) -> Profile:
    """Power of the whole campus from that of its slice.

    Accelerators draw their idle power where they are on and, for all work that is done, the energy that it
    took in the slice over the share that the slice is; nodes draw a base where their accelerators are on (a
    whole one, whatever places are empty) and a share of what those draw; the network throughout.
    """
    shape = (len(day.week.kinds), _HOURS)
    chips = day.configuration.chips
    on, idle, work = (np.zeros((day.week.levels.size, _BINS)) for _ in range(3))
    for series, pool, n in zip(day.series(), day.configuration.pools, day.numbers, strict=True):
        size = float(pool.points.chips[0])
        each = cluster.chip.idle_power * size
        replicas = day.bins(series.replicas_on, float(n)) * pool.replicas / n
        active = day.bins(series.energy - each * series.bin * series.replicas_on)
        on, idle, work = on + replicas * size, idle + replicas * each, work + active / series.bin / day.share
    nodes = load_node_power(cluster.node, cluster.chip)
    node = on / (chips / cluster.node.number(chips)) * nodes.base + nodes.share * (idle + work)
    network = np.full_like(on, chips * cluster.network_power)
    parts = {"idle": idle, "at work": work, "node": node, "network": network}
    power = idle + work + node + network
    mean = power.mean(axis=1)
    # what is left of the course from hour to hour is each replica's own
    ends = np.concatenate([mean[-1:], mean, mean[:1]])
    middles = np.arange(-1, len(mean) + 1) + 0.5
    course = np.interp((np.arange(power.size) + 0.5) / _BINS, middles, ends).reshape(power.shape)
    swings = course + (power - course) * math.sqrt(day.share)
    peak = np.maximum(swings.max(axis=1), mean)
    return Profile(
        mean.reshape(shape), peak.reshape(shape),
        {name: value.mean(axis=1).reshape(shape) for name, value in parts.items()},
    )  # fmt: skip

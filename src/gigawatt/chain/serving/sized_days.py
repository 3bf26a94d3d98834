"""How many replicas the days of a service take, and of which layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gigawatt.chain.serving.choice import Configuration
from gigawatt.chain.serving.day import Day, Week, serve_day
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Prices
from gigawatt.machine import Cluster

__all__ = ["EASE", "RUNS", "cheapest_day", "sized_day", "with_replicas"]

RUNS, EASE = 4, 1.03
"""Most repetitions of a day, and the relaxation from one to the next."""
_GAIN = 0.95
"""Share of the cost of the best, with the replicas it takes, below which days of another are served."""
_HOUR = 3600.0
_CERTAIN = 3.0
"""Standard deviations by which an hour that is served alone has to miss the SLO."""


def sized_day(
    question: ServingQuestion,
    cluster: Cluster,
    configuration: Configuration,
    week: Week,
    *,
    grows: bool,
    fixed: bool,
    **given: Any,
) -> Day:
    """The day of the configuration with as many replicas more, or as much less demand, as every hour needs.

    Parameters
    ----------
    question, cluster, configuration, week
        As of :func:`serve_day`.
    grows : bool
        Whether replicas are added, rather than demand taken away.
    fixed : bool
        Neither: the day as it is.
    **given
        Of :func:`serve_day`.
    """
    for left in reversed(range(RUNS)):
        rate = configuration.rate / week.peak
        last = fixed or not left
        if not last and _misses_busiest_hour(question, cluster, configuration, week, rate=rate, **given):
            configuration = _eased(configuration, grows, configuration.scarce(set()))
            continue
        found = serve_day(question, cluster, configuration, week, rate=rate, **given)
        missed = found.missed(question.objective)
        if last or not missed:
            return found
        configuration = _eased(configuration, grows, configuration.scarce(missed))
    raise AssertionError("the last repetition is returned")


def _misses_busiest_hour(
    question: ServingQuestion, cluster: Cluster, configuration: Configuration, week: Week, **given: Any
) -> bool:
    """Whether the busiest hour, served alone, misses the SLO by more than chance, and is judged.

    The whole days then miss it too: they come to that hour with more in flight. Not asked where what came
    earlier helps (caches of prefixes and adapters), nor where pools differ in what they have too little of.
    """
    sample = question.traffic.sample
    helped = sample.sessions is not None or sample.blocks is not None or question.adapters is not None
    if helped or len(configuration.pools) > 1:
        return False
    found = serve_day(question, cluster, configuration, week, busiest=True, **given)
    share, number = found.kept_last(question.objective)
    chance = _CERTAIN * math.sqrt(share * (1.0 - share) / max(number, 1))
    missed = share + chance < (question.objective.percentile or 1.0)
    return missed and found.judges(given["rate"] * found.share * _HOUR / found.speed, question.objective)


def cheapest_day(
    question: ServingQuestion,
    cluster: Cluster,
    configurations: Sequence[Configuration],
    week: Week,
    *,
    prices: Prices,
    minimise: str,
    **given: Any,
) -> Day:
    """The day of the first configuration with the replicas that it takes, or of a later one that costs less.

    Where replicas are few one more is much: another layout that was dearer at the peak may be cheaper then.

    Parameters
    ----------
    question, cluster, week
        As of :func:`serve_day`.
    configurations : sequence of Configuration
        Best first.
    prices : Prices
        Of accelerators and electricity.
    minimise : str
        As of :meth:`Configuration.score`.
    **given
        Of :func:`sized_day`.
    """

    def worth(day: Day) -> tuple[bool, float]:
        return bool(day.missed(question.objective)), day.configuration.score(prices, minimise)[0]

    given["drawn"] = {}
    found = sized_day(question, cluster, configurations[0], week, prices=prices, **given)
    best = worth(found)
    if given["fixed"] or not given["grows"]:
        return found
    for other in configurations[1:]:
        if best[0] or other.score(prices, minimise)[0] < _GAIN * best[1]:
            day = sized_day(question, cluster, other, week, prices=prices, **given)
            found, best = min(((found, best), (day, worth(day))), key=lambda pair: pair[1])
    return found


def _eased(configuration: Configuration, grows: bool, scarce: set[str]) -> Configuration:
    """A little more of every pool that is ``scarce`` for the same demand, or a little less demand."""
    if not grows:
        rate = configuration.rate / EASE
        pools = tuple(replace(pool, rate=pool.rate / EASE) for pool in configuration.pools)
        return replace(configuration, pools=pools, rate=rate)
    pools = tuple(
        replace(pool, replicas=(n := math.ceil(pool.replicas * EASE)), rate=configuration.rate / n)
        if pool.role in scarce
        else pool
        for pool in configuration.pools
    )
    return replace(configuration, pools=pools)


def with_replicas(configuration: Configuration, replicas: int) -> Configuration:
    """The configuration of one pool with this number of replicas for the same demand."""
    pool = replace(configuration.pools[0], replicas=replicas, rate=configuration.rate / replicas)
    return replace(configuration, pools=(pool,))

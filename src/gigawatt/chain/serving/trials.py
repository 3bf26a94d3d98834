"""Configurations tried by the event engine: how much each serves within the objective, with how many."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from gigawatt import catalog
from gigawatt.chain.serving.choice import Configuration, Pool
from gigawatt.chain.serving.classes import MixedTraffic
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Prices, tables_of
from gigawatt.chain.serving.simulate import Part, ServingRun, Setup, part, run_serving
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import show
from gigawatt.machine import Cluster
from gigawatt.performance.serving.step_tables import StepTables
from gigawatt.serving.fleet import Link

__all__ = ["CLOSE", "TRIALS", "Tried", "layout_words", "setup_of", "try_out"]

Progress = Callable[[str, float], None]

TRIALS = 8
"""Most simulations of a configuration to find its largest rate."""
_FEW = 4
"""Most simulated replicas of a kind; more of them behave alike."""
_TURNS = 6.0
"""Fewest turnovers of the requests in flight in a run."""
_WARM = 0.2
"""Share of a run's requests for warm-up."""
CLOSE = 1.03
"""Ratio below which two rates count as equal."""


def layout_words(degrees: dict[str, int]) -> str:
    """Degrees of a replica: ``TP4 PP2``."""
    names = (("tensor", "TP"), ("pipeline", "PP"), ("data", "DP"), ("expert", "EP"))
    return " ".join(f"{short}{degrees[name]}" for name, short in names if degrees[name] > 1) or "one chip"


@dataclass(frozen=True)
class Tried:
    """A configuration tried by events: ``run`` at its rate, ``most`` [1/s] that all its replicas serve.

    ``runs`` of the event engine were needed.
    """

    configuration: Configuration
    run: ServingRun
    most: float
    runs: int

    @property
    def scale(self) -> float:
        """Replicas of the configuration for each that was simulated."""
        return self.configuration.replicas / _replicas(self.run.setup)


def _replicas(setup: Setup) -> int:
    return setup.main.replicas + (0 if setup.prefill is None else setup.prefill.replicas)


def setup_of(question: ServingQuestion, configuration: Configuration) -> tuple[Setup, float]:
    """(what is simulated of a configuration, share of its replicas): a few of each kind stand for all."""
    pools = configuration.pools
    most = max(pool.replicas for pool in pools)
    share = min(1.0, _FEW / most)
    numbers = [max(1, round(pool.replicas * share)) for pool in pools]
    parts: list[Part] = [
        part(question, pool.points.degrees, n, float(pool.points.peak[0]))
        for pool, n in zip(pools, numbers, strict=True)
    ]
    routing = question.routing or catalog.entity("defaults", question.traffic.routing()).text("text")
    if len(parts) == 1:
        return Setup(parts[0], routing), numbers[0] / pools[0].replicas
    moved = configuration.moved
    assert moved is not None
    # of two pools the one that is scarcer decides how much the few stand for
    share = min(n / pool.replicas for pool, n in zip(pools, numbers, strict=True))
    link = Link(moved.bandwidth, moved.latency)
    return Setup(parts[1], routing, prefill=parts[0], link=link), share


class _Trials:
    """Runs of one configuration at one rate after another."""

    def __init__(
        self, question: ServingQuestion, cluster: Cluster, configuration: Configuration, prices: Prices,
        requests: int, seed: int,
    ) -> None:  # fmt: skip
        self.question, self.cluster, self.prices = question, cluster, prices
        self.seed, self.runs = seed, 0
        self.failed: ServingRun | None = None
        self.setup, self.share = setup_of(question, configuration)
        flight = sum(float(pool.points.held[0]) * pool.replicas for pool in configuration.pools) * self.share
        self.requests = max(requests, round(_TURNS * flight))
        before = self.setup.prefill
        self.tables: tuple[StepTables, StepTables | None] = (
            tables_of(question, cluster, self.setup.main.degrees),
            None if before is None else tables_of(question, cluster, before.degrees, prefill=True),
        )

    def at(self, rate: float) -> tuple[bool, ServingRun]:
        """(whether the objective is kept, the run) where all replicas together get ``rate`` [1/s]."""
        self.runs += 1
        traffic, setup = self.question.traffic, self.setup
        if isinstance(traffic, MixedTraffic):
            mix = traffic.mixed(rate=rate * self.share, count=self.requests, seed=self.seed)
            asked, setup = mix.requests, replace(setup, mix=mix)
        else:
            asked = traffic.underway(rate=rate * self.share, count=self.requests, seed=self.seed)
        last = float(asked.arrival[-1])
        run = run_serving(
            self.question, self.cluster, setup, asked, seed=self.seed, prices=self.prices,
            tables=self.tables, window=(float(asked.arrival[int(_WARM * len(asked))]), last),
        )  # fmt: skip
        goodput = run.summary.goodput
        return bool(goodput is not None and goodput.met), run

    def most(self, guess: float) -> tuple[float, ServingRun]:
        """(largest rate that is found to keep the objective, 0 if none; the run there, or the last)."""
        low, high, rate = 0.0, math.inf, guess
        best: ServingRun | None = None
        run: ServingRun | None = None
        while self.runs < TRIALS and high > low * CLOSE:
            met, run = self.at(rate)
            if met:
                low, best = rate, run
            else:
                high, self.failed = rate, run
            rate = rate * 1.2 if high == math.inf else (low + high) / 2.0 if low > 0.0 else rate * 0.6
        assert run is not None
        return low, best if best is not None else run


def try_out(
    question: ServingQuestion,
    cluster: Cluster,
    finalists: tuple[Configuration, ...],
    prices: Prices,
    minimise: str,
    requests: int,
    seed: int,
    say: Progress,
) -> tuple[tuple[Tried, ...], list[str]]:
    """(the finalists with the replicas that they need by events, best first; what is to be told)."""
    found: list[Tried] = []
    failed: list[tuple[Configuration, ServingRun]] = []
    for i, one in enumerate(finalists):
        say(
            f"Simulating {layout_words(one.pools[-1].points.degrees.row(0))}",
            0.45 + 0.5 * i / len(finalists),
        )
        trials = _Trials(question, cluster, one, prices, requests, seed)
        capacity = min(pool.capacity for pool in one.pools)
        most, run = trials.most(capacity)
        if most <= 0.0:
            failed.append((one, run))
            continue
        scarce = _scarce(question, one, trials.failed)
        sized = _sized(question, one, most, scarce)
        if question.demand is not None:
            sized, run, more = _confirmed(question, cluster, sized, prices, requests, seed)
            trials.runs += more
        scale = most / capacity
        found.append(Tried(sized, run, scale * min(pool.capacity for pool in sized.pools), trials.runs))
    notices = [_failure(question, one, run) for one, run in failed]
    if failed and not found:
        raise InfeasibleError(
            f"configurations meet the SLO in closed form, but none by events: {notices[0]}",
            key="objective", given=str(question.objective), allowed="a looser objective, or more --finalists",
        )  # fmt: skip
    found.sort(key=lambda tried: tried.configuration.score(prices, minimise))
    return tuple(found), notices


def _confirmed(
    question: ServingQuestion,
    cluster: Cluster,
    sized: Configuration,
    prices: Prices,
    requests: int,
    seed: int,
) -> tuple[Configuration, ServingRun, int]:
    """(the configuration with as many replicas more as it takes, its run at the demand, runs needed)."""
    runs = 0
    while True:
        met, run = _Trials(question, cluster, sized, prices, requests, seed).at(sized.rate)
        runs += 1
        if met or runs == TRIALS:
            return sized, run, runs
        scarce = _scarce(question, sized, run)
        pools = tuple(
            replace(pool, replicas=(n := math.ceil(pool.replicas * CLOSE)), rate=sized.rate / n)
            if pool.role in scarce
            else pool
            for pool in sized.pools
        )
        sized = replace(sized, pools=pools)


def _scarce(question: ServingQuestion, one: Configuration, failed: ServingRun | None) -> set[str]:
    """Roles of the pools that a run which misses the target has too few of."""
    goodput = None if failed is None else failed.summary.goodput
    asked = question.objective.percentile or 1.0
    shares = {} if goodput is None else goodput.by_limit
    return one.scarce({key for key, share in shares.items() if share < asked})


def _sized(question: ServingQuestion, one: Configuration, most: float, scarce: set[str]) -> Configuration:
    """The configuration with the replicas that the demand needs, or at the rate that it serves.

    By events ``most`` requests a second are served; where that is less than the closed form says, pools that
    are ``scarce`` are enlarged.
    """
    if question.demand is None:
        pools = tuple(replace(pool, rate=most / pool.replicas) for pool in one.pools)
        return replace(one, pools=pools, rate=most)
    factor, pools = question.demand / most, list[Pool]()
    for pool in one.pools:
        enough = pool.role not in scarce and factor > 1.0
        n = pool.replicas if enough else max(1, math.ceil(pool.replicas * factor * (1.0 - 1e-9)))
        pools.append(replace(pool, replicas=n, rate=question.demand / n))
    return replace(one, pools=tuple(pools))


def _failure(question: ServingQuestion, one: Configuration, run: ServingRun) -> str:
    goodput, words, whose = run.summary.goodput, layout_words(one.pools[-1].points.degrees.row(0)), ""
    assert goodput is not None
    objective = question.objective
    if run.setup.mix is not None:  # the class whose target is missed most
        mine = [
            (found.goodput, kind)
            for found, kind in zip(run.classes, run.setup.mix.classes, strict=True)
            if found.goodput is not None
        ]
        goodput, kind = min(
            mine, key=lambda x: min(x[0].by_limit.values()) - (x[0].objective.percentile or 0)
        )
        objective, whose = goodput.objective, f" of {kind.name}"
    worst = min(goodput.by_limit, key=lambda key: goodput.by_limit[key])
    share = 100 * goodput.by_limit[worst]
    limit = show(objective.limits[worst], "s")
    return (
        f"{words} meets {worst} ≤ {limit} for only {share:.3g} % of requests{whose}, by events at "
        f"{run.summary.request_rate:.3g} requests/s"
    )

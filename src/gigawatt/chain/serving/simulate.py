"""Requests of a question on a fleet of given replicas, by the event engine."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gigawatt.chain.serving.adapters import late_adapters
from gigawatt.chain.serving.classes import Mix
from gigawatt.chain.serving.power_cap import cap_notices
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import (
    Degrees,
    Prices,
    candidates,
    engine_options,
    prices_of,
    replica,
    tables_of,
)
from gigawatt.chain.serving.replica_outages import ReplicaOutages
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import several
from gigawatt.machine import Cluster
from gigawatt.performance.serving.engines import Engine
from gigawatt.performance.serving.step_tables import StepTables, stage_delay
from gigawatt.serving.classes import ClassSummary, summarise_classes, together
from gigawatt.serving.engine import EngineOptions, Outcome
from gigawatt.serving.fleet import Autoscaling, Fleet, Link
from gigawatt.serving.outcome import Summary, summarise
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate

__all__ = [
    "MOST",
    "SPAN",
    "Part",
    "ServingRun",
    "Setup",
    "check_replica",
    "least_replica",
    "part",
    "request_count",
    "run_serving",
    "served_by",
]

MOST = 200_000
"""Default number of simulated requests."""
SPAN, _TURNS, _FEWEST = 600.0, 10, 1000


@dataclass(frozen=True)
class Part:
    """Replicas of one kind: their degrees (one row), how many, options of their engines."""

    degrees: Degrees
    replicas: int
    options: EngineOptions

    @property
    def chips(self) -> int:
        """Accelerators of all of them."""
        return self.replicas * round(float(self.degrees.chips[0]))


@dataclass(frozen=True)
class Setup:
    """The fleet: ``main`` runs prefill and decode, or decode alone where ``prefill`` is set.

    ``link`` carries keys and values from one to the other. ``concurrency`` requests are in flight, if given,
    whatever their arrivals; replicas of ``main`` have ``outages``, if any; requests are
    of the classes of ``mix``, if there are several.
    """

    main: Part
    routing: str = "least-loaded"
    autoscaling: Autoscaling | None = None
    prefill: Part | None = None
    link: Link | None = None
    concurrency: int | None = None
    outages: ReplicaOutages | None = None
    mix: Mix | None = None

    @property
    def chips(self) -> int:
        """Accelerators at most."""
        most = self.main.replicas if self.autoscaling is None else self.autoscaling.maximum
        beside = 0 if self.prefill is None else self.prefill.chips
        return most * round(float(self.main.degrees.chips[0])) + beside


@dataclass(frozen=True)
class ServingRun:
    """A simulated run.

    ``tables`` are those of a replica of ``setup.main``, ``summary`` of what ``window`` was asked for;
    ``money`` [$] is that of the window, of which prefill bears ``prompt_share``; ``meter_power`` [W] is the
    mean at the meter. ``cpu_seconds`` went into the events.
    """

    question: ServingQuestion
    cluster: Cluster
    setup: Setup
    requests: Requests
    outcome: Outcome
    summary: Summary
    tables: StepTables
    prices: Prices
    prompt_share: float
    money: float
    meter_power: float
    cpu_seconds: float
    seed: int
    assumptions: tuple[Assumption, ...] = ()
    notices: tuple[str, ...] = ()
    classes: tuple[ClassSummary, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the window [s]."""
        return self.summary.window[1] - self.summary.window[0]

    def million(self, kind: str) -> float:
        """Money for a million tokens [$] of ``prompt`` or of ``output``."""
        share, rate = {
            "prompt": (self.prompt_share, self.summary.prompt_rate),
            "output": (1.0 - self.prompt_share, self.summary.output_rate),
        }[kind]
        tokens = rate * self.seconds
        return self.money * share * 1e6 / tokens if tokens > 0.0 else float("nan")


def least_replica(question: ServingQuestion, cluster: Cluster) -> Degrees:
    """The smallest replica that fits, the one with the widest tensor groups among them."""
    found, _ = candidates(question, cluster)
    least = found.take(found.chips == found.chips.min())
    order = sorted(range(len(least)), key=lambda i: (-least.tensor[i], least.pipeline[i], -least.expert[i]))
    return least.take(order[:1])


def request_count(
    question: ServingQuestion,
    *,
    rate: float,
    count: int | None = None,
    span: float | None = None,
    concurrency: int | None = None,
) -> int:
    """Requests to simulate: ``count``, those of ``span`` [s] at ``rate`` [1/s], or as many as it usually
    takes.

    These are, up to :data:`MOST`, what comes in the time of the trace, or in ten minutes; and in a closed
    loop enough for each of ``concurrency`` to be replaced several times.
    """
    if count is not None:
        if count < 1:
            raise InputError("not a number of requests", key="requests", given=count, allowed="1 or more")
        return count
    if span is None and concurrency is not None:
        return min(max(_TURNS * concurrency, _FEWEST), MOST)
    if span is None:
        own = question.traffic.own_rate
        span = SPAN if own is None else len(question.traffic.sample) / own
        return max(1, min(round(rate * span), MOST))
    return max(1, round(rate * span))


def served_by(setup: Setup, tables: StepTables) -> Fleet:
    """The fleet of ``setup.main``."""
    outages = None if setup.outages is None else setup.outages.outages
    return Fleet(tables, setup.main.replicas, setup.routing, autoscaling=setup.autoscaling, outages=outages)


def run_serving(
    question: ServingQuestion,
    cluster: Cluster,
    setup: Setup,
    requests: Requests,
    *,
    window: Any = "steady",
    seed: int = 0,
    bin: float = 1.0,
    prices: Prices | None = None,
    tables: tuple[StepTables, StepTables | None] | None = None,
) -> ServingRun:
    """The outcome of requests on a fleet.

    Parameters
    ----------
    question : ServingQuestion
        Model, engine and objective.
    cluster : Cluster
        The machine.
    setup : Setup
        Replicas.
    requests : Requests
        Arrivals and lengths.
    window : "steady", None or (start, end)
        What of the run counts (:func:`~gigawatt.serving.outcome.summarise`).
    seed : int
        Of random routing.
    bin : float [s]
        Of the series.
    prices, tables : optional
        Where they are known already: of a replica of ``main``, and of one of ``prefill``.
    """
    told: tuple[Assumption, ...] = ()
    if question.cached_prompt and setup.prefill is None:
        raise InputError(
            "prompts are cached where prefill is disaggregated", key="cached_prompt",
            given=f"{question.cached_prompt:.3g}", allowed="with prefill replicas",
        )  # fmt: skip
    if prices is None:
        prices, _, told = prices_of(question, cluster)
    if tables is None:
        first = (
            None
            if setup.prefill is None
            else tables_of(question, cluster, setup.prefill.degrees, prefill=True)
        )
        tables = tables_of(question, cluster, setup.main.degrees), first
    started = time.process_time()
    prompts = tables[0] if tables[1] is None else tables[1]
    outcome = _seen(
        _outcome(setup, requests, tables, seed, bin, question.cached_prompt),
        requests,
        question.engine,
        prompts,
    )
    if question.adapters is not None:
        first = setup.main if setup.prefill is None else setup.prefill
        outcome = _loaded(question, cluster, first, outcome, seed)
    spent = time.process_time() - started
    summary = summarise(outcome, requests, question.objective, tables=tables[0], window=window)
    classes: tuple[ClassSummary, ...] = ()
    if setup.mix is not None:
        length = summary.window[1] - summary.window[0]
        classes = summarise_classes(outcome, requests, setup.mix.member, setup.mix.objectives, summary.window)
        summary = replace(summary, goodput=together(classes, question.objective, length))
    on = summary.replicas * tables[0].chips
    if setup.prefill is not None:
        on = float(setup.chips)
        summary = _occupied(outcome, tables[0], summary)
    paid = on
    if outcome.outages is not None:  # accelerators that are away cost as much
        start, end = summary.window
        lost = outcome.outages.lost(start, end) / (end - start)
        paid = min((summary.replicas + lost) * tables[0].chips, float(setup.chips))
    money = float(prices.cost(summary.power, paid)) * (summary.window[1] - summary.window[0])
    return ServingRun(
        question=question,
        cluster=cluster,
        setup=setup,
        requests=requests,
        outcome=outcome,
        summary=summary,
        tables=tables[0],
        prices=prices,
        prompt_share=_prompt_share(setup, summary, tables[0]),
        money=money,
        meter_power=float(prices.meter(summary.power, on)),
        cpu_seconds=spent,
        seed=seed,
        assumptions=(*question.assumptions, *told),
        notices=(*_notices(question, setup, outcome, summary), *_of_cap(question, cluster, setup, summary)),
        classes=classes,
    )


def _outcome(
    setup: Setup,
    requests: Requests,
    tables: tuple[StepTables, StepTables | None],
    seed: int,
    bin: float,
    cached: float,
) -> Outcome:
    fleet = served_by(setup, tables[0])
    if setup.prefill is None or tables[1] is None:
        return simulate(
            requests, fleet, setup.main.options, concurrency=setup.concurrency, bin=bin, seed=seed
        )
    from gigawatt.serving.disaggregation import simulate_disaggregated

    assert setup.link is not None
    first = Fleet(tables[1], setup.prefill.replicas, setup.routing)
    return simulate_disaggregated(
        requests, first, fleet, setup.prefill.options, setup.main.options, link=setup.link,
        concurrency=setup.concurrency, bin=bin, seed=seed, cached_prompt=cached,
    )  # fmt: skip


def _seen(outcome: Outcome, requests: Requests, engine: Engine, prompts: StepTables) -> Outcome:
    """The outcome as users see it: with what the engine does before a request's first iteration, and what a
    prompt waits in the pipeline of the replicas whose tables are ``prompts``."""
    gaps = np.maximum(requests.output - 1, 1)
    step = (outcome.finish - outcome.first_token) / gaps
    # of two pools the one for prompts has no decoding iterations to wait for
    waits = 0.0 if outcome.pools else engine.waits - 1.0
    late = engine.prompt + waits * step + stage_delay(prompts, requests.prompt)
    return replace(outcome, first_token=outcome.first_token + late, finish=outcome.finish + late)


def _loaded(question: ServingQuestion, cluster: Cluster, first: Part, outcome: Outcome, seed: int) -> Outcome:
    """The outcome with what requests wait for their adapters, on the replicas that compute prompts."""
    replicas = outcome.replicas if not outcome.pools else first.replicas
    late = late_adapters(replica(question, cluster, first.degrees), outcome, replicas=replicas, seed=seed)
    return replace(outcome, first_token=outcome.first_token + late, finish=outcome.finish + late)


def _occupied(outcome: Outcome, tables: StepTables, summary: Summary) -> Summary:
    """The summary with the KV cache of the decode replicas, where prefill is disaggregated."""
    series = outcome.pools["decode"]
    share = series.kv_tokens / (tables.capacity * np.maximum(series.replicas_on, 1e-9))
    first, last = (int(t / series.bin) for t in summary.window)
    part = share[first : max(last, first + 1)]
    return replace(summary, occupancy=float(part.mean()), peak_occupancy=float(part.max()))


def _prompt_share(setup: Setup, summary: Summary, tables: StepTables) -> float:
    """Share of the cost that prefill bears: of accelerators, or of the time that they take alone."""
    if setup.prefill is not None:
        return setup.prefill.chips / setup.chips
    from gigawatt.serving.token_cost import token_cost

    return token_cost(summary, tables=tables, price=1.0).prompt_share


def _notices(question: ServingQuestion, setup: Setup, outcome: Outcome, summary: Summary) -> tuple[str, ...]:
    found = list(question.notices)
    rejected = int(outcome.rejected.sum())
    if rejected:
        share = 100 * rejected / len(outcome)
        were = "was" if rejected == 1 else "were"
        found.append(
            f"{several(rejected, 'request')} ({share:.2g} %) {were} rejected: longer than context or cache"
        )
    if setup.concurrency is None and summary.queue > max(1.0, summary.concurrency):
        found.append(
            f"the queue grows: {summary.queue:,.0f} requests wait on average beside "
            f"{summary.concurrency:,.0f} running; the demand exceeds the capacity of these replicas"
        )
    return tuple(found)


def _of_cap(question: ServingQuestion, cluster: Cluster, setup: Setup, summary: Summary) -> tuple[str, ...]:
    """What a power cap does to a replica of ``setup.main`` with the mean of the requests in flight."""
    each = summary.concurrency / max(summary.replicas, 1.0)
    return cap_notices(question, cluster, setup.main.degrees, each)


def part(
    question: ServingQuestion, degrees: Degrees, replicas: int, held: float | None = None, **options: Any
) -> Part:
    """Replicas with the engine's options (:func:`~gigawatt.chain.serving.replica.engine_options`)."""
    if replicas < 1:
        raise InputError("not a number of replicas", key="replicas", given=replicas, allowed="1 or more")
    return Part(degrees, replicas, engine_options(question, degrees, held, **options))


def check_replica(question: ServingQuestion, cluster: Cluster, degrees: Degrees) -> None:
    """Raise where weights and one request do not fit these degrees."""
    replica(question, cluster, degrees)
    fixed = {name: value for name, value in degrees.row(0).items() if name != "chips"}
    candidates(replace(question, fixed=fixed, largest=None), cluster)

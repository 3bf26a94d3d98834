"""Failures of a service: how often replicas are out, the reserve for it (N + k), waits while some are out.

All replicas take requests; ``k`` more than the latency target needs are the reserve. How they fail:
:mod:`gigawatt.chain.serving.replica_outages`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gigawatt.chain.registry import CHAIN, SERVING, serving
from gigawatt.chain.serving.choice import Configuration
from gigawatt.chain.serving.day import Day, Scaling, Week
from gigawatt.chain.serving.plan import ServingPlan
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica_outages import ReplicaOutages, replica_outages
from gigawatt.chain.serving.service import SPEED, day_of
from gigawatt.chain.serving.sized_days import with_replicas
from gigawatt.chain.serving.waits import Waits, waits
from gigawatt.chain.training.reliability import cluster_of
from gigawatt.core.errors import InfeasibleError
from gigawatt.machine import Chip
from gigawatt.serving.objectives import Objective

__all__ = ["OUTAGES"]

OUTAGES = ("serving.failures", "serving.availability")
"""Fields of which one has to be given for failures to count."""
ROWS = ("failure_rate", "share", "repair_time", "detection")
"""Rows that outages are computed from."""
_DAY = 86400.0


CHAIN.leaf(
    "serving.restart", "s", "Cold start of a replica that failed", (SERVING,), fields=(), given=OUTAGES
)


@serving("serving.outages", "", given=OUTAGES, rows=ROWS)
def outages_of(
    serving_failures: str | None,
    serving_restart: float,
    serving_plan: ServingPlan,
    serving_sized_day: Day,
    machine_chip: Chip,
) -> ReplicaOutages:
    """How a replica fails and how long it is out of service.

    Failure rate of an accelerator × accelerators of a replica; detection + cold start, and the repair of the
    node after the share of failures that replace it. The chip's generation where no cluster is given.
    """
    chosen = serving_sized_day.configuration
    return _outages(chosen, serving_plan, machine_chip, serving_failures, serving_restart)


def _outages(
    one: Configuration, plan: ServingPlan, chip: Chip, failures: str | None, restart: float
) -> ReplicaOutages:
    chips = round(float(one.pools[0].points.chips[0]))
    return replica_outages(failures or cluster_of(chip.id), chips, plan.cluster.node_chips, restart)


@serving("serving.replica_out", "percent", given=OUTAGES, rows=ROWS)
def replica_out(serving_outages: ReplicaOutages) -> float:
    """Share of the time that a replica is out of service after failures.

    rate × time out / (1 + rate × time out), by itself or with its node
    """
    return serving_outages.out


def _needed(first: Configuration, outages: ReplicaOutages, availability: float) -> Configuration:
    """What of the plan's best has to be in service: what the reserve within it leaves."""
    total, spare = first.replicas, 0
    while spare < total and outages.in_service(total, total - spare) < availability:
        spare += 1
    if spare == total:
        raise InfeasibleError(
            f"{total} replicas are never in service for so much of the time", key="serving.availability",
            given=f"{availability:.10g}", allowed=f"{outages.in_service(total, 1):.6g} or less",
        )  # fmt: skip
    less = replace(first, rate=first.rate * (total - spare) / total)
    return with_replicas(less, total - spare)


@serving("serving.sized_day", "", given=OUTAGES, rows=SPEED)
def sized_day(
    serving_question: ServingQuestion,
    serving_plan: ServingPlan,
    serving_demand: tuple[str, float] | None,
    serving_week: Week,
    serving_replicas_given: int | None,
    serving_routing: str,
    serving_autoscaling: Scaling | None,
    serving_simulated_requests: int,
    serving_simulated_replicas: int,
    serving_simulated_hour: float,
    serving_seed: int,
    serving_failures: str | None,
    serving_restart: float,
    serving_availability: float | None,
    machine_chip: Chip,
) -> Day:
    """The days with no more replicas in service than the latency target needs, the reserve out of service.

    As the days without failures. Where the accelerators are given, the reserve is some of them, and the rest
    serve the demand.
    """
    grows = serving_demand is not None
    ranked = serving_plan.ranked
    if not grows and serving_availability is not None:
        best = ranked[0]
        fails = _outages(best, serving_plan, machine_chip, serving_failures, serving_restart)
        ranked = (_needed(best, fails, serving_availability),)
    return day_of(
        serving_question, serving_plan, ranked, serving_week, grows=grows, replicas=serving_replicas_given,
        routing=serving_routing, scaling=serving_autoscaling, most_requests=serving_simulated_requests,
        most_replicas=serving_simulated_replicas, least_hour=serving_simulated_hour, seed=serving_seed,
    )  # fmt: skip


@serving("serving.reserve", "1", given=OUTAGES, rows=ROWS)
def reserve(
    serving_sized_day: Day,
    serving_plan: ServingPlan,
    serving_demand: tuple[str, float] | None,
    serving_outages: ReplicaOutages,
    serving_availability: float | None,
) -> int:
    """Replicas beyond those that the latency target needs (k of N + k).

    Fewest with P(k of N + k or fewer out of service) ≥ availability; none where no availability is given.
    """
    needed = serving_sized_day.configuration.replicas
    if serving_availability is None:
        return 0
    if serving_demand is None:
        return serving_plan.first.replicas - needed
    return serving_outages.reserve(needed, serving_availability)


@serving(
    "serving.day",
    "",
    given=OUTAGES,
    rows=SPEED,
    method="""As without failures, with the reserve in service. Failures are too rare for days of a few
    replicas: the time with replicas out of service follows from their rates, and the waits then from the
    days without the reserve.""",
)
def day_with_reserve(
    serving_question: ServingQuestion,
    serving_plan: ServingPlan,
    serving_demand: tuple[str, float] | None,
    serving_week: Week,
    serving_routing: str,
    serving_autoscaling: Scaling | None,
    serving_simulated_requests: int,
    serving_simulated_replicas: int,
    serving_simulated_hour: float,
    serving_seed: int,
    serving_sized_day: Day,
    serving_reserve: int,
) -> Day:
    """The days with every replica in service, the reserve among them."""
    if serving_reserve == 0:
        return serving_sized_day
    sized = serving_sized_day.configuration
    total = sized.replicas + serving_reserve
    return day_of(
        serving_question, serving_plan, (sized,), serving_week, grows=serving_demand is not None,
        replicas=total, routing=serving_routing, scaling=serving_autoscaling,
        most_requests=serving_simulated_requests, most_replicas=serving_simulated_replicas,
        least_hour=serving_simulated_hour, seed=serving_seed,
    )  # fmt: skip


@serving("serving.in_service", "percent", given=OUTAGES, rows=ROWS)
def in_service_share(serving_outages: ReplicaOutages, serving_day: Day, serving_reserve: int) -> float:
    """Share of the time at which the replicas that the latency target needs are in service.

    P(no more than the reserve is out of service), a sum over independent nodes
    """
    total = serving_day.configuration.replicas
    return serving_outages.in_service(total, total - serving_reserve)


@serving("serving.failures_day", "1", given=OUTAGES, rows=ROWS)
def failures_day(serving_outages: ReplicaOutages, serving_day: Day) -> float:
    """Failures of accelerators a day that take replicas out of service.

    rate of a replica's accelerators × replicas in service
    """
    one = serving_outages
    return one.outages.failure_rate * serving_day.configuration.replicas * (1.0 - one.out) * _DAY


@serving("serving.interrupted", "percent", given=OUTAGES, rows=(*ROWS, *SPEED))
def interrupted(serving_outages: ReplicaOutages, serving_waits: Waits) -> float:
    """Share of the requests whose replica fails while they are on it.

    Mean of 1 − exp(−rate × end-to-end latency)
    """
    seen = np.isfinite(serving_waits.times["e2e"])
    hit = -np.expm1(-serving_outages.outages.interruption_rate * serving_waits.times["e2e"][seen])
    return float(np.average(hit, weights=serving_waits.weight[seen]))


@serving("serving.waits_degraded", "", given=OUTAGES)
def waits_degraded(serving_sized_day: Day, serving_objective: Objective) -> Waits:
    """What each request waits while the whole reserve is out of service.

    To the first token, per token after it, to the last, over the days with no more replicas than the target
    needs.
    """
    return waits(serving_sized_day, serving_objective)


@serving("serving.ttft_p99_degraded", "s", given=OUTAGES, rows=SPEED)
def ttft_degraded(serving_waits_degraded: Waits) -> float:
    """Time to first token that 99 in a hundred requests stay below while the whole reserve is out of service.

    first token − arrival, over all requests of the days with no more replicas than the target needs
    """
    return float(serving_waits_degraded.quantile("ttft", 0.99))


@serving("serving.goodput_failures", "percent", given=OUTAGES, rows=(*ROWS, *SPEED))
def goodput_failures(
    serving_outages: ReplicaOutages,
    serving_day: Day,
    serving_in_service: float,
    serving_waits: Waits,
    serving_waits_degraded: Waits,
) -> float:
    """Share of the requests that meets all limits of the SLO, failures included; at least so much.

    P(all in service) × share then + P(some, at most the reserve, out) × share without the reserve; none while
    more are out, and none that a failure interrupts
    """
    total = serving_day.configuration.replicas
    whole = serving_outages.in_service(total, total)
    with_reserve, without = (
        float(np.average(one.every, weights=one.weight)) for one in (serving_waits, serving_waits_degraded)
    )
    share = whole * with_reserve + max(serving_in_service - whole, 0.0) * without
    held = float(np.nanmean(serving_waits_degraded.times["e2e"]))
    return share * math.exp(-serving_outages.outages.interruption_rate * held)

"""The serving chain: model, replicas that meet the SLO at the peak, days simulated by the event engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity
from gigawatt.chain.machine.quantities import Machine, flat_year
from gigawatt.chain.registry import serving
from gigawatt.chain.serving.choice import Configuration
from gigawatt.chain.serving.day import Day, Scaling, Week, check_demand, read_week
from gigawatt.chain.serving.intensity import Wall
from gigawatt.chain.serving.plan import FINALISTS, ServingPlan, plan_serving
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.relief import relieve, time_shares, wall_of
from gigawatt.chain.serving.sized_days import EASE, RUNS, cheapest_day, with_replicas
from gigawatt.chain.serving.traffic import Traffic
from gigawatt.chain.serving.trials import CLOSE, TRIALS
from gigawatt.chain.supply.candidates import connection_price
from gigawatt.chain.training.quantities import RATES
from gigawatt.facility import Site, Weather
from gigawatt.machine import Chip, build_cluster
from gigawatt.performance.serving.engines import Engine
from gigawatt.power import Grid
from gigawatt.serving.cache_tiers import CacheTier
from gigawatt.serving.objectives import Objective
from gigawatt.workload import Architecture
from gigawatt.workload.encoders import Encoded
from gigawatt.workload.served_adapters import Adapters

__all__ = ["SPEED", "day_of"]

Array = NDArray[np.float64]

#: Rows that a request's times depend on: those of a step, of the engine, of the trace and of the promise.
SPEED = tuple(
    dict.fromkeys(
        (*RATES, *(one.name for one in fields(Engine) if one.name not in ("id", "name", "framework", "year")),
         "requests", "span", "hour_*", "ttft", "tpot", "percentile", "idle_power")
    )
)  # fmt: skip


@serving("serving.week", "", rows=("hour_*",))
def week(serving_shape: str | float | tuple[float, ...], serving_days: int | None, site_site: Site) -> Week:
    """Demand by the local hour of each kind of day, over its mean.

    The shape's hours, turned by the time zone of the site where the shape's clock is UTC. Weekdays and
    weekends are alike in their means, since the shapes of each are known and not how they compare.
    """
    return read_week(serving_shape, days=serving_days, time_zone=site_site.time_zone)


@serving("serving.question", "")
def question(
    model_architecture: Architecture,
    machine_chip: Chip,
    machine_options: Mapping[str, Any],
    serving_engine: Engine,
    serving_recipe: str,
    scenario_year: int,
    serving_weights: str,
    serving_cache: str,
    serving_guesses: int,
    serving_acceptance: float,
    serving_speculation: float | None,
    serving_tiers: tuple[CacheTier, ...],
    serving_adapters: Adapters | None,
    serving_encoded: tuple[Encoded, ...],
    serving_traffic: Traffic,
    serving_objective: Objective,
    serving_layout: Mapping[str, int],
    serving_prefill: Mapping[str, int],
    serving_redundant_experts: int,
    serving_two_batch_overlap: bool,
    serving_cached_prompt: float,
    serving_routing: str,
    site_weather: Weather,
    site_cooling: Entity,
    site_redundancy: Entity | None,
    site_pue: float | None,
    machine_pue_peak: float,
    supply_grid: Grid,
    supply_price: float | None,
    economics_discount_rate: float,
    economics_chip_life: float | None,
    machine_cap: float | None,
) -> ServingQuestion:
    """The serving question: model, machine, requests and SLO.

    To choose among replicas, electricity is taken at the price that is given, or at the mean of the site's
    grid with the connection, and at the PUE of a flat load; what it costs in the end is the supply plan's.
    """
    flat = flat_year(site_weather, site_cooling, site_redundancy, site_pue)
    bought = float(np.mean(supply_grid.price))
    bought += connection_price(year=scenario_year, rate=economics_discount_rate)
    return ServingQuestion(
        architecture=model_architecture,
        chip=machine_chip,
        options=machine_options,
        engine=serving_engine,
        year=scenario_year,
        weights=serving_weights,
        cache=serving_cache,
        guesses=serving_guesses,
        acceptance=serving_acceptance,
        measured_acceptance=serving_speculation,
        tiers=serving_tiers,
        adapters=serving_adapters,
        encoded=serving_encoded,
        traffic=serving_traffic,
        demand=None,
        objective=serving_objective,
        recipe=serving_recipe,
        token_budget=None,
        sequences=None,
        context_limit=model_architecture.max_sequence or None,
        fixed=serving_layout,
        largest=None,
        pue_mean=flat.annual_pue,
        pue_peak=machine_pue_peak,
        electricity=bought if supply_price is None else supply_price,
        rate=economics_discount_rate,
        chip_life=economics_chip_life,
        redundancy=site_redundancy,
        cap=machine_cap,
        assumptions=(),
        prefill=serving_prefill,
        redundant_experts=serving_redundant_experts,
        two_batch_overlap=serving_two_batch_overlap,
        cached_prompt=serving_cached_prompt,
        routing=serving_routing,
    )


@serving(
    "serving.plan",
    "",
    method=f"""Exhaustive search over tensor, pipeline, data and expert degree of a replica (those of the
    scenario held) and over the requests in flight, on one pool or on disaggregated prefill and decode pools.
    Objective: least cost of a request. Constraints: weights and cache fit in memory, the engine's
    sequences and tokens of an iteration, TTFT and TPOT at the target's percentile, the demand or the
    accelerators. Every replica and load in closed form; the best {FINALISTS} are then simulated by
    events, their rate bisected between one that meets the target and one that does not, until they are
    within {CLOSE - 1:.0%} or after {TRIALS} simulations; replicas are added until the demand meets the
    target.""",
)
def plan(
    serving_question: ServingQuestion,
    serving_demand: tuple[str, float] | None,
    serving_week: Week,
    serving_mode: str,
    serving_seed: int,
    machine_size: Mapping[str, Any],
    site_oversubscription: float | None,
) -> ServingPlan:
    """The cheapest replicas that meet the SLO in the hour of the highest demand.

    Every replica and load in closed form, the best few simulated by events (gigawatt plan-serving). Without a
    demand: what the accelerators serve, or those that the power feeds at their limit in the hottest hour, of
    which an oversubscribed facility has more.
    """
    chips, asked = machine_size["count"], serving_question
    if serving_demand is not None:
        mean = asked.traffic.requests(serving_demand)
        check_demand(mean)
        asked = replace(asked, demand=mean * serving_week.peak)
    elif chips is None:
        power = machine_size["power"] * (1.0 + (site_oversubscription or 0.0))
        chips = asked.fed_by(power)
    return plan_serving(asked, chips=chips, mode=serving_mode, seed=serving_seed)


@serving(
    "serving.day",
    "",
    method=f"""Discrete-event simulation, request by request, of few replicas with their share of the
    demand, the clock of the day quickened until the limit on simulated requests is met. Where the target
    is not met over the days, or in an hour with enough requests to judge it, they are simulated again
    with {EASE - 1:.0%} more replicas (or less demand where accelerators are given), {RUNS} times at most;
    where these cost more than another of the best few, its days are simulated too and the cheaper is taken.
    Seed of the scenario.""",
)
def day(
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
) -> Day:
    """A day of each kind, served request by request on a slice of the campus.

    Few replicas with their share of the demand, the clock of the day quickened until no more requests come
    than may be simulated; see gigawatt.chain.serving.day. Where an hour misses the SLO, the
    day is served again with a few more replicas, or with less demand where the accelerators are given; not
    where replicas turn off and on, whose waits more of them do not mend.
    """
    return day_of(
        serving_question, serving_plan, serving_plan.ranked, serving_week, grows=serving_demand is not None,
        replicas=serving_replicas_given, routing=serving_routing, scaling=serving_autoscaling,
        most_requests=serving_simulated_requests, most_replicas=serving_simulated_replicas,
        least_hour=serving_simulated_hour, seed=serving_seed,
    )  # fmt: skip


def day_of(
    question: ServingQuestion,
    plan: ServingPlan,
    ranked: Sequence[Configuration],
    week: Week,
    *,
    replicas: int | None,
    scaling: Scaling | None,
    **given: Any,
) -> Day:
    """The day of the cheapest of a plan's configurations, the first with ``replicas`` if they are given.

    ``given`` are further words of :func:`~gigawatt.chain.serving.day.cheapest_day`.
    """
    tried = plan.tried
    held = tried[0].run.summary.concurrency / tried[0].run.setup.main.replicas if tried else 1.0
    if replicas is not None:
        ranked = (with_replicas(ranked[0], replicas),)
    return cheapest_day(
        question, plan.cluster, ranked, week, held=held, prices=plan.prices, minimise=plan.minimise,
        fixed=replicas is not None or scaling is not None, scaling=scaling, **given,
    )  # fmt: skip


@serving("serving.configuration", "")
def configuration(serving_day: Day) -> Configuration:
    """Replicas that serve, and the load of each in the highest hour.

    The cheapest of the best of the plan; as many replicas as are given, or as it takes to meet the SLO in
    every hour.
    """
    return serving_day.configuration


@serving("serving.replicas", "1", rows=SPEED)
def replicas(serving_configuration: Configuration) -> int:
    """Copies of the model that serve at the peak.

    Demand of the highest hour / what a replica serves within the SLO, rounded up.
    """
    return serving_configuration.replicas


@serving("machine.count", "1", rows=SPEED)
def count(serving_configuration: Configuration) -> int:
    """Accelerators of the campus.

    replicas × accelerators of a replica
    """
    return serving_configuration.chips


@serving("machine.machine", "")
def machine(machine_chip: Chip, machine_count: int, machine_options: Mapping[str, Any]) -> Machine:
    """The accelerators of the campus with their nodes and links.

    The chip's usual node and links unless the scenario names others.
    """
    cluster, told = build_cluster(chip=machine_chip, count=machine_count, **machine_options)
    return Machine(cluster, machine_count, told)


@serving("serving.rate_peak", "1/s", rows=SPEED)
def rate_peak(serving_configuration: Configuration) -> float:
    """Requests a second in the hour of the highest demand.

    Mean demand × the highest hour over the mean; or what the accelerators serve within the SLO.
    """
    return serving_configuration.rate


@serving("serving.rate", "1/s", rows=SPEED)
def rate(serving_rate_peak: float, serving_week: Week) -> float:
    """Mean rate of requests over the year.

    Of the highest hour / the highest hour over the mean.
    """
    return serving_rate_peak / serving_week.peak


@serving("serving.capacity", "1/s", rows=SPEED)
def capacity(serving_plan: ServingPlan, serving_configuration: Configuration) -> float:
    """Largest rate of requests within the SLO.

    By events: the highest rate at which the required share of requests meets the latency target.
    """
    found = serving_plan.led_by(serving_configuration)
    most = found.tried[0].most if found.tried else min(pool.capacity for pool in found.first.pools)
    return most * serving_configuration.replicas / found.first.replicas


@serving("serving.simulated", "1")
def simulated(serving_day: Day) -> int:
    """Requests that were simulated.

    Those of the days that count, without the hour before the first.
    """
    return int(np.count_nonzero(serving_day.weight))


@serving("serving.prompt_tokens", "tokens")
def prompt_tokens(serving_traffic: Traffic) -> float:
    """Prompt tokens of a request.

    Mean of the trace, or of the lengths drawn.
    """
    return serving_traffic.mean_prompt


@serving("serving.output_tokens", "tokens")
def output_tokens(serving_traffic: Traffic) -> float:
    """Output tokens of a request.

    Mean of the trace, or of the lengths drawn.
    """
    return serving_traffic.mean_output


@serving("serving.throughput", "tokens/s", rows=SPEED)
def throughput(serving_rate: float, serving_rejected: float, serving_output_tokens: float) -> float:
    """Output tokens a second of the campus, mean of the year.

    requests a second × (1 − rejected share) × output tokens of a request
    """
    return serving_rate * (1.0 - serving_rejected) * serving_output_tokens


@serving("serving.throughput_prompt", "tokens/s", rows=SPEED)
def throughput_prompt(serving_rate: float, serving_rejected: float, serving_prompt_tokens: float) -> float:
    """Prompt tokens a second of the campus, mean of the year.

    requests a second × (1 − rejected share) × prompt tokens of a request
    """
    return serving_rate * (1.0 - serving_rejected) * serving_prompt_tokens


@serving("serving.throughput_chip", "tokens/s", rows=SPEED)
def throughput_chip(serving_throughput: float, machine_count: int) -> float:
    """Output tokens a second per accelerator.

    tokens a second / accelerators
    """
    return serving_throughput / machine_count


@serving("serving.utilisation", "percent", rows=SPEED)
def utilisation(serving_day: Day) -> float:
    """Share of the time in which an iteration runs, over replicas that are on.

    Time in iterations / time on; full long before a replica gives all it can.
    """
    return min(1.0, serving_day.run.summary.utilisation)


@serving("serving.load", "percent", rows=SPEED)
def load(serving_rate: float, serving_capacity: float) -> float:
    """Mean demand over what the replicas serve within the SLO.

    requests a second / largest rate of requests within the SLO
    """
    return serving_rate / serving_capacity


@serving("serving.occupancy", "percent", rows=SPEED)
def occupancy(serving_day: Day) -> float:
    """Mean occupancy of the KV cache.

    tokens in the cache / tokens that fit in it
    """
    return serving_day.run.summary.occupancy


@serving("serving.prompt_share", "percent", rows=SPEED)
def prompt_share(serving_day: Day) -> float:
    """Share of the cost that prefill bears.

    By the times of prefill and decode alone; of disaggregated pools, by their accelerators.
    """
    return serving_day.run.prompt_share


@serving("serving.breakdown", "", rows=SPEED)
def breakdown(serving_configuration: Configuration) -> dict[str, float]:
    """Time of an accelerator by component under the load of the highest hour, in closed form.

    Prefill, and the bottlenecks of decoding iterations; the shares add up to one.
    """
    return time_shares(serving_configuration)


@serving("serving.binding", "", rows=SPEED)
def binding(serving_breakdown: Mapping[str, float]) -> str:
    """The bottleneck of the service.

    Largest part of the breakdown.
    """
    return max(serving_breakdown, key=lambda name: serving_breakdown[name])


@serving("serving.limit", "", rows=SPEED)
def limit(serving_plan: ServingPlan, serving_configuration: Configuration) -> str:
    """The limit on requests per replica.

    The SLO limit that the fewest requests meet at the peak; else memory, the engine's sequences, or
    the demand.
    """
    tried = serving_plan.led_by(serving_configuration).tried
    goodput = tried[0].run.summary.goodput if tried else None
    if goodput is not None and min(goodput.by_limit.values()) < 1.0:
        return min(goodput.by_limit, key=lambda key: goodput.by_limit[key])
    return serving_plan.limit


@serving(
    "serving.relief",
    "",
    method="""For each resource the replicas are screened again in closed form on a machine with twice of
    it (half of a latency or overhead), their layout fixed, the load that costs least within the target
    searched again.""",
)
def relief(serving_plan: ServingPlan, serving_configuration: Configuration) -> dict[str, float]:
    """Cost of an output token with twice a resource (half a latency or overhead), relative to now.

    Layout fixed, load optimised again within the SLO, in closed form; accelerators at the same cost.
    """
    return relieve(serving_plan, serving_configuration)


@serving("serving.wall", "", rows=SPEED)
def wall(serving_plan: ServingPlan, serving_configuration: Configuration) -> Wall:
    """Arithmetic intensity of prefill and decode against the machine's ridge.

    The replica in other formats, and with two and four times the memory bandwidth.
    """
    return wall_of(serving_plan, serving_configuration)

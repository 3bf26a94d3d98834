"""Bottleneck of a service, its relief, and the roofline of its replica: in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gigawatt.chain.machine.resources import RESOURCES
from gigawatt.chain.serving.choice import Configuration, apart, together
from gigawatt.chain.serving.intensity import Wall, memory_wall
from gigawatt.chain.serving.plan import ServingPlan
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Prices
from gigawatt.chain.serving.screen import decode_points, prefill_points, screen
from gigawatt.machine import Cluster
from gigawatt.performance import default_stack
from gigawatt.performance.serving.engines import Engine

__all__ = ["PARTS", "relieve", "time_shares", "wall_of"]

_TWICE = 2.0
_SOFTWARE = ("launch", "overhead", "layer_overhead", "eager", "sequence", "host", "host_sequence", "prompt")
"""Overheads of an engine: host and engine time."""
_HOST = "launch and host overhead of the engine"
_RESOURCES = (
    "arithmetic", "memory_bandwidth", "memory_capacity", "scale_up_bandwidth", "scale_out_bandwidth",
    "latency",
)  # fmt: skip

PARTS: Mapping[str, str] = {
    "prompts": "prompts",
    "arithmetic": "arithmetic",
    "memory": "memory bandwidth",
    "exchange": "interconnect bandwidth",
    "latency": "interconnect latency",
    "launch": "launch",
    "host": "host",
    "limit": "power limit",
    "overhead": "overhead of iterations",
    "waiting": "waiting for prompts",
}
"""Parts of the time as the closed form names them → in words."""


def time_shares(configuration: Configuration) -> dict[str, float]:
    """Share of the accelerators' time by part, of several pools by their accelerators; they sum to one."""
    found: dict[str, float] = {}
    for pool in configuration.pools:
        for name, value in pool.points.parts.items():
            words = PARTS.get(name, name)
            found[words] = found.get(words, 0.0) + float(value[0]) * pool.chips / configuration.chips
    total = sum(found.values())
    return {name: value / total for name, value in found.items() if value > 0.0}


def _cost(
    question: ServingQuestion, cluster: Cluster, configuration: Configuration, prices: Prices
) -> float | None:
    """Money [$] of a request on these replicas under the load that costs least within the SLO."""
    asked = replace(question, demand=None)
    degrees = [pool.points.degrees for pool in configuration.pools]
    if len(degrees) == 1:
        points, _ = screen(asked, cluster, degrees[0])
        found = together(asked, points, prices, "cost", None)
    else:
        pools = prefill_points(asked, cluster, degrees[0])[0], decode_points(asked, cluster, degrees[1])[0]
        found = apart(asked, cluster, pools, prices, "cost", None)
    return min((one.score(prices, "cost")[0] for one in found), default=None)


def _lighter(engine: Engine, factor: float) -> Engine:
    return replace(engine, **{name: getattr(engine, name) / factor for name in _SOFTWARE})


def relieve(plan: ServingPlan, configuration: Configuration) -> dict[str, float]:
    """Resource in words → cost of a request with twice of it over that without, the layout held."""
    question, cluster, prices = plan.question, plan.cluster, plan.prices
    base = _cost(question, cluster, configuration, prices)
    if base is None:
        return {}
    stack = default_stack(question.chip, question.year)  # a change of a machine takes one
    found: dict[str, float] = {}
    for name in _RESOURCES:
        words, change = RESOURCES[name]
        richer, _ = change(cluster, stack, _TWICE)
        cost = _cost(replace(question, chip=richer.chip), richer, configuration, prices)
        found[words] = 1.0 if cost is None else cost / base
    if question.cap is not None:
        words, _ = RESOURCES["power_cap"]
        cost = _cost(replace(question, cap=_TWICE * question.cap), cluster, configuration, prices)
        found[words] = 1.0 if cost is None else cost / base
    lighter = replace(question, engine=_lighter(question.engine, _TWICE))
    cost = _cost(lighter, cluster, configuration, prices)
    found[_HOST] = 1.0 if cost is None else cost / base
    return found


def wall_of(plan: ServingPlan, configuration: Configuration) -> Wall:
    """The roofline of the decode replica."""
    return memory_wall(plan.question, plan.cluster, configuration.pools[-1].points.degrees, plan.prices)

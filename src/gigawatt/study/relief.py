"""What would relieve a training run: one resource made better at a time, each followed by a new search.

With the layout held, a better resource shows what it saves directly; with a new search, what it saves
once the layout has moved to use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gigawatt.errors import InputError
from gigawatt.hardware import Cluster
from gigawatt.hardware.machine import Link
from gigawatt.performance import Stack, StepTable, evaluate, search
from gigawatt.study.plan_training import Plan, run_share

__all__ = ["RESOURCES", "Relief", "relieve"]

_Change = Callable[[Cluster, Stack, float], tuple[Cluster, Stack]]


@dataclass(frozen=True)
class Relief:
    """What ``factor`` times a resource (a latency divided by it) does to a run.

    ``step_held`` and ``step`` [s] with the layout held and after a new search, ``seconds_held`` and
    ``seconds`` of the whole run at goodput; ``gain_held`` and ``gain`` the share of the run's time saved;
    ``best`` the new layout (one row), ``moved`` whether it is another one. ``fits`` counts the layouts
    that fit now.
    """

    resource: str
    words: str
    factor: float
    step_held: float
    step: float
    seconds_held: float
    seconds: float
    gain_held: float
    gain: float
    moved: bool
    fits: int
    best: StepTable


def _faster(link: Link, factor: float) -> Link:
    return replace(link, bandwidth=link.bandwidth * factor)


def _nearer(link: Link, factor: float) -> Link:
    return replace(link, latency=link.latency / factor)


def _peak(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    peak = {name: rate * factor for name, rate in cluster.chip.peak.items()}
    return replace(cluster, chip=replace(cluster.chip, peak=peak)), stack


def _memory_bandwidth(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    rate = cluster.chip.memory_bandwidth * factor
    return replace(cluster, chip=replace(cluster.chip, memory_bandwidth=rate)), stack


def _memory_bytes(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    size = cluster.chip.memory_bytes * factor
    return replace(cluster, chip=replace(cluster.chip, memory_bytes=size)), stack


def _scale_up(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    return replace(cluster, scale_up=_faster(cluster.scale_up, factor)), stack


def _scale_out(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    return replace(cluster, scale_out=_faster(cluster.scale_out, factor)), stack


def _domain(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    size = min(round(cluster.scale_up_size * factor), cluster.count)
    return replace(cluster, scale_up_size=size), stack


def _latency(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    up, out = _nearer(cluster.scale_up, factor), _nearer(cluster.scale_out, factor)
    return replace(cluster, scale_up=up, scale_out=out), stack


def _launch(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    return cluster, replace(stack, launch=stack.launch / factor, host=stack.host / factor)


def _same(cluster: Cluster, stack: Stack, factor: float) -> tuple[Cluster, Stack]:
    return cluster, stack


RESOURCES: Mapping[str, tuple[str, _Change]] = {
    "arithmetic": ("peak FLOP/s of all formats", _peak),
    "memory_bandwidth": ("memory bandwidth", _memory_bandwidth),
    "memory_capacity": ("memory capacity", _memory_bytes),
    "scale_up_bandwidth": ("link bandwidth inside the domain", _scale_up),
    "scale_out_bandwidth": ("link bandwidth between domains", _scale_out),
    "scale_up_domain": ("accelerators in a domain", _domain),
    "latency": ("latency of the links", _latency),
    "launch": ("launch overhead of the software", _launch),
    "mtbf": ("mean time between failures", _same),
}
"""Resource → its name in words, and how a cluster and a software stack with ``factor`` times it look."""
LESS = ("latency", "launch")
"""Resources of which less is better: they are divided by the factor."""


def relieve(
    plan: Plan, *, factor: float = 2.0, progress: Callable[[str, float], None] | None = None
) -> tuple[Relief, ...]:
    """What more of each resource would save, the most useful first.

    Parameters
    ----------
    plan : Plan
        The run as planned.
    factor : float
        How many times as much of each resource, > 1 (latency and launch overhead: divided by it).
    progress : callable, optional
        Called with (what is looked at, share done).

    Returns
    -------
    tuple of Relief
        One for each of :data:`RESOURCES`, by falling gain.

    Raises
    ------
    InputError
        A factor of one or less.
    """
    if not factor > 1.0:
        raise InputError("no relief", key="relief-factor", given=factor, allowed="more than 1")
    question, held = plan.question, plan.search.best.layouts.take(np.arange(1))
    now_step, now = float(plan.search.best.step_time[0]), float(plan.outcome.seconds[0])
    found: list[Relief] = []
    for i, (name, (words, change)) in enumerate(RESOURCES.items()):
        if progress is not None:
            progress(f"Searching again with {factor:g} × {words}", i / len(RESOURCES))
        cluster, stack = change(plan.cluster, question.stack, factor)
        share, step_held, best, fits = plan.share, now_step, plan.search.best, plan.search.fit
        if name == "mtbf":
            share, _ = run_share(question, cluster.count, failures=1.0 / factor)
        else:
            step_held = float(evaluate(plan.run, held, cluster, stack).step_time[0])
            again = search(plan.run, cluster, stack, question.fixed, top=1, widen=question.widen)
            best, fits = again.best, again.fit
        step = float(best.step_time[0])
        seconds_held, seconds = (plan.run.steps * one / share for one in (step_held, step))
        found.append(
            Relief(
                resource=name,
                words=words,
                factor=1.0 / factor if name in LESS else factor,
                step_held=step_held,
                step=step,
                seconds_held=seconds_held,
                seconds=seconds,
                gain_held=1.0 - seconds_held / now,
                gain=1.0 - seconds / now,
                moved=not _alike(best, plan.search.best),
                fits=fits,
                best=best.take(np.arange(1)),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.gain))


def _alike(one: StepTable, other: StepTable) -> bool:
    mine, theirs = (table.layouts.to_frame().iloc[0] for table in (one, other))
    return bool((mine == theirs).all())

"""What would relieve a training run: one resource made better at a time, each followed by a new search.

With the layout held, a better resource shows what it saves directly; with a new search, what it saves
once the layout has moved to use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gigawatt.chain.machine.resources import LESS, resources
from gigawatt.chain.training.lasting import duration_of
from gigawatt.chain.training.plan import Plan
from gigawatt.core.errors import InputError
from gigawatt.performance import StepTable, capped, capped_search, evaluate

__all__ = ["Relief", "relieve"]


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
        One for each of :func:`~gigawatt.chain.machine.resources.resources`, by falling gain.

    Raises
    ------
    InputError
        A factor of one or less.
    """
    if not factor > 1.0:
        raise InputError("not a relief", key="relief-factor", given=factor, allowed="more than 1")
    question, held = plan.question, plan.search.best.layouts.take(np.arange(1))
    now_step, now = float(plan.search.best.step_time[0]), float(plan.outcome.seconds[0])
    found: list[Relief] = []
    offered = resources(question.cap)
    for i, (name, (words, change)) in enumerate(offered.items()):
        if progress is not None:
            progress(f"Searching again with {factor:g} × {words}", i / len(offered))
        cluster, stack = change(plan.cluster, question.stack, factor)
        share, step_held, best, fits = plan.share, now_step, plan.search.best, plan.search.fit
        if name == "mtbf":
            share = (
                replace(question, recovery=plan.goodput.recovery)
                .goodput(cluster.count, failures=1.0 / factor)
                .share
            )
        else:
            cap = question.cap
            if cap is not None and name == "power_cap":
                cap *= factor
            step_held = float(capped(evaluate(plan.run, held, cluster, stack), cluster, cap).step_time[0])
            again = capped_search(
                plan.run, cluster, stack, question.fixed, top=1, widen=question.widen, cap=cap
            )
            best, fits = again.best, again.fit
        step = float(best.step_time[0])
        seconds_held, seconds = (
            duration_of(plan.run, question.overhead, one, share) for one in (step_held, step)
        )
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

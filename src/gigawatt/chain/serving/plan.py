"""The plan of a service: every replica and load in closed form, the best few simulated by events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.machine.accelerator_price import Power, power_of
from gigawatt.chain.serving.choice import (
    Configuration,
    apart,
    check_minimised,
    closest,
    ranked,
    together,
)
from gigawatt.chain.serving.front import Front, front_of
from gigawatt.chain.serving.power_cap import cap_notices
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Prices, candidates, prices_of
from gigawatt.chain.serving.screen import Points, decode_points, prefill_points, screen
from gigawatt.chain.serving.trials import CLOSE, Tried, layout_words, try_out
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.evidence import Assumption
from gigawatt.machine import Cluster

__all__ = ["FINALISTS", "MODES", "ServingPlan", "plan_serving"]

Array = NDArray[np.float64]
Progress = Callable[[str, float], None]

FINALISTS = 3
"""Configurations that the event engine simulates."""
MODES = ("aggregated", "disaggregated", "both")
"""Prefill and decode on the same replicas, disaggregated, or the better of both."""

_MANY = 2**20
"""Accelerators of a machine with whole domains."""


@dataclass(frozen=True)
class ServingPlan:
    """The plan: the best configuration first in ``best``; those simulated in ``tried``, best first.

    ``limit`` is the limit on more requests in flight: a limit of the objective, ``memory``,
    ``sequences`` (the engine's places) or ``demand``.
    """

    question: ServingQuestion
    cluster: Cluster
    power: Power
    prices: Prices
    minimise: str
    mode: str
    chips: int | None
    best: tuple[Configuration, ...]
    tried: tuple[Tried, ...]
    limit: str
    front: Front
    looked_at: int
    fit: int
    points: int
    kept: int
    cpu_seconds: float
    trial_cpu_seconds: float
    assumptions: tuple[Assumption, ...]
    notices: tuple[str, ...]

    @property
    def first(self) -> Configuration:
        """The best configuration."""
        return self.best[0]

    @property
    def ranked(self) -> tuple[Configuration, ...]:
        """The best and the others that were simulated, best first."""
        return (self.first, *(one.configuration for one in self.tried[1:]))

    def led_by(self, chosen: Configuration) -> ServingPlan:
        """The plan with the configuration of the layout of ``chosen`` first."""
        if self.first.same_layout(chosen):
            return self
        ahead = [one for one in self.best if one.same_layout(chosen)]
        tried = [one for one in self.tried if one.configuration.same_layout(chosen)]
        return replace(
            self,
            best=(*ahead, *(one for one in self.best if not one.same_layout(chosen))),
            tried=(*tried, *(one for one in self.tried if not one.configuration.same_layout(chosen))),
        )


def plan_serving(
    question: ServingQuestion,
    *,
    chips: int | None = None,
    mode: str = "aggregated",
    minimise: str = "cost",
    finalists: int = FINALISTS,
    requests: int = 4000,
    seed: int = 0,
    progress: Progress | None = None,
) -> ServingPlan:
    """The best way to serve a model.

    Parameters
    ----------
    question : ServingQuestion
        What is served, for whom; with a demand, the answer is what serves it.
    chips : int, optional
        Accelerators that there are. Without them and without a demand, one replica is looked for.
    mode : str
        One of :data:`MODES`.
    minimise : str
        ``cost``, ``energy`` or ``chips``, of a request.
    finalists : int
        Configurations that the event engine tries; 0: the closed form alone.
    requests : int
        Of each of its runs at least; more where more are in flight.
    seed : int
        Of their arrivals and lengths.
    progress : callable, optional
        Called with (what is done, share done).

    Raises
    ------
    InfeasibleError
        Nothing fits, or nothing keeps the objective: names the closest and by how much.
    InputError
        A mode, a goal or a count that is none.
    """
    _check(mode, minimise, chips, finalists, requests)
    _check_pools(question, mode)
    say = progress or (lambda text, share: None)
    cluster, told = question.cluster(_MANY if chips is None else chips)
    prices, _, money = prices_of(question, cluster)
    started = time.process_time()
    degrees, (looked, fit) = candidates(question, cluster, chips)
    one, count = screen(question, cluster, degrees, lambda done, all_: say("Replicas", 0.4 * done / all_))
    if mode != "disaggregated" and _short_of_memory(question, one, prices, minimise, chips):
        wider = replace(question, largest=2 * round(float(np.max(degrees.chips))))
        degrees, (looked, fit) = candidates(wider, cluster, chips)
        one, more = screen(question, cluster, degrees)
        count += more
    found: list[Configuration] = []
    pools: tuple[Points, Points] | None = None
    if mode != "disaggregated":
        found += together(question, one, prices, minimise, chips)
    if mode != "aggregated":
        (before, first), (after, last) = (
            prefill_points(question, cluster, candidates(question.of_prefill, cluster, chips)[0]),
            decode_points(question, cluster, degrees),
        )
        pools, count = (before, after), count + first + last
        found += apart(question, cluster, pools, prices, minimise, chips)
    relaxed = question.traffic.relaxed
    if not found and finalists and relaxed is not None:  # who is urgent waits less than all alike: events say
        looser = replace(question, objective=relaxed)
        if mode != "disaggregated":
            found += together(looser, one, prices, minimise, chips)
        if pools is not None:
            found += apart(looser, cluster, pools, prices, minimise, chips)
    say("The front", 0.42)
    front = front_of(question, one if mode != "disaggregated" else None, pools, prices)
    spent = time.process_time() - started
    if not found:
        raise _nothing(question, one, pools, prices, chips, mode)
    best = ranked(found, prices, minimise, max(finalists, 10))
    started = time.process_time()
    tried, notices = try_out(question, cluster, best[:finalists], prices, minimise, requests, seed, say)
    if tried:
        first_ones = [one.configuration for one in tried]
        lost = {id(c) for c in best[:finalists]}
        best = (*first_ones, *(c for c in best if id(c) not in lost))
        question = replace(question, reused=tried[0].run.summary.cached)
        if question.reused:
            known = _with_reuse(question, cluster, best[0])
            best, tried = (known, *best[1:]), (replace(tried[0], configuration=known), *tried[1:])
    last = best[0].pools[-1].points
    capped = cap_notices(question, cluster, last.degrees, float(last.held[0]))
    return ServingPlan(
        question=question,
        cluster=cluster,
        power=power_of(question, best[0].chips),
        prices=prices,
        minimise=minimise,
        mode=mode,
        chips=chips,
        best=best,
        tried=tried,
        limit=_limit(question, best[0], tried[0] if tried else None, one, pools),
        front=front,
        looked_at=looked,
        fit=fit,
        points=count,
        kept=int(np.sum(one.excess(question.objective) <= 1.0)),
        cpu_seconds=spent,
        trial_cpu_seconds=time.process_time() - started,
        assumptions=(*question.assumptions, *told, *money, *_routed(question)),
        notices=(*question.notices, *notices, *capped, *_published(question, best[0])),
    )  # fmt: skip


def _published(question: ServingQuestion, best: Configuration) -> tuple[str, ...]:
    """What operators run on two pools under this load, if that is published."""
    if best.mode != "disaggregated":
        return ()
    pool = best.pools[-1]
    held = pool.replicas * float(pool.points.held[0]) * pool.rate / float(pool.points.rate[0])
    found = question.deployment(max(held, 1.0))
    if found is None:
        return ()
    drafts = f", {found.guesses:g} draft tokens" if found.guesses else ""
    return (
        f"published for {found.held:,.0f} requests in flight, where this plan has {held:,.0f}: "
        f"{found.prefill.counted} for prefill and {found.decode.counted} for decode{drafts} ({found.id}); "
        "simulate-serving --prefill published runs it",
    )


def _routed(question: ServingQuestion) -> tuple[Assumption, ...]:
    """How requests find a replica, where nobody says it and prompts begin as earlier ones did."""
    if question.routing or not question.traffic.reusable:
        return ()
    assumed = AssumptionList()
    assumed.default("serving.routing", question.traffic.routing())
    return tuple(assumed.assumptions)


def _with_reuse(question: ServingQuestion, cluster: Cluster, one: Configuration) -> Configuration:
    """A configuration with what its time goes to where prompts are computed in part.

    Rates, waits and energy of a configuration that was simulated are those of its run.
    """
    pool = one.pools[0]
    if one.mode != "aggregated":
        return one
    points = screen(question, cluster, pool.points.degrees)[0]
    same = points.take([int(np.argmin(np.abs(points.peak - pool.points.peak[0])))])
    found = replace(pool.points, parts=same.parts, prompt_share=same.prompt_share)
    return replace(one, pools=(replace(pool, points=found), *one.pools[1:]))


def _short_of_memory(
    question: ServingQuestion, one: Points, prices: Prices, minimise: str, chips: int | None
) -> bool:
    """Whether the best replica would hold more requests within the objective if memory had room: twice the
    accelerators are then looked at, where nothing else says how many."""
    if question.fixed or question.largest is not None:
        return False
    found = ranked(together(question, one, prices, minimise, chips), prices, minimise, 1)
    return bool(found) and _limit(question, found[0], None, one, None) == "memory"


def _check(mode: str, minimise: str, chips: int | None, finalists: int, requests: int) -> None:
    check_word("mode", mode, MODES, "no such mode")
    check_minimised(minimise)
    for key, value, least in (("chips", chips, 1), ("finalists", finalists, 0), ("requests", requests, 10)):
        if value is not None and value < least:
            raise InputError("too few", key=key, given=value, allowed=f"{least} or more")


def _check_pools(question: ServingQuestion, mode: str) -> None:
    """Raise where what is said of a prefill pool has none, or is no part of every mode that is compared."""
    if question.prefill and mode == "aggregated":
        raise InputError("degrees of prefill replicas without such a pool", key="prefill", given=mode,
                         allowed="mode: disaggregated")  # fmt: skip
    if question.cached_prompt and mode != "disaggregated":
        raise InputError("prompts are cached where prefill is disaggregated", key="cached_prompt",
                         given=f"{question.cached_prompt:.3g}", allowed="mode: disaggregated")  # fmt: skip


def _nothing(
    question: ServingQuestion,
    one: Points,
    pools: tuple[Points, Points] | None,
    prices: Prices,
    chips: int | None,
    mode: str,
) -> InfeasibleError:
    """The error: on one pool, or on the pool of two that stands in the way."""
    points = one
    if mode == "disaggregated" and pools is not None:
        ends = [float(np.min(points.excess(question.objective))) for points in pools]
        points = pools[int(np.argmax(ends))]
        if max(ends) <= 1.0:
            return InfeasibleError(
                "these accelerators are too few for a prefill and a decode pool within the SLO",
                key="chips", given=chips, allowed="more accelerators, or --mode aggregated",
            )  # fmt: skip
    return closest(question, points, chips, prices, lambda row: layout_words(points.degrees.row(row)))


def _limit(
    question: ServingQuestion,
    best: Configuration,
    tried: Tried | None,
    one: Points,
    pools: tuple[Points, Points] | None,
) -> str:
    """The limit on more requests on the decode replicas."""
    if tried is not None and tried.run.summary.goodput is not None:
        if question.demand is not None and tried.most > question.demand * CLOSE:
            return "demand"
        shares = tried.run.summary.goodput.by_limit
        worst = min(shares, key=lambda key: shares[key])
        if shares[worst] < 1.0:
            return worst
    points = best.pools[-1].points
    every = one if best.mode == "aggregated" or pools is None else pools[1]
    same = np.ones(len(every), dtype=bool)
    for name in ("tensor", "pipeline", "data", "expert"):
        same &= getattr(every.degrees, name) == getattr(points.degrees, name)[0]
    larger = np.flatnonzero(same & (every.peak > points.peak[0]))
    if not len(larger):
        groups = float(points.degrees.data[0])
        places = question.settings(groups, float(points.degrees.tensor[0])).max_sequences * groups
        return "memory" if float(points.most[0]) < places else "sequences"
    step = every.take(larger[[int(np.argmin(every.peak[larger]))]])
    over = {
        key: float(getattr(step, f"slow_{key}")[0]) / limit
        for key, limit in question.objective.limits.items()
    }
    worst = max(over, key=lambda key: over[key])
    return worst if over[worst] > 1.0 else "demand" if question.demand is not None else "cost"

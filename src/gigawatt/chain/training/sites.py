"""A training run spread over several data centres: which way of keeping in step works how far apart.

Every site holds an equal part of the accelerators and of the batch, with a layout of its own, the best for
that part; sites exchange gradients every step, or updates every n steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import entity, table
from gigawatt.chain.training.lasting import duration_of
from gigawatt.chain.training.plan import Plan
from gigawatt.core.checks import check_range
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import compact, several
from gigawatt.performance import Search, TrainingRun, capped_search
from gigawatt.performance.sites.wan import AcrossSites, Wan, across_sites, delay, load_wan, working_region

__all__ = ["ALLOWED", "Sites", "WaySites", "across", "method_names", "reach"]

Array = NDArray[np.float64]

_DAY = 86400.0
ALLOWED = 0.05
"""Slowdown of the listed bandwidth."""
_FARTHEST = 2.1e7
"""Largest distance [m]: half around the Earth, rounded up."""
_DISTANCES = np.array([0.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 2e4]) * 1e3
"""Distances [m] of the table of what still works, from next door to the other side of the Earth."""


@dataclass(frozen=True)
class WaySites:
    """One way of keeping sites in step.

    ``days`` of the run with goodput, extra tokens and waiting, ``days_low`` and ``days_high`` by the band of
    the tokens; ``bandwidth`` [B/s] of a site's lines that is needed for :data:`ALLOWED` (inf: none is
    enough); ``found`` has the rest.
    """

    method: str
    inner_steps: float
    found: AcrossSites
    days: float
    days_low: float
    days_high: float
    bandwidth: float


@dataclass(frozen=True)
class Sites:
    """A run over ``count`` sites ``distance`` [m] apart with lines of ``bandwidth`` [B/s] each.

    ``step_time`` [s] is that of a site with its part of the batch, ``delay`` [s] one way; ``needed`` are
    bandwidths [B/s] for :data:`ALLOWED` by method, at every one of ``distances`` [m].
    """

    count: int
    distance: float
    bandwidth: float
    delay: float
    wan: Wan
    search: Search
    step_time: float
    ways: tuple[WaySites, ...]
    distances: Array
    needed: Mapping[str, Array]
    notices: tuple[str, ...]
    assumptions: tuple[Assumption, ...]


def method_names(written: str | None) -> tuple[str, ...]:
    """Methods by name: one, several with commas between, or ``all`` (also where nothing is given)."""
    known = tuple(table("wan_methods"))
    names = [name.strip() for name in (written or "all").split(",") if name.strip()]
    if names == ["all"] or not names:
        return known
    for name in names:
        if name not in known:
            raise InputError(
                "unknown synchronisation method",
                key="method",
                given=name,
                allowed=["all", *known],
                nearest=nearest(name, known),
            )
    return tuple(dict.fromkeys(names))


def across(plan: Plan, *, sites: int, distance: float, bandwidth: float, methods: Sequence[str]) -> Sites:
    """The planned run on the same accelerators, spread evenly over sites.

    Parameters
    ----------
    plan : Plan
        On one site.
    sites : int
        ≥ 2; must divide the accelerators and the batch.
    distance : float [m]
        Straight line between sites, > 0.
    bandwidth : float [B/s]
        Of the lines of one site together, each way, > 0.
    methods : sequence of str
        Rows of the catalog's ``wan_methods``.

    Raises
    ------
    InputError
        Sites that do not divide.
    InfeasibleError
        A site cannot hold the model.
    """
    run = plan.run
    found = _of_one_site(plan, sites, distance)
    step = float(found.best.step_time[0])
    link = load_wan()
    given: dict[str, Any] = {
        "step_time": step,
        "parameters": float(run.architecture.parameters.total),
        "tokens": run.tokens,
        "sites": float(sites),
    }
    needed = working_region(**given, distance=distance, allowed=ALLOWED, methods=methods, wan=link)
    region = working_region(**given, distance=_DISTANCES, allowed=ALLOWED, methods=methods, wan=link)
    ways: list[WaySites] = []
    days = duration_of(run, plan.question.overhead, step, plan.share) / _DAY
    inner = table("wan_methods")
    for name in methods:
        one = across_sites(**given, distance=distance, bandwidth=bandwidth, method=name, wan=link)
        ways.append(
            WaySites(
                method=name,
                inner_steps=inner[name].value("inner_steps"),
                found=one,
                days=days * float(one.time),
                days_low=days * float(one.time_low),
                days_high=days * float(one.time_high),
                bandwidth=float(needed[name]),
            )
        )
    return Sites(
        count=sites,
        distance=distance,
        bandwidth=bandwidth,
        delay=float(delay(distance=distance, wan=link)),
        wan=link,
        search=found,
        step_time=step,
        ways=tuple(ways),
        distances=_DISTANCES,
        needed=region,
        notices=_notices(run, ways),
        assumptions=_assumed(methods),
    )


def _of_one_site(plan: Plan, sites: int, distance: float) -> Search:
    """The best layout of a site's part of the accelerators on its part of the batch."""
    question, run, whole = plan.question, plan.run, plan.cluster.count
    check_range("sites", sites, 2, message="too few sites")
    if distance > _FARTHEST:
        most = f"at most {_FARTHEST / 1e3:,.0f} km, to the other side of the Earth"
        raise InputError("too far", key="distance", given=f"{distance / 1e3:.4g} km", allowed=most)
    for what, number in (("accelerators", whole), ("sequences of the batch", run.global_batch)):
        if number % sites:
            raise InputError(
                f"sites that do not divide the {what}", key="sites", given=sites, allowed=_divisors(number)
            )
    each = whole // sites
    cluster, _ = question.cluster(each)
    part = replace(run, tokens=run.tokens / sites, global_batch=run.global_batch // sites)
    try:
        return capped_search(
            part, cluster, question.stack, question.fixed, top=1, widen=question.widen, cap=question.cap
        )
    except GigawattError as error:
        error.message = f"one site with {several(each, 'accelerator')}: {error.message}"
        raise


def _notices(run: TrainingRun, ways: Sequence[WaySites]) -> tuple[str, ...]:
    """What the lines leave out, and where the token cost is extrapolated."""
    notices = ["failures of the lines between sites are left out; a stopped site stops the others"]
    if any(bool(way.found.outside) for way in ways):
        domain = entity("diloco_law", "domain")
        size, many = (domain.evidence(name).high or 0.0 for name in ("parameters", "replicas"))
        notices.append(
            f"the token cost of rare exchange was published for models of up to {compact(size, '')} "
            f"parameters on {many:.0f} sites: for this run it is extrapolated"
        )
    if run.architecture.routed:
        notices.append("the token cost of rare exchange was published for dense models only")
    return tuple(notices)


def _assumed(methods: Sequence[str]) -> tuple[Assumption, ...]:
    """Assumptions of the lines between sites and of the methods."""
    used = [("wan", entity("wan", "fibre")), *((name, table("wan_methods")[name]) for name in methods)]
    return tuple(
        row.assumption(f"{name}.{row.quantity}", row.note or row.locator)
        for name, one in used
        for row in one.rows()
    )


def _divisors(number: int) -> str:
    small = [d for d in range(2, min(number, 64) + 1) if number % d == 0]
    return f"a divisor of {number:,}, such as {', '.join(map(str, small[:6]))}" if small else "none divides"


def reach(needed: Array, distances: Array, bandwidth: float) -> float:
    """The farthest of ``distances`` [m] at which no more than ``bandwidth`` is needed; nan where none is."""
    near = distances[needed <= bandwidth]
    return float(near.max()) if len(near) else math.nan

"""Goodput of a run on its cluster, lost time by cause, days with a band.

One place for the chain and for plans, so that both say the same of the same run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import several
from gigawatt.performance.reliability.failures import (
    Uncertain,
    hot_spares,
    recovery_row,
    recovery_time,
    shrink_loss,
)
from gigawatt.performance.reliability.goodput import goodput_covered
from gigawatt.performance.reliability.runs import RunBand, reliability_of

__all__ = [
    "CLUSTER",
    "DRAWS",
    "Goodput",
    "cluster_of",
    "days_band",
    "given_goodput",
    "goodput_beside",
    "goodput_of",
    "methods_of",
    "reliability_rows",
    "run_band",
    "share_band",
    "share_with",
    "words_of",
]

CLUSTER = "large-cluster"
"""The default cluster of failure rates: the row of the catalog for an unmeasured cluster."""
QUANTITIES = ("failure_rate", "checkpoint_time", "straggler", "planned_rate", "evaluation")
"""Numbers of a cluster of the catalog's ``reliability``; what one lacks is that of ``large-cluster``."""
DRAWS = 2000
"""Runs drawn for a band."""
_METHOD = ("coverage", "detection", "base", "each", "lost", "copies", "checkpoint_time", "group")
"""Numbers of a method of ``recovery``; those in ``_SHARED`` are a restart's where it has none of its own."""
_SHARED = ("detection", "group")
_GROUPS = 2.0
"""Groups that elastic data parallelism has at least."""
_WHOLE = "restart"
"""The method that mends what another does not cover."""
_MOST = 1e15
"""Where more failures are expected than that, chance no longer counts."""
_BESIDE = ("interval", "failures_per_day")
_DAY = 86400.0


@dataclass(frozen=True)
class Goodput:
    """Share of time that makes progress, where the rest goes, and the rows it was computed from.

    ``parts`` are shares of time on the clock that sum to 1: progress, checkpoint, rework, restart,
    straggler, planned, evaluation. ``interval`` [s] lies between checkpoints, inf where none pays.
    ``recovery`` is a method of the catalog's ``recovery``; ``notices`` say what was chosen. ``failures``
    multiplied the rate; ``spares`` are nodes of ``node`` accelerators (``None``: always enough).
    """

    share: float
    parts: Mapping[str, float]
    interval: float
    failures_per_day: float
    cluster: str
    accelerators: float
    evidence: tuple[Evidence, ...]
    assumptions: tuple[Assumption, ...]
    recovery: str = ""
    notices: tuple[str, ...] = ()
    failures: float = 1.0
    spares: int | None = None
    node: int = 1


def reliability_rows(cluster: str) -> tuple[Evidence, ...]:
    """The rows of the catalog behind the failures of a cluster.

    Raises
    ------
    InputError
        A row of ``reliability`` that is no cluster.
    """
    row = catalog.entity("reliability", cluster)
    if "failure_rate" not in row.numbers:
        clusters = [one.id for one in catalog.table("reliability").values() if "failure_rate" in one.numbers]
        raise InputError("not a cluster", key="reliability", given=cluster, allowed=clusters)
    plain = catalog.entity("reliability", CLUSTER)
    return tuple((row if name in row.numbers else plain).evidence(name) for name in QUANTITIES)


def share_with(goodput: Goodput, accelerators: float, failures: float) -> float:
    """Share of time that makes progress at ``failures`` times the rate of failures, recovery the same."""
    return goodput_of(goodput.cluster, accelerators, failures=failures, recovery=goodput.recovery).share


def goodput_beside(
    cluster: str, accelerators: float, spare: int, *, node: int, failures: float = 1.0, **others: Any
) -> Goodput:
    """:func:`goodput_of` beside ``spare`` accelerators, where they are enough whole nodes.

    Where they are too few, or none, the nodes that lack are taken for granted, as without a number.
    """
    usual = goodput_of(cluster, accelerators, node=node, failures=failures, **others)
    if spare < node:
        return usual
    beside = goodput_of(cluster, accelerators, node=node, failures=failures, spares=spare // node, **others)
    return usual if beside.share < usual.share else beside


def goodput_of(
    cluster: str,
    accelerators: float,
    *,
    failures: float = 1.0,
    recovery: str | None = None,
    year: int | None = None,
    spares: int | None = None,
    node: int | None = None,
) -> Goodput:
    """Goodput of a run on ``accelerators`` that fail like those of ``cluster``.

    Parameters
    ----------
    cluster : str
        A row of the catalog's ``reliability``.
    accelerators : float
        Of the run, spares not counted.
    failures : float
        Multiplies the rate of failures.
    recovery : str, optional
        A method of the catalog's ``recovery``. Left out: the one that leaves the most, of those known in
        ``year``.
    year : int, optional
        Of the run; all methods are known without one.
    spares : int, optional
        Spare nodes of ``node`` accelerators beside the run; left out: as many as are needed at any moment.
    node : int, optional
        Accelerators that leave with one that fails; the catalog's if left out.

    Raises
    ------
    InputError
        No such cluster or method, fewer than 0 spares.
    """
    expected = reliability_of(cluster, accelerators=float(accelerators)).values()
    expected["failure_rate"] *= failures
    size = node or int(catalog.entity("reliability", "node").value("chips"))
    if spares is not None and spares < 0:
        raise InputError("out of range", key="spares", given=spares, allowed="0 or more")

    def of(method: str) -> tuple[float, Mapping[str, Any]]:
        keywords = expected | _covered(method, accelerators, expected["failure_rate"], spares, size)
        share, parts = goodput_covered(count=accelerators, **keywords)
        return float(share), parts

    known = [recovery] if recovery else methods_of(year, accelerators)
    found = {name: of(name) for name in known}
    chosen = max(found, key=lambda name: found[name][0])
    share, parts = found[chosen]
    rate = float(expected["failure_rate"])
    evidence = (*reliability_rows(cluster), *_recovery_rows(chosen))
    enough, told = _spares(accelerators, rate, spares, size)
    return Goodput(
        share=share,
        parts={name: float(value) for name, value in parts.items() if name not in _BESIDE},
        interval=float(parts["interval"]),
        failures_per_day=float(parts["failures_per_day"]),
        cluster=cluster,
        accelerators=float(accelerators),
        evidence=evidence,
        assumptions=(*(_assumption(row, chosen) for row in evidence), enough),
        recovery=chosen,
        notices=(
            *_chosen_words(chosen, {name: one[0] for name, one in found.items()}),
            *told,
            *_beyond(chosen, float(accelerators), rate),
        ),
        failures=failures,
        spares=spares,
        node=size,
    )


def methods_of(year: int | None = None, accelerators: float = math.inf) -> list[str]:
    """Methods of the catalog's ``recovery`` that are known in ``year``, the first one always.

    Those of which a group leaves need two groups or more.
    """
    rows = catalog.table("recovery")
    known = [
        name
        for name, row in rows.items()
        if (year is None or row.value("since") <= year)
        and (not _leaves(row) or accelerators >= _GROUPS * row.value("group"))
    ]
    return known or list(rows)[:1]


def cluster_of(chip: str) -> str:
    """The row of ``reliability`` of a chip's generation; :data:`CLUSTER` where none is published."""
    rows = catalog.table("reliability").values()
    known = [row.id for row in rows if "failure_rate" in row.numbers and chip.lower().startswith(row.id)]
    return max(known, key=len, default=CLUSTER)


def _leaves(row: Entity) -> bool:
    """Whether a group leaves while the others go on."""
    return "group" in row.numbers and "coverage" in row.numbers


def words_of(method: str) -> str:
    """What a method of recovery is, in words."""
    return catalog.entity("recovery", method).evidence("since").note


def _recovery_rows(method: str) -> tuple[Evidence, ...]:
    own = catalog.entity("recovery", method).numbers
    rows = [recovery_row(method, name) for name in _METHOD if name in own or name in _SHARED]
    if "coverage" in own:  # what is not covered restarts the whole run
        rows += [catalog.entity("recovery", _WHOLE).evidence(name) for name in ("base", "each")]
    return tuple(rows)


def _assumption(row: Evidence, method: str) -> Assumption:
    written = row.shown
    whole = row.entity == _WHOLE and row.quantity in ("base", "each") and method != _WHOLE
    key = f"training.restart.{row.quantity}" if whole else f"training.{row.quantity}"
    return row.assumption(key, row.note or row.locator, written)


def _covered(
    method: str,
    accelerators: float,
    rate: Any,
    spares: int | None,
    node: int,
    rng: np.random.Generator | None = None,
) -> dict[str, Any]:
    """Keywords of :func:`goodput_covered` that a method gives: middle values, or draws of their ranges."""
    row = catalog.entity("recovery", method)
    own = row.numbers

    def drawn(part: Uncertain) -> Any:
        return part.value if rng is None else part.draw(rng.standard_normal(DRAWS))

    def of(name: str) -> Any:
        return drawn(Uncertain.of(recovery_row(method, name))) if name in own else 0.0

    group = min(recovery_row(method, "group").value, accelerators / (_GROUPS if _leaves(row) else 1.0))
    found: dict[str, Any] = {
        "coverage": np.minimum(of("coverage"), 1.0),
        "copies": of("copies"),
        "pause": drawn(recovery_time(accelerators=accelerators, method=method)),
    }
    if "checkpoint_time" in own:
        found["checkpoint_time"] = of("checkpoint_time")
    if _leaves(row):
        found |= {"group": group, "group_restart_time": drawn(recovery_time(accelerators=group))}
    if spares is not None:
        nodes = catalog.entity("reliability", "node")
        found["idle"] = shrink_loss(
            failure_rate=rate * node * drawn(Uncertain.of(nodes.evidence("share"))),
            repair_time=drawn(Uncertain.of(nodes.evidence("repair_time"))),
            replica_nodes=max(group / node, 1.0),
            nodes=accelerators / node,
            spares=spares,
        )
    return found


def _spares(
    accelerators: float, rate: float, spares: int | None, node: int
) -> tuple[Assumption, tuple[str, ...]]:
    """(the spares as an assumption, what is said of them where none are given)."""
    row = catalog.entity("reliability", "node")
    enough = int(
        hot_spares(
            nodes=accelerators / node,
            failure_rate=rate * node * row.value("share"),
            confidence=row.value("enough"),
        )
    )
    sure = f"{100 * row.value('enough'):g} % of the time"
    hours, share = row.value("repair_time") / 3600.0, row.value("share")
    suffice = "suffices" if enough == 1 else "suffice"
    reason = f"{hours:g} h until a node is back; {share:g} of failures take one"
    if spares is not None:
        return Assumption(
            "training.spares", several(spares, "node"), f"{enough} {suffice} {sure}; {reason}", Grade.modelled
        ), ()
    told = f"{several(enough, 'node')} of {several(node, 'accelerator')} {suffice} {sure}"
    words = f"spare nodes are there whenever one fails, beside the run and not paid for: {told}"
    return Assumption("training.spares", f"enough: {told}", reason, Grade.guess), (words,)


def _chosen_words(chosen: str, shares: Mapping[str, float]) -> tuple[str, ...]:
    """Which method was taken, beside what the others leave; nothing of one that was given."""
    if len(shares) < 2:
        return ()
    others = ", ".join(f"{name} {100 * share:.3g} %" for name, share in shares.items() if name != chosen)
    return (
        f"recovery: {chosen} leaves the most goodput, {100 * shares[chosen]:.3g} % ({words_of(chosen)}); "
        f"{others}; training.recovery sets another",
    )


def _beyond(method: str, accelerators: float, rate: float) -> tuple[str, ...]:
    """What is said of a machine larger than any of which recovery is published."""
    reach = catalog.entity("recovery", "restart").value("reach")
    if accelerators <= reach:
        return ()
    pause = recovery_time(accelerators=accelerators, method=method).value
    every = 1.0 / (rate * accelerators) if rate > 0.0 else math.inf
    return (
        f"recovery is published up to {reach:,.0f} accelerators and extrapolated to {accelerators:,.0f}: one "
        f"fails every {every:,.0f} s, {method} takes {pause:,.0f} s",
    )


def _covered_band(found: Goodput, work: float) -> RunBand:
    """Days of a run of ``work`` [s]: uncertain rates and times, failures in number by chance."""
    rng = np.random.default_rng(0)
    drawn = reliability_of(found.cluster, accelerators=found.accelerators).draw(rng, DRAWS)
    rate = drawn["failure_rate"] * found.failures
    exposed = found.accelerators * work
    drawn["failure_rate"] = rng.poisson(np.minimum(rate * exposed, _MOST)) / exposed
    drawn |= _covered(found.recovery, found.accelerators, rate, found.spares, found.node, rng)
    shares, parts = goodput_covered(count=found.accelerators, interval=found.interval, **drawn)
    with np.errstate(over="ignore"):  # a draw whose failures come quicker than recovery never ends
        wall = work / np.maximum(shares, np.finfo(float).tiny)
    kept = shares + parts["straggler"]
    return RunBand(wall, parts["failures_per_day"] * wall / _DAY, kept, work / found.share)


def given_goodput(share: float, accelerators: int) -> Goodput:
    """A given goodput: the share that makes progress, and the rest in one part."""
    parts = {"progress": share, "lost": 1.0 - share}
    return Goodput(share, parts, math.inf, 0.0, "", float(accelerators), (), ())


def run_band(goodput: Goodput, work: float) -> RunBand:
    """Days of a run of ``work`` [s] without any loss, drawn with uncertain rates, chance included.

    A goodput that is given has no rates: its run takes one time.
    """
    if not goodput.cluster:
        wall = np.array([work / goodput.share])
        return RunBand(wall, np.zeros(1), np.array([goodput.share]), work / goodput.share)
    return _covered_band(goodput, work)


def share_band(goodput: Goodput, work: float) -> tuple[float, float]:
    """Goodput with 90 %: (low, high) of the runs that :func:`run_band` draws."""
    low, _, high = run_band(goodput, work).days
    return work / _DAY / high, work / _DAY / low


def days_band(*, step: tuple[float, float], failures: tuple[float, float]) -> tuple[float, float]:
    """Factors on the days of a run (low, high): its step time and its failures, taken as independent.

    ``step`` and ``failures`` are factors on the days by each alone; their logarithms add as squares.
    """
    low, high = step
    quick, slow = min(math.log(failures[0]), 0.0), max(math.log(failures[1]), 0.0)
    return (
        math.exp(-math.hypot(math.log(low), quick)) if low > 0 else 0.0,
        math.exp(math.hypot(math.log(high), slow)) if math.isfinite(high) else high,
    )

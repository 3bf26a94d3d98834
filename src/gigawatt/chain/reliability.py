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
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.performance import goodput
from gigawatt.performance.reliability.failures import Uncertain, restart_time
from gigawatt.performance.reliability.goodput import goodput_elastic
from gigawatt.performance.reliability.runs import RunBand, reliability_of, run_days

__all__ = [
    "CLUSTER",
    "DRAWS",
    "ELASTIC",
    "RESTART",
    "Goodput",
    "days_band",
    "given_goodput",
    "goodput_of",
    "reliability_rows",
    "run_band",
    "share_band",
]

CLUSTER = "large-cluster"
"""The default cluster of failure rates: the row of the catalog for an unmeasured cluster."""
QUANTITIES = ("failure_rate", "checkpoint_time", "straggler", "planned_rate", "evaluation")
"""Numbers of a cluster of the catalog's ``reliability``; what one lacks is that of ``large-cluster``."""
RECOVERY = ("detection", "base", "each")
"""Numbers of the row ``recovery``: a restart takes longer on more accelerators."""
DRAWS = 2000
"""Runs drawn for a band."""
RESTART, ELASTIC = "restart", "elastic"
"""How a run recovers: as a whole from storage, or one replica group while the others go on."""
_GROUPS = ("stall", "group", "coverage", "worth")
_BESIDE = ("interval", "failures_per_day")
_DAY_OF = 1.0 / 86400.0
_DAY = 86400.0


@dataclass(frozen=True)
class Goodput:
    """Share of time that makes progress, where the rest goes, and the rows it was computed from.

    ``parts`` are shares of time on the clock that sum to 1: progress, checkpoint, rework, restart,
    straggler, planned, evaluation. ``interval`` [s] lies between checkpoints, inf where none pays.
    ``recovery`` is :data:`RESTART` or :data:`ELASTIC`; ``notices`` say where it was chosen.
    """

    share: float
    parts: Mapping[str, float]
    interval: float
    failures_per_day: float
    cluster: str
    accelerators: float
    evidence: tuple[Evidence, ...]
    assumptions: tuple[Assumption, ...]
    recovery: str = RESTART
    notices: tuple[str, ...] = ()


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
    plain, recovery = (catalog.entity("reliability", name) for name in ("large-cluster", "recovery"))
    own = tuple((row if name in row.numbers else plain).evidence(name) for name in QUANTITIES)
    return (*own, *(recovery.evidence(name) for name in RECOVERY))


def goodput_of(
    cluster: str, accelerators: float, *, failures: float = 1.0, recovery: str | None = None
) -> Goodput:
    """Goodput of a run on ``accelerators`` that fail like those of ``cluster``.

    Parameters
    ----------
    cluster : str
        A row of the catalog's ``reliability``.
    accelerators : float
        Of the run.
    failures : float
        Multiplies the rate of failures.
    recovery : str, optional
        ``restart`` of the whole run from storage, or ``elastic`` data parallelism, of which one replica group
        restarts. Left out: restarts, or elastic where these leave less than the row ``elastic.worth`` and it
        leaves more.
    """
    evidence = reliability_rows(cluster)
    expects = reliability_of(cluster, accelerators=float(accelerators)).values()
    expects["failure_rate"] *= failures
    share, parts = goodput(count=accelerators, **expects)
    notices: tuple[str, ...] = ()
    row = catalog.entity("reliability", ELASTIC)
    if recovery == ELASTIC or (recovery is None and float(share) < row.value("worth")):
        expects.pop("lag")
        other, others = goodput_elastic(count=accelerators, **expects, **_elastic(None, 1))
        if recovery == ELASTIC or float(other) > float(share):
            evidence = (*evidence, *(row.evidence(name) for name in _GROUPS))
            if recovery is None:
                notices = (
                    f"restarts of the whole run would leave {100 * float(share):.3g} % goodput: elastic data "
                    "parallelism is assumed, of which one replica group restarts (training.recovery)",
                )
            recovery, share, parts = ELASTIC, other, others
    told = tuple(
        Assumption(
            f"training.{row.quantity}",
            f"{row.written} {row.unit if row.unit != '1' else ''}".strip(),
            row.note or row.locator,
            row.grade,
            row.source_id,
        )
        for row in evidence
    )
    return Goodput(
        share=float(share),
        parts={name: float(value) for name, value in parts.items() if name not in _BESIDE},
        interval=float(parts["interval"]),
        failures_per_day=float(parts["failures_per_day"]),
        cluster=cluster,
        accelerators=float(accelerators),
        evidence=evidence,
        assumptions=told,
        recovery=recovery or RESTART,
        notices=notices,
    )


def _elastic(rng: np.random.Generator | None, draws: int) -> dict[str, Any]:
    """Keywords of :func:`goodput_elastic` that its own rows give: middle values, or draws of their ranges."""
    row = catalog.entity("reliability", ELASTIC)

    def of(name: str) -> Any:
        evidence = row.evidence(name)
        return evidence.value if rng is None else Uncertain.of(evidence).draw(rng.standard_normal(draws))

    group = row.value("group")
    return {
        "stall": of("stall"),
        "coverage": np.minimum(of("coverage"), 1.0),
        "group": group,
        "group_restart_time": restart_time(accelerators=group).value,
    }


def _elastic_band(found: Goodput, work: float) -> RunBand:
    """Days of an elastic run of ``work`` [s], with uncertain rates and times; chance evens out."""
    rng = np.random.default_rng(0)
    drawn = reliability_of(found.cluster, accelerators=found.accelerators).draw(rng, DRAWS)
    drawn.pop("lag")
    drawn["straggler"] = drawn["straggler"] / (1.0 + drawn["straggler"])  # drawn as odds
    drawn["evaluation"] = drawn["evaluation"] / (1.0 + drawn["evaluation"])
    shares, parts = goodput_elastic(count=found.accelerators, **drawn, **_elastic(rng, DRAWS))
    wall = work / np.maximum(shares, np.finfo(float).tiny)
    failures = parts["failures_per_day"] * wall * _DAY_OF
    return RunBand(wall, failures, shares, work / found.share)


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
    if goodput.recovery == ELASTIC:
        return _elastic_band(goodput, work)
    reliability = reliability_of(goodput.cluster, accelerators=goodput.accelerators)
    return run_days(work=work, accelerators=goodput.accelerators, reliability=reliability, draws=DRAWS)


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

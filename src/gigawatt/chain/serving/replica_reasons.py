"""The reasons of the replica choice: the next best, and any replica by itself.

A replica is planned by the serving chain itself with its degrees held, so that what it costs, and why it is
refused, is what the planning says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gigawatt.chain.asking import Asker
from gigawatt.chain.serving.choice import Configuration
from gigawatt.chain.serving.plan import ServingPlan
from gigawatt.chain.serving.question import DEGREES
from gigawatt.chain.serving.relief import time_shares
from gigawatt.chain.serving.replica import held_bytes, replica
from gigawatt.chain.serving.trials import layout_words
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["ReplicaReasons", "ReplicaVerdict", "replica_reasons", "replica_verdict"]


@dataclass(frozen=True)
class _Loss:
    share: float
    part: str
    dollars: float


def _cost(plan: ServingPlan, one: Configuration) -> float:
    return float(one.score(plan.prices, "cost")[0])


def _words(one: Configuration) -> str:
    return " + ".join(layout_words(pool.points.degrees.row(0)) for pool in one.pools)


def _loss(plan: ServingPlan, one: Configuration, best_plan: ServingPlan) -> _Loss:
    """The extra cost of a request over the best, and the part of the time that causes most of it."""
    cost, least = _cost(plan, one), _cost(best_plan, best_plan.first)
    mine, other = time_shares(one), time_shares(best_plan.first)
    more = {
        part: mine.get(part, 0.0) * cost - other.get(part, 0.0) * least
        for part in dict.fromkeys((*mine, *other))
    }
    dearer = cost >= least
    part = max(more, key=lambda name: more[name] if dearer else -more[name])
    return _Loss(cost / least - 1.0, part, more[part])


def _configuration(plan: ServingPlan, one: Configuration) -> dict[str, Any]:
    return {
        "layout": _words(one),
        "mode": one.mode,
        "replicas": one.replicas,
        "chips": one.chips,
        "cost": _cost(plan, one),
        **one.waits("slow_"),
    }


@dataclass(frozen=True)
class ReplicaReasons:
    """The replicas searched, and the loss of the next best to the best."""

    plan: ServingPlan

    def to_json(self) -> dict[str, Any]:
        """Stable keys, plain numbers; costs [$] of a request, waits [s] at the target's percentile."""
        plan = self.plan
        tried = {id(one.configuration) for one in plan.tried}
        best: list[dict[str, Any]] = []
        for one in plan.best:
            loss = _loss(plan, one, plan)
            first = one is plan.first
            best.append(
                {
                    **_configuration(plan, one),
                    "tried": "by events" if id(one) in tried else "closed form",
                    "costlier": loss.share,
                    "part": "" if first else loss.part,
                    "dollars": loss.dollars,
                }
            )
        return {
            "looked_at": plan.looked_at,
            "fit": plan.fit,
            "points": plan.points,
            "within_target": plan.kept,
            "best": best,
        }


@dataclass(frozen=True)
class ReplicaVerdict:
    """A replica with some degrees held, planned by itself.

    ``outcome`` is ``does not divide``, ``refused`` (it does not fit, or misses the latency target), both with
    a ``reason``, ``costlier``, ``cheaper`` or ``best``; ``plan`` is its own, ``None`` where it is refused.
    """

    fixed: Mapping[str, int]
    outcome: str
    best: ServingPlan
    reason: str = ""
    plan: ServingPlan | None = None

    @property
    def sentence(self) -> str:
        """The reason against the replica."""
        if self.plan is None:
            divides = self.reason.startswith(self.outcome)
            return self.reason if divides else f"{self.outcome}: {self.reason}"
        if self.outcome == "best":
            return "the best replica of the plan"
        loss = _loss(self.plan, self.plan.first, self.best)
        least = _cost(self.best, self.best.first)
        return (
            f"{self.outcome} by {abs(loss.share):.2%}: ${_cost(self.plan, self.plan.first):.4g} per "
            f"request instead of ${least:.4g}, most of it {loss.part} ({loss.dollars:+.3g} $)"
        )

    def to_json(self) -> dict[str, Any]:
        """Stable keys, plain numbers; bytes on each accelerator of the decode pool."""
        found = self.plan
        return {
            "fixed": dict(self.fixed),
            "outcome": self.outcome,
            "sentence": self.sentence,
            "reason": self.reason,
            "configuration": None if found is None else _configuration(found, found.first),
            "memory": None if found is None else self._memory(found),
            "costlier": None if found is None else _loss(found, found.first, self.best).share,
            "best": _configuration(self.best, self.best.first),
        }

    @staticmethod
    def _memory(plan: ServingPlan) -> dict[str, float]:
        points = plan.first.pools[-1].points
        weights, request = held_bytes(plan.question, replica(plan.question, plan.cluster, points.degrees))
        memory = plan.cluster.chip.memory_bytes
        return {
            "weights": float(weights[0]),
            "cache": float(request[0] * points.peak[0]),
            "usable": memory * plan.question.engine.usable - plan.question.engine.reserve,
            "capacity": memory,
        }


def replica_reasons(loaded: LoadedScenario) -> ReplicaReasons:
    """The plan of a scenario that serves, planned again."""
    return ReplicaReasons(Asker(loaded).at({}).value("serving.plan").value)


def replica_verdict(loaded: LoadedScenario, degrees: Mapping[str, int]) -> ReplicaVerdict:
    """The reason against a replica with these degrees, beside those that the scenario fixes.

    Raises
    ------
    InputError
        No such degree, or one that is not a positive whole number.
    """
    for name, value in degrees.items():
        check_word("layout", name, DEGREES, "no such degree")
        if value < 1:
            raise InputError("not a positive whole number", key=name, given=value)
    asker = Asker(loaded)
    best: ServingPlan = asker.at({}).value("serving.plan").value
    changes = {f"serving.layout.{name}": value for name, value in degrees.items()}
    try:
        plan: ServingPlan = asker.at(changes).value("serving.plan").value
    except InfeasibleError as error:
        return ReplicaVerdict(degrees, "refused", best, _plain(error))
    except InputError as error:
        return ReplicaVerdict(degrees, "does not divide", best, _plain(error))
    same = [pool.points.degrees.row(0) for pool in plan.first.pools] == [
        pool.points.degrees.row(0) for pool in best.first.pools
    ]
    loss = _loss(plan, plan.first, best)
    outcome = "best" if same else "costlier" if loss.share >= 0.0 else "cheaper"
    return ReplicaVerdict(degrees, outcome, best, "", plan)


def _plain(error: InfeasibleError | InputError) -> str:
    """An error without the file and key that it is blamed on."""
    tail = f"; given {error.given}" if error.given is not None else ""
    return f"{error.message}{tail}" + (f"; allowed: {error.allowed}" if error.allowed else "")

"""Why a design found is better: what binds today's chip, what each change gains, what the error leaves.

*Relief*: twice as much of one resource at a time, at no price, on today's chip and on the design found.

*Taken apart*: the logarithm of a ratio to today's chip is shared out over groups of changes as Shapley does:
the mean, over all orders in which the groups can be changed one after another, of what each changes when its
turn comes. Orders that pass through a design that cannot be made are left out; the shares still sum to the
whole.

*Error*: the laws of rate and joules are drawn from the spread of the chips that they were fitted to, for
today's chip and the design alike (one residual for both), and for each by itself.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gigawatt.chain.machine.resources import RESOURCES
from gigawatt.chain.training.plan import plan_training
from gigawatt.chain.training.relief import relieve
from gigawatt.machine import Cluster
from gigawatt.performance.search import non_dominated
from gigawatt.studies.codesign.evolve import evolve
from gigawatt.studies.codesign.model import Model, Outcome, ServingModel, TrainingModel
from gigawatt.studies.codesign.space import GROUPS
from gigawatt.studies.compare.shapley import shapley
from gigawatt.technology.chiplets.node_laws import Laws, fit_laws

__all__ = [
    "Doubt", "Parts", "Relieved", "doubt", "error_of_builder", "groups_changed", "relief_of", "same_use",
    "swapped", "take_apart", "todays_best",
]  # fmt: skip

_HARDWARE = ("silicon", "memory", "links")
_SERVING_RESOURCES = (
    "arithmetic", "memory_bandwidth", "memory_capacity", "scale_up_bandwidth", "scale_up_domain", "latency",
)  # fmt: skip
_DRAWS = 24
_ALL = 512


@dataclass(frozen=True)
class Relieved:
    """What twice as much of a resource saves: share of the run's time, or of a token's accelerators."""

    resource: str
    words: str
    gain: float


@dataclass(frozen=True)
class Parts:
    """A ratio of a metric to today's chip, shared out: ``factors`` by group multiply to ``whole``.

    ``alone`` is the ratio where only this group is changed (``None``: cannot be made); ``orders`` of
    ``of`` were possible.
    """

    metric: str
    whole: float
    factors: Mapping[str, float]
    alone: Mapping[str, float | None]
    orders: int
    of: int


@dataclass(frozen=True)
class Doubt:
    """A ratio to today's chip under drawn laws: 5 % and 95 %, one residual for both chips, and one each.

    ``verdict`` is ``beyond the error``, ``beyond the error both share`` or ``inside the error``.
    """

    metric: str
    ratio: float
    shared: tuple[float, float]
    own: tuple[float, float]
    draws: int
    verdict: str


def groups_changed(model: Model, outcome: Outcome) -> tuple[str, ...]:
    """Groups in which a design differs from today's."""
    own = model.own
    changed = {
        gene.group
        for gene, mine, theirs in zip(model.genes, outcome.genes, own, strict=True)
        if mine != theirs
    }
    return tuple(group for group in GROUPS if group in changed)


def swapped(model: Model, outcome: Outcome, groups: Sequence[str]) -> Outcome:
    """Today's choices with those of the design in some groups."""
    own = model.own
    genes = [
        mine if gene.group in groups else theirs
        for gene, mine, theirs in zip(model.genes, outcome.genes, own, strict=True)
    ]
    return model.outcome(genes)


def take_apart(model: Model, twin: Outcome, outcome: Outcome, metric: str) -> Parts:
    """What each group of changes from today's chip, the ``twin``, to the design does to a metric."""
    groups = groups_changed(model, outcome)

    def value(chosen: frozenset[str]) -> np.ndarray | None:
        made = swapped(model, outcome, tuple(chosen))
        return np.array([math.log(made.metrics[metric])]) if made.metrics else None

    found = shapley(groups, value, most_exact=len(GROUPS))
    shares = {} if found.parts is None else dict(zip(groups, found.parts[:, 0].tolist(), strict=True))
    whole = outcome.metrics[metric] / twin.metrics[metric]
    base = math.log(twin.metrics[metric])
    alone: dict[str, float | None] = {}
    for group in groups:
        one = value(frozenset((group,)))
        alone[group] = None if one is None else math.exp(float(one[0]) - base)
    factors = {k: math.exp(v) for k, v in shares.items()}
    return Parts(metric, whole, factors, alone, found.orders, found.tried)


def relief_of(model: Model, outcome: Outcome) -> tuple[Relieved, ...]:
    """What twice as much of each resource would save a design, at no price, the most useful first."""
    assert outcome.chip is not None
    _, chip, options = model.built(outcome.genes)
    if isinstance(model, TrainingModel):
        question, count = model.asked(outcome.genes, chip, options)
        plan = plan_training(question, count, top=1)
        return tuple(Relieved(one.resource, one.words, one.gain) for one in relieve(plan))
    assert isinstance(model, ServingModel)
    question = model.asked(outcome.genes, chip, options)
    source = model.sources[str(model.values(outcome.genes)["source"])]
    now = outcome.metrics["chips_per_rate"]
    found: list[Relieved] = []
    for name in _SERVING_RESOURCES:
        words, change = RESOURCES[name]
        made = model.serve(outcome.genes, question, source, {}, change=partial(_twice, change))
        gain = 1.0 - made.metrics["chips_per_rate"] / now if made.metrics else 0.0
        found.append(Relieved(name, words, gain))
    return tuple(sorted(found, key=lambda one: -one.gain))


def _twice(change: Any, cluster: Cluster) -> Cluster:
    """A cluster with twice of a resource; one of hardware does not look at the software stack."""
    return change(cluster, None, 2.0)[0]


def same_use(model: Model, outcome: Outcome) -> Outcome:
    """Today's chip in the use of a design: its format, model shape, machine, promise and power source."""
    return swapped(model, outcome, tuple(group for group in GROUPS if group not in _HARDWARE))


def doubt(
    model: Model, pairs: Sequence[tuple[Outcome, Outcome]], *, draws: int = _DRAWS, seed: int = 0
) -> tuple[tuple[Doubt, ...], ...]:
    """How sure the ratios of designs to today's chip are, for each objective.

    Parameters
    ----------
    model : Model
        Of all.
    pairs : sequence of (Outcome, Outcome)
        Today's chip, as :func:`same_use` gives it, and a design.
    draws : int
        Pairs of residuals of both laws.
    seed : int
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    base = fit_laws() if model.laws is None else model.laws
    drawn = [_drawn(base, *rng.standard_normal(2)) for _ in range(draws)]
    under = [model.under(laws) for laws in drawn]
    names = model.objectives
    found: list[tuple[Doubt, ...]] = []
    for twin, outcome in pairs:
        ours = [one.outcome(twin.genes).metrics for one in under]
        theirs = [one.outcome(outcome.genes).metrics for one in under]
        found.append(tuple(_doubt(name, twin, outcome, ours, theirs) for name in names))
    return tuple(found)


def _doubt(
    name: str,
    twin: Outcome,
    outcome: Outcome,
    ours: Sequence[Mapping[str, float]],
    theirs: Sequence[Mapping[str, float]],
) -> Doubt:
    made = [(a, b) for a, b in itertools.product(range(len(ours)), repeat=2) if ours[a] and theirs[b]]
    both = np.array([theirs[b][name] / ours[a][name] for a, b in made if a == b])
    each = np.array([theirs[b][name] / ours[a][name] for a, b in made if a != b])
    ratio = outcome.metrics[name] / twin.metrics[name]

    def ends(values: np.ndarray) -> tuple[float, float]:
        if not len(values):
            return math.nan, math.nan
        low, high = np.quantile(values, (0.05, 0.95))
        return float(low), float(high)

    shared, own = ends(both), ends(each)
    verdict = "inside the error"
    if shared[1] < 1.0 or shared[0] > 1.0:
        verdict = "beyond the error both share"
    if own[1] < 1.0 or own[0] > 1.0:
        verdict = "beyond the error"
    return Doubt(name, ratio, shared, own, len(both), verdict)


def _drawn(laws: Laws, rate: float, energy: float) -> Laws:
    """Laws whose levels are off by so many standard deviations of the chips around them."""
    sizes = math.log1p(laws.rate.spread), math.log1p(laws.energy.spread)
    return replace(
        laws,
        rate=replace(laws.rate, first=laws.rate.first * math.exp(rate * sizes[0])),
        energy=replace(laws.energy, first=laws.energy.first * math.exp(energy * sizes[1])),
    )


def todays_best(model: Model, *, seed: int = 0) -> tuple[Outcome, ...]:
    """The front of today's chip with all but its hardware free: format, shape, machine, source of power."""
    free = [k for k, gene in enumerate(model.genes) if gene.group not in _HARDWARE]
    sizes = [len(model.genes[k].values) for k in free]

    def whole(rows: np.ndarray) -> np.ndarray:
        made = np.tile(np.array(model.own, dtype=np.int64), (len(rows), 1))
        made[:, free] = rows
        return made

    if math.prod(sizes) <= _ALL:
        rows = whole(np.array(list(itertools.product(*map(range, sizes))), dtype=np.int64))
        values, excess = model.evaluate(rows)
    else:
        ordered = [model.genes[k].ordered for k in free]
        start = np.array([[model.own[k] for k in free]], dtype=np.int64)
        found = evolve(
            sizes, ordered, lambda genes: model.evaluate(whole(genes)),
            population=40, generations=12, seed=seed, start=start,
        )  # fmt: skip
        rows, values, excess = whole(found.genes), found.values, found.excess
    kept = np.flatnonzero(excess <= 0.0)
    if not len(kept):
        return ()
    chosen = kept[non_dominated(values[kept])]
    found = [model.outcome(rows[i].tolist()) for i in chosen]
    return tuple(sorted(found, key=lambda one: one.metrics["cost"]))


def error_of_builder(own: Outcome, twin: Outcome) -> dict[str, float]:
    """Metrics of the chip built from its parts over those of the catalog's chip that it stands for."""
    return {
        name: twin.metrics[name] / own.metrics[name]
        for name in own.metrics
        if name in twin.metrics and own.metrics[name] > 0.0
    }

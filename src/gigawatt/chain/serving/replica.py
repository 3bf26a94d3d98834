"""Replicas of a model: degrees as arrays, those that fit, inputs of the event engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.chain.machine.accelerator_price import Power, chip_second_price, power_of
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.quantities import show
from gigawatt.machine import Chip, Cluster
from gigawatt.performance.serving.inference import Replica, multiply_format
from gigawatt.performance.serving.layouts import (
    lacking_kernels,
    layout_rules,
    refused,
    stages_measured,
    whole_nodes,
)
from gigawatt.performance.serving.memory import beside_cache, cells_lacking, kept, loaded_bytes
from gigawatt.performance.serving.step_tables import StepTables
from gigawatt.performance.serving.tables import step_tables
from gigawatt.serving.cache_tiers import of_replica
from gigawatt.serving.engine import EngineOptions
from gigawatt.workload import Architecture
from gigawatt.workload.inference import Shares

__all__ = [
    "Degrees",
    "Prices",
    "candidates",
    "degrees_of",
    "engine_options",
    "enumerate_degrees",
    "held_bytes",
    "prices_of",
    "replica",
    "tables_of",
]

Array = NDArray[np.float64]

_DOMAINS = 64
"""Largest number of domains in the search for the fewest accelerators."""


@dataclass(frozen=True)
class Degrees:
    """Degrees of replicas, whole numbers in columns ``(L,)``: see
    :class:`~gigawatt.workload.inference.Shares`.

    ``tensor`` ranks split heads and widths, ``data`` groups of them hold their own sequences, ``expert``
    groups hold the experts, ``pipeline`` stages the layers.
    """

    tensor: Array
    pipeline: Array
    data: Array
    expert: Array

    def __len__(self) -> int:
        return len(self.tensor)

    @property
    def chips(self) -> Array:
        """Accelerators of a replica."""
        return self.tensor * self.pipeline * self.data

    def take(self, rows: ArrayLike) -> Degrees:
        """Some rows."""
        chosen = np.asarray(rows)
        return Degrees(self.tensor[chosen], self.pipeline[chosen], self.data[chosen], self.expert[chosen])

    def row(self, i: int) -> dict[str, int]:
        """One row by name, with its accelerators."""
        names = ("tensor", "pipeline", "data", "expert", "chips")
        return {name: round(float(getattr(self, name)[i])) for name in names}


def degrees_of(*, tensor: int = 1, pipeline: int = 1, data: int = 1, expert: int = 1) -> Degrees:
    """One replica."""
    return Degrees(*(np.array([float(x)]) for x in (tensor, pipeline, data, expert)))


def _tensor_degrees(architecture: Architecture, domain: int) -> list[int]:
    """Degrees that divide heads, widths and a domain, and keys' heads or are divided by them."""
    found: list[int] = []
    for t in range(1, domain + 1):
        if domain % t:
            continue
        good = True
        for block in architecture.blocks:
            a, m, f = block.attention, block.mixer, block.feed_forward
            if a.heads:
                groups = max(a.key_value_heads, 1)
                good &= a.heads % t == 0 and (a.latent or groups % t == 0 or t % groups == 0)
            if m is not None:
                good &= m.inner % t == 0
            if f is not None:
                good &= f.width % t == 0
        if good:
            found.append(t)
    return found


def _powers(most: int) -> list[int]:
    found = [1]
    while found[-1] * 2 <= most:
        found.append(found[-1] * 2)
    return found


def _expert_degrees(architecture: Architecture, ranks: int, redundant: int) -> list[int]:
    """Groups that hold the experts: slots of experts and their copies lie apart as far as they go.

    A copy on the rank of its expert has no use, so that with ``redundant`` ones there are several groups.
    """
    routed = [b.experts for b in architecture.blocks if b.experts is not None]
    if not routed:
        return [1]
    return [
        e
        for e in range(2 if redundant else 1, ranks + 1)
        if ranks % e == 0
        and all((x.count + redundant) % e == 0 and x.width % (ranks // e) == 0 for x in routed)
    ]


def enumerate_degrees(
    architecture: Architecture,
    *,
    domain: int,
    most: int,
    fixed: Mapping[str, int] | None = None,
    redundant: int = 0,
) -> Degrees:
    """All replicas of at most ``most`` accelerators whose degrees divide what they split.

    Tensor degrees stay within a domain of ``domain`` accelerators; attention groups (of models with experts)
    fill a part of it or whole ones; stages come in powers of two, and experts lie on any divisor of the
    ranks.

    Parameters
    ----------
    architecture : Architecture
        The model.
    domain, most : int
        Accelerators of a domain, and of a replica at most.
    fixed : mapping, optional
        Degrees to hold fast; those may be any that the model can be cut by.
    redundant : int
        Experts of a layer with a second copy: the slots are divided, not the experts.

    Raises
    ------
    InputError
        A held degree that does not divide, or nothing that is small enough.
    """
    held = dict(fixed or {})
    routed = architecture.routed
    tensors = _tensor_degrees(architecture, domain)
    if "tensor" in held:
        t = held["tensor"]
        possible = _tensor_degrees(architecture, t)
        if t not in possible or t > domain:
            raise InputError(
                "does not divide heads, widths and a domain", key="tensor", given=t, allowed=map(str, tensors)
            )
        tensors = [t]
    rows: list[tuple[int, int, int, int]] = []
    stages = [held["pipeline"]] if "pipeline" in held else _powers(min(most, architecture.layers))
    if stages[0] > architecture.layers:
        raise InputError(
            "more stages than layers", key="pipeline", given=stages[0], allowed=f"1 to {architecture.layers}"
        )
    for t in tensors:
        groups = [held["data"]] if "data" in held else range(1, most // t + 1) if routed else [1]
        for d in groups:
            ranks = t * d
            if "data" not in held and ((domain % ranks and ranks % domain) or ranks > most):
                continue
            experts = _expert_degrees(architecture, ranks, redundant)
            if "expert" in held:
                experts = [e for e in experts if e == held["expert"]]
            rows += [(t, p, d, e) for e in experts for p in stages if ranks * p <= most]
    if not rows:
        raise InputError(
            "no replica has these degrees", key=next(iter(held), "largest"),
            given=", ".join(f"{k} {v}" for k, v in held.items()) or most,
            allowed=f"at most {most} accelerators; expert slots, ranks and widths divided without rest",
        )  # fmt: skip
    columns = np.array(rows, dtype=float).T
    return Degrees(*columns)


def replica(
    question: ServingQuestion,
    cluster: Cluster,
    degrees: Degrees,
    *,
    weights: str | None = None,
    cache: str | None = None,
) -> Replica:
    """The step model's replica of these degrees; ``weights`` and ``cache`` in place of the question's."""
    stored = weights or question.weights
    shares = Shares.of(
        tensor=degrees.tensor,
        data=degrees.data,
        expert=degrees.expert,
        weights=stored,
        multiply=multiply_format(stored, cluster.chip),
        cache=cache or question.cache,
        redundant=question.redundant_experts,
    )
    return Replica(
        question.architecture, cluster, question.engine, shares, degrees.pipeline, float(question.guesses),
        question.two_batch_overlap, question.adapters, question.encoded, cap_of(question, cluster.chip),
    )  # fmt: skip


def cap_of(question: ServingQuestion, chip: Chip) -> float | None:
    """The power cap of an accelerator [W], where it is below the chip's own limit."""
    return question.cap if question.cap is not None and question.cap < chip.power_limit else None


def _lacking(question: ServingQuestion, cluster: Cluster, degrees: Degrees) -> Array:
    """Bytes that an accelerator lacks for the weights and one request of the mean length."""
    found = replica(question, cluster, degrees)
    weights, cache = held_bytes(question, found)
    usable = cluster.chip.memory_bytes * question.engine.usable - question.engine.reserve
    short = cells_lacking(found)  # silicon is no memory: any shortage of it leaves no room at all
    return np.where(short > 0.0, np.inf, weights + cache - usable)


def held_bytes(question: ServingQuestion, found: Replica) -> tuple[Array, Array]:
    """(bytes of weights, bytes that one request of the mean length keeps) on each accelerator."""
    each = question.traffic.mean_prompt + question.traffic.mean_output
    # a request and its adapter lie on the ranks of one attention group
    one = kept(found, each) / (found.chips / found.shares.data)
    return loaded_bytes(found), one + beside_cache(found, found.shares.data) / found.chips


def candidates(
    question: ServingQuestion, cluster: Cluster, most: int | None = None
) -> tuple[Degrees, tuple[int, int]]:
    """(replicas that fit, (replicas looked at, those that fit)).

    Replicas are no larger than a domain, or than the smallest that fits where that is larger, or than what
    the question allows; and no larger than ``most``.

    Raises
    ------
    InfeasibleError
        None fits: says how many GB are missing and how many accelerators would do.
    """
    domain = cluster.scale_up_size
    ceiling = min(x for x in (most, question.largest, _DOMAINS * domain) if x is not None)
    _check_kernels(question, cluster)

    def fitting(size: int) -> tuple[Degrees, int]:
        every = enumerate_degrees(
            question.architecture, domain=domain, most=size, fixed=question.fixed,
            redundant=question.redundant_experts,
        )  # fmt: skip
        runs = every.take(_offered(question, cluster, every))
        return runs.take(_lacking(question, cluster, runs) <= 0.0), len(every)

    size = ceiling if question.fixed else min(domain, ceiling)
    found, looked = fitting(size)
    while not len(found) and size < ceiling:
        size = min(2 * size, ceiling)
        found, looked = fitting(size)
    if question.largest is not None and size < ceiling:
        found, looked = fitting(ceiling)
    if not len(found):
        raise _too_large(question, cluster, ceiling)
    return found, (looked, len(found))


def _check_kernels(question: ServingQuestion, cluster: Cluster) -> None:
    """Raise where the engine has no kernel on this chip for a stored format."""
    lacking = lacking_kernels(layout_rules(question.engine.id), question.weights, cluster.chip)
    if lacking:
        raise InputError(
            f"{question.engine.id} has no kernels for {lacking[0]} weights on {cluster.chip.id}",
            key="weights", given=question.weights,
            allowed="another format or engine, or a chip with that rate",
        )  # fmt: skip


def _offered(question: ServingQuestion, cluster: Cluster, degrees: Degrees) -> NDArray[np.bool_]:
    """Layouts that the engine runs (L,), and without a pipeline that is asked for those that were measured.

    Raises
    ------
    InputError
        The engine runs none of the layouts with the degrees that are held: says why.
    """
    rules = layout_rules(question.engine.id)
    reasons = refused(
        rules, question.architecture, question.weights, tensor=degrees.tensor, data=degrees.data,
        expert=degrees.expert,
    )  # fmt: skip
    runs = np.ones(len(degrees), dtype=bool)
    for reason, mask in reasons.items():
        runs &= ~mask
        if question.fixed and not np.any(runs):
            key, value = next(iter(question.fixed.items()))
            raise InputError(
                f"{question.engine.id} does not run this layout", key=key, given=value, allowed=reason
            )
    if not question.fixed:
        runs &= whole_nodes(cluster.node_chips, chips=degrees.chips)
    if "pipeline" not in question.fixed:
        runs &= stages_measured(
            rules, cluster.scale_up, cluster.scale_up_size, ranks=degrees.tensor * degrees.data,
            pipeline=degrees.pipeline,
        )  # fmt: skip
    return runs


def _too_large(question: ServingQuestion, cluster: Cluster, given: int) -> InfeasibleError:
    """The error of what is missing on ``given`` accelerators, and how many suffice."""
    domain = question.cluster(_DOMAINS * cluster.scale_up_size)[0].scale_up_size
    fixed = {k: v for k, v in question.fixed.items() if k in ("tensor", "pipeline", "data", "expert")}
    redundant = question.redundant_experts
    here = enumerate_degrees(
        question.architecture, domain=cluster.scale_up_size, most=given, fixed=fixed, redundant=redundant
    )
    offered = _offered(question, cluster, here)
    here = here.take(offered) if np.any(offered) else here
    missing = _lacking(question, cluster, here) * here.chips
    least = int(np.argmin(missing))
    more, _ = question.cluster(_DOMAINS * domain)
    wide = enumerate_degrees(
        question.architecture, domain=domain, most=_DOMAINS * domain, redundant=redundant
    )
    wide = wide.take(_offered(replace(question, fixed={}), more, wide))
    fit = wide.take(_lacking(question, more, wide) <= 0.0)
    words = "no number of accelerators suffices"
    if len(fit):
        few = int(np.min(fit.chips))
        words = f"{few} {cluster.chip.id}, or narrower weights"
        if question.fixed:
            words = f"{few} {cluster.chip.id} with other degrees, or narrower weights"
    count = int(here.chips[least])
    plural = "s" if count > 1 else ""
    cells = cells_lacking(replica(question, cluster, here))
    if np.all(cells > 0.0):
        short, largest = float(np.min(cells)), int(np.max(here.chips))
        return InfeasibleError(
            f"{question.architecture.name} does not fit on the silicon for weights that stay written: "
            f"{short * 1e6:,.0f} mm² are missing on each of {largest} {cluster.chip.id}",
            key="chips",
            given=given,
            allowed=words.replace(", or narrower weights", ""),
        )
    return InfeasibleError(
        f"{question.architecture.name} in {question.weights} does not fit: "
        f"{show(float(missing[least]), 'GB')} "
        f"are missing on {count} accelerator{plural}",
        key="chips" if not question.fixed else next(iter(question.fixed)),
        given=given if not question.fixed else next(iter(question.fixed.values())),
        allowed=words,
    )


def tables_of(
    question: ServingQuestion, cluster: Cluster, degrees: Degrees, *, prefill: bool = False
) -> StepTables:
    """Tables of one replica for the event engine; of a ``prefill`` one, whose prompts are cached in part."""
    found, setting = (
        replica(question, cluster, degrees),
        question.settings(float(degrees.data[0]), float(degrees.tensor[0])),
    )
    lengths = question.traffic.sample.prompt + question.traffic.sample.output
    return step_tables(
        found, accepted=question.accepted, budget=setting.token_budget, sequences=setting.max_sequences,
        longest=float(max(lengths.max(), 1024)),
        cached=question.cached_prompt * question.traffic.mean_prompt if prefill else 0.0,
    )  # fmt: skip


def engine_options(
    question: ServingQuestion, degrees: Degrees, held: float | None = None, **more: Any
) -> EngineOptions:
    """Options of the event engine: those of the question's engine, of all attention groups together.

    ``held`` requests are in flight on a replica at the peak, where that is known: recipes go by it.
    """
    groups = float(degrees.data[0])
    engine, setting = question.engine, question.settings(groups, float(degrees.tensor[0]), held)
    longest = float(np.max(question.traffic.sample.prompt, initial=0))
    usual: dict[str, Any] = {
        "token_budget": int(setting.token_budget * groups),
        "max_sequences": int(setting.max_sequences * groups),
        "read_interval": setting.read_interval,
        "balance": setting.balance,
        "batch_wait": setting.batch_wait,
        # whole prompts are cut where one is longer than an iteration: such an engine is set to do so then
        "chunked": engine.chunked > 0.0 or longest > setting.token_budget,
        "prompts_alone": engine.alone > 0.0,
        "block": max(1, int(engine.page)),
        "context_limit": question.context_limit,
        # a prompt lies in one attention group, whose iterations have a budget of their own
        "long_prompt": setting.token_budget if groups > 1.0 else None,
        "tiers": of_replica(question.tiers, float(degrees.chips[0])),
    }
    return EngineOptions(**(usual | {key: value for key, value in more.items() if value is not None}))


@dataclass(frozen=True)
class Prices:
    """Cost and further power of one accelerator.

    ``second`` [$] without electricity; ``beside`` [W] is its share of node and network; ``pue`` of the year;
    ``electricity`` [$/J]; ``design`` [W] is what has to be provided for it.
    """

    second: float
    beside: float
    pue: float
    electricity: float
    design: float

    def meter(self, power: ArrayLike, chips: ArrayLike) -> Array:
        """Power at the meter [W] of ``chips`` accelerators that draw ``power`` [W]."""
        return (np.asarray(power, dtype=float) + self.beside * np.asarray(chips, dtype=float)) * self.pue

    def cost(self, power: ArrayLike, chips: ArrayLike) -> Array:
        """Money a second [$/s] of the same, machine and electricity."""
        n = np.asarray(chips, dtype=float)
        return self.second * n + self.meter(power, n) * self.electricity


def prices_of(question: ServingQuestion, cluster: Cluster) -> tuple[Prices, Power, tuple[Any, ...]]:
    """(prices, power to be provided for the cluster, what they assume), as for a training run."""
    power = power_of(question, cluster.count)
    second, told = chip_second_price(question, cluster, power)
    empty = (power.it - power.chip * cluster.count) / cluster.count
    each = power.chip + empty
    cap = cap_of(question, cluster.chip)
    beside = each - (cluster.chip.power_limit if cap is None else cap)
    prices = Prices(second, beside, question.pue_mean, question.electricity, each)
    return prices, power, told

"""A serving question: model, machine, engine, requests and SLO, with defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.machine.precision import published, served
from gigawatt.chain.machine.quantities import design_power, fed
from gigawatt.chain.serving.adapters import read_adapters
from gigawatt.chain.serving.classes import read_classes, refuse_beside_classes
from gigawatt.chain.serving.drafts import measured_drafts, whole_number, with_drafter
from gigawatt.chain.serving.encoders import read_encoded
from gigawatt.chain.serving.traffic import Traffic, read_traffic
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.machine import Chip, Cluster, build_cluster, load_chip
from gigawatt.performance.serving.deployments import Deployment, deployment_for
from gigawatt.performance.serving.engines import (
    Engine,
    default_engine,
    engine_in_year,
    engine_rows,
    load_engine,
)
from gigawatt.performance.serving.recipes import (
    DEFAULTS,
    Recipe,
    check_recipe,
    engine_on,
    limits_on,
    recipe_for,
)
from gigawatt.performance.serving.steady import accepted_tokens
from gigawatt.serving.cache_tiers import CacheTier, read_tiers
from gigawatt.serving.objectives import Objective, read_objective
from gigawatt.workload import Architecture, read_architecture
from gigawatt.workload.encoders import Encoded
from gigawatt.workload.inference import WEIGHT_BYTES, formats_of
from gigawatt.workload.operation import FORMAT_BYTES
from gigawatt.workload.served_adapters import Adapters
from gigawatt.workload.sized import sized_assumption

__all__ = [
    "DEGREES",
    "ServingQuestion",
    "read_service",
]

Array = NDArray[np.float64]

DEGREES = ("tensor", "pipeline", "data", "expert")
"""Degrees that a question can fix."""
POOLED = ("redundant_experts", "two_batch_overlap", "cached_prompt")
"""Words on wide expert parallelism and disaggregated pools."""


@dataclass(frozen=True)
class ServingQuestion:
    """A model to be served, everything in SI, before it is known on how many accelerators.

    ``weights`` (by part: ``workload.inference.formats_of``) and ``cache`` are stored formats; ``guesses``
    draft tokens per iteration, each accepted with the probability ``acceptance``, or with
    ``measured_acceptance`` tokens gained an iteration where that was measured; ``tiers`` are those of one
    accelerator; ``demand`` [1/s] is the rate of requests, where one was given; ``recipe`` is how the engine
    is set (:mod:`~gigawatt.performance.serving.recipes`); ``token_budget`` and ``sequences`` of an iteration
    of one attention group at most go before it where they are given (:meth:`settings`); ``fixed`` holds
    degrees fast, and ``prefill`` those of prefill replicas where they differ; ``redundant_experts`` of a
    layer have a second copy; ``two_batch_overlap`` is the ``overlap`` of
    :class:`~gigawatt.performance.serving.inference.Replica`; of each prompt the share ``cached_prompt`` is
    found in a cache, or ``reused`` where events have shown how much is; ``adapters`` are the low-rank ones
    that requests name, ``encoded`` images and sound of each; ``routing`` is how requests find a
    replica, empty where nobody says it; ``largest`` bounds the accelerators of a replica. ``options`` are
    those of :func:`~gigawatt.machine.build_cluster`; ``pue_mean`` and ``pue_peak`` are of the year and of its
    hottest hour; ``electricity`` [$/J]; ``rate`` [1/yr] is the discount rate; ``chip_life`` [s] is that of
    accelerators and nodes, where it is given, and ``redundancy`` that of the building; ``cap`` [W] is the
    power cap of one accelerator, where it is given.
    """

    architecture: Architecture
    chip: Chip
    options: Mapping[str, Any]
    engine: Engine
    year: int
    weights: str
    cache: str
    guesses: int
    acceptance: float
    traffic: Traffic
    demand: float | None
    objective: Objective
    recipe: str
    token_budget: float | None
    sequences: float | None
    context_limit: int | None
    fixed: Mapping[str, int]
    largest: int | None
    pue_mean: float
    pue_peak: float
    electricity: float
    rate: float
    cap: float | None
    assumptions: tuple[Assumption, ...]
    notices: tuple[str, ...] = ()
    chip_life: float | None = None
    redundancy: catalog.Entity | None = None
    prefill: Mapping[str, int] = field(default_factory=dict[str, int])
    redundant_experts: int = 0
    two_batch_overlap: bool = False
    cached_prompt: float = 0.0
    reused: float | None = None
    routing: str = ""
    adapters: Adapters | None = None
    encoded: tuple[Encoded, ...] = ()

    @property
    def cached(self) -> float:
        """Share of a prompt that is not computed: what is given or simulated replicas reuse, else all that
        could be."""
        found = self.traffic.reusable if self.reused is None else self.reused
        return self.cached_prompt or found

    @property
    def of_prefill(self) -> ServingQuestion:
        """The question with the degrees of prefill replicas."""
        return replace(self, fixed=self.prefill) if self.prefill else self

    measured_acceptance: float | None = None
    tiers: tuple[CacheTier, ...] = ()

    @property
    def accepted(self) -> float:
        """Tokens per iteration of a decoding sequence."""
        if self.measured_acceptance is not None:
            return self.measured_acceptance
        return float(accepted_tokens(guesses=self.guesses, acceptance=self.acceptance))

    def settings(self, groups: float, tensor: float = 1.0, held: float | None = None) -> Recipe:
        """How the engine of a replica is set: what is given, else the recipe, else the engine's defaults.

        Parameters
        ----------
        groups, tensor : float
            Attention groups of the replica, tensor degree of attention.
        held : float, optional
            Requests in flight on the replica; as many as the engine runs where left out.
        """
        most = self.engine.max_sequences * groups
        found = recipe_for(
            self.engine, model=self.architecture.name, chip=self.chip, weights=self.weights, groups=groups,
            held=most if held is None else min(held, most), name=self.recipe, tensor=tensor,
            prompt=float(np.max(self.traffic.sample.prompt, initial=0)),
            output=float(np.max(self.traffic.sample.output, initial=0)),
        )  # fmt: skip
        return replace(
            found,
            token_budget=found.token_budget if self.token_budget is None else round(self.token_budget),
            max_sequences=self._places(found.max_sequences if self.sequences is None else self.sequences),
        )

    def _places(self, sequences: float) -> int:
        """Sequences of an iteration of one attention group whose adapters have slots."""
        most = np.inf if self.adapters is None else max(self.adapters.most_requests, 1.0)
        return round(min(sequences, most))

    def settings_of(
        self, groups: ArrayLike, tensor: ArrayLike, held: ArrayLike | None = None
    ) -> tuple[Array, Array, Array, Array]:
        """(token budgets, sequences, decode iterations between looks for new requests, whether attention
        groups wait for each other's prompts) of :meth:`settings`, arrays over points (L,); budgets and
        sequences are of one attention group."""
        data = np.asarray(groups, dtype=float)
        most = self.engine.max_sequences * data
        keys = (data, np.asarray(tensor, dtype=float), most if held is None else np.minimum(held, most))
        unique, place = np.unique(np.stack(np.broadcast_arrays(*keys)), axis=1, return_inverse=True)
        found = [self.settings(float(n), float(t), float(h)) for n, t, h in unique.T]
        rows = [(one.token_budget, one.max_sequences, one.mean_interval, one.balance) for one in found]
        budget, sequences, interval, balance = np.array(rows, dtype=float)[place.ravel()].T
        return budget, sequences, interval, balance

    def deployment(self, held: float) -> Deployment | None:
        """The deployment that is published for this load with ``held`` requests in flight, if one is."""
        return deployment_for(
            engine=self.engine.id, model=self.architecture.name, chip=self.chip.id, weights=self.weights,
            prompt=self.traffic.mean_prompt, output=self.traffic.mean_output, held=held,
        )  # fmt: skip

    def fed_by(self, power: float) -> int:
        """Accelerators that a peak of ``power`` [W] at the meter feeds at their limit; one at least."""
        each = design_power(self.chip, self.options, self.cap)
        return max(1, fed(power, each, self.pue_peak, self.cluster(1)[0].node))

    def cluster(self, count: int) -> tuple[Cluster, tuple[Assumption, ...]]:
        """(the cluster of ``count`` accelerators, its assumptions)."""
        return build_cluster(chip=self.chip, count=count, **self.options)


def read_service(
    assumed: AssumptionList,
    *,
    model: str,
    chip: str,
    year: int,
    trace: str | None,
    prompt: str | None,
    output: str | None,
    arrivals: str | None,
    variation: float | None,
    objective: str | None,
    weights: str | None,
    cache: str | None,
    precision: str | None,
    sparsity: str | None,
    engine: str | None,
    guesses: int | None,
    acceptance: float | None,
    fixed: Mapping[str, int | None],
    recipe: str | None = None,
    prefill: Mapping[str, int | None] | None = None,
    redundant_experts: int | None = None,
    two_batch_overlap: bool | None = None,
    cached_prompt: float | None = None,
    speculation: str | None = None,
    tiers: str | None = None,
    adapters: str | None = None,
    images: str | None = None,
    audio: str | None = None,
    shape: str | None = None,
    sessions: str | None = None,
    classes: str | None = None,
    token_budget: int | None = None,
    sequences: int | None = None,
    largest: int | None = None,
) -> ServingQuestion:
    """The words of a question that are of the service itself, for scenarios too.

    Site and money are left open: a PUE of one, electricity and capital at zero cost.
    """
    architecture = read_architecture(model)
    assumed.assumptions += sized_assumption(model)
    accelerator = _chip(assumed, chip)
    if accelerator.year > year:
        assumed.notices.append(
            f"{accelerator.name} is not sold before {accelerator.year}; the year is {year}"
        )
    software = _engine(assumed, engine, accelerator, year)
    limit = architecture.max_sequence or None
    weights, cache = published(assumed, (weights, cache), precision, accelerator, architecture)
    weights, cache = served(assumed, precision, sparsity, (weights, cache), accelerator, architecture)
    weights = _weights(assumed, weights)
    setting = _recipe(assumed, recipe, software)
    encoded = read_encoded(assumed, architecture, accelerator, images=images, audio=audio, sessions=sessions)
    if classes is None:
        traffic = read_traffic(
            assumed, trace=trace, prompt=prompt, output=output, arrivals=arrivals, variation=variation,
            shape=shape, sessions=sessions, limit=limit, beside=sum(one.tokens for one in encoded),
        )  # fmt: skip
    else:
        refuse_beside_classes({
            "trace": trace, "prompt": prompt, "output": output, "sessions": sessions, "arrivals": arrivals,
            "variation": variation, "shape": shape, "objective": objective, "images": images, "audio": audio,
        })  # fmt: skip
        traffic = read_classes(classes, assumed, limit=limit)
    speculated = measured_drafts(assumed, speculation, architecture, guesses, acceptance)
    if speculated is not None:
        architecture = with_drafter(assumed, architecture, speculated)
        guessed, chance = speculated.guesses, 0.0
    else:
        guessed, chance = _guesses(assumed, guesses, acceptance)
    _check_experts(architecture, redundant_experts, two_batch_overlap)
    if cached_prompt and traffic.sample.blocks is not None:
        raise InputError(
            "shared prefixes are in the trace", key="cached_prompt", given=f"{cached_prompt:.3g}",
            allowed="prompt and output in place of the trace",
        )  # fmt: skip
    found = ServingQuestion(
        architecture=architecture,
        chip=accelerator,
        options={},
        engine=software,
        year=year,
        weights=weights,
        cache=cache or "",
        guesses=guessed,
        acceptance=chance,
        traffic=traffic,
        demand=None,
        objective=traffic.target or _objective(assumed, objective, architecture),
        recipe=setting,
        token_budget=None if token_budget is None else whole_number("token_budget", token_budget),
        sequences=None if sequences is None else whole_number("sequences", sequences),
        context_limit=limit,
        fixed=_fixed(fixed),
        largest=None if largest is None else int(whole_number("largest", largest)),
        pue_mean=1.0,
        pue_peak=1.0,
        electricity=0.0,
        rate=0.0,
        cap=None,
        measured_acceptance=None if speculated is None else speculated.accepted,
        tiers=_tiers(assumed, tiers),
        encoded=encoded,
        adapters=read_adapters(assumed, adapters, architecture, accelerator, traffic),
        assumptions=(),
        prefill=_fixed(prefill or {}),
        redundant_experts=redundant_experts or 0,
        two_batch_overlap=bool(two_batch_overlap),
        cached_prompt=cached_prompt or 0.0,
    )
    _list_settings(assumed, found)
    cache = _cache(assumed, cache or _recipe_cache(assumed, found), accelerator)
    return replace(found, cache=cache, assumptions=tuple(assumed.assumptions), notices=tuple(assumed.notices))


def _recipe(assumed: AssumptionList, given: str | None, engine: Engine) -> str:
    """How the engine is set, by the name of a recipe; the engine's own defaults where nothing is given."""
    if given is not None:
        return check_recipe(given, engine)
    assumed.add("serving.recipe", DEFAULTS, "the engine's own defaults on the accelerator", Grade.vendor)
    return DEFAULTS


def _list_settings(assumed: AssumptionList, question: ServingQuestion) -> None:
    """List tokens and sequences of an iteration of one attention group, where they were not given."""
    found, row = question.settings(1.0), limits_on(question.engine, question.chip)
    if found.id:
        reason, grade, source = f"recipe {found.id} of {question.engine.id}", Grade.vendor, "engine-recipes"
    elif row is not None:
        reason = f"default of {question.engine.id} on {question.chip.id} ({row.id})"
        grade, source = Grade.vendor, row.rows()[0].source_id
    else:
        reason, grade, source = "the engine's usual setting", Grade.guess, ""
    for key, given, value in (
        ("token_budget", question.token_budget, found.token_budget),
        ("sequences", question.sequences, found.max_sequences),
    ):
        if given is None:
            assumed.add(f"serving.{key}", f"{value:g}", reason, grade, source)


def _recipe_cache(assumed: AssumptionList, question: ServingQuestion) -> str | None:
    """The format of keys and values that a recipe sets, listed."""
    found = question.settings(1.0)
    if not found.cache or found.cache not in question.chip.peak:
        return None
    assumed.add("serving.cache", found.cache, f"recipe {found.id}", Grade.vendor, "engine-recipes")
    return found.cache


def _check_experts(architecture: Architecture, redundant: int | None, overlap: bool | None) -> None:
    """Raise where copies or overlap are asked of a model without experts, or more copies than experts."""
    counts = [block.experts.count for block in architecture.blocks if block.experts is not None]
    for key, given in (("redundant_experts", redundant), ("two_batch_overlap", overlap)):
        if given and not counts:
            raise InputError(f"{architecture.name} has no experts", key=key, given=given,
                             allowed="a model with experts")  # fmt: skip
    if redundant and redundant > min(counts):
        raise InputError("more copies than experts", key="redundant_experts", given=redundant,
                         allowed=f"0 to {min(counts)}")  # fmt: skip


def _chip(assumed: AssumptionList, name: str) -> Chip:
    """The chip; one without bf16 works in fp16 instead."""
    found = load_chip(name)
    if "bf16" in found.peak or "fp16" not in found.peak:
        return found
    assumed.add("machine.format", "fp16", f"{found.id} does not support bf16", Grade.modelled)
    peak, joules = dict(found.peak), dict(found.energy_flop)
    peak["bf16"], joules["bf16"] = peak["fp16"], joules["fp16"]
    return replace(found, peak=peak, energy_flop=joules)


def _engine(assumed: AssumptionList, given: str | None, chip: Chip, year: int) -> Engine:
    name = given
    if name is None:
        name = default_engine(chip, year)
        assumed.add("serving.engine", name, f"the usual engine for {chip.id} in {year}", Grade.guess)
    try:
        found = load_engine(name)
    except InputError as error:
        raise error.at(key="engine") from None
    found, released = engine_in_year(engine_on(found, chip), year)
    for row in (*engine_rows(name), *released):
        if row.quantity in ("token_budget", "max_sequences"):
            continue  # listed as serving.token_budget and serving.sequences
        written = row.shown
        assumed.add_row(f"engine.{row.quantity}", row, written, row.note or row.locator)
    return found


def _weights(assumed: AssumptionList, given: str | None) -> str:
    """Formats of weights, by part where they differ: ``bf16 experts=mxfp4``."""
    try:
        forms = () if given is None else formats_of(given).values()
    except InputError as error:
        raise error.at(key="weights") from None
    for form in forms:
        _stored(assumed, "weights", form, WEIGHT_BYTES)
    return assumed.default("serving.weights").text("text") if given is None else given


def _stored(assumed: AssumptionList, key: str, given: str | None, known: Mapping[str, float]) -> str:
    if given is None:
        return assumed.default(f"serving.{key}").text("text")
    return check_word(key, given, known, "unknown number format")


def _cache(assumed: AssumptionList, given: str | None, chip: Chip) -> str:
    known = [name for name in FORMAT_BYTES if name in ("bf16", "fp8")]
    found = _stored(assumed, "cache", given, {name: FORMAT_BYTES[name] for name in known})
    if found not in chip.peak:
        usable = [name for name in known if name in chip.peak]
        raise InputError(
            f"{chip.id} has no {found} rate for attention", key="cache", given=found, allowed=usable
        )
    return found


def _guesses(assumed: AssumptionList, guesses: int | None, acceptance: float | None) -> tuple[int, float]:
    if guesses is None:
        if acceptance is not None:
            raise InputError("the number of draft tokens is missing", key="guesses", allowed="such as 3")
        return 0, 0.0
    count = int(whole_number("guesses", guesses, least=0))
    chance = float(assumed.default("serving.acceptance").text("text")) if acceptance is None else acceptance
    if not 0.0 <= chance <= 1.0:
        raise InputError("not a probability", key="acceptance", given=str(acceptance), allowed="0 to 1")
    return count, chance


def _tiers(assumed: AssumptionList, given: str | None) -> tuple[CacheTier, ...]:
    """Tiers below the prefix cache, of one accelerator; what the catalog completes is listed."""
    if given is None:
        return ()
    found, rows = read_tiers(given)
    for row in rows:
        for key in ("bandwidth", "latency"):
            cell = row.evidence(key)
            assumed.add_row(f"serving.tiers.{row.id}.{key}", cell, cell.shown, row.text("note"))
    return found


def _objective(assumed: AssumptionList, given: str | None, architecture: Architecture) -> Objective:
    if given is not None:
        try:
            found = read_objective(given)
        except InputError as error:
            raise error.at(key="objective") from None
        if found.percentile is not None:
            return found
        asked = assumed.default("serving.percentile").text("text")
        return replace(found, percentile=read_objective(f"ttft=1s,{asked}").percentile)
    for row in catalog.table("objectives").values():
        if row.text("model") == architecture.name:  # the first of a model is that of its server scenario
            assumed.add("serving.objective", row.id, row.text("name"), Grade.vendor, row.rows()[0].source_id)
            return read_objective(row.id)
    return read_objective(assumed.default("serving.objective").text("text"))


def _fixed(given: Mapping[str, int | None]) -> dict[str, int]:
    for name in given:
        check_word(name, name, DEGREES, "no such degree")
    return {name: int(whole_number(name, value)) for name, value in given.items() if value is not None}

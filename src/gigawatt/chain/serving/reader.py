"""A serving question from words and settings, read as a serving scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.filler import Filler
from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.question_words import HERE, Words, place_of, with_defaults
from gigawatt.chain.serving.classes import MixedTraffic
from gigawatt.chain.serving.question import DEGREES, ServingQuestion, read_service
from gigawatt.chain.serving.traffic import USER_REQUESTS, Traffic
from gigawatt.chain.shared_leaves import fill_chip
from gigawatt.core.errors import InputError
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.fields import SERVING
from gigawatt.schema.request_rate import read_demand, read_rate

__all__ = ["read_serving_question"]

_TARGETS = ("serving.plan",)
"""Quantities that a plan of serving computes."""
_REFUSED = {
    "training": "this is a service; gigawatt plan-training has words for training",
    "machine.count": "--chips", "machine.power": "--power",
    "economics.budget": "gigawatt run SCENARIO takes one",
    "serving.mode": "--mode", "serving.seed": "--seed", "serving.replicas": "--chips",
    **dict.fromkeys(
        ("serving.shape", "serving.days", "serving.autoscaling", "serving.simulated_requests",
         "serving.simulated_replicas"),
        "a plan is of one load; gigawatt run SCENARIO serves the hours of a day",
    ),
    **dict.fromkeys(
        ("serving.failures", "serving.availability"),
        "a plan has no failures; gigawatt run SCENARIO keeps a reserve, simulate-serving --failures has some",
    ),
    "site.oversubscription": "gigawatt run SCENARIO caps hours of the year",
    "site.weather_years": "gigawatt run SCENARIO plans plants over several years",
    "name": "a plan has no name; gigawatt run SCENARIO has one",
    "load": "gigawatt run SCENARIO takes one; a plan computes it",
    "supply.grid.price": "", "supply.price": "", "serving.classes": "",
    "supply": "a plan buys electricity at one price, supply.price; gigawatt run SCENARIO plans plants",
    "carbon": "a plan counts no carbon; gigawatt run SCENARIO does",
}  # fmt: skip
"""Unused keys of a scenario and their replacement; empty: the key is used."""


def read_serving_question(
    *,
    model: str,
    chip: str,
    trace: str | None = None,
    prompt: str | None = None,
    output: str | None = None,
    arrivals: str | None = None,
    variation: float | None = None,
    shape: str | None = None,
    sessions: str | None = None,
    classes: str | None = None,
    rate: str | None = None,
    demand: str | None = None,
    objective: str | None = None,
    weights: str | None = None,
    cache: str | None = None,
    precision: str | None = None,
    sparsity: str | None = None,
    engine: str | None = None,
    recipe: str | None = None,
    guesses: int | None = None,
    acceptance: float | None = None,
    redundant_experts: int | None = None,
    two_batch_overlap: bool | None = None,
    cached_prompt: float | None = None,
    speculation: str | None = None,
    tiers: str | None = None,
    adapters: str | None = None,
    images: str | None = None,
    audio: str | None = None,
    token_budget: int | None = None,
    sequences: int | None = None,
    year: int | None = None,
    fixed: Mapping[str, int | None] | None = None,
    largest: int | None = None,
    cap: str | None = None,
    site: str | None = None,
    pue: float | None = None,
    electricity: str | None = None,
    settings: Mapping[str, object] | None = None,
    **options: Any,
) -> ServingQuestion:
    """The serving question of the given words.

    Parameters
    ----------
    model, chip : str
        Names of the catalog (a model may be the path of a ``config.json``).
    trace : str, optional
        A row of the catalog's ``traces`` or a file; not together with ``prompt`` and ``output``.
    prompt, output : str, optional
        Tokens or a distribution of them (:func:`~gigawatt.serving.lengths.read_lengths`).
    arrivals, variation, shape : optional
        How requests come (:func:`~gigawatt.serving.arrivals.arrival_times`); as in the trace, if there is
        one.
    sessions : str, optional
        A kind of sessions in place of single requests
        (:func:`~gigawatt.serving.session_kinds.read_session_kind`).
    classes : str, optional
        Classes of requests with shares or rates, lengths, latency targets and priorities of their own, in
        place of all these (:func:`~gigawatt.chain.serving.classes.class_words`).
    rate, demand : str, optional
        Requests (``20/s``), and those, output tokens (``1M tokens/s``) or users in total; one of them.
    objective : str, optional
        A row of the catalog's ``objectives``, or ``ttft=2s,tpot=50ms,p99``.
    weights, cache : str, optional
        Number formats in which weights, keys and values are stored.
    precision, sparsity : str, optional
        One word for both of them, and for a pattern of zeros (:mod:`~gigawatt.chain.machine.precision`).
    engine : str, optional
        A row of the catalog's ``engines``.
    recipe : str, optional
        How the engine is set: a row of ``engines_recipes``, ``published`` or ``engine``
        (:mod:`~gigawatt.performance.serving.recipes`).
    guesses, acceptance : optional
        Tokens guessed an iteration, and the chance that one is right.
    redundant_experts, two_batch_overlap, cached_prompt : optional
        Experts of a layer with a second copy; whether half a batch hides the other's exchange; the share of
        prompts found in a cache.
    speculation, tiers : str, optional
        Measured acceptance (:func:`~gigawatt.serving.speculation.read_speculation`); tiers below the prefix
        cache (:func:`~gigawatt.serving.cache_tiers.read_tiers`).
    adapters : str, optional
        Low-rank adapters that requests name (:func:`~gigawatt.chain.serving.adapters.read_adapters`).
    images, audio : str, optional
        What each request has beside text (:func:`~gigawatt.chain.serving.encoders.read_encoded`).
    token_budget, sequences : int, optional
        Of an iteration at most, in place of those of the recipe.
    year : int, optional
        Of software and prices; that of a scenario if left out.
    fixed : mapping, optional
        Degrees to hold fast: ``tensor``, ``pipeline``, ``data``, ``expert``.
    largest : int, optional
        Accelerators of a replica at most.
    cap : str, optional
        Power cap of one accelerator.
    site, pue, electricity
        Where the data centre stands, or its PUE and price.
    settings : mapping, optional
        Keys of a scenario with values as they stand in its file: ``{"economics.chip_life": "3 years"}``.
    **options
        Of the machine: node, scale_up, scale_out, domain …; or dotted keys, as in ``settings``.

    Raises
    ------
    InputError, MissingDataError
        A name or quantity that cannot be read, a number that the catalog lacks; a key of a scenario that a
        plan of serving cannot use, or that a word gives as well.
    """
    words = Words("plan-serving", _REFUSED)
    for name, key, value in (
        ("model", "model", model), ("chip", "machine.chip", chip), ("year", "year", year),
        ("site", "site.name", site), ("electricity", "supply.price", electricity),
        ("cap", "machine.power_cap", cap),
    ):  # fmt: skip
        words.word(name, key, value)
    given: dict[str, Any] = {
        "trace": trace, "prompt": prompt, "output": output, "sessions": sessions, "arrivals": arrivals,
        "variation": variation, "classes": classes,
        "objective": objective, "weights": weights, "cache": cache, "precision": precision,
        "sparsity": sparsity, "engine": engine, "recipe": recipe, "guesses": guesses,
        "acceptance": acceptance, "speculation": speculation, "tiers": tiers,
        "adapters": adapters, "images": images, "audio": audio,
        "redundant_experts": redundant_experts, "two_batch_overlap": two_batch_overlap,
        "cached_prompt": cached_prompt,
    }  # fmt: skip
    said = {f"serving.{name}": name for name, value in given.items() if value is not None}
    said |= {f"serving.layout.{name}": name for name, value in (fixed or {}).items() if value is not None}
    said |= {"serving.demand": "rate or demand"} if rate is not None or demand is not None else {}
    dotted = {**(settings or {}), **words.machine(options)}
    for key in dotted:
        if key in said:
            raise InputError("given twice", key=key, given=str(dotted[key]), allowed=f"or {said[key]} alone")
    words.settings(dotted)
    assumed = AssumptionList()
    with words.named():
        words.refuse_unread(graph_of_branch(SERVING), _TARGETS)
        values = with_defaults(assumed, words.values, pue)
        fill = Filler(scenario_of({"serving.seed": 0, **values}, HERE, sized=False))
        scenario = fill.loaded.scenario
        section = scenario.serving
        assert section is not None
        held = {name: value for name in DEGREES if (value := getattr(section.layout, name)) is not None}
        found = read_service(
            assumed, model=model, chip=chip, year=scenario.year, shape=shape, token_budget=token_budget,
            sequences=sequences, largest=largest, fixed={**(fixed or {}), **held},
            prefill={name: getattr(section.prefill, name) for name in DEGREES},
            **{key: getattr(section, key) if value is None else value for key, value in given.items()},
        )  # fmt: skip
        mean, peak, price = place_of(assumed, fill, pue)
        fill_chip(fill, found.chip, ())
        assumed.assumptions += fill.assumptions
        assumed.notices += fill.loaded.notices
        asked = _demand(rate, demand, section.demand, found.traffic)
        if asked is not None and asked[0] == "user":
            assumed.default(USER_REQUESTS)
        wanted = None if asked is None else found.traffic.requests(asked)
    leaves = {name: leaf.value for name, leaf in fill.leaves.items()}
    return replace(
        found,
        routing=section.routing or "",
        chip=leaves["machine.chip"],
        options=leaves["machine.options"],
        cap=leaves["machine.power_cap"],
        demand=wanted,
        pue_mean=mean,
        pue_peak=peak,
        electricity=price,
        rate=leaves["economics.discount_rate"],
        chip_life=leaves["economics.chip_life"],
        redundancy=leaves["site.redundancy"],
        assumptions=tuple(assumed.assumptions),
        notices=tuple(assumed.notices),
    )


def _demand(
    rate: str | None, demand: str | None, settled: tuple[str, float] | None, traffic: Traffic
) -> tuple[str, float] | None:
    """(Of what, how much a second): by words, by ``settings``, or by classes with rates of their own."""
    asked = _demand_in_words(rate, demand) or settled
    if traffic.own_rate is None or not isinstance(traffic, MixedTraffic):
        return asked
    if asked is not None:
        key, given = ("rate", rate) if demand is None else ("demand", demand)
        raise InputError(
            "each class has a rate", key=key, given=given or "serving.demand", allowed="without --rate"
        )
    return "request", traffic.own_rate


def _demand_in_words(rate: str | None, demand: str | None) -> tuple[str, float] | None:
    if rate is not None and demand is not None:
        raise InputError(
            "the demand is given twice", key="demand", given=demand, allowed=f"or the rate {rate}"
        )
    if rate is not None:
        return "request", read_rate(rate)
    return None if demand is None else read_demand(demand)

"""What serving is asked for: model, machine, engine, requests and objective read, the rest filled in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gigawatt import catalog
from gigawatt.chain.asked import Told, quantity
from gigawatt.chain.filler import Filler
from gigawatt.chain.precision import served
from gigawatt.chain.question_words import HERE, Words, place_of, with_defaults
from gigawatt.chain.serving.traffic import Traffic, read_traffic
from gigawatt.chain.shared_leaves import fill_chip, fill_money
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.machine import Chip, Cluster, build_cluster, load_chip
from gigawatt.performance.serving.engines import Engine, default_engine, engine_rows, load_engine
from gigawatt.performance.serving.steady import accepted_tokens
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.request_rate import read_rate
from gigawatt.serving.objectives import Objective, read_objective
from gigawatt.workload import Architecture, read_architecture
from gigawatt.workload.inference import WEIGHT_BYTES
from gigawatt.workload.operation import FORMAT_BYTES

__all__ = [
    "DEGREES",
    "ServingQuestion",
    "read_service",
    "read_serving_question",
]

DEGREES = ("tensor", "pipeline", "data", "expert")
"""Degrees that a question can hold fast."""

_REFUSED = {
    "training": "this is a service; gigawatt plan-training has words for training",
    "machine.count": "--chips", "machine.power": "gigawatt run SCENARIO takes a power",
    "serving.mode": "--mode", "serving.seed": "--seed", "serving.replicas": "--chips",
    **dict.fromkeys(
        ("serving.shape", "serving.days", "serving.autoscaling", "serving.routing",
         "serving.simulated_requests", "serving.simulated_replicas"),
        "a plan is of one load; gigawatt run SCENARIO serves the hours of a day",
    ),
    "site.weather_years": "gigawatt run SCENARIO plans plants over several years",
    "name": "a plan has no name; gigawatt run SCENARIO has one",
    "supply.grid.price": "",
    "supply": "a plan buys electricity at one price, supply.grid.price; gigawatt run SCENARIO plans plants",
}  # fmt: skip
"""Keys of a scenario that a plan of serving has no use for, and what would do; empty: usable after all."""


@dataclass(frozen=True)
class ServingQuestion:
    """A model to be served, everything in SI, before it is known on how many accelerators.

    ``weights`` and ``cache`` are stored formats; ``guesses`` tokens are guessed an iteration, each right with
    the chance ``acceptance``; ``demand`` [1/s] is the rate of requests, where one was given; ``token_budget``
    and ``sequences`` are those of an iteration of one attention group at most; ``fixed`` holds degrees fast;
    ``largest`` bounds the accelerators of a replica. ``options`` are those of
    :func:`~gigawatt.machine.build_cluster`; ``pue_mean`` and ``pue_peak`` are of the year and of its hottest
    hour; ``electricity`` [$/J]; ``rate`` [1/yr] is the discount rate; ``chip_life`` [s] is that of
    accelerators and nodes, where it is given, and ``redundancy`` that of the building.
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
    token_budget: float
    sequences: float
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

    @property
    def accepted(self) -> float:
        """Tokens that a decoding sequence gains an iteration."""
        return float(accepted_tokens(guesses=self.guesses, acceptance=self.acceptance))

    def cluster(self, count: int) -> tuple[Cluster, tuple[Assumption, ...]]:
        """``count`` accelerators, and what was assumed to build the cluster."""
        return build_cluster(chip=self.chip, count=count, **self.options)


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
    rate: str | None = None,
    demand: str | None = None,
    objective: str | None = None,
    weights: str | None = None,
    cache: str | None = None,
    precision: str | None = None,
    sparsity: str | None = None,
    engine: str | None = None,
    guesses: int | None = None,
    acceptance: float | None = None,
    token_budget: int | None = None,
    sequences: int | None = None,
    year: int | None = None,
    fixed: Mapping[str, int | None] | None = None,
    largest: int | None = None,
    site: str | None = None,
    pue: float | None = None,
    electricity: str | None = None,
    settings: Mapping[str, object] | None = None,
    **options: Any,
) -> ServingQuestion:
    """Read a question as a person types it.

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
    rate, demand : str, optional
        Requests (``20/s``) or tokens written (``1M tokens/s``) in all; one of them.
    objective : str, optional
        A row of the catalog's ``objectives``, or ``ttft=2s,tpot=50ms,p99``.
    weights, cache : str, optional
        Number formats in which weights, keys and values are stored.
    precision, sparsity : str, optional
        One word for both of them, and for a pattern of zeros (:mod:`~gigawatt.chain.precision`).
    engine : str, optional
        A row of the catalog's ``engines``.
    guesses, acceptance : optional
        Tokens guessed an iteration, and the chance that one is right.
    token_budget, sequences : int, optional
        Of an iteration at most, in place of the engine's usual ones.
    year : int, optional
        Of software and prices; that of a scenario if left out.
    fixed : mapping, optional
        Degrees to hold fast: ``tensor``, ``pipeline``, ``data``, ``expert``.
    largest : int, optional
        Accelerators of a replica at most.
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
        ("site", "site.name", site), ("electricity", "supply.grid.price", electricity),
    ):  # fmt: skip
        words.word(name, key, value)
    given: dict[str, Any] = {
        "trace": trace, "prompt": prompt, "output": output, "arrivals": arrivals, "variation": variation,
        "objective": objective, "weights": weights, "cache": cache, "precision": precision,
        "sparsity": sparsity, "engine": engine, "guesses": guesses, "acceptance": acceptance,
    }  # fmt: skip
    said = {f"serving.{name}": name for name, value in given.items() if value is not None}
    said |= {f"serving.layout.{name}": name for name, value in (fixed or {}).items() if value is not None}
    said |= {"serving.demand": "rate or demand"} if rate is not None or demand is not None else {}
    dotted = {**(settings or {}), **words.machine(options)}
    for key in dotted:
        if key in said:
            raise InputError("given twice", key=key, given=str(dotted[key]), allowed=f"or {said[key]} alone")
    words.settings(dotted)
    told = Told()
    with words.named():
        values = with_defaults(told, words.values, pue)
        fill = Filler(scenario_of({"serving.seed": 0, **values}, HERE, sized=False))
        scenario = fill.loaded.scenario
        section = scenario.serving
        assert section is not None
        held = {name: value for name in DEGREES if (value := getattr(section.layout, name)) is not None}
        found = read_service(
            told, model=model, chip=chip, year=scenario.year, shape=shape, token_budget=token_budget,
            sequences=sequences, largest=largest, fixed={**(fixed or {}), **held},
            **{key: getattr(section, key) if value is None else value for key, value in given.items()},
        )  # fmt: skip
        mean, peak, price = place_of(told, fill, pue)
        fill_chip(fill, found.chip, ())
        fill_money(fill)
        told.assumptions += fill.assumptions
        wanted = _demand(rate, demand, found.traffic)
        if section.demand is not None:
            counted, number = section.demand
            wanted = number / found.traffic.mean_output if counted == "token" else number
    leaves = {name: leaf.value for name, leaf in fill.leaves.items()}
    return replace(
        found,
        chip=leaves["machine.chip"],
        options=leaves["machine.options"],
        demand=wanted,
        pue_mean=mean,
        pue_peak=peak,
        electricity=price,
        rate=leaves["economics.discount_rate"],
        chip_life=leaves["economics.chip_life"],
        redundancy=leaves["site.redundancy"],
        assumptions=tuple(told.assumptions),
        notices=tuple(told.notices),
    )


def read_service(
    told: Told,
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
    shape: str | None = None,
    token_budget: int | None = None,
    sequences: int | None = None,
    largest: int | None = None,
) -> ServingQuestion:
    """The words of :func:`read_serving_question` that are of the service itself, for scenarios too.

    Place and money are left open: a PUE of one, electricity and capital for nothing.
    """
    architecture = read_architecture(model)
    accelerator = _chip(told, chip)
    if accelerator.year > year:
        told.notices.append(f"{accelerator.name} is not sold before {accelerator.year}; the year is {year}")
    software = _engine(told, engine, accelerator, year)
    limit = architecture.max_sequence or None
    weights, cache = served(told, precision, sparsity, (weights, cache), accelerator, architecture)
    traffic = read_traffic(
        told, trace=trace, prompt=prompt, output=output, arrivals=arrivals, variation=variation, shape=shape,
        limit=limit,
    )  # fmt: skip
    guessed, chance = _guesses(told, guesses, acceptance)
    return ServingQuestion(
        architecture=architecture,
        chip=accelerator,
        options={},
        engine=software,
        year=year,
        weights=_stored(told, "weights", weights, WEIGHT_BYTES),
        cache=_cache(told, cache, accelerator),
        guesses=guessed,
        acceptance=chance,
        traffic=traffic,
        demand=None,
        objective=_objective(told, objective, architecture),
        token_budget=_most(told, "token_budget", token_budget, software.token_budget),
        sequences=_most(told, "sequences", sequences, software.max_sequences),
        context_limit=limit,
        fixed=_fixed(fixed),
        largest=None if largest is None else int(_whole("largest", largest)),
        pue_mean=1.0,
        pue_peak=1.0,
        electricity=0.0,
        rate=0.0,
        cap=None,
        assumptions=tuple(told.assumptions),
        notices=tuple(told.notices),
    )


def _chip(told: Told, name: str) -> Chip:
    """The chip; one without bf16 works in fp16 instead."""
    found = load_chip(name)
    if "bf16" in found.peak or "fp16" not in found.peak:
        return found
    told.tell("machine.format", "fp16", f"{found.id} does not multiply in bf16", Grade.modelled)
    peak, joules = dict(found.peak), dict(found.energy_flop)
    peak["bf16"], joules["bf16"] = peak["fp16"], joules["fp16"]
    return replace(found, peak=peak, energy_flop=joules)


def _engine(told: Told, given: str | None, chip: Chip, year: int) -> Engine:
    name = given
    if name is None:
        name = default_engine(chip, year)
        told.tell("serving.engine", name, f"the usual engine for {chip.id} in {year}", Grade.guess)
    try:
        found = load_engine(name)
    except InputError as error:
        raise error.at(key="engine") from None
    for row in engine_rows(name):
        written = f"{row.written} {row.unit if row.unit != '1' else ''}".strip()
        told.row(f"engine.{row.quantity}", row, written, row.note or row.locator)
    return found


def _stored(told: Told, key: str, given: str | None, known: Mapping[str, float]) -> str:
    if given is None:
        return told.default(f"serving.{key}").text("text")
    if given not in known:
        raise InputError(
            "this number format is not known", key=key, given=given, allowed=known,
            nearest=nearest(given, known),
        )  # fmt: skip
    return given


def _cache(told: Told, given: str | None, chip: Chip) -> str:
    known = [name for name in FORMAT_BYTES if name in ("bf16", "fp8")]
    found = _stored(told, "cache", given, {name: FORMAT_BYTES[name] for name in known})
    if found not in chip.peak:
        usable = [name for name in known if name in chip.peak]
        raise InputError(
            f"{chip.id} has no {found} rate for attention", key="cache", given=found, allowed=usable
        )
    return found


def _guesses(told: Told, guesses: int | None, acceptance: float | None) -> tuple[int, float]:
    if guesses is None:
        if acceptance is not None:
            raise InputError("how many tokens are guessed?", key="guesses", allowed="such as 3")
        return 0, 0.0
    count = int(_whole("guesses", guesses, least=0))
    chance = float(told.default("serving.acceptance").text("text")) if acceptance is None else acceptance
    if not 0.0 <= chance <= 1.0:
        raise InputError("not a chance", key="acceptance", given=str(acceptance), allowed="0 to 1")
    return count, chance


def _demand(rate: str | None, demand: str | None, traffic: Traffic) -> float | None:
    if rate is not None and demand is not None:
        raise InputError("the demand stands twice", key="demand", given=demand, allowed=f"or the rate {rate}")
    if rate is not None:
        return read_rate(rate)
    if demand is None:
        return None
    tokens = quantity("demand", demand, "token/s", "1M tokens/s")
    if not tokens > 0.0:
        raise InputError(
            "out of range", key="demand", given=demand, allowed="more than 0, such as '1M tokens/s'"
        )
    return tokens / traffic.mean_output


def _objective(told: Told, given: str | None, architecture: Architecture) -> Objective:
    if given is not None:
        try:
            found = read_objective(given)
        except InputError as error:
            raise error.at(key="objective") from None
        if found.percentile is not None:
            return found
        asked = told.default("serving.percentile").text("text")
        return replace(found, percentile=read_objective(f"ttft=1s,{asked}").percentile)
    for row in catalog.table("objectives").values():
        if row.text("model") == architecture.name:  # the first of a model is that of its server scenario
            told.tell("serving.objective", row.id, row.text("name"), Grade.vendor, row.rows()[0].source_id)
            return read_objective(row.id)
    return read_objective(told.default("serving.objective").text("text"))


def _most(told: Told, key: str, given: int | None, usual: float) -> float:
    if given is not None:
        return _whole(key, given)
    told.tell(f"serving.{key}", f"{usual:g}", "the engine's usual setting", Grade.guess)
    return usual


def _whole(key: str, value: float, least: int = 1) -> float:
    if not math.isfinite(value) or value != int(value) or value < least:
        raise InputError(
            "not a whole number", key=key, given=value, allowed=f"a whole number of {least} or more"
        )
    return float(value)


def _fixed(given: Mapping[str, int | None]) -> dict[str, int]:
    for name in given:
        if name not in DEGREES:
            raise InputError(
                "no such degree", key=name, given=name, allowed=DEGREES, nearest=nearest(name, DEGREES)
            )
    return {name: int(_whole(name, value)) for name, value in given.items() if value is not None}

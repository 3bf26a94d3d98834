"""Leaves of a serving scenario: values of the file, of the catalog, and assumptions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.filler import Filler, beside
from gigawatt.chain.machine.precision import published, served
from gigawatt.chain.serving.day import Scaling
from gigawatt.chain.serving.question import DEGREES, POOLED, ServingQuestion, read_service
from gigawatt.chain.serving.traffic import USER_REQUESTS
from gigawatt.chain.training.reliability import cluster_of
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.graph import Leaf
from gigawatt.core.quantities import parse
from gigawatt.machine import Chip, load_chip
from gigawatt.performance.serving.power import DEFAULT, load_serving_power
from gigawatt.performance.serving.recipes import setting_rows
from gigawatt.workload import read_architecture

__all__ = ["model_and_serving", "power_rows"]

_ENTERS = (
    "model",
    "serving.output",
    "serving.prompt",
    "serving.arrivals",
    *(f"serving.sessions.{key}" for key in ("turns", "first", "new", "output", "think")),
    "serving.percentile",
    "serving.images.size",
    "machine.format",
)
"""Assumptions of a question that have no leaf here."""
_BESIDE = ("serving.tiers.", "serving.adapters.", "speculation.", "serving.drafter")
"""How keys of such begin."""


def model_and_serving(fill: Filler) -> Chip:
    """Fill the leaves of model and serving; returns the chip.

    Raises
    ------
    InputError
        A name that the catalog does not know, lengths or an SLO that cannot be read: with file, line, key.
    """
    scenario = fill.loaded.scenario
    section = scenario.serving
    assert section is not None
    question = _question(fill, section)
    assumption = {one.key: one for one in question.assumptions}
    fill.assumptions.extend(assumption[key] for key in _ENTERS if key in assumption)
    fill.assumptions.extend(load_serving_power(question.chip).assumptions)
    fill.written("model.architecture", "model", question.architecture)
    fill.begun("model.architecture", "model", "models")
    fill.written("scenario.boundary", "boundary", scenario.boundary)
    fill.written("serving.demand", "serving.demand", section.demand)
    if section.demand is not None and section.demand[0] == "user":
        fill.listed(USER_REQUESTS)

    def leaf(key: str, value: Any, given: bool, rows: tuple[Evidence, ...] = ()) -> None:
        name = f"serving.{key}"
        if given or name not in assumption:
            fill.written(name, name, value, rows)
        else:
            _assumed(fill, name, value, assumption[name], rows)

    lengths = next(
        (key for key in ("trace", "prompt", "output", "sessions") if getattr(section, key) is not None), ""
    )
    if lengths:
        fill.written("serving.traffic", f"serving.{lengths}", question.traffic, _trace_rows(section.trace))
    else:
        usual = assumption["serving.trace"]
        _assumed(fill, "serving.traffic", question.traffic, usual, _trace_rows(usual.value), "serving.trace")
    engine, objective = question.engine, question.objective
    leaf("objective", objective, section.objective is not None, _rows("objectives", objective.name))
    leaf("engine", engine, section.engine is not None, setting_rows(engine, question.chip))
    leaf("recipe", question.recipe, section.recipe is not None)
    leaf("weights", question.weights, section.weights is not None)  # given, or what precision means
    leaf("cache", question.cache, section.cache is not None)
    assumed = AssumptionList()
    served_by = (question.chip, question.architecture)
    formats = published(assumed, (section.weights, section.cache), section.precision, *served_by)
    served(assumed, section.precision, section.sparsity, formats, *served_by)
    leaf("precision", tuple(assumed.notices), True)
    leaf("guesses", question.guesses, True)
    leaf("acceptance", question.acceptance, section.acceptance is not None)
    fill.written("serving.speculation", "serving.speculation", question.measured_acceptance)
    fill.written("serving.tiers", "serving.tiers", question.tiers)
    fill.written("serving.adapters", "serving.adapters", question.adapters)
    encoder = next((key for key in ("images", "audio") if getattr(section, key) is not None), "images")
    fill.written("serving.encoded", f"serving.{encoder}", question.encoded)
    fill.assumptions.extend(one for key, one in assumption.items() if key.startswith(_BESIDE))
    leaf("layout", dict(question.fixed), True)
    leaf("prefill", dict(question.prefill), True)
    for key in POOLED:
        leaf(key, getattr(question, key), True)
    leaf("seed", section.seed, True)
    leaf("days", section.days, True)
    fill.written("serving.replicas_given", "serving.replicas", section.replicas)
    fill.given_or_default("serving.mode", section.mode, str)
    routing = question.traffic.routing(section.replicas or math.inf)
    fill.given_or_default("serving.routing", section.routing, str, routing)
    fill.given_or_default("serving.shape", section.shape, str)
    leaf("autoscaling", _autoscaling(fill, section), True)
    _failures(fill, section)
    _simulation(fill, section)
    return question.chip


def power_rows(chip: Chip) -> tuple[Evidence, ...]:
    """The rows of ``serving_power`` behind what a chip and its node draw when they serve."""
    known = catalog.table("serving_power")
    common = known[DEFAULT].rows()
    return (*(known[chip.id].rows() if chip.id in known else ()), *common)


def _question(fill: Filler, section: Any) -> ServingQuestion:
    """The question as ``plan-serving`` reads it, with errors that name file, line and key."""
    scenario = fill.loaded.scenario
    if section.classes is not None:
        error = InputError("the days of a service are of one class of requests", given=section.classes,
                           allowed="gigawatt plan-serving or simulate-serving")  # fmt: skip
        raise fill.loaded.blame(error, "serving.classes")
    trace = None if section.trace is None else str(beside(fill.loaded, section.trace))
    given = {
        key: getattr(section, key)
        for key in (
            "prompt", "output", "sessions", "arrivals", "variation", "objective", "weights", "cache",
            "precision", "sparsity", "engine", "recipe", "guesses", "acceptance", "speculation", "tiers",
            "adapters", "images", "audio", *POOLED,
        )
    }  # fmt: skip
    model = beside(fill.loaded, scenario.model)
    fill.ask("model", lambda: read_architecture(model))
    chip = str(beside(fill.loaded, scenario.machine.chip))
    fill.ask("machine.chip", lambda: load_chip(chip))
    try:
        return read_service(
            AssumptionList(), model=str(model), chip=chip, trace=trace, year=scenario.year,
            fixed={name: getattr(section.layout, name) for name in DEGREES},
            prefill={name: getattr(section.prefill, name) for name in DEGREES}, **given,
        )  # fmt: skip
    except GigawattError as error:
        raise _placed(fill, error) from None


def _placed(fill: Filler, error: GigawattError) -> GigawattError:
    """The error with the key of the scenario that it is about, and where that stands."""
    if error.file is not None and Path(error.file).is_file():
        return error  # a trace that cannot be read: says its own line
    if error.file is not None:
        error.file, error.given, error.key = None, str(error.file), "trace"
    name = "" if error.key is None else error.key.split(".")[0]
    whole = f"serving.{error.key}"
    written = whole if whole in fill.loaded.lines else f"serving.{name}"
    key = f"serving.layout.{name}" if name in DEGREES else written if name else "serving"
    error.key = key
    fill.loaded.blame(error, key)
    error.line = fill.loaded.lines.get(key, fill.loaded.lines.get("serving"))
    return error


def _assumed(
    fill: Filler, name: str, value: Any, assumption: Assumption, rows: tuple[Evidence, ...], key: str = ""
) -> None:
    """A default that a question told; where it is rows of the catalog, those have the grades."""
    grade = None if rows else assumption.grade
    fill.leaves[name] = Leaf(
        value, "default", reason=assumption.reason, written=assumption.value, evidence=rows, grade=grade
    )
    assert assumption.key == (key or name)
    fill.assumptions.append(assumption)


def _rows(table: str, name: str) -> tuple[Evidence, ...]:
    """The rows of an entry, if ``name`` is one."""
    try:
        return catalog.entity(table, name).rows()
    except InputError:
        return ()


def _trace_rows(name: str | None) -> tuple[Evidence, ...]:
    return () if name is None else _rows("traces", name)


def _seconds(text: str) -> float:
    return parse(text, "s")


def _autoscaling(fill: Filler, section: Any) -> Scaling | None:
    given = section.autoscaling
    if given is None:
        return None
    if given.target is not None and not given.target > 0.0:
        error = InputError("must be positive", given=given.target, allowed="requests per replica")
        raise fill.loaded.blame(error, "serving.autoscaling.target")
    least, target = given.minimum, given.target
    times = [
        _seconds(fill.listed(f"serving.autoscaling_{name}")) for name in ("interval", "start_up", "cool_down")
    ]
    return Scaling(
        parse(fill.listed("serving.autoscaling_minimum"), "1") if least is None else least,
        target,
        parse(fill.listed("serving.autoscaling_full"), "1") if target is None else 1.0,
        *times,
    )


def _failures(fill: Filler, section: Any) -> None:
    """What outages of replicas take besides rows of the catalog, where they count."""
    if section.failures is None and section.availability is None:
        return
    if section.failures is None:
        chip = load_chip(str(beside(fill.loaded, fill.loaded.scenario.machine.chip)))
        fill.default(
            "serving.failures",
            None,
            cluster_of(chip.id),
            "no cluster of failure rates is set: that of the chip",
        )
    if section.availability is not None and not section.availability < 1.0:
        error = InputError(
            "is reached by no reserve", given=f"{section.availability:.0%}", allowed="below 100 %"
        )
        raise fill.loaded.blame(error, "serving.availability")
    fill.given_or_default("serving.restart", None, _seconds, "serving.autoscaling_start_up")


def _simulation(fill: Filler, section: Any) -> None:
    """Limits of the simulation."""
    fill.given_or_default("serving.simulated_requests", section.simulated_requests, int)
    fill.given_or_default("serving.simulated_replicas", section.simulated_replicas, int)
    fill.given_or_default("serving.simulated_hour", None, _seconds)

"""The graph's leaves of a scenario: values of the file, of the catalog, and assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt import catalog
from gigawatt.chain.filler import Filler, beside, clock_rows
from gigawatt.chain.graph import graph_of
from gigawatt.chain.machine.precision import TRAINED, training_format
from gigawatt.chain.shared_leaves import (
    fill_chip,
    fill_cooling,
    fill_grid,
    fill_money,
    fill_place,
    fill_spares,
    fill_supply,
    fill_year,
)
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.core.graph import Graph, Leaf
from gigawatt.core.once import once, stamp
from gigawatt.core.quantities import parse, show
from gigawatt.machine import Chip, load_chip
from gigawatt.performance import Software, Stack, load_optimizer, load_software, usual_software
from gigawatt.performance.software import OFFERED
from gigawatt.schema.fields import fields
from gigawatt.schema.pins import WORDS
from gigawatt.schema.scenario import LoadedScenario, value_of
from gigawatt.workload import Architecture, read_architecture
from gigawatt.workload.sized import sized_assumption

__all__ = ["fill_leaves", "fill_training"]

#: Formats in which a model can be trained, in the order of preference.
_FORMATS = ("bf16", "fp16", "tf32", "fp32", "fp8")


def fill_leaves(loaded: LoadedScenario) -> tuple[dict[str, Leaf], tuple[Assumption, ...]]:
    """Every leaf of a scenario's chain, and the assumptions made on the way.

    Raises
    ------
    InputError
        A name that the catalog does not know, a file that is not there or cannot be read: with the
        scenario's file, line and key.
    """
    fill = Filler(loaded)
    scenario = loaded.scenario
    if scenario.training is not None:
        fill_training(fill)
    elif not loaded.serves:
        fill_year(fill)
    else:
        fill_year(fill)
        from gigawatt.chain.serving.leaves import (
            model_and_serving,  # which reads what training needs not
        )

        chip = model_and_serving(fill)
        fill_chip(fill, chip, ())
    fill_place(fill)
    fill_cooling(fill)
    fill_spares(fill)
    fill_grid(fill)
    fill_supply(fill)
    fill_money(fill)
    graph = graph_of(loaded)
    _fields(fill, graph)
    cut = fill.leaves.keys() - graph.nodes.keys()  # what a given field stands in for assumes nothing
    leaves = {name: leaf for name, leaf in fill.leaves.items() if name not in cut}
    return leaves, tuple(one for one in fill.assumptions if one.key not in cut)


def _fields(fill: Filler, graph: Graph) -> None:
    """Leaves that are fields of the scenario as they are, read by no function of their own."""
    for name in graph.leaves():
        if name not in fill.leaves and name in fields():
            value = value_of(fill.loaded.scenario, name)
            if fields()[name].file and isinstance(value, str):
                value = str(beside(fill.loaded, value))
            fill.written(name, name, value)
    if "ledger.assets" in graph.leaves():
        fill.written("ledger.assets", "economics", {})


def fill_training(fill: Filler) -> None:
    """Leaves of model, training and machine of a scenario that trains; errors of :func:`fill_leaves`."""
    training = fill.loaded.scenario.training
    assert training is not None
    fill_year(fill)
    fill.written("scenario.boundary", "boundary", fill.loaded.scenario.boundary)
    _model_and_training(fill, training)
    _machine(fill, training)
    if fill.loaded.scenario.rl.steps is not None:
        from gigawatt.chain.training.rl.leaves import fill_rollouts  # which other training needs not

        fill_rollouts(fill)


def _model_and_training(fill: Filler, training: Any) -> None:
    scenario = fill.loaded.scenario
    named = beside(fill.loaded, scenario.model)
    model = fill.ask("model", lambda: once(("model", stamp(named)), lambda: read_architecture(named)))
    fill.written("model.architecture", "model", model)
    fill.begun("model.architecture", "model", "models")
    fill.assumptions += sized_assumption(str(named))
    fill.written("training.adapters", "training.adapters", training.adapters)
    if scenario.rl.steps is not None:
        fill.written("training.runs_given", "training.runs", training.runs)
        _overhead(fill, training)
        return  # tokens, sequence and batch are those of the rollouts
    fill.written("training.tokens", "training.tokens", training.tokens * training.epochs)
    if training.sequence is None:
        row = catalog.entity("defaults", "training.sequence")
        usual = parse(row.text("text"), "token")
        longest = float(model.max_sequence or usual)
        if longest >= usual:
            fill.default("training.sequence", int(usual), row.text("text"), row.text("reason"), row)
        else:
            shown, why = show(longest, "tokens"), "the model's own longest sequence"
            fill.default("training.sequence", int(longest), shown, why, grade=Grade.vendor)
    else:
        fill.written("training.sequence", "training.sequence", int(training.sequence))
    fill.given_or_default(
        "training.global_batch", training.global_batch, lambda t: ("token", parse(t, "token"))
    )
    held = training.global_batch is not None or training.step_time is not None
    fill.written("training.batch_held", "training.global_batch", held)
    fill.written("training.runs_given", "training.runs", training.runs)
    _overhead(fill, training)


def _overhead(fill: Filler, training: Any) -> None:
    """What a whole run takes besides steps and failures; a goodput that is given holds it."""
    name = "training.overhead"
    if training.overhead is not None:
        if training.goodput is not None:
            error = InputError("lost time is given twice", given="training.goodput as well",
                               allowed="training.overhead or training.goodput")  # fmt: skip
            raise fill.loaded.blame(error, name)
        fill.written(name, name, training.overhead)
    elif training.goodput is not None:
        fill.leaves[name] = Leaf(0.0, "scenario", reason="training.goodput holds it", written="")
    else:
        row = catalog.entity("reliability", "whole-run").evidence("overhead")
        shown = f"{100.0 * row.value:g} %"
        fill.leaves[name] = Leaf(row.value, "catalog", reason=row.note, written=shown, evidence=(row,))
        fill.assumptions.append(row.assumption(name, row.note, shown))


def _machine(fill: Filler, training: Any) -> None:
    scenario = fill.loaded.scenario
    machine = scenario.machine
    chip = fill.ask("machine.chip", lambda: load_chip(str(beside(fill.loaded, machine.chip))))
    asked = fill.ask(
        "training.sparsity" if training.precision is None else "training.precision",
        lambda: training_format(training.precision, training.sparsity, training.number_format),
    )
    written = fill.given_or_default("training.number_format", asked, str)
    if training.precision is not None:
        fill.assumptions.append(Assumption("training.precision", written, TRAINED, Grade.guess))
    if asked is not None and chip.peak and asked not in chip.peak:
        error = InputError(
            f"{chip.id} does not support this number format", given=asked, allowed=chip.peak,
            nearest=nearest(asked, chip.peak),
        )  # fmt: skip
        raise fill.loaded.blame(
            error, "training.number_format" if training.precision is None else "training.precision"
        )
    if asked is None and written not in chip.peak and chip.peak:
        known = next((name for name in _FORMATS if name in chip.peak), next(iter(chip.peak)))
        del fill.assumptions[-1]
        fill.default("training.number_format", known, known, f"{chip.id} has no {written} rate")
    fill_chip(fill, chip, tuple(row for row in clock_rows(chip) if row.quantity == "training_factor"))
    pins = {k: v for k, v in scenario.layout.model_dump(exclude={"widen"}).items() if v is not None}
    fixed = {k: WORDS.get(k, {}).get(v, v) for k, v in pins.items()}
    stack = _software(fill, chip, fixed)
    optimizer = training.optimizer
    if optimizer is None:
        own = stack.optimizer
        fill.default("training.optimizer", own, own, "the software's own recipe", grade=Grade.modelled)
        fill.with_rows("training.optimizer", catalog.entity("optimizers", stack.optimizer).rows())
    else:
        fill.ask("training.optimizer", lambda: load_optimizer(optimizer))
        rows = catalog.entity("optimizers", optimizer).rows()
        fill.written("training.optimizer", "training.optimizer", optimizer, rows)
    fill.written("layout.fixed", "layout", fixed)
    widened = tuple(dict.fromkeys((*scenario.layout.widen, *stack.widens)))
    fill.written("layout.widen", "layout.widen", widened)


def _software(fill: Filler, chip: Chip, layout: Mapping[str, int]) -> Stack:
    """The leaf of the software's parameters, and as assumptions what of it is not said."""
    asked, name = fill.loaded.scenario.software, "software.stack"
    year = fill.loaded.scenario.year
    where = next((f"software.{one}" for one in ("framework", "version") if getattr(asked, one)), "software")
    model: Architecture = fill.leaves["model.architecture"].value
    number_format: str = fill.leaves["training.number_format"].value

    def load() -> Software:
        said = {"chip": chip, "version": asked.version, "flags": asked.flags, "year": year}
        said |= {"layout": layout, "number_format": number_format}
        if asked.framework is not None:
            return load_software(framework=asked.framework, model=model.name, **said)
        return usual_software(model, **said)

    found = fill.ask(where, load)
    stack, rows = found.stack(), found.rows()
    if asked.framework is not None:
        fill.written(name, where, stack, rows)
    else:
        compared = model.routed and bool(found.others)
        which = "the quickest for this mixture of experts among the usual" if compared else "the likeliest"
        why = f"{which} software of {chip.id} in {int(found.date)}"
        why += " that has the given layout" if layout.keys() & set(OFFERED) else ""
        fill.default(name, stack, found.label, why, grade=Grade.guess)
        fill.with_rows(name, rows)
    unsure = [
        f"{flag} {value} ({found.shares[flag][value]:.0%})"
        for flag in found.unsure
        for value in (found.settings[flag],)
    ]
    if unsure:
        told = "of what is not known the likeliest value of every flag"
        if found.recipe:
            told += f", by {found.framework}'s recipe for this model, chip and format: {found.recipe}"
        fill.assumptions.append(Assumption("software.flags", ", ".join(unsure), told, Grade.guess))
    return stack

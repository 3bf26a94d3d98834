"""Co-design: chip, memory, links, number format, model shape, machine and power source together.

The front of designs that none beats in money, energy, time and capital, beside today's best chip, found by
:mod:`~gigawatt.studies.codesign.evolve` over :mod:`~gigawatt.studies.codesign.model`, under limits of area,
power, cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gigawatt import catalog
from gigawatt.chain.asking import Asker, Point
from gigawatt.chain.training.question import TrainingQuestion, question_of
from gigawatt.core.checks import check_word
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.quantities import parse
from gigawatt.machine import load_chip
from gigawatt.machine.chip.design_file import read_design
from gigawatt.machine.chip.parts import Design
from gigawatt.machine.prices import bought_in
from gigawatt.performance.search import non_dominated
from gigawatt.schema.fields import LOAD
from gigawatt.studies.codesign.evolve import Evolved, check_population, evolve, spread_out
from gigawatt.studies.codesign.explain import todays_best
from gigawatt.studies.codesign.fields import check_fields, replaced_chip
from gigawatt.studies.codesign.model import (
    Limits,
    Model,
    Outcome,
    ServingModel,
    Source,
    TrainingModel,
    metrics_of,
    usual_links,
)
from gigawatt.studies.codesign.space import space_of

__all__ = ["CoDesign", "Today", "co_design", "read_limits", "read_model", "todays_chips"]

Progress = Callable[[str, float], None]

FRONT = 200
"""Designs of a front that are told, the most crowded left out."""
_SEEDED = 24
"""Points of today's hardware at its best that the search begins with."""
_SHIPPING = ("shipping", "cloud")
_RECENT = 3
"""Years for which a chip of the catalog is one of today's."""
_TRAINED_IN = ("bf16", "fp8")
_SERVED_IN = ("bf16", "fp8")


@dataclass(frozen=True)
class Today:
    """A chip of the catalog at the same question: its outcome on so many accelerators in a format.

    ``priced`` says whether its price is known, rather than a regression on its rate.
    """

    chip: str
    count: int
    form: str
    priced: bool
    outcome: Outcome


@dataclass(frozen=True)
class CoDesign:
    """What was found.

    ``twin`` is today's chip built from its parts at the scenario's choices, ``held`` the front of its
    hardware with all else free; ``today`` the catalog's chips that none beats, ``best`` the cheapest run of
    all whose price is known, ``own`` the catalog's chip of the twin in the same use; ``front`` the designs,
    cheapest first, of ``size`` that were found; ``evolved`` everything that was looked at.
    """

    model: Model
    serves: bool
    twin: Outcome
    held: tuple[Outcome, ...]
    own: Today | None
    today: tuple[Today, ...]
    best: Today | None
    front: tuple[Outcome, ...]
    size: int
    evolved: Evolved
    population: int
    generations: int
    seed: int
    notices: tuple[str, ...]
    cpu_seconds: float

    def least(self, metric: str) -> Outcome:
        """The design of the front with the least of a metric."""
        return min(self.front, key=lambda one: one.metrics[metric])

    def named(self) -> dict[str, Outcome]:
        """Designs of the front that are told about: the least of each objective, and the balanced one."""
        found = {f"least {name}": self.least(name) for name in self.model.objectives}
        return {**found, "balanced": self.balanced()}

    def balanced(self) -> Outcome:
        """The design of the front whose largest metric, over the twin's, is least."""
        names = self.model.objectives
        return min(self.front, key=lambda one: max(one.metrics[m] / self.twin.metrics[m] for m in names))


def read_limits(written: Sequence[str], serves: bool) -> Limits:
    """Limits such as ``"power <= 40 MW"`` on metrics of a design.

    Raises
    ------
    InputError
        Not such a limit, an unknown metric (with the nearest), a wrong unit, one twice.
    """
    known, found = metrics_of(serves), dict[str, float]()
    for text in written:
        name, sign, value = (part.strip() for part in text.replace("≤", "<=").partition("<="))
        if not sign or not value:
            raise InputError("not a limit", key="--limit", given=text, allowed="'METRIC <= VALUE unit'")
        check_word("--limit", name, known, "no such metric")
        if name in found:
            raise InputError("this metric has a limit already", key="--limit", given=text)
        try:
            found[name] = parse(value, known[name])
        except InputError as error:
            error.key = f"--limit {name}"
            raise
        if not found[name] > 0.0:
            raise InputError("out of range", key=f"--limit {name}", given=value, allowed="more than 0")
    return found


def read_model(
    asker: Asker,
    design: str,
    *,
    design_settings: Mapping[str, str] | None = None,
    sources: Sequence[Sequence[str]] = (),
    formats: Sequence[str] = (),
    limits: Sequence[str] = (),
    held: Sequence[str] = (),
    progress: Progress | None = None,
) -> Model:
    """The model of a co-design: a scenario, and a chip's design to vary.

    Parameters
    ----------
    asker : Asker
        The scenario; it trains or serves.
    design : str
        Of the catalog's ``chip_designs``, or a file: one kind of die with stacks beside it.
    design_settings : mapping, optional
        Dotted keys of the design set on top.
    sources : sequence of sequences of str
        Sets of plants to choose from beside the scenario's own.
    formats : sequence of str
        Number formats to choose from; what the catalog's chips train or serve in without a known loss where
        left out.
    limits, held : sequence of str
        As :func:`read_limits` reads them; genes that stay as they are.
    progress : callable, optional
        Called with (what is done, share done).

    Raises
    ------
    GigawattError
        What the scenario, the design or a name in them lacks.
    """
    template = read_design(design, design_settings)
    for key in ("scale_up", "scale_out", "node"):
        if not getattr(template, key):
            raise InputError("this design names none", key=f"links.{key}", given=design)
    links = usual_links(template)
    if asker.base.branch == LOAD:
        allowed = "a training: or serving: section"
        raise InputError("not a scenario with a model", file=asker.base.file, allowed=allowed)
    serves = asker.base.serves
    bounds = read_limits(limits, serves)
    own = template.kin
    check_fields(asker, own)
    # the question is asked of the chip that the template is like, so that defaults are that chip's
    base = Asker(asker.base, {**asker.settings, "machine.chip": own}) if own else asker
    found = [_source(base, None)]
    for i, plants in enumerate(sources):
        if progress is not None:
            progress(f"Electricity of {' + '.join(plants)}", 0.05 * i / max(len(sources), 1))
        one = _source(base, list(plants))
        if one.name not in [known.name for known in found]:
            found.append(one)
    point = base.at({})
    question: Any = point.value("serving.question").value if serves else _training(base, point)
    form = question.weights if serves else question.number_format
    genes = space_of(
        template,
        scale_up=links[0].bandwidth,
        domain=template.domain or links[2].chips,
        formats=_formats(template, formats, serves),
        form=form,
        sources=[one.name for one in found],
        serves=serves,
        held=held,
    )
    more: dict[str, Any] = {
        "links": links, "limits": bounds, "shared": dict(question.options),
        "notices": replaced_chip(asker, own),
    }  # fmt: skip
    if serves:
        return ServingModel(question, template, genes, found, **more)
    count = int(point.value("machine.count").value) // int(point.value("training.runs").value)
    return TrainingModel(question, count, template, genes, found, **more)


def _formats(template: Design, formats: Sequence[str], serves: bool) -> list[str]:
    """Number formats to choose from: those that were asked for, or the usual ones that the design has."""
    unknown = [form for form in formats if form not in template.formats]
    if unknown:
        raise InputError(
            "the design does not multiply in this format", key="--formats", given=unknown[0],
            allowed=template.formats, nearest=nearest(unknown[0], template.formats),
        )  # fmt: skip
    usual = _SERVED_IN if serves else _TRAINED_IN
    return [form for form in (formats or usual) if form in template.formats]


def _source(asker: Asker, plants: list[str] | None) -> Source:
    """What electricity of a set of plants costs at the site, and what it emits."""
    changes: dict[str, object] = {} if plants is None else {"supply.plants": plants}
    point = asker.at(changes)
    names = plants if plants is not None else list(point.value("supply.plants").value)
    return Source(
        " + ".join(names),
        float(point.value("supply.electricity_cost").value),
        float(point.value("supply.carbon_intensity").value),
    )


def _training(asker: Asker, point: Point) -> TrainingQuestion:
    """The question of the scenario, on its chip: electricity at the price of its supply plan."""
    return question_of(
        asker.leaves({}),
        pue_mean=float(point.value("facility.pue").value),
        pue_peak=float(point.value("machine.pue_peak").value),
        electricity=float(point.value("supply.electricity_cost").value),
        cap=point.value("machine.cap").value,
    )


def todays_chips(model: Model, year: int, progress: Progress | None = None) -> tuple[Today, ...]:
    """The catalog's chips that can be bought or rented by a year, at the same question, each at its best.

    With their own node, links and domain, the scenario's model and first source of power; every number of
    accelerators that the co-design may choose, the cheapest kept.
    """
    found: list[Today] = []
    rows = [
        row
        for row in catalog.table("chips").values()
        if row.text("status") in _SHIPPING
        and year - _RECENT <= int(row.text("year") or "0") <= year
        and row.text("default_node")
    ]
    for i, row in enumerate(rows):
        if progress is not None:
            progress(f"Today's chips: {row.id}", 0.05 + 0.1 * i / len(rows))
        each = ((ratio, _today(model, row.id, ratio, year, rough=True)) for ratio in _counts(model))
        ways = [(ratio, one) for ratio, one in each if one is not None]
        if ways:
            ratio, screened = min(ways, key=lambda way: way[1].outcome.metrics["cost"])
            found.append(_today(model, row.id, ratio, year, (screened.form,)) or screened)
    return tuple(found)


def _priced(name: str) -> bool:
    return catalog.table("chips")[name].get("price") is not None


def _counts(model: Model) -> tuple[float, ...]:
    gene = next((one for one in model.genes if one.key == "count"), None)
    return (1.0,) if gene is None else tuple(float(v) for v in gene.values)


def _today(
    model: Model, name: str, ratio: float, year: int, forms: Sequence[str] = (), *, rough: bool = False
) -> Today | None:
    source = next(iter(model.sources.values()))
    try:
        own = model.chip
        chip = own if name == own.id else bought_in(load_chip(name), year)
        metrics = {"chip_price": chip.price, "chip_power": chip.power_limit, "die_area": chip.die_area}
        best: Today | None = None
        for form in forms or next(gene.values for gene in model.genes if gene.key == "format"):
            if form not in chip.peak:
                continue
            if isinstance(model, TrainingModel):
                question = replace(
                    model.question, chip=chip, options=model.shared, number_format=str(form),
                    electricity=source.electricity,
                )  # fmt: skip
                count = model.accelerators(ratio)
                outcome = model.run((), question, count, source, metrics, rough=rough)
            else:
                assert isinstance(model, ServingModel)
                asked = replace(
                    model.question, chip=chip, options=model.shared, weights=str(form),
                    electricity=source.electricity,
                )  # fmt: skip
                count, outcome = 0, model.serve((), asked, source, metrics)
            past = [outcome.metrics.get(k, np.inf) / most - 1.0 for k, most in model.limits.items()]
            if not outcome.metrics or max(past, default=0.0) > 0.0:
                continue
            if best is None or outcome.metrics["cost"] < best.outcome.metrics["cost"]:
                best = Today(name, count, str(form), _priced(name), outcome)
    except (GigawattError, ValueError):
        return None
    return best


def co_design(
    model: Model,
    *,
    population: int = 100,
    generations: int = 40,
    seed: int = 0,
    year: int = 2026,
    progress: Progress | None = None,
) -> CoDesign:
    """The front of designs beside today's chips.

    Parameters
    ----------
    model : Model
        Of :func:`read_model`.
    population, generations, seed : int
        Of the evolution.
    year : int
        Chips of the catalog up to it are today's.
    progress : callable, optional
        Called with (what is done, share done).

    Raises
    ------
    InputError
        No design keeps the limits: names the nearest.
    """
    check_population(population)
    started = time.process_time()
    twin = model.outcome(model.own)
    if not twin.metrics:
        raise InputError("today's chip cannot do this", given=model.design.id, allowed=twin.reason)
    today = todays_chips(model, year, progress)
    held = todays_best(model, seed=seed)
    start = np.concatenate(
        [_around(model), *(np.array([one.genes], dtype=np.int64) for one in held[:_SEEDED])]
    )

    def report(words: str, share: float) -> None:
        if progress is not None:
            progress(words, 0.15 + 0.8 * share)

    found = evolve(
        [len(gene.values) for gene in model.genes],
        [gene.ordered for gene in model.genes],
        model.evaluate,
        population=population,
        generations=generations,
        seed=seed,
        start=start,
        progress=report,
    )
    form = next(str(gene.values[gene.own]) for gene in model.genes if gene.key == "format")
    return CoDesign(
        model=model,
        serves=isinstance(model, ServingModel),
        twin=twin,
        held=held,
        own=_today(model, model.design.kin, 1.0, year, (form,)) if model.design.kin else None,
        today=_unbeaten(model, today),
        best=min(
            (one for one in today if one.priced), key=lambda one: one.outcome.metrics["cost"], default=None
        ),
        front=_front(model, found),
        size=len(found.front),
        evolved=found,
        population=population,
        generations=generations,
        seed=seed,
        notices=_notices(model),
        cpu_seconds=time.process_time() - started,
    )


def _front(model: Model, found: Evolved) -> tuple[Outcome, ...]:
    """Designs that none beats, spread out over the front, the cheapest first."""
    if not len(found.front):
        near = model.outcome(found.genes[int(np.argmin(found.excess))].tolist())
        raise InputError(
            "no design meets every limit", key="--limit",
            given=", ".join(f"{name} <= {value:.4g}" for name, value in model.limits.items()),
            allowed=f"the nearest misses it by {near.excess:.1%}" if near.metrics else near.reason,
        )  # fmt: skip
    chosen = found.front[spread_out(np.log(found.values[found.front]), FRONT)]
    designs = [model.outcome(found.genes[i].tolist()) for i in chosen]
    return tuple(sorted(designs, key=lambda one: one.metrics["cost"]))


def _unbeaten(model: Model, today: Sequence[Today]) -> tuple[Today, ...]:
    """Chips of the catalog that none of them beats in every objective, the cheapest first."""
    points = np.array([[one.outcome.metrics[m] for m in model.objectives] for one in today])
    rows = np.flatnonzero(non_dominated(points)) if len(points) else np.zeros(0, dtype=np.intp)
    return tuple(sorted((today[int(i)] for i in rows), key=lambda one: one.outcome.metrics["cost"]))


def _around(model: Model) -> np.ndarray:
    """Today's genes, and each with one of them a step away."""
    rows = [model.own]
    for k, gene in enumerate(model.genes):
        steps = (-1, 1) if gene.ordered else range(-gene.own, len(gene.values) - gene.own)
        rows += [
            (*model.own[:k], gene.own + step, *model.own[k + 1 :])
            for step in steps
            if step and 0 <= gene.own + step < len(gene.values)
        ]
    return np.array(rows, dtype=np.int64)


def _notices(model: Model) -> tuple[str, ...]:
    told = [
        *model.notices,
        "a link between dies costs area, edge and watts, no time: dies work as one",
        "the network between domains, the software and the cooling of the site stay as they are today",
    ]
    if isinstance(model, TrainingModel):
        told.append(
            "models of another size reach the same loss by Chinchilla's law, median of 1,000 fits; "
            "another aspect is taken to cost no loss"
        )
    else:
        told.append("the model stays as it is; replicas are steady, with no event engine behind them")
    return tuple(told)

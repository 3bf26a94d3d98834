"""A training run to be planned, made of words, before its number of accelerators is known.

Words and dotted settings are keys of a scenario, read by :mod:`gigawatt.schema.scenario` and filled in by
:mod:`gigawatt.chain.leaves`, so that units, names, defaults and errors are those of ``gigawatt run``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.chain.assumption_list import AssumptionList, counted
from gigawatt.chain.filler import Filler, clock_rows
from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.leaves import fill_training
from gigawatt.chain.machine.hybrids import training_notices
from gigawatt.chain.machine.precision import TRAINED
from gigawatt.chain.question_words import HERE, Words, place_of, with_defaults
from gigawatt.chain.training.budget import Trial
from gigawatt.chain.training.reliability import CLUSTER, cluster_of, reliability_rows
from gigawatt.chain.training.terms import RunTerms
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.graph import Leaf
from gigawatt.core.paths import is_device
from gigawatt.core.quantities import compact, show
from gigawatt.machine import Chip
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.fields import TRAINING
from gigawatt.schema.pins import read_pins, read_widen, word_of
from gigawatt.workload import Architecture, read_architecture

__all__ = ["TrainingQuestion", "question_of", "read_question"]

_WORDS = {
    "model": "model", "chip": "machine.chip", "tokens": "training.tokens", "sequence": "training.sequence",
    "batch": "training.global_batch", "format": "training.number_format",
    "precision": "training.precision", "sparsity": "training.sparsity", "optimizer": "training.optimizer",
    "framework": "software.framework", "software_version": "software.version",
    "year": "year", "site": "site.name", "electricity": "supply.price",
    "reliability": "training.failures",
    "cap": "machine.power_cap", "widen": "layout.widen",
}  # fmt: skip
"""Keyword → key of the scenario."""
_COUNTED = {"training.tokens": "tokens", "training.sequence": "tokens", "training.global_batch": "sequences"}
"""Keys that accept a bare number, with its unit."""
_REFUSED = {
    "serving": "this is a training run; gigawatt plan-serving has words for serving",
    "machine.count": "--count", "machine.power": "--power",
    "economics.budget": "gigawatt run SCENARIO, whose capital counts plants as well",
    "training.runs": "one run is read here, on its part of the accelerators",
    "site.oversubscription": "gigawatt run SCENARIO caps hours of the year",
    "site.weather_years": "gigawatt run SCENARIO plans plants over several years",
    "name": "a plan has no name; gigawatt run SCENARIO has one",
    "training.step_time": "gigawatt run SCENARIO takes one; a plan computes it",
    "load": "gigawatt run SCENARIO takes one; a plan computes it",
    "rl": "a plan has no rollouts; gigawatt run SCENARIO computes reinforcement learning",
    "supply.grid.price": "", "supply.price": "",
    "supply": "a plan buys electricity at one price, supply.price; gigawatt run SCENARIO plans plants",
    "carbon": "a plan counts no carbon; gigawatt run SCENARIO does",
}  # fmt: skip
"""Unused keys of a scenario and their replacement; empty: the key is used."""


_PRICE = "supply.price"
_TARGETS = ("training.duration", "training.duration_high", "machine.power_it", "machine.chip_power",
            "facility.pue")  # fmt: skip
_READ = (_PRICE, "supply.grid", "economics.discount_rate", "economics.chip_life", "site.redundancy",
         "machine.size", "scenario.year")  # fmt: skip
"""Quantities that a plan answers, and leaves that it reads besides; its electricity has one price."""


@dataclass(frozen=True, kw_only=True)
class TrainingQuestion(RunTerms):
    """A run to be planned, everything in SI, before it is known on how many accelerators.

    ``pue_mean`` and ``pue_peak`` are of the year and of its hottest hour; ``electricity`` [$/J]; ``rate``
    [1/yr]; a model of another size is trained on ``tokens_per_parameter`` of its active parameters (``None``:
    the same tokens); ``chip_life`` [s] is that of accelerators and nodes, where it is given, and
    ``redundancy`` that of the building.
    """

    pue_mean: float
    pue_peak: float
    electricity: float
    rate: float
    tokens_per_parameter: float | None
    assumptions: tuple[Assumption, ...]
    notices: tuple[str, ...] = ()
    chip_life: float | None = None
    redundancy: Entity | None = None

    @property
    def trial(self) -> Trial:
        """The run on any number of accelerators, at their own power limit."""
        return Trial(replace(self, cap=None))

    def of(self, architecture: Architecture) -> TrainingQuestion:
        """The same question about a model of another size."""
        if self.tokens_per_parameter is None:
            return replace(self, architecture=architecture)
        tokens = self.tokens_per_parameter * architecture.active_parameters
        return replace(self, architecture=architecture, tokens=tokens)


def read_question(
    *,
    model: str,
    chip: str,
    tokens: str | None = None,
    sequence: str | None = None,
    batch: str | None = None,
    number_format: str | None = None,
    precision: str | None = None,
    sparsity: str | None = None,
    optimizer: str | None = None,
    framework: str | None = None,
    software_version: str | None = None,
    year: int | None = None,
    pins: Mapping[str, str | int] | None = None,
    widen: tuple[str, ...] = (),
    site: str | None = None,
    pue: float | None = None,
    electricity: str | None = None,
    reliability: str | None = None,
    cap: str | None = None,
    settings: Mapping[str, object] | None = None,
    **options: Any,
) -> TrainingQuestion:
    """Read a question as a person types it.

    Parameters
    ----------
    model, chip : str
        Names of the catalog (a model may be the path of a ``config.json``).
    tokens, sequence, batch, electricity : str, optional
        With units: ``15.6T tokens``, ``8192``, ``16M tokens`` or ``2048 sequences``, ``60 $/MWh``.
    number_format, optimizer, framework, software_version : str, optional
        As the catalog names them; a version is a release or a year.
    precision, sparsity : str, optional
        A word for the number format (:mod:`~gigawatt.chain.machine.precision`); no sparsity is trained with.
    year : int, optional
        Of software and prices; that of a scenario if left out.
    pins : mapping, optional
        Layout columns to hold fast.
    widen : names
        Rare columns to search too: ``schedule``, ``shard``, ``offload``, or ``all`` of them.
    site, pue
        Where the data centre stands (its weather and grid), or its PUE.
    reliability : str, optional
        A cluster of the catalog's ``reliability`` that fails like this one.
    cap : str, optional
        Largest power of an accelerator, such as ``500 W``.
    settings : mapping, optional
        Keys of a scenario with values as they stand in its file: ``{"economics.chip_life": "3 years"}``.
    **options
        Of the machine: node, scale_up, scale_out, domain, oversubscription, topology; or dotted keys, as in
        ``settings``.

    Returns
    -------
    TrainingQuestion
        ``assumptions`` lists every default.

    Raises
    ------
    InputError, MissingDataError
        A name or quantity that cannot be read, a number that the catalog lacks; a key of a scenario that a
        planned run cannot use, or that a word gives as well.
    """
    words = Words("plan-training", _REFUSED)
    given = {
        "model": model, "chip": chip, "tokens": tokens, "sequence": sequence, "batch": batch,
        "format": number_format, "precision": precision, "sparsity": sparsity, "optimizer": optimizer,
        "framework": framework, "software_version": software_version,
        "site": site, "electricity": electricity, "cap": cap, "year": year,
        "widen": list(read_widen(widen)) or None, "reliability": reliability,
    }  # fmt: skip
    for word, key in _WORDS.items():
        words.word(word, key, given[word])
    for column, number in read_pins(pins or {}).items():
        words.word(column, f"layout.{column}", _pinned(column, number))
    words.settings({**(settings or {}), **words.machine(options)})
    with words.named():
        graph = graph_of_branch(TRAINING, (_PRICE, *words.values))
        words.refuse_unread(graph, (*_TARGETS, *(one for one in _READ if one in graph.nodes)))
        return _read(AssumptionList(), words.values, pue)


def _pinned(column: str, number: int) -> object:
    """A pinned column as a scenario writes it."""
    word = word_of(column, number)
    if column == "sequence_parallel":
        return bool(number)
    return int(word) if word.lstrip("-").isdecimal() else word


def _read(assumed: AssumptionList, given: Mapping[str, object], pue: float | None) -> TrainingQuestion:
    values = with_defaults(assumed, given, pue)
    for key, unit in _COUNTED.items():
        if key in values:
            values[key] = counted(str(values[key]), unit)
    ratio: float | None = None
    if "training.tokens" not in values:
        if is_device(str(values["model"])):
            raise InputError("a device, not a file", key="model", given=str(values["model"]),
                             allowed="a model of the catalog, or a config.json")  # fmt: skip
        try:
            architecture = read_architecture(str(values["model"]))
        except GigawattError as error:
            raise error.at(key="model") if error.file is None else error from None
        tokens, ratio = _tokens(assumed, architecture)
        values["training.tokens"] = f"{tokens!r} tokens"
    fill = Filler(scenario_of(values, HERE, sized=False))
    scenario = fill.loaded.scenario
    fill_training(fill)
    mean, peak, price = place_of(assumed, fill, pue)
    assumed.assumptions += fill.assumptions
    chip: Chip = fill.leaves["machine.chip"].value
    if chip.year > scenario.year:
        assumed.notices.append(f"{chip.name} is not sold before {chip.year}; the year is {scenario.year}")
    if scenario.training is not None and scenario.training.precision is not None:
        assumed.notices.append(TRAINED)
    assumed.notices += (
        *fill.loaded.notices,
        *training_notices(chip, fill.leaves["model.architecture"].value),
    )
    return question_of(
        fill.leaves,
        pue_mean=mean,
        pue_peak=peak,
        electricity=price,
        reliability=_reliability(assumed, scenario, chip.id),
        given_goodput=None if scenario.training is None else scenario.training.goodput,
        recovery=None if scenario.training is None else scenario.training.recovery,
        cap=_cap(assumed, fill.leaves["machine.power_cap"].value, chip),
        tokens_per_parameter=ratio,
        assumed=assumed,
    )


def question_of(
    leaves: Mapping[str, Leaf],
    *,
    pue_mean: float,
    pue_peak: float,
    electricity: float,
    cap: float | None,
    reliability: str | None = None,
    given_goodput: float | None = None,
    recovery: str | None = None,
    tokens_per_parameter: float | None = None,
    assumed: AssumptionList | None = None,
) -> TrainingQuestion:
    """The question of the leaves of a scenario that trains; what no leaf says comes as keywords.

    ``pue_mean``, ``pue_peak``, ``electricity`` [$/J], ``cap`` [W] and the rest are those of
    :class:`TrainingQuestion`.
    """

    def leaf(name: str) -> Any:
        return leaves[name].value

    return TrainingQuestion(
        architecture=leaf("model.architecture"),
        tokens=leaf("training.tokens"),
        sequence=leaf("training.sequence"),
        batch=leaf("training.global_batch"),
        batch_held=leaf("training.batch_held"),
        number_format=leaf("training.number_format"),
        optimizer=leaf("training.optimizer"),
        adapters=leaf("training.adapters") or 0,
        chip=leaf("machine.chip"),
        options=leaf("machine.options"),
        stack=leaf("software.stack"),
        year=leaf("scenario.year"),
        fixed=leaf("layout.fixed"),
        widen=leaf("layout.widen"),
        reliability=reliability or cluster_of(leaf("machine.chip").id),
        given_goodput=given_goodput,
        recovery=recovery,
        overhead=leaf("training.overhead"),
        pue_mean=pue_mean,
        pue_peak=pue_peak,
        electricity=electricity,
        rate=leaf("economics.discount_rate"),
        chip_life=leaf("economics.chip_life"),
        redundancy=leaves["site.redundancy"].value if "site.redundancy" in leaves else None,
        tokens_per_parameter=tokens_per_parameter,
        cap=cap,
        assumptions=() if assumed is None else tuple(assumed.assumptions),
        notices=() if assumed is None else tuple(assumed.notices),
    )


def _tokens(assumed: AssumptionList, architecture: Architecture) -> tuple[float, float]:
    """(default tokens: published or in proportion to parameters, tokens per active parameter)."""
    usual = catalog.entity("models_training", "default").evidence("tokens_per_parameter")
    row = catalog.table("models_training").get(architecture.name)
    if row is not None and "tokens" in row.numbers:
        evidence = row.evidence("tokens")
        assumed.add_row(
            "training.tokens",
            evidence,
            compact(evidence.value, "tokens"),
            f"training tokens of {architecture.name}; {evidence.note}",
        )
        return evidence.value, usual.value
    tokens = usual.value * architecture.active_parameters
    assumed.add_row(
        "training.tokens",
        usual,
        compact(tokens, "tokens"),
        f"no published token count: {usual.value:g} per active parameter",
    )
    return tokens, usual.value


def _cap(assumed: AssumptionList, cap: float | None, chip: Chip) -> float | None:
    """The cap, where it is below the chip's own limit."""
    if cap is None:
        return None
    if cap >= chip.power_limit:
        limit = show(chip.power_limit, "W")
        assumed.notices.append(f"a cap of {show(cap, 'W')} has no effect: {chip.id} is limited to {limit}")
        return None
    for row in clock_rows(chip):
        if row.quantity.startswith(("knee", "voltage_slope")):
            _tell_row(assumed, f"machine.{row.quantity}", row)
    return cap


def _reliability(assumed: AssumptionList, scenario: Any, chip: str) -> str:
    """The cluster whose failures are taken, its numbers listed; nothing of it where a goodput is given."""
    given = scenario.training.failures
    name = given or cluster_of(chip)
    if scenario.training.goodput is not None:
        return name
    if given is None:
        reason = "its generation has no published rate" if name == CLUSTER else "the generation of the chip"
        assumed.add("training.failures", name, f"no cluster of failure rates is set: {reason}", Grade.guess)
    catalog.entity("reliability", name)
    for row in reliability_rows(name):
        _tell_row(assumed, f"training.{row.quantity}", row)
    return name


def _tell_row(assumed: AssumptionList, key: str, row: Evidence) -> None:
    written = row.shown
    assumed.add_row(key, row, written, row.note or row.locator)

"""What `gigawatt plan-training` is asked: names and quantities read, what nobody said filled in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gigawatt import catalog
from gigawatt.chain.asked import Told, counted, quantity, site_of, year_of
from gigawatt.chain.hybrids import training_notices
from gigawatt.chain.leaves import clock_rows
from gigawatt.chain.precision import TRAINED, training_format
from gigawatt.chain.reliability import CLUSTER, reliability_rows
from gigawatt.chain.training.quantities import training_run
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import compact, parse, show
from gigawatt.machine import Chip, Cluster, build_cluster, load_chip
from gigawatt.money import discount_rate
from gigawatt.performance import Stack, TrainingRun, default_stack, load_optimizer, load_stack
from gigawatt.schema.pins import read_pins, read_widen
from gigawatt.workload import Architecture, read_architecture

__all__ = ["TrainingQuestion", "read_question"]

_FORMATS = ("bf16", "fp16", "fp8", "fp4", "int8", "tf32", "fp32")


@dataclass(frozen=True)
class TrainingQuestion:
    """A run to be planned, everything in SI, before it is known on how many accelerators.

    ``batch`` is (what is counted: ``token`` or ``sequence``, how many); ``options`` are those of
    :func:`~gigawatt.machine.build_cluster`; ``fixed`` pins layout columns and ``widen`` names rare ones
    to search; ``reliability`` names a cluster of the catalog's ``reliability``; ``pue_mean`` and ``pue_peak``
    are of the year and of its hottest hour; ``electricity`` [$/J]; ``rate`` [1/yr]; a model of another size
    is trained on ``tokens_per_parameter`` of its active parameters (``None``: the same tokens); ``cap`` [W]
    is what an accelerator may draw, where that is less than its own limit.
    """

    architecture: Architecture
    tokens: float
    sequence: int
    batch: tuple[str, float]
    number_format: str
    optimizer: str
    chip: Chip
    options: Mapping[str, Any]
    stack: Stack
    year: int
    fixed: Mapping[str, int]
    widen: tuple[str, ...]
    reliability: str
    pue_mean: float
    pue_peak: float
    electricity: float
    rate: float
    tokens_per_parameter: float | None
    cap: float | None
    assumptions: tuple[Assumption, ...]
    notices: tuple[str, ...] = ()

    def cluster(self, count: int) -> tuple[Cluster, tuple[Assumption, ...]]:
        """``count`` accelerators, and what was assumed to build the cluster."""
        return build_cluster(chip=self.chip, count=count, **self.options)

    def run(self, count: int) -> TrainingRun:
        """The run on ``count`` accelerators: a batch in tokens is rounded so that degrees can divide it."""
        return training_run(
            self.architecture,
            self.tokens,
            self.sequence,
            self.batch,
            self.number_format,
            self.optimizer,
            count,
            1,
        )

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
    stack: str | None = None,
    year: int | None = None,
    pins: Mapping[str, str | int] | None = None,
    widen: tuple[str, ...] = (),
    site: str | None = None,
    pue: float | None = None,
    electricity: str | None = None,
    reliability: str | None = None,
    cap: str | None = None,
    **options: Any,
) -> TrainingQuestion:
    """Read a question as a person types it.

    Parameters
    ----------
    model, chip : str
        Names of the catalog (a model may be the path of a ``config.json``).
    tokens, sequence, batch, electricity : str, optional
        With units: ``15.6T tokens``, ``8192``, ``16M tokens`` or ``2048 sequences``, ``60 $/MWh``.
    number_format, optimizer, stack : str, optional
        As the catalog names them.
    precision, sparsity : str, optional
        A word for the number format (:mod:`~gigawatt.chain.precision`); no pattern of zeros is trained with.
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
    **options
        Of :func:`~gigawatt.machine.build_cluster`: node, scale_up, scale_out, domain, oversubscription …

    Returns
    -------
    TrainingQuestion
        ``assumptions`` lists every default.

    Raises
    ------
    InputError, MissingDataError
        A name or quantity that cannot be read, a number that the catalog lacks.
    """
    told = Told()
    architecture = read_architecture(model)
    accelerator = load_chip(chip)
    when = year_of(told, year)
    if accelerator.year > when:
        told.notices.append(f"{accelerator.name} is not sold before {accelerator.year}; the year is {when}")
    form = _format(told, training_format(precision, sparsity, number_format), accelerator)
    if precision is not None:
        told.notices.append(TRAINED)
    told.notices += training_notices(accelerator)
    if stack is None:
        stack = default_stack(accelerator, when)
        row = catalog.entity("stacks", stack)
        told.tell(
            "machine.stack",
            stack,
            f"the usual software of {accelerator.id} in {when}",
            Grade.guess,
            row.rows()[0].source_id if row.rows() else "",
        )
    software = load_stack(stack)
    if optimizer is None:
        optimizer = software.optimizer
        told.tell("training.optimizer", optimizer, "the stack's own recipe", Grade.modelled)
    load_optimizer(optimizer)
    pue_mean, pue_peak, price = site_of(told, site, pue, electricity, when)
    rate, rate_told = discount_rate()
    told.assumptions.append(rate_told)
    kept = {key: value for key, value in options.items() if value is not None}
    for key, value in kept.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError("not a finite number", key=key, given=str(value), allowed="a finite number")
    return TrainingQuestion(
        architecture=architecture,
        tokens=_tokens(told, tokens, architecture),
        sequence=_sequence(told, sequence, architecture),
        batch=_batch(told, batch),
        number_format=form,
        optimizer=optimizer,
        chip=accelerator,
        options=kept,
        stack=software,
        year=when,
        fixed=read_pins(pins or {}),
        widen=read_widen(widen),
        reliability=_reliability(told, reliability),
        pue_mean=pue_mean,
        pue_peak=pue_peak,
        electricity=price,
        rate=rate,
        tokens_per_parameter=None if tokens is not None else _ratio().value,
        cap=_cap(told, cap, accelerator),
        assumptions=tuple(told.assumptions),
        notices=tuple(told.notices),
    )


def _format(told: Told, given: str | None, chip: Chip) -> str:
    if given is not None:
        if given not in chip.peak:
            raise InputError(
                f"{chip.id} does not multiply in this number format",
                key="format",
                given=given,
                allowed=chip.peak,
                nearest=nearest(given, chip.peak),
            )
        return given
    row = catalog.entity("defaults", "training.number_format")
    usual = row.text("text")
    if usual in chip.peak:
        told.default("training.number_format")
        return usual
    known = next((name for name in _FORMATS if name in chip.peak), next(iter(chip.peak)))
    told.tell("training.number_format", known, f"{chip.id} has no {usual} rate", Grade.guess)
    return known


def _tokens(told: Told, given: str | None, architecture: Architecture) -> float:
    if given is not None:
        number = quantity("tokens", counted(given, "tokens"), "token", "15.6T tokens")
        if number < 1:
            raise InputError("no tokens", key="tokens", given=given, allowed="one token or more")
        return number
    row = catalog.table("models_training").get(architecture.name)
    if row is not None and "tokens" in row.numbers:
        evidence = row.evidence("tokens")
        told.row(
            "training.tokens",
            evidence,
            compact(evidence.value, "tokens"),
            f"what {architecture.name} was trained on; {evidence.note}",
        )
        return evidence.value
    evidence = _ratio()
    tokens = evidence.value * architecture.active_parameters
    told.row(
        "training.tokens",
        evidence,
        compact(tokens, "tokens"),
        f"no tokens published: {evidence.value:g} per active parameter",
    )
    return tokens


def _ratio() -> Evidence:
    return catalog.entity("models_training", "default").evidence("tokens_per_parameter")


def _sequence(told: Told, given: str | None, architecture: Architecture) -> int:
    if given is not None:
        number = quantity("sequence", counted(given, "tokens"), "token", "8192 tokens")
        if number < 1 or number != int(number):
            raise InputError("not a length", key="sequence", given=given, allowed="whole tokens, 1 or more")
        return int(number)
    row = catalog.entity("defaults", "training.sequence")
    usual = parse(row.text("text"), "token")
    longest = float(architecture.max_sequence or usual)
    if longest >= usual:
        told.default("training.sequence")
        return int(usual)
    told.tell("training.sequence", show(longest, "tokens"), "the model's own longest sequence", Grade.vendor)
    return int(longest)


def _batch(told: Told, given: str | None) -> tuple[str, float]:
    if given is None:
        return "token", parse(told.default("training.global_batch").text("text"), "token")
    text = counted(given, "sequences")
    unit = "sequence" if "seq" in text else "token"
    number = quantity("batch", text, unit, "16M tokens or 2048 sequences")
    if number < 1 or (unit == "sequence" and number != int(number)):
        raise InputError("not a batch", key="batch", given=given, allowed='"16M tokens" or "2048 sequences"')
    return unit, number


def _cap(told: Told, given: str | None, chip: Chip) -> float | None:
    if given is None:
        return None
    cap = quantity("cap", given, "W", "500 W")
    if not cap > 0.0:
        raise InputError("out of range", key="cap", given=given, allowed="more than 0, such as '500 W'")
    if cap >= chip.power_limit:
        limit = show(chip.power_limit, "W")
        told.notices.append(f"a cap of {show(cap, 'W')} changes nothing: {chip.id} is limited to {limit}")
        return None
    for row in clock_rows(chip):
        if row.quantity.startswith(("knee", "voltage_slope")):
            written = f"{row.written} {row.unit if row.unit != '1' else ''}".strip()
            told.row(f"machine.{row.quantity}", row, written, row.note or row.locator)
    return cap


def _reliability(told: Told, given: str | None) -> str:
    """The cluster whose failures are taken, its numbers told."""
    name = given or CLUSTER
    if given is None:
        told.tell("training.reliability", name, "nobody said whose failures", Grade.guess)
    catalog.entity("reliability", name)
    for row in reliability_rows(name):
        written = f"{row.written} {row.unit if row.unit != '1' else ''}".strip()
        told.row(f"training.{row.quantity}", row, written, row.note or row.locator)
    return name

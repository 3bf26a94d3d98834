"""The scorecard of training steps: rows in, predictions beside measurements out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gigawatt.core.errors import GigawattError
from gigawatt.validation.card import Card
from gigawatt.validation.files import Refusal, data_folder, rows_file
from gigawatt.validation.rows import Row, read_rows
from gigawatt.validation.training.baseline import constant_utilisation
from gigawatt.validation.training.cases import Case, kind_of, prepare
from gigawatt.validation.training.domain import outside_domain, step_time_band
from gigawatt.validation.training.predict import Prediction, Progress, predict
from gigawatt.validation.training.regimes import maker_of, regime_of
from gigawatt.validation.training.scorecard import Judged, Refused, Scorecard

__all__ = [
    "fitted_parameters",
    "prepare_all",
    "read_measured",
    "score",
    "training_card",
    "validate_training",
    "width",
]


SAME = 1e-3
"""Relative difference of step times up to which two rows of one configuration are the same run."""


def validate_training(
    rows: Path | None = None, progress: Progress | None = None, *, told: bool = False
) -> Scorecard:
    """Predict every row of measured training runs and say how far off the predictions are.

    Parameters
    ----------
    rows : Path, optional
        A CSV or Parquet file of the shape of ``training.csv``; the shipped rows if left out.
    progress : callable, optional
        Called with (rows done, rows) now and then.
    told : bool
        The framework and the release that a row's own words name, instead of what ``gigawatt run`` takes for
        the chip and the year.

    Raises
    ------
    InputError
        Unreadable file, a bad cell: one line with file, line and column.
    """
    return _validated(read_measured(rows), progress, told=told)


def training_card(rows: Path | None = None, progress: Progress | None = None) -> Card:
    """The scorecard of training steps: software by default, and under ``with_version`` with the framework and
    the release that a row names.

    Raises
    ------
    InputError
        Unreadable file, a bad cell: one line with file, line and column.
    """
    tell = progress or (lambda done, all_: None)
    read = read_measured(rows)
    count = len(read[0])
    asked = _validated(read, lambda done, _: tell(done, 2 * count), told=False)
    versed = _validated(read, lambda done, _: tell(count + done, 2 * count), told=True)
    keys = ("predicted", "refused", "refused_reasons", "overall", "baseline", "coverage90_mean_of_sources")
    named, made = versed.card(), asked.card()
    whole = {**named.to_json(), "regimes": versed.by_regime()}
    return replace(
        made,
        more={
            **made.more,
            "regimes": asked.by_regime(),
            "with_version": {key: whole[key] for key in (*keys, "regimes")},
        },
        notes=(
            *made.notes,
            "Software as `gigawatt run` takes it for the chip and the year. With the framework and the "
            f"release that a row names: mean error {_share(named.overall.mape)}, "
            f"median {_share(named.overall.median_ape)}, bias {_share(named.overall.bias)} "
            f"of {named.predicted:,} rows.",
        ),
    )


def read_measured(rows: Path | None = None) -> tuple[list[Row], list[Refused]]:
    """(rows that can be read, rows with a number that no run can have) of a file, or of the shipped rows."""
    lost: list[tuple[int, str, str, Mapping[str, str]]] = []
    read = read_rows(rows if rows is not None else rows_file("training"), lost)
    return read, [
        Refused(cells.get("id") or f"line {line}", line, cells.get("source", ""),
                cells.get("accelerator", ""), "dense", reason, detail)
        for line, reason, detail, cells in lost
    ]  # fmt: skip


def _validated(
    read: tuple[Sequence[Row], Sequence[Refused]], progress: Progress | None, *, told: bool
) -> Scorecard:
    rows, unreadable = read
    cases, refused = prepare_all(rows, told=told)
    outcomes = predict(cases, progress=progress)
    return score("training", cases, outcomes, [*unreadable, *refused])


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def prepare_all(rows: Sequence[Row], *, told: bool = False) -> tuple[list[Case], list[Refused]]:
    """(cases, refused rows): every row is in one of the two; ``told`` as of :func:`validate_training`.

    Duplicate runs, in one file or several, are counted once: the same chips, model, batch, sequence,
    format and layout with the same time (to :data:`SAME`).
    """
    cases: list[Case] = []
    refused: list[Refused] = []
    seen: dict[object, list[Case]] = {}
    for row in rows:
        try:
            case = prepare(row, told=told)
            alike = seen.setdefault(case.run, [])
            first = next((one for one in alike if abs(one.measured / case.measured - 1.0) < SAME), None)
            if first is not None:
                raise Refusal("counted once already", f"{row.id} is {first.row.id}")
            alike.append(case)
            cases.append(case)
        except Refusal as reason:
            refused.append(_refused(row, reason))
        except (GigawattError, ArithmeticError) as error:
            refused.append(_refused(row, Refusal("the row's numbers cannot be run", str(error))))
    return cases, refused


def score(
    table: str, cases: Sequence[Case], outcomes: Sequence[Prediction | Refusal], refused: Sequence[Refused]
) -> Scorecard:
    """The scorecard of predicted cases and refused rows."""
    judged: list[Judged] = []
    lost = list(refused)
    for case, outcome in zip(cases, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            lost.append(_refused(case.row, outcome))
        else:
            judged.append(_judged(case, outcome))
    baseline = constant_utilisation(
        measured=np.array([one.measured for one in judged]),
        work=np.array([one.work for one in judged]),
        groups=[f"{one.accelerator} | {width(one.number_format)} | {one.kind}" for one in judged],
        sources=[one.source for one in judged],
    )
    return Scorecard(table, tuple(judged), tuple(lost), baseline, fitted_parameters())


def width(number_format: str) -> str:
    """The number format that the naive baseline files ``number_format`` under (16-bit floats together)."""
    return {"fp16": "bf16"}.get(number_format, number_format)


def fitted_parameters() -> int:
    """How many numbers of the catalog were fitted to measured training runs (``fit.json``)."""
    file = data_folder() / "fit.json"
    return int(json.loads(file.read_text(encoding="utf-8"))["fitted"]) if file.is_file() else 0


def _judged(case: Case, outcome: Prediction) -> Judged:
    row = case.row
    routed = case.kind == "MoE"
    outside = outside_domain(
        chip=case.cluster.chip,
        number_format=case.number_format,
        routed=routed,
        count=case.cluster.count,
        hidden=case.architecture.hidden,
        sequence=case.sequence,
    )
    band = step_time_band(
        chip=case.cluster.chip.id,
        routed=routed,
        stated=case.told,
        outside=outside,
        without=maker_of(row.text("source")),
    )
    assumptions = (*case.assumptions, *(f"outside what was measured: {why}" for why in outside))
    if not outcome.fits:
        assumptions = (
            *assumptions,
            "by our count this does not fit in memory; it was run, so it is predicted",
        )
    return Judged(
        id=row.id,
        line=row.line,
        source=row.text("source"),
        accelerator=row.text("accelerator"),
        kind=case.kind,
        regime=regime_of(case),
        number_format=case.number_format,
        model=row.text("model"),
        measured=case.measured,
        predicted=outcome.step_time,
        low=max(outcome.step_time * band.low, case.work / case.cluster.chip.peak[case.number_format]),
        high=outcome.step_time * band.high,
        work=case.work,
        assumptions=assumptions,
    )


def _refused(row: Row, refusal: Refusal) -> Refused:
    source, accelerator = row.text("source"), row.text("accelerator")
    return Refused(row.id, row.line, source, accelerator, kind_of(row), refusal.reason, refusal.detail)

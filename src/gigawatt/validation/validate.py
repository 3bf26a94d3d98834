"""One door to every scorecard: rows in, predictions beside measurements out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gigawatt.validation.baseline import constant_utilisation
from gigawatt.validation.cases import Case, kind_of, prepare
from gigawatt.validation.domain import outside_domain, step_time_band
from gigawatt.validation.files import Refusal, data_folder, rows_file
from gigawatt.validation.predict import Prediction, Progress, predict
from gigawatt.validation.rows import Row, read_rows
from gigawatt.validation.scorecard import Judged, Refused, Scorecard

__all__ = ["fitted_parameters", "prepare_all", "score", "validate", "width"]


def validate(table: str, rows: Path | None = None, progress: Progress | None = None) -> Scorecard:
    """Predict every row of a measured table and say how far off the predictions are.

    Parameters
    ----------
    table : str
        ``training``.
    rows : Path, optional
        A CSV or Parquet file of the table's shape; the shipped rows if left out.
    progress : callable, optional
        Called with (rows done, rows) now and then.

    Returns
    -------
    Scorecard

    Raises
    ------
    InputError
        Unknown table, unreadable file, a bad cell: one line with file, line and column.
    """
    file = rows_file(table)
    cases, refused = prepare_all(read_rows(rows if rows is not None else file))
    outcomes = predict(cases, progress=progress)
    return score(table, cases, outcomes, refused)


def prepare_all(rows: Sequence[Row]) -> tuple[list[Case], list[Refused]]:
    """(cases, refused rows): every row is in one of the two."""
    cases: list[Case] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            cases.append(prepare(row))
        except Refusal as reason:
            refused.append(_refused(row, reason))
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
    band = step_time_band(routed=routed, outside=outside, without=row.text("source"))
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
        number_format=case.number_format,
        model=row.text("model"),
        measured=case.measured,
        predicted=outcome.step_time,
        low=outcome.step_time * band.low,
        high=outcome.step_time * band.high,
        work=case.work,
        assumptions=assumptions,
    )


def _refused(row: Row, refusal: Refusal) -> Refused:
    source, accelerator = row.text("source"), row.text("accelerator")
    return Refused(row.id, row.line, source, accelerator, kind_of(row), refusal.reason, refusal.detail)

"""Serving beside measurements: time to first token, time a token and throughput of measured rows.

Two rows whose labels are alike and whose times are not differ in something that was not written down; in
most collections that is guessed tokens (multi-token prediction), which no column names. Of such rows the
slower ones are judged, the others are counted as refused (:func:`filtered`).
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.validation.files import Refusal, data_folder
from gigawatt.validation.serving_open import open_runs, replays
from gigawatt.validation.serving_predict import predict_serving
from gigawatt.validation.serving_rows import ServingCase, case_of, read_serving_rows

__all__ = [
    "ALIKE",
    "SLOWER",
    "ServingCard",
    "ServingLine",
    "ServingPair",
    "filtered",
    "fitted_half",
    "read_cases",
    "serving_pairs",
    "validate_serving",
]

SLOWER = 1.25
"""Times a token of a larger machine over a smaller one's from which on the smaller one's guesses tokens."""
_TAIL = 0.9
_LENGTHS_OPEN = "a load whose lengths or rate are not in the row"

ALIKE = 1.15
"""Times a token of rows with the same labels that differ by less are of the same configuration."""


def filtered(cases: Sequence[ServingCase]) -> tuple[list[ServingCase], int]:
    """(rows that are judged, rows left out because something unwritten makes them quick).

    Left out are closed loops that a slower row has the same labels as, and, of models with prediction
    modules, those for which a machine of at least as many accelerators under the same load takes
    :data:`SLOWER` times as long: more accelerators do not slow a replica, guessed tokens quicken it.
    """
    slowest: dict[tuple[object, ...], float] = defaultdict(float)
    larger: dict[tuple[object, ...], list[tuple[float, float]]] = defaultdict(list)

    def load(case: ServingCase) -> tuple[object, ...]:
        return (*case.group, case.prompt, case.output, case.held, case.source)

    def key(case: ServingCase) -> tuple[object, ...]:
        layout = (case.tensor, case.data, case.expert, case.expert_tensor, case.pipeline)
        return (*load(case), *layout)

    timed = [case for case in cases if case.kind == "closed" and "tpot" in case.measured]
    for case in timed:
        slowest[key(case)] = max(slowest[key(case)], case.measured["tpot"])
        if case.data <= 1.0:
            larger[load(case)].append((case.tensor * case.pipeline, case.measured["tpot"]))

    def quick(case: ServingCase) -> bool:
        if case.kind != "closed" or "tpot" not in case.measured:
            return False
        token = case.measured["tpot"]
        if token * ALIKE < slowest[key(case)]:
            return True
        if case.architecture.prediction_depth < 1 or case.data > 1.0:
            return False
        count = case.tensor * case.pipeline
        return any(n >= count and other > SLOWER * token for n, other in larger[load(case)])

    kept = [case for case in cases if not quick(case)]
    return kept, len(cases) - len(kept)


def read_cases(file: Path) -> tuple[list[ServingCase], Counter[str]]:
    """Cases of a file that the closed forms can predict, and why the others cannot be, by reason."""
    return _cases(read_serving_rows(file))


def _cases(rows: Iterable[Mapping[str, str]]) -> tuple[list[ServingCase], Counter[str]]:
    found: list[ServingCase] = []
    refused: Counter[str] = Counter()
    for row in rows:
        try:
            found.append(case_of(row))
        except Refusal as why:
            refused[why.reason] += 1
    kept, left = filtered(found)
    if left:
        refused["quicker than a row with the same labels, or than a larger machine (guessed tokens)"] = left
    return kept, refused


@dataclass(frozen=True)
class ServingLine:
    """Errors of one group: ``use`` is ``fit`` or ``judge``, ``bias`` the geometric mean ratio less one."""

    metric: str
    source: str
    accelerator: str
    use: str
    rows: int
    median: float
    p90: float
    bias: float

    def cells(self) -> list[str | int | float]:
        """In the order of the table's columns."""
        return [getattr(self, name) for name in self.__dataclass_fields__]


@dataclass(frozen=True)
class ServingCard:
    """``lines`` by metric, source, accelerator and use; ``totals`` by metric and source; ``models`` by model.

    ``runs`` are those at a rate, ``replays`` those known request by request, ``left_out`` what fits gave that
    had not seen an accelerator, ``refused`` counts rows by reason.
    """

    lines: tuple[ServingLine, ...]
    totals: tuple[ServingLine, ...]
    models: tuple[ServingLine, ...]
    runs: tuple[ServingLine, ...]
    replays: tuple[ServingLine, ...]
    rows: int
    predicted: int
    refused: Mapping[str, int]
    left_out: Mapping[str, Any] = field(default_factory=dict)
    fitted: int = 0

    def to_table(self) -> tuple[list[str], list[list[str | int | float]]]:
        """Column names and rows."""
        parts = (*self.lines, *self.totals, *self.runs, *self.replays)
        return list(ServingLine.__dataclass_fields__), [line.cells() for line in parts]

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        names = ("lines", "totals", "models", "runs", "replays")
        made = {name: [asdict(line) for line in getattr(self, name)] for name in names}
        return {
            **made, "rows": self.rows, "predicted": self.predicted, "refused": sum(self.refused.values()),
            "reasons": dict(self.refused), "accelerator_left_out": dict(self.left_out),
            "parameters_fitted": self.fitted,
        }  # fmt: skip


_Ratios = dict[tuple[str, str, str, str], list[float]]


@dataclass(frozen=True, slots=True)
class ServingPair:
    """One number beside its measurement, as the scorecard counts it.

    ``part`` is ``rows`` (closed loops, batches, largest throughputs), ``runs`` (at a rate) or ``replays``
    (means of a run that is known request by request); ``use`` is ``fit`` or ``judge``. Times in s,
    throughputs in tokens/s.
    """

    part: str
    metric: str
    source: str
    chip: str
    model: str
    use: str
    measured: float
    predicted: float
    label: str

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.predicted / self.measured


def fitted_half(case: ServingCase) -> bool:
    """Whether fits saw the case's group (model, accelerator, engine): those of an even CRC-32."""
    return zlib.crc32(case.half.encode()) % 2 == 0


def _lines(ratios: _Ratios) -> tuple[ServingLine, ...]:
    found: list[ServingLine] = []
    for key, values in sorted(ratios.items()):
        r = np.array(values)
        off = np.abs(r - 1.0)
        found.append(
            ServingLine(
                *key, len(r), float(np.median(off)), float(np.quantile(off, _TAIL)),
                float(np.exp(np.mean(np.log(r))) - 1.0),
            )
        )  # fmt: skip
    return tuple(found)


def _row_pairs(cases: Sequence[ServingCase]) -> Iterator[ServingPair]:
    for case, made in zip(cases, predict_serving(cases), strict=True):
        use = "fit" if fitted_half(case) else "judge"
        label = (
            f"{case.model}, {case.engine}, {case.weights}, {case.prompt:.0f} in, {case.output:.0f} out, "
            f"{case.held:.0f} held"
        )
        for name, value in made.items():
            yield ServingPair(
                "rows", name, case.source, case.chip.id, case.model, use, case.measured[name], value, label
            )


def _run_pairs(rows: Sequence[Mapping[str, str]]) -> Iterator[ServingPair]:
    for run in open_runs(rows):
        source = f"at a rate, {'saturated' if run.saturated else 'below saturation'}"
        label = f"{run.model}, {run.rate:g} requests/s, {run.prompt:.0f} in, {run.output:.0f} out"
        for name, value in run.measured.items():
            yield ServingPair(
                "runs", name, source, run.chip, run.model, "judge", value, run.predicted[name], label
            )


def _replay_pairs() -> Iterator[ServingPair]:
    for replay in replays():
        label = f"{replay.name}, mean of {len(replay.requests.arrival):,} requests"
        for name, value in replay.measured.items():
            mean, ours = float(value.mean()), float(replay.predicted[name].mean())
            yield ServingPair(
                "replays", f"mean {name}", "request by request", replay.name, "", "judge", mean, ours, label
            )


def serving_pairs(progress: Callable[[int, int], None] | None = None) -> tuple[ServingPair, ...]:
    """Every number of the shipped rows that :func:`validate_serving` judges, beside its measurement.

    ``progress`` is called with (parts done, parts in all).
    """
    tell = progress or (lambda done, all_: None)
    rows = read_serving_rows(data_folder() / "serving.parquet")
    found: list[ServingPair] = []
    parts = (lambda: _row_pairs(_cases(rows)[0]), lambda: _run_pairs(rows), _replay_pairs)
    for done, part in enumerate(parts, 1):
        found.extend(part())
        tell(done, len(parts))
    return tuple(found)


def validate_serving(
    file: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> ServingCard:
    """The scorecard of serving: closed loops, static batches, largest throughputs, runs over time.

    Parameters
    ----------
    file : Path, optional
        Rows in the columns of ``serving_rows``; the shipped ones, with the runs known request by request, if
        left out.
    progress : callable, optional
        Called with (parts done, parts in all).
    """
    tell = progress or (lambda done, all_: None)
    rows = read_serving_rows(file or data_folder() / "serving.parquet")
    tell(0, 3)
    cases, refused = _cases(rows)
    by_line, by_source, by_model, runs, again = (defaultdict[Any, list[float]](list) for _ in range(5))
    for one in _row_pairs(cases):
        by_line[one.metric, one.source, one.chip, one.use].append(one.ratio)
        by_source[one.metric, one.source, "all", one.use].append(one.ratio)
        by_model[one.metric, one.source, one.model, one.use].append(one.ratio)
    tell(1, 3)
    for one in _run_pairs(rows):
        runs[one.metric, one.source, one.chip, one.use].append(one.ratio)
    tell(2, 3)
    for one in _replay_pairs() if file is None else ():
        again[one.metric, one.source, one.chip, one.use].append(one.ratio)
    saved = data_folder() / "serving_fit.json"
    fit = json.loads(saved.read_text(encoding="utf-8")) if saved.is_file() else {}
    open_ = sum("open-loop rate" in row.get("regime", "") for row in rows)
    refused[_LENGTHS_OPEN] -= open_
    tell(3, 3)
    return ServingCard(
        _lines(by_line), _lines(by_source), _lines(by_model), _lines(runs), _lines(again),
        rows=len(rows), predicted=len(cases) + open_, refused=+refused,
        left_out=fit.get("errors", {}).get("accelerator_left_out", {}),
        fitted=sum(len(v) for v in fit.get("fitted", {}).values()),
    )  # fmt: skip

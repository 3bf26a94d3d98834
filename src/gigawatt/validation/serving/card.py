"""Serving beside measurements: time to first token, time a token and throughput of measured rows.

Two rows whose labels are alike and whose times are not differ in something that was not written down; in
most collections that is guessed tokens (multi-token prediction), which no column names. Of such rows the
slower ones are judged, the others are counted as refused (:func:`filtered`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.validation.card import Card, Group, Summary
from gigawatt.validation.files import Refusal, Refusals, data_folder
from gigawatt.validation.rows import in_fitted_half
from gigawatt.validation.serving.open_loop import open_run, replays
from gigawatt.validation.serving.predict import predict_serving
from gigawatt.validation.serving.rows import ServingCase, case_of, read_serving_rows

__all__ = [
    "ALIKE",
    "SLOWER",
    "ServingCard",
    "ServingLine",
    "ServingPair",
    "filtered",
    "fitted_half",
    "read_cases",
    "serving_card",
    "serving_pairs",
    "validate_serving",
]

SLOWER = 1.25
"""Times a token of a larger machine over a smaller one's from which on the smaller one's guesses tokens."""
_TAIL = 0.9

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


def read_cases(file: Path) -> tuple[list[ServingCase], Refusals]:
    """Cases of a file that the closed forms can predict, and why the others cannot be, by reason."""
    return _cases(read_serving_rows(file))


def _cases(rows: Iterable[Mapping[str, str]]) -> tuple[list[ServingCase], Refusals]:
    found: list[ServingCase] = []
    refused = Refusals()
    for row in rows:
        try:
            found.append(case_of(row))
        except Refusal as why:
            refused.add(why, int(row["line"]))
        except GigawattError as error:
            if isinstance(error, InputError):
                raise
            refused.add(Refusal("the row's numbers cannot be run", str(error)), int(row["line"]))
    kept, left = filtered(found)
    if left:
        judged = {case.line for case in kept}
        first = next(case.line for case in found if case.line not in judged)
        refused.add(
            "quicker than a row with the same labels, or than a larger machine (guessed tokens)", first, left
        )
    return kept, refused


def _by_kind(cases: Iterable[ServingCase]) -> dict[str, list[ServingCase]]:
    """Cases at a rate (``open``), and all others (``rows``)."""
    found: dict[str, list[ServingCase]] = {"open": [], "rows": []}
    for case in cases:
        found["open" if case.kind == "open" else "rows"].append(case)
    return found


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
    row: int = 0
    engine: str = ""

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.predicted / self.measured


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
    refused: Refusals
    pairs: tuple[ServingPair, ...] = field(repr=False)
    left_out: Mapping[str, Any] = field(default_factory=dict)
    fitted: int = 0

    def card(self) -> Card:
        """The scorecard in the shape of every table: groups by metric, source, accelerator and use.

        A row gives up to three numbers, so groups count numbers.
        """
        parts = {"rows": self.lines, "runs": self.runs, "replays": self.replays}
        judging = [pair for pair in self.pairs if pair.use == "judge"]
        bands = _bands(self.left_out)
        return Card(
            table="serving",
            rows=self.rows,
            predicted=self.predicted,
            refusals=self.refused,
            parameters_fitted=self.fitted,
            overall=_summary(self.pairs, bands),
            groups=tuple(
                Group(f"{pair[0].metric} | {pair[0].source} | {pair[0].chip} | {pair[0].use}",
                      _summary(pair, bands),
                      {"part": part, "metric": pair[0].metric, "source": pair[0].source,
                       "accelerator": pair[0].chip, "use": pair[0].use})
                for part in parts
                for pair in _by_line([one for one in self.pairs if one.part == part])
            ),
            more={
                "held_out": _summary(judging, bands),
                "totals": [asdict(line) for line in self.totals],
                "models": [asdict(line) for line in self.models],
                "accelerator_left_out": dict(self.left_out),
            },
            titles={"totals": "By metric and source"},
            notes=(
                "Rows of use judge were seen by no fit. A row gives up to three numbers. Their 90 % band is "
                "what nine of ten rows of the engine on the accelerator miss by a fit that had not seen it.",
            ),
            detail=self,
        )  # fmt: skip


def fitted_half(case: ServingCase) -> bool:
    """Whether fits saw the case's group (model, accelerator, engine): those of an even CRC-32."""
    return in_fitted_half(case.half)


def _lines(
    pairs: Sequence[ServingPair], key: Callable[[ServingPair], tuple[str, str, str, str]]
) -> tuple[ServingLine, ...]:
    ratios: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for pair in pairs:
        ratios[key(pair)].append(pair.ratio)
    found: list[ServingLine] = []
    for name, values in sorted(ratios.items()):
        r = np.array(values)
        off = np.abs(r - 1.0)
        found.append(
            ServingLine(
                *name, len(r), float(np.median(off)), float(np.quantile(off, _TAIL)),
                float(np.exp(np.mean(np.log(r))) - 1.0),
            )
        )  # fmt: skip
    return tuple(found)


def _bands(left_out: Mapping[str, Any]) -> dict[tuple[str, str, str], float]:
    """Error that nine of ten rows stay within, by metric, accelerator and engine, of fits that had not seen
    the accelerator; of several sources that with most rows."""
    found: dict[tuple[str, str, str], tuple[int, float]] = {}
    for key, errors in left_out.items():
        metric, _, chip, engine = key.split(" | ")
        one = (int(errors["n"]), float(errors["p90_ape"]))
        found[metric, chip, engine] = max(found.get((metric, chip, engine), one), one)
    return {key: p90 for key, (_, p90) in found.items()}


def _summary(pairs: Sequence[ServingPair], bands: Mapping[tuple[str, str, str], float]) -> Summary:
    """Errors of pairs; the share within their band where one is known."""
    inside = [
        abs(pair.ratio - 1.0) <= bands[key]
        for pair in pairs
        if (key := (pair.metric, pair.chip, pair.engine)) in bands
    ]
    predicted, measured = [pair.predicted for pair in pairs], [pair.measured for pair in pairs]
    return Summary.of(predicted, measured, inside)


def _by_line(pairs: Sequence[ServingPair]) -> list[list[ServingPair]]:
    """Pairs by metric, source, accelerator and use, in this order."""
    found: dict[tuple[str, str, str, str], list[ServingPair]] = defaultdict(list)
    for pair in pairs:
        found[pair.metric, pair.source, pair.chip, pair.use].append(pair)
    return [found[key] for key in sorted(found)]


def _finite(pairs: Sequence[ServingPair]) -> bool:
    return all(np.isfinite(pair.predicted) and pair.predicted > 0.0 for pair in pairs)


def _predicted(cases: Sequence[ServingCase], refused: Refusals) -> list[ServingPair]:
    """What is predicted of the cases; those that cannot be are counted in ``refused``."""
    groups: dict[tuple[str, ...], list[ServingCase]] = defaultdict(list)
    for case in cases:
        groups[case.group].append(case)
    return [pair for mine in groups.values() for pair in _of_group(mine, refused)]


def _of_group(cases: Sequence[ServingCase], refused: Refusals) -> list[ServingPair]:
    """Of cases that are evaluated together; where one of them cannot be, its half is evaluated apart."""
    with np.errstate(all="ignore"):
        try:
            return _split(_row_pairs(cases), cases, refused)
        except (GigawattError, Refusal, ArithmeticError, MemoryError) as error:
            if len(cases) > 1:
                half = len(cases) // 2
                return [pair for part in (cases[:half], cases[half:]) for pair in _of_group(part, refused)]
            run = Refusal("the row's numbers cannot be run", str(error))
            refused.add(error if isinstance(error, Refusal) else run, cases[0].line)
            return []


def _split(
    pairs: Iterator[ServingPair], cases: Sequence[ServingCase], refused: Refusals
) -> list[ServingPair]:
    """Pairs of rows whose predictions are finite; the other rows are counted."""
    by_row: dict[int, list[ServingPair]] = defaultdict(list)
    for pair in pairs:
        by_row[pair.row].append(pair)
    bad = [row for row, mine in by_row.items() if not _finite(mine)]
    for row in bad:
        refused.add("the step model gives no finite time", cases[row].line)
    return [pair for row, mine in by_row.items() if row not in bad for pair in mine]


def _row_pairs(cases: Sequence[ServingCase]) -> Iterator[ServingPair]:
    for row, (case, made) in enumerate(zip(cases, predict_serving(cases), strict=True)):
        use = "fit" if fitted_half(case) else "judge"
        label = (
            f"{case.model}, {case.engine}, {case.weights}, {case.prompt:.0f} in, {case.output:.0f} out, "
            f"{case.held:.0f} held"
        )
        source = case.source
        if case.pools is not None:
            source = f"disaggregated, workers {'published' if case.pools.counted else 'inferred'}"
        for name, value in made.items():
            yield ServingPair(
                "rows",
                name,
                source,
                case.chip.id,
                case.model,
                use,
                case.measured[name],
                value,
                label,
                row,
                case.engine,
            )


def _run_pairs(cases: Sequence[ServingCase], refused: Refusals) -> Iterator[ServingPair]:
    for case in cases:
        try:
            with np.errstate(all="ignore"):
                run = open_run(case)
            if not all(np.isfinite(value) and value > 0.0 for value in run.predicted.values()):
                raise Refusal("the step model gives no finite time")
        except Refusal as why:
            refused.add(why, case.line)
            continue
        except (GigawattError, ArithmeticError, MemoryError) as error:
            refused.add(Refusal("the row's numbers cannot be run", str(error)), case.line)
            continue
        source = f"at a rate, {'saturated' if run.saturated else 'below saturation'}"
        label = f"{run.model}, {run.rate:g} requests/s, {run.prompt:.0f} in, {run.output:.0f} out"
        for name, value in run.measured.items():
            yield ServingPair(
                "runs", name, source, run.chip, run.model, "judge", value, run.predicted[name], label,
                engine=case.engine,
            )  # fmt: skip


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
    cases, _ = _cases(rows)
    by_kind = _by_kind(cases)
    parts = (
        lambda: _row_pairs(by_kind["rows"]),
        lambda: _run_pairs(by_kind["open"], Refusals()),
        _replay_pairs,
    )
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
    path = file or data_folder() / "serving.parquet"
    rows = read_serving_rows(path)
    tell(0, 3)
    try:
        cases, refused = _cases(rows)
        by_kind = _by_kind(cases)
        by_row = _predicted(by_kind["rows"], refused)
        tell(1, 3)
        by_run = list(_run_pairs(by_kind["open"], refused))
    except InputError as error:
        raise error.at(file=path) from None
    tell(2, 3)
    again = list(_replay_pairs()) if file is None else []
    saved = data_folder() / "serving_fit.json"
    fit = json.loads(saved.read_text(encoding="utf-8")) if saved.is_file() else {}
    tell(3, 3)
    return ServingCard(
        _lines(by_row, lambda one: (one.metric, one.source, one.chip, one.use)),
        _lines(by_row, lambda one: (one.metric, one.source, "all", one.use)),
        _lines(by_row, lambda one: (one.metric, one.source, one.model, one.use)),
        _lines(by_run, lambda one: (one.metric, one.source, one.chip, one.use)),
        _lines(again, lambda one: (one.metric, one.source, one.chip, one.use)),
        rows=len(rows), predicted=len(rows) - sum(refused.values()), refused=refused,
        pairs=(*by_row, *by_run, *again),
        left_out=fit.get("errors", {}).get("accelerator_left_out", {}),
        fitted=sum(len(v) for v in fit.get("fitted", {}).values()),
    )  # fmt: skip


def serving_card(file: Path | None = None, progress: Callable[[int, int], None] | None = None) -> Card:
    """:func:`validate_serving` in the shape of every table."""
    return validate_serving(file, progress).card()

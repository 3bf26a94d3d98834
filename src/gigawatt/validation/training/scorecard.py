"""Predictions beside measurements: how far off, which way, how often in the band, against a naive guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.validation.card import Card, Errors, Group, Summary, errors_of
from gigawatt.validation.files import Refusal, Refusals
from gigawatt.validation.training.baseline import Baseline

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Judged", "Refused", "Scorecard"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One row with its prediction [s], band [s] and what was assumed."""

    id: str
    line: int
    source: str
    accelerator: str
    kind: str
    regime: str
    number_format: str
    model: str
    measured: float
    predicted: float
    low: float
    high: float
    work: float
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that cannot be predicted, and why."""

    id: str
    line: int
    source: str
    accelerator: str
    kind: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Scorecard:
    """The outcome of one validation: every row is either judged or refused with a reason."""

    table: str
    judged: tuple[Judged, ...]
    refused: tuple[Refused, ...]
    baseline: Baseline
    parameters_fitted: int

    @property
    def rows(self) -> int:
        """All rows of the table."""
        return len(self.judged) + len(self.refused)

    @property
    def measured(self) -> NDArray[np.float64]:
        """Measured step times [s] of the judged rows."""
        return np.array([one.measured for one in self.judged])

    @property
    def predicted(self) -> NDArray[np.float64]:
        """Predicted step times [s] of the judged rows."""
        return np.array([one.predicted for one in self.judged])

    @property
    def refusals(self) -> Refusals:
        """How many rows were refused for each reason, and the first of each."""
        found = Refusals()
        for one in self.refused:
            found.add(Refusal(one.reason, one.detail), one.line)
        return found

    @property
    def overall(self) -> Summary:
        """Errors of every judged row."""
        return Summary.of(self.predicted, self.measured, self._inside().tolist())

    def _inside(self) -> NDArray[np.bool_]:
        return np.array([one.low <= one.measured <= one.high for one in self.judged], dtype=bool)

    def _groups(self) -> tuple[Group, ...]:
        """By source, accelerator and kind of model, with rows refused and the naive guess's mean error."""
        names = np.array([_name(one) for one in self.judged], dtype=object)
        lost = Counter(_name(one) for one in self.refused)
        predicted, measured, inside = self.predicted, self.measured, self._inside()
        found: list[Group] = []
        for name in sorted({*names, *lost}):
            mine = names == name
            naive = Summary.of(self.baseline.inside[mine], measured[mine])
            summary = Summary.of(predicted[mine], measured[mine], inside[mine].tolist())
            found.append(Group(name, summary, {"refused": lost[name], "baseline_mape": naive.mape}))
        return tuple(found)

    def by_regime(self) -> dict[str, dict[str, Any]]:
        """Errors of every regime: rows, the mean, median and 90th percentile, bias, coverage of the band."""
        names = np.array([one.regime for one in self.judged], dtype=object)
        inside, found = self._inside(), dict[str, dict[str, Any]]()
        for name in dict.fromkeys(names):
            mine = names == name
            errors = Summary.of(self.predicted[mine], self.measured[mine], inside[mine].tolist())
            naive = Summary.of(self.baseline.inside[mine], self.measured[mine])
            found[str(name)] = {**asdict(errors), "baseline_mape": naive.mape}
        return found

    def select(self, mask: Sequence[bool] | NDArray[np.bool_]) -> tuple[Errors, Errors]:
        """(ours, naive baseline in sample) of the judged rows where ``mask`` holds."""
        use = np.asarray(mask, dtype=bool)
        measured = self.measured[use]
        return errors_of(self.predicted[use], measured), errors_of(self.baseline.inside[use], measured)

    def card(self) -> Card:
        """The scorecard in the shape of every table, with the naive baseline beside."""
        outside = np.isfinite(self.baseline.outside)
        measured, inside = self.measured, self._inside().tolist()
        alone = Summary.of(self.baseline.outside[outside], measured[outside])
        return Card(
            table=self.table,
            rows=self.rows,
            predicted=len(self.judged),
            refusals=self.refusals,
            parameters_fitted=self.parameters_fitted,
            overall=self.overall,
            groups=self._groups(),
            more={
                "coverage90_mean_of_sources": self._coverage_by_source(inside),
                "baseline": {
                    "in_sample": Summary.of(self.baseline.inside, measured),
                    "leave_source_out": {
                        **asdict(alone),
                        "ours_on_the_same_rows": Summary.of(self.predicted[outside], measured[outside]),
                    },
                },
            },
            detail=self,
        )

    def _coverage_by_source(self, inside: Sequence[bool]) -> float | None:
        """Share inside the band, every source counted alike."""
        held: dict[str, list[bool]] = {}
        for one, is_inside in zip(self.judged, inside, strict=True):
            held.setdefault(one.source, []).append(is_inside)
        return float(np.mean([np.mean(found) for found in held.values()])) if held else None

    def to_frame(self) -> pd.DataFrame:
        """One line a row of the table: what was measured, predicted, assumed, or why it was refused."""
        import pandas as pd

        judged = pd.DataFrame([asdict(one) for one in self.judged])
        if len(judged):
            judged["error"] = judged["predicted"] / judged["measured"] - 1.0
            judged["baseline"] = self.baseline.inside
            judged["baseline_leave_source_out"] = self.baseline.outside
        refused = pd.DataFrame([asdict(one) for one in self.refused])
        parts = [part for part in (judged, refused) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else judged


def _name(one: Judged | Refused) -> str:
    return f"{one.source} | {one.accelerator} | {one.kind}"

"""Predictions beside measurements: how far off, which way, how often in the band, against a naive guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.validation.baseline import Baseline

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Errors", "Group", "Judged", "Refused", "Scorecard", "errors_of"]


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of step times as fractions: 0.08 is 8 %.

    ``mape``, ``median_ape``, ``p90_ape`` are of |predicted/measured - 1|. ``bias`` is the geometric mean of
    predicted/measured, less one: above zero the model is too slow.
    """

    mape: float
    median_ape: float
    p90_ape: float
    bias: float


@dataclass(frozen=True, slots=True)
class Group:
    """Errors of one group: source × accelerator × dense/MoE. ``baseline`` is the naive guess's mean error."""

    group: str
    n: int
    mape: float
    median_ape: float
    p90_ape: float
    bias: float
    coverage90: float
    refused: int
    baseline_mape: float


@dataclass(frozen=True, slots=True)
class Judged:
    """One row with its prediction [s], band [s] and what was assumed."""

    id: str
    line: int
    source: str
    accelerator: str
    kind: str
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


def errors_of(predicted: NDArray[np.float64], measured: NDArray[np.float64]) -> Errors:
    """Errors of ``predicted`` against ``measured`` (both [s], shape (N,), positive); ``nan`` for none."""
    if len(measured) == 0:
        return Errors(np.nan, np.nan, np.nan, np.nan)
    ratio = predicted / measured
    off = np.abs(ratio - 1.0)
    return Errors(
        float(off.mean()),
        float(np.median(off)),
        float(np.quantile(off, 0.9)),
        float(np.exp(np.log(ratio).mean()) - 1.0),
    )


@dataclass(frozen=True)
class Scorecard:
    """The outcome of one validation: every row is either judged or refused with a reason."""

    table: str
    judged: tuple[Judged, ...]
    refused: tuple[Refused, ...]
    baseline: Baseline
    parameters_fitted: int
    overall: Errors = field(init=False)
    groups: tuple[Group, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "overall", errors_of(self.predicted, self.measured))
        object.__setattr__(self, "groups", tuple(self._groups()))

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
    def refused_reasons(self) -> dict[str, int]:
        """How many rows were refused for each reason, most frequent first."""
        return dict(Counter(one.reason for one in self.refused).most_common())

    def _groups(self) -> list[Group]:
        names = np.array([_name(one) for one in self.judged], dtype=object)
        lost = Counter(_name(one) for one in self.refused)
        predicted, measured = self.predicted, self.measured
        inside = np.array([one.low <= one.measured <= one.high for one in self.judged], dtype=bool)
        found: list[Group] = []
        for name in sorted({*names, *lost}):
            mine = names == name
            errors = errors_of(predicted[mine], measured[mine])
            naive = errors_of(self.baseline.inside[mine], measured[mine])
            covered = float(inside[mine].mean()) if mine.any() else np.nan
            found.append(
                Group(name, int(mine.sum()), errors.mape, errors.median_ape, errors.p90_ape, errors.bias,
                      covered, lost[name], naive.mape)
            )  # fmt: skip
        return found

    def select(self, mask: Sequence[bool] | NDArray[np.bool_]) -> tuple[Errors, Errors]:
        """(ours, naive baseline in sample) of the judged rows where ``mask`` holds."""
        use = np.asarray(mask, dtype=bool)
        measured = self.measured[use]
        return errors_of(self.predicted[use], measured), errors_of(self.baseline.inside[use], measured)

    def to_json(self) -> dict[str, Any]:
        """The scorecard as plain data; errors are fractions, ``None`` where a group has no judged row."""
        outside = np.isfinite(self.baseline.outside)
        measured = self.measured
        inside = [one.low <= one.measured <= one.high for one in self.judged]
        return {
            "table": self.table,
            "rows": self.rows,
            "predicted": len(self.judged),
            "refused": len(self.refused),
            "overall": _plain(asdict(self.overall)),
            "groups": [_plain(asdict(group)) for group in self.groups],
            "parameters_fitted": self.parameters_fitted,
            "coverage90": float(np.mean(inside)) if inside else None,
            "coverage90_mean_of_sources": self._coverage_by_source(inside),
            "refused_reasons": self.refused_reasons,
            "baseline": {
                "in_sample": _plain(asdict(errors_of(self.baseline.inside, measured))),
                "leave_source_out": {
                    "n": int(outside.sum()),
                    **_plain(asdict(errors_of(self.baseline.outside[outside], measured[outside]))),
                    "ours_on_the_same_rows": _plain(asdict(self.select(outside)[0])),
                },
            },
        }

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

    def to_table(self) -> tuple[tuple[str, ...], list[tuple[str | int | float, ...]]]:
        """(column names, lines) of the groups and the overall line, for a face to format."""
        columns = (
            "group",
            "n",
            "refused",
            "mape",
            "median_ape",
            "p90_ape",
            "bias",
            "coverage90",
            "baseline_mape",
        )
        lines: list[tuple[str | int | float, ...]] = [
            tuple(getattr(group, column) for column in columns) for group in self.groups
        ]
        naive = errors_of(self.baseline.inside, self.measured)
        inside = [one.low <= one.measured <= one.high for one in self.judged]
        whole = self.overall
        covered = float(np.mean(inside)) if inside else np.nan
        lines.append(("all", len(self.judged), len(self.refused), whole.mape, whole.median_ape, whole.p90_ape,
                      whole.bias, covered, naive.mape))  # fmt: skip
        return columns, lines


def _name(one: Judged | Refused) -> str:
    return f"{one.source} | {one.accelerator} | {one.kind}"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in values.items()
    }

"""The one shape of every scorecard: how many rows, how many refused and why, how far off, group by group."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from gigawatt.core.quantities import finite_or_none
from gigawatt.validation.check import Check
from gigawatt.validation.files import Refusals

__all__ = ["FIGURES", "Card", "Errors", "Group", "Summary", "card_of_checks", "errors_of", "grouped", "plain"]

FIGURES = ("n", "mape", "median_ape", "p90_ape", "bias", "coverage90")
"""Figures of ``overall`` and of each group, in this order."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of predictions as fractions: 0.08 is 8 %.

    ``mape``, ``median_ape``, ``p90_ape`` are of |predicted/measured - 1|. ``bias`` is the geometric mean of
    predicted/measured, less one: above zero predictions are too large.
    """

    mape: float
    median_ape: float
    p90_ape: float
    bias: float


def errors_of(predicted: npt.NDArray[np.float64], measured: npt.NDArray[np.float64]) -> Errors:
    """Errors of ``predicted`` against ``measured`` (one unit, shape (N,), positive); ``nan`` for none."""
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


@dataclass(frozen=True, slots=True)
class Summary:
    """:class:`Errors` of ``n`` rows, ``None`` where a figure does not exist.

    ``coverage90`` is the share of rows inside their own 90 % band. Rows whose ratio is no positive number
    count in ``n`` alone.
    """

    n: int
    mape: float | None = None
    median_ape: float | None = None
    p90_ape: float | None = None
    bias: float | None = None
    coverage90: float | None = None

    @classmethod
    def of(
        cls, predicted: npt.ArrayLike, measured: npt.ArrayLike, inside: Sequence[bool] | None = None
    ) -> Summary:
        """Errors of ``predicted`` beside ``measured``, each (N,); ``inside``: in the 90 % band or not."""
        ours, theirs = np.asarray(predicted, dtype=float), np.asarray(measured, dtype=float)
        with np.errstate(all="ignore"):
            ratio = ours / theirs
        use = np.isfinite(ratio) & (ratio > 0.0)
        covered = float(np.mean(inside)) if inside is not None and len(inside) else None
        if not use.any():
            return cls(len(ours), coverage90=covered)
        e = errors_of(ours[use], theirs[use])
        return cls(len(ours), e.mape, e.median_ape, e.p90_ape, e.bias, covered)


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one group of rows; ``more`` are the keys that its table adds."""

    group: str
    summary: Summary
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The row of the scorecard's ``groups``."""
        return {"group": self.group, **asdict(self.summary), **plain(self.more)}


@dataclass(frozen=True)
class Card:
    """The outcome of one validation: every row is predicted, or refused with a reason that is counted.

    ``refusals`` also say which row is the first of each reason. ``checks`` are the rows of tables of
    published targets, ``more`` the keys that a table adds, ``titles`` those of them that are tables to print,
    with a heading each, ``notes`` the lines below; ``detail`` is what the table's own module gave.
    """

    table: str
    rows: int
    predicted: int
    refusals: Refusals
    parameters_fitted: int | None
    overall: Summary
    groups: tuple[Group, ...]
    checks: tuple[Check, ...] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    detail: Any = field(default=None, repr=False, compare=False)

    @property
    def refused(self) -> int:
        """Rows that cannot be predicted."""
        return sum(self.refusals.values())

    @property
    def refused_reasons(self) -> dict[str, int]:
        """How many rows were refused for each reason, most frequent first."""
        return dict((+self.refusals).most_common())

    def to_json(self) -> dict[str, Any]:
        """The scorecard as plain data: the same keys for every table, then those that a table adds."""
        made: dict[str, Any] = {
            "table": self.table,
            "rows": self.rows,
            "predicted": self.predicted,
            "refused": self.refused,
            "refused_reasons": self.refused_reasons,
            "parameters_fitted": self.parameters_fitted,
            "overall": asdict(self.overall),
            "groups": [group.to_json() for group in self.groups],
        }
        if self.refused:
            first = self.refusals.first
            made["refused_first"] = {reason: first.get(reason, "") for reason in self.refused_reasons}
        if self.checks is not None:
            made["checks"] = [check.to_json() for check in self.checks]
        return {**made, **plain(self.more)}


def grouped(
    rows: Iterable[_T],
    *,
    key: Callable[[_T], Hashable],
    pair: Callable[[_T], tuple[float, float]],
    name: Callable[[Any], str] = str,
    more: Callable[[Any], Mapping[str, Any]] = lambda _: {},
) -> tuple[Group, ...]:
    """Rows by ``key``, in its order: ``pair`` is (predicted, measured), ``name`` and ``more`` of a key."""
    mine: dict[Any, list[tuple[float, float]]] = {}
    for row in rows:
        mine.setdefault(key(row), []).append(pair(row))
    return tuple(
        Group(name(one), Summary.of(*np.array(mine[one], dtype=float).T), more(one)) for one in sorted(mine)
    )


def card_of_checks(table: str, checks: Sequence[Check], **more: Any) -> Card:
    """The scorecard of published targets: groups by part, with how many are within their tolerance."""
    parts = dict.fromkeys(check.part for check in checks)
    return Card(
        table=table,
        rows=len(checks),
        predicted=len(checks),
        refusals=Refusals(),
        parameters_fitted=None,
        overall=_errors(checks),
        groups=tuple(
            Group(part, _errors(mine), _passed(mine))
            for part in parts
            for mine in [[check for check in checks if check.part == part]]
        ),
        checks=tuple(checks),
        more={**_passed(checks), **more},
        notes=(
            f"{sum(check.ok for check in checks):,} of {len(checks):,} within their tolerance. Judging: "
            "those that our number was not made from. Errors are (ours - published) / published.",
        ),
    )


def _errors(checks: Sequence[Check]) -> Summary:
    return Summary.of([check.ours for check in checks], [check.published for check in checks])


def _passed(checks: Sequence[Check]) -> dict[str, int]:
    judging = [check for check in checks if not check.fitted]
    return {
        "passed": sum(check.ok for check in checks),
        "judging": len(judging),
        "judging_passed": sum(check.ok for check in judging),
    }


def plain(value: Any) -> Any:
    """``value`` as JSON has it: dataclasses and tuples resolved, ``None`` for numbers that do not exist."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return plain(asdict(value))
    if isinstance(value, (float, np.floating)):
        return finite_or_none(float(value))
    return value.item() if isinstance(value, np.generic) else value

"""The scorecard of whole systems: every published figure beside the one of the scenario that a user writes.

A system counts once however many figures it has: a figure weighs one over the figures of its system, and
figures of one quantity and boundary of a system count as one. Figures that are hours × power limit × factors
(``derived``) repeat their hours and judge nothing; they stand in the groups.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.chain.asking import Asker, Point
from gigawatt.core.errors import GigawattError
from gigawatt.schema.changed import scenario_of
from gigawatt.validation.card import Card, Group, Summary
from gigawatt.validation.chain.band import run_days_band
from gigawatt.validation.chain.rows import CaseRow, read_chain_rows
from gigawatt.validation.chain.scenario import Asked, asked
from gigawatt.validation.files import Refusal, Refusals, rows_file
from gigawatt.validation.rows import in_fitted_half
from gigawatt.validation.training.domain import outside_domain, step_time_band

__all__ = ["ChainFigure", "ChainSummary", "chain_card", "chain_figures", "summary_of"]

Progress = Callable[[int, int], None]
_HERE = Path("scenario.yaml")
WITHIN = 0.25
"""Share by which a prediction may differ and still count as near."""


@dataclass(frozen=True)
class ChainSummary(Summary):
    """:class:`Summary` of figures with the weight of their system: ``median_ratio`` is predicted over
    published, ``within25`` the share off by a quarter at most."""

    median_ratio: float | None = None
    within25: float | None = None


@dataclass(frozen=True)
class ChainFigure:
    """One published figure beside ours, in the unit of the row; ``low`` and ``high`` are 90 % ends of ours,
    ``None`` where none is known."""

    case: str
    kind: str
    quantity: str
    boundary: str
    derived: bool
    published: float
    predicted: float
    unit: str
    low: float | None
    high: float | None
    line: int
    ships: bool
    grade: str
    scenario: Mapping[str, object] = field(repr=False, default_factory=dict[str, object])
    assumed: tuple[str, ...] = ()
    source: str = ""

    @property
    def ratio(self) -> float:
        """Predicted over published; one where both are nothing."""
        if self.published == 0.0:
            return 1.0 if self.predicted == 0.0 else math.inf
        return self.predicted / self.published

    @property
    def within(self) -> bool:
        """Whether it is off by a quarter at most."""
        return abs(self.ratio - 1.0) <= WITHIN

    @property
    def inside(self) -> bool | None:
        """Whether the published figure lies in the band; ``None`` without one."""
        if self.low is None or self.high is None:
            return None
        return self.low <= self.published <= self.high


def chain_figures(
    rows: Sequence[CaseRow], progress: Progress | None = None
) -> tuple[list[ChainFigure], Refusals]:
    """Every row that can be asked, predicted; the others counted by reason."""
    cases: dict[tuple[str, str], list[CaseRow]] = {}
    for row in rows:
        cases.setdefault((row.text("case"), row.text("kind")), []).append(row)
    found: list[ChainFigure] = []
    refused = Refusals()
    points: dict[str, Point] = {}
    for done, row in enumerate(rows):
        if progress is not None:
            progress(done, len(rows))
        try:
            found.append(_figure(row, cases[row.text("case"), row.text("kind")], points))
        except Refusal as why:
            refused.add(why, row.line)
        except (GigawattError, ArithmeticError, MemoryError) as error:
            refused.add(Refusal("the scenario cannot be run", str(error)), row.line)
    return found, refused


def _figure(row: CaseRow, case: Sequence[CaseRow], points: dict[str, Point]) -> ChainFigure:
    request = asked(row, case)
    point, values, dropped = _point(request, points)
    with np.errstate(all="ignore"):
        predicted = float(request.read(lambda name: point.value(name).value))
        low, high = _band(request, row.text("case"), point, predicted)
    if not math.isfinite(predicted):
        raise Refusal("the chain gives no finite figure", row.text("case"))
    return ChainFigure(
        row.text("case"), row.text("kind"), row.text("quantity"), request.boundary, request.derived,
        row.value, predicted, row.text("unit"), low, high, row.line, in_fitted_half(row.text("case")),
        row.text("read_or_recalled"), values, (*request.assumed, *dropped), row.text("source_title"),
    )  # fmt: skip


def _point(request: Asked, points: dict[str, Point]) -> tuple[Point, Mapping[str, object], tuple[str, ...]]:
    """The evaluated scenario; without its layout where that divides no model of its size."""

    def at(values: Mapping[str, object]) -> Point:
        key = repr(sorted(values.items()))
        if key not in points:
            points[key] = Asker(scenario_of(values, _HERE)).at({})
        return points[key]

    point = at(request.values)
    if not any(key.startswith("layout.") for key in request.values):
        return point, request.values, ()
    try:
        point.value("training.step_time")
    except GigawattError as error:
        free = {key: value for key, value in request.values.items() if not key.startswith("layout.")}
        return at(free), free, (f"the published layout is left out: {error.message}",)
    return point, request.values, ()


def _band(request: Asked, case: str, point: Point, predicted: float) -> tuple[float | None, float | None]:
    """Ends of a figure that goes with the time of a step, as the answer of `run` gives them."""
    if request.band is None or "training.tokens" not in request.values:
        return None, None

    def of(name: str) -> Any:
        return point.value(name).value

    routed = of("model.active_parameters") < of("model.parameters")
    outside = outside_domain(
        chip=of("machine.chip"), number_format=of("training.number_format"), routed=routed,
        count=of("machine.count"), hidden=of("model.hidden"), sequence=of("training.sequence"),
    )  # fmt: skip
    software = of("software.stack").software
    step = step_time_band(chip=of("machine.chip").id, routed=routed, stated=software.stated, outside=outside)
    low, high = max(step.low, of("training.mfu")), step.high  # no step is quicker than at its peak
    if request.boundary != "step":
        days = of("training.duration")
        ends = of("training.duration_low") / days, of("training.duration_high") / days
        low, high = run_days_band(step=(low, high), failures=ends, without=case)
    if request.band < 0.0:
        low, high = 1.0 / high, 1.0 / low
    return predicted * low, predicted * high


def summary_of(figures: Iterable[ChainFigure]) -> ChainSummary:
    """Errors of figures, each system with weight one, figures of one quantity and boundary together one."""
    mine = list(figures)
    if not mine:
        return ChainSummary(0)
    alike = Counter((one.case, one.kind, one.quantity, one.boundary) for one in mine)
    of_case = Counter((case, kind) for case, kind, _, _ in alike)
    weight = np.array(
        [
            1.0 / alike[one.case, one.kind, one.quantity, one.boundary] / of_case[one.case, one.kind]
            for one in mine
        ]
    )
    ratio = np.array([one.ratio for one in mine])
    banded = [(one.inside, w) for one, w in zip(mine, weight, strict=True) if one.inside is not None]
    plain = Summary.of([one.predicted for one in mine], [one.published for one in mine])
    coverage = float(np.average([a for a, _ in banded], weights=[w for _, w in banded])) if banded else None
    return ChainSummary(
        **{**asdict(plain), "coverage90": coverage},
        median_ratio=_median(ratio, weight),
        within25=float(np.average([one.within for one in mine], weights=weight)),
    )


def _median(values: np.ndarray[Any, Any], weights: np.ndarray[Any, Any]) -> float:
    order = np.argsort(values)
    below = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][int(np.searchsorted(below, 0.5))])


def chain_card(file: Path | None = None, progress: Progress | None = None) -> Card:
    """The scorecard of the shipped half of the cases, or of a ``file`` of their shape.

    Raises
    ------
    InputError
        No such file, another shape, a cell that is no number: file, line, column.
    """
    rows = read_chain_rows(file or rows_file("chain"))
    figures, refused = chain_figures(rows, progress)
    judging = [one for one in figures if not one.derived]
    keys = sorted({(one.quantity, one.kind, one.boundary, one.derived) for one in figures})
    return Card(
        table="chain",
        rows=len(rows),
        predicted=len(figures),
        refusals=refused,
        parameters_fitted=1,
        overall=summary_of(judging),
        groups=tuple(_group(key, figures) for key in keys),
        more={
            "cases": len({(one.case, one.kind) for one in judging}),
            "seen": summary_of(one for one in judging if one.ships),
            "unseen": summary_of(one for one in judging if not one.ships),
            "predictions": [_line(one) for one in figures],
        },
        titles={"predictions": "Figure by figure"},
        notes=(
            "Each system counts once. Figures that are hours times factors repeat their hours: they stand in "
            "the groups marked derived and not in the whole.",
        ),
        detail=figures,
    )


def _group(key: tuple[str, str, str, bool], figures: Iterable[ChainFigure]) -> Group:
    quantity, kind, boundary, derived = key
    mine = [one for one in figures if (one.quantity, one.kind, one.boundary, one.derived) == key]
    name = f"{quantity} | {kind} | {boundary}" + (" | derived" if derived else "")
    return Group(name, summary_of(mine), {"quantity": quantity, "kind": kind, "boundary": boundary,
                                          "derived": derived})  # fmt: skip


def _line(one: ChainFigure) -> dict[str, Any]:
    return {
        "case": one.case, "quantity": one.quantity, "unit": one.unit, "boundary": one.boundary,
        "published": one.published, "predicted": one.predicted, "low": one.low, "high": one.high,
        "derived": one.derived, "grade": one.grade, "assumed": "; ".join(one.assumed),
    }  # fmt: skip

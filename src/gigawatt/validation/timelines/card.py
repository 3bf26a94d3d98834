"""Milestones of projects, each predicted from what was known before it, with its case left out of the fit.

For every stage that a case reached and every earlier day on which something of the case became known (a stage
reached, a date stated), the date is predicted from the rows up to that day. Beside it stands a constant lag:
the median of all lags of the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from gigawatt.catalog.loader import table
from gigawatt.core.evidence import Grade
from gigawatt.power.dates import (
    STAGES,
    Arrival,
    Milestone,
    by_case,
    catalog_milestones,
    pairs_of,
    ready_date,
    row_range,
)
from gigawatt.power.dates.milestones import EVENTS, LENGTHS, SETBACKS, SIZES
from gigawatt.validation.card import Card, Group, Summary
from gigawatt.validation.files import Refusals
from gigawatt.validation.timelines.rows import milestones_of, same_cases

__all__ = ["LEAD", "DateSummary", "Prediction", "plan_lead_times", "predictions", "timelines_card"]

_DAYS = 365.2425
_PLANTS = {"nuclear": "fission-large"}
"""Kind of project that is a plant of the catalog, by whose lead time plans of a year go."""
LEAD = "plan lead time"
"""Name of the group of them."""
_BEGUN = ("announced", "application", "order", "permit", "ground")
"""Stages with which a plant is begun: a plan has ordered it then."""


@dataclass(frozen=True)
class Prediction:
    """A date predicted ``now``, decimal years; ``constant`` by the median lag of its kind."""

    case: str
    kind: str
    reached: str
    awaited: str
    line: int
    now: float
    median: float
    low: float
    high: float
    actual: float
    constant: float
    stated: bool

    @property
    def inside(self) -> bool:
        """Whether its 80 % band holds what was."""
        return self.low <= self.actual <= self.high


@dataclass(frozen=True, slots=True)
class DateSummary(Summary):
    """Errors of times to go, and of dates in days.

    ``coverage80``: share of dates inside their 80 % band; ``median_error_days`` and ``mean_error_days`` of
    |predicted - actual|, ``baseline_*`` of a constant lag by kind; ``milestones`` that were predicted, each
    once or more.
    """

    coverage80: float | None = None
    median_error_days: float | None = None
    baseline_median_error_days: float | None = None
    mean_error_days: float | None = None
    baseline_mean_error_days: float | None = None
    milestones: int = 0

    @classmethod
    def of_dates(cls, rows: Sequence[Prediction]) -> DateSummary:
        """The figures of some predictions."""
        if not rows:
            return cls(0)
        now, median, actual, constant = np.array([(r.now, r.median, r.actual, r.constant) for r in rows]).T
        plain = Summary.of(median - now, actual - now)
        off, baseline = np.abs(median - actual) * _DAYS, np.abs(constant - actual) * _DAYS
        return cls(
            plain.n, plain.mape, plain.median_ape, plain.p90_ape, plain.bias, None,
            float(np.mean([row.inside for row in rows])), float(np.median(off)), float(np.median(baseline)),
            float(off.mean()), float(baseline.mean()), len({(row.case, row.line) for row in rows}),
        )  # fmt: skip


@lru_cache(maxsize=128)
def _constant(kind: str, without: frozenset[str]) -> float:
    """Median lag [yr] of a kind, or of all where no other case is of it."""
    known = [pair for pair in pairs_of(catalog_milestones()) if pair.case not in without]
    mine = [pair.lag for pair in known if pair.kind == kind]
    return float(np.median(mine or [pair.lag for pair in known]))


def predictions(rows: Sequence[Milestone], without: frozenset[str]) -> Iterator[Prediction]:
    """Every stage of one case from every earlier day on which something of it became known."""
    steps = [row for row in rows if row.stage is not None]
    days = {row.date for row in steps} | {row.as_of for row in rows if row.planned and row.as_of is not None}
    for awaited in steps:
        if STAGES[awaited.milestone] in SETBACKS:
            continue
        for now in sorted(day for day in days if steps[0].date <= day < awaited.date):
            found = ready_date(rows, awaited.milestone, now=now, power=awaited.power, without=without)
            low, high = found.band80
            yield Prediction(
                awaited.case, awaited.kind, found.from_stage, awaited.milestone, awaited.line, now,
                found.median, low, high, awaited.date,
                max(found.reached + _constant(awaited.kind, without), now), found.stated is not None,
            )  # fmt: skip


def plan_lead_times(rows: Sequence[Milestone]) -> Iterator[Prediction]:
    """First power of a case by the lead time that plans of a year take, from the first stage that is known.

    Its band is that of the catalog's row, which knows the cases too.
    """
    begun = next((row for row in rows if row.stage in _BEGUN), None)
    event = next((row for row in rows if row.stage in EVENTS), None)
    if begun is None or event is None or begun.kind not in _PLANTS or event.date <= begun.date:
        return
    plant = _PLANTS[begun.kind]
    there = Arrival(plant, plant, begun.date, row_range(plant))
    yield Prediction(
        begun.case, begun.kind, begun.milestone, event.milestone, event.line, begun.date, there.ready(),
        there.ready(0.1), there.ready(0.9), event.date,
        begun.date + _constant(begun.kind, same_cases(begun.case, rows)), False,
    )  # fmt: skip


def _refused(row: Milestone, steps: Sequence[Milestone]) -> str | None:
    """Why a row is no date to predict; ``None`` where it is one."""
    if row.planned:
        return "stated, not reached"
    if row.milestone in LENGTHS:
        return "how long something takes, not when it was"
    if row.milestone in SIZES:
        return "how much is ordered or waits, not when it was"
    if row.stage is None:
        return "a milestone of no stage that is predicted"
    if row.stage in SETBACKS:
        return "a setback, of which there is no prediction"
    return None if row.date > steps[0].date else "no earlier stage of the case"


def timelines_card(
    file: Path | None = None, progress: Callable[[int, int], None] = lambda done, of: None
) -> Card:
    """The scorecard of dates in the shape of every table.

    Parameters
    ----------
    file : Path, optional
        Milestones of other cases, of the columns of the catalog's ``timelines`` (``power`` is ``MW``); cases
        that the catalog has too are left out of what predicts them.
    progress : callable
        Called with (cases done, cases).

    Raises
    ------
    InputError
        No such file, one of another shape, a cell that is no date: file, line, column.
    """
    rows, refusals = ([*catalog_milestones()], Refusals()) if file is None else milestones_of(file)
    count = len(rows) + sum(refusals.values())
    rows = [row if row.line else replace(row, line=i) for i, row in enumerate(rows, start=1)]
    found: list[Prediction] = []
    cases = by_case(rows)
    for done, (case, mine) in enumerate(cases.items()):
        progress(done, len(cases))
        steps = [row for row in mine if row.stage is not None]
        for row in mine:
            why = _refused(row, steps)
            if why is not None:
                refusals.add(why, f"{case}: {row.milestone}")
        if steps:
            found.extend(predictions(mine, same_cases(case, mine)))
    kinds = sorted({one.kind for one in found})
    said = [one for one in found if one.stated]
    planned = [one for mine in cases.values() for one in plan_lead_times(mine)]
    return Card(
        table="timelines",
        rows=count,
        predicted=count - sum(refusals.values()),
        refusals=refusals,
        parameters_fitted=sum(
            row.grade is Grade.calibrated for one in table("timelines_fit").values() for row in one.rows()
        ),
        overall=DateSummary.of_dates(found),
        groups=(
            *(Group(kind, _of(kind, found)) for kind in kinds),
            *(Group(f"{kind}, {LEAD}", _of(kind, planned)) for kind in sorted({one.kind for one in planned})),
        ),
        more={"with_stated_date": DateSummary.of_dates(said), "each_milestone": _once(found),
              "plan_lead_times": DateSummary.of_dates(planned)},
        notes=(
            "Each date is predicted on every earlier day on which something of its case became known, with "
            "the lags of the case left out (spreads and slips are fitted to all); errors are of the time to "
            "go. The baseline is the median lag of the kind. Plans of a year go by the lead times of plants: "
            f"the group {LEAD!r} has them, from the first stage known of a case to its first power; it is "
            "not counted in all.",
        ),
        detail=found,
    )  # fmt: skip


def _of(kind: str, rows: Sequence[Prediction]) -> DateSummary:
    return DateSummary.of_dates([one for one in rows if one.kind == kind])


def _once(rows: Sequence[Prediction]) -> dict[str, float | int | None]:
    """Figures in which every milestone counts once, by the mean of its predictions."""
    mine: dict[tuple[str, int], list[Prediction]] = {}
    for row in rows:
        mine.setdefault((row.case, row.line), []).append(row)
    if not mine:
        return {"n": 0, "coverage80": None, "median_error_days": None, "baseline_median_error_days": None}
    off = [np.mean([abs(r.median - r.actual) for r in some]) * _DAYS for some in mine.values()]
    base = [np.mean([abs(r.constant - r.actual) for r in some]) * _DAYS for some in mine.values()]
    return {
        "n": len(mine),
        "coverage80": float(np.mean([np.mean([r.inside for r in some]) for some in mine.values()])),
        "median_error_days": float(np.median(off)),
        "baseline_median_error_days": float(np.median(base)),
    }

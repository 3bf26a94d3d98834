"""When a project reaches a stage: a random date, from the last stage reached and from stated dates."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.power.dates.lags import Lag, lag_model
from gigawatt.power.dates.milestones import EVENTS, STAGES, Milestone, by_case, catalog_milestones

__all__ = ["ReadyDate", "Slip", "cancelled", "ready_date", "settled", "slip_of", "stated_before"]

Array = npt.NDArray[np.float64]

_FIT = "timelines_fit"
_NORMAL = NormalDist()
_DAY, _FARTHEST, _POINTS = 1.0 / 365.2425, 80.0, 1200
_WHOLE = 0.9
"""A statement about so much power is settled by an event of this share of it."""
_ALIKE = 1.5
"""A statement is about an event whose power differs by this factor at most."""
_SMOOTHING = 2.0
"""Cases that the share cancelled of all kinds counts for."""


@dataclass(frozen=True)
class Slip:
    """Lognormal factor by which the time to a stated date grows: ``median``, ``sd`` of its logarithm."""

    median: float
    sd: float


@dataclass(frozen=True)
class ReadyDate:
    """A random date.

    ``years`` (N,) decimal years, ``cumulative`` (N,) probability that it is there by then, if it is not
    cancelled; ``from_stage`` and ``reached`` (decimal year) of the last stage, ``stated`` (decimal year) of
    the statement that was used; ``cancelled`` probability that it never comes, as often as of its kind.
    """

    years: Array = field(repr=False)
    cumulative: Array = field(repr=False)
    from_stage: str
    reached: float
    stated: float | None
    cancelled: float

    def quantile(self, probability: float) -> float:
        """Decimal year by which it is there with this probability, 0 to 1 exclusive."""
        if not 0.0 < probability < 1.0:
            raise InputError("out of range", key="probability", given=probability, allowed="between 0 and 1")
        return float(np.interp(probability, self.cumulative, self.years))

    @property
    def median(self) -> float:
        """Decimal year."""
        return self.quantile(0.5)

    @property
    def band80(self) -> tuple[float, float]:
        """Decimal years that hold it in eight of ten cases."""
        return self.quantile(0.1), self.quantile(0.9)

    def by(self, year: float) -> float:
        """Probability that it is there by a decimal year, if it is not cancelled."""
        return float(np.interp(year, self.years, self.cumulative, left=0.0, right=1.0))


def slip_of(kind: str) -> Slip:
    """How stated dates of a kind slip: its row of ``timelines_fit``, or that of all."""
    fit = entity(_FIT, "slip")
    for name in (kind, "all"):
        key = name.replace(" ", "_")
        if f"{key}_median" in fit.numbers:
            return Slip(fit.value(f"{key}_median"), fit.value("sd"))
    raise InputError("no row of slips", key=f"{_FIT}.slip", given=kind)


@lru_cache(maxsize=8)
def _ends(rows: int) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for mine in by_case(catalog_milestones()).values():
        ended = any(row.milestone == "cancelled" for row in mine)
        begun = any(row.stage in ("ground", "power", "step", "commercial") for row in mine)
        if begun or ended:
            lost, of = found.get(mine[0].kind, (0, 0))
            found[mine[0].kind] = (lost + ended, of + 1)
    return found


def cancelled(kind: str) -> float:
    """Probability that a project of this kind never gives power: its share of the cases that were begun, and
    the share of all kinds counted as two cases more."""
    ends = _ends(id(table("timelines")))
    whole = sum(lost for lost, _ in ends.values()) / max(1, sum(of for _, of in ends.values()))
    lost, of = ends.get(kind, (0, 0))
    return (lost + _SMOOTHING * whole) / (of + _SMOOTHING)


def stated_before(rows: Sequence[Milestone], now: float, power: float | None = None) -> Milestone | None:
    """The last statement of a case that was made by ``now`` about power of about ``power`` [W]."""

    def about(row: Milestone) -> bool:
        if not power or not row.power:
            return True
        return 1.0 / _ALIKE <= power / row.power <= _ALIKE

    known = [
        row for row in rows
        if row.planned and row.as_of is not None and row.as_of <= now and row.date > row.as_of and about(row)
    ]  # fmt: skip
    return max(known, key=lambda row: (row.as_of or 0.0, row.date), default=None)


def settled(statement: Milestone, rows: Sequence[Milestone]) -> Milestone | None:
    """The event that a statement was about: the first after it with nine tenths of its power."""
    events = [
        row for row in rows
        if row.stage in EVENTS and row.date > (statement.as_of or row.date)
        and (not statement.power or not row.power or row.power >= _WHOLE * statement.power)
    ]  # fmt: skip
    return min(events, key=lambda row: row.date, default=None)


def _log_density(years: Array, start: float, lag: Lag) -> Array:
    """Log density of a lognormal lag from ``start``, where ``years`` are after it."""
    since = np.maximum(years - start, _DAY)
    z = (np.log(since) - math.log(lag.median)) / lag.sd
    return -0.5 * z * z - np.log(since * lag.sd)


def ready_date(
    rows: Sequence[Milestone],
    awaited: str,
    *,
    now: float | None = None,
    power: float | None = None,
    without: Collection[str] = (),
) -> ReadyDate:
    """When a project reaches a stage that it has not reached.

    The lag since its last stage (:class:`~gigawatt.power.dates.lags.LagModel`), widened by the factor that
    makes left-out bands hold 80 %, given that it is not there by ``now``. Where a date of power was stated,
    its time from the statement × the slip of its kind is a second opinion; both are pooled by the geometric
    mean of their densities (a logarithmic opinion pool; Genest and Zidek 1986), of weight ``stated_weight``.

    Parameters
    ----------
    rows
        Milestones and statements of one project.
    awaited : str
        A milestone of ``STAGES``, such as ``first power``.
    now : float, optional
        Decimal year; rows after it are not used. The last stage's where left out.
    power : float, optional
        W that the awaited milestone has; only statements of about as much count.
    without
        Cases of the catalog that the lags shall not know.

    Returns
    -------
    ReadyDate
        Its 80 % band held 70 to 90 % of the milestones of cases left out (``gigawatt validate timelines``).

    Raises
    ------
    InputError
        No stage was reached by ``now``; an unknown milestone.
    """
    check_word("awaited", awaited, STAGES, "no such milestone")
    latest = math.inf if now is None else now
    reached = [row for row in rows if row.stage is not None and row.date <= latest]
    if not reached:
        raise InputError("no milestone is reached yet", key="milestones", allowed="one or more by that date")
    last = max(reached, key=lambda row: row.date)
    today = last.date if now is None else now
    stage = STAGES[awaited]
    fit = entity(_FIT, "band")
    lag = lag_model(without).lag(last.kind, STAGES[last.milestone], stage)
    lag = Lag(lag.median, lag.sd * fit.value("factor"))
    years = today + np.geomspace(_DAY / 2.0, _FARTHEST, _POINTS)
    density = _log_density(years, last.date, lag)
    said = stated_before(rows, today, power) if stage in EVENTS else None
    if said is not None and said.as_of is not None:
        slip, weight = slip_of(last.kind), fit.value("stated_weight")
        told = Lag((said.date - said.as_of) * slip.median, slip.sd)
        density = (1.0 - weight) * density + weight * _log_density(years, said.as_of, told)
    mass = np.exp(density - density.max())
    steps = np.diff(years) * (mass[1:] + mass[:-1]) / 2.0
    cumulative = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    return ReadyDate(
        years,
        cumulative,
        last.milestone,
        last.date,
        None if said is None else said.date,
        cancelled(last.kind),
    )

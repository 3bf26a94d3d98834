"""Weeks that stand for a year, so that many years fit in one programme.

k-means on the weeks of a site, of one weather year or several, each by its days from the poorest to the
richest, the week nearest a centre standing for its cluster, and the hardest of all beside them for itself
alone. (By the clock instead of by rank, weeks that differ only in which day was calm fall apart, and the
centres look like no week.) What is read at those hours is brought to the mean of the years, so that no energy
is lost or won by the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.flexible import before_in

__all__ = ["WEEK", "Hours", "representative_weeks", "whole_year"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Hours of a week.
WEEK = 168
_DAY = 24
_TURNS = 100


@dataclass(frozen=True)
class Hours:
    """Hours that stand for a year.

    ``index`` (H,) which hours, of one weather year or of several one after another; ``weight`` (H,) how many
    hours of a year each stands for, summing to 8,760; ``period`` hours that follow one another, after which
    stores are as they were.
    """

    index: Ints = field(repr=False)
    weight: Array = field(repr=False)
    period: int

    def __post_init__(self) -> None:
        if len(self.index) != len(self.weight) or not len(self.index) or len(self.index) % self.period:
            raise InputError(
                "hours and weights do not go together",
                given=f"{len(self.index)} hours, {len(self.weight)} weights, periods of {self.period}",
                allowed="as many weights as hours, whole periods",
            )
        if not np.all(self.weight > 0.0) or abs(float(self.weight.sum()) / HOURS_PER_YEAR - 1.0) > 1e-9:
            raise InputError(
                "the weights do not make a year",
                given=f"{float(self.weight.sum()):g} h",
                allowed=f"positive weights that sum to {HOURS_PER_YEAR:g} h",
            )

    @property
    def before(self) -> Ints:
        """Index of the hour before each hour, cyclic within each period."""
        return before_in((self.period,) * (len(self.index) // self.period))

    def mean(self, values: npt.ArrayLike) -> float:
        """Weighted mean of values at these hours."""
        return float(np.average(np.asarray(values, dtype=float), weights=self.weight))

    def read(self, series: Array, *, most: float = np.inf) -> Array:
        """A series of whole years at these hours, scaled to its mean, at most ``most``.

        A series of fewer years than the hours are of is the same in each.
        """
        chosen, mean = series[self.index % len(series)], float(series.mean())
        for _ in range(_TURNS):  # what is cut at the top is given to the other hours
            here = self.mean(chosen)
            if here <= 0.0 or mean <= 0.0 or abs(here - mean) <= 1e-9 * mean:
                break
            chosen = np.minimum(chosen * (mean / here), most)
        return chosen


def whole_year(hours: int = int(HOURS_PER_YEAR)) -> Hours:
    """Every hour for itself, or ``hours`` of them as the whole year."""
    return Hours(np.arange(hours), np.full(hours, HOURS_PER_YEAR / hours), hours)


def representative_weeks(
    *,
    series: Sequence[npt.ArrayLike],
    load: npt.ArrayLike,
    weeks: int,
    others: Sequence[npt.ArrayLike] = (),
    hardest: int = 1,
) -> Hours:
    """Weeks of a year that stand for it.

    Parameters
    ----------
    series : sequence of (years · 8760,)
        What plants get from the weather: capacity factors of one or more weather years. May be empty.
    load : (years · 8760,)
        Of any unit.
    weeks : int
        How many, 1 to 52; 52 of one year is the whole year, hour for hour.
    others : sequence of (years · 8760,)
        What else weeks shall be alike in, such as a grid's price.
    hardest : int
        Weeks that stand for themselves alone: those in which the load, less what all series together give,
        is highest, each series of the same mean as the load.

    References
    ----------
    .. [1] L. Kotzur, P. Markewitz, M. Robinius, D. Stolten, "Impact of different time series aggregation
       methods on optimal energy system design", Renewable Energy 117, 474-487, 2018.
    """
    of_year = int(HOURS_PER_YEAR) // WEEK
    check_range("weeks", weeks, 1, of_year, message="not a number of weeks of a year")
    hours = np.size(load)
    years = hours // int(HOURS_PER_YEAR)
    if weeks == of_year and years == 1:
        return whole_year()
    count = of_year * years
    demand, *found = (_whole(one, hours) for one in (load, *series))
    short = demand / max(float(demand.mean()), 1e-300)
    for one in found:
        short = short - one / (max(float(one.mean()), 1e-300) * len(found))
    rows = [
        one / max(float(one.mean()), 1e-300) for one in (*found, *(_whole(other, hours) for other in others))
    ]
    days = [_weeks_of(one, years).reshape(count, WEEK // _DAY, _DAY).mean(2) for one in (*rows, short)]
    points = np.concatenate([np.sort(one, axis=1) for one in days], axis=1)
    by_week = _weeks_of(short, years).mean(1)
    hard = (
        [int(week) for week in np.argsort(-by_week)[: min(hardest, weeks - 1)]] if np.ptp(short) > 0.0 else []
    )
    rest = np.array([week for week in range(count) if week not in hard])
    chosen, sizes = _medoids(points[rest], weeks - len(hard))
    all_weeks = [*rest[chosen], *hard]
    share = np.array([*sizes, *([1] * len(hard))], dtype=float)
    order = np.argsort(all_weeks)
    first = [int(HOURS_PER_YEAR) * (week // of_year) + WEEK * (week % of_year) for week in all_weeks]
    index = np.concatenate([np.arange(WEEK) + first[i] for i in order])
    weight = np.repeat(share[order], WEEK) * (HOURS_PER_YEAR / (count * WEEK))
    return Hours(index.astype(np.int64), weight, WEEK)


def _whole(values: npt.ArrayLike, hours: int) -> Array:
    """The series as an array of whole years, ``hours`` of them, finite."""
    one = np.asarray(values, dtype=float)
    if not hours or hours % int(HOURS_PER_YEAR) or one.shape != (hours,) or not np.all(np.isfinite(one)):
        raise InputError(
            "not the hours of a year", given=f"{one.shape}",
            allowed=f"{HOURS_PER_YEAR:g} finite values, or as many of each of several years",
        )  # fmt: skip
    return one


def _weeks_of(series: Array, years: int) -> Array:
    """(weeks, 168) of the whole weeks of each year."""
    count = int(HOURS_PER_YEAR) // WEEK
    return series.reshape(years, -1)[:, : count * WEEK].reshape(years * count, WEEK)


def _medoids(points: Array, count: int) -> tuple[Ints, Ints]:
    """(the point nearest each centre, the points of its cluster): k-means, without chance."""
    first = int(np.argmin(((points - points.mean(0)) ** 2).sum(1)))
    centres = [first]
    while len(centres) < count:
        far = np.min([((points - points[one]) ** 2).sum(1) for one in centres], axis=0)
        centres.append(int(np.argmax(far)))
    middle = points[centres]
    belongs = np.zeros(len(points), dtype=np.int64)
    for turn in range(_TURNS):
        distance = np.stack([((points - one) ** 2).sum(1) for one in middle])
        now = np.argmin(distance, axis=0)
        if turn and np.array_equal(now, belongs):
            break
        belongs = now
        middle = np.stack(
            [points[belongs == i].mean(0) if np.any(belongs == i) else middle[i] for i in range(count)]
        )
    chosen: list[int] = []
    sizes: list[int] = []
    for i in range(count):
        mine = np.flatnonzero(belongs == i)
        if len(mine):
            chosen.append(int(mine[np.argmin(((points[mine] - middle[i]) ** 2).sum(1))]))
            sizes.append(len(mine))
    return np.array(chosen, dtype=np.int64), np.array(sizes, dtype=np.int64)

"""When requests come: at a constant rate, at random, in bursts, by the hour of the day.

Every process takes a mean ``rate`` [1/s], either a ``count`` or a ``span`` [s], and a seed, and gives
ascending times from 0. A daily shape is 24 relative rates of mean 1 (catalog table ``traces_shapes``), linear
between the middles of the hours, so that the mean of a day is kept and no rate jumps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError

__all__ = [
    "DAY",
    "DailyShape",
    "arrival_times",
    "constant_arrivals",
    "daily_shape",
    "diurnal_arrivals",
    "gamma_arrivals",
    "poisson_arrivals",
]

Array = NDArray[np.float64]
Seed = int | np.random.SeedSequence | np.random.Generator

DAY = 86400.0  #: seconds
_HOURS = 24
_WAVE = "azure-conversation"  # the row whose hour of the peak a plain wave takes
_CHUNK = 65536  # arrivals drawn at once, least
_KINDS = ("poisson", "gamma", "diurnal", "constant")


@dataclass(frozen=True)
class DailyShape:
    """Relative rates over a day.

    Attributes
    ----------
    name : str
        Of the catalog, or what was given.
    hours : array (24,)
        Mean 1; each stands at the middle of its hour of the shape's own clock.
    clock : str
        Which clock that is, where the source says it.
    """

    name: str
    hours: Array = field(repr=False)
    clock: str = ""

    @property
    def peak(self) -> float:
        """The largest relative rate."""
        return float(self.hours.max())

    @property
    def trough_to_peak(self) -> float:
        """The least over the largest."""
        return float(self.hours.min() / self.hours.max())

    def at(self, time: ArrayLike) -> Array:
        """The relative rate at ``time`` [s] since the shape's midnight; days repeat."""
        place = np.mod(np.asarray(time, dtype=float) / DAY * _HOURS - 0.5, _HOURS)
        low = np.minimum(place.astype(np.int64), _HOURS - 1)
        share = place - low
        return self.hours[low] * (1.0 - share) + self.hours[(low + 1) % _HOURS] * share


def daily_shape(shape: DailyShape | str | float | ArrayLike) -> DailyShape:
    """A daily shape from a name, a trough-to-peak ratio, or 24 numbers.

    Parameters
    ----------
    shape : str, float or array (24,)
        A row of the catalog table ``traces_shapes`` such as ``azure-conversation``; the ratio of the least to
        the largest rate of a plain wave (one cosine, its peak in the hour of ``azure-conversation``'s, the
        fifteenth); or relative rates by the hour, of any mean.

    Raises
    ------
    InputError
        No such row; a ratio outside [0, 1]; not 24 rates, a negative one, or all of them 0.
    """
    if isinstance(shape, DailyShape):
        return shape
    if isinstance(shape, str):
        row = entity("traces_shapes", shape)
        hours = np.array([row.value(f"hour_{hour:02d}") for hour in range(_HOURS)])
        return DailyShape(row.id, hours / hours.mean(), row.text("clock"))
    if np.ndim(shape) == 0:
        ratio = float(shape)  # type: ignore[arg-type]
        if not 0.0 <= ratio <= 1.0:
            raise InputError("not a ratio of trough to peak", key="shape", given=ratio, allowed="0 to 1")
        peak = int(np.argmax(daily_shape(_WAVE).hours))
        turn = 2.0 * math.pi * (np.arange(_HOURS) - peak) / _HOURS
        hours = 1.0 + (1.0 - ratio) / (1.0 + ratio) * np.cos(turn)
        return DailyShape(f"wave {ratio:g}", hours / hours.mean())
    hours = np.asarray(shape, dtype=float).ravel()
    if len(hours) != _HOURS or not np.all(np.isfinite(hours)) or hours.min() < 0.0 or hours.sum() <= 0.0:
        raise InputError(
            "not a daily shape",
            key="shape",
            given=f"{len(hours)} numbers",
            allowed="24 rates from 0, not all 0",
        )
    return DailyShape("given", hours / hours.mean())


def _asked(rate: float, count: int | None, span: float | None) -> None:
    check_range("rate", rate, 0.0, unit="per second", open_low=True, message="not a rate of requests")
    if (count is None) == (span is None):
        raise InputError("how many requests is not clear", key="count", allowed="one of count and span")
    if count is not None and (count < 1 or count != int(count)):
        raise InputError(
            "not a number of requests", key="count", given=count, allowed="a whole number from 1"
        )
    if span is not None:
        check_range("span", span, 0.0, unit="seconds", open_low=True, message="not a span of time")


def constant_arrivals(*, rate: float, count: int | None = None, span: float | None = None) -> Array:
    """One every 1/rate [s], the first at 0."""
    _asked(rate, count, span)
    n = (
        int(count)
        if count is not None
        else math.ceil(rate * float(span or 0.0) * (1.0 - np.finfo(float).eps))
    )
    return np.arange(n) / rate


def poisson_arrivals(
    *, rate: float, count: int | None = None, span: float | None = None, seed: Seed = 0
) -> Array:
    """A Poisson process: independent exponential gaps."""
    _asked(rate, count, span)
    random = np.random.default_rng(seed)
    if count is not None:
        return np.cumsum(random.standard_exponential(int(count))) / rate
    length = float(span or 0.0)
    return np.sort(random.random(random.poisson(rate * length))) * length


def gamma_arrivals(
    *,
    rate: float,
    variation: float,
    count: int | None = None,
    span: float | None = None,
    seed: Seed = 0,
) -> Array:
    """A renewal process with gamma gaps: bursts where the coefficient of variation is above 1.

    Parameters
    ----------
    rate : float [1/s]
        Mean.
    variation : float ≥ 0
        Standard deviation of the gaps over their mean: 1 is Poisson, 0 a constant rate; the gaps of the
        catalog's hour of Azure conversations have 1.1, those of Azure code 13.
    count, span, seed
        As in the module's head.

    References
    ----------
    Wang et al. 2024, BurstGPT, arXiv:2401.17644, model bursts with gamma gaps.
    """
    _asked(rate, count, span)
    check_range("variation", variation, 0.0, message="not a coefficient of variation")
    if variation == 0.0:
        return constant_arrivals(rate=rate, count=count, span=span)
    random = np.random.default_rng(seed)
    form, scale = variation**-2, variation**2 / rate
    if count is not None:
        return np.cumsum(random.standard_gamma(form, int(count))) * scale
    length, reached, parts = float(span or 0.0), 0.0, list[Array]()
    while reached < length:
        gaps = random.standard_gamma(form, max(math.ceil((length - reached) * rate), _CHUNK)) * scale
        parts.append(reached + np.cumsum(gaps))
        reached = float(parts[-1][-1])
    times = np.concatenate(parts)
    return times[times < length]


def diurnal_arrivals(
    *,
    rate: float,
    shape: DailyShape | str | float | ArrayLike,
    count: int | None = None,
    span: float | None = None,
    seed: Seed = 0,
) -> Array:
    """A Poisson process whose rate follows the hours of the day, by thinning one of the peak's rate.

    Parameters
    ----------
    rate : float [1/s]
        Mean of a whole day; the rate at time t is ``rate · shape(t)``.
    shape
        See :func:`daily_shape`; time 0 is midnight of its clock.
    count, span, seed
        As in the module's head.

    References
    ----------
    Lewis, Shedler 1979, "Simulation of nonhomogeneous Poisson processes by thinning".
    """
    _asked(rate, count, span)
    day, random = daily_shape(shape), np.random.default_rng(seed)
    peak = rate * day.peak

    def thinned(times: Array) -> Array:
        return times[random.random(len(times)) * day.peak < day.at(times)]

    if span is not None:
        return thinned(np.sort(random.random(random.poisson(peak * span))) * span)
    wanted, reached, found, parts = int(count or 0), 0.0, 0, list[Array]()
    while found < wanted:
        gaps = random.standard_exponential(max(math.ceil((wanted - found) * day.peak), _CHUNK)) / peak
        times = reached + np.cumsum(gaps)
        reached = float(times[-1])
        parts.append(thinned(times))
        found += len(parts[-1])
    return np.concatenate(parts)[:wanted]


def arrival_times(
    *,
    kind: str,
    rate: float,
    count: int | None = None,
    span: float | None = None,
    variation: float | None = None,
    shape: DailyShape | str | float | ArrayLike | None = None,
    seed: Seed = 0,
) -> Array:
    """Arrivals of a process by its name: ``poisson``, ``gamma``, ``diurnal`` or ``constant``.

    ``gamma`` needs ``variation``, ``diurnal`` needs ``shape``; the others take neither.
    """
    check_word("arrivals", kind, _KINDS, "no such process of arrivals")
    for name, given, owner in (("variation", variation, "gamma"), ("shape", shape, "diurnal")):
        if (given is not None) != (kind == owner):
            raise InputError(
                f"{kind} arrivals {'need' if kind == owner else 'take no'} {name}",
                key=name,
                allowed=f"{name} with {owner} arrivals",
            )
    if kind == "gamma" and variation is not None:
        return gamma_arrivals(rate=rate, variation=variation, count=count, span=span, seed=seed)
    if kind == "diurnal" and shape is not None:
        return diurnal_arrivals(rate=rate, shape=shape, count=count, span=span, seed=seed)
    if kind == "poisson":
        return poisson_arrivals(rate=rate, count=count, span=span, seed=seed)
    return constant_arrivals(rate=rate, count=count, span=span)

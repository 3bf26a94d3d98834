"""Hourly prices of a year that was not known, from the market's hours of the year before and its own mean.

Each year of each market is predicted as a plan prices a later year: the hours of the latest year before it,
brought to its mean. Judged are the 95th percentile, the share of hours at or below zero and that of scarcity
hours; the mean alone by whether it lies in the range of the means of earlier years.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import to_si
from gigawatt.facility import load_site
from gigawatt.facility.weather import load_place_years
from gigawatt.power.market.forward import later_of
from gigawatt.power.market.hours import market_hours
from gigawatt.power.market.model import modelled_year
from gigawatt.power.market.series import price_years
from gigawatt.power.resource import solar_capacity_factor, wind_capacity_factor
from gigawatt.validation.card import Card, Group, Summary
from gigawatt.validation.files import Refusals
from gigawatt.validation.rows import cells_of, check_columns, number_of

__all__ = [
    "REQUIRED",
    "Prediction",
    "PriceYear",
    "daily_spread",
    "predicted",
    "prices_card",
    "scarcity_band",
    "shipped_years",
]

Array = NDArray[np.float64]

REQUIRED = ("series", "year", "mean", "p95", "share_free")
_KNOWN = (*REQUIRED, "share_scarce")
_HIGH = 0.95
"""The quantile that is judged."""
SCARCE = 5.0
"""A scarcity hour costs more than this times the mean of its year."""
_NEAR, _POINTS = 0.25, 0.03
_SPREAD = 4
"""Hours at each end of a day."""
_WANTED = (
    ("p95_within_25_percent", "95th percentile within 25 %", 0.8),
    ("free_hours_within_3_points", "share of hours at or below zero within 3 points", 1.0),
    ("scarcity_in_band", "share of scarcity hours in its band", 1.0),
)
"""Figure, words, and the least share of the markets that it should hold in."""
_AHEAD = 4
"""Years."""
_LEAST_BAND, _WIDER = 0.005, 2.0


@dataclass(frozen=True)
class PriceYear:
    """A year of a market: ``mean`` and 95th percentile ``p95`` [$/MWh], shares of hours at or below zero
    (``free``) and above five times the mean (``scarce``, ``None`` where not known); ``line`` of its file."""

    series: str
    year: int
    mean: float
    p95: float
    free: float
    scarce: float | None
    line: int = 0


@dataclass(frozen=True)
class Prediction:
    """A year beside its prediction, made from ``base``; ``band`` of the share of scarcity hours, and whether
    the mean ``covered``: lies in the range of earlier years (``None`` with fewer than two of them)."""

    measured: PriceYear
    made: PriceYear
    base: int
    band: tuple[float, float]
    covered: bool | None

    @property
    def near(self) -> bool:
        """Whether the 95th percentile is within a quarter."""
        return abs(self.made.p95 / self.measured.p95 - 1.0) <= _NEAR

    @property
    def free_near(self) -> bool:
        """Whether the share of hours at or below zero is within three percentage points."""
        return abs(self.made.free - self.measured.free) <= _POINTS

    @property
    def in_band(self) -> bool | None:
        """Whether the share of scarcity hours is in its band; ``None`` where it is not known."""
        share = self.measured.scarce
        return None if share is None else self.band[0] <= share <= self.band[1]


def _figures(series: str, year: int, hours: Array) -> PriceYear:
    mean = float(hours.mean())
    return PriceYear(
        series, year, mean, float(np.quantile(hours, _HIGH)), float(np.mean(hours <= 0.0)),
        float(np.mean(hours > SCARCE * mean)),
    )  # fmt: skip


def _hours(series: str, year: int) -> Array:
    """(8760,) [$/MWh] of a market's year, as a plan takes them."""
    zone = loader.entity("grids_hours", series).value("time_zone") / to_si(1.0, "h")
    return market_hours(series, year=year, time_zone=zone).price / to_si(1.0, "$/MWh")


def scarcity_band(shares: Sequence[float]) -> tuple[float, float]:
    """Band of the share of scarcity hours of a year from those of the years before: from half the least to
    twice the largest, and at least from none to half a per cent."""
    low, high = min(shares) / _WIDER, max(shares) * _WIDER
    return (0.0 if low < _LEAST_BAND else low), max(high, _LEAST_BAND)


def predicted(measured: PriceYear) -> Prediction | None:
    """The prediction of a year given its mean; ``None`` of one without a year before it."""
    row = loader.entity("grids_hours", measured.series)
    before = [year for year in price_years(row) if year < measured.year]
    if not before:
        return None
    known = {year: _hours(measured.series, year) for year in before}
    base = known[before[-1]]
    made = _figures(measured.series, measured.year, base * (measured.mean / base.mean()))
    means = [float(one.mean()) for one in known.values()]
    shares = [_figures(measured.series, year, one).scarce or 0.0 for year, one in known.items()]
    covered = None if len(means) < 2 else min(means) <= measured.mean <= max(means)
    return Prediction(measured, made, before[-1], scarcity_band(shares), covered)


def shipped_years() -> list[PriceYear]:
    """Every year of every market of the catalog."""
    table = loader.table("grids_hours")
    return [
        _figures(name, year, _hours(name, year)) for name, row in table.items() for year in price_years(row)
    ]


def _of_file(file: Path) -> list[PriceYear]:
    header, cells = cells_of(file)
    check_columns(file, header, REQUIRED, _KNOWN)
    table, found = loader.table("grids_hours"), list[PriceYear]()
    for line, record in cells:
        name = (record.get("series") or "").strip()
        if name not in table:
            raise InputError("no such series of prices", file=file, line=line, key="series", given=name,
                             allowed=", ".join(table), nearest=nearest(name, table))  # fmt: skip
        values: dict[str, float | None] = {}
        for column in _KNOWN[1:]:
            value = number_of(record, column, file=file, line=line) if column in header else None
            _check(file, line, column, value, needed=column in REQUIRED)
            values[column] = value
        year, mean, p95, free, scarce = (values[column] for column in _KNOWN[1:])
        assert year is not None
        assert mean is not None
        assert p95 is not None
        assert free is not None
        found.append(PriceYear(name, int(year), mean, p95, free, scarce, line))
    return found


def _check(file: Path, line: int, column: str, value: float | None, *, needed: bool) -> None:
    if value is None:
        if needed:
            raise InputError("this cell is empty", file=file, line=line, key=column, allowed="a number")
        return
    low, high = {"year": (1990.0, 2100.0), "mean": (1e-3, 1e5), "p95": (1e-3, 1e6)}.get(column, (0.0, 1.0))
    if not low <= value <= high or (column == "year" and value != int(value)):
        raise InputError("out of range", file=file, line=line, key=column, given=f"{value:g}",
                         allowed=f"{low:g} to {high:g}")  # fmt: skip


def prices_card(
    file: Path | None = None, progress: Callable[[int, int], None] = lambda done, of: None
) -> Card:
    """The scorecard of hourly prices in the shape of every table.

    Parameters
    ----------
    file : Path, optional
        Years of other hours: columns :data:`REQUIRED` (``series`` a row of ``grids_hours``, ``mean`` and
        ``p95`` in $/MWh of one year's money, shares of the hours at or below zero) and ``share_scarce``.
    progress : callable
        Called with (years done, years).

    Raises
    ------
    InputError
        No such file, one of another shape, a cell that is out of range: file, line, column.
    """
    rows = shipped_years() if file is None else _of_file(file)
    refusals, found = Refusals(), list[Prediction]()
    for done, row in enumerate(rows):
        progress(done, len(rows))
        one = predicted(row)
        if one is None:
            refusals.add("no year before it", row.line or f"{row.series} {row.year}")
        else:
            found.append(one)
    years = sorted({one.measured.year for one in found})
    groups = [(str(year), [one for one in found if one.measured.year == year]) for year in years]
    return Card(
        table="prices",
        rows=len(rows),
        predicted=len(found),
        refusals=refusals,
        parameters_fitted=0,
        overall=_summary(found),
        groups=tuple(Group(name, _summary(mine), _shares(mine)) for name, mine in groups),
        more={
            **_shares(found),
            "four_years_ahead": _ahead() if file is None else [],
            "modelled_hours": _modelled() if file is None else [],
            "targets": _targets(*groups[-1]) if groups else [],
            "series": {name: _by_series(mine) for name, mine in _each(found).items()},
        },
        titles={
            "targets": "What the latest year should reach: shares of the markets.",
            "four_years_ahead": "The latest year from that of four years before: its hours as they were, and "
            "with the growth of sun and wind that later years have.",
            "modelled_hours": "Markets whose hours may not be passed on: each year by the model fitted on "
            "the others and its own mean; median errors. The daily spread is the mean of the four dearest "
            "hours of a day less the four cheapest, measured; in a year that is known it is fitted.",
        },
        notes=(
            "Each year is predicted by the hours of the year before it and its own mean, as a plan prices a "
            "later year; nothing is fitted, and no hour of the judged year is read. Errors are of the 95th "
            "percentile. Markets whose hours may not be passed on are judged by quantiles of their years.",
        ),
        detail=found,
    )  # fmt: skip


def _ahead() -> list[dict[str, Any]]:
    """Markets whose weather of the first year is known, predicted over four years in both ways."""
    made: dict[str, list[Prediction]] = {"hours as they were": [], "with growth of sun and wind": []}
    defaults = loader.entity("grids_defaults", "world")
    for name, row in loader.table("grids_hours").items():
        base = price_years(row)[-1] - _AHEAD
        skies = load_place_years(load_site(row.text("place"))) if row.text("place") else ()
        sky = next((one for one in skies if one.happened == base), None)
        if sky is None or base not in price_years(row):
            continue
        growth = later_of(defaults, _AHEAD, sun=solar_capacity_factor(sky), wind=wind_capacity_factor(sky))
        latest = _figures(name, base + _AHEAD, _hours(name, base + _AHEAD))
        for words, later in zip(made, (None, growth), strict=True):
            zone = sky.time_zone
            hours = market_hours(name, year=base, time_zone=zone, weather_year=base, later=later).price
            ours = _figures(name, latest.year, hours * (latest.mean / hours.mean()))
            made[words].append(Prediction(latest, ours, base, (0.0, 1.0), None))
    return [
        {
            "way": words, "n": len(rows), "p95_within_25_percent": _share([row.near for row in rows]),
            "free_hours_within_3_points": _share([row.free_near for row in rows]),
            "free_hours_bias": float(np.mean([row.made.free - row.measured.free for row in rows])),
        }
        for words, rows in made.items()
        if rows
    ]  # fmt: skip


def daily_spread(hours: Array) -> float:
    """Mean over the days of (8760,) hours of the four dearest less the four cheapest, over the mean."""
    days = np.sort(hours.reshape(-1, 24), axis=1)
    return float((days[:, -_SPREAD:].mean(1) - days[:, :_SPREAD].mean(1)).mean() / hours.mean())


def _modelled() -> list[dict[str, Any]]:
    """Errors of the markets whose hours are modelled, each year by what was fitted on the others."""
    found: list[dict[str, Any]] = []
    for name, row in loader.table("grids_hours").items():
        if row.text("kind") != "model":
            continue
        off = list[tuple[float, float, float, float]]()
        for year in price_years(row):
            known = loader.entity("grids_hours_quantiles", f"{name}-{year}").value("daily_spread")
            was = _figures(name, year, modelled_year(row, year, None, 0.0))
            hours = modelled_year(row, year, None, 0.0, left_out=True)
            made = _figures(name, year, hours)
            scarce = abs((made.scarce or 0.0) - (was.scarce or 0.0))
            spread = daily_spread(hours) / known - 1.0
            off.append((abs(made.p95 / was.p95 - 1.0), abs(made.free - was.free), scarce, abs(spread)))
        p95, free, scarce, spread = np.median(off, axis=0).tolist()
        within = float(np.mean([one[0] <= _NEAR for one in off]))
        found.append(
            {
                "series": name, "n": len(off), "p95_within_25_percent": within, "p95_error": p95,
                "free_hours_error": free, "scarcity_hours_error": scarce, "daily_spread_error": spread,
            }
        )  # fmt: skip
    return found


def _summary(rows: Sequence[Prediction]) -> Summary:
    return Summary.of([row.made.p95 for row in rows], [row.measured.p95 for row in rows])


def _share(values: Sequence[bool | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _shares(rows: Sequence[Prediction]) -> dict[str, Any]:
    """Shares of the years in which each figure is as near as it should be."""
    return {
        "p95_within_25_percent": _share([row.near for row in rows]),
        "free_hours_within_3_points": _share([row.free_near for row in rows]),
        "scarcity_in_band": _share([row.in_band for row in rows]),
        "mean_in_range_of_earlier_years": _share([row.covered for row in rows]),
    }


def _each(rows: Sequence[Prediction]) -> dict[str, list[Prediction]]:
    found: dict[str, list[Prediction]] = {}
    for row in rows:
        found.setdefault(row.measured.series, []).append(row)
    return found


def _by_series(rows: Sequence[Prediction]) -> list[dict[str, Any]]:
    return [
        {
            "year": row.measured.year, "from": row.base, "mean_USD_per_MWh": row.measured.mean,
            "p95": row.measured.p95, "p95_predicted": row.made.p95, "free": row.measured.free,
            "free_predicted": row.made.free, "scarce": row.measured.scarce, "scarce_predicted":
            row.made.scarce, "scarce_band": list(row.band), "mean_in_range": row.covered,
        }
        for row in rows
    ]  # fmt: skip


def _targets(year: str, rows: Sequence[Prediction]) -> list[dict[str, Any]]:
    """What a held-out year should reach, and whether it does."""
    shares = _shares(rows)
    return [
        {
            "year": int(year),
            "what": words,
            "share": shares[name],
            "at_least": least,
            "ok": shares[name] >= least,
        }
        for name, words, least in _WANTED
        if shares[name] is not None
    ]

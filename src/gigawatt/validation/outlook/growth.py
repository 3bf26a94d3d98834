"""Growth, concentration and building as others quote them, computed from the same rows: E10 to E18, C2, C3,
H1, M2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from gigawatt.catalog import entity
from gigawatt.outlook.forecasts.trends import Trend, records_only, trend
from gigawatt.outlook.series import decimal_year, points, quarters, read_rows
from gigawatt.outlook.society.concentration import Concentration, concentration
from gigawatt.outlook.society.value import metcalfe_exponent, revenue_and_users
from gigawatt.validation.check import Told

__all__ = ["exponent", "exponent_told", "growth", "owners", "site_numbers", "stock_trend"]

_DRAWS, _SEED = 20_000, 11
_STOCK_FROM = "2023-12-31"  # all makers but one had entered; earlier growth is of makers entering


def stock_trend() -> Trend:
    """Growth of the tracked stock of AI chips a year, by quarters from the end of 2023 on."""
    use = [one for one in quarters() if one >= _STOCK_FROM]
    return trend([decimal_year(one) for one in use], [concentration(one, draws=1).total for one in use])


def exponent(*, with_first: bool) -> tuple[float, float, float, float]:
    """Exponent of revenue over users: median, 5 and 95 %, probability that it is above 1."""
    row = entity("hindcast", "metcalfe")
    _, users, revenue = revenue_and_users(with_first=with_first)
    drawn = metcalfe_exponent(
        users,
        revenue,
        users_error=row.value("users_error"),
        revenue_error=row.value("revenue_error"),
        draws=_DRAWS,
        rng=np.random.Generator(np.random.Philox(_SEED)),
    )
    middle, low, high = (float(x) for x in np.quantile(drawn, [0.5, 0.05, 0.95]))
    return middle, low, high, float((drawn > 1.0).mean())


@lru_cache(maxsize=1)
def site_numbers() -> Mapping[str, float]:
    """Of the tracked sites: median $/W of facility power, years to first power (10, 50 and 90 %), stock,
    doubling."""
    rows = read_rows("sites")
    per_watt = [
        float(row["capital_2025_billions"]) * 1e9 / (float(row["facility_mw"]) * 1e6)
        for row in rows
        if float(row["facility_mw"]) > 0.0 and float(row["capital_2025_billions"]) > 0.0
    ]
    wait = [
        decimal_year(row["first_power"]) - decimal_year(row["start"]) for row in rows if row["first_power"]
    ]
    then, now = (sum(float(row[f"h100e_{when}"]) for row in rows) for when in ("2024-08", "2026-08"))
    low, middle, high = (float(x) for x in np.quantile(wait, [0.1, 0.5, 0.9]))
    return {
        "capital": float(np.median(per_watt)),
        "wait_low": low,
        "wait": middle,
        "wait_high": high,
        "stock": now,
        "doubling": 2.0 * 365.0 * np.log(2.0) / np.log(now / then),
    }


def growth(series: str, *, since: float = 0.0, records: bool = False) -> float:
    """Factor a year of a series of the outlook, from a year on, of records alone where asked."""
    year, value = points(series)
    late = year >= since
    trended = (year[late], value[late])
    return trend(*(records_only(*trended) if records else trended)).factor


def owners(quarter: str) -> Concentration:
    """How concentrated the tracked AI chips were in a quarter."""
    return concentration(quarter, draws=1)


def exponent_told(*, with_first: bool) -> Told:
    """Median exponent of revenue over users, with its 5 and 95 %."""
    middle, low, high, _ = exponent(with_first=with_first)
    return Told(middle, note=f"ours {low:.2f} to {high:.2f}")

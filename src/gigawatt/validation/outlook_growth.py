"""Growth, concentration and building as others quote them, computed from the same rows: E10 to E18, C2, C3,
H1, M2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from gigawatt.catalog import entity
from gigawatt.outlook.concentration import concentration, quarters
from gigawatt.outlook.series import decimal_year, points, read_rows
from gigawatt.outlook.trends import Trend, records_only, trend
from gigawatt.outlook.value import metcalfe_exponent, revenue_and_users
from gigawatt.validation.check import Check
from gigawatt.validation.outlook_check import beside, published, within

__all__ = ["checks", "exponent", "site_numbers", "stock_trend"]

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


def checks() -> list[Check]:
    """Each published number of ``hindcast_published`` that can be recomputed, beside ours."""
    part, sites = "growth", site_numbers()
    compute, year = points("training_compute")[::-1]
    found = [
        within(
            part,
            "AI chips delivered, factor a year",
            stock_trend().factor,
            published("E10", "stock_growth"),
            note="quarters from the end of 2023; 3.9 from the end of 2022, 4.3 from 2022",
        ),
        beside(
            part,
            "AI chips delivered by the first quarter of 2026",
            concentration("2026-03-31", draws=1).total,
            published("E11", "stock"),
            tolerance=0.25,
            unit="H100e",
        ),
        within(
            part,
            "training compute, factor a year",
            trend(year[year >= 2010.0], compute[year >= 2010.0]).factor,
            published("E12", "training_compute"),
        ),
        within(
            part,
            "FP32 per watt, factor a year",
            trend(*points("chip_flops_per_watt")).factor,
            published("E13", "fp32_per_watt"),
        ),
        beside(
            part,
            "16-bit per watt of record chips, factor a year",
            trend(*records_only(*points("chip_flops_per_watt_16bit_tensor"))).factor,
            published("E13", "sixteen_per_watt"),
            tolerance=0.1,
            note="matrix units; chips not told; chosen of six definitions, 1.19 to 1.59",
        ),
        within(
            part,
            "memory bandwidth, factor a year",
            trend(*points("memory_bandwidth_all")).factor,
            published("E14", "memory_bandwidth"),
            note="all rows, memory on the chip too",
        ),
        within(
            part,
            "16-bit per dollar, factor a year",
            trend(*points("chip_flops_per_dollar_16bit_tensor")).factor,
            published("E15", "sixteen_per_dollar"),
            note="matrix units",
        ),
        beside(
            part,
            "stock at tracked sites, August 2026",
            sites["stock"],
            published("E16", "tracked_stock"),
            tolerance=0.1,
            unit="H100e",
            note="our snapshot has 51 sites of the 83",
        ),
        beside(
            part, "its doubling", sites["doubling"], published("E16", "doubling"), tolerance=0.1, unit="d"
        ),
        beside(
            part,
            "capital a facility watt",
            sites["capital"],
            published("C2", "capital_per_watt"),
            tolerance=0.2,
            unit="$/W",
        ),
        within(part, "first work to first power", sites["wait"], published("C3", "to_first_power"), unit="y"),
    ]
    first, last = concentration("2022-03-31", draws=1), concentration("2026-03-31", draws=1)
    hhi = published("H1", "hhi")
    found += [
        within(part, "HHI of owners, the unnamed as small ones", last.hhi_low, hhi),
        within(part, "HHI of owners, the unnamed as one", last.hhi_high, hhi),
        beside(
            part,
            "share of the five largest, Q1 2022",
            first.largest[5],
            published("H1", "five_largest_first"),
            tolerance=0.1,
        ),
        beside(
            part,
            "share of the five largest, Q1 2026",
            last.largest[5],
            published("H1", "five_largest"),
            tolerance=0.05,
        ),
    ]
    for quantity, with_first in (("exponent", False), ("exponent_outlier", True)):
        middle, low, high, _ = exponent(with_first=with_first)
        row = published("M2", quantity)
        found.append(
            within(
                part,
                f"exponent of revenue over users, {row.locator}",
                middle,
                row,
                note=f"ours {low:.2f} to {high:.2f}",
            )
        )
    for key in ("alpha", "beta"):
        law = entity("diloco_law", "chinchilla")
        ours = law.value({"alpha": "size_exponent", "beta": "token_exponent"}[key])
        found.append(
            beside(
                part,
                f"Chinchilla's {key}, median of the bootstrap",
                ours,
                published("L1", key),
                tolerance=0.05,
                fitted=True,
            )
        )
    return found

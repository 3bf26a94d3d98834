"""Series that the outlook is made from: costs of technologies, records of AI, electricity of data centres.

They are compact tables in the catalog's ``outlook`` folder; table ``hindcast_series`` says of each what it
is, in what unit, from whom and under which licence. Everything here is read once and returned as logarithms
by year.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError, nearest

__all__ = [
    "CostSeries",
    "YearSeries",
    "cost_series",
    "decimal_year",
    "electricity",
    "list_records",
    "owners",
    "points",
    "quarters",
    "read_rows",
    "record",
    "rule",
    "stock_by_year",
]

Array = NDArray[np.float64]
TABLE = "hindcast_series"


@dataclass(frozen=True)
class CostSeries:
    """Cost and cumulative production of one technology by year; ``family`` names its twins.

    ``years`` (n,), ``cost`` and ``produced`` (n,): natural logarithms, in the units that the source has.
    """

    name: str
    family: str
    years: Array
    cost: Array
    produced: Array


@dataclass(frozen=True)
class YearSeries:
    """One quantity by year: ``years`` (n,) increasing, ``values`` (n,) natural logarithms in ``unit``."""

    name: str
    unit: str
    years: Array
    values: Array


def read_rows(name: str) -> list[dict[str, str]]:
    """Rows of ``outlook/NAME.csv`` of the catalog, as text."""
    with catalog.path(f"outlook/{name}.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def rule(quantity: str) -> float:
    """A number of the hindcast's rule (table ``hindcast``): what is judged, from which observation, how
    far."""
    return catalog.entity("hindcast", "rule").value(quantity)


@lru_cache(maxsize=4)
def cost_series(*, judged: bool = True) -> tuple[CostSeries, ...]:
    """Technologies with cost and production; with ``judged`` those that the hindcast uses.

    Judged are series of at least ``least_observations`` years without a hole longer than ``longest_hole``.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for row in read_rows("costs"):
        found.setdefault(row["technology"], []).append(row)
    made: list[CostSeries] = []
    for name, rows in sorted(found.items()):
        years = np.array([float(row["year"]) for row in rows])
        if judged and (
            len(years) < rule("least_observations") or np.max(np.diff(years)) > rule("longest_hole")
        ):
            continue
        cost, produced = (np.log([float(row[key]) for row in rows]) for key in ("cost", "experience"))
        made.append(CostSeries(name, rows[0]["family"], years, cost, produced))
    return tuple(made)


def list_records() -> tuple[str, ...]:
    """Names of the yearly records: ``training_compute``, ``memory_bandwidth``, …"""
    return tuple(
        name for name, row in catalog.table(TABLE).items() if row.text("kind") in ("record", "stock")
    )


def _numbers(row: Mapping[str, str], column: str) -> float:
    return float(row[column]) if row[column] else float("nan")


@lru_cache(maxsize=1)
def _chips() -> dict[str, Array]:
    rows = read_rows("chips")
    found = {
        column: np.array([_numbers(row, column) for row in rows])
        for column in ("fp32", "half", "tensor", "bandwidth", "power", "price")
    }
    found["year"] = np.array([float(row["date"][:4]) for row in rows])
    found["date"] = np.array([decimal_year(row["date"]) for row in rows])
    dram = np.array([not row["not_dram"] for row in rows])
    found["sixteen"] = np.fmax(found["half"], found["tensor"])
    found["dram"] = np.where(dram, found["bandwidth"], np.nan)
    return found


def decimal_year(date: str) -> float:
    """A date as a year with its part."""
    day = np.datetime64(date[:10])
    start = np.datetime64(date[:4])
    return float(date[:4]) + float((day - start.astype("datetime64[D]")) / np.timedelta64(1, "D")) / 365.25


def points(name: str) -> tuple[Array, Array]:
    """What a record was taken of: decimal years and values (SI, not logarithms), in order of date."""
    if name == "training_compute":
        rows = read_rows("models")
        return np.array([decimal_year(row["date"]) for row in rows]), np.array(
            [float(row["flop"]) for row in rows]
        )
    chips = _chips()
    values: dict[str, Callable[[], Array]] = {
        "chip_flops": lambda: chips["fp32"],
        "chip_flops_16bit": lambda: chips["sixteen"],
        "chip_flops_16bit_tensor": lambda: chips["tensor"],
        "chip_flops_per_watt": lambda: chips["fp32"] / chips["power"],
        "chip_flops_per_watt_16bit": lambda: chips["sixteen"] / chips["power"],
        "chip_flops_per_watt_16bit_tensor": lambda: chips["tensor"] / chips["power"],
        "chip_flops_per_dollar": lambda: chips["fp32"] / chips["price"],
        "chip_flops_per_dollar_16bit": lambda: chips["sixteen"] / chips["price"],
        "chip_flops_per_dollar_16bit_tensor": lambda: chips["tensor"] / chips["price"],
        "memory_bandwidth": lambda: chips["dram"],
        "memory_bandwidth_all": lambda: chips["bandwidth"],
    }
    if name not in values:
        raise InputError("no such series", key="name", given=name, nearest=nearest(name, values))
    found = values[name]()
    keep = np.isfinite(found)
    return chips["date"][keep], found[keep]


@lru_cache(maxsize=1)
def _owners_by_quarter() -> Mapping[str, Mapping[tuple[str, str], tuple[float, float, float]]]:
    found: dict[str, dict[tuple[str, str], tuple[float, float, float]]] = {}
    for row in read_rows("owners"):
        median = float(row["median"])
        low, high = (float(row[key]) if row[key] else median for key in ("low", "high"))
        found.setdefault(row["quarter"], {})[row["maker"], row["owner"]] = (median, low, high)
    return found


def quarters() -> tuple[str, ...]:
    """Ends of quarters with rows, as ``2026-03-31``."""
    return tuple(sorted(_owners_by_quarter()))


@lru_cache(maxsize=64)
def owners(quarter: str) -> Mapping[tuple[str, str], tuple[float, float, float]]:
    """(maker, owner) → median, 5 and 95 % of cumulative H100 equivalents at the end of ``quarter``.

    Where a maker's owner has no row in a quarter, the latest row before it stands (deliveries only add up).

    Raises
    ------
    InputError
        No such quarter.
    """
    if quarter not in _owners_by_quarter():
        raise InputError(
            "no such quarter", key="quarter", given=quarter, allowed=f"{quarters()[0]} to {quarters()[-1]}",
            nearest=nearest(quarter, quarters()),
        )  # fmt: skip
    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    for one in quarters():
        if one <= quarter:
            found.update(_owners_by_quarter()[one])
    return found


def stock_by_year(first: int, last: int) -> tuple[Array, Array]:
    """Tracked stock [H100 equivalents] at the ends of the years ``first`` to ``last``: (years, totals)."""
    years = np.arange(first, last + 1)
    totals = [sum(row[0] for row in owners(f"{year}-12-31").values()) for year in years]
    return years.astype(float), np.array(totals)


@lru_cache(maxsize=32)
def record(name: str) -> YearSeries:
    """A record by year: the highest value so far, each year from the first to the last complete one.

    Raises
    ------
    InputError
        No such series; names the nearest.
    """
    known = catalog.table(TABLE)
    if name not in list_records():
        raise InputError(
            "no such series", key="name", given=name, allowed=list_records(), nearest=nearest(name, known)
        )
    row = known[name]
    first, last = int(row.text("first_year")), int(row.text("last_year"))
    if row.text("kind") == "stock":
        years, values = stock_by_year(first, last)
        return YearSeries(name, row.text("written_unit"), years, np.log(values))
    date, value = points(name)
    year = np.floor(date)
    years = np.arange(first, last + 1.0)
    highest = np.array([np.max(value[(year <= y) & (year >= first)], initial=0.0) for y in years])
    return YearSeries(name, row.text("written_unit"), years[highest > 0.0], np.log(highest[highest > 0.0]))


@lru_cache(maxsize=8)
def electricity(name: str) -> YearSeries:
    """Electricity of data centres by year, ln J: a row of table ``hindcast_electricity``.

    Raises
    ------
    InputError
        No such series.
    """
    rows = catalog.entity("hindcast_electricity", name).numbers["electricity"]
    years = np.array([float(row.year or 0) for row in rows])
    order = np.argsort(years)
    joules = np.array([float(row.value) for row in rows])
    return YearSeries(name, "J", years[order], np.log(joules[order]))

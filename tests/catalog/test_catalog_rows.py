"""Every row of the catalog that is shipped: readable, graded, sourced, within its own range."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import pytest

from gigawatt import catalog
from gigawatt.core.evidence import Grade

FILES = sorted(catalog.path("").glob("*.csv"), key=lambda file: file.name)
SOURCE_FILES = sorted(catalog.path("sources").glob("*.csv"), key=lambda file: file.name)


def _cells(file: Path) -> tuple[list[str], list[list[str]]]:
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    return rows[0], rows[1:]


def test_there_is_a_catalog() -> None:
    assert {"finance", "building", "price_index"} <= set(catalog.tables())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_cells(file: Path) -> None:
    header, rows = _cells(file)
    assert len(set(header)) == len(header), "a column stands twice"
    long = {"quantity", "value", "unit"} <= set(header)
    graded = long or any(column.endswith("]") for column in header)  # a table of names alone has no numbers
    assert {"id", "grade", "source_id"} <= set(header) if graded else "id" in header
    for column in header:
        if "[" in column or "]" in column:
            assert re.fullmatch(r"[a-z][a-z0-9_]* \[[^\[\]]*\]", column), column
    seen: set[tuple[str, ...]] = set()
    for number, cells in enumerate(rows, start=2):
        where = f"{file.name}, row {number}"
        assert len(cells) == len(header), f"{where}: {len(cells)} cells for {len(header)} columns"
        row = dict(zip(header, cells, strict=True))
        for column in ("id", "quantity", "unit", "source_id"):
            assert row.get(column, "") == row.get(column, "").strip(), f"{where}: blanks around {column}"
        assert row["id"], where
        if graded or row.get("grade"):
            Grade.read(row["grade"])
            assert row["source_id"] in catalog.sources(), f"{where}: no source {row['source_id']!r}"
        key = (row["id"], row["quantity"], row.get("year", "")) if long else (row["id"],)
        assert key not in seen, f"{where}: {key} stands twice"
        seen.add(key)


@pytest.mark.parametrize("name", catalog.tables())
def test_numbers(name: str) -> None:
    for entity in catalog.table(name).values():
        for row in entity.rows():
            assert math.isfinite(row.value), row.where
            low = row.value if row.low is None else row.low
            high = row.value if row.high is None else row.high
            slack = 1e-12 * abs(row.value)
            assert low - slack <= row.value <= high + slack, f"{row.where}: {row.name} outside its own range"


@pytest.mark.parametrize("file", SOURCE_FILES, ids=lambda file: file.name)
def test_sources(file: Path) -> None:
    header, rows = _cells(file)
    assert header == ["id", "title", "publisher", "year", "url", "licence"]
    for number, cells in enumerate(rows, start=2):
        where = f"{file.name}, row {number}"
        assert len(cells) == len(header), where
        row = dict(zip(header, cells, strict=True))
        assert row["title"], where
        assert row["publisher"], where
        assert row["licence"], where
        assert not row["url"] or row["url"].startswith(("https://", "http://")), where


# Annual means of series CUUR0000SA0 as anybody can recheck at https://www.bls.gov/cpi/
@pytest.mark.parametrize(
    ("year", "index"), [(2005, 195.3), (2012, 229.594), (2020, 258.811), (2024, 313.689)]
)
def test_price_index(year: int, index: float) -> None:
    assert catalog.entity("price_index", "usd").evidence("index", year).value == index


def test_price_index_has_every_year_once_and_the_common_one() -> None:
    years = [row.year for row in catalog.entity("price_index", "usd").rows()]
    assert years == list(range(2005, 2005 + len(years)))
    assert catalog.CURRENCY_YEAR in years

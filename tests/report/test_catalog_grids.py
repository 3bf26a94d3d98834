"""Numbers of the catalog as rows of text and as a figure: units, ranges, years, money, links."""

from __future__ import annotations

import pytest

from gigawatt import catalog
from gigawatt.catalog.loader import forget
from gigawatt.core.document import Grid
from gigawatt.core.evidence import Evidence, Grade
from gigawatt.core.quantities import factor
from gigawatt.studies.catalog import document as grids
from gigawatt.studies.catalog.figures import is_series, range_words, series_figure, unit_words, value_words


def link(place: str) -> str:
    return f"at:{place}"


def column(grid: Grid, head: str) -> list[str]:
    at = grid.head.index(head)
    return [row[at].text for row in grid.rows]


def row(**other: object) -> Evidence:
    fields: dict[str, object] = {
        "entity": "x", "quantity": "q", "value": 2e12, "low": 1e12, "high": 4e12, "unit": "TB/s",
        "written": "2", "year": None, "currency_year": None, "grade": Grade.guess,
        "source_id": "gigawatt-guess", "locator": "", "note": "", "where": "x.csv:2",
    }  # fmt: skip
    return Evidence(**(fields | other))  # type: ignore[arg-type]


def test_a_row_is_written_in_its_own_unit() -> None:
    assert (value_words(row()), unit_words(row()), range_words(row())) == ("2", "TB/s", "1 to 4")
    assert range_words(row(low=None)) == "… to 4"
    assert range_words(row(low=None, high=None)) == ""
    assert unit_words(row(unit="1")) == ""


def test_money_is_told_in_the_money_of_the_catalog() -> None:
    old = row(unit="$", value=123.456, low=None, high=None, written="100", currency_year=2015)
    assert value_words(old) == "123.5"
    assert unit_words(old) == f"$ ({catalog.CURRENCY_YEAR} money)"


def test_an_entry_shows_every_number_with_its_evidence() -> None:
    entry = catalog.entity("plants", "coal")
    grid = grids.entry_grid(entry, link)
    assert len(grid.rows) == len(entry.rows()) > 10
    assert column(grid, "row") == [one.where for one in entry.rows()]
    assert column(grid, "grade") == [one.grade.label for one in entry.rows()]
    assert column(grid, "year") == [str(one.year or "–") for one in entry.rows()]
    for cells, one in zip(grid.rows, entry.rows(), strict=True):
        source = catalog.source(one.source_id)
        (title, address), (key, place) = cells[grid.head.index("source")].links
        assert title.startswith(source.title)
        assert address in (source.url, "")
        assert (key, place) == (source.id, f"at:sources/{source.id}")


def test_only_addresses_of_the_web_become_links() -> None:
    source = catalog.source("lazard-2023")
    bad = type(source)("x", "t", "p", None, "javascript:alert(1)", "")
    assert grids.web_address(bad) == ""
    assert grids.web_address(source) == source.url


def test_entries_of_a_table_have_units_in_the_head_where_all_share_them() -> None:
    forget()  # chips that other tests of this process have built
    chips = list(catalog.table("chips").values())
    grid = grids.entries_grid("chips", chips, 2026, link)
    assert column(grid, "entry") == [one.id for one in chips]
    assert grid.rows[0][0].link == f"at:chips/{chips[0].id}"
    at = grid.head.index("memory bandwidth [GB/s]")
    h100 = next(cells for cells in grid.rows if cells[0].text == "H100-SXM5-80GB")
    expected = catalog.entity("chips", "H100-SXM5-80GB").value("memory_bandwidth") / factor("GB/s")
    assert float(h100[at].text) == pytest.approx(expected)
    assert grid.numeric[at]


def test_a_series_in_a_table_is_that_of_the_year() -> None:
    plants = [catalog.entity("plants", "coal")]
    texts = {
        year: next(
            cell.text
            for cell, head in zip(
                grids.entries_grid("plants", plants, year, link).rows[0],
                grids.entries_grid("plants", plants, year, link).head,
                strict=True,
            )
            if head.startswith("capital cost")
        )
        for year in (2025, 2044)
    }
    assert texts[2025].endswith("(2025)")
    assert texts[2044].endswith("(2040)")
    assert texts[2025] != texts[2044]


def test_entries_without_numbers_show_their_words() -> None:
    grid = grids.entries_grid("models", list(catalog.table("models").values())[:5], 2026, link)
    assert len(grid.head) > 3
    assert all(cells[-1].text == "–" for cells in grid.rows)


def test_places_with_slashes_are_found_again() -> None:
    assert grids.where("chip_dies", "A100-parts/gpu") == "chip_dies/A100-parts/gpu"
    assert grids.where("a b", "c?d") == "a%20b/c%3Fd"


def test_sources_say_how_many_numbers_they_have() -> None:
    listed = list(catalog.sources().values())
    grid = grids.sources_grid(listed, link)
    uses = catalog.source_uses()
    at = next(i for i, one in enumerate(listed) if one.id == "lazard-2023")
    assert column(grid, "numbers")[at] == str(sum(uses["lazard-2023"].values()))
    assert column(grid, "licence")[at] == listed[at].licence


def test_a_search_says_where_the_words_stand() -> None:
    found, many = catalog.find("bandwidth", most=4)
    grid = grids.found_grid(found, many, "bandwidth", link)
    assert grid.caption == f"{many} entries have “bandwidth”, the first 4 of them."
    assert len(grid.rows) == 4
    one, _ = catalog.find("h100-sxm5-80gb memory bandwidth")
    alone = grids.found_grid(one[:1], 1, "x", link)
    assert alone.caption.startswith("1 entry has")
    assert alone.rows[0][-1].text == "quantity: memory_bandwidth"


def test_a_series_is_drawn_with_its_ranges() -> None:
    entry = catalog.entity("plants", "coal")
    rows = sorted(entry.numbers["capital_cost"], key=lambda one: one.year or 0)
    assert is_series(rows)
    assert not is_series(entry.numbers["life"])
    figure = series_figure(entry, "capital_cost")
    band, line = figure.data
    scale = factor(rows[0].unit)
    assert list(line.x) == [one.year for one in rows]
    assert list(line.y) == pytest.approx([one.value / scale for one in rows])
    highs, lows = band.y[: len(rows)], list(reversed(band.y[len(rows) :]))
    assert list(highs) == pytest.approx([(one.high or one.value) / scale for one in rows])
    assert list(lows) == pytest.approx([(one.low or one.value) / scale for one in rows])
    assert "$/kW" in figure.layout.yaxis.title.text

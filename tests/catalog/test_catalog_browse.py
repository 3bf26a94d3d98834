"""The catalog looked through: what tables hold, what words find, who uses a source; held to the files."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace

import pytest

from gigawatt import catalog
from gigawatt.catalog.loader import forget, keep_made
from gigawatt.core.evidence import Grade


def lines(name: str) -> list[dict[str, str]]:
    with catalog.path(name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_table_holds_what_its_file_has() -> None:
    found = {one.table: one for one in catalog.holdings()}
    assert list(found) == catalog.tables()
    rows = [row for row in lines("chiplets_published.csv") if row["value"]]  # long: a row is a number
    published = found["chiplets_published"]
    assert published.numbers == len(rows)
    assert published.entries == len({row["id"] for row in lines("chiplets_published.csv")})
    assert published.grades == Counter(Grade.read(row["grade"]) for row in rows)
    assert published.sources == len({row["source_id"] for row in rows})
    assert found["models"].numbers == 0
    assert all(list(one.grades) == sorted(one.grades) for one in found.values())


def test_words_find_an_entry_by_its_name_before_others() -> None:
    found, many = catalog.find("nvidia h100 sxm5")
    assert many == len(found) > 2
    assert {one.table for one in found[:2]} == {"chips"}
    assert all(one.kind == "entry" for one in found[:2])
    assert catalog.find("NVIDIA   h100_SXM5") == (found, many)


@pytest.mark.parametrize(
    ("words", "kind", "entry", "matched"),
    [
        ("h100-sxm5-80gb memory bandwidth", "quantity", "H100-SXM5-80GB", "memory_bandwidth"),
        ("lazard levelized", "source", "coal", "lazard-2023"),
        ("key assumptions, coal", "note", "coal", "key assumptions, coal"),
    ],
)
def test_words_are_found_in_quantities_sources_and_notes(
    words: str, kind: str, entry: str, matched: str
) -> None:
    found, _ = catalog.find(words)
    (hit,) = [one for one in found if one.entry == entry and one.table in ("chips", "plants")]
    assert hit.kind == kind
    assert any(matched in text for text in hit.matched)


def test_a_search_is_bounded_and_stays_within_a_table() -> None:
    found, many = catalog.find("bandwidth", most=5)
    assert len(found) == 5 < many
    within, _ = catalog.find("bandwidth", "chips", most=1000)
    assert {one.table for one in within} == {"chips"}
    assert catalog.find("") == catalog.find("  ") == ((), 0)
    assert catalog.find("no-such-word-anywhere") == ((), 0)


def test_main_quantities_are_those_that_most_entries_have() -> None:
    names = catalog.main_quantities("plants")
    counts = Counter(q for entry in catalog.table("plants").values() for q in entry.numbers)
    least = min(counts[name] for name in names)
    assert len(names) == 6
    assert all(counts[name] <= least for name in counts if name not in names)
    assert "capital_cost" in names
    assert catalog.main_quantities("models") == ()


def test_a_chip_computed_here_is_not_counted_as_held() -> None:
    """What is cached before and after one is made agrees, whichever is asked first."""
    chip = catalog.entity("chips", "H100-SXM5-80GB")
    before, uses = catalog.holdings(), catalog.source_uses()
    try:
        keep_made("chips", replace(chip, id="made-here"))
        for cached in (catalog.holdings, catalog.source_uses):
            cached.cache_clear()
        assert catalog.holdings() == before
        assert catalog.source_uses() == uses
    finally:
        forget()


def test_uses_of_sources_add_up_to_all_numbers() -> None:
    uses = catalog.source_uses()
    assert set(uses) >= set(catalog.sources())
    with_numbers = sum(one.numbers for one in catalog.holdings())
    silent = sum(
        bool(entry.text("source_id") and not entry.numbers)
        for name in catalog.tables()
        for entry in catalog.table(name).values()
    )
    assert sum(sum(one.values()) for one in uses.values()) == with_numbers + silent
    of = [row for entry in catalog.table("plants").values() for row in entry.rows()]
    assert uses["lazard-2023"]["plants"] == sum(row.source_id == "lazard-2023" for row in of) > 0

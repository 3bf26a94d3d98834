"""The catalog on the page: tables, entries, sources, what a search finds, an entry put into the question."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from page_seen import Seen, seen

from gigawatt import catalog
from gigawatt.faces.web.answers import Question, show
from gigawatt.faces.web.form.state import State, read_address
from gigawatt.faces.web.names import Unknown

STATE = State(changes=(("year", "2031"),))


def look(item: str = "", state: State = STATE, **settings: str) -> Seen:
    answer = show(
        Question("catalog", state, tuple(sorted(settings.items())), item), lambda words, share: None
    )
    assert answer.title
    return seen(answer.html)


def inside(found: Seen) -> list[tuple[str, str]]:
    return [(href, text) for href, text in found.links if href.startswith("/")]


def test_every_table_is_listed_with_its_counts() -> None:
    found = look()
    table = found.table("Every table")
    assert [row[0] for row in table.rows] == catalog.tables()
    chips = next(row for row in table.rows if row[0] == "chips")
    assert chips[1] == str(len(catalog.table("chips")))
    assert chips[2] == f"{sum(len(one.rows()) for one in catalog.table('chips').values()):,}"
    assert f"{len(catalog.sources())} sources" in " ".join(found.paragraphs)


def test_links_carry_the_question() -> None:
    for item in ("", "plants", "plants/coal", "sources", "sources/lazard-2023"):
        links = inside(look(item))
        assert links
        for href, text in links:
            shown = read_address(parse_qsl(urlsplit(href).query, keep_blank_values=True))
            assert shown.dropped == ()
            if "use" not in text.lower() and "add" not in text.lower():
                assert shown.state == STATE, href


def test_a_search_shows_what_the_catalog_finds_and_the_tables_beneath() -> None:
    found = look(find="h100 bandwidth")
    hits, many = catalog.find("h100 bandwidth")
    table = found.table(f"{many} entries have")
    assert [row[0] for row in table.rows] == [one.entry for one in hits]
    assert found.table("Every table").folded
    none = look(find="h100-sxm5-80gbb")
    assert any("did you mean H100-SXM5-80GB?" in text for text in none.paragraphs)


def test_what_is_searched_for_is_shown_as_text() -> None:
    html = show(
        Question("catalog", STATE, (("find", "<script>alert(1)</script>"),)), lambda words, share: None
    ).html
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


def test_a_table_is_shown_part_by_part() -> None:
    whole = list(catalog.table("chips"))
    first, second = look("chips"), look("chips", page="2")
    shown = [[row[0] for row in one.table("Entries of chips").rows] for one in (first, second)]
    assert shown[0] + shown[1] == whole
    assert shown[1]
    (after,) = [href for href, text in inside(first) if text == "After"]
    assert "show.page=2" in after
    for wrong in ("0", "99", "x", ""):
        assert [r[0] for r in look("chips", page=wrong).table("Entries").rows] == shown[0]


def test_a_table_is_filtered_by_words() -> None:
    found = look("chips", find="tpu")
    names = [row[0] for row in found.table("Entries of chips").rows]
    assert {"TPU-v4", "TPU-v5p"} <= set(names)
    assert "A100-SXM4-80GB" not in names


def test_an_entry_shows_its_numbers_words_and_years() -> None:
    found = look("plants/coal")
    entry = catalog.entity("plants", "coal")
    table = found.table("Every number of coal")
    assert len(table.rows) == len(entry.rows())
    assert "series-0" in found.figures
    data = found.figures["series-0"].data["data"][-1]
    assert list(data["x"]) == sorted(row.year for row in entry.numbers["capital_cost"] if row.year)
    assert [text for level, text in found.headings if level == 2] == [entry.text("name")]


def test_every_entry_and_source_has_a_page() -> None:
    for name in catalog.tables():
        look(name)
        for key in list(catalog.table(name))[:2]:
            look(f"{name}/{key}")
    for key in list(catalog.sources())[:40]:
        look(f"sources/{key}")
    look("chip_dies/A100-parts/gpu")


def test_a_source_says_its_licence_and_where_its_numbers_are() -> None:
    html = show(Question("catalog", STATE, (), "sources/lazard-2023"), lambda words, share: None).html
    found = seen(html)
    source = catalog.source("lazard-2023")
    assert source.licence in html
    assert (source.url, source.title) in found.links
    assert any("/catalog/plants?" in href and "show.find=lazard-2023" in href for href, _ in found.links)


@pytest.mark.parametrize(
    ("item", "key", "value"),
    [
        ("chips/B200-SXM", "machine.chip", "B200-SXM"),
        ("models/llama-3.1-70b", "model", "llama-3.1-70b"),
        ("places/reykjavik", "site.name", "reykjavik"),
        ("cloud_regions/eu-west-1", "site.name", "eu-west-1"),
    ],
)
def test_an_entry_is_put_into_the_question(item: str, key: str, value: str) -> None:
    table, _, name = item.partition("/")
    if name not in catalog.table(table):
        name = next(n for n in catalog.table(table) if n not in State().written(key))
        item, value = f"{table}/{name}", name
    (use,) = [href for href, text in inside(look(item)) if text.startswith("Use it as the")]
    shown = read_address(parse_qsl(urlsplit(use).query))
    assert shown.dropped == ()
    assert shown.state.written(key) == value
    assert shown.state.written("year") == "2031"


def test_a_plant_is_added_and_taken_away() -> None:
    (add,) = [href for href, text in inside(look("plants/coal")) if text.startswith("Add it")]
    state = read_address(parse_qsl(urlsplit(add).query)).state
    assert state.written("supply.plants").split(",") == [*STATE.written("supply.plants").split(","), "coal"]
    (away,) = [href for href, text in inside(look("plants/coal", state)) if text.startswith("Take it")]
    assert read_address(parse_qsl(urlsplit(away).query)).state == STATE


def test_what_stands_in_the_question_is_not_offered_again() -> None:
    found = look(f"chips/{STATE.written('machine.chip')}")
    assert not [text for _, text in found.links if text.startswith("Use it")]
    served = look("engines/" + next(iter(catalog.table("engines"))))  # of a training run
    assert not [text for _, text in served.links if text.startswith("Use it")]


@pytest.mark.parametrize(
    ("item", "near"),
    [("chipz", "chips"), ("chips/H100-SXM5-80G", "H100-SXM5-80GB"), ("sources/lazard-2023x", "lazard-2023")],
)
def test_what_is_not_there_names_the_nearest(item: str, near: str) -> None:
    with pytest.raises(Unknown) as caught:
        look(item)
    assert caught.value.nearest == near

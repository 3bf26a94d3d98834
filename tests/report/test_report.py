"""The report: well-formed, self-contained, complete, and safe with hostile names."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made_result import HOSTILE, make_result

from gigawatt import catalog
from gigawatt.core.result import Result
from gigawatt.studies.run.figures import NAMES
from gigawatt.studies.run.render import notebook, render
from gigawatt.studies.run.words import sentences

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Checks that tags are balanced and collects what a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.loads: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.scripts: dict[str, str] = {}
        self.headings: list[int] = []
        self.script = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        given = {k: v or "" for k, v in attrs}
        for name in ("src", "srcset", "data", "poster", "background", "action"):
            if name in given:
                self.loads.append((tag, given[name]))
        if "href" in given:
            self.links.append(given["href"]) if tag == "a" else self.loads.append((tag, given["href"]))
        assert not [k for k in given if k.startswith("on")]
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "script":
            self.script = given.get("id", f"script {len(self.scripts)}")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[self.script] = self.scripts.get(self.script, "") + data
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render(make_result()))


def _plain(text: str) -> str:
    return " ".join(text.split())


def test_nothing_is_loaded_from_outside(page: Page) -> None:
    assert page.loads == []
    source = render(make_result())
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "fetch(" not in page.scripts["script 2"]
    outside = [link for link in page.links if not link.startswith("#")]
    assert all(link.startswith(("https://", "http://")) for link in outside)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_plotly_is_embedded_once_and_whole(page: Page) -> None:
    code = gzip.decompress(base64.b64decode(page.scripts["plotly"]))
    assert code.startswith(b"/**\n* plotly.js v")
    assert len(code) > 3e6
    assert len(render(make_result())) < 2_600_000


def test_every_drawing_has_its_place_and_its_words(page: Page) -> None:
    drawn = {name: json.loads(text) for name, text in json.loads(page.scripts["figures"]).items()}
    assert set(drawn) == set(NAMES) - {"layouts"}  # the best layouts are a table
    for name in drawn:
        assert f"figure-{name}" in page.ids
        assert "title" not in drawn[name]["layout"] or not drawn[name]["layout"]["title"].get("text")
    assert len(page.ids) == len(set(page.ids))
    assert render(make_result()).count('role="img" aria-label="') == len(drawn)


def test_headings_do_not_jump(page: Page) -> None:
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))


def test_every_assumption_and_notice_is_there_with_grade_and_source(page: Page) -> None:
    made = make_result()
    for notice in made.notices:
        assert _plain(notice) in page.text
    for item in made.assumptions:
        for part in (item.key, item.value, item.reason, item.grade.label):
            assert _plain(part) in page.text
    first = next(iter(catalog.sources().values()))
    assert _plain(first.title) in page.text
    assert "a-source-without-a-row" in page.text


def test_tables_hold_every_row(page: Page) -> None:
    made = make_result()
    for name in ("breakdown", "relief", "memory", "energy", "ledger"):
        for key in made.tables[name].index:
            if key not in ("grid", "solar", "wind", "battery", "gas-combined-cycle", "fission-small"):
                assert str(key).replace("_", " ") in page.text
    for name in made.tables["plants"]["name"]:
        assert _plain(name) in page.text
    assert "412,332" in page.text
    assert "abc123def456" in page.text
    assert "gigawatt explain" in page.text


def test_hostile_names_are_text(page: Page) -> None:
    source = render(make_result())
    assert "<script>alert" not in source
    assert _plain(HOSTILE) in page.text
    assert "</script>" not in page.scripts["figures"]


def test_a_link_that_is_no_web_page_is_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(catalog.sources())
    first = next(iter(known))
    known[first] = replace(known[first], url="javascript:alert(1)", title=HOSTILE)
    monkeypatch.setattr(catalog, "sources", lambda: known)
    source = render(make_result())
    assert "javascript:" not in source
    assert html.escape(HOSTILE, quote=False).split(" &amp; ")[0] in source.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("flows", "flows"),
        ("layouts", "layouts"),
        ("hourly", "weeks"),
        ("plants", "plants"),
        ("energy", "figure-energy"),
        ("memory", "figure-memory"),
        ("relief", "figure-relief"),
        ("ledger", "figure-ledger"),
    ],
)
def test_without_a_table_its_section_is_missing_and_the_rest_stays(table: str, place: str) -> None:
    made = make_result()
    less = Page(render(replace(made, tables={k: v for k, v in made.tables.items() if k != table})))
    assert place not in less.ids
    assert "assumptions" in less.ids
    assert "explain" in less.ids


def test_an_empty_result_is_still_a_page() -> None:
    bare = replace(make_result(), tables={}, quantities={}, notices=(), assumptions=())
    page = Page(render(bare))
    assert "plotly" not in page.scripts
    assert "Nothing is assumed." in page.text
    Page(notebook(bare))


def test_a_saved_result_gives_the_same_page(made: Result, saved: Result) -> None:
    assert render(saved) == render(made)


def test_the_notebook_summary_is_short_and_without_scripts(made: Result) -> None:
    text = made._repr_html_()
    page = Page(text)
    assert page.scripts == {}
    assert len(text) < 40_000
    for sentence in sentences(made):
        assert _plain(sentence) in page.text

"""The view of technologies: numbers of the comparison, the scenario's own substrate, claims that remain."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from page_seen import Seen, said, seen

from gigawatt.chain.machine.technologies import Comparison, compare, with_bands
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.web.answers import Question, show, work
from gigawatt.faces.web.form.state import State
from gigawatt.faces.web.tabled import ranged
from gigawatt.studies.technologies.audit import audit, audited
from gigawatt.studies.technologies.own import own_technology

SERVED = State("serve-llama-70b-virginia")
TRAINED = State("gpt3-175b-a100")


def page(state: State, **settings: str) -> Seen:
    return seen(show(Question("technologies", state, tuple(sorted(settings.items()))), said).html)


@pytest.fixture(scope="module")
def plain() -> Seen:
    return page(SERVED)


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(model="llama-3.1-70b", chip="H100-SXM5-80GB", batch=1.0, context=512.0)


def test_headings_say_what_stands_where(plain: Seen) -> None:
    assert [text for _, text in plain.headings] == [
        "Quality against energy and cost", "What a token is made of", "All of them",
        "What remains of published claims",
    ]  # fmt: skip
    assert list(plain.figures) == ["front", "components"]


def test_the_table_has_the_numbers_of_the_comparison(plain: Seen, found: Comparison) -> None:
    table = plain.table("Every substrate")
    by_id = {row[0].removesuffix(" (this scenario)"): row for row in table.rows}
    assert set(by_id) == {row.substrate.id for row in found.rows}
    at = table.head.index("system [mJ/token]")
    for row in found.rows:
        assert by_id[row.substrate.id][at] == significant(row.cost.joules("system") * 1e3)
        assert (by_id[row.substrate.id][1] == "not run") == (row.quality is None)


def test_the_scenarios_own_is_marked_and_ringed(plain: Seen, found: Comparison) -> None:
    own = own_technology(SERVED.loaded())
    assert own.substrate == "fp8"
    marked = [row[0] for row in plain.table("Every substrate").rows if "(this scenario)" in row[0]]
    assert marked == ["fp8 (this scenario)"]
    ring = next(one for one in plain.figures["front"].data["data"] if one["name"] == "of this scenario")
    row = next(one for one in found.rows if one.substrate.id == "fp8")
    assert ring["x"] == [row.cost.joules("system") * 1e3]
    assert any(text.startswith("This scenario computes in fp8:") for text in plain.paragraphs)


def test_names_in_the_figure_are_of_the_front_and_not_over_each_other(plain: Seen, found: Comparison) -> None:
    figure = plain.figures["front"].data
    on = {row.substrate.id for row in found.rows if "joules system" in row.fronts}
    named = [
        (text, math.log(x), math.log(y))
        for one in figure["data"]
        for text, x, y in zip(one.get("text", ()), one["x"], one["y"], strict=False)
        if text
    ]
    assert named
    assert {text for text, _, _ in named} <= on
    wide, high = (max(axis) - min(axis) for axis in zip(*(
        (math.log(x), math.log(y)) for one in figure["data"] for x, y in zip(one["x"], one["y"], strict=True)
    ), strict=True))  # fmt: skip
    for (_, x, y), (_, other_x, other_y) in combinations(named, 2):
        assert abs(x - other_x) > 0.1 * wide or abs(y - other_y) > 0.04 * high


def test_a_format_that_is_chosen_moves_the_mark() -> None:
    four = SERVED.with_changes({"serving.precision": "int4", "serving.weights": "", "serving.cache": ""})
    marked = [r[0] for r in page(four).table("Every substrate").rows if "(this scenario)" in r[0]]
    assert marked == ["w-int4-g128 (this scenario)"]


def test_training_says_that_quality_is_another_matter() -> None:
    own = own_technology(TRAINED.loaded())
    assert own.substrate == "fp16"
    assert any("The effect of training in this precision" in text for text in page(TRAINED).paragraphs)


def test_a_kind_keeps_its_own_rows_and_the_scenarios(found: Comparison) -> None:
    shown = page(SERVED, kind="analog", batch="64", against="dollars", scope="chip")
    wanted = {r.substrate.id for r in found.rows if r.substrate.technology == "analog"} | {"fp8"}
    rows = {row[0].removesuffix(" (this scenario)") for row in shown.table("Every substrate").rows}
    assert rows == wanted
    assert {name: one.chosen for name, one in shown.choices.items()} == {
        "show.kind": "analog", "show.batch": "64", "show.context": "512", "show.against": "dollars",
        "show.scope": "chip",
    }  # fmt: skip


def test_settings_that_are_unknown_fall_to_the_first(plain: Seen) -> None:
    odd = page(SERVED, kind="astral", batch="-1", context="x", against="love", scope="moon")
    assert [t.rows for t in odd.tables] == [t.rows for t in plain.tables]


def test_every_claim_is_there_with_its_sentences() -> None:
    html = show(Question("technologies", SERVED, ()), said).html
    assert html.count("<details><summary>") >= len(audited())
    one = audit(audited()[0])
    assert one.name in html


def test_ranges_are_those_of_the_room() -> None:
    told: list[float] = []
    question = Question("technology-bands", SERVED, (("kind", "near_memory"),))
    _, fragment = work(question, lambda words, share: told.append(share))
    shown = seen(fragment.html)
    row = next(r for r in shown.table("Every substrate").rows if r[0] == "northpole")
    found = compare(model="llama-3.1-70b", chip="H100-SXM5-80GB", substrates=["northpole"])
    band = with_bands(found).rows[0].bands["joules chip"]
    at = shown.table("Every substrate").head.index("chip [mJ/token]")
    assert row[at] == ranged(band.value * 1e3, band.low * 1e3, band.high * 1e3)
    assert told == sorted(told)
    assert told

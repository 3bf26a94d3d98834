"""Questions side by side on the page: pins in the address, columns, differences, the split as long work."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from page_seen import Seen, seen

from gigawatt.core.errors import GigawattError
from gigawatt.faces.web.answers import Asked, Fragment, Question, result_of, show
from gigawatt.faces.web.form.state import State, read_address
from gigawatt.faces.web.pages.pinned import SLOTS, pins, settings_of, with_pin
from gigawatt.studies.compare.compare import MATTERS, Side, beside
from gigawatt.studies.compare.figures import change, percent_words, value_words
from gigawatt.studies.compare.view import choose, compute

SMALL = (("machine.count", "1024"), ("supply.plants", "grid"))
BASE = State("deepseek-v3-h800", (("supply.plants", "grid"),))
MORE = BASE.with_changes({"machine.count": "1024"})
LATER = BASE.with_changes({"training.tokens": "10T tokens"})


def silent(words: str, share: float) -> None:
    """Says nothing."""


def look(state: State = MORE, settings: dict[str, str] | None = None) -> Seen:
    return seen(asked(state, settings).html)


def asked(state: State, settings: dict[str, str] | None = None) -> Fragment:
    return show(Question("compare", state, tuple(sorted((settings or {}).items()))), silent)


@pytest.fixture(scope="module")
def page() -> Seen:
    """What is asked beside one that is pinned."""
    return look(MORE, settings_of({"a": BASE}))


def test_a_pin_is_the_question_and_comes_back_as_it_was() -> None:
    settings = with_pin(MORE, {})
    assert settings == {"a.start": MORE.start, **{f"a.{key}": text for key, text in MORE.changes}}
    (pin,) = pins(settings)
    assert (pin.slot, pin.state, pin.dropped) == ("a", MORE, ())
    query = LATER.query(settings)
    shown = read_address(parse_qsl(query, keep_blank_values=True))
    assert shown.state == LATER
    assert pins(dict(shown.settings)) == (pin,)


def test_an_emptied_value_is_pinned_too() -> None:
    emptied = State().with_changes({"training.number_format": ""})
    assert emptied.changes
    (pin,) = pins(with_pin(emptied, {}))
    assert pin.state == emptied


def test_pins_fill_the_slots_and_the_last_gives_way() -> None:
    settings: dict[str, str] = {}
    states = [BASE.with_changes({"machine.count": str(2**n)}) for n in range(9, 13)]
    for state in states:
        settings = with_pin(state, settings)
    assert [pin.slot for pin in pins(settings)] == list(SLOTS)
    assert [pin.state for pin in pins(settings)] == [states[0], states[1], states[3]]
    assert with_pin(states[1], settings) == settings


def test_what_cannot_be_pinned_is_said() -> None:
    (pin,) = pins({"a.start": "no-such", "a.machine.chip": "../../etc/passwd"})
    assert len(pin.dropped) == 2
    assert pin.state == State()
    text = " ".join(show(Question("compare", State(), (("a.machine.chip", "nix"),)), silent).html.split())
    assert "pinned A" in text


def test_numbers_are_those_of_the_rooms(page: Seen) -> None:
    sides = [Side(s.start, "", result_of(s, silent), s.loaded()) for s in (BASE, MORE)]
    rows = {row["what"].rstrip("."): row for row in beside(sides, split=False).to_json()["quantities"]}
    table = page.table("Quantities that matter")
    assert table.head == ["", "A", "B now", "B − A", "in %"]
    assert len(table.rows) > 15
    for what, before, after, moved, percent in table.rows:
        row = rows[what]
        assert row["quantity"] in MATTERS
        for text, value, grade in zip((before, after), row["values"], row["grades"], strict=True):
            assert text.startswith(value_words(value, row["unit"]))
            assert text.endswith(grade or "–")
        assert percent == percent_words(row["ratios"][1])
        assert moved in (change(row["differences"][1], row["unit"]), "0")
    duration = next(row for row in table.rows if "first to last token" in row[0])
    assert duration[4].startswith("+")  # half the accelerators take longer


def test_the_figure_draws_the_ratios(page: Seen) -> None:
    (trace,) = page.figures["ratios"].data["data"]
    at = dict(zip(trace["y"], trace["x"], strict=True))
    before, after = (result_of(s, silent).quantity("training.duration").value for s in (BASE, MORE))
    assert at["Time to train"] == pytest.approx(after / before)
    assert page.figures["ratios"].data["layout"]["xaxis"]["type"] == "log"


def test_inputs_that_differ_are_listed_and_the_split_is_offered(page: Seen) -> None:
    rows = page.table("Inputs that differ").rows
    assert [row[0] for row in rows] == ["machine.size"] or any("2048" in cell for r in rows for cell in r)
    form, choice = (one for one in page.forms if "hx-post" in one)
    assert form["action"].startswith("/jobs/compare-split?")
    assert choice["action"].startswith("/jobs/compare-choice?")
    shown = read_address(parse_qsl(urlsplit(form["action"]).query, keep_blank_values=True))
    assert shown.state == MORE
    assert [pin.state for pin in pins(dict(shown.settings))] == [BASE]


def test_links_lead_to_the_pinned_question_and_to_the_page_without_it(page: Seen) -> None:
    links = {text.split("(")[0].strip(): href for href, text in page.links}
    away = next(href for text, href in links.items() if text.startswith("take it away"))
    shown = read_address(parse_qsl(urlsplit(away).query, keep_blank_values=True))
    assert shown.state == MORE
    assert pins(dict(shown.settings)) == ()
    there = next(href for href in links.values() if href.startswith("/chain"))
    assert read_address(parse_qsl(urlsplit(there).query, keep_blank_values=True)).state == BASE


def test_without_pins_a_changed_question_stands_beside_its_start() -> None:
    found = look(MORE)
    assert found.choices["show.with"].chosen == "start"
    again = look(MORE, {"with": "nothing of the sort"})
    assert again.choices == found.choices
    (trace,) = found.figures["ratios"].data["data"]
    assert trace["x"]


def test_up_to_four_stand_side_by_side() -> None:
    states = {
        slot: BASE.with_changes({"training.tokens": f"{n}T tokens"})
        for slot, n in zip(SLOTS, (5, 7, 10), strict=True)
    }
    found = look(MORE, settings_of(states) | {"with": "start"})
    assert found.table("Quantities that matter").head[1:5] == ["A", "B", "C", "D now"]
    assert len(found.figures["ratios"].data["data"]) == 3
    jobs = [one["action"].partition("?")[0] for one in found.forms if "hx-post" in one]
    assert jobs == ["/jobs/compare-choice"]  # a difference is split between two
    assert any("split between two" in text for text in found.paragraphs)


def test_equal_questions_say_so() -> None:
    found = look(BASE, settings_of({"a": BASE}))
    assert "Nothing differs between them." in found.paragraphs
    assert "ratios" not in found.figures
    assert not [one for one in found.forms if "hx-post" in one]


def test_a_pin_without_an_answer_is_told_and_the_others_stand() -> None:
    broken = BASE.with_changes({"machine.count": "1"})
    with pytest.raises(GigawattError):
        result_of(broken, silent)
    html = asked(MORE, settings_of({"a": broken, "b": BASE})).html
    found = seen(html)
    assert "A has no answer" in html
    assert found.table("Quantities that matter").head[1:3] == ["A", "B now"]
    with pytest.raises(GigawattError):
        look(broken, settings_of({"a": BASE}))


def test_the_split_adds_up_and_draws_a_waterfall() -> None:
    both = MORE.with_changes({"training.tokens": "10T tokens"})
    told: list[float] = []
    question = Question("compare-split", both, tuple(sorted(settings_of({"a": BASE}).items())))
    made = compute(Asked(question, lambda words, share: told.append(share)))
    assert told == sorted(told)
    assert len(told) >= 4
    figures = {name: one.data["data"][0] for name, one in Seen(made.html).figures.items()}
    assert len(figures) >= 4
    for trace in figures.values():
        *parts, end = trace["x"]
        assert sum(parts) == pytest.approx(end, rel=1e-6)
    assert any({"machine.size", "training.tokens"} <= set(trace["customdata"]) for trace in figures.values())


def test_drawing_both_says_how_sure_the_choice_is_and_what_would_change_it() -> None:
    told: list[float] = []
    question = Question("compare-choice", MORE, tuple(sorted(settings_of({"a": BASE}).items())))
    made = Seen(choose(Asked(question, lambda words, share: told.append(share))).html)
    assert told == sorted(told)
    assert any("cheaper with a probability of" in text for text in made.paragraphs)
    assert made.table("Choice under uncertainty").rows
    bars = [trace for trace in made.figures["choice"].data["data"] if trace["type"] == "bar"]
    assert len(bars) == 2

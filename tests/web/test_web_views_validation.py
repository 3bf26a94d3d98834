"""The view of validation: headlines of the scorecards, one table at once or in the background."""

from __future__ import annotations

import pytest
from page_seen import Seen, seen

from gigawatt.core.registry import jobs, views
from gigawatt.faces.web.answers import Question, show, work
from gigawatt.faces.web.form.state import State
from gigawatt.faces.web.tabled import percent
from gigawatt.studies.validate.view import CHOICES
from gigawatt.validation import parity as room
from gigawatt.validation.parity import TABLES, groups, headline, parity

STATE = State()
SLOW = "outlook"


def page(**settings: str) -> Seen:
    question = Question("validation", STATE, tuple(sorted(settings.items())))
    return seen(show(question, lambda words, share: None).html)


@pytest.fixture
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has made no table yet, quick ones aside."""
    quick = {name: made for name, made in room._kept.items() if TABLES[name].quick}
    monkeypatch.setattr(room, "_kept", quick)


def test_work_and_views_have_names_of_their_own() -> None:
    names = [one.name for one in (*views(), *jobs())]
    assert len(names) == len(set(names))


def test_the_line_of_a_table_is_its_headline(nothing_known: None) -> None:
    shown = page()
    assert [text for level, text in shown.headings if level == 2] == ["Errors", "Row by row"]
    table, told = shown.table("Errors of predictions"), headline("kernels")
    row = next(r for r in table.rows if r[0] == "kernels" and r[2] == "all")
    assert row[3:7] == [
        f"{told['number']:,}", percent(told["median"]), percent(told["p90"]), percent(told["bias"], sign=True)
    ]  # fmt: skip
    held = next(r for r in table.rows if r[0] == "collectives" and r[2] == "seen by no fit")
    assert held[4] == percent(headline("collectives")["held_out"]["median"])
    assert {row[0] for row in table.rows} <= {name for name in TABLES if TABLES[name].quick}


def test_a_quick_table_is_there_at_once() -> None:
    shown = page(table="memory")
    assert shown.choices["show.table"].chosen == "memory"
    assert list(shown.figures) == ["parity-memory-0", "errors-memory"]
    drawn = shown.figures["parity-memory-0"].data["data"]
    points = sum(len(one["x"]) for one in drawn if one["mode"] == "markers")
    assert points == len(parity("memory"))
    table = shown.table("Errors by group")
    assert [row[0] for row in table.rows] == [one["group"] for one in groups("memory")]
    assert [row[3] for row in table.rows] == [percent(one["median"]) for one in groups("memory")]


def test_units_that_do_not_compare_have_figures_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = parity("collectives")
    frame.loc[: len(frame) // 2, "unit"] = "B/s"
    monkeypatch.setattr("gigawatt.studies.validate.view.parity", lambda table: frame)
    assert list(page(table="collectives").figures) == [
        "parity-collectives-0", "parity-collectives-1", "errors-collectives",
    ]  # fmt: skip


def test_rows_that_are_furthest_off_come_first() -> None:
    table = page(table="kernels").table("The 25 rows")
    off = [row[table.head.index("off by")] for row in table.rows]
    frame = parity("kernels")
    ratio = frame["predicted"] / frame["measured"]
    assert off[0] in (percent(ratio.min() - 1.0, sign=True), percent(ratio.max() - 1.0, sign=True))


def test_a_slow_table_is_offered_and_not_begun(nothing_known: None) -> None:
    shown = page(table=SLOW)
    assert shown.figures == {}
    actions = [form["action"] for form in shown.forms]
    assert [a.partition("?")[0] for a in actions] == ["/jobs/validation-all", "/jobs/validation-table"]
    assert SLOW not in room._kept


def test_an_unknown_table_falls_to_the_first() -> None:
    assert page(table="kernel").choices["show.table"].chosen == next(iter(CHOICES)) == "kernels"
    assert set(CHOICES) == set(TABLES)


def test_work_in_the_background_gives_the_same_part() -> None:
    told: list[float] = []
    question = Question("validation-table", STATE, (("table", "memory"),))
    _, fragment = work(question, lambda words, share: told.append(share))
    shown = seen(fragment.html)
    assert list(shown.figures) == ["parity-memory-0", "errors-memory"]
    assert shown.headings[0][0] == 3


def test_all_tables_are_told_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: TABLES[name] for name in ("collectives", "memory")}
    monkeypatch.setattr("gigawatt.studies.validate.view.TABLES", few)
    monkeypatch.setattr(room, "_kept", {})
    told: list[tuple[str, float]] = []
    _, fragment = work(Question("validation-all", STATE), lambda words, share: told.append((words, share)))
    table = seen(fragment.html).table("Errors of predictions")
    assert {row[0] for row in table.rows} == set(few)
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[0] == ("Predicting time of a collective between nodes", 0.0)

"""What is computed before it is asked: the stops where a hand moves, other views, and never twice."""

from __future__ import annotations

import asyncio
from typing import Any

from gigawatt.core.errors import InputError
from gigawatt.core.registry import views
from gigawatt.faces.web.ahead import Ahead, likely
from gigawatt.faces.web.answers import Fragment, Question
from gigawatt.faces.web.form.state import State
from gigawatt.faces.web.kept import Kept


def _counts(questions: list[Question]) -> list[str]:
    return [question.state.written("machine.count") for question in questions]


def test_a_slider_that_moves_is_followed_in_its_direction() -> None:
    down = Question("chain", State().with_text("size", "14336"))
    assert _counts(list(likely(down, State()))) == ["12288", "10240", "8192", "16384"]
    up = Question("chain", State().with_text("size", "20480"))
    assert _counts(list(likely(up, State()))) == ["24576", "28672", "32768", "16384"]


def test_a_first_answer_is_followed_by_other_views_and_by_stops_beside_it() -> None:
    found = list(likely(Question("chain", State()), None))
    names = [view.name for view in views() if view.asks and view.listed and view.name != "chain"]
    assert [question.view for question in found[: len(names)]] == names
    assert all(question.state == State() for question in found[: len(names)])
    changed = [dict(question.state.changes) for question in found[len(names) :]]
    assert {"machine.count": "20480"} in changed
    assert {"machine.count": "14336"} in changed
    assert len(set(found)) == len(found)


class Desk:
    """Stands in for the processes: notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def ask(self, target: str, question: Question, **_: Any) -> Fragment:
        assert target == "gigawatt.faces.web.answers:show"
        self.asked.append(question)
        await asyncio.sleep(0)
        if question.state.written("machine.count") == "10240":
            raise InputError("refused")
        return Fragment("shown")


def test_what_is_kept_is_not_computed_again_and_a_refusal_ends_nothing() -> None:
    desk, kept = Desk(), Kept()
    asked = Question("chain", State().with_text("size", "14336"))
    known = Question("chain", State().with_text("size", "12288"))
    kept.keep(known, Fragment("known"))

    async def go() -> None:
        ahead = Ahead(desk, kept)  # type: ignore[arg-type]
        ahead.note(Question("chain", State()), "tab")
        ahead.note(asked, "tab")
        work = asyncio.ensure_future(ahead.run())
        while len(desk.asked) < 3:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(go())
    assert _counts(desk.asked) == ["10240", "8192", "16384"]
    assert kept.get(known) == Fragment("known")
    assert Question("chain", State().with_text("size", "8192")) in kept
    assert desk.asked[0] not in kept


def test_answers_are_dropped_the_least_recently_asked_first() -> None:
    kept = Kept(most=10)
    first, second, third = (Question("chain", State(), (("n", str(n)),)) for n in range(3))
    kept.keep(first, Fragment("aaaa"))
    kept.keep(second, Fragment("bbbb"))
    assert kept.get(first) is not None
    kept.keep(third, Fragment("cccc"))
    assert second not in kept
    assert first in kept
    assert third in kept

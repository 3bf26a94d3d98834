"""What is likely to be asked next, computed while the machine has nothing better to do.

Who moves a slider asks next for the stop beside it, who reads an answer for another view of it. A process of
low priority computes these and puts them with the answers that are kept, so that the hand that moves on finds
them there. It takes nothing from whoever waits: the system gives it what others leave.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest

from gigawatt.core.errors import GigawattError
from gigawatt.faces.web.answers import Question
from gigawatt.faces.web.form.fields import FormField, fields_of
from gigawatt.faces.web.form.form import stop_of
from gigawatt.faces.web.form.state import State
from gigawatt.faces.web.kept import Kept
from gigawatt.faces.web.processes.pool import Busy, Died, Failed, Pool
from gigawatt.faces.web.views import view_of, views_of

__all__ = ["Ahead", "likely"]

_ON, _BACK, _BESIDE = 3, 1, 2
"""Stops that are computed on and back from where a slider moved, and to both sides of one that rests."""
_OWNERS = 64
"""Tabs of which it is remembered what they asked last."""


def likely(question: Question, before: State | None) -> Iterator[Question]:
    """What may be asked after a question, the likeliest first.

    Parameters
    ----------
    question : Question
        The last one of a tab.
    before : State, optional
        The state that the tab asked about before: what changed is what a hand is at.
    """
    state = question.state
    sliders = [one for one in fields_of(state.branch).values() if one.kind == "stops" and not one.more]
    moved = [one for one in sliders if before is not None and _at(one, before) != _at(one, state)]
    if before is not None and before.start == state.start and len(moved) == 1:
        step = 1 if _at(moved[0], state) > _at(moved[0], before) else -1
        ways = (*(step * n for n in range(1, _ON + 1)), *(-step * n for n in range(1, _BACK + 1)))
        yield from _moves(question, moved[0], ways)
        return
    others = (Question(view.name, state) for view in views_of(state.branch) if view.asks)
    yield from (one for one in others if one.view != question.view)
    ways = tuple(sign * n for n in range(1, _BESIDE + 1) for sign in (1, -1))
    for round_ in zip_longest(*(_moves(question, one, ways) for one in sliders)):
        yield from (one for one in round_ if one is not None)


def _at(field: FormField, state: State) -> int:
    return stop_of(state.written(field.key), field.stops)


def _moves(question: Question, field: FormField, ways: tuple[int, ...]) -> Iterator[Question]:
    """The question at other stops of one slider."""
    state = question.state
    stops, at = field.stops, _at(field, state)
    for way in ways:
        if 0 <= at + way < len(stops):
            with suppress(GigawattError):  # a stop at which the scenario cannot be
                yield Question(question.view, state.with_text(field.key, stops[at + way]), question.settings)


@dataclass
class Ahead:
    """Computes what is likely, for one tab after another, the latest first.

    Attributes
    ----------
    pool : Pool
        Processes of low priority.
    kept : Kept
        Where answers are put.
    """

    pool: Pool
    kept: Kept
    _last: OrderedDict[str, State] = field(default_factory=OrderedDict[str, State], repr=False)
    _wanted: OrderedDict[str, list[Question]] = field(
        default_factory=OrderedDict[str, list[Question]], repr=False
    )
    _news: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def note(self, question: Question, owner: str) -> None:
        """A tab has asked; what it may ask next takes the place of what it might have."""
        if not owner or not view_of(question.view).asks or question.item:
            return
        before = self._last.pop(owner, None)
        self._last[owner] = question.state
        self._wanted.pop(owner, None)
        self._wanted[owner] = list(reversed(list(likely(question, before))))
        for held in (self._last, self._wanted):
            while len(held) > _OWNERS:
                held.popitem(last=False)
        self._news.set()

    async def run(self) -> None:
        """Compute until cancelled."""
        while True:
            question = self._next()
            if question is None:
                self._news.clear()
                await self._news.wait()
                continue
            try:
                found = await self.pool.ask("gigawatt.faces.web.answers:show", question)
            except (GigawattError, Busy, Died, Failed):
                continue  # whoever really asks is told
            self.kept.keep(question, found)

    def _next(self) -> Question | None:
        """The likeliest question of the tab that asked last that has no answer yet."""
        while self._wanted:
            owner = next(reversed(self._wanted))
            while self._wanted[owner]:
                question = self._wanted[owner].pop()
                if question not in self.kept:
                    return question
            del self._wanted[owner]
        return None

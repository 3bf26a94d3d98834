"""A pool of processes that answer the questions of a page while its sliders move.

A question is a target, ``module:function``, and a payload. Equal questions are computed once; the newer
question of an owner takes the place of the earlier one; a process that already knows a scenario gets the next
question about it. The event loop only passes messages on.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from gigawatt.faces.web.processes.line import Busy, Died, Failed, Line, Superseded
from gigawatt.faces.web.processes.worker import MEMORY, Settings, check_target, packed

__all__ = ["Busy", "Died", "Failed", "Pool", "Superseded"]

_AGAIN_AFTER = 1.0
"""Seconds until a process that could not start is tried again."""


@dataclass(eq=False)
class _Asker:
    """Who waits for an answer."""

    owner: str
    progress: Callable[[str, float], None] | None
    answer: asyncio.Future[Any]


@dataclass(eq=False)
class _Question:
    """What is computed once, for all who ask it; it waits until it has a seat."""

    number: int
    key: tuple[str, Hashable]
    packed: bytes
    affinity: str
    place: int
    askers: list[_Asker] = field(default_factory=list)
    seat: _Seat | None = None
    again: bool = False

    @property
    def anonymous(self) -> bool:
        """Nobody who waits for it has a name."""
        return not any(asker.owner for asker in self.askers)


@dataclass(eq=False)
class _Seat:
    """A process of the pool, what it computes, what it knows, when it was last given something."""

    line: Line
    question: _Question | None = None
    affinity: str = ""
    used: int = 0
    new: bool = True


class Pool:
    """Processes that answer, each one question at a time.

    Parameters
    ----------
    workers : int
        How many processes.
    folder : Path
        Where they work.
    waiting : int
        How many questions may wait for a process.
    nice : int
        By how much they give way to other processes.
    memory : int, optional
        Bytes of address space that each may have; ``None`` is no limit.
    allowed : str
        How the module of every target has to begin.
    """

    def __init__(
        self, *, workers: int, folder: Path, waiting: int = 200, nice: int = 0,
        memory: int | None = MEMORY, allowed: str = "gigawatt.faces.web.",
    ) -> None:  # fmt: skip
        self._workers, self._most, self._allowed = workers, waiting, allowed
        self._settings = Settings(Path(folder).resolve(), allowed, nice, memory)
        self._ticks = count(1)
        self._open: dict[tuple[str, Hashable], _Question] = {}  # those that another asker may join
        self._waiting: list[_Question] = []
        self._owners: dict[str, tuple[_Question, _Asker]] = {}
        self._seats: list[_Seat] = []
        self._filling: set[asyncio.Task[None]] = set()
        self._closed, self._anonymous_first = True, False

    async def start(self) -> None:
        """Start the processes and wait until they listen.

        Raises
        ------
        Died
            One of them cannot start.
        """
        self._closed = False
        found = await asyncio.gather(*(self._fill() for _ in range(self._workers)), return_exceptions=True)
        wrong = [error for error in found if error is not None]
        if wrong:
            await self.close()
            raise wrong[0]

    async def close(self) -> None:
        """End every process, in the middle of a question too; who waits gets :class:`Died`."""
        self._closed = True
        running = [seat.question for seat in self._seats if seat.question is not None]
        for question in [*running, *self._waiting]:
            self._refuse(question, "the processes that answer have ended")
        self._waiting.clear()
        for task in list(self._filling):
            task.cancel()
        await asyncio.gather(*self._filling, return_exceptions=True)
        await asyncio.gather(*(seat.line.close() for seat in self._seats))
        self._seats.clear()

    async def ask(
        self, target: str, payload: Hashable, *, owner: str = "", affinity: str = "",
        progress: Callable[[str, float], None] | None = None,
    ) -> Any:  # fmt: skip
        """The answer to a question, computed in one of the processes.

        Parameters
        ----------
        target : str
            ``module:function``; the function is called with the payload and a ``progress(words, share)``.
        payload : hashable
            What it is asked; equal payloads are the same question.
        owner : str
            Who asks: a newer question of theirs takes the place of this one. Nobody in particular if empty.
        affinity : str
            What a process should know already: preferably the one that was last asked about it answers.
        progress : callable, optional
            Is called with words and share, in the event loop.

        Returns
        -------
        Any
            What the function returned; shared by all who asked, so not to be changed.

        Raises
        ------
        Superseded
            The owner has asked something newer.
        Busy
            Too many questions wait.
        GigawattError
            What was asked is refused: the user's to mend.
        Failed, Died
            A fault of our own; a process that ended, or took too much memory.
        """
        check_target(target, self._allowed)
        if self._closed:
            raise Died("the processes that answer have ended")
        asker = _Asker(owner, progress, asyncio.get_running_loop().create_future())
        question = self._join(asker, target, payload, affinity)
        try:
            return await asker.answer
        finally:
            if not asker.answer.cancelled() and asker.answer.done():
                asker.answer.exception()  # is looked at, also where the task was cancelled at this moment
            self._leave(question, asker)

    def _join(self, asker: _Asker, target: str, payload: Hashable, affinity: str) -> _Question:
        """The open question of these words, or a new one, with this asker in the place of an earlier one."""
        key, place = (target, payload), next(self._ticks)
        question = self._open.get(key)
        if question is not None:
            question.askers.append(asker)  # before the owner's earlier self leaves it
        earlier = self._owners.pop(asker.owner, None)
        if earlier is not None:
            if earlier[0].seat is None:
                place = earlier[0].place  # whoever moves a slider keeps their turn
            self._leave(*earlier)
            if not earlier[1].answer.done():
                earlier[1].answer.set_exception(Superseded("a newer question has taken its place"))
        if question is None:
            if len(self._waiting) >= self._most:
                raise Busy("too many questions wait already; ask again in a moment")
            number = next(self._ticks)
            question = _Question(number, key, packed(number, target, payload), affinity, place, [asker])
            self._open[key] = question
            self._waiting.append(question)
        question.place = min(question.place, place)
        if asker.owner:
            self._owners[asker.owner] = question, asker
        self._deal()
        return question

    def _leave(self, question: _Question, asker: _Asker) -> None:
        """An asker waits no more; a question that nobody waits for is dropped, or asked to stop."""
        if self._owners.get(asker.owner) == (question, asker):
            del self._owners[asker.owner]
        if asker not in question.askers:
            return
        question.askers.remove(asker)
        if question.askers:
            return
        self._shut(question)
        if question.seat is not None:
            question.seat.line.stop(question.number)
        elif question in self._waiting:
            self._waiting.remove(question)

    def _shut(self, question: _Question) -> list[_Asker]:
        """Let nobody join any more, and forget those who wait."""
        if self._open.get(question.key) is question:
            del self._open[question.key]
        askers, question.askers = question.askers, []
        return [asker for asker in askers if not asker.answer.done()]

    def _refuse(self, question: _Question, words: str) -> None:
        for asker in self._shut(question):
            asker.answer.set_exception(Died(words))

    def _deal(self) -> None:
        """Give what waits to processes that are idle."""
        while self._waiting and (idle := [seat for seat in self._seats if seat.question is None]):
            question = self._next()
            idle.sort(key=lambda seat: seat.used)
            known = [seat for seat in idle if seat.affinity == question.affinity != ""]
            seat = (known or idle)[0]
            seat.question, seat.affinity, seat.used = question, question.affinity, next(self._ticks)
            question.seat = seat
            seat.line.send(question.packed)

    def _next(self) -> _Question:
        """First come, first served: an owner has one question at most in the queue, so none starves another.

        Only those without a name can have many; they and the others take turns while both wait.
        """
        turn = [question for question in self._waiting if question.anonymous == self._anonymous_first]
        chosen = min(turn or self._waiting, key=lambda question: question.place)
        self._anonymous_first = not chosen.anonymous
        self._waiting.remove(chosen)
        return chosen

    async def _fill(self) -> None:
        """A new process takes a seat."""
        line = Line(self._settings, lambda kind, _, what: self._heard(seat, kind, what))
        seat = _Seat(line)
        await line.open()
        self._seats.append(seat)
        line.ended.add_done_callback(lambda ended: self._gone(seat, ended.result()))
        self._deal()

    def _heard(self, seat: _Seat, kind: str, what: Any) -> None:
        """A message from a process about its question."""
        if (question := seat.question) is None:
            return
        if kind == "progress":
            for asker in list(question.askers):
                if asker.progress is not None:
                    asker.progress(*what)
            return
        seat.question, seat.new = None, False
        for asker in self._shut(question):
            if kind == "done":
                asker.answer.set_result(what)
            else:  # each gets an error of their own, since whoever shows it may add where it stands
                asker.answer.set_exception(copy.copy(what) if kind == "refused" else Failed(what))
        self._deal()

    def _gone(self, seat: _Seat, words: str) -> None:
        """A process has ended: its question is refused, another takes its seat."""
        if self._closed:
            return
        self._seats.remove(seat)
        if (question := seat.question) is not None:
            if question.askers and seat.line.full and not (seat.new or question.again):
                # what the process remembered was in the way: once more, in the new one
                question.seat, question.affinity, question.again = None, "", True
                self._waiting.append(question)
            else:
                self._refuse(question, words)
        task = asyncio.ensure_future(self._replace())
        self._filling.add(task)
        task.add_done_callback(self._filling.discard)

    async def _replace(self) -> None:
        """Fill a seat; while none can be filled, nobody is left waiting."""
        while True:
            try:
                return await self._fill()
            except (Died, OSError) as error:
                for question in [] if self._seats else list(self._waiting):
                    self._waiting.remove(question)
                    self._refuse(question, str(error))
            await asyncio.sleep(_AGAIN_AFTER)

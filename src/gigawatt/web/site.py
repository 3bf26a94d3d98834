"""What the server holds: processes that answer, jobs, answers that are kept, uploads."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from gigawatt.web.answers import Fragment, Question
from gigawatt.web.jobs import Jobs
from gigawatt.web.state import State
from gigawatt.web.uploads import Uploads
from gigawatt.web.workers import Pool

__all__ = ["Kept", "Site", "affinity"]

_MOST_KEPT = 96 * 2**20
"""Characters of answers that are kept."""


@dataclass
class Kept:
    """Answers by question, the least recently asked dropped first."""

    most: int = _MOST_KEPT
    hits: int = 0
    misses: int = 0
    _size: int = 0
    _answers: OrderedDict[Question, Fragment] = field(
        default_factory=OrderedDict[Question, Fragment], repr=False
    )

    def get(self, question: Question) -> Fragment | None:
        """The answer, if it is known."""
        found = self._answers.get(question)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._answers.move_to_end(question)
        return found

    def keep(self, question: Question, answer: Fragment) -> None:
        """Remember an answer."""
        if question in self._answers:
            return
        self._answers[question] = answer
        self._size += len(answer.html)
        while self._size > self.most and len(self._answers) > 1:
            self._size -= len(self._answers.popitem(last=False)[1].html)


@dataclass
class Site:
    """Everything behind the pages; one of it a server."""

    pool: Pool
    jobs: Jobs
    uploads: Uploads
    kept: Kept = field(default_factory=Kept)

    def labels(self) -> dict[str, str]:
        """What uploads are called by those who brought them, by token."""
        found = ((token, self.uploads.get(token)) for token in self.uploads)
        return {token: f"{one.label} (uploaded)" for token, one in found if one is not None}

    async def answer(self, question: Question, owner: str = "") -> Fragment:
        """What a view shows, from what is kept or from a process.

        Parameters
        ----------
        question : Question
            What is asked.
        owner : str
            The tab that asks: its newer question takes the place of this one.

        Raises
        ------
        GigawattError
            What the question refuses.
        gigawatt.web.workers.Superseded, gigawatt.web.workers.Busy
        """
        found = self.kept.get(question)
        if found is None:
            found = await self.pool.ask(
                "gigawatt.web.answers:show", question, owner=owner, affinity=affinity(question.state)
            )
            self.kept.keep(question, found)
        return found


def affinity(state: State) -> str:
    """The same for questions that share what takes longest: site and plants."""
    return "|".join(
        (state.start, *(f"{k}={v}" for k, v in state.changes if k.startswith(("site.", "supply."))))
    )

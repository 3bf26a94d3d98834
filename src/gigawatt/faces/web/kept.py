"""Answers that were given and may be given again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from gigawatt.faces.web.answers import Fragment, Question

__all__ = ["Kept"]

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

    def __contains__(self, question: object) -> bool:
        """Whether an answer is known; asking so counts for nothing."""
        return question in self._answers

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

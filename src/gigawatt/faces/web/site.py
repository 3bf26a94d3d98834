"""What the server holds: processes that answer, jobs, answers that are kept, uploads."""

from __future__ import annotations

from dataclasses import dataclass, field

from gigawatt.faces.web.ahead import Ahead
from gigawatt.faces.web.answers import Fragment, Question
from gigawatt.faces.web.form.state import State
from gigawatt.faces.web.kept import Kept
from gigawatt.faces.web.processes.jobs import Jobs
from gigawatt.faces.web.processes.pool import Pool
from gigawatt.faces.web.uploads.store import Uploads

__all__ = ["Site", "affinity"]


@dataclass
class Site:
    """Everything behind the pages; one of it a server."""

    pool: Pool
    jobs: Jobs
    uploads: Uploads
    kept: Kept = field(default_factory=Kept)
    ahead: Ahead | None = None

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
        gigawatt.faces.web.processes.pool.Superseded, gigawatt.faces.web.processes.pool.Busy
        """
        found = self.kept.get(question)
        if found is None:
            found = await self.pool.ask(
                "gigawatt.faces.web.answers:show", question, owner=owner, affinity=affinity(question.state)
            )
            self.kept.keep(question, found)
        if self.ahead is not None:
            self.ahead.note(question, owner)
        return found


def affinity(state: State) -> str:
    """The same for questions that share what takes longest: site and plants."""
    return "|".join(
        (state.start, *(f"{k}={v}" for k, v in state.changes if k.startswith(("site.", "supply."))))
    )

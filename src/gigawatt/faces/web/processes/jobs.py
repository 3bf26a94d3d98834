"""Long work in the background: a process for each job, which gives way to the pages and can be ended."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from gigawatt.core.errors import GigawattError
from gigawatt.faces.web.processes.line import Busy, Died, Line
from gigawatt.faces.web.processes.worker import MEMORY, Settings, check_target, packed

__all__ = ["Busy", "Job", "Jobs", "State", "sse"]

State = Literal["waiting", "running", "done", "refused", "failed", "cancelled"]

_NICE = 10
"""By how much a job gives way to what a page asks."""


@dataclass(eq=False)
class Job:
    """Work that was asked for, and what came of it.

    Parameters
    ----------
    id : str
        Cannot be guessed: whoever knows it may see and cancel the job.
    kind, title : str
        What sort of work it is, and what a person calls it.
    owner : str
        Who asked for it.
    state : str
        ``waiting``, ``running``, and then one of ``done``, ``refused``, ``failed``, ``cancelled``.
    share : float
        How much is done, 0 to 1.
    words : str
        What it does at the moment.
    asked, started, ended : float or None
        Seconds since 1970.
    value : Any
        What the function returned, once it is done.
    error : str
        A line, where it was refused or failed.
    refusal : GigawattError or None
        The user's error, where it was refused.
    news : asyncio.Event
        Is set at the next change.
    """

    id: str
    kind: str
    title: str
    owner: str
    state: State = "waiting"
    share: float = 0.0
    words: str = ""
    asked: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    value: Any = field(default=None, repr=False)
    error: str = ""
    refusal: GigawattError | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def view(self) -> dict[str, Any]:
        """What a page shows of it: everything but the value and the owner, as JSON has it."""
        names = ("id", "kind", "title", "state", "share", "words", "asked", "started", "ended", "error")
        return {name: getattr(self, name) for name in names}

    def tell(self, **news: Any) -> None:
        """Change what is known of it, and wake whoever listens; what has ended stays as it is."""
        if self.ended is None:
            for name, value in news.items():
                setattr(self, name, value)
            self.news.set()
            self.news = asyncio.Event()


class Jobs:
    """Jobs of everybody: those that run, those that wait, and the last that ended.

    Parameters
    ----------
    most : int
        How many run at the same time.
    kept : int
        How many that have ended are remembered.
    waiting : int
        How many may wait.
    folder : Path
        Where they work.
    per_owner : int
        How many one owner may have that run or wait; owner ``""`` is not limited.
    memory : int, optional
        Bytes of address space that each may have; ``None`` is no limit.
    allowed : str
        How the module of every target has to begin.
    heartbeat : float
        Seconds after which a listener gets a ping where nothing else happens.
    """

    def __init__(
        self, *, folder: Path, most: int = 2, kept: int = 64, waiting: int = 20, per_owner: int = 4,
        memory: int | None = MEMORY, allowed: str = "gigawatt.faces.web.", heartbeat: float = 15.0,
    ) -> None:  # fmt: skip
        self._most, self._kept, self._limit, self._per_owner = most, kept, waiting, per_owner
        self._allowed, self._heartbeat = allowed, heartbeat
        self._settings = Settings(Path(folder).resolve(), allowed, _NICE, memory)
        self._jobs: dict[str, Job] = {}
        self._waiting: list[tuple[Job, bytes]] = []
        self._running: dict[Job, asyncio.Task[None]] = {}
        self._closed = False

    def start(self, target: str, payload: Hashable, *, kind: str, title: str, owner: str) -> Job:
        """Begin a job, in the event loop; it waits while others run.

        Parameters
        ----------
        target : str
            ``module:function``; the function is called with the payload and a ``progress(words, share)``.
        payload : hashable
            What it is asked.
        kind, title, owner : str
            See :class:`Job`.

        Raises
        ------
        Busy
            Too many wait, or the owner has too many.
        """
        check_target(target, self._allowed)
        question = packed(1, target, payload)
        owned = [job for job in (*self._running, *(job for job, _ in self._waiting)) if job.owner == owner]
        if self._closed or len(self._waiting) >= self._limit:
            raise Busy("too many jobs wait already; try again when some have ended")
        if owner and len(owned) >= self._per_owner:
            raise Busy(f"you have {len(owned)} jobs that run or wait already; cancel one, or wait for it")
        job = Job(secrets.token_urlsafe(16), kind, title, owner)
        self._jobs[job.id] = job
        self._waiting.append((job, question))
        self._deal()
        return job

    def get(self, id: str) -> Job | None:
        """A job, unless it ended long ago or never was."""
        return self._jobs.get(id)

    def of(self, owner: str) -> list[Job]:
        """The jobs of an owner that are remembered, the newest first."""
        return [job for job in reversed(self._jobs.values()) if job.owner == owner]

    async def events(self, id: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """What happens to a job, from what is known now to its end; nothing for a job that is not known.

        Yields
        ------
        event, data : str, dict
            ``progress`` at once and whenever something changed, ``ping`` where nothing does, and at the end
            the name of the state; data is :meth:`Job.view`. Who listens slowly gets the latest, not all.
        """
        job, changed = self._jobs.get(id), True
        while job is not None:
            news = job.news
            if job.ended is not None:
                yield job.state, job.view()
                return
            yield ("progress", job.view()) if changed else ("ping", {})
            try:
                changed = await asyncio.wait_for(news.wait(), self._heartbeat)
            except TimeoutError:
                changed = False

    async def cancel(self, id: str) -> None:
        """End a job; when this returns its process is gone. One that has ended, or never was, stays so."""
        job = self._jobs.get(id)
        if job is None:
            return
        task = self._running.get(job)
        if job.ended is None:
            self._end(job, state="cancelled", words="")
            self._waiting = [pair for pair in self._waiting if pair[0] is not job]
            if task is not None:
                task.cancel()
        if task is not None:
            await asyncio.wait([task])
        self._deal()

    async def close(self) -> None:
        """Cancel everything; when this returns no process is left."""
        self._closed = True
        await asyncio.gather(*(self.cancel(id) for id in list(self._jobs)))
        if self._running:  # of jobs that ended a moment ago
            await asyncio.wait(self._running.values())

    def _deal(self) -> None:
        """Start what may run: first for those who have the fewest running, then what has waited longest."""
        owners = [job.owner for job in self._running]
        while self._waiting and len(self._running) < self._most and not self._closed:
            pair = min(self._waiting, key=lambda pair: owners.count(pair[0].owner))
            self._waiting.remove(pair)
            owners.append(pair[0].owner)
            self._running[pair[0]] = task = asyncio.ensure_future(self._run(*pair))
            task.add_done_callback(partial(self._over, pair[0]))
        for before, (job, _) in enumerate(self._waiting, len(self._running)):
            job.tell(words=f"waits for {before} other job{'s' * (before != 1)}")

    async def _run(self, job: Job, question: bytes) -> None:
        """A job from its start to its end."""
        answered = asyncio.get_running_loop().create_future()

        def hear(kind: str, number: int, what: Any) -> None:
            if kind == "progress":
                words, share = what
                job.tell(words=words, share=min(max(share, 0.0), 1.0))
            else:
                answered.set_result((kind, what))

        line = Line(self._settings, hear)
        try:
            job.tell(state="running", words="starts", started=time.time())
            await line.open()
            line.send(question)
            await asyncio.wait([answered, line.ended], return_when=asyncio.FIRST_COMPLETED)
            if not answered.done():
                raise Died(line.ended.result())
            kind, what = answered.result()
            if kind == "done":
                self._end(job, state="done", share=1.0, value=what)
            elif kind == "refused":
                self._end(job, state="refused", error=str(what), refusal=what)
            else:
                self._end(job, state="failed", error=what)
        except (Died, OSError) as error:
            self._end(job, state="failed", error=str(error))
        finally:  # whoever cancels from here on only waits
            await line.close()

    def _over(self, job: Job, task: asyncio.Task[None]) -> None:
        """The process of a job is gone."""
        del self._running[job]
        if not task.cancelled() and task.exception() is not None:
            self._end(job, state="failed", error="a fault of gigawatt itself")
            task.get_loop().call_exception_handler({"message": "a job", "exception": task.exception()})
        self._deal()

    def _end(self, job: Job, **news: Any) -> None:
        """A job has ended; of those that have, the last are kept."""
        job.tell(**news, ended=time.time())
        over = [id for id, job in self._jobs.items() if job.ended is not None][: -self._kept]
        for id in over:
            del self._jobs[id]


def sse(event: str, data: Any) -> bytes:
    """A server-sent event, as a stream carries it; a text goes as it is, line by line, all else as JSON.

    Raises
    ------
    ValueError
        A name of more than one line, or a number that JSON has not.
    """
    if not event or set(event) & set("\r\n"):
        raise ValueError(f"not the name of an event: {event!r}")
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, allow_nan=False)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join((f"event: {event}\n", *(f"data: {line}\n" for line in lines), "\n")).encode()

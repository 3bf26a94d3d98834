"""A sweep: every point of a study that its store does not know is computed once and kept."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.core.errors import GigawattError
from gigawatt.studies.sweep.claims import Claims
from gigawatt.studies.sweep.evaluate import Answer, Row, Task
from gigawatt.studies.sweep.points import Points
from gigawatt.studies.sweep.pools import Pool, pool_of
from gigawatt.studies.sweep.shares import Shares
from gigawatt.studies.sweep.store import Done, SweepStore
from gigawatt.studies.sweep.study import SweepStudy, read_study

__all__ = ["Swept", "sweep"]

_BLOCK = 10
"""Points of a task: what a killed process loses at most."""
_EVERY, _MOST = 2.0, 1000
"""Rows are written as a part after so many seconds, or as soon as they are so many."""
_WAIT = 0.2
"""Seconds between looks at what another process computes."""

Progress = Callable[[str, float], None]


@dataclass
class Swept:
    """What a sweep did.

    ``points`` : of the study; ``known`` : were in the store, or another process put them there meanwhile;
    ``computed`` : now; ``refused`` : of these, scenarios without an answer; ``seconds`` : on the clock.
    """

    store: Path
    study: str
    points: int
    known: int = 0
    computed: int = 0
    refused: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list[str])

    def to_json(self) -> dict[str, object]:
        """Plain numbers."""
        return {
            "store": str(self.store), "study": self.study, "points": self.points, "known": self.known,
            "computed": self.computed, "refused": self.refused, "faults": self.faults,
            "seconds": round(self.seconds, 3),
        }  # fmt: skip


def sweep(
    study: SweepStudy | str | Path,
    store: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    pool: Pool | None = None,
) -> Swept:
    """Compute the points of a study that the store does not know.

    Parameters
    ----------
    study : SweepStudy or path
        What is asked.
    store : path
        Folder of the store; made where none is, unless ``resume``.
    workers : int
        Processes; 1 computes in this one.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers compute instead.
    resume : bool
        Whether the store has to be there.
    progress : callable, optional
        Called with (what is being done and how long it may take, share done).
    pool : Pool, optional
        Where to compute, in place of what ``workers`` and ``scheduler`` say; it is not closed.

    Raises
    ------
    InputError
        A study, a store or a scheduler that is not as it should be; a disk without room.
    GigawattError
        Workers that die, or that have another catalog or another version of this package.
    """
    started = time.perf_counter()
    asked = study if isinstance(study, SweepStudy) else read_study(study)
    points = Points.of(asked)
    crew = pool_of(workers, scheduler) if pool is None else pool
    try:
        kept = SweepStore(store, create=not resume)
        kept.add_study(asked)
        work = _Work(asked, points, kept, progress)
        try:
            work.run(crew)
        finally:
            work.finish()
    finally:
        if pool is None:
            crew.close()
    work.swept.seconds = time.perf_counter() - started
    return work.swept


class _Work:
    """One sweep while it runs."""

    def __init__(
        self, study: SweepStudy, points: Points, store: SweepStore, progress: Progress | None
    ) -> None:
        self.study, self.points, self.store, self.progress = study, points, store, progress
        self.version = catalog.version()
        self.swept = Swept(store.folder, study.hash, len(points))
        self.done = Done()
        self.claims = Claims(store.folder / "claims")
        self.rows: list[Row] = []
        self.claimed: list[str] = []  # whose rows wait to be written
        self.names: dict[tuple[str, ...], str] = {}  # of tasks that are out
        self.later: list[range] = []  # blocks that another process computes
        self.begun = self.written = time.monotonic()
        store.refresh(self.done, study.read, self.version)

    def run(self, pool: Pool) -> None:
        """Give out blocks until all points are known."""
        blocks: Callable[[int], range] = self._block
        shares = Shares(math.ceil(len(self.points) / _BLOCK), tuple(pool.free))
        self._report()
        running = 0
        while True:
            for slot in pool.free:
                task = self._next(slot, shares, blocks)
                if task is None:
                    break
                pool.give(slot, task)
                running += 1
            if not running:
                if not self.later:
                    return
                self._write()
                time.sleep(_WAIT)
                again, self.later = self.later, []
                self.store.refresh(self.done, self.study.read, self.version)
                blocks, shares = again.__getitem__, Shares(len(again), tuple(pool.free))
                self._report()
                continue
            for _, task, answer in pool.take(_EVERY):
                running -= 1
                self._keep(task, answer)
            if time.monotonic() - self.written > _EVERY or len(self.rows) >= _MOST:
                self._write()
            self._report()

    def _next(self, slot: int, shares: Shares, blocks: Callable[[int], range]) -> Task | None:
        """The next block with something to do."""
        while (place := shares.next(slot)) is not None:
            task = self._task(blocks(place))
            if task is not None:
                return task
        return None

    def _block(self, place: int) -> range:
        return range(place * _BLOCK, min((place + 1) * _BLOCK, len(self.points)))

    def _task(self, block: range) -> Task | None:
        keys = [self.points.key(number) for number in block]
        missing = [i for i, key in enumerate(keys) if key not in self.done]
        if not missing:
            self.swept.known += len(block)
            return None
        name = hashlib.sha256(" ".join([*keys, *self.study.read, self.version]).encode()).hexdigest()[:32]
        if not self.claims.take(name):
            self.later.append(block)
            return None
        self.store.refresh(self.done, self.study.read, self.version)  # its last holder may have done it
        missing = [i for i in missing if keys[i] not in self.done]
        self.swept.known += len(block) - len(missing)
        if not missing:
            self.claims.give(name)
            return None
        chosen = tuple(keys[i] for i in missing)
        self.names[chosen] = name
        return Task(self.study.base, self.study.read, chosen, tuple(self.points[block[i]] for i in missing))

    def _keep(self, task: Task, answer: Answer) -> None:
        if (answer.catalog, answer.version) != (self.version, __version__):
            raise GigawattError(
                "a worker has another catalog or version",
                given=f"catalog {answer.catalog}, gigawatt {answer.version}",
                allowed=f"catalog {self.version}, gigawatt {__version__}, as here",
            )
        for row in answer.rows:
            if row.fault:
                self.swept.faults.append(f"{row.fault} at {dict(row.axes)}")
                continue
            self.rows.append(row)
            self.swept.refused += bool(row.error)
            self.swept.computed += 1
        self.claimed.append(self.names.pop(task.keys))

    def _write(self) -> None:
        """Write what has come, and only then let others see that nobody computes it any more."""
        rows, self.rows = self.rows, []
        self.store.write(self.study, rows, self.version)
        self.done.add(row.key for row in rows)
        claimed, self.claimed = self.claimed, []
        for name in claimed:
            self.claims.give(name)
        self.written = time.monotonic()

    def finish(self) -> None:
        """Write what is there, pack it, and give back what was claimed."""
        try:
            self._write()
            self.store.pack()
        finally:
            self.claims.give_all()

    def _report(self) -> None:
        if self.progress is None:
            return
        known, total = self.swept.known + self.swept.computed, self.swept.points
        text = f"{known:,} of {total:,} scenarios"
        if self.swept.computed:
            rate = self.swept.computed / (time.monotonic() - self.begun)
            text += f", {_words((total - known) / rate)} left"
        self.progress(text, known / total)


def _words(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 6000.0 else f"{seconds / 3600.0:.1f} h"

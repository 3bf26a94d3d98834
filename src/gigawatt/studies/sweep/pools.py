"""Where tasks of a sweep run: in this process, in processes beside it, or on the workers of a Dask scheduler.

A pool has slots, each of which takes one task at a time from a stretch of its own, so that what a process
remembers serves the points that follow. A process that dies is replaced and its task given out again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

from gigawatt.chain.memo import Remembered
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.processes import ONE_THREAD, begin
from gigawatt.studies.sweep.evaluate import Answer, Task, evaluate_task

__all__ = ["Dask", "Here", "Pool", "Processes", "pool_of"]

_TIMES = 3
"""How often a task is given out whose process died."""
_ANSWERS_WITHIN, _WORKERS_WITHIN = 10.0, 60.0
"""Seconds in which a scheduler has to answer, and to have a worker."""


class Pool(Protocol):
    """Slots that evaluate tasks."""

    @property
    def free(self) -> Sequence[int]:
        """Slots that wait for a task."""
        ...

    def give(self, slot: int, task: Task) -> None:
        """Give a task to a free slot."""
        ...

    def take(self, seconds: float) -> Sequence[tuple[int, Task, Answer]]:
        """What has come of tasks, within so many seconds; may be nothing."""
        ...

    def close(self) -> None:
        """End everything that still runs."""
        ...


class Here:
    """One slot: this process."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        self._remembered = Remembered() if remembered is None else remembered
        self._task: Task | None = None

    @property
    def free(self) -> Sequence[int]:
        """Slot 0 unless it has a task."""
        return (0,) if self._task is None else ()

    def give(self, slot: int, task: Task) -> None:
        """Keep the task for :meth:`take`."""
        self._task = task

    def take(self, seconds: float) -> Sequence[tuple[int, Task, Answer]]:
        """Evaluate the task."""
        task, self._task = self._task, None
        return [] if task is None else [(0, task, evaluate_task(task, self._remembered))]

    def close(self) -> None:
        """Nothing runs."""


@contextmanager
def _single_threads() -> Iterator[None]:
    """The environment that new processes get: one thread of linear algebra each."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Processes:
    """Processes beside this one, started anew (not forked), one task at a time each."""

    def __init__(self, workers: int) -> None:
        self._pools = [self._start() for _ in range(workers)]
        self._running: dict[Future[Answer], tuple[int, Task, int]] = {}

    @staticmethod
    def _start() -> ProcessPoolExecutor:
        from multiprocessing import get_context

        return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=begin)

    @property
    def free(self) -> Sequence[int]:
        """Slots without a task."""
        busy = {slot for slot, _, _ in self._running.values()}
        return [slot for slot in range(len(self._pools)) if slot not in busy]

    def give(self, slot: int, task: Task) -> None:
        """Send the task."""
        self._send(slot, task, 1)

    def _send(self, slot: int, task: Task, times: int) -> None:
        with _single_threads():  # a process starts with its first task
            try:
                future = self._pools[slot].submit(evaluate_task, task)
            except BrokenProcessPool:  # it died while it had nothing to do
                self._pools[slot].shutdown(wait=False)
                self._pools[slot] = self._start()
                future = self._pools[slot].submit(evaluate_task, task)
        self._running[future] = (slot, task, times)

    def take(self, seconds: float) -> Sequence[tuple[int, Task, Answer]]:
        """Answers that have come; the task of a process that died is sent to a new one.

        Raises
        ------
        GigawattError
            A task whose process died each time.
        """
        ready, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        found: list[tuple[int, Task, Answer]] = []
        for future in ready:
            slot, task, times = self._running.pop(future)
            try:
                found.append((slot, task, future.result()))
            except BrokenProcessPool:
                if times >= _TIMES:
                    raise GigawattError(
                        "a process that computes scenarios died, again and again",
                        given=f"{len(task.keys)} scenarios from {dict(task.points[0].axes)}",
                        allowed="fewer --workers, if the memory is short",
                    ) from None
                self._pools[slot].shutdown(wait=False)
                self._pools[slot] = self._start()
                self._send(slot, task, times + 1)
        return found

    def close(self) -> None:
        """End the processes, in the middle of a task too."""
        for pool in self._pools:
            running: Mapping[int, Any] = dict(getattr(pool, "_processes", None) or {})
            pool.shutdown(wait=not self._running, cancel_futures=True)
            for process in running.values() if self._running else ():
                process.terminate()


class Dask:
    """Workers of a Dask scheduler; each thread of a worker is a slot, one task at a time."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise InputError(
                "a scheduler needs the package distributed", key="--scheduler", given=address,
                allowed="pip install 'gigawatt[dask]'",
            ) from None  # fmt: skip
        made: Any = Client
        try:
            self._client: Any = made(address, timeout=_ANSWERS_WITHIN, set_as_default=False)
        except (OSError, TimeoutError, ValueError, ImportError, TypeError) as error:
            told = str(error).split("\n")[0][:120]
            raise InputError(
                f"the scheduler does not answer within {_ANSWERS_WITHIN:g} s",
                key="--scheduler", given=address,
                allowed=f"the address of a running scheduler, such as tcp://localhost:8786 ({told})",
            ) from None  # fmt: skip
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS_WITHIN)
        except TimeoutError:
            self.close()
            raise InputError(
                f"this scheduler has no worker after {_WORKERS_WITHIN:g} s", key="--scheduler", given=address,
                allowed=f"start one: dask worker {address} --nthreads 1",
            ) from None  # fmt: skip
        self._running: dict[Any, tuple[int, Task]] = {}
        self._slots: dict[int, str] = {}
        self._look()

    def _look(self) -> None:
        """Workers that have come since get slots, those of workers that have gone are dropped."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        named = {(name, thread) for name, about in workers.items() for thread in range(about["nthreads"])}
        known = {(name, slot % 1000) for slot, name in self._slots.items()}
        for name, thread in sorted(named - known):
            taken = {slot // 1000 for slot in self._slots}
            self._slots[next(n for n in range(len(taken) + 1) if n not in taken) * 1000 + thread] = name
        busy = {slot for slot, _ in self._running.values()}
        for slot in [s for s, name in self._slots.items() if name not in workers and s not in busy]:
            del self._slots[slot]

    @property
    def free(self) -> Sequence[int]:
        """Slots without a task."""
        busy = {slot for slot, _ in self._running.values()}
        return [slot for slot in self._slots if slot not in busy]

    def give(self, slot: int, task: Task) -> None:
        """Send the task to the slot's worker, or to another where that one is gone."""
        future = self._client.submit(
            evaluate_task, task, pure=False, workers=[self._slots[slot]], allow_other_workers=True,
            retries=_TIMES,
        )  # fmt: skip
        self._running[future] = (slot, task)

    def take(self, seconds: float) -> Sequence[tuple[int, Task, Answer]]:
        """Answers that have come; the scheduler itself gives out again what a dead worker had.

        Raises
        ------
        GigawattError
            A task whose workers died each time, or a scheduler that is gone.
        """
        from distributed import wait as wait_for

        waiting: Any = wait_for
        try:
            with self._client.as_current():
                ready = waiting(list(self._running), timeout=seconds, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            ready = set[Any]()
        found: list[tuple[int, Task, Answer]] = []
        for future in ready:
            slot, task = self._running.pop(future)
            try:
                found.append((slot, task, future.result()))
            except Exception as error:  # what a worker raises may be of any kind
                told = str(error).split("\n")[0][:200] or type(error).__name__
                raise GigawattError("the scheduler gave up on a task", given=told,
                                    allowed="see the logs of its workers") from None  # fmt: skip
        if self._client.status not in ("running", "connecting"):
            raise GigawattError("the scheduler is gone", allowed="what is done is kept; start it and go on")
        self._look()
        return found

    def close(self) -> None:
        """Cancel what runs and leave the scheduler."""
        if getattr(self, "_running", None):
            self._client.cancel(list(self._running), force=True)
        self._client.close()


def pool_of(workers: int, scheduler: str | None) -> Pool:
    """The pool for so many processes, or for a scheduler's address.

    Raises
    ------
    InputError
        No workers; a scheduler that does not answer, or has no worker.
    """
    if workers < 1:
        raise InputError("no workers", key="--workers", given=workers, allowed="1 or more")
    if scheduler is not None:
        return Dask(scheduler)
    return Here() if workers == 1 else Processes(workers)

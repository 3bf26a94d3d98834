"""A line to one process that answers: started warm, listened to by a thread, heard in the event loop."""

from __future__ import annotations

import asyncio
import errno
import multiprocessing
import signal
import threading
from collections.abc import Callable
from ctypes import c_longlong
from functools import cache
from multiprocessing.context import BaseContext
from multiprocessing.sharedctypes import RawValue
from typing import Any

from gigawatt.faces.web.processes.worker import Settings, serve

__all__ = ["Busy", "Died", "Failed", "Line", "Superseded"]

_ENDS_WITHIN = 5.0
"""Seconds that a process has to end once it has closed its line."""

_children = threading.Lock()
"""The list of children that multiprocessing keeps is not made for threads."""


class Superseded(Exception):
    """A newer question of the same owner took this one's place."""


class Busy(Exception):
    """Too much waits already."""


class Died(Exception):
    """The process that computed the answer ended before it had one."""


class Failed(Exception):
    """A fault of our own, in a line that may be shown; the log has the rest."""


@cache
def _context() -> BaseContext:
    """How processes begin: forked from a server that has imported what they need, or anew."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gigawatt.faces.web.processes.preload"])
    return context


def how(code: int | None, memory: int | None) -> str:
    """Why a process ended, from its exit code: a line for whoever waited for its answer."""
    if code == errno.ENOMEM:
        most = "" if memory is None else f": {memory / (1 << 30):.3g} GiB"
        return f"this takes more memory than a process here may have{most}"
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"the process that computed this was ended from outside ({name}), perhaps for lack of memory"
    return f"the process that computed this ended with code {code}"


class Line:
    """A process and how to talk to it. Everything here runs in the event loop that made it.

    Parameters
    ----------
    settings : Settings
        What the process is told.
    hear : callable
        Is called with ``(kind, number, what)`` for every message, in order (``processes.worker``).
    """

    def __init__(self, settings: Settings, hear: Callable[[str, int, Any], None]) -> None:
        self._settings, self._hear = settings, hear
        self._loop = asyncio.get_running_loop()
        self._process: Any = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        """Why the process ended, once it has: nothing of it is left then."""
        self.full = False
        """Whether it ended since it may have no more memory."""

    async def open(self) -> None:
        """Start the process and wait until it listens.

        Raises
        ------
        Died
            It ended before.
        OSError
            The system has no room for another process.
        """
        starting = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            await asyncio.shield(starting)
            await asyncio.wait([self._ready, self.ended], return_when=asyncio.FIRST_COMPLETED)
            if not self._ready.done():
                raise Died(self.ended.result())
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            await self.close()
            raise

    def _start(self) -> None:
        """In a thread, since the server of forks takes a second to start."""
        context: Any = _context()
        self._connection, theirs = context.Pipe()
        self._flag = RawValue(c_longlong, 0)
        process = context.Process(target=serve, args=(theirs, self._flag, self._settings), daemon=True)
        try:
            with _children:
                process.start()
        except BaseException as error:
            self._connection.close()
            if isinstance(error, EOFError):  # the server of forks has ended
                raise Died("no process can be started to compute this") from None
            raise
        finally:
            theirs.close()
        self._process = process
        threading.Thread(target=self._listen, daemon=True, name=f"line to {process.pid}").start()

    def _listen(self) -> None:
        """In a thread of its own: pass on what comes, until the process is gone and reaped."""
        try:
            while True:
                self._post(self._take, *self._connection.recv())
        except (EOFError, OSError):
            pass
        except Exception:  # an answer that cannot be read here: its process is of no more use
            self._process.kill()
        with _children:
            self._process.join(_ENDS_WITHIN)
            if self._process.exitcode is None:
                self._process.kill()
                self._process.join()
        self._post(self._end, self._process.exitcode)

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            return  # the loop is closed: nobody waits

    def _take(self, kind: str, number: int, what: Any) -> None:
        if kind == "ready":
            self._ready.set_result(None)
        else:
            self._hear(kind, number, what)

    def _end(self, code: int | None) -> None:
        self._connection.close()
        self._process.close()
        self.full = code == errno.ENOMEM
        self.ended.set_result(how(code, self._settings.memory))

    def send(self, question: bytes) -> None:
        """Send a question, packed, to a process that has none; if it is gone, :attr:`ended` tells."""
        try:
            self._connection.send_bytes(question)
        except OSError:
            return

    def stop(self, number: int) -> None:
        """Ask the process to stop with this question the next time it tells its progress."""
        self._flag.value = number

    async def close(self) -> None:
        """End the process, if there is one, whatever it does, and wait until it is gone."""
        if self._process is not None and not self.ended.done():
            self._process.kill()
            await asyncio.shield(self.ended)

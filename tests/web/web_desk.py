"""A function that runs in a process of the web and does what a test orders, and the desk that orders it.

A process that runs :func:`held` connects to the desk, says who it is and obeys. So a test knows where every
process is, and nothing has to be waited for by the clock.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from gigawatt.core.errors import GigawattError, InputError

Progress = Callable[[str, float], None]
PATIENCE = 120.0


def held(name: str, progress: Progress) -> tuple[str, int]:
    """Say at the desk that ``name`` runs here, then do as told."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect("desk")  # in the folder where processes work
        with line.makefile("rw", encoding="utf-8") as desk:
            print(name, os.getpid(), file=desk, flush=True)
            for order in desk:
                match order.split():
                    case ["progress", words, share]:
                        progress(words, float(share))
                        print("told", file=desk, flush=True)
                    case ["log", file]:
                        sys.stderr = Path(file).open("w", buffering=1, encoding="utf-8")  # noqa: SIM115
                    case ["refuse"]:
                        raise InputError(
                            "no such chip", key="machine.chip", given="H1OO", allowed=["H100", "H200"]
                        )
                    case ["refuse-oddly"]:
                        raise GigawattError("no such thing", given=lambda: None)
                    case ["fail"]:
                        raise ZeroDivisionError(__file__)
                    case ["leave"]:
                        raise SystemExit(3)
                    case ["return-oddly"]:
                        return lambda: None  # type: ignore[return-value]
                    case _:
                        break
    return name, os.getpid()


def told(shares: tuple[float, ...], progress: Progress) -> int:
    """Tell the shares."""
    for share in shares:
        progress("step", share)
    return len(shares)


def surroundings(_: str, progress: Progress) -> dict[str, Any]:
    """Where and how this process works."""
    progress("looks around", 0.5)
    return {
        "pid": os.getpid(), "folder": os.getcwd(), "nice": os.nice(0),
        "threads": os.environ["OMP_NUM_THREADS"], "running": len(os.listdir("/proc/self/task")),
        "warm": "gigawatt.faces.web.processes.preload" in sys.modules,
    }  # fmt: skip


def take_memory(count: int, progress: Progress) -> int:
    """Ask for so many bytes."""
    return len(bytes(count))


_HOARD: list[bytes] = []


def hoard(count: int, progress: Progress) -> int:
    """Ask for so many bytes, and never give them back."""
    _HOARD.append(bytes(count))
    return os.getpid()


def killed(_: int, progress: Progress) -> None:
    """Die as one does whom the system takes for too large."""
    os.kill(os.getpid(), signal.SIGKILL)


def stuck(_: str, progress: Progress) -> None:
    """Hold the interpreter in foreign code, as a solver may."""
    progress(f"pid-{os.getpid()}", 0.0)
    ctypes.PyDLL(None).sleep(3600)


def _hidden(_: str, progress: Progress) -> None:
    """Not for anybody."""


class Guest:
    """A process at the desk."""

    def __init__(self, name: str, pid: int, reader: Any, writer: Any) -> None:
        self.name, self.pid, self._reader, self._writer = name, pid, reader, writer

    def order(self, *words: object) -> None:
        """Tell it what to do."""
        self._writer.write((" ".join(map(str, words)) + "\n").encode())

    async def progress(self, words: str, share: float) -> bool:
        """Let it tell its progress; whether it goes on after that."""
        self.order("progress", words, share)
        return await self._reader.readline() == b"told\n"


class Desk:
    """Where processes that run :func:`held` in this folder say that they do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.guests: asyncio.Queue[Guest] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Desk:
        with socket.socket(socket.AF_UNIX) as listener:
            before = os.getcwd()
            os.chdir(self.folder)  # the name of a socket is short
            try:
                listener.bind("desk")
            finally:
                os.chdir(before)
            self._server = await asyncio.start_unix_server(self._meet, sock=listener.dup())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        for writer in self._writers:
            try:
                await writer.wait_closed()
            except (BrokenPipeError, ConnectionResetError):
                continue

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        name, pid = (await reader.readline()).decode().split()
        self.guests.put_nowait(Guest(name, int(pid), reader, writer))

    async def next(self, name: str) -> Guest:
        """The next process that comes to the desk, which has to be this one."""
        guest = await self.guests.get()
        assert guest.name == name
        return guest


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test in an event loop, and not for ever."""
    asyncio.run(asyncio.wait_for(test, PATIENCE))


def gone(pid: int) -> bool:
    """Whether no process has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False

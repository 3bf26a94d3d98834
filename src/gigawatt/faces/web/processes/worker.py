"""What runs in a process that answers: questions from its line, one at a time, until the line closes.

Answers go back as ``(kind, number, what)``: ``progress`` with ``(words, share)`` as often as it is new, and
then one of ``done`` with the value, ``refused`` with the user's error, ``failed`` with a line about a fault
of our own, or ``cancelled``.
"""

from __future__ import annotations

import errno
import os
import pickle
import secrets
import sys
import traceback
from collections.abc import Callable
from ctypes import c_longlong
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gigawatt.core.errors import GigawattError
from gigawatt.core.processes import ONE_THREAD, begin

__all__ = ["MEMORY", "Cancelled", "Progress", "Settings", "check_target", "packed", "serve"]

MEMORY = 4 << 30
"""Bytes of address space that a process may have; a campus that serves takes 1.6 GiB of it."""

#: What a target calls now and then: words for what it does, and the share that is done, 0 to 1.
Progress = Callable[[str, float], None]


class Cancelled(BaseException):
    """Nobody waits for this answer any more; raised by ``progress``, and not to be caught but to tidy up."""


@dataclass(frozen=True)
class Settings:
    """What a process is told once.

    Parameters
    ----------
    folder : Path
        Where it works; relative paths in questions are in it.
    allowed : str
        How the module of every target has to begin.
    nice : int
        By how much it gives way to others.
    memory : int or None
        Bytes of address space, where the system can limit it.
    """

    folder: Path
    allowed: str = "gigawatt.faces.web."
    nice: int = 0
    memory: int | None = MEMORY


def check_target(target: str, allowed: str) -> tuple[str, str]:
    """Module and function of a target ``module:function``.

    Raises
    ------
    ValueError
        Not a public function of an allowed module: a fault of our own, never a user's.
    """
    module, colon, function = target.partition(":")
    if not (colon and module.startswith(allowed) and function.isidentifier() and function[0] != "_"):
        raise ValueError(f"not a function that may run here: {target!r}, allowed: {allowed}…:name")
    return module, function


def packed(*message: Any) -> bytes:
    """A message as it travels; raises what pickling raises."""
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def serve(line: Connection, flag: Any, settings: Settings) -> None:
    """Answer until the line closes.

    Parameters
    ----------
    line : Connection
        Brings ``(number, target, payload)``, takes ``(kind, number, what)``; ``ready`` is the first.
    flag : shared integer
        The number of the question that is to stop.
    settings : Settings
        Where and within which limits.
    """
    begin()
    os.environ.update(ONE_THREAD)
    os.chdir(settings.folder)
    _limit(settings)
    try:
        line.send(("ready", 0, None))
        while True:
            number, target, payload = line.recv()
            line.send_bytes(_answer(line, flag, number, target, payload, settings))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has closed the line


def _limit(settings: Settings) -> None:
    """Give way, and take no more memory than allowed."""
    if settings.nice and hasattr(os, "nice"):
        os.nice(settings.nice)
    if settings.memory is not None and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (settings.memory, settings.memory))


def _answer(
    line: Connection, flag: c_longlong, number: int, target: str, payload: Any, settings: Settings
) -> bytes:
    """The last message about a question, pickled."""
    told: tuple[str, int] | None = None

    def progress(words: str, share: float) -> None:
        nonlocal told
        if flag.value == number:
            raise Cancelled
        if (words, int(100 * share)) != told:  # what a person would see as new
            told = words, int(100 * share)
            line.send(("progress", number, (words, share)))

    try:
        module, function = check_target(target, settings.allowed)
        value = getattr(import_module(module), function)(payload, progress)
        return packed("done", number, value)
    except Cancelled:
        return packed("cancelled", number, None)
    except GigawattError as error:
        return _refusal(number, error)
    except MemoryError:
        traceback.print_exc()
        os._exit(errno.ENOMEM)  # what it remembers is in the way of the next question too
    except (BrokenPipeError, ConnectionResetError):
        raise
    except BaseException as error:
        mark = secrets.token_hex(3)
        print(f"fault {mark} in {target}", file=sys.stderr)
        traceback.print_exc()
        words = (
            f"a fault of gigawatt itself, not of what was asked: {type(error).__name__}, in its log as {mark}"
        )
        return packed("failed", number, words)


def _refusal(number: int, error: GigawattError) -> bytes:
    """The user's error with all that it says, in words where what was given cannot travel."""
    try:
        return packed("refused", number, error)
    except Exception:  # what cannot be pickled raises errors of many kinds
        error.given = str(error.given)
        return packed("refused", number, error)

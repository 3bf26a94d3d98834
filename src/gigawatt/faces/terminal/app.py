"""The entry point: commands, one-line errors, exit codes (0 done, 2 bad input, 130 interrupted)."""

from __future__ import annotations

import _thread
import contextlib
import gc
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Annotated

import typer

from gigawatt.core.errors import GigawattError
from gigawatt.core.memory import keep_freed_memory
from gigawatt.faces.terminal.commands import LateGroup
from gigawatt.faces.terminal.typed import remember

__all__ = ["app", "main"]

# typer carries its own click in newer versions: the exception is found through what typer exports
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_INTERRUPTED = 130
_MOST_NAMED = 200
_OBJECTS = 50_000
"""New objects after which Python looks for cycles. Its own 700 take a tenth of a run: a command imports and
reads tens of thousands of objects that live to its end, and arrays need no such look."""
_AGAIN = 0.02
"""Seconds after which an interrupt that waits, or was lost, comes again."""
_SOUTH = re.compile(r"-\d+(\.\d+)?\s*[,;]")

app = typer.Typer(
    name="gigawatt",
    cls=LateGroup,
    help="From silicon to power plant: what it takes to train or serve a language model, and its bottleneck.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from gigawatt import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors that a user can cause are one line on standard error and exit code 2."""
    given = sys.argv[1:] if arguments is None else arguments
    remember(given)
    gc.set_threshold(_OBJECTS)
    keep_freed_memory()
    try:  # coordinates in the south are no option
        with _interrupts_kept():
            code = app(
                args=[f" {word}" if _SOUTH.match(word) else word for word in given], standalone_mode=False
            )
        if code == _INTERRUPTED:  # newer versions of typer catch it themselves
            raise KeyboardInterrupt
        sys.stdout.flush()
    except GigawattError as error:
        _say(f"gigawatt: {error}")
        sys.exit(error.exit_code)
    except _UsageError as error:
        text = getattr(error, "format_message", error.__str__)() + _mend(error)
        if type(error).__name__ == "NoArgsIsHelpError":
            print(text)
            sys.exit(0)
        _say(f"gigawatt: {text}")
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        _say("gigawatt: interrupted; nothing half-written was left")
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        sys.exit(0)
    except OSError as error:  # what no room expected: a full disk, a name too long, a file gone meanwhile
        named = "" if error.filename is None else f": {str(error.filename)[:_MOST_NAMED]}"
        _say(f"gigawatt: {error.strerror or error}{named}")
        _drop_output()
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


@contextlib.contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Let an interrupt leave as one.

    It waits for imports to end: compiled modules abort over it, or make an error of their own of it. Where it
    is lost, as in a callback whose exceptions are ignored, it comes again; what else becomes of it, such as
    the ``RuntimeError`` of ``__set_name__``, is an interrupt still.
    """
    default = signal.default_int_handler
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) != default
    ):
        yield
        return
    seen: list[int] = []
    ended = threading.Event()
    deciding = threading.Lock()

    def again() -> None:
        while not ended.wait(_AGAIN):
            with deciding:
                if not ended.is_set():
                    _interrupt_main()

    def note(number: int, frame: FrameType | None) -> None:
        if not seen:
            _thread.start_new_thread(again, ())
        seen.append(number)
        if not (ended.is_set() or _importing(frame) or _leaving(sys.exc_info()[1])):
            raise KeyboardInterrupt

    said = sys.unraisablehook

    def say_lost(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            said(lost)

    signal.signal(signal.SIGINT, note)
    sys.unraisablehook = say_lost
    try:
        yield
    except (Exception, SystemExit) as error:
        if seen:
            raise KeyboardInterrupt from error
        raise
    finally:
        with deciding:
            ended.set()
        signal.signal(signal.SIGINT, default)
        sys.unraisablehook = said


def _interrupt_main() -> None:
    """Interrupt the main thread, out of a wait of the system too where signals reach a thread."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported at ``frame``, by what :func:`main` called."""
    while frame is not None and frame.f_code is not main.__code__:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _leaving(error: BaseException | None) -> bool:
    """Whether an interrupt is on its way up: what it leaves behind is being tidied."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _mend(error: Exception) -> str:
    """What to type for an option that the command does not have: its argument, or the field of that name."""
    option, context = getattr(error, "option_name", ""), getattr(error, "ctx", None)
    if not option or context is None:
        return ""
    name = option.lstrip("-").replace("-", "_")
    for one in context.command.params:
        if one.name == name and not any(word.startswith("-") for word in one.opts):
            path = context.command_path.removeprefix(context.find_root().info_name or "")
            return f"; allowed: gigawatt{path} {name.upper()}"
    if not any("--set" in one.opts for one in context.command.params):
        return ""
    from gigawatt.schema.fields import FIELDS

    found = [
        one.key
        for one in FIELDS
        if one.key.rpartition(".")[2] == name or any(other.flag == option for other in one.options)
    ]
    return f"; allowed: {', '.join(f'--set {key}=VALUE' for key in found[:3])}" if found else ""


def _drop_output() -> None:
    """Send what is still to be printed nowhere, so that leaving does not fail over it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    print(" ".join(text.split()), file=sys.stderr)

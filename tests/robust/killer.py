"""Runs every command that writes, and kills it (SIGKILL) at each step of its writing; prints what was found.

A process of its own, started by ``test_robust_kills.py``. Each command runs once, up to where it writes; from
there a forked child goes on and is killed at its first step, the next one at its second, and so on until
one comes through. A step is anything that the interpreter is asked to do with files (opened to write,
moved, made, removed: audit events), and half of every text.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gigawatt.core.store as store
from gigawatt.core.errors import GigawattError

STEPS = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "tempfile.mkdtemp")
MOST = 200


def writing(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an audit event is a step of writing."""
    if event != "open":
        return event in STEPS
    mode, flags = arguments[1], arguments[2]
    return (isinstance(mode, str) and any(letter in mode for letter in "wax")) or bool(
        isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    )


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Do ``work`` in a child that is killed at its step ``number``; whether it was."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        assert os.WEXITSTATUS(status) == 0, f"step {number}: exit code {os.WEXITSTATUS(status)}"
        return False
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def half(self: Path, text: str, encoding: str | None = None, **more: Any) -> int:
        with self.open("w", encoding=encoding, newline="\n") as stream:
            stream.write(text[: len(text) // 2])
            stream.flush()
            step()
            return stream.write(text[len(text) // 2 :])

    Path.write_text = half  # type: ignore[method-assign, assignment]
    sys.addaudithook(lambda event, arguments: step() if writing(event, arguments) else None)
    try:
        work()
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(3)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that can be seen, by its place."""
    found = (file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else ()
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in found
        if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    }


def look(
    write: Callable[[Path], object], old: Callable[[Path], object], base: Path, *, at_once: bool
) -> list[str]:
    """Kill ``write`` at each step, into a folder that is not there and over what ``old`` wrote.

    ``at_once``: a new folder has to appear whole or not at all.
    """
    wrong: list[str] = []
    target, before = base / "out", base / "before" / "out"
    old(before)
    was = contents(before)
    write(base / "new" / "out")
    new = contents(base / "new" / "out")
    assert set(was) == set(new)
    assert any(was[name] != new[name] for name in new)
    for fresh in (True, False):
        done, mixed = 0, 0
        for number in range(1, MOST):
            for left in base.glob(".out*"):
                shutil.rmtree(left)
            shutil.rmtree(target, ignore_errors=True)
            if not fresh:
                shutil.copytree(before, target)
            if not killed_at(number, lambda: write(target)):
                break
            done += 1
            found = contents(target)
            for name, content in found.items():
                if content not in (new.get(name), None if fresh else was.get(name)):
                    wrong.append(f"step {number}, fresh {fresh}: {name} is neither the old nor the new one")
            if fresh and at_once and found not in ({}, new):
                wrong.append(f"step {number}: {sorted(found)} without the rest")
            if not fresh and set(found) != set(new):
                wrong.append(f"step {number}: {sorted(set(new) - set(found))} are gone")
            if found not in ({}, new, was):
                mixed += 1
                if "trace.json" in found:
                    try:
                        store.load_result(target)
                        wrong.append(f"step {number}: two runs are read as one")
                    except GigawattError:
                        pass
        else:
            wrong.append(f"fresh {fresh}: never came through")
        if contents(target) != new:
            wrong.append(f"fresh {fresh}: what came through is not the new one")
        if done < 3:
            wrong.append(f"fresh {fresh}: only {done} steps were seen")
        print(f"{base.name}: {done} kills, {mixed} of them between two files", file=sys.stderr)
    if not at_once:
        return wrong
    # the next writing takes away what a killed one left
    assert killed_at(4, lambda: write(target))
    write(target)
    left = [entry.name for entry in base.iterdir() if entry.name not in ("out", "before", "new")]
    if left or any(entry.name.startswith(".") for entry in target.iterdir()):
        wrong.append(f"left behind: {left}")
    return wrong


class _Stop(Exception):
    """The command has come to where it writes."""


def caught(words: list[str], output: Path) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Run a command up to where it writes; returns what it would have written."""
    from gigawatt.faces.terminal.app import app

    held: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    real = store.write_files

    def catch(*given: Any, **more: Any) -> None:
        held.append((given, more))
        raise _Stop

    store.write_files = catch  # type: ignore[assignment]
    try:
        app(args=[*words, str(output)], standalone_mode=False)
    except _Stop:
        return held[0]
    finally:
        store.write_files = real
    raise AssertionError(f"{words[0]} wrote nothing")


def changed(given: tuple[Any, ...], more: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same files with other contents, as an earlier run would have left them."""
    _, texts, *tables = given
    return ({name: f"{text} " for name, text in texts.items()}, *tables), more


def main() -> None:
    """Look at every command named in the JSON of the first argument; print what is wrong with each."""
    commands: dict[str, list[str]] = json.loads(sys.argv[1])
    base = Path(sys.argv[2])
    found: dict[str, list[str]] = {}
    store._LEFT = -1.0
    for name, words in commands.items():
        place = base / name.replace(" ", "-")
        place.mkdir(parents=True)
        (_, *rest), more = caught(words, place / "nowhere")
        other, also = changed((None, *rest), more)

        def write(target: Path, rest: list[Any] = rest, more: dict[str, Any] = more) -> None:
            store.write_files(target, *rest, **more)

        def old(target: Path, other: tuple[Any, ...] = other, also: dict[str, Any] = also) -> None:
            store.write_files(target, *other, **also)

        found[name] = look(write, old, place, at_once=True)
    found["calibrate"] = calibrate(base / "calibrate")
    print(json.dumps(found))


def calibrate(base: Path) -> list[str]:
    """The tables of a user catalog: every file whole at every step, and the catalog readable."""
    from gigawatt import catalog
    from gigawatt.calibration.measure import Device
    from gigawatt.calibration.user import Number, source_id, write_user_rows
    from gigawatt.core.evidence import Grade

    base.mkdir()
    device = Device("My machine", "cpu", "numpy", "2", 8, 1e10, 1e7)

    def write(target: Path, value: float = 2.0) -> None:
        numbers = [Number("peak_fp32", value, "TFLOP/s", Grade.measured, "a note")]
        texts = {"id": "X", "name": "My machine", "technology": "gpu", "source_id": source_id("X"),
                 "grade": "guess"}  # fmt: skip
        write_user_rows(target, "X", device, texts=texts, numbers=numbers)

    wrong = look(write, lambda target: write(target, 1.0), base, at_once=False)
    for number in range(1, MOST):
        shutil.rmtree(base / "out", ignore_errors=True)
        shutil.copytree(base / "before" / "out", base / "out")
        if not killed_at(number, lambda: write(base / "out")):
            break
        catalog.use_user_catalog(base / "out")
        try:
            catalog.user_catalog()
        except GigawattError as error:
            wrong.append(f"step {number}: {error}")
        catalog.use_user_catalog(None)
    return wrong


if __name__ == "__main__":
    main()

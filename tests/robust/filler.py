"""Commands that write onto a disk without room, and onto one that may only be read; prints what they said.

Run by ``test_robust_disks.py`` in a mount namespace of its own, where it mounts a small disk in memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from gigawatt.faces.terminal import main as gigawatt


def say(words: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            gigawatt(words)
        except SystemExit as left:
            return int(left.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def contents(folder: Path) -> dict[str, str]:
    """Every file, hidden ones too."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes().hex()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def mount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)


def main() -> None:
    """Each command of the first argument, on a disk of the size that it needs less of."""
    commands: dict[str, list[str]] = json.loads(sys.argv[1])
    disk = Path(sys.argv[2])
    found: dict[str, Any] = {}
    for name, words in commands.items():
        mount(disk, "size=96k")
        said: dict[str, Any] = {}
        (disk / "out").mkdir()
        (disk / "out" / "mine.txt").write_text("mine")
        before = contents(disk)
        for case, target in (("new", disk / "new"), ("there", disk / "out"), ("mount", disk)):
            said[case] = (*say([*words, str(target)]), contents(disk) == before)
        said["left"] = [entry.name for entry in disk.iterdir() if entry.name != "out"]
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for case, target in (("ro new", disk / "new"), ("ro there", disk / "out")):
            said[case] = (*say([*words, str(target)]), contents(disk) == before)
        subprocess.run(["umount", str(disk)], check=True)
        mount(disk, "size=64m")  # with room, a mounted disk itself is a folder like any other
        said["room"] = (*say([*words, str(disk)]), bool(contents(disk)))
        said["hidden"] = [entry.name for entry in disk.iterdir() if entry.name.startswith(".")]
        subprocess.run(["umount", str(disk)], check=True)
        found[name] = said
    found["table"] = large_table(disk)
    print(json.dumps(found))


def large_table(disk: Path) -> list[Any]:
    """What a table says that does not fit, and what is left of it."""
    import numpy as np
    import pandas as pd

    from gigawatt.core.errors import InputError
    from gigawatt.core.store import write_files

    mount(disk, "size=1m")
    numbers = np.random.default_rng(1).random(500_000)
    try:
        write_files(disk / "out", {"a.txt": "a"}, {"large": pd.DataFrame({"x": numbers})})
    except InputError as error:
        told = str(error)
    else:
        told = "written"
    left = [entry.name for entry in disk.iterdir()]
    subprocess.run(["umount", str(disk)], check=True)
    return [told, left]


if __name__ == "__main__":
    main()

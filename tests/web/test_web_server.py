"""The command that serves: what stands in its way is one line and exit code 2."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def _serve(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from gigawatt.faces.terminal import main; main()", "web", *words],
        capture_output=True, text=True, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip


def _refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="processes meet otherwise here")
def test_a_folder_in_which_processes_cannot_meet_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    line = _refused(_serve("--port", "0", TMPDIR=str(folder)))
    assert line.startswith("gigawatt: TMPDIR: the folder of temporary files has too long a path; given ")


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = _refused(_serve("--port", str(port)))
    assert line.startswith("gigawatt: --port: cannot listen there: ")
    assert line.endswith("allowed: --port 0 takes a free one")


def test_other_machines_are_let_in_by_name_only() -> None:
    everywhere = ".".join("0000")
    line = _refused(_serve("--host", everywhere))
    assert line.startswith("gigawatt: --host: say under which names it may be asked")

"""What tests of commands share: a command line that is run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt.faces.terminal import main


@pytest.fixture
def call(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """``call("run", …)`` → exit code, output, errors; ``COMMAND`` of the module goes first."""
    monkeypatch.delenv("COLUMNS", raising=False)  # as in a pipe, which has no width of a line
    command: tuple[str, ...] = getattr(request.module, "COMMAND", ())

    def run(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([*command, *map(str, words)])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run

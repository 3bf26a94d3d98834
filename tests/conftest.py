"""What every test shares: no test reads the user catalog of whoever runs the suite; interrupts interrupt."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

os.environ["GIGAWATT_CATALOG"] = ""  # before any module is imported, and in every process that a test starts
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell does to what it runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Files of long tests that share nothing: any worker may have any of them.
SPREAD = (
    "tests/golden/test_golden.py", "tests/schema/test_witnesses.py", "tests/test_docs.py",
    "tests/test_notebooks.py", "tests/test_registry.py",
)  # fmt: skip

#: Files, tests and cases that take seconds: ``longest.py`` lists them.
APART = frozenset(
    line
    for line in Path(__file__).with_name("apart.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is listed, by its file, its name or its case."""
    for item in items:
        if not APART.isdisjoint((item.nodeid, item.nodeid.split("[")[0], item.nodeid.split("::")[0])):
            item.add_marker(pytest.mark.apart)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of a file go to one worker, those of ``ran.py`` too, so that what they share is made once."""
    from xdist.scheduler import LoadScopeScheduling

    root = Path(__file__).parents[1]
    assert all((root / file).is_file() for file in SPREAD)
    texts = {file: file.read_text(encoding="utf-8") for file in (root / "tests").rglob("test_*.py")}
    examples = {str(file.relative_to(root)) for file, text in texts.items() if "\nfrom ran import " in text}

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return nodeid if file in SPREAD else "examples" if file in examples else file

    return ByFile(config, log)

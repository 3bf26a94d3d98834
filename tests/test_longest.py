"""The list of tests that are run apart: what is read from a run, and that each is there."""

from __future__ import annotations

from pathlib import Path

import longest

ROOT = Path(__file__).parents[1]
RUN = """\
====== slowest durations ======
9.00s setup    tests/a/test_made.py::test_first
1.50s call     tests/a/test_made.py::test_second
2.10s setup    tests/a/test_many.py::test_one
40.0s call     tests/a/test_many.py::test_two[a case, of words]
1.99s call     tests/a/test_many.py::test_three
2.00s teardown tests/a/test_last.py::test_it
"""


def test_what_is_long_is_a_file_by_its_set_up_or_a_test() -> None:
    assert longest.longest(RUN) == {
        "tests/a/test_made.py",  # whichever of its tests is first makes what all use
        "tests/a/test_many.py::test_two[a case, of words]",
        "tests/a/test_last.py::test_it",
    }


def test_every_test_that_is_listed_is_there() -> None:
    listed = [line for line in longest.LIST.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    assert listed == sorted(set(listed))
    for one in listed:
        file, _, name = one.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not name or f"def {name.partition('[')[0]}(" in text, f"tests/apart.txt: {one}"

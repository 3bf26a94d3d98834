"""Lists the tests that take more than two seconds in ``apart.txt``; ``conftest.py`` marks them ``apart``.

    pytest -n auto -m "not apart" -o addopts= --durations=0 --durations-min=0.5 > FILE
    python tests/longest.py FILE

Tests that are listed already stay, since such a run has left them out.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

LEAST = 2.0
"""Seconds of a test, or of what a file sets up once, from which it is apart."""
SHARE = 0.25
"""Where set-up takes this share of a file's seconds, the whole file is listed: were only its first test, the
next would set up again."""
LIST = Path(__file__).with_name("apart.txt")
_HEAD = """\
# Tests that take more than two seconds, by `python tests/longest.py`: a file, a test or one of its cases.
# `make test` leaves them out, `make test-apart` and CI run them.
"""


def longest(text: str) -> set[str]:
    """Files whose set-up is long, and tests of others that are, in the output of a run."""
    of_file, set_up, of_test = Counter[str](), Counter[str](), Counter[str]()
    for took, phase, test in re.findall(r"^([\d.]+)s (call|setup|teardown) +(\S.*)$", text, re.MULTILINE):
        file = test.split("::")[0]
        of_file[file] += float(took)
        if phase == "setup":
            set_up[file] += float(took)
        else:
            of_test[test.rstrip()] += float(took)
    files = {file for file, took in set_up.items() if took >= max(LEAST, SHARE * of_file[file])}
    return files | {test for test, took in of_test.items() if took >= LEAST}


def main() -> None:
    """Add what is long to the list."""
    known = {line for line in LIST.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"}
    found = known | longest(Path(sys.argv[1]).read_text(encoding="utf-8"))
    files = {one for one in found if "::" not in one}
    kept = sorted(one for one in found if one in files or one.split("::")[0] not in files)
    LIST.write_text(_HEAD + "\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

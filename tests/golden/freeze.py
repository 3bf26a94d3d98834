"""Golden answers: compute a case, flatten its answer to dotted paths, write it, compare it.

python tests/golden/freeze.py                    # compute all cases, print what differs, write nothing
python tests/golden/freeze.py NAME…              # the same for some cases; a pattern such as 'run-*' too
python tests/golden/freeze.py --write NAME…      # freeze these cases again, numbers included
    python tests/golden/freeze.py --strings NAME…    # freeze texts again; refused where a number differs
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import fnmatch
import io
import json
import math
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["GIGAWATT_CATALOG"] = ""

import yaml
from flatten import Flat, Value, flatten, is_number, rounded

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ANSWERS = HERE / "answers"
DIGITS = {"exact": 12, "model": 9, "solver": 9}
"""Significant digits that are stored."""
TOLERANCES = {"exact": 1e-9, "model": 1e-6, "solver": 1e-5}
"""Relative: arithmetic alone; iterations to a tolerance of their own; linear programmes."""
VARIES = re.compile(
    r"(^|[._])(cpu_s|cpu_seconds|wall_seconds|cpu_second|version|versions|python|platform|created|started|date"
    r"|gigawatt|code|expression|run\.seconds|solver\.seconds|scenario_hash|catalog_hash"
    r"|packages\.[\w-]+|where|locator|note|written)$"
)
"""Last words of a path that speak of the run itself (CPU time, versions), a row's line and note, or code."""
_FINGERPRINT = re.compile(r"[0-9a-f]{12,64}")
STATISTICS = ("length", "sum", "min", "max", "first", "last")


@dataclass(frozen=True)
class Case:
    """One question: the command or door, how near its numbers have to be, when it runs."""

    name: str
    steps: dict[str, str]
    door: str | None
    words: dict[str, Any]
    like: str | None
    tolerance: str
    apart: bool
    drop: tuple[str, ...]
    only: str
    floor: float

    @property
    def frozen(self) -> str:
        """Name of the case whose file holds the expected answer."""
        return self.like or self.name


def read_cases() -> dict[str, Case]:
    """All cases of ``cases.yaml`` by name."""
    document = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
    cases: dict[str, Case] = {}
    for row in document["cases"]:
        steps = row.get("steps") or ({"": row["argv"]} if "argv" in row else {})
        case = Case(
            name=row["name"],
            steps=steps,
            door=row.get("door"),
            words=row.get("words", {}),
            like=row.get("like"),
            tolerance=row.get("tolerance", "exact"),
            apart=row.get("apart", False),
            drop=tuple(row.get("drop", {})),
            only=row.get("only", ""),
            floor=float(row.get("floor", 1e-12)),
        )
        if case.name in cases:
            raise ValueError(f"two cases are called {case.name}")
        cases[case.name] = case
    return cases


def read_excluded() -> dict[str, str]:
    """Commands without a case, each with the reason."""
    return yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))["excluded"]


# --- computing ---------------------------------------------------------------------------------------------


def compute(case: Case) -> Flat:
    """Answer a case in this process and flatten it, without the rows that another one made."""
    from gigawatt.catalog import loader

    if loader._made:
        loader.forget()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(ROOT):
        if case.door is not None:
            answer = _door(case, folder)
            flat = flatten(answer)
        else:
            flat = {}
            for step, line in case.steps.items():
                answer = command(_placed(shlex.split(line), folder))
                flat |= flatten(answer, step)
            flat |= _traces(Path(folder))
        flat = {str(_without(path, folder)): _without(value, folder) for path, value in flat.items()}
    dropped = [_pattern(one) for one in case.drop]
    return {
        path: value
        for path, value in flat.items()
        if not VARIES.search(path)
        and not (isinstance(value, str) and _FINGERPRINT.fullmatch(value))
        and not any(one.fullmatch(path) for one in dropped)
    }


def command(argv: Sequence[str]) -> Any:
    """The JSON document that ``gigawatt ARGV`` prints; ``AssertionError`` where it ends otherwise."""
    from gigawatt.faces.terminal import main

    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(argv))
        except SystemExit as end:
            code = end.code
    assert code in (0, None), (
        f"gigawatt {shlex.join(argv)} ended with {code}: {err.getvalue().strip()[-500:]}"
    )
    return json.loads(out.getvalue())


def _door(case: Case, folder: str) -> Any:
    """What the Python function of a case answers, as plain data."""
    import gigawatt

    words = {key: _words_placed(value, folder) for key, value in case.words.items()}
    if case.door == "load":
        result = gigawatt.load(words["file"]).run()
        values = ((name, result[name]) for name in result.to_frame().index)
        return {"si": {name: value for name, value in values if is_number(value)}}
    if case.door == "explain":
        frame = gigawatt.explain(words.pop("file"), **words).table("walk")
        return json.loads(frame.reset_index().to_json(orient="records", double_precision=15))
    if case.door == "run":
        return {"run": json.loads(json.dumps(gigawatt.run(words.pop("scenario"), **words).to_json()))}
    if case.door == "compare":
        answer = gigawatt.compare(*words.pop("sources"), **words)
    else:
        answer = getattr(gigawatt, str(case.door))(**words)
    return json.loads(json.dumps(answer.to_json()))


def _words_placed(value: Any, folder: str) -> Any:
    if isinstance(value, list):
        return [_words_placed(one, folder) for one in value]
    return _placed([value], folder)[0] if isinstance(value, str) else value


def _placed(words: Sequence[str], folder: str) -> list[str]:
    return [word.replace("{out}", folder).replace("{in}", str(HERE / "inputs")) for word in words]


def _traces(folder: Path) -> Flat:
    """Every quantity of the results in a folder, in SI units, at ``si.NAME``."""
    flat: Flat = {}
    for file in sorted(folder.rglob("trace.json")):
        for name, row in json.loads(file.read_text(encoding="utf-8"))["quantities"].items():
            if is_number(row["value"]):
                flat[f"si.{name}"] = rounded(row["value"])
    return flat


def _without(value: Value, folder: str) -> Value:
    """A text without the places of this run."""
    if isinstance(value, str):
        return value.replace(folder, "{out}").replace(str(HERE / "inputs"), "{in}").replace(f"{ROOT}/", "")
    return [_without(one, folder) for one in value] if isinstance(value, list) else value


# --- what moved --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Move:
    """A path of a frozen answer that is elsewhere now (``new``), or gone (``removed``)."""

    case: str
    old: str
    new: str
    reason: str

    def target(self, case: str, path: str) -> str | None:
        """Where a path is now, ``None`` where this row does not speak of it."""
        if not fnmatch.fnmatchcase(case, self.case):
            return None
        match = _pattern(self.old).fullmatch(path)
        if match is None or self.new == "removed":
            return None if match is None else "removed"
        parts = iter(match.groups())
        return re.sub(r"\*", lambda _: next(parts), self.new)


def _pattern(text: str) -> re.Pattern[str]:
    """A path in which ``*`` stands for one or more characters."""
    return re.compile("(.+?)".join(re.escape(part) for part in text.split("*")))


def read_moves() -> list[Move]:
    """The rows of ``moved.csv``."""
    with (HERE / "moved.csv").open(encoding="utf-8", newline="") as file:
        return [Move(**row) for row in csv.DictReader(file)]


# --- comparing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A frozen value that the answer of today does not have."""

    case: str
    path: str
    old: Any
    new: Any
    kind: str  # number, text or missing

    def __str__(self) -> str:
        now = self.new if self.kind == "missing" else json.dumps(self.new)
        return f"{self.case}: {self.path}: frozen {json.dumps(self.old)}, now {now}"


def differences(case: Case, frozen: Flat, today: Flat, moves: Iterable[Move]) -> list[Difference]:
    """Every frozen value that is missing or other now; new paths are no difference."""
    found: list[Difference] = []
    moves = list(moves)
    for path, old in frozen.items():
        if not path.startswith(case.only):
            continue
        targets = [t for t in (move.target(case.frozen, path) for move in moves) if t is not None]
        target = targets[0] if targets else path
        if target == "removed":
            continue
        if target not in today:
            place = "missing" if target == path else f"missing at {target}"
            found.append(Difference(case.name, path, old, place, "missing"))
            continue
        kind = _differs(old, today[target], TOLERANCES[case.tolerance], case.floor)
        if kind:
            found.append(Difference(case.name, path, old, today[target], kind))
    return found


def _differs(old: Any, new: Any, relative: float, floor: float) -> str:
    """``number`` or ``text`` where two values are not equal within the tolerance, else an empty text."""
    if isinstance(old, dict) and isinstance(new, dict):
        if "prose" in old:
            left = list(new.get("prose", []))
            for one in old["prose"]:
                near = next((n for n in left if math.isclose(n, one, rel_tol=relative)), None)
                if near is None:
                    return "number"
                left.remove(near)
            return ""
        if "min" in old and "min" in new:
            scale = max(abs(old["min"]), abs(old["max"]))
            near = floor + relative * scale
            for name in STATISTICS:
                allowed = near * old["length"] if name == "sum" else 0.0 if name == "length" else near
                if abs(old[name] - new[name]) > allowed:
                    return "number"
            return "" if old.get("numbers") == new.get("numbers") else "number"
        return "" if old == new else "text"
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return "number"
        sizes = [abs(one) for one in old if is_number(one)]
        floor += relative * max(sizes, default=0.0)
        kinds = {_differs(a, b, relative, floor) for a, b in zip(old, new, strict=True)} - {""}
        return "number" if "number" in kinds else "text" if kinds else ""
    if is_number(old) and is_number(new):
        return "" if math.isclose(old, new, rel_tol=relative, abs_tol=floor) else "number"
    if isinstance(old, str) and isinstance(new, str):
        return "" if old == new else "text"
    return "" if old is new or (old == new and type(old) is type(new)) else "number"


# --- files -------------------------------------------------------------------------------------------------


def read_answer(name: str) -> Flat:
    """The frozen answer of a case."""
    groups = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    return {
        f"{group}.{leaf}" if group else leaf: value
        for group, leaves in groups.items()
        for leaf, value in leaves.items()
    }


def write_answer(case: Case, flat: Flat) -> None:
    """Freeze an answer: a line for all paths that differ in their last word only."""
    ANSWERS.mkdir(exist_ok=True)
    groups: dict[str, Flat] = {}
    for path, value in flat.items():
        group, _, leaf = path.rpartition(".")
        groups.setdefault(group, {})[leaf] = rounded(value, DIGITS[case.tolerance])
    lines = (
        f"{json.dumps(group, ensure_ascii=False)}:"
        f"{json.dumps(leaves, ensure_ascii=False, separators=(',', ':'))}"
        for group, leaves in groups.items()
    )
    (ANSWERS / f"{case.name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> int:
    """Compute cases, print what differs or freeze them again; 1 where something differs or fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="names of cases or patterns; all where none is given")
    parser.add_argument("--write", action="store_true", help="freeze these cases again")
    parser.add_argument("--strings", action="store_true", help="freeze again where only texts differ")
    parser.add_argument("--reverse", action="store_true", help="last case first")
    parser.add_argument("--quick", action="store_true", help="only the cases of `make test`")
    given = parser.parse_args()
    cases, moves = read_cases(), read_moves()
    chosen = [
        case
        for name, case in cases.items()
        if (not given.names or any(fnmatch.fnmatchcase(name, one) for one in given.names))
        and not (given.quick and case.apart)
    ]
    if not chosen:
        parser.error(f"no case is called {' '.join(given.names)}")
    failed, total = 0, 0.0
    for case in reversed(chosen) if given.reverse else chosen:
        start = time.process_time()
        try:
            today = compute(case)
        except Exception as error:
            print(f"{case.name}: FAILED: {type(error).__name__}: {str(error)[:600]}", flush=True)
            failed += 1
            continue
        spent = time.process_time() - start
        total += spent
        is_new = not (ANSWERS / f"{case.frozen}.json").exists()
        if case.like is None and (is_new or given.write):
            write_answer(case, today)
            print(f"{case.name}: frozen, {len(today)} values, {spent:.1f} CPU s", flush=True)
            continue
        found = differences(case, read_answer(case.frozen), today, moves)
        if given.strings and case.like is None and not any(one.kind != "text" for one in found):
            write_answer(case, today)
            found = []
        print(f"{case.name}: {len(found)} differences, {spent:.1f} CPU s", flush=True)
        for one in found[:20]:
            print(f"  {one}")
        failed += bool(found)
    print(f"{len(chosen)} cases, {failed} that differ or fail, {total:.0f} CPU s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

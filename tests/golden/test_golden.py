"""Answers of today against the frozen ones, of every command, example and Python function."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flatten import LONG, flatten
from freeze import (
    ANSWERS,
    ROOT,
    Case,
    Move,
    compute,
    differences,
    read_answer,
    read_cases,
    read_excluded,
    read_moves,
)

import gigawatt

CASES = read_cases()
MOVES = read_moves()
# what a module of Python names that answers nothing, or what a result has
NOT_DOORS = {"Answer", "GigawattError", "Result", "Study", "__version__"}


def _parameters() -> Iterator[Any]:
    for case in CASES.values():
        yield pytest.param(case, id=case.name, marks=[pytest.mark.apart] if case.apart else [])


@pytest.mark.parametrize("case", list(_parameters()))
def test_answer_is_the_frozen_one(case: Case) -> None:
    found = differences(case, read_answer(case.frozen), compute(case), MOVES)
    lines = "\n".join(f"  {one}" for one in found[:30])
    assert not found, (
        f"{len(found)} values of {case.name} differ (tests/golden/README.md says what to do)\n{lines}"
    )


def _commands(app: Any, before: str = "") -> Iterator[str]:
    """Every command of the command line, with its group."""
    from typer.main import get_command

    root = get_command(app) if not before else app
    for name, command in root.commands.items():
        words = f"{before} {name}".strip()
        if hasattr(command, "commands"):
            yield from _commands(command, words)
        else:
            yield words


def test_every_command_has_a_case_or_a_reason() -> None:
    from gigawatt.faces.terminal.app import app

    lines = [line for case in CASES.values() for line in case.steps.values()]
    excluded = read_excluded()
    for command in _commands(app):
        has_case = any(line.startswith(f"{command} ") for line in lines)
        assert has_case != (command in excluded), f"gigawatt {command}: a case, or a reason in cases.yaml"
    assert all(len(reason.split()) > 2 for reason in excluded.values())


def test_every_example_and_door_has_a_case() -> None:
    lines = " ".join(line for case in CASES.values() for line in case.steps.values())
    doors = {case.door for case in CASES.values()}
    for file in sorted((ROOT / "examples").rglob("*.yaml")):
        place = str(file.relative_to(ROOT))
        assert place in lines or place in read_excluded(), f"{place} has no case"
    for name in set(gigawatt.__all__) - NOT_DOORS:
        assert name in doors or name in read_excluded(), f"gigawatt.{name} has no case"


def test_answers_and_cases_are_the_same_set() -> None:
    files = {file.stem for file in ANSWERS.glob("*.json")}
    assert files == {case.name for case in CASES.values() if case.like is None}
    assert all(case.frozen in files for case in CASES.values())
    assert sum(file.stat().st_size for file in ANSWERS.glob("*.json")) < 2.3e6


def test_every_row_of_what_moved_speaks_of_a_frozen_path() -> None:
    for move in MOVES:
        assert move.reason.strip(), f"{move.old} has no reason"
        assert move.new.count("*") <= move.old.count("*"), f"{move.new} has more * than {move.old}"
        hit = any(
            move.target(case.name, path) is not None
            for case in CASES.values()
            if case.like is None
            for path in read_answer(case.name)
        )
        assert hit, f"moved.csv: {move.case}, {move.old}: no frozen path is called so"


# --- the comparison itself ---------------------------------------------------------------------------------


def _case(tolerance: str = "exact") -> Case:
    return Case("try", {}, None, {}, None, tolerance, False, (), "", 1e-12)


FROZEN = flatten(
    {
        "days": 30.5,
        "note": "the limit of 250 MW binds in 3 of 8,760 hours",
        "chip": "H100",
        "rows": [{"name": "a", "gain": 1.0}, {"name": "b", "gain": 2.0}],
        "hours": [float(i) for i in range(LONG + 1)],
        "table": [{"year": 2000 + i, "load": [1.0 * i, 2.0]} for i in range(LONG + 1)],
        "shares": [0.25, 0.75],
        "limit": None,
        "binds": True,
    }
)


def _changed(**values: Any) -> list[str]:
    return [str(one) for one in differences(_case(), FROZEN, FROZEN | values, [])]


def test_flattened_paths_name_rows_and_shorten_long_arrays() -> None:
    assert FROZEN["rows[name=b].gain"] == 2.0
    assert FROZEN["note"] == {"prose": [3.0, 250.0, 8760.0]}
    assert FROZEN["hours"] == {
        "length": 17,
        "sum": 136.0,
        "min": 0.0,
        "max": 16.0,
        "first": 0.0,
        "last": 16.0,
    }
    assert FROZEN["table[].load[0]"] == FROZEN["hours"]
    assert FROZEN["table[].year"]["first"] == 2000  # type: ignore[index, call-overload]
    moved_rows = flatten(
        {"rows": [{"name": "b", "gain": 2.0}, {"name": "new", "gain": 9.0}, {"name": "a", "gain": 1.0}]}
    )
    old_rows = {path: value for path, value in FROZEN.items() if path.startswith("rows")}
    assert differences(_case(), old_rows, moved_rows, []) == []


def test_a_difference_names_case_path_old_and_new() -> None:
    assert _changed() == []
    assert _changed(days=30.5 * (1 + 1e-11)) == []
    assert _changed(days=30.6) == ["try: days: frozen 30.5, now 30.6"]
    assert _changed(chip="H200") == ['try: chip: frozen "H100", now "H200"']
    assert _changed(shares=[0.25, 0.76])
    assert _changed(shares=[0.25])
    assert _changed(limit=1.0)
    assert _changed(binds=1)
    assert _changed(note={"prose": [3.0, 8760.0]})
    for name in ("length", "sum", "min", "max", "first", "last"):
        hours = dict(FROZEN["hours"])  # type: ignore[arg-type, call-overload]
        hours[name] += 1
        assert _changed(hours=hours), name
    assert differences(_case("solver"), FROZEN, FROZEN | {"days": 30.5 * (1 + 5e-6)}, []) == []
    assert differences(_case("model"), FROZEN, FROZEN | {"days": 30.5 * (1 + 5e-6)}, []) != []


def test_a_lost_path_is_a_difference_unless_it_moved() -> None:
    without = {path: value for path, value in FROZEN.items() if path != "days"}
    assert [str(one) for one in differences(_case(), FROZEN, without, [])] == [
        "try: days: frozen 30.5, now missing"
    ]
    move = Move("t*", "days", "time.days", "renamed")
    assert differences(_case(), FROZEN, without | {"time.days": 30.5}, [move]) == []
    assert [one.new for one in differences(_case(), FROZEN, without, [move])] == ["missing at time.days"]
    assert [one.kind for one in differences(_case(), FROZEN, without | {"time.days": 31.0}, [move])] == [
        "number"
    ]
    assert differences(_case(), FROZEN, without, [Move("try", "days", "removed", "an echo")]) == []
    assert differences(_case(), FROZEN, without, [Move("other", "days", "removed", "an echo")]) != []


def test_a_row_of_what_moved_may_speak_of_many_paths() -> None:
    moved = {
        path.replace("rows[name=", "table[row=").replace("].gain", "].saved"): v for path, v in FROZEN.items()
    }
    move = Move("try", "rows[name=*].*", "table[row=*].*", "renamed")
    saved = Move("try", "rows[name=*].gain", "table[row=*].saved", "renamed")
    assert any("name" in path for path in FROZEN)
    assert differences(_case(), FROZEN, moved, [saved, move]) == []
    assert len(differences(_case(), FROZEN, moved, [move])) == 2


def test_inputs_hold_no_place_of_this_machine() -> None:
    here = str(Path(__file__).resolve().parent)
    for file in ANSWERS.glob("*.json"):
        text = file.read_text(encoding="utf-8")
        assert here not in text, file.name
        assert "/tmp/" not in text, file.name

"""What studies register: everything they name is there, says the same, and is imported late."""

from __future__ import annotations

import ast
import inspect
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import gigawatt
from gigawatt.core.errors import InputError
from gigawatt.core.registry import (
    commands,
    find_study,
    functions,
    groups,
    jobs,
    own_studies,
    studies,
    views,
)
from gigawatt.core.study import Command, resolve
from gigawatt.faces.terminal.app import app
from gigawatt.faces.terminal.commands import OWN, built

ROOT = Path(__file__).parent.parent
EVERY = {**commands(), **OWN}


def test_every_folder_registers_a_study() -> None:
    folders = {file.parent.name for file in (ROOT / "src/gigawatt/studies").glob("*/__init__.py")}
    targets = [one.target for study in own_studies() for one in study.commands]
    assert folders == {target.split(".")[2] for target in targets}


def test_reading_all_registrations_imports_no_room() -> None:
    code = (
        "import sys\nfrom gigawatt.core import registry\nregistry.studies()\n"
        "print([m for m in sys.modules if m.startswith('gigawatt.') and m.count('.') > 1\n"
        "       and not m.startswith(('gigawatt.core.', 'gigawatt.studies.')) or m.count('.') > 2\n"
        "       and m.startswith('gigawatt.')])\n"
        "print([m for m in ('numpy', 'pandas', 'typer') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]\n[]", done.stderr


@pytest.mark.parametrize("name", EVERY)
def test_a_command_is_what_its_registration_says(name: str) -> None:
    command: Command = EVERY[name]
    first = (inspect.getdoc(resolve(command.target)) or "").splitlines()[0]
    assert first == command.words
    known = typer.main.get_command(app)
    context = known.make_context("gigawatt", [], resilient_parsing=True)
    words = shlex.split(command.example)[1:] if command.example else name.split()
    while hasattr(known, "commands"):
        _, known, words = known.resolve_command(context, words)
    assert known.make_context(str(known.name), words, parent=context).params
    assert not command.example or command.example.startswith(
        ("gigawatt " + name, "gigawatt " + name.split()[0])
    )


@pytest.mark.parametrize(
    "name", [name for name in EVERY if name not in ("report", "schema", "web", "doctor")]
)
def test_every_answer_is_printed_and_written_alike(name: str) -> None:
    options = {word for option in built(EVERY[name]).params for word in option.opts}
    assert {"--output", "--json", "--quiet"} <= options


#: Commands whose example is not typed here, and where it is tested.
ELSEWHERE = {
    "codesign": "takes minutes: tests/cli/test_codesign_command.py asks smaller ones",
    "web": "serves until it is interrupted: tests/test_house.py",
    "calibrate": "measures the machine for a minute: tests/test_docs.py",
    "emulate": "needs torch: tests/cli/test_emulate.py",
    "technologies study": "needs torch: tests/cli/test_emulate.py",
}
BEFORE = {"report": "run", "sweep show": "sweep run"}


@pytest.mark.apart
@pytest.mark.parametrize("name", [name for name in EVERY if name not in ELSEWHERE])
def test_the_example_of_the_help_runs(name: str, tmp_path: Path) -> None:
    for folder in ("examples", "validation"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    for one in filter(None, (BEFORE.get(name), name)):
        words = shlex.split(EVERY[one].example)
        assert words[:1] == ["gigawatt"], "its help has an example"
        done = subprocess.run(
            [sys.executable, "-c", "from gigawatt.faces.terminal import main; main()", *words[1:]],
            capture_output=True, text=True, timeout=600, cwd=tmp_path,
        )  # fmt: skip
        assert (done.returncode, bool(done.stdout.strip())) == (0, True), done.stderr


@pytest.mark.parametrize("name", functions())
def test_a_function_is_found_and_says_what_it_does(name: str) -> None:
    function = getattr(gigawatt, name)
    assert function is resolve(functions()[name])
    assert function.__doc__
    assert name in gigawatt.__all__


@pytest.mark.parametrize("study", studies(), ids=lambda study: study.name)
def test_what_a_study_names_is_there(study) -> None:
    targets = [study.document, study.more, *study.services.values()]
    targets += [one.target for one in (*study.views, *study.jobs)]
    for target in filter(None, targets):
        assert callable(resolve(target)), target
    assert bool(study.answer_file) == bool(study.report_stem) == bool(study.document)
    assert (ROOT / "docs" / study.docs).is_file()
    assert find_study(study.name) is study


@pytest.mark.parametrize("name", commands())
def test_a_command_has_a_function_and_a_page_of_the_docs(name: str) -> None:
    study = next(one for one in studies() if any(command.name == name for command in one.commands))
    assert commands()[name].python
    assert study.docs


#: Commands that print what is stored, or a list.
LOOKS = (
    "report", "schema", "catalog list", "catalog show", "chip list", "technologies audit",
    "technologies needs",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in commands() if name not in LOOKS])
def test_a_command_writes_a_folder_prints_json_and_is_quiet(name: str) -> None:
    command = typer.main.get_command_from_info(
        typer.models.CommandInfo(callback=resolve(commands()[name].target)),
        pretty_exceptions_short=True, rich_markup_mode=None,
    )  # fmt: skip
    flags = {flag for one in command.params for flag in one.opts}
    assert {"--output", "--json", "--quiet"} <= flags
    assert next(one for one in studies() if commands()[name] in one.commands).answer_file


def test_names_are_unique() -> None:
    for names in (
        [one.name for one in studies()],
        [one.name for one in (*views(), *jobs())],
        [command.name for study in studies() for command in study.commands],
    ):
        assert len(names) == len(set(names))
    assert {name.split()[0] for name in commands() if " " in name} == set(groups())


def test_an_unknown_study_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="plan-supply"):
        find_study("plan-suply")


def test_no_face_imports_a_study() -> None:
    for file in (ROOT / "src/gigawatt/faces").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith("gigawatt.studies") for name in names), file

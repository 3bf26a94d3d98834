"""The documentation is true: every scenario key is listed, and nothing else."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import typer
from pydantic import BaseModel

from gigawatt.cli.app import app
from gigawatt.study.scenario import Scenario

ROOT = Path(__file__).parent.parent


def keys(model: type[BaseModel], prefix: str = ""):
    for name, field in model.model_fields.items():
        kind = field.annotation  # a section that may be left out is what is not None of it
        kind = next(
            (one for one in get_args(kind) if isinstance(one, type) and issubclass(one, BaseModel)), kind
        )
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_docs_list_every_key_of_a_scenario():
    listed = re.findall(r"^\| `([a-z_.]+)` \|", (ROOT / "docs" / "scenario.md").read_text(), re.M)
    assert listed == list(keys(Scenario))


def commands() -> list[str]:
    """Every command that a document shows."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return [
        line.split("#")[0].strip()
        for page in pages
        for _, block in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.M | re.S)
        for line in block.splitlines()
        if line.startswith("gigawatt ")
    ]


@pytest.mark.parametrize("command", commands())
def test_commands_of_documents_are_known_with_their_options(command: str) -> None:
    """Read, not run: those of plan-training and calibrate are run in tests/cli, those of the README too."""
    known = typer.main.get_command(app)
    words = shlex.split(command)[1:]
    context = known.make_context("gigawatt", list(words), resilient_parsing=True)
    while hasattr(known, "commands"):
        _, known, words = known.resolve_command(context, words)
    assert known.make_context(str(known.name), words, parent=context).params


def test_the_commands_of_the_calibration_guide_run(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "calibrate.md").read_text()
    shown = re.findall(r"^```(\w*)\n(.*?)^```$", guide, re.M | re.S)
    lines = [line for kind, block in shown if kind != "console" for line in block.splitlines()]
    assert len(lines) == 2
    for line in lines:
        done = subprocess.run(
            [sys.executable, "-c", "from gigawatt.cli import main; main()", *shlex.split(line)[1:]],
            capture_output=True, text=True, timeout=120, cwd=tmp_path,
            env=os.environ | {"GIGAWATT_CATALOG": str(tmp_path), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout
    assert (tmp_path / "my-catalog" / "chips.csv").is_file()


def test_links_between_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"

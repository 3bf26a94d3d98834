"""The documentation is true: every scenario key is listed, and nothing else."""

import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import typer

from gigawatt.faces.terminal.app import app

ROOT = Path(__file__).parent.parent


def pages() -> list[Path]:
    """Every page that the repository ships: its own and those of the site."""
    return [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]


def commands() -> list[str]:
    """Every command that a document shows."""
    return [
        line.split("#")[0].strip()
        for page in pages()
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
            [sys.executable, "-c", "from gigawatt.faces.terminal import main; main()",
            *shlex.split(line)[1:]],
            capture_output=True, text=True, timeout=120, cwd=tmp_path,
            env=os.environ | {"GIGAWATT_CATALOG": str(tmp_path), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout
    assert (tmp_path / "my-catalog" / "chips.csv").is_file()


def test_links_between_documents_lead_somewhere():
    for page in pages():
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", without_code(page.read_text())):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$|`[^`\n]+`|\$[^$\n]+\$", "", text, flags=re.M | re.S)


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of every block of code."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.M | re.S)


def type_in(line: str, folder: Path) -> str:
    """What a reader sees who types a line of a page in ``folder``; the line succeeds."""
    code = "from gigawatt.faces.terminal import main; main()"
    program = f'gigawatt() {{ {shlex.quote(sys.executable)} -c "{code}" "$@"; }}'
    done = subprocess.run(
        ["bash", "-c", f"{program}\n{line}"], capture_output=True, text=True, timeout=240, cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "GIGAWATT_CATALOG": ""}
        | ({"GIGAWATT_CATALOG": "mine"} if (folder / "mine").is_dir() else {}),
    )  # fmt: skip
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


@pytest.mark.apart
def test_the_five_minutes_run_and_say_what_they_say(tmp_path: Path) -> None:
    """The page's commands in order, its Python, and the figures that it shows, which are of that run."""
    os.symlink(ROOT / "examples", tmp_path / "examples")
    found = blocks("start.md")
    lines = [line for kind, block in found if kind == "sh" for line in block.splitlines()]
    assert len(lines) == 5
    said = " ".join(" ".join(type_in(line, tmp_path) for line in lines).split())
    shown = [line for kind, block in found if kind == "console" for line in block.splitlines()]
    figures = [
        figure.group()
        for line in shown
        for figure in re.finditer(r"[−+]?\$?\d[\d.,]*(?: (?:%|days|s|MW|g/kWh|million|points))?", line)
    ]
    assert len(figures) > 40
    missing = [figure for figure in figures if figure.rstrip(".,") not in said]
    assert missing == []
    (code,) = [block for kind, block in found if kind == "python"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "training.mfu" in done.stdout


SLOW = "--find model.parameters"
"""A search over sizes of models takes longer than the time that a quoted command has."""


def quoted() -> list[tuple[str, str, str]]:
    """(page, command, what the page says that it prints) of every command with its output behind it."""
    found: list[tuple[str, str, str]] = []
    for page in ("../README.md", "plan-serving.md", "simulate-serving.md", "solve.md", "adequacy.md"):
        shown = blocks(page)
        for (_, command), (kind, output) in pairwise(shown):
            if kind == "console" and command.startswith("gigawatt ") and SLOW not in command:
                found.append((page, command.strip(), output))
    return found


@pytest.mark.apart
@pytest.mark.parametrize(("page", "command", "output"), quoted(), ids=lambda text: text[:24])
def test_a_page_quotes_what_the_command_prints_today(
    page: str, command: str, output: str, tmp_path: Path
) -> None:
    """Word for word between ``[…]``; figures too in the README, in a guide their digits may differ."""

    def words(text: str) -> str:
        return " ".join((text if page == "../README.md" else re.sub(r"\d[\d.,]*", "#", text)).split())

    (tmp_path / "examples").symlink_to(ROOT / "examples")
    said = words(type_in(command, tmp_path))
    missing = [piece for piece in output.split("[…]") if words(piece) not in said]
    assert missing == [], f"docs/{page} quotes what {command} no longer prints"


def typed(page: str, folder: Path, *, files: int) -> dict[str, str]:
    """What the commands of a page print, in a folder with the files that it shows."""
    text = (ROOT / "docs" / page).read_text()
    shown = re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", text, re.M | re.S)
    assert len(shown) == files
    for name, written in shown:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(written)
    lines = [line for kind, block in blocks(page) if kind == "sh" for line in block.splitlines()]
    return {line: type_in(line, folder) for line in lines}


@pytest.mark.apart
def test_what_a_load_gives_up_is_what_the_page_says(tmp_path: Path) -> None:
    said = typed("flexibility.md", tmp_path, files=2)
    assert len(said) == 5
    ran, explained, served, charged, offered = said.values()
    assert "the service is cut in 8,753 h a year" in " ".join(served.split())
    assert "the runs are cut in 12 h a year" in " ".join(ran.split())
    assert "load.pause_cost = 2,211 $/MWh" in explained
    assert "MWh cut in 26 h" in " ".join(charged.split())
    assert "pays to be able to cut" in " ".join(offered.split())


@pytest.mark.apart
def test_what_a_connection_pays_is_what_the_page_says(tmp_path: Path) -> None:
    said = typed("tariffs.md", tmp_path, files=1)
    assert len(said) == 11
    plans = [" ".join(text.split()) for line, text in said.items() if "plan-supply" in line]
    assert all("The bill of the grid" in text for text in plans[:4])
    assert "Distribution demand 3,382,320 $" in plans[2]  # 85 MW at 3.316 $/kW, twelve times
    assert "Gross receipts tax" in plans[3]
    assert "solar PPA" in plans[4]


@pytest.mark.apart
def test_what_one_brings_works_as_the_page_shows_it(tmp_path: Path) -> None:
    """The files of the page are written as they stand there, then its commands typed."""
    said = typed("bring-your-own.md", tmp_path, files=7)
    assert len(said) == 5
    (ran,) = [text for line, text in said.items() if line.startswith("gigawatt run")]
    assert "my-chip" in ran
    assert "my geothermal" in ran
    explained = type_in("gigawatt explain results/mine training.step_time --depth 3", tmp_path)
    assert "user/chips.details.csv:2" in explained

"""``gigawatt chip``: what it prints, what it writes, how it says no."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gigawatt.catalog.loader import forget
from gigawatt.faces.terminal import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "chips" / "chip-of-chiplets.yaml"


@pytest.fixture
def _fresh() -> Iterator[None]:
    """No design that another test made known."""
    forget()
    yield
    forget()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(list(words))
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "chip", "list", "--json")
    assert code == 0
    assert {"GW-2027", "GW-2030", "GW-SRAM", "H100-parts"} <= {row["id"] for row in json.loads(out)}
    code, out, _ = run(capsys, "chip", "list", "--parts", "--json")
    assert "cowos-l" in json.loads(out)["package"]
    assert run(capsys, "chip", "list")[0] == 0


def test_a_summary_names_what_limits(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "chip", "build", str(EXAMPLE))
    assert code == 0
    assert not err
    for words in (
        "What a good chip costs to make",
        "Watts",
        "PFLOP/s",
        "What is used of each limit",
        "hottest logic",
        "assumed",
        "power limit",
    ):
        assert words in out


def test_json_and_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "chip", "build", "GW-2027", "--set", "memory.stacks=8", "--json",
                       "--output", str(tmp_path / "made"))  # fmt: skip
    made = json.loads(out)
    assert code == 0
    assert made["memory"]["stacks"] == 8
    assert json.loads((tmp_path / "made" / "chip.json").read_text()) == made
    assert {file.name for file in (tmp_path / "made").iterdir()} == {
        "chip.html", "chip.md", "chip.json", "chips.csv", "published.json", "study.json"
    }  # fmt: skip
    assert made["rows"]["guesses"] < made["rows"]["read"]
    assert {one["source"] for one in made["assumptions"]} >= {"mlenergy-fit", "chiplets-fit"}
    header, row = (tmp_path / "made" / "chips.csv").read_text().splitlines()
    assert header.startswith("id,name,peak_bf16 [FLOP/s]")
    assert row.startswith("GW-2027,")
    assert sum(made["cost"].values()) == pytest.approx(made["cost_total"])


@pytest.mark.usefixtures("_fresh")
def test_the_catalog_shows_a_design_as_a_chip(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "catalog", "show", "chips", "GW-2027", "--json")
    assert code == 0
    assert {row["quantity"] for row in json.loads(out)["numbers"]} >= {"peak_bf16", "price", "power_limit"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("GW-2072",), "GW-2027"),
        (("nowhere.yaml",), "no such file"),
        (("GW-2027", "--set", "dies.gpu.area=3 W"), "--set dies.gpu.area"),
        (("GW-2027", "--set", "memory.stacks=40"), "fewer interfaces"),
        (("GW-2027", "--set", "rubbish"), "--set"),
    ],
)
def test_errors_are_one_line(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    code, out, err = run(capsys, "chip", "build", *words)
    assert code == 2
    assert not out
    assert said in err
    assert len(err.strip().splitlines()) == 1

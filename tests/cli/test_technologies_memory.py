"""``gigawatt technologies memory``: its documents, its page, what it refuses; substrates in a comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gigawatt.chain.machine.technologies import compare
from gigawatt.faces.terminal.app import main
from gigawatt.studies.memory.memory import memory_sheet
from gigawatt.technology.stacked_memory.dram_patterns import patterns, reach
from gigawatt.technology.stacked_memory.stack import generations


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def run(*arguments: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as left:
        main(["technologies", *arguments])
    assert left.value.code == code


def test_one_generation_in_json_is_what_the_library_says(capsys: pytest.CaptureFixture[str]) -> None:
    run("memory", "hbm3", "--pattern", "random", "--stacks", "6", "--json")
    found = json.loads(capsys.readouterr().out)
    row = found["generations"][0]
    ours = reach("hbm3", "random", stacks=6)
    assert (found["stacks"], row["name"]) == (6, "HBM3")
    assert row["reached"][0]["share"] == pytest.approx(ours.share)
    assert row["bandwidth"] == pytest.approx(819.2e9)
    assert row["energy_bit_scopes"]["core"][0] < row["energy_bit"]


def test_the_sheet_of_one_has_every_pattern_and_reads_well(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run("memory", "hbm4", "--cooling", "air", "--output", str(tmp_path))
    shown = capsys.readouterr().out
    assert all(name in shown for name in patterns())
    assert "within 95 °C" in shown
    document = json.loads((tmp_path / "memory.json").read_text(encoding="utf-8"))
    assert document["generations"][0]["temperature"]["cooling"] == "air"
    assert "Hottest die" in (tmp_path / "memory.html").read_text(encoding="utf-8")
    assert "HBM4, a stream" in (tmp_path / "memory.md").read_text(encoding="utf-8")


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run("memory", "hbm3", "--pattern", "weights", "--output", str(tmp_path), "--quiet")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
    assert (tmp_path / "memory.md").is_file()


def test_all_generations_stand_in_order() -> None:
    document = memory_sheet(patterns=["random"])
    assert [row["generation"] for row in document["generations"]] == list(generations())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("hbm9",), "hbm8"),
        (("hbm4", "--pattern", "kv"), "kv-pages"),
        (("hbm4", "--cooling", "ice"), "--cooling"),
        (("hbm4", "--stacks", "0"), "--stacks"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("memory", *arguments, code=2)
    assert words in capsys.readouterr().err


def test_stacks_and_units_stand_in_a_comparison() -> None:
    names = ["bf16", "stack-hbm6", "stack-hbm6:stacks=8", "pim-hbm3e", "pim-int8"]
    found = compare(model="llama-3.1-8b", substrates=names)
    rows = {row.substrate.id: row for row in found.rows}
    assert set(rows) == set(names)
    assert rows["pim-hbm3e"].cost.joules("chip") < rows["stack-hbm6"].cost.joules("chip")
    assert rows["stack-hbm6:stacks=8"].cost.step_time < rows["stack-hbm6"].cost.step_time
    assert all(0.0 < row.money["system"] < 1.0 for row in found.rows)

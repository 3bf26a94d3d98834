"""``gigawatt solve`` as a person types it: an answer, JSON alone, files whole, errors of one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gigawatt.faces.terminal.app import main
from gigawatt.schema.scenario import read_scenario

TEXAS = str(Path(__file__).parents[2] / "examples/llama-3.1-405b-texas.yaml")
SMALL = ["--set", "model=llama-3.1-8b", "--set", "training.tokens=1T tokens", "--set", "machine.count=256"]
ASK = ["solve", TEXAS, *SMALL, "--find", "machine.count=64|128|256", "--maximise", "training.mfu"]


def test_an_answer_is_told_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*ASK, "--limit", "training.duration <= 60 days", "--output", str(tmp_path / "out")])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "Largest training.mfu" in said
    assert "every one of 3 points" in said
    document = json.loads((tmp_path / "out/solve.json").read_text())
    found = read_scenario(tmp_path / "out/found.yaml")
    assert str(found.scenario.machine.count) == document["values"]["machine.count"]
    assert document["searched"]["exact"]
    assert len(document["points"]) == 3


def test_json_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*ASK, "--json"])
    document = json.loads(capsys.readouterr().out)
    best = max(one["amounts"]["training.mfu"] for one in document["points"])
    assert document["value"] == best


def test_a_crossing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["solve", TEXAS, *SMALL, "--find", "machine.count=64..256 times 2",
              "--where", "training.duration <= 15 days"])  # fmt: skip
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "holds first at machine.count" in said
    assert "begins between" in said


def test_no_answer_names_the_nearest_and_leaves_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*ASK, "--limit", "training.duration <= 1 days", "--quiet"])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "no point of the range meets every limit" in told
    assert "machine.count 256" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--find", "machine.count=64|128", "--maximise", "training.mfuu"], "training.mfu"),
        (["--find", "machine.count=64|128"], "--maximise"),
        (["--maximise", "training.mfu"], "nothing to find"),
        (["--find", "machine.count", "--maximise", "training.mfu"], "not a pair"),
        (["--find", "machine.coun=64|128", "--maximise", "training.mfu"], "unknown key"),
        (["--find", "machine.count=128..64", "--maximise", "training.mfu"], "an empty range"),
        (["--find", "machine.count=64|128", "--maximise", "training.mfu", "--limit", "training.mfu >= 3 MW"],
         "wrong kind of unit"),
        (["--find", "year=2026|2028", "--where", "training.mfu <= training.duration"], "not of one kind"),
        (["--find", "year=2026|2028", "--where", "training.mfu <= other:training.mfu"], "--other"),
        (["--set", "machine.coun=3", "--find", "year=2026|2028", "--maximise", "training.mfu"], "unknown"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["solve", TEXAS, *arguments, "--output", str(tmp_path / "never")])
    assert stop.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert words in told.err
    assert not (tmp_path / "never").exists()


def test_a_site_whose_law_bars_the_plants_is_no_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "engines.yaml"
    file.write_text("load: {peak: 50 MW}\nsite: {name: virginia}\nsupply: {plants: [grid, gas-engine]}\n")
    sites = "site.name=virginia|stavanger"
    with pytest.raises(SystemExit) as stop:
        main(["solve", str(file), "--find", sites, "--minimise", "supply.electricity_cost", "--json"])
    assert stop.value.code == 0
    document = json.loads(capsys.readouterr().out)
    assert document["values"]["site.name"] == "virginia"
    assert len(document["points"]) == 2
    barred = next(one for one in document["points"] if one["values"]["site.name"] == "stavanger")
    assert "no gas power in practice" in json.dumps(barred)

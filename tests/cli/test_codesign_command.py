"""``gigawatt codesign`` as a person types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gigawatt.faces.terminal.app import main

TEXAS = str(Path(__file__).parents[2] / "examples/llama-3.1-405b-texas.yaml")
SMALL = [
    "codesign", TEXAS, "--set", "model=llama-3.1-8b", "--set", "training.tokens=1T tokens",
    "--set", "machine.count=64", "--set", "training.number_format=fp8", "--set", "supply.plants=grid",
    "--set", "year=2026", "--population", "8", "--generations", "2",
    "--hold", "dies,height,domain,aspect,source,count,parameters",
]  # fmt: skip


def test_a_front_is_told_written_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*SMALL, "--output", str(tmp_path / "out")])
    assert stop.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(
        r"least cost, energy, time and capital where .* designs evaluated, \d+ lies? on the Pareto front",
        said,
    )
    assert "would save, at no price" in said
    document = json.loads((tmp_path / "out/codesign.json").read_text())
    assert {one["name"] for one in document["designs"]} >= {"least cost", "balanced"}
    for one in document["designs"]:
        for part in one["parts"]:
            product = 1.0
            for factor in part["factors"].values():
                product *= factor
            assert product == pytest.approx(part["whole"])
    least = min(one["metrics"]["cost"] for one in document["front"])
    assert document["designs"][0]["metrics"]["cost"] == least
    drawn = (tmp_path / "out/codesign.html").read_text()
    assert "Co-design from B200-parts" in drawn
    assert "What twice as much of a resource would save" in drawn


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "powr <= 3 MW"], "power"),
        (["--limit", "chip_power <= 5 W"], "no design meets every limit"),
        (["--design", "B200-part"], "B200-parts"),
        (["--hold", "aera"], "area"),
        (["--source", "gird"], "grid"),
        (["--design-set", "cooling=ice"], "cooling"),
        (["--population", "7"], "population"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*SMALL, *arguments, "--output", str(tmp_path / "never")])
    assert stop.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert words in told.err
    assert not (tmp_path / "never").exists()

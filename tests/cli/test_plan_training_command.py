"""``gigawatt plan-training``: what it prints, what it writes, what it refuses; the guide's commands run."""

from __future__ import annotations

import csv
import html
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt.cli import main
from gigawatt.figures.training_plan import FIGURES
from gigawatt.hardware import load_chip
from gigawatt.validation.domain import outside_domain, step_time_band

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs" / "plan-training.md"
SMALL = ("--model", "llama-3.1-8b", "--chip", "nvidia-h100-sxm", "--count", "64", "--pue", "1.2",
         "--electricity", "60 $/MWh", "--batch", "256")  # fmt: skip
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["plan-training", *map(str, words)])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def test_the_terminal_says_it_all(call: Call) -> None:
    code, out, err = call(*SMALL, "--relief", "--pareto", "--power", "1MW")
    assert (code, err) == (0, "")
    for words in (
        "failures included",
        "90 % band",
        "best layouts of",
        "what would relieve it",
        "best compromises",
        "arithmetic",
        "recompute",
        "J/token",
        "assumed machine.stack",
        "1 MW would feed",
    ):
        assert words in out, words
    assert max(map(len, out.splitlines())) <= 200


def test_json_is_the_documented_one(call: Call) -> None:
    code, out, err = call(*SMALL, "--json", "--relief", "--pareto", "--deadline", "400d")
    assert (code, err) == (0, "")
    answer = json.loads(out, parse_constant=lambda text: pytest.fail(text))
    table = GUIDE.read_text().split("## The JSON")[1]
    documented = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.M))))
    assert set(answer) <= documented
    assert documented - set(answer) == {"inverse", "timeline", "key"} & documented
    for name in ("relief", "pareto"):
        assert set(answer[name][0]) <= set(re.findall(r"`(\w+)`", table))
    assert answer["layouts_per_cpu_s"] > 0
    assert any("deadline of 400 days" in notice for notice in answer["notices"])


def test_the_folder(call: Call, tmp_path: Path) -> None:
    code, _, _ = call(*SMALL, "--relief", "--pareto", "--quiet", "--output", tmp_path / "plan")
    assert code == 0
    names = {file.name for file in (tmp_path / "plan").iterdir()}
    assert names == {"plan.json", "plan.html", "layouts.csv", "relief.csv", "pareto.csv"}
    with (tmp_path / "plan" / "relief.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    answer = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert [float(row["gain"]) for row in rows] == [row["gain"] for row in answer["relief"]]
    page = (tmp_path / "plan" / "plan.html").read_text()
    assert "timeline" not in answer or max(answer["timeline"]["device"]) > 0
    assert page.count("<figure>") == 4 + ("timeline" in answer)  # not asked the other way round
    for key, _, caption in FIGURES.values():
        assert (html.escape(caption) in page) == (key in answer)
    assert 'src="http' not in page
    code, _, err = call(*SMALL, "--output", tmp_path / "plan" / "plan.json")
    assert code == 2
    assert "the output folder is a file" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--count", "64", "--power", "10kW"), "at most"),
        (("--count", "64", "--power", "300"), "the unit is missing"),
        (("--count", "64", "--tensor", "7"), "7 does not divide the accelerators"),
        (("--count", "64", "--pin", "tensor"), "not a pin"),
        (("--count", "64", "--widen", "all,of"), "this column is not widened"),
        (("--largest-model", "--power", "1MW"), "give --deadline"),
        (("--count", "0"), "not a count"),
        (("--deadline", "0d"), "more than 0"),
        ((), "give --count, --power or --deadline"),
    ],
)
def test_refusals_are_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call("--model", "llama-3.1-8b", "--chip", "H100", "--pue", "1.2", "--electricity",
                          "60 $/MWh", *words)  # fmt: skip
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_chip_without_the_number_is_named(call: Call) -> None:
    code, _, err = call("--model", "llama-3.1-405b", "--chip", "H100", "--count", "8")
    assert code == 2
    assert re.search(r"the closest lacks [\d.]+ GB per device", err)


def test_outside_what_was_measured_the_band_is_wider() -> None:
    size = {"count": 64, "hidden": 4096, "sequence": 8192, "number_format": "bf16", "routed": False}
    assert outside_domain(chip=load_chip("H100-SXM5-80GB"), **size) == ()
    unknown = outside_domain(chip=load_chip("MI300X"), **size)
    assert "no training step was measured on MI300X" in unknown
    large = outside_domain(chip=load_chip("H100-SXM5-80GB"), **{**size, "count": 10**6})
    assert "accelerators" in large[0]
    inside, outside = step_time_band(routed=False), step_time_band(routed=False, outside=unknown)
    assert outside.low < inside.low < 1.0 < inside.high < outside.high


COMMANDS = re.findall(r"^gigawatt (plan-training .*)$", GUIDE.read_text(), re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_guides_commands_run(call: Call, command: str) -> None:
    code, out, err = call(*shlex.split(command)[1:])
    assert (code, err) == (0, "")
    assert out

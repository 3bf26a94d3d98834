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

from gigawatt.machine import load_chip
from gigawatt.studies.training.figures import FIGURES
from gigawatt.validation.training.domain import outside_domain, step_time_band

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs" / "plan-training.md"
SMALL = ("--model", "llama-3.1-8b", "--chip", "nvidia-h100-sxm", "--count", "64", "--pue", "1.2",
         "--electricity", "60 $/MWh", "--batch", "256")  # fmt: skip
APART = ("--sites", "2", "--distance", "1000km", "--wan", "400Gbit/s")
Call = Callable[..., tuple[int, str, str]]
COMMAND = ("plan-training",)


def test_tokens_are_those_that_were_given(call: Call) -> None:
    """A machine that is large for its model takes a larger batch, and more tokens for the same loss."""
    words = ("--model", "llama-3.1-8b", "--chip", "H100", "--power", "50 MW", "--tokens", "15T")
    code, out, _ = call(*words, "--json")
    answer = json.loads(out)
    assert (code, answer["tokens"]) == (0, 15e12)
    assert answer["tokens_trained"] > 1.2 * answer["tokens"]


def test_the_terminal_says_it_all(call: Call) -> None:
    code, out, err = call(*SMALL, "--relief", "--pareto", "--power", "1MW")
    assert (code, err) == (0, "")
    for words in (
        "with failures",
        "90 % band",
        "layouts searched",
        "Share of the run's time that more of one resource saves.",
        "peak FLOP/s of all formats",
        "Pareto front",
        "arithmetic",
        "recompute",
        "J per token",
        "assumed software.stack",
        "1 MW feeds",
    ):
        assert words in out, words
    assert max(map(len, out.splitlines())) <= 200


def test_json_is_the_documented_one(call: Call) -> None:
    code, out, err = call(
        *SMALL, *APART, "--json", "--relief", "--pareto", "--cap-sweep", "--deadline", "400d"
    )
    assert (code, err) == (0, "")
    answer = json.loads(out, parse_constant=lambda text: pytest.fail(text))
    table = GUIDE.read_text().split("## The JSON")[1]
    documented = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.M))))
    assert set(answer) <= documented
    assert documented - set(answer) == {"inverse", "timeline", "key", "power_choice"} & documented
    told = set(re.findall(r"`(\w+)`", table))
    assert set(answer["sites"]) <= told
    rows = {name: answer[name][0] for name in ("relief", "pareto")}
    rows |= {"caps": answer["cap_sweep"]["rows"][0], "sites": answer["sites"]["methods"][0]}
    for name, row in rows.items():
        assert {key for key in row if not key.endswith(("_low", "_high"))} <= told, name
    assert answer["layouts_per_cpu_s"] > 0
    assert any("deadline of 400 days" in notice for notice in answer["notices"])


def test_the_folder(call: Call, tmp_path: Path) -> None:
    code, _, _ = call(*SMALL, "--relief", "--pareto", "--quiet", "--output", tmp_path / "plan")
    assert code == 0
    names = {file.name for file in (tmp_path / "plan").iterdir()}
    assert names == {
        "plan.json", "plan.html", "plan.md", "study.json", "layouts.csv", "relief.csv", "pareto.csv"
    }  # fmt: skip
    with (tmp_path / "plan" / "relief.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    answer = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert [float(row["gain"]) for row in rows] == [row["gain"] for row in answer["relief"]]
    page = (tmp_path / "plan" / "plan.html").read_text()
    assert "timeline" not in answer or max(answer["timeline"]["device"]) > 0
    assert page.count('<figure class="drawn">') == 5 + ("timeline" in answer)  # not asked the other way round
    for key, _, caption in FIGURES.values():
        assert (html.escape(caption).replace("&#x27;", "&#39;") in page) == (key in answer)
    assert 'src="http' not in page
    code, _, err = call(*SMALL, "--output", tmp_path / "plan" / "plan.json")
    assert code == 2
    assert "the output folder is a file" in err


def test_more_than_the_power_feeds(call: Call, tmp_path: Path) -> None:
    code, out, err = call(*SMALL, *APART, "--power", "72kW", "--cap-sweep", "--output", tmp_path / "plan")
    assert (code, err) == (0, "")
    for words in ("fit with a cap of", "A power cap of", "within the power limit", "least energy",
                  "2 sites of 32, 1,000 km apart", "streaming-diloco", "at most 5 % longer"):  # fmt: skip
        assert words in " ".join(out.split()), words
    answer = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert 0.0715 < answer["power_MW"]["facility_peak"] <= 0.072
    assert answer["power_cap_W"] < answer["chip_power_limit_W"]
    assert answer["power_choice"][0]["count"] == 64
    for name, rows in (("caps", answer["cap_sweep"]["rows"]), ("sites", answer["sites"]["methods"])):
        with (tmp_path / "plan" / f"{name}.csv").open() as stream:
            assert len(list(csv.DictReader(stream))) == len(rows)
    page = (tmp_path / "plan" / "plan.html").read_text()
    assert page.count('<figure class="drawn">') == 5 + ("timeline" in answer)
    assert "Within the power" in page


def test_a_cap_from_the_command_line(call: Call) -> None:
    free = json.loads(call(*SMALL, "--json")[1])
    held = json.loads(call(*SMALL, "--json", "--cap", "400W")[1])
    assert held["power_cap_W"] == 400.0
    assert held["clock"] < 1.0 == free["clock"]
    assert held["days"] > free["days"]
    assert held["power_MW"]["facility_peak"] < free["power_MW"]["facility_peak"]
    assert json.loads(call(*SMALL, "--json", "--cap", "700W")[1])["step_time_s"] == free["step_time_s"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--count", "64", "--cap", "0W"), "more than 0"),
        (("--count", "64", "--cap", "-5W"), "more than 0"),
        (("--count", "64", "--cap", "500"), "the unit is missing"),
        (("--count", "64", "--cap", "500km"), "wrong kind of unit"),
        (("--count", "64", "--cap", "20W"), "cannot be held below its idle power"),
        (("--count", "64", "--sites", "0", *APART[2:]), "2 or more"),
        (("--count", "64", "--sites", "1", *APART[2:]), "2 or more"),
        (("--count", "64", "--sites", "3", *APART[2:]), "do not divide the accelerators"),
        (("--count", "64", *APART, "--distance", "5"), "the unit is missing"),
        (("--count", "64", *APART, "--distance", "0km"), "more than 0"),
        (("--count", "64", *APART, "--wan", "0Gbit/s"), "more than 0"),
        (("--count", "64", *APART, "--wan", "400GB"), "wrong kind of unit"),
        (("--count", "64", *APART, "--method", "dilocoo"), "did you mean 'diloco'"),
        (("--count", "64", "--sites", "2"), "--distance: several sites need this as well"),
        (("--count", "64", "--method", "diloco"), "--sites: several sites need this as well"),
        (("--count", "64", "--topology", "fat-tre"), "did you mean"),
        (("--count", "64", "--reliability", "nobodys"), "no such entry"),
        (("--count", "64", "--power", "10kW"), "at most"),
        (("--count", "64", "--power", "300"), "the unit is missing"),
        (("--count", "64", "--tensor", "7"), "7 does not divide the accelerators"),
        (("--count", "64", "--pin", "tensor"), "not a pin"),
        (("--count", "64", "--widen", "all,of"), "no such column to widen over"),
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


def test_an_unknown_chip_is_one_line_and_nothing_is_written(call: Call, tmp_path: Path) -> None:
    code, out, err = call(
        "--model", "llama-3.1-8b", "--chip", "H1000", "--count", "8", "--output", tmp_path / "o"
    )
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "did you mean" in err
    for words in (("--cap", "20W"), ("--sites", "3", *APART[2:])):
        code, _, _ = call(*SMALL, *words, "--output", tmp_path / "o")
        assert code == 2
    assert [*tmp_path.iterdir()] == []


def test_a_chip_without_the_number_is_named(call: Call) -> None:
    code, _, err = call("--model", "llama-3.1-405b", "--chip", "H100", "--count", "8")
    assert code == 2
    assert re.search(r"the closest lacks [\d.]+ GB per device", err)


def test_outside_what_was_measured_the_band_is_wider() -> None:
    size = {"count": 64, "hidden": 4096, "sequence": 8192, "number_format": "bf16", "routed": False}
    assert outside_domain(chip=load_chip("H100-SXM5-80GB"), **size) == ()
    unknown = outside_domain(chip=load_chip("Trainium3"), **size)
    assert "no training step was measured on Trainium3" in unknown
    large = outside_domain(chip=load_chip("H100-SXM5-80GB"), **{**size, "count": 10**6})
    assert "accelerators" in large[0]
    inside, outside = (
        step_time_band(chip="H100-SXM5-80GB", routed=False, outside=why) for why in ((), unknown)
    )
    assert outside.low < inside.low < 1.0 < inside.high < outside.high


COMMANDS = re.findall(r"^gigawatt (plan-training .*)$", GUIDE.read_text(), re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_guides_commands_run(call: Call, command: str) -> None:
    code, out, err = call(*shlex.split(command)[1:])
    assert (code, err) == (0, "")
    assert out

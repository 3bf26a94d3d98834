"""``gigawatt plan-seconds``: what it prints, writes and refuses, and that its guide is true."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt.faces.terminal import main
from gigawatt.studies.seconds.figures import FIGURES
from gigawatt.validation.published import checks_of

GUIDE = Path(__file__).parent.parent.parent / "docs" / "seconds.md"
SMALL = (
    "plan-seconds",
    "--chip",
    "nvidia-h100-sxm",
    "--count",
    "1024",
    "--model",
    "llama-3.1-70b",
    "--duration",
    "60s",
)
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([*map(str, words)])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    file = tmp_path / "node.csv"
    rows = [f"{i * 0.1:.1f},{4700 if i % 40 < 30 else 1200}" for i in range(600)]
    file.write_text("time,power\n" + "\n".join(rows) + "\n")
    return file


def test_the_terminal_says_it_all(call: Call) -> None:
    code, out, err = call(*SMALL, "--plants", "gas-turbine=4MW")
    assert (code, err) == (0, "")
    for words in (
        "steepest rise", "largest oscillation", "Limits of 'moderate' are exceeded", "frequency, as it is",
        "to buy, power", "supercapacitor", "cheapest", "software power floor",
        "limited ramps at start and stop", "the lower bound of any controller", "assumed spread",
    ):  # fmt: skip
        assert words in out, words


def test_json_is_the_documented_one(call: Call) -> None:
    code, out, err = call(*SMALL, "--json", "--plants", "grid=2MW,battery-2h=10MW", "--limits", "tight")
    assert (code, err) == (0, "")
    answer = json.loads(out, parse_constant=lambda text: pytest.fail(text))
    text = GUIDE.read_text().split("## The JSON")[1]
    keys = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", text, re.M))))
    assert set(answer) == keys
    told = set(re.findall(r"`(\w+)`", text))
    for row in (answer["measures"], answer["limits"], answer["stores"][0], answer["frontier"][0],
                answer["bound"], answer["plants"], answer["plants"]["before"],
                answer["assumptions"][0]):  # fmt: skip
        assert set(row) <= told, set(row) - told
    assert answer["plants"]["carried"]
    assert answer["excess"]["ramp_up"] > 1.0
    tried = [row for row in answer["stores"] if row["power_MW"] is not None]
    cheapest = min(tried, key=lambda row: row["cost_USD_per_year"])
    assert answer["cheapest_store"] == cheapest["store"]
    assert answer["bound"]["cost_USD_per_year"] <= cheapest["cost_USD_per_year"]


def test_a_trace_of_a_node(call: Call, trace: Path) -> None:
    code, out, _ = call("plan-seconds", "--trace", trace, "--nodes", "1000", "--json", "--spread", "0s")
    assert code == 0
    answer = json.loads(out)
    assert answer["measures"]["peak_MW"] == pytest.approx(4.7)
    assert answer["measures"]["least_MW"] == pytest.approx(1.2)
    assert answer["measures"]["modes"][0]["frequency_Hz"] == pytest.approx(0.25, abs=0.02)
    assert any("judged up to 5 Hz" in text for text in answer["notices"])


def test_the_folder(call: Call, tmp_path: Path, trace: Path) -> None:
    folder = tmp_path / "out"
    code, out, err = call(
        "plan-seconds", "--trace", trace, "--nodes", "1000", "--plants", "gas-engine=9MW", "--output", folder
    )
    assert (code, err) == (0, "")
    assert "seconds.html" in out
    assert {file.name for file in folder.iterdir()} == {
        "seconds.json", "seconds.csv", "seconds.html", "seconds.md", "study.json", "drawn.json"
    }  # fmt: skip
    page = (folder / "seconds.html").read_text()
    assert page.count('<figure class="drawn">') == len(FIGURES)
    assert "1,000 × node.csv" in page
    head = (folder / "seconds.csv").read_text().splitlines()[0]
    assert head.startswith("time_s,load_MW,drawn_MW,deviation_Hz")


def test_refusals(call: Call, tmp_path: Path, trace: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("time,watts\n0,1\n1,2\n")
    words = tmp_path / "words.csv"
    words.write_text("time,power\n0,1\n1,much\n")
    cases = (
        (("plan-seconds",), "give a chip or a trace"),
        (("plan-seconds", "--chip", "nvidia-h100-sxm"), "--count"),
        ((*SMALL, "--limits", "tihgt"), "--limits: no such limits; given 'tihgt'"),
        ((*SMALL, "--plants", "gas-turbine"), "--plants: not a pair"),
        ((*SMALL, "--plants", "gas-turbin=1MW"), "did you mean 'gas-turbine'?"),
        ((*SMALL, "--plants", "gas-turbine=10kW"), "cannot give its part of the load"),
        ((*SMALL, "--duration", "1s"), "--duration"),
        ((*SMALL, "--step", "fast"), "fast"),
        (("plan-seconds", "--trace", bad), "column power is missing"),
        (("plan-seconds", "--trace", words), "words.csv:3: not a number"),
        (("plan-seconds", "--trace", tmp_path / "none.csv"), "--trace"),
        (("plan-seconds", "--trace", trace, "--output", trace), "--output"),
    )
    for arguments, said in cases:
        code, out, err = call(*arguments)
        assert (code, out) == (2, ""), arguments
        assert err.count("\n") == 1
        assert said in err, err


def test_a_coarse_step_is_said(call: Call) -> None:
    code, out, _ = call(*SMALL, "--step", "50ms", "--json")
    assert code == 0
    assert any("judged up to 10 Hz" in text for text in json.loads(out)["notices"])


def test_published_numbers() -> None:
    """None fails: amplitudes of both nodes within 15 %, their steepest falls within 20 %."""
    checks = checks_of("supply", "dynamics")
    assert [check.what for check in checks if not check.ok] == []
    swings = {check.what: check for check in checks if "amplitude" in check.what or "fall" in check.what}
    assert len(swings) == 5
    for check in swings.values():
        assert not check.fitted
        assert check.tolerance == (0.15 if "amplitude" in check.what else 0.2)

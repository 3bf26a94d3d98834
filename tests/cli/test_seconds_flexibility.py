"""``gigawatt plan-seconds`` and a call of the utility: what answers it, what it costs, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gigawatt.validation.published import checks_of

GUIDE = Path(__file__).parent.parent.parent / "docs" / "seconds.md"
SMALL = ("plan-seconds", "--chip", "nvidia-h100-sxm", "--count", "1024", "--model", "llama-3.1-70b")
SERVICE = ("--serve", "llama-3.1-70b", "--serving-count", "1024")
Call = Callable[..., tuple[int, str, str]]


def answered(call: Call, *words: str | Path) -> dict[str, Any]:
    code, out, _ = call(*SMALL, *words, "--json")
    assert code == 0
    return json.loads(out)["flexibility"]


def test_without_a_call_there_is_no_answer_to_one(call: Call) -> None:
    assert answered(call) is None


def test_every_control_answers_alone_and_together(call: Call) -> None:
    found = answered(call, *SERVICE, "--cut", "15%")
    by = {one["control"]: one for one in found["controls"]}
    assert list(by) == ["batch", "cap", "pause", "store", "all"]
    asked = 0.15 * found["normal_MW"]
    for one in by.values():
        assert one["asked_MW"] == pytest.approx(asked)
    for name in ("cap", "pause", "store", "all"):
        assert by[name]["meets"], name
        assert by[name]["least_MW"] >= asked - 0.01 * found["normal_MW"] - 1e-9, name
    assert not by["batch"]["meets"]  # a service that is not full lets requests wait long before it draws less
    assert by["batch"]["longest_wait_s"] > 60.0
    assert by["cap"]["training_tokens_lost"] > 0.0
    assert by["pause"]["training_tokens_lost"] > by["cap"]["training_tokens_lost"]
    assert by["store"]["training_tokens_lost"] == 0.0
    assert by["all"]["store_kWh"] < 0.1 * by["store"]["store_kWh"]
    assert by["all"]["cost_USD_per_year"] < by["store"]["cost_USD_per_year"]


def test_what_can_do_nothing_says_why(call: Call) -> None:
    found = answered(call, "--cut", "10%")
    by = {one["control"]: one for one in found["controls"]}
    assert by["batch"]["refused"].startswith("nothing serves; --serve MODEL")
    assert by["cap"]["meets"]


def test_a_trace_can_be_paused(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "node.csv"
    rows = [f"{i * 0.1:.1f},{4700 if i % 40 < 30 else 1200}" for i in range(600)]
    file.write_text("time,power\n" + "\n".join(rows) + "\n")
    code, out, _ = call("plan-seconds", "--trace", file, "--nodes", "100", "--cut", "20%", "--json")
    assert code == 0
    by = {one["control"]: one for one in json.loads(out)["flexibility"]["controls"]}
    assert by["cap"]["refused"] == "the accelerators of a trace are unknown"
    assert by["pause"]["meets"]


def test_a_course_is_followed_on_a_feeder(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "course.csv"
    file.write_text("time,power\n0,1\n60,0.8\n300,0.8\n330,1\n")
    found = answered(call, "--follow", file, "--control", "cap", "--feeder", "ieee-13@671")
    (cap,) = found["controls"]
    assert cap["meets"]
    assert cap["asked_MW"] == pytest.approx(0.2 * found["normal_MW"])
    assert cap["voltage"][1] > found["voltage"][1]  # less load, more voltage
    assert found["grid"] == "bus 671 of ieee-13"


def test_on_an_island_the_frequency_rises_as_the_load_falls(call: Call) -> None:
    found = answered(call, "--plants", "gas-turbine=3MW", "--cut", "20%")
    by = {one["control"]: one for one in found["controls"]}
    for one in by.values():
        if one["refused"] is None:
            low, high = one["deviation_Hz"]
            assert low <= 0.0 < high
    assert by["pause"]["deviation_Hz"][1] > by["cap"]["deviation_Hz"][1]


def test_the_normal_load_has_the_rated_voltage(call: Call) -> None:
    found = answered(call, "--control", "cap")
    assert found["controls"][0]["deviation_Hz"] is None
    assert found["voltage"] == pytest.approx([1.0, 1.0], abs=2e-4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--control", "bach"),
            "--control: no such control; given 'bach'; allowed: batch, cap, pause, store",
        ),
        (("--cut", "120%"), "--cut: not a cut; given '120%'; allowed: above 0 %, below 100 %"),
        (("--hold", "9h"), "--hold: too long for seconds; given '9h'"),
        (("--limit-voltage", "70%"), "--limit-voltage: not a limit; given '70%'"),
        (("--feeder", "ieee-14"), "--feeder: no such feeder; given 'ieee-14'; allowed: ieee-13"),
        (("--feeder", "ieee-13@611"), "--feeder: no bus of ieee-13 with three phases; given '611'"),
        (("--feeder", "grid.dss"), "--feeder: the bus is missing; given 'grid.dss'; allowed: FILE.dss@BUS"),
        (("--serve", "llama-3.1-8b"), "--serving-count: a service has a model and accelerators"),
        (("--follow", "none.csv", "--cut", "10%"), "--follow: a course is a call already"),
        (("--follow", "none.csv"), "--follow: cannot read this file"),
    ],
)
def test_what_is_refused_is_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call(*SMALL, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_the_report_draws_the_call(call: Call, tmp_path: Path) -> None:
    code, _, _ = call(*SMALL, "--cut", "20%", "--output", tmp_path / "out", "--quiet")
    assert code == 0
    page = (tmp_path / "out" / "seconds.html").read_text()
    assert "A call of the utility" in page
    assert "Flexibility within seconds" in page
    assert "What answers the call" in (tmp_path / "out" / "seconds.md").read_text()


@pytest.mark.apart
def test_the_guide_has_the_trade_offs_of_the_scorecard() -> None:
    """The figures of the table, and that two of eleven are missed, as it says."""
    found = {check.what: check for check in checks_of("supply", "flexibility")}
    missed = [what for what, one in found.items()
              if abs(one.ours - one.published) > one.tolerance * max(abs(one.published), 1e-12)]  # fmt: skip
    assert len(found) == 11
    assert len(missed) == 2
    assert any("tokens of feedback" in what for what in missed)
    text = GUIDE.read_text()
    ends = {"steps 1 over 5": ".1f", "steps 1 over 10": ".1f", "70B: peak": ".2f", "405B: peak": ".2f"}
    for words, digits in ends.items():
        (one,) = (check for what, check in found.items() if words in what)
        assert format(one.ours, digits) in text, words

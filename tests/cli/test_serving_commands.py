"""``plan-serving`` and ``simulate-serving``: what they print, write and refuse; the guides' commands run."""

from __future__ import annotations

import csv
import html
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gigawatt.studies.serving.figures import FIGURES

ROOT = Path(__file__).parent.parent.parent
GUIDES = {name: ROOT / "docs" / f"{name}.md" for name in ("plan-serving", "simulate-serving")}
SMALL = ("--model", "llama-3.1-8b", "--chip", "H100", "--pue", "1.2", "--electricity", "60 $/MWh")
LENGTHS = ("--prompt", "1024", "--output", "200")
QUICK = (*SMALL, *LENGTHS, "--finalists", "1", "--requests", "500")
RUN = (*SMALL, *LENGTHS, "--rate", "10/s", "--requests", "300")
Call = Callable[..., tuple[int, str, str]]


def documented(name: str) -> tuple[set[str], set[str]]:
    """(keys in the first column of the guide's table, every name in it)."""
    table = GUIDES[name].read_text().split("## The JSON")[1]
    first = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.M))))
    return first, set(re.findall(r"`(\w+)`", table))


def inner(value: Any) -> set[str]:
    """Keys of a value's mappings and of the first of its rows."""
    rows = value if isinstance(value, list) else [value]
    return {key for row in rows[:1] if isinstance(row, dict) for key in row}


def test_the_plan_in_the_terminal(call: Call) -> None:
    code, out, err = call("plan-serving", *QUICK, "--rate", "50/s", "--mode", "both", "--roofline")
    assert (code, err) == (0, "")
    for words in (
        "accelerators, ", "requests in flight per replica", "TTFT", "p99", "the SLO is met by",
        "configurations searched", "per million prompt tokens", "at the meter", "The bottleneck is ",
        "The best of", "closed form", "Pareto front", "Roofline",
        "assumed serving.engine",
    ):  # fmt: skip
        assert words in " ".join(out.split()), words
    assert max(map(len, out.splitlines())) <= 200


def test_the_plans_json_is_the_documented_one(call: Call) -> None:
    code, out, err = call("plan-serving", *QUICK, "--mode", "disaggregated", "--json", "--roofline")
    assert (code, err) == (0, "")
    answer = json.loads(out, parse_constant=lambda text: pytest.fail(text))
    first, told = documented("plan-serving")
    assert set(answer) <= first
    assert first - set(answer) <= {"key"}
    for key in ("pools", "front", "transfer", "objective", "roofline"):
        assert inner(answer[key]) - {"tensor", "pipeline", "data", "expert"} <= told, key
    for key in ("rows", "curves"):
        assert inner(answer["roofline"][key]) <= told, key
    assert inner(answer["best"]) <= told
    assert answer["points_per_cpu_s"] > 2000
    assert answer["mode"] == "disaggregated"


def test_the_runs_json_is_the_documented_one(call: Call) -> None:
    code, out, err = call("simulate-serving", *RUN, "--json", "--autoscale", "1-2,target=30,start=5s,cool=0s")
    assert (code, err) == (0, "")
    answer = json.loads(out, parse_constant=lambda text: pytest.fail(text))
    first, told = documented("simulate-serving")
    assert set(answer) <= first
    assert first - set(answer) <= {"key"}
    assert inner(answer["pools"]) - {"tensor", "pipeline", "data", "expert", "chips"} <= told
    assert answer["autoscaling"]["maximum"] == 2
    assert answer["requests"] == 300


def test_the_folder_of_a_plan(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("plan-serving", *QUICK, "--quiet", "--output", tmp_path / "plan")
    assert (code, out) == (0, "")
    names = {file.name for file in (tmp_path / "plan").iterdir()}
    assert names == {
        "plan.json", "plan.html", "plan.md", "study.json", "configurations.csv", "front.csv", "roofline.csv"
    }  # fmt: skip
    answer = json.loads((tmp_path / "plan" / "plan.json").read_text())
    for name, rows in (("configurations", answer["best"]), ("front", answer["front"]),
                       ("roofline", answer["roofline"]["rows"])):  # fmt: skip
        with (tmp_path / "plan" / f"{name}.csv").open() as stream:
            assert len(list(csv.DictReader(stream))) == len(rows)
    page = (tmp_path / "plan" / "plan.html").read_text()
    assert page.count('<figure class="drawn">') == len(FIGURES)
    for _, _, caption in FIGURES.values():
        assert html.escape(caption).replace("&#x27;", "&#39;") in page
    assert 'src="http' not in page
    code, _, err = call("plan-serving", *QUICK, "--output", tmp_path / "plan" / "plan.json")
    assert code == 2
    assert "--output: the output folder is a file" in err


def test_the_folder_of_a_run(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("simulate-serving", *RUN, "--tensor", "1", "--output", tmp_path / "run")
    assert code == 0
    for words in (
        "requests/s were served",
        "KV cache occupancy",
        "TTFT",
        "requests a CPU-second",
        "Written: ",
    ):
        assert words in " ".join(out.split()), words
    assert re.search(r"\n *in flight +[\d.,]+ requests running, [\d.,]+ waiting, on average *\n", out)
    names = {file.name for file in (tmp_path / "run").iterdir()}
    assert names == {
        "run.json", "run.html", "run.md", "study.json", "requests.csv", "requests.parquet", "series.csv"
    }  # fmt: skip
    with (tmp_path / "run" / "requests.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 300
    answer = json.loads((tmp_path / "run" / "run.json").read_text())
    assert sum(float(row["output_tokens"]) for row in rows) / 300 == pytest.approx(200)
    assert answer["ttft_s"]["p50"] is not None
    page = (tmp_path / "run" / "run.html").read_text()
    assert page.count('<figure class="drawn">') == 2
    assert 'src="http' not in page


PLANS = [
    (("--engine", "vllm-205"), "did you mean 'vllm-2025'"),
    (("--trace", "azure-cod"), "did you mean 'azure-code-2023'"),
    (("--objective", "mlperf-llama2"), "did you mean"),
    (("--objective", "ttft=1s,p0"), "--objective: not a percentile"),
    (("--objective", "ttft=1s,p101"), "p1 to p100"),
    (("--objective", "ttft=1"), "the unit is missing"),
    (("--objective", "ttft=1s,tpot=1ms,p99"), "times what is allowed"),
    (("--rate", "0/s"), "--rate: out of range"),
    (("--rate", "-2/s"), "more than 0"),
    (("--demand", "20"), "the unit is missing"),
    (("--demand", "0 tokens/s"), "--demand: out of range"),
    (("--rate", "5/s", "--demand", "1k tokens/s"), "the demand is given twice"),
    (("--prompt", "0"), "--prompt: not a number of tokens"),
    (("--prompt", "130000", "--output", "9000"), "no request fits the model's context"),
    (("--prompt", "10", "--trace", "azure-code"), "lengths are given twice"),
    (("--output", "12", "--output", "13"), "given twice"),
    (("--weights", "fp9"), "did you mean 'fp8'"),
    (("--chip", "A100", "--cache", "fp8"), "allowed: bf16"),
    (("--tensor", "3"), "--tensor: does not divide"),
    (("--mode", "split"), "--mode: no such mode"),
    (("--minimise", "money"), "allowed: cost, energy, chips"),
    (("--chips", "0"), "--chips: too few"),
    (("--guesses", "2", "--acceptance", "1.5"), "0 to 1"),
    (("--acceptance", "0.5"), "--guesses: the number of draft tokens is missing"),
    (("--pue", "0.5"), "1 or more"),
]
RUNS = [
    (("--prompt", "100"), "--rate: the request rate is missing"),
    (("--layout", "TP3"), "--layout: does not divide"),
    (("--layout", "TP2", "--tensor", "2"), "the layout is given twice"),
    (("--layout", "two"), "--layout: not a layout"),
    (("--preemption", "drop"), "allowed: recompute, swap"),
    (("--preemption", "swap"), "--host-bandwidth: swapping needs a bandwidth"),
    (("--routing", "robin"), "round-robin"),
    (("--autoscale", "4-2,target=8"), "--autoscale: is below the minimum"),
    (("--autoscale", "1-2"), "the requests per replica are missing"),
    (("--autoscale", "1-2,target=8,sometimes=3s"), "not a rule of autoscaling"),
    (("--prefill", "TP8"), "such as '2xTP8'"),
    (("--prefill", "1xTP1", "--static"), "--static: cannot be combined with"),
    (("--replicas", "0"), "1 or more"),
    (("--requests", "0"), "1 or more"),
    (("--span", "5"), "--span: the unit is missing"),
    (("--outages", "fall=1@3s"), "--outages: not an outage"),
    (("--failures", "h10"), "did you mean"),
]


@pytest.mark.parametrize(("words", "said"), PLANS)
def test_plans_that_are_refused(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call("plan-serving", *SMALL, "--finalists", "0", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("words", "said"), RUNS)
def test_runs_that_are_refused(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call("simulate-serving", *SMALL, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_model_that_does_not_fit_says_what_would_do(call: Call) -> None:
    large = ("--model", "llama-3.1-405b", "--chip", "H100", "--pue", "1.2", "--electricity", "60 $/MWh")
    code, _, err = call("plan-serving", *large, "--chips", "8")
    assert code == 2
    assert re.search(r"--chips: .* does not fit: [\d.]+ GB are missing on 8 accelerators; .*16 H100", err)
    code, _, err = call("simulate-serving", *large, "--layout", "TP8", "--rate", "1/s")
    assert code == 2
    assert re.search(r"--layout: .* [\d.]+ GB are missing on 8 accelerators", err)
    code, _, _ = call("plan-serving", *large, "--chips", "8", "--weights", "fp8", "--finalists", "0", "-q")
    assert code == 0


COMMANDS = [
    *(re.findall(r"^gigawatt (.*)$", "\n".join(guide.read_text() for guide in GUIDES.values()), re.M)),
]


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_the_guides_commands_run(call: Call, command: str) -> None:
    code, out, err = call(*shlex.split(command))
    assert (code, err) == (0, "")
    assert out


def test_a_scenario_says_what_options_do_not(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "model: llama-3.1-8b\nserving:\n  demand: 3 requests/s\n  prompt: 500\n  output: 50\n"
        "  objective: ttft=1s,tpot=60ms,p90\n  weights: fp8\n"
        "machine:\n  chip: H100\nsite:\n  name: virginia\n"
    )
    words = ("simulate-serving", file, "--tensor", "1", "--requests", "300", "--json")
    code, out, err = call(*words)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert (answer["model"], answer["weights"]) == ("llama-3.1-8b", "fp8")
    assert answer["objective"]["percentile"] == 0.9
    faster = json.loads(call(*words, "--weights", "bf16", "--rate", "6/s")[1])
    assert faster["weights"] == "bf16"
    code, _, err = call("simulate-serving", Path("examples/gpt3-175b-a100.yaml").resolve())
    assert code == 2
    assert "not a serving scenario" in err
    code, _, err = call("simulate-serving", "--chip", "H100")
    assert code == 2
    assert "--model: is missing" in err


SESSIONS = (
    "--model",
    "llama-3.1-8b",
    "--chip",
    "h100",
    "--tensor",
    "1",
    "--rate",
    "4/s",
    "--requests",
    "600",
)
TURNS = "turns=4; first=2000; new=300; output=60; think=3 s; common=512"


def test_sessions_tiers_and_speculation_are_reported(call: Call) -> None:
    code, out, err = call(
        "simulate-serving", *SESSIONS, "--sessions", TURNS, "--tiers", "host=64GB, remote=1TB",
        "--speculation", "eagle3", "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    answer = json.loads(out)
    turns, tiers = answer["sessions"], answer["cache_tiers"]
    assert turns["turns_mean"] == 4.0
    assert turns["per_s"] == pytest.approx(answer["requests_per_s"] / 4.0, rel=0.2)
    assert turns["cached_share_later"] > turns["cached_share_first"] > 0.2
    assert [row["tier"] for row in tiers] == ["accelerator", "host", "remote"]
    assert answer["guesses"] == 3
    told = {one["key"] for one in answer["assumptions"]}
    assert {"serving.tiers.host.bandwidth", "serving.drafter", "serving.guesses"} <= told
    code, out, err = call("simulate-serving", *SESSIONS, "--sessions", TURNS, "--tiers", "host=64GB")
    assert code == 0
    for words in ("TTFT, later turns", "sessions/s of 4 turns", "hits by tier"):
        assert words in out


def test_a_scenario_says_sessions_and_tiers(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "turns.yaml"
    text = "model: llama-3.1-8b\nmachine:\n  chip: H100\nsite:\n  name: texas\n"
    text += "serving:\n  demand: 4 requests/s\n"
    text += f"  sessions: {TURNS}\n  tiers: host=64GB\n  speculation: eagle3\n  simulated_requests: 400\n"
    file.write_text(text)
    code, out, err = call("simulate-serving", str(file), "--tensor", "1", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["sessions"]["turns_mean"] == 4.0
    assert [row["tier"] for row in answer["cache_tiers"]] == ["accelerator", "host"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sessions", "codex"), "--sessions: no such kind of sessions; given 'codex'"),
        (("--sessions", TURNS, "--prompt", "100"), "--sessions: lengths are given twice"),
        (("--sessions", TURNS, "--tiers", "host"), "--tiers: host has no capacity"),
        (("--tiers", "host=1GB"), "--tiers: tiers hold prefixes, and these requests share none"),
        (("--speculation", "eagle9"), "--speculation: no such speculation; given 'eagle9'"),
        (("--sessions", TURNS, "--prefill", "1xTP1"), "--prefill: sessions run on replicas that both"),
    ],
)
def test_bad_sessions_are_one_line(call: Call, words: tuple[str, ...], message: str) -> None:
    code, out, err = call("simulate-serving", *SESSIONS, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1

"""Counts in sentences: one of a thing is no plural, in plans, simulations, runs and errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt.core.quantities import several

WRONG = re.compile(
    r"(?<![\d.,])1 (?:of 1 )?(?:[\w-]+ )?(?:replicas|accelerators|nodes|requests|layouts)\b(?!/)"
)
SCENARIO = """
year: 2026
model: llama-3.1-8b
serving: {demand: 0.5 requests/s, prompt: 500, output: 200, simulated_requests: 1000}
machine: {chip: H100}
site: {name: virginia}
supply: {plants: [grid]}
"""


def test_several() -> None:
    assert [several(n, "prefill replica") for n in (0, 1, 2, 2000)] == [
        "0 prefill replicas", "1 prefill replica", "2 prefill replicas", "2,000 prefill replicas",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        "run {scenario} --out {out}",
        "plan-serving --model llama-3.1-8b --chip H100 --chips 1 --rate 0.5/s --prompt 500 --output 200"
        " --requests 60",
        "plan-serving --model llama-3.1-8b --chip H100 --rate 0.5/s --prompt 500 --output 200 --finalists 0",
        "simulate-serving --model llama-3.1-8b --chip H100 --tensor 1 --prompt 500 --output 200 --rate 0.5/s"
        " --requests 60",
        "plan-training --model 1B --tokens 20B --chip H100 --count 1",
        "plan-training --model 1B --tokens 1B --chip H100 --count 2 --power 1.2kW",
    ],
)
def test_one_is_no_plural(command: str, tmp_path: Path, call: Callable[..., tuple[int, str, str]]) -> None:
    scenario = tmp_path / "one.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    code, out, err = call(*command.format(scenario=scenario, out=tmp_path / "out").split())
    assert code in (0, 2)
    text = " ".join((out + err).split())
    assert text
    assert not WRONG.findall(text), text[:2000]

"""The demand of a service is read by one function: from an option of plan-serving and from a scenario."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.scenario import asked_by
from gigawatt.schema.scenario import read_scenario

Call = Callable[..., tuple[int, str, str]]
WORDS = {"model": "llama-3.1-8b", "chip": "H100", "prompt": "100 tokens", "output": "100 tokens"}
SCENARIO = """
model: llama-3.1-8b
serving: {demand: DEMAND, prompt: 100, output: 100}
machine: {chip: H100}
site: {name: virginia}
supply: {plants: [grid]}
"""


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20 requests/s", 20.0), ("10/s", 10.0), ("10 req/s", 10.0), ("72k/h", 20.0),
        ("5M tokens/s", 5e4), ("1G tokens/day", 1e7 / 86400.0), ("12345678 tokens/s", 123456.78),
    ],
)  # fmt: skip
def test_every_form_is_read_alike(text: str, rate: float, tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(SCENARIO.replace("DEMAND", text), encoding="utf-8")
    section = read_scenario(file).scenario.serving
    assert section is not None
    assert section.demand is not None
    question = read_serving_question(**WORDS, demand=text)
    assert question.demand == pytest.approx(rate, rel=1e-12)
    assert question.traffic.requests(section.demand) == question.demand
    # a plan or a simulation of the scenario's file has it too, to the last digit
    words = {key: value for key, value in asked_by(file).items() if key in ("rate", "demand")}
    assert read_serving_question(**WORDS, **words).demand == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("5", "the unit is missing; given '5'; allowed: "),
        ("5M", "the unit is missing; given '5M'; allowed: "),
        ("abc", "not a rate of requests; given 'abc'; allowed: "),
        ("5 tokens", "'tokens' is the wrong kind of unit here; given '5 tokens'; allowed: "),
        ("0/s", "out of range; given '0/s'; allowed: above 0, at most 1e+15"),
        ("-1 tokens/s", "out of range; given '-1 tokens/s'; allowed: above 0, at most 1e+15"),
        ("1e30 tokens/s", "out of range; given '1e30 tokens/s'; allowed: above 0, at most 1e+15"),
    ],
)
def test_errors_are_the_same(text: str, told: str, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(SCENARIO.replace("DEMAND", f'"{text}"'), encoding="utf-8")
    whole = [part for word, part in WORDS.items() for part in (f"--{word}", part)]
    found = set[str]()
    for words in (["plan-serving", *whole, "--demand", text], ["run", file, "--out", tmp_path / "out"]):
        code, out, err = call(*words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        found.add(err.split("demand: ")[1])
    assert len(found) == 1
    assert found.pop().startswith(told)

"""Serving the model of a scenario that trains: machine, site and year are its own, the rest is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.chain.serving.load import latency_against_load
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.scenario import question_beside
from gigawatt.core.errors import InputError
from gigawatt.schema.scenario import read_scenario

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_machine_site_and_year_are_those_of_the_scenario() -> None:
    loaded = read_scenario(EXAMPLES / "llama-3.1-405b-texas.yaml")
    found = question_beside(loaded)
    asked = read_serving_question(
        model="llama-3.1-405b", chip=loaded.scenario.machine.chip, site=loaded.scenario.site.name,
        year=loaded.scenario.year,
    )  # fmt: skip
    for name in ("chip", "year", "pue_mean", "pue_peak", "electricity", "weights", "cache", "objective"):
        assert getattr(found, name) == getattr(asked, name), name
    assert found.demand is None
    assert {one.key for one in found.assumptions} == {one.key for one in asked.assumptions}


def test_the_promise_may_be_given() -> None:
    found = question_beside(
        read_scenario(EXAMPLES / "gpt3-175b-a100.yaml"), objective="ttft=3s,tpot=90ms,p90"
    )
    assert found.objective.limits == {"ttft": 3.0, "tpot": pytest.approx(0.09)}
    assert found.objective.percentile == pytest.approx(0.9)


def test_a_service_is_not_served_beside() -> None:
    with pytest.raises(InputError, match="already a serving scenario"):
        question_beside(read_scenario(EXAMPLES / "serve-llama-70b-virginia.yaml"))


def test_progress_of_the_curve_goes_up() -> None:
    told: list[float] = []
    question = question_beside(read_scenario(EXAMPLES / "gpt3-175b-a100.yaml"))
    latency_against_load(question, requests=100, progress=lambda words, share: told.append(share))
    assert told == sorted(told)
    assert told[0] == 0.0
    assert len(told) == 10

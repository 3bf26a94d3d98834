"""Waits against load and the price of speed: the screen's and the event engine's own numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt.chain.serving.load import (
    CLOSED,
    EVENTS,
    latency_against_load,
    scenario_question,
    service_front,
)
from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.screen import screen
from gigawatt.core.errors import InputError
from gigawatt.studies.serving.answer import plan_answer
from gigawatt.studies.serving.figures_load import cost_front, latency_load, output_front

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def question():
    return read_serving_question(
        model="llama-3.1-8b", chip="H100", prompt="1024", output="128", objective="interactive", weights="fp8"
    )


@pytest.fixture(scope="module")
def plan(question):
    return plan_serving(question, finalists=0)


@pytest.fixture(scope="module")
def curve(question):
    return latency_against_load(question, requests=600)


def test_both_ways_are_there(curve) -> None:
    frame = curve.frame
    assert set(frame["by"]) == {CLOSED, EVENTS}
    closed, events = (frame[frame["by"] == by] for by in (CLOSED, EVENTS))
    assert events["rate [1/s]"].max() == pytest.approx(closed["rate [1/s]"].max())
    for part in (closed, events):
        for key in ("ttft", "tpot"):
            assert (part[f"{key}_p50 [s]"] <= part[f"{key}_p99 [s]"] * (1 + 1e-9)).all()
        assert part["tpot_p50 [s]"].iloc[-1] > part["tpot_p50 [s]"].iloc[0]
        assert part["held"].is_monotonic_increasing


def test_the_closed_form_is_the_screens(question, plan, curve) -> None:
    """At the ends of the range of rates, which are points of one screen or the other."""
    degrees = plan.first.pools[0].points.degrees
    points, _ = screen(
        replace(question, objective=replace(question.objective, percentile=0.99)), plan.cluster, degrees
    )
    closed = curve.frame[curve.frame["by"] == CLOSED]
    seen = np.isfinite(points.slow_ttft)
    order = np.argsort(points.rate[seen])
    for key in ("ttft", "tpot"):
        expected = np.interp(
            closed["rate [1/s]"], points.rate[seen][order], getattr(points, f"slow_{key}")[seen][order]
        )
        assert closed[f"{key}_p99 [s]"].to_numpy() == pytest.approx(expected, rel=1e-12)


def test_the_two_ways_agree_where_there_is_room(curve) -> None:
    """The closed form only chooses what is tried: at half load it is within a third of the events."""
    frame = curve.frame
    closed = frame[frame["by"] == CLOSED]
    middle = frame[frame["by"] == EVENTS].iloc[3]
    for column in ("tpot_p50 [s]", "tpot_p99 [s]", "ttft_p50 [s]"):
        ours = np.interp(middle["rate [1/s]"], closed["rate [1/s]"], closed[column])
        assert ours == pytest.approx(middle[column], rel=0.35)
    tokens = np.interp(middle["rate [1/s]"], closed["rate [1/s]"], closed["tokens [token/s]"])
    assert middle["tokens [token/s]"] == pytest.approx(tokens, rel=0.1)


def test_it_is_the_same_again(question, curve) -> None:
    assert latency_against_load(question, requests=600).frame.equals(curve.frame)
    alone = latency_against_load(question, events=False)
    assert set(alone.frame["by"]) == {CLOSED}


def test_the_front_is_the_plans(question, plan) -> None:
    frame = service_front(question)
    best = frame[frame["kept"]]["cost [$/Mtoken]"].min()
    answer = plan_answer(plan, None)
    assert best <= answer["USD_per_million_output_tokens"] * (1 + 1e-9)
    for front, x, y in (
        ("on_output", -frame["user [token/s]"], -frame["chip [token/s]"]),
        ("on_cost", frame["tpot [s]"], frame["cost [$/Mtoken]"]),
    ):
        mine = frame[front]
        pairs = np.column_stack([x[mine], y[mine]])
        pairs = pairs[np.argsort(pairs[:, 0])]
        assert (np.diff(pairs[:, 1]) <= 0).all()  # nothing beats it in both
    assert len(plan.front) >= frame["on_output"].sum() > 10
    for _, row in frame[frame["on_output"]].iterrows():  # the plan's front has energy as a third goal
        at = np.isclose(plan.front.user, row["user [token/s]"], rtol=1e-9)
        assert np.isclose(plan.front.chip[at], row["chip [token/s]"], rtol=1e-9).any()


def test_a_scenario_is_a_question() -> None:
    found = scenario_question(EXAMPLES / "serve-llama-70b-virginia.yaml")
    assert found.architecture.name == "llama-3.1-70b"
    assert found.objective.limits
    with pytest.raises(InputError) as caught:
        scenario_question(EXAMPLES / "gpt3-175b-a100.yaml")
    assert "not a serving scenario" in str(caught.value)


def test_too_few_requests(question) -> None:
    with pytest.raises(InputError) as caught:
        latency_against_load(question, requests=3)
    assert caught.value.key == "requests"


def test_figures_draw_them(question, curve) -> None:
    document = json.loads(latency_load(curve).to_json())
    events = [trace for trace in document["data"] if trace["mode"] == "markers"]
    assert len(events) == 4
    assert {len(trace["x"]) for trace in events} == {10}
    lines = [shape for shape in document["layout"]["shapes"] if shape["line"]["dash"] == "dot"]
    assert [shape["y0"] for shape in lines] == pytest.approx(
        [1e3 * curve.limits[key] for key in ("ttft", "tpot") if key in curve.limits]
    )
    frame = service_front(question)
    for draw, front in ((output_front, "on_output"), (cost_front, "on_cost")):
        made = json.loads(draw(frame).to_json())
        drawn = sum(len(trace["x"]) for trace in made["data"] if trace["mode"] == "markers")
        assert drawn == frame[front].sum()
    empty = output_front(frame.iloc[:0])
    assert empty.layout.annotations[0].text == "nothing fits"


def test_answers_of_one_token() -> None:
    """The closed form has no rate for them; the event engine serves them, and no token follows the first."""
    one = read_serving_question(model="llama-3.1-8b", chip="H100", prompt="1024", output="1")
    curve = latency_against_load(one, requests=200)
    assert set(curve.frame["by"]) == {EVENTS}
    assert (curve.frame["ttft_p50 [s]"] > 0.0).all()
    assert curve.frame["tpot_p50 [s]"].isna().all()
    assert len(latency_load(curve).data) == 2
    with pytest.raises(InputError) as caught:
        service_front(one)
    assert caught.value.key == "output"

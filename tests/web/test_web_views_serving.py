"""The view of serving: closed forms at once, the day and the search by events, the numbers of the rooms."""

from __future__ import annotations

import numpy as np
import pytest
from page_seen import Seen, said, seen

from gigawatt.chain.serving.load import latency_against_load, scenario_question, service_front
from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.scenario import question_beside
from gigawatt.core.errors import InputError
from gigawatt.faces.web.answers import Question, result_of, show, work
from gigawatt.faces.web.form.state import State
from gigawatt.studies.serving.answer import plan_answer

TRAINED = State("gpt3-175b-a100").with_changes({"supply.plants": "grid"})
SERVED = State("serve-llama-70b-virginia").with_changes(
    {"serving.simulated_requests": "2000", "supply.plants": "grid", "supply.carbon_limit": ""}
)
QUICK = {"finalists": "1", "requests": "1000"}


def page(state: State, view: str = "serving", **settings: str) -> Seen:
    return seen(show(Question(view, state, tuple(sorted(settings.items()))), said).html)


@pytest.fixture(scope="module")
def served() -> Seen:
    return page(SERVED)


@pytest.fixture(scope="module")
def trained() -> Seen:
    return page(TRAINED)


@pytest.fixture(scope="module")
def searched() -> Seen:
    told: list[float] = []
    question = Question("serving-search", SERVED, tuple(sorted(QUICK.items())))
    back, found = work(question, lambda words, share: told.append(share))
    assert back == question
    assert told == sorted(told)
    assert told[0] >= 0.0
    assert told[-1] <= 1.0
    return seen(found.html)


def test_headings_say_what_stands_where(served: Seen, trained: Seen) -> None:
    shared = ["Waits against load", "What speed costs"]
    assert [text for _, text in served.headings] == [
        "What is served", *shared, "The hours of the day", "Tried request by request",
    ]  # fmt: skip
    assert [text for _, text in trained.headings] == [
        "What it would be to serve this model", *shared, "Tried request by request",
    ]  # fmt: skip


@pytest.mark.parametrize("state", [SERVED, TRAINED], ids=["served", "trained"])
def test_waits_and_fronts_are_those_of_the_study(state: State, request: pytest.FixtureRequest) -> None:
    found: Seen = request.getfixturevalue("served" if state is SERVED else "trained")
    loaded = state.loaded()
    question = scenario_question(loaded) if loaded.serves else question_beside(loaded)
    frame = latency_against_load(question, events=False).frame
    table = found.table("Latency of one replica")
    at = table.head.index("TTFT p99 [s]")
    assert [float(row[at]) for row in table.rows] == pytest.approx(frame["ttft_p99 [s]"].tolist(), abs=1e-3)
    assert {row[table.head.index("method")] for row in table.rows} == {"closed form"}
    front = found.table("Replicas and loads of both fronts")
    assert [row[0] for row in front.rows] == service_front(question)["layout"].tolist()


def test_a_model_that_is_trained_says_what_was_assumed(trained: Seen) -> None:
    question = question_beside(TRAINED.loaded())
    assert "trains its model" in trained.paragraphs[0]
    listed = {row[0] for row in trained.table("Every value").rows}
    assert {one.key for one in question.assumptions} == listed
    assert "serving.weights" in listed


def test_the_promise_is_a_setting_of_a_model_that_is_trained(trained: Seen, served: Seen) -> None:
    quick = page(TRAINED, objective="mlperf-llama2-70b-interactive")
    assert "450 ms" in next(text for text in quick.paragraphs if "SLO:" in text)
    assert quick.choices["show.objective"].chosen == "mlperf-llama2-70b-interactive"
    assert trained.choices["show.objective"].chosen == "usual"
    assert page(TRAINED, objective="none such").choices["show.objective"].chosen == "usual"
    assert "show.objective" not in served.choices


def test_a_promise_that_nothing_keeps_leaves_the_front() -> None:
    state = SERVED.with_changes({"serving.objective": "ttft=1ms,tpot=1ms,p99"})
    found = page(state)
    assert "load" not in found.figures
    assert "output" in found.figures
    (refused,) = [text for text in found.paragraphs if "ttft" in text.lower() and "on average" not in text]
    assert "no configuration meets the SLO: the closest" in refused


def test_the_day_comes_by_itself_with_the_question(served: Seen) -> None:
    (asked,) = served.asked
    assert asked == f"/answer/serving-day?{SERVED.query()}"
    found, result = page(SERVED, "serving-day"), result_of(SERVED, said)
    assert set(found.figures) == {"day-latency", "day-day", "day-occupancy"}
    kept = found.table("Latency targets")
    at = kept.head.index("meets the SLO")
    shares = [100 * share for share in result.tables["promise"]["kept []"]]
    assert [float(row[at].rstrip(" %")) for row in kept.rows] == pytest.approx(shares, abs=0.06)
    assert len(found.table("Hour by hour").rows) == len(result.tables["day"])


def test_no_day_without_a_service() -> None:
    with pytest.raises(InputError, match="not a serving scenario"):
        page(TRAINED, "serving-day")


def test_the_search_is_offered_with_its_choices(served: Seen) -> None:
    (form,) = served.forms
    assert form["action"] == f"/jobs/serving-search?{SERVED.query()}&item="
    assert set(served.choices) == {"show.mode", "show.minimise", "show.finalists", "show.requests"}


def test_the_search_is_that_of_the_plan(searched: Seen) -> None:
    plan = plan_serving(scenario_question(SERVED.loaded()), finalists=1, requests=1000)
    answer = plan_answer(plan)
    best = searched.table("The best of")
    chips = [int(row[best.head.index("chips")].replace(",", "")) for row in best.rows]
    assert chips == [row["chips"] for row in answer["best"]]
    assert best.rows[0][-1] == "events"
    assert {"searched-load", "searched-parts", "searched-memory", "searched-front"} <= set(searched.figures)
    events = searched.table("Latency of one replica")
    assert {row[events.head.index("method")] for row in events.rows} == {"closed form", "events"}
    modes = [trace["mode"] for trace in searched.figures["searched-load"].data["data"]]
    assert {"lines", "markers"} <= set(modes)
    assert np.isfinite([float(row[0]) for row in events.rows]).all()


def test_unknown_choices_of_the_search_are_the_first_ones() -> None:
    settings = {**QUICK, "mode": "sideways", "minimise": "sorrow"}
    _, found = work(Question("serving-search", TRAINED, tuple(sorted(settings.items()))), said)
    assert "Prefill and decode on the same replicas, least cost" in found.html

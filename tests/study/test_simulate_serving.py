"""Simulated services: books that balance, loops, pools, batches and scaling, what they say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import gigawatt
from gigawatt.chain.asking import Asker
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import degrees_of
from gigawatt.chain.serving.simulate import (
    MOST,
    ServingRun,
    Setup,
    check_replica,
    least_replica,
    part,
    request_count,
    run_serving,
)
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.machine import Cluster
from gigawatt.schema.scenario import read_scenario
from gigawatt.serving.fleet import Autoscaling, Link
from gigawatt.studies.serving.answer import run_answer
from gigawatt.studies.serving.simulate_columns import request_columns, series_columns


@pytest.fixture(scope="module")
def question() -> ServingQuestion:
    return read_serving_question(
        model="llama-3.1-8b", chip="H100", prompt="lognormal(median=600, p90=2000, maximum=8000)",
        output="uniform(200, 0.8)", pue=1.2, electricity="60 $/MWh", objective="ttft=1s,tpot=40ms,p99",
        engine="vllm-2025", weights="bf16", cache="bf16",
    )  # fmt: skip


@pytest.fixture(scope="module")
def cluster(question: ServingQuestion) -> Cluster:
    return question.cluster(2**20)[0]


@pytest.fixture(scope="module")
def usual(question: ServingQuestion, cluster: Cluster) -> ServingRun:
    asked = question.traffic.at(rate=20.0, count=1500, seed=1)
    return run_serving(question, cluster, Setup(part(question, degrees_of(), 2)), asked, window=None)


def test_the_books_balance(usual: ServingRun) -> None:
    summary, asked = usual.summary, usual.requests
    assert summary.finished == summary.requests == len(asked)
    assert usual.outcome.series.output_tokens.sum() == pytest.approx(asked.output.sum())
    assert summary.output_rate * usual.seconds == pytest.approx(asked.output.sum(), rel=1e-9)
    paid = (usual.million("prompt") * asked.prompt.sum() + usual.million("output") * asked.output.sum()) / 1e6
    assert paid == pytest.approx(usual.money, rel=0.01)
    watts = usual.prices.meter(summary.power, 2)
    assert usual.meter_power == pytest.approx(float(watts))
    assert usual.money == pytest.approx(
        (2 * usual.prices.second + float(watts) * usual.prices.electricity) * usual.seconds
    )
    assert 2 * usual.cluster.chip.idle_power < summary.power < 2 * usual.cluster.chip.power_limit


def test_the_answer_and_the_tables(usual: ServingRun) -> None:
    answer, rows, series = run_answer(usual), request_columns(usual), series_columns(usual)
    assert {len(column) for column in rows.values()} == {len(usual.requests)}
    assert {len(column) for column in series.values()} == {len(usual.outcome.series)}
    assert answer["ttft_s"]["p99"] == pytest.approx(np.percentile(rows["ttft_s"], 99))
    assert answer["power_peak_kW"] == pytest.approx(series["power_W"].max() / 1e3, rel=1e-6)
    steps = np.abs(np.diff(series["power_W"]))
    assert answer["power_step_kW"] == pytest.approx(steps.max() / 1e3)
    assert np.all(series["kv_share"] <= 1.0)
    kept = (rows["ttft_s"] <= 1.0) & ~(rows["tpot_s"] > 0.04)
    assert answer["kept_share"]["all"] == pytest.approx(kept.mean())
    for found in answer["distributions"].values():
        assert sum(found["share"]) == pytest.approx(1.0)
        assert len(found["edges_s"]) == len(found["share"]) + 1
        assert np.all(np.diff(found["edges_s"]) > 0)


def test_the_same_seed_is_the_same_run(question: ServingQuestion, cluster: Cluster) -> None:
    runs = [
        run_serving(question, cluster, Setup(part(question, degrees_of(), 2), "random"),
                    question.traffic.at(rate=20.0, count=300, seed=4), seed=4)
        for _ in range(2)
    ]  # fmt: skip
    assert np.array_equal(runs[0].outcome.finish, runs[1].outcome.finish)


def test_a_closed_loop_holds_its_number(question: ServingQuestion, cluster: Cluster) -> None:
    asked = question.traffic.at(rate=1.0, count=600)
    setup = Setup(part(question, degrees_of(), 1), concurrency=32)
    run = run_serving(question, cluster, setup, asked)
    flight = run.outcome.series.running + run.outcome.series.waiting
    assert flight[2:-40] == pytest.approx(32.0, abs=1e-6)
    answer = run_answer(run)
    # Little's law
    assert answer["requests_per_s"] * run.summary.e2e.mean == pytest.approx(32.0, rel=0.05)


def test_static_batches_serve_less(question: ServingQuestion, cluster: Cluster) -> None:
    asked = question.traffic.at(rate=1.0, count=512)
    rates = [
        run_serving(
            question,
            cluster,
            Setup(part(question, degrees_of(), 1, mode=mode), concurrency=64),
            asked,
            window=None,
        ).summary.request_rate
        for mode in ("static", "continuous")
    ]
    assert rates[0] < 0.8 * rates[1]


def test_two_pools(question: ServingQuestion, cluster: Cluster) -> None:
    asked = question.traffic.at(rate=20.0, count=600, seed=2)
    ends = part(question, degrees_of(), 2), part(question, degrees_of(tensor=2), 1)
    quick, slow = (
        run_serving(question, cluster, Setup(ends[1], prefill=ends[0], link=Link(rate)), asked, window=None)
        for rate in (1e12, 2e9)
    )
    assert quick.setup.chips == 4
    assert quick.prompt_share == 0.5
    tokens = asked.prompt[asked.output > 1].sum()
    assert quick.outcome.counters["transferred_bytes"] == pytest.approx(tokens * 131072.0)  # 32·2·8·128·2 B
    assert slow.summary.ttft.mean == pytest.approx(quick.summary.ttft.mean)
    assert slow.summary.tpot.mean > quick.summary.tpot.mean
    assert 0.0 < quick.summary.occupancy <= quick.summary.peak_occupancy <= 1.0
    assert [pool["role"] for pool in run_answer(quick)["pools"]] == ["prefill", "decode"]


def test_replicas_come_and_go(question: ServingQuestion, cluster: Cluster) -> None:
    asked = question.traffic.at(rate=30.0, count=1200, seed=2)
    scaling = Autoscaling(1, 4, 16.0, 5.0, 10.0, 10.0)
    setup = Setup(part(question, degrees_of(), 1), autoscaling=scaling)
    run = run_serving(question, cluster, setup, asked, window=None)
    assert setup.chips == 4
    assert 1.0 < run.summary.replicas < 4.0
    assert (
        run.money
        < 4 * run.prices.second * run.seconds + run.meter_power * run.prices.electricity * run.seconds
    )


def test_too_much_is_said(question: ServingQuestion, cluster: Cluster) -> None:
    asked = question.traffic.at(rate=200.0, count=2500, seed=2)
    run = run_serving(question, cluster, Setup(part(question, degrees_of(), 1)), asked, window=None)
    assert any("the demand exceeds the capacity of these replicas" in one for one in run.notices)


def test_how_many_requests(question: ServingQuestion) -> None:
    assert request_count(question, rate=2.0) == 1200
    assert request_count(question, rate=2.0, span=60.0) == 120
    assert request_count(question, rate=2.0, count=7, span=60.0) == 7
    assert request_count(question, rate=1e6) == MOST
    assert request_count(question, rate=1.0, concurrency=500) == 5000
    with pytest.raises(InputError, match="1 or more"):
        request_count(question, rate=1.0, count=0)


def test_a_replica_by_itself(question: ServingQuestion, cluster: Cluster) -> None:
    assert least_replica(question, cluster).row(0)["chips"] == 1
    check_replica(question, cluster, degrees_of(tensor=2))
    with pytest.raises(InputError, match="does not divide"):
        check_replica(question, cluster, degrees_of(tensor=3))
    large = read_serving_question(model="llama-3.1-70b", chip="H100", pue=1.2, electricity="60 $/MWh")
    with pytest.raises(InfeasibleError, match="GB are missing on 1 accelerator;"):
        check_replica(large, cluster, degrees_of())
    with pytest.raises(InputError, match="not a number of replicas"):
        part(question, degrees_of(), 0)
    assert math.isfinite(float(least_replica(large, cluster).chips[0]))


TURNS = "turns=6; first=2000; new=100; output=50; think=2 s"


@pytest.mark.parametrize(
    ("words", "routing", "told"),
    [
        ({"sessions": TURNS, "replicas": 2}, "prefix-aware", True),
        ({"sessions": TURNS, "autoscale": "1-3,target=16,start=5s"}, "prefix-aware", True),
        ({"sessions": TURNS, "replicas": 1}, "least-loaded", True),
        ({"sessions": TURNS, "replicas": 2, "prefix_caching": False}, "least-loaded", True),
        ({"prompt": "500 tokens", "output": "50 tokens", "replicas": 2}, "least-loaded", True),
        ({"sessions": TURNS, "replicas": 2, "routing": "least-loaded"}, "least-loaded", False),
        ({"sessions": TURNS, "replicas": 2, "settings": {"serving.routing": "random"}}, "random", False),
    ],
)
def test_requests_are_routed_as_in_plans_and_what_nobody_said_is_listed(
    words: dict[str, object], routing: str, told: bool
) -> None:
    found = gigawatt.simulate_serving(
        model="llama-3.1-8b", chip="H100", tensor=1, rate="4/s", requests=200, **words
    )
    assert found["routing"] == routing
    said = [one for one in found["assumptions"] if one["key"] == "serving.routing"]
    assert [one["value"] for one in said] == ([routing] if told else [])


def test_a_scenario_of_sessions_is_routed_alike_in_a_plan_and_a_simulation(tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(
        f"model: llama-3.1-8b\nserving: {{demand: 4 requests/s, sessions: '{TURNS}'}}\n"
        "machine: {chip: H100}\nsite: {name: virginia}\nsupply: {plants: [grid]}\n",
        encoding="utf-8",
    )
    day = read_scenario(file)
    written = Asker(day).at({}).value("serving.routing").value
    found = gigawatt.simulate_serving(file, tensor=1, replicas=2, requests=200)
    assert found["routing"] == written == "prefix-aware"

"""Planning a service: what fits, queues against theory, the choice against brute force, the memory wall."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import poisson

from gigawatt.chain.serving import choice
from gigawatt.chain.serving.choice import together, transfer
from gigawatt.chain.serving.intensity import intensity, memory_wall
from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import (
    candidates,
    degrees_of,
    enumerate_degrees,
    held_bytes,
    prices_of,
    replica,
    tables_of,
)
from gigawatt.chain.serving.screen import decode_points, loads, mean_below, prefill_points, screen
from gigawatt.chain.serving.simulate import Setup, part, run_serving
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.machine import load_chip
from gigawatt.performance.serving.queueing import waits
from gigawatt.schema.request_rate import read_rate
from gigawatt.studies.serving.answer import plan_answer
from gigawatt.workload import read_architecture

_MANY = 2**20


def ask(**given: object) -> ServingQuestion:
    usual: dict[str, object] = {
        "model": "llama-3.1-8b", "chip": "H100", "prompt": "1024", "output": "256", "pue": 1.2,
        "electricity": "60 $/MWh", "objective": "ttft=1s,tpot=40ms,p99", "weights": "bf16", "cache": "bf16",
    }  # fmt: skip
    return read_serving_question(**(usual | given))  # type: ignore[arg-type]


# --- the question ---


def test_rates_as_people_write_them() -> None:
    assert read_rate("20/s") == 20.0
    assert read_rate("72k requests/h") == pytest.approx(20.0)
    for text, said in (("20", "unit is missing"), ("0/s", "more than 0"), ("-1/s", "more than 0"),
                       ("fast", "not a rate"), ("3/parsec", "unknown unit")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            read_rate(text)


def test_what_nobody_says_is_listed() -> None:
    question = read_serving_question(model="llama-3.1-70b", chip="H100", pue=1.2, electricity="60 $/MWh")
    told = {one.key: one.value for one in question.assumptions}
    for key in ("serving.trace", "serving.weights", "serving.cache", "serving.engine", "serving.objective",
                "serving.token_budget", "serving.sequences", "scenario.year", "engine.host"):  # fmt: skip
        assert key in told, key
    assert question.traffic.name == "azure-conversation-2023"
    assert (question.objective.ttft, question.objective.tpot) == (2.0, 0.2)
    assert ask(model="llama-3.1-405b", objective=None).objective.name == "mlperf-llama3.1-405b-server"
    assert ask(objective="tpot=40ms").objective.percentile == 0.99


def test_the_demand_in_tokens_is_that_in_requests() -> None:
    assert ask(demand="25.6k tokens/s").demand == pytest.approx(100.0)
    assert ask(demand="100 requests/s").demand == ask(rate="100/s").demand == 100.0
    trace = read_serving_question(
        model="llama-3.1-8b", chip="H100", trace="azure-code", pue=1.2, electricity="60 $/MWh",
        demand="1k tokens/s",
    )  # fmt: skip
    assert trace.demand == pytest.approx(1000.0 / trace.traffic.mean_output)


@pytest.mark.parametrize("rate", [0.5, 40.0])
def test_a_trace_comes_at_the_rate_asked_for(rate: float) -> None:
    traffic = ask(prompt=None, output=None, trace="azure-conversation-2023").traffic
    asked = traffic.at(rate=rate, count=3000, seed=1)
    assert len(asked) == 3000
    assert 2999 / (asked.arrival[-1] - asked.arrival[0]) == pytest.approx(rate)
    again = traffic.at(rate=rate, count=3000, seed=1)
    assert np.array_equal(asked.arrival, again.arrival)


@pytest.mark.parametrize(("sessions", "rate"), [("chat", 20.0), ("codex-swe-bench", 2.0)])
def test_sessions_underway_come_at_the_rate_asked_for(sessions: str, rate: float) -> None:
    """Whole sessions that begin with the run have most of their turns long after it."""
    traffic = ask(prompt=None, output=None, sessions=sessions).traffic
    asked = traffic.underway(rate=rate, count=20_000, seed=1)
    assert len(asked) / asked.span == pytest.approx(rate, rel=0.1)
    halves = np.histogram(asked.arrival, bins=2)[0]
    assert halves[0] == pytest.approx(halves[1], rel=0.1)
    assert asked.sessions is not None
    assert asked.sessions.later.mean() > 0.25
    whole = traffic.at(rate=rate, count=1000, seed=1)
    assert len(whole) / whole.span < 0.7 * rate


def test_prompts_that_replicas_reuse_take_no_time_in_the_plan() -> None:
    """Twelve turns of one conversation: most of a prompt is in the cache, and the parts say so."""
    turns = "turns=12; first=2000; new=100; output=50; think=2 s"
    plan = plan_serving(ask(prompt=None, output=None, sessions=turns, rate="4/s"), finalists=1, requests=1000)
    summary = plan.tried[0].run.summary
    assert (
        plan.question.reused
        == summary.cached
        == pytest.approx(1.0 - summary.computed_rate / summary.prompt_rate, abs=0.05)
    )
    assert plan.question.reused > 0.5
    assert plan_serving(ask(), finalists=1, requests=1000).question.reused == 0.0
    points, _ = screen(replace(plan.question, reused=0.0), plan.cluster, plan.first.pools[0].points.degrees)
    same = int(np.argmin(np.abs(points.peak - plan.first.pools[0].points.peak[0])))
    found = plan.first.pools[0].points
    assert found.parts["prompts"][0] < 0.7 * points.parts["prompts"][same]
    assert sum(float(part[0]) for part in found.parts.values()) == pytest.approx(1.0)
    assert plan.first is plan.tried[0].configuration


def test_trials_route_as_is_said_and_by_prefix_where_prompts_share_one() -> None:
    turns = "turns=12; first=2000; new=100; output=50; think=2 s"
    for given, settings, routing, told in (
        ({"prompt": None, "output": None, "sessions": turns}, {}, "prefix-aware", True),
        ({"prompt": None, "output": None, "sessions": turns}, {"serving.routing": "random"}, "random", False),
        ({}, {}, "least-loaded", False),
    ):
        plan = plan_serving(ask(**given, settings=settings, rate="4/s"), finalists=1, requests=200)
        assert plan.tried[0].run.setup.routing == routing
        assert any(one.key == "serving.routing" for one in plan.assumptions) == told


def test_requests_beyond_the_context_are_counted() -> None:
    question = ask(model="gpt2", prompt=None, output=None, trace="azure-code")
    sample = question.traffic.sample
    assert question.traffic.long + len(sample) == 8819
    assert (sample.prompt + sample.output).max() <= 1024
    assert f"{question.traffic.long:,} of 8,819 requests" in question.notices[0]
    with pytest.raises(InputError, match="no request fits"):
        ask(model="gpt2", prompt="2000")


def test_a_chip_without_bf16_works_in_fp16() -> None:
    question = ask(chip="V100", cache="bf16")
    assert question.chip.peak["bf16"] == load_chip("V100").peak["fp16"]
    assert any(one.key == "machine.format" for one in question.assumptions)


# --- replicas ---


def test_degrees_divide_what_they_split() -> None:
    model = read_architecture("llama-3.1-70b")  # 64 heads, 8 of keys, widths 8192 and 28672, 80 layers
    found = enumerate_degrees(model, domain=8, most=8)
    rows = {tuple(found.row(i).values()) for i in range(len(found))}
    wanted = {(t, p, 1, 1, t * p) for t, p in itertools.product((1, 2, 4, 8), (1, 2, 4, 8)) if t * p <= 8}
    assert rows == wanted
    routed = enumerate_degrees(read_architecture("deepseek-v3"), domain=8, most=16)  # 256 experts
    ranks = routed.tensor * routed.data
    assert np.all(ranks % routed.expert == 0)
    assert np.all(256 % routed.expert == 0)
    assert routed.chips.max() == 16
    assert np.any(routed.data > 1)
    assert np.any(ranks > 8)  # groups may fill whole domains
    held = enumerate_degrees(model, domain=8, most=32, fixed={"tensor": 8, "pipeline": 3})
    assert [held.row(0)[k] for k in ("tensor", "pipeline", "chips")] == [8, 3, 24]


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ({"tensor": 3}, "does not divide"),
        ({"pipeline": 100}, "more stages than layers"),
        ({"expert": 2}, "no replica"),
    ],
)
def test_degrees_that_divide_nothing(fixed: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        enumerate_degrees(read_architecture("llama-3.1-70b"), domain=8, most=8, fixed=fixed)


def test_what_is_missing_is_named() -> None:
    question = ask(model="llama-3.1-405b")
    cluster, _ = question.cluster(8)
    with pytest.raises(InfeasibleError) as caught:
        candidates(question, cluster, 8)
    weights, one = held_bytes(question, replica(question, cluster, degrees_of(tensor=8)))
    usable = question.chip.memory_bytes * question.engine.usable - question.engine.reserve
    missing = 8 * float(np.max(weights + one - usable)) / 1e9
    text = str(caught.value)
    told = re.search(r"([\d.]+) GB are missing on 8 accelerators", text)
    assert told is not None
    assert float(told[1]) == pytest.approx(missing, rel=0.01)
    assert float(told[1]) <= missing + 0.05
    assert "16 H100" in text
    assert caught.value.exit_code == 2
    large, _ = question.cluster(16)
    found, _ = candidates(question, large, 16)
    assert set(found.chips) == {16.0}


# --- queues ---


def test_the_mean_below_a_peak_is_that_of_a_poisson_number() -> None:
    for peak in (20.0, 100.0, 1000.0):
        for quantile in (0.9, 0.99):
            mean = float(mean_below(peak, quantile))
            assert poisson.ppf(quantile, mean) == pytest.approx(peak, abs=2.0)
    assert mean_below(50.0, 0.5) == pytest.approx(50.0)


def test_waits_are_those_of_theory() -> None:
    rate = np.array([0.3, 0.6, 0.9])
    mean, tail = waits(service=1.0, rate=rate, variation=1.0, quantile=0.99)  # M/M/1
    assert mean == pytest.approx(rate / (1.0 - rate))
    assert rate * np.exp(-(1.0 - rate) * tail) == pytest.approx(0.01 * np.ones(3))
    fixed, _ = waits(service=1.0, rate=rate, variation=0.0, quantile=0.99)  # M/D/1
    assert fixed == pytest.approx(mean / 2.0)
    assert np.isinf(waits(service=1.0, rate=1.2, variation=0.0, quantile=0.9)[0])
    assert waits(service=1.0, rate=0.05, variation=0.0, quantile=0.9)[1] == 0.0  # seldom anyone waits


def test_loads_go_from_one_to_the_most() -> None:
    rows, number = loads(np.array([1.0, 7.0, 300.0]))
    for row, most in enumerate((1.0, 7.0, 300.0)):
        mine = number[rows == row]
        assert mine[0] == 1.0
        assert mine[-1] == most
        assert np.all(np.diff(mine) > 0)


def test_the_closed_form_is_near_the_event_engine() -> None:
    question = ask()
    cluster, _ = question.cluster(_MANY)
    degrees = degrees_of(tensor=1)
    points, count = screen(question, cluster, degrees)
    assert count == 2 * len(points)
    setup = Setup(part(question, degrees, 1))
    tables = (tables_of(question, cluster, degrees), None)
    for aim in (20.0, 80.0):
        one = points.take([int(np.argmin(np.abs(points.held - aim)))])
        asked = question.traffic.at(rate=float(one.rate[0]), count=3000, seed=3)
        run = run_serving(
            question, cluster, setup, asked, tables=tables, window=(20.0, asked.arrival[-1])
        ).summary
        assert run.tpot.mean == pytest.approx(float(one.tpot[0]), rel=0.1)
        assert run.concurrency == pytest.approx(float(one.held[0]), rel=0.15)
        assert run.power == pytest.approx(float(one.power()[0]), rel=0.1)
        assert run.ttft.mean == pytest.approx(float(one.ttft[0]), rel=0.5)
        assert run.tpot.p99 < 1.25 * float(one.slow_tpot[0])


# --- the choice ---


def test_the_choice_is_that_of_brute_force() -> None:
    for given, chips in (({}, 24), ({"rate": "90/s"}, None), ({"rate": "60/s"}, 24)):
        question = ask(**given)
        cluster, _ = question.cluster(_MANY)
        degrees, _ = candidates(question, cluster)
        points, _ = screen(question, cluster, degrees)
        prices, _, _ = prices_of(question, cluster)
        best = math.inf
        for i in np.flatnonzero(points.excess(question.objective) <= 1.0):
            size, rate = int(points.chips[i]), float(points.rate[i])
            number = chips // size if question.demand is None and chips else math.ceil(question.demand / rate)
            if not number or (chips and number * size > chips):
                continue
            served = number * rate if question.demand is None else question.demand
            watts = number * float(points.take([i]).power(served / number)[0])
            metered = (watts + prices.beside * number * size) * prices.pue
            money = prices.second * number * size + metered * prices.electricity
            best = min(best, money / served)
        found = together(question, points, prices, "cost", chips)
        assert found[0].score(prices, "cost")[0] == pytest.approx(best, rel=1e-12)
        layouts = [tuple(one.pools[0].points.degrees.row(0).values()) for one in found]
        assert len(set(layouts)) == len(layouts)


def test_what_is_made_least_is_least() -> None:
    plans = {goal: plan_serving(ask(), minimise=goal, finalists=0) for goal in ("cost", "energy", "chips")}
    for goal in plans:
        scores = {name: plan.first.score(plan.prices, goal)[0] for name, plan in plans.items()}
        assert scores[goal] == pytest.approx(min(scores.values()))


def test_the_front_holds_every_best_point() -> None:
    question = ask(model="llama-3.1-70b")
    plan = plan_serving(question, finalists=0, mode="both")
    front = np.stack([-plan.front.user, -plan.front.chip, plan.front.energy], axis=1)
    for i, one in enumerate(front):
        others = np.delete(front, i, axis=0)
        assert not np.any(np.all(others <= one, axis=1))
    degrees, _ = candidates(question, plan.cluster)
    points, _ = screen(question, plan.cluster, degrees)
    output = question.traffic.mean_output
    energy = plan.prices.meter(points.power(), points.chips) / points.rate / output
    every = np.stack([-1.0 / points.tpot, -points.rate * output / points.chips, energy], axis=1)
    for one in every[:: max(1, len(every) // 60)]:
        assert np.any(np.all(front <= one + 1e-9 * np.abs(one), axis=1))


def test_trials_keep_the_objective_and_the_books() -> None:
    question = ask(rate="60/s")
    plan = plan_serving(question, finalists=2, requests=1500)
    first, tried = plan.first, plan.tried[0]
    assert tried.configuration is first
    assert first.rate == 60.0
    goodput = tried.run.summary.goodput
    assert goodput is not None
    assert goodput.met
    assert tried.most >= 60.0
    answer = plan_answer(plan)
    row = answer["best"][0]
    assert row["by_events"]
    tokens = row["requests_per_s"] * 256
    assert row["output_tokens_per_s"] == pytest.approx(tokens)
    assert row["USD_per_hour"] == pytest.approx(
        3600.0 * float(plan.prices.cost(row["power_kW"]["accelerators"] * 1e3, first.chips)), rel=0.01
    )
    paid = (row["USD_per_million_prompt_tokens"] * 1024 + row["USD_per_million_output_tokens"] * 256) / 1e6
    assert paid * 60.0 * 3600.0 == pytest.approx(row["USD_per_hour"])
    again = plan_serving(question, finalists=2, requests=1500)
    assert plan_answer(again)["best"][0] == row


def test_guessed_tokens_help_a_lone_user() -> None:
    without, with_ = (
        screen(q, q.cluster(_MANY)[0], degrees_of(tensor=1))[0]
        for q in (ask(), ask(guesses=3, acceptance=0.7))
    )
    assert ask(guesses=3, acceptance=0.7).accepted == pytest.approx(1 + 0.7 + 0.49 + 0.343)
    assert with_.tpot[0] < 0.7 * without.tpot[0]


# --- two pools ---


def test_keys_and_values_by_hand() -> None:
    question = ask()
    cluster, _ = question.cluster(_MANY)
    moved = transfer(question, cluster, 2.0, 4.0)
    assert moved.size == pytest.approx(1024 * 2 * 32 * 8 * 128 * 2)  # 32 layers, 8 heads of 128, bf16
    link = cluster.scale_out
    assert moved.bandwidth == pytest.approx(2 * link.bandwidth * link.efficiency)
    assert moved.time == pytest.approx(moved.size / moved.bandwidth + link.latency)


def test_two_pools_keep_step() -> None:
    question = ask(model="llama-3.1-70b", objective="ttft=1s,tpot=40ms,p99")
    plan = plan_serving(question, chips=32, mode="disaggregated", finalists=1, requests=1500)
    first = plan.first
    before, after = first.pools
    assert (before.role, after.role) == ("prefill", "decode")
    assert first.chips <= 32
    assert before.replicas * before.rate == pytest.approx(after.replicas * after.rate)
    assert plan.tried[0].run.outcome.pools is not None
    answer = plan_answer(plan)
    assert answer["transfer"]["link_busy"] < 1.0
    assert sum(pool["chips"] * pool["replicas"] for pool in answer["pools"]) == answer["chips"]


@pytest.mark.parametrize("minimise", ["cost", "energy", "chips"])
def test_mixes_near_the_balance_are_the_best_of_all(monkeypatch: pytest.MonkeyPatch, minimise: str) -> None:
    """Against every number of prefill replicas, for machines large enough that some are not looked at."""
    question = ask(model="llama-3.1-70b", objective="ttft=1s,tpot=40ms,p99")

    def plans() -> list[list[tuple[str, int, object]]]:
        found = [
            plan_serving(question, chips=chips, mode="disaggregated", minimise=minimise, finalists=0).first
            for chips in (64, 700, 1501)
        ]
        return [[(p.role, p.replicas, p.points.degrees.row(0)) for p in one.pools] for one in found]

    near = plans()
    monkeypatch.setattr(choice, "_AROUND", _MANY)
    assert near == plans()


def test_replicas_of_any_sizes_have_their_best_mix() -> None:
    """Accelerators a request of what is looked at, against every mix: TP1 beside EP144 as well."""
    question, draws = ask(), np.random.default_rng(0)
    for _ in range(1000):
        size, size_ = (int(one) for one in 2 ** draws.uniform(0.0, 7.3, 2))
        rate, rate_ = (float(one) for one in 10 ** draws.uniform(-1.0, 1.5, 2) * np.array([size, size_]))
        chips = int(10 ** draws.uniform(1.5, 4.0))
        p = np.arange(1, chips // size + 1)
        d = (chips - p * size) // size_
        p, d = p[d >= 1], d[d >= 1]
        found = choice._mixes(question, (size, rate), (size_, rate_), chips)
        assert bool(found) == bool(len(p)), (size, size_, chips)
        if found:
            best = min((a * size + b * size_) / served for a, b, served in found)
            every = (p * size + d * size_) / np.minimum(p * rate, d * rate_)
            assert best == pytest.approx(float(every.min()), rel=1e-12), (size, size_, rate, rate_, chips)


def test_pools_of_a_gigawatt_are_those_of_a_small_machine_many_times() -> None:
    question = ask(model="llama-3.1-70b", objective="ttft=1s,tpot=40ms,p99")
    small, large = (
        plan_serving(question, chips=chips, mode="disaggregated", finalists=1, requests=1500)
        for chips in (512, 512_000)
    )
    assert large.first.rate / 1000.0 == pytest.approx(small.first.rate, rel=0.05)
    assert large.tried[0].scale > 1000.0  # a few replicas are simulated for all


def test_pools_have_the_rates_of_their_iterations() -> None:
    question = ask()
    cluster, _ = question.cluster(_MANY)
    prompts, _ = prefill_points(question, cluster, degrees_of(tensor=1))
    answers, _ = decode_points(question, cluster, degrees_of(tensor=1))
    assert np.all(np.diff(prompts.rate) > 0)
    assert np.all(np.diff(prompts.slow_ttft) >= 0)
    busy = answers.held >= 1.0
    steps = 255.0
    assert answers.rate[busy] == pytest.approx(answers.held[busy] / (steps * answers.iteration[busy]))
    assert np.all(answers.slow_tpot >= answers.tpot * (1 - 1e-9))


# --- what cannot be ---


def test_the_closest_is_named_and_by_how_much() -> None:
    with pytest.raises(InfeasibleError) as caught:
        plan_serving(ask(objective="ttft=1s,tpot=1ms,p99"), finalists=0)
    text = str(caught.value)
    assert "no configuration meets the SLO: the closest, TP8 with 1 in flight" in text
    cluster, _ = ask().cluster(_MANY)
    points, _ = screen(ask(), cluster, degrees_of(tensor=8))
    assert f"{float(points.slow_tpot[0]) / 1e-3:.3g} times what is allowed" in text
    with pytest.raises(InfeasibleError, match=r"--mode aggregated|no configuration"):
        plan_serving(ask(objective="ttft=1s,tpot=1ms,p99"), mode="disaggregated", finalists=0)


def test_too_few_accelerators_for_the_demand() -> None:
    with pytest.raises(InfeasibleError) as caught:
        plan_serving(ask(rate="500/s"), chips=4, finalists=0)
    assert "less than the demand of 500" in str(caught.value)
    enough = int(str(caught.value.allowed).split()[0])
    plan = plan_serving(ask(rate="500/s"), chips=enough, finalists=0)
    assert plan.first.chips <= enough


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mode": "both "}, "did you mean 'both'"),
        ({"minimise": "costs"}, "did you mean 'cost'"),
        ({"chips": 0}, "1 or more"),
        ({"requests": 1}, "10 or more"),
    ],
)
def test_what_is_no_plan(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan_serving(ask(), **given)  # type: ignore[arg-type]


# --- the memory wall ---


def test_decoding_one_sequence_reads_every_weight_once() -> None:
    question = ask()
    cluster, _ = question.cluster(_MANY)
    model = question.architecture
    r = replica(question, cluster, degrees_of())
    one = np.ones(1)
    flops, moved = intensity(r, tokens=one, sequences=one, context=one, prompts=False)
    weights = model.parameters.total - model.parameters.embedding  # one row of it is read
    assert float(flops[0]) == pytest.approx(2.0 * weights, rel=0.01)
    assert float(moved[0]) == pytest.approx(2.0 * weights, rel=0.02)
    tokens = np.array([2048.0])
    flops, _ = intensity(r, tokens=tokens, sequences=one, context=0 * one, prompts=True)
    layers = weights - model.parameters.head
    attention = 4.0 * model.layers * 32 * 128 * 2048.0**2 / 2.0  # causal: half of all pairs
    assert float(flops[0]) == pytest.approx(2.0 * 2048 * layers + attention, rel=0.01)


def test_nothing_is_above_the_roof() -> None:
    # an engine that nobody fitted: its kernels are those of the catalog
    question = ask(model="llama-3.1-70b", weights="fp8", engine="generic-2025")
    cluster, _ = question.cluster(_MANY)
    prices, _, _ = prices_of(question, cluster)
    wall = memory_wall(question, cluster, degrees_of(tensor=8), prices)
    for curve in wall.curves:
        roof = np.minimum(curve.machine.peak, curve.intensity * curve.machine.bandwidth)
        # what is multiplied in 8 bits beside attention in 16 has the roof of the former
        assert np.all(curve.reached <= roof * 1.001), curve.machine
        if curve.phase == "decode":
            assert np.all(np.diff(curve.intensity) > 0)
            assert np.all(np.diff(curve.rate) > 0)
    decode = [row for row in wall.rows if row["phase"] == "decode" and row["batch"] > 1]
    by = {(row["weights"], row["cache"], row["memory_times"]): row for row in decode}
    rate = {key: row["tokens_per_s_chip"] for key, row in by.items()}
    assert rate["bf16", "bf16", 1.0] < rate["fp8", "bf16", 1.0] < rate["fp8", "fp8", 1.0]
    assert rate["fp8", "fp8", 1.0] < rate["fp8", "fp8", 2.0] < rate["fp8", "fp8", 4.0]
    assert by["fp8", "bf16", 2.0]["ridge_FLOP_per_B"] == pytest.approx(
        by["fp8", "bf16", 1.0]["ridge_FLOP_per_B"] / 2
    )
    single = next(row for row in wall.rows if row["batch"] == 1 and row["phase"] == "decode")
    assert single["intensity_FLOP_per_B"] < 2.0 < single["ridge_FLOP_per_B"]

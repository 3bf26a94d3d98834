"""Many low-rank adapters on one copy of a model: sizes, distinct ones, memory, time, loads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.serving.adapters import adapter_waits, late_adapters
from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import candidates, degrees_of, replica, tables_of
from gigawatt.chain.serving.screen import screen
from gigawatt.chain.serving.simulate import Setup, part, run_serving
from gigawatt.core.errors import GigawattError
from gigawatt.performance.serving.inference import Replica, decode_cost, sequence_cost, token_cost
from gigawatt.performance.serving.memory import beside_cache, holding, kept, load_time, room
from gigawatt.workload import read_architecture
from gigawatt.workload.served_adapters import Adapters, adapter_bytes, served_parameters


def question(
    adapters: str | None, model: str = "llama-3.1-8b", chip: str = "H100", **more: Any
) -> ServingQuestion:
    words = {"prompt": "1024", "output": "256", **more}
    return read_serving_question(model=model, chip=chip, adapters=adapters, **words)


def of(asked: ServingQuestion, **degrees: int) -> Replica:
    return replica(asked, asked.cluster(64)[0], degrees_of(**degrees))


def step(r: Replica, batch: float) -> float:
    """Seconds of a decoding iteration of ``batch`` sequences, 512 tokens in."""
    found = token_cost(r, batch).plus(decode_cost(r, batch, 512.0)).plus(sequence_cost(r, batch))
    return float(np.max(found.time))


def test_parameters_are_those_of_peft() -> None:
    """What ``print_trainable_parameters`` of PEFT writes for Llama 2 7B, by the shapes of its checkpoint:
    seven projections at rank 16, and the four of attention at rank 8 (r · (k + n) each)."""
    model = read_architecture("llama-2-7b")
    assert served_parameters(model, Adapters(1, 16)) == 39_976_960
    assert served_parameters(model, Adapters(1, 8, "attention")) == 8_388_608


def test_grouped_queries_have_narrow_keys_and_values() -> None:
    """By hand for Llama 3.1 8B: q 4096 → 4096, k and v 4096 → 1024, o 4096 → 4096, 32 layers."""
    each = (4096 + 4096) + 2 * (4096 + 1024) + (4096 + 4096)
    assert (
        served_parameters(read_architecture("llama-3.1-8b"), Adapters(1, 16, "attention")) == 32 * 16 * each
    )


def test_experts_have_no_adapters() -> None:
    """Of Qwen3-30B-A3B attention alone: no dense matrix else but the router."""
    model = read_architecture("qwen3-30b-a3b")
    assert served_parameters(model, Adapters(1, 16)) == served_parameters(model, Adapters(1, 16, "attention"))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 1.5])
def test_distinct_adapters_are_those_of_a_draw(exponent: float) -> None:
    a, n, rng = Adapters(500, 16, exponent=exponent), 64, np.random.default_rng(0)
    chance = np.arange(1, 501) ** -exponent
    drawn = rng.choice(500, size=(4000, n + 1), p=chance / chance.sum())
    distinct = np.array([len(np.unique(row[:n])) for row in drawn])
    assert float(a.distinct(n)) == pytest.approx(distinct.mean(), rel=0.01)
    missing = np.mean([row[n] not in row[:n] for row in drawn])
    assert float(a.missing(n)) == pytest.approx(missing, abs=0.02)


def test_misses_of_slots_are_those_of_a_least_recently_used_cache() -> None:
    a, rng = Adapters(200, 16, exponent=1.0, slots=40), np.random.default_rng(1)
    chance = np.arange(1, 201) ** -1.0
    held: dict[int, None] = {}
    misses = 0
    draws = rng.choice(200, size=40_000, p=chance / chance.sum())
    for one in draws.tolist():
        misses += one not in held
        held.pop(one, None)
        held[one] = None
        if len(held) > 40:
            del held[next(iter(held))]
    assert float(a.missing(10.0)) == pytest.approx(misses / len(draws), abs=0.01)


def test_limits_of_distinct() -> None:
    one, many = Adapters(1, 16), Adapters(1_000_000, 16)
    assert float(one.distinct(100)) == pytest.approx(1.0)
    assert float(one.missing(100)) == pytest.approx(0.0, abs=1e-6)
    assert float(many.distinct(100)) == pytest.approx(100.0, rel=1e-3)
    assert float(many.missing(100)) == pytest.approx(1.0, abs=1e-3)
    assert float(replace(many, slots=8).distinct(100)) == 8.0
    assert Adapters(8, 16, slots=8).missing(3.0) == 0.0


def test_time_of_a_token_is_near_what_punica_published() -> None:
    """Chen et al. 2023, abstract: 2 ms of latency a token on A100s, rank 16 of all dense matrices, between
    workloads of one adapter and of an adapter for each request; at their batch of 32."""
    asked = question("1000; rank=16; popularity=uniform", "llama-2-7b", "A100")
    r = of(asked)
    assert r.adapters is not None
    alike = replace(r, adapters=replace(r.adapters, number=1))
    added = [step(x, 32.0) - step(replace(r, adapters=None), 32.0) for x in (alike, r)]
    assert 1e-3 < added[0] < added[1] < 4e-3
    assert added[0] < 2e-3 < added[1]


def test_throughput_hardly_falls_with_the_number() -> None:
    """Sheng et al. 2023, abstract: thousands of adapters on one accelerator with a small overhead (Llama 7B,
    rank 8 of attention, A100 80 GB): two thousand in place of five lose no tenth of the rate."""
    few, many = (
        step(of(question(f"{n}; rank=8; matrices=attention", "llama-2-7b", "A100")), 32.0) for n in (5, 2000)
    )
    assert 1.0 < many / few < 1.1


def test_added_bytes_of_a_batch_are_the_distinct_adapters() -> None:
    """Decoding: memory time grows by distinct adapters' bytes over the bandwidth that a kernel reaches."""
    asked = question("1000; rank=64; popularity=uniform")
    r = of(asked)
    a = r.adapters
    assert a is not None
    near = sequence_cost(r, 64.0).plus(sequence_cost(replace(r, adapters=None), 64.0).times(-1.0))
    read = float(np.max(adapter_bytes(r.architecture, a, tensor=1.0))) * float(a.distinct(64.0))
    least = read / r.cluster.chip.memory_bandwidth
    assert least < float(np.max(near.time)) < 2.0 * least


def test_room_for_requests_falls_by_their_adapters() -> None:
    r = of(question("1000; rank=64; popularity=uniform"))
    length = np.array([1280.0])
    n = holding(r, length)
    used = [float(np.max(x * kept(r, length) + beside_cache(r, x))) for x in (n, n + 1.0)]
    assert used[0] <= float(np.max(room(r))) < used[1]
    assert n < holding(replace(r, adapters=None), length)
    assert r.adapters is not None
    slots = replace(r, adapters=replace(r.adapters, slots=100))
    size = float(np.max(adapter_bytes(r.architecture, r.adapters, tensor=1.0)))
    assert float(np.max(room(r) - room(slots))) == pytest.approx(100.0 * size)


def test_tensor_ranks_share_an_adapter() -> None:
    """Inputs of row-parallel and outputs of column-parallel matrices are cut, the rest is on every rank."""
    r = of(question("100; rank=16"))
    assert r.adapters is not None
    one, four = (float(adapter_bytes(r.architecture, r.adapters, tensor=t)) for t in (1.0, 4.0))
    assert one / 4.0 < four < one


def test_slots_bound_the_sequences_of_an_iteration() -> None:
    asked = question("1000; slots=16; popularity=uniform")
    places = asked.settings(1.0).max_sequences
    assert places == 16  # sixteen requests of a thousand adapters have sixteen of them
    assert (
        question("1000; slots=1000").settings(1.0).max_sequences == question(None).settings(1.0).max_sequences
    )


def test_loads_wait_for_the_link() -> None:
    r = of(question("1000; rank=16"))
    each = float(np.max(load_time(r)))
    mean, slow = adapter_waits(r, rate=1e-6, running=1.0, quantile=0.99)
    assert float(np.max(mean)) == pytest.approx(each, rel=0.05)
    assert float(np.max(slow)) == pytest.approx(each, rel=1e-3)
    assert np.all(np.isinf(adapter_waits(r, rate=2.0 / each, running=1.0, quantile=0.99)[0]))


def test_events_have_the_waits_for_adapters() -> None:
    """TTFT of the same requests: later by the loads, TPOT by multiplications and weights."""
    found = []
    for words in (None, "1000; rank=64; popularity=uniform"):
        asked = question(words)
        cluster, _ = asked.cluster(1)
        requests = asked.traffic.at(rate=4.0, count=400, seed=0)
        setup = Setup(part(asked, degrees_of(), 1))
        run = run_serving(asked, cluster, setup, requests, window=None, seed=0)
        found.append(run)
    before, after = (one.summary for one in found)
    each = float(np.max(load_time(of(found[1].question))))
    assert after.tpot.p50 > before.tpot.p50
    assert after.ttft.p50 > before.ttft.p50 + 0.9 * each
    late = late_adapters(of(found[1].question), found[1].outcome, replicas=1, seed=0)
    assert np.all((late == 0.0) | (late >= each * 0.999))


def test_a_plan_with_adapters_serves_less_on_as_many_accelerators() -> None:
    plain, adapted = (
        plan_serving(question(words), chips=8, finalists=0) for words in (None, "1000; rank=64")
    )
    assert adapted.first.chips == plain.first.chips == 8
    assert adapted.first.rate < 0.95 * plain.first.rate


def test_the_screen_without_slots_is_between_none_and_all_resident() -> None:
    points = {}
    for words in (None, "4; rank=16", "100000; rank=16; popularity=uniform"):
        asked = question(words)
        cluster, _ = asked.cluster(8)
        degrees, _ = candidates(asked, cluster, 1)
        points[words] = screen(asked, cluster, degrees)[0]
    some = [float(np.interp(64.0, one.peak, one.tpot)) for one in points.values()]
    assert some == sorted(some)
    assert some[0] < some[1] < some[2]


def test_capacity_of_the_tables_leaves_room_for_adapters() -> None:
    plain, adapted = (
        tables_of(asked, asked.cluster(1)[0], degrees_of())
        for asked in (question(None), question("1000; rank=64"))
    )
    assert adapted.capacity < plain.capacity
    assert adapted.token_bytes == plain.token_bytes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("rank=16", "adapters: the number of adapters is missing"),
        ("1000; ranks=16", "no such property of adapters.*did you mean 'rank'"),
        ("1000; rank=16; rank=8", "given twice"),
        ("1.5", "not a whole number"),
        ("1000; popularity=pareto", "no such popularity"),
        ("1000; matrices=experts", "no such matrices.*attention"),
        ("1000; rank=100000", "rank of adapters.*1 to 4096"),
        ("1000; rank", "not key=value"),
    ],
)
def test_words_that_cannot_be_read(words: str, message: str) -> None:
    with pytest.raises(GigawattError, match=message):
        question(words)


def test_prefixes_of_a_trace_differ_by_adapter() -> None:
    with pytest.raises(GigawattError, match=r"adapters: prompts of the trace share prefixes"):
        question("10", prompt=None, output=None, trace="mooncake-conversation")


def test_weights_that_stay_written_have_no_adapters() -> None:
    with pytest.raises(GigawattError, match=r"adapters: .* is not a digital chip"):
        question("10", chip="mixed-2035")


@pytest.mark.parametrize("mode", ["aggregated", "disaggregated"])
def test_attention_groups_and_pools_have_adapters(mode: str) -> None:
    """Each attention group has the adapters of its own requests; prefill replicas load them too."""
    words = {"model": "qwen3-30b-a3b", "objective": "ttft=2s,tpot=100ms,p90"}
    rates = []
    for adapters in (None, "500; rank=64; popularity=uniform"):
        asked = question(adapters, **words, fixed={"tensor": 1, "data": 4, "expert": 4})
        rates.append(plan_serving(asked, chips=16, mode=mode, finalists=0).first.rate)
    assert rates[1] < rates[0]


def test_a_prefix_that_sessions_share_is_noticed() -> None:
    def notices(adapters: str) -> str:
        asked = question(adapters, prompt=None, output=None, sessions="codex-swe-bench")
        return " ".join(asked.notices)

    assert "12,000 tokens that all sessions share are reused whatever their adapter" in notices("100")
    assert "whatever their adapter" not in notices("1")

"""Wide expert parallelism: published kernels and pools, redundant experts, overlap, groups in lock step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import enumerate_degrees
from gigawatt.core.errors import InputError
from gigawatt.machine import build_cluster, load_chip
from gigawatt.performance.experts import lasting_excess
from gigawatt.performance.serving.engines import load_engine
from gigawatt.performance.serving.inference import (
    Replica,
    decode_cost,
    host_time,
    multiply_format,
    prompt_cost,
    prompt_tokens_cost,
    sequence_cost,
    shared_cost,
    token_cost,
)
from gigawatt.performance.serving.step_tables import iteration_cost
from gigawatt.performance.serving.tables import step_tables
from gigawatt.serving.disaggregation import balanced_mix
from gigawatt.technology import technology
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares, token_operations, weight_bytes
from gigawatt.workload.operation import expert_products

V3 = read_architecture("deepseek-v3")
ROUTED = next(block for block in V3.blocks if block.experts is not None)


def replica(
    chip: str, ranks: int, *, engine: str = "sglang-2025", redundant: int = 32, overlap: bool = True,
    skew: float | None = None,
) -> Replica:  # fmt: skip
    """DeepSeek-V3 in FP8 with attention on ``ranks`` groups of one rank and experts on all of them."""
    one, software = load_chip(chip), load_engine(engine)
    software = software if skew is None else replace(software, expert_skew=skew)
    shares = Shares.of(
        data=float(ranks), expert=float(ranks), weights="fp8_block", redundant=redundant,
        multiply=multiply_format("fp8_block", one),
    )  # fmt: skip
    cluster = build_cluster(chip=one, count=ranks)[0]
    return Replica(V3, cluster, software, shares, np.asarray(1.0), overlap=overlap)


def decoded(r: Replica, each: int, context: float) -> float:
    """Output tokens/s of a node of eight, ``each`` sequences on a rank."""
    number = each * float(r.shares.data)
    cost = token_cost(r, number).plus(decode_cost(r, number, context)).plus(sequence_cost(r, number))
    return 8.0 * each / (max(float(cost.time), float(host_time(r, number))) + r.engine.overhead)


def prefilled(r: Replica, prompt: float, each: float = 16384.0) -> float:
    """Prompt tokens/s of a node of eight, ``each`` tokens on a rank."""
    ranks = float(r.shares.data)
    cost = token_cost(r, each * ranks).plus(prompt_cost(r, prompt, 0.0).times(each / prompt))
    cost = cost.plus(sequence_cost(r, each * ranks / prompt))
    return 8.0 * each / (float(cost.time) + r.engine.overhead)


@pytest.mark.parametrize(("ranks", "rows", "measured"), [(72, 256, 101.4e-6), (144, 512, 90.6e-6)])
def test_sorted_experts_are_as_quick_as_grouped_kernels(ranks: int, rows: int, measured: float) -> None:
    """DeepGEMM's README of February 2025: 4 × 256 rows at 932 and 815 TFLOP/s, 2 × 512 at 1040 and 916."""
    r = replica("H800-SXM", ranks, engine="generic-2025")
    fused = next(
        op
        for op in token_operations(V3, ROUTED, tokens=128.0 * ranks, shares=r.shares)
        if op.name == "experts"
    )
    assert float(fused.m) == pytest.approx(rows, rel=1e-3)
    chip = r.cluster.chip
    parts = expert_products(fused)
    assert sum(float(part.flops) for part in parts) == pytest.approx(float(fused.flops))
    time = sum(float(technology(chip.technology).cost(p, chip, r.engine.efficiency).time) for p in parts)
    assert time == pytest.approx(measured, rel=0.2)


@pytest.mark.parametrize(("prompt", "measured"), [(1024, 57_674), (2048, 54_543), (4096, 50_302)])
def test_prefill_of_sglang_on_h100(prompt: int, measured: float) -> None:
    """LMSYS, May 2025: prompt tokens/s per node, EP32 on four nodes."""
    assert prefilled(replica("H100-SXM5-80GB", 32), prompt) == pytest.approx(measured, rel=0.15)


def test_decode_of_sglang_on_h100() -> None:
    """LMSYS, May 2025: 22,282 output tokens/s per node, EP72, 256 sequences a rank; 20 % is wanted."""
    assert decoded(replica("H100-SXM5-80GB", 72), 256, 2050.0) == pytest.approx(22_282, rel=0.25)


def test_profile_of_deepseek() -> None:
    """DeepSeek's profile, routing balanced: 18.6 k output (EP128), 62.7 k prompt tokens/s per node (EP32)."""
    for engine in ("generic-2025", "sglang-2025"):
        wide = replica("H800-SXM", 128, redundant=0, skew=0.0, engine=engine)
        assert decoded(wide, 128, 4160.0) == pytest.approx(18_598, rel=0.2)
        assert prefilled(replica("H800-SXM", 32, skew=0.0, engine=engine), 4096) == pytest.approx(
            62_713, rel=0.2
        )


def test_overlap_gains_with_large_batches_and_loses_with_small_ones() -> None:
    """LMSYS: +25.5 % at 256 sequences a rank, −27 % at 32; prefill +27 to +35 %."""
    both = [replica("H100-SXM5-80GB", 72, overlap=overlap) for overlap in (True, False)]
    gain = {each: decoded(both[0], each, 2050.0) / decoded(both[1], each, 2050.0) for each in (32, 256)}
    assert 1.15 < gain[256] < 1.35
    assert 0.65 < gain[32] < 0.9
    prompts = [prefilled(replica("H100-SXM5-80GB", 32, overlap=overlap), 1024) for overlap in (True, False)]
    assert 1.25 < prompts[0] / prompts[1] < 1.38


def test_each_group_has_a_scheduler_of_its_own() -> None:
    few, many = (replica("H800-SXM", ranks, overlap=False) for ranks in (16, 128))
    assert float(host_time(few, 16 * 64.0)) == pytest.approx(float(host_time(many, 128 * 64.0)))


def test_copies_take_room_and_even_out_loads() -> None:
    def weights(redundant: float) -> float:
        shares = Shares.of(data=32.0, expert=32.0, weights="fp8_block", redundant=redundant)
        return float(weight_bytes(V3, shares=shares))

    plain = weights(0.0)
    routed = sum(b.count * b.parameters.experts for b in V3.blocks if b.role != "prediction") / 32.0
    assert weights(32.0) - plain == pytest.approx(
        routed * Shares.of(weights="fp8_block").stored("experts") / 8
    )
    excess = [
        float(lasting_excess(skew=0.1, experts=256, ranks=np.asarray(144.0), redundant=float(copies)))
        for copies in (0, 8, 32, 64, 128, 256)
    ]
    assert excess == sorted(excess, reverse=True)
    assert excess[-2:] == [0.0, 0.0]
    usual = lasting_excess(skew=0.1, experts=256, ranks=np.asarray(8.0), redundant=0.0)
    assert float(usual) == pytest.approx(0.1)
    assert decoded(replica("H800-SXM", 144), 96, 5000.0) > decoded(
        replica("H800-SXM", 144, redundant=0), 96, 5000.0
    )


def test_slots_are_divided_and_not_experts() -> None:
    fixed = {"tensor": 1, "pipeline": 1, "data": 144, "expert": 144}
    found = enumerate_degrees(V3, domain=8, most=512, fixed=fixed, redundant=32)
    assert len(found) == 1
    with pytest.raises(InputError, match="no replica has these degrees"):
        enumerate_degrees(V3, domain=8, most=512, fixed=fixed)


def test_one_prompt_takes_what_a_prompt_for_each_group_does_but_for_shared_experts() -> None:
    """All of it where the engine pads the other groups; joules are of the prompt alone."""
    r = replica("H100-SXM5-80GB", 16, overlap=False, redundant=0)
    for padded in (0.0, 1.0):
        r = replace(r, engine=replace(r.engine, padded=padded))
        tables = step_tables(r, longest=4096.0)
        one, all_ = (
            float(iteration_cost(tables, decoding=0.0, context=0.0, chunk=2048.0, prompts=n)[0])
            for n in (1, 16)
        )
        experts = float(shared_cost(r, 16 * 2048.0).time) - float(shared_cost(r, 2048.0).time)
        assert one == pytest.approx(all_ - (experts if padded == 0.0 else 0.0), rel=0.02)
        alone, every = prompt_tokens_cost(r, 2048.0, 2048.0), token_cost(r, 16 * 2048.0)
        left = experts if padded == 0.0 else 0.0
        assert float(alone.time) == pytest.approx(float(every.time) - left)
        assert float(alone.energy) == pytest.approx(float(token_cost(r, 2048.0).energy))


def test_pools_keep_step() -> None:
    """Of a mix, neither pool could lose a replica of which it has several and keep step."""
    prefill, decode = (
        step_tables(replica("H200-SXM-141GB", 8, redundant=0), longest=8192.0),
        step_tables(replica("H200-SXM-141GB", 16, redundant=0), longest=8192.0),
    )
    words: dict[str, Any] = {"token_budget": 8 * 8192, "max_sequences": 2048, "tpot": 0.015}
    short = balanced_mix(prefill, decode, prompt=1024.0, output=1024.0, **words)
    long = balanced_mix(prefill, decode, prompt=8192.0, output=1024.0, **words)
    assert min(short) == min(long) == 1
    assert short[1] / short[0] >= long[1] / long[0]
    looser = balanced_mix(prefill, decode, prompt=1024.0, output=1024.0, **{**words, "tpot": 0.1})
    assert looser[1] / looser[0] <= short[1] / short[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"model": "llama-3.1-8b", "redundant_experts": 8}, "redundant_experts.*has no experts"),
        ({"model": "llama-3.1-8b", "two_batch_overlap": True}, "two_batch_overlap.*has no experts"),
        ({"redundant_experts": 300}, "redundant_experts.*more copies than experts.*0 to 256"),
        (
            {"cached_prompt": 0.5, "prompt": None, "output": None, "trace": "mooncake-conversation"},
            "cached_prompt",
        ),
    ],
)
def test_values_that_cannot_be(words: dict[str, Any], message: str) -> None:
    usual: dict[str, Any] = {
        "model": "deepseek-v3",
        "chip": "H800",
        "site": "texas",
        "prompt": "1024",
        "output": "128",
    }
    with pytest.raises(InputError, match=message):
        read_serving_question(**usual | words)


@pytest.mark.parametrize("words", [{"cached_prompt": 0.5}, {"settings": {"serving.prefill.tensor": "1"}}])
def test_a_prefill_pool_needs_a_mode_with_one(words: dict[str, Any]) -> None:
    question = read_serving_question(
        model="llama-3.1-8b", chip="H100", site="texas", prompt="1024", output="128", **words
    )
    with pytest.raises(InputError, match="disaggregated"):
        plan_serving(question, chips=8)

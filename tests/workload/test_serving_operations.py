"""Operations of serving against published sizes, the training operations, and what must add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.workload import list_models, read_architecture
from gigawatt.workload.inference import (
    Shares,
    active_experts,
    decode_operations,
    kept_bytes,
    logits_operations,
    prompt_operations,
    token_operations,
    weight_bytes,
)
from gigawatt.workload.operations import block_operations

ONE = Shares.of()


def flops(operations) -> float:
    return float(sum(np.max(op.flops * op.launches) for op in operations))


@pytest.mark.parametrize(
    ("model", "kilobytes"), [("deepseek-v3", 70.272), ("llama-3.1-405b", 516.096), ("llama-3.1-70b", 327.68)]
)
def test_keys_and_values_of_a_token(model: str, kilobytes: float) -> None:
    """DeepSeek-AI 2025, "Insights into DeepSeek-V3", arXiv:2505.09343, table 1; Qwen2.5-72B as Llama 70B."""
    model_ = read_architecture(model)
    assert float(kept_bytes(model_, tokens=1000.0, shares=ONE)) / 1000.0 == pytest.approx(kilobytes * 1e3)


@pytest.mark.parametrize("model", list_models())
def test_every_model_can_be_served(model: str) -> None:
    """All shipped configurations: multiplications are the weights a token visits, and nothing is negative."""
    a = read_architecture(model)
    tokens, total = 4096.0, 0.0
    for block in a.blocks:
        operations = token_operations(a, block, tokens=tokens, shares=ONE)
        trained = block_operations(
            a, block, microbatch=1, sequence=tokens, tensor=1, context=1, expert=1, sequence_parallel=0,
            number_format="bf16",
        )  # fmt: skip
        weights = ("gemm", "grouped_gemm")
        wanted = [
            op
            for op in trained
            if op.phase == "forward" and op.kind in weights and not op.name.startswith(("scan.", "delta."))
        ]
        assert flops(op for op in operations if op.kind in weights) == pytest.approx(flops(wanted), rel=1e-9)
        beside = prompt_operations(block, chunk=512.0, before=1024.0, shares=ONE)
        beside += decode_operations(block, sequences=8.0, context=2048.0, shares=ONE)
        for op in (*operations, *beside):
            assert np.min(op.bytes_read) >= 0.0
            assert np.all(np.isfinite(op.flops))
        if block.role != "prediction":
            total += block.count * flops(op for op in operations if op.kind in weights)
    total += flops(logits_operations(a, sequences=tokens, shares=ONE))
    head = a.parameters.head or a.parameters.embedding
    visited = a.active_parameters - (a.parameters.embedding if a.parameters.head else 0)
    if not a.tied_embeddings and not a.parameters.head:
        visited += head
    assert total == pytest.approx(2.0 * visited * tokens, rel=0.03)
    assert float(weight_bytes(a, shares=ONE)) == pytest.approx(
        2.0 * (a.parameters.total + a.tower_parameters), rel=1e-3
    )


@settings(max_examples=60, deadline=None)
@given(
    first=st.integers(1, 9000),
    second=st.integers(1, 9000),
    model=st.sampled_from(["llama-3.1-8b", "mistral-7b", "deepseek-v3.2", "gemma-3-4b"]),
)
def test_chunks_add_up_to_the_prompt(first: int, second: int, model: str) -> None:
    for block in read_architecture(model).blocks:

        def core(chunk: float, before: float, block=block) -> float:
            found = prompt_operations(block, chunk=chunk, before=before, shares=ONE)
            return flops(op for op in found if op.name == "attention.prompt")

        whole = core(float(first + second), 0.0)
        assert core(float(first), 0.0) + core(float(second), float(first)) == pytest.approx(whole, rel=1e-9)


def test_decoding_reads_the_cache_and_a_window_bounds_it() -> None:
    a = read_architecture("mistral-7b")
    (core,) = decode_operations(a.blocks[0], sequences=4.0, context=np.array([100.0, 1e5]), shares=ONE)
    token = 2 * 8 * 128 * 2.0
    side = 4 * 32 * 128 * 2.0
    assert core.bytes_read.tolist() == pytest.approx([4 * 101 * token + side, 4 * 4096 * token + side])


def test_experts_that_are_reached() -> None:
    e = read_architecture("deepseek-v3").blocks[1].experts
    assert e is not None
    found = active_experts(experts=e, tokens=np.array([1.0, 16.0, 1e5]), ranks=np.ones(3))
    assert found[0] == pytest.approx(8.0)
    assert found[1] == pytest.approx(256 * (1 - (1 - 8 / 256) ** 16))
    assert found[2] == pytest.approx(256.0)


def test_shares_divide_what_they_should() -> None:
    a = read_architecture("deepseek-v3")
    wide = Shares.of(tensor=1.0, data=8.0, expert=8.0)
    block = a.blocks[1]
    alone = {op.name: op for op in token_operations(a, block, tokens=64.0, shares=ONE)}
    split = {op.name: op for op in token_operations(a, block, tokens=64.0, shares=wide)}
    assert float(split["attention.output"].flops) == pytest.approx(float(alone["attention.output"].flops) / 8)
    assert float(split["experts"].flops) == pytest.approx(float(alone["experts"].flops) / 8)
    assert float(weight_bytes(a, shares=wide)) < float(weight_bytes(a, shares=ONE)) / 4


def test_narrow_weights_are_read_in_fewer_bytes() -> None:
    a = read_architecture("llama-3.1-8b")
    by_format = {
        w: sum(
            float(op.bytes_read)
            for op in token_operations(a, a.blocks[0], tokens=1.0, shares=Shares.of(weights=w))
            if op.kind == "gemm"
        )
        for w in ("bf16", "fp8", "int4")
    }
    assert by_format["fp8"] / by_format["bf16"] == pytest.approx(0.5, abs=0.01)
    assert by_format["int4"] / by_format["bf16"] == pytest.approx(0.2578, abs=0.01)


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'fp8'"):
        Shares.of(weights="fp88")

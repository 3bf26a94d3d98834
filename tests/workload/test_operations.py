"""FLOPs against torch's counter and published figures; what a layout must conserve."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.errors import InputError
from gigawatt.workload import (
    Architecture,
    Operation,
    block_operations,
    embedding_operations,
    head_operations,
    list_models,
    model_flops_per_token,
    read_architecture,
)
from gigawatt.workload.architecture import Attention
from gigawatt.workload.matrices import matrices
from gigawatt.workload.operations import visible_pairs

# Made by tests/oracles/workload_flops.py with torch's FlopCounterMode on eager attention.
GOLDEN = json.loads(Path(__file__).with_name("golden_flops.json").read_text())
ONE = {"microbatch": 1.0, "tensor": 1.0, "context": 1.0, "expert": 1.0, "sequence_parallel": 0.0}
GEMMS = ("gemm", "grouped_gemm")
SOME = [
    "llama-3.1-8b",
    "deepseek-v3",
    "mixtral-8x7b",
    "gpt-oss-20b",
    "gemma-2-9b",
    "gpt2",
    "falcon-7b",
    "llama-4-scout",
]


def flops(operations: tuple[Operation, ...], phase: str, kinds: tuple[str, ...]) -> np.ndarray:
    return sum(
        (op.flops * op.launches for op in operations if op.phase == phase and op.kind in kinds), np.zeros(())
    )


def everything(
    model: Architecture, sequence: float, **layout: object
) -> list[tuple[int, tuple[Operation, ...]]]:
    keywords = {**ONE, "number_format": "bf16", **layout}
    causal = keywords.pop("causal", True)
    blocks = [
        (block.count, block_operations(model, block, sequence=sequence, causal=causal, **keywords))
        for block in model.blocks
    ]
    return [*blocks, (1, head_operations(model, sequence=sequence, **keywords))]


def total(
    model: Architecture, sequence: float, phase: str, kinds: tuple[str, ...], **layout: object
) -> np.ndarray:
    return sum(n * flops(ops, phase, kinds) for n, ops in everything(model, sequence, **layout))


@pytest.mark.parametrize("name", sorted(GOLDEN["cases"]))
def test_flops_equal_torch_counter(name: str, tmp_path: Path) -> None:
    case = GOLDEN["cases"][name]
    (tmp_path / "config.json").write_text(json.dumps(case["config"]))
    model = read_architecture(tmp_path)
    layout = {"microbatch": float(GOLDEN["batch"]), "causal": False}
    dense, attention = (
        [total(model, GOLDEN["sequence"], phase, kinds, **layout) for phase in ("forward", "backward")]
        for kinds in (GEMMS, ("attention",))
    )
    # Falcon with one key-value head and sinks change nothing; eager attention runs four multiplications
    # backward where fused attention computes the scores again: 2 x forward in place of our five.
    assert dense[0] + attention[0] == case["forward"]
    assert dense[1] + 2 * attention[0] == case["backward"]
    a = model.blocks[0].attention
    assert attention[1] / attention[0] == pytest.approx(
        (3 * a.head_dim + 2 * a.value_dim) / (a.head_dim + a.value_dim)
    )


@pytest.mark.parametrize("name", list_models())
def test_forward_gemms_are_two_flops_a_weight_and_token(name: str) -> None:
    model = read_architecture(name)
    for block in model.blocks:
        operations = block_operations(
            model, block, sequence=1024.0, **{**ONE, "microbatch": 2.0}, number_format="bf16"
        )
        e = block.experts
        weights = sum(
            m.weights * (e.per_token / e.count if e is not None and m.groups > 1 else 1.0)
            for m in matrices(model.hidden, block)
        )
        assert flops(operations, "forward", GEMMS) == pytest.approx(2 * weights * 2048, rel=1e-12)
        assert flops(operations, "backward", GEMMS) == pytest.approx(4 * weights * 2048, rel=1e-12)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("causal", [False, True])
def test_model_flops_are_the_operations_less_what_is_computed_again(name: str, causal: bool) -> None:
    model, sequence = read_architecture(name), 3000.0
    done = sum(total(model, sequence, phase, GEMMS, causal=causal) for phase in ("forward", "backward"))
    done += 3 * total(model, sequence, "forward", ("attention",), causal=causal)
    assert model_flops_per_token(model, sequence, causal=causal) * sequence == pytest.approx(done, rel=1e-12)


def test_model_flops_of_gpt3_are_those_of_megatron() -> None:
    # Narayanan et al. 2021, equation 3: 96 B s l h^2 (1 + s/6h + V/16lh) with recomputation, so 72 without.
    for name in ("gpt3-175b", "gpt-530b", "gpt-1t"):
        model = read_architecture(name)
        s, layers, h, v = 2048.0, model.layers, model.hidden, model.vocabulary
        published = 72 * layers * h**2 * (1 + s / (6 * h) + v / (12 * layers * h))
        assert model_flops_per_token(model, s) == pytest.approx(published, rel=1e-12)


def test_model_flops_of_llama_405b_near_six_per_parameter() -> None:
    # Llama 3 report, section 3.1: 3.8e25 FLOPs for 15.6T tokens (6 x 405B x 15.6T).
    model = read_architecture("llama-3.1-405b")
    assert model_flops_per_token(model, 8192.0, causal=True) * 15.6e12 == pytest.approx(3.8e25, rel=0.08)


def test_prediction_module_costs_one_more_layer_and_head() -> None:
    model = read_architecture("deepseek-v3")
    with_module, without = (model_flops_per_token(model, 4096.0, prediction=p) for p in (True, False))
    assert 1 / 61 < with_module / without - 1 < 3 / 61


def _layouts(model: Architecture, count: int = 40) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    groups = min(block.attention.key_value_heads for block in model.blocks)
    experts = max((block.experts.count for block in model.blocks if block.experts), default=1)
    powers = 2.0 ** np.arange(5)
    return {
        "microbatch": rng.choice(powers, count),
        "tensor": rng.choice(powers[powers <= groups], count),
        "context": rng.choice(powers, count),
        "expert": rng.choice(powers[powers <= experts], count),
        "sequence_parallel": np.ones(count),
    }


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("number_format", ["bf16", "fp8"])
def test_ranks_together_do_what_one_device_does(name: str, number_format: str) -> None:
    model = read_architecture(name)
    layouts = _layouts(model)
    for phase in ("forward", "backward"):
        for kinds in (GEMMS, ("attention",)):
            mine = total(model, 8192.0, phase, kinds, number_format=number_format, **layouts)
            alone = total(model, 8192.0, phase, kinds, number_format=number_format)
            together = mine * layouts["tensor"] * layouts["context"] / layouts["microbatch"]
            np.testing.assert_allclose(together, alone, rtol=1e-12)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("number_format", ["bf16", "fp8", "fp32"])
def test_arrays_are_finite_and_not_negative_and_each_layout_is_its_own(name: str, number_format: str) -> None:
    model = read_architecture(name)
    layouts = _layouts(model, 5)
    keywords = {"sequence": 4096.0, "number_format": number_format}
    makers = [lambda kw, b=b: block_operations(model, b, **kw) for b in model.blocks]
    makers += [lambda kw: embedding_operations(model, **kw), lambda kw: head_operations(model, **kw)]
    for make in makers:
        rows = make({**layouts, **keywords})
        single = make({**{key: value[3] for key, value in layouts.items()}, **keywords})
        for row, alone in zip(rows, single, strict=True):
            for field in ("m", "n", "k", "batch", "flops", "bytes_read", "bytes_written", "launches"):
                values = np.broadcast_to(getattr(row, field), (5,))
                assert np.all(np.isfinite(values)), (row.name, field)
                assert np.all(values >= 0), (row.name, field)
                assert values[3] == pytest.approx(float(getattr(alone, field)), rel=1e-12)
            if row.kind in GEMMS:
                np.testing.assert_allclose(row.flops, 2 * row.batch * row.m * row.n * row.k, rtol=1e-12)
                assert np.all(row.bytes_read + row.bytes_written > 0)
            if row.kind == "memory":
                assert float(np.max(row.flops)) == 0
                assert np.all(row.bytes_read > 0)


def test_experts_keep_their_tokens() -> None:
    model = read_architecture("qwen3-30b-a3b")
    expert = np.array([1.0, 2.0, 8.0, 32.0])
    rows = block_operations(
        model, model.blocks[0], sequence=4096.0, number_format="bf16", **{**ONE, "expert": expert}
    )
    (up,) = [op for op in rows if op.name == "experts.up"]
    np.testing.assert_allclose(up.batch, 128 / expert)
    np.testing.assert_allclose(up.batch * up.m, 4096 * 8)


def test_key_value_heads_are_repeated_beyond_their_number() -> None:
    model = read_architecture("llama-3.1-405b")
    rows = block_operations(
        model,
        model.blocks[0],
        sequence=8192.0,
        number_format="bf16",
        **{**ONE, "tensor": np.array([8.0, 16.0])},
    )
    (qkv,) = [op for op in rows if op.name == "attention.qkv"]
    np.testing.assert_allclose(qkv.n, [128 * (16 + 2), 128 * (8 + 2)])


def test_narrow_formats_leave_router_scores_and_head_wide() -> None:
    model = read_architecture("deepseek-v3")
    moe = model.blocks[1]
    rows = block_operations(model, moe, sequence=4096.0, number_format="fp8", **ONE)
    formats = {op.name: op.number_format for op in rows if op.phase == "forward"}
    assert formats["experts.up"] == formats["attention.output"] == "fp8"
    assert formats["router"] == formats["attention.scores"] == formats["norm"] == "bf16"
    assert sum(op.name == "cast" for op in rows) == 2
    assert {
        op.number_format for op in head_operations(model, sequence=4096.0, number_format="fp8", **ONE)
    } == {"bf16"}
    wide = block_operations(model, moe, sequence=4096.0, number_format="bf16", **ONE)
    assert not any(op.name == "cast" for op in wide)


def test_known_block_by_hand() -> None:
    # Llama 2 7B, one sequence of 4096 on one device: bytes counted by hand from shapes.
    model = read_architecture("llama-2-7b")
    rows = {
        (op.name, op.phase): op
        for op in block_operations(model, model.blocks[0], sequence=4096.0, number_format="bf16", **ONE)
    }
    s, h, w = 4096, 4096, 11008
    up = rows["mlp.up", "forward"]
    assert (up.m, up.n, up.k) == (s, 2 * w, h)
    assert up.bytes_read == 2 * (s * h + 2 * w * h)
    assert up.bytes_written == 2 * s * 2 * w
    weight = rows["mlp.up.weight_gradient", "backward"]
    assert (weight.m, weight.n, weight.k) == (h, 2 * w, s)
    assert weight.bytes_written == 4 * h * 2 * w
    scores = rows["attention.scores", "forward"]
    assert scores.flops == 4 * h * s * (s + 1) / 2
    assert scores.bytes_read == 2 * 3 * s * h
    assert rows["norm", "forward"].launches == 2
    assert len(rows) <= 25


def test_unknown_format_is_refused() -> None:
    model = read_architecture("gpt2")
    with pytest.raises(
        InputError, match=r"number_format: this number format is not known; given 'bf61'.*'bf16'\?"
    ):
        block_operations(model, model.blocks[0], sequence=8.0, number_format="bf61", **ONE)


def _brute(sequence: int, window: int | None, chunk: int | None) -> int:
    i, j = np.arange(sequence)[:, None], np.arange(sequence)[None, :]
    seen = j <= i
    if window is not None:
        seen &= i - j < window
    if chunk is not None:
        seen &= i // chunk == j // chunk
    return int(seen.sum())


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 60), st.none() | st.integers(1, 70), st.none() | st.integers(1, 70))
def test_pairs_are_those_of_the_mask(sequence: int, window: int | None, chunk: int | None) -> None:
    if window is not None:
        chunk = None
    attention = Attention(heads=1, key_value_heads=1, head_dim=1, value_dim=1, window=window, chunk=chunk)
    assert visible_pairs(attention, sequence) == _brute(sequence, window, chunk)
    assert (
        visible_pairs(attention, sequence) <= visible_pairs(attention, sequence, causal=False) <= sequence**2
    )


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(SOME), st.integers(1, 20_000), st.integers(1, 20_000))
def test_longer_sequences_cost_more_a_token(name: str, one: int, other: int) -> None:
    model = read_architecture(name)
    short, long = sorted((one, other))
    for causal in (False, True):
        few, many = (model_flops_per_token(model, s, causal=causal) for s in (short, long))
        if causal and any(block.attention.chunk for block in model.blocks):
            continue  # a new chunk starts short
        assert few <= many * (1 + 1e-12)


def test_more_layers_cost_more(tmp_path: Path) -> None:
    values = GOLDEN["cases"]["llama"]["config"]
    found = []
    for layers in (1, 2, 5):
        (tmp_path / "config.json").write_text(json.dumps({**values, "num_hidden_layers": layers}))
        found.append(model_flops_per_token(read_architecture(tmp_path), 512.0))
    assert found[2] - found[1] == pytest.approx(3 * (found[1] - found[0]))
    assert found[0] < found[1]

"""FLOPs against torch's counter and published figures; what a layout must conserve."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
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
from gigawatt.workload.architecture import Attention, Block, DeltaRule, Experts, Indexer, StateSpace
from gigawatt.workload.matrices import matrices
from gigawatt.workload.model_flops import indexer_pairs
from gigawatt.workload.operation import make_device
from gigawatt.workload.operations import visible_pairs
from gigawatt.workload.operations_mixers import mixer_operations

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
    "nemotron-3-super-120b-a12b",
    "qwen3.5-35b-a3b",
    "kimi-linear-48b-a3b",
    "deepseek-v4-flash",
    "minimax-m3",
    "glm-5.3",
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
        (
            block.count * block.repeats,
            block_operations(model, block, sequence=sequence, causal=causal, **keywords),
        )
        for block in model.blocks
    ]
    return [*blocks, (1, head_operations(model, sequence=sequence, **keywords))]


def total(
    model: Architecture, sequence: float, phase: str, kinds: tuple[str, ...], **layout: object
) -> np.ndarray:
    return sum(n * flops(ops, phase, kinds) for n, ops in everything(model, sequence, **layout))


def _named(
    model: Architecture, sequence: float, phase: str, prefixes: tuple[str, ...], **layout: object
) -> np.ndarray:
    """FLOPs of the rows whose names start so, what is computed again left out."""
    rows = everything(model, sequence, **layout)
    return sum(
        n * op.flops * op.launches
        for n, ops in rows
        for op in ops
        if op.phase == phase and op.name.startswith(prefixes) and not op.name.endswith(".again")
    ) + np.zeros(())


@pytest.mark.parametrize("name", sorted(GOLDEN["cases"]))
def test_flops_equal_torch_counter(name: str, tmp_path: Path) -> None:
    case = GOLDEN["cases"][name]
    (tmp_path / "config.json").write_text(json.dumps(case["config"]))
    model = read_architecture(tmp_path)
    sequence, batch = case["sequence"], float(GOLDEN["batch"])
    layout = {"microbatch": batch, "causal": False}

    def named(phase: str, *prefixes: str) -> np.ndarray:
        return _named(model, sequence, phase, prefixes, **layout)

    forward = named("forward", "")
    # Eager attention runs four multiplications backward where fused attention computes the scores again:
    # 2 x forward in place of our five. transformers does not train an indexer.
    backward = named("backward", "") - named("backward", "attention.scores", "indexer.")
    backward += 2 * named("forward", "attention.scores")
    for block in model.blocks:
        i = block.attention.indexer
        if i is not None and i.runs and name in ("deepseek_v32", "glm_moe_dsa"):
            # transformers adds the heads' scores up by one more multiplication.
            forward += block.count * 2 * batch * i.heads * sequence**2
        if isinstance(block.mixer, DeltaRule):
            # The state before the first chunk and that behind the last have no gradient, in four products.
            m = block.mixer
            backward -= block.count * 4 * 2 * batch * m.value_heads * m.chunk * m.key_dim * m.value_dim
            if (
                m.decay_rank
            ):  # with a decay a channel transformers forms two of the products element by element
                apart = block.count * 2 * 2 * batch * sequence * m.value_heads * m.chunk * m.key_dim
                forward, backward = forward - apart, backward - 2 * apart
        if block.streams > 1:  # it mixes the streams by a product; here that is memory traffic
            mixed = block.count * 2 * 2 * batch * sequence * block.streams**2 * model.hidden
            forward, backward = forward + mixed, backward + 2 * mixed
    if name == "nemotron_h":  # its oracle counts weights alone
        forward -= named("forward", "attention.scores", "scan.")
        backward -= named("backward", "scan.") + 2 * named("forward", "attention.scores")
    assert forward == case["forward"]
    assert backward == case["backward"]
    a = model.attention
    scores = [named(phase, "attention.scores") for phase in ("forward", "backward")]
    if len({block.attention for block in model.blocks}) == 1:
        assert scores[1] / scores[0] == pytest.approx(
            (3 * a.head_dim + 2 * a.value_dim) / (a.head_dim + a.value_dim)
        )


def test_scan_is_that_of_the_papers_listing() -> None:
    case = GOLDEN["scan"]
    mixer = StateSpace(
        heads=case["heads"],
        head_dim=case["head_dim"],
        state=case["state"],
        groups=case["groups"],
        kernel=4,
        chunk=case["chunk"],
    )
    device = make_device(
        microbatch=GOLDEN["batch"],
        sequence=case["sequence"],
        tensor=1,
        context=1,
        expert=1,
        sequence_parallel=0,
        number_format="bf16",
    )
    rows = [op for op in mixer_operations(mixer, device) if not op.name.endswith(".again")]
    found = {
        phase: sum(float(op.flops * op.launches) for op in rows if op.phase == phase)
        for phase in ("forward", "backward")
    }
    assert found == {phase: pytest.approx(case[phase], rel=1e-12) for phase in found}
    assert mixer.flops * GOLDEN["batch"] * case["sequence"] == pytest.approx(case["forward"], rel=1e-12)


CORES = ("scan.", "delta.")
"""Names of the multiplications of mixers, which have no weights."""


def _weights(operations: tuple[Operation, ...], phase: str) -> np.ndarray:
    return flops(tuple(op for op in operations if not op.name.startswith(CORES)), phase, GEMMS)


@pytest.mark.parametrize("name", list_models())
def test_forward_gemms_are_two_flops_a_weight_and_token(name: str) -> None:
    model = read_architecture(name)
    for block in model.blocks:
        operations = block_operations(
            model, block, sequence=1024.0, **{**ONE, "microbatch": 2.0}, number_format="bf16"
        )
        e = block.experts

        def weights(detached: float, block: Block = block, e: Experts | None = e) -> float:
            return sum(
                m.weights
                * (e.per_token / e.count if e is not None and m.groups > 1 else 1.0)
                * (detached if m.detached else 1.0)
                for m in matrices(model.hidden, block)
            )

        assert _weights(operations, "forward") == pytest.approx(2 * weights(1.0) * 2048, rel=1e-12)
        assert _weights(operations, "backward") == pytest.approx(4 * weights(0.5) * 2048, rel=1e-12)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("causal", [False, True])
def test_model_flops_are_the_operations_less_what_is_computed_again(name: str, causal: bool) -> None:
    model, sequence = read_architecture(name), 3000.0
    done = 0.0
    for count, operations in everything(model, sequence, causal=causal):
        for op in operations:
            if op.kind == "memory" or op.name.endswith(".again"):
                continue
            # Attention and indexer compute their scores again.
            share = 1.0
            if op.kind == "attention":
                share = {"forward": 3.0, "backward": 0.0}[op.phase]
            if op.name == "indexer.scores":
                share = {"forward": 1.0, "backward": 2.0 / 3.0}[op.phase]
            done += count * share * float(op.flops * op.launches)
    assert model_flops_per_token(model, sequence, causal=causal) * sequence == pytest.approx(done, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "sequence", "teraflops", "tokens"),
    [
        ("nemotron3-nano", 8192.0, 776.0, 34816.0),
        ("nemotron3-super", 8192.0, 600.0, 7040.0),
        ("nemotron3-ultra", 8192.0, 923.0, 2528.0),
        ("deepseek-v4-flash", 4096.0, 706.0, 7776.0),
    ],
)
def test_model_flops_are_near_those_of_megatron_bridge(
    name: str, sequence: float, teraflops: float, tokens: float
) -> None:
    # Megatron-Bridge performance summary, releases 26.06 and 26.08: model TFLOP/s and tokens/s of one GPU,
    # GB200 in MXFP8. Its own count of a scan is a rounder one, and it pads.
    published = teraflops * 1e12 / tokens
    assert model_flops_per_token(read_architecture(name), sequence) == pytest.approx(published, rel=0.04)


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
    groups = min(block.attention.key_value_heads for block in model.blocks if block.attention.heads)
    if any(
        block.attention.indexer is not None and block.attention.indexer.weighted for block in model.blocks
    ):
        groups = 1  # every tensor rank scores for itself
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


def _brute(sequence: int, window: int | None, chunk: int | None, pool: int = 0, most: int = 10**6) -> int:
    i, j = np.arange(sequence)[:, None], np.arange(sequence)[None, :]
    seen = j <= i
    if window is not None:
        seen &= i - j < window
    if chunk is not None:
        seen &= i // chunk == j // chunk
    if not pool:
        return int(np.minimum(seen.sum(axis=1), most).sum())
    pools = ((np.arange(sequence // pool)[None, :] + 1) * pool <= i + 1).sum(axis=1)
    return int(seen.sum()) + int(np.minimum(pools, most).sum())


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


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 90),
    st.none() | st.integers(1, 40),
    st.integers(0, 9),
    st.none() | st.integers(1, 30),
)
def test_selected_and_pooled_pairs_are_those_of_the_mask(
    sequence: int, window: int | None, pool: int, keys: int | None
) -> None:
    indexer = None if keys is None else Indexer(heads=1, head_dim=1, keys=keys)
    attention = Attention(1, 1, 1, 1, window=window, compression=pool, indexer=indexer)
    most = 10**6 if keys is None else keys
    pairs = visible_pairs(attention, sequence)
    if pool or window is None:
        assert pairs == _brute(sequence, window, None, pool, most)
    assert pairs <= visible_pairs(attention, sequence, causal=False)
    scored, selected = indexer_pairs(attention, sequence)
    if indexer is None:
        assert scored == selected == 0
    else:
        nothing = _brute(sequence, 1, None) if pool else 0
        assert scored == _brute(sequence, 1 if pool else None, None, pool) - nothing
        assert selected <= scored
        assert indexer_pairs(replace(attention, indexer=replace(indexer, runs=False)), sequence) == (0, 0)


@pytest.mark.parametrize(("name", "share"), [("deepseek-v4-pro", 0.27), ("deepseek-v4-flash", 0.10)])
def test_a_token_of_deepseek_v4_costs_what_its_report_says(name: str, share: float) -> None:
    # DeepSeek-V4 report, abstract and section 1: at one million tokens of context a token of V4-Pro needs
    # 27 % of the FLOPs of V3.2, one of V4-Flash 10 %, products of narrow numbers weighed less. Forward, the
    # cost of tokens behind a million; unweighed it is 27 % and 12 %.
    step, context = 1024.0, 2.0**20

    def token(name: str) -> float:
        model = read_architecture(name)
        layers = [block for block in model.blocks if block.role == "layer"]

        def forward(sequence: float) -> float:
            rows = [
                (block.count, block_operations(model, block, sequence=sequence, number_format="bf16", **ONE))
                for block in layers
            ]
            return sum(n * float(flops(ops, "forward", (*GEMMS, "attention"))) for n, ops in rows)

        return (forward(context + step) - forward(context)) / step

    assert token(name) / token("deepseek-v3.2") == pytest.approx(share, abs=0.025)


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

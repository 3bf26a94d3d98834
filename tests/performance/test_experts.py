"""Layers of experts in training: grouped multiplications, their kernels, dispatch, and what is fused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.core.errors import MissingDataError
from gigawatt.machine import Chip, build_cluster, load_chip
from gigawatt.performance import Layouts, TrainingRun, evaluate, load_stack
from gigawatt.performance.chunked import chunked, is_chunked
from gigawatt.performance.experts import (
    device_kernels,
    exchange_share,
    grouped_cost,
    issued,
    memory_passes,
)
from gigawatt.performance.stacks import Stack
from gigawatt.technology import Efficiency, technology
from gigawatt.workload.mixers import DeltaRule, LinearAttention, StateSpace
from gigawatt.workload.operation import Operation, make_device
from gigawatt.workload.operations import block_operations
from gigawatt.workload.operations_mixers import mixer_operations
from gigawatt.workload.reader import read_architecture

GB200, H100 = load_chip("GB200"), load_chip("H100")
STACK = load_stack("megatron-bridge", "26.04", chip=GB200)
FULL = Efficiency()


def product(
    tokens: float, n: float, k: float, experts: float, form: str, name: str = "experts.up"
) -> Operation:
    """``experts`` multiplications of ``tokens`` × k by k × n."""
    sizes = [np.asarray(x, dtype=float) for x in (tokens, n, k, experts)]
    flops = 2.0 * tokens * n * k * experts
    moved = np.asarray(experts * (tokens * k + k * n))
    written = np.asarray(2.0 * experts * tokens * n)
    one = np.ones(())
    return Operation(
        name=name,
        kind="grouped_gemm",
        phase="forward",
        m=sizes[0],
        n=sizes[1],
        k=sizes[2],
        batch=sizes[3],
        flops=np.asarray(flops),
        bytes_read=moved,
        bytes_written=written,
        launches=one,
        number_format=form,
    )


def tflops(chip: str, operation: Operation, stack: Stack) -> float:
    """Rate of an operation on a chip [TFLOP/s]."""
    machine = load_chip(chip)
    found = grouped_cost(technology(machine.technology, training=True), operation, machine, FULL, stack)
    return float(operation.flops) / max(float(found.arithmetic), float(found.memory)) / 1e12


@pytest.mark.parametrize(
    ("chip", "tokens", "n", "k", "experts", "measured"),
    [
        ("GB200", 8192, 2048, 7168, 4, 2672),  # NVIDIA 2025, several streams of cuBLAS, MXFP8
        ("B200-SXM-180GB", 16384, 2048, 7168, 8, 2970),  # torchao 2026, one kernel, MXFP8: 66 % of the peak
        ("B200-SXM-180GB", 16384, 7168, 2048, 8, 2925),  # the same, input gradient: 65 %
        ("H100", 4096, 2048, 7168, 8, 1235),  # torchao 2026, DeepGEMM
        ("H100", 1024, 4096, 7168, 256, 972),  # PyTorch pull request 195025
    ],
)
def test_grouped_multiplications_as_published(
    chip: str, tokens: float, n: float, k: float, experts: float, measured: float
) -> None:
    """Within a quarter of the published kernels, whoever wrote them."""
    found = tflops(chip, product(tokens, n, k, experts, "fp8"), replace(STACK, grouped=1.0))
    assert found == pytest.approx(measured, rel=0.3)


def test_fewer_tokens_an_expert_are_slower() -> None:
    rates = [tflops("H100", product(m, 4096, 7168, 256, "fp8"), STACK) for m in (4, 128, 1024, 8192)]
    assert rates[0] < 0.1 * rates[2]
    assert rates == sorted(rates)


def test_weight_gradients_have_a_share_of_their_own() -> None:
    forward, gradient = (
        product(8192, 4096, 4096, 8, "bf16", name) for name in ("experts.up", "experts.up.weight_gradient")
    )
    stack = replace(STACK, grouped=1.0, grouped_gradient=0.5)
    assert tflops("H100", forward, stack) == pytest.approx(2.0 * tflops("H100", gradient, stack))
    alone = product(8192, 4096, 4096, 1, "bf16", "experts.up.weight_gradient")
    assert tflops("H100", alone, stack) == pytest.approx(
        tflops("H100", alone, replace(stack, grouped_gradient=1.0))
    )


def test_kernels_of_every_expert_are_launched_and_issued() -> None:
    up, gradient = (
        product(64, 64, 64, 16, "fp8"),
        product(64, 64, 64, 16, "fp8", "experts.up.weight_gradient"),
    )
    stack = replace(STACK, grouped_kernels=1.0, cast_kernels=2.0, kernels=5.0, router_kernels=72.0)
    assert device_kernels(up, stack) == 16 * 3
    assert device_kernels(gradient, stack) == 16
    assert device_kernels(replace(up, number_format="bf16"), stack) == 16
    assert issued(gradient, stack) == pytest.approx(1.0 + 15 / 5)
    together = replace(stack, grouped_kernels=0.0)
    assert device_kernels(up, together) == issued(up, together) == 1.0
    router = replace(up, name="router.top_k", kind="memory")
    assert device_kernels(router, stack) == 36
    assert issued(router, stack) == pytest.approx(36 / 5)


def test_what_is_fused_does_not_pass_through_memory() -> None:
    gpt, qwen = read_architecture("gpt-oss-120b"), read_architecture("qwen3-30b-a3b")
    portion = {"microbatch": 1.0, "sequence": 4096.0, "tensor": 1.0, "context": 1.0, "expert": 8.0,
               "sequence_parallel": 0.0, "number_format": "fp8"}  # fmt: skip
    names = {
        model.name: {op.name: op for op in block_operations(model, model.blocks[0], **portion)}  # pyright: ignore[reportArgumentType]
        for model in (gpt, qwen)
    }
    clamped, plain = names[gpt.name]["experts.clamped"], names[qwen.name]["experts.activation"]
    fused = replace(STACK, expert_passes=0.0)
    assert memory_passes(clamped, STACK, narrow=False) == STACK.traffic * STACK.clamped > STACK.traffic
    for op in (clamped, plain, names[qwen.name]["experts.cast"]):
        assert memory_passes(op, fused, narrow=True) == 0.0 < memory_passes(op, fused, narrow=False)
    assert memory_passes(names[qwen.name]["cast"], fused, narrow=True) == STACK.cast
    sort = names[qwen.name]["experts.permute"]
    assert memory_passes(sort, replace(STACK, permute=2.0, permutes=3.0), narrow=False) == 6.0 * STACK.traffic


def test_dispatchers_have_rates_by_chip() -> None:
    assert exchange_share("all-to-all", GB200) == 1.0
    assert exchange_share("deepep", GB200) < exchange_share("deepep", H100) < 1.0
    assert exchange_share("deepep", load_chip("TPU-v5p")) == 1.0
    with pytest.raises(MissingDataError, match="no such dispatcher"):
        exchange_share("pigeon", GB200)


def exposed(stack: Stack) -> float:
    run = TrainingRun(read_architecture("qwen3-30b-a3b"), 1e12, 4096, 512)
    cluster = build_cluster(chip="H100", count=16)[0]
    layouts = Layouts.of(data=16, expert=16, zero=1, microbatch=1, global_batch=512)
    parts = evaluate(run, layouts, cluster, stack).parts
    return float(parts["interconnect_bandwidth"][0] + parts["interconnect_latency"][0])


def test_an_exchange_is_hidden_up_to_its_share() -> None:
    stack = replace(load_stack("megatron-core", 2026, chip=H100), overlap_data=1.0, contention=0.0)
    shown = [exposed(replace(stack, overlap_expert=1.0, hidden_expert=h)) for h in (0.0, 0.5, 1.0)]
    assert shown[0] > shown[1] > shown[2]
    assert shown[0] - shown[1] == pytest.approx(shown[1] - shown[2], rel=0.05)
    assert exposed(replace(stack, overlap_expert=0.0, hidden_expert=1.0)) == pytest.approx(shown[0])


@pytest.mark.parametrize(
    ("shape", "delta", "linear"),
    [
        ((1, 8192, 96, 128), 4.738, 7.67),
        ((2, 16384, 16, 128), 3.616, 5.984),
        ((4, 4096, 64, 128), 5.964, 10.216),
        ((8, 2048, 32, 256), 8.644, 13.797),
    ],
)
def test_linear_attention_as_published(shape: tuple[int, int, int, int], delta: float, linear: float) -> None:
    """Forward and backward [ms] of the kernels of flash-linear-attention (README, 2026) on GB200."""
    batch, sequence, heads, width = shape
    device = make_device(
        microbatch=float(batch), sequence=float(sequence), tensor=1.0, context=1.0, expert=1.0,
        sequence_parallel=0.0, number_format="bf16",
    )  # fmt: skip
    kind = technology(GB200.technology, training=True)
    mixers = (DeltaRule(heads, heads, width, width, 4, 64), LinearAttention(heads, width, width, 64))
    for mixer, measured in zip(mixers, (delta, linear), strict=True):
        rows = [op for op in mixer_operations(mixer, device) if is_chunked(op)]
        costs = [chunked(kind.cost(op, GB200, FULL), op, GB200, STACK) for op in rows]
        spent = sum(
            float(np.maximum(cost.arithmetic, cost.memory) * op.launches)
            for cost, op in zip(costs, rows, strict=True)
        )
        assert 1e3 * spent == pytest.approx(measured, rel=0.3)


def test_scans_beside_published_kernels() -> None:
    """Forward [ms] of Mamba-2's last kernel on H800, 8 sequences of 8192, 80 heads of 64, a state of 128,
    chunks of 256: 1.278 by TileLang (benchmark/mamba2/README.md, 2025), which its authors' does not reach.
    Beside simple GLA on one shape, 16 sequences of 8192, 8 heads of 128: 2.0 times (fla, pull request 50)."""
    kind = technology(GB200.technology, training=True)

    def spent(mixer: StateSpace | LinearAttention, batch: float, chip: Chip, name: str = "") -> float:
        device = make_device(
            microbatch=batch, sequence=8192.0, tensor=1.0, context=1.0, expert=1.0, sequence_parallel=0.0,
            number_format="bf16",
        )  # fmt: skip
        rows = [op for op in mixer_operations(mixer, device) if is_chunked(op) and op.phase == "forward"]
        costs = [(op, chunked(kind.cost(op, chip, FULL), op, chip, STACK)) for op in rows if name in op.name]
        return sum(1e3 * float(np.maximum(c.arithmetic, c.memory) * op.launches) for op, c in costs)

    assert (
        1.5
        < spent(StateSpace(80, 64, 128, 1, 4, 256), 8.0, load_chip("H800-SXM5-80GB"), "output") / 1.278
        < 5.0
    )
    scan, linear = StateSpace(8, 128, 128, 8, 4, 64), LinearAttention(8, 128, 128, 64)
    assert spent(scan, 16.0, GB200) / spent(linear, 16.0, GB200) == pytest.approx(2.0, rel=0.35)

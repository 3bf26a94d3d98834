"""The step: sums, conservation, monotonicity, limits, and published runs within wide bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.machine import build_cluster
from gigawatt.performance import (
    PARTS,
    Layouts,
    StepTable,
    TrainingRun,
    enumerate_layouts,
    evaluate,
    load_stack,
)
from gigawatt.performance.experts import expert_imbalance
from gigawatt.workload import model_flops_per_token, read_architecture

CASES = {
    "dense": ("llama-3.1-70b", "H100-SXM5-80GB", 256, 4096, 256, "bf16", "megatron-core 2024"),
    "unfused": ("gpt3-175b", "A100-SXM4-80GB", 256, 2048, 256, "bf16", "megatron-core 2021"),
    "experts": ("deepseek-v3", "H800-SXM5-80GB", 256, 4096, 512, "fp8", "hai-llm 2024"),
    "sharded": ("llama-3.1-8b", "H100-SXM5-80GB", 64, 8192, 128, "bf16", "fsdp 2023"),
}


def question(name: str):
    model, chip, count, sequence, batch, number_format, stack = CASES[name]
    run = TrainingRun(read_architecture(model), 1e12, sequence, batch, number_format)
    return run, build_cluster(chip=chip, count=count)[0], load_stack(*stack.split())


def sample(name: str, seed: int, size: int = 200, most: int | None = None):
    """Layouts at random, of at most so many tensor ranks."""
    run, cluster, stack = question(name)
    layouts = enumerate_layouts(run, cluster)
    layouts = layouts.take(np.flatnonzero(layouts.tensor <= (most or cluster.count)))
    chosen = np.random.default_rng(seed).choice(len(layouts), size=min(size, len(layouts)), replace=False)
    return run, layouts.take(chosen), cluster, stack


@pytest.mark.parametrize("name", list(CASES))
def test_parts_sum_to_the_step_and_nothing_is_negative(name: str) -> None:
    run, layouts, cluster, stack = sample(name, 0, 2000)
    found = evaluate(run, layouts, cluster, stack)
    assert tuple(found.parts) == PARTS
    total = np.zeros(len(found))
    for part in found.parts.values():
        total = total + part
    assert np.array_equal(total, found.step_time)
    for group in (found.parts, found.memory, found.energy):
        for key, column in group.items():
            assert np.isfinite(column).all(), key
            assert (column >= 0.0).all(), key
    assert ((found.mfu > 0.0) & (found.mfu < 1.0)).all()
    assert found.tokens_per_second * found.step_time == pytest.approx(run.tokens_per_step)
    assert set(found.energy) >= {
        "idle", "arithmetic", "dram", "sram", "scale_up", "scale_out", "node", "network",
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(list(CASES)),
    seed=st.integers(0, 1000),
    faster=st.floats(1.01, 50.0),
    what=st.sampled_from(["peak", "memory", "scale_up", "scale_out", "latency", "oversubscription"]),
)
def test_a_faster_machine_is_never_slower(name: str, seed: int, faster: float, what: str) -> None:
    run, layouts, cluster, stack = sample(name, seed)
    chip = cluster.chip
    quicker = {
        "peak": lambda: replace(
            cluster, chip=replace(chip, peak={k: v * faster for k, v in chip.peak.items()})
        ),
        "memory": lambda: replace(
            cluster, chip=replace(chip, memory_bandwidth=chip.memory_bandwidth * faster)
        ),
        "scale_up": lambda: replace(
            cluster, scale_up=replace(cluster.scale_up, bandwidth=cluster.scale_up.bandwidth * faster)
        ),
        "scale_out": lambda: replace(
            cluster, scale_out=replace(cluster.scale_out, bandwidth=cluster.scale_out.bandwidth * faster)
        ),
        "latency": lambda: replace(
            cluster,
            scale_up=replace(cluster.scale_up, latency=cluster.scale_up.latency / faster),
            scale_out=replace(cluster.scale_out, latency=cluster.scale_out.latency / faster),
        ),
        "oversubscription": lambda: cluster,
    }[what]()
    slower = replace(cluster, oversubscription=faster) if what == "oversubscription" else cluster
    before = evaluate(run, layouts, slower, stack).step_time
    after = evaluate(run, layouts, quicker, stack).step_time
    assert (after <= before * (1.0 + 1e-9)).all()


@pytest.mark.parametrize("name", ["dense", "experts", "sharded"])
def test_arithmetic_energy_does_not_depend_on_the_layout(name: str) -> None:
    """Without recomputation the same FLOPs are done, wherever: equal to the operations' own count."""
    run, layouts, cluster, stack = sample(name, 1, 3000, most=8)
    # Without sequence parallelism tensor ranks repeat the router and the latent projections, and more ranks
    # than key-value heads repeat those.
    keep = (layouts.recompute == 0) & ((layouts.tensor == 1) | (layouts.sequence_parallel == 1))
    energy = evaluate(run, layouts.take(np.flatnonzero(keep)), cluster, stack).energy["arithmetic"]
    assert len(energy) > 20
    assert energy == pytest.approx(np.full(len(energy), energy[0]), rel=1e-9)
    formats = {
        form: joules * stack.efficiency(cluster.chip, form).voltage ** 2
        for form, joules in cluster.chip.energy_flop.items()
    }  # at the voltage of the step's own clock
    least, most = (
        run.tokens_per_step * model_flops_per_token(run.architecture, run.sequence, causal=c)
        for c in (True, False)
    )
    assert least * formats[run.number_format] < energy[0] * 1.001
    assert energy[0] < most * formats["bf16"] * 1.001


def one(name: str, **columns: int) -> StepTable:
    run, cluster, stack = question(name)
    count = int(np.prod([columns.get(k, 1) for k in ("tensor", "pipeline", "data", "context")]))
    cluster = replace(cluster, count=count)
    return evaluate(run, Layouts.of(global_batch=run.global_batch, **columns), cluster, stack)


def test_one_device_neither_communicates_nor_waits() -> None:
    found = one("sharded", data=1)
    for part in ("interconnect_bandwidth", "interconnect_latency", "pipeline_bubble"):
        assert found.parts[part][0] == 0.0
    assert found.energy["scale_up"][0] == found.energy["scale_out"][0] == 0.0


def test_one_data_rank_exchanges_no_gradients() -> None:
    """Tensor ranks in one domain: nothing crosses the fabric; two data ranks beyond it: gradients do."""
    assert one("dense", tensor=8).energy["scale_out"][0] == 0.0
    assert one("dense", tensor=8, data=2, zero=1).energy["scale_out"][0] > 0.0


def test_gradients_summed_apart_cost_six_bytes_a_weight_and_microbatch() -> None:
    """Autograd adds in place in 16 bit: both read, one written. One microbatch, or ZeRO 2, sums nothing."""
    run, cluster, stack = question("unfused")
    layouts = sample("unfused", 3, 400)[1]
    apart, fused = (evaluate(run, layouts, cluster, replace(stack, sum_bytes=b)) for b in (6.0, 0.0))
    added = apart.parts["memory_bandwidth"] - fused.parts["memory_bandwidth"]
    sums = (layouts.microbatches > 1) & (layouts.zero < 2)
    assert (added[~sums] == 0.0).all()
    assert 0 < sums.sum() < len(sums)
    held = run.architecture.parameters.total / (layouts.tensor * layouts.pipeline)
    moved = added * cluster.chip.memory_bandwidth * stack.memory / layouts.microbatches / 6.0
    assert moved[sums] == pytest.approx(held[sums], rel=0.1)  # stages are not all alike


def test_bubble_is_that_of_one_forward_one_backward() -> None:
    """(p − 1)/m of the work with equal stages and nothing else (Narayanan et al. 2021, section 2.2)."""
    run, cluster, stack = question("dense")
    model = run.architecture
    tiny = replace(model, vocabulary=1)  # embedding and head weigh nothing: stages are nearly alike
    run = replace(run, architecture=tiny)
    cluster = replace(cluster, count=8)
    stack = replace(stack, step_overhead=0.0, bucket=0.0, host=0.0)
    for interleave in (1, 2, 5):
        layout = Layouts.of(global_batch=256, pipeline=8, interleave=interleave)
        parts = evaluate(run, layout, cluster, stack).parts
        work = parts["arithmetic"] + parts["launch"] + parts["interconnect_bandwidth"]
        work = work + parts["interconnect_latency"] + parts["memory_bandwidth"]
        assert parts["pipeline_bubble"] / work == pytest.approx(7 / 256 / interleave, abs=8e-4)


def test_recomputation_trades_time_for_memory() -> None:
    found = one("dense", tensor=8, pipeline=4, data=8, zero=1, recompute=np.arange(3))
    assert np.all(np.diff(found.memory["activations"]) <= 0.0)
    assert np.all(np.diff(found.step_time) > 0.0)
    forward_share = found.energy["arithmetic"][2] / found.energy["arithmetic"][0]
    assert forward_share == pytest.approx(4 / 3, abs=0.03)


def test_a_faster_format_that_the_chip_lacks() -> None:
    run, cluster, stack = question("unfused")
    with pytest.raises(
        InputError, match="A100-SXM4-80GB does not multiply in this number format; given 'fp8'"
    ):
        evaluate(replace(run, number_format="fp8"), Layouts.of(global_batch=256, data=256), cluster, stack)


def test_layouts_of_another_cluster_are_refused() -> None:
    run, cluster, stack = question("dense")
    with pytest.raises(InputError, match="is not the accelerators of the cluster; given 8; allowed: 256"):
        evaluate(run, Layouts.of(global_batch=256, tensor=8), cluster, stack)


def test_busiest_expert_rank_matches_a_simulation() -> None:
    """Largest of 64 multinomial counts with a mean of 4096, 400 draws of numpy's generator."""
    draws = np.random.default_rng(7).multinomial(64 * 4096, np.full(64, 1 / 64), size=400).max(axis=1).mean()
    ours = expert_imbalance(tokens=np.array([512.0]), per_token=8, expert=np.array([64.0]), skew=0.0)[0]
    assert ours == pytest.approx(draws / 4096, abs=0.02)
    assert expert_imbalance(tokens=np.array([512.0]), per_token=8, expert=np.array([1.0]), skew=0.3)[0] == 1.0


@pytest.mark.parametrize(
    ("model", "chip", "count", "sequence", "batch", "stack", "columns", "published", "within"),
    [
        # Llama 3, table 4: 8,192 and 16,384 H100, 430 and 400 TFLOP/s per GPU (arXiv 2407.21783).
        ("llama-3.1-405b", "H100-SXM5-80GB", 16384, 8192, 2048, "llama-3 2024",
         # Its schedule is interleaved (section 3.3.2; how often is not said).
         {"tensor": 8, "pipeline": 16, "data": 128, "interleave": 4, "sequence_parallel": 1, "zero": 1},
         400e12, 0.25),
        # Narayanan et al. 2021, table 1: GPT-3 on 1,024 A100, 140 TFLOP/s with recomputation: 105 without.
        ("gpt3-175b", "A100-SXM4-80GB", 1024, 2048, 1536, "megatron-core 2021",
         {"tensor": 8, "pipeline": 16, "data": 8, "recompute": 2}, 105e12, 0.25),
    ],
)  # fmt: skip
def test_published_runs_are_not_far(
    model: str, chip: str, count: int, sequence: int, batch: int, stack: str, columns: dict[str, int],
    published: float, within: float,
) -> None:  # fmt: skip
    """A sanity bound, not the scorecard (`gigawatt validate training`): parameters are not fitted to it."""
    run = TrainingRun(read_architecture(model), 1e12, sequence, batch)
    cluster, _ = build_cluster(chip=chip, count=count)
    found = evaluate(run, Layouts.of(global_batch=batch, **columns), cluster, load_stack(*stack.split()))
    rate = found.mfu[0] * cluster.chip.peak["bf16"]
    assert abs(rate / published - 1.0) < within


@pytest.mark.parametrize("name", ["dense", "experts"])
def test_a_step_takes_the_longer_of_host_and_device(name: str) -> None:
    run, layouts, cluster, stack = sample(name, 3, 60, most=8)
    device = evaluate(run, layouts, cluster, replace(stack, host=0.0))
    fast = replace(cluster.chip, peak={key: 4.0 * rate for key, rate in cluster.chip.peak.items()})
    machines = [cluster, replace(cluster, chip=fast)]
    eager = replace(stack, host=1.0)  # a second an operation: no device is slower than that
    bound = [evaluate(run, layouts, machine, eager).parts for machine in machines]
    for slow, quick in zip(bound[0].values(), bound[1].values(), strict=True):
        assert slow.shape == quick.shape
    totals = [sum(parts.values(), np.zeros(len(layouts))) for parts in bound]
    assert totals[0] == pytest.approx(totals[1], rel=1e-2)
    last = device.step_time
    for host in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2):
        now = evaluate(run, layouts, cluster, replace(stack, host=host)).step_time
        assert (now >= last * (1.0 - 1e-12)).all()
        last = now
    assert (last > device.step_time).all()


@pytest.mark.parametrize("size", [2, 4])
def test_small_steps_of_an_eager_stack_take_as_long_whatever_the_microbatch(size: int) -> None:
    """vTrain's ground truth, 0.355B on 8 A100, TP 8: 0.1225 s a microbatch of 1, 0.115 s one of 8."""
    cluster = build_cluster(chip="A100-SXM4-80GB", count=8)[0]
    run = TrainingRun(read_architecture("gpt2-medium"), 1e9, 1024, 16, "fp16")
    times = [
        evaluate(
            run,
            Layouts.of(tensor=8, microbatch=one, recompute=2, zero=0, global_batch=16),
            cluster,
            load_stack("deepspeed", 2023),
        ).step_time[0]
        for one in (1, size)
    ]
    assert times[0] / times[1] == pytest.approx(size, rel=0.15)

"""Memory: golden formulas and figures of Korthikanti et al. 2022 and of ZeRO (Rajbhandari et al. 2020)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.machine import build_cluster
from gigawatt.performance import Layouts, TrainingRun, load_stack
from gigawatt.performance.memory import (
    MEMORY_PARTS,
    StageMemory,
    activation_bytes,
    shards,
    stage_parameters,
)
from gigawatt.performance.stacks import Optimizer, Stack, load_optimizer
from gigawatt.performance.step import prepare
from gigawatt.workload import read_architecture

GPT3 = read_architecture("gpt3-175b")
GIB = 2.0**30


def layer(
    *, tensor: float = 1.0, sequence_parallel: int = 0, recompute: int = 0, microbatch: float = 1.0
) -> float:
    return float(
        activation_bytes(
            block=GPT3.blocks[0],
            hidden=GPT3.hidden,
            microbatch=microbatch,
            sequence=2048.0,
            tensor=tensor,
            context=1.0,
            sequence_parallel=sequence_parallel,
            recompute=recompute,
            dropout=1.0,
            fused=False,
        )
    )


S, B, H, A = 2048.0, 1.0, 12288.0, 96.0


@pytest.mark.parametrize(
    ("golden", "keywords"),
    [
        (S * B * H * (34 + 5 * A * S / H), {}),
        (S * B * H * (10 + 24 / 8 + 5 * A * S / (H * 8)), {"tensor": 8.0}),
        (S * B * H / 8 * (34 + 5 * A * S / H), {"tensor": 8.0, "sequence_parallel": 1}),
        (S * B * H * (10 + 24 / 8), {"tensor": 8.0, "recompute": 1}),
        (S * B * H * 34 / 8, {"tensor": 8.0, "sequence_parallel": 1, "recompute": 1}),
        (S * B * H * 2, {"tensor": 8.0, "recompute": 2}),
    ],
)
def test_activations_of_a_layer_are_those_of_table_2(golden: float, keywords: dict) -> None:
    """Korthikanti et al. 2022, table 2, every row, with GPT-3's a = 96, s = 2048, h = 12288."""
    assert layer(**keywords) == pytest.approx(golden, rel=1e-12)


def test_selective_recomputation_saves_what_the_paper_says() -> None:
    """GPT-3: selective recomputation saves 70 % of activation memory (Korthikanti et al. 2022, section 5)."""
    assert 1.0 - layer(recompute=1) / layer() == pytest.approx(0.70, abs=0.005)


def test_every_second_product_of_llama_is_kept_by_torchtitan() -> None:
    """q, v, gate, attention's output and the layer's input: 4096 · 3 + 1024 + 14336 elements a token."""
    llama = read_architecture("llama-3.1-8b")
    found = activation_bytes(
        block=llama.blocks[0],
        hidden=llama.hidden,
        microbatch=1.0,
        sequence=8192.0,
        tensor=1.0,
        context=1.0,
        sequence_parallel=0,
        recompute=1,
        dropout=0.0,
        fused=True,
        selective_products=1.0,
    )
    assert float(found) == pytest.approx(8192 * 2 * (3 * 4096 + 1024 + 14336))


class Question:
    """The keywords of ``StageMemory`` for some layouts of one model."""

    def __init__(
        self,
        model: str,
        count: int,
        stack: str = "deepspeed 2023",
        optimizer: str | Optimizer = "adam-zero",
        sequence: int = 2048,
        **columns: object,
    ) -> None:
        run = TrainingRun(read_architecture(model), 1e12, sequence, 512)
        layouts = Layouts.of(global_batch=512, **columns)  # pyright: ignore[reportArgumentType]
        cluster, _ = build_cluster(chip="A100-SXM4-80GB", count=count)
        self.stack: Stack = load_stack(*stack.split())
        ready = prepare(run, layouts, cluster, self.stack)
        spread = shards(layouts)
        index = ready.costs.index
        self.keywords = {
            "run": run,
            "layouts": layouts,
            "stack": self.stack,
            "optimizer": load_optimizer(optimizer) if isinstance(optimizer, str) else optimizer,
            "cut": ready.cut,
            "shard": spread,
            "parameters": stage_parameters(run.architecture, ready.cut, layouts, spread),
            "activations": ready.costs.activations[:, index],
            "working": ready.costs.working[:, index],
        }

    def device(self, **other: object) -> dict[str, np.ndarray]:
        return StageMemory(**(self.keywords | other)).device()  # pyright: ignore[reportArgumentType]

    def host(self) -> np.ndarray:
        return StageMemory(**self.keywords).host()  # pyright: ignore[reportArgumentType]


def total(parts: dict[str, np.ndarray]) -> np.ndarray:
    return np.sum([parts[name] for name in MEMORY_PARTS], axis=0)


def states(parts: dict[str, np.ndarray]) -> np.ndarray:
    return parts["weights"] + parts["gradients"] + parts["optimizer"]


def test_model_states_are_those_of_zero() -> None:
    """(2 + 2 + 12) Ψ bytes, of which stages 1, 2, 3 share out 12, 14, 16 (ZeRO, figure 1)."""
    found = Question("gpt3-6.7b", 64, data=64, zero=np.arange(4)).device()
    weights = read_architecture("gpt3-6.7b").parameters.total
    golden = [weights * (16 - held + held / 64) for held in (0, 12, 14, 16)]
    assert states(found) == pytest.approx(np.array(golden), rel=1e-3)


@pytest.mark.parametrize(("ranks", "golden"), [(4, (52.5, 41.3, 30.0)), (64, (31.4, 16.6, 1.88))])
def test_gigabytes_of_model_states_are_those_of_table_1(ranks: int, golden: tuple[float, ...]) -> None:
    """ZeRO, table 1: a model of 7.5 billion parameters, stages 1 to 3, as gigabytes of model states."""
    found = Question("gpt3-6.7b", ranks, data=ranks, zero=np.arange(1, 4)).device()
    share = 7.5e9 / read_architecture("gpt3-6.7b").parameters.total
    assert states(found) * share / 1e9 == pytest.approx(np.array(golden), rel=0.005)


def test_hybrid_sharding_spreads_states_over_the_shard_alone() -> None:
    """With 8 ranks of 64 sharing, states are those of 8 data-parallel ranks; with 64, those of 64."""
    hybrid = Question("gpt3-6.7b", 64, data=64, zero=3, shard=[8, 64]).device()
    eight = Question("gpt3-6.7b", 8, data=8, zero=3).device()
    whole = Question("gpt3-6.7b", 64, data=64, zero=3).device()
    assert states(hybrid)[0] == pytest.approx(states(eight)[0], rel=1e-12)
    assert states(hybrid)[1] == pytest.approx(states(whole)[0], rel=1e-12)


def test_pipeline_stages_hold_the_model_once() -> None:
    """One stage of p, first or last, holds about its share: embedding and head at the ends."""
    found = Question("gpt3-175b", 128, tensor=8, pipeline=16).device()
    whole = GPT3.parameters
    share = (whole.total - whole.embedding) / 128 + whole.embedding / 8
    assert found["weights"][0] / 2.0 == pytest.approx(share, rel=0.01)


def test_down_projections_of_latent_attention_are_on_every_tensor_rank() -> None:
    """DeepSeek-V3: 7168 · (1536 + 512 + 64) weights a layer are not split."""
    one, eight = (
        Question("deepseek-v3", 64, data=64 // t, tensor=t, expert=8).keywords["parameters"][0].max()  # type: ignore[index]
        for t in (1, 8)
    )
    model = read_architecture("deepseek-v3")
    whole = sum(b.count * (b.parameters.router + b.parameters.norms) for b in model.blocks)
    latent = 7168 * (1536 + 512 + 64) * sum(b.count for b in model.blocks) + model.hidden  # last norm
    assert eight == pytest.approx((one - whole - latent) / 8 + whole + latent, rel=1e-9)


def test_key_value_heads_are_repeated_where_there_are_fewer_than_ranks() -> None:
    """Llama 3.1 405B has 8: 16 tensor ranks hold one head each, twice in all."""
    found = {
        t: Question("llama-3.1-405b", 16, tensor=t, pipeline=16 // t).keywords["parameters"][0]  # type: ignore[index]
        for t in (8, 16)
    }
    model = read_architecture("llama-3.1-405b")
    twice = model.hidden * 2 * 128 * model.layers / 2
    norms = sum(b.count * b.parameters.norms for b in model.blocks)
    assert found[16].max() == pytest.approx((model.parameters.total - norms) / 16 + norms + twice, rel=1e-4)


def test_memory_parts_are_positive_and_recomputation_saves() -> None:
    found = Question("gpt3-175b", 128, tensor=8, pipeline=16, recompute=np.arange(3)).device()
    assert set(found) == set(MEMORY_PARTS)
    assert all((part >= 0.0).all() for part in found.values())
    assert np.all(np.diff(total(found)) < 0.0)


def test_microbatches_in_flight_multiply_what_is_kept() -> None:
    """Activations grow evenly with the microbatches in flight, by at least the inputs of six layers."""
    question = Question("gpt3-175b", 128, tensor=8, pipeline=16, recompute=2)
    stages = question.keywords["cut"].number.shape[1]  # type: ignore[attr-defined]
    held = [question.device(waiting=np.full((1, stages), w))["activations"][0] for w in (4.0, 8.0, 12.0)]
    assert held[2] - held[1] == pytest.approx(held[1] - held[0], rel=1e-9)
    assert held[1] - held[0] >= 4 * 6 * 2048 * 12288 * 2


def test_dualpipe_holds_weights_twice() -> None:
    """A device holds stage i and its mirror image (DeepSeek-V3, table 2: parameters 2 x)."""
    question = Question("gpt3-175b", 128, tensor=8, pipeline=16, schedule=[0, 3])
    weights = question.device()["weights"]
    # the stage with the embedding shares its device with the last, which holds the tied head alone
    assert 1.9 * weights[0] < weights[1] <= 2.0 * weights[0]


def test_what_goes_to_the_host_leaves_the_device() -> None:
    """Optimizer states leave but for one layer's; with activations too, the host holds both."""
    question = Question("gpt3-6.7b", 8, "megatron-core 2024", data=8, zero=1, offload=[0, 1, 2])
    device, host = question.device(), question.host()
    weights = read_architecture("gpt3-6.7b").parameters.total
    assert host[0] == 0.0
    assert host[1] == pytest.approx(12 * weights / 8, rel=1e-9)
    assert device["optimizer"][1] == pytest.approx(device["optimizer"][0] / 32, rel=0.05)
    assert np.all(np.diff(total(device)) < 0.0)
    assert host[2] - host[1] >= device["activations"][1] - device["activations"][2]


def test_narrow_formats_keep_copies_of_weights_and_shorter_inputs() -> None:
    """FP8 in Megatron Core: a byte a parameter more."""
    question = Question("llama-3.1-8b", 8, "megatron-core 2024", data=8, zero=1)
    wide = question.device()
    narrow = question.device(run=replace(question.keywords["run"], number_format="fp8"))  # type: ignore[type-var]
    weights = read_architecture("llama-3.1-8b").parameters.total
    assert narrow["weights"][0] - wide["weights"][0] == pytest.approx(weights, rel=1e-9)


def test_fragmentation_and_reserve_come_on_top() -> None:
    """``fragmentation`` is a share of all that is allocated, ``reserve`` the stack's."""
    question = Question("gpt3-6.7b", 8, data=8, zero=1)
    found = question.device()
    allocated = sum(found[name][0] for name in MEMORY_PARTS[:-2])
    assert found["fragmentation"][0] == pytest.approx(question.stack.fragmentation * allocated)
    assert found["reserve"][0] == question.stack.reserve > GIB


def test_sequence_parallelism_and_tensor_parallelism_never_cost_memory() -> None:
    plain = Question("gpt3-175b", 64, tensor=8, pipeline=8, sequence_parallel=[0, 1], microbatch=4).device()
    assert total(plain)[1] < total(plain)[0]
    by_tensor = [
        total(Question("gpt3-175b", 64, tensor=t, pipeline=64 // t // 8, data=8, zero=1).device())[0]
        for t in (1, 2, 4, 8)
    ]
    assert by_tensor[3] < by_tensor[0]

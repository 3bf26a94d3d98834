"""Memory: golden formulas and figures of Korthikanti et al. 2022 and of ZeRO (Rajbhandari et al. 2020)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from gigawatt.hardware import build_cluster
from gigawatt.performance import Layouts, TrainingRun, evaluate, load_stack
from gigawatt.performance.memory import activation_bytes
from gigawatt.workload import read_architecture

GPT3 = read_architecture("gpt3-175b")
MEASURED = Path(__file__).parents[3] / "shared" / "data" / "training" / "measured.csv"


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


def memory_of(model: str, count: int, stack: str = "deepspeed-2023", **columns: int):
    run = TrainingRun(read_architecture(model), 1e12, 2048, 512, optimizer="adam-zero")
    cluster, _ = build_cluster(chip="A100-SXM4-80GB", count=count)
    return evaluate(run, Layouts.of(global_batch=512, **columns), cluster, load_stack(stack))


def test_model_states_are_those_of_zero() -> None:
    """(2 + 2 + 12) Ψ bytes, of which stages 1, 2, 3 share out 12, 14, 16 (ZeRO, figure 1)."""
    found = memory_of("gpt3-6.7b", 64, data=64, zero=np.arange(4))
    weights = read_architecture("gpt3-6.7b").parameters.total
    states = found.memory["weights"] + found.memory["gradients"] + found.memory["optimizer"]
    golden = [weights * (16 - held + held / 64) for held in (0, 12, 14, 16)]
    assert states == pytest.approx(np.array(golden), rel=1e-3)


def test_pipeline_stages_hold_the_model_once() -> None:
    """One stage of p, first or last, holds about its share: embedding and head at the ends."""
    found = memory_of("gpt3-175b", 128, tensor=8, pipeline=16)
    whole = GPT3.parameters
    share = (whole.total - whole.embedding) / 128 + whole.embedding / 8
    assert found.memory["weights"][0] / 2.0 == pytest.approx(share, rel=0.01)


def test_memory_sums_and_parts_are_positive() -> None:
    found = memory_of("gpt3-175b", 128, tensor=8, pipeline=16, recompute=np.arange(3))
    assert np.sum(list(found.memory.values()), axis=0) == pytest.approx(found.memory_total)
    assert all((part >= 0.0).all() for part in found.memory.values())
    assert np.all(np.diff(found.memory["activations"]) < 0.0)


def test_measured_memory_of_dense_b200_rows() -> None:
    """SimuMax's published B200 rows (dense, whole memory as measured): median within 6 %."""
    if not MEASURED.exists():
        pytest.skip(f"{MEASURED} is not there: measured memory cannot be compared")
    with MEASURED.open(newline="") as stream:
        rows = [r for r in csv.DictReader(stream) if r["mem_gib"] and r["source"].startswith("SimuMax")]
    errors = []
    for r in rows:
        if not r["model"].startswith("llama3-70b"):
            continue
        layers = int(float(r["layers"]))
        errors.append(_predicted_llama_70b(r, layers) / (float(r["mem_gib"]) * 2**30) - 1.0)
    assert len(errors) >= 10
    assert np.median(np.abs(errors)) < 0.06


def _predicted_llama_70b(row: dict[str, str], layers: int) -> float:
    from dataclasses import replace

    whole = read_architecture("llama-3.1-70b")
    gone = whole.layers - layers
    block = whole.blocks[0]
    parameters = replace(
        whole.parameters,
        attention=whole.parameters.attention - gone * block.parameters.attention,
        feed_forward=whole.parameters.feed_forward - gone * block.parameters.feed_forward,
        norms=whole.parameters.norms - gone * block.parameters.norms,
    )
    model = replace(
        whole,
        layers=layers,
        blocks=(replace(block, count=layers),),
        order=(0,) * layers,
        parameters=parameters,
    )
    run = TrainingRun(model, 1e12, int(float(row["seq_len"])), int(float(row["global_batch"])))
    cluster, _ = build_cluster(chip="B200-SXM-180GB", count=int(float(row["n_accel"])))
    recompute = {"none": 0, "selective": 1, "full": 2}[row["recompute"]]
    degrees = {"tensor": "TP", "pipeline": "PP", "data": "DP", "context": "CP", "microbatch": "microbatch"}
    columns = {name: int(float(row[key])) for name, key in degrees.items()}
    columns |= {"zero": 1, "recompute": recompute, "sequence_parallel": int(float(row["seq_parallel"]))}
    layouts = Layouts.of(global_batch=run.global_batch, **columns)
    return float(evaluate(run, layouts, cluster, load_stack("megatron-core-2024")).memory_total[0])

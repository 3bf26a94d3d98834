"""Published deployments with prefill and decode apart, and the kernels and drafts that they run with."""

from __future__ import annotations

from typing import Any

from gigawatt.catalog import table
from gigawatt.machine import load_chip
from gigawatt.performance.serving.deployments import Deployment, Workers, deployment_for
from gigawatt.performance.serving.engines import load_engine
from gigawatt.serving.speculation import read_speculation
from gigawatt.workload import list_models, read_architecture


def asked(held: float, **more: Any) -> Deployment | None:
    words = {
        "engine": "trtllm-2025", "model": "deepseek-v3", "chip": "B200-SXM-180GB", "weights": "fp4",
        "prompt": 1024.0, "output": 1024.0,
    }  # fmt: skip
    return deployment_for(held=held, **(words | more))


def workers(held: float, **more: Any) -> tuple[Workers, Workers, float]:
    found = asked(held, **more)
    assert found is not None
    return found.prefill, found.decode, found.guesses


def test_deployments_are_those_of_the_launch_configurations() -> None:
    """InferenceX, nvidia-master.yaml, dsr1-fp4-b200-dynamo-trt, 1k/1k: concurrency 10 to 180 on one
    prefill worker of DP4 EP4 and five decode workers of TP8 EP8; 4096 on one of DP8 EP8; 875 with MTP 3."""
    prefill = Workers(1.0, 1.0, 4.0, 4.0)
    assert workers(45.0) == (prefill, Workers(5.0, 8.0, 1.0, 8.0), 0.0)
    assert workers(4096.0) == (prefill, Workers(1.0, 1.0, 8.0, 8.0), 0.0)
    assert workers(875.0)[2] == 3.0
    assert workers(44.0) == workers(45.0)


def test_there_is_none_of_other_loads_models_chips_or_ranks() -> None:
    for other in (
        {"prompt": 65536.0}, {"output": 64.0}, {"model": "llama-3.1-70b"}, {"chip": "MI300X"},
        {"weights": "bf16"}, {"engine": "vllm-2025"}, {"ranks": (4.0, 64.0)},
    ):  # fmt: skip
        assert asked(45.0, **other) is None
    assert workers(45.0, ranks=(4.0, 8.0)) == workers(45.0)


def test_rows_can_run() -> None:
    for row in table("engines_deployments").values():
        assert load_engine(row.text("engine"))
        assert row.text("model") in list_models()
        assert load_chip(row.text("prefix"))
        architecture = read_architecture(row.text("model"))
        for pool in ("prefill", "decode"):
            count, tensor, groups, experts = (
                row.value(name) for name in (pool, *(f"{pool}_{x}" for x in ("tensor", "groups", "experts")))
            )
            assert count >= 1.0
            assert (tensor * groups) % experts == 0.0
            assert all(block.attention.heads % tensor == 0 for block in architecture.blocks)
        guesses = round(row.value("guesses"))
        if guesses:
            assert read_speculation("mtp", model=row.text("model"), guesses=guesses).accepted > 1.0
        held = [int(n) for n in row.text("held").split("|")]
        assert held == sorted(held)
        assert held[0] >= 1


def test_drafts_of_deepseek_v3_are_its_own() -> None:
    """LMSYS, 2025-07-17: windows of 3 and 4 tokens accept 2.18 and 2.44 a step."""
    for guesses, accepted in ((2, 2.18), (3, 2.44)):
        found = read_speculation("mtp", model="deepseek-v3", guesses=guesses)
        assert (found.own, found.accepted) == (True, accepted)

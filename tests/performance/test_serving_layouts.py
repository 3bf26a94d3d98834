"""Layouts that engines refuse at start; the rules are the engines' own, the examples are of their issues."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.machine import build_cluster, load_chip
from gigawatt.performance.serving.layouts import (
    lacking_kernels,
    layout_rules,
    refused,
    stages_measured,
    whole_nodes,
)
from gigawatt.studies.serving.door import plan_serving
from gigawatt.workload import read_architecture


def runs(engine: str, model: str, weights: str, **degrees: float) -> bool:
    found = refused(
        layout_rules(engine), read_architecture(model), weights, tensor=degrees.get("tensor", 1.0),
        data=degrees.get("data", 1.0), expert=degrees.get("expert", 1.0),
    )  # fmt: skip
    return not any(np.any(mask) for mask in found.values())


def test_a_shard_of_block_scaled_weights_is_whole_blocks() -> None:
    """vLLM issues 17327 and 17569: Qwen3-235B-A22B-FP8 runs on TP4, or on TP8 with expert parallelism."""
    assert runs("vllm-2025", "qwen3-235b-a22b", "fp8_block", tensor=4)
    assert not runs("vllm-2025", "qwen3-235b-a22b", "fp8_block", tensor=8)
    assert runs("vllm-2025", "qwen3-235b-a22b", "fp8_block", tensor=8, expert=8)
    assert runs("vllm-2025", "qwen3-235b-a22b", "bf16", tensor=8)
    # SGLang issue 3345 and vLLM issue 12256: DeepSeek-V3 runs on TP16 and not on TP32
    for engine in ("sglang-2025", "vllm-2025"):
        assert runs(engine, "deepseek-v3", "fp8_block", tensor=16)
        assert not runs(engine, "deepseek-v3", "fp8_block", tensor=32)


def test_experts_and_attention_groups_are_as_the_engine_lays_them() -> None:
    assert runs("vllm-2025", "deepseek-v3", "fp8_block", data=8, expert=8)
    assert not runs("vllm-2025", "deepseek-v3", "fp8_block", data=8, expert=4)  # EP = TP x DP
    assert runs("sglang-2025", "deepseek-v3", "fp8_block", tensor=8, expert=4)
    assert runs("trtllm-2025", "deepseek-v3", "fp4", data=8, expert=8)
    assert not runs("trtllm-2025", "deepseek-v3", "fp4", tensor=2, data=4, expert=8)


def test_nvfp4_has_no_kernels_in_tensorrt_llm_before_blackwell() -> None:
    """TensorRT-LLM issue 6038: DeepSeek-V3-0324-FP4 is refused on H200."""
    rules = layout_rules("trtllm-2025")
    assert lacking_kernels(rules, "fp4", load_chip("H200")) == ("fp4",)
    assert lacking_kernels(rules, "fp4", load_chip("B200")) == ()
    with pytest.raises(InputError, match="no kernels for fp4"):
        plan_serving(model="deepseek-v3", chip="H200", weights="fp4", engine="trtllm-2025", finalists=0)


def test_stages_inside_a_domain_are_measured_on_pcie_alone() -> None:
    rules = layout_rules("trtllm-2025")
    for chip, inside in (("H100", False), ("RTX-PRO-6000", True)):
        cluster, _ = build_cluster(chip=chip, count=16)
        found = stages_measured(
            rules, cluster.scale_up, 8, ranks=np.array([4.0, 8.0]), pipeline=np.array([2.0, 2.0])
        )
        assert found.tolist() == [inside, True]


def test_a_replica_shares_a_node_or_fills_nodes() -> None:
    shared = whole_nodes(4, chips=[1, 2, 3, 4, 6, 8, 24])
    assert shared.tolist() == [True, True, False, True, False, True, True]


def test_a_layout_that_is_asked_and_refused_says_why() -> None:
    with pytest.raises(InputError, match="does not run this layout") as caught:
        plan_serving(model="deepseek-v3", chip="H200", tensor=1, data=8, expert=4, finalists=0)
    assert "all ranks" in str(caught.value)


def test_a_pipeline_that_is_asked_is_planned() -> None:
    answer = plan_serving(model="llama-3.1-70b", chip="H100", tensor=4, pipeline=2, finalists=0)
    assert answer.data["pools"][0]["pipeline"] == 2

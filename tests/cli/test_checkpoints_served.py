"""Checkpoints as they come: a user's ``config.json`` sets formats of weights, experts and cache of a plan.

The ``quantization_config`` are shaped as the publishers' own: DeepSeek-V3, gpt-oss-120b, AutoAWQ's
Llama-3.1-70B-Instruct-AWQ-INT4, NVIDIA's DeepSeek-R1-NVFP4, Red Hat's Llama-3.3-70B-Instruct-FP8-dynamic.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gigawatt import catalog
from gigawatt.studies.serving.door import plan_serving

SLO = "ttft=2s,tpot=50ms,p90"
FLOAT_8 = {"num_bits": 8, "type": "float", "symmetric": True, "group_size": None, "block_structure": None}
FLOAT_4 = {"num_bits": 4, "type": "float", "dynamic": False, "group_size": 16}
CHECKPOINTS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "deepseek-fp8": ("deepseek-v3", None),
    "gpt-oss": (
        "gpt-oss-120b",
        {
            "quant_method": "mxfp4",
            "modules_to_not_convert": [
                "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head",
            ],
        },
    ),
    "awq": (
        "llama-3.1-70b",
        {
            "quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm", "zero_point": True,
            "backend": "autoawq", "do_fuse": False, "modules_to_not_convert": None,
        },
    ),
    "nvfp4": (
        "deepseek-v3",
        {
            "quant_method": "modelopt", "quant_algo": "NVFP4",
            "config_groups": {
                "group_0": {"input_activations": FLOAT_4, "weights": FLOAT_4, "targets": ["Linear"]}
            },
            "ignore": ["lm_head", *(f"model.layers.{i}.self_attn*" for i in range(61))],
            "kv_cache_scheme": {"dynamic": False, "num_bits": 8, "type": "float"},
            "producer": {"name": "modelopt", "version": "0.33.0"},
        },
    ),
    "fp8-dynamic": (
        "llama-3.1-70b",
        {
            "quant_method": "compressed-tensors", "format": "float-quantized",
            "quantization_status": "compressed", "ignore": ["lm_head"], "kv_cache_scheme": None,
            "config_groups": {
                "group_0": {
                    "targets": ["Linear"], "output_activations": None,
                    "weights": {**FLOAT_8, "dynamic": False, "strategy": "channel"},
                    "input_activations": {**FLOAT_8, "dynamic": True, "strategy": "token"},
                }
            },
        },
    ),
}  # fmt: skip


def write(folder: Path, name: str, **more: Any) -> Path:
    model, quantization = CHECKPOINTS[name]
    config = json.loads(catalog.path(f"models/{model}.json").read_text())
    if quantization is not None:
        config["quantization_config"] = quantization
    config.get("quantization_config", {}).update(more)
    file = folder / "config.json"
    file.write_text(json.dumps(config))
    return file


@pytest.mark.parametrize(
    ("name", "chip", "weights", "cache", "multiplied"),
    [
        ("deepseek-fp8", "H200", "fp8_block", "bf16", "fp8_block"),
        ("gpt-oss", "H100", "bf16 experts=mxfp4", "bf16", "bf16 experts=bf16"),
        ("awq", "H100", "int4", "bf16", "bf16"),
        ("nvfp4", "B200", "fp4 attention=bf16", "fp8", "fp4 attention=bf16"),
        ("fp8-dynamic", "H100", "fp8", "bf16", "fp8"),
        ("fp8-dynamic", "A100", "fp8", "bf16", "bf16"),
    ],
)
def test_a_plan_takes_the_formats_of_the_checkpoint(
    tmp_path: Path, name: str, chip: str, weights: str, cache: str, multiplied: str
) -> None:
    file = write(tmp_path, name)
    answer = plan_serving(model=file, chip=chip, prompt="1024", output="256", objective=SLO, finalists=0).data
    assert (answer["weights"], answer["cache"], answer["multiplied_in"]) == (weights, cache, multiplied)
    reasons = {one["key"]: one["reason"] for one in answer["assumptions"]}
    assert "quantization_config" in reasons["serving.weights"]
    # the same formats by name, of the catalog's model, give the same plan
    named = plan_serving(
        model=CHECKPOINTS[name][0], chip=chip, prompt="1024", output="256", weights=weights, cache=cache,
        objective=SLO, finalists=0,
    ).data  # fmt: skip
    assert answer["requests_per_s"] == pytest.approx(named["requests_per_s"])


def test_what_is_said_goes_before_the_checkpoint(tmp_path: Path) -> None:
    file = write(tmp_path, "fp8-dynamic")
    answer = plan_serving(
        model=file, chip="H100", prompt="512", output="128", weights="bf16", cache="fp8", finalists=0
    )
    assert (answer.data["weights"], answer.data["cache"]) == ("bf16", "fp8")


@pytest.mark.parametrize(("method", "nearest"), [("aqw", "awq"), ("compresed-tensors", "compressed-tensors")])
def test_an_unknown_scheme_is_one_line_with_the_nearest(
    tmp_path: Path, call: Callable[..., tuple[int, str, str]], method: str, nearest: str
) -> None:
    file = write(tmp_path, "awq", quant_method=method)
    code, _, said = call("plan-serving", "--model", str(file), "--chip", "H100", "--finalists", "0")
    assert code != 0
    assert len(said.strip().splitlines()) == 1
    assert "quant_method" in said
    assert f"did you mean '{nearest}'?" in said

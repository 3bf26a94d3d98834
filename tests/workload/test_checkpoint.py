"""Formats of checkpoints: from ``quantization_config`` to bytes, held to published sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.workload import read_architecture
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import Shares, formats_of, weight_bytes

GIB = 2.0**30
DENSE: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 512, "vocab_size": 1000, "max_position_embeddings": 4096,
}  # fmt: skip
ROUTED: dict[str, Any] = {
    **DENSE, "model_type": "qwen3_moe", "num_experts": 8, "num_experts_per_tok": 2,
    "moe_intermediate_size": 64,
}  # fmt: skip


def read(folder: Path, config: dict[str, Any], **more: Any) -> Architecture:
    path = folder / "config.json"
    path.write_text(json.dumps({**config, **more}))
    return read_architecture(path)


def stored(a: Architecture, prediction: bool = False) -> float:
    assert a.checkpoint is not None
    return float(weight_bytes(a, shares=Shares.of(weights=a.checkpoint.weights), prediction=prediction))


@pytest.mark.parametrize(
    ("model", "prediction", "published"),
    [
        # OpenAI 2025, gpt-oss model card (arXiv:2508.10925), table 1
        ("gpt-oss-120b", False, 60.8 * GIB),
        ("gpt-oss-20b", False, 12.8 * GIB),
        # DeepSeek-AI, README of DeepSeek-V3: 685B in all, 14B of them the module for multi-token prediction
        ("deepseek-v3", True, 685e9),
        # github.com/vllm-project/recipes, pull request 779: weights of DeepSeek-V4-Pro
        ("deepseek-v4-pro", True, 865e9),
    ],
)
def test_bytes_are_those_of_the_published_checkpoint(model: str, prediction: bool, published: float) -> None:
    assert stored(read_architecture(model), prediction) == pytest.approx(published, rel=0.01)


def shipped(name: str) -> dict[str, Any]:
    return json.loads(catalog.path(f"models/{name}.json").read_text())


def test_fp8_of_qwen3_lies_within_its_files(tmp_path: Path) -> None:
    """vllm-project/vllm issue 17569 lists 48 files, the first of 4.98 GB, the most of a file."""
    a = read(
        tmp_path,
        shipped("qwen3-235b-a22b"),
        quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]},
    )
    assert 47 * 4.98e9 < stored(a) < 48 * 4.99e9


def test_two_roundings_of_one_checkpoint(tmp_path: Path) -> None:
    """NVFP4 experts in an FP8 checkpoint: 913.09 GB (vllm-project/recipes, pull request 779)."""
    experts = {f"layers.{i}.ffn.experts": {"quant_algo": "NVFP4", "group_size": 16} for i in range(61)}
    said = {
        "quant_method": "fp8", "weight_block_size": [128, 128], "quant_algo": "MIXED_PRECISION",
        "ignore": ["*.attn.*", "*.ffn.shared_experts.*", "head", "mtp.*"], "quantized_layers": experts,
    }  # fmt: skip
    a = read(tmp_path, shipped("deepseek-v4-pro"), quantization_config=said)
    assert a.checkpoint is not None
    assert a.checkpoint.weights == "fp8_block experts=fp4"
    assert stored(a, prediction=True) == pytest.approx(913.09e9, rel=0.005)


GROUPS = {
    "group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float", "strategy": "channel"}}
}
LEFT_OUT = ["re:.*self_attn.*", "lm_head"]
CACHE = {"num_bits": 8, "type": "float"}
QKVO = [f"model.layers.{i}.self_attn.{x}_proj" for i in range(4) for x in "qkvo"]
FOUR = {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "float", "group_size": 16}}}


@pytest.mark.parametrize(
    ("quantization", "weights", "cache"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8_block", ""),
        ({"quant_method": "fp8"}, "fp8", ""),
        ({"quant_method": "mxfp4"}, "bf16 experts=mxfp4", ""),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "int4", ""),
        ({"quant_method": "awq", "bits": 4, "group_size": 32}, "int4_g32", ""),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, "int8", ""),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "nf4", ""),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8", ""),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}, "fp4", "fp8"),
        ({"quant_method": "compressed-tensors", "config_groups": GROUPS}, "fp8", ""),
        ({"quant_method": "compressed-tensors", "config_groups": json.dumps(FOUR)}, "fp4", ""),
        (
            {"quant_method": "compressed-tensors", "config_groups": FOUR, "ignore": LEFT_OUT,
             "kv_cache_scheme": CACHE},
            "fp4 attention=bf16", "fp8",
        ),
        (
            {"quant_method": "compressed-tensors", "config_groups": FOUR,
             "ignore": [f"model.layers.{i}.self_attn*" for i in range(4)] + ["model.layers.0.mlp*"]},
            "fp4 attention=bf16", "",
        ),
        ({"quant_method": "fbgemm_fp8", "modules_to_not_convert": QKVO}, "fp8 attention=bf16", ""),
        (
            {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": {
                **{f"model.layers.{i}.mlp.experts": {"quant_algo": "NVFP4"} for i in range(4)},
                **{f"model.layers.{i}.self_attn.q_proj": {"quant_algo": "FP8"} for i in range(4)}}},
            "bf16 attention=fp8 experts=fp4", "",
        ),
    ],
)  # fmt: skip
def test_methods(tmp_path: Path, quantization: dict[str, Any], weights: str, cache: str) -> None:
    found = read(tmp_path, ROUTED, quantization_config=quantization).checkpoint
    assert found is not None
    assert found.error is None
    assert (found.weights, found.cache) == (weights, cache)


def test_attention_that_is_left_out_costs_what_it_takes(tmp_path: Path) -> None:
    whole = read(tmp_path, DENSE, quantization_config={"quant_method": "fp8"})
    part = read(tmp_path, DENSE, quantization_config={"quant_method": "fp8", "ignore": ["re:.*self_attn.*"]})
    assert stored(part) - stored(whole) == whole.parameters.attention


def test_modelopt_writes_beside_the_configuration(tmp_path: Path) -> None:
    said = {
        "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}
    }
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(said))
    found = read(tmp_path, DENSE).checkpoint
    assert found is not None
    assert (found.weights, found.cache) == ("fp8", "fp8")


@pytest.mark.parametrize(
    ("quantization", "words"),
    [
        ({"quant_method": "gtpq"}, r"config\.json:1: quantization_config.quant_method.*did you mean 'gptq'"),
        ({"quant_method": "gptq", "bits": 3, "group_size": 128}, "bits: no such format of weights"),
        ({"quant_method": "gptq", "bits": "4"}, "not a number of bits"),
        ({"quant_method": "fp8", "ignore": "lm_head"}, "ignore: this is not a list"),
        ({"quant_method": "fp8", "ignore": ["re:(.*)*x"]}, "not nested"),
        ({"quant_method": "fp8", "ignore": ["re:["]}, "not an expression"),
        ({"quant_method": "fp8", "kv_cache_scheme": {"num_bits": 4}}, "no such format of the cache"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP"}, "did you mean 'NVFP4'"),
        ({"quant_method": "compressed-tensors"}, "config_groups: no such format"),
        ([], None), ({}, None), ("fp8", "this is no object"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_leaves_the_model_and_says_why(
    tmp_path: Path, quantization: Any, words: str | None
) -> None:
    found = read(tmp_path, DENSE, quantization_config=quantization)
    assert found.parameters.total == read(tmp_path, DENSE).parameters.total
    if words is None:
        assert found.checkpoint is None
        return
    assert found.checkpoint is not None
    with pytest.raises(InputError, match=words):
        raise found.checkpoint.error or AssertionError


def test_formats_by_part() -> None:
    assert formats_of("fp8 attention=bf16") == {"": "fp8", "attention": "bf16"}
    for wrong in ("fp8 experts", "fp8 router=bf16", "fp8 experts=fp4 experts=fp8"):
        with pytest.raises(InputError, match="no such part of a layer"):
            formats_of(wrong)

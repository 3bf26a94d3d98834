"""Golden parameter counts: transformers' own models on torch's meta device.

    pip install torch transformers
    python tests/oracles/workload_parameters.py [FOLDER_OF_CONFIGS ...]

Counts every configuration that the catalog ships and, of further folders, every ``*.json`` of a family
that gigawatt reads; writes tests/workload/golden_parameters.json. Wrappers are counted by their text part.
Quantisation is left out: it changes how weights are stored, not how many there are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "src/gigawatt/catalog/data/models"
FAMILIES = json.loads((SHIPPED / "transformers_defaults.json").read_text())["families"]
TEXT = {"gemma3": "gemma3_text", "llama4": "llama4_text"}


def count(values: dict) -> int | None:
    """Parameters of the text model, or None for a family that gigawatt does not read."""
    values.pop("quantization_config", None)
    family = values["model_type"]
    if family in TEXT:
        values, family = values["text_config"], TEXT[family]
    if family not in FAMILIES:
        return None
    values = {key: value for key, value in values.items() if key not in ("model_type", "auto_map")}
    # Kimi K2 is DeepSeek-V3's architecture under another name (its own config.json says so).
    config = CONFIG_MAPPING["deepseek_v3" if family == "kimi_k2" else family](**values)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())


SMALL = {"hidden_size": 64, "num_hidden_layers": 6, "num_attention_heads": 8, "vocab_size": 96}
DENSE = {**SMALL, "intermediate_size": 80}
VARIANTS = {
    "llama-biases": {
        "model_type": "llama",
        **DENSE,
        "attention_bias": True,
        "mlp_bias": True,
        "head_dim": 24,
    },
    "llama-tied": {"model_type": "llama", **DENSE, "num_key_value_heads": 2, "tie_word_embeddings": True},
    "mistral-defaults": {"model_type": "mistral", **DENSE},
    "mixtral-defaults": {"model_type": "mixtral", **DENSE, "num_local_experts": 4, "num_experts_per_tok": 1},
    "qwen2-sliding": {
        "model_type": "qwen2",
        **DENSE,
        "num_key_value_heads": 4,
        "use_sliding_window": True,
        "sliding_window": 16,
        "max_window_layers": 2,
    },
    "qwen3-bias": {"model_type": "qwen3", **DENSE, "num_key_value_heads": 4, "attention_bias": True},
    "qwen3-moe-mixed": {
        "model_type": "qwen3_moe",
        **DENSE,
        "num_key_value_heads": 4,
        "head_dim": 16,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [3],
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
    },
    "deepseek-v2-query-rank": {
        "model_type": "deepseek_v2",
        **DENSE,
        "q_lora_rank": 12,
        "kv_lora_rank": 20,
        "qk_nope_head_dim": 10,
        "qk_rope_head_dim": 6,
        "v_head_dim": 14,
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
        "n_shared_experts": 3,
        "first_k_dense_replace": 2,
        "attention_bias": True,
    },
    "deepseek-v3-no-query-rank": {
        "model_type": "deepseek_v3",
        **DENSE,
        "q_lora_rank": None,
        "kv_lora_rank": 20,
        "qk_nope_head_dim": 10,
        "qk_rope_head_dim": 6,
        "v_head_dim": 14,
        "n_routed_experts": 8,
        "num_experts_per_tok": 2,
        "n_group": 2,
        "topk_group": 1,
        "moe_intermediate_size": 24,
        "n_shared_experts": 1,
        "first_k_dense_replace": 1,
    },
    "gemma2-bias": {"model_type": "gemma2", **DENSE, "attention_bias": True, "head_dim": 12},
    "gemma3-pattern": {"model_type": "gemma3_text", **DENSE, "sliding_window_pattern": 3, "head_dim": 12},
    "gpt2-inner": {
        "model_type": "gpt2",
        "n_embd": 64,
        "n_layer": 3,
        "n_head": 4,
        "n_inner": 100,
        "vocab_size": 96,
        "n_positions": 32,
    },
    "gpt2-untied": {
        "model_type": "gpt2",
        "n_embd": 64,
        "n_layer": 3,
        "n_head": 4,
        "vocab_size": 96,
        "n_positions": 32,
        "tie_word_embeddings": False,
    },
    "gpt-neox-no-bias": {
        "model_type": "gpt_neox",
        **DENSE,
        "attention_bias": False,
        "use_parallel_residual": False,
    },
    "phi3-grouped": {"model_type": "phi3", **DENSE, "num_key_value_heads": 2, "pad_token_id": 0},
    "falcon-sequential": {
        "model_type": "falcon",
        **SMALL,
        "parallel_attn": False,
        "multi_query": False,
        "bias": True,
        "alibi": True,
    },
    "falcon-one-norm": {
        "model_type": "falcon",
        **SMALL,
        "new_decoder_architecture": True,
        "num_kv_heads": 2,
        "num_ln_in_parallel_attn": 1,
        "ffn_hidden_size": 72,
    },
    "gpt-oss-small": {
        "model_type": "gpt_oss",
        **DENSE,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
    },
    "llama4-step": {
        "model_type": "llama4_text",
        **DENSE,
        "intermediate_size_mlp": 48,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "num_local_experts": 4,
        "interleave_moe_layer_step": 3,
    },
    "llama4-listed": {
        "model_type": "llama4",
        "text_config": {
            "model_type": "llama4_text",
            **DENSE,
            "intermediate_size_mlp": 48,
            "num_key_value_heads": 2,
            "head_dim": 12,
            "num_local_experts": 4,
            "moe_layers": [0, 5],
            "attention_bias": True,
        },
    },
    "gemma3-wrapper": {
        "model_type": "gemma3",
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 64,
            "intermediate_size": 80,
            "num_hidden_layers": 7,
        },
    },
}


def main() -> None:
    """Count and write."""
    found: dict[str, dict] = {"shipped": {}, "other": {}, "variants": {}}
    for name, values in VARIANTS.items():
        found["variants"][name] = {"config": values, "parameters": count(json.loads(json.dumps(values)))}
    for place, folders in (("shipped", [SHIPPED]), ("other", [Path(word) for word in sys.argv[1:]])):
        for file in sorted(path for folder in folders for path in folder.glob("*.json")):
            values = json.loads(file.read_text())
            number = count(values) if "model_type" in values else None
            if number is not None:
                found[place][file.stem] = number
                print(file.stem, number, flush=True)
    golden = {
        "oracle": f"transformers {transformers.__version__}, torch {torch.__version__}, meta device",
        **found,
    }
    (ROOT / "tests/workload/golden_parameters.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()

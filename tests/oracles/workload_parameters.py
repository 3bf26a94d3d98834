"""Golden parameter counts: transformers' own models on torch's meta device.

    pip install torch transformers
    python tests/oracles/workload_parameters.py [FOLDER_OF_CONFIGS ...]

Counts every configuration that the catalog ships and, of further folders, every ``*.json`` of a family
that gigawatt reads; writes tests/workload/golden_parameters.json. Wrappers are counted by their text part.
Quantisation is left out: it changes how weights are stored, not how many there are.
"""

from __future__ import annotations

import importlib
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
TEXT = {
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
    "kimi_k25": "deepseek_v3",
    "llama4": "llama4_text",
    "minimax_m3_vl": "minimax_m3_vl_text",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
}
# The same architecture under another name: Kimi K2's own config.json says so, MiMo's modelling code is a
# subclass of Qwen2's, DeepSeek's and MiniMax's text models go by other names in transformers.
SAME = {
    "deepseek_ref": "deepseek_v4",
    "kimi_k2": "deepseek_v3",
    "mimo": "qwen2",
    "minimax_m3": "minimax_m3_vl_text",
    "step3p7": "step3p5",
}
# Text models without a class for language modelling of their own: the bare model, and a head where not tied.
BARE = {
    "minimax_m3_vl_text": "transformers.models.minimax_m3_vl.modeling_minimax_m3_vl.MiniMaxM3VLTextModel",
    "qwen3_vl_moe_text": "transformers.models.qwen3_vl_moe.modeling_qwen3_vl_moe.Qwen3VLMoeTextModel",
    "qwen3_vl_text": "transformers.models.qwen3_vl.modeling_qwen3_vl.Qwen3VLTextModel",
    "step3p5": "transformers.models.step3p7.modeling_step3p7.Step3p7TextModel",
}
# Not in transformers; tests compare them with what their authors publish.
ELSEWHERE = {"kimi_k3", "nemotron-nas"}
# What modelling code of another version reads and transformers' class refuses.
DROPPED = {"model_type", "auto_map", "transformers_version", "first_k_dense_replace"}


def _class(family: str) -> type:
    module, name = BARE[family].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def build(values: dict, attention: str | None = None) -> tuple[torch.nn.Module, object]:
    """The text model (without its head, for those in ``BARE``) and its configuration."""
    values.pop("quantization_config", None)
    family = values["model_type"]
    tied = values.get("tie_word_embeddings")
    if "text_config" in values:
        inner, family = values["text_config"], TEXT.get(family, family)
        values = ({} if tied is None else {"tie_word_embeddings": tied}) | inner
        values.pop("quantization_config", None)
    family = SAME.get(family, family)
    dropped = DROPPED - (
        {"first_k_dense_replace"}
        if family.startswith(("deepseek", "glm", "kimi", "axk1", "exaone", "sarvam"))
        else set()
    )
    values = {key: value for key, value in values.items() if key not in dropped}
    config = CONFIG_MAPPING[family](**values)
    if attention is not None:
        config._attn_implementation = attention
    if family in BARE:
        return _class(family)(config), config
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    return model, config


def count(values: dict) -> int | None:
    """Parameters of the text model, or None for a family that gigawatt or transformers does not know."""
    family = values["model_type"]
    if family in ELSEWHERE or TEXT.get(family, family) not in FAMILIES:
        return None
    with torch.device("meta"):
        model, config = build(values)
    number = sum(parameter.numel() for parameter in model.parameters())
    bare = type(model).__name__.endswith("TextModel")
    return number + (config.vocab_size * config.hidden_size if bare and not config.tie_word_embeddings else 0)


# Small models of our own making, one at least of every family that is a row.
ROWS = json.loads(Path(__file__).with_name("workload_families.json").read_text())
SMALL = {"hidden_size": 64, "num_hidden_layers": 6, "num_attention_heads": 8, "vocab_size": 96}
DENSE = {**SMALL, "intermediate_size": 80}
LATENT = {
    "q_lora_rank": 12,
    "kv_lora_rank": 20,
    "qk_nope_head_dim": 10,
    "qk_rope_head_dim": 6,
    "v_head_dim": 14,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "n_shared_experts": 1,
    "index_n_heads": 4,
    "index_head_dim": 16,
    "index_topk": 8,
}
COMPRESSED = {
    "num_key_value_heads": 1,
    "head_dim": 32,
    "q_lora_rank": 24,
    "o_groups": 4,
    "o_lora_rank": 12,
    "sliding_window": 16,
    "index_n_heads": 4,
    "index_head_dim": 16,
    "index_topk": 8,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "moe_intermediate_size": 24,
}
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
    "deepseek-v4-listed": {
        "model_type": "deepseek_ref",
        **SMALL,
        **COMPRESSED,
        "layer_types": ["heavily_compressed_attention"] * 2
        + ["compressed_sparse_attention", "sliding_attention"] * 2,
        "num_nextn_predict_layers": 0,
    },
    "deepseek-v4-defaults": {"model_type": "deepseek_v4", **SMALL, **COMPRESSED, "hc_mult": 3},
    "glm-pattern": {
        "model_type": "glm_moe_dsa",
        **DENSE,
        **LATENT,
        "index_topk_pattern": "FFSSFS",
        "mlp_layer_types": ["dense", "sparse", "dense", "sparse", "sparse", "dense"],
    },
    "glm-frequency": {
        "model_type": "glm_moe_dsa",
        **DENSE,
        **LATENT,
        "first_k_dense_replace": 2,
        "index_topk_freq": 3,
        "index_skip_topk_offset": 1,
        "attention_bias": True,
    },
    "kimi-linear-defaults": {
        "model_type": "kimi_linear",
        **DENSE,
        **{key: value for key, value in LATENT.items() if "routed" not in key and "experts" not in key},
        "num_experts": 4,
        "num_experts_per_token": 2,
        "pad_token_id": 0,
    },
    "minimax-m3-wrapper": {
        "model_type": "minimax_m3_vl",
        "text_config": {
            **DENSE,
            "num_key_value_heads": 2,
            "head_dim": 12,
            "dense_intermediate_size": 72,
            "shared_intermediate_size": 40,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "moe_layer_freq": [0, 1, 1, 0, 1, 1],
            "sparse_attention_config": {
                "sparse_num_index_heads": 2,
                "sparse_index_dim": 10,
                "sparse_topk_blocks": 3,
                "sparse_block_size": 8,
                "sparse_attention_freq": [0, 1, 0, 1, 1, 1],
            },
        },
    },
    "nemotron-h-biases": {
        "model_type": "nemotron_h",
        **DENSE,
        "head_dim": 12,
        "num_key_value_heads": 2,
        "layers_block_type": ["mamba", "mlp", "attention", "mlp", "mamba", "mamba"],
        "mamba_num_heads": 6,
        "mamba_head_dim": 10,
        "ssm_state_size": 14,
        "n_groups": 3,
        "chunk_size": 16,
        "use_bias": True,
        "use_conv_bias": False,
        "mlp_bias": True,
        "attention_bias": True,
    },
    "qwen3-next-dense": {
        "model_type": "qwen3_next",
        **DENSE,
        "num_key_value_heads": 2,
        "head_dim": 12,
        "linear_num_value_heads": 6,
        "linear_num_key_heads": 3,
        "linear_key_head_dim": 10,
        "linear_value_head_dim": 14,
        "linear_conv_kernel_dim": 3,
        "mlp_only_layers": [2],
        "decoder_sparse_step": 2,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 40,
        "tie_word_embeddings": True,
    },
    "step-more-heads": {
        "model_type": "step3p7",
        "text_config": {
            "model_type": "step3p5",
            **DENSE,
            "num_key_value_heads": 2,
            "head_dim": 12,
            "sliding_window": 16,
            "layer_types": ["full_attention", "sliding_attention", "sliding_attention"] * 2,
            "attention_other_setting": {"num_attention_heads": 12},
            "moe_layers_enum": "1,4,5",
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 24,
            "share_expert_dim": 40,
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
    for name, values in {**VARIANTS, **ROWS}.items():
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

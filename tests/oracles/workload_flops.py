"""Golden FLOPs: torch's FlopCounterMode on small versions of the families, forward and backward.

    pip install torch transformers
    python tests/oracles/workload_flops.py

Eager attention computes the whole square: two multiplications forward, four backward (nothing again).
Experts run one by one, so that only tokens that are sent to an expert count. Writes
tests/workload/golden_flops.json.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

ROOT = Path(__file__).parents[2]
BATCH, SEQUENCE = 2, 48
SMALL = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 8, "vocab_size": 96}
DENSE = {**SMALL, "intermediate_size": 80, "num_key_value_heads": 2}
LATENT = {
    **SMALL,
    "intermediate_size": 80,
    "kv_lora_rank": 20,
    "qk_nope_head_dim": 10,
    "qk_rope_head_dim": 6,
    "v_head_dim": 14,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "n_shared_experts": 2,
    "first_k_dense_replace": 1,
    "num_key_value_heads": 8,
}
CASES = {
    "llama": {"model_type": "llama", **DENSE},
    "llama-head-dim": {"model_type": "llama", **DENSE, "head_dim": 24},
    "qwen2": {"model_type": "qwen2", **DENSE},
    "qwen3": {"model_type": "qwen3", **DENSE, "head_dim": 16},
    "gpt2": {
        "model_type": "gpt2",
        "n_embd": 64,
        "n_layer": 3,
        "n_head": 8,
        "vocab_size": 96,
        "n_positions": 64,
    },
    "gpt_neox": {"model_type": "gpt_neox", **SMALL, "intermediate_size": 80},
    "falcon": {"model_type": "falcon", **SMALL},
    "phi3": {"model_type": "phi3", **DENSE, "pad_token_id": 0},
    "gemma2": {"model_type": "gemma2", **DENSE, "head_dim": 12},
    "mixtral": {"model_type": "mixtral", **DENSE, "num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen3_moe": {
        "model_type": "qwen3_moe",
        **DENSE,
        "head_dim": 16,
        "num_experts": 8,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 24,
    },
    "gpt_oss": {
        "model_type": "gpt_oss",
        **DENSE,
        "head_dim": 12,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "pad_token_id": 0,
    },
    "deepseek_v2": {"model_type": "deepseek_v2", **LATENT, "q_lora_rank": None},
    "deepseek_v3": {"model_type": "deepseek_v3", **LATENT, "q_lora_rank": 12, "n_group": 2, "topk_group": 1},
}


def measure(values: dict) -> dict[str, int]:
    """FLOPs of one step forward and backward, loss included."""
    torch.manual_seed(0)
    values = dict(values)
    family = values.pop("model_type")
    config = CONFIG_MAPPING[family](**values)
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().train()
    tokens = torch.randint(1, 96, (BATCH, SEQUENCE))
    counter = FlopCounterMode(display=False)
    with counter:
        loss = model(input_ids=tokens, labels=tokens).loss
    forward = dict(counter.get_flop_counts()["Global"])
    with counter:
        loss.backward()
    backward = dict(counter.get_flop_counts()["Global"])
    names = {str(key).split(".")[-1]: int(value) for key, value in forward.items()}
    print(family, names, {str(key).split(".")[-1]: int(value) for key, value in backward.items()})
    return {"forward": sum(forward.values()), "backward": sum(backward.values())}


def main() -> None:
    """Measure and write."""
    cases = {name: {"config": values, **measure(values)} for name, values in CASES.items()}
    golden = {
        "oracle": f"torch {torch.__version__} FlopCounterMode, "
        f"transformers {transformers.__version__}, eager",
        "batch": BATCH,
        "sequence": SEQUENCE,
        "cases": cases,
    }
    (ROOT / "tests/workload/golden_flops.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Golden FLOPs: torch's FlopCounterMode on small versions of the families, forward and backward.

    pip install torch transformers
    python tests/oracles/workload_flops.py

Eager attention computes the whole square: two multiplications forward, four backward (nothing again).
Experts run one by one, so that only tokens that are sent to an expert count. Convolutions are left out:
they are counted as memory traffic. transformers computes the Mamba-2 scan element by element, which the
counter does not see; the same scan as the matrix multiplications of the paper's listing 1, with B and C
a group as its kernels have them, is counted on its own. Writes tests/workload/golden_flops.json.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode
from workload_parameters import build

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
INDEXED = {
    **LATENT,
    "q_lora_rank": 12,
    "index_n_heads": 4,
    "index_head_dim": 16,
    "index_topk": 64,
}
DELTA = {
    **SMALL,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "layer_types": ["linear_attention", "linear_attention", "full_attention"],
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 12,
    "linear_value_head_dim": 20,
}
DELTA_EXPERTS = {
    "num_experts": 8,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 24,
    "shared_expert_intermediate_size": 40,
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
    "deepseek_v32": {"model_type": "deepseek_v32", **INDEXED, "n_group": 2, "topk_group": 1},
    "glm_moe_dsa": {
        "model_type": "glm_moe_dsa",
        **INDEXED,
        "indexer_types": ["full", "shared", "full"],
        "n_group": 1,
        "topk_group": 1,
    },
    "deepseek_v4": {
        "model_type": "deepseek_v4",
        **SMALL,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "qk_rope_head_dim": 8,
        "q_lora_rank": 24,
        "o_groups": 4,
        "o_lora_rank": 12,
        "sliding_window": 256,
        "index_n_heads": 4,
        "index_head_dim": 16,
        "index_topk": 64,
        "compress_ratios": [0, 4, 128],
        "num_hash_layers": 1,
        "n_routed_experts": 8,
        "num_experts_per_tok": 2,
        "n_shared_experts": 1,
        "moe_intermediate_size": 24,
        "hc_mult": 4,
        "num_nextn_predict_layers": 0,
    },
    "minimax_m2": {
        "model_type": "minimax_m2",
        **DENSE,
        "head_dim": 12,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
    },
    "minimax_m3": {
        "model_type": "minimax_m3_vl_text",
        **DENSE,
        "head_dim": 16,
        "rotary_dim": 8,
        "dense_intermediate_size": 72,
        "shared_intermediate_size": 40,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "layer_types": ["full_attention", "minimax_m3_sparse", "minimax_m3_sparse"],
        "mlp_layer_types": ["dense", "sparse", "sparse"],
        "index_n_heads": 2,
        "index_head_dim": 16,
        "index_block_size": 16,
        "index_topk_blocks": 16,
    },
    "gemma4": {
        "model_type": "gemma4_text",
        **DENSE,
        "head_dim": 12,
        "global_head_dim": 20,
        "num_global_key_value_heads": 4,
        "attention_k_eq_v": True,
        "hidden_size_per_layer_input": 0,
        "enable_moe_block": True,
        "num_experts": 4,
        "top_k_experts": 2,
        "moe_intermediate_size": 24,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
    },
    "mimo_v2_flash": {
        "model_type": "mimo_v2_flash",
        **DENSE,
        "head_dim": 18,
        "v_head_dim": 10,
        "sliding_window_size": 128,
        "hybrid_layer_pattern": [0, 1, 0],
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
    },
    "step3p7": {
        "model_type": "step3p7",
        **DENSE,
        "head_dim": 16,
        "sliding_window": 64,
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
        "mlp_layer_types": ["dense", "sparse", "sparse"],
        "attention_other_setting": {"num_attention_heads": 12},
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
        "share_expert_dim": 40,
    },
    "nemotron_h": {
        "model_type": "nemotron_h",
        **DENSE,
        "head_dim": 16,
        "hybrid_override_pattern": "MEM*E-",
        "num_hidden_layers": 6,
        "mamba_num_heads": 8,
        "mamba_head_dim": 16,
        "ssm_state_size": 12,
        "n_groups": 2,
        "chunk_size": 16,
        "n_routed_experts": 8,
        "num_experts_per_tok": 3,
        "moe_intermediate_size": 24,
        "moe_shared_expert_intermediate_size": 40,
        "moe_latent_size": 20,
    },
    "qwen3_next": {"model_type": "qwen3_next", **DELTA, **DELTA_EXPERTS, "intermediate_size": 80},
    "qwen3_5": {"model_type": "qwen3_5_text", **DELTA, "intermediate_size": 80},
    "qwen3_5_moe": {"model_type": "qwen3_5_moe_text", **DELTA, **DELTA_EXPERTS},
    "kimi_linear": {
        "model_type": "kimi_linear",
        **{key: value for key, value in LATENT.items() if "routed" not in key and "experts" not in key},
        "q_lora_rank": None,
        "linear_attn_config": {
            "full_attn_layers": [3],
            "kda_layers": [1, 2],
            "head_dim": 16,
            "num_heads": 4,
            "short_conv_kernel_size": 4,
        },
        "num_experts": 8,
        "num_experts_per_token": 2,
        "num_shared_experts": 2,
        "pad_token_id": 0,
    },
}
LONG = {"deepseek_v4": 256, "qwen3_next": 128, "qwen3_5": 128, "qwen3_5_moe": 128, "kimi_linear": 128}
"""Tokens of a sequence where pools or chunks ask for more."""
SCAN = {"heads": 6, "head_dim": 10, "state": 14, "groups": 2, "chunk": 16}


def as_products() -> None:
    """Solve the triangular systems of the delta rule by products, as its kernels do, so that they count."""
    for family in ("qwen3_next", "qwen3_5", "qwen3_5_moe", "kimi_linear"):
        module = importlib.import_module(f"transformers.models.{family}.modeling_{family}")
        module.is_torchdynamo_exporting = lambda: True


def total(counter: FlopCounterMode, left_out: tuple[str, ...] = ("convolution",)) -> int:
    """FLOPs of everything but convolutions (and more that is named)."""
    counts = counter.get_flop_counts()["Global"]
    return sum(int(value) for key, value in counts.items() if not any(x in str(key) for x in left_out))


def measure(values: dict, sequence: int) -> dict[str, int]:
    """FLOPs of one step forward and backward, loss included."""
    torch.manual_seed(0)
    model, config = build(json.loads(json.dumps(values)), attention="eager")
    config._experts_implementation = "eager"
    model = model.float().train()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    tokens = torch.randint(1, 96, (BATCH, sequence))
    counter = FlopCounterMode(display=False)
    head = torch.nn.Linear(config.hidden_size, config.vocab_size, bias=False)
    bare = type(model).__name__.endswith("TextModel")
    with counter:
        if bare:
            logits = head(model(input_ids=tokens).last_hidden_state)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())
        else:
            loss = model(input_ids=tokens, labels=tokens).loss
    forward = total(counter)
    print(values["model_type"], dict(counter.get_flop_counts()["Global"]))
    left_out = ("convolution",)
    if values["model_type"] == "nemotron_h":
        # Parts of its scan are among the batched multiplications, as attention is: weights alone compare.
        left_out = ("convolution", "bmm")
        forward = total(counter, left_out)
    with counter:
        loss.backward()
    return {"sequence": sequence, "forward": forward, "backward": total(counter, left_out)}


def scan() -> dict[str, int]:
    """FLOPs of the chunked scan forward and backward: Dao and Gu 2024, listing 1, as multiplications."""
    h, p, n, g, q = (SCAN[key] for key in ("heads", "head_dim", "state", "groups", "chunk"))
    chunks = SEQUENCE // q
    x = torch.randn(BATCH, chunks, g, h // g, q, p, requires_grad=True)
    decay = torch.rand(BATCH, chunks, g, h // g, q, q)
    into, out = torch.rand(BATCH, chunks, g, h // g, q, 1), torch.rand(BATCH, chunks, g, h // g, q, 1)
    b = torch.randn(BATCH, chunks, g, 1, q, n, requires_grad=True)
    c = torch.randn(BATCH, chunks, g, 1, q, n, requires_grad=True)
    counter = FlopCounterMode(display=False)
    with counter:
        scores = c @ b.transpose(-1, -2)
        inside = (scores * decay) @ x
        states = (x * into).transpose(-1, -2) @ (b * torch.ones(1, 1, 1, h // g, 1, 1))
        passed = states.cumsum(1)
        y = inside + ((c * torch.ones(1, 1, 1, h // g, 1, 1)) @ passed.transpose(-1, -2)) * out
    forward = total(counter)
    with counter:
        y.sum().backward()
    return {**SCAN, "sequence": SEQUENCE, "forward": forward, "backward": total(counter)}


def main() -> None:
    """Measure and write."""
    as_products()
    cases = {
        name: {"config": values, **measure(values, LONG.get(name, SEQUENCE))}
        for name, values in CASES.items()
    }
    golden = {
        "oracle": f"torch {torch.__version__} FlopCounterMode, "
        f"transformers {transformers.__version__}, eager",
        "batch": BATCH,
        "scan": scan(),
        "cases": cases,
    }
    (ROOT / "tests/workload/golden_flops.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()

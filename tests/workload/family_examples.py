"""Configurations of families that transformers lacks, and of those that share a row, for the tests."""

from __future__ import annotations

from typing import Any

# Billions of parameters as their publishers round them, and half of the last digit.
BY_PUBLISHER: dict[str, tuple[dict[str, Any], float, float, str]] = {
    "grok-1": (
        {
            "hidden_size": 6144, "num_hidden_layers": 64, "num_attention_heads": 48, "num_key_value_heads": 8,
            "intermediate_size": 32768, "num_experts": 8, "num_experts_per_tok": 2, "vocab_size": 131072,
            "tie_word_embeddings": True,
        },
        314, 3, "xAI 2024, Open Release of Grok-1: 314B, 25 % of the weights active on a token",
    ),
    "dbrx": (
        {
            "d_model": 6144, "n_layers": 40, "n_heads": 48, "vocab_size": 100352,
            "attn_config": {"kv_n_heads": 8, "clip_qkv": 8},
            "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4},
        },
        132, 0.5, "Databricks 2024, Introducing DBRX: 132B, 36B active",
    ),
    "internlm2": (
        {
            "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
            "intermediate_size": 14336, "vocab_size": 92544, "bias": False, "tie_word_embeddings": False,
        },
        7.74, 0.005, "model card of internlm2-7b: 7.74B",
    ),
    "baichuan": (
        {
            "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
            "intermediate_size": 11008, "vocab_size": 125696, "tie_word_embeddings": False,
        },
        7.51, 0.005, "model card of Baichuan2-7B-Base: 7.51B",
    ),
    "longcat_flash": (
        {
            "hidden_size": 6144, "num_layers": 28, "num_attention_heads": 64, "vocab_size": 131072,
            "ffn_hidden_size": 12288, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
            "qk_rope_head_dim": 64, "v_head_dim": 128, "moe_topk": 12, "n_routed_experts": 512,
            "zero_expert_num": 256, "expert_ffn_hidden_size": 2048,
        },
        560, 1, "Meituan 2025, LongCat-Flash, arXiv:2509.01322, abstract: 560B",
    ),
    "rwkv6": (
        {
            "hidden_size": 2048, "num_hidden_layers": 24, "head_size": 64, "vocab_size": 65536,
            "tie_word_embeddings": False,
        },
        1.60, 0.005, "Peng et al. 2024, Eagle and Finch, table 2: Finch 1.6B has 1.60e9",
    ),
    "rwkv7": (
        {
            "hidden_size": 2048, "num_hidden_layers": 24, "head_dim": 64, "intermediate_size": 8192,
            "decay_low_rank_dim": 96, "a_low_rank_dim": 96, "v_low_rank_dim": 64, "gate_low_rank_dim": 256,
            "vocab_size": 65536, "tie_word_embeddings": False,
        },
        1.53, 0.005, "Peng et al. 2025, RWKV-7 Goose, table 2: 1.5B has 1.53e9",
    ),
}  # fmt: skip

# Families that are another's row under a second name (text parts, forks of a modelling file).
SAME = {
    "deepseek_ref": "deepseek_v4",
    "glm4v_moe_text": "glm4_moe",
    "glm4v_text": "glm4",
    "phi4_multimodal": "phi3",
    "qwen2_5_vl_text": "qwen2",
    "qwen2_vl_text": "qwen2",
}

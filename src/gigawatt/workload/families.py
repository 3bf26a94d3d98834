"""The model families: one small function each, in one table.

To add a family write a function that takes the :class:`~gigawatt.workload.config.Config` and returns a
:class:`Model` (its layers from first to last, and what stands around them), and enter it in
:data:`FAMILIES` under its ``model_type``. If transformers' class fills in keys that configs omit, add
its defaults to ``catalog/data/models/transformers_defaults.json`` (``tests/oracles/workload_defaults.py``
writes that file). Then add one real configuration to the golden parameters
(``tests/oracles/workload_parameters.py``): the count must equal transformers' own to the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gigawatt.workload.architecture import Attention, FeedForward
from gigawatt.workload.config import Config
from gigawatt.workload.families_hybrid import (
    kimi_linear,
    nemotron_h,
    nemotron_nas,
    qwen3_5,
    qwen3_5_moe,
    qwen3_next,
)
from gigawatt.workload.families_sparse import (
    deepseek,
    deepseek_v4,
    deepseek_v32,
    gemma4,
    glm_moe_dsa,
    mimo,
    mimo_v2_flash,
    minimax_m2,
    minimax_m3,
    step,
)
from gigawatt.workload.family_parts import (
    Layer,
    Model,
    grouped,
    qwen3_attention,
    qwen_windows,
    routed,
    sliding,
    tied,
    windowed,
)

__all__ = ["FAMILIES", "WRAPPERS", "Layer", "Model"]


def llama(c: Config) -> Model:
    bias = c.flag("attention_bias")
    layer = Layer(
        grouped(c, bias=bias, output_bias=bias),
        FeedForward(c.size("intermediate_size"), bias=c.flag("mlp_bias")),
    )
    return Model([layer] * c.layers, tied(c))


def mistral(c: Config) -> Model:
    layer = Layer(grouped(c), FeedForward(c.size("intermediate_size")))
    return Model(windowed(layer, [c.option("sliding_window")] * c.layers), tied(c))


def mixtral(c: Config) -> Model:
    experts = routed(c, "num_local_experts", "num_experts_per_tok", "intermediate_size")
    layer = Layer(grouped(c), None, experts)
    return Model(windowed(layer, [c.option("sliding_window")] * c.layers), tied(c))


def qwen2(c: Config) -> Model:
    layer = Layer(grouped(c, bias=True), FeedForward(c.size("intermediate_size")))
    return Model(windowed(layer, qwen_windows(c)), tied(c))


def qwen3(c: Config) -> Model:
    layer = Layer(qwen3_attention(c), FeedForward(c.size("intermediate_size")))
    return Model(windowed(layer, qwen_windows(c)), tied(c))


def qwen3_moe(c: Config) -> Model:
    window = c.option("sliding_window") if c.flag("use_sliding_window") else None
    attention = replace(qwen3_attention(c), window=window)
    dense = Layer(attention, FeedForward(c.size("intermediate_size")))
    sparse = Layer(attention, None, routed(c, "num_experts", "num_experts_per_tok", "moe_intermediate_size"))
    step, only = c.option("decoder_sparse_step") or 1, set(c.listing("mlp_only_layers", int) or [])
    return Model([dense if i in only or (i + 1) % step else sparse for i in range(c.layers)], tied(c))


def _gemma(c: Config, period: int, query_key_norm: bool) -> Model:
    bias = c.flag("attention_bias")
    attention = replace(grouped(c, bias=bias, output_bias=bias), query_key_norm=query_key_norm)
    layer = Layer(attention, FeedForward(c.size("intermediate_size")), norms=4)
    windows = sliding(c, c.option("sliding_window"), [bool((i + 1) % period) for i in range(c.layers)])
    return Model(windowed(layer, windows), tied(c))


def gemma2(c: Config) -> Model:
    return _gemma(c, 2, False)


def gemma3(c: Config) -> Model:
    return _gemma(c, c.option("sliding_window_pattern") or c.option("_sliding_window_pattern") or 1, True)


def gpt2(c: Config) -> Model:
    width = c.head_dim()
    attention = Attention(c.heads, c.heads, width, width, bias=True, output_bias=True, rotary=False)
    inner = c.option("n_inner") or 4 * c.hidden
    layer = Layer(attention, FeedForward(inner, gated=False, bias=True))
    positions = c.size("n_positions", "max_position_embeddings")
    return Model([layer] * c.layers, tied(c), norm_bias=True, learned_positions=positions)


def gpt_neox(c: Config) -> Model:
    width, bias = c.head_dim(), c.flag("attention_bias")
    attention = Attention(c.heads, c.heads, width, width, bias=bias, output_bias=bias)
    dense = FeedForward(c.size("intermediate_size"), gated=False, bias=True)
    layer = Layer(attention, dense, parallel=c.flag("use_parallel_residual"))
    return Model([layer] * c.layers, tied(c), norm_bias=True)


def phi3(c: Config) -> Model:
    return mistral(c)


def falcon(c: Config) -> Model:
    new, bias, parallel = c.flag("new_decoder_architecture"), c.flag("bias"), c.flag("parallel_attn")
    if new:
        groups = c.key_value_heads("num_kv_heads", "n_head_kv")
    else:
        groups = 1 if c.flag("multi_query") else c.heads
    width = c.head_dim()
    rotary = not c.flag("alibi")
    attention = Attention(c.heads, groups, width, width, bias=bias, output_bias=bias, rotary=rotary)
    dense = FeedForward(c.option("ffn_hidden_size") or 4 * c.hidden, gated=False, bias=bias)
    norms = (c.option("num_ln_in_parallel_attn") or (2 if new else 1)) if parallel else 2
    layer = Layer(attention, dense, norms=norms, parallel=parallel)
    return Model([layer] * c.layers, tied(c), norm_bias=True)


def gpt_oss(c: Config) -> Model:
    bias = c.flag("attention_bias")
    attention = replace(grouped(c, bias=bias, output_bias=bias), sinks=True)
    experts = routed(c, "num_local_experts", "num_experts_per_tok", "intermediate_size", bias=True)
    windows = sliding(c, c.option("sliding_window"), [bool((i + 1) % 2) for i in range(c.layers)])
    return Model(windowed(Layer(attention, None, experts), windows), tied(c))


def llama4(c: Config) -> Model:
    bias = c.flag("attention_bias")
    attention = grouped(c, bias=bias, output_bias=bias)
    experts = routed(c, "num_local_experts", "num_experts_per_tok", "intermediate_size")
    experts = replace(experts, shared_width=experts.width)
    dense = FeedForward(c.size("intermediate_size_mlp"))
    step, period = c.option("interleave_moe_layer_step") or 1, c.option("no_rope_layer_interval") or 1
    rope = c.listing("no_rope_layers", int, c.layers) or [int((i + 1) % period != 0) for i in range(c.layers)]
    types = c.listing("layer_types", str, c.layers)
    chunked = (
        [bool(turn) for turn in rope] if types is None else [kind == "chunked_attention" for kind in types]
    )
    moe = set(c.listing("moe_layers", int) or range(step - 1, c.layers, step))
    chunk = c.option("attention_chunk_size")
    layers = [
        Layer(
            replace(attention, rotary=bool(rope[i]), chunk=chunk if chunked[i] else None),
            None if i in moe else dense,
            experts if i in moe else None,
        )
        for i in range(c.layers)
    ]
    return Model(layers, tied(c))


FAMILIES: dict[str, Callable[[Config], Model]] = {
    "deepseek_ref": deepseek_v4,
    "deepseek_v2": deepseek,
    "deepseek_v3": deepseek,
    "deepseek_v32": deepseek_v32,
    "deepseek_v4": deepseek_v4,
    "falcon": falcon,
    "gemma2": gemma2,
    "gemma3_text": gemma3,
    "gemma4_text": gemma4,
    "glm_moe_dsa": glm_moe_dsa,
    "gpt2": gpt2,
    "gpt_neox": gpt_neox,
    "gpt_oss": gpt_oss,
    "kimi_k2": deepseek,
    "kimi_linear": kimi_linear,
    "llama": llama,
    "llama4_text": llama4,
    "mimo": mimo,
    "mimo_v2_flash": mimo_v2_flash,
    "minimax_m2": minimax_m2,
    "minimax_m3": minimax_m3,
    "minimax_m3_vl_text": minimax_m3,
    "mistral": mistral,
    "mixtral": mixtral,
    "nemotron-nas": nemotron_nas,
    "nemotron_h": nemotron_h,
    "phi3": phi3,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "qwen3_5_moe_text": qwen3_5_moe,
    "qwen3_5_text": qwen3_5,
    "qwen3_moe": qwen3_moe,
    "qwen3_next": qwen3_next,
    "qwen3_vl_moe_text": qwen3_moe,
    "qwen3_vl_text": qwen3,
    "step3p7": step,
}
"""``model_type`` → the function that reads it."""

WRAPPERS = {
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
    "kimi_k25": "deepseek_v3",
    "kimi_k3": "kimi_linear",
    "llama4": "llama4_text",
    "minimax_m3_vl": "minimax_m3_vl_text",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
}
"""``model_type`` of a wrapper around several towers → that of its text part, read from ``text_config``."""

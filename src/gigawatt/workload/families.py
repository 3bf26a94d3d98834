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
    lfm2,
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
    gemma3n,
    gemma4,
    glm_moe_dsa,
    longcat_flash,
    mimo,
    mimo_v2_flash,
    minimax_m3,
    step,
)
from gigawatt.workload.family_parts import (
    Layer,
    Model,
    grouped,
    routed,
    tied,
)

__all__ = ["FAMILIES", "Layer", "Model"]


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
    "gemma3n_text": gemma3n,
    "gemma4_text": gemma4,
    "glm_moe_dsa": glm_moe_dsa,
    "kimi_k2": deepseek,
    "kimi_linear": kimi_linear,
    "lfm2": lfm2,
    "lfm2_moe": lfm2,
    "llama4_text": llama4,
    "longcat_flash": longcat_flash,
    "mimo": mimo,
    "mimo_v2_flash": mimo_v2_flash,
    "minimax_m3": minimax_m3,
    "minimax_m3_vl_text": minimax_m3,
    "nemotron-nas": nemotron_nas,
    "nemotron_h": nemotron_h,
    "qwen3_5_moe_text": qwen3_5_moe,
    "qwen3_5_text": qwen3_5,
    "qwen3_next": qwen3_next,
    "step3p7": step,
}
"""``model_type`` → the function that reads it, for those that no row says."""

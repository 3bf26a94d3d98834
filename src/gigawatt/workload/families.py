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
from dataclasses import dataclass, replace

from gigawatt.workload.architecture import Attention, Experts, FeedForward
from gigawatt.workload.config import Config

__all__ = ["FAMILIES", "WRAPPERS", "Layer", "Model"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer before it is counted: attention, dense part, routed part, norm vectors."""

    attention: Attention
    feed_forward: FeedForward | None = None
    experts: Experts | None = None
    norms: int = 2
    parallel: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """What a family's function returns: ``layers`` in order and what stands around them.

    ``prediction`` are multi-token-prediction modules; ``norm_bias`` says that a norm has a bias beside
    its weight; ``learned_positions`` is the number of learned position embeddings.
    """

    layers: list[Layer]
    tied: bool
    norm_bias: bool = False
    learned_positions: int = 0
    prediction: tuple[Layer, ...] = ()


def _grouped(c: Config, *, bias: bool = False, output_bias: bool = False) -> Attention:
    width = c.head_dim()
    return Attention(
        heads=c.heads,
        key_value_heads=c.key_value_heads(),
        head_dim=width,
        value_dim=width,
        bias=bias,
        output_bias=output_bias,
    )


def _tied(c: Config) -> bool:
    return c.flag("tie_word_embeddings")


def _sliding(c: Config, window: int | None, default: list[bool]) -> list[int | None]:
    """The window of every layer: as ``layer_types`` says, else ``window`` where ``default`` is true."""
    types = c.listing("layer_types", str, c.layers)
    slides = default if types is None else [kind == "sliding_attention" for kind in types]
    return [window if slide else None for slide in slides]


def _windowed(layer: Layer, windows: list[int | None]) -> list[Layer]:
    made: dict[int | None, Layer] = {}
    for window in windows:
        made.setdefault(window, replace(layer, attention=replace(layer.attention, window=window)))
    return [made[window] for window in windows]


def llama(c: Config) -> Model:
    bias = c.flag("attention_bias")
    layer = Layer(
        _grouped(c, bias=bias, output_bias=bias),
        FeedForward(c.size("intermediate_size"), bias=c.flag("mlp_bias")),
    )
    return Model([layer] * c.layers, _tied(c))


def mistral(c: Config) -> Model:
    layer = Layer(_grouped(c), FeedForward(c.size("intermediate_size")))
    return Model(_windowed(layer, [c.option("sliding_window")] * c.layers), _tied(c))


def mixtral(c: Config) -> Model:
    experts = _routed(c, "num_local_experts", "num_experts_per_tok", "intermediate_size")
    layer = Layer(_grouped(c), None, experts)
    return Model(_windowed(layer, [c.option("sliding_window")] * c.layers), _tied(c))


def _routed(c: Config, count: str, per_token: str, width: str, **more: int | bool) -> Experts:
    experts = c.size(count, "num_experts", "num_local_experts")
    used = c.option(per_token, "experts_per_token") or c.size(per_token)
    if used > experts:
        raise c.error(per_token, "more experts a token than there are", given=used, allowed=f"1 to {experts}")
    return Experts(experts, used, c.size(width), **more)  # pyright: ignore[reportArgumentType]


def _qwen_windows(c: Config) -> list[int | None]:
    window = c.option("sliding_window") if c.flag("use_sliding_window") else None
    first = c.option("max_window_layers", least=0) or 0
    return _sliding(c, window, [window is not None and i >= first for i in range(c.layers)])


def qwen2(c: Config) -> Model:
    layer = Layer(_grouped(c, bias=True), FeedForward(c.size("intermediate_size")))
    return Model(_windowed(layer, _qwen_windows(c)), _tied(c))


def _qwen3_attention(c: Config) -> Attention:
    bias = c.flag("attention_bias")
    return replace(_grouped(c, bias=bias, output_bias=bias), query_key_norm=True)


def qwen3(c: Config) -> Model:
    layer = Layer(_qwen3_attention(c), FeedForward(c.size("intermediate_size")))
    return Model(_windowed(layer, _qwen_windows(c)), _tied(c))


def qwen3_moe(c: Config) -> Model:
    window = c.option("sliding_window") if c.flag("use_sliding_window") else None
    attention = replace(_qwen3_attention(c), window=window)
    dense = Layer(attention, FeedForward(c.size("intermediate_size")))
    routed = Layer(attention, None, _routed(c, "num_experts", "num_experts_per_tok", "moe_intermediate_size"))
    step, only = c.option("decoder_sparse_step") or 1, set(c.listing("mlp_only_layers", int) or [])
    return Model([dense if i in only or (i + 1) % step else routed for i in range(c.layers)], _tied(c))


def deepseek(c: Config) -> Model:
    """DeepSeek-V2, V3 and Kimi K2: latent attention, shared and routed experts behind dense layers."""
    bias = c.flag("attention_bias")
    rope = c.size("qk_rope_head_dim")
    attention = Attention(
        heads=c.heads,
        key_value_heads=c.heads,
        head_dim=c.size("qk_nope_head_dim") + rope,
        value_dim=c.size("v_head_dim"),
        query_rank=c.option("q_lora_rank") or 0,
        key_value_rank=c.size("kv_lora_rank"),
        rope_dim=rope,
        bias=bias,
        output_bias=bias,
    )
    dense = Layer(attention, FeedForward(c.size("intermediate_size"), bias=c.flag("mlp_bias")))
    width, shared = c.size("moe_intermediate_size"), c.option("n_shared_experts", least=0) or 0
    experts = _routed(c, "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size")
    groups, used = c.option("n_group") or 1, c.option("topk_group") or 1
    if used > groups:
        raise c.error("topk_group", "more groups a token than there are", given=used, allowed=f"1 to {groups}")
    limit = used if used < groups else 0
    experts = replace(experts, shared_width=shared * width, groups=groups, groups_per_token=limit)
    routed = Layer(attention, None, experts)
    first = c.option("first_k_dense_replace", least=0) or 0
    depth = c.option("num_nextn_predict_layers", least=0) if "num_nextn_predict_layers" in c.values else 0
    # A module has two norms of its own before its projection and one behind its layer (V3 report, 2.2).
    module = replace(routed, norms=routed.norms + 3)
    layers = [dense if i < first else routed for i in range(c.layers)]
    return Model(layers, _tied(c), prediction=(module,) * (depth or 0))


def _gemma(c: Config, period: int, query_key_norm: bool) -> Model:
    bias = c.flag("attention_bias")
    attention = replace(_grouped(c, bias=bias, output_bias=bias), query_key_norm=query_key_norm)
    layer = Layer(attention, FeedForward(c.size("intermediate_size")), norms=4)
    windows = _sliding(c, c.option("sliding_window"), [bool((i + 1) % period) for i in range(c.layers)])
    return Model(_windowed(layer, windows), _tied(c))


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
    return Model([layer] * c.layers, _tied(c), norm_bias=True, learned_positions=positions)


def gpt_neox(c: Config) -> Model:
    width, bias = c.head_dim(), c.flag("attention_bias")
    attention = Attention(c.heads, c.heads, width, width, bias=bias, output_bias=bias)
    dense = FeedForward(c.size("intermediate_size"), gated=False, bias=True)
    layer = Layer(attention, dense, parallel=c.flag("use_parallel_residual"))
    return Model([layer] * c.layers, _tied(c), norm_bias=True)


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
    return Model([layer] * c.layers, _tied(c), norm_bias=True)


def gpt_oss(c: Config) -> Model:
    bias = c.flag("attention_bias")
    attention = replace(_grouped(c, bias=bias, output_bias=bias), sinks=True)
    experts = _routed(c, "num_local_experts", "num_experts_per_tok", "intermediate_size", bias=True)
    windows = _sliding(c, c.option("sliding_window"), [bool((i + 1) % 2) for i in range(c.layers)])
    return Model(_windowed(Layer(attention, None, experts), windows), _tied(c))


def llama4(c: Config) -> Model:
    bias = c.flag("attention_bias")
    attention = _grouped(c, bias=bias, output_bias=bias)
    experts = _routed(c, "num_local_experts", "num_experts_per_tok", "intermediate_size")
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
    return Model(layers, _tied(c))


FAMILIES: dict[str, Callable[[Config], Model]] = {
    "deepseek_v2": deepseek,
    "deepseek_v3": deepseek,
    "falcon": falcon,
    "gemma2": gemma2,
    "gemma3_text": gemma3,
    "gpt2": gpt2,
    "gpt_neox": gpt_neox,
    "gpt_oss": gpt_oss,
    "kimi_k2": deepseek,
    "llama": llama,
    "llama4_text": llama4,
    "mistral": mistral,
    "mixtral": mixtral,
    "phi3": phi3,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "qwen3_moe": qwen3_moe,
}
"""``model_type`` → the function that reads it."""

WRAPPERS = {"gemma3": "gemma3_text", "llama4": "llama4_text"}
"""``model_type`` of a wrapper around several towers → that of its text part, read from ``text_config``."""

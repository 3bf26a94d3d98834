"""Families that put state-space or linear-attention layers between their attention layers."""

from __future__ import annotations

from dataclasses import replace

from gigawatt.workload.architecture import (
    NO_ATTENTION,
    Attention,
    DeltaRule,
    Experts,
    FeedForward,
    ShortConvolution,
    StateSpace,
)
from gigawatt.workload.config import Config
from gigawatt.workload.families_sparse import latent_attention
from gigawatt.workload.family_parts import Layer, Model, choices, grouped, limited, predicted, routed, tied

__all__ = ["kimi_linear", "lfm2", "nemotron_h", "nemotron_nas", "qwen3_5", "qwen3_5_moe", "qwen3_next"]

CHUNK = 64
"""Tokens of a chunk of the delta rule: a constant of its published kernels, no key of a configuration."""

_MOST_WIDE = 1e3
"""No feed-forward is wider than so many times the hidden size: a slip of the pen, not a model."""

_LINEAR = ("full_attention", "linear_attention")
_NEMOTRON = {
    "M": "mamba",
    "*": "attention",
    "E": "moe",
    "-": "mlp",
    "linear_attention": "mamba",
    "full_attention": "attention",
}
_NEMOTRON_KINDS = ("mamba", "attention", "moe", "mlp")


def _pattern(c: Config, listed: str, pattern: str) -> list[str] | None:
    """The kinds of Nemotron-H's layers, from a list of names or a string of letters."""
    given: list[str] = c.listing(listed, str) or list(str(c.values.get(pattern) or ""))
    kinds: list[str] = [_NEMOTRON.get(word, word) for word in given]
    unknown = [word for word in kinds if word not in _NEMOTRON_KINDS]
    if unknown:
        key = listed if listed in c.values else pattern
        allowed = ", ".join(_NEMOTRON_KINDS)
        raise c.error(key, "this kind of layer is not known", given=unknown[0], allowed=allowed)
    return kinds or None


def nemotron_h(c: Config) -> Model:
    """Nemotron-H and Nemotron 3: every layer is one of Mamba-2, attention, dense or routed feed-forward.

    Routed experts may work on a latent (Nemotron 3 Super and Ultra). Attention has no position
    embedding, and no bias whatever ``attention_bias`` says.
    """
    kinds = _pattern(c, "layers_block_type", "hybrid_override_pattern")
    if kinds is None:
        raise c.error(
            "hybrid_override_pattern", "this key is missing", allowed="one letter of M * E - for each layer"
        )
    dense_bias = c.flag("mlp_bias")
    if dense_bias and "moe" in kinds:
        raise c.error("mlp_bias", "biases of experts are not modelled", given=True, allowed="false")
    parts: dict[str, Layer] = {}
    for kind in dict.fromkeys(kinds):
        if kind == "mamba":
            parts[kind] = Layer(mixer=_mamba(c), norms=1, parallel=True)
        elif kind == "attention":
            parts[kind] = Layer(replace(grouped(c), rotary=False), norms=1, parallel=True)
        elif kind == "mlp":
            width = c.size("intermediate_size")
            dense = FeedForward(width, gated=False, bias=dense_bias)
            parts[kind] = Layer(feed_forward=dense, norms=1, parallel=True)
        else:
            parts[kind] = Layer(experts=_nemotron_experts(c), norms=1, parallel=True)
    return Model([parts[kind] for kind in kinds], tied(c), prediction=_nemotron_prediction(c, parts))


def _nemotron_prediction(c: Config, parts: dict[str, Layer]) -> tuple[Layer, ...]:
    """Modules of one layer that mixes and one that feeds forward, as one block each; where one serves for
    several tokens (``mtp_use_repeated_layer``), training runs it ``mtp_num_layers`` times."""
    if not c.option("num_nextn_predict_layers", least=0):
        return ()
    kinds = _pattern(c, "mtp_layers_block_type", "mtp_hybrid_override_pattern") or ["attention", "moe"]
    pairs = [(kinds[i], kinds[i + 1]) for i in range(0, len(kinds) - 1, 2)]
    whole = len(kinds) % 2 == 0 and all(x in ("mamba", "attention") and y in ("moe", "mlp") for x, y in pairs)
    if len(pairs) != 1 or not whole or not {*kinds} <= {*parts}:
        raise c.error(
            "mtp_layers_block_type",
            "a module of other than one mixing and one feed-forward layer is not modelled",
            given=" ".join(kinds),
            allowed="attention moe",
        )
    mixing, feeding = (parts[kind] for kind in pairs[0])
    runs = (c.option("mtp_num_layers", least=1) or 1) if c.flag("mtp_use_repeated_layer") else 1
    both = replace(
        mixing, feed_forward=feeding.feed_forward, experts=feeding.experts, norms=2, parallel=False,
        repeats=runs,
    )  # fmt: skip
    return predicted(c, "num_nextn_predict_layers", both)


def _mamba(c: Config) -> StateSpace:
    heads, groups = c.size("mamba_num_heads"), c.size("n_groups", "mamba_n_groups")
    if heads % groups:
        allowed = f"a divisor of {heads}"
        raise c.error("n_groups", "groups do not divide the heads", given=groups, allowed=allowed)
    return StateSpace(
        heads=heads,
        head_dim=c.size("mamba_head_dim"),
        state=c.size("ssm_state_size"),
        groups=groups,
        kernel=c.option("conv_kernel", "mamba_d_conv") or 4,
        chunk=c.option("chunk_size", "mamba_chunk_size") or 128,
        bias=c.flag("use_bias"),
        convolution_bias=c.flag("use_conv_bias", True),
    )


def _nemotron_experts(c: Config) -> Experts:
    experts = routed(c, "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size", gated=False)
    return limited(
        c,
        replace(
            experts,
            shared_width=c.option("moe_shared_expert_intermediate_size", least=0) or 0,
            latent=c.option("moe_latent_size") or 0,
        ),
    )


def nemotron_nas(c: Config) -> Model:
    """Llama-Nemotron: Llama's layers, some without attention, feed-forwards of different width.

    References
    ----------
    Bercovich et al. 2024, "Puzzle"; ``modeling_decilm.py`` as published with the model: a width is
    2 × ffn_mult × hidden / 3, rounded up to a multiple of 256.
    """
    made: dict[tuple[int, int], Layer] = {}
    layers: list[Layer] = []
    for entry in c.inners("block_configs", c.layers):
        attention, dense = entry.inner("attention"), entry.inner("ffn")
        shared = 0 if attention.flag("no_op") else attention.size("n_heads_in_group")
        width = 0 if dense.flag("no_op") else _nas_width(c, dense)
        replaced = attention.flag("replace_with_linear") or dense.flag("replace_with_linear")
        if replaced or not (shared or width) or (shared and c.heads % shared):
            allowed = f"attention and ffn, heads in a group a divisor of {c.heads}"
            raise c.error("block_configs", "this kind of layer is not modelled", allowed=allowed)
        if (shared, width) not in made:
            made[shared, width] = _nas_layer(c, shared, width)
        layers.append(made[shared, width])
    return Model(layers, tied(c))


def _nas_width(c: Config, dense: Config) -> int:
    scale = dense.values.get("ffn_mult")
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0.0 < scale < _MOST_WIDE:
        raise dense.error("ffn_mult", "this is no width", allowed=f"a number above 0, below {_MOST_WIDE:g}")
    return max(-(-int(2 * scale * c.hidden / 3) // 256), 1) * 256


def _nas_layer(c: Config, shared: int, width: int) -> Layer:
    """A layer with ``shared`` query heads to a key-value head, feed-forward of ``width`` (0: without)."""
    head, bias = c.head_dim(), c.flag("attention_bias")
    core = NO_ATTENTION
    if shared:
        core = Attention(c.heads, c.heads // shared, head, head, bias=bias, output_bias=bias)
    wide = FeedForward(width, bias=c.flag("mlp_bias")) if width else None
    one = not (shared and width)
    return Layer(core, wide, norms=1 if one else 2, parallel=one)


def _delta_rule(c: Config) -> DeltaRule:
    heads, groups = c.size("linear_num_value_heads"), c.size("linear_num_key_heads")
    if heads % groups:
        allowed = f"a divisor of {heads}"
        raise c.error(
            "linear_num_key_heads", "key heads do not divide the heads", given=groups, allowed=allowed
        )
    return DeltaRule(
        key_heads=groups,
        value_heads=heads,
        key_dim=c.size("linear_key_head_dim"),
        value_dim=c.size("linear_value_head_dim"),
        kernel=c.option("linear_conv_kernel_dim") or 4,
        chunk=CHUNK,
    )


def _alternating(c: Config) -> list[bool]:
    """Which layers have attention: as ``layer_types`` says, else every fourth."""
    types = choices(c, "layer_types", _LINEAR, c.layers)
    every = c.option("full_attention_interval") or 4
    if types is None:
        return [(i + 1) % every == 0 for i in range(c.layers)]
    return [kind == "full_attention" for kind in types]


def _gated_attention(c: Config) -> Attention:
    bias = c.flag("attention_bias")
    attention = grouped(c, bias=bias, output_bias=bias)
    return replace(attention, query_key_norm=True, gate=attention.head_dim)


def _qwen_hybrid(c: Config, feeds: list[Layer]) -> Model:
    """Qwen's hybrid: layers of :func:`_alternating` with the feed-forwards of ``feeds``."""
    attention, mixer = _gated_attention(c), _delta_rule(c)
    full = _alternating(c)
    layers = [
        replace(feed, attention=attention) if own else replace(feed, mixer=mixer)
        for own, feed in zip(full, feeds, strict=True)
    ]
    module = predicted(c, "mtp_num_hidden_layers", replace(feeds[-1], attention=attention))
    return Model(layers, tied(c), prediction=module)


def _qwen_experts(c: Config) -> Layer:
    experts = routed(c, "num_experts", "num_experts_per_tok", "moe_intermediate_size")
    width = c.size("shared_expert_intermediate_size")
    return Layer(experts=replace(experts, shared_width=width, shared_gate=True))


def qwen3_5(c: Config) -> Model:
    """Qwen3.5: gated delta rule, every fourth layer gated attention, dense feed-forward."""
    return _qwen_hybrid(c, [Layer(feed_forward=FeedForward(c.size("intermediate_size")))] * c.layers)


def qwen3_5_moe(c: Config) -> Model:
    """Qwen3.5 with experts."""
    return _qwen_hybrid(c, [_qwen_experts(c)] * c.layers)


def qwen3_next(c: Config) -> Model:
    """Qwen3-Next: as Qwen3.5 with experts; some layers may be dense."""
    step, only = c.option("decoder_sparse_step") or 1, set(c.listing("mlp_only_layers", int) or [])
    dense = Layer(feed_forward=FeedForward(c.size("intermediate_size"))) if only or step > 1 else None
    sparse = _qwen_experts(c)
    return _qwen_hybrid(
        c, [dense if dense and (i in only or (i + 1) % step) else sparse for i in range(c.layers)]
    )


def lfm2(c: Config) -> Model:
    """LFM2 and its models with experts: gated short convolutions, some layers attention with norms.

    A dense width may be given as that of a layer without gates (``block_auto_adjust_ff_dim``): two thirds of
    it, rounded up to a multiple.
    """
    kinds = choices(c, "layer_types", ("full_attention", "conv"), c.layers)
    listed = c.listing("full_attn_idxs", int)
    full = [listed is None or i in listed for i in range(c.layers)]
    if kinds is not None:
        full = [kind == "full_attention" for kind in kinds]
    attention = replace(grouped(c), query_key_norm=True)
    mixer = ShortConvolution(c.hidden, c.option("conv_L_cache") or 3, c.flag("conv_bias"))
    routes = c.option("num_experts", least=0)
    width = c.size("intermediate_size", "block_ff_dim")
    if not routes and c.flag("block_auto_adjust_ff_dim", True):
        scale, multiple = c.values.get("block_ffn_dim_multiplier", 1.0), c.option("block_multiple_of") or 256
        if scale is not None:
            if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0.0 < scale < _MOST_WIDE:
                allowed = f"a number above 0, below {_MOST_WIDE:g}"
                raise c.error("block_ffn_dim_multiplier", "this is no width", allowed=allowed)
            width = max(-(-int(scale * int(2 * width / 3)) // multiple), 1) * multiple
        else:
            width = max(int(2 * width / 3), 1)
    first = (c.option("num_dense_layers", least=0) or 0) if routes else c.layers
    experts = routed(c, "num_experts", "num_experts_per_tok", "moe_intermediate_size") if routes else None
    layers = [
        Layer(
            attention if own else NO_ATTENTION,
            FeedForward(width) if i < first else None,
            None if i < first else experts,
            mixer=None if own else mixer,
        )
        for i, own in enumerate(full)
    ]
    return Model(layers, tied(c))


def kimi_linear(c: Config) -> Model:
    """Kimi Linear: delta rule with a decay a channel, every fourth layer latent attention without positions.

    Kimi K3 adds a gate on latent attention, experts on a latent with a norm behind them, and before every
    part a weighted sum over the outputs of earlier groups of layers (attention residuals). Of the last the
    weights are counted, not the traffic.

    References
    ----------
    Kimi Team 2025, "Kimi Linear"; Kimi Team 2026, "Kimi K3", arXiv:2607.24653, section 2.
    """
    linear = c.inner("linear_attn_config")

    def inner(old: str, new: str) -> int:
        return linear.size(old) if old in linear.values else c.option(new) or 1

    heads, width = inner("num_heads", "linear_num_heads"), inner("head_dim", "linear_head_dim")
    kernel = inner("short_conv_kernel_size", "linear_conv_kernel_dim")
    gate = 0 if linear.flag("use_full_rank_gate") else width
    mixer = DeltaRule(heads, heads, width, width, kernel, CHUNK, decay_rank=width, gate_rank=gate)
    attention = replace(latent_attention(c), rotary=False)
    if c.flag("mla_use_output_gate"):
        attention = replace(attention, gate=attention.value_dim)
    listed = linear.listing("full_attn_layers", int)
    types = choices(c, "layer_types", _LINEAR, c.layers)
    full = [bool(i) and i % 4 == 0 for i in range(c.layers)]
    if types is not None:
        full = [kind == "full_attention" for kind in types]
    elif listed is not None:
        full = [i + 1 in listed for i in range(c.layers)]
    experts = routed(c, "num_experts", "num_experts_per_token", "moe_intermediate_size")
    shared = c.option("num_shared_experts", "n_shared_experts", least=0)
    latent = c.option("routed_expert_hidden_size") or 0
    experts = replace(experts, shared_width=experts.width * (1 if shared is None else shared), latent=latent)
    behind = latent if c.flag("latent_moe_use_norm") else 0
    # A norm and a query before either part, and before the head.
    residual = 2 * c.hidden if c.option("attn_res_block_size") else 0
    dense = FeedForward(c.size("intermediate_size"))
    first = c.option("first_k_dense_replace", least=0)
    first = 1 if first is None else first
    layers = [
        Layer(
            attention if own else NO_ATTENTION,
            dense if i < first else None,
            None if i < first else experts,
            mixer=None if own else mixer,
            scales=2 * residual + (0 if i < first else behind),
        )
        for i, own in enumerate(full)
    ]
    return Model(layers, tied(c), scales=residual)

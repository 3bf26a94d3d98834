"""Families with latent, sparse or mixed attention, most of them with experts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gigawatt.workload.architecture import Attention, Experts, FeedForward, Indexer
from gigawatt.workload.config import Config
from gigawatt.workload.family_parts import (
    Layer,
    Model,
    choices,
    grouped,
    limited,
    predicted,
    qwen_windows,
    routed,
    tied,
    windowed,
)

__all__ = [
    "deepseek",
    "deepseek_v4",
    "deepseek_v32",
    "gemma3n",
    "gemma4",
    "glm_moe_dsa",
    "latent_attention",
    "longcat_flash",
    "mimo",
    "mimo_v2_flash",
    "minimax_m3",
    "step",
]

_SPARSE = ("dense", "sparse")
_SLIDING = ("full_attention", "sliding_attention")


def latent_attention(c: Config) -> Attention:
    """Multi-head latent attention as DeepSeek-V2 introduced it."""
    bias = c.flag("attention_bias")
    rope = c.size("qk_rope_head_dim")
    return Attention(
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


def _deepseek_experts(c: Config) -> Experts:
    width, shared = c.size("moe_intermediate_size"), c.option("n_shared_experts", least=0) or 0
    experts = routed(c, "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size")
    return limited(c, replace(experts, shared_width=shared * width))


def _dense_first(c: Config) -> list[bool]:
    """Which layers have experts: as ``mlp_layer_types`` says, else all behind the first dense ones."""
    types = choices(c, "mlp_layer_types", _SPARSE, c.layers)
    if types is not None:
        return [kind == "sparse" for kind in types]
    first = c.option("first_k_dense_replace", least=0) or 0
    return [i >= first for i in range(c.layers)]


def deepseek(c: Config) -> Model:
    """DeepSeek-V2, V3 and Kimi K2: latent attention, shared and routed experts behind dense layers."""
    attention = latent_attention(c)
    dense = Layer(attention, FeedForward(c.size("intermediate_size"), bias=c.flag("mlp_bias")))
    sparse = Layer(attention, None, _deepseek_experts(c))
    layers = [sparse if routes else dense for routes in _dense_first(c)]
    return Model(layers, tied(c), prediction=predicted(c, "num_nextn_predict_layers", sparse))


def longcat_flash(c: Config) -> Model:
    """LongCat-Flash: a layer is two of latent attention and a dense part, the first with experts beside it.

    The router also knows experts that do nothing (``zero_expert_num``); a token is taken to reach both kinds
    alike.

    References
    ----------
    Meituan 2025, "LongCat-Flash Technical Report", arXiv:2509.01322, section 2.
    """
    attention = latent_attention(c)
    dense = FeedForward(c.size("ffn_hidden_size", "intermediate_size"))
    experts = routed(c, "n_routed_experts", "moe_topk", "expert_ffn_hidden_size")
    idle = c.option("zero_expert_num", least=0) or 0
    share = experts.count / (experts.count + idle)
    experts = replace(experts, per_token=max(round(experts.per_token * share), 1))
    wide = idle * c.hidden + (experts.count + idle if c.flag("router_bias") else 0)
    first, second = Layer(attention, dense, experts, scales=wide), Layer(attention, dense)
    return Model([first, second] * c.layers, tied(c))


def _with_indexers(c: Config, runs: list[bool]) -> Model:
    """DeepSeek-V3's layers with an indexer in each, or with the selection of the one before it."""
    base = deepseek(c)
    # A norm with bias over the key that all heads of the indexer share.
    indexer = Indexer(
        heads=c.size("index_n_heads"),
        head_dim=c.size("index_head_dim"),
        keys=c.size("index_topk"),
        norms=2 * c.size("index_head_dim"),
    )
    made: dict[tuple[Layer, bool], Layer] = {}

    def selecting(layer: Layer, own: bool) -> Layer:
        found = replace(layer.attention, indexer=replace(indexer, runs=own))
        return made.setdefault((layer, own), replace(layer, attention=found))

    layers = [selecting(layer, own) for layer, own in zip(base.layers, runs, strict=True)]
    return replace(base, layers=layers, prediction=tuple(selecting(x, True) for x in base.prediction))


def deepseek_v32(c: Config) -> Model:
    """DeepSeek-V3.2: V3 with an indexer that selects the tokens that every query sees."""
    return _with_indexers(c, [True] * c.layers)


def glm_moe_dsa(c: Config) -> Model:
    """GLM-5: as DeepSeek-V3.2; some layers take over the selection of the layer before."""
    types = choices(c, "indexer_types", ("full", "shared"), c.layers)
    pattern = c.values.get("index_topk_pattern")
    if types is None and pattern is not None:
        given = list(pattern) if isinstance(pattern, str) else c.listing("index_topk_pattern", str) or []
        types = [{"F": "full", "S": "shared"}.get(word, word) for word in given]
        if len(types) != c.layers or set(types) - {"full", "shared"}:
            raise c.error("index_topk_pattern", "one entry a layer", allowed="F or S for each layer")
    if types is not None:
        return _with_indexers(c, [kind == "full" for kind in types])
    every, offset = c.option("index_topk_freq") or 1, c.option("index_skip_topk_offset") or 2
    return _with_indexers(c, [max(i - offset + 1, 0) % every == 0 for i in range(c.layers)])


def deepseek_v4(c: Config) -> Model:
    """DeepSeek-V4: a window in every layer, beside it compressed keys, few selected or all of them.

    The key is the value (one head for all query heads); four residual streams are mixed by
    hyper-connections; the first layers route by a fixed table instead of the router's best.
    """
    rates = c.listing("compress_ratios", int)
    names = {"sliding_attention": 0, "compressed_sparse_attention": 4, "heavily_compressed_attention": 128}
    types = choices(c, "layer_types", tuple(names), c.layers)
    if types is not None:
        rates = [names[kind] for kind in types]
    if rates is None:
        rates = [128 if i < 2 or i % 2 == 0 else 4 for i in range(c.layers)]
    if len(rates) < c.layers or set(rates) - set(names.values()):
        raise c.error(
            "compress_ratios",
            "tokens pooled into one key, one entry a layer",
            given=f"{len(rates)} entries",
            allowed=f"{c.layers} entries of 0, 4 or 128",
        )
    width, streams = c.size("head_dim"), c.option("hc_mult") or 1
    attention = Attention(
        heads=c.heads,
        key_value_heads=1,
        head_dim=width,
        value_dim=width,
        window=c.size("sliding_window"),
        query_rank=c.size("q_lora_rank"),
        key_value_rank=width,
        rope_dim=c.option("qk_rope_head_dim") or width // 8,
        sinks=True,
        shared=True,
        output_groups=c.size("o_groups"),
        output_rank=c.size("o_lora_rank"),
    )
    if attention.heads % attention.output_groups:
        allowed = f"a divisor of {c.heads}"
        raise c.error("o_groups", "groups do not divide the heads", given=c.size("o_groups"), allowed=allowed)
    indexer = Indexer(
        heads=c.size("index_n_heads"),
        head_dim=c.size("index_head_dim"),
        keys=c.size("index_topk"),
        norms=c.size("index_head_dim"),
    )
    experts = _deepseek_experts(c)
    made = {
        rate: Layer(
            replace(attention, compression=rate, indexer=indexer if rate == 4 else None),
            None,
            experts,
            streams=streams,
        )
        for rate in sorted(set(rates))
    }
    reading = streams * (streams * c.hidden + 1) + 1 if streams > 1 else 0
    last = made[rates[c.layers] if len(rates) > c.layers else rates[-1]]
    module = predicted(c, "num_nextn_predict_layers", replace(last, scales=reading))
    return Model([made[rate] for rate in rates[: c.layers]], tied(c), prediction=module, scales=reading)


def minimax_m3(c: Config) -> Model:
    """MiniMax-M3: block-sparse attention, each key-value head selecting blocks of keys of its own.

    Configured modules for multi-token prediction (``num_mtp_modules``) are not read: nothing public says
    how they are built.
    """
    attention = replace(grouped(c), query_key_norm=True)
    sparse = c.inner("sparse_attention_config")

    def inner(old: str, new: str, least: int = 1) -> int:
        return sparse.size(old) if old in sparse.values else c.option(new, least=least) or 0

    heads, width = (
        inner("sparse_num_index_heads", "index_n_heads"),
        inner("sparse_index_dim", "index_head_dim"),
    )
    blocks = inner("sparse_topk_blocks", "index_topk_blocks")
    keys = blocks * inner("sparse_block_size", "index_block_size")
    indexer = Indexer(heads=heads, head_dim=width, keys=keys, weighted=False, norms=2 * width)
    selecting = replace(attention, indexer=indexer)
    dense = FeedForward(c.size("dense_intermediate_size"))
    experts = routed(c, "num_local_experts", "num_experts_per_tok", "intermediate_size")
    experts = replace(experts, shared_width=c.option("shared_intermediate_size", least=0) or 0)

    def marks(config: Config, key: str) -> list[bool] | None:
        found = config.listing(key, int, c.layers)
        return None if found is None else [bool(mark) for mark in found]

    routes = marks(c, "moe_layer_freq")
    if routes is None:
        types = choices(c, "mlp_layer_types", _SPARSE, c.layers)
        routes = [kind == "sparse" for kind in types] if types else [True] * c.layers
    selects = marks(sparse, "sparse_attention_freq")
    if selects is None:
        types = choices(c, "layer_types", ("full_attention", "minimax_m3_sparse"), c.layers)
        selects = [kind != "full_attention" for kind in types] if types else [False] * c.layers
    layers = [
        Layer(selecting if s else attention, None if r else dense, experts if r else None)
        for s, r in zip(selects, routes, strict=True)
    ]
    return Model(layers, tied(c))


def gemma4(c: Config) -> Model:
    """Gemma 4: windows between full layers with wider heads; dense and routed part side by side.

    Its small models have embeddings a layer, and last layers that take over keys and values (and may feed
    forward twice as wide).
    """
    bias = c.flag("attention_bias")
    near = replace(grouped(c, bias=bias, output_bias=bias), query_key_norm=True)
    width = c.option("global_head_dim") or 512
    shared = c.flag("attention_k_eq_v")
    groups = (c.option("num_global_key_value_heads") if shared else None) or near.key_value_heads
    full = replace(near, head_dim=width, value_dim=width, key_value_heads=groups, shared=shared)
    near = replace(near, window=c.option("sliding_window"))
    types = choices(c, "layer_types", _SLIDING, c.layers)
    slides = [bool((i + 1) % 6) for i in range(c.layers)]
    if types is not None:
        slides = [kind == "sliding_attention" for kind in types]
    slides[-1] = False  # transformers: the last layer is always a full one
    experts, norms, scales = None, 4, 0
    if c.flag("enable_moe_block"):
        experts = routed(c, "num_experts", "top_k_experts", "moe_intermediate_size")
        norms, scales = 7, c.hidden + experts.count  # the router's scales of its input and of each expert
    dense = FeedForward(c.size("intermediate_size"))
    layer = Layer(full, dense, experts, norms=norms, scales=scales)
    inputs = c.option("hidden_size_per_layer_input", least=0) or 0
    if inputs:
        layer = replace(layer, norms=norms + 1, **embedded(c, inputs))
    made: dict[tuple[bool, bool], Layer] = {}
    first = c.layers - (c.option("num_kv_shared_layers", least=0) or 0)
    wide = 2 if c.flag("use_double_wide_mlp") else 1
    for i, slide in enumerate(slides):
        late = i >= first
        core = replace(near if slide else full, reuses=late)
        width = replace(dense, width=dense.width * wide) if late else dense
        made.setdefault((slide, late), replace(layer, attention=core, feed_forward=width))
    layers = [made[slide, i >= first] for i, slide in enumerate(slides)]
    return Model(layers, tied(c), scales=inputs)


def embedded(c: Config, width: int) -> dict[str, Any]:
    """Embeddings of ``width`` a layer: a table gathered by token, and what mixes it with the stream.

    The projection of the first hidden state to the inputs of all layers is counted a layer at a time.

    References
    ----------
    Google 2025, "Gemma 3n" (per-layer embeddings); transformers' ``modeling_gemma3n``, ``modeling_gemma4``.
    """
    hidden = c.hidden
    sides = (
        ("layer_embedding.projection", hidden, width),
        ("layer_embedding.gate", hidden, width),
        ("layer_embedding.output", width, hidden),
    )
    return {"sides": sides, "table": c.size("vocab_size_per_layer_input", "vocab_size") * width}


def gemma3n(c: Config) -> Model:
    """Gemma 3n: Gemma 3's layers with embeddings a layer, several residual streams and a low-rank side path.

    Only one of the streams passes through a layer, the others are predicted and corrected (AltUp); their
    mixing is counted by its weights, and the projections of the streams at both ends are in no operation.

    References
    ----------
    Google 2025, "Gemma 3n"; Baykal et al. 2023, "Alternating Updates for Efficient Transformers".
    """
    bias = c.flag("attention_bias")
    full = replace(grouped(c, bias=bias, output_bias=bias), query_key_norm=True)
    near = replace(full, window=c.option("sliding_window"))
    types = choices(c, "layer_types", _SLIDING, c.layers)
    slides = [bool((i + 1) % 5) for i in range(c.layers)]
    if types is not None:
        slides = [kind == "sliding_attention" for kind in types]
    listed = c.values.get("intermediate_size")
    widths = c.listing("intermediate_size", int, c.layers) if isinstance(listed, list) else None
    widths = widths or [c.size("intermediate_size")] * c.layers
    inputs, streams = c.size("hidden_size_per_layer_input"), c.size("altup_num_inputs")
    rank, first = c.size("laurel_rank"), c.layers - (c.option("num_kv_shared_layers", least=0) or 0)
    extra = embedded(c, inputs)
    extra["sides"] += (
        ("laurel.down", c.hidden, rank),
        ("laurel.up", rank, c.hidden),
        ("streams.router", c.hidden, streams),
    )
    # Norms: Gemma's four, of side path, router and embedding; then coefficients and a scale.
    layer = Layer(full, norms=7, scales=streams**2 + streams**3 + c.hidden, **extra)
    made: dict[tuple[bool, bool, int], Layer] = {}
    keys = [(slide, i >= first, width) for i, (slide, width) in enumerate(zip(slides, widths, strict=True))]
    for slide, late, width in keys:
        core = replace(near if slide else full, reuses=late)
        found = replace(layer, attention=core, feed_forward=FeedForward(width))
        made.setdefault((slide, late, width), found)
    scales = inputs + 2 * (streams - 1) * c.hidden**2
    return Model([made[key] for key in keys], tied(c), scales=scales)


def mimo(c: Config) -> Model:
    """MiMo: Qwen2's layers, with modules for multi-token prediction (its own modelling code)."""
    layer = Layer(grouped(c, bias=c.flag("attention_bias", True)), FeedForward(c.size("intermediate_size")))
    module = predicted(c, "num_nextn_predict_layers", layer)
    return Model(windowed(layer, qwen_windows(c)), tied(c), prediction=module)


def mimo_v2_flash(c: Config) -> Model:
    """MiMo-V2-Flash: windows with sinks and twice the key-value heads between full layers."""
    groups, width = c.key_value_heads(), c.head_dim()
    full = Attention(c.heads, groups, width, c.option("v_head_dim") or width, bias=c.flag("attention_bias"))
    # Hugging Face counts a token itself as part of the window, the published key does not.
    given = c.option("sliding_window_size")
    window = given + 1 if given is not None else c.option("sliding_window")
    near = replace(full, key_value_heads=2 * groups, window=window, sinks=True)
    pattern, types = (
        c.listing("hybrid_layer_pattern", int, c.layers),
        choices(c, "layer_types", _SLIDING, c.layers),
    )
    slides = [bool(i and (i + 1) % 6) for i in range(c.layers)]
    if types is not None:
        slides = [kind == "sliding_attention" for kind in types]
    elif pattern is not None:
        slides = [bool(mark) for mark in pattern]
    marks, kinds = (
        c.listing("moe_layer_freq", int, c.layers),
        choices(c, "mlp_layer_types", _SPARSE, c.layers),
    )
    routes = [i > 0 for i in range(c.layers)]
    if kinds is not None:
        routes = [kind == "sparse" for kind in kinds]
    elif marks is not None:
        routes = [bool(mark) for mark in marks]
    dense = FeedForward(c.size("intermediate_size"))
    experts = limited(c, routed(c, "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size"))
    layers = [
        Layer(near if slide else full, None if route else dense, experts if route else None)
        for slide, route in zip(slides, routes, strict=True)
    ]
    return Model(layers, tied(c))


def step(c: Config) -> Model:
    """Step-3.7-Flash: windows between full layers, a gate a head, experts behind dense layers.

    Layers with a window may have more heads (``attention_other_setting``).
    """
    bias = c.flag("attention_bias")
    full = replace(grouped(c, bias=bias, output_bias=bias), query_key_norm=True, gate=1)
    near_heads = c.option("num_sliding_attention_heads")
    near_heads = near_heads or c.inner("attention_other_setting").option("num_attention_heads") or c.heads
    if near_heads % full.key_value_heads:
        allowed = f"a multiple of {full.key_value_heads}"
        raise c.error(
            "attention_other_setting",
            "key-value heads do not divide the heads",
            given=near_heads,
            allowed=allowed,
        )
    near = replace(full, heads=near_heads, window=c.option("sliding_window"))
    depth = c.option("num_nextn_predict_layers", least=0) or 0
    types = choices(c, "layer_types", _SLIDING) or ["full_attention"] * c.layers
    if len(types) not in (c.layers, c.layers + depth):
        allowed = f"{c.layers} entries"
        raise c.error("layer_types", "one entry a layer", given=f"{len(types)} entries", allowed=allowed)
    experts = routed(c, "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size")
    experts = replace(experts, shared_width=c.option("share_expert_dim", least=0) or 0)
    dense = FeedForward(c.size("intermediate_size"), bias=c.flag("mlp_bias"))
    listed, kinds = c.values.get("moe_layers_enum"), choices(c, "mlp_layer_types", _SPARSE)
    if kinds is not None:
        routes = {i for i, kind in enumerate(kinds) if kind == "sparse"}
    elif isinstance(listed, str) and all(word.strip().isdigit() for word in listed.split(",")):
        routes = {int(word) for word in listed.split(",")}
    else:
        routes = set(c.listing("moe_layers_enum", int) or range(3, c.layers + depth))

    def layer(i: int) -> Layer:
        near_here = types[i if i < len(types) else -1] == "sliding_attention"
        sparse = i in routes
        return Layer(near if near_here else full, None if sparse else dense, experts if sparse else None)

    module = predicted(c, "num_nextn_predict_layers", layer(c.layers))
    return Model([layer(i) for i in range(c.layers)], tied(c), prediction=module)

"""What the functions of the families have in common: layers, models, and the readings of usual keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gigawatt.workload.architecture import NO_ATTENTION, Attention, Experts, FeedForward, Mixer
from gigawatt.workload.config import Config

__all__ = [
    "Layer",
    "Model",
    "choices",
    "grouped",
    "limited",
    "predicted",
    "qwen_windows",
    "routed",
    "sliding",
    "tied",
    "windowed",
]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer before it is counted; fields as of :class:`~gigawatt.workload.architecture.Block`."""

    attention: Attention = NO_ATTENTION
    feed_forward: FeedForward | None = None
    experts: Experts | None = None
    norms: int = 2
    parallel: bool = False
    mixer: Mixer | None = None
    streams: int = 1
    repeats: int = 1
    scales: int = 0
    sides: tuple[tuple[str, int, int], ...] = ()
    table: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """What a family's function returns: ``layers`` in order and what stands around them.

    ``prediction`` are multi-token-prediction modules; ``norm_bias`` says that a norm has a bias beside
    its weight; ``learned_positions`` is the number of learned position embeddings; ``scales`` are parameters
    of the whole model that stand in no layer, embedding, norm or head.
    """

    layers: list[Layer]
    tied: bool
    norm_bias: bool = False
    learned_positions: int = 0
    prediction: tuple[Layer, ...] = ()
    scales: int = 0


def grouped(c: Config, *, bias: bool = False, output_bias: bool = False) -> Attention:
    """Multi-head or grouped-query attention from the usual keys."""
    width = c.head_dim()
    return Attention(
        heads=c.heads,
        key_value_heads=c.key_value_heads(),
        head_dim=width,
        value_dim=width,
        bias=bias,
        output_bias=output_bias,
    )


def tied(c: Config) -> bool:
    """Whether the head is the embedding."""
    return c.flag("tie_word_embeddings")


def sliding(c: Config, window: int | None, default: list[bool]) -> list[int | None]:
    """The window of every layer: as ``layer_types`` says, else ``window`` where ``default`` is true."""
    types = c.listing("layer_types", str, c.layers)
    slides = default if types is None else [kind == "sliding_attention" for kind in types]
    return [window if slide else None for slide in slides]


def windowed(layer: Layer, windows: list[int | None]) -> list[Layer]:
    """``layer`` once for every window, equal layers being one object."""
    made: dict[int | None, Layer] = {}
    for window in windows:
        made.setdefault(window, replace(layer, attention=replace(layer.attention, window=window)))
    return [made[window] for window in windows]


def routed(c: Config, count: str, per_token: str, width: str, **more: int | bool) -> Experts:
    """Routed experts; their number, those a token uses and their width under the given keys."""
    experts = c.size(count, "num_experts", "num_local_experts")
    used = c.option(per_token, "experts_per_token") or c.size(per_token)
    if used > experts:
        raise c.error(per_token, "more experts a token than there are", given=used, allowed=f"1 to {experts}")
    return Experts(experts, used, c.size(width), **more)  # pyright: ignore[reportArgumentType]


def qwen_windows(c: Config) -> list[int | None]:
    """The window of every layer of Qwen's models (``use_sliding_window``, ``max_window_layers``)."""
    window = c.option("sliding_window") if c.flag("use_sliding_window") else None
    first = c.option("max_window_layers", least=0) or 0
    return sliding(c, window, [window is not None and i >= first for i in range(c.layers)])


def choices(c: Config, key: str, allowed: tuple[str, ...], length: int | None = None) -> list[str] | None:
    """A list of names out of ``allowed``; ``None`` where it is omitted."""
    given = c.listing(key, str, length)
    unknown = [name for name in given or () if name not in allowed]
    if unknown:
        raise c.error(key, "this kind of layer is not known", given=unknown[0], allowed=", ".join(allowed))
    return given


def limited(c: Config, experts: Experts) -> Experts:
    """Experts with the limit of groups that a token reaches (``n_group``, ``topk_group``)."""
    groups, used = c.option("n_group") or 1, c.option("topk_group") or 1
    if used > groups:
        allowed = f"1 to {groups}"
        raise c.error("topk_group", "more groups a token than there are", given=used, allowed=allowed)
    return replace(experts, groups=groups, groups_per_token=used if used < groups else 0)


def predicted(c: Config, key: str, layer: Layer) -> tuple[Layer, ...]:
    """Multi-token-prediction modules around ``layer``, as many as the configuration itself says.

    A module has two norms of its own before its projection and one behind its layer (DeepSeek-V3 report,
    section 2.2).
    """
    depth = (c.option(key, least=0) or 0) if key in c.values else 0
    return (replace(layer, norms=layer.norms + 3),) * depth

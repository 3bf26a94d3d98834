"""Families that are rows: from the names of a configuration's keys to layers.

A row of the catalog's ``model_families`` has a cell a descriptor (:mod:`~gigawatt.workload.cells`):
``attention``, ``feed_forward``, ``experts``, ``mixer``, which layer has which of them (``layers``) and what
stands around them (``around``). ``like`` names the row whose fields hold where a row has none of its own.
docs/models.md says every field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gigawatt import catalog
from gigawatt.workload.architecture import NO_ATTENTION, Attention, Experts, FeedForward, Mixer
from gigawatt.workload.cells import Cell, split
from gigawatt.workload.config import Config
from gigawatt.workload.family_mixers import mixer
from gigawatt.workload.family_parts import Layer, Model

__all__ = ["OWN", "family_row", "nearest_family", "read_row", "row_families", "text_part"]

OWN = "own"
"""A wrapper whose text part is of the family that it names itself."""

_CELLS = ("attention", "feed_forward", "experts", "mixer", "layers", "around")

_KINDS = {
    "full_attention": "full",
    "attention": "full",
    "full": "full",
    "*": "full",
    "hybrid": "full",
    "sliding_attention": "sliding",
    "sliding": "sliding",
    "local": "sliding",
    "chunked_attention": "chunked",
    "linear_attention": "mixer",
    "lightning_attention": "mixer",
    "mamba": "mixer",
    "mamba2": "mixer",
    "recurrent": "mixer",
    "conv": "mixer",
    "short_conv": "mixer",
}
"""A layer's name in a configuration → what mixes its tokens."""


def family_row(family: str) -> dict[str, dict[str, str]] | None:
    """The fields of every cell of a family's row, with those of the rows it is like; ``None``: no row."""
    entry = catalog.table("model_families").get(family)
    if entry is None or entry.text("text"):
        return None
    like = entry.text("like")
    found: dict[str, dict[str, str]] = (family_row(like) or {}) if like else {}
    return {cell: {**found.get(cell, {}), **split(entry.text(cell))} for cell in _CELLS}


def row_families() -> list[str]:
    """``model_type`` of every row."""
    return sorted(catalog.table("model_families"))


def text_part(family: str) -> str | None:
    """The families of a wrapper's text part (:data:`OWN`: what it says itself); ``None``: no wrapper."""
    entry = catalog.table("model_families").get(family)
    return (entry.text("text") or None) if entry is not None else None


def nearest_family(values: Mapping[str, object]) -> str | None:
    """The row whose keys are most like those of a configuration of an unknown family."""
    given = set(values)

    def alike(family: str) -> float:
        names = {
            word.lstrip("!").partition(".")[0]
            for cell in (family_row(family) or {}).values()
            for value in cell.values()
            for word in re.split(r"[|*/]", value)
        }
        return len(given & names) / max(len(given | names), 1)

    best = max((family for family in row_families() if text_part(family) is None), key=alike, default=None)
    return best if best is not None and alike(best) > 0.0 else None


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of one row, with the configuration they read."""

    c: Config
    attention: Cell
    feed_forward: Cell
    experts: Cell
    mixer: Cell
    layers: Cell
    around: Cell


def _attention(c: Config, cell: Cell, kind: str) -> Attention:
    """Attention of full or of sliding layers; fields that begin with ``sliding_`` are of the latter alone."""

    def number(field: str) -> int | None:
        own = cell.number(f"sliding_{field}", least=1) if kind == "sliding" else None
        return own or cell.number(field, least=1)

    if not cell.fields:
        return NO_ATTENTION
    heads = number("heads") or c.heads
    groups = 1 if cell.flag("multi_query") else number("groups") or heads
    if heads % groups:
        raise c.error(
            cell.keys("groups")[0],
            "key-value heads do not divide the heads",
            given=groups,
            allowed=f"a divisor of {heads}",
        )
    bias = cell.flag("bias")
    norm = cell.word("norm")
    normed = bool(norm) and (norm in ("head", "whole") or cell.flag("norm"))
    common: dict[str, Any] = {
        "bias": bias,
        "output_bias": cell.flag("output_bias"),
        "sinks": cell.flag("sinks"),
        "query_key_norm": normed,
        "whole_norm": normed and cell.word("norm_over", norm) == "whole",
    }
    if cell.word("kind") == "latent":
        rope, plain = cell.size("rope"), cell.size("plain")
        return Attention(
            heads, heads, plain + rope, cell.size("value"), query_rank=cell.number("query_rank") or 0,
            key_value_rank=cell.size("rank"), rope_dim=rope, **common,
        )  # fmt: skip
    width = number("width") or c.head_dim()
    gate = {"": 0, "head": 1, "channel": width}[cell.word("gate")]
    return Attention(
        heads,
        groups,
        width,
        number("value") or width,
        rotary=cell.flag("rotary", True),
        gate=gate,
        shared=cell.flag("shared"),
        **common,
    )


def _feed_forward(cell: Cell) -> FeedForward | None:
    if not cell.fields:
        return None
    gated, bias = cell.flag("gated", True), cell.flag("bias")
    return FeedForward(cell.size("width"), gated, bias, output_gate=cell.flag("output_gate"))


def _experts(c: Config, cell: Cell) -> Experts | None:
    """Routed experts; ``None`` where the row has none or the configuration says 0."""
    if not cell.fields:
        return None
    count = cell.number("count")
    if count == 0 or (count is None and cell.flag("may_lack")):
        return None
    count, width = cell.size("count"), cell.size("width")
    used = cell.number("per_token", least=1) or cell.size("per_token")
    if used > count:
        key = next((key for key in cell.keys("per_token") if key in c.values), cell.keys("per_token")[0])
        raise c.error(key, "more experts a token than there are", given=used, allowed=f"1 to {count}")
    groups, reached = cell.number("groups") or 1, cell.number("groups_per_token") or 1
    if reached > groups:
        key, allowed = cell.keys("groups_per_token")[0], f"1 to {groups}"
        raise c.error(key, "more groups a token than there are", given=reached, allowed=allowed)
    return Experts(
        count,
        used,
        width,
        shared_width=(cell.number("shared_width") or 0) * (cell.number("shared_count", 1) or 0),
        gated=cell.flag("gated", True),
        bias=cell.flag("bias"),
        groups=groups,
        groups_per_token=reached if reached < groups else 0,
        shared_gate=cell.flag("shared_gate"),
    )


def _marks(cell: Cell, field: str, layers: int) -> set[int] | None:
    """Layers that a field names: a list of their indices, or ``every``, from ``offset`` on."""
    listed = cell.listing(f"{field}_at", int)
    if listed is not None:
        return set(listed[1])
    flags = cell.listing(f"{field}_flags", int)
    if flags is not None:
        return {i for i, flag in enumerate(flags[1]) if flag}
    every = cell.number(f"{field}_every", least=1)
    if every is None:
        return None
    offset = cell.number(f"{field}_offset")
    offset = every - 1 if offset is None else offset
    return {i for i in range(layers) if i % every == offset % every}


def _mixing(row: _Row, layers: int) -> list[str]:
    """``full``, ``sliding``, ``chunked`` or ``mixer`` for each layer."""
    cell = row.layers
    listed = cell.listing("types", str)
    if listed is not None:
        key, names = listed
        if len(names) < layers:
            raise row.c.error(
                key, "one entry a layer", given=f"{len(names)} entries", allowed=f"{layers} entries"
            )
        unknown = next((name for name in names if name not in _KINDS), None)
        if unknown is not None:
            raise row.c.error(
                key, "this kind of layer is not known", given=unknown, allowed=", ".join(_KINDS)
            )
        return [_KINDS[name] for name in names[:layers]]
    other = cell.word("other", "full")
    if other == "sliding" and not cell.flag("slides", True):
        return ["full"] * layers
    full = _marks(cell, "full", layers)
    first = cell.number("full_before") or 0
    return [other if i >= first and (full is None or i not in full) else "full" for i in range(layers)]


def _routing(row: _Row, layers: int, routed: bool) -> list[bool]:
    """Which layers have experts."""
    cell = row.layers
    if not routed:
        return [False] * layers
    names = cell.listing("expert_types", str, layers)
    if names is not None:
        return [name in ("sparse", "moe") for name in names[1]]
    marks = _marks(cell, "expert", layers)
    first, last = cell.number("dense_first") or 0, cell.number("expert_last", least=-1)
    dense = cell.listing("dense_at", int)
    without = set(dense[1]) if dense is not None else set[int]()
    end = layers - 1 if last is None or last < 0 else last
    return [(marks is None or i in marks) and first <= i <= end and i not in without for i in range(layers)]


def read_row(c: Config) -> Model:
    """Layers and surroundings of a family that is a row."""
    fields = family_row(c.family) or {}
    row = _Row(c, **{name: Cell(c, fields.get(name, {})) for name in _CELLS})
    layers = c.layers
    kinds = _mixing(row, layers)
    attention = {kind: _attention(c, row.attention, kind) for kind in dict.fromkeys(kinds) if kind != "mixer"}
    experts = _experts(c, row.experts)
    routes = _routing(row, layers, experts is not None)
    dense = None if all(routes) else _feed_forward(row.feed_forward)
    mixes = "mixer" in kinds or row.layers.flag("both")
    mixing: Mixer | None = mixer(c, row.mixer) if mixes else None
    build = _builder(row, attention, dense, experts, mixing)
    rotary = _rotary(row, kinds, layers)
    return _around(row, [build(kinds[i], routes[i], rotary[i]) for i in range(layers)])


def _rotary(row: _Row, kinds: list[str], layers: int) -> list[bool]:
    """Which layers have rotary positions: all, those of a list, or those with a window."""
    listed = row.layers.listing("rotary_flags", int)
    if listed is not None:
        return [bool(mark) for mark in listed[1][:layers]] + [True] * (layers - len(listed[1]))
    if row.layers.word("rotary_on") == "sliding":
        return [kind == "sliding" for kind in kinds]
    every = row.layers.number("no_rotary_every", least=1)
    return [every is None or (i + 1) % every != 0 for i in range(layers)]


def _builder(
    row: _Row,
    attention: dict[str, Attention],
    dense: FeedForward | None,
    experts: Experts | None,
    mixing: Mixer | None,
) -> Callable[[str, bool, bool], Layer]:
    """A function that makes a layer of a kind, equal layers being equal objects."""
    around, cell = row.around, row.attention
    slides = row.layers.flag("slides", True)
    window, chunk = cell.number("window", least=1) if slides else None, cell.number("chunk", least=1)
    parallel, norms = around.flag("parallel"), around.number("norms", 2) or 0
    if parallel:
        norms = around.number("parallel_norms", norms) or norms
    weightless = 0 if around.flag("norm_weights", True) else norms * row.c.hidden
    # A model without feed-forward parts adds to the stream once a layer.
    alone = dense is None and experts is None
    own = (around.number("scales") or 0) - weightless
    routed = row.experts.number("scales") or 0
    beside = row.layers.flag("dense_beside_experts")
    both = row.layers.flag("both")

    def layer(kind: str, routes: bool, rotary: bool) -> Layer:
        core = NO_ATTENTION
        if kind != "mixer":
            core = attention[kind]
            core = replace(core, rotary=core.rotary and rotary) if core.heads else core
            if kind == "sliding":
                core = replace(core, window=window)
            if kind == "chunked":
                core = replace(core, chunk=chunk)
        return Layer(
            core,
            dense if not routes or beside else None,
            experts if routes else None,
            norms=norms,
            parallel=parallel or alone,
            mixer=mixing if kind == "mixer" or both else None,
            scales=own + (routed if routes else 0),
        )

    return layer


def _depth(c: Config, around: Cell) -> int:
    """Further tokens that are predicted, as many as the configuration itself says."""
    given = any(key in c.values for key in around.keys("prediction"))
    return (around.number("prediction") or 0) if given else 0


def _around(row: _Row, layers: list[Layer]) -> Model:
    """What stands around the layers: embeddings, the last norm, the head, further tokens predicted."""
    c, around = row.c, row.around
    hidden, bias = c.hidden, around.flag("norm_bias")
    extra = (around.number("model_scales") or 0) + hidden * (0 if around.flag("norm_weights", True) else -1)
    extra += (around.number("more_norms") or 0) * hidden * (2 if bias else 1)
    if not around.flag("last_norm", True):
        extra -= hidden * (2 if bias else 1)
    if around.flag("head_bias"):
        extra += c.size("vocab_size")
    narrow = around.number("narrow")
    if narrow is not None and narrow != hidden:
        key = around.keys("narrow")[0]
        raise c.error(
            key, "embeddings of another width than the layers are not read", given=narrow, allowed=str(hidden)
        )
    depth = _depth(c, around)
    positions = around.number("positions") or 0
    if positions:
        positions += around.number("positions_more") or 0
    module = replace(layers[-1], norms=layers[-1].norms + 3)
    return Model(
        layers,
        around.flag("tied"),
        norm_bias=bias,
        learned_positions=positions,
        prediction=(module,) * depth,
        scales=extra,
    )

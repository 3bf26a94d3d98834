"""The model of a measured row: the catalog's own where the row names one, else built from its columns.

A row that says only widths leaves open whether the feed-forward is gated, the embedding tied and how
wide a head is. Those are inferred from the row's own parameter count: the first candidate, in the
order usual for the family, whose count is near what the row says (of tied and untied the nearer one);
no candidate near it is a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gigawatt.core.errors import InputError
from gigawatt.validation.files import Refusal
from gigawatt.validation.rows import Row
from gigawatt.workload import read_architecture
from gigawatt.workload.architecture import Architecture, Attention, Block, Experts, FeedForward, Parameters

__all__ = ["architecture_of", "from_columns"]

CLOSE, ACCEPTED = 0.03, 0.06
"""Relative distance of parameter counts that ends the search, and the most that rounding explains."""

_GATED = re.compile(
    r"llama|qwen|mistral|mixtral|maxtext|palm|glm|gemma|yi-|deepseek|phi|olmo|falcon3|grok", re.I
)
_ROTARY = re.compile(r"neox|maxtext|nemotron|palm|pythia|falcon|mpt-?alibi", re.I)
_TRUNCATED = re.compile(r"[-_](\d+)-?layers?$", re.I)
_SUFFIX = re.compile(r"[-_ ](sft|lora|pretrain(ing)?|finetun(e|ing)|\(.*\))$", re.I)
_COMMON_HEADS = (128, 64, 256)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the columns leave open."""

    gated: bool
    tied: bool
    head_dim: int


def architecture_of(row: Row) -> tuple[Architecture, tuple[str, ...]]:
    """The architecture of a row, with the assumptions made.

    Raises
    ------
    Refusal
        The columns do not say the shape, or no shape has the parameters that the row says.
    """
    name = row.text("model")
    truncated = _TRUNCATED.search(name)
    known = _from_catalog(name[: truncated.start()] if truncated else name, row)
    if known is not None:
        layers = row.count("layers")
        if layers is not None and layers != known.layers:
            return _truncate(known, layers), (f"{name}: the first layers of the catalog's {known.name}",)
        return known, ()
    return from_columns(row)


def _from_catalog(name: str, row: Row) -> Architecture | None:
    """The catalog's model of that name, where width, heads and vocabulary agree with the row's."""
    try:
        found = read_architecture(_SUFFIX.sub("", name))
    except InputError:
        return None
    said = ((row.count("hidden"), found.hidden), (row.count("heads"), found.attention.heads),
            (row.count("vocab"), found.vocabulary))  # fmt: skip
    return found if all(given is None or given == real for given, real in said) else None


def _truncate(whole: Architecture, layers: int) -> Architecture:
    """The first ``layers`` layers; of several leading dense layers before experts only one is kept."""
    order = [kind for kind in whole.order if whole.blocks[kind].role == "layer"]
    routed = [i for i, kind in enumerate(order) if whole.blocks[kind].experts is not None]
    if routed and layers < len(order):
        order = order[max(0, routed[0] - 1) :]
    order = order[:layers]
    blocks = tuple(replace(block, count=order.count(i)) for i, block in enumerate(whole.blocks))
    kept = [i for i, block in enumerate(blocks) if block.count]
    return _whole(
        replace(
            whole,
            name=f"{whole.name} ({layers} layers)",
            layers=layers,
            blocks=tuple(blocks[i] for i in kept),
            order=tuple(kept.index(kind) for kind in order),
        )
    )


def _whole(part: Architecture) -> Architecture:
    """Parameter counts of the whole from its blocks, embedding and head as they stand."""
    total = replace(Parameters(), embedding=part.parameters.embedding, head=part.parameters.head,
                    norms=part.hidden)  # fmt: skip
    idle = 0
    for block in part.blocks:
        mine = block.parameters
        total = replace(
            total,
            attention=total.attention + block.count * mine.attention,
            feed_forward=total.feed_forward + block.count * mine.feed_forward,
            experts=total.experts + block.count * mine.experts,
            router=total.router + block.count * mine.router,
            norms=total.norms + block.count * mine.norms,
        )
        if block.experts is not None:
            unused = block.experts.count - block.experts.per_token
            idle += block.count * mine.experts * unused // block.experts.count
    return replace(part, parameters=total, active_parameters=total.total - idle)


def from_columns(row: Row) -> tuple[Architecture, tuple[str, ...]]:
    """An architecture from ``layers, hidden, heads, kv_heads, head_dim, ffn, n_experts, topk, vocab``.

    Where they are empty every head has its own keys, and a dense feed-forward is four times the width, as
    in GPT; the parameter count still has to agree.

    Raises
    ------
    Refusal
        A width is missing, or no usual shape has ``params_b`` parameters (within 6 %).
    """
    needed = ["layers", "hidden", "heads", "vocab", *(["ffn"] if row.count("n_experts") else [])]
    missing = [name for name in needed if row.count(name) is None]
    if missing:
        raise Refusal("the model's shape is not given", f"no {', '.join(missing)} for {row.text('model')}")
    said = row.number("params_b")
    if said is None:
        shape = next(_shapes(row))
        return _build(row, shape), (_told(row, shape, "usual for the family; no parameter count is given"),)
    best: tuple[float, Architecture, _Shape] | None = None
    for shape in _shapes(row):
        if (
            best is not None
            and best[0] <= CLOSE
            and (best[2].gated, best[2].head_dim) != (shape.gated, shape.head_dim)
        ):
            break
        built = _build(row, shape)
        counted = built.parameters
        sizes = (counted.total, counted.total - counted.embedding - counted.head)
        distance = min(abs(size / (said * 1e9) - 1.0) for size in sizes)
        if best is None or distance < best[0]:
            best = distance, built, shape
    assert best is not None
    distance, chosen, shape = best
    if distance > ACCEPTED:
        raise Refusal(
            "no usual shape has the parameters that the row says",
            f"{row.text('model')}: {said:g} billion said, {chosen.parameters.total / 1e9:.4g} at nearest",
        )
    return chosen, (_told(row, shape, f"the parameter count says so ({distance:.1%} from the row's)"),)


def _told(row: Row, shape: _Shape, reason: str) -> str:
    gate, tie = "gated" if shape.gated else "ungated", "tied" if shape.tied else "untied"
    return f"{row.text('model')}: {gate} feed-forward, {tie} embedding, heads of {shape.head_dim}: {reason}"


def _shapes(row: Row) -> Iterator[_Shape]:
    hidden, heads = row.count("hidden") or 1, row.count("heads") or 1
    given = row.count("head_dim")
    usual = hidden // heads
    widths = (given,) if given else (usual, *(width for width in _COMMON_HEADS if width != usual))
    gated_first = bool(_GATED.search(row.text("model")))
    for head_dim in widths:
        for gated in (gated_first, not gated_first):
            for tied in (not gated, gated):
                yield _Shape(gated, tied, head_dim)


def _build(row: Row, shape: _Shape) -> Architecture:
    def count(name: str) -> int:
        value = row.count(name)
        assert value is not None
        return value

    hidden, layers, vocabulary, heads = count("hidden"), count("layers"), count("vocab"), count("heads")
    width, groups = row.count("ffn") or 4 * hidden, row.count("kv_heads") or heads
    old = not shape.gated
    rotary = shape.gated or bool(_ROTARY.search(row.text("model")))
    attention = Attention(
        heads=heads,
        key_value_heads=groups,
        head_dim=shape.head_dim,
        value_dim=shape.head_dim,
        bias=old,
        output_bias=old,
    )
    wide = shape.head_dim * (heads + 2 * groups)
    attention_weights = hidden * wide + heads * shape.head_dim * hidden + (wide + hidden if old else 0)
    matrices = 3 if shape.gated else 2
    experts_count = row.count("n_experts") or 0
    norms, vectors = 2, (4 if old else 2)  # an old norm has a bias beside its weight
    feed_forward = experts = None
    if experts_count:
        experts = Experts(experts_count, row.count("topk") or 1, width, gated=shape.gated)
        mine = Parameters(
            attention=attention_weights,
            experts=experts_count * matrices * hidden * width,
            router=hidden * experts_count,
            norms=vectors * hidden,
        )
    else:
        feed_forward = FeedForward(width, gated=shape.gated, bias=old)
        mine = Parameters(
            attention=attention_weights,
            feed_forward=matrices * hidden * width + (width + hidden if old else 0),
            norms=vectors * hidden,
        )
    block = Block("layer", layers, attention, feed_forward, experts, norms, mine)
    sequence = row.count("seq_len") or 0
    positions = 0 if rotary else sequence
    return _whole(
        Architecture(
            name=row.text("model"),
            family="measured row",
            hidden=hidden,
            vocabulary=vocabulary,
            layers=layers,
            blocks=(block,),
            order=(0,) * layers,
            tied_embeddings=shape.tied,
            learned_positions=positions,
            max_sequence=sequence,
            parameters=Parameters(
                embedding=(vocabulary + positions) * hidden, head=0 if shape.tied else vocabulary * hidden
            ),
            active_parameters=0,
            file="",
        )
    )

"""A model of another size: a known one with other layers and width, or one that is known by its parameters.

``33B`` is a dense model of so many parameters, ``236B-A23B`` a mixture of experts of which a token uses so
many. Their shape is that of a model of the catalog's ``defaults`` (``model.dense``, ``model.experts``),
scaled until the parameters agree.
"""

from __future__ import annotations

import re
from dataclasses import replace

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.workload.architecture import Architecture, Attention, Block, Experts, FeedForward, Parameters
from gigawatt.workload.matrices import count_parameters

__all__ = ["scaled_architecture", "size_row", "sized_architecture", "sized_assumption", "sizes_of"]

_GRANULE = 8
"""Heads and widths of a scaled model are multiples of it, so that tensor parallelism can divide them."""
_WIDTH = 128
"""Widths of a scaled feed-forward are multiples of it (tiles of a matrix multiplication)."""


def _rounded(value: float, to: int) -> int:
    return max(round(value / to), 1) * to


def scaled_architecture(architecture: Architecture, layers: int, width: float = 1.0) -> Architecture:
    """A model of the same family with another number of layers, its width in proportion.

    hidden ∝ layers, as in GPT-3 from 6.7B to 175B (128 a layer; Llama 3.1: 128, 102, 130). Heads keep
    their width, grouped key-value heads their number, experts their number; feed-forward widths and the
    rank of latent queries follow the hidden size; the vocabulary stays. Unlike layers keep their places in
    proportion.

    Parameters
    ----------
    architecture : Architecture
        A model of the family.
    layers : int
        ≥ 1.
    width : float
        Times the width in proportion, > 0: another aspect.

    Returns
    -------
    Architecture
        With exact parameters; ``architecture`` itself where the layers are its own.
    """
    if layers == architecture.layers and width == 1.0:
        return architecture
    head = architecture.blocks[0].attention.head_dim
    hidden = _rounded(architecture.hidden * width * layers / architecture.layers, head * _GRANULE)
    ratio = hidden / architecture.hidden
    before = architecture.layers
    order = [architecture.order[min(i * before // layers, before - 1)] for i in range(layers)]
    bare = sum(b.count * b.parameters.norms for b in architecture.blocks if b.role == "layer")
    final = architecture.parameters.norms - bare
    norm_bias = final >= 2 * architecture.hidden
    kinds = [
        k for k, block in enumerate(architecture.blocks) if k in set(order) or block.role == "prediction"
    ]
    blocks = tuple(
        _scaled_block(architecture.blocks[k], order.count(k), hidden, ratio, norm_bias) for k in kinds
    )
    places = {k: i for i, k in enumerate(kinds)}
    stack = [block for block in blocks if block.role == "layer"]

    def total(part: str) -> int:
        return sum(block.count * getattr(block.parameters, part) for block in stack)

    rows = architecture.parameters.embedding // architecture.hidden
    parameters = Parameters(
        attention=total("attention"),
        feed_forward=total("feed_forward"),
        experts=total("experts"),
        router=total("router"),
        norms=total("norms") + hidden * (2 if norm_bias else 1),
        embedding=rows * hidden,
        head=architecture.parameters.head // architecture.hidden * hidden,
        replicated=total("replicated"),
    )
    idle = sum(
        block.count * block.parameters.experts * (block.experts.count - block.experts.per_token)
        // block.experts.count
        for block in stack
        if block.experts is not None
    )  # fmt: skip
    return replace(
        architecture,
        name=f"{architecture.name} at {layers} layers",
        hidden=hidden,
        layers=layers,
        blocks=blocks,
        order=tuple(places[k] for k in order),
        parameters=parameters,
        active_parameters=parameters.total - idle,
        file="",
    )


def _scaled_block(block: Block, count: int, hidden: int, ratio: float, norm_bias: bool) -> Block:
    attention = _scaled_attention(block.attention, ratio)
    dense = block.feed_forward
    if dense is not None:
        dense = FeedForward(_rounded(dense.width * ratio, _WIDTH), dense.gated, dense.bias)
    experts = None if block.experts is None else _scaled_experts(block.experts, ratio)
    return replace(
        block,
        count=count if block.role == "layer" else block.count,
        attention=attention,
        feed_forward=dense,
        experts=experts,
        parameters=count_parameters(
            hidden=hidden,
            attention=attention,
            feed_forward=dense,
            experts=experts,
            norms=block.norms,
            norm_bias=norm_bias,
            role=block.role,
        ),
    )


def _scaled_attention(attention: Attention, ratio: float) -> Attention:
    own = attention.key_value_heads == attention.heads
    granule = _GRANULE if own else max(_GRANULE, attention.key_value_heads)
    heads = _rounded(attention.heads * ratio, granule)
    rank = _rounded(attention.query_rank * ratio, _WIDTH) if attention.query_rank else 0
    return replace(
        attention,
        heads=heads,
        key_value_heads=heads if own else attention.key_value_heads,
        query_rank=rank,
    )


def _scaled_experts(experts: Experts, ratio: float) -> Experts:
    shared = _rounded(experts.shared_width * ratio, _WIDTH) if experts.shared_width else 0
    return replace(experts, width=_rounded(experts.width * ratio, _WIDTH), shared_width=shared)


_SIZE = re.compile(
    r"\s*(\d+(?:\.\d+)?)\s*([MBT])(?:\s*[-,x ]\s*A\s*(\d+(?:\.\d+)?)\s*([MBT]))?(?:\s+(dense|moe))?\s*",
    re.IGNORECASE,
)
_TIMES = {"m": 1e6, "b": 1e9, "t": 1e12}
_NUDGE = 1e-9
"""So that a size of the reference itself is counted anew, with another number of experts."""
_NEAR = 0.02
"""Share by which the number of experts may differ so that it has powers of two."""
_LIMITS = 1e7, 1e14
"""Parameters that a size can say."""


def sizes_of(name: str) -> tuple[float, float] | None:
    """(parameters, those that a token uses) of a name such as ``33B`` or ``236B-A23B``; ``None`` of others.

    Raises
    ------
    InputError
        A token that uses more parameters than there are, a mixture of experts without its active
        parameters, a size of no model.
    """
    found = _SIZE.fullmatch(name)
    if found is None:
        return None
    number, unit, active_number, active_unit, kind = found.groups()
    total = float(number) * _TIMES[unit.lower()]
    active = total if active_number is None else float(active_number) * _TIMES[active_unit.lower()]
    if not _LIMITS[0] <= active <= total <= _LIMITS[1]:
        raise InputError("no model has this size", given=name, allowed="10M to 100T, no more of them active: "
                         "33B, or 236B-A23B of a mixture of experts")  # fmt: skip
    if (kind or "").lower() == "moe" and active_number is None:
        raise InputError("the active parameters are missing", given=name, allowed=f"{number}{unit}-A23B moe")
    return total, active


def sized_assumption(name: str) -> tuple[Assumption, ...]:
    """What is assumed of a model that is known by its size; nothing of others."""
    sizes = sizes_of(name)
    if sizes is None:
        return ()
    row = size_row(*sizes)
    return (
        Assumption("model", f"{row.text('text')}, scaled to {name}", row.text("reason"),
                   Grade.read(row.text("grade")), row.text("source_id")),
    )  # fmt: skip


def sized_architecture(reference: Architecture, total: float, active: float) -> Architecture:
    """The reference in another size: of a mixture the layers follow the active parameters, the number of
    experts all of them.

    Parameters
    ----------
    reference : Architecture
        What gives the shape.
    total, active : float
        Parameters, and those that a token uses.

    Returns
    -------
    Architecture
        Within 5 % of the parameters of a dense model; of a mixture within 2 % or an expert, whose number
        many ranks can divide.
    """
    if active >= total:
        return _to_parameters(reference, total)
    made = _to_parameters(reference, active)
    for _ in range(3):  # the router grows with the experts, by very little
        per_expert = sum(
            b.count * b.parameters.experts / b.experts.count
            for b in made.blocks
            if b.role == "layer" and b.experts is not None
        )
        used = next(b.experts.per_token for b in made.blocks if b.experts is not None)
        count = _divisible((total - made.active_parameters) / per_expert + used, used)
        made = _to_parameters(_with_experts(reference, count), active)
    return made


def _divisible(count: float, least: int) -> int:
    """The number of experts, in the largest power of two up to 32 that keeps it within 2 %."""
    for granule in (32, 16, 8, 4, 2):
        found = round(count / granule) * granule
        if found >= least and abs(found - count) <= _NEAR * count:
            return found
    return max(round(count), least)


def _to_parameters(reference: Architecture, active: float) -> Architecture:
    """The size of the reference whose active parameters come nearest, in layers that pipelines can divide."""
    scale = (active / reference.active_parameters) ** (1.0 / 3.0)
    middle = scale * reference.layers
    step = next(2**power for power, least in ((3, 48), (2, 24), (1, 8), (0, 0)) if middle >= least)
    first = max(int(0.8 * middle / step), 1)
    tried = [
        scaled_architecture(reference, layers, scale * reference.layers / layers * (1.0 + _NUDGE))
        for layers in range(first * step, int(1.25 * middle) + step, step)
    ]
    return min(tried, key=lambda one: abs(one.active_parameters - active))


def _with_experts(reference: Architecture, count: int) -> Architecture:
    blocks = tuple(
        b
        if b.experts is None
        else replace(b, experts=replace(b.experts, count=count, groups=1, groups_per_token=0))
        for b in reference.blocks
    )
    return replace(reference, blocks=blocks)


def size_row(total: float, active: float) -> catalog.Entity:
    """The row of ``defaults`` that names the model whose shape a size takes."""
    return catalog.entity("defaults", "model.dense" if active >= total else "model.experts")

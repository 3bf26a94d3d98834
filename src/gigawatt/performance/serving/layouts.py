"""Which layouts an engine runs: rows of ``engines_layouts``, arrays over layouts.

What an engine refuses at start is a rule here: experts that lie on some of the ranks, attention groups it
does not know, shards that are no whole blocks of block-scaled FP8, formats without a kernel. Stages inside a
domain run, but measured rows have them on PCIe alone: none is planned where a switch joins the domain. Nor is
a replica that leaves a part of a node: nodes are what is scheduled (a tray of four in an NVL72).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, table
from gigawatt.machine.machine import Chip, Link
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import format_of_part, formats_of

__all__ = ["lacking_kernels", "layout_rules", "published_apart", "refused", "stages_measured", "whole_nodes"]

Mask = NDArray[np.bool_]

_BLOCKED = "fp8_block"


def layout_rules(engine: str) -> Entity | None:
    """The row of ``engines_layouts`` of an engine of the catalog; ``None``: it runs what divides."""
    return next((row for row in table("engines_layouts").values() if row.text("engine") == engine), None)


def published_apart(rules: Entity | None, model: str) -> bool:
    """Whether the engine's published throughput of a model of the catalog gives every rank its own sequences
    (attention data parallelism on all ranks)."""
    return rules is not None and model in filter(None, rules.text("apart").split("|"))


def lacking_kernels(rules: Entity | None, weights: str, chip: Chip) -> tuple[str, ...]:
    """Stored formats that the engine multiplies only on chips with their rate, and this chip has none."""
    if rules is None:
        return ()
    native = set(filter(None, rules.text("native").split("|")))
    return tuple(form for form in formats_of(weights).values() if form in native and form not in chip.peak)


def refused(
    rules: Entity | None,
    architecture: Architecture,
    weights: str,
    *,
    tensor: ArrayLike,
    data: ArrayLike,
    expert: ArrayLike,
) -> Mapping[str, Mask]:
    """Reason → layouts (L,) that the engine does not start with.

    Parameters
    ----------
    rules : Entity, optional
        Of :func:`layout_rules`.
    architecture, weights
        The model and its stored formats.
    tensor, data, expert : array (L,)
        Ranks of an attention group, attention groups, and groups that the experts lie on.
    """
    t, d, e = (np.asarray(x, dtype=float) for x in (tensor, data, expert))
    if rules is None:
        return {}
    found: dict[str, Mask] = {}
    ranks = t * d
    routed = architecture.routed
    if rules.text("experts") == "whole" and routed:
        found["experts lie on one or on all ranks"] = (e > 1.0) & (e < ranks)
    if rules.text("attention") == "whole":
        found["attention is data parallel on one or on all ranks"] = (d > 1.0) & (t > 1.0)
    if rules.text("attention") == "stages":
        found["accelerators hold layers, one after another: a pipeline"] = (t > 1.0) | (d > 1.0)
    block = rules.value("block")
    cut = np.zeros(np.broadcast(t, d, e).shape, dtype=bool)
    for one in architecture.blocks:
        if one.feed_forward is not None and format_of_part(weights, "feed_forward") == _BLOCKED:
            cut |= _no_whole_blocks(one.feed_forward.width, t, block)
        if one.experts is not None and format_of_part(weights, "experts") == _BLOCKED:
            cut |= _no_whole_blocks(one.experts.width, ranks / e, block)
    found[f"shards are whole blocks of {block:g} of the weights"] = cut
    return found


def _no_whole_blocks(width: int, shards: NDArray[np.float64], block: float) -> Mask:
    """Whether a width cut into shards leaves one that is no whole number of blocks; one shard always runs."""
    return (shards > 1.0) & ((width / shards) % block > 0.0)


def stages_measured(
    rules: Entity | None, link: Link, domain: int, *, ranks: ArrayLike, pipeline: ArrayLike
) -> Mask:
    """Whether pipelines (L,) are of a kind that measured rows have: stages of whole domains, or stages inside
    a domain on links of ``pipeline_links``."""
    n, p = np.asarray(ranks, dtype=float), np.asarray(pipeline, dtype=float)
    if rules is None:
        return np.ones(np.broadcast(n, p).shape, dtype=bool)
    inside = link.id.startswith(tuple(rules.text("pipeline_links").split("|")))
    return (p <= 1.0) | (n >= domain) | inside


def whole_nodes(node: int, *, chips: ArrayLike) -> Mask:
    """Whether replicas of ``chips`` accelerators (L,) divide a node evenly or fill whole nodes."""
    n = np.asarray(chips, dtype=float)
    return (n % node == 0.0) | (node % n == 0.0)

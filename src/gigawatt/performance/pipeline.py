"""Pipeline stages: how layers are cut, which stages differ, how many microbatches wait in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.workload.architecture import Architecture

__all__ = ["Cuts", "cut", "cuts", "in_flight"]

Array = NDArray[np.float64]


def cut(*, order: tuple[int, ...], kinds: int, pipeline: int, interleave: int) -> NDArray[np.int64]:
    """Layers of each kind in each stage, shape ``(pipeline, kinds)``.

    The layers are cut into ``pipeline · interleave`` runs, dealt out in turn. Layers left over go to the
    runs in the middle, so that the first (embedding) and the last (head) are the lighter ones.
    """
    runs = pipeline * interleave
    base, left = divmod(len(order), runs)
    sizes = np.full(runs, base)
    start = (runs - left) // 2
    sizes[start : start + left] += 1
    stage = np.repeat(np.arange(runs) % pipeline, sizes)
    counts = np.zeros((pipeline, kinds), dtype=np.int64)
    np.add.at(counts, (stage, np.asarray(order, dtype=np.int64)), 1)
    return counts


@dataclass(frozen=True)
class Cuts:
    """The unlike stages of every unlike (pipeline, interleave) pair, shape ``(P, C)`` or ``(P, C, K)``.

    ``layers`` counts by block kind (``K`` kinds, prediction modules included), ``first`` is the earliest
    stage of that make-up (it holds the most microbatches), ``number`` how many stages are like it,
    ``embedding`` and ``head`` are 0 or 1. Rows with fewer than ``C`` unlike stages repeat one of theirs
    with a ``number`` of 0. ``index (L,)`` leads from layouts to rows.
    """

    index: NDArray[np.intp]
    layers: Array
    first: Array
    number: Array
    embedding: Array
    head: Array


def cuts(
    architecture: Architecture,
    pipeline: NDArray[np.int32],
    interleave: NDArray[np.int32],
    *,
    bidirectional: bool = False,
) -> Cuts:
    """The unlike stages of every layout; prediction modules (MTP) sit on the last stage.

    In a ``bidirectional`` pipeline (DualPipe) device i works half its time on stage i and half on stage
    p − 1 − i: its make-up is the mean of the two.
    """
    kinds = len(architecture.blocks)
    extra = np.array([b.count if b.role == "prediction" else 0 for b in architecture.blocks])
    order = tuple(k for k in architecture.order if architecture.blocks[k].role != "prediction")
    key = pipeline.astype(np.int64) * (architecture.layers + 1) + interleave
    pairs, index = np.unique(key, return_inverse=True)
    made: list[Array] = []
    for pair in pairs:
        p, v = divmod(int(pair), architecture.layers + 1)
        counts = cut(order=order, kinds=kinds, pipeline=p, interleave=v)
        counts[-1] += extra
        ends = np.zeros((p, 2))
        ends[0, 0], ends[-1, 1] = 1.0, 1.0
        stages = np.hstack([counts.astype(float), ends])
        if bidirectional:
            stages = (stages + stages[::-1]) / 2.0
        unlike, first, number = np.unique(stages, axis=0, return_index=True, return_counts=True)
        made.append(np.hstack([unlike, first[:, None].astype(float), number[:, None].astype(float)]))
    width = max(len(rows) for rows in made)
    padded = np.stack([rows[np.arange(width) % len(rows)] for rows in made])
    for rows, one in zip(padded, made, strict=True):
        rows[len(one) :, -1] = 0.0
    return Cuts(
        index=index.reshape(-1),
        layers=padded[..., :kinds],
        embedding=padded[..., kinds],
        head=padded[..., kinds + 1],
        first=padded[..., kinds + 2],
        number=padded[..., kinds + 3],
    )


def in_flight(*, stage: Array, pipeline: Array, interleave: Array, microbatches: Array) -> Array:
    """Microbatches whose activations a stage holds at most, in units of the whole stage's layers.

    1F1B: ``min(m, p − i)`` on stage ``i``. Interleaved by ``v``: ``2(p − i − 1) + (v − 1)p + 1`` runs of
    1/v of the stage each, so ``1 + (p − 1)/(p v)`` times the layers of the model on the first stage.

    References
    ----------
    Narayanan et al. 2021, section 2.2; Korthikanti et al. 2022, section 4.2.3.
    """
    plain = np.minimum(microbatches, pipeline - stage)
    runs = 2.0 * (pipeline - stage - 1.0) + (interleave - 1.0) * pipeline + 1.0
    return np.where(interleave > 1.0, np.minimum(runs / interleave, microbatches), plain)

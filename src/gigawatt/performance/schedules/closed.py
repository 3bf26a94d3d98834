"""Closed forms of pipeline schedules, as arrays over layouts: time to fill and drain, activations held.

For equal stages they are those of :func:`~.makespan.exact_makespan` (the tests compare
them); for unequal ones they are estimates that keep the work of every stage.

References
----------
Bubbles where the three passes take as long as each other: Qi et al. 2023, arXiv:2401.10241, table 2;
DeepSeek-AI 2024, arXiv:2412.19437, table 2; interleaving: Narayanan et al. 2021, arXiv:2104.04473,
section 2.2. The forms here are the longest path of the same orders for any lengths of the three passes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError, nearest
from gigawatt.performance.schedules.order import KINDS

__all__ = ["closed_makespan", "fill_time", "held_activations", "kind_index"]

Array = NDArray[np.float64]


def kind_index(kind: str | ArrayLike) -> NDArray[np.int64]:
    """Numbers in :data:`~gigawatt.performance.schedules.order.KINDS` of names, or numbers as they are.

    Raises
    ------
    InputError
        No such kind.
    """
    given = np.asarray(kind)
    if given.dtype.kind in "iu":
        if given.size and (given.min() < 0 or given.max() >= len(KINDS)):
            raise InputError(
                "no such pipeline schedule", key="schedule", given=int(given.max()), allowed=KINDS
            )
        return given.astype(np.int64)
    found = np.full(given.shape, -1, dtype=np.int64)
    for number, name in enumerate(KINDS):
        found[given == name] = number
    if (found < 0).any():
        wrong = str(given[found < 0].ravel()[0])
        raise InputError(
            "no such pipeline schedule",
            key="schedule",
            given=wrong,
            allowed=KINDS,
            nearest=nearest(wrong, KINDS),
        )
    return found


def _of_kind(index: NDArray[np.int64], shape: tuple[int, ...], form: Callable[[str], Array]) -> Array:
    """``form`` of each kind where it stands; of one kind alone without masks."""
    present = np.flatnonzero(np.bincount(index.ravel(), minlength=len(KINDS)))
    if len(present) == 1:
        return np.broadcast_to(form(KINDS[int(present[0])]), shape)
    found = np.zeros(shape)
    for number in present.tolist():
        found = np.where(index == number, form(KINDS[number]), found)
    return found


def fill_time(
    *,
    kind: str | ArrayLike,
    pipeline: ArrayLike,
    microbatches: ArrayLike,
    forward: ArrayLike,
    input_gradient: ArrayLike,
    weight_gradient: ArrayLike,
    interleave: ArrayLike = 1,
    hop: ArrayLike = 0.0,
    overlapped: ArrayLike | None = None,
    slack: ArrayLike = 0.0,
    apart: bool = False,
) -> Array:
    """Seconds of a step beyond ``m`` times one microbatch on a stage: filling, draining, waiting for hops.

    Parameters
    ----------
    kind : str, or array of str or of numbers in ``KINDS``
        Broadcast with the others, shape ``(L,)``.
    pipeline, interleave, microbatches : array (L,)
        Stages, chunks of each, microbatches of a step (in ZB-V and DualPipe at least twice the stages; with
        fewer than the stages interleaving is an estimate).
    forward, input_gradient, weight_gradient : array (L,) [s]
        One microbatch through one stage (all its chunks).
    hop : array (L,) [s]
        From stage to stage. Exact while the hops of a microbatch are short beside its passes.
    overlapped : array (L,) [s], optional
        DualPipe's forward and backward at once, by default their sum. In DualPipe the fill is beyond ``m``
        times this.
    slack : array (L,) [s]
        By how much one microbatch takes longer on the slowest stage than on the mean one: hops that
        each microbatch would wait for hide in it.
    apart : bool
        Devices go on to the next step without waiting for each other, so that only the longest device
        counts (Qi et al. 2023, section 4): without it ZB-H2 and ZB-V still fill and drain.

    Returns
    -------
    array (L,) [s]

    Notes
    -----
    With F, I, W the three passes, p stages, v chunks: 1F1B (p − 1)(F + I + W)/v; ZB-H1
    (p − 1)·max(F + I − W, I, F); ZB-H2 (p − 1)·max(F + I − 2W, I − F, F). Apart, ZB-H1 is without the
    last F and ZB-H2 has 0 in its place. With few microbatches fewer weight
    gradients fill the gaps. DualPipe, h = p/2, X overlapped: −(h + 2)X + max of
    3hF + (2h + 1)I + 3W, 3hF + (h + 2)(I + W), 2hF + 3hI + 3W.
    """
    index = kind_index(kind)
    p, v, m, f, i, w, hop = (
        np.asarray(a, dtype=float)
        for a in (pipeline, interleave, microbatches, forward, input_gradient, weight_gradient, hop)
    )
    late = np.asarray(slack, dtype=float)
    both = f + i + w if overlapped is None else np.asarray(overlapped, dtype=float)
    shape = np.broadcast_shapes(*(a.shape for a in (index, p, v, m, f, i, w, hop, both, late)))
    rest = p - 1.0

    def form(name: str) -> Array:
        if name == "gpipe":
            return rest * (f + i + w) / v + 2.0 * rest * hop
        if name == "1f1b":
            # plain: each group of p microbatches waits for a hop there and back but one
            each = m - np.ceil((m - 1.0) / p) - 1.0
            wait = np.maximum(2.0 * hop - late * p / np.maximum(rest, 1.0), 0.0)
            waits = np.where(v > 1.0, 2.0 * (p * v - 1.0) * hop, 2.0 * rest * hop + each * wait)
            return rest * (f + i + w) / v + np.where(p > 1.0, waits, 0.0)
        if name == "zb-h1":
            more = np.minimum(m - 1.0, rest)
            fill = np.maximum(rest * (f + i) - more * w, rest * i + (rest - more) * f)
            return (fill if apart else np.maximum(fill, rest * f + (rest - more) * i)) + 4.0 * rest * hop
        if name == "zb-h2":
            more = np.minimum(m - 1.0, 2.0 * rest)
            path = rest * f + (rest - np.floor(more / 2.0)) * i
            path = path - more % 2.0 * np.minimum(np.minimum(f, i), w)
            path = (rest - more / 2.0) * (f + i) if apart else path
            fill = np.maximum(np.maximum(rest * (f + i) - more * w, rest * (i - f)), path)
            return fill + (2.0 if apart else 1.0) * rest * hop
        if name == "zb-v":
            waits = 6.0 * p - 8.0 if apart else 5.0 * p - 7.0
            return _zb_v(p, f, i, w, apart) + np.where(p > 1.0, waits, 0.0) * hop
        h = p / 2.0
        path = np.maximum(3.0 * h * f + (2.0 * h + 1.0) * i + 3.0 * w, 3.0 * h * f + (h + 2.0) * (i + w))
        path = np.maximum(path, 2.0 * h * f + 3.0 * h * i + 3.0 * w)
        wait = m * np.maximum(rest / p * hop - late, 0.0) + np.maximum(3.0 * (h - 1.0), h) * hop
        return path - (h + 2.0) * both + wait

    return _of_kind(index, shape, form)


def _zb_v(p: Array, f: Array, i: Array, w: Array, apart: bool) -> Array:
    """Fill of ZB-V: the longest of the paths through the turning point of the V."""
    most, inner = p - 1.0, np.maximum(p - 2.0, 0.0)
    out = (most + inner) * f
    if apart:
        paths = [
            2.0 * most * (i - w),
            most * (2.0 * f - i - w),
            out + i - 2.0 * most * w,
            inner * (w - f),
            inner * (f - i),
            i + inner * w - most * f,
        ]
    else:
        paths = [most * i, out - inner * i, 2.0 * most * (i - w), f + inner * w, i + inner * w]
    found = np.zeros(np.broadcast_shapes(p.shape, f.shape, i.shape, w.shape))
    for path in paths:
        found = np.maximum(found, path)
    return np.where(p > 1.0, found / 2.0, 0.0)


def closed_makespan(
    *,
    kind: str | ArrayLike,
    pipeline: ArrayLike,
    microbatches: ArrayLike,
    forward: ArrayLike,
    input_gradient: ArrayLike,
    weight_gradient: ArrayLike,
    slowest: ArrayLike,
    interleave: ArrayLike = 1,
    hop: ArrayLike = 0.0,
    overlapped: ArrayLike | None = None,
    apart: bool = False,
) -> Array:
    """Estimate of a step with unequal stages: ``m`` microbatches on the slowest, the others' fill.

    Parameters
    ----------
    forward, input_gradient, weight_gradient : array (L,) [s]
        Of one microbatch on the mean stage.
    slowest : array (L,) [s]
        All passes of one microbatch on the stage that takes longest (in DualPipe: the mean of the two
        stages of a device, and overlapped where they are).
    kind, pipeline, interleave, microbatches, hop, overlapped, apart
        As in :func:`fill_time`, ``overlapped`` of the mean stage.

    Returns
    -------
    array (L,) [s]
        Exact for equal stages.
    """
    p, top = np.asarray(pipeline, dtype=float), np.asarray(slowest, dtype=float)
    parts = [np.asarray(a, dtype=float) for a in (forward, input_gradient, weight_gradient)]
    mean = parts[0] + parts[1] + parts[2]
    if overlapped is not None:
        mean = np.where(kind_index(kind) == KINDS.index("dualpipe"), overlapped, mean)
    share = np.where(
        mean > 0.0, (p * mean - top) / np.where(mean > 0.0, np.maximum(p - 1.0, 1.0) * mean, 1.0), 0.0
    )
    f, i, w = (part * share for part in parts)
    fill = fill_time(
        kind=kind,
        pipeline=pipeline,
        interleave=interleave,
        microbatches=microbatches,
        forward=f,
        input_gradient=i,
        weight_gradient=w,
        hop=hop,
        overlapped=None if overlapped is None else np.asarray(overlapped, dtype=float) * share,
        slack=np.maximum(top - mean, 0.0),
        apart=apart,
    )
    return np.asarray(microbatches, dtype=float) * top + fill


def held_activations(
    *,
    kind: str | ArrayLike,
    stage: ArrayLike,
    pipeline: ArrayLike,
    interleave: ArrayLike,
    microbatches: ArrayLike,
    weight_share: ArrayLike = 1.0,
) -> Array:
    """Microbatches whose activations a device holds at most, in units of a whole stage's layers.

    Parameters
    ----------
    kind, stage, pipeline, interleave, microbatches : array
        Broadcast together; ``stage`` counts devices from 0.
    weight_share : float
        Share of the activations that stays from the input gradient to the weight gradient, where these
        are apart (ZB-H1, ZB-H2): Qi et al. 2023, section 2.3, M_W / M_B.

    Returns
    -------
    array
        1F1B ``min(m, p − i)``; interleaved ``2(p − i − 1) + (v − 1)p + 1`` chunks; ZB-H1 ``p − i`` and
        ``i`` that wait for their weight gradient; ZB-H2 ``2(p − i) − 1`` and ``2i``; ZB-V ``p``;
        DualPipe ``p + 1`` (of both copies together); GPipe all.
    """
    index = kind_index(kind)
    i, p, v, m, share = (
        np.asarray(a, dtype=float) for a in (stage, pipeline, interleave, microbatches, weight_share)
    )
    shape = np.broadcast_shapes(index.shape, i.shape, p.shape, v.shape, m.shape, share.shape)

    def form(name: str) -> Array:
        if name == "1f1b":
            runs = 2.0 * (p - i - 1.0) + (v - 1.0) * p + 1.0
            return np.where(v > 1.0, np.minimum(runs / v, m), np.minimum(m, p - i))
        if name in ("zb-h1", "zb-h2"):
            whole, most = (p - i, p) if name == "zb-h1" else (2.0 * (p - i) - 1.0, 2.0 * p - 1.0)
            whole, most = np.minimum(m, whole), np.minimum(m, most)
            return whole + share * (most - whole)
        if name == "gpipe":
            return m
        return np.minimum(m, p if name == "zb-v" else p + 1.0)

    return _of_kind(index, shape, form)

"""A tree ensemble on the columns of measured training rows: what the step model has to beat.

Extremely randomised trees (Geurts, Ernst, Wehenkel 2006, doi:10.1007/s10994-006-6226-1) of the logarithm of the
utilisation that a row reached, on what a user says of a run and on the datasheet of its chip.
"""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gigawatt.performance.stacks import NARROW
from gigawatt.validation.training.cases import Case

Array = NDArray[np.float64]
TREES, LEAF, TRIED, SEED = 40, 4, 8, 20261129
"""Trees, fewest rows of a leaf, splits that are tried at a node, random seed."""


def columns(cases: Sequence[Case]) -> tuple[Array, Array]:
    """(columns (N, F), ln of the utilisation of the format's peak (N,)) of cases."""
    rows: list[list[float]] = []
    reached: list[float] = []
    for case in cases:
        chip, model = case.cluster.chip, case.architecture
        peak = chip.peak[case.number_format]
        degree = {name: float(of[0]) if len(of) == 1 else 0.0 for name, of in case.options.items()}
        names = ("tensor", "pipeline", "context", "data", "expert", "microbatch", "recompute", "zero")
        rows.append([
            np.log(model.parameters.total), np.log(model.active_parameters), model.layers, np.log(model.hidden),
            np.log(case.sequence), np.log(case.batch), np.log(case.cluster.count), case.row.number("year") or 0.0,
            np.log(peak), np.log(chip.memory_bandwidth), np.log(chip.power_limit),
            np.log(case.cluster.scale_out.bandwidth), np.log(case.cluster.scale_up_size),
            float(case.number_format in NARROW), float(case.kind == "MoE"),
            float(chip.id.startswith("TPU")), *(degree.get(name, 0.0) for name in names),
        ])  # fmt: skip
        reached.append(np.log(case.work / case.measured / peak))
    return np.array(rows, dtype=float), np.array(reached)


def _grow(x: Array, y: Array, w: Array, at: Array, random: np.random.Generator) -> Array:
    """Predictions at ``at`` of one tree grown on (x, y) with weights."""
    if len(y) < 2 * LEAF or np.ptp(y) == 0.0:
        return np.full(len(at), np.average(y, weights=w))
    best: tuple[float, int, float] | None = None
    for column in random.permutation(x.shape[1])[:TRIED]:
        low, high = x[:, column].min(), x[:, column].max()
        if low == high:
            continue
        cut = random.uniform(low, high)
        left = x[:, column] <= cut
        if min(left.sum(), len(y) - left.sum()) < LEAF:
            continue
        cost = sum(w[s] @ (y[s] - np.average(y[s], weights=w[s])) ** 2 for s in (left, ~left))
        if best is None or cost < best[0]:
            best = (float(cost), int(column), float(cut))
    if best is None:
        return np.full(len(at), np.average(y, weights=w))
    _, column, cut = best
    left, there = x[:, column] <= cut, at[:, column] <= cut
    found = np.empty(len(at))
    for here, of in ((left, there), (~left, ~there)):
        if of.any():
            found[of] = _grow(x[here], y[here], w[here], at[of], random)
    return found


def trees(known: Sequence[Case], weight: Array, asked: Sequence[Case]) -> Array:
    """ln(predicted / measured) of the step times of ``asked`` by trees grown on ``known``."""
    x, y = columns(known)
    at, true = columns(asked)
    random = np.random.default_rng(SEED)
    mean = np.mean([_grow(x, y, weight, at, random) for _ in range(TREES)], axis=0)
    return true - mean

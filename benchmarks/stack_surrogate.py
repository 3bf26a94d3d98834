"""Fits of the knobs through a surrogate: how every row's error moves with each knob, piecewise linear.

Around a point the logarithm of predicted over measured is taken as a sum of one function a knob, known on a
grid of its values (an evaluation of the model each). On it the fit is a matter of milliseconds, so that each
source can be left out and everything its rows touch fitted again. The model itself is evaluated once more
at what was found, and the main fit goes round until it stays.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.validation.files import Refusal
from gigawatt.validation.training.cases import Case
from gigawatt.validation.training.predict import predict
from stack_knobs import KNOBS, Knob, Values, stacks_of

Array = NDArray[np.float64]

STEPS = (-2.0, -1.0, -0.4, 0.0, 0.4, 1.0, 2.0)
"""Where a knob is evaluated around the point, in its ``scale``; its prior and bounds are added."""
CANDIDATES = 81
"""Values of a knob that a fit looks at."""


def logs(cases: Sequence[Case], values: Values) -> Array:
    """ln(predicted / measured) of every case, nan where the prediction is refused."""
    outcomes = predict(cases, stacks=stacks_of(values, cases))
    return np.array(
        [
            np.nan if isinstance(one, Refusal) else np.log(one.step_time / case.measured)
            for case, one in zip(cases, outcomes, strict=True)
        ]
    )


@dataclass(frozen=True)
class Surrogate:
    """``base`` (N,) at ``values``; of each knob the rows it moves, candidates (C,) and moves (rows, C)."""

    values: Values
    base: Array
    rows: dict[str, NDArray[np.intp]]
    candidates: dict[str, Array]
    moves: dict[str, Array]


_SHARED: tuple[Sequence[Case], Values] | None = None


def _evaluate(knob: Knob) -> tuple[NDArray[np.intp], Array, Array]:
    assert _SHARED is not None
    cases, values = _SHARED
    rows = np.array([i for i, case in enumerate(cases) if knob.takes(case)], dtype=np.intp)
    at = values[knob.name]
    grid = {min(max(at + step * knob.scale, knob.low), knob.high) for step in STEPS}
    points = np.array(sorted(grid | {knob.prior, at}))
    candidates = np.unique(np.concatenate([np.linspace(points[0], points[-1], CANDIDATES), points]))
    if not len(rows):
        return rows, candidates, np.zeros((0, len(candidates)))
    mine = [cases[i] for i in rows]
    found = np.stack([logs(mine, {**values, knob.name: float(point)}) for point in points], axis=1)
    found = found - found[:, [int(np.flatnonzero(points == at)[0])]]
    moves = np.stack([np.interp(candidates, points, row) for row in np.nan_to_num(found)])
    return rows, candidates, moves


def surrogate(cases: Sequence[Case], values: Values) -> Surrogate:
    """The surrogate around ``values``, evaluated by two processes."""
    global _SHARED
    _SHARED = (cases, values)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        parts = pool.map(_evaluate, KNOBS, chunksize=1)
    names = [knob.name for knob in KNOBS]
    return Surrogate(
        values=values,
        base=logs(cases, values),
        rows=dict(zip(names, (part[0] for part in parts), strict=True)),
        candidates=dict(zip(names, (part[1] for part in parts), strict=True)),
        moves=dict(zip(names, (part[2] for part in parts), strict=True)),
    )


def fit(model: Surrogate, weight: Array, start: Values, free: Iterable[Knob], sweeps: int = 30) -> Values:
    """The values of least weighted absolute logarithms and distances from the priors.

    Parameters
    ----------
    model : Surrogate
        Around some point.
    weight : array (N,)
        Of the rows, 0 for those that are left out.
    start : mapping
        Values to begin with; knobs outside the surrogate's candidates go to the nearest.
    free : knobs
        Which may move.
    sweeps : int
        Most rounds over them.
    """
    at = {name: int(np.argmin(np.abs(c - start[name]))) for name, c in model.candidates.items()}
    off = np.nan_to_num(model.base).copy()
    for name, index in at.items():
        off[model.rows[name]] += model.moves[name][:, index]
    use = weight * np.isfinite(model.base)
    moving = list(free)
    for _ in range(sweeps):
        before = dict(at)
        for knob in moving:
            rows, moves = model.rows[knob.name], model.moves[knob.name]
            share = use[rows]
            there = off[rows] - moves[:, at[knob.name]]
            cost = share @ np.abs(there[:, None] + moves) if len(rows) else 0.0
            cost = cost + np.array([knob.prior_cost(float(v)) for v in model.candidates[knob.name]])
            best = int(np.argmin(cost))
            off[rows] = there + moves[:, best]
            at[knob.name] = best
        if at == before:
            break
    return {name: float(model.candidates[name][index]) for name, index in at.items()}


def left_out(
    cases: Sequence[Case],
    used: Sequence[Case],
    model: Surrogate,
    weigh: Callable[[Sequence[Case]], Array],
    name_of: Callable[[Case], str],
) -> Array:
    """ln(predicted / measured) of every case from a fit that had seen no case of the same name.

    Knobs that the left-out cases touch go back to their priors (a stack's arithmetic of which no other row
    speaks to the median of the other stacks) and are fitted to the rest; the rows are then predicted by
    the model itself. ``model`` is the surrogate of the rows that are ``used`` to fit.
    """
    names, fitted = (np.array([name_of(case) for case in of], dtype=object) for of in (cases, used))
    found = np.full(len(cases), np.nan)
    for name in dict.fromkeys(names):
        out = np.flatnonzero(names == name)
        rest = fitted != name
        weight = np.zeros(len(used))
        weight[rest] = weigh([case for case, keep in zip(used, rest, strict=True) if keep])
        touched = [knob for knob in KNOBS if any(knob.takes(cases[i]) for i in out)]
        start, free = dict(model.values), []
        for knob in touched:
            spoken = any(knob.touches(used[i]) for i in np.flatnonzero(rest))
            start[knob.name] = knob.prior
            if spoken:
                free.append(knob)
            elif knob.quantity == "arithmetic":
                others = [
                    model.values[k.name] for k in KNOBS if k.quantity == "arithmetic" and k not in touched
                ]
                start[knob.name] = float(np.median(others))
        values = fit(model, weight, start, free)
        values |= {knob.name: start[knob.name] for knob in touched if knob not in free}
        found[out] = logs([cases[i] for i in out], values)
    return found

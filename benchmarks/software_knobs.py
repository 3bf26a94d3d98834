"""The free numbers of training software, and fits of them through a surrogate of the step model.

A :class:`Knob` is a number of ``software_values`` with a range: its value there is the prior, its range the bounds. It
belongs to every framework that has the flag on, so that no source has a number of its own. Around a point
the logarithm of predicted over measured is taken as a sum of one function a knob, known on a grid of its values
(an evaluation of the model each); on it a fit is a matter of milliseconds, so that each maker can be left out.
"""

# ruff: noqa: E501
from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import table
from gigawatt.validation.files import Refusal
from gigawatt.validation.training.cases import Case
from gigawatt.validation.training.predict import predict

Array = NDArray[np.float64]
Key = tuple[str, str]
Values = Mapping[Key, float]

NOT_TIMED = ("fragmentation", "bucket", "bucket_per_rank", "memory", "contention", "launch")
"""Quantities with a range that a step time says little of, or what others say as well."""
STEPS = (-1.0, 1.0)
"""Where a knob is evaluated around the point, in its ``scale``; its bounds are added."""
MOVED = 1e-3
"""Least change of a logarithm that a knob is said to move a row by."""
CANDIDATES = 61
"""Values of a knob that a fit looks at."""
SHRINKS = (0.15, 0.5, 1.5, 5.0, 15.0)
"""What one ``scale`` away from the prior may cost, in weighted logarithms of rows (the mode of Laplace errors and a
Laplace prior); the one is taken with which makers that are left out are predicted best."""
SCALES = 5.0
"""Scales that the range of a knob holds."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A free number [SI]: the row and quantity of ``software_values``, prior and bounds."""

    key: Key
    prior: float
    low: float
    high: float

    @property
    def scale(self) -> float:
        """What counts as one step away."""
        return (self.high - self.low) / SCALES

    def touches(self, case: Case) -> bool:
        """Whether the prediction of ``case`` may use it."""
        flag, _, value = self.key[0].partition(":")
        return flag == "all" or case.software.settings.get(flag) == value


def knobs() -> list[Knob]:
    """Every number of ``software_values`` with a range."""
    found: list[Knob] = []
    for row in table("software_values").values():
        for name in row.numbers:
            one = row.evidence(name)
            if one.low is not None and one.high is not None and name not in NOT_TIMED:
                found.append(Knob((row.id, name), one.value, one.low, one.high))
    return found


def logs(cases: Sequence[Case], values: Values) -> Array:
    """ln(predicted / measured) of every case, nan where the prediction is refused."""
    outcomes = predict(cases, numbers=values)
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
    rows: dict[Key, NDArray[np.intp]]
    candidates: dict[Key, Array]
    moves: dict[Key, Array]


_SHARED: tuple[Sequence[Case], Values, Array] | None = None


def _evaluate(knob: Knob) -> tuple[NDArray[np.intp], Array, Array]:
    assert _SHARED is not None
    cases, values, base = _SHARED
    rows = np.array([i for i, case in enumerate(cases) if knob.touches(case)], dtype=np.intp)
    at = values[knob.key]
    grid = {min(max(at + step * knob.scale, knob.low), knob.high) for step in STEPS}
    points = np.array(sorted(grid | {knob.low, knob.high, at}))
    candidates = np.unique(
        np.concatenate([np.linspace(knob.low, knob.high, CANDIDATES), points, [knob.prior]])
    )
    far = float(
        points[-1] if at < points[-1] else points[0]
    )  # rows that the farthest value leaves are not its own
    if len(rows):
        off = np.nan_to_num(logs([cases[i] for i in rows], {**values, knob.key: far}) - base[rows])
        rows = rows[np.abs(off) > MOVED]
    mine = [cases[i] for i in rows]
    found = np.zeros((len(rows), len(points)))
    for i, point in enumerate(points):
        if point != at and mine:
            found[:, i] = np.nan_to_num(logs(mine, {**values, knob.key: float(point)}) - base[rows])
    moves = np.array([np.interp(candidates, points, row) for row in found]).reshape(
        len(rows), len(candidates)
    )
    return rows, candidates, moves


def surrogate(cases: Sequence[Case], values: Values, of: Sequence[Knob]) -> Surrogate:
    """The surrogate around ``values``, evaluated by as many processes as there are processors."""
    global _SHARED
    base = logs(cases, values)
    _SHARED = (cases, values, base)
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        parts = pool.map(_evaluate, of, chunksize=1)
    keys = [knob.key for knob in of]
    return Surrogate(
        values=values,
        base=base,
        rows=dict(zip(keys, (part[0] for part in parts), strict=True)),
        candidates=dict(zip(keys, (part[1] for part in parts), strict=True)),
        moves=dict(zip(keys, (part[2] for part in parts), strict=True)),
    )


def fit(
    model: Surrogate, weight: Array, of: Sequence[Knob], shrink: float, sweeps: int = 30
) -> dict[Key, float]:
    """The values of least weighted absolute logarithms and distances from the priors.

    Parameters
    ----------
    model : Surrogate
        Around some point.
    weight : array (N,)
        Of the rows, 0 for those that are left out; a knob that none of the others moves has its prior.
    of : sequence of Knob
        What is fitted, from its prior.
    shrink : float
        One of :data:`SHRINKS`.
    sweeps : int
        Most rounds over them.
    """
    at = {k.key: int(np.argmin(np.abs(model.candidates[k.key] - k.prior))) for k in of}
    off = np.nan_to_num(model.base).copy()
    for key, index in at.items():
        off[model.rows[key]] += model.moves[key][:, index]
    use = weight * np.isfinite(model.base)
    for _ in range(sweeps):
        before = dict(at)
        for knob in of:
            rows, moves = model.rows[knob.key], model.moves[knob.key]
            there = off[rows] - moves[:, at[knob.key]]
            cost = shrink * np.abs(model.candidates[knob.key] - knob.prior) / knob.scale
            if len(rows):
                cost = cost + use[rows] @ np.abs(there[:, None] + moves)
            best = int(np.argmin(cost))
            if len(rows):
                off[rows] = there + moves[:, best]
            at[knob.key] = best
        if at == before:
            break
    return {key: float(model.candidates[key][index]) for key, index in at.items()}


def at_values(model: Surrogate, values: Values) -> Array:
    """ln(predicted / measured) of the surrogate's rows with knobs at ``values`` (N,)."""
    off = model.base.copy()
    for key, candidates in model.candidates.items():
        off[model.rows[key]] += model.moves[key][:, int(np.argmin(np.abs(candidates - values[key])))]
    return off


def best_shrink(
    model: Surrogate, makers: Sequence[str], weigh: Callable[[Sequence[str]], Array], of: Sequence[Knob]
) -> tuple[float, dict[float, float]]:
    """(the one of :data:`SHRINKS` with the least weighted error on makers left out, the error of each)."""
    names, whole = np.array(makers, dtype=object), weigh(makers)
    found: dict[float, float] = {}
    for shrink in SHRINKS:
        errors = np.zeros(len(names))
        for name in dict.fromkeys(makers):
            weight, rest = np.zeros(len(names)), names != name
            weight[rest] = weigh([one for one in makers if one != name])
            off = at_values(model, fit(model, weight, of, shrink))
            errors[~rest] = np.abs(np.expm1(np.nan_to_num(off[~rest])))
        found[shrink] = float(whole @ errors / whole.sum())
    return min(found, key=lambda one: found[one]), found

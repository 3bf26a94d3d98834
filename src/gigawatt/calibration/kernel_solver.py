"""The least-absolute-error fit of surfaces, fixed times and what is timed beside a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gigawatt.hardware.technology.surfaces import Surface
from gigawatt.workload.operations import Array

__all__ = ["Matrix", "roughness", "size", "solve"]

Matrix = Any  # of scipy.sparse, which is loaded where it is needed

_BESIDE, _HELD = 0.3, 1e4  # weights that hold what is timed beside a kernel at its least time, or where found
_START, _FIXED = (
    0.7,
    5.0,
)  # fixed time of a variant: share of its quickest rows, and weight that holds it there
_QUICKEST, _LEAST, _SHORTEST = 0.01, 0.1, 1e-7  # quantile; least share of a time that is its own; seconds
_ERROR = 0.06  # relative error below which the loss is quadratic
_STEPS, _DONE, _LONGEST = 40, 2e-3, 0.5  # Gauss-Newton: most steps, smallest and largest change


def _design(surface: Surface, at: Sequence[Array]) -> Matrix:
    """Weights of the knots at each row."""
    from scipy.sparse import csr_matrix

    index, weight = surface.corners(at)
    count, rows = len(at[0]), np.arange(len(at[0]))
    flat = [np.broadcast_to(np.asarray(x), count) for x in index]
    heavy = [np.broadcast_to(np.asarray(x), count) for x in weight]
    where = (np.tile(rows, len(flat)), np.concatenate(flat))
    return csr_matrix((np.concatenate(heavy), where), shape=(count, surface.values.size))


def roughness(surface: Surface, order: int) -> Matrix:
    """Quadratic form of first or second differences along every axis."""
    from scipy.sparse import csr_matrix, identity, kron

    counts = [len(k) for k in surface.knots]
    total = csr_matrix((surface.values.size, surface.values.size))
    for axis, knots in enumerate(surface.knots):
        x, n = np.log2(knots), len(knots)
        if n < 2:
            continue
        if order == 1 or n == 2:
            differences = np.diff(np.eye(n), axis=0) / np.diff(x)[:, None]
        else:
            first = np.diff(np.eye(n), axis=0) / np.diff(x)[:, None]
            differences = np.diff(first, axis=0)
        wide = identity(1)
        for other, count in enumerate(counts):
            wide = kron(wide, csr_matrix(differences) if other == axis else identity(count))
        total = total + wide.T @ wide
    return total.tocsr()


def size(surface: Surface) -> Matrix:
    """Quadratic form of the values themselves."""
    from scipy.sparse import identity

    return identity(surface.values.size, format="csr")


def solve(
    time: Array,
    base: list[Array],
    extra: Array,
    at: list[tuple[Array, ...]],
    members: list[tuple[Surface, Matrix, Array]],
    variant: Array,
    held: Mapping[str, float] | None = None,
) -> tuple[list[Array], dict[str, float], dict[str, float]]:
    """Fit log t by Gauss-Newton steps, reweighted towards least absolute error.

    Parameters
    ----------
    time : array (rows) [s]
        Measured.
    base : list of array [s]
        Physical time of each multiplication of a row, which surfaces multiply.
    extra : array [s]
        Least time of what is timed beside the kernel.
    at : list of tuple of array
        Where each multiplication stands on the axes of the surfaces.
    members : list of (surface, penalty, on)
        Surfaces to be fitted, the quadratic form that holds each, and the rows (0 or 1) that it is in.
    variant : array of str
        Rows of one variant share a fixed time and a multiple of ``extra``.
    held : mapping, optional
        Multiples of ``extra`` that are known.

    Returns
    -------
    values, fixed, beside
        Values of each member's surface; fixed time [s] and multiple of ``extra`` by variant.
    """
    from scipy.sparse import block_diag, csr_matrix, diags, hstack
    from scipy.sparse.linalg import spsolve

    known = held or {}

    designs = [hstack([diags(on) @ _design(s, a) for s, _, on in members]).tocsr() for a in at]
    penalty: Matrix = csr_matrix(block_diag([p for _, p, _ in members]))
    variants = sorted(set(variant))
    belongs = np.stack([(variant == v).astype(float) for v in variants], axis=1)
    rest = np.maximum(time - extra, _LEAST * time)
    start = np.array(
        [np.log(max(_START * np.quantile(rest[variant == v], _QUICKEST), _SHORTEST)) for v in variants]
    )
    count, many = penalty.shape[0], len(variants)
    first = np.log([known.get(v, 1.0) for v in variants])
    firmly = np.array([_HELD if v in known else _BESIDE for v in variants])
    unknown = np.concatenate([np.zeros(count), start, first])
    origin = unknown.copy()
    aside = diags(np.concatenate([np.full(many, _FIXED), firmly]))
    whole = block_diag([penalty, aside]).tocsr()
    for _ in range(_STEPS):
        logs, fixed, beside = unknown[:count], unknown[count : count + many], unknown[count + many :]
        constant, other = np.exp(belongs @ fixed), extra * np.exp(belongs @ beside)
        parts = [b * np.exp(d @ logs) for b, d in zip(base, designs, strict=True)]
        total = constant + other + sum(parts)
        error = np.log(time / total)
        slope = sum(diags(p / total) @ d for p, d in zip(parts, designs, strict=True))
        of_source = [csr_matrix(belongs * (x / total)[:, None]) for x in (constant, other)]
        slope = hstack([slope, *of_source]).tocsr()
        weight = _ERROR / np.maximum(np.abs(error), _ERROR)
        gradient = slope.T @ (weight * error) - whole @ (unknown - origin)
        found = spsolve((slope.T @ diags(weight) @ slope + whole).tocsc(), gradient)
        step = np.clip(np.asarray(found), -_LONGEST, _LONGEST)
        unknown = unknown + step
        if np.abs(step).max() < _DONE:
            break
    logs, fixed, beside = unknown[:count], unknown[count : count + many], unknown[count + many :]
    values: list[Array] = []
    for surface, _, _ in members:
        values.append(logs[: surface.values.size].reshape(surface.values.shape))
        logs = logs[surface.values.size :]
    times, rates = (dict(zip(variants, map(float, np.exp(x)), strict=True)) for x in (fixed, beside))
    return values, times, rates

"""The least-absolute-error fit of surfaces, fixed times and what is timed beside a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gigawatt.technology.digital.forms import Family
from gigawatt.technology.digital.surfaces import Surface
from gigawatt.workload.operations import Array

__all__ = [
    "BYTES_KNOTS",
    "WAVE_KNOTS",
    "WAVE_TILES",
    "Matrix",
    "lines_of",
    "penalised_lines",
    "roughness",
    "size",
    "solve",
]

Matrix = Any  # of scipy.sparse, which is loaded where it is needed

BYTES_KNOTS: tuple[float, ...] = (
    1e6, 2e6, 4e6, 6e6, 9e6, 1.3e7, 1.8e7, 2.5e7, 3.5e7, 5e7, 7e7, 1e8, 1.5e8, 3e8,
)  # fmt: skip
"""Knots in bytes moved [B] of what a source of multiplications deviates by."""

WAVE_KNOTS: tuple[float, ...] = (
    0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.03, 1.2, 1.5, 1.8, 2, 2.05, 2.5, 3, 3.1, 4, 4.1,
    6, 10, 30, 100,
)  # fmt: skip
"""The same in waves (tiles over processors) of each of :data:`WAVE_TILES`."""

WAVE_TILES: tuple[tuple[int, int], ...] = ((128, 128), (128, 256), (64, 128), (256, 128))
"""Tile shapes whose waves sources deviate by."""

_BYTES, _WAVES = (0.05, 0.02, 0.003), (0.02, 0.02, 0.02)  # second, first differences, size of lines
_BESIDE, _HELD = 0.3, 1e4  # weights that hold what is timed beside a kernel at its least time, or where found
_START, _FIXED = (
    0.7,
    5.0,
)  # fixed time of a variant: share of its quickest rows, and weight that holds it there
_QUICKEST, _LEAST, _SHORTEST = 0.01, 0.1, 1e-7  # quantile; least share of a time that is its own; seconds
_ERROR = 0.06  # relative error below which the loss is quadratic
_STEPS, _DONE, _LONGEST = 12, 5e-3, 0.5  # Gauss-Newton: most steps, smallest and largest change


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


def lines_of(family: Family) -> list[Surface]:
    """Empty lines of a family that sources deviate by: bytes moved, then waves of each tile."""
    knots = [BYTES_KNOTS] if family in ("gemm", "grouped_gemm") else []
    knots += [WAVE_KNOTS for _ in WAVE_TILES] if family == "gemm" else []
    return [Surface(("line",), (np.asarray(k, dtype=float),), np.zeros(len(k))) for k in knots]


def penalised_lines(family: Family) -> list[tuple[Surface, Matrix]]:
    """The same, each with the quadratic form that holds it."""
    found: list[tuple[Surface, Matrix]] = []
    for i, empty in enumerate(lines_of(family)):
        smooth, flat, ridge = _WAVES if i else _BYTES
        found.append((empty, smooth * roughness(empty, 2) + flat * roughness(empty, 1) + ridge * size(empty)))
    return found


def solve(
    time: Array,
    base: list[Array],
    extra: Array,
    members: list[tuple[Surface, Matrix, Array, list[tuple[Array, ...]]]],
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
    members : list of (surface, penalty, on, at)
        Surfaces to be fitted, the quadratic form that holds each, the rows (0 or 1) that it is in, and where
        each multiplication stands on its axes.
    variant : array of str
        Rows of one variant share a fixed time and a multiple of ``extra``.
    held : mapping, optional
        Multiples of ``extra`` that are known.

    Returns
    -------
    values, fixed, beside
        Values of each member's surface; fixed time [s] and multiple of ``extra`` by variant.
    """
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import block_diag, csr_matrix, diags, hstack

    known = held or {}

    designs = [
        hstack([diags(on) @ _design(s, at[i]) for s, _, on, at in members]).tocsr() for i in range(len(base))
    ]
    penalty: Matrix = csr_matrix(block_diag([p for _, p, _, _ in members]))
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
        normal = (slope.T @ diags(weight) @ slope + whole).toarray()
        found = cho_solve(cho_factor(normal, overwrite_a=True, check_finite=False), gradient)
        step = np.clip(np.asarray(found), -_LONGEST, _LONGEST)
        unknown = unknown + step
        if np.abs(step).max() < _DONE:
            break
    logs, fixed, beside = unknown[:count], unknown[count : count + many], unknown[count + many :]
    values: list[Array] = []
    for surface, *_ in members:
        values.append(logs[: surface.values.size].reshape(surface.values.shape))
        logs = logs[surface.values.size :]
    times, rates = (dict(zip(variants, map(float, np.exp(x)), strict=True)) for x in (fixed, beside))
    return values, times, rates

"""Sobol indices: which unknown makes the spread of an answer.

``S1`` is the share of the variance that goes if a quantity alone is known; ``ST`` the share that stays if
all others are. Both from one sample A, one sample B, and A with one quantity at a time taken from B.

References
----------
Saltelli, Annoni, Azzini, Campolongo, Ratto and Tarantola 2010, "Variance based sensitivity analysis of
model output", Computer Physics Communications 181, 259–270: S1 by their equation (b), ST by that of Jansen
1999, (f).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError

__all__ = ["Indices", "sobol_indices"]

Array = NDArray[np.float64]
_RESAMPLES = 100  # of the bootstrap of the standard errors


@dataclass(frozen=True)
class Indices:
    """First-order and total indices (D,) with standard errors of the estimates (bootstrap over draws)."""

    first: Array
    total: Array
    first_error: Array
    total_error: Array


def sobol_indices(a: Array, b: Array, mixed: Array) -> Indices:
    """Indices from the three samples.

    Parameters
    ----------
    a, b : array (N,)
        Answers of two independent samples.
    mixed : array (D, N)
        Answers of A with quantity i taken from B.

    Raises
    ------
    InputError
        Shapes that do not fit; fewer than two draws; an answer that does not vary.

    References
    ----------
    Saltelli et al. 2010, table 2, (b) and (f). The answer is standardised before, as SALib does.
    """
    a, b, mixed = np.asarray(a, dtype=float), np.asarray(b, dtype=float), np.asarray(mixed, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or mixed.ndim != 2 or mixed.shape[1] != len(a) or len(a) < 2:
        raise InputError(
            "samples that do not fit",
            given=f"{a.shape}, {b.shape}, {mixed.shape}",
            allowed="(N,), (N,), (D, N)",
        )
    every = np.concatenate([a, b, mixed.ravel()])
    spread = float(np.std(every))
    if not spread > 0.0:
        raise InputError("the answer does not vary", given=float(a[0]))
    centre = float(np.mean(every))
    a, b, mixed = (a - centre) / spread, (b - centre) / spread, (mixed - centre) / spread

    def estimate(rows: NDArray[np.intp] | slice) -> tuple[Array, Array]:
        variance = np.var(np.concatenate([a[rows], b[rows]]))
        first = np.mean(b[rows] * (mixed[:, rows] - a[rows]), axis=1) / variance
        total = 0.5 * np.mean((a[rows] - mixed[:, rows]) ** 2, axis=1) / variance
        return first, total

    first, total = estimate(slice(None))
    generator = np.random.Generator(np.random.PCG64(0))
    again = [estimate(generator.integers(0, len(a), len(a))) for _ in range(_RESAMPLES)]
    errors = [np.std([pair[i] for pair in again], axis=0, ddof=1) for i in (0, 1)]
    return Indices(first, total, errors[0], errors[1])

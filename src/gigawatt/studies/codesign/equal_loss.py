"""Models of the same loss: fewer parameters for more tokens, by a scaling law with its uncertainty.

L(N, D) = E + A/N^α + B/D^β. The tokens with which N parameters reach the loss of N₀ on D₀ follow in closed
form for each of the law's bootstrap fits; taken is their median.

References
----------
Hoffmann et al. 2022, arXiv:2203.15556, approach 3. Besiroglu, Erdil, Barnett, You 2024, arXiv:2404.10102.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt import catalog
from gigawatt.workload import Architecture
from gigawatt.workload.sized import scaled_architecture

__all__ = ["law_rows", "shaped", "tokens_at_equal_loss"]

Array = NDArray[np.float64]

_LEAST = 1e-6
"""Share of the base's loss by tokens below which more tokens are taken to do no longer."""


@lru_cache(maxsize=1)
def law_rows() -> Array:
    """Bootstrap fits (R, 5): E, A, B, α, β."""
    return np.loadtxt(catalog.path("outlook/scaling_law.csv"), delimiter=",", skiprows=1)


def tokens_at_equal_loss(
    parameters: ArrayLike, *, base_parameters: float, base_tokens: float, rows: Array | None = None
) -> tuple[Array, Array, Array]:
    """(tokens, low, high) with which models of ``parameters`` reach the base's loss; infinite where none do.

    Parameters
    ----------
    parameters : array (L,)
        > 0; of a mixture of experts the active ones, so far as the law holds for those.
    base_parameters, base_tokens : float
        N₀, D₀.
    rows : array (R, 5), optional
        Fits of the law.

    Returns
    -------
    (array, array, array)
        Median over the fits, and the 5th and 95th of a hundred.
    """
    _, a, b, alpha, beta = (law_rows() if rows is None else rows).T[:, :, None]
    n = np.atleast_1d(np.asarray(parameters, dtype=float))[None, :]
    # in logarithms of ratios to the base, so that E drops out and equal sizes give equal tokens exactly
    left = a * base_parameters**-alpha * (1.0 - (n / base_parameters) ** -alpha)
    room = 1.0 + left / (b * base_tokens**-beta)
    ratio = np.where(room > _LEAST, np.maximum(room, _LEAST) ** (-1.0 / beta), np.inf)
    tokens = base_tokens * ratio
    low, middle, high = np.quantile(tokens, (0.05, 0.5, 0.95), axis=0, method="nearest")
    return middle, low, high


def shaped(architecture: Architecture, *, parameters: float, aspect: float) -> Architecture:
    """The model of the family whose active parameters come nearest to ``parameters``, of another aspect.

    Layers come in even numbers; the width follows them, times ``aspect`` to the two thirds as the layers are
    divided by it to the third, so that the size stays.

    Parameters
    ----------
    architecture : Architecture
        One of the family.
    parameters : float
        Active ones, > 0.
    aspect : float
        Width over depth, over the family's own, > 0.
    """
    if parameters == architecture.active_parameters and aspect == 1.0:
        return architecture
    scale = (parameters / architecture.active_parameters) ** (1.0 / 3.0)
    guess = architecture.layers * scale * aspect ** (-2.0 / 3.0)
    middle = max(2, 2 * round(guess / 2.0))
    tried = [scaled_architecture(architecture, n, aspect) for n in range(max(2, middle - 12), middle + 13, 2)]
    return min(tried, key=lambda one: abs(one.active_parameters / parameters - 1.0))

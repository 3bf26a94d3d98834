"""Standard normal draws by name: the same name and seed give the same numbers in every scenario.

Two scenarios therefore share their common inputs: a year of expensive gas is expensive in both.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.uncertainty.factors import ModelError, RowFactor
from gigawatt.chain.uncertainty.years import YearFactor

__all__ = ["LARGEST", "Factor", "normal_draws"]

Array = NDArray[np.float64]
Factor = RowFactor | ModelError | YearFactor
"""An uncertain input: a row, the error of a model, or the year."""
LARGEST = 2.3263478740408408
"""Truncation at the 1 and 99 % quantiles: ranges give no information further out."""


def normal_draws(factors: Sequence[Factor], *, draws: int, seed: int, shared: float) -> Array:
    """(draws, factors) standard normal numbers, stratified in each factor.

    Parameters
    ----------
    factors : sequence
        Rows, errors and the year; rows of one ``shared`` name have correlation ``shared``, errors of models
        that of the common parts which they name.
    draws, seed : int
        How many, and of which seed.
    shared : float
        Share of the variance that such rows have in common, 0 to 1.

    References
    ----------
    McKay, Beckman & Conover (1979), Technometrics 21(2): Latin hypercube sampling. Iman & Conover (1982),
    Communications in Statistics B 11(3): ranks keep the correlation of a sum and the strata of each factor.
    """
    found = np.empty((draws, len(factors)))
    for k, one in enumerate(factors):
        own = _stratified(one.name, draws, seed)
        parts = ((one.shared, shared),) if isinstance(one, RowFactor) else one.shared
        own *= math.sqrt(1.0 - sum(share for _, share in parts))
        for name, share in parts:
            own += math.sqrt(share) * _stratified(name, draws, seed)
        found[:, k] = _ranked(own) if parts else own
    return np.clip(found, -LARGEST, LARGEST)


def _ranked(values: Array) -> Array:
    """Standard normals of the ranks of values, one in each stratum."""
    from scipy.special import ndtri

    ranks = np.empty(len(values))
    ranks[np.argsort(values)] = np.arange(len(values)) + 0.5
    return np.asarray(ndtri(ranks / len(values)))


def _stratified(name: str, draws: int, seed: int) -> Array:
    from scipy.special import ndtri

    digest = hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "little"))
    return np.asarray(ndtri((rng.permutation(draws) + rng.random(draws)) / draws))

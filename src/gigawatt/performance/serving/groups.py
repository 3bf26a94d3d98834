"""Prompts of an iteration in steady serving: how many meet, and how many the busiest attention group has."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc  # pyright: ignore[reportMissingTypeStubs]

__all__ = ["busiest_prompts", "gathered_prompts", "met_prompts", "spread_prompts"]

Array = NDArray[np.float64]

_MOST = 128
"""Prompts up to which the busiest group's are counted out."""
_TAIL = 1e-6
"""Chance that the busiest group has more, below which no more are looked for."""


def met_prompts(count: ArrayLike) -> Array:
    """Prompts (L,) of an iteration that has any, where ``count`` come an iteration in the mean, at random."""
    n = np.asarray(count, dtype=float)
    some = -np.expm1(-n)
    return np.where(n > 0.0, n / np.where(n > 0.0, some, 1.0), 1.0)


def spread_prompts(count: ArrayLike, groups: ArrayLike) -> Array:
    """Prompts (L,) of the attention group that has most in an iteration that has any, in the mean, where
    ``count`` come an iteration at random and are dealt out in turn: of N the busiest has ⌈N/groups⌉."""
    n, g = np.broadcast_arrays(np.asarray(count, dtype=float), np.asarray(groups, dtype=float))
    found, more, turn = np.ones_like(n), np.ones_like(n), 0.0
    some = np.maximum(-np.expm1(-n), np.finfo(float).tiny)
    while np.max(more) > _TAIL:
        turn += 1.0
        more = np.where(n > 0.0, gammainc(turn * g + 1.0, n) / some, 0.0)  # the chance of more than turn·g
        found = found + more
    return found


def busiest_prompts(count: ArrayLike, groups: ArrayLike) -> Array:
    """Prompts of the attention group that has most of ``count`` (L,), in the mean; at least one.

    Parameters
    ----------
    count : array (L,)
        Prompts of an iteration, ≥ 1, each in any group alike: where a new request goes to the group with
        the fewest, that is in steady serving the one where a request ended.
    groups : array (L,)
        Attention groups, whole numbers.

    Notes
    -----
    Exact for whole numbers up to :data:`_MOST`, straight between them; beyond, what the busiest has more than
    the mean grows as the root.
    """
    n, g = np.broadcast_arrays(np.maximum(np.asarray(count, dtype=float), 1.0), np.asarray(groups, float))
    found = np.array(n, dtype=float)
    for one in np.unique(g):
        if one > 1.0:
            here, table = n[g == one], _busiest(round(float(one)))
            within = np.interp(np.minimum(here, _MOST), np.arange(_MOST + 1), table)
            more = (table[-1] - _MOST / one) * np.sqrt(here / _MOST) + here / one
            found[g == one] = np.where(here > _MOST, more, within)
    return found


@lru_cache(maxsize=64)
def _busiest(groups: int) -> Array:
    """Mean of the most that any of ``groups`` has, of 0 to :data:`_MOST` that fall on any alike.

    Of n, P(no group has more than k) = n!/groupsⁿ · [xⁿ] (Σ over j ≤ k of xʲ/j!)^groups.
    """
    n = np.arange(_MOST + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(n[1:]))])  # their logarithms
    every = np.exp(factorials - n * np.log(groups))
    found = np.zeros(_MOST + 1)
    for k in range(_MOST):
        ways = _power(np.exp(-factorials[: k + 1]), groups)
        more = 1.0 - np.minimum(ways * every, 1.0)
        found += np.where(n > k, more, 0.0)
        if more[-1] < _TAIL:
            break
    return found


def _power(terms: Array, power: int) -> Array:
    """The polynomial ``terms`` to a ``power`` ≥ 1, up to the term :data:`_MOST`."""
    found, square = np.ones(1), terms
    while power:
        if power & 1:
            found = np.convolve(found, square)[: _MOST + 1]
        power >>= 1
        square = np.convolve(square, square)[: _MOST + 1] if power else square
    return np.pad(found, (0, _MOST + 1 - len(found)))


def gathered_prompts(count: ArrayLike, groups: ArrayLike) -> Array:
    """Prompts (L,) that groups which wait for each other compute together: ``count`` that come while they
    wait at most, or as many as it takes until each has one, g·(1 + 1/2 + … + 1/g) in the mean."""
    n, g = np.asarray(count, dtype=float), np.asarray(groups, dtype=float)
    each = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1.0, np.max(g) + 1.0))])
    return np.minimum(n, np.maximum(g * each[g.astype(int)], 1.0))

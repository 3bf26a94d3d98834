"""Shares of a difference among what moved it, after Shapley: exact over subsets, or by sampled orders.

A game gives every set of players a value. Here a player is a group of inputs, a set of players are the
groups that have their other setting, and the value is a quantity of the chain. A player's share is its
mean contribution over all orders in which the settings could have been changed one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_EXACT", "ORDERS", "Shares", "shapley"]

Array = NDArray[np.float64]
Game = Callable[[frozenset[str]], Array | None]

MOST_EXACT = 6
"""Players up to which every subset is looked at, 64 of them; beyond, orders are sampled."""
ORDERS = 8
"""Orders that are sampled where nobody says how many."""
_FEWEST = 4


@dataclass(frozen=True)
class Shares:
    """What each player moved.

    ``start``, ``end`` (K,) are the values of nobody and of everybody, ``parts`` (n, K) what each player
    adds; over players they sum to ``end - start``. ``errors`` (n, K) is the standard error of each part
    where orders were sampled, else ``None``. ``impossible`` are the sets without a value that were met,
    ``orders`` how many orders stand behind the parts, of how many ``tried``. ``parts`` is ``None`` where
    every order runs through a set without a value. ``low`` and ``high`` (K,) are the ends of all values met.
    """

    players: tuple[str, ...]
    start: Array
    end: Array
    parts: Array | None
    errors: Array | None
    impossible: tuple[frozenset[str], ...]
    orders: int
    tried: int
    low: Array
    high: Array


def shapley(
    players: Sequence[str],
    game: Game,
    *,
    most_exact: int = MOST_EXACT,
    orders: int = ORDERS,
    seed: int = 0,
) -> Shares:
    """Split the difference between everybody and nobody among the players.

    Parameters
    ----------
    players : sequence of str
        n names, each once.
    game : callable
        Set of players → values (K,) of what is split, in any units; ``None`` where that set has none. It
        is called once a set. Nobody and everybody need a value.
    most_exact : int
        Up to so many players all subsets are looked at.
    orders : int
        Beyond: orders to sample, at least 4, taken in pairs of an order and its reverse, so that what only
        two players share is split without any error.
    seed : int
        Of the sampled orders.

    Returns
    -------
    Shares
        Over sets without a value no order passes: shares are means over the orders that are left.

    Raises
    ------
    ValueError
        A player twice, fewer than four orders, or no value of nobody or of everybody.

    References
    ----------
    Shapley, L. S., A value for n-person games, Contributions to the Theory of Games II (1953) 307-317.
    Castro, J., Gómez, D. and Tejada, J., Polynomial calculation of the Shapley value based on sampling,
    Computers & Operations Research 36 (2009) 1726-1730.
    Shorrocks, A. F., Decomposition procedures for distributional analysis: a unified framework based on the
    Shapley value, Journal of Economic Inequality 11 (2013) 99-126.
    """
    names = tuple(players)
    if len(set(names)) < len(names):
        raise ValueError("a player stands twice")
    if orders < _FEWEST:
        raise ValueError("an error needs two pairs of orders or more")
    known: dict[frozenset[str], Array | None] = {}

    def value(chosen: frozenset[str]) -> Array | None:
        if chosen not in known:
            found = game(chosen)
            known[chosen] = None if found is None else np.asarray(found, dtype=np.float64)
        return known[chosen]

    start, end = value(frozenset()), value(frozenset(names))
    if start is None or end is None:
        raise ValueError("the empty and the full coalition need a value")
    exact = len(names) <= most_exact
    if exact:
        parts, errors, used, tried = _exact(names, value)
    else:
        parts, errors, used, tried = _sampled(names, value, orders, np.random.default_rng(seed))
    impossible = tuple(sorted((s for s, v in known.items() if v is None), key=lambda s: (len(s), sorted(s))))
    met = np.array([v for v in known.values() if v is not None])
    return Shares(names, start, end, parts, errors, impossible, used, tried, met.min(axis=0), met.max(axis=0))


def _subsets(names: tuple[str, ...]) -> Iterator[frozenset[str]]:
    """Every set of players, the small ones first."""
    for size in range(len(names) + 1):
        yield from map(frozenset, combinations(names, size))


def _exact(names: tuple[str, ...], value: Game) -> tuple[Array | None, None, int, int]:
    """Means over orders, by the number of orders that lead to each set and on from it."""
    sets = list(_subsets(names))
    values = {chosen: found for chosen in sets if (found := value(chosen)) is not None}
    everybody = frozenset(names)
    before: dict[frozenset[str], int] = {frozenset(): 1}
    after: dict[frozenset[str], int] = {everybody: 1}
    for chosen in sets[1:]:
        if chosen in values:
            before[chosen] = sum(before.get(chosen - {one}, 0) for one in chosen)
    for chosen in reversed(sets[:-1]):
        if chosen in values:
            after[chosen] = sum(after.get(chosen | {one}, 0) for one in everybody - chosen)
    used, tried = before[everybody], math.factorial(len(names))
    if not used:
        return None, None, 0, tried
    parts = np.zeros((len(names), len(values[everybody])))
    for number, name in enumerate(names):
        for chosen, found in values.items():
            joined = chosen | {name}
            if name not in chosen and joined in values:
                weight = before[chosen] * after[joined]
                parts[number] += (weight / used) * (values[joined] - found)
    return parts, None, used, tried


def _sampled(
    names: tuple[str, ...], value: Game, orders: int, generator: np.random.Generator
) -> tuple[Array | None, Array | None, int, int]:
    """Means over sampled orders and their standard error."""
    pairs: list[list[Array]] = []
    for _ in range((orders + 1) // 2):
        order = [names[i] for i in generator.permutation(len(names))]
        both = (_contributions(names, one, value) for one in (order, order[::-1]))
        pairs.append([found for found in both if found is not None])
    singles = [found for pair in pairs for found in pair]
    tried = 2 * len(pairs)
    if not singles:
        return None, None, 0, tried
    whole = all(len(pair) == 2 for pair in pairs)
    drawn = np.array([np.mean(pair, axis=0) for pair in pairs] if whole else singles)
    if len(drawn) < 2:  # too few were left to say how far they lie apart
        errors = np.full(drawn.shape[1:], np.nan)
    else:
        errors = np.std(drawn, axis=0, ddof=1) / np.sqrt(len(drawn))
    return np.mean(singles, axis=0), errors, len(singles), tried


def _contributions(names: tuple[str, ...], order: Sequence[str], value: Game) -> Array | None:
    """What each player (n, K) adds in one order; ``None`` where a set on the way has no value."""
    place = {name: number for number, name in enumerate(names)}
    chosen: frozenset[str] = frozenset()
    last = value(chosen)
    assert last is not None
    found = np.empty((len(names), len(last)))
    for name in order:
        chosen |= {name}
        now = value(chosen)
        if now is None:
            return None
        found[place[name]] = now - last
        last = now
    return found

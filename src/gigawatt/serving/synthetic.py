"""Made requests: a process of arrivals, distributions of lengths, shared beginnings of prompts.

Arrivals, lengths, prefixes and priorities are drawn from streams of their own, so that changing one leaves
the others as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.serving.arrivals import DailyShape, arrival_times
from gigawatt.serving.lengths import Lengths, as_lengths
from gigawatt.serving.requests import Requests

__all__ = ["SharedPrefixes", "synthetic"]

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class SharedPrefixes:
    """Beginnings that prompts share, such as system prompts, for prefix caching.

    Attributes
    ----------
    groups : int
        Different beginnings.
    tokens : Lengths, int or str
        Length of each, drawn once a group.
    skew : float
        How unequal the groups are: group k = 1, 2, … is drawn with weight k to the power of −skew (0: all
        alike).
    share : float
        Share of the requests that have one.
    block_tokens : int
        Tokens of a block with a hash; only whole blocks of a beginning are shared.
    """

    groups: int
    tokens: Lengths | int | str
    block_tokens: int
    skew: float = 0.0
    share: float = 1.0

    def __post_init__(self) -> None:
        for key, value in (("groups", self.groups), ("block_tokens", self.block_tokens)):
            if value < 1 or value != int(value):
                raise InputError("not a whole number from 1", key=f"prefixes.{key}", given=value)
        check_range("prefixes.skew", self.skew, 0.0, message="not a skew")
        if not 0.0 <= self.share <= 1.0:
            raise InputError("not a share", key="prefixes.share", given=self.share, allowed="0 to 1")


def synthetic(
    *,
    rate: float,
    prompt: Lengths | int | str | None = None,
    output: Lengths | int | str | None = None,
    count: int | None = None,
    span: float | None = None,
    arrivals: str = "poisson",
    variation: float | None = None,
    shape: DailyShape | str | float | ArrayLike | None = None,
    lengths_of: Requests | None = None,
    maximum_prompt: int | None = None,
    maximum_output: int | None = None,
    prefixes: SharedPrefixes | None = None,
    priorities: Sequence[float] | None = None,
    seed: int = 0,
) -> Requests:
    """Requests that nobody sent.

    Parameters
    ----------
    rate : float [1/s]
        Mean (of a whole day where there is a shape).
    prompt, output : Lengths, int or str
        Distributions (:mod:`gigawatt.serving.lengths`), a number of tokens, or a text such as
        ``"uniform(1024, 0.8, convention=inferencex)"``.
    count, span : int, float [s]
        One of the two.
    arrivals : str
        ``poisson``, ``gamma`` (bursts), ``diurnal`` or ``constant``: see :mod:`gigawatt.serving.arrivals`.
    variation : float, optional
        Of ``gamma``: the gaps' coefficient of variation.
    shape : optional
        Of ``diurnal``: a name, a trough-to-peak ratio or 24 rates.
    lengths_of : Requests, optional
        Instead of ``prompt`` and ``output``: pairs as they stand in these requests, drawn with replacement,
        so that long prompts keep the outputs they go with.
    maximum_prompt, maximum_output : int, optional
        Longer ones are cut there, a shared beginning included.
    prefixes : SharedPrefixes, optional
        Put before the prompts drawn; makes ``blocks``.
    priorities : sequence of float, optional
        Shares of the requests with priority 0 (the most urgent), 1, …; they need not sum to 1.
    seed : int
        The same seed gives the same requests.

    Returns
    -------
    Requests
        In order of arrival.
    """
    streams = [np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(5)]
    arrival = arrival_times(
        kind=arrivals, rate=rate, count=count, span=span, variation=variation, shape=shape, seed=streams[0]
    )
    number = len(arrival)
    if lengths_of is not None:
        if prompt is not None or output is not None:
            raise InputError(
                "lengths stand twice", key="lengths_of", allowed="either it, or prompt and output"
            )
        drawn = streams[1].integers(0, len(lengths_of), number)
        made, told = lengths_of.prompt[drawn], lengths_of.output[drawn]
    else:
        for name, value in (("prompt", prompt), ("output", output)):
            if value is None:
                raise InputError(
                    "how long is not said", key=name, allowed="tokens, a distribution, or lengths_of"
                )
        made = as_lengths(prompt or 0).draw(number, streams[1])
        told = as_lengths(output or 0).draw(number, streams[2])
    blocks, block = None, 0
    if prefixes is not None:
        made, blocks = _with_prefixes(made, prefixes, maximum_prompt, streams[3])
        block = prefixes.block_tokens
    return Requests(
        arrival=arrival,
        prompt=made if maximum_prompt is None else np.minimum(made, maximum_prompt),
        output=told if maximum_output is None else np.minimum(told, maximum_output),
        priority=_priorities(priorities, number, streams[4]),
        blocks=blocks,
        block_tokens=block,
    )


def _priorities(shares: Sequence[float] | None, count: int, random: np.random.Generator) -> Whole:
    if shares is None:
        return np.zeros(count, np.int64)
    weights = np.asarray(shares, dtype=float)
    if not len(weights) or not np.all(np.isfinite(weights)) or weights.min() < 0.0 or weights.sum() <= 0.0:
        raise InputError(
            "not shares of priorities", key="priorities", given=str(list(shares)), allowed="from 0"
        )
    return _pick(weights, count, random)


def _pick(weights: NDArray[np.float64], count: int, random: np.random.Generator) -> Whole:
    """Draws of 0 … K − 1 with these weights."""
    edges = np.cumsum(weights) / weights.sum()
    return np.minimum(np.searchsorted(edges, random.random(count), side="right"), len(weights) - 1)


def _with_prefixes(
    own: Whole, prefixes: SharedPrefixes, maximum: int | None, random: np.random.Generator
) -> tuple[Whole, tuple[Whole, Whole]]:
    """(prompts with beginnings, (offsets, ids)): ids of beginnings first, then one of its own for every other
    block of every prompt, the last and partly filled one included."""
    size, count = prefixes.block_tokens, len(own)
    long = as_lengths(prefixes.tokens).draw(prefixes.groups, random)
    group = _pick(np.arange(1, prefixes.groups + 1, dtype=float) ** -prefixes.skew, count, random)
    has = random.random(count) < prefixes.share
    before = np.where(has, long[group], 0)
    prompt = own + before
    if maximum is not None:
        prompt, before = np.minimum(prompt, maximum), np.minimum(before, maximum)
    blocks, shared = -(-prompt // size), before // size
    offsets = np.concatenate([[0], np.cumsum(blocks)])
    first = np.concatenate([[0], np.cumsum(long // size)])  # id of the first block of each beginning
    ids: Whole = np.arange(int(first[-1]), int(first[-1] + offsets[-1]), dtype=np.int64)
    ends = np.cumsum(shared)
    within: Whole = np.arange(int(ends[-1]), dtype=np.int64) - np.repeat(ends - shared, shared)
    ids[np.repeat(offsets[:-1], shared) + within] = np.repeat(first[group], shared) + within
    return prompt, (offsets, ids)

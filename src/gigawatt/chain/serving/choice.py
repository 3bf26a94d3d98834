"""The choice among screened replicas: one pool, or disaggregated prefill and decode pools."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Prices, degrees_of, replica
from gigawatt.chain.serving.screen import Points
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import several, show
from gigawatt.machine import Cluster
from gigawatt.performance.serving.memory import kept
from gigawatt.serving.objectives import Objective

__all__ = [
    "MINIMISED",
    "Configuration",
    "Pool",
    "Transfer",
    "apart",
    "closest",
    "ranked",
    "together",
    "transfer",
]

Array = NDArray[np.float64]

MINIMISED = ("cost", "energy", "chips")
"""Objectives of the choice: money, energy at the meter, accelerators."""

_KEPT = 8
"""Layouts of each pool that are combined with one another."""
_MIX = 8
"""Most prefill replicas where no demand is set."""
_AROUND = 32
"""Fewest numbers of prefill replicas that are looked at on either side of the two pools' balance."""
_NEAR = 1.05
"""Factor to the best within which a smaller mix of pools is preferred where no demand is set."""


@dataclass(frozen=True)
class Pool:
    """Replicas that do the same work: ``role`` is ``replica``, ``prefill`` or ``decode``.

    ``points`` has the one row that was chosen, ``replicas`` of it, each at ``rate`` [1/s].
    """

    role: str
    points: Points
    replicas: int
    rate: float

    @property
    def chips(self) -> int:
        """Accelerators of the pool."""
        return self.replicas * round(float(self.points.chips[0]))

    @property
    def power(self) -> float:
        """Of the pool's accelerators [W]."""
        return self.replicas * float(self.points.power(self.rate)[0])

    @property
    def capacity(self) -> float:
        """Largest rate of requests within the SLO [1/s]."""
        return self.replicas * float(self.points.rate[0])


@dataclass(frozen=True)
class Transfer:
    """The KV cache of one prompt from a prefill to a decode replica.

    ``size`` [B] a request, ``bandwidth`` [B/s] and ``latency`` [s] of the way, ``time`` [s] it takes.
    """

    size: float
    bandwidth: float
    latency: float

    @property
    def time(self) -> float:
        """Seconds of one request alone on its way."""
        return self.size / self.bandwidth + self.latency


@dataclass(frozen=True)
class Configuration:
    """One way to serve: ``mode`` is ``aggregated`` or ``disaggregated``; ``rate`` [1/s] is what it serves."""

    mode: str
    pools: tuple[Pool, ...]
    rate: float
    moved: Transfer | None = None

    @property
    def chips(self) -> int:
        """Accelerators."""
        return sum(pool.chips for pool in self.pools)

    @property
    def power(self) -> float:
        """Of all accelerators [W]."""
        return sum(pool.power for pool in self.pools)

    @property
    def replicas(self) -> int:
        """Of all pools."""
        return sum(pool.replicas for pool in self.pools)

    def waits(self, prefix: str = "") -> dict[str, float]:
        """``ttft``, ``tpot`` [s] on average, or with ``slow_`` at the percentile."""
        first, last = self.pools[0].points, self.pools[-1].points
        beside = 0.0 if self.moved is None else self.moved.time
        gap = float(getattr(last, f"{prefix}tpot")[0])
        return {"ttft": float(getattr(first, f"{prefix}ttft")[0]), "tpot": gap + beside * _per_gap(last)}

    def same_layout(self, other: Configuration) -> bool:
        """Whether both have the same pools and degrees of parallelism."""

        def layout(one: Configuration) -> list[tuple[str, dict[str, int]]]:
            return [(pool.role, pool.points.degrees.row(0)) for pool in one.pools]

        return layout(self) == layout(other)

    def scarce(self, missed: set[str]) -> set[str]:
        """Roles of the pools that decide the limits ``missed`` (``ttft``, ``tpot``, ``e2e``).

        A pool for prefill decides the time to the first token, one for decode the time per output token, both
        the end to end; a single pool decides all.
        """
        every = {pool.role for pool in self.pools}
        found = {role for key, role in (("ttft", "prefill"), ("tpot", "decode")) if key in missed}
        return found if found and "e2e" not in missed and found <= every else every

    def score(self, prices: Prices, minimise: str) -> tuple[float, float]:
        """The minimised quantity of one request; then the cost."""
        money = float(prices.cost(self.power, self.chips)) / self.rate
        if minimise == "energy":
            return float(prices.meter(self.power, self.chips)) / self.rate, money
        return (self.chips / self.rate, money) if minimise == "chips" else (money, 0.0)


def _per_gap(points: Points) -> float:
    """Gaps of a mean answer: what a delay of the whole answer adds to the time between its tokens."""
    return 1.0 / max(float(points.gaps), 1.0)


def ranked(
    found: Sequence[Configuration], prices: Prices, minimise: str, count: int
) -> tuple[Configuration, ...]:
    """The best ``count`` of them, each with other replicas."""
    seen: set[tuple[tuple[int, ...], ...]] = set()
    best: list[Configuration] = []
    for one in sorted(found, key=lambda c: c.score(prices, minimise)):
        key = tuple(tuple(pool.points.degrees.row(0).values()) for pool in one.pools)
        if key not in seen:
            seen.add(key)
            best.append(one)
        if len(best) == count:
            break
    return tuple(best)


def check_minimised(minimise: str) -> None:
    """Raise ``InputError`` of an unknown objective."""
    check_word("minimise", minimise, MINIMISED, "unknown objective")


def together(
    question: ServingQuestion, points: Points, prices: Prices, minimise: str, chips: int | None
) -> list[Configuration]:
    """For every replica the load at which it serves best within the objective, with as many as it takes."""
    kept_ones = points.excess(question.objective) <= 1.0
    size, rate = points.chips, points.rate
    if question.demand is not None:
        number = np.ceil(question.demand / rate * (1.0 - 1e-9))
        served = np.full(len(points), question.demand)
        if chips is not None:
            kept_ones &= number * size <= chips
    else:
        number = np.ones(len(points)) if chips is None else np.floor(chips / size)
        served = number * rate
        kept_ones &= number >= 1.0
    rows = np.flatnonzero(kept_ones)
    if not len(rows):
        return []
    each = served / np.maximum(number, 1.0)
    power = points.power(each) * number
    score = {
        "cost": prices.cost(power, number * size),
        "energy": prices.meter(power, number * size),
        "chips": number * size * prices.second,
    }[minimise] / served
    order = rows[np.lexsort((prices.cost(power, number * size)[rows] / served[rows], score[rows]))]
    names = np.stack(
        [points.degrees.tensor, points.degrees.pipeline, points.degrees.data, points.degrees.expert]
    )
    _, first = np.unique(names[:, order], axis=1, return_index=True)
    return [
        Configuration(
            "aggregated",
            (Pool("replica", points.take([row]), int(number[row]), float(each[row])),),
            float(served[row]),
        )
        for row in order[np.sort(first)]
    ]


def transfer(question: ServingQuestion, cluster: Cluster, prefill: float, decode: float) -> Transfer:
    """The transfer of the KV cache between replicas of these numbers of accelerators.

    Every accelerator sends its share over its own link between domains, so that the smaller replica bounds
    the rate; what several tensor ranks hold alike is sent once.
    """
    whole = replica(question, cluster, degrees_of())
    size = float(np.max(kept(whole, question.traffic.mean_prompt)))
    link = cluster.scale_out
    return Transfer(size, link.bandwidth * link.efficiency * min(prefill, decode), link.latency)


def _best_rows(points: Points, objective: Objective, prices: Prices) -> list[int]:
    """Rows that meet the SLO: of every replica the cheapest, the cheapest replicas first."""
    cost = prices.cost(points.power(), points.chips) / points.rate
    rows = np.flatnonzero(points.excess(objective) <= 1.0)
    rows = rows[np.argsort(cost[rows], kind="stable")]
    seen: set[tuple[int, ...]] = set()
    found: list[int] = []
    for row in rows:
        key = tuple(points.degrees.row(row).values())
        if key not in seen:
            seen.add(key)
            found.append(int(row))
        if len(found) == _KEPT:
            break
    return found


def _mixes(
    question: ServingQuestion, one: tuple[float, float], other: tuple[float, float], chips: int | None
) -> list[tuple[int, int, float]]:
    """(prefill replicas, decode replicas, rate served) to choose from, of (accelerators, rate) of each."""
    (size, rate), (size_, rate_) = one, other
    if question.demand is not None:
        p, d = math.ceil(question.demand / rate * (1 - 1e-9)), math.ceil(question.demand / rate_ * (1 - 1e-9))
        return [(p, d, question.demand)] if chips is None or p * size + d * size_ <= chips else []
    found: list[tuple[int, int, float]] = []
    if chips is None:
        numbers = range(1, _MIX + 1)
    else:  # at the balance both pools serve the same; two decode replicas away, an accelerator serves less
        most, balance = int(chips // size), round(chips * rate_ / (rate * size_ + rate_ * size))
        around = max(_AROUND, math.ceil(3 * size_ / size))
        numbers = range(max(1, balance - around), min(most, balance + around) + 1)
    for p in numbers:
        if chips is None:
            options = {max(1, math.floor(p * rate / rate_)), max(1, math.ceil(p * rate / rate_))}
        else:
            options = {int((chips - p * size) // size_)}
        found += [(p, d, min(p * rate, d * rate_)) for d in options if d >= 1]
    return found


def apart(
    question: ServingQuestion,
    cluster: Cluster,
    pools: tuple[Points, Points],
    prices: Prices,
    minimise: str,
    chips: int | None,
) -> list[Configuration]:
    """The best numbers of every pair of a prefill and a decode replica."""
    prefill, decode = pools
    objective, found = question.objective, list[Configuration]()
    ends = replace(objective, tpot=math.inf, e2e=math.inf)
    gaps = replace(objective, ttft=math.inf)
    for i in _best_rows(prefill, ends, prices):
        for j in _best_rows(decode, gaps, prices):
            a, b = prefill.take([i]), decode.take([j])
            moved = transfer(question, cluster, float(a.chips[0]), float(b.chips[0]))
            token = float(b.slow_tpot[0]) + moved.time * _per_gap(b)
            whole = float(a.slow_ttft[0] + b.slow_e2e[0]) + moved.time
            if token > objective.tpot or whole > objective.e2e:
                continue
            sizes = ((float(x.chips[0]), float(x.rate[0])) for x in (a, b))
            for p, d, rate in _mixes(question, *sizes, chips):  # type: ignore[arg-type]
                both = (Pool("prefill", a, p, rate / p), Pool("decode", b, d, rate / d))
                found.append(Configuration("disaggregated", both, rate, moved))
    pairs: dict[tuple[tuple[int, ...], ...], list[Configuration]] = {}
    for one in found:
        key = tuple(tuple(pool.points.degrees.row(0).values()) for pool in one.pools)
        pairs.setdefault(key, []).append(one)
    within = 1.0 if chips is not None or question.demand is not None else _NEAR
    return [_smallest(mixes, prices, minimise, within) for mixes in pairs.values()]


def _smallest(mixes: list[Configuration], prices: Prices, minimise: str, within: float) -> Configuration:
    """The one with the fewest accelerators of those that are at most ``within`` times as bad as the best."""
    scores = [one.score(prices, minimise)[0] for one in mixes]
    good = [one for one, score in zip(mixes, scores, strict=True) if score <= within * min(scores)]
    return min(good, key=lambda one: (one.chips, one.score(prices, minimise)))


def closest(
    question: ServingQuestion, points: Points, chips: int | None, prices: Prices, words: Callable[[int], str]
) -> InfeasibleError:
    """The error where no configuration meets the SLO (or the demand): the closest, and by how much."""
    objective, excess = question.objective, points.excess(question.objective)
    if np.any(excess <= 1.0):
        return _too_few(question, points, excess, chips)
    row = int(np.argmin(excess))
    percent = f"p{100 * (objective.percentile or 1.0):g}"
    exceeded = {key: float(getattr(points, f"slow_{key}")[row]) for key in objective.limits}
    exceeded = {key: value for key, value in exceeded.items() if value > 0.0}
    waits = ", ".join(f"{key} {_seconds(value)}" for key, value in exceeded.items())
    enough = ",".join(
        f"{key}={_seconds(math.ceil(value * 1e3 + 1e-6) / 1e3)}" for key, value in exceeded.items()
    )
    return InfeasibleError(
        f"no configuration meets the SLO: the closest, {words(row)} with {points.peak[row]:.0f} in "
        f"flight, has {waits} at {percent}, {float(excess[row]):.3g} times what is allowed",
        key="objective", given=str(objective),
        allowed=f"{enough.replace(' ', '')},{percent}, narrower weights or a faster accelerator",
    )  # fmt: skip


def _too_few(question: ServingQuestion, points: Points, excess: Array, chips: int | None) -> InfeasibleError:
    """Accelerators are too few for the demand, or for one replica that keeps the objective."""
    good = np.flatnonzero(excess <= 1.0)
    if question.demand is None:
        least = int(points.chips[good].min())
        return InfeasibleError(
            "every replica that meets the SLO is larger", key="chips", given=chips,
            allowed=f"{least} or more",
        )  # fmt: skip
    need = np.ceil(question.demand / points.rate[good]) * points.chips[good]
    row = good[int(np.argmin(need))]
    number, size = int(np.ceil(question.demand / points.rate[row])), int(points.chips[row])
    most = float(np.max(np.floor((chips or 0) / points.chips[good]) * points.rate[good]))
    return InfeasibleError(
        f"these accelerators serve {most:.3g} requests/s within the SLO, less than the demand of "
        f"{question.demand:.4g}", key="chips", given=chips,
        allowed=f"{number * size} or more ({several(number, 'replica')} of {size})",
    )  # fmt: skip


def _seconds(value: float) -> str:
    return show(value, "ms", 3) if value < 1.0 else show(value, "s", 3)

"""The Pareto front of a service: speed per user, output per accelerator, energy per token."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Prices
from gigawatt.chain.serving.screen import Points
from gigawatt.performance.search import non_dominated

__all__ = ["Front", "front_of"]

Array = NDArray[np.float64]

_FRONT = 400
"""Most points of the front."""


@dataclass(frozen=True)
class Front:
    """Pareto-optimal points in speed per user, output per accelerator and energy; columns ``(L,)``.

    ``user`` [token/s] of one request, ``chip`` [token/s] written by an accelerator, ``energy`` [J] a token
    written, at the meter; ``kept`` whether the objective is; ``mode`` and ``degrees`` of each, of all pools.
    """

    user: Array
    chip: Array
    energy: Array
    kept: NDArray[np.bool_]
    mode: tuple[str, ...]
    degrees: tuple[tuple[dict[str, int], ...], ...]
    held: Array

    def __len__(self) -> int:
        return len(self.user)


def front_of(
    question: ServingQuestion, one: Points | None, pools: tuple[Points, Points] | None, prices: Prices
) -> Front:
    """The front of the points ``one`` of replicas that do both, of pools of two kinds, or of all of them."""
    output, objective = question.traffic.mean_output, question.objective
    rows: list[tuple[float, float, float, bool, str, tuple[dict[str, int], ...], float]] = []
    if one is not None:
        energy = prices.meter(one.power(), one.chips) / one.rate / output
        chip = one.rate * output / one.chips
        user = 1.0 / np.maximum(one.tpot, 1e-9)
        good = one.excess(objective) <= 1.0
        keep = non_dominated(np.stack([-user, -chip, energy], axis=1))
        rows += [
            (user[i], chip[i], energy[i], bool(good[i]), "aggregated", (one.degrees.row(i),), one.held[i])
            for i in map(int, np.flatnonzero(keep))
        ]
    if pools is not None:
        rows += _apart_front(question, pools, prices)
    if len(rows) and one is not None and pools is not None:
        keep = non_dominated(np.array([[-r[0], -r[1], r[2]] for r in rows]))
        rows = [row for row, good in zip(rows, keep, strict=True) if good]
    rows.sort(key=lambda row: row[0])
    if len(rows) > _FRONT:
        rows = [rows[i] for i in np.linspace(0, len(rows) - 1, _FRONT).astype(int)]
    numbers = np.array([[*row[:3], row[6]] for row in rows], dtype=float).reshape(-1, 4)
    return Front(
        user=numbers[:, 0],
        chip=numbers[:, 1],
        energy=numbers[:, 2],
        kept=np.array([row[3] for row in rows], dtype=bool),
        mode=tuple(row[4] for row in rows),
        degrees=tuple(row[5] for row in rows),
        held=numbers[:, 3],
    )


def _apart_front(
    question: ServingQuestion, pools: tuple[Points, Points], prices: Prices
) -> list[tuple[float, float, float, bool, str, tuple[dict[str, int], ...], float]]:
    """Every decode replica with the cheapest prefill replica, as many of it as keep step."""
    prefill, decode = pools
    objective, output = question.objective, question.traffic.mean_output
    cost = prices.cost(prefill.power(), prefill.chips) / prefill.rate
    quick = prefill.slow_ttft <= objective.ttft
    i = int(np.argmin(np.where(quick | ~np.any(quick), cost, np.inf)))
    before = prefill.take([i])
    chips = float(before.chips[0] / before.rate[0])
    watts = float(prices.meter(before.power(), before.chips)[0] / before.rate[0])
    energy = (watts + prices.meter(decode.power(), decode.chips) / decode.rate) / output
    chip = output / (chips + decode.chips / decode.rate)
    user = 1.0 / np.maximum(decode.tpot, 1e-9)
    good = (decode.slow_tpot <= objective.tpot) & bool(np.any(quick))
    keep = non_dominated(np.stack([-user, -chip, energy], axis=1))
    return [
        (user[j], chip[j], energy[j], bool(good[j]), "disaggregated",
         (before.degrees.row(0), decode.degrees.row(j)), decode.held[j])
        for j in map(int, np.flatnonzero(keep))
    ]  # fmt: skip

"""The engine as a queue: one prompt at a time is M/G/1, whose mean wait is known.

References
----------
Pollaczek (1930), Khinchine (1932): W = λ E[S²] / (2 (1 − ρ)). Lindley (1952): w' = max(w + s − a, 0).
"""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_tables import plain_tables

from gigawatt.serving import EngineOptions, Fleet, Requests, simulate

TOKEN = 1e-3
ALONE = EngineOptions(max_sequences=1, token_budget=100_000, prefix_caching=False)
BATCHES = 100

#: Prompt lengths [token] and their shares: always the same; many short and few long (E[S²] = 1.7 E[S]²).
LENGTHS = {"M/D/1": ([100], [1.0]), "M/G/1": ([50, 100, 300], [0.5, 0.3, 0.2])}


def waits(load: float, kind: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(waits, gaps between arrivals, service times) of one run."""
    rng = np.random.default_rng(seed)
    lengths, shares = LENGTHS[kind]
    prompt = rng.choice(lengths, size=count, p=shares)
    mean = TOKEN * float(np.dot(lengths, shares))
    gaps = rng.exponential(mean / load, count)
    requests = Requests(arrival=np.cumsum(gaps), prompt=prompt, output=np.ones(count, int))
    outcome = simulate(requests, Fleet(plain_tables(token=TOKEN)), ALONE, bin=100.0)
    return outcome.scheduled - outcome.arrival, gaps, TOKEN * prompt


@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize("load", [0.5, 0.95])
def test_each_wait_is_lindleys(kind: str, load: float) -> None:
    found, gaps, service = waits(load, kind, 20_000, 1)
    steps = service[:-1] - gaps[1:]
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    np.testing.assert_allclose(found, walk - np.minimum.accumulate(walk), atol=1e-7)


def with_controls(kind: str, load: float, count: int, seeds: int) -> tuple[float, float]:
    """(mean wait, its standard error), freed by regression of what chance did to gaps and service times."""
    lengths, shares = (np.array(x, dtype=float) for x in LENGTHS[kind])
    first, second = TOKEN * lengths @ shares, TOKEN**2 * lengths**2 @ shares
    mean_gap = first / load
    rows = []
    for seed in range(seeds):
        wait, gaps, service = (x.reshape(BATCHES, -1) for x in waits(load, kind, count, 100 + seed))
        rows.append(
            np.stack(
                [
                    wait.mean(axis=1),
                    gaps.mean(axis=1) - mean_gap,
                    service.mean(axis=1) - first,
                    (gaps**2).mean(axis=1) - 2.0 * mean_gap**2,
                    (service**2).mean(axis=1) - second,
                ]
            )
        )
    y, *controls = np.concatenate(rows, axis=1)
    x = np.stack([np.ones_like(y), *controls], axis=1)
    solved, *_ = np.linalg.lstsq(x, y, rcond=None)
    left = y - x @ solved
    return float(solved[0]), float(left.std() / np.sqrt(len(y)))


@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize(
    ("load", "count", "seeds"),
    [
        (0.3, 100_000, 2),
        (0.5, 100_000, 2),
        (0.7, 200_000, 2),
        (0.8, 200_000, 3),
        (0.9, 500_000, 4),
        (0.95, 1_000_000, 6),
    ],
)
def test_mean_waits_are_pollaczeks_and_khinchines(kind: str, load: float, count: int, seeds: int) -> None:
    lengths, shares = (np.array(x, dtype=float) for x in LENGTHS[kind])
    first, second = TOKEN * lengths @ shares, TOKEN**2 * lengths**2 @ shares
    expected = load / first * second / (2.0 * (1.0 - load))
    found, error = with_controls(kind, load, count, seeds)
    assert error < 0.01 * expected
    assert found == pytest.approx(expected, rel=0.02)


def test_littles_law_holds() -> None:
    """Requests that wait or run, summed over time, are the times that all spend here."""
    rng = np.random.default_rng(2)
    count = 2000
    requests = Requests(
        arrival=np.cumsum(rng.exponential(0.1, count)), prompt=rng.integers(1, 300, count),
        output=rng.integers(1, 50, count),
    )  # fmt: skip
    outcome = simulate(requests, Fleet(plain_tables(token=2e-4, iteration=3e-3, capacity=800.0), replicas=2))
    series = outcome.series
    assert outcome.preemptions.sum() > 0
    inside = (series.running + series.waiting).sum() * series.bin
    assert inside == pytest.approx((outcome.finish - outcome.arrival).sum(), rel=1e-9)
    assert series.waiting.sum() > 0

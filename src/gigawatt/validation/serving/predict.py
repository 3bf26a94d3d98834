"""Predictions of measured serving rows by the closed forms of the step model, many rows at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.machine import Cluster, build_cluster
from gigawatt.performance.serving.engines import Engine, load_engine
from gigawatt.performance.serving.inference import Replica, multiply_format
from gigawatt.performance.serving.steady import most_held, static_batch, steady
from gigawatt.validation.serving.rows import ServingCase
from gigawatt.workload.inference import Shares

__all__ = ["BURST", "LENGTHS", "predict_serving"]

Array = NDArray[np.float64]

BURST = 0.1
"""Share of a closed-loop benchmark's requests that come at once at its start: it runs ten times as many
requests as it holds (InferenceX, ``num_prompts`` = 10 · concurrency), and the mean counts them all."""
LENGTHS = 0.9
"""Mean length over the longest: such benchmarks draw lengths evenly from 0.8 of it to the whole."""
_HELD = (1.0, 0.7, 0.4, 0.15)
"""Shares of the most requests a replica holds that are tried where a row gives the largest throughput."""


@lru_cache(maxsize=128)
def _cluster(chip: str, count: int) -> Cluster:
    return build_cluster(chip=chip, count=count)[0]


def _replica(cases: Sequence[ServingCase], engine: Engine) -> Replica:
    one = cases[0]
    tensor, data, expert, expert_tensor, pipeline = (
        np.array([getattr(case, name) for case in cases])
        for name in ("tensor", "data", "expert", "expert_tensor", "pipeline")
    )
    count = int(max(8, (tensor * data * pipeline).max()))
    multiply = multiply_format(one.weights, one.chip)
    shares = Shares(
        tensor, data, expert, expert_tensor,
        weights=one.weights, multiply=multiply, cache=one.cache, attend="bf16",
    )  # fmt: skip
    return Replica(one.architecture, _cluster(one.chip.id, count), engine, shares, pipeline)


def _closed(r: Replica, prompt: Array, output: Array, held: Array, rounds: int) -> dict[str, Array]:
    s, n = LENGTHS * prompt, LENGTHS * output
    found = steady(r, prompt=s, output=n, held=held, rounds=rounds)
    first = found.first_token + r.engine.waits * found.iteration
    return {
        "ttft": (1.0 - BURST) * first + BURST * found.burst,
        "tpot": found.token,
        "throughput": found.requests * n,
    }


def _peak(r: Replica, prompt: Array, output: Array, held: Array, rounds: int) -> dict[str, Array]:
    most = most_held(r, prompt=prompt, output=output)
    best = np.zeros_like(prompt)
    for share in _HELD:
        found = steady(r, prompt=prompt, output=output, held=np.maximum(share * most, 1.0), rounds=rounds)
        best = np.maximum(best, found.requests * output)
    return {"throughput": best}


def _static(r: Replica, prompt: Array, output: Array, held: Array, rounds: int) -> dict[str, Array]:
    found = static_batch(r, prompt=prompt, output=output, batch=held)
    return {"ttft": found.first_token, "tpot": found.token, "throughput": found.requests * output}


_KINDS: Mapping[str, Callable[[Replica, Array, Array, Array, int], dict[str, Array]]] = {
    "closed": _closed,
    "peak": _peak,
    "static": _static,
    "first": _static,
}


def predict_serving(
    cases: Sequence[ServingCase], engines: Mapping[str, Engine] | None = None, rounds: int = 6
) -> list[dict[str, float]]:
    """Predictions of each case, by the same names as its ``measured``.

    ``engines`` replaces those of the catalog by id (as fits do); ``rounds`` are those of ``steady``.
    """
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        groups[case.group].append(i)
    found: list[dict[str, float]] = [{} for _ in cases]
    for key, rows in groups.items():
        some = [cases[i] for i in rows]
        engine = (engines or {}).get(key[2]) or load_engine(key[2])
        prompt, output, held = (np.array([getattr(c, n) for c in some]) for n in ("prompt", "output", "held"))
        made = _KINDS[some[0].kind](_replica(some, engine), prompt, output, held, rounds)
        for at, i in enumerate(rows):
            found[i] = {
                name: float(np.broadcast_to(values, len(rows))[at])
                for name, values in made.items()
                if name in cases[i].measured
            }
    return found

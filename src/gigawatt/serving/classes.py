"""Classes of requests in one run: what became of each, by its own latency target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.serving.engine import Outcome
from gigawatt.serving.objectives import Objective
from gigawatt.serving.outcome import Goodput, Quantiles, latencies, request_goodput
from gigawatt.serving.requests import Requests

__all__ = ["ClassSummary", "merged", "summarise_classes", "together"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ClassSummary:
    """What became of the requests of a class that arrived in a window.

    Attributes
    ----------
    requests, finished, preempted : int
        Preempted once at least.
    rate : float [1/s]
        That arrived.
    prompt, output : float [token]
        Means.
    wait, ttft, tpot, e2e : Quantiles [s]
    goodput : Goodput, optional
        None where the class has no latency target.
    """

    requests: int
    finished: int
    preempted: int
    rate: float
    prompt: float
    output: float
    wait: Quantiles
    ttft: Quantiles
    tpot: Quantiles
    e2e: Quantiles
    goodput: Goodput | None


def merged(parts: list[Requests]) -> tuple[Requests, Ints]:
    """(the requests of all parts in order of arrival, which part each is of).

    Priorities are kept; blocks of different parts are different.

    Raises
    ------
    InputError
        Parts with sessions, or with blocks of different sizes.
    """
    sizes = {part.block_tokens for part in parts if part.blocks is not None}
    if len(sizes) > 1:
        raise InputError("blocks of different sizes", key="classes", given=sorted(sizes), allowed="one size")
    if any(part.sessions is not None for part in parts):
        raise InputError("sessions are no class", key="classes", allowed="single requests")
    arrival = np.concatenate([part.arrival for part in parts])
    order = np.argsort(arrival, kind="stable")
    blocks = None
    if sizes:
        counts, names, known = list[Ints](), list[Ints](), 0
        for part in parts:
            offsets, ids = part.blocks if part.blocks is not None else (np.zeros(len(part) + 1, int), _NONE)
            seen, of = np.unique(ids, return_inverse=True)
            counts.append(np.diff(offsets))
            names.append(of.reshape(-1) + known)
            known += len(seen)
        count, every = np.concatenate(counts), np.concatenate(names)
        starts = np.cumsum(count) - count
        ends = np.concatenate([[0], np.cumsum(count[order])])
        places = np.arange(int(ends[-1])) + np.repeat(starts[order] - ends[:-1], count[order])
        blocks = (ends, every[places])
    found = Requests(
        arrival=arrival[order],
        prompt=np.concatenate([part.prompt for part in parts])[order],
        output=np.concatenate([part.output for part in parts])[order],
        priority=np.concatenate([part.priority for part in parts])[order],
        blocks=blocks,
        block_tokens=max(sizes, default=0),
    )
    return found, np.repeat(np.arange(len(parts)), [len(part) for part in parts])[order]


_NONE: Ints = np.zeros(0, dtype=np.int64)


def summarise_classes(
    outcome: Outcome,
    requests: Requests,
    member: Ints,
    objectives: tuple[Objective | None, ...],
    window: tuple[float, float],
) -> tuple[ClassSummary, ...]:
    """What became of each class in ``window`` [s]; ``member`` (N,) is the class of each request."""
    times = latencies(outcome, requests)
    inside = (outcome.arrival >= window[0]) & (outcome.arrival <= window[1])
    length = window[1] - window[0]
    found: list[ClassSummary] = []
    for k, objective in enumerate(objectives):
        mine = inside & (member == k)
        done, count = mine & ~outcome.rejected, int(mine.sum())
        quantiles = {key: Quantiles.of(times[key][done]) for key in ("wait", "ttft", "tpot", "e2e")}
        found.append(ClassSummary(
            requests=count,
            finished=int(done.sum()),
            preempted=int((outcome.preemptions[mine] > 0).sum()),
            rate=count / length if length > 0.0 else float("nan"),
            prompt=float(requests.prompt[mine].mean()) if count else float("nan"),
            output=float(requests.output[mine].mean()) if count else float("nan"),
            goodput=None if objective is None else request_goodput(times, mine, outcome, objective, length),
            **quantiles,
        ))  # fmt: skip
    return tuple(found)


def together(classes: tuple[ClassSummary, ...], objective: Objective, length: float) -> Goodput:
    """The goodput of all classes, each by its own latency target; those without one by being finished.

    ``by_limit``: of each limit the share of the class that keeps it least. ``met``: whether each class meets
    the percentile of its own, None where no class asks for one.
    """
    good = [
        one.finished if one.goodput is None else one.goodput.share * one.requests
        for one in classes
        if one.requests
    ]
    count = sum(one.requests for one in classes)
    parts = [one.goodput.by_limit for one in classes if one.goodput is not None and one.requests]
    limits = dict.fromkeys(key for part in parts for key in part)
    met = [one.goodput.met for one in classes if one.goodput is not None and one.goodput.met is not None]
    return Goodput(
        objective,
        sum(good) / count if count else float("nan"),
        sum(good) / length if length > 0.0 else float("nan"),
        {key: min(part[key] for part in parts if key in part) for key in limits},
        all(met) if met else None,
    )

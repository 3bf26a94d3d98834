"""Tables of a simulated service: a row a request, a row a time bin; distributions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gigawatt.chain.serving.simulate import ServingRun
from gigawatt.serving.engine import ITL_EDGES
from gigawatt.serving.outcome import latencies
from gigawatt.serving.power_profile import power_series

__all__ = ["gap_histogram", "histogram", "request_columns", "series_columns"]

_BINS = 60
"""Bins of a drawn distribution."""


def request_columns(run: ServingRun) -> dict[str, np.ndarray[Any, Any]]:
    """A row per request: arrival, lengths, latencies and outcome."""
    outcome, requests = run.outcome, run.requests
    times = latencies(outcome, requests)
    hit = {} if outcome.outages is None else {"interruptions": outcome.interrupted}
    mix = run.setup.mix
    of = {} if mix is None else {"class": np.array([one.name for one in mix.classes])[mix.member]}
    return {
        **of,
        "arrival_s": outcome.arrival,
        "prompt_tokens": requests.prompt,
        "output_tokens": requests.output,
        "replica": outcome.replica,
        "rejected": outcome.rejected,
        "wait_s": times["wait"],
        "ttft_s": times["ttft"],
        "tpot_s": times["tpot"],
        "e2e_s": times["e2e"],
        "preemptions": outcome.preemptions,
        "cached_tokens": outcome.cached_tokens,
        **hit,
    }


def series_columns(run: ServingRun) -> dict[str, np.ndarray[Any, Any]]:
    """A row per time bin of the run: mean power, running and waiting requests, cache."""
    series = run.outcome.series
    power = power_series(series).power
    start = np.arange(len(series)) * series.bin
    room = run.tables.capacity * np.maximum(series.replicas_on, 1e-9)
    return {
        "start_s": start,
        "power_W": power[: len(start)],
        "running": series.running,
        "waiting": series.waiting,
        "kv_share": series.kv_tokens / room,
        "prompt_tokens": series.prompt_tokens,
        "output_tokens": series.output_tokens,
        "iterations": series.iterations,
        "replicas_on": series.replicas_on,
        "busy_s": series.busy,
    }


def histogram(values: np.ndarray[Any, Any]) -> dict[str, list[float]]:
    """Shares (K,) of values between edges (K + 1,) [s], spaced evenly in the logarithm."""
    seen = values[np.isfinite(values) & (values > 0.0)]
    if not len(seen):
        return {"edges_s": [], "share": []}
    low, high = float(seen.min()), float(seen.max())
    edges = np.geomspace(low * (1.0 - 1e-9), max(high, low * 1.001) * (1.0 + 1e-9), _BINS + 1)
    counts, _ = np.histogram(seen, edges)
    return {"edges_s": edges.tolist(), "share": (counts / counts.sum()).tolist()}


def gap_histogram(weights: np.ndarray[Any, Any]) -> dict[str, list[float]]:
    """Shares (K,) of tokens by the gap to the token before, between edges (K + 1,) [s]."""
    total = float(weights.sum())
    filled = np.flatnonzero(weights > 0.0)
    if not len(filled):
        return {"edges_s": [], "share": []}
    first, last = int(filled[0]), int(filled[-1]) + 1
    step = max(1, math.ceil((last - first) / _BINS))
    starts = np.arange(first, last, step)
    share = np.add.reduceat(weights[first:last], starts - first) / total
    edges = ITL_EDGES[np.append(starts, last)]
    return {"edges_s": edges.tolist(), "share": share.tolist()}

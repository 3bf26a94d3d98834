"""Serving over time beside measurements: runs at a rate, and two runs known request by request.

Both go through the event engine. *At a rate* (TensorRT-LLM's online table): so many requests a second, drawn
at random, of the lengths that the source gives in the mean. *Request by request* (LLMServingSim's examples):
the arrivals and lengths of the run itself, so that the series of running requests can be laid over the
measured one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.machine import build_cluster, load_chip
from gigawatt.performance.engines import load_engine
from gigawatt.performance.inference import Replica, multiply_format
from gigawatt.performance.serving_tables import step_tables
from gigawatt.performance.step_tables import StepTables
from gigawatt.serving.arrivals import poisson_arrivals
from gigawatt.serving.engine import EngineOptions, Outcome
from gigawatt.serving.fleet import Fleet
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate
from gigawatt.validation.files import data_folder
from gigawatt.validation.serving_rows import MEASURED
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares

__all__ = ["OpenRun", "Replay", "open_runs", "replays", "running_series"]

Array = NDArray[np.float64]

_REQUESTS = 500
"""Requests of a run of TensorRT-LLM's online table."""
_SATURATED = 0.9
"""Where fewer than this share of the asked rate is served, the run is saturated and not judged."""
_RUNS = {"RTX4090": ("RTX-4090", 256, 2048), "RTXPRO6000": ("RTX-PRO-6000", 128, 8192)}
"""Accelerator, most sequences (``max_num_seqs``) and, by vLLM's rule for small and large devices, tokens of
an iteration, of the runs known request by request."""


@dataclass(frozen=True)
class OpenRun:
    """A run at a rate: measured and predicted time to first token and between tokens [s]."""

    chip: str
    model: str
    rate: float
    prompt: float
    output: float
    saturated: bool
    measured: Mapping[str, float]
    predicted: Mapping[str, float]


@dataclass(frozen=True)
class Replay:
    """A run request by request: measured and predicted arrays (N,), the outcome, the measured series."""

    name: str
    requests: Requests
    measured: Mapping[str, Array]
    predicted: Mapping[str, Array]
    outcome: Outcome
    seconds: Array
    running: Array


@lru_cache(maxsize=32)
def _tables(model: str, chip: str, weights: str, engine: str, most: int) -> StepTables:
    cluster, _ = build_cluster(chip=chip, count=8)
    shares = Shares.of(weights=weights, multiply=multiply_format(weights, cluster.chip))
    replica = Replica(read_architecture(model), cluster, load_engine(engine), shares, np.asarray(1.0))
    return step_tables(replica, sequences=float(most))


def _options(engine: str, most: int, budget: int | None = None) -> EngineOptions:
    e = load_engine(engine)
    return EngineOptions(
        token_budget=budget or round(e.token_budget), max_sequences=most, chunked=e.chunked > 0.0,
        block=round(e.page), prefix_caching=False,
    )  # fmt: skip


def _times(outcome: Outcome, requests: Requests, engine: str) -> tuple[Array, Array]:
    """(time to first token, mean time between tokens) of each request [s]."""
    e = load_engine(engine)
    step = (outcome.finish - outcome.first_token) / np.maximum(requests.output - 1, 1)
    first = outcome.first_token - outcome.arrival + e.prompt + (e.waits - 1.0) * step
    return first, step


def open_runs(rows: Sequence[Mapping[str, str]]) -> Iterator[OpenRun]:
    """Runs at a rate among ``rows`` (as of ``read_serving_rows``), simulated; endless rates are saturated."""
    for row in rows:
        if "open-loop rate" not in row.get("regime", ""):
            continue
        rate = float(row["request_rate"].lower().replace("inf", "inf"))
        prompt, output = float(row["isl"]), float(row["osl"])
        chip, engine = load_chip(row["accelerator"]), "trtllm-2024"
        measured = {
            name: float(row[column]) * 1e-3 for name, column in (("ttft", MEASURED[0]), ("tpot", MEASURED[1]))
        }
        served = float(row["tok_s_total"]) / output
        saturated = not np.isfinite(rate) or served < _SATURATED * rate
        arrival = (
            poisson_arrivals(rate=rate, count=_REQUESTS, seed=0) if np.isfinite(rate) else np.zeros(_REQUESTS)
        )
        requests = Requests(
            arrival=arrival,
            prompt=np.full(_REQUESTS, round(prompt)),
            output=np.full(_REQUESTS, round(output)),
        )
        most = round(load_engine(engine).max_sequences)
        tables = _tables("llama-3.1-8b", chip.id, "bf16", engine, most)
        outcome = simulate(requests, Fleet(tables), _options(engine, most))
        first, step = _times(outcome, requests, engine)
        yield OpenRun(
            chip.id, "llama-3.1-8b", rate, prompt, output, saturated, measured,
            {"ttft": float(np.mean(first)), "tpot": float(np.mean(step))},
        )  # fmt: skip


def _read(name: str) -> list[dict[str, str]]:
    with (data_folder() / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def replays(engine: str = "vllm-2025") -> list[Replay]:
    """The shipped runs request by request, each simulated with its own arrivals and lengths."""
    found: list[Replay] = []
    rows, series = _read("serving_requests.csv"), _read("serving_running.csv")
    for name, (chip, most, budget) in _RUNS.items():
        own = [row for row in rows if row["run"] == name]
        column = {key: np.array([float(row[key]) for row in own]) for key in list(own[0])[1:]}
        requests = Requests(
            arrival=column["arrival_s"],
            prompt=column["prompt"].astype(int),
            output=column["output"].astype(int),
        )
        outcome = simulate(
            requests,
            Fleet(_tables("llama-3.1-8b", chip, "bf16", engine, most)),
            _options(engine, most, budget),
        )
        first, step = _times(outcome, requests, engine)
        real = (column["finish_s"] - column["first_token_s"]) / np.maximum(column["output"] - 1.0, 1.0)
        lines = [row for row in series if row["run"] == name]
        found.append(
            Replay(
                name, requests,
                {"ttft": column["first_token_s"] - column["arrival_s"], "tpot": real},
                {"ttft": first - load_engine(engine).prompt, "tpot": step},
                outcome,
                np.array([float(row["t_s"]) for row in lines]),
                np.array([float(row["running"]) for row in lines]),
            )
        )  # fmt: skip
    return found


def running_series(replay: Replay) -> tuple[Array, Array]:
    """(seconds, running requests as predicted), by the bins of the outcome."""
    series = replay.outcome.series
    return np.asarray((np.arange(len(series)) + 1.0) * series.bin, dtype=np.float64), series.running

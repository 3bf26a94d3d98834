"""Serving over time beside measurements: runs at a rate, and two runs known request by request.

Both go through the event engine. *At a rate* (TensorRT-LLM's online table): so many requests a second, drawn
at random, of the lengths that the source gives in the mean. *Request by request* (LLMServingSim's examples):
the arrivals and lengths of the run itself, so that the series of running requests can be laid over the
measured one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.machine import build_cluster
from gigawatt.performance.serving.engines import load_engine
from gigawatt.performance.serving.inference import Replica, multiply_format
from gigawatt.performance.serving.step_tables import StepTables
from gigawatt.performance.serving.tables import step_tables
from gigawatt.serving.arrivals import poisson_arrivals
from gigawatt.serving.engine import EngineOptions, Outcome
from gigawatt.serving.fleet import Fleet
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate
from gigawatt.validation.files import Refusal, data_folder
from gigawatt.validation.rows import number_of
from gigawatt.validation.serving.rows import case_of
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares

__all__ = ["OpenRun", "Replay", "is_open", "open_run", "replays"]

Array = NDArray[np.float64]

_LONGEST = 1e5
"""Tokens of the longest prompt or output of a run at a rate."""
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


_ALONE = (1.0, 1.0, 1.0, 1.0)


@lru_cache(maxsize=32)
def _tables(
    model: str,
    chip: str,
    weights: str,
    engine: str,
    most: int,
    layout: tuple[float, float, float, float] = _ALONE,
) -> StepTables:
    """``layout``: tensor, data, expert and pipeline degrees."""
    tensor, data, expert, pipeline = layout
    cluster, _ = build_cluster(chip=chip, count=int(max(8, tensor * data * pipeline)))
    shares = Shares.of(
        tensor=tensor, data=data, expert=expert, weights=weights,
        multiply=multiply_format(weights, cluster.chip),
    )  # fmt: skip
    replica = Replica(read_architecture(model), cluster, load_engine(engine), shares, np.asarray(pipeline))
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


def is_open(row: Mapping[str, str]) -> bool:
    """Whether a row is of a run at a rate."""
    return "open-loop rate" in row.get("regime", "")


def open_run(row: Mapping[str, str]) -> OpenRun:
    """The run at a rate that a row (as of ``read_serving_rows``) measured, simulated; an endless rate is
    saturated.

    Raises
    ------
    InputError
        A cell that is no number.
    Refusal
        An unknown machine or model, or lengths, rate or times that are not given or cannot be.
    """
    rate = number_of(row, "request_rate", line=int(row["line"]))
    if rate is None or rate <= 0.0:
        raise Refusal("request_rate is not given or out of range")
    case = case_of({**row, "regime": "closed-loop", "concurrency": "1"})
    if {"ttft", "tpot", "throughput"} - set(case.measured):
        raise Refusal("a run at a rate without TTFT, TPOT or throughput")
    if max(case.prompt, case.output) > _LONGEST:
        raise Refusal("isl or osl is longer than a run at a rate is simulated for")
    saturated = not np.isfinite(rate) or case.measured["throughput"] / case.output < _SATURATED * rate
    arrival = (
        poisson_arrivals(rate=rate, count=_REQUESTS, seed=0) if np.isfinite(rate) else np.zeros(_REQUESTS)
    )
    requests = Requests(
        arrival=arrival,
        prompt=np.full(_REQUESTS, round(case.prompt)),
        output=np.full(_REQUESTS, round(case.output)),
    )
    most = round(load_engine(case.engine).max_sequences)
    layout = (case.tensor, case.data, case.expert, case.pipeline)
    tables = _tables(case.model, case.chip.id, case.weights, case.engine, most, layout)
    outcome = simulate(requests, Fleet(tables), _options(case.engine, most))
    first, step = _times(outcome, requests, case.engine)
    return OpenRun(
        case.chip.id, case.model, rate, case.prompt, case.output, saturated,
        {name: case.measured[name] for name in ("ttft", "tpot")},
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

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
from gigawatt.serving.lengths import as_lengths
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate
from gigawatt.validation.files import Refusal, data_folder
from gigawatt.validation.serving.predict import best_cut
from gigawatt.validation.serving.replicas import replica_of
from gigawatt.validation.serving.rows import ServingCase
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares

__all__ = ["OpenRun", "Replay", "open_run", "replays"]

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


def _alone(model: str, chip: str, engine: str, most: int) -> StepTables:
    """Tables of one accelerator with a model in 16 bit."""
    cluster, _ = build_cluster(chip=chip, count=8)
    shares = Shares.of(weights="bf16", multiply=multiply_format("bf16", cluster.chip))
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


def _drawn(case: ServingCase) -> tuple[Array, Array]:
    """Lengths of prompts and outputs: those of the named load about the row's means, else alike."""
    found: list[Array] = []
    for end, mean in (("prompt", case.prompt), ("output", case.output)):
        text = "" if case.load is None else getattr(case.load, f"{end}_lengths")
        tokens = np.full(_REQUESTS, mean)
        if text and case.load is not None:
            drawn = as_lengths(text).draw(_REQUESTS, np.random.default_rng(len(end)))
            tokens = drawn * (mean / drawn.mean())
        found.append(np.maximum(np.rint(tokens), 1.0))
    return found[0], found[1]


def open_run(case: ServingCase) -> OpenRun:
    """The run at a rate that a case of kind ``open`` measured, simulated; an endless rate is saturated.

    Copies of a replica share the requests evenly, so that one copy with its part of the rate stands for all.

    Raises
    ------
    Refusal
        Times that are not given or lengths that cannot be simulated.
    """
    if not {"ttft", "tpot"} & set(case.measured):
        raise Refusal("a run at a rate without TTFT or TPOT")
    if max(case.prompt, case.output) > _LONGEST:
        raise Refusal("isl or osl is longer than a run at a rate is simulated for")
    case = best_cut(case)
    rate = case.rate / case.layout.copies
    finite = bool(np.isfinite(rate))
    arrival = poisson_arrivals(rate=rate, count=_REQUESTS, seed=0) if finite else np.zeros(_REQUESTS)
    prompts, outputs = _drawn(case)
    requests = Requests(arrival=arrival, prompt=prompts.astype(int), output=outputs.astype(int))
    engine = load_engine(case.engine)
    tables = step_tables(replica_of([case], engine))
    outcome = simulate(requests, Fleet(tables), _options(case.engine, round(engine.max_sequences)))
    first, step = _times(outcome, requests, case.engine)
    served = case.measured.get("throughput")
    done = _REQUESTS / float(np.nanmax(outcome.finish)) if served is None else served / case.output
    limit = _SATURATED * (rate if served is None else case.rate)
    predicted = {"ttft": float(np.nanmean(first)), "tpot": float(np.nanmean(step))}
    return OpenRun(
        case.chip.id, case.model, case.rate, case.prompt, case.output, not finite or done < limit,
        {name: case.measured[name] for name in predicted if name in case.measured}, predicted,
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
            Fleet(_alone("llama-3.1-8b", chip, engine, most)),
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

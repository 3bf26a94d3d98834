"""Speed of the serving engine: requests per CPU-second at 80 % load, and a million requests with compilation.

    python benchmarks/serving_speed.py [--trace CSV] [--requests 400000] [--json]

Lengths and gaps between arrivals are drawn from the trace (columns TIMESTAMP, ContextTokens, GeneratedTokens,
as in Azure's conversation trace of 2023), or from lognormal ones like it; gaps are scaled to 80 % of what the
replicas do when all requests wait at the start. Step tables look like a 70-billion model on eight H100. All
of continuous batching is on: chunked prefill, pages with preemption, prefix caching, three urgencies. Each
prompt begins with one of eight texts of 512 tokens. ``tight`` has memory for 20,000 tokens a replica, so that
sequences are preempted; blocks of the prefix cache have 512 tokens as in Mooncake's traces, or 16 as in vLLM.
Process CPU time of ``simulate``, the faster of two, machine code loaded before. The last line is of a new
process with an empty cache of machine code.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "serving"))

from synthetic_tables import plausible_tables

from gigawatt.core.compiled import COMPILED
from gigawatt.performance.serving.step_tables import StepTables
from gigawatt.serving import EngineOptions, Fleet, Requests, simulate

TARGET, STRETCH = 50_000.0, 300_000.0
LOAD = 0.8
#: Requests per CPU-second of other simulators as they are quoted; not measured here.
PUBLISHED = {"Vidur": (550.0, 550.0), "BLIS": (350.0, 440.0)}
TIGHT = 20_000.0
FAMILIES = 8
#: (name, replicas, routing, tokens of a block, tight)
CASES = (
    ("one replica", 1, "round-robin", 512, False),
    ("one replica, tight", 1, "round-robin", 512, True),
    ("one replica, blocks of 16", 1, "round-robin", 16, False),
    ("8 replicas, in turn", 8, "round-robin", 512, False),
    ("8 replicas, least loaded", 8, "least-loaded", 512, False),
    ("8 replicas, least loaded, tight", 8, "least-loaded", 512, True),
    ("8 replicas, prefix-aware", 8, "prefix-aware", 512, False),
    ("8 replicas, blocks of 16", 8, "least-loaded", 16, False),
)
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def read(trace: Path | None, rng: np.random.Generator) -> Columns:
    """(gaps [s], prompt and output tokens) to draw from."""
    if trace is None:
        count = 20_000
        prompt = np.clip(rng.lognormal(np.log(1020.0), 0.5, count), 2, 14_000)
        output = np.clip(rng.lognormal(np.log(129.0), 1.0, count), 1, 1_000)
        return rng.gamma(0.8, 1.0, count), prompt.astype(int), output.astype(int)
    with trace.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    times = np.array([row["TIMESTAMP"] for row in rows], dtype="datetime64[ns]").astype(float) * 1e-9
    columns = (np.array([int(row[name]) for row in rows]) for name in ("ContextTokens", "GeneratedTokens"))
    return np.maximum(np.diff(times, prepend=times[0]), 0.0), *columns


def drawn(source: Columns, count: int, rate: float, block: int, seed: int) -> Requests:
    """So many requests at that rate."""
    rng = np.random.default_rng(seed)
    gaps = source[0][rng.integers(0, len(source[0]), count)]
    which = rng.integers(0, len(source[1]), count)
    prompt, output = source[1][which], source[2][which]
    blocks = -(-prompt // block)
    offsets = np.concatenate([[0], np.cumsum(blocks)])
    names = np.arange(offsets[-1]) + FAMILIES * 1000
    within = names - names[0] - np.repeat(offsets[:-1], blocks)
    common = within < max(512 // block, 1)
    names[common] = (np.repeat(rng.integers(0, FAMILIES, count), blocks) * 1000 + within)[common]
    return Requests(
        arrival=np.cumsum(gaps) * (count / rate / gaps.sum()),
        prompt=prompt,
        output=output,
        priority=rng.integers(0, 3, count),
        blocks=(offsets, names),
        block_tokens=block,
    )


def most(source: Columns, tables: StepTables, block: int, options: EngineOptions) -> float:
    """Requests a second of one replica that never waits for work."""
    requests = drawn(source, 20_000, 1.0, block, 1)
    all_wait = replace(requests, arrival=np.zeros(len(requests)), priority=np.zeros(len(requests), int))
    return len(requests) / float(np.nanmax(simulate(all_wait, Fleet(tables), options).finish))


def measure(source: Columns, case: tuple[str, int, str, int, bool], count: int) -> dict[str, object]:
    """Rate and facts of one case."""
    name, replicas, routing, block, tight = case
    tables = plausible_tables(**({"capacity": TIGHT} if tight else {}))
    options = EngineOptions()
    rate = LOAD * replicas * most(source, tables, block, options)
    requests = drawn(source, count, rate, block, 2)
    seconds = np.inf
    for _ in range(2):
        start = time.process_time()
        outcome = simulate(requests, Fleet(tables, replicas, routing), options)
        seconds = min(seconds, time.process_time() - start)
    served = ~outcome.rejected
    ends = outcome.counters
    return {
        "case": name,
        "requests_per_cpu_second": count / seconds,
        "iterations_per_cpu_second": ends["iterations"] / seconds,
        "iterations": ends["iterations"],
        "jumps": ends["jumps"],
        "preemptions": ends["preemptions"],
        "cached_share": float(outcome.cached_tokens.sum() / requests.prompt[served].sum()),
        "busy": float(outcome.series.busy.sum() / outcome.series.bin / len(outcome.series) / replicas),
        "mean_ttft": float((outcome.first_token - outcome.arrival)[served].mean()),
        "requests_per_second": rate,
    }


def cold(trace: Path | None) -> dict[str, float]:
    """A million requests in a new process that has to compile."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--million", *(["--trace", str(trace)] if trace else [])]
        start = time.perf_counter()
        done = subprocess.run(
            words, env=os.environ | {"NUMBA_CACHE_DIR": folder}, capture_output=True, text=True, check=True
        )
        return {**json.loads(done.stdout), "process_wall": time.perf_counter() - start}


def million(source: Columns) -> dict[str, float]:
    """Seconds of the first call, and of a million requests after it."""
    start, wall = time.process_time(), time.perf_counter()
    rate = most(source, plausible_tables(), 512, EngineOptions())
    found = {"first_call_cpu": time.process_time() - start, "first_call_wall": time.perf_counter() - wall}
    requests = drawn(source, 1_000_000, LOAD * rate, 512, 3)
    start = time.process_time()
    simulate(requests, Fleet(plausible_tables()))
    return {**found, "million_cpu": time.process_time() - start}


def main() -> None:
    """Print all cases beside what others publish."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--requests", type=int, default=400_000 if COMPILED else 20_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--million", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    source = read(given.trace, np.random.default_rng(0))
    if given.million:
        print(json.dumps(million(source)))
        return
    most(source, plausible_tables(), 512, EngineOptions())  # machine code is there
    cases = [measure(source, case, given.requests) for case in CASES]
    found = {"compiled": COMPILED, "target": TARGET, "stretch": STRETCH, "cases": cases}
    if COMPILED:
        found["cold"] = cold(given.trace)
    if given.json:
        print(json.dumps(found))
        return
    for one in cases:
        print(
            f"{one['case']:32s} {one['requests_per_cpu_second']:>9,.0f} requests per CPU-second, "
            f"{one['iterations_per_cpu_second']:>10,.0f} iterations; {one['requests_per_second']:.1f}/s, "
            f"busy {one['busy']:.0%}, cached {one['cached_share']:.0%}, preempted {one['preemptions']:,.0f}, "
            f"mean time to first token {one['mean_ttft']:.2f} s"
        )
    print(f"target {TARGET:,.0f}, stretch {STRETCH:,.0f}; numba {'on' if COMPILED else 'off'}")
    for name, (low, high) in PUBLISHED.items():
        slowest = min(float(str(one["requests_per_cpu_second"])) for one in cases)
        span = f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
        print(
            f"{name} publishes {span} a CPU-second: the slowest case here is {slowest / high:,.0f} times that"
        )
    if COMPILED:
        one = found["cold"]
        print(
            f"a new process with nothing compiled: first call {one['first_call_cpu']:.1f} CPU-s "
            f"({one['first_call_wall']:.1f} s), then a million requests {one['million_cpu']:.1f} CPU-s; "
            f"{one['process_wall']:.1f} s in all"
        )


if __name__ == "__main__":
    main()

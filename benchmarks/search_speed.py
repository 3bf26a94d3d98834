"""Speed of the layout search: layouts screened and exact schedules per CPU-second, beside Calculon.

    python benchmarks/search_speed.py [--json] [--calculon FOLDER] [--calculon-python PYTHON]

Process CPU time of whole searches, enumeration and the best ten with energy included, catalog already read.

- ``llama-3.1-405b on 16,384``: every layout, and with schedules, hybrid sharding and offload searched too.
- ``gpt3-175b on 64``: Calculon's own example of a large search, 3,232,128 candidates for a batch of 64 (its
  ``llm-optimal-execution -d``), most of them switches of the software: tensor overlap (3) and data overlap
  (2), recomputation of gathers (2), networks. Ours are layouts times the same kind of switches, set in the
  software stack: overlap of tensor (3), data (2) and pipeline (2) traffic, unfused attention (2), dropout
  masks (2).
- ``in full``: layouts of the widened question at random, evaluated in full: time by part, memory, energy.
- ``exact``: the 2,000 quickest layouts placed pass by pass (:mod:`gigawatt.performance.exact`).

With a checkout of Calculon (https://github.com/calculon-ai/calculon, Apache-2.0; its Python needs psutil and
pandas) its own search runs a small question for its rate and counts the candidates of the large one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.machine import build_cluster
from gigawatt.performance import TrainingRun, default_stack, enumerate_layouts, search
from gigawatt.performance.exact import exact_steps
from gigawatt.performance.step import evaluate_prepared, prepare
from gigawatt.workload import read_architecture

CALCULON = 207.0
"""Configurations per CPU-second of its search for Turing-NLG 530B on 5,128 A100 (8,112 in 39 CPU-s)."""
CALCULON_CANDIDATES = 3_232_128
TARGET, TARGET_FULL, TARGET_EXACT, TARGET_SECONDS = 1_000_000.0, 100_000.0, 2_000.0, 30.0
REPEATS = 5
WIDE = ("schedule", "shard", "offload")
EXACT, FULL, AT_ONCE = 2_000, 32_768, 4_096


def question(model: str, chip: str, count: int, batch: int, sequence: int) -> tuple[Any, Any, Any]:
    """(run, cluster, stack)."""
    run = TrainingRun(
        architecture=read_architecture(model),
        tokens=1e12,
        sequence=sequence,
        global_batch=batch,
        number_format="bf16",
    )
    cluster, _ = build_cluster(chip=chip, count=count)
    return run, cluster, default_stack(cluster.chip, 2024)


def quickest(work: Callable[[], Any]) -> float:
    """CPU seconds of the quickest of some calls: other work on the machine slows the others."""
    spent = list[float]()
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def screened(
    ask: tuple[Any, Any, Any], widen: tuple[str, ...] = (), counted: bool = True
) -> dict[str, float]:
    """Layouts per CPU-second of one question, with those that fit counted or the quickest alone."""
    found = search(*ask, widen=widen, counted=counted)  # reads the catalog
    seconds = quickest(lambda: search(*ask, widen=widen, counted=counted))
    return {
        "layouts": found.looked_at,
        "fit": found.fit,
        "in_full": found.in_full,
        "cpu_seconds": seconds,
        "layouts_per_cpu_second": found.looked_at / seconds,
        "best_step_time_s": float(found.best.step_time[0]),
        "best_mfu": float(found.best.mfu[0]),
    }


def switched(ask: tuple[Any, Any, Any]) -> dict[str, float]:
    """All layouts of one question under every combination of the software's switches."""
    run, cluster, stack = ask
    stacks = [
        replace(
            stack,
            overlap_tensor=tensor,
            overlap_data=data,
            overlap_pipeline=pipeline,
            score_passes=passes,
            dropout=dropout,
        )
        for tensor, data, pipeline, passes, dropout in itertools.product(
            (0.0, 0.5, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 2.0), (0.0, 1.0)
        )
    ]
    search(run, cluster, stack, widen=WIDE)
    start = time.process_time()
    found = [search(run, cluster, one, widen=WIDE, top=1) for one in stacks]
    seconds = time.process_time() - start
    candidates = sum(one.looked_at for one in found)
    return {
        "candidates": candidates,
        "layouts": found[0].looked_at,
        "software": len(stacks),
        "cpu_seconds": seconds,
        "layouts_per_cpu_second": candidates / seconds,
        "cpu_seconds_for_calculons": CALCULON_CANDIDATES / candidates * seconds,
        "best_step_time_s": min(float(one.best.step_time[0]) for one in found),
    }


def in_full(ask: tuple[Any, Any, Any]) -> dict[str, float]:
    """Layouts evaluated in full per CPU-second, energies included."""
    run, cluster, stack = ask
    layouts = enumerate_layouts(run, cluster, widen=WIDE)
    prepared = prepare(run, layouts, cluster, stack)
    some = np.random.default_rng(0).choice(len(layouts), size=FULL, replace=False)
    parts = np.split(np.sort(some), range(AT_ONCE, FULL, AT_ONCE))
    seconds = quickest(lambda: [evaluate_prepared(prepared, layouts, rows) for rows in parts])
    return {"layouts": FULL, "cpu_seconds": seconds, "evaluated_per_cpu_second": FULL / seconds}


def scheduled(ask: tuple[Any, Any, Any]) -> dict[str, float]:
    """Exact schedules per CPU-second of the quickest layouts that have a pipeline."""
    run, cluster, stack = ask
    layouts = enumerate_layouts(run, cluster)
    prepared = prepare(run, layouts, cluster, stack)
    table = evaluate_prepared(prepared, layouts, slice(None), energy=False)
    good = np.flatnonzero(table.fits & (layouts.pipeline > 1))
    rows = good[np.argsort(table.step_time[good], kind="stable")[:EXACT]]
    kept = table.take(rows)
    exact_steps(prepared, layouts, rows[:8], kept.take(slice(0, 8)))
    start = time.process_time()
    found = exact_steps(prepared, layouts, rows, kept)
    seconds = time.process_time() - start
    ratio = found.step_time / kept.step_time
    return {
        "schedules": len(rows),
        "cpu_seconds": seconds,
        "schedules_per_cpu_second": len(rows) / seconds,
        "median_exact_over_formula": float(np.median(ratio)),
        "least": float(ratio.min()),
        "most": float(ratio.max()),
    }


def calculon(folder: Path, python: str) -> dict[str, float]:
    """Calculon's candidates for the large question and its rate on a small one."""

    def run(*words: str) -> tuple[dict[str, float], float]:
        before = os.times()
        command = [
            python,
            "bin/calculon",
            "llm-optimal-execution",
            *words,
            f"{tempfile.mkdtemp()}/best.json",
            "-c",
            "1",
            "-n",
        ]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True
        )
        after = os.times()
        said = done.stdout + done.stderr
        counts = {key: float(value) for key, value in re.findall(r"(\w+) executions: (\d+)", said)}
        if "Total" not in counts:
            raise SystemExit(
                f"Calculon did not run: {said.strip().splitlines()[-1] if said.strip() else command}"
            )
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        return counts, spent

    system = "systems/a100_80e.json"
    counted, _ = run("models/gpt3-175B.json", "64", "64", "float16", system, "-d")
    ran, spent = run("models/megatron-5B.json", "2", "2", "float16", system)
    rate = ran["Total"] / spent
    return {
        "candidates": counted["Total"],
        "executions_per_cpu_second": rate,
        "cpu_hours_for_candidates": counted["Total"] / rate / 3600.0,
    }


def main() -> None:
    """Print rates and the ratios to Calculon."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calculon", type=Path, help="a checkout of Calculon")
    parser.add_argument("--calculon-python", default=sys.executable, help="a Python with psutil and pandas")
    given = parser.parse_args()
    llama = question("llama-3.1-405b", "H100-SXM5-80GB", 16384, 2048, 8192)
    gpt3 = question("gpt3-175b", "A100-SXM4-80GB", 64, 64, 2048)
    figures: dict[str, dict[str, float]] = {
        "llama-3.1-405b on 16,384": screened(llama),
        "llama-3.1-405b on 16,384, the quickest alone": screened(llama, counted=False),
        "llama-3.1-405b on 16,384, widened": screened(llama, WIDE),
        "llama-3.1-405b on 16,384, widened, the quickest alone": screened(llama, WIDE, counted=False),
        "in full": in_full(llama),
        "gpt3-175b on 64": switched(gpt3),
        "exact": scheduled(llama),
    }
    rate = CALCULON
    if given.calculon is not None:
        figures["calculon"] = calculon(given.calculon.resolve(), given.calculon_python)
        rate = figures["calculon"]["executions_per_cpu_second"]
    for name, one in figures.items():
        if "layouts_per_cpu_second" in one:
            figures[name] = one | {"ratio_to_calculon": one["layouts_per_cpu_second"] / rate}
    if given.json:
        print(json.dumps(figures, indent=1))
        return
    for name, one in figures.items():
        print(name)
        for key, value in one.items():
            print(f"  {key.replace('_', ' ')}: {value:,.4g}")
    print(
        f"targets: {TARGET:,.0f} layouts, {TARGET_FULL:,.0f} in full and {TARGET_EXACT:,.0f} exact schedules "
        f"per CPU-second, {CALCULON_CANDIDATES:,} candidates in {TARGET_SECONDS:.0f} s"
    )


if __name__ == "__main__":
    main()

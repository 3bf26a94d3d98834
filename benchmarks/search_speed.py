"""Speed of the layout search: layouts per CPU-second on Llama 3.1 405B with 16,384 H100.

    python benchmarks/search_speed.py [--json]

Process CPU time of whole searches, enumeration and the best ten with energy included, catalog already read.
Context: Calculon's own optimal-execution search (Turing-NLG 530B on 5,128 A100, 8,112 configurations in
39 CPU-s on a machine like the one this was written on) went through 207 configurations per CPU-second.
"""

from __future__ import annotations

import argparse
import json
import time

from gigawatt.hardware import build_cluster
from gigawatt.performance import TrainingRun, load_stack, search
from gigawatt.workload import read_architecture

CALCULON = 207.0
TARGET = 50_000.0
REPEATS = 5


def main() -> None:
    """Print layouts, CPU seconds and the ratio to Calculon."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    run = TrainingRun(
        architecture=read_architecture("llama-3.1-405b"),
        tokens=15.6e12,
        sequence=8192,
        global_batch=2048,
        number_format="bf16",
    )
    cluster, _ = build_cluster(chip="H100-SXM5-80GB", count=16384)
    stack = load_stack("llama3-2024")
    found = search(run, cluster, stack)  # reads the catalog
    start = time.process_time()
    for _ in range(REPEATS):
        found = search(run, cluster, stack)
    seconds = (time.process_time() - start) / REPEATS
    rate = found.looked_at / seconds
    figures = {
        "layouts": found.looked_at,
        "fit": found.fit,
        "cpu_seconds": seconds,
        "layouts_per_cpu_second": rate,
        "ratio_to_calculon": rate / CALCULON,
        "target": TARGET,
        "best_step_time": float(found.best.step_time[0]),
        "best_mfu": float(found.best.mfu[0]),
    }
    if as_json:
        print(json.dumps(figures))
        return
    print(f"{found.looked_at} layouts ({found.fit} fit) in {seconds:.3f} CPU-s: {rate:,.0f} per CPU-second")
    print(f"{rate / CALCULON:,.0f} times Calculon's {CALCULON:.0f}; target {TARGET:,.0f}")
    print(f"best: step {found.best.step_time[0]:.2f} s, MFU {found.best.mfu[0]:.1%}")


if __name__ == "__main__":
    main()

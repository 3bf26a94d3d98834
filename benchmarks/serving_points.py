"""How many points of serving a CPU-second evaluates, in closed form, and how long a plan takes.

    python benchmarks/serving_points.py [--model llama-3.1-70b] [--chip H100]

A point is a replica (degrees) at a load: times to the first token and between tokens, throughput, energy,
cost. Beside it stands what was measured of aiconfigurator 0.12 on two cores: one estimate some 1.5
CPU-seconds, a sweep of 131 points 7.2 CPU-seconds.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import candidates, replica
from gigawatt.chain.serving.screen import screen
from gigawatt.performance.serving.steady import steady

_SWEEP, _SWEEP_SECONDS, _ONE_SECONDS = 131, 7.2, 1.5  # aiconfigurator 0.12


def _cpu(call, least: float = 1.0) -> tuple[float, int]:
    """(CPU-seconds of a call, calls), over as many as take ``least`` seconds."""
    started, calls = time.process_time(), 0
    while time.process_time() - started < least:
        call()
        calls += 1
    return (time.process_time() - started) / calls, calls


def main() -> None:
    """Print points a CPU-second of the steady state, of the screen, and of whole plans."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--model", default="llama-3.1-70b")
    asked.add_argument("--chip", default="H100")
    given = asked.parse_args()
    question = read_serving_question(
        model=given.model, chip=given.chip, weights="fp8", objective="ttft=2s,tpot=50ms,p99", pue=1.2,
        electricity="60 $/MWh",
    )  # fmt: skip
    cluster, _ = question.cluster(2**20)
    degrees, _ = candidates(question, cluster)
    many = degrees.take(np.arange(4096) % len(degrees))
    r = replica(question, cluster, many)
    held = np.geomspace(1.0, 256.0, len(many))
    seconds, _ = _cpu(lambda: steady(r, prompt=1024.0, output=256.0, held=held))
    print(f"steady state         {len(many) / seconds:>10,.0f} points a CPU-second (arrays of {len(many):,})")
    _, count = screen(question, cluster, degrees)
    seconds, _ = _cpu(lambda: screen(question, cluster, degrees))
    print(f"screen of a plan     {count / seconds:>10,.0f} points a CPU-second ({count:,} points)")
    for mode in ("aggregated", "both"):
        for finalists in (0, 3):
            plan_serving(question, mode=mode, finalists=finalists)  # compiled and read once
            started = time.process_time()
            plan = plan_serving(question, mode=mode, finalists=finalists)
            spent = time.process_time() - started
            runs = sum(tried.runs for tried in plan.tried)
            print(
                f"plan, {mode:<12} {plan.points / spent:>12,.0f} points a CPU-second "
                f"({plan.points:,} points, {runs} runs of the event engine, {spent:.2f} CPU-seconds)"
            )
    print(
        f"aiconfigurator 0.12  {_SWEEP / _SWEEP_SECONDS:>10,.0f} points a CPU-second in a sweep of {_SWEEP}, "
        f"{1.0 / _ONE_SECONDS:.1f} one by one (measured on two cores)"
    )


if __name__ == "__main__":
    main()

"""What asking a chain for few quantities with a memory saves, and what a search saves over all points.

Run ``python benchmarks/solve_speed.py``. Every ratio is measured in one run on one core:

- points of an :class:`~gigawatt.chain.asking.Asker` beside whole runs of the chain at the same points;
- CPU seconds of the 300 MW question beside looking at every point of it (both must give the same model).
"""

from __future__ import annotations

import time
from pathlib import Path

from gigawatt.chain.asking import Asker
from gigawatt.chain.graph import graph_of
from gigawatt.core.errors import GigawattError
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.solve.solve import Question, solve
from gigawatt.studies.solve.space import read_axis, read_limit

TEXAS = Path(__file__).parents[1] / "examples/llama-3.1-405b-texas.yaml"
SETTINGS = {"year": 2032, "machine.chip": "B200-SXM-180GB", "training.number_format": "fp8"}
LIMITS = (
    "facility.power_peak <= 300 MW", "ledger.total_capital <= 2 G$", "supply.carbon_intensity <= 50 g/kWh",
    "training.duration <= 180 days",
)  # fmt: skip
COUNTS = (4096, 8192, 12288, 16384, 20480, 24576)


def question(every: int) -> Question:
    """The largest model under 300 MW, 2 G$, 50 g/kWh and 180 days in 2032."""
    asker = Asker(read_scenario(TEXAS), SETTINGS)
    axes = (
        read_axis(asker, "model.parameters", "50B..3T"),
        read_axis(asker, "machine.count", "8192..65536 step 8192"),
    )
    limits = tuple(read_limit(asker, text) for text in LIMITS)
    return Question(asker, axes, limits, "model.parameters", True, every=every)


def main() -> None:
    """Print the ratios."""
    asker = Asker(read_scenario(TEXAS), SETTINGS)
    asker.at({}).value("ledger.run_cost")  # warm
    started = time.process_time()
    for count in COUNTS:
        graph_of(asker.loaded({"machine.count": count})).evaluate(asker.leaves({"machine.count": count}))
    whole = time.process_time() - started
    started = time.process_time()
    for count in COUNTS:
        try:
            asker.at({"machine.count": count}).value("ledger.run_cost")
        except GigawattError as error:
            print(count, error)
    ours = time.process_time() - started
    print(f"{len(COUNTS)} points: whole chain {whole:.2f} s, asked {ours:.2f} s: {whole / ours:.1f} times")
    quick, exact = solve(question(400)), solve(question(100_000))
    print(f"300 MW question: {quick.cpu_seconds:.1f} CPU s, {quick.points} points, {quick.values}")
    print(f"every point: {exact.cpu_seconds:.1f} CPU s, {exact.points} points, {exact.values}")
    assert quick.objective == exact.objective


if __name__ == "__main__":
    main()

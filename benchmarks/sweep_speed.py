"""How fast sweeps are: against bare evaluation of the same scenarios in the same run, and as ratios.

    python benchmarks/sweep_speed.py                    # all parts, some minutes
    python benchmarks/sweep_speed.py --points 1000      # size of the grid of the second part
    python benchmarks/sweep_speed.py --workers 2

1. What the sweep adds: CPU seconds of a sweep that remembers nothing over those of reading, filling and
   evaluating the same scenarios one by one, what is read alone.
2. What remembering saves: a grid of the default kind (accelerators × tokens × price of one × carbon price)
   with its memory, CPU seconds a scenario over those of the first part; the whole of ten thousand from it;
   resident memory in each quarter.
3. The same of a Latin hypercube: no two scenarios share a carbon price, so that every supply is another.
4. The store: seconds of queries over a million made-up rows.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples/llama-3.1-405b-texas.yaml"
TARGET_POINTS, TARGET_SECONDS, TARGET_ADDED = 10_000, 600.0, 0.05


def grid(points: int) -> str:
    """A study of about so many points, the four keys about alike."""
    n = max(2, round(points**0.25))
    last = max(1, round(points / n**3))
    return f"""
base: {EXAMPLE}
over:
  machine.count: {[4096 * (i + 1) for i in range(n)]}
  training.tokens: {{from: 5T tokens, to: 45T tokens, steps: {last}, scale: log}}
  economics.chip_price: {{from: 20 k$, to: 40 k$, steps: {n}}}
  supply.carbon_price: {{from: 0 $/t, to: 100 $/t, steps: {n}}}
"""


def drawn(points: int) -> str:
    """The same keys, drawn."""
    return f"""
base: {EXAMPLE}
sample:
  points: {points}
  keys:
    machine.count: [4096, 8192, 12288, 16384, 20480, 24576, 28672, 32768]
    training.tokens: {{loguniform: {{from: 5T tokens, to: 45T tokens}}}}
    economics.chip_price: {{normal: {{mean: 27 k$, deviation: 3 k$}}}}
    supply.carbon_price: {{uniform: {{from: 0 $/t, to: 100 $/t}}}}
"""


def cpu() -> float:
    """CPU seconds of this process and of those it waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


class Memory(threading.Thread):
    """Resident MB of this process and its children, every second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: list[float] = []
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(1.0):
            self.seen.append(sum(_resident(pid) for pid in _family(os.getpid())) / 2**20)

    def quarters(self) -> list[float]:
        self._over.set()
        n = len(self.seen)
        return (
            [round(max(self.seen[n * i // 4 : max(n * (i + 1) // 4, n * i // 4 + 1)])) for i in range(4)]
            if n
            else []
        )


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in _family(int(child)))]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def overhead(folder: Path, points: int) -> float:
    """Part 1; returns CPU seconds of a bare scenario."""
    from gigawatt.chain.leaves import fill_leaves
    from gigawatt.chain.memo import Memo, Remembered
    from gigawatt.power.plan.kept_optima import KeptOptima
    from gigawatt.schema.changed import scenario_with
    from gigawatt.studies.sweep.points import Points
    from gigawatt.studies.sweep.pools import Here
    from gigawatt.studies.sweep.study import graph_of, read_study
    from gigawatt.studies.sweep.sweep import sweep

    file = folder / "drawn.yaml"
    file.write_text(drawn(points), encoding="utf-8")
    study = read_study(file)
    graph, all_points = graph_of(study.base), Points.of(study)

    def bare() -> float:
        start = time.process_time()
        for number in range(len(all_points)):
            leaves = fill_leaves(scenario_with(study.base, all_points[number].changes))[0]
            graph.evaluate(leaves, targets=study.read)
        return time.process_time() - start

    def swept(name: str) -> float:
        start = time.process_time()
        nothing = Remembered(Memo(limit=0), KeptOptima(limit=0))
        sweep(study, folder / name, pool=Here(nothing))
        return time.process_time() - start

    swept("warm")
    pairs = [(bare(), swept(f"added-{turn}")) for turn in range(3)]
    ratio = sorted(mine / plain for plain, mine in pairs)[1]
    each = min(plain for plain, _ in pairs) / points
    print(f"bare evaluation: {each * 1e3:.0f} ms of CPU a scenario ({points} drawn scenarios, 3 turns)")
    added = f"{100 * (ratio - 1):+.1f} % (median; asked: at most {TARGET_ADDED:.0%})"
    print(f"a sweep that remembers nothing: {added}")
    return each


def remembered(folder: Path, text: str, name: str, workers: int, bare: float) -> None:
    """Parts 2 and 3."""
    from gigawatt.studies.sweep.sweep import sweep

    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    memory = Memory()
    memory.start()
    start, spent = time.perf_counter(), cpu()
    done = sweep(file, folder / name, workers=workers)
    wall, spent = time.perf_counter() - start, cpu() - spent
    each = spent / done.computed
    print(
        f"{name}: {done.computed:,} scenarios ({done.refused} refused) on {workers} workers in {wall:.0f} s, "
        f"{each * 1e3:.1f} ms of CPU each, {each / bare:.3f} of a bare one"
    )
    two = each * TARGET_POINTS / 2.0
    print(
        f"  {TARGET_POINTS:,} at this rate: {two:.0f} s on two free cores (asked: {TARGET_SECONDS:.0f} s), "
        f"resident MB by quarter: {memory.quarters()}"
    )


def store(folder: Path, rows: int) -> None:
    """Part 4."""
    import duckdb

    from gigawatt.studies.sweep.store import SweepStore
    from gigawatt.studies.sweep.study import read_study

    study = read_study(folder / "grid.yaml")
    source = next((folder / "grid" / "parts").glob("part-*.parquet"))
    made = SweepStore(folder / "million", create=True)
    made.add_study(study)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE base AS SELECT * FROM '{source}' LIMIT 100")
        kinds = connection.execute("DESCRIBE base").fetchall()
        cells = ", ".join(
            "md5(i::VARCHAR) AS key" if name == "key"
            else f'"{name}" * (0.5 + random()) AS "{name}"' if kind == "DOUBLE" and name not in study.lines
            else f'"{name}"'
            for name, kind, *_ in kinds
        )  # fmt: skip
        parts, each = 20, rows // 20 // 100
        for part in range(parts):
            numbered = (
                f"SELECT base.*, row_number() OVER () + {part * each * 100} AS i FROM base, range({each})"
            )
            target = made.folder / "parts" / f"part-{study.hash}-{part:032x}.parquet"
            connection.execute(f"COPY (SELECT {cells} FROM ({numbered})) TO '{target}' (FORMAT parquet)")
    queries = (
        "SELECT count(*) FROM sweep",
        'SELECT "machine.count", avg("ledger.run_cost"), min("training.duration") FROM sweep GROUP BY 1',
        'SELECT * FROM sweep WHERE "training.duration" < 60 ORDER BY "ledger.cost_per_mtoken" LIMIT 10',
    )
    for query in queries:
        start = time.perf_counter()
        with made.connect() as connection:
            connection.execute(query).fetchall()
        print(f"  {time.perf_counter() - start:.2f} s: {query[:70]} (asked: below 1 s over 10^6 rows)")


def main() -> None:
    """Run all parts."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reader.add_argument("--points", type=int, default=1000)
    reader.add_argument("--drawn", type=int, default=24)
    reader.add_argument("--workers", type=int, default=2)
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = overhead(folder, 12)
        remembered(folder, grid(asked.points), "grid", asked.workers, bare)
        remembered(
            folder,
            drawn(asked.drawn).replace("sample:", "seed: 5\nsample:"),
            "hypercube",
            asked.workers,
            bare,
        )
        print("a store of a million rows:")
        store(folder, 1_000_000)


if __name__ == "__main__":
    sys.exit(main())

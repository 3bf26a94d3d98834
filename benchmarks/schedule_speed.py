"""Speed of the exact schedules: makespans per CPU-second on layouts of two well-known runs.

    python benchmarks/schedule_speed.py [--json]

Layouts of GPT-3 175B on 1,024 and Llama 3.1 405B on 16,384 accelerators with 1 to 64 stages of 1 to 8
chunks, every schedule. Two mixes: ``drawn`` evenly from all layouts, as they come in a search, where many
share an order; ``unlike``, evenly from all unlike (schedule, stages, chunks, microbatches). Stages are
unequal where the layers do not divide, with the embedding on the first and the head on the last, and a hop
takes 2 % of a stage's forward. Process CPU time; cold makes every order anew, warm keeps those made before.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from gigawatt.machine import build_cluster
from gigawatt.performance import TrainingRun
from gigawatt.performance.layouts import SCHEDULES, Layouts, enumerate_layouts
from gigawatt.performance.schedules.closed import closed_makespan
from gigawatt.performance.schedules.makespan import clear_orders, exact_makespan
from gigawatt.performance.schedules.pipeline import chunks
from gigawatt.workload import Architecture, read_architecture

TARGET = 2_000.0
RUNS = (("gpt3-175b", 2048, 1536, 1024), ("llama-3.1-405b", 8192, 2048, 16384))
EACH = 400
MOST_STAGES, MOST_CHUNKS = 64, 8
HOP = 0.02
PASSES = {"forward": 1.0, "input_gradient": 1.05, "weight_gradient": 0.9}
REPEATS = 3
Columns = dict[str, np.ndarray]


def columns(model: Architecture, layouts: Layouts) -> Columns:
    """Keywords of :func:`exact_makespan`: a layer takes 1, the head as much as it has parameters."""
    p, v = layouts.pipeline.astype(np.int64), layouts.interleave.astype(np.int64)
    cut = chunks(model, layouts.pipeline, layouts.interleave)
    block = model.blocks[0].parameters
    head = model.parameters.head / (block.attention + block.feed_forward)
    layers = (cut.layers.sum(axis=-1) + head * cut.head)[cut.index]
    wide = np.zeros((len(layouts), MOST_STAGES, MOST_CHUNKS))
    wide[:, : layers.shape[1], : layers.shape[2]] = layers
    return {
        "kind": np.array(SCHEDULES)[layouts.schedule],
        "pipeline": p,
        "interleave": v,
        "microbatches": layouts.microbatches.astype(np.int64),
        "hop": HOP * wide.sum(axis=(1, 2)) / p,
        **{name: factor * wide for name, factor in PASSES.items()},
    }


def mix(unlike: bool, seed: int = 0) -> Columns:
    """``EACH`` layouts of each run; see the module."""
    rng = np.random.default_rng(seed)
    parts: list[Columns] = []
    for name, sequence, batch, count in RUNS:
        model = read_architecture(name)
        run = TrainingRun(architecture=model, tokens=1e12, sequence=sequence, global_batch=batch)
        cluster, _ = build_cluster(chip="H100-SXM5-80GB", count=count)
        found = enumerate_layouts(run, cluster, widen=("schedule",))
        p, m = found.pipeline, found.microbatches
        fits = (p <= MOST_STAGES) & (found.interleave <= MOST_CHUNKS)
        fits &= (found.schedule != SCHEDULES.index("dualpipe")) | (m >= 2 * p)
        kept = np.flatnonzero(fits)
        if unlike:
            keys = np.stack([found.schedule, p, found.interleave, m.astype(np.int32)], axis=1)[kept]
            kept = kept[np.unique(keys, axis=0, return_index=True)[1]]
        drawn = rng.choice(kept, size=min(EACH, len(kept)), replace=False)
        parts.append(columns(model, found.take(np.sort(drawn))))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def closed_to_exact(given: Columns, makespan: np.ndarray) -> np.ndarray:
    """Closed form over exact makespan of every layout."""
    parts = {name: given[name].sum(axis=2) for name in PASSES}
    total = sum(parts.values())
    both = total.copy()
    for row, p in enumerate(given["pipeline"]):
        both[row, :p] = (total[row, :p] + total[row, :p][::-1]) / 2.0
    total = np.where((given["kind"] == "dualpipe")[:, None], both, total)
    return (
        closed_makespan(
            kind=given["kind"],
            pipeline=given["pipeline"],
            interleave=given["interleave"],
            microbatches=given["microbatches"],
            slowest=total.max(axis=1),
            hop=given["hop"],
            **{name: part.sum(axis=1) / given["pipeline"] for name, part in parts.items()},
        )
        / makespan
    )


def measure(unlike: bool) -> dict[str, object]:
    """Rates of one mix and what it consists of."""
    given = mix(unlike)
    number = len(given["kind"])
    figures: dict[str, object] = {"schedules": number}
    for way, whole in (("", False), ("_pass_by_pass", True)):
        for state in ("cold", "warm"):
            seconds = 0.0
            for _ in range(REPEATS):
                if state == "cold":
                    clear_orders()
                start = time.process_time()
                found = exact_makespan(whole=whole, **given)
                seconds += time.process_time() - start
            figures[f"per_cpu_second_{state}{way}"] = REPEATS * number / seconds
        if not whole:
            ratio = closed_to_exact(given, found.makespan)
            figures["repeating"] = float(found.periodic.mean())
            figures["closed_to_exact"] = np.percentile(ratio, [5, 50, 95]).round(4).tolist()
    names = ("kind", "pipeline", "interleave", "microbatches")
    figures["orders"] = len({*zip(*(given[name].tolist() for name in names), strict=True)})
    kinds, counts = np.unique(given["kind"], return_counts=True)
    figures["kinds"] = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    p, v, m = (given[name] for name in names[1:])
    passes = p * v * m * np.where(given["kind"] == "1f1b", 2, 3)
    for name, column in (("stages", p), ("chunks", v), ("microbatches", m), ("passes", passes)):
        figures[name] = [int(x) for x in np.percentile(column, [10, 50, 90, 100])]
    return figures


def main() -> None:
    """Print the mixes and schedules per CPU-second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    found = {"drawn": measure(False), "unlike": measure(True)}
    if as_json:
        print(json.dumps({"target": TARGET} | found))
        return
    for name, figures in found.items():
        print(f"{name}: {figures['schedules']} layouts of {figures['orders']} orders, {figures['kinds']}")
        for column in ("stages", "chunks", "microbatches", "passes"):
            print(f"  {column}: 10 %, median, 90 %, most {figures[column]}")
        for state in ("cold", "warm"):
            fast, every = (figures[f"per_cpu_second_{state}{way}"] for way in ("", "_pass_by_pass"))
            print(f"  {state}: {fast:,.0f} schedules per CPU-second ({every:,.0f} pass by pass)")
        print(
            f"  rounds that repeat in {figures['repeating']:.0%}; closed/exact {figures['closed_to_exact']}"
        )
    print(f"target {TARGET:,.0f}")


if __name__ == "__main__":
    main()

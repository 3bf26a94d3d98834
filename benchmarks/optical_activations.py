"""Small language models trained with optical activations beside ReLU, SiLU and none: what the loss becomes.

    python benchmarks/optical_activations.py --out src/gigawatt/catalog/data/optical_activations_measured.csv

Needs the extra ``emulation`` and about 20 CPU-minutes on one thread. All runs of a seed start from the same
weights and see the same text.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch

from gigawatt.emulation.text import load_text
from optical_training import CONTROLS, prepare, train_with

OPTICAL = (
    "kerr-silicon-phc",
    "absorber-graphene",
    "absorber-graphene:power",
    "electro-optic-integrated",
    "electro-optic-integrated:field:2",
    "electro-optic-integrated:power",
    "ppln-shg",
)
GATED = ("silu", "linear", "absorber-graphene", "electro-optic-integrated:power")
COLUMNS = (
    "id", "quantity", "value", "low", "high", "unit", "year", "currency_year", "grade", "source_id",
    "locator", "note",
)  # fmt: skip


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    training, held, sizes = prepare(load_text())
    plan = [(name, False) for name in (*CONTROLS, *OPTICAL)] + [(name, True) for name in GATED]
    losses: dict[tuple[str, bool], list[float]] = {key: [] for key in plan}
    kept: dict[tuple[str, bool], list[float]] = {key: [] for key in plan}
    for seed in range(asked.seeds):
        for name, gated in plan:
            run = train_with(name, (training, held), sizes, seed=seed, steps=asked.steps, gated=gated)
            losses[name, gated].append(run.loss)
            kept[name, gated].append(run.power_kept)
            print(f"seed {seed} {name}{' gated' if gated else ''}: {run}", flush=True)
        write(asked.out, losses, kept, asked.steps, time.process_time() - began)


def write(
    out: Path,
    losses: dict[tuple[str, bool], list[float]],
    kept: dict[tuple[str, bool], list[float]],
    steps: int,
    seconds: float,
) -> None:
    """Means with the least and most of the seeds; differences are paired by seed."""
    with out.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)

        def row(id: str, quantity: str, values: list[float], words: str) -> None:
            numbers = [f"{x:.6g}" for x in (float(np.mean(values)), min(values), max(values))]
            table.writerow((id, quantity, *numbers, "1", "", "", "measured", "optics-measured", "", words))

        for (name, gated), found in losses.items():
            id = f"{name}{'-gated' if gated else ''}"
            seeds = f"{len(found)} seeds: mean, least, most"
            row(id, "loss", found, f"nats a token, held-out text; {seeds}")
            beside = losses["silu", gated]
            row(id, "above_silu", [a - b for a, b in zip(found, beside, strict=True)], "nats, paired by seed")
            row(id, "power_kept", kept[name, gated], "mean square behind over before the activations")
        row("runs", "steps", [float(steps)], "of 8 windows of 128 tokens; 0.22 M parameters")
        row("runs", "seeds", [float(len(losses["silu", False]))], "")
        row("runs", "cpu_minutes", [seconds / 60.0], "of all runs, one thread")


if __name__ == "__main__":
    main()

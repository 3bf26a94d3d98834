"""Feed-forward layers that spike, trained beside their dense twins; rows of ``neuromorphic_trained``.

    python benchmarks/neuromorphic_train.py [--epochs 1] [--steps 4] [--seed 0]

One thread; about two CPU-minutes a model and epoch.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import torch

from gigawatt.catalog import path
from gigawatt.emulation.text import load_text
from spiking_training import KINDS, train_twins

FILE = path("neuromorphic_trained.csv")
COLUMNS = (
    "id", "kind", "loss []", "held_out []", "active []", "spikes []", "operations []", "macs []",
    "parameters []", "steps []", "epochs []", "seed []", "processor_time [s]", "grade", "source_id",
    "locator", "note",
)  # fmt: skip


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--epochs", type=float, default=1.0)
    reader.add_argument("--steps", type=int, nargs="+", default=[4])
    reader.add_argument("--seed", type=int, default=0)
    reader.add_argument("--file", type=Path, default=FILE)
    given = reader.parse_args()
    torch.set_num_threads(1)
    rows = []
    for steps in given.steps:
        kinds = KINDS if steps == given.steps[0] else ("spiking",)
        for one in train_twins(load_text(), kinds=kinds, steps=steps, epochs=given.epochs, seed=given.seed):
            name = f"spiking-t{steps}" if one.kind == "spiking" else one.kind
            numbers = {
                "loss []": one.loss, "held_out []": one.held_out, "active []": one.active,
                "spikes []": one.spikes, "operations []": one.operations, "macs []": one.macs,
                "parameters []": one.parameters, "epochs []": given.epochs, "seed []": given.seed,
                "processor_time [s]": one.cpu_seconds,
            }  # fmt: skip
            if one.kind == "spiking":
                numbers["steps []"] = steps
            rows.append(
                {
                    "id": name, "kind": one.kind, **{k: f"{v:.6g}" for k, v in numbers.items()},
                    "grade": "measured", "source_id": "neuro-measured",
                    "locator": "benchmarks/neuromorphic_train.py", "note": "",
                }
            )  # fmt: skip
            sys.stdout.write(f"{rows[-1]}\n")
            sys.stdout.flush()
    with given.file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()

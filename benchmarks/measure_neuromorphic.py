"""Perplexity and spikes of the neuromorphic substrates of the catalog, measured.

    python benchmarks/measure_neuromorphic.py [--models smollm2-135m] [--windows 12] [--substrates ID …]

One thread. Perplexities go into ``technologies_measured``, what was counted into its details; rows
of a model and substrate that are measured again are replaced. Substrates that differ in their core alone send
the same spikes and are run once. About 25 CPU-seconds a configuration of SmolLM2-135M at 12 windows.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import torch

from gigawatt.catalog import path, table
from gigawatt.chain.machine.technologies import read_substrate
from gigawatt.emulation.models import load_model
from gigawatt.emulation.run import Emulation, emulate
from measure_formats import FILE, as_row, write_row

DETAILS = path("technologies_measured.details.csv")
COUNTED = (
    "spikes_per_activation", "synaptic_operations", "macs", "neuron_updates", "tokens",
)  # fmt: skip
COLUMNS = (
    "id", "quantity", "value", "low", "high", "unit", "year", "currency_year", "grade", "source_id",
    "locator", "note",
)  # fmt: skip


def write_details(file: Path, name: str, run: Emulation) -> None:
    rows: list[dict[str, str]] = []
    if file.exists():
        with file.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.DictReader(stream) if row["id"] != name]
    for quantity in COUNTED:
        rows.append(
            {
                "id": name, "quantity": quantity, "value": f"{run.statistics[quantity]:.6g}", "unit": "1",
                "grade": "measured", "source_id": "neuro-measured",
                "locator": "benchmarks/measure_neuromorphic.py",
                "note": "" if quantity in ("spikes_per_activation", "tokens") else "a token",
            }
        )  # fmt: skip
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--models", nargs="+", default=["smollm2-135m"])
    reader.add_argument("--substrates", nargs="+", default=None)
    reader.add_argument("--windows", type=int, default=12)
    reader.add_argument("--calibration", type=int, default=8)
    reader.add_argument("--file", type=Path, default=FILE)
    reader.add_argument("--details", type=Path, default=DETAILS)
    given = reader.parse_args()
    torch.set_num_threads(1)
    every = [key for key, row in table("substrates").items() if row.text("technology") == "neuromorphic"]
    for name in given.models:
        model, done = load_model(name), {}
        for substrate in given.substrates or every:
            made = read_substrate(substrate)
            key = tuple(sorted((k, v) for k, v in made.settings.items() if k != "core"))
            if key not in done:
                done[key] = emulate(model, made, windows=given.windows, calibration=given.calibration)
            run = done[key]
            row = as_row(run, given.calibration)
            row.update(id=f"{run.model}/{substrate}", substrate=substrate)
            row["locator"] = "benchmarks/measure_neuromorphic.py"
            write_row(given.file, row)
            write_details(given.details, row["id"], run)
            sys.stdout.write(
                f"{name} {substrate}: {row['perplexity []']} of {row['base []']}, ratio {row['ratio []']} "
                f"({row['ratio_low []']} to {row['ratio_high []']}), spikes "
                f"{run.statistics['spikes_per_activation']:.3f}, zeros "
                f"{run.statistics['activation_zeros']:.3f}, {row['processor_time [s]']} s\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()

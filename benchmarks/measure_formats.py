"""Perplexity of the digital substrates of the catalog, measured, as rows of ``technologies_measured``.

    python benchmarks/measure_formats.py [--models small smollm2-135m] [--windows 12] [--substrates ID …]

One thread. Rows of a model and substrate that are measured again are replaced, others stay. 9 to 25
CPU-seconds a configuration of SmolLM2-135M at 12 windows.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import torch

from gigawatt.catalog import path, table
from gigawatt.emulation.models import NAMED, load_model
from gigawatt.emulation.run import Emulation, emulate

FILE = path("technologies_measured.csv")
COUNTED = (
    "weight_zeros", "activation_zeros", "activation_crest", "weight_bits", "activation_bits", "cache_bits",
)  # fmt: skip
COLUMNS = (
    "id", "substrate", "model", "perplexity []", "base []", "low []", "high []",
    "ratio []", "ratio_low []", "ratio_high []", *(f"{name} []" for name in COUNTED),
    "seeds []", "windows []", "length []", "calibration []", "processor_time [s]", "date", "text",
    "grade", "source_id", "locator", "note",
)  # fmt: skip


def as_row(run: Emulation, calibration: int) -> dict[str, str]:
    """``low`` and ``high``: the baseline times the interval of the paired ratio."""
    base, ratio = run.baseline.value, run.ratio
    numbers = {
        "perplexity []": run.perplexity.value, "base []": base, "low []": base * ratio.low,
        "high []": base * ratio.high, "ratio []": ratio.value, "ratio_low []": ratio.low,
        "ratio_high []": ratio.high, **{f"{name} []": run.statistics.get(name, "") for name in COUNTED},
        "seeds []": run.seeds, "windows []": run.windows, "length []": run.length,
        "calibration []": calibration, "processor_time [s]": run.cpu_seconds,
    }  # fmt: skip
    return {
        "id": f"{run.model}/{run.substrate.id}", "substrate": run.substrate.id, "model": run.model,
        **{name: value if isinstance(value, str) else f"{value:.6g}" for name, value in numbers.items()},
        "date": time.strftime("%Y-%m-%d"), "text": run.text, "grade": "measured",
        "source_id": "gigawatt-measured", "locator": "benchmarks/measure_formats.py", "note": "",
    }  # fmt: skip


def read_rows(file: Path) -> dict[str, dict[str, str]]:
    if not file.exists():
        return {}
    with file.open(newline="", encoding="utf-8") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}


def write_row(file: Path, row: dict[str, str]) -> None:
    rows = {**read_rows(file), row["id"]: row}
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--models", nargs="+", default=list(NAMED))
    reader.add_argument("--substrates", nargs="+", default=None)
    reader.add_argument("--windows", type=int, default=12)
    reader.add_argument("--calibration", type=int, default=8)
    reader.add_argument("--file", type=Path, default=FILE)
    given = reader.parse_args()
    torch.set_num_threads(1)
    every = [name for name, row in table("substrates").items() if row.text("technology") == "digital"]
    for name in given.models:
        model = load_model(name)
        for substrate in given.substrates or every:
            run = emulate(model, substrate, windows=given.windows, calibration=given.calibration)
            row = as_row(run, given.calibration)
            write_row(given.file, row)
            sys.stdout.write(
                f"{name} {substrate}: {row['perplexity []']} of {row['base []']}, ratio {row['ratio []']} "
                f"({row['ratio_low []']} to {row['ratio_high []']}), {row['processor_time [s]']} s\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()

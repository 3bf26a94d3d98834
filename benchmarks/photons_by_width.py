"""Photons a multiply-accumulate against the inner dimension, measured: rows of ``photonic_width`` and
``photonic_shot``.

    python benchmarks/photons_by_width.py [--models small smollm2-135m FOLDER …] [--perplexity]

Per layer: photons at which shot noise is 10 % of the outputs, with inputs caught from text. With
``--perplexity`` also the perplexity of each model over photons (exact converters and weights), and the
photons at which it is 5 % higher. One thread; some 25 CPU-seconds a point of SmolLM2-135M.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import t as student

from gigawatt.catalog import path
from gigawatt.emulation.evaluate import pick_windows
from gigawatt.emulation.layers import linear_layers, watch_inputs
from gigawatt.emulation.models import NAMED, load_model
from gigawatt.emulation.run import emulate
from gigawatt.emulation.text import load_text
from gigawatt.technology.photonic.noise import needed_photons

PHOTONS = (3, 10, 30, 100, 300, 1000, 10000)
IDEAL = "weight_bits=0,dac_bits=0,adc_bits=0,thermal_noise=0,phase_error=0,loss=0"
WORSE = 1.05
SHOT = (
    "id", "model", "width []", "photons []", "perplexity []", "base []", "ratio []", "ratio_low []",
    "ratio_high []", "windows []", "length []", "processor_time [s]", "grade", "source_id", "locator", "note",
)  # fmt: skip


def layers(name: str) -> list[tuple[int, str, float, float]]:
    """(inner dimension, kind of layer, photons in homodyne, in direct detection) of every layer."""
    model = load_model(name)
    windows = pick_windows(model, load_text(), 3, 256, training=True)
    found: list[tuple[int, str, float, float]] = []
    kept = dict(linear_layers(model.module))
    caught: dict[str, list[Any]] = defaultdict(list)
    watch_inputs(model.module, kept, windows, lambda layer, x: caught[layer].append(x))
    for layer, inputs in caught.items():
        w, x = kept[layer].weight.detach().numpy(), torch.cat(inputs).numpy()
        needed = [needed_photons(w, x, detection=how) for how in ("homodyne", "direct")]
        found.append((w.shape[1], layer.rsplit(".", 1)[-1], needed[0], needed[1]))
    return found


def slope(widths: np.ndarray, photons: np.ndarray) -> tuple[float, float]:
    """Exponent and half of its 95 % interval (Student's t), by least squares of logarithms."""
    x, y = np.log(widths), np.log(photons)
    fit, cov = np.polyfit(x, y, 1, cov=True)
    return float(fit[0]), float(student.ppf(0.975, len(x) - 2) * np.sqrt(cov[0, 0]))


def shot(name: str, width: int, photons: int, windows: int) -> dict[str, str]:
    run = emulate(name, f"photonic-mzi:{IDEAL},photons_per_mac={photons}", windows=windows)
    short = name if name in NAMED else f"width-{width}"
    numbers = {
        "width []": width, "photons []": photons, "perplexity []": run.perplexity.value,
        "base []": run.baseline.value, "ratio []": run.ratio.value, "ratio_low []": run.ratio.low,
        "ratio_high []": run.ratio.high, "windows []": run.windows, "length []": run.length,
        "processor_time [s]": run.cpu_seconds,
    }  # fmt: skip
    return {
        "id": f"{short}/{photons}", "model": short, **{k: f"{v:.6g}" for k, v in numbers.items()},
        "grade": "measured", "source_id": "gigawatt-measured", "locator": "benchmarks/photons_by_width.py",
        "note": "shot noise alone",
    }  # fmt: skip


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--models", nargs="+", default=list(NAMED))
    reader.add_argument("--perplexity", action="store_true")
    reader.add_argument("--photons", nargs="+", type=int, default=list(PHOTONS))
    reader.add_argument("--windows", type=int, default=12)
    reader.add_argument("--file", type=Path, default=path("photonic_shot.csv"))
    given = reader.parse_args()
    torch.set_num_threads(1)
    every: list[tuple[int, str, float, float]] = []
    for name in given.models:
        found = layers(name)
        every += found
        for width in sorted({one[0] for one in found}):
            some = np.log([one[2:] for one in found if one[0] == width])
            mean = np.exp(some.mean(0))
            print(f"{name}, {width} inputs, {len(some)} layers: homodyne {mean[0]:.1f}, direct {mean[1]:.1f}")
    widths = np.array([one[0] for one in every], dtype=float)
    for at, how in ((2, "homodyne"), (3, "direct")):
        exponent, half = slope(widths, np.array([one[at] for one in every]))
        print(f"{how}: exponent {exponent:+.2f} ± {half:.2f} over {len(every)} layers")
    if not given.perplexity:
        return
    rows: dict[str, dict[str, str]] = {}
    if given.file.exists():
        with given.file.open(newline="", encoding="utf-8") as stream:
            rows = {row["id"]: row for row in csv.DictReader(stream)}
    for name in given.models:
        width = int(load_model(name).module.config.hidden_size)
        for photons in given.photons:
            row = shot(name, width, photons, given.windows)
            rows[row["id"]] = row
            sys.stdout.write(f"{row['id']}: ratio {row['ratio []']}, {row['processor_time [s]']} s\n")
            sys.stdout.flush()
        with given.file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, SHOT, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows.values())
    for model in dict.fromkeys(row["model"] for row in rows.values()):
        mine = sorted(
            (float(r["photons []"]), float(r["ratio []"])) for r in rows.values() if r["model"] == model
        )
        excess = np.array([max(ratio - 1.0, 1e-6) for _, ratio in mine])
        photons = np.log([n for n, _ in mine])
        needed = float(np.exp(np.interp(-np.log(WORSE - 1.0), -np.log(excess), photons)))
        print(f"{model}: {needed:.1f} photons for 5 % more perplexity")


if __name__ == "__main__":
    main()

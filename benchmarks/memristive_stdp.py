"""Digits learned by memristive synapses: devices, spread, asymmetry; rows of ``memristors_learned``.

    python benchmarks/memristive_stdp.py [--digits FILE] [--seeds 5] [--epochs 3]

One thread. The first 1,000 images are learned from, the other 797 judge. Beside it: k-means with as many
centres as there are neurons, labelled in the same way.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.catalog import path
from memristive_learning import (
    Memristor,
    Patterns,
    learn,
    load_digits,
    load_memristor,
    load_network,
)

FILE = path("memristors_learned.csv")
TRAINING = 1000
COLUMNS = (
    "id", "device", "what", "accuracy []", "low []", "high []", "updates []", "update_energy [J]",
    "write_energy [J]", "read_energy [J]", "spikes []", "seeds []", "epochs []", "neurons []",
    "processor_time [s]", "grade", "source_id", "locator", "note",
)  # fmt: skip


def k_means(training: Patterns, test: Patterns, centres: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    place = training.images[rng.choice(len(training.images), centres, replace=False)]

    def nearest(images: np.ndarray) -> np.ndarray:
        return ((images[:, None] - place[None]) ** 2).sum(2).argmin(1)

    for _ in range(30):
        mine = nearest(training.images)
        place = np.stack(
            [training.images[mine == c].mean(0) if (mine == c).any() else place[c] for c in range(centres)]
        )
    mine = nearest(training.images)
    votes = np.stack([np.bincount(training.classes[mine == c], minlength=10) for c in range(centres)])
    return float((votes.argmax(1)[nearest(test.images)] == test.classes).mean())


def cases() -> dict[str, tuple[str, str, Memristor]]:
    made = {
        name: (name, "device as tabulated", load_memristor(name))
        for name in ("ideal", "taox-hfox", "epiram", "alox-hfo2", "ag-asi", "querlioz")
    }
    for spread in (0.0, 0.25, 0.5, 1.0):
        made[f"spread-{spread:g}"] = (
            "taox-hfox", f"spread of {spread:.0%} from device to device",
            load_memristor("taox-hfox", spread=spread),
        )  # fmt: skip
    for exponent in (1.0, 3.0, 5.0):
        made[f"nonlinear-{exponent:g}"] = (
            "ideal", f"exponents of {exponent:g} up and down",
            load_memristor("ideal", up=exponent, down=exponent),
        )  # fmt: skip
    for name, up, down in (("up", 5.0, 0.0), ("down", 0.0, 5.0)):
        made[f"asymmetric-{name}"] = (
            "ideal", f"exponents of {up:g} up and {down:g} down", load_memristor("ideal", up=up, down=down)
        )  # fmt: skip
    for factor in (0.25, 0.5, 2.0, 4.0):
        made[f"pulses-{factor:g}"] = (
            "ideal", f"pulses down {factor:g} times as strong as up",
            load_memristor("ideal", levels_down=load_memristor("ideal").levels_up / factor),
        )  # fmt: skip
    return made


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--digits", type=Path, default=None)
    reader.add_argument("--seeds", type=int, default=5)
    reader.add_argument("--epochs", type=int, default=3)
    reader.add_argument("--file", type=Path, default=FILE)
    given = reader.parse_args()
    digits = load_digits(given.digits)
    training, test = digits.part(0, TRAINING), digits.part(TRAINING, len(digits.images))
    network, rows = load_network(), []
    common = {
        "seeds []": given.seeds, "neurons []": network.neurons, "grade": "modelled",
        "source_id": "neuro-measured", "locator": "benchmarks/memristive_stdp.py", "note": "",
    }  # fmt: skip
    for name, (device, what, memristor) in cases().items():
        epochs = 5 * given.epochs if name == "querlioz" else given.epochs
        started = time.process_time()
        runs = [learn(network, memristor, training, test, epochs=epochs, seed=s) for s in range(given.seeds)]
        found = [one.accuracy for one in runs]
        row: dict[str, Any] = {
            "id": name, "device": device, "what": what, "accuracy []": np.mean(found), "low []": min(found),
            "high []": max(found), "updates []": np.mean([one.updates for one in runs]),
            "update_energy [J]": np.mean([one.update_energy for one in runs]),
            "write_energy [J]": np.mean([one.write_energy for one in runs]),
            "read_energy [J]": np.mean([one.read_energy for one in runs]),
            "spikes []": np.mean([one.spikes for one in runs]), "epochs []": epochs,
            "processor_time [s]": time.process_time() - started, **common,
        }  # fmt: skip
        rows.append({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()})
        sys.stdout.write(
            f"{name}: {np.mean(found):.3f} ({min(found):.3f} to {max(found):.3f}), "
            f"{rows[-1]['update_energy [J]']} J a pulse\n"
        )
        sys.stdout.flush()
    found = [k_means(training, test, network.neurons, seed) for seed in range(given.seeds)]
    rows.append(
        {
            "id": "k-means", "device": "", "what": "as many centres as neurons, no spikes",
            "accuracy []": f"{np.mean(found):.5g}", "low []": f"{min(found):.5g}",
            "high []": f"{max(found):.5g}", **common,
        }
    )  # fmt: skip
    sys.stdout.write(f"k-means: {np.mean(found):.3f}\n")
    with given.file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()

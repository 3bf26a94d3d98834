"""Error of training steps on a device of which nothing but its datasheet is known.

    python benchmarks/devices_left_out.py [--json]

Each device with measured steps becomes a row of a user catalog (docs/extending.md): peaks, memory,
power limit, processors and year of its datasheet, and another chip whose kernels it takes: a sibling of its
generation, one of another generation, or none (the median of all measured chips). Its own kernels, clocks,
joules and shares of the rate kept in a step are not read. Its rows are then asked as ``gigawatt validate
training`` asks them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("training.csv", "training_more.csv", "training_held_out.csv")
LEFT_OUT = "-left-out"
KIN: dict[str, dict[str, str]] = {
    "A100-SXM4-80GB": {"other generation": "H100-SXM5-80GB"},
    "H100-SXM5-80GB": {"its generation": "H200-SXM-141GB", "other generation": "A100-SXM4-80GB"},
    "H200-SXM-141GB": {"its generation": "H100-SXM5-80GB", "other generation": "A100-SXM4-80GB"},
    "B200-SXM-180GB": {"its generation": "GB200", "other generation": "H100-SXM5-80GB"},
    "GB200": {"its generation": "B200-SXM-180GB", "other generation": "H100-SXM5-80GB"},
    "MI300X": {"its generation": "MI325X", "other generation": "MI250X"},
    "MI325X": {"its generation": "MI300X", "other generation": "MI250X"},
    "MI355X": {"other generation": "MI325X"},
    "TPU-v6e": {"other generation": "arrays"},
    "TPU-v7": {"other generation": "arrays"},
    "Gaudi2": {"other generation": "Gaudi3"},
}
"""Chips with measured kernels and steps, and whose kernels stand in for their own."""
NONE, GIGA = "no kin", 1e9
DATASHEET = (
    "name", "vendor", "kind", "technology", "year", "memory_bytes", "memory_bandwidth", "power_limit",
    "units", "array_edge", "array_clock", "array_memory", "vector_rate", "exponentials", "default_node",
    "default_scale_up", "default_scale_out", "scale_up_domain",
)  # fmt: skip
"""Columns that a user copies; every peak besides."""


def written(folder: Path) -> dict[str, tuple[str, str]]:
    """A catalog with every device left out in every way; (device, way) by the id of its row."""
    from gigawatt.catalog import table

    found: dict[str, tuple[str, str]] = {}
    rows: list[dict[str, str]] = []
    for device, kin in KIN.items():
        entry = table("chips")[device]
        for way, kernels in (*kin.items(), (NONE, "")):
            id = f"{device}{LEFT_OUT}-{len(found)}"
            row = {"id": id, "kernels": kernels, "grade": "vendor", "source_id": "datasheets"}
            for name in (*DATASHEET, *(one for one in entry.numbers if one.startswith("peak_"))):
                if name in entry.numbers:
                    one = entry.evidence(name)
                    if name == "memory_bytes":  # some rows have it in GB, others in GiB
                        row[f"{name} [GB]"] = repr(one.value / GIGA)
                    else:
                        row[f"{name} [{one.unit}]"] = one.written
                elif entry.text(name):
                    row[name] = entry.text(name)
            rows.append(row)
            found[id] = (device, way)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "chips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "sources").mkdir()
    (folder / "sources" / "datasheets.csv").write_text(
        "id,title,publisher,year,url,licence\ndatasheets,Datasheets of the catalog,makers,2026,,facts\n"
    )
    return found


def errors(found: dict[str, tuple[str, str]]) -> dict[str, dict[str, dict[str, float]]]:
    """By device and way: n, MAPE and bias with the framework that rows name; ``own``: the device as it is."""
    import numpy as np

    from gigawatt.validation.rows import read_rows
    from gigawatt.validation.training.card import prepare_all
    from gigawatt.validation.training.predict import predict

    rows = [row for name in FILES for row in read_rows(ROOT / "validation" / name)]
    rows = [row for row in rows if "vTrain" not in row.text("source")]
    own = [case for case in prepare_all(rows, told=True)[0] if case.cluster.chip.id in KIN]
    asked = [(case, case.cluster.chip.id, "own") for case in own]
    for id, (device, way) in found.items():
        mine = [case.row for case in own if case.cluster.chip.id == device]
        renamed = [replace(row, texts={**row.texts, "accelerator": id}) for row in mine]
        asked += [(case, device, way) for case in prepare_all(renamed, told=True)[0]]
    ratios: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (case, device, way), outcome in zip(asked, predict([one[0] for one in asked]), strict=True):
        if hasattr(outcome, "step_time"):
            ratios[device, way].append(outcome.step_time / case.measured)
    told: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (device, way), of in ratios.items():
        off = np.array(of)
        told[device][way] = {
            "n": len(of),
            "mape": float(np.abs(off - 1.0).mean()),
            "median_ape": float(np.median(np.abs(off - 1.0))),
            "bias": float(np.exp(np.log(off).mean()) - 1.0),
        }
    return told


def main() -> int:
    """Print the table."""
    shown = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=shown)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if "GIGAWATT_CATALOG" not in os.environ:  # the catalog is read once, so that its folder comes first
        with tempfile.TemporaryDirectory() as folder:
            found = written(Path(folder))
            os.environ["GIGAWATT_CATALOG"] = folder
            os.environ["LEFT_OUT"] = json.dumps(found)
            return os.spawnv(os.P_WAIT, sys.executable, [sys.executable, *sys.argv])
    told = errors({id: (of[0], of[1]) for id, of in json.loads(os.environ["LEFT_OUT"]).items()})
    if asked.json:
        print(json.dumps(told, indent=1))
        return 0
    ways = ("own", "its generation", "other generation", NONE)
    print(f"{'device':18}{'n':>5}" + "".join(f"{way:>26}" for way in ways))
    for device, by in told.items():
        cells = (f"{by[way]['mape']:.1%} ({by[way]['bias']:+.1%})" if way in by else "" for way in ways)
        print(f"{device:18}{by['own']['n']:5}" + "".join(f"{cell:>26}" for cell in cells))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

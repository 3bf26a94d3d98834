"""Fit the curves of links to measured collectives, and say how well they fit.

    python benchmarks/fit_links.py SHARED/data/kernels [--write]

Measurements: aiconfigurator-core (NVIDIA, Apache-2.0), ``nccl__DEVICE.parquet``: four collectives over 2, 4
and 8 accelerators of one domain, powers of two from 512 B to 512 MB. ``message_size`` counts elements: taken
as bytes an eight-way all-reduce in half precision would pass half of what the same buffer in int8 does, and
the larger reading, 445 GB/s of bus bandwidth on H100, is below its 450 GB/s of NVLink.
Odd powers are fitted, even ones judged, and so are the devices that are not of :data:`FITTED`.
What lies between nodes is fitted to ``collectives_measured`` where it has a sweep. ``--write`` replaces the
fitted rows of ``links.details.csv``; rows of other quantities and links stay.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

from gigawatt.calibration.link_fits import fit_link, numbers
from gigawatt.catalog.loader import path
from gigawatt.machine.load import load_link
from gigawatt.machine.machine import Link
from gigawatt.validation.collectives import between_nodes, scorecard, sweep, training_rows

SOURCE = "aiconfigurator-kernels"
FITTED = {
    "nvlink3": "a100_sxm",
    "nvlink4": "h100_sxm",
    "nvlink5": "b200_sxm",
    "nvlink5-nvl72": "gb200",
    "pcie4": "l40s",
}
KIN = {
    "nvlink3-a800": "nvlink3",
    "nvlink4-h800": "nvlink4",
    "nvlink6-nvl72": "nvlink5-nvl72",
    "nvlink7-kyber": "nvlink5-nvl72",
}
"""Links of the same kind as a measured one: its curve, half scaled with the bandwidth."""
UNUSED = ("nvlink5-nvl72",)
"""Measured over so few accelerators that no switch reduced: that number is of another source."""
NETWORK = ("efa-400", "p6-b200-4x8", "nvlink5")
SHARE, TIME = 1.15, 2.0
"""Factors either way of a fitted share of the rate, and of a fitted time."""


def row(
    link: str, name: str, value: float, unit: str, grade: str, source: str, locator: str, note: str
) -> dict:
    """A line of ``links.details.csv``; the range is a factor either way, wider for what was transferred."""
    share = name.endswith("efficiency")
    wide = (SHARE if share else TIME) * (1.0 if grade == "calibrated" else 1.3)
    high = min(value * wide, 1.0) if share else value * wide
    return {
        "id": link, "quantity": name, "value": f"{value:.4g}", "low": f"{value / wide:.4g}",
        "high": f"{high:.4g}", "unit": unit, "year": "", "currency_year": "", "grade": grade,
        "source_id": source, "locator": locator, "note": note,
    }  # fmt: skip


def main() -> None:
    """Fit, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    fits: dict[str, Link] = {}
    lines: list[dict] = []
    for name, device in FITTED.items():
        rows = sweep(given.folder / f"nccl__{device}.parquet")
        fits[name] = fit_link(load_link(name), training_rows(rows))
        if name in UNUSED:
            fits[name] = replace(fits[name], in_network_efficiency=load_link(name).in_network_efficiency)
        for quantity, (value, unit) in numbers(fits[name]).items():
            if quantity == "in_network_efficiency" and name in UNUSED:
                continue
            lines.append(
                row(
                    name,
                    quantity,
                    value,
                    unit,
                    "calibrated",
                    SOURCE,
                    f"nccl {device}",
                    "benchmarks/fit_links.py",
                )
            )
    for name, kin in KIN.items():
        scale = load_link(name).bandwidth / fits[kin].bandwidth
        for quantity, (value, unit) in numbers(fits[kin]).items():
            if quantity in ("latency", "efficiency"):
                continue
            value = value * scale if quantity.endswith("half") else value
            lines.append(
                row(name, quantity, value, unit, "modelled", SOURCE, f"as {kin}", "same kind of link")
            )
    name, entry, domain = NETWORK
    rows, fabric = between_nodes(entry, up=fits[domain], out=load_link(name))
    network = fit_link(load_link(name), training_rows(rows), fabric=fabric)
    fits[name] = network
    for quantity in ("base", "efficiency", "bulk", "half"):
        value, unit = numbers(network)[quantity]
        lines.append(
            row(
                name,
                quantity,
                value,
                unit,
                "calibrated",
                "ml-engineering-book",
                f"all-reduce of {entry}",
                "benchmarks/fit_links.py",
            )
        )
    for part in scorecard(given.folder, links=fits):
        print(part)
    if not given.write:
        return
    file = path("links.details.csv")
    with file.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        header, old = list(reader.fieldnames or []), list(reader)
    new = {(line["id"], line["quantity"]) for line in lines}
    kept = [line for line in old if (line["id"], line["quantity"]) not in new]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, *lines])


if __name__ == "__main__":
    main()

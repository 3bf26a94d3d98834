"""Fit the kernels of the catalog to measured ones, and say how well they fit.

    python benchmarks/fit_kernels.py SHARED/data/kernels [--write]

Measurements: aiconfigurator-core (NVIDIA, Apache-2.0), one Parquet file an operation and device. Six of ten
shapes fit, four judge. ``--write`` replaces the fitted rows of ``kernels.csv`` and ``kernels_surfaces.csv``,
what sources deviate by and the judged sample that ship with validation, and the figures of devices left out.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gigawatt.calibration import kernel_fits
from gigawatt.calibration.kernel_rows import DEVICES, judged, read_kernels, target
from gigawatt.catalog.loader import path
from gigawatt.machine import load_chip
from gigawatt.technology.digital.forms import Family
from gigawatt.technology.digital.gpu import kernels
from gigawatt.technology.digital.surfaces import DEFAULT, write_values
from gigawatt.validation.files import data_folder
from gigawatt.validation.kernels import COLUMNS, FIT_FILE, SAMPLE_FILE, SOURCES_FILE

FAMILIES: tuple[Family, ...] = ("gemm", "grouped_gemm", "attention", "decode")
KIN = (("h100_sxm", "h200_sxm"), ("b200_sxm", "gb200"))
SOURCE, NOTE = "aiconfigurator-kernels", "benchmarks/fit_kernels.py"
LARGE_BYTES, FEWEST, SAMPLE = 1e8, 100, 40
TITLE = "# Measured kernels of aiconfigurator-core (NVIDIA, Apache-2.0, https://github.com/ai-dynamo/aiconfigurator)"
Fits = dict[tuple[Family, str], kernel_fits.Fit]
Tables = dict[tuple[str, Family], pd.DataFrame]


def device(name: str) -> kernel_fits.Device:
    """The catalog's numbers of a device of the tables."""
    return kernel_fits.Device.of(load_chip(DEVICES[name]))


def fitted(tables: Tables, name: str, family: Family, form: str) -> pd.DataFrame:
    """Rows of a device that fit."""
    rows = tables[name, family]
    return rows[(rows["form"] == form) & ~judged(rows)]


def casts(
    rows: pd.DataFrame, family: Family, form: str, wide: kernel_fits.Fit | None, name: str
) -> dict[str, float]:
    """What casts to a narrow format take in the rows of a device, by variant."""
    if family != "gemm" or form == "bf16" or wide is None:
        return {}
    return kernel_fits.beside_of_thin(rows, wide, device(name), kernels(DEFAULT))


def kin_surfaces(tables: Tables, memory: dict[str, float]) -> dict[tuple[str, Family, str], kernel_fits.Fit]:
    """Joint fits of devices of one generation, by each of them."""
    found: dict[tuple[str, Family, str], kernel_fits.Fit] = {}
    for names in KIN:
        for family in FAMILIES:
            for form in ("bf16", "fp8", "fp8_block", "fp4"):
                parts = [fitted(tables, n, family, form).assign(device=n) for n in names]
                rows = pd.concat([part[target(part)] for part in parts], ignore_index=True)
                if len(rows) < FEWEST or form not in device(names[0]).peak:
                    continue
                wide = found.get((names[0], family, "bf16"))
                each = [casts(part, family, form, wide, n) for part, n in zip(parts, names, strict=True)]
                beside = {
                    v: float(np.mean([one[v] for one in each if v in one]))
                    for v in {v for one in each for v in one}
                }
                fit = kernel_fits.fit_family(
                    rows, family, {n: device(n) for n in names}, kernels(DEFAULT),
                    memory=float(np.mean([memory[n] for n in names])), beside=beside,
                )  # fmt: skip
                found |= {(n, family, form): fit for n in names}
    return found


def fit_all(tables: Tables) -> tuple[dict[str, Fits], dict[str, float]]:
    """Fits of every device, family and format, and shares of the bandwidth by device."""
    memory = {}
    for name in DEVICES:
        rows = fitted(tables, name, "gemm", "bf16")
        memory[name] = kernel_fits.memory_share(rows, device(name), LARGE_BYTES) or np.nan
    joint = kin_surfaces(tables, memory)
    found: dict[str, Fits] = {}
    for name in DEVICES:
        for family in FAMILIES:
            for form in sorted(set(tables[name, family]["form"])):
                rows = fitted(tables, name, family, form)
                if form not in device(name).peak or target(rows).sum() < FEWEST:
                    continue
                kin, wide = joint.get((name, family, form)), found.get(name, {}).get((family, "bf16"))
                fit = kernel_fits.fit_family(
                    rows[target(rows)], family, device(name), kernels(DEFAULT), memory=memory[name],
                    kin=None if kin is None else kin.surface,
                    kin_deviation=None if kin is None else kin.deviation,
                    beside=casts(rows, family, form, wide, name),
                )  # fmt: skip
                fit = kernel_fits.fit_sources(rows, fit, device(name), kernels(DEFAULT))
                found.setdefault(name, {})[family, form] = fit
        print(f"fitted {name}", flush=True)
    return found, memory


def transferred(
    fits: dict[str, Fits], names: Iterable[str], family: Family, form: str
) -> kernel_fits.Fit | None:
    """The middle of the fits of some devices: surface, share, fixed times and deviations of each source."""
    of = [fits[n][family, form] for n in names if (family, form) in fits.get(n, {})]
    if not of:
        return None
    variants = {v for fit in of for v in fit.fixed}
    sources = {s for fit in of for s in fit.deviation}
    return replace(
        of[0],
        share=float(np.median([f.share for f in of])),
        memory=float(np.median([f.memory for f in of])),
        surface=kernel_fits.median_surface([f.surface for f in of]),
        fixed={v: float(np.median([f.fixed[v] for f in of if v in f.fixed])) for v in variants},
        beside={v: float(np.median([f.beside[v] for f in of if v in f.beside])) for v in variants},
        deviation={
            s: kernel_fits.median_surface([f.deviation[s] for f in of if s in f.deviation]) for s in sources
        },
        lines={
            s: np.median([f.lines[s] for f in of if s in f.lines], axis=0)
            for s in {s for fit in of for s in fit.lines}
        },
        rows=sum(f.rows for f in of),
    )


def errors(rows: pd.DataFrame, fit: kernel_fits.Fit, name: str) -> dict[str, float]:
    """Median and 90th percentile of the absolute error, as measured and as used."""
    found: dict[str, float] = {"rows": len(rows)}
    for key, as_measured in (("", True), ("_as_used", False)):
        time = kernel_fits.predict(rows, fit, device(name), kernels(DEFAULT), as_measured=as_measured)
        size = np.abs(time / rows["time"].to_numpy() - 1.0)
        found |= {f"median{key}": round(float(np.median(size)), 4)}
        found |= {f"p90{key}": round(float(np.quantile(size, 0.9)), 4)}
    return found


def left_out(tables: Tables, fits: dict[str, Fits]) -> list[dict[str, object]]:
    """Errors of every device by the fits of the others: of its generation, and of other generations only."""
    generation = {n: names for names in KIN for n in names}
    found: list[dict[str, object]] = []
    for name in DEVICES:
        for family, form in fits[name]:
            rows = tables[name, family]
            rows = rows[(rows["form"] == form) & judged(rows)]
            others = [n for n in DEVICES if n != name]
            ways = {
                "its generation": [n for n in others if n in generation.get(name, ())],
                "other generations": [n for n in others if n not in generation.get(name, ())],
            }
            for way, names in ways.items():
                fit = transferred(fits, names, family, form)
                if fit is not None:
                    about = {"operation": family, "format": form, "device": DEVICES[name], "fitted_to": way}
                    found.append(about | errors(rows, fit, name))
    return found


def write_rows(file: Path, kept: list[dict[str, str]], made: list[dict[str, str]], fields: list[str]) -> None:
    """Write a table anew, by id and quantity."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fields, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted([*kept, *made], key=lambda row: (row["id"], row.get("quantity", ""))))


def write_catalog(fits: dict[str, Fits], memory: dict[str, float]) -> None:
    """Replace the fitted rows of ``kernels.csv`` and all of ``kernels_surfaces.csv``."""
    plain: list[dict[str, str]] = []
    surfaces: list[dict[str, str]] = []
    for name, of in fits.items():
        rows = kernel_fits.catalog_rows(
            of, chip=DEVICES[name], memory=memory[name], grade="calibrated", source=SOURCE,
            locator=f"systems/data/{name}", note=NOTE,
        )  # fmt: skip
        plain += rows[0]
        surfaces += rows[1]
    middle: Fits = {}
    for key in dict.fromkeys(k for of in fits.values() for k in of):
        fit = transferred(fits, fits, *key)
        assert fit is not None
        middle[key] = fit
    ranges: dict[str, list[float]] = {}
    for row in plain:
        ranges.setdefault(row["quantity"], []).append(float(row["value"]))
    rows = kernel_fits.catalog_rows(
        middle, chip=DEFAULT, memory=float(np.median(list(memory.values()))), grade="modelled", source=SOURCE,
        locator=", ".join(fits), note="median and range of the fitted chips",
    )  # fmt: skip
    for row in rows[0]:
        values = [float(row["value"]), *ranges[row["quantity"]]]
        row |= {"low": f"{min(values):.4g}", "high": f"{max(values):.4g}"}
    file = path("kernels.csv")
    with file.open(newline="", encoding="utf-8") as stream:
        old = list(csv.DictReader(stream))
    made = [*plain, *rows[0]]
    replaced = {(row["id"], row["quantity"]) for row in made}
    kept = [r for r in old if r["source_id"] != SOURCE and (r["id"], r["quantity"]) not in replaced]
    write_rows(file, kept, made, list(old[0]))
    fields = [
        "id", "chip", "operation", "format", "axes", "values", "share []", "fixed [us]", "beside []",
        "rows []", "grade", "source_id", "locator", "note",
    ]  # fmt: skip
    write_rows(path("kernels_surfaces.csv"), [], [*surfaces, *rows[1]], fields)


def write_validation(tables: Tables, fits: dict[str, Fits], figures: list[dict[str, object]]) -> None:
    """What ships with validation: deviations of sources, the judged sample, the figures."""
    folder = data_folder()
    with (folder / SOURCES_FILE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["chip", "operation", "format", "source", "fixed_us", "beside", "values", "lines"])
        for name, of in fits.items():
            for (family, form), fit in of.items():
                for source in sorted({*fit.fixed, *fit.deviation} - {""}):
                    fixed, own = fit.fixed.get(source), fit.deviation.get(source)
                    lines = fit.lines.get(source)
                    writer.writerow([
                        DEVICES[name], family, form, source,
                        "" if fixed is None else f"{fixed * 1e6:.3g}",
                        "" if fixed is None else f"{fit.beside[source]:.3g}",
                        "" if own is None else write_values(own.values),
                        "" if lines is None else write_values(lines),
                    ])  # fmt: skip
    parts: list[pd.DataFrame] = []
    for (name, family), rows in tables.items():
        rows = rows[judged(rows)].assign(chip=DEVICES[name], family=family)
        for form, part in rows.groupby("form", sort=True):
            if (family, form) in fits[name]:
                parts.append(part.sample(min(SAMPLE, len(part)), random_state=0).sort_index())
    with (folder / SAMPLE_FILE).open("w", encoding="utf-8") as stream:
        stream.write(f"{TITLE}: shapes that no fit saw, a seeded sample\n")
        pd.concat(parts)[list(COLUMNS)].to_csv(stream, index=False, float_format="%.5g", lineterminator="\n")
    numbers = sum(fit.numbers for of in fits.values() for fit in of.values())
    aside = sum(
        d.values.size + 1 for of in fits.values() for fit in of.values() for d in fit.deviation.values()
    )
    aside += sum(x.size for of in fits.values() for fit in of.values() for x in fit.lines.values())
    answer = {"numbers_fitted": numbers, "numbers_of_sources": aside, "devices_left_out": figures}
    (folder / FIT_FILE).write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")


def report(tables: Tables, fits: dict[str, Fits], figures: list[dict[str, object]]) -> None:
    """Errors of shapes not fitted, by operation, format and device, and of devices left out."""
    for name, of in fits.items():
        for (family, form), fit in of.items():
            rows = tables[name, family]
            rows = rows[(rows["form"] == form) & judged(rows)]
            print(f"{family:13s} {form:10s} {name:9s} {errors(rows, fit, name)}")
    for line in figures:
        print("left out", line)


def main() -> None:
    """Fit, report, and with ``--write`` ship."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the measured kernels (Parquet)")
    parser.add_argument(
        "--write", action="store_true", help="replace the fitted rows and what validation ships"
    )
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        raise SystemExit(f"no such folder: {arguments.folder}")
    tables: Tables = {(n, f): read_kernels(arguments.folder, f, n) for n in DEVICES for f in FAMILIES}
    fits, memory = fit_all(tables)
    figures = left_out(tables, fits)
    report(tables, fits, figures)
    if arguments.write:
        write_catalog(fits, memory)
        write_validation(tables, fits, figures)


if __name__ == "__main__":
    main()

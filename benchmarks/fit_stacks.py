"""Fit the few free numbers of the catalog's software stacks to measured training runs, and judge the fit.

    python benchmarks/fit_stacks.py            fit, and print errors in sample and with each source left out
    python benchmarks/fit_stacks.py --write    the same, and write catalog/data/stacks.details.csv,
                                               catalog/data/sustained.csv and validation/residuals.csv
    python benchmarks/fit_stacks.py --write-docs    docs/scorecard.md from what was written last

What is fitted are the `KNOBS` of `stack_knobs.py`: numbers of a stack, or the share of its rate that a chip sustains, each
inside physical bounds. A knob is drawn to its prior, so that one of which few rows speak stays there. The
loss is the absolute logarithm of predicted over measured; a source weighs with the root of its rows (at
most `CAP`), so that no large table speaks for all. Nothing is split at random: a source (or an accelerator)
is left out as a whole, every knob that its rows touch is put back to its prior and fitted again, and
only then are the rows judged.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.validation.card import errors_of
from gigawatt.validation.files import rows_file
from gigawatt.validation.rows import read_rows
from gigawatt.validation.training.baseline import constant_utilisation
from gigawatt.validation.training.card import prepare_all, validate_training, width
from gigawatt.validation.training.cases import Case
from stack_document import document
from stack_knobs import BESIDE, KNOBS, Knob, Values
from stack_regimes import regime_of
from stack_surrogate import fit, left_out, logs, surrogate

ROOT = Path(__file__).resolve().parents[1]
CATALOG = ROOT / "src/gigawatt/catalog/data"
RESULT = ROOT / "validation/fit.json"
MORE = ROOT / "validation/training_more.csv"
HELD_OUT = ROOT / "validation/training_held_out.csv"
ROUNDS = 2
"""Times that the surrogate is built anew around what was fitted."""
CAP = 60
"""Most rows of a source that add to its weight."""
EVERY = {"vTrain ground truth (single-node)": 30, "MosaicML llm-foundry benchmarking README": 3,
         "BigScience benchmarking logs": 2, "vTrain ground truth (multi-node)": 2}  # fmt: skip
"""Of these large regular tables every n-th row is fitted to; all rows are judged."""


def thinned(cases: Sequence[Case]) -> list[Case]:
    """The rows that are fitted to: all, but every n-th of the large regular tables."""
    seen: dict[str, int] = {}
    kept: list[Case] = []
    for case in cases:
        source = case.row.text("source")
        seen[source] = seen.get(source, -1) + 1
        if seen[source] % EVERY.get(source, 1) == 0:
            kept.append(case)
    return kept


def weights(cases: Sequence[Case]) -> NDArray[np.float64]:
    """A row's weight: the root of its source's rows (at most CAP), shared by them."""
    sources = [case.row.text("source") for case in cases]
    counts = {name: sources.count(name) for name in set(sources)}
    return np.array([np.sqrt(min(counts[name], CAP)) / counts[name] for name in sources])


def summary(cases: Sequence[Case], off: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Errors by accelerator and kind, of all, and of all but vTrain, as fractions."""
    chips = [f"{case.row.text('accelerator')} | {case.kind}" for case in cases]
    traced = [case.row.text("source").startswith("vTrain") for case in cases]
    regimes = [f"{regime_of(case)}{' (vTrain)' if v else ''}" for case, v in zip(cases, traced, strict=True)]
    whole = ["" if v else "all but vTrain" for v in traced]
    found: dict[str, dict[str, float]] = {}
    for labels in (regimes, whole, ["all"] * len(cases), chips):
        for name in dict.fromkeys(filter(None, labels)):
            use = np.array([label == name for label in labels]) & np.isfinite(off)
            if use.any():
                errors = errors_of(np.exp(off[use]), np.ones(int(use.sum())))
                found[name] = {"n": int(use.sum()), **asdict(errors)}
    return found


def by_source(cases: Sequence[Case], off: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Errors by source, as fractions."""
    names = [case.row.text("source") for case in cases]
    found: dict[str, dict[str, float]] = {}
    for name in sorted(set(names)):
        use = np.array([one == name for one in names]) & np.isfinite(off)
        if use.any():
            found[name] = {
                "n": int(use.sum()),
                **asdict(errors_of(np.exp(off[use]), np.ones(int(use.sum())))),
            }
    return found


def parity_of(
    cases: Sequence[Case], off: NDArray[np.float64], label: str
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """(measured, predicted) step times [s] by regime; of vTrain every 20th row."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for i, (case, one) in enumerate(zip(cases, off, strict=True)):
        if np.isfinite(one) and not (case.row.text("source").startswith("vTrain") and i % 20):
            pair = (float(f"{case.measured:.4g}"), float(f"{case.measured * np.exp(one):.4g}"))
            found.setdefault(regime_of(case), {}).setdefault(label, []).append(pair)
    return found


def naive(cases: Sequence[Case]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln(predicted / measured) of the constant utilisation, in sample and with the source left out."""
    measured = np.array([case.measured for case in cases])
    made = constant_utilisation(
        measured=measured,
        work=np.array([case.work for case in cases]),
        groups=[f"{c.row.text('accelerator')} | {width(c.number_format)} | {c.kind}" for c in cases],
        sources=[case.row.text("source") for case in cases],
    )
    return np.log(made.inside / measured), np.log(made.outside / measured)


def write(
    values: Values,
    cases: Sequence[Case],
    outside: NDArray[np.float64],
    apart: NDArray[np.float64],
    used: Sequence[Case],
) -> None:
    """The fitted numbers as catalog rows, and the errors out of sample that the band is made of."""
    header = [
        "id",
        "quantity",
        "value",
        "low",
        "high",
        "unit",
        "year",
        "grade",
        "source_id",
        "locator",
        "note",
    ]

    def line(where: str, quantity: str, knob: Knob) -> list[str]:
        factor = 1e-6 if knob.unit == "us" else 1.0
        numbers = [f"{number / factor:.4g}" for number in (values[knob.name], knob.low, knob.high)]
        spoke = any(knob.touches(c) and where in (c.cluster.chip.id, c.habits.stack) for c in used)
        note = f"{knob.why}; range is the bounds" + ("" if spoke else "; no row of this one, as its like")
        grade = "calibrated" if spoke else "guess"
        return [where, quantity, *numbers, knob.unit, "", grade, "gigawatt-training-fit", "", note]

    details, chips = [header], [header]
    for knob in KNOBS:
        for where in (*knob.where, *knob.also):
            if knob.quantity != "attention":
                (chips if knob.on_chip else details).append(line(where, knob.quantity, knob))
    for where in BESIDE:
        for quantity in ("share", "share_narrow"):
            if not any(knob.quantity == quantity and where in knob.where for knob in KNOBS):
                numbers = ["1", "0.6", "1", "", "", "guess", "gigawatt-training-fit", ""]
                chips += [[where, quantity, *numbers, "not fitted: what the others are beside"]]
    for quantity in ("share", "share_narrow"):
        fitted = [values[k.name] for k in KNOBS if k.quantity == quantity and not k.name.startswith("tpu")]
        numbers = [
            f"{np.median([1.0, *fitted]):.4g}",
            "0.6",
            "1",
            "",
            "",
            "guess",
            "gigawatt-training-fit",
            "",
        ]
        chips += [["default", quantity, *numbers, "median of the fitted ones and 1"]]
    for file, rows in ((CATALOG / "stacks.details.csv", details), (CATALOG / "sustained.csv", chips)):
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)
    write_attention(values)
    with (ROOT / "validation/residuals.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "source", "kind", "regime", "left_out", "ln_measured_over_predicted"])
        for what, offs in (("source", outside), ("accelerator", apart)):
            for case, off in zip(cases, offs, strict=True):
                if np.isfinite(off):
                    writer.writerow([case.row.id, case.row.text("source"), case.kind, regime_of(case), what,
                                     f"{-off:.4f}"])  # fmt: skip


def write_attention(values: Values) -> None:
    """The fitted shares of attention kernels, in their rows of ``attention_kernels.csv``."""
    file = CATALOG / "attention_kernels.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    share, grade, source = (rows[0].index(name) for name in ("share []", "grade", "source_id"))
    fitted = {"flash-1": "flash-1.a100", "flash-1-h": "flash-1.h100"}
    for row in rows[1:]:
        if row[0] in fitted:
            row[share], row[grade] = f"{values[fitted[row[0]]]:.4g}", "calibrated"
            row[source] = "gigawatt-training-fit"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def main() -> None:
    """Fit, judge, print; write where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, default=rows_file("training"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--write-docs", action="store_true")
    parser.add_argument("--fit-only", action="store_true", help="do not leave anything out")
    given = parser.parse_args()
    if given.write_docs and not given.write:
        judged = json.loads(RESULT.read_text(encoding="utf-8"))
        judged["held_out_coverage"] = validate_training(HELD_OUT, named=True).overall.coverage90
        document(validate_training(named=True).card().to_json(), judged)
        return
    began = time.perf_counter()
    cases, _ = prepare_all([*read_rows(given.rows), *read_rows(MORE)])
    used = thinned(cases)
    prior = {knob.name: knob.prior for knob in KNOBS}
    values = prior
    for _ in range(ROUNDS):
        model = surrogate(used, values)
        values = fit(model, weights(used), values, KNOBS)
    for knob in KNOBS:
        print(f"{knob.name:32s} {values[knob.name]:.4g}   (prior {knob.prior:g})")
    found = {"prior": summary(cases, logs(cases, prior)), "in_sample": summary(cases, logs(cases, values))}
    held, _ = prepare_all(read_rows(HELD_OUT))
    away = logs(held, values)
    found["held_out"] = summary(held, away)
    inside, alone = naive(cases)
    found |= {"naive_in_sample": summary(cases, inside), "naive_source_left_out": summary(cases, alone)}
    if not given.fit_only:
        model = surrogate(used, values)
        outside = left_out(cases, used, model, weights, lambda case: case.row.text("source"))
        found["source_left_out"] = summary(cases, outside)
        apart = left_out(cases, used, model, weights, lambda case: case.cluster.chip.id)
        found["accelerator_left_out"] = summary(cases, apart)
        if given.write:
            write(values, cases, outside, apart, used)
            count = sum(any(k.touches(case) for case in used) for k in KNOBS)
            parity = parity_of(cases, outside, "source left out")
            for name, series in parity_of(held, away, "held out").items():
                parity.setdefault(name, {}).update(series)
            written = {"fitted": count, "knobs": values, "errors": found, "parity": parity,
                       "held_out_by_source": by_source(held, away)}  # fmt: skip
            RESULT.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    if not given.fit_only:
        found["sources_left_out"] = by_source(cases, outside)
    for name, table in found.items():
        print(name)
        for group, e in table.items():
            print(f"  {group:28s} n {e['n']:5.0f}  mape {e['mape']:.3f}  median {e['median_ape']:.3f}"
                  f"  p90 {e['p90_ape']:.3f}  bias {e['bias']:+.3f}")  # fmt: skip
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()

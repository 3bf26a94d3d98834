"""Fit the few free numbers of training software to measured runs, and judge the fit on makers left out.

    python benchmarks/fit_software.py             fit, and print errors in sample and with each maker left out
    python benchmarks/fit_software.py --write     the same, and write catalog/data/software_fit.csv,
                                                  validation/residuals.csv, validation/fit.json, docs/scorecard.md
    python benchmarks/fit_software.py --write-docs   docs/scorecard.md from what was written last

What is fitted are numbers of ``software_values`` with a range (``software_knobs.py``), to rows whose software is what
their own words name. A knob is drawn to its prior, so that one of which few rows speak stays there. The
loss is the absolute logarithm of predicted over measured, and how strongly priors draw is chosen on makers left out; a maker weighs with the root of its rows (at
most `CAP`), so that no large table speaks for all. Nothing is split at random: a maker is left out as a
whole, everything is fitted again, and only then are its rows judged, with the software by default and with the
framework and release that they name; a constant utilisation and trees are judged on the same folds.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from gigawatt.catalog import table
from gigawatt.validation.card import errors_of
from gigawatt.validation.rows import read_rows
from gigawatt.validation.training.card import prepare_all, width
from gigawatt.validation.training.cases import Case
from gigawatt.validation.training.regimes import REGIMES, maker_of, regime_of
from software_document import document
from software_knobs import Array, Key, Knob, best_shrink, fit, knobs, logs, surrogate
from software_trees import trees

ROOT = Path(__file__).resolve().parents[1]
FITTED = ROOT / "src/gigawatt/catalog/data/software_fit.csv"
RESULT, RESIDUALS = ROOT / "validation/fit.json", ROOT / "validation/residuals.csv"
ROWS = [ROOT / "validation" / name for name in ("training.csv", "training_more.csv")]
HELD_OUT = ROOT / "validation/training_held_out.csv"
CAP = 60
"""Most rows of a maker that add to its weight."""
EVERY = {"vTrain ground truth (single-node)": 40, "MosaicML llm-foundry benchmarking README": 5,
         "BigScience benchmarking logs": 4, "vTrain ground truth (multi-node)": 4}  # fmt: skip
"""Of these large regular tables every n-th row is fitted to; all rows are judged."""
WAYS = ("default", "stated")
"""Software by default; with the framework and the release that a row names."""


def maker(case: Case) -> str:
    """Who measured it."""
    return maker_of(case.row.text("source"))


def thinned(cases: Sequence[Case]) -> list[int]:
    """Indices of the rows that are fitted to: all, but every n-th of the large regular tables."""
    seen: dict[str, int] = {}
    kept: list[int] = []
    for i, case in enumerate(cases):
        source = case.row.text("source")
        seen[source] = seen.get(source, -1) + 1
        if seen[source] % EVERY.get(source, 1) == 0:
            kept.append(i)
    return kept


def weights(names: Sequence[str]) -> Array:
    """A row's weight: the root of its maker's rows (at most CAP), shared by them."""
    counts = {name: list(names).count(name) for name in set(names)}
    return np.array([np.sqrt(min(counts[name], CAP)) / counts[name] for name in names])


def constant(known: Sequence[Case], asked: Sequence[Case]) -> Array:
    """ln(predicted / measured) of the median utilisation of chip, format and kind among ``known``; of the
    format and kind where no other maker has the chip."""

    def groups(case: Case) -> tuple[str, str]:
        kind = f"{width(case.number_format)} {case.kind}"
        return f"{case.cluster.chip.id} {kind}", kind

    def share(case: Case) -> float:
        return case.work / case.measured / case.cluster.chip.peak[case.number_format]

    found: list[float] = []
    reached: dict[str, list[float]] = {}
    for case in known:
        for name in groups(case):
            reached.setdefault(name, []).append(share(case))
    for case in asked:
        name = next((one for one in groups(case) if one in reached), None)
        of = reached[name] if name else [one for some in reached.values() for one in some]
        found.append(np.log(share(case) / np.median(of)))
    return np.array(found)


def summary(cases: Sequence[Case], off: Array) -> dict[str, dict[str, float]]:
    """Errors by regime, of all, and of all but vTrain's timed single nodes, as fractions."""
    traced = [case.row.text("source").startswith("vTrain") for case in cases]
    labels = [f"{regime_of(case)}{' (vTrain)' if v else ''}" for case, v in zip(cases, traced, strict=True)]
    whole = ["" if v else "all but vTrain" for v in traced]
    found: dict[str, dict[str, float]] = {}
    for some in (labels, whole, ["all"] * len(cases)):
        for name in dict.fromkeys(filter(None, some)):
            use = np.array([label == name for label in some]) & np.isfinite(off)
            if use.any():
                errors = errors_of(np.exp(off[use]), np.ones(int(use.sum())))
                found[name] = {"n": int(use.sum()), **asdict(errors)}
    order = [f"{name}{of}" for name in REGIMES for of in ("", " (vTrain)")]
    return dict(sorted(found.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order)))


def by_maker(cases: Sequence[Case], off: Array) -> dict[str, dict[str, float]]:
    """Errors by maker, as fractions."""
    names = np.array([maker(case) for case in cases], dtype=object)
    found: dict[str, dict[str, float]] = {}
    for name in sorted(set(names)):
        use = (names == name) & np.isfinite(off)
        if use.any():
            found[name] = {
                "n": int(use.sum()),
                **asdict(errors_of(np.exp(off[use]), np.ones(int(use.sum())))),
            }
    return found


def parity_of(
    cases: Sequence[Case], off: Array, label: str
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """(measured, predicted) step times [s] by regime; of vTrain every 20th row."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for i, (case, one) in enumerate(zip(cases, off, strict=True)):
        if np.isfinite(one) and not (case.row.text("source").startswith("vTrain") and i % 20):
            pair = (float(f"{case.measured:.4g}"), float(f"{case.measured * np.exp(one):.4g}"))
            found.setdefault(regime_of(case), {}).setdefault(label, []).append(pair)
    return found


def write_fit(of: Sequence[Knob], values: Mapping[Key, float], moved: Mapping[Key, int]) -> None:
    """The numbers that the fit moved as rows of the catalog, in the units of their priors; the others stay there."""
    rows = [["id", "quantity", "value", "low", "high", "unit", "grade", "source_id", "locator", "note"]]
    for knob in of:
        row = table("software_values")[knob.key[0]].evidence(knob.key[1])
        factor = float(row.written) / row.value if row.value else 1.0
        numbers = [f"{one * factor:.4g}" for one in (values[knob.key], knob.low, knob.high)]
        if values[knob.key] != knob.prior:
            told = f"{moved[knob.key]} rows move it; prior {row.written}; range is the bounds"
            rows.append([*knob.key, *numbers, row.unit, "calibrated", "gigawatt-training-fit", "", told])
    with FITTED.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def write_residuals(cases: Mapping[str, Sequence[Case]], off: Mapping[str, Array]) -> None:
    """Errors of rows that the fit had not seen (their maker left out, or kept apart), which bands are made of."""
    with RESIDUALS.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "source", "maker", "regime", "software", "ln_measured_over_predicted"])
        for way in WAYS:
            for case, one in zip(cases[way], off[way], strict=True):
                if np.isfinite(one):
                    writer.writerow(
                        [
                            case.row.id,
                            case.row.text("source"),
                            maker(case),
                            regime_of(case),
                            way,
                            f"{-one:.4f}",
                        ]
                    )


def main() -> None:
    """Fit, judge, print; write where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--write-docs", action="store_true")
    parser.add_argument(
        "--rounds", type=int, default=1, help="times that the surrogate is built (5 CPU-min each)"
    )
    given = parser.parse_args()
    if given.write_docs and not given.write:
        document(json.loads(RESULT.read_text(encoding="utf-8")))
        return
    began, cpu = time.perf_counter(), time.process_time()
    rows = [row for file in ROWS for row in read_rows(file)]
    cases = {way: prepare_all(rows, told=way == "stated")[0] for way in WAYS}
    used = [cases["stated"][i] for i in thinned(cases["stated"])]
    names, of = [maker(case) for case in used], knobs()
    prior: dict[Key, float] = {knob.key: knob.prior for knob in of}
    values, model, shrink, tried = prior, surrogate(used, prior, of), 0.0, dict[float, float]()
    for more in range(given.rounds):
        shrink, tried = best_shrink(model, names, weights, of)
        values = fit(model, weights(names), of, shrink)
        if more + 1 < given.rounds:
            model = surrogate(used, values, of)
    print("error on makers left out by what a step from the prior costs:", tried)
    moved = {knob.key: len(model.rows[knob.key]) for knob in of}
    for knob in of:
        print(
            f"{':'.join(knob.key):40s} {values[knob.key]:.4g}   (prior {knob.prior:g}, {moved[knob.key]} rows)"
        )
    found = {f"in sample, {way}": summary(cases[way], logs(cases[way], values)) for way in WAYS}
    off = {way: np.full(len(cases[way]), np.nan) for way in WAYS}
    other = {name: np.full(len(cases["stated"]), np.nan) for name in ("constant utilisation", "trees")}
    for name in sorted({maker(case) for case in cases["stated"]}):
        rest = np.array([one != name for one in names])
        weight = np.zeros(len(used))
        weight[rest] = weights([one for one in names if one != name])
        without = fit(model, weight, of, shrink)
        for way in WAYS:
            mine = [i for i, case in enumerate(cases[way]) if maker(case) == name]
            off[way][mine] = logs([cases[way][i] for i in mine], without)
        mine = [i for i, case in enumerate(cases["stated"]) if maker(case) == name]
        asked, known = (
            [cases["stated"][i] for i in mine],
            [c for c, keep in zip(used, rest, strict=True) if keep],
        )
        other["constant utilisation"][mine] = constant(known, asked)
        other["trees"][mine] = trees(known, weight[rest], asked)
    found |= {f"maker left out, {way}": summary(cases[way], off[way]) for way in WAYS}
    found |= {f"maker left out, {name}": summary(cases["stated"], one) for name, one in other.items()}
    held = {way: prepare_all(read_rows(HELD_OUT), told=way == "stated")[0] for way in WAYS}
    away = {way: logs(held[way], values) for way in WAYS}
    found |= {f"kept apart, {way}": summary(held[way], away[way]) for way in WAYS}
    makers = {way: by_maker(cases[way], off[way]) for way in WAYS}
    for title, groups in (*found.items(), *((f"makers, {way}", makers[way]) for way in WAYS)):
        print(title)
        for group, e in groups.items():
            print(f"  {group:40s} n {e['n']:5.0f}  mape {e['mape']:.3f}  median {e['median_ape']:.3f}"
                  f"  p90 {e['p90_ape']:.3f}  bias {e['bias']:+.3f}")  # fmt: skip
    print(
        f"{time.perf_counter() - began:.0f} s, {time.process_time() - cpu:.0f} CPU-s beside those of the surrogate"
    )
    if given.write:
        write_fit(of, values, moved)
        unseen = {way: [*cases[way], *held[way]] for way in WAYS}
        write_residuals(unseen, {way: np.concatenate([off[way], away[way]]) for way in WAYS})
        parity = parity_of(cases["stated"], off["stated"], "maker left out")
        for name, series in parity_of(held["stated"], away["stated"], "kept apart").items():
            parity.setdefault(name, {}).update(series)
        written = {
            "fitted": sum(values[knob.key] != knob.prior for knob in of),
            "free": sum(count > 0 for count in moved.values()),
            "tried": tried,
            "shrink": shrink,
            "errors": found,
            "makers": makers,
            "kept_apart_by_maker": {way: by_maker(held[way], away[way]) for way in WAYS},
            "parity": parity,
        }
        RESULT.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
        document(written)


if __name__ == "__main__":
    main()

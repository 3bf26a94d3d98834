"""docs/scorecard.md and its parity plots, from what `fit_stacks.py --write` judged last."""

# ruff: noqa: E501
from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.validation.training.band import coverage_left_out
from stack_knobs import KNOBS

ROOT = Path(__file__).resolve().parents[1]
TARGETS = {
    "dense, A100/H100": (0.08, 0.05),
    "dense, Blackwell FP8/FP4": (0.12, 0.08),
    "MoE": (0.18, 0.12),
    "TPU": (0.12, 0.08),
    "small models": (0.20, 0.12),
}
"""(wanted, stretch) MAPE of a step time on sources that were not fitted, by regime."""


def document(card: Mapping[str, Any], fitted: Mapping[str, Any]) -> None:
    """Write docs/scorecard.md from a scorecard and from what the last ``--write`` judged."""
    tables, parity = fitted["errors"], fitted["parity"]
    lines = [
        "# Scorecard: training",
        "",
        "Written by `python benchmarks/fit_stacks.py --write-docs`, with the software that is known of each source",
        "(`validation/stacks_of_sources.csv`): `with_named_stacks` of `gigawatt validate training --json`, whose own figures",
        "are a user's, with the software that `gigawatt run` takes for the chip and the year. Errors are of the time of a step: APE is",
        "|predicted/measured - 1|, bias the geometric mean of predicted/measured less one (above zero: too slow).",
        "",
        f"{card['rows']:,} rows, {card['predicted']:,} predicted, {card['refused']} refused: "
        + "; ".join(f"{reason} ({count})" for reason, count in card["refused_reasons"].items())
        + ".",
        f"{card['parameters_fitted']} numbers are fitted (below); the naive baseline fits one a group of accelerator,",
        "number format and dense/MoE.",
        "",
        "## Wanted and reached",
        "",
        "*Source left out*: every fitted number that a source's rows touch is put back to its prior and fitted",
        "again without that source, then its rows are judged. *Accelerator left out*: the same by chip. *Held",
        "out*: rows of other sources (`validation/training_held_out.csv`), to which nothing is ever fitted. Rows of",
        "vTrain (1,549 of one system) are shown apart.",
        "",
        "| regime | wanted | source left out | | accelerator left out | held-out rows | | constant MFU, source left out |",
        "|---|---|---|---|---|---|---|---|",
    ]
    outside, apart, held = tables["source_left_out"], tables["accelerator_left_out"], tables["held_out"]
    for name, (wanted, stretch) in TARGETS.items():
        for part in (name, f"{name} (vTrain)"):
            if part in outside or part in held:
                lines.append(  # noqa: PERF401
                    f"| {part} | ≤ {wanted:.0%} ({stretch:.0%}) | {_cell(outside.get(part), wanted)} | {_count(outside.get(part))} | "
                    f"{_cell(apart.get(part), 0.15)} | {_cell(held.get(part), wanted)} | {_count(held.get(part))} | "
                    f"{_alone(tables['naive_source_left_out'].get(part))} |"
                )
    lines += ["", "Misses are marked ✗. Accelerators left out are wanted at ≤ 15 %.", ""]
    for name in sorted(parity):
        file = f"scorecard/{_slug(name)}.svg"
        (ROOT / "docs" / file).parent.mkdir(exist_ok=True)
        (ROOT / "docs" / file).write_text(plot(name, parity[name]), encoding="utf-8")
        lines.append(f"![Predicted against measured step time, {name}]({file})")
    lines += [
        "",
        "## Out of sample, by regime and accelerator",
        "",
        "| rows | n | in sample | **source left out** | median | p90 | bias | accelerator left out | constant MFU in sample | constant MFU, source left out |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, e in outside.items():
        inside, by_chip = tables["in_sample"][name], apart[name]
        lines.append(
            f"| {name.replace(' | ', ', ')} | {e['n']} | {inside['mape']:.1%} | **{e['mape']:.1%}** | "
            f"{e['median_ape']:.1%} | {e['p90_ape']:.1%} | {e['bias']:+.1%} | {by_chip['mape']:.1%} | "
            f"{tables['naive_in_sample'][name]['mape']:.1%} | {_alone(tables['naive_source_left_out'].get(name))} |"
        )
    lines += [
        "",
        "## Held-out rows",
        "",
        "| rows | n | MAPE | median | p90 | bias |",
        "|---|---|---|---|---|---|",
        *(_row(name.replace(" | ", ", "), int(e["n"]), e) for name, e in held.items()),
        "",
        "| source | n | MAPE | median | p90 | bias |",
        "|---|---|---|---|---|---|",
        *(_row(name, int(e["n"]), e) for name, e in fitted["held_out_by_source"].items()),
    ]
    covered = coverage_left_out()
    lines += [
        "",
        "## Beside Calculon",
        "",
        "Calculon (2024-02) on the rows that it can express, as measured for this project's references; ours with",
        "the source left out, on all rows of those sources that are not of ZeRO-3.",
        "",
        "| rows | n | Calculon | gigawatt |",
        "|---|---|---|---|",
        *(f"| {name} | {n} | {theirs} | {ours:.1%} |" for name, theirs, n, ours in calculon()),
    ]
    baseline, alone = card["baseline"]["in_sample"], card["baseline"]["leave_source_out"]
    lines += [
        "",
        "## Beside the naive baseline",
        "",
        "| | n | MAPE | median | p90 | bias |",
        "|---|---|---|---|---|---|",
        _row("gigawatt, in sample", card["predicted"], card["overall"]),
        _row("constant MFU, in sample", card["predicted"], baseline),
        _row(
            "gigawatt, rows whose group other sources measured too",
            alone["n"],
            alone["ours_on_the_same_rows"],
        ),
        _row("constant MFU from those other sources", alone["n"], alone),
        "",
        "The 90 % band is made of errors on sources left out. Of the rows, each predicted and judged without its",
        f"own source, it holds {covered[0]:.0%}, and {covered[1]:.0%} where every source counts alike; of held-out",
        f"rows {fitted['held_out_coverage']:.0%}; of the rows in sample {card['overall']['coverage90']:.0%}.",
        "",
        "## By source, in sample",
        "",
        "| source, accelerator, kind | n | refused | MAPE | median | p90 | bias | in the 90 % band | constant MFU |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for group in card["groups"]:
        name = group["group"].replace(" | ", ", ")
        if not group["n"]:
            lines.append(f"| {name} | 0 | {group['refused']} | | | | | | |")
            continue
        lines.append(
            f"| {name} | {group['n']} | {group['refused']} | {group['mape']:.1%} | {group['median_ape']:.1%} | "
            f"{group['p90_ape']:.1%} | {group['bias']:+.1%} | {group['coverage90']:.0%} | "
            f"{group['baseline_mape']:.1%} |"
        )
    lines += [
        "",
        "## What is fitted",
        "",
        "Each number is drawn to its prior as one source of one row would draw it, so that a number of which only",
        "few short sources speak stays where it was. `deepspeed-2022.arithmetic` is not fitted any more (0.85, its starting",
        "value): what is judged above before 2026-11-29 had it at 0.692; `gigawatt validate training` gives today's errors.",
        "",
        "| number | value | prior | bounds | what it is |",
        "|---|---|---|---|---|",
    ]
    for knob in KNOBS:
        factor = 1e-6 if knob.unit == "us" else 1.0
        numbers = [f"{x / factor:.4g}" for x in (fitted["knobs"][knob.name], knob.prior, knob.low, knob.high)]
        why = knob.why
        unit = " µs" if knob.unit == "us" else ""
        lines.append(
            f"| {knob.name} | {numbers[0]}{unit} | {numbers[1]} | {numbers[2]} to {numbers[3]} | {why} |"
        )
    (ROOT / "docs/scorecard.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


CALCULON = (
    ("Narayanan et al. 2021, table 1", r"Narayanan.*Table 1", "9.5 %"),
    ("Narayanan et al. 2021, table 2", r"Narayanan.*Table 2", "10.3 %"),
    ("MT-NLG 530B", r"MT-NLG", "29.7 %"),
    ("BigScience, A100", r"BigScience", "34 %"),
    ("vTrain, several nodes", r"vTrain.*multi", "12.9 %"),
    ("vTrain, one node", r"vTrain.*single", "35 %"),
    ("Megatron-LM on H100, bf16", r"H100 weak scaling", "17 % (37 % without ring overlap)"),
    ("MLPerf GPT-3, FP8 on H100", r"MLPerf.*v(3|4)", "21 %"),
)
"""Rows, the sources that they are of, Calculon's mean error on them."""


def calculon() -> list[tuple[str, str, int, float]]:
    """(rows, Calculon's error, number, our MAPE with the source left out)."""
    with (ROOT / "validation/residuals.csv").open(newline="", encoding="utf-8") as stream:
        residuals = [row for row in csv.DictReader(stream) if row["left_out"] == "source"]
    with (ROOT / "validation/training.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    found: list[tuple[str, str, int, float]] = []
    for name, pattern, theirs in CALCULON:
        errors: list[float] = []
        for one in residuals:
            row = rows.get(one["id"])
            if row is None or not re.search(pattern, one["source"]) or row["zero_stage"].startswith("3"):
                continue
            if "MLPerf" in pattern and not (
                row["accelerator"].startswith("H100") and "gpt" in row["model"].lower()
            ):
                continue
            errors.append(abs(np.exp(-float(one["ln_measured_over_predicted"])) - 1.0))
        found.append((name, theirs, len(errors), float(np.mean(errors))))
    return found


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")


def _cell(e: Mapping[str, float] | None, wanted: float) -> str:
    return f"{e['mape']:.1%}{'' if e['mape'] <= wanted else ' ✗'}" if e else ""


def _count(e: Mapping[str, float] | None) -> str:
    return f"n {e['n']:.0f}" if e else ""


def _alone(e: Mapping[str, float] | None) -> str:
    return f"{e['mape']:.1%} (of {e['n']:.0f})" if e else "no other source"


def _row(name: str, n: int, e: Mapping[str, float]) -> str:
    return (f"| {name} | {n} | {e['mape']:.1%} | {e['median_ape']:.1%} | {e['p90_ape']:.1%} | "
            f"{e['bias']:+.1%} |")  # fmt: skip


SIDE, LEFT, TOP = 300.0, 54.0, 34.0
COLOURS = {"source left out": "#2563eb", "held out": "#d97706"}


def plot(name: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A parity plot in SVG: measured step time across, predicted up, both logarithmic, one dot a row."""
    points = np.array([pair for pairs in series.values() for pair in pairs], dtype=float)
    low, high = (
        float(f(x)) for f, x in ((np.floor, np.log10(points.min())), (np.ceil, np.log10(points.max())))
    )

    def at(seconds: float) -> float:
        return (np.log10(seconds) - low) / (high - low) * SIDE

    def x(seconds: float) -> float:
        return LEFT + at(seconds)

    def y(seconds: float) -> float:
        return TOP + SIDE - at(seconds)

    ends = (10.0**low, 10.0**high)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + SIDE + 16:.0f}" height="{TOP + SIDE + 62:.0f}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold" fill="#111827">{name}</text>',
        f'<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#9ca3af"/>',
        f'<clipPath id="frame"><rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}"/></clipPath>',
        '<g clip-path="url(#frame)">',
    ]
    for factor, dash in ((1.0, ""), (1.2, "3 3"), (1 / 1.2, "3 3")):
        out.append(
            f'<line x1="{x(ends[0]):.1f}" y1="{y(ends[0] * factor):.1f}" x2="{x(ends[1]):.1f}" '
            f'y2="{y(ends[1] * factor):.1f}" stroke="#6b7280" stroke-dasharray="{dash}"/>'
        )
    for label, pairs in series.items():
        out += [
            f'<circle cx="{x(m):.1f}" cy="{y(p):.1f}" r="2.4" fill="{COLOURS[label]}" fill-opacity="0.55"/>'
            for m, p in pairs
        ]
    out.append("</g>")
    for power in range(int(low), int(high) + 1):
        value = 10.0**power
        out.append(
            f'<text x="{x(value):.0f}" y="{TOP + SIDE + 14}" text-anchor="middle" fill="#374151">{value:g}</text>'
        )
        out.append(
            f'<text x="{LEFT - 5}" y="{y(value) + 4:.0f}" text-anchor="end" fill="#374151">{value:g}</text>'
        )
    out.append(
        f'<text x="{LEFT + SIDE / 2}" y="{TOP + SIDE + 30}" text-anchor="middle" fill="#374151">measured step [s]; '
        "dashed: ±20 %</text>"
    )
    out.append(
        f'<text transform="translate(13 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle" fill="#374151">predicted [s]</text>'
    )
    for i, label in enumerate(series):
        left = LEFT + 4 + 130 * i
        out.append(f'<circle cx="{left}" cy="{TOP + SIDE + 46}" r="4" fill="{COLOURS[label]}"/>')
        out.append(
            f'<text x="{left + 8}" y="{TOP + SIDE + 50}" fill="#374151">{label} ({len(series[label])})</text>'
        )
    return "\n".join([*out, "</svg>", ""])

"""docs/scorecard.md and its parity plots, from what `fit_software.py --write` judged last."""

# ruff: noqa: E501
from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.catalog import table
from gigawatt.validation.training.band import coverage_left_out, prediction_band, shipped_residuals
from gigawatt.validation.training.regimes import OTHERS, REGIMES, maker_of

ROOT = Path(__file__).resolve().parents[1]
WANTED = {
    "dense, A100/H100": (0.11, 0.08), "dense, Blackwell": (0.10, 0.07), "mixtures of experts": (0.14, 0.11),
    "TPU": (0.12, 0.10), OTHERS: (0.20, 0.17), "all but vTrain": (0.125, 0.10),
}  # fmt: skip
"""Wanted MAPE of a step time with the software by default, and with the framework and version given."""
NOISE = {
    "dense, A100/H100": "5.5 %", "dense, Blackwell": "2 %", "mixtures of experts": "4 to 7 %",
}  # fmt: skip
"""By how much repeated rows differ (`training-features`, section 5)."""


def document(fitted: Mapping[str, Any]) -> None:
    """Write docs/scorecard.md from what the last ``--write`` judged."""
    tables, parity = fitted["errors"], fitted["parity"]
    usual, stated = (tables[f"maker left out, {way}"] for way in ("default", "stated"))
    kept = {way: tables[f"kept apart, {way}"] for way in ("default", "stated")}
    constant, trees = (tables[f"maker left out, {name}"] for name in ("constant utilisation", "trees"))
    lines = [
        "# Scorecard: training",
        "",
        "Written by `python benchmarks/fit_software.py --write`. Errors are of the time of a step: APE is",
        "|predicted/measured - 1|, bias the geometric mean of predicted/measured less one (above zero: too slow).",
        "Every row is asked as a user would: model, chip, count, batch, sequence, format, and the layout as far as",
        "the row says it, through the same functions as `gigawatt run`. *Default*: the software that chip, year",
        "and layout make likeliest. *Version given*: the framework, the release and the flags that the row's own words name",
        "(its year where they name no release). No software is chosen by the source of a row; duplicate runs are counted once.",
        "",
        "## Wanted and reached, makers left out",
        "",
        "A *maker* is who measured (`validation/training_makers.csv`): its rows are left out as a whole, every fitted",
        "number is fitted again to the others, then its rows are judged. Constant MFU and the trees (extremely",
        "randomised, on the row's columns and the chip's datasheet) learn from the same other makers. Rows of vTrain",
        "(1,548 of one system) are shown apart.",
        "",
        "| regime | n | default | wanted | version given | wanted | constant MFU | trees | repeated rows |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, e in usual.items():
        wanted = WANTED.get(name)
        lines.append(
            f"| {name} | {e['n']} | {_cell(e, wanted and wanted[0])} | {_share(wanted and wanted[0])} | "
            f"{_cell(stated.get(name), wanted and wanted[1])} | {_share(wanted and wanted[1])} | "
            f"{_cell(constant.get(name))} | {_cell(trees.get(name))} | {NOISE.get(name, '')} |"
        )
    lines += ["", "Misses are marked ✗.", ""]
    for name in sorted(parity):
        file = f"scorecard/{_slug(name)}.svg"
        (ROOT / "docs" / file).write_text(plot(name, parity[name]), encoding="utf-8")
        lines.append(f"![Predicted against measured step time, {name}]({file})")
    for title, some in (
        ("Makers left out, software by default", usual),
        ("Makers left out, version given", stated),
        ("In sample, version given", tables["in sample, stated"]),
        ("Rows kept apart, to which nothing is fitted: software by default", kept["default"]),
        ("Rows kept apart, version given", kept["stated"]),
        ("By maker, left out, software by default", fitted["makers"]["default"]),
        ("By maker, left out, version given", fitted["makers"]["stated"]),
    ):
        lines += ["", f"## {title}", "", "| rows | n | MAPE | median | p90 | bias |", "|---|---|---|---|---|---|",
                  *(_row(name, int(e["n"]), e) for name, e in some.items())]  # fmt: skip
    lines += [*_bands(), *_beside_calculon(), *_numbers(fitted)]
    (ROOT / "docs/scorecard.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _bands() -> list[str]:
    lines = [
        "",
        "## The 90 % band",
        "",
        "Factors on a predicted step between which nine of ten measured ones lie, from errors of makers left out; how",
        "far its ends lie is found on makers that they have not seen.",
        "",
        "| regime | default | version given | makers |",
        "|---|---|---|---|",
    ]
    for name in REGIMES:
        usual, stated = (prediction_band(regime=name, stated=way) for way in (False, True))
        lines.append(
            f"| {name} | {usual.low:.2f} to {usual.high:.2f} | {stated.low:.2f} to {stated.high:.2f} | {usual.groups} |"
        )
    usual, stated = (coverage_left_out(stated=way) for way in (False, True))
    widths = " and ".join(
        f"{_half_width(stated=way):.1%} (wanted ≤ {wanted:.0%})"
        for way, wanted in ((False, 0.27), (True, 0.22))
    )
    return [
        *lines,
        "",
        f"Of all rows, each predicted and judged without its own maker (at most 60 of one), the band holds {usual[0]:.0%}",
        f"(makers counted alike {usual[1]:.0%}); with the version given {stated[0]:.0%} ({stated[1]:.0%}).",
        f"Mean half-width over rows, vTrain's left out, by default and with the version given: {widths}.",
    ]


def _half_width(*, stated: bool) -> float:
    """Mean over the rows of (high - low) / 2 of their regime's band, vTrain's left out."""
    known = shipped_residuals(stated=stated)
    regimes = known.regimes[known.makers != maker_of("vTrain ground truth (single-node)")]
    bands = {name: prediction_band(regime=name, stated=stated) for name in set(regimes)}
    return float(np.mean([(bands[name].high - bands[name].low) / 2.0 for name in regimes]))


def _beside_calculon() -> list[str]:
    return [
        "",
        "## Beside Calculon",
        "",
        "Calculon (2024-02) on the rows that it can express, as measured for this project's references; ours with",
        "the maker left out and the version given, on all rows of those sources that are not of ZeRO-3.",
        "",
        "| rows | n | Calculon | gigawatt |",
        "|---|---|---|---|",
        *(f"| {name} | {n} | {theirs} | {ours:.1%} |" for name, theirs, n, ours in calculon()),
    ]


def _numbers(fitted: Mapping[str, Any]) -> list[str]:
    lines = [
        "",
        "## What is fitted",
        "",
        f"{fitted['free']} numbers of flags are free, each shared by every framework that has the flag on. How strongly their priors",
        "draw is chosen on makers left out, weighted mean error by what a step from the prior costs: "
        + ", ".join(f"{float(cost):g}: {error:.2%}" for cost, error in fitted["tried"].items())
        + ".",
        f"With {fitted['shrink']:g}, {fitted['fitted']} of them leave their priors (`software_fit`)"
        + (
            ": priors from ablations and code predict an unseen maker as well as any fit to the others."
            if not fitted["fitted"]
            else "."
        ),
    ]
    if not fitted["fitted"]:
        return lines
    lines += ["", "| flag and value | quantity | fitted | prior | from | to |", "|---|---|---|---|---|---|"]
    for row in table("software_fit").values():
        for name in row.numbers:
            one, prior = row.evidence(name), table("software_values")[row.id].evidence(name)
            unit = f" {one.unit}" if one.unit else ""
            ends = " | ".join(
                f"{end * float(one.written) / one.value if one.value else end:.4g}"
                for end in (one.low or 0.0, one.high or 0.0)
            )
            lines.append(f"| {row.id} | {name} | {one.written}{unit} | {prior.written} | {ends} |")
    return lines


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
    """(rows, Calculon's error, number, our MAPE with the maker left out)."""
    with (ROOT / "validation/residuals.csv").open(newline="", encoding="utf-8") as stream:
        residuals = [row for row in csv.DictReader(stream) if row["software"] == "stated"]
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


def _cell(e: Mapping[str, float] | None, wanted: float | None = None) -> str:
    return f"{e['mape']:.1%}{' ✗' if wanted and e['mape'] > wanted else ''}" if e else ""


def _share(wanted: float | None) -> str:
    return f"≤ {wanted:.1%}" if wanted else ""


def _row(name: str, n: int, e: Mapping[str, float]) -> str:
    return (f"| {name} | {n} | {e['mape']:.1%} | {e['median_ape']:.1%} | {e['p90_ape']:.1%} | "
            f"{e['bias']:+.1%} |")  # fmt: skip


SIDE, LEFT, TOP = 300.0, 54.0, 34.0
COLOURS = {"maker left out": "#2563eb", "kept apart": "#d97706"}


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

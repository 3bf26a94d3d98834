"""docs/scorecard-parts.md: kernels, memory, collectives and power beside measurements, as `validate` prints them.

    python benchmarks/part_scorecards.py [--kernels FOLDER]

``--kernels`` judges all shapes that no fit saw of the measured tables instead of the shipped sample.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def card(table: str, rows: Path | None = None) -> dict[str, Any]:
    """What ``gigawatt validate TABLE --json`` answers."""
    command = [str(Path(sys.executable).with_name("gigawatt")), "validate", table, "--json"]
    command += ["--rows", str(rows)] if rows else []
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def percent(value: float | None) -> str:
    """A share in per cent, nothing where there is none."""
    return "" if value is None else f"{100.0 * value:.1f} %"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """A Markdown table."""
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return [*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)]


def kernels(found: Mapping[str, Any], whole: bool) -> list[str]:
    """Errors of kernels by operation, device and format, and of devices left out."""
    what = "all shapes that no fit saw" if whole else "the shipped sample of shapes that no fit saw"
    head = ("operation", "format", "device", "n", "median", "p90", "bias", "median as used", "p90 as used")
    rows = [
        (g["operation"], g["format"], g["device"], f"{g['rows']:,}", percent(g["median"]), percent(g["p90"]),
         percent(g["bias"]), percent(g["median_as_used"]), percent(g["p90_as_used"]))
        for g in found["groups"]
    ]  # fmt: skip
    out = [
        "## Kernels",
        "",
        f"`gigawatt validate kernels` on {what}. *As measured*: with the terms of the framework that timed it;",
        "*as used*: the kernel of the catalog alone, the middle of the frameworks.",
        "",
        *table(head, rows),
    ]
    fit = found["fit"]
    out += [
        "",
        *table(("operation", "format", "n", "median", "p90", "bias", "median as used", "p90 as used"), (
            (g["operation"], g["format"], f"{g['rows']:,}", percent(g["median"]), percent(g["p90"]),
             percent(g["bias"]), percent(g["median_as_used"]), percent(g["p90_as_used"]))
            for g in found["totals"])),
        "",
        f"{fit['numbers_fitted']:,} numbers are fitted, {fit['numbers_of_sources']:,} of frameworks beside them.",
    ]  # fmt: skip
    apart = fit["devices_left_out"]
    if apart:
        names = ("operation", "format", "device", "by", "median", "p90")
        cells = [
            (
                g["operation"],
                g["format"],
                g["device"],
                g["fitted_to"],
                percent(g["median"]),
                percent(g["p90"]),
            )
            for g in apart
        ]
        out += [
            "",
            "A device left out, by the fits of its own generation or of others:",
            "",
            *table(names, cells),
        ]
    return out


def others() -> list[str]:
    """Memory, collectives, power."""
    memory, links, power = card("memory"), card("collectives"), card("power")
    head = ("source", "counted", "role", "n", "MAPE", "median", "p90", "bias")
    out = ["", "## Peak memory", "", *table(head, (
        (g["source"], g["counted"], g["role"], g["n"], percent(g["mape"]), percent(g["median_ape"]),
         percent(g["p90_ape"]), percent(g["bias"])) for g in memory["groups"]))]  # fmt: skip
    judged = memory["by_role"]["judge"]
    out += ["", f"All judging rows: mean {percent(judged['mape'])}, median {percent(judged['median_ape'])}, "
            f"p90 {percent(judged['p90_ape'])}, bias {percent(judged['bias'])}."]  # fmt: skip
    out += ["", "## Collectives", "", *table(("part", "role", "n", "median", "p90", "bias"), (
        (g["part"], "fit" if g["fitted"] else "judge", g["rows"], percent(g["median"]), percent(g["p90"]),
         percent(g["bias"])) for g in links["groups"]))]  # fmt: skip
    out += ["", "## Power and clocks", "", *table(("what", "role", "n", "MAPE", "median", "p90", "bias"), (
        (g["what"], g["use"], g["n"], percent(g["mape"]), percent(g["median_ape"]), percent(g["p90_ape"]),
         percent(g["bias"])) for g in power["groups"]))]  # fmt: skip
    return out


def main() -> None:
    """Judge and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kernels", type=Path, help="folder of the measured kernels (Parquet)")
    given = parser.parse_args()
    text = io.StringIO()
    text.write(
        "# Scorecards of the parts\n\nWritten by `python benchmarks/part_scorecards.py`. Errors are of "
    )
    text.write("times (kernels, collectives), bytes (memory), time, joules and watts (power).\n\n")
    lines = kernels(card("kernels", given.kernels), given.kernels is not None) + others()
    (ROOT / "docs/scorecard-parts.md").write_text(text.getvalue() + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

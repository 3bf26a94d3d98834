"""docs/substrates.md and .svg: every substrate on one scale, quality against joules and dollars, with ranges.

    python benchmarks/substrates_table.py [--model NAME] [--output FOLDER]

Reads stored runs; a few seconds. The runs themselves: benchmarks/measure_formats.py and its kin.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
from pathlib import Path

from gigawatt.chain.machine.technologies import CAVEAT, Comparison, Row, compare, with_bands
from gigawatt.faces.figures.readable import significant
from gigawatt.studies.technologies.figures import WORST
from scatter_svg import Point, scatter_svg

ROOT = Path(__file__).resolve().parents[1]
BATCHES = (1.0, 64.0)

HEAD = """# All substrates on one scale

Made by `python benchmarks/substrates_table.py`; do not edit. `gigawatt technologies compare --bands` prints the same
for any model, chip and batch.

Quality is perplexity over that of the model as trained, {caveat}. Energy and money are of one token of {model} that
decodes beside {chip} (the machine itself, or the host of what is not digital), {context:,.0f} tokens of context, at
system scope: links, the node's share and cooling are in it. Ranges are those that the ranges of catalog rows leave,
each row for itself ([how](technologies.md)); an unmeasured value is a guess with a wide range. *Front*: no other
substrate is as good in both quality and joules (J) or dollars ($).
"""


def numbers(row: Row, kind: str, scale: float) -> str:
    """``value (low to high)`` at system scope."""
    band = row.bands[f"{kind} system"]
    value, low, high = (significant(x * scale) for x in (band.value, band.low, band.high))
    return f"{value} ({low} to {high})"


def table(found: Comparison) -> list[str]:
    """Rows of one batch, cheapest first."""
    lines = [
        f"## Batch {found.batch:g}",
        "",
        "| substrate | technology | perplexity | mJ/token | $/M tokens | ms a token | on it | front |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(found.rows, key=lambda one: one.cost.joules("system")):
        q = row.quality
        quality = "not run" if q is None else f"× {q.ratio:.3f} ({q.low:.3f} to {q.high:.3f})"
        if q is not None and q.ratio > WORST:
            quality = f"over × {WORST:g}"
        fronts = {"joules system": "J", "dollars system": "$"}
        lines.append(
            f"| {row.substrate.id} | {row.cost.technology.replace('_', ' ')} | {quality} | "
            f"{numbers(row, 'joules', 1e3)} | {numbers(row, 'dollars', 1e6)} | "
            f"{row.cost.step_time * 1e3:.3g} | {100 * row.cost.mapped_energy:.0f} % | "
            f"{' '.join(mark for name, mark in fronts.items() if name in row.fronts)} |"
        )
    if found.refused:
        lines += ["", *(f"Without a cost: {name} ({reason})." for name, reason in found.refused)]
    return [*lines, ""]


def drawing(found: Comparison, kind: str, unit: str, scale: float) -> str:
    """Quality against joules or dollars of those that somebody ran and that are of use."""
    points = [
        Point(
            row.substrate.id,
            row.cost.technology.replace("_", " "),
            row.bands[f"{kind} system"].value * scale,
            row.quality.ratio,
            (row.bands[f"{kind} system"].low * scale, row.bands[f"{kind} system"].high * scale),
            (row.quality.low, row.quality.high),
            f"{kind} system" in row.fronts,
        )
        for row in found.rows
        if row.quality is not None and row.quality.ratio <= WORST
    ]
    title = f"Perplexity against {unit}, batch {found.batch:g}"
    return scatter_svg(points, title=title, x=unit, y="perplexity over that as trained")


def main() -> None:
    """Compare, move every row, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="llama-3.1-8b")
    parser.add_argument("--output", type=Path, default=ROOT / "docs")
    given = parser.parse_args()
    found = [with_bands(compare(model=given.model, batch=batch)) for batch in BATCHES]
    first = found[0]
    text = [HEAD.format(caveat=CAVEAT, model=first.model, chip=first.chip, context=first.context)]
    for one in found:
        for kind, unit, scale in (("joules", "mJ/token", 1e3), ("dollars", "$/million tokens", 1e6)):
            name = f"substrates-{kind}-{one.batch:g}.svg"
            (given.output / name).write_text(drawing(one, kind, unit, scale), encoding="utf-8")
            text.append(f"![Perplexity against {unit} at batch {one.batch:g}]({name})\n")
        text += table(one)
    (given.output / "substrates.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()

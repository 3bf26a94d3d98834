"""docs/scorecard-serving.md: `gigawatt validate serving` as a page, with running requests laid over measured ones.

python benchmarks/serving_scorecard.py
"""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gigawatt.validation.serving.card import ServingLine, validate_serving
from gigawatt.validation.serving.open_loop import Replay, replays

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/scorecard-serving.md"
FIGURES = ROOT / "docs/scorecard"
WANTED = {
    ("tpot", "silicon"): "median ≤ 10 %, p90 ≤ 25 %",
    ("ttft", "silicon"): "median ≤ 25 %",
    ("throughput", "v1.0"): "median ≤ 15 %",
    ("throughput", "v0.17"): "median ≤ 15 %",
    ("ttft", "below saturation"): "≤ 20 %",
    ("tpot", "below saturation"): "≤ 10 %",
    ("mean tpot", "request"): "≤ 6 %",
    ("mean ttft", "request"): "≤ 20 %",
}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 260, 50, 34, 16


def percent(value: float) -> str:
    """A share in per cent."""
    return f"{100.0 * value:.1f} %"


def table(lines: Iterable[ServingLine], *, wanted: bool = False) -> list[str]:
    """Lines as a Markdown table."""
    head = [
        "metric",
        "source",
        "accelerator or model",
        "use",
        "n",
        "median",
        "p90",
        "bias",
        *(["wanted"] if wanted else []),
    ]
    found = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for line in lines:
        cells = [
            line.metric,
            line.source,
            line.accelerator,
            line.use,
            f"{line.rows:,}",
            percent(line.median),
            percent(line.p90),
            f"{100.0 * line.bias:+.1f} %",
        ]
        if wanted:
            cells.append(
                next((w for (m, s), w in WANTED.items() if m == line.metric and s in line.source), "")
            )
        found.append("| " + " | ".join(cells) + " |")
    return found


def svg(replay: Replay) -> str:
    """Running requests by the second, measured and predicted."""
    series = replay.outcome.series
    at, predicted = (np.arange(len(series)) + 1.0) * series.bin, series.running
    last = max(at[-1], replay.seconds[-1])
    most = 1.1 * max(predicted.max(), replay.running.max())

    def path(x: np.ndarray, y: np.ndarray) -> str:
        px = LEFT + x / last * (WIDTH - LEFT - 12)
        py = HEIGHT - BOTTOM - y / most * (HEIGHT - BOTTOM - TOP)
        return "M" + " L".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))

    ticks = "".join(
        f'<text x="{LEFT + f * (WIDTH - LEFT - 12):.0f}" y="{HEIGHT - 16}" text-anchor="middle">{f * last:.0f}</text>'
        for f in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    levels = "".join(
        f'<text x="{LEFT - 6}" y="{HEIGHT - BOTTOM - f * (HEIGHT - BOTTOM - TOP) + 4:.0f}" text-anchor="end">{f * most:.0f}</text>'
        for f in (0.0, 0.5, 1.0)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11" fill="#59636e">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<path d="{path(replay.seconds, replay.running)}" fill="none" stroke="#57606a" stroke-width="2"/>'
        f'<path d="{path(at, predicted)}" fill="none" stroke="#0072b2" stroke-width="2"/>{ticks}{levels}'
        f'<text x="{WIDTH - 12}" y="{TOP}" text-anchor="end">grey: measured, blue: predicted; running requests over seconds</text></svg>\n'
    )


def main() -> None:
    """Write the page and its figures."""
    card = validate_serving()
    page = [
        "# Scorecard: serving",
        "",
        "Written by `python benchmarks/serving_scorecard.py`; `gigawatt validate serving` prints the same for the shipped rows,",
        "`--rows FILE` for any others. Errors are |predicted/measured − 1|; bias is the geometric mean of predicted/measured less one.",
        f"{card.rows:,} rows: {card.predicted:,} predicted, {sum(card.refused.values()):,} refused"
        + "".join(f"; {reason} ({count:,})" for reason, count in card.refused.items())
        + ".",
        f"{card.fitted} numbers of engines are fitted (`benchmarks/fit_engines.py`) to groups (a model on an accelerator under an engine)",
        "whose name has an even CRC-32; rows of use *judge* are of the others, which no fit saw.",
        "",
        "Closed loops go through the event engine as their client runs them: all slots send at once, ten requests a slot, lengths",
        "from 0.8 of the nominal ones. Time to first token (ttft) is a mean over all of them unless the row says median, with what the",
        "first wave waits for kernels at their first use (`cold` of the engine). tpot is the mean time between tokens of a request.",
        "",
        "## By metric and source",
        "",
        *table((*card.totals, *card.runs, *card.replays), wanted=True),
        "",
    ]
    FIGURES.mkdir(exist_ok=True)
    for replay in replays():
        name = f"serving-{replay.name.lower()}.svg"
        (FIGURES / name).write_text(svg(replay), encoding="utf-8")
        page += [f"![Running requests of {replay.name}, measured and predicted](scorecard/{name})", ""]
    page += ["## By accelerator", "", *table(card.lines), "", "## By model", "", *table(card.models), ""]
    if card.left_out:
        page += [
            "## An accelerator left out of the fit",
            "",
            "| metric, source, accelerator, engine | n | median | p90 | bias |",
            "|---|---|---|---|---|",
            *(
                f"| {key.replace(' | ', ', ')} | {e['n']:,} | {percent(e['median_ape'])} | {percent(e['p90_ape'])} | {100 * e['bias']:+.1f} % |"
                for key, e in card.left_out.items()
            ),
            "",
        ]
    PAGE.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()

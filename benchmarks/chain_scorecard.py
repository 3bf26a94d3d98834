"""docs/scorecard-chain.md and validation/chain_residuals.csv: `gigawatt validate chain` on the shipped cases.

python benchmarks/chain_scorecard.py
"""

# ruff: noqa: E501
from __future__ import annotations

import csv
from pathlib import Path
from statistics import fmean, median

from gigawatt import catalog
from gigawatt.validation.chain.band import RESIDUALS, whole_run_band
from gigawatt.validation.chain.card import ChainFigure, ChainSummary, chain_card
from gigawatt.validation.files import data_folder, table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/scorecard-chain.md"
_OF_A_RUN = ("gpu_hours", "days", "mwh")
_MORE_THAN_ONE_PASS = "llama3"
"""First letters of cases whose hours hold more than one clean pass over the tokens: no run's overhead."""
HEAD = "case,quantity,boundary,unit,published,predicted,whole_run"


def percent(value: float | None) -> str:
    """A share in per cent."""
    return "" if value is None else f"{100.0 * value:.0f} %"


def figures() -> list[ChainFigure]:
    """Every shipped figure that can be asked."""
    return list(chain_card().detail)


def residuals(found: list[ChainFigure]) -> list[dict[str, str]]:
    """Figures that are no products of others, beside ours; those of hours, days and energies are of the run."""
    return [
        {"case": one.case, "quantity": one.quantity, "boundary": one.boundary, "unit": one.unit,
         "published": f"{one.published:.6g}", "predicted": f"{one.predicted:.6g}",
         "whole_run": "yes" if one.quantity in _OF_A_RUN and one.boundary != "ideal" else ""}
        for one in found
        if not one.derived and one.published > 0.0
    ]  # fmt: skip


def run_overhead(found: list[ChainFigure]) -> float:
    """What whole shipped runs took besides the steps and failures that are predicted, as a share of them.

    The median over systems of the mean of published hours or days over those predicted without an overhead.
    """
    held = 1.0 + catalog.entity("reliability", "whole-run").value("overhead")
    systems: dict[str, list[float]] = {}
    for one in found:
        final = one.boundary == "final run" and one.quantity in ("gpu_hours", "days") and not one.derived
        if final and not one.case.startswith(_MORE_THAN_ONE_PASS):
            systems.setdefault(one.case, []).append(held * one.published / one.predicted)
    return median(fmean(ratios) for ratios in systems.values()) - 1.0


def page() -> str:
    """The page."""
    card = chain_card()
    whole: ChainSummary = card.overall  # type: ignore[assignment]
    lines = [
        "# Scorecard: whole systems", "",
        "Written by `python benchmarks/chain_scorecard.py`; `gigawatt validate chain` prints the same,",
        "`--rows FILE` takes any table of the shape of `validation/chain.csv`. A published figure is compared with the",
        "scenario that a user would write from what is published beside it (model or its size, tokens, batch, precision,",
        "accelerators, layout and software where they are said, site, year), within its own boundary (`boundary` of a",
        "scenario).",
        "Cases whose name has an even CRC-32 ship; nothing is fitted to the others. What software offered in its year",
        "(now flags of `software_versions`) and which was usual in 2022 (`software_default`) were written with the errors of GPT-3, MT-NLG,",
        "OPT, BLOOM and GLM-130B known: these five cases do not judge them. One number is fitted to the systems below:",
        "what whole runs take besides their steps and failures (`training.overhead`), "
        f"{percent(run_overhead(list(card.detail)))} in their median.", "",
        f"{card.rows} figures: {card.predicted} predicted, {card.refused} refused. Each of {card.more['cases']} systems",
        f"counts once: predicted over published has a median of {whole.median_ratio:.2f}, {percent(whole.within25)} are",
        f"within a quarter, {percent(whole.coverage90)} lie in the 90 % band of the answer.", "",
        "## By quantity, kind and boundary", "",
        "Derived figures are hours × power limit × factors: they repeat their hours and do not count.", "",
        "| quantity, kind, boundary | n | median ratio | within 25 % | in the 90 % band |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for group in card.groups:
        errors: ChainSummary = group.summary  # type: ignore[assignment]
        name = group.group.replace(" | ", ", ")
        lines.append(
            f"| {name} | {errors.n} | {errors.median_ratio:.2f} | {percent(errors.within25)} | {percent(errors.coverage90)} |"
        )
    lines += ["", "## Figure by figure", "", "| system | quantity | boundary | published | predicted | 90 % | ratio |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    for one in card.detail:
        band = "" if one.low is None else f"{one.low:.4g} to {one.high:.4g}"
        boundary = f"{one.boundary}, derived" if one.derived else one.boundary
        lines.append(
            f"| {one.case} | {one.quantity} [{one.unit}] | {boundary} | {one.published:.5g} | "
            f"{one.predicted:.5g} | {band} | {one.ratio:.2f} |"
        )
    lines += ["", "## Refused", "", "| rows | reason | first |", "|---|---|---|"]
    first = card.refusals.first
    lines += [
        f"| {count} | {reason} | {first.get(reason, '').replace('|', ',')} |"
        for reason, count in card.refused_reasons.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write residuals, then the page that has their band."""
    file = data_folder() / RESIDUALS
    if not file.is_file():
        file.write_text(f"{HEAD}\n", encoding="utf-8")
    rows = residuals(figures())
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    table.cache_clear()
    whole_run_band.cache_clear()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"overhead of whole runs: {100.0 * run_overhead(figures()):.1f} %")


if __name__ == "__main__":
    main()

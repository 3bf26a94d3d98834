"""Write ``docs/outlook-2030s.md`` and ``docs/outlook-2040s.md``: run from the repository's root.

python benchmarks/outlook_decades.py [draws]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gigawatt.studies.outlook.figures_decades import GROUPS, share_text, wanted_rows
from gigawatt.studies.outlook.outlook import OutlookResult, outlook

_FILES = {"2030s": (2030, 2032, 2035, 2037, 2039), "2040s": (2040, 2042, 2045, 2047, 2049)}
_CAVEAT = {
    "2030s": "Most rows are judgement. The shares of draws are no odds: they say what follows from the rows.",
    "2040s": "A band of the 2040s is conditional on rows that cannot be tested today. It is no forecast.",
}


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    def line(cells: list[str] | tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"

    return [line(heads), "|" + "---|" * len(heads), *(line(row) for row in rows), ""]


def _bands(result: OutlookResult, years: tuple[int, ...]) -> list[str]:
    out: list[str] = []
    for title, names in GROUPS.items():
        rows = []
        for name in names:
            cells = []
            for year in years:
                band = result.band(name, year)
                low, middle, high = (_low(band[q], result.errors[name]) for q in (0.05, 0.5, 0.95))
                cells.append(f"{middle} ({low}–{high})")
            rows.append([result.words[name].split(":")[0], *cells])
        out += [f"**{title}**, median (5 to 95 %)", "", *_table(("", *map(str, years)), rows)]
    return out


def _low(share: float, bin_width: float) -> str:
    return "0" if share < bin_width else share_text(share)


def page(result: OutlookResult, decade: str) -> str:
    """The document of a decade."""
    told: dict[str, Any] = result.decades[decade]
    rows = [
        [row["words"], row["definition"], share_text(row["share"]), row["note"]]
        for row in told["expectations"]
    ]
    lines = [
        f"# The {decade}",
        "",
        f"Made by `python benchmarks/outlook_decades.py {result.draws}`: scenario {result.scenario}, "
        f"{result.draws:,} draws, seed {result.seed}. How, and from what: [adoption](outlook-adoption.md).",
        "",
        f"**{_CAVEAT[decade]}**",
        "",
        "## Shares",
        "",
        *_bands(result, _FILES[decade]),
        "## Expectations",
        "",
        f"In how many draws what is commonly expected of the {decade} comes true.",
        "",
        *_table(("expectation", "means", "draws", "remark"), rows),
        f"## What would have to be true by {told['year']}",
        "",
        f"Of the first {told['compared']:,} draws: those in which a technology is big against the others. "
        "Medians of the quantities that tell them apart best; of chances the means. Lift: the chance that a "
        "draw in which it is big has the higher value of the two (0.5: no matter).",
        "",
        *_table(("technology", "big in", "quantity", "where big", "where not", "lift"), wanted_rows(told)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write both pages."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    result = outlook("base", draws)
    for decade in _FILES:
        Path("docs", f"outlook-{decade}.md").write_text(page(result, decade), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Accuracy: errors by package; fast checks are computed in the build, the others come from scorecards."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from gigawatt.validation import Card, validate
from gigawatt.validation.collectives import scorecard as collectives
from gigawatt.validation.power.training import errors, power_scorecard
from gigawatt.validation.training.band import coverage_left_out, prediction_band
from gigawatt.validation.training.regimes import REGIMES

__all__ = ["evidence_page"]

DOCS = Path(__file__).parent.parent

#: Parts that take a few seconds; the others are run by `gigawatt validate` alone.
SUPPLY = ("resource", "plants", "building", "plan")
TECHNOLOGIES = (
    "cost", "near_memory", "formats", "analog", "optics", "neuromorphic",
    "quantum.energies", "quantum.estimates", "quantum.speed_ups", "chiplets", "shipping",
)  # fmt: skip
OUTLOOK = ("costs", "records", "growth", "energy")


def written(page: str, heading: str, number: int = 0) -> list[str]:
    """The lines of a table of a page: the ``number``-th below a heading.

    Raises
    ------
    LookupError
        The page has no such table: it was rewritten under other headings.
    """
    text = (DOCS / page).read_text(encoding="utf-8")
    below = re.split(rf"^## {re.escape(heading)}$", text, maxsplit=1, flags=re.M)
    if len(below) < 2:
        raise LookupError(f"{page} has no heading {heading!r}")
    section = re.split(r"^## ", below[1], maxsplit=1, flags=re.M)[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, re.M)
    return tables[number].rstrip("\n").split("\n")


def _percent(value: float) -> str:
    return f"{100.0 * value:.1f} %"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def _rows(table: list[str], *kept: str) -> list[str]:
    """The head of a table and the lines that hold one of ``kept``."""
    return [*table[:2], *(line for line in table[2:] if any(word in line for word in kept))]


def _groups(card: Card) -> Iterable[str]:
    yield "| part | checks | within tolerance | judging | of them within |"
    yield "|---|--:|--:|--:|--:|"
    for group in card.groups:
        yield (
            f"| {group.group} | {group.summary.n} | {group.more['passed']} "
            f"| {group.more['judging']} | {group.more['judging_passed']} |"
        )


def _misses(cards: Iterable[tuple[str, Card]]) -> Iterable[str]:
    yield "| room | part | what | ours | published | unit | error | tolerance |"
    yield "|---|---|---|--:|--:|---|--:|--:|"
    for room, card in cards:
        for one in card.checks or ():
            if not one.ok:
                what, unit = (text.replace("|", "\\|") for text in (one.what, one.unit))
                yield (
                    f"| {room} | {one.part} | {what} | {_number(one.ours)} | {_number(one.published)} "
                    f"| {unit} | {_percent(one.error)} | {_percent(one.tolerance)} |"
                )


def _bands() -> Iterable[str]:
    rows, sources = coverage_left_out()
    yield "| regime | factor below | factor above | makers |"
    yield "|---|--:|--:|--:|"
    for regime in REGIMES:
        band = prediction_band(regime=regime)
        yield f"| {regime} | {band.low:.3f} | {band.high:.3f} | {band.groups} |"
    yield ""
    yield (
        f"Made without a row's own maker, such bands held {_percent(rows)} of the rows and "
        f"{_percent(sources)} where every maker counts alike; 90 % is aimed at "
        "([how](model/errors.md#bands))."
    )


def _power() -> Iterable[str]:
    yield "| what | rows that judge | median | p90 | bias |"
    yield "|---|--:|--:|--:|--:|"
    judged = power_scorecard(None)
    for what in sorted({row.what for row in judged if row.use == "judge"}):
        count = sum((row.what, row.use) == (what, "judge") for row in judged)
        found = errors(judged, what=what, use="judge")
        yield (
            f"| {what} under a cap | {count} | {_percent(found.median_ape)} | {_percent(found.p90_ape)} "
            f"| {_percent(found.bias)} |"
        )


def _collectives() -> Iterable[str]:
    yield "| machine | use | rows | median | p90 | bias |"
    yield "|---|---|--:|--:|--:|--:|"
    for one in collectives(None):
        use = "fitted" if one.fitted else "judges"
        yield (
            f"| {one.part} | {use} | {one.rows} | {_percent(one.median)} | {_percent(one.p90)} "
            f"| {_percent(one.bias)} |"
        )


@lru_cache(maxsize=1)
def _cards() -> tuple[Card, Card, Card]:
    return (
        validate("supply", parts=SUPPLY),
        validate("technologies", parts=TECHNOLOGIES),
        validate("outlook", parts=OUTLOOK),
    )


def evidence_page() -> str:
    """The page; its tables of *this build* were predicted while the site was built."""
    supply, technologies, outlook = _cards()
    lines = [
        "# Accuracy",
        "",
        "Every prediction is compared with measurements or published numbers. Tables of *this build* were "
        "predicted while this site was built, from the shipped rows; the others are read from the "
        "scorecards that take minutes. How rows are judged, and what a band is: [errors](model/errors.md). "
        "Comparison with other tools: [neighbours](neighbours.md).",
        "",
        "## Training",
        "",
        "Mean absolute error of the step time, predicted by a fit without its maker. "
        "[Scorecard](scorecard.md), `gigawatt validate training`.",
        "",
        *written("scorecard.md", "Wanted and reached, makers left out"),
        "",
        *written("scorecard.md", "Makers left out, software by default"),
        "",
        "Factors between which nine of ten measured steps lie, *this build*:",
        "",
        *_bands(),
        "",
        "## Serving",
        "",
        "[Scorecard](scorecard-serving.md), `gigawatt validate serving`; rows of use *judge* are held out.",
        "",
        *_rows(
            written("scorecard-serving.md", "By metric and source"),
            "aiconfigurator-core", "perf-overview.md (v0.17)", "at a rate", "request by request",
        ),
        "",
        "## Kernels and memory",
        "",
        "Kernels of held-out shapes ([parts](scorecard-parts.md), `gigawatt validate kernels`):",
        "",
        *written("scorecard-parts.md", "Kernels", 1),
        "",
        "Peak memory of training (`gigawatt validate memory`):",
        "",
        *written("scorecard-parts.md", "Peak memory"),
        "",
        "## Power and collectives",
        "",
        "*This build*, `gigawatt validate power` and `collectives`:",
        "",
        *_power(),
        "",
        *_collectives(),
        "",
        "## Building and supply",
        "",
        "Published numbers beside ours, *this build*. Judging: held-out numbers. "
        "`gigawatt validate supply` adds molten salt, fusion, space solar and power swings within seconds.",
        "",
        *_groups(supply),
        "",
        "## Technologies",
        "",
        "*This build*; `gigawatt validate technologies` adds photonic machines and stacked memory.",
        "",
        *_groups(technologies),
        "",
        "## The outlook",
        "",
        "Hindcasts and published growth, *this build*; `gigawatt validate outlook` adds the Monte Carlo, "
        "adoption and society. [Hindcasts](hindcasts.md) test the forecasts on the past.",
        "",
        *_groups(outlook),
        "",
        "## Outside their tolerance",
        "",
        "Checks of this build. Failing rows are kept.",
        "",
        *_misses((("supply", supply), ("technologies", technologies), ("outlook", outlook))),
        "",
    ]  # fmt: skip
    return "\n".join(lines)

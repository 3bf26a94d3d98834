"""The tables of docs/hindcasts.md, between its marks; and how often growth changes its rate.

python benchmarks/hindcast_tables.py            # writes the tables anew
python benchmarks/hindcast_tables.py --hazard   # evidence of cost series by hazard (some 30 CPU-seconds)
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gigawatt import catalog
from gigawatt.outlook.forecasts.growth import fit_growth, growth_correlation
from gigawatt.outlook.forecasts.hindcast import BINS, MODELS, cost_hindcast
from gigawatt.outlook.forecasts.records import record_hindcast
from gigawatt.outlook.forecasts.regimes import RegimePrior, fit_regimes
from gigawatt.outlook.series import cost_series, list_records, quarters
from gigawatt.outlook.society.concentration import concentration
from gigawatt.validation.outlook.energy import TABLE, run_energy
from gigawatt.validation.outlook.growth import exponent
from gigawatt.validation.outlook.records import above

PAGE = Path(__file__).resolve().parents[1] / "docs" / "hindcasts.md"
HAZARDS = (0.0, 0.01, 0.03, 0.05, 0.07, 0.15)
SPREADS = (0.3, 1.0, 3.0)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])


def costs() -> str:
    """Scores of every model, and coverage by horizon."""
    done = cost_hindcast()
    rows = []
    for model in MODELS:
        whole = done.score(model)
        bins = [done.score(model, one) for one in BINS]
        rows.append(
            (model.replace("_", " "), f"{whole.error_each:.3f} / {whole.error:.3f}", f"{whole.crps_each:.3f} / {whole.crps:.3f}",
             f"{whole.width:.2f}", *(f"{one.coverage_each:.2f} / {one.coverage:.2f}" for one in bins))
        )  # fmt: skip
    head = ["model", "abs. ln error", "CRPS", "width [ln]"]
    head += [f"{low} y" if low == high else f"{low}–{high} y" for low, high in BINS]
    return table(head, rows)


def records() -> str:
    """Coverage, width and CRPS of regimes beside a walk and a line."""
    rows = []
    for name in list_records():
        if name == "ai_compute_stock":
            continue
        done = record_hindcast(name)
        cells = [
            f"{done.mean('covered', m):.2f} / {done.mean('width', m):.2f} / {done.mean('crps', m):.2f}"
            for m in ("regimes", "walk", "trend")
        ]
        rows.append((name, len(done.actual), *cells))
    return table(("record", "n", "regimes: coverage / width / CRPS", "random walk", "trend line"), rows)


def ahead() -> str:
    """Growth from here: factor a year, 5 / 50 / 95 %, over 5 and 25 years."""
    rows = []
    for name in (*list_records(), *catalog.table("hindcast_electricity")):
        if name == "us_lbnl_2016":
            continue
        made = fit_growth(name)
        drawn = made.sample(np.random.Generator(np.random.Philox(1)), 50_000, 25)
        cells = [
            " / ".join(f"{np.exp(x / h):.2f}" for x in np.quantile(drawn[:, h - 1], [0.05, 0.5, 0.95]))
            for h in (5, 25)
        ]
        rows.append((name, made.last_year, f"{made.last_value:.3g} {made.unit}", *cells))
    return table(("series", "from", "value", "over 5 years", "over 25 years"), rows)


def replay() -> str:
    """Probability left above what came."""
    cases = (
        ("us_lbnl_2016", 2014, 4, 76 / 70, "76 TWh in 2018, from the report's 70"),
        ("us_lbnl_2016", 2014, 4, 76 / 58, "growth from 58 to 76 TWh by 2018"),
        ("us_data_centre_electricity", 2016, 7, 176 / 60, "176 TWh in 2023, from 60 in 2016"),
        ("us_data_centre_electricity", 2018, 5, 176 / 76, "176 TWh in 2023, from 76 in 2018"),
        ("world_data_centre_electricity", 2024, 6, 945 / 415, "IEA's 945 TWh in 2030, from 415 in 2024"),
    )
    rows = [
        (what, until, f"{100 * above(name, until, years, ratio):.1f} %")
        for name, until, years, ratio, what in cases
    ]
    return table(("what", "data to", "mass above"), rows)


def energy() -> str:
    """The twelve runs."""
    rows = []
    found = {key: run_energy(row) for key, row in catalog.table(TABLE).items()}
    for key, one in found.items():
        row = catalog.table(TABLE)[key]
        pue = row.value("pue")
        rows.append(
            (row.text("name"), row.text("chip"), row.text("boundary") + (f", PUE {pue:g}" if pue > 1 else ""),
             f"{row.text('architecture')}", f"{one.mfu:.2f}", f"{one.goodput:.2f}", f"{one.chip_hours:,.0f}",
             f"{one.drawn / one.chip_hours / 3600:.0f}", f"{one.ours / 3.6e9:,.0f}", f"{one.published / 3.6e9:,.0f}", f"{one.ratio:.2f}")
        )  # fmt: skip
    median = float(np.median([one.ratio for one in found.values()]))
    head = (
        "run",
        "chip",
        "boundary",
        "architecture",
        "our MFU",
        "goodput",
        "chip-hours",
        "W a chip",
        "ours [MWh]",
        "published",
        "ratio",
    )
    return table(head, rows) + f"\n\nMedian ratio {median:.2f}."


def owners() -> str:
    """Concentration by year's first quarter, and now."""
    rows = []
    for quarter in quarters():
        if quarter[5:7] in ("03", "12") or quarter == quarters()[-1]:
            one = concentration(quarter)
            rows.append(
                (quarter, f"{one.total / 1e6:.2f}", f"{one.hhi_low:,.0f} – {one.hhi_high:,.0f}",
                 f"{one.hhi_low_5:,.0f} – {one.hhi_low_95:,.0f}",
                 *(f"{100 * one.largest[k]:.0f} % [{100 * one.largest_low[k]:.0f}–{100 * one.largest_high[k]:.0f}]" for k in (1, 5)))
            )  # fmt: skip
    return table(
        (
            "quarter",
            "million H100e",
            "HHI: unnamed small – as one",
            "5–95 % of the low one",
            "largest",
            "five largest",
        ),
        rows,
    )


def value() -> str:
    """Exponents."""
    rows = []
    for what, first in (("11 points", False), ("12 points, with March 2023", True)):
        middle, low, high, above_one = exponent(with_first=first)
        rows.append((what, f"{middle:.2f}", f"{low:.2f} – {high:.2f}", f"{above_one:.2f}"))
    return table(("OpenAI, revenue over weekly users", "beta", "5–95 %", "P(beta > 1)"), rows)


def correlation() -> str:
    """Between AI records."""
    names, matrix = growth_correlation()
    return table(
        ("", *names), [(name, *(f"{x:.2f}" for x in row)) for name, row in zip(names, matrix, strict=True)]
    )


def hazard() -> str:
    """ln evidence of the cost series without holes by hazard and spread; their own mean and noise in the prior."""
    row = catalog.entity("hindcast", "regimes")
    thetas = tuple(
        np.linspace(row.value("theta_low"), row.value("theta_high"), int(row.value("theta_count")))
    )
    series = [
        np.diff(one.cost)[-60:]
        for one in cost_series()
        if len(one.years) >= 10 and np.max(np.diff(one.years)) == 1
    ]

    def evidence(spread: float, rate: float) -> float:
        return sum(
            fit_regimes(
                g,
                RegimePrior(
                    float(g.mean()), spread, float(g.std(ddof=1)), row.value("freedom"), rate, thetas
                ),
            ).evidence
            for g in series
        )

    rows = [(f"{s:g}", *(f"{evidence(s, h):.0f}" for h in HAZARDS)) for s in SPREADS]
    return f"{len(series)} series\n\n" + table(("spread", *(f"hazard {h:g}" for h in HAZARDS)), rows)


PARTS = {
    "costs": costs, "records": records, "ahead": ahead, "replay": replay, "energy": energy, "owners": owners,
    "value": value, "correlation": correlation,
}  # fmt: skip


def main() -> None:
    """Write the tables, or print the evidence by hazard."""
    options = argparse.ArgumentParser()
    options.add_argument("--hazard", action="store_true")
    if options.parse_args().hazard:
        print(hazard())
        return
    text = PAGE.read_text(encoding="utf-8")
    for name, make in PARTS.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        head, rest = text.split(start)
        _, tail = rest.split(end)
        text = f"{head}{start}\n{make()}\n{end}{tail}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

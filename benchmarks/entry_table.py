"""docs/new-sources.md: when molten salt, fusion and space solar would enter the cheapest supply of five sites.

    python benchmarks/entry_table.py [--site NAME …] [--output FILE]

50 plans of a year each; a few minutes.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
from pathlib import Path

from gigawatt.core.errors import GigawattError
from gigawatt.studies.supply.entry import Entry, entries
from gigawatt.studies.supply.question import read_supply_question

ROOT = Path(__file__).resolve().parents[1]
SITES = ("abilene-texas", "virginia", "iron-range-minnesota", "karlsruhe", "gujarat")
YEARS = (2030, 2035, 2040, 2045, 2050)
LIMITS = (None, 20)
OLD = ("grid", "solar", "wind", "battery", "gas-combined-cycle", "gas-engine", "fission-small")
NEW = ("fission-molten-salt", "fusion", "space-solar")

HEAD = """# When the new sources would enter

Made by `python benchmarks/entry_table.py`; do not edit. A flat 1 GW at the meter, the cheapest supply out of {old}, without a limit on
carbon and under 20 g/kWh. Beside it each new plant: the capital cost at which its first watt would be built, read from the prices
of the plan's hours, its fixed cost falling alike, and what the catalog expects of the year. In **bold** where it enters in the
middle of its range, with \\* where only at the low end. Least loads and ramps are left out, which flatters the reactors a little. Years before a
plant can exist (space solar about 2041, lead time; fusion 2031 to 2051) are shown all the same: they say what it
would have to cost. Reactors are offered where the law bars them (Karlsruhe, Minnesota), for the same reason.

| $/kW expected | {years} |
|---|{rule}|
{expected}
"""


def cell(one: Entry) -> str:
    """``8,900`` where the plant's first watt is built at that many $/kW."""
    text = f"{one.enters_at * 1e3:,.0f}"
    return {"yes": f"**{text}**", "at its low end": f"{text} \\*", "no": text}[one.enters]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--site", action="append", help="a site; all five where left out")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "new-sources.md")
    asked = parser.parse_args()
    expected: dict[tuple[str, int], Entry] = {}
    body: list[str] = []
    for site in asked.site or SITES:
        body += [
            f"\n## {site}\n",
            "| g/kWh | plant | " + " | ".join(map(str, YEARS)) + " |",
            "|---|---|" + "---|" * len(YEARS),
        ]
        for limit in LIMITS:
            cells: dict[str, list[str]] = {name: [] for name in ("$/MWh", *NEW)}
            names: dict[str, str] = {}
            for year in YEARS:
                question = read_supply_question(
                    site=site,
                    load="1 GW",
                    year=year,
                    plants=(*OLD, *NEW),
                    ordered="any",
                    settings={"supply.allow": ["fission-small", *NEW]},
                    carbon=None if limit is None else f"{limit} g/kWh",
                )
                try:
                    found, made = entries(question, NEW)
                except GigawattError as error:
                    for row in cells.values():
                        row.append(error.message)
                    continue
                cells["$/MWh"].append(f"{found.plan.cost_per_energy * 3.6e9:.0f}")
                for one in made:
                    cells[one.plant].append(cell(one))
                    names[one.plant] = one.name
                    expected[one.plant, year] = one
                print(site, limit, year, [round(one.enters_at * 1e3) for one in made], flush=True)
            words = "none" if limit is None else str(limit)
            body.append(f"| {words} | all others, $/MWh | " + " | ".join(cells["$/MWh"]) + " |")
            body += [
                f"| {words} | {names.get(name, name)}, $/kW | " + " | ".join(cells[name]) + " |"
                for name in NEW
            ]
    lines = []
    for name in NEW:
        rows = [expected[name, year] for year in YEARS if (name, year) in expected]
        shown = " | ".join(
            f"{r.capital * 1e3:,.0f} ({r.low * 1e3:,.0f} to {r.high * 1e3:,.0f})" for r in rows
        )
        lines.append(f"| {rows[0].name} | {shown} |")
    head = HEAD.format(
        old=", ".join(OLD),
        years=" | ".join(map(str, YEARS)),
        rule="---|" * len(YEARS),
        expected="\n".join(lines),
    )
    asked.output.write_text(head.replace("---||", "---|") + "\n".join(body) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

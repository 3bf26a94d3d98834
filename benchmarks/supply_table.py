"""docs/supply-table.md: the cheapest mixes of five sites, three years and four carbon limits, with ranges.

    python benchmarks/supply_table.py [--site NAME …] [--output FILE]

60 plans of a year each, and the prices at which each turns; some twenty minutes.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from gigawatt.catalog import table
from gigawatt.chain.supply.allowed import not_allowed
from gigawatt.core.errors import GigawattError
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.facility import country_of, load_site
from gigawatt.power.plan.neighbours import MOVED, flips_of
from gigawatt.studies.supply.answer import as_answer
from gigawatt.studies.supply.near import nearest_turn, turn_json, turn_words
from gigawatt.studies.supply.plan import plan_supply, problem_of
from gigawatt.studies.supply.question import read_supply_question

ROOT = Path(__file__).resolve().parents[1]
SITES = ("abilene-texas", "virginia", "iron-range-minnesota", "karlsruhe", "gujarat")
YEARS = (2027, 2032, 2040)
LIMITS = (400, 100, 20, 0)
PLANTS = (
    "grid", "solar", "wind", "battery", "gas-combined-cycle", "gas-turbine", "gas-engine", "fission-small",
    "geothermal",
)  # fmt: skip
#: In what year the last column is decided.
DECIDED = 2026
#: A share of the energy below which a plant is not named.
NAMED = 0.005
#: $/t below which a carbon price is what the solver leaves of none.
DUST = 1e-2
#: $/t above which the limit can be met by no price: at 0 g/kWh the last grams have none.
ENDLESS = 1e4

HEAD = """# What a gigawatt costs, by place, year and carbon

Made by `python benchmarks/supply_table.py`; do not edit. The cheapest plants that carry a flat 1 GW at the meter in
every hour of the site's weather year, out of {plants}, as far as the place has them ([countries](countries.md)), under a limit on the mean operational carbon (fuel's supply
chain included). Each row is `gigawatt plan-supply SITE --load 1GW --year YEAR --carbon "LIMIT g/kWh" --plants … --ordered any --set supply.units=any`.

- *Cost* is annuities, operation, fuel and purchases per MWh served; *low to high* the same plants with the capital
  costs, fuel, carbon and grid prices of the catalog all at their low, and all at their high ends.
- *Mix* is capacity and, in parentheses, share of the energy; stores have hours of storage.
- *Carbon price* is what the last tonne within the limit costs, above what the place charges for carbon.
- *Takes next* is the plant that gains most where the first price turns the plan ([near](plan-supply.md#what-costs-almost-the-same)):
  the nearest price of a fuel, the grid, stores or carbon at which {moved:.0f} % of the energy comes from other plants, the other prices left as they are.
- *Power from* is when the last of these plants gives power if all are decided at the start of {decided}: where that is
  after the row's year, the mix is what would be cheapest and not what can be had.
"""


def row(site: str, year: int, limit: float) -> dict[str, Any]:
    """The answer for one cell, or why there is none."""
    barred = not_allowed(PLANTS, country_of(load_site(site)))
    plants = [name for name in PLANTS if name not in barred]
    try:
        question = read_supply_question(
            site=site,
            load="1 GW",
            year=year,
            carbon=f"{limit} g/kWh",
            plants=plants,
            ordered="any",
            settings={"supply.units": "any"},
        )
        answer = as_answer(plan_supply(question))
        answer["turns"] = [turn_json(one) for one in flips_of(problem_of(question))]
        return answer
    except GigawattError as error:
        return {"refused": str(error)}


def terms(site: str) -> str:
    """What the place pays and what it does not offer, in a line."""
    here = country_of(load_site(site))
    gas = here.hubs()["natural-gas"]
    barred = not_allowed(PLANTS, here)
    gone = "; ".join(f"no {name}: {law.words}" for name, law in barred.items()) or "all plants offered"
    market = table("carbon_markets")[here.text("carbon")].text("name")
    return f"Gas at {table('fuel_hubs')[gas].text('name')}; carbon: {market}; {gone}.\n"


def mix(answer: dict[str, Any]) -> str:
    """What is built, the largest share first."""
    words: list[str] = []
    for plant in sorted(answer["plants"], key=lambda one: -one["share"]):
        if not plant["built"]:
            continue
        size = with_unit(plant["capacity_MW"], "MW", 2)
        if plant["storage_MWh"] is not None:
            words.append(f"{plant['name']} {size} × {plant['storage_MWh'] / plant['capacity_MW']:.1f} h")
        elif plant["share"] > NAMED:
            words.append(f"{plant['name']} {size} ({100 * plant['share']:.0f} %)")
        else:
            words.append(f"{plant['name']} {size} (reserve)")
    return ", ".join(words)


def turn(answer: dict[str, Any]) -> str:
    """The plant that the site takes next, and the price at which it does."""
    first = nearest_turn(answer["turns"])
    if first is None:
        return "none"
    one, end = first
    now = {plant["id"]: plant["share"] for plant in answer["plants"]}
    names = {plant["id"]: plant["name"] for plant in answer["plants"]}
    gained = max(one[end]["shares"], key=lambda name: one[end]["shares"][name] - now[name])
    return f"{names[gained]}, {turn_words(one, end)}"


def line(year: int, limit: int, answer: dict[str, Any]) -> str:
    """One line of the table."""
    if "refused" in answer:
        return f"| {year} | {limit} | – | – | {answer['refused']} | – | – | – | – |"
    shadow = answer["carbon_shadow_price_USD_per_t"]
    last = max(one["lead_time_years"] for one in answer["plants"] if one["built"])
    cells = (
        year,
        limit,
        significant(answer["cost_USD_per_MWh"]),
        f"{significant(answer['cost_low_USD_per_MWh'])} to {significant(answer['cost_high_USD_per_MWh'])}",
        mix(answer),
        significant(answer["carbon_g_per_kWh"]),
        "no end" if shadow > ENDLESS else significant(shadow) if shadow > DUST else "0",
        turn(answer),
        f"{DECIDED + last:.0f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Write the document."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--site", action="append")
    asked.add_argument("--output", type=Path, default=ROOT / "docs" / "supply-table.md")
    given = asked.parse_args()
    started = time.process_time()
    out = [HEAD.format(plants=", ".join(PLANTS), decided=DECIDED, moved=100 * MOVED)]
    for site in given.site or SITES:
        lines: list[str] = []
        name = site
        for year in YEARS:
            for limit in LIMITS:
                answer = row(site, year, limit)
                name = answer.get("site_name", name)
                lines.append(line(year, limit, answer))
        out += [
            f"## {name}\n",
            terms(site),
            "| year | limit [g/kWh] | cost [$/MWh] | low to high | mix | carbon [g/kWh] | carbon price [$/t] | takes next | power from |",
            "|---|---|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]  # fmt: skip
        print(f"{name}: {time.process_time() - started:.0f} CPU-s")
    given.output.write_text("\n".join(out), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

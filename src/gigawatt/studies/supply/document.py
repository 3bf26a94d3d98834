"""A planned supply as a document: plants, cost, carbon, bottleneck, lead times."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Points, Section
from gigawatt.core.evidence import worst
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid, trusted, with_percent
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.power.carbon import BOUNDARIES
from gigawatt.power.dates import date_words
from gigawatt.studies.supply.accreditation import accreditation_grids
from gigawatt.studies.supply.adequacy import nines_words, parts
from gigawatt.studies.supply.figures import FIGURES, built
from gigawatt.studies.supply.near import near_grids, near_words

__all__ = ["document", "more"]

_DUST = 1e-6
"""Share of the load's energy below which a sum is the solver's rounding."""

Answer = Mapping[str, Any]
Hours = Mapping[str, list[float]]

_LEAST = 0.005
"""A smaller share of the energy is left out of the text."""


def more(folder: Path) -> Hours:
    """The hours of a year by column, from ``hourly.csv``."""
    with (folder / "hourly.csv").open(newline="", encoding="utf-8") as stream:
        rows = csv.reader(stream)
        names = next(rows)
        columns = list(zip(*rows, strict=True))
    named = zip(names, columns, strict=True)
    return {name: [float(x) for x in column] for name, column in named if name != "hour"}


def _question(answer: Answer) -> str:
    load = with_unit(answer["load_peak_MW"], "MW")
    if answer["load_mean_MW"] < 0.999 * answer["load_peak_MW"]:
        load += f" peak, {with_unit(answer['load_mean_MW'], 'MW')} mean"
    text = f"Cheapest supply of {load} at {answer['site_name']} in {answer['year']}"
    limit = answer["carbon_limit_g_per_kWh"]
    if limit is not None:
        text += f" with at most {significant(limit)} g/kWh of carbon in operation"
    if answer["carbon_price_USD_per_t"]:
        text += f", carbon price ${significant(answer['carbon_price_USD_per_t'])}/t"
    return f"{text} ({answer['profile']}):"


def _summary(answer: Answer, grade: str) -> str:
    rows = sorted(built(answer), key=lambda row: (row["storage_MWh"] is not None, -row["share"]))
    sizes: list[str] = []
    for row in rows:
        share = row["storage_MWh"] is None and row["share"] >= _LEAST
        words = f" ({with_percent(row['share'])} of the energy)" if share else ""
        sizes.append(f"{row['name']} {with_unit(row['capacity_MW'], 'MW')}{words}")
    cost, low, high = (significant(answer[f"cost{end}_USD_per_MWh"]) for end in ("", "_low", "_high"))
    what = f"{listed(sizes)}. " if sizes else "no plant is built. "
    return (
        f"{what}Electricity costs ${cost}/MWh (${low} to ${high} with all costs at their low and high "
        f"ends), {with_unit(answer['cost_USD_per_year'], '$')} a year; the upfront investment is "
        f"{with_unit(answer['upfront_USD'], '$')} ({grade})."
    )


def _carbon(answer: Answer) -> str:
    text = (
        f"The supply emits {significant(answer['carbon_g_per_kWh'])} g/kWh in operation and "
        f"{significant(answer['construction_carbon_g_per_kWh'])} g/kWh in construction, and uses "
        f"{significant(answer['water_L_per_kWh'])} L/kWh of water. "
    )
    if answer["not_served_MWh"] > _DUST * 1e3 * float(answer["load_GWh"]):
        text += (
            f"At mean availability {with_unit(answer['not_served_MWh'], 'MWh')} a year are not served, in "
            f"{answer['not_served_hours']:,.0f} h; "
        )
    else:
        text += "At mean availability every hour is served; "
    wasted = _curtailed(answer)
    text += f"{with_unit(wasted, 'GWh')} a year are curtailed." if wasted else "nothing is curtailed."
    if answer["flexible_share"] is not None:
        text += (
            f" Curtailable load: {with_unit(answer['cut_MWh'], 'MWh')} cut in {answer['cut_hours']:,.0f} h."
        )
    if answer["deferrable_share"] is not None:
        text += f" Deferrable load: {with_unit(answer['put_off_MWh'], 'MWh')} shifted to later hours."
    return text


def _bottleneck(answer: Answer) -> str:
    if answer["binding"]:
        lines = "; ".join(one.rstrip(".") for one in answer["binding"])
        text = f"Binding limits: {lines}."
    else:
        text = "No limit binds."
    coming = [r for r in built(answer) if r["ready"] is not None and r["ready"] > answer["year"]]
    if coming:
        last = max(coming, key=lambda row: row["ready"])
        text += (
            f" Not all of it is there as {answer['year']} begins: the last to come is {last['name']}, in "
            f"{date_words(last['ready'])}."
        )
    late = [r for r in built(answer) if r["order_by"] is not None]
    if late:
        first = min(late, key=lambda row: row["order_by"])
        text += (
            f" The first order is {first['name']}, {significant(first['lead_time_years'])} years ahead "
            f"(by {date_words(first['order_by'])})."
        )
    return text


def _facts(answer: Answer) -> Grid:
    hours, price = answer["price_hours"], answer["price_USD_per_MWh"]
    limit = answer["carbon_limit_g_per_kWh"]
    rows: list[tuple[str, str]] = [
        ("peak load", with_unit(answer["load_peak_MW"], "MW")),
        ("mean load", with_unit(answer["load_mean_MW"], "MW")),
        ("energy per year", with_unit(answer["load_GWh"], "GWh")),
        ("cost", f"${significant(answer['cost_USD_per_MWh'])}/MWh"),
        ("cost, all costs at their low ends", f"${significant(answer['cost_low_USD_per_MWh'])}/MWh"),
        ("cost, all costs at their high ends", f"${significant(answer['cost_high_USD_per_MWh'])}/MWh"),
        ("cost per year", with_unit(answer["cost_USD_per_year"], "$")),
        ("upfront investment", with_unit(answer["upfront_USD"], "$")),
        ("carbon in operation", f"{significant(answer['carbon_g_per_kWh'])} g/kWh"),
        ("carbon counts", BOUNDARIES[answer["carbon_boundary"]]),
        ("carbon in operation, methane by its warming of 20 years",
         f"{significant(answer['carbon_20_g_per_kWh'])} g/kWh"),
        *[("carbon in operation, market-based", f"{significant(answer[market])} g/kWh")
          for market in ("carbon_market_based_g_per_kWh",) if market in answer],  # stored ones may lack it
        ("carbon limit", "none" if limit is None else f"{significant(limit)} g/kWh"),
        ("shadow price of the carbon limit",
         f"${significant(answer['carbon_shadow_price_USD_per_t'])}/t"),
        ("carbon in construction", f"{significant(answer['construction_carbon_g_per_kWh'])} g/kWh"),
        ("water", f"{significant(answer['water_L_per_kWh'])} L/kWh"),
        ("curtailed per year", with_unit(_curtailed(answer), "GWh")),
        ("energy not served per year, at mean availability", with_unit(answer["not_served_MWh"], "MWh")),
        ("hours with energy not served, at mean availability", f"{answer['not_served_hours']:,.0f} h"),
        ("load cut per year", with_unit(answer["cut_MWh"], "MWh")),
        ("hours with load cut", f"{answer['cut_hours']:,.0f} h"),
        ("load deferred per year", with_unit(answer["put_off_MWh"], "MWh")),
        ("marginal price, median hour", f"${significant(price['median'])}/MWh"),
        ("marginal price, 90th percentile", f"${significant(price['p90'])}/MWh"),
        ("marginal price, highest", f"${significant(price['highest'])}/MWh"),
        ("hours at zero price", f"{hours['nothing']:,.0f} h"),
        ("hours above twice the mean", f"{hours['above_twice_the_mean']:,.0f} h"),
        ("hours of scarcity", f"{hours['of_scarcity']:,.0f} h"),
    ]  # fmt: skip
    if "building" in answer:
        one = answer["building"]
        rows += [
            ("PUE", significant(one["pue"])),
            ("PUE in the hottest hour", significant(one["pue_hottest_hour"])),
            ("water of the building per year", with_unit(one["water_m3_per_year"], "m^3")),
        ]
    return rows_grid("Sums are of a mean year.", ("figure", "value"), rows)


def _plants(answer: Answer) -> Grid:
    rows = [
        (
            row["name"], with_unit(row["capacity_MW"], "MW"),
            "–" if row["storage_MWh"] is None else with_unit(row["storage_MWh"], "MWh"),
            with_unit(row["energy_GWh"], "GWh"), f"{100 * row['share']:.1f} %",
            f"{100 * row['capacity_factor']:.0f} %", with_unit(row["cost_USD_per_year"], "$"),
            f"{with_unit(row['cost_low_USD_per_year'], '$', 2)} to "
            f"{with_unit(row['cost_high_USD_per_year'], '$', 2)}",
            with_unit(row["carbon_t_per_year"], "t") if row["carbon_t_per_year"] > 0 else "–",
            f"{significant(row['lead_time_years'])} years",
            "–" if row["order_by"] is None else date_words(row["order_by"]),
            "–" if row["ready"] is None else date_words(row["ready"]),
        )
        for row in built(answer)
    ]  # fmt: skip
    heads = ("plant", "capacity", "store", "energy", "share", "capacity factor", "cost per year", "range",
             "carbon", "lead time", "order by", "there from")  # fmt: skip
    return rows_grid("Plants built, with the energy, cost and carbon of a year.", heads, rows)


def _bill(bill: Mapping[str, Any]) -> tuple[Grid, Grid]:
    """Lines of a year, and months: highest hour of the load and of what is drawn, what is paid."""
    money, year = bill["currency"], bill["price_year"]
    lines = [
        (row["line"], f"{row['amount']:,.0f} {money}", with_unit(row["amount_USD_per_year"], "$"),
         f"{100 * row['share']:.1f} %")
        for row in bill["lines"]
    ]  # fmt: skip
    total = (f"{bill['total']:,.0f} {money}", with_unit(bill["total_USD_per_year"], "$"), "100.0 %")
    lines.append(("total", *total))
    months = [
        (row["month"], with_unit(row["load_peak_MW"], "MW"), with_unit(row["drawn_peak_MW"], "MW"),
         f"{row['amount']:,.0f} {money}")
        for row in bill["months"]
    ]  # fmt: skip
    return (
        rows_grid(
            f"{bill['name']}: the bill of a mean year, in the tariff's money and in dollars of the catalog.",
            ("line", f"money of {year}", "dollars", "share"),
            lines,
        ),
        rows_grid(
            "Highest hour of each month, of the load and drawn from the grid, and what the month pays.",
            ("month", "load", "drawn", f"money of {year}"),
            months,
        ),
    )


def _chain(answer: Answer) -> Grid:
    cells = [
        (
            row["name"], with_unit(row["power [MW]"], "MW"), row["follows"],
            f"{row['units']:,}" + (f" + {row['spare']:,}" if row["spare"] else ""),
            str(row["paths"]), f"{significant(row['unit [MVA]'])} MVA",
            f"{significant(row['installed [MVA]'])} MVA", row["note"] or "–",
        )
        for row in answer["capacity_chain"]
    ]  # fmt: skip
    heads = ("stage", "carries", "which is", "units + spare", "paths", "of", "installed", "besides")
    return rows_grid("From plants to racks: which power each stage is rated for.", heads, cells)


def _curtailed(answer: Answer) -> float:
    """GWh a year that are curtailed, 0 where they are the solver's."""
    value = float(answer["curtailed_GWh"])
    return value if value > _DUST * float(answer["load_GWh"]) else 0.0


def _months(answer: Answer) -> Grid:
    rows = built(answer)
    cells = [
        (month["month"], significant(month["load_GWh"]),
         *(significant(month["plants_GWh"][row["id"]]) for row in rows), significant(month["charged_GWh"]),
         significant(month["curtailed_GWh"]), significant(month["not_served_GWh"]))
        for month in answer["months"]
    ]  # fmt: skip
    heads = ("month", "load", *(row["name"] for row in rows), "charging", "curtailed", "not served")
    return rows_grid("Month by month [GWh].", heads, cells)


def _sections(answer: Answer, hours: Hours, names: Mapping[str, str]) -> tuple[Section, ...]:
    """The sections of which there is something to say, in their order."""

    def figure(name: str, *, table: bool = False) -> tuple[Part, ...]:
        draw, caption = FIGURES[name]
        return (drawn(name, partial(draw, answer, hours), caption, table=table),) if hours else ()

    def points(lines: Sequence[str]) -> tuple[Part, ...]:
        return (Points(tuple(lines)),) if lines else ()

    orders = points(answer["lead_times"])
    if orders and any(row["ready"] is not None for row in built(answer)):
        orders = (*figure("arrivals"), *orders)
    near = (*figure("near"), *near_grids(answer["near"], names)) if "near" in answer else ()
    sections = (
        Section("answer", "The answer", (_facts(answer),)),
        Section("binding", "Bottleneck and what would relieve it", points(answer["binding"])),
        Section("plants", "The plants", (*figure("capacity"), _plants(answer))),
        Section("bill", "The bill of the grid", _bill(answer["bill"]) if "bill" in answer else ()),
        Section("near", "What costs almost the same", near),
        Section("adequacy", "Adequacy", (*figure("week"), *parts(answer), *accreditation_grids(answer))),
        Section("capacity", "The capacity chain", (*figure("single_line"), _chain(answer))),
        Section("hours", "Hour by hour", (*figure("heat"), *figure("duration", table=True))),
        Section("months", "Month by month", (*figure("months"), _months(answer))),
        Section("orders", "Order by", orders),
    )
    return tuple(section for section in sections if section.parts)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The document of a planned supply; ``more`` are the hours of the year by column."""
    assumptions = read_assumptions(answer["assumptions"])
    names = {row["id"]: row["name"] for row in answer["plants"]}
    grade = worst(a.grade for a in assumptions).label
    near = (near_words(answer["near"], names),) if "near" in answer else ()
    texts = (
        f"{_question(answer)} {_summary(answer, grade)}",
        f"{_carbon(answer)} {answer['adequacy']['words']}.{nines_words(answer['adequacy'])} "
        f"{_bottleneck(answer)}",
        *near,
        trust_words(assumptions),
    )
    cost = significant(answer["cost_USD_per_MWh"])
    cards = (
        Card("Electricity", f"${cost}/MWh", grade),
        Card("Cost per year", with_unit(answer["cost_USD_per_year"], "$"), grade),
        Card("Upfront investment", with_unit(answer["upfront_USD"], "$"), grade),
        Card("Carbon in operation", f"{significant(answer['carbon_g_per_kWh'])} g/kWh", grade),
        Card("Not served per year, with outages", with_unit(answer["adequacy"]["eue_MWh"], "MWh"), grade),
        Card("Curtailed per year", with_unit(_curtailed(answer), "GWh"), grade),
    )
    return Document(
        title=f"{with_unit(answer['load_peak_MW'], 'MW')} at {answer['site_name']} in {answer['year']}",
        setting=f"{answer['site']} · grid {answer['grid']} · {answer['profile']}",
        paragraphs=texts,
        again=again,
        short=("answer", "plants", "bill", "near", "adequacy", "binding", "orders"),
        stated=(
            "scenario.year",
            "supply.plants",
            "supply.ordered",
            "supply.not_served_price",
            "supply.grid_hours",
            "supply.grid.delivery",
            "supply.grid_price",
            "supply.grid_carbon",
            "finance.discount_rate",
        ),
        cards=cards,
        notices=tuple(map(str, answer["notices"])),
        sections=_sections(answer, more or {}, names),
        facts=facts_of(again, ("solver", answer["solver"]), ("gap", significant(answer["gap"], 2))),
        **trusted(assumptions),
    )

"""The plan of a supply in the terminal: what is built, what it costs and emits, what binds, what is late."""

from __future__ import annotations

from typing import Any

from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.terminal.console import table

__all__ = ["print_supply"]

_BAR = 20
_MAIN = ("scenario.year", "supply.plants", "supply.not_served_price", "supply.grid_price",
         "supply.grid_carbon", "finance.discount_rate")  # fmt: skip


def print_supply(answer: dict[str, Any], console: Any) -> None:
    """Print an answer of ``plan-supply`` (the document that ``--json`` prints; docs/plan-supply.md)."""
    from rich.text import Text

    for text in _sentences(answer):
        console.print(Text(text))
    console.print()
    console.print(_plants(answer))
    console.print()
    for title, lines in (("what binds", answer["binding"]), ("order by", answer["lead_times"])):
        if lines:
            console.print(Text(title, style="dim"))
            for line in lines:
                console.print(Text(f"  {line}"))
    for notice in answer["notices"]:
        console.print(Text(f"! {notice}", style="yellow"))
    main = [one for one in answer["assumptions"] if one["key"] in _MAIN]
    for one in main:
        console.print(Text(f"assumed {one['key']}: {one['value']} ({one['grade']})", style="dim"))
    rest = len(answer["assumptions"]) - len(main)
    if rest:
        console.print(Text(f"and {rest} more things that nobody gave: see --json", style="dim"))


def _sentences(answer: dict[str, Any]) -> list[str]:
    a = answer
    load = with_unit(a["load_peak_MW"], "MW")
    if a["load_mean_MW"] < 0.999 * a["load_peak_MW"]:
        load += f" in the highest hour, {with_unit(a['load_mean_MW'], 'MW')} in the mean"
    cost, low, high = (significant(a[f"cost{end}_USD_per_MWh"]) for end in ("", "_low", "_high"))
    price, hours = a["price_USD_per_MWh"], a["price_hours"]
    found = [
        f"{load} at {a['site_name']} in {a['year']}, {a['profile']}:",
        f"${cost}/MWh (${low} to ${high} with all costs at their low and at their high ends), "
        f"{with_unit(a['cost_USD_per_year'], '$')} a year, {with_unit(a['upfront_USD'], '$')} to build.",
        f"Carbon {significant(a['carbon_g_per_kWh'])} g/kWh in operation{_limit(a)}, "
        f"{significant(a['construction_carbon_g_per_kWh'])} g/kWh from making the plants. "
        f"Water {significant(a['water_L_per_kWh'])} L/kWh. "
        f"Curtailed {with_unit(a['curtailed_GWh'], 'GWh')} a year. Not served "
        f"{with_unit(a['not_served_MWh'], 'MWh')} in {a['not_served_hours']:,.0f} h{_cut(a)}.",
        f"Marginal price: ${significant(price['median'])}/MWh in the median hour, "
        f"${significant(price['p90'])} or more in the dearest tenth, ${significant(price['highest'])} "
        f"at most; nothing in {hours['nothing']:,.0f} h, above twice the mean in "
        f"{hours['above_twice_the_mean']:,.0f} h, of scarcity in {hours['of_scarcity']:,.0f} h.",
    ]
    if "building" in a:
        built = a["building"]
        found.insert(
            1,
            f"PUE {significant(built['pue'])} (hottest hour {significant(built['pue_hottest_hour'])}), "
            f"the building takes {with_unit(built['water_m3_per_year'], 'm^3')} of water a year.",
        )
    return found


def _cut(answer: dict[str, Any]) -> str:
    words = ""
    if answer["flexible_share"] is not None:
        words += f", cut {with_unit(answer['cut_MWh'], 'MWh')} in {answer['cut_hours']:,.0f} h"
    if answer["deferrable_share"] is not None:
        words += f", drawn later {with_unit(answer['put_off_MWh'], 'MWh')} a year"
    return words


def _limit(answer: dict[str, Any]) -> str:
    limit = answer["carbon_limit_g_per_kWh"]
    if limit is None:
        return ""
    shadow = answer["carbon_shadow_price_USD_per_t"]
    return f" (limit {significant(limit)}; one tonne less costs ${significant(shadow)})"


def _plants(answer: dict[str, Any]) -> Any:
    grid = table(
        ("plant", "left"), ("capacity", "right"), ("store", "right"), ("energy", "right"), ("share", "right"),
        ("", "left"), ("in use", "right"), ("cost a year", "right"), ("range", "right"), ("carbon", "right"),
        ("lead time", "right"),
    )  # fmt: skip
    rows = [row for row in answer["plants"] if row["built"]]
    for row in rows:
        hours = f"{row['storage_MWh'] / row['capacity_MW']:.1f} h" if row["storage_MWh"] is not None else ""
        low, high = (with_unit(row[f"cost_{end}_USD_per_year"], "$", 2) for end in ("low", "high"))
        grid.add_row(
            row["name"],
            with_unit(row["capacity_MW"], "MW"),
            hours,
            with_unit(row["energy_GWh"], "GWh"),
            f"{100 * row['share']:.1f} %",
            "█" * round(_BAR * min(max(row["share"], 0.0), 1.0)),
            f"{100 * row['capacity_factor']:.0f} %",
            with_unit(row["cost_USD_per_year"], "$"),
            f"{low} to {high}",
            with_unit(row["carbon_t_per_year"], "t") if row["carbon_t_per_year"] > 0 else "",
            f"{row['lead_time_years']:.1f} a",
        )
    return grid

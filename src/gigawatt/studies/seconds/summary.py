"""The seconds of a campus in the terminal: what swings, what that breaks, what mends it, what it costs."""

from __future__ import annotations

from typing import Any

from gigawatt.faces.figures.readable import with_unit
from gigawatt.faces.terminal.console import table
from gigawatt.studies.seconds.words import sentences

__all__ = ["print_seconds"]


def print_seconds(answer: dict[str, Any], console: Any) -> None:
    """Print an answer of ``plan-seconds`` (the document that ``--json`` prints; docs/seconds.md)."""
    from rich.text import Text

    for text in sentences(answer):
        console.print(Text(text))
    if answer["stores"]:
        console.print()
        console.print(_stores(answer))
    if answer["frontier"]:
        console.print()
        console.print(_frontier(answer))
    bound = answer["bound"]
    if bound is not None:
        text = (
            f"With all of the future known: {with_unit(bound['power_MW'], 'MW')}, "
            f"{with_unit(bound['energy_kWh'], 'kWh')}, {with_unit(bound['cost_USD_per_year'], '$')} a year; "
            "no controller does with less (oscillations left aside)."
        )
        console.print(Text(text))
    for notice in answer["notices"]:
        console.print(Text(f"! {notice}", style="yellow"))
    for one in answer["assumptions"]:
        console.print(Text(f"assumed {one['key']}: {one['value']} ({one['grade']})", style="dim"))


def _stores(answer: dict[str, Any]) -> Any:
    grid = table(("store", "left"), ("power", "right"), ("energy", "right"), ("losses", "right"),
                 ("cost a year", "right"), ("", "left"))  # fmt: skip
    for row in answer["stores"]:
        if row["power_MW"] is None:
            grid.add_row(row["store"], "", "", "", "", "too small, or no limit is met")
        else:
            grid.add_row(
                row["store"], with_unit(row["power_MW"], "MW"), with_unit(row["energy_kWh"], "kWh"),
                f"{100 * row['losses_share']:.2g} %", with_unit(row["cost_USD_per_year"], "$"),
                "cheapest" if row["store"] == answer["cheapest_store"] else "",
            )  # fmt: skip
    return grid


def _frontier(answer: dict[str, Any]) -> Any:
    grid = table(("floor held by software", "left"), ("store", "right"), ("", "right"), ("burnt", "right"),
                 ("cost a year", "right"), ("", "left"))  # fmt: skip
    for row in answer["frontier"]:
        grid.add_row(
            with_unit(row["floor_MW"], "MW"), with_unit(row["power_MW"], "MW"),
            with_unit(row["energy_kWh"], "kWh"), f"{100 * row['burnt_share']:.2g} %",
            with_unit(row["cost_USD_per_year"], "$"),
            "slow start and stop" if row["slow_start_and_stop"] else "",
        )  # fmt: skip
    return grid

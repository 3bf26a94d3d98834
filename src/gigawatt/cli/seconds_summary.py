"""The seconds of a campus in the terminal: what swings, what that breaks, what mends it, what it costs."""

from __future__ import annotations

from typing import Any

from gigawatt.cli.terminal import table
from gigawatt.figures.readable import significant, with_unit

__all__ = ["print_seconds"]

_WORDS = {
    "ramp_up": "the rise",
    "ramp_down": "the fall",
    "dynamic_range": "the dynamic range",
    "amplitude": "an oscillation",
}


def print_seconds(answer: dict[str, Any], console: Any) -> None:
    """Print an answer of ``plan-seconds`` (the document that ``--json`` prints; docs/seconds.md)."""
    from rich.text import Text

    for text in _sentences(answer):
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


def _sentences(a: dict[str, Any]) -> list[str]:
    m, limits = a["measures"], a["limits"]
    found = [
        f"{a['what']}: {with_unit(m['least_MW'], 'MW')} to {with_unit(m['peak_MW'], 'MW')}, "
        f"{with_unit(m['mean_MW'], 'MW')} in the mean of {significant(a['duration_s'])} s.",
        f"Steepest {significant(m['ramp_up_MW_per_s'])} MW/s up and {significant(m['ramp_down_MW_per_s'])} "
        f"MW/s down over {significant(limits['ramp_window_s'])} s "
        f"({significant(limits['ramp_MW_per_s'])} allowed), "
        f"{significant(m['dynamic_range_MW'])} MW within {significant(limits['range_window_s'])} s "
        f"({significant(limits['dynamic_range_MW'])} allowed).",
    ]
    if m["modes"]:
        first = m["modes"][0]
        allowed = limits["oscillation_MW"]
        found.append(
            f"Largest oscillation {significant(first['amplitude_MW'])} MW at "
            f"{significant(first['frequency_Hz'])} Hz"
            + (f" ({significant(allowed)} allowed)." if allowed is not None else ".")
        )
    over = ", ".join(f"{_WORDS[key]} {significant(times)} times" for key, times in a["excess"].items())
    found.append(
        f"Over the limits '{limits['id']}': {over}." if over else f"Within the limits '{limits['id']}'."
    )
    plants = a["plants"]
    if plants is not None:
        before, after = plants["before"], plants["behind_store"]
        found.append(
            f"{'An island' if plants['island'] else 'On the grid'}: {before['nadir_Hz']:+.3g} to "
            f"{before['zenith_Hz']:+.3g} Hz, {significant(before['rocof_Hz_per_s'])} Hz/s; behind the store "
            f"{after['nadir_Hz']:+.3g} to {after['zenith_Hz']:+.3g} Hz."
        )
        found.append(
            "The plants carry the seconds."
            if plants["carried"]
            else f"The plants do not carry the seconds: buy {with_unit(plants['to_buy_MW'], 'MW')} with "
            f"{with_unit(plants['to_buy_MWh'], 'MWh')}, {with_unit(plants['cost_USD_per_year'], '$')} a year."
        )
        if plants["flicker_Pst"] is not None:
            found.append(
                f"At the connection: Pst {significant(plants['flicker_Pst'])}, voltage moves by "
                f"{100 * plants['voltage_dip_share']:.2g} %."
            )
    return found


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

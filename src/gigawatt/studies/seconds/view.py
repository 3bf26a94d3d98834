"""Power swings of a training campus: ramps, connection limits, the smallest store that meets them."""

from __future__ import annotations

from typing import Any

from gigawatt.core.document import Grid
from gigawatt.core.errors import GigawattError
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import label, significant, with_unit
from gigawatt.faces.report.parts import rows_grid
from gigawatt.faces.report.trust import assumption_grid
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.form.state import placed
from gigawatt.faces.web.rendering import fragment, plot
from gigawatt.power.seconds import list_events, list_limits, list_protections
from gigawatt.power.seconds.ride_rows import DEFAULT_PROTECTION
from gigawatt.studies.run.figures_tables import built, column, need_table
from gigawatt.studies.seconds.answer import as_answer, series
from gigawatt.studies.seconds.document import controls_grid, demands_grid
from gigawatt.studies.seconds.figures import FIGURES, shown
from gigawatt.studies.seconds.scenario import scenario_seconds
from gigawatt.studies.seconds.words import sentences

__all__ = ["CUTS", "DURATIONS", "compute", "events", "protections"]

DURATIONS = {"120 s": "2 minutes", "60 s": "1 minute", "600 s": "10 minutes"}
"""Simulated times that the page offers."""
CUTS = {"": "nothing", "10": "10 % less", "20": "20 % less", "30": "30 % less"}
"""Calls of the utility that the page offers: so much less within half a minute, for a quarter of an hour."""
_WATTS = 1e6
_TABLES = {
    "power": (("time_s", "load_MW", "drawn_MW"), "time [s]", "[MW]", "Power, evenly sampled."),
    "spectrum": (
        ("frequency_Hz", "load_amplitude_MW", "drawn_amplitude_MW"), "frequency [Hz]", "[MW]",
        "Amplitudes, evenly sampled.",
    ),
    "frequency": (
        ("time_s", "deviation_Hz", "deviation_behind_store_Hz"), "time [s]", "[Hz]",
        "Frequency deviation, evenly sampled.",
    ),
}  # fmt: skip
"""Figure → keys of its series, its axis, the unit of both curves, its caption."""
_KEPT = 24
"""Rows of the series in the table beneath a figure, evenly sampled."""


def protections() -> dict[str, str]:
    """Protections that the page offers, the usual one first."""
    usual = sorted(list_protections(), key=lambda name: name != DEFAULT_PROTECTION)
    return {name: label(name) for name in usual}


def events() -> dict[str, str]:
    """Events that the page offers, none first."""
    return {"": "none", **{name: label(name) for name in list_events()}}


def compute(asked: Asked) -> Fragment:
    """The page's fragment: load, oscillations, stores, floors, and the verdict on the plan's plants."""
    result = asked.result
    try:
        found = scenario_seconds(
            asked.state.loaded(),
            plants=_capacities(result),
            electricity=float(result["supply.electricity_cost"]),
            limits=asked.setting("limits", tuple(sorted(list_limits(), key=lambda name: name != "moderate"))),
            duration=asked.setting("duration", DURATIONS),
            protection=asked.setting("protection", protections()),
            event=asked.setting("event", events()) or None,
            flexible={"cut": f"{cut} %"} if (cut := asked.setting("cut", CUTS)) else None,
            progress=asked.progress,
        )
    except GigawattError as error:
        raise placed(error, asked.state.branch) from None
    answer, drawn = as_answer(found), series(found)
    assumed = found.question.assumptions
    if found.flexibility is not None:
        assumed += found.flexibility.question.assumptions
    plots = {
        name: plot(f"seconds-{name}", draw(answer, drawn), words)
        for name, (draw, words) in FIGURES.items()
        if name in shown(answer, drawn)
    }
    return fragment(
        "seconds.html.j2",
        title=f"Power swings of {answer['what']}",
        paragraphs=sentences(answer),
        plots=plots,
        tables={
            **{name: _thinned(drawn, *table) for name, table in _TABLES.items()},
            "frontier": _frontier(answer),
            "demands": demands_grid(answer),
            "controls": controls_grid(answer),
        },
        stores=_stores(answer),
        notices=answer["notices"],
        assumed=assumption_grid(assumed),
    )


def _capacities(result: Result) -> dict[str, float]:
    """Plants of the plan that are built, in W."""
    frame = need_table(result, "plants")
    size = column(frame, "capacity")[0]
    return {str(frame.index[i]): _WATTS * float(size.iloc[i]) for i in built(frame)}


def _thinned(
    drawn: dict[str, list[float]], keys: tuple[str, ...], along: str, unit: str, caption: str
) -> Grid | None:
    if any(key not in drawn for key in keys):
        return None
    every = max(1, -(-len(drawn[keys[0]]) // _KEPT))
    columns = [[significant(value, 4) for value in drawn[key][::every]] for key in keys]
    return rows_grid(
        caption, (along, f"as it is {unit}", f"behind the store {unit}"), zip(*columns, strict=True)
    )


def _why(refused: str | None) -> str:
    """The reason against a store, without the key of the error."""
    text = refused or ""
    return text.partition(": ")[2] or text


def _stores(answer: dict[str, Any]) -> Grid | None:
    rows = [
        (label(row["store"]), "–", "–", "–", "–", _why(row["refused"]))
        if row["power_MW"] is None
        else (
            label(row["store"]),
            with_unit(row["power_MW"], "MW"),
            with_unit(row["energy_kWh"], "kWh"),
            f"{100 * row['losses_share']:.2g} %",
            with_unit(row["cost_USD_per_year"], "$"),
            "cheapest" if row["store"] == answer["cheapest_store"] else "",
        )
        for row in answer["stores"]
    ]
    heads = ("store", "power", "energy", "losses", "cost per year", "verdict")
    return rows_grid("The smallest store of each kind that meets the limits.", heads, rows) if rows else None


def _frontier(answer: dict[str, Any]) -> Grid | None:
    rows = [
        (
            "limited ramps at start and stop" if row["slow_start_and_stop"] else "power floor alone",
            with_unit(row["floor_MW"], "MW"),
            with_unit(row["power_MW"], "MW"),
            with_unit(row["energy_kWh"], "kWh"),
            f"{100 * row['burnt_share']:.2g} %",
            with_unit(row["cost_USD_per_year"], "$"),
        )
        for row in answer["frontier"]
    ]
    heads = ("software", "floor", "store", "energy of the floor", "burnt", "cost per year")
    return rows_grid("A software power floor, and the store beside it.", heads, rows) if rows else None

"""The seconds of a campus that trains: how its power swings, what the connection bears, what store mends it."""

from __future__ import annotations

from typing import Any

from gigawatt.errors import GigawattError
from gigawatt.figures.readable import label, significant, with_unit
from gigawatt.figures.seconds_answer import FIGURES
from gigawatt.figures.tables import built, column, need_table
from gigawatt.report import grids
from gigawatt.report.grids import Cell, Grid
from gigawatt.report.words_seconds import sentences
from gigawatt.study.result import Result
from gigawatt.study.seconds_answer import as_answer, series
from gigawatt.study.seconds_scenario import scenario_seconds
from gigawatt.supply.dynamics import list_limits
from gigawatt.web.answers import Asked, Fragment
from gigawatt.web.rendering import fragment, plot
from gigawatt.web.state import placed

__all__ = ["DURATIONS", "compute"]

DURATIONS = {"120 s": "2 minutes", "60 s": "1 minute", "600 s": "10 minutes"}
"""How long a run may be looked at."""
_WATTS = 1e6
_KEPT = 24
"""Rows of the series in the table beneath a figure, evenly chosen."""


def compute(asked: Asked) -> Fragment:
    """Load, oscillations, stores, floors, and whether the plan's plants carry it."""
    result = asked.result
    try:
        found = scenario_seconds(
            asked.state.loaded(),
            plants=_capacities(result),
            electricity=float(result["supply.electricity_cost"]),
            limits=asked.setting("limits", tuple(sorted(list_limits(), key=lambda name: name != "moderate"))),
            duration=asked.setting("duration", DURATIONS),
            progress=asked.progress,
        )
    except GigawattError as error:
        raise placed(error, asked.state.serves) from None
    answer, drawn = as_answer(found), series(found)
    plots = {
        name: plot(f"seconds-{name}", draw(answer, drawn), words)
        for name, (draw, words) in FIGURES.items()
        if name != "frequency" or answer["plants"] is not None
    }
    return fragment(
        "seconds.html.j2",
        paragraphs=sentences(answer),
        plots=plots,
        tables={
            "power": _thinned(drawn, ("time_s", "load_MW", "drawn_MW"),
                              ("time [s]", "load [MW]", "behind the store [MW]"), "The power at even points."),
            "spectrum": _thinned(drawn, ("frequency_Hz", "load_amplitude_MW", "drawn_amplitude_MW"),
                                 ("frequency [Hz]", "load [MW]", "behind the store [MW]"), "Amplitudes at a few frequencies."),
            "frequency": _thinned(drawn, ("time_s", "deviation_Hz", "deviation_behind_store_Hz"),
                                  ("time [s]", "as it is [Hz]", "behind the store [Hz]"), "The frequency at even points."),
            "frontier": _frontier(answer),
        },
        stores=_stores(answer),
        notices=answer["notices"],
        assumed=grids.assumed(found.question.assumptions),
    )  # fmt: skip


def _capacities(result: Result) -> dict[str, float]:
    """Plants of the plan that are built, in W."""
    frame = need_table(result, "plants")
    size = column(frame, "capacity")[0]
    return {str(frame.index[i]): _WATTS * float(size.iloc[i]) for i in built(frame)}


def _grid(caption: str, heads: tuple[str, ...], rows: list[tuple[str, ...]], words: int = 1) -> Grid:
    numeric = tuple(i >= words for i in range(len(heads)))
    return Grid(caption, heads, numeric, tuple(tuple(Cell(text) for text in row) for row in rows))


def _thinned(
    drawn: dict[str, list[float]], keys: tuple[str, ...], heads: tuple[str, ...], caption: str
) -> Grid | None:
    if any(key not in drawn for key in keys):
        return None
    every = max(1, -(-len(drawn[keys[0]]) // _KEPT))
    rows = [tuple(significant(value, 4) for value in row) for row in zip(*(drawn[key] for key in keys), strict=True)]
    return _grid(caption, heads, rows[::every], words=0)


def _stores(answer: dict[str, Any]) -> Grid | None:
    rows = [
        (label(row["store"]), "–", "–", "–", "–", row["refused"] or "")
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
    heads = ("store", "power", "energy", "losses", "cost a year", "")
    grid = _grid("The least store of each kind with which the limits are kept.", heads, rows) if rows else None
    if grid is None:
        return None
    return Grid(grid.caption, grid.head, (*grid.numeric[:-1], False), grid.rows)


def _frontier(answer: dict[str, Any]) -> Grid | None:
    rows = [
        (
            "slow start and stop" if row["slow_start_and_stop"] else "floor alone",
            with_unit(row["floor_MW"], "MW"),
            with_unit(row["power_MW"], "MW"),
            with_unit(row["energy_kWh"], "kWh"),
            f"{100 * row['burnt_share']:.2g} %",
            with_unit(row["cost_USD_per_year"], "$"),
        )
        for row in answer["frontier"]
    ]
    heads = ("software", "floor", "store", "its energy", "burnt", "cost a year")
    return _grid("A floor held by software, and the store beside it.", heads, rows) if rows else None

"""Plants: what electricity of each would cost at the site, and the physics of those that nobody has built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gigawatt.core.document import Cell, Grid
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.report.drawings import table_of
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.rendering import Plot, fragment, plot
from gigawatt.faces.web.tabled import graded, percent, ranged, sourced, tabled
from gigawatt.power.plants.sheet import PlantSheet, physics_of
from gigawatt.studies.plant.figures import drawings, line_value, setting_value
from gigawatt.studies.plant.figures_overview import plant_costs as costs_figure
from gigawatt.studies.plant.figures_overview import plants_lcoe
from gigawatt.studies.plant.overview import plant_costs, plant_overview

__all__ = ["show"]

PLANTS = {"msr": "molten-salt reactor", "fusion": "fusion", "space-solar": "space-based solar power"}
YEARS = {"2040": "2040", "2030": "2030", "2035": "2035", "2045": "2045", "2050": "2050"}
_ROWS = 25
"""Rows of a table of a curve, evenly spaced."""
_Given = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Number:
    """A number of a plant that may be set: its field, what stands in it, what it is otherwise."""

    name: str
    meaning: str
    unit: str
    text: str
    usual: str
    error: str = ""


def show(asked: Asked) -> Fragment:
    """Levelised cost, the table of all plants, their cost by year, and one plant by its physics."""
    scenario = asked.state.loaded().scenario
    site, year = scenario.site.name, scenario.year
    frame: Any = plant_overview(year, site)
    mine = tuple(one for one in scenario.supply.plants or () if one in frame.index)
    chosen = mine or tuple(frame.index[frame["lcoe [$/MWh]"].notna()])
    drawn: dict[str, Any] = {str(frame.loc[one, "name"]): plant_costs(one) for one in chosen}
    stores = {name: each for name, each in drawn.items() if "energy_capital [$/kWh]" in each}
    plots = {
        "lcoe": plot(
            "lcoe",
            plants_lcoe(frame, site=site, year=year),
            f"Levelised cost of electricity at {site} in {year}, cheapest first, of plants that run whenever "
            "they can; lines are the ends of the ranges of capital cost and fuel or grid price. Stores, and "
            "hours without sun, are in the plan and not in here.",
        ),
        "costs": plot(
            "costs",
            costs_figure(drawn),
            f"Capital cost by year of {'the plants of the scenario' if mine else 'every plant'}, with its "
            "range, dollars of the catalog's currency year.",
        ),
    }
    if stores:
        words = "What a store costs by what it holds, by year, with its range."
        plots["stores"] = plot("stores", costs_figure(stores, energy=True), words)
    return fragment(
        "plants.html.j2",
        title=f"Plants at {site} in {year}",
        site=site,
        year=year,
        own_weather=scenario.site.weather is not None,
        plots=plots,
        table=_table(frame, mine, site, year),
        origins=_origins(frame),
        costs=_costs(drawn),
        **_physics(asked, year),
    )


def _table(frame: Any, mine: tuple[str, ...], site: str, year: int) -> Grid:
    rows: list[list[Cell | str]] = []
    for name, row in frame.sort_values("lcoe [$/MWh]", kind="stable", na_position="last").iterrows():
        held = row["energy_capital [$/kWh]"]
        rows.append([
            Cell(str(row["name"])),
            "yes" if name in mine else "",
            ranged(*(row[f"lcoe{end} [$/MWh]"] for end in ("", "_low", "_high"))),
            ranged(*(row[f"capital{end} [$/kW]"] for end in ("", "_low", "_high"))),
            significant(held),
            graded(row["grade"]),
            percent(row["capacity_factor []"]),
            f"{row['lead_time [year]']:.2g}",
            f"{row['life [year]']:.3g}",
            significant(row["carbon [g/kWh]"]),
            significant(row["water [L/MWh]"]),
            graded(row["worst_grade"]),
        ])  # fmt: skip
    return tabled(
        f"Every plant of the catalog at {site} in {year}: the first grade is that of the capital cost, the "
        "second that of its least certain number. Carbon: operation, fuel supply and construction.",
        ("plant", "in the scenario", "levelised cost [$/MWh]", "capital [$/kW]", "held [$/kWh]", "grade",
         "capacity factor", "lead time [years]", "life [years]", "carbon [g/kWh]", "water [L/MWh]",
         "weakest"),
        rows, words=(0, 1, 5, 11),
    )  # fmt: skip


def _origins(frame: Any) -> Grid:
    rows = [
        (str(row["name"]), str(row["kind"]), str(row["fuel"]), str(row["note"]), sourced(str(row["source"])))
        for _, row in frame.iterrows()
    ]
    return tabled(
        "How each plant runs in the levelised cost, and where its numbers come from.",
        ("plant", "kind", "fuel", "how it runs", "sources"), rows, words=(0, 1, 2, 3, 4),
    )  # fmt: skip


def _costs(drawn: Mapping[str, Any]) -> Grid:
    years = [int(year) for year in next(iter(drawn.values()))["year"]]
    rows = [
        [name, *(
            ranged(row["capital [$/kW]"], row["low [$/kW]"], row["high [$/kW]"])
            for _, row in each.iterrows()
        )]
        for name, each in drawn.items()
    ]  # fmt: skip
    return tabled(
        "Capital cost by year of operation [$/kW], with its range.", ("plant", *map(str, years)), rows
    )


@lru_cache(maxsize=32)
def _solved(plant: str, design: str, year: float, given: _Given) -> tuple[PlantSheet, dict[str, Any]]:
    physics = physics_of(plant)
    sheet = physics.sheet(dict(given), design=design, year=year)
    return sheet, physics.curves(sheet)


def _physics(asked: Asked, year: int) -> dict[str, Any]:
    """The context of the plant that is known by its physics."""
    plant = asked.setting("plant", PLANTS)
    designs = physics_of(plant).list_designs()
    design = asked.setting("design", designs)
    years = YEARS | {str(year): f"{year}, the scenario's"}
    at = asked.setting("at", years)
    start, _ = _solved(plant, design, float(at), ())
    given = {
        key: text for key in start.settings if (text := asked.settings.get(f"{plant}.{key}", "").strip())
    }
    refused: dict[str, str] = {}
    try:
        sheet, curves = _solved(plant, design, float(at), tuple(sorted(given.items())))
    except GigawattError as error:
        refused[error.key or ""] = _line(error)
        sheet, curves = _solved(plant, design, float(at), ())
    return {
        "plants": PLANTS, "plant": plant, "designs": designs, "design": design,
        "years": dict(sorted(years.items())), "at": at,
        "heading": f"{sheet.name[:1].upper()}{sheet.name[1:]}: {designs[design]}, costs of {at}",
        "numbers": [
            Number(f"{plant}.{key}", meaning, "" if unit == "1" else unit, given.get(key, ""),
                   setting_value(value, unit), refused.get(key, ""))
            for key, (value, unit, meaning, _, _) in start.settings.items()
        ],
        "changed": len(given), "refused": "; ".join(refused.values()),
        "sections": _sections(sheet), "curves": _curves(curves), "assumed": _assumed(sheet),
    }  # fmt: skip


def _line(error: GigawattError) -> str:
    said = str(error)
    return said if isinstance(error, InputError) else f"this plant cannot be: {said}"


def _sections(sheet: PlantSheet) -> list[Grid]:
    found: list[Grid] = []
    for section in dict.fromkeys(line[0] for line in sheet.lines):
        rows = [
            (label, line_value(value, unit), note)
            for part, label, value, unit, note in sheet.lines
            if part == section
        ]
        found.append(tabled(f"{section[:1].upper()}{section[1:]}", ("", "value", ""), rows, words=(0, 2)))
    return found


def _curves(curves: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Plot, list[Grid]]]:
    """(heading, drawing, its numbers) of every curve that can be drawn."""
    found: list[tuple[str, Plot, list[Grid]]] = []
    for name, (draw, caption) in drawings(curves).items():
        figure = draw()
        heading = str(figure.layout.title.text)
        simple = None if "yaxis2" in figure.layout else table_of(figure, caption)
        grids = _points(heading, curves[name]) if simple is None else [simple]
        found.append((heading, plot(f"curve-{name}", figure, caption), grids))
    return found


def _points(heading: str, values: Mapping[str, Any]) -> list[Grid]:
    """The numbers behind a drawing in SI units, a grid for each length of columns."""
    found: list[Grid] = []
    for length in dict.fromkeys(len(one) for one in values.values()):
        names = [name for name, one in values.items() if len(one) == length]
        step = max(1, -(-length // _ROWS))
        rows = [[_text(values[name][i]) for name in names] for i in range(0, length, step)]
        some = f"every {step}th point" if step > 1 else "all points"
        words = tuple(i for i, name in enumerate(names) if isinstance(values[name][0], str))
        heads = [name.replace("_", " ") for name in names]
        found.append(tabled(f"{heading}: {some}, SI units.", heads, rows, words=words))
    return found


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else significant(float(value), 4)


def _assumed(sheet: PlantSheet) -> Grid:
    rows = [
        (one.key, one.value, one.reason, graded(one.grade.label), sourced(one.source))
        for one in sheet.assumptions
    ]
    return tabled("Assumptions.", ("what", "value", "why", "grade", "source"), rows, words=(0, 1, 2, 3, 4))

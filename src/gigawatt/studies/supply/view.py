"""Supply: the site, its plants, weeks hour by hour, prices, carbon, seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt import catalog
from gigawatt.core.document import Grid
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import label
from gigawatt.faces.report.frames import grid_of
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.rendering import Plot, fragment, plot
from gigawatt.facility import load_site
from gigawatt.power.seconds import list_limits
from gigawatt.studies.run import grids
from gigawatt.studies.run.figures import figure
from gigawatt.studies.run.figures_power import carbon, dispatch_week, plant_names
from gigawatt.studies.run.figures_tables import get_table, has_table, need_table
from gigawatt.studies.seconds.view import CUTS, DURATIONS, events, protections
from gigawatt.studies.supply.figures import bill_lines
from gigawatt.studies.supply.near_view import WITHIN
from gigawatt.studies.supply.site_map import COLOURED, site_map
from gigawatt.studies.supply.site_overview import site_overview
from gigawatt.studies.supply.weeks import days_of, sorted_hours, weeks

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["show"]

_COLOURS = {key: words for key, (_, _, words, _) in COLOURED.items()}
_SITES = (
    "country", "solar_capacity_factor []", "wind_capacity_factor []", "temperature [degC]",
    "temperature_max [degC]", "grid", "price [$/MWh]", "price_grade", "carbon [g/kWh]", "carbon_grade",
    "clean []",
)  # fmt: skip
_SITE_HEADS = {
    "solar_capacity_factor": "sun",
    "wind_capacity_factor": "wind",
    "temperature": "mean temperature",
    "temperature_max": "highest temperature",
    "price": "grid price",
    "price_grade": "price grade",
    "carbon": "grid carbon",
    "carbon_grade": "carbon grade",
    "clean": "fossil-free share",
}
_PAIRS = (
    ("hottest", "coldest"), ("windiest", "stillest"), ("sunniest", "darkest"), ("dearest", "cheapest"),
)  # fmt: skip
_CARDS = (
    ("facility.power_mean", "Mean facility power"),
    ("facility.power_peak", "Peak facility power"),
    ("supply.electricity_cost", "Electricity"),
    ("supply.marginal_price", "Marginal price"),
    ("supply.curtailed", "Curtailed"),
    ("supply.not_served", "Energy not served"),
    ("supply.cut", "Load cut"),
    ("supply.lolh", "Hours short, with outages (LOLH)"),
    ("supply.eue", "Energy not served, with outages (EUE)"),
)
_CARBON = (
    ("supply.carbon_intensity", "Carbon intensity, location-based"),
    ("supply.carbon_intensity_market", "Market-based"),
    ("ledger.carbon_operational_per_mtoken", "Operational, per million tokens"),
    ("ledger.carbon_embodied_per_mtoken", "Embodied, per million tokens"),
    ("economics.carbon_operational_request", "Operational, per request"),
)
_CURVES = {
    "duration": "Duration curves of each source and of the load, each sorted by itself.",
    "price": "Duration curve of the hourly marginal price.",
}
_CAPACITY = "Plants built, with their energy in a year; the energy of stores is discharge."
_BILL = "Lines of the bill of a mean year in dollars of the catalog; a line below zero is paid to the site."
_NEITHER = ("pue", "temperature")
_HOUR_HEADS = {"pue": "PUE", "not served": "not served"}


def show(asked: Asked) -> Fragment:
    """The page's fragment: map, plants, two weeks, curves, carbon."""
    state, result = asked.state, asked.result
    hourly = need_table(result, "hourly")
    stands_out = weeks(hourly)
    pairs = {f"{a}-{b}": f"the {a} and the {b}" for a, b in _PAIRS if a in stands_out}
    pair = asked.setting("week", pairs)
    asked.progress("The sites", 0.9)
    plots, tables = _places(asked)
    for place, name in enumerate(pair.split("-")):
        plots[f"week-{place}"] = plot(
            f"week-{place}", dispatch_week(result, stands_out[name], f"The {name} week"), _week_words(name)
        )
        tables[f"week-{place}"] = _days(result, hourly, stands_out[name], name)
    for name, words in _CURVES.items():
        plots[name] = plot(name, figure(result, name), words)
    tables["hours"] = _sorted(result, hourly)
    if has_table(result, "plants"):
        plots["capacity"] = plot("capacity", figure(result, "capacity"), _CAPACITY)
        plots["carbon"] = plot(
            "carbon",
            carbon(result),
            "Carbon of a year of operation by plant, fuel supply with it; each bar starts where the one "
            "above ends.",
        )
    bill: Any = get_table(result, "bill")
    if bill is not None:
        lines = dict(zip(map(str, bill.index), bill["amount [$/yr]"], strict=True))
        plots["bill"] = plot("bill", bill_lines(lines), _BILL)
    return fragment(
        "supply.html.j2",
        title=f"Supply: {result.name}",
        branch=state.branch,
        plots=plots,
        tables=tables,
        plants=grids.table(result, "plants"),
        bill=grids.table(result, "bill"),
        within=WITHIN,
        emitting=_emitting(result),
        cards=grids.cards(result, _CARDS),
        carbon_cards=grids.cards(result, _CARBON),
        pair=pair,
        pairs=pairs,
        colour=asked.setting("map", _COLOURS),
        colours=_COLOURS,
        limits={name: label(name) for name in _limits()},
        durations=DURATIONS,
        cuts=CUTS,
        protections=protections(),
        events=events(),
        query=state.query(asked.settings),
    )


def _limits() -> list[str]:
    """Connection limits, the usual one first."""
    return sorted(list_limits(), key=lambda name: name != "moderate")


def _places(asked: Asked) -> tuple[dict[str, Plot], dict[str, Grid]]:
    """The map and the table of all sites; each row links to the scenario at that site."""
    state = asked.state
    try:
        chosen: str | None = load_site(state.written("site.name")).place
    except InputError:  # a site of its own
        chosen = None
    sites = site_overview(_year(asked), chosen)
    by = asked.setting("map", _COLOURS)
    words = (
        f"Sites by {_COLOURS[by]}; the ring marks the scenario's site. A click on a marker selects that site."
    )
    links = {
        name: f"/supply?{state.with_changes({'site.name': str(name)}).query(asked.settings)}"
        for name in map(str, sites.index)
    }
    grid = grid_of(
        sites[list(_SITES)],
        f"All {len(catalog.table('sites'))} sites with hours of their own, and the scenario's: means over a "
        f"weather year, the grid in {_year(asked)}. A name selects that site.",
        heads=_SITE_HEADS,
        grades=("price_grade", "carbon_grade"),
        links=links,
        names={str(key): str(name) for key, name in sites["name"].items()},
        most=1,
    )
    return {"map": plot("map", site_map(sites, chosen, by=by), words)}, {"sites": grid}


def _year(asked: Asked) -> int:
    return int(asked.state.loaded().scenario.year)


def _week_words(name: str) -> str:
    return (
        f"The {name} seven days of the year, hour by hour in local standard time: generation covers the "
        "load (line) and charging (below zero); beneath it the marginal price."
    )


def _renamed(result: Result, frame: Any) -> Any:
    """Columns of plants by the plants' names, without columns of zeros."""
    names = plant_names(result)

    def said(column: str) -> str:
        stem, _, unit = column.partition(" [")
        for end in (" charge", " stored"):
            bare = stem.removesuffix(end)
            if bare != stem:
                return f"{names.get(bare, label(bare))}, {end.strip()} [{unit}"
        return f"{names.get(stem, label(stem))} [{unit}"

    least = 1e-3 * float(frame["load [MW]"].max())
    kept = [
        column
        for column in map(str, frame.columns)
        if not column.endswith(("[MW]", "[MWh]")) or float(frame[column].abs().max()) > least
    ]
    return frame[kept].rename(columns={column: said(column) for column in kept})


def _days(result: Result, hourly: pd.DataFrame, start: int, name: str) -> Grid:
    return grid_of(
        _renamed(result, days_of(hourly, start)),
        f"Means of the days of the {name} week.",
        heads=_HOUR_HEADS,
        most=2,
    )


def _sorted(result: Result, hourly: Any) -> Grid:
    columns = [column for column in map(str, hourly.columns) if column.split(" [")[0] not in _NEITHER]
    return grid_of(
        _renamed(result, sorted_hours(hourly[columns])),
        "Value reached or exceeded in a share of the year, every column sorted by itself.",
        heads=_HOUR_HEADS | {"share": ""},
        most=2,
    )


def _emitting(result: Result) -> Grid | None:
    frame: Any = get_table(result, "plants")
    if frame is None:
        return None
    columns = [column for column in map(str, frame.columns) if column.split(" [")[0] in ("energy", "carbon")]
    return grid_of(
        frame[columns], "Carbon of a year of operation by plant.", names=plant_names(result), most=3
    )

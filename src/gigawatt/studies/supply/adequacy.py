"""The adequacy of a planned supply: its part of the answer, and its section of the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.document import Grid, Part
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.parts import rows_grid
from gigawatt.power.adequacy import Adequacy, Nine

if TYPE_CHECKING:
    from gigawatt.power.adequacy.simulate import Simulation
    from gigawatt.power.adequacy.simulated import BadWeek

__all__ = ["as_json", "nines_words", "parts"]

_MEGA = 1e6
"""From W and W·h, as :class:`Adequacy` has them."""


def as_json(adequacy: Adequacy, nines: Sequence[Nine], week: BadWeek) -> dict[str, Any]:
    """Keys with their unit at the end; see docs/adequacy.md."""
    found, kinds = adequacy.indices, adequacy.system.kinds
    worst = adequacy.worst
    return {
        "words": adequacy.words,
        "method": "simulation" if adequacy.stores and adequacy.simulation else "convolution",
        "lolh_h": found.hours,
        "lole_days": found.days,
        "eue_MWh": found.energy / _MEGA,
        "served": adequacy.served,
        "events": found.events,
        "event_h": found.event_hours,
        "simulation": None if adequacy.simulation is None else _simulation(adequacy.simulation),
        "firm_over_peak": adequacy.firm,
        "largest_loss": {
            "what": worst.words,
            "plant": worst.id,
            "unit_MW": None if worst.size is None else worst.size / _MEGA,
            "hours_short_while_out": worst.short,
            "MWh_per_year": worst.energy / _MEGA,
        },
        "units": [
            {
                "id": one.plant.id,
                "name": one.plant.name,
                "count": one.units.count,
                "unit_MW": one.units.size / _MEGA,
                "planned_MW": adequacy.mean_capacity(one) / _MEGA,
                "spare_MW": (one.units.total - adequacy.mean_capacity(one)) / _MEGA,
                "forced": one.units.forced,
                "maintenance": one.units.planned,
                "repair_h": one.units.repair,
            }
            for one in kinds
        ],
        "nines": [
            {"hours_served": one.share, "plant": one.plant, "more_units": one.count, "USD_per_year": one.cost}
            for one in nines
        ],
        "bad_week": {
            "first_hour": week.first,
            "load_MW": _short(week.load),
            "sun_wind_and_cut_MW": _short(week.other),
            "there_MW": {name: _short(values) for name, values in week.there.items()},
            "stores_MW": {name: _short(values) for name, values in week.stores.items()},
            "lacking_MW": _short(week.lacking),
        },
    }


def _short(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value / _MEGA:.5g}") for value in values]


def _simulation(found: Simulation) -> dict[str, Any]:
    """Mean of a year with 95 % confidence, of ``longest`` and ``largest`` of the years' largest; the most."""

    def ends(figure: str, scale: float = 1.0) -> dict[str, float]:
        low, high = found.interval(figure)
        return {"mean": found.mean(figure) / scale, "low": low / scale, "high": high / scale}

    return {
        "years": found.years,
        "lolh_h": ends("hours"),
        "lole_days": ends("days"),
        "eue_MWh": ends("energy", _MEGA),
        "events": ends("events"),
        "longest_event_h": ends("longest") | {"most": found.most("longest")},
        "largest_shortfall_MW": ends("largest", _MEGA) | {"most": found.most("largest") / _MEGA},
    }


def nines_words(one: Mapping[str, Any]) -> str:
    """What the next nine of hours takes, in one sentence; empty where none is left."""
    if not one["nines"]:
        return ""
    row = one["nines"][0]
    share = f"{100 * row['hours_served']:.5g} % of hours"
    if row["more_units"] is None:
        return f" No number of units of {row['plant']} would serve {share} in full."
    cost = with_unit(row["USD_per_year"], "$")
    return f" To serve {share} in full takes {row['more_units']:,} more of {row['plant']}, {cost} a year."


def parts(answer: Mapping[str, Any]) -> tuple[Part, ...]:
    """What the section says: the indices, the units, what further nines take."""
    one = answer["adequacy"]
    return tuple(grid for grid in (_indices(one), _units(one), _nines(one)) if grid.rows)


def _indices(one: Mapping[str, Any]) -> Grid:
    rows = [
        ("hours short per year (LOLH)", f"{significant(one['lolh_h'])} h"),
        ("days short per year (LOLE)", "–" if one["lole_days"] is None else significant(one["lole_days"])),
        ("energy not served per year (EUE)", with_unit(one["eue_MWh"], "MWh")),
        ("events per year", "–" if one["events"] is None else significant(one["events"])),
        ("mean event", "–" if one["event_h"] is None else f"{significant(one['event_h'])} h"),
        ("power of all units over the highest load", significant(one["firm_over_peak"])),
    ]
    largest, found = one["largest_loss"], one["simulation"]
    short = 100 * largest["hours_short_while_out"]
    rows.append((f"hours short while {largest['what']} is out", f"{significant(short)} %"))
    caption = f"With outages, by {one['method']} over every hour of the plan."
    if found is not None:
        long, deep = found["longest_event_h"], found["largest_shortfall_MW"]
        if one["method"] == "simulation":
            rows[0] = (rows[0][0], f"{rows[0][1]} ({_range(found['lolh_h'])})")
            rows[2] = (rows[2][0], f"{rows[2][1]} ({_range(found['eue_MWh'])} MWh)")
        rows.insert(5, ("longest event of a year, mean", f"{significant(long['mean'])} h ({_range(long)})"))
        rows.insert(6, ("largest shortfall of a year, mean",
                        f"{with_unit(deep['mean'], 'MW')} ({_range(deep)} MW)"))  # fmt: skip
        caption += (
            f" Longest, largest and events are of {found['years']:,} simulated years; 95 % in brackets."
        )
    return rows_grid(caption, ("figure", "value"), rows)


def _range(ends: Mapping[str, float]) -> str:
    return f"{significant(ends['low'])} to {significant(ends['high'])}"


def _units(one: Mapping[str, Any]) -> Grid:
    rows = [
        (
            row["name"], f"{row['count']:,}", with_unit(row["unit_MW"], "MW"),
            with_unit(row["spare_MW"], "MW"), f"{significant(100 * row['forced'])} %",
            f"{significant(100 * row['maintenance'])} %", f"{significant(row['repair_h'])} h",
        )
        for row in one["units"]
    ]  # fmt: skip
    heads = ("plant", "units", "of", "above mean availability", "forced out", "in maintenance", "repair")
    return rows_grid("The plan as whole units.", heads, rows)


def _nines(one: Mapping[str, Any]) -> Grid:
    rows = [
        (
            f"{100 * row['hours_served']:.5g} %",
            "no number of them" if row["more_units"] is None else f"{row['more_units']:,} × {row['plant']}",
            "–" if row["USD_per_year"] is None else with_unit(row["USD_per_year"], "$"),
        )
        for row in one["nines"]
    ]
    return rows_grid("What further nines take.", ("hours served in full", "more units", "a year"), rows)

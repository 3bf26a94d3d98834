"""The adequacy of a planned supply: its part of the answer, and its section of the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gigawatt.core.document import Grid, Part, Text
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.parts import rows_grid
from gigawatt.power.adequacy import Adequacy, Nine

__all__ = ["as_json", "parts"]

_MEGA = 1e6
"""From W and W·h, as :class:`Adequacy` has them."""


def as_json(adequacy: Adequacy, nines: Sequence[Nine]) -> dict[str, Any]:
    """Keys with their unit at the end; see docs/adequacy.md."""
    found, kinds = adequacy.indices, adequacy.system.kinds
    worst = adequacy.largest
    return {
        "words": adequacy.words,
        "method": "convolution",
        "stores_as_planned": adequacy.stores,
        "lolh_h": found.hours,
        "lole_days": found.days,
        "eue_MWh": found.energy / _MEGA,
        "served": adequacy.served,
        "events": found.events,
        "event_h": found.event_hours,
        "firm_over_peak": adequacy.firm,
        "largest_loss": None
        if worst is None
        else {
            "plant": kinds[worst].plant.id,
            "unit_MW": kinds[worst].units.size / _MEGA,
            "hours_short_while_out": found.while_out[worst][0],
        },
        "units": [
            {
                "id": one.plant.id,
                "name": one.plant.name,
                "count": one.units.count,
                "unit_MW": one.units.size / _MEGA,
                "planned_MW": one.capacity / _MEGA,
                "spare_MW": one.spare / _MEGA,
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
    }


def parts(answer: Mapping[str, Any]) -> tuple[Part, ...]:
    """What the section says: a sentence, the indices, the units, what further nines take."""
    one = answer["adequacy"]
    found = (Text(one["words"] + "."), _indices(one), _units(one), _nines(one))
    return tuple(part for part in found if not isinstance(part, Grid) or part.rows)


def _indices(one: Mapping[str, Any]) -> Grid:
    rows = [
        ("hours short per year (LOLH)", f"{significant(one['lolh_h'])} h"),
        ("days short per year (LOLE)", significant(one["lole_days"])),
        ("energy not served per year (EUE)", with_unit(one["eue_MWh"], "MWh")),
        ("events per year", "–" if one["events"] is None else significant(one["events"])),
        ("mean event", "–" if one["event_h"] is None else f"{significant(one['event_h'])} h"),
        ("power of all units over the highest load", significant(one["firm_over_peak"])),
    ]
    largest = one["largest_loss"]
    if largest is not None:
        short = 100 * largest["hours_short_while_out"]
        rows.append(("hours short while the worst unit is out", f"{significant(short)} %"))
    stores = "; stores discharge as planned, also in an outage" if one["stores_as_planned"] else ""
    caption = f"With outages, by {one['method']} over every hour of the plan{stores}."
    return rows_grid(caption, ("figure", "value"), rows)


def _units(one: Mapping[str, Any]) -> Grid:
    rows = [
        (
            row["name"], f"{row['count']:,}", with_unit(row["unit_MW"], "MW"),
            with_unit(row["spare_MW"], "MW"), f"{significant(100 * row['forced'])} %",
            f"{significant(100 * row['maintenance'])} %", f"{significant(row['repair_h'])} h",
        )
        for row in one["units"]
    ]  # fmt: skip
    heads = ("plant", "units", "of", "above the plan", "forced out", "in maintenance", "repair")
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

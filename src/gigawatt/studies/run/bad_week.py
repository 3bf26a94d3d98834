"""A bad week of a run's supply: what is there, stores, and what lacks, as ``plan-supply`` shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gigawatt.power import SupplyPlan
from gigawatt.power.adequacy import Adequacy
from gigawatt.studies.run.figures_power import plant_names
from gigawatt.studies.run.figures_tables import column, need_table

if TYPE_CHECKING:
    from gigawatt.core.result import Result

__all__ = ["BAD_WEEK", "figure", "with_bad_week"]

BAD_WEEK = "bad_week"
"""The table's name."""
_YEARS = 400
"""Simulated years of which one in twenty is worse, where the plan was judged without a simulation."""
_LOAD, _OTHER, _LACKING = "load [MW]", "sun, wind and cut [MW]", "not served [MW]"
_THERE, _GIVES = " there [MW]", " gives [MW]"
_MEGA = 1e6


def with_bad_week(result: Result, objects: Mapping[str, Any]) -> Result:
    """The result with a bad week of its supply as a table; as it is without a plan."""
    import pandas as pd

    plan, adequacy = objects.get("supply.plan"), objects.get("supply.adequacy")
    bought = "supply.plants" not in objects  # at one price
    if bought or not isinstance(plan, SupplyPlan) or not isinstance(adequacy, Adequacy):
        return result
    if not adequacy.system.kinds:
        return result
    from gigawatt.power.adequacy.simulated import bad_week, simulated  # brings numba

    week = bad_week(plan, adequacy if adequacy.simulation else simulated(plan, adequacy, years=_YEARS))
    table: dict[str, Any] = {
        "hour": range(week.first, week.first + len(week.load)),
        _LOAD: week.load / _MEGA,
        _OTHER: week.other / _MEGA,
    }
    table |= {f"{name}{_THERE}": values / _MEGA for name, values in week.there.items()}
    table |= {f"{name}{_GIVES}": values / _MEGA for name, values in week.stores.items()}
    table[_LACKING] = week.lacking / _MEGA
    return replace(result, tables={**result.tables, BAD_WEEK: pd.DataFrame(table)})


def figure(result: Result) -> Any:
    """The picture of ``plan-supply``, of the table of a run."""
    from gigawatt.studies.supply.figures import week_figure

    frame = need_table(result, BAD_WEEK)

    def by_plant(ending: str) -> dict[str, list[float]]:
        return {
            str(name).removesuffix(ending): list(map(float, frame[name]))
            for name in frame.columns
            if str(name).endswith(ending)
        }

    def listed(name: str) -> list[float]:
        return list(map(float, column(frame, name)[0]))

    names = plant_names(result)
    there, stores = by_plant(_THERE), by_plant(_GIVES)
    return week_figure(
        {
            "first_hour": int(frame["hour"].iloc[0] if "hour" in frame.columns else frame.index[0]),
            "load_MW": listed(_LOAD),
            "sun_wind_and_cut_MW": listed(_OTHER),
            "there_MW": there,
            "stores_MW": stores,
            "lacking_MW": listed(_LACKING),
        },
        {name: names.get(name, name) for name in (*there, *stores)},
    )

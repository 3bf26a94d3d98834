"""What further nines of hours take in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gigawatt.faces.figures.readable import with_unit
from gigawatt.power.adequacy import Adequacy, losses_of, nines_of
from gigawatt.studies.run.figures_tables import get_table

if TYPE_CHECKING:
    from gigawatt.core.result import Result

__all__ = ["NINES", "next_nine_words", "with_nines"]

NINES = "nines"
"""The table's name."""
SHARE, PLANT, MORE, COST = "hours served [percent]", "by", "more units", "cost [$/yr]"


def with_nines(result: Result, objects: Mapping[str, Any]) -> Result:
    """The result with what further nines take as a table; as it is without a plan."""
    import pandas as pd

    adequacy = objects.get("supply.adequacy")
    if not isinstance(adequacy, Adequacy):
        return result
    rows = [
        {SHARE: 100.0 * one.share, PLANT: one.plant, MORE: one.count, COST: one.cost}
        for one in nines_of(adequacy, losses_of(objects["supply.plan"]))
    ]
    if not rows:
        return result
    frame = pd.DataFrame(rows).astype({MORE: float, COST: float})  # no number of units: not a number
    return replace(result, tables={**result.tables, NINES: frame})


def next_nine_words(result: Result) -> str:
    """What the next nine takes, as the end of a sentence; empty where it is not known."""
    frame: Any = get_table(result, NINES)
    if frame is None:
        return ""
    row = frame.iloc[0]
    share = f"{row[SHARE]:.5g} % of hours"
    if not row[MORE] >= 0.0:
        return f"; no number of units of {row[PLANT]} would serve {share} in full"
    units = f"{row[MORE]:,.0f} more unit{'' if row[MORE] == 1.0 else 's'} of {row[PLANT]}"
    return f"; {share} in full take {units}, {with_unit(row[COST], '$')} a year"

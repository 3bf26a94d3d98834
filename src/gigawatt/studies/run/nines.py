"""What the next nine of hours costs in a run, where no store answers outages: convolution alone is quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gigawatt.faces.figures.readable import with_unit
from gigawatt.power.adequacy import Adequacy, nines_of
from gigawatt.studies.run.figures_tables import get_table

if TYPE_CHECKING:
    from gigawatt.core.result import Result

__all__ = ["NINES", "next_nine_words", "with_nines"]

NINES = "nines"
"""The table's name."""
SHARE, PLANT, MORE, COST = "hours served [percent]", "by", "more units", "cost [$/yr]"


def with_nines(result: Result, objects: Mapping[str, Any]) -> Result:
    """The result with what further nines take as a table; as it is without a plan, or with stores."""
    import pandas as pd

    adequacy = objects.get("supply.adequacy")
    if not isinstance(adequacy, Adequacy) or adequacy.stores:
        return result
    rows = [
        {SHARE: 100.0 * one.share, PLANT: one.plant, MORE: one.count, COST: one.cost}
        for one in nines_of(adequacy)
    ]
    return replace(result, tables={**result.tables, NINES: pd.DataFrame(rows)}) if rows else result


def next_nine_words(result: Result) -> str:
    """What the next nine takes, as the end of a sentence; empty where it is not known."""
    frame: Any = get_table(result, NINES)
    if frame is None:
        return ""
    row = frame.iloc[0]
    share = f"{row[SHARE]:.5g} % of hours"
    if not row[MORE] >= 0.0:
        return f"; no number of {row[PLANT]} would serve {share} in full"
    return f"; {share} in full take {row[MORE]:,.0f} more of {row[PLANT]}, {with_unit(row[COST], '$')} a year"

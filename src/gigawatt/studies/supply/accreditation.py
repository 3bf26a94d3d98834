"""What a grid would count of the plants of a supply: marginal ELCC of its system, and published classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gigawatt.catalog import table
from gigawatt.core.document import Grid
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.parts import rows_grid
from gigawatt.power.adequacy.elcc import Credit

__all__ = ["accreditation_grids", "accreditation_json"]

_TABLE, _RATING = "accreditation", "rating"
_MEGA = 1e6


def _published(grid: str, plant: str) -> list[dict[str, Any]]:
    """Class ratings of the market that a grid belongs to, by the year in which delivery begins."""
    row = table(_TABLE).get(f"{grid.partition('-')[0]}-{plant}")
    if row is None:
        return []
    return [
        {"delivery_from": one.year, "rating": one.value, "class": one.locator, "source": one.source_id}
        for one in row.numbers[_RATING]
    ]


def accreditation_json(credits: Sequence[Credit], grid: str) -> list[dict[str, Any]]:
    """A row a plant; ``elcc`` of the plan's own system, ``ratings`` of the grid's market, where it has them.

    ``credits`` are marginal; ``grid`` is a row of ``grids``.
    """
    return [
        {
            "plant": one.plant,
            "capacity_MW": one.capacity / _MEGA,
            "elcc": one.share,
            "ratings": [
                {**rating, "accredited_MW": rating["rating"] * one.capacity / _MEGA}
                for rating in ([] if one.plant == "grid" else _published(grid, one.plant))
            ],
        }
        for one in credits
    ]


def accreditation_grids(answer: Mapping[str, Any]) -> tuple[Grid, ...]:
    """Own ELCC, and where the market publishes classes what it would count."""
    rows = answer["accreditation"]
    if not rows:
        return ()
    own = rows_grid(
        "What a further megawatt is worth here, against one that never fails (marginal ELCC).",
        ("plant", "capacity", "ELCC"),
        [
            (row["plant"], with_unit(row["capacity_MW"], "MW"), f"{significant(100 * row['elcc'])} %")
            for row in rows
        ],
    )
    rated = [
        (
            row["plant"], one["class"], f"{significant(100 * one['rating'])} %",
            with_unit(one["accredited_MW"], "MW"),
        )
        for row in rows
        for one in row["ratings"]
    ]  # fmt: skip
    if not rated:
        return (own,)
    heads = ("plant", "class and delivery year", "rating", "accredited")
    return (own, rows_grid("What the market of the grid would count, by its class ratings.", heads, rated))

"""``gigawatt plan-supply``: the least-cost plants for a load at a site, with hourly dispatch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import AnswerJson, AnswerQuiet, option, read_pairs
from gigawatt.faces.terminal.question import Asked, asks

__all__ = ["plan_supply_command"]

_ANSWER = "Answer"
#: What question and plan call their words → the option that sets them, where it is called otherwise.
_OPTIONS = {
    "limits": "--limit",
    "capacity_factors": "--capacity-factor",
    "carbon_limit": "--carbon",
    "not_served_limit": "--reliability",
}


@asks("plan-supply", settings=True)
def plan_supply_command(
    asked: Asked,
    near: Annotated[
        str | None,
        option(
            "Also what costs at most this much more, such as 2%, and at which prices the plan turns.", _ANSWER
        ),
    ] = None,
    output: Annotated[
        Path | None, option("Folder for plan.html, plan.md, plan.json and the tables as CSV.", _ANSWER)
    ] = None,
    json: AnswerJson = False,
    quiet: AnswerQuiet = False,
) -> None:
    """Plan the supply of a load: least-cost plants, their capacities and hourly dispatch."""
    from gigawatt.studies.supply.door import plan_supply

    words = dict(asked.words)
    limits = read_pairs("--limit", "plant=power, such as grid=300MW", words.pop("limit", []))
    example = "plant=file, such as hydro=river.csv"
    shares = read_pairs("--capacity-factor", example, words.pop("capacity_factor", []))
    give(
        lambda report: plan_supply(
            **words, near=near, limits=limits, capacity_factors=shares, settings=asked.settings,
            progress=report,
        ),
        plan_supply_command, output=output, json=json, quiet=quiet,
        renamed=_OPTIONS,
    )  # fmt: skip

"""A supply, planned: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.supply import STUDY

__all__ = ["plan_supply"]

Progress = Callable[[str, float], None]


def plan_supply(
    site: str, *, near: str | None = None, progress: Progress | None = None, **words: Any
) -> Answer:
    """Plan a supply, as ``gigawatt plan-supply`` does: the cheapest plants and every hour of them.

    Parameters
    ----------
    site : str
        A site of the catalog by the words of its name.
    near : str, optional
        Share of the cost, such as ``2%``: also what costs at most this much more, and at which prices the
        plan turns; some ten CPU seconds.
    progress : callable, optional
        Called with (what is done, share done).
    **words
        Of :func:`gigawatt.studies.supply.question.read_supply_question`: ``load, year, profile, plants,
        limits, carbon, carbon_price, matching, reliability, flexible, deferrable …``, and ``settings``,
        fields of a scenario: ``{"load.mean": "100 MW"}``.

    Returns
    -------
    Answer
        Keys in docs/plan-supply.md; the table ``hourly`` has a row an hour.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read, a limit that cannot be met.
    """
    from gigawatt.power.plan.neighbours import neighbours_of
    from gigawatt.studies.supply.answer import as_answer, hourly
    from gigawatt.studies.supply.figures import FIGURES
    from gigawatt.studies.supply.near import near_json, near_problem, read_near
    from gigawatt.studies.supply.plan import plan_supply as planned
    from gigawatt.studies.supply.question import read_supply_question

    within = None if near is None else read_near(near)
    question = read_supply_question(site=site, **words)
    if progress is not None:
        progress("Planning every hour", 0.3)
    supply = planned(question)
    data, hours = as_answer(supply), hourly(supply)
    if within is not None:
        data["near"] = near_json(neighbours_of(near_problem(supply), within, progress))
    drawings = {name: partial(draw, data, hours) for name, (draw, _) in FIGURES.items()}
    if within is None:
        del drawings["near"]
    files = {
        "plants": partial(list, data["plants"]),
        "months": partial(list, data["months"]),
        "hourly": lambda: {"hour": range(len(hours["load"])), **hours},
    }
    if "bill" in data:
        files["bill"] = partial(list, data["bill"]["lines"])
    return Answer(STUDY, data, supply, drawings, {"hourly": lambda: _with_units(hours)}, hours, files)


def _with_units(hours: Mapping[str, Any]) -> dict[str, Any]:
    """Hours with the unit of each column behind its name, as the tables of a result have it."""

    def unit(name: str) -> str:
        return "$/MWh" if name == "price" else "MWh" if name.endswith(" stored") else "MW"

    return {f"{name} [{unit(name)}]": values for name, values in hours.items()}

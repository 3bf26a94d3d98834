"""What costs almost the same as the supply of the page's scenario, and the prices at which it is another."""

from __future__ import annotations

from typing import Any

from gigawatt.core.errors import GigawattError
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.form.state import placed
from gigawatt.faces.web.rendering import fragment, plot
from gigawatt.power.plan.neighbours import neighbours_of
from gigawatt.studies.supply.figures import FIGURES
from gigawatt.studies.supply.near import near_grids, near_json, near_problem, near_words, read_near
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import question_of

__all__ = ["WITHIN", "compute"]

WITHIN = {"2%": "2 %", "1%": "1 %", "5%": "5 %", "10%": "10 %"}
"""Shares of the cost that the page offers, as texts of ``plan-supply --near``."""
_PLANNED = 0.15
"""Share of the work that is the plan itself."""


def compute(asked: Asked) -> Fragment:
    """The page's fragment: sizes within a share of the cost, plans without a plant, prices that turn it."""
    within = read_near(asked.setting("within", WITHIN))
    try:
        asked.progress("Planning every hour", 0.0)
        supply = plan_supply(question_of(asked.loaded()))
        found = neighbours_of(
            near_problem(supply),
            within,
            lambda words, share: asked.progress(words, _PLANNED + (1.0 - _PLANNED) * share),
        )
    except GigawattError as error:
        raise placed(error, asked.state.branch) from None
    near = near_json(found)
    names = {plant.id: plant.name for plant in supply.plan.plants}
    answer: dict[str, Any] = {
        "near": near, "plants": [{"id": key, "name": name} for key, name in names.items()],
    }  # fmt: skip
    draw, caption = FIGURES["near"]
    return fragment(
        "supply_near.html.j2",
        title="What costs almost the same",
        words=near_words(near, names),
        sizes=plot("near", draw(answer, {}), caption),
        grids=near_grids(near, names),
    )

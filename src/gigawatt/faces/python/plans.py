"""A service and a supply, planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.answer import Answer

__all__ = ["plan_serving", "plan_supply"]

Progress = Callable[[str, float], None]
_DEGREES = ("tensor", "pipeline", "data", "expert")


def plan_serving(
    *,
    model: str | Path,
    chip: str,
    chips: int | None = None,
    mode: str = "aggregated",
    minimise: str = "cost",
    finalists: int = 3,
    requests: int = 4000,
    seed: int = 0,
    roofline: bool = False,
    progress: Progress | None = None,
    **words: Any,
) -> Answer:
    """Plan a service, as ``gigawatt plan-serving`` does: replicas, loads, waits, money and energy a token.

    Parameters
    ----------
    model : str or path
        A model of the catalog, or a ``config.json`` of a known family.
    chip : str
        An accelerator by the words of its name.
    chips : int, optional
        Accelerators that there are.
    mode, minimise : str
        ``aggregated, disaggregated, both``; ``cost, energy, chips`` of a request.
    finalists, requests, seed : int
        Configurations that the event engine tries (0: closed form alone), requests of each, their seed.
    roofline : bool
        The memory wall for several number formats as well.
    progress : callable, optional
        Called with (what is done, share done).
    **words
        Of :func:`gigawatt.chain.serving.question.read_serving_question`: ``trace`` or ``prompt, output``,
        ``rate`` or ``demand``, ``objective, weights, cache, precision, sparsity, engine, year, site …``,
        ``settings`` (keys of a scenario: ``{"economics.chip_life": "3 years"}``), and
        degrees to hold: ``tensor, pipeline, data, expert``.

    Returns
    -------
    Answer
        Keys in docs/plan-serving.md.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read; nothing that keeps the objective.
    """
    from gigawatt.chain.serving.intensity import memory_wall
    from gigawatt.chain.serving.plan import plan_serving as planned
    from gigawatt.chain.serving.question import read_serving_question
    from gigawatt.studies.serving.answer import plan_answer
    from gigawatt.studies.serving.figures import FIGURES

    fixed = {name: words.pop(name) for name in _DEGREES if words.get(name) is not None}
    question = read_serving_question(model=str(model), chip=chip, fixed=fixed, **words)
    plan = planned(
        question, chips=chips, mode=mode, minimise=minimise, finalists=finalists, requests=requests,
        seed=seed, progress=progress,
    )  # fmt: skip
    wall = (
        memory_wall(question, plan.cluster, plan.first.pools[-1].points.degrees, plan.prices)
        if roofline
        else None
    )
    document = plan_answer(plan, wall)
    drawn = {name: partial(draw, document) for name, (key, draw, _) in FIGURES.items() if document.get(key)}
    title = f"{document['model']} served by {document['chips']:,} {document['chip']}"
    return Answer(title, document, plan, drawn)


def plan_supply(site: str, **words: Any) -> Answer:
    """Plan a supply, as ``gigawatt plan-supply`` does: the cheapest plants and every hour of them.

    Parameters
    ----------
    site : str
        A site of the catalog by the words of its name.
    **words
        Of :func:`gigawatt.studies.supply.question.read_supply_question`: ``load, year, profile, plants,
        limits, carbon, carbon_price, matching, reliability, flexible, deferrable …``

    Returns
    -------
    Answer
        Keys in docs/plan-supply.md; the table ``hourly`` has a row an hour.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read, a limit that cannot be met.
    """
    from gigawatt.studies.supply.answer import as_answer, hourly
    from gigawatt.studies.supply.figures import FIGURES
    from gigawatt.studies.supply.plan import plan_supply as planned
    from gigawatt.studies.supply.question import read_supply_question

    found = planned(read_supply_question(site=site, **words))
    document = as_answer(found)

    def draw(function: Callable[..., Any]) -> Any:
        return function(document, hourly(found))

    drawn = {name: partial(draw, function) for name, (function, _) in FIGURES.items()}
    title = f"{document['load_peak_MW']:,.4g} MW at {document['site_name']} in {document['year']}"
    return Answer(title, document, found, drawn, {"hourly": lambda: _with_units(hourly(found))})


def _with_units(hours: Mapping[str, Any]) -> dict[str, Any]:
    """Hours with the unit of each column behind its name, as the tables of a result have it."""

    def unit(name: str) -> str:
        return "$/MWh" if name == "price" else "MWh" if name.endswith(" stored") else "MW"

    return {f"{name} [{unit(name)}]": values for name, values in hours.items()}

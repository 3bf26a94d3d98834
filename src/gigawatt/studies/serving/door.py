"""A planned service: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.studies.serving import STUDY

if TYPE_CHECKING:
    from gigawatt.chain.serving.question import ServingQuestion

__all__ = ["plan_serving", "question_of"]

Progress = Callable[[str, float], None]
_DEGREES = ("tensor", "pipeline", "data", "expert")


def plan_serving(
    *,
    model: str | Path,
    chip: str,
    chips: int | None = None,
    power: str | None = None,
    mode: str = "aggregated",
    minimise: str = "cost",
    finalists: int = 3,
    requests: int = 4000,
    seed: int = 0,
    roofline: bool = False,
    progress: Progress | None = None,
    **words: Any,
) -> Answer:
    """Plan a service, as ``gigawatt plan-serving`` does: replicas, latencies, cost and energy per token.

    Parameters
    ----------
    model : str or path
        A model of the catalog, or a ``config.json`` of a known family.
    chip : str
        An accelerator by the words of its name.
    chips, power : optional
        Available accelerators; or the power at the meter in the hottest hour that feeds them (``"1 GW"``).
    mode, minimise : str
        ``aggregated, disaggregated, both``; ``cost, energy, chips`` of a request.
    finalists, requests, seed : int
        Configurations that the event engine tries (0: closed form alone), requests of each, their seed.
    roofline : bool
        The memory wall for several number formats as well.
    progress : callable, optional
        Called with (what is done, share done).
    **words
        Of :func:`gigawatt.chain.serving.reader.read_serving_question`: ``trace`` or ``prompt, output``,
        ``rate`` or ``demand``, ``objective, weights, cache, precision, sparsity, engine, year, site …``, and
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
    from gigawatt.core.errors import GigawattError
    from gigawatt.core.quantities import several
    from gigawatt.studies.serving.answer import plan_answer
    from gigawatt.studies.serving.figures import FIGURES

    question = question_of({"model": str(model), "chip": chip, **words})
    if power is not None:
        question, chips = _fed(question, power, chips)
    try:
        plan = planned(
            question, chips=chips, mode=mode, minimise=minimise, finalists=finalists, requests=requests,
            seed=seed, progress=progress,
        )  # fmt: skip
    except GigawattError as error:
        if power is not None and error.key == "chips":
            error.key, error.given = "power", f"{power}, which feeds {several(chips or 0, 'accelerator')}"
        raise
    wall = None
    if roofline:
        if progress is not None:
            progress("Roofline", 0.96)
        wall = memory_wall(question, plan.cluster, plan.first.pools[-1].points.degrees, plan.prices)
    data = plan_answer(plan, wall)
    drawings = {name: partial(draw, data) for name, (key, draw, _) in FIGURES.items() if data.get(key)}
    tables = {"configurations": data["best"], "front": data["front"]}
    if roofline:
        tables["roofline"] = data["roofline"]["rows"]
    files = {name: partial(list, rows) for name, rows in tables.items() if rows}
    return Answer(STUDY, data, plan, drawings, files=files)


def _fed(question: ServingQuestion, power: str, chips: int | None) -> tuple[ServingQuestion, int]:
    """(the question that says so, accelerators that a power at the meter feeds)."""
    from dataclasses import replace

    from gigawatt.chain.assumption_list import positive
    from gigawatt.core.errors import InputError

    if chips is not None or question.demand is not None:
        raise InputError(
            "sets the accelerators, which are given or follow from the demand", key="power", given=power,
            allowed="without --chips, --rate and --demand",
        )  # fmt: skip
    count = question.fed_by(positive(power, "W", "power", "1 GW"))
    told = f"{power} at the meter feeds {count:,} accelerators at their limit in the hottest hour"
    return replace(question, notices=(*question.notices, told)), count


def question_of(words: Mapping[str, Any]) -> ServingQuestion:
    """The question of the given words; fixed degrees are a mapping."""
    from gigawatt.chain.serving.reader import read_serving_question

    fixed = {name: words[name] for name in _DEGREES if words.get(name) is not None}
    return read_serving_question(
        fixed=fixed, **{name: value for name, value in words.items() if name not in _DEGREES}
    )

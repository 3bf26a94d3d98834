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
    chips : int, optional
        Available accelerators.
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
    from gigawatt.studies.serving.answer import plan_answer
    from gigawatt.studies.serving.figures import FIGURES

    question = question_of({"model": str(model), "chip": chip, **words})
    plan = planned(
        question, chips=chips, mode=mode, minimise=minimise, finalists=finalists, requests=requests,
        seed=seed, progress=progress,
    )  # fmt: skip
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


def question_of(words: Mapping[str, Any]) -> ServingQuestion:
    """The question of the given words; fixed degrees are a mapping."""
    from gigawatt.chain.serving.reader import read_serving_question

    fixed = {name: words[name] for name in _DEGREES if words.get(name) is not None}
    return read_serving_question(
        fixed=fixed, **{name: value for name, value in words.items() if name not in _DEGREES}
    )

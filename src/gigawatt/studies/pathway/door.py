"""Power over decades: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.pathway import STUDY

__all__ = ["plan_pathway"]

Progress = Callable[[str, float], None]


def plan_pathway(
    site: str, load: str | None = None, *, check: bool = False, progress: Progress | None = None, **words: Any
) -> Answer:
    """Plan a campus's power over decades, as ``gigawatt plan-pathway`` does: build, retire, bridge.

    Parameters
    ----------
    site, load : str
        A site of the catalog, or the file of a scenario; mean power at the meter, one value or by year
        (``"2025: 200 MW, 2030: 1 GW"``).
    check : bool
        Whether to plan one step with every hour too.
    progress : callable, optional
        Called with (what is done, share done).
    **words
        Of :func:`gigawatt.studies.pathway.question.read_pathway_question`: ``years, every, whole_steps, chip,
        carbon, carbon_price, gas_price, grid_price, plants, limit, build_rate, lead_time, existing, learning,
        case, discount_rate, not_served, weeks``, and ``settings``, fields of a scenario.

    Returns
    -------
    Answer
        Keys in docs/pathway.md.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read, a limit that cannot be met.
    """
    from gigawatt.studies.pathway.answer import pathway_answer
    from gigawatt.studies.pathway.figures import FIGURES
    from gigawatt.studies.pathway.plan import pathways
    from gigawatt.studies.pathway.question import read_pathway_question

    question = read_pathway_question(site=site, load=load, **words)
    found = pathways(question, check=check, progress=progress or (lambda words, share: None))
    data = pathway_answer(found)
    steps = [{key: value for key, value in step.items() if key != "plants"} for step in data["steps"]]
    rows = [{"year": step["year"], **row} for step in data["steps"] for row in step["plants"]]
    drawings = {name: partial(draw, data) for name, (draw, _) in FIGURES.items()}
    files = {"steps": lambda: steps, "plants": lambda: rows}
    return Answer(STUDY, data, found, drawings, {"plants": lambda: rows}, files=files)

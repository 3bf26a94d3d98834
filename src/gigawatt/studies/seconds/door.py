"""The power swings of a load: what the command and Python both call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.seconds import STUDY

__all__ = ["plan_seconds"]

Progress = Callable[[str, float], None]


def plan_seconds(
    *, plants: Mapping[str, str] | None = None, progress: Progress | None = None, **words: Any
) -> Answer:
    """Analyse the power swings of a load, as ``gigawatt plan-seconds`` does: ramps, oscillations, stores.

    Parameters
    ----------
    plants : mapping, optional
        Plant → power, such as ``{"gas-turbine": "40 MW"}``; without ``grid`` an island.
    progress : callable, optional
        Called with (what is done, share done).
    **words
        Options of the command: ``chip, count, model, trace, nodes, duration, step, spread, correlation,
        limits, short_circuit_ratio, electricity, seed``, and ``settings``, fields of the training run.

    Returns
    -------
    Answer
        Keys in docs/seconds.md; table ``series``.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read, a limit that cannot be met.
    """
    from gigawatt.studies.seconds.answer import as_answer, series
    from gigawatt.studies.seconds.figures import FIGURES
    from gigawatt.studies.seconds.plan import plan_seconds as planned
    from gigawatt.studies.seconds.plan import read_seconds_question

    question = read_seconds_question(plants=dict(plants or {}), **words)
    if progress is not None:
        progress("Sizing stores", 0.5)
    found = planned(question)
    data = as_answer(found)
    drawn = {name: [float(value) for value in values] for name, values in series(found).items()}
    times = len(drawn["time_s"])

    def table() -> dict[str, list[float]]:
        """Series over time, six digits."""
        return {
            name: [float(f"{value:.6g}") for value in values]
            for name, values in drawn.items()
            if len(values) == times
        }

    drawings = {name: partial(draw, data, drawn) for name, (draw, _) in FIGURES.items()}
    return Answer(
        STUDY, data, found, drawings, {"series": table}, drawn, {"seconds": table},
        texts={"drawn.json": lambda: json.dumps(drawn) + "\n"},
    )  # fmt: skip

"""The power swings of a load: what the command and Python both call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.seconds import STUDY

__all__ = ["plan_seconds"]

Progress = Callable[[str, float], None]


def plan_seconds(
    *,
    plants: Mapping[str, str] | None = None,
    export_load_model: str | Path | None = None,
    flexible: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    **words: Any,
) -> Answer:
    """Analyse the power swings of a load, as ``gigawatt plan-seconds`` does: ramps, oscillations, stores.

    Parameters
    ----------
    plants : mapping, optional
        Plant → power, such as ``{"gas-turbine": "40 MW"}``; without ``grid`` an island.
    export_load_model : path, optional
        JSON file with the parameters of PERC1 and of the composite load model; it appears whole or not at
        all.
    flexible : mapping, optional
        A call of the utility and who may answer it: ``control, cut, within, hold, follow, limit_voltage,
        feeder, serve, serving_count``.
    progress : callable, optional
        Called with (what is done, share done).
    **words
        Options of the command: ``chip, count, model, trace, nodes, duration, step, spread, correlation,
        limits, short_circuit_ratio, code, protection, event, electricity, seed``, and ``settings``, fields
        of the training run.

    Returns
    -------
    Answer
        Keys in docs/seconds.md; table ``series``.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read, a limit that cannot be met.
    """
    from gigawatt.core.errors import InputError
    from gigawatt.core.store import write_beside
    from gigawatt.power.seconds import load_model
    from gigawatt.studies.seconds.answer import as_answer, series
    from gigawatt.studies.seconds.figures import FIGURES
    from gigawatt.studies.seconds.flexible import read_flexible
    from gigawatt.studies.seconds.plan import plan_seconds as planned
    from gigawatt.studies.seconds.question import read_seconds_question

    question = read_seconds_question(plants=dict(plants or {}), **words)
    if progress is not None:
        progress("Sizing stores", 0.5)
    found = planned(question, flexible=read_flexible(question, **dict(flexible or {})))
    data = as_answer(found)
    if export_load_model is not None:
        made = load_model(question.protection, power=float(question.load.max()))
        try:
            write_beside(export_load_model, json.dumps(made, indent=1) + "\n")
        except InputError as error:
            raise error.at(key="export_load_model") from None
    drawn = {name: [float(value) for value in values] for name, values in series(found).items()}
    times = len(drawn["time_s"])

    def table() -> dict[str, list[float]]:
        """Series over time, six digits."""
        return {
            name: [float(f"{value:.6g}") for value in values]
            for name, values in drawn.items()
            if len(values) == times and not name.startswith(("event_", "mended_", "flexibility_"))
        }

    drawings = {name: partial(draw, data, drawn) for name, (draw, _) in FIGURES.items()}
    return Answer(
        STUDY, data, found, drawings, {"series": table}, drawn, {"seconds": table},
        texts={"drawn.json": lambda: json.dumps(drawn) + "\n"},
    )  # fmt: skip

"""The outlook to 2050: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.outlook import STUDY

__all__ = ["draw_outlook"]

Progress = Callable[[str, float], None]


def draw_outlook(
    scenario: str | Path = "base",
    draws: int = 100_000,
    seed: int | None = None,
    *,
    quantities: Mapping[str, Any] | None = None,
    years: tuple[int, int] | None = None,
    sensitivity: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Draw the outlook to 2050, as ``gigawatt outlook`` does.

    Parameters
    ----------
    scenario : str or path
        ``base``, ``headwinds``, ``lift-off``, or a YAML file.
    draws : int
        100 to 100,000,000.
    seed : int, optional
        The same seed gives the same draws, whatever else is changed.
    quantities : mapping, optional
        Quantity → a number, a text with a unit, or a distribution, in place of the catalog's.
    years : (int, int), optional
        First and last year that are told.
    sensitivity : bool
        Which unknown makes the spread: Sobol indices, tornado.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys as of ``gigawatt outlook --json``. Table ``bands`` (``output, unit, year, q5 … q95``); figures
        ``bands`` and ``lines`` (with the name of an output), ``binding``, ``relief``, ``sources``,
        ``expected`` (of a decade).
    """
    from dataclasses import replace

    from gigawatt.outlook.randomness import SEED
    from gigawatt.studies.outlook import figures
    from gigawatt.studies.outlook.figures_decades import expected
    from gigawatt.studies.outlook.figures_society import lines, sources
    from gigawatt.studies.outlook.outlook import outlook, read_outlook
    from gigawatt.studies.outlook.society import society_block

    asked = read_outlook(scenario)
    asked = replace(asked, quantities={**asked.quantities, **(quantities or {})}, years=years or asked.years)
    result = outlook(asked, draws, SEED if seed is None else seed, progress=progress)
    if sensitivity:
        from gigawatt.studies.outlook.sensitivity import explained

        result = explained(result, asked, progress or (lambda words, share: None))
    data = {**result.to_json(), "society": society_block(result)}

    def rows() -> list[dict[str, Any]]:
        return [
            {"output": name, "unit": band["unit"], "year": year,
             **{f"q{100 * q:g}": value for q, value in zip(data["quantiles"], values, strict=True)}}
            for name, band in data["bands"].items()
            for year, values in zip(
                data["years"] if len(band["values"]) > 1 else [None], band["values"], strict=True
            )
        ]  # fmt: skip

    drawings = {
        "bands": partial(figures.bands, data),
        "binding": partial(figures.binding, data),
        "relief": partial(figures.relief, data),
        "lines": partial(lines, data),
        "sources": partial(sources, data),
        "expected": lambda decade: expected(decade, data["decades"][decade]),
    }
    return Answer(STUDY, data, result, drawings, {"bands": rows}, files={"bands": rows})

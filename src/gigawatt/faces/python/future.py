"""Many futures, and many technologies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.answer import Answer

__all__ = ["compare_technologies", "draw_outlook"]

Progress = Callable[[str, float], None]


def draw_outlook(
    scenario: str | Path = "base",
    draws: int = 100_000,
    seed: int | None = None,
    *,
    quantities: Mapping[str, Any] | None = None,
    years: tuple[int, int] | None = None,
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
    document = {**result.to_json(), "society": society_block(result)}

    def rows() -> list[dict[str, Any]]:
        return [
            {"output": name, "unit": band["unit"], "year": year,
             **{f"q{100 * q:g}": value for q, value in zip(document["quantiles"], values, strict=True)}}
            for name, band in document["bands"].items()
            for year, values in zip(
                document["years"] if len(band["values"]) > 1 else [None], band["values"], strict=True
            )
        ]  # fmt: skip

    drawn = {
        "bands": partial(figures.bands, document),
        "binding": partial(figures.binding, document),
        "relief": partial(figures.relief, document),
        "lines": partial(lines, document),
        "sources": partial(sources, document),
        "expected": lambda decade: expected(decade, document["decades"][decade]),
    }
    title = f"Outlook to {result.years[-1]}: {result.scenario}, {result.draws:,} draws"
    return Answer(title, document, result, drawn, {"bands": rows})


def compare_technologies(
    *,
    model: str = "llama-3.1-8b",
    substrates: Sequence[str] | None = None,
    chip: str | None = None,
    batch: float = 1.0,
    context: float = 512.0,
    bands: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Number formats, sparsity and other substrates side by side, as ``gigawatt technologies compare`` does.

    Parameters
    ----------
    model : str
        Whose tokens are priced.
    substrates : sequence of str, optional
        Rows of ``gigawatt catalog list substrates``; all of them where left out.
    chip : str, optional
        The digital machine, or the host of what is not digital.
    batch, context : float
        Sequences that are decoded together, ≥ 1, and tokens behind each.
    bands : bool
        Ranges of joules and dollars as well.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Table ``rows``: perplexity over that as trained, as a stored run measured it, joules and dollars a
        token; figures ``front`` (``kind="joules"`` or ``"dollars"``, ``scope="chip"`` or ``"system"``) and
        ``components``.
    """
    from gigawatt.chain.technologies import compare as compared
    from gigawatt.chain.technologies import with_bands
    from gigawatt.studies.technologies import figures
    from gigawatt.technology.digital import formats as digital

    found = compared(
        model=model, substrates=substrates, chip=chip or digital.CHIP, batch=batch, context=context
    )
    document = (with_bands(found, progress) if bands else found).to_json()
    drawn = {"front": partial(figures.front, document), "components": partial(figures.components, document)}
    return Answer(f"Technologies for {document['model']} on {document['chip']}", document, found, drawn)

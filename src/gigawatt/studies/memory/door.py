"""Stacked memory: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from gigawatt.core.answer import Answer
from gigawatt.studies.memory import STUDY

__all__ = ["technologies_memory"]


Progress = Callable[[str, float], None]


def technologies_memory(
    generation: str | None = None,
    *,
    patterns: Sequence[str] | None = None,
    stacks: int = 5,
    cooling: str | None = None,
    published: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Generations of stacked memory, as ``gigawatt technologies memory`` does: bandwidth, pJ a bit, heat.

    Parameters
    ----------
    generation : str, optional
        ``hbm2`` to ``hbm8``; all where left out.
    patterns : sequence of str, optional
        How it is read, such as ``kv-pages:contiguous=65536``; all where left out.
    stacks : int
        Beside a chip.
    cooling : str, optional
        ``air, cold-plate, immersion, embedded``; the generation's where left out.
    published : bool
        Whether the document puts published numbers beside.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys in docs/stacked-memory.md.

    Raises
    ------
    InputError
        No such generation, pattern or cooling.
    """
    from gigawatt.faces.report.held import FILE, published_text
    from gigawatt.studies.memory import figures
    from gigawatt.studies.memory.memory import memory_answer
    from gigawatt.studies.memory.published import of_generations

    data = memory_answer(generation, patterns=patterns, stacks=stacks, cooling=cooling)
    if published and progress is not None:
        progress("Reading what is published", 0.5)
    names = [row["generation"] for row in data["generations"]]
    rows = [check.to_json() for check in of_generations(names)] if published else []
    drawings = {name: partial(getattr(figures, name), data) for name in ("bandwidth", "energy", "heat")}
    return Answer(STUDY, data, None, drawings, more=rows, texts={FILE: lambda: published_text(rows)})

"""Predictions beside measurements: what the command and Python both call."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from gigawatt.core.answer import Answer
from gigawatt.studies.validate import STUDY

__all__ = ["validate"]


def validate(
    table: str = "training",
    rows: str | Path | None = None,
    parts: Sequence[str] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Answer:
    """Predictions beside measurements, as ``gigawatt validate`` does.

    Parameters
    ----------
    table : str
        ``training``, ``kernels``, ``memory``, ``power``, ``collectives``, ``serving``, ``goodput``,
        ``chain``, ``adequacy``, ``timelines``, ``prices``, ``supply``, ``technologies`` or ``outlook``.
    rows : path, optional
        A file of the table's shape (of kernels and collectives also a folder) instead of the shipped rows.
    parts : sequence of str, optional
        Of supply, technologies and outlook: the parts to check, all of them where left out.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys as of ``gigawatt validate TABLE --json``, the same for every table; ``found`` is the
        :class:`~gigawatt.validation.Card`, whose ``detail`` has the rows.

    Raises
    ------
    InputError
        Another table, an unknown part, or a file that is not of the table's shape.
    """
    from gigawatt.studies.validate.document import NOTES
    from gigawatt.validation.tables import known_table
    from gigawatt.validation.tables import validate as judged

    words = known_table(table).words

    def count(done: int, whole: int) -> None:
        if progress is not None:
            progress(f"Predicting: {words}", done / max(whole, 1))

    card = judged(table, None if rows is None else Path(rows), parts, progress=count)
    about = {"titles": dict(card.titles), "notes": list(card.notes)}
    texts = {NOTES: lambda: json.dumps(about, indent=1) + "\n"}
    return Answer(STUDY, card.to_json(), card, more=about, texts=texts)

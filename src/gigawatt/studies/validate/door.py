"""Predictions beside measurements, in Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError, nearest
from gigawatt.studies.validate import STUDY

__all__ = ["validate"]


def validate(table: str = "training", parts: Sequence[str] | None = None) -> Answer:
    """Predictions beside measurements, as ``gigawatt validate`` does.

    Parameters
    ----------
    table : str
        ``training``, ``supply``, ``technologies``, ``outlook``: those whose scorecard is one document.
    parts : sequence of str, optional
        Of ``outlook`` alone: the parts to check, all of them where left out.

    Returns
    -------
    Answer
        Keys as of ``gigawatt validate TABLE --json``.

    Raises
    ------
    InputError
        Another table, or an unknown part.
    """
    from importlib import import_module

    from gigawatt.studies.validate.document import card_document

    known = ("training", "supply", "technologies", "outlook")
    if table not in known:
        raise InputError("no such scorecard", key="table", given=table, allowed=known,
                         nearest=nearest(table, known))  # fmt: skip
    if parts is not None and table != "outlook":
        raise InputError("only the outlook's scorecard has parts", key="parts", given=", ".join(parts))
    if table == "training":
        from gigawatt.validation import validate as judged

        card: Any = judged(table)
    else:
        function = getattr(import_module(f"gigawatt.validation.{table}"), f"validate_{table}")
        card = function() if parts is None else function(tuple(parts))
    return Answer(STUDY, card.to_json(), card, say=partial(card_document, table, card))

"""Speculative decoding by measured acceptance: accepted lengths by draft length, rows of ``speculation``."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.catalog import Entity, table
from gigawatt.core.errors import InputError, nearest

__all__ = ["Speculation", "read_speculation"]

_LONGEST = 8
_USUAL = 3  #: draft tokens where none are asked for, as engines' recipes set


@dataclass(frozen=True)
class Speculation:
    """Draft tokens of an iteration, and what is gained by checking them.

    Attributes
    ----------
    name, method : str
    guesses : int
        Draft tokens.
    accepted : float
        Tokens gained an iteration and sequence, the target model's own among them.
    rows : tuple of Entity
        Of the catalog that were read.
    own : bool
        Whether a row is of the model itself; else the mean over the models of the method.
    """

    name: str
    method: str
    guesses: int
    accepted: float
    rows: tuple[Entity, ...]
    own: bool


def read_speculation(text: str, *, model: str, guesses: int | None = None) -> Speculation:
    """The speculation called ``text``: a row of the catalog's ``speculation``, or a method (``eagle3``).

    A method is read from the row of ``model``, an id of the catalog; where there is none, from the mean over
    the models of the method that were measured with as many draft tokens. Left out, ``guesses`` are three.

    Raises
    ------
    InputError
        Neither a row nor a method; a number of draft tokens that was not measured.
    """
    known = table("speculation")
    wanted = text.strip().lower()
    methods = {row.text("method") for row in known.values()}
    if wanted in known:
        rows, own = (known[wanted],), True
    elif wanted in methods:
        all_of = [row for row in known.values() if row.text("method") == wanted]
        mine = [row for row in all_of if model in row.text("models").split("|")]
        rows, own = (mine[:1] or all_of), bool(mine)
    else:
        names = (*sorted(methods), *known)
        raise InputError(
            "no such speculation", key="speculation", given=text, allowed=names,
            nearest=nearest(wanted, names),
        )  # fmt: skip
    count = _USUAL if guesses is None else guesses
    found = [(row, value) for row in rows if (value := _accepted(row, count)) is not None]
    if not found:
        measured = [str(k) for k in range(1, _LONGEST + 1) if any(_accepted(row, k) for row in rows)]
        raise InputError(
            f"{text} was not measured with this number of draft tokens",
            key="guesses",
            given=count,
            allowed=measured,
        )
    mean = sum(value for _, value in found) / len(found)
    return Speculation(wanted, rows[0].text("method"), count, mean, tuple(row for row, _ in found), own)


def _accepted(row: Entity, count: int) -> float | None:
    return row.get(f"accepted_{count}") if 1 <= count <= _LONGEST else None

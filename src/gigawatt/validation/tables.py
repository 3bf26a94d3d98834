"""The tables of measured or published numbers, each with what predicts it; one door to all scorecards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gigawatt.core.errors import InputError, nearest
from gigawatt.validation.card import Card

__all__ = ["TABLES", "Table", "known_table", "validate"]

Progress = Callable[[int, int], None]
"""Called with (parts done, parts in all)."""


@dataclass(frozen=True)
class Table:
    """One table: what it compares in ``words``, CPU seconds of the shipped rows, what makes its scorecard.

    ``rows``: what ``--rows`` takes, ``file`` or ``folder``; empty for published targets, whose rows are the
    catalog's, and which have parts instead.
    """

    words: str
    seconds: float
    card: Callable[[Path | None, Sequence[str] | None, Progress], Card]
    rows: str = "file"


def _training(rows: Path | None, _: Sequence[str] | None, progress: Progress) -> Card:
    from gigawatt.validation.training import training_card

    return training_card(rows, progress)


def _kernels(rows: Path | None, _: Sequence[str] | None, progress: Progress) -> Card:
    from gigawatt.validation.kernels import validate_kernels

    return validate_kernels(rows, progress).card()


def _memory(rows: Path | None, _: Sequence[str] | None, progress: Progress) -> Card:
    from gigawatt.validation.memory import validate_memory

    return validate_memory(rows).card()


def _power(rows: Path | None, _: Sequence[str] | None, progress: Progress) -> Card:
    from gigawatt.validation.power_card import power_card

    return power_card(rows)


def _collectives(rows: Path | None, _: Sequence[str] | None, progress: Progress) -> Card:
    from gigawatt.validation.collectives import collectives_card

    return collectives_card(rows)


def _serving(rows: Path | None, _: Sequence[str] | None, progress: Progress) -> Card:
    from gigawatt.validation.serving import validate_serving

    return validate_serving(rows, progress).card()


def _published(table: str) -> Callable[[Path | None, Sequence[str] | None, Progress], Card]:
    def card(_: Path | None, parts: Sequence[str] | None, progress: Progress) -> Card:
        from gigawatt.validation.published import published_card

        return published_card(table, parts, progress)

    return card


TABLES: Mapping[str, Table] = {
    "training": Table("time of a training step", 40.0, _training),
    "kernels": Table("time of one kernel, shapes that no fit saw", 0.6, _kernels, rows="file or folder"),
    "memory": Table("peak memory of an accelerator in training", 1.5, _memory),
    "power": Table("power caps, watts of training steps and of serving", 7.3, _power),
    "collectives": Table("time of a collective between nodes", 0.1, _collectives, rows="file or folder"),
    "serving": Table("TTFT, TPOT, throughput", 20.0, _serving),
    "supply": Table("plants, weather, building and plan beside published numbers", 11.0,
                    _published("supply"), rows=""),
    "technologies": Table("compute technologies beside published numbers", 5.5,
                          _published("technologies"), rows=""),
    "outlook": Table("hindcasts, growth and energies beside published numbers", 16.0,
                     _published("outlook"), rows=""),
}  # fmt: skip
"""Every table by name."""


def known_table(table: str) -> Table:
    """The table of that name.

    Raises
    ------
    InputError
        No such table; names the nearest.
    """
    if table not in TABLES:
        raise InputError("no such table of measured rows", given=table, allowed=tuple(TABLES),
                         nearest=nearest(table, TABLES))  # fmt: skip
    return TABLES[table]


def validate(
    table: str = "training",
    rows: str | Path | None = None,
    parts: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Card:
    """Predict every row of a table and say how far off the predictions are.

    Parameters
    ----------
    table : str
        A key of :data:`TABLES`.
    rows : Path, optional
        A CSV or Parquet file of the table's shape (of kernels and collectives also a folder of them) instead
        of the shipped rows.
    parts : sequence of str, optional
        Of published targets (supply, technologies, outlook): the parts to check, all where left out.
    progress : callable, optional
        Called with (parts done, parts in all) now and then.

    Raises
    ------
    InputError
        Unknown table or part, no such file, one that is not of the table's shape (file, line, column, what
        was given and what is allowed), or one without rows.
    """
    known = known_table(table)
    if rows is not None and not known.rows:
        raise InputError(
            "this scorecard takes no rows", key="--rows", given=str(rows),
            allowed=f"`gigawatt validate {table}` alone: its rows are the catalog's and published documents'",
        )  # fmt: skip
    if parts is not None and known.rows:
        having = [name for name, one in TABLES.items() if not one.rows]
        raise InputError(f"only {', '.join(having)} have parts", key="parts", given=", ".join(parts))
    file = None if rows is None else Path(rows)
    card = known.card(file, parts, progress or (lambda done, of: None))
    if file is not None and not card.rows:
        raise InputError("no measured rows here", key="--rows", given=str(file), allowed="one row or more")
    return card

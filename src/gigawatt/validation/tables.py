"""The tables of measured or published numbers, each with what predicts it; one door to all scorecards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.study import resolve
from gigawatt.validation.card import Card
from gigawatt.validation.published import published_card

__all__ = ["TABLES", "Table", "known_table", "validate"]

Progress = Callable[[int, int], None]
"""Called with (parts done, parts in all)."""


@dataclass(frozen=True)
class Table:
    """One table: what it compares in ``words``, and CPU seconds of the shipped rows.

    ``card`` is the ``module:function`` of this folder that makes the scorecard of measured rows from (file or
    ``None``, progress); empty for published targets, whose rows are the catalog's, and which have parts.
    """

    words: str
    seconds: float
    card: str = ""


TABLES: Mapping[str, Table] = {
    "training": Table("time of a training step", 40.0, "training.card:training_card"),
    "kernels": Table("time of one kernel, shapes that no fit saw", 0.6, "kernels:kernels_card"),
    "memory": Table("peak memory of an accelerator in training", 1.5, "memory:memory_card"),
    "power": Table("power caps, watts of training steps and of serving", 7.3, "power.card:power_card"),
    "collectives": Table("time of a collective between nodes", 0.1, "collectives:collectives_card"),
    "serving": Table("TTFT, TPOT, throughput", 20.0, "serving.card:serving_card"),
    "goodput": Table("goodput and failures of published runs", 0.3),
    "chain": Table("hours, energy and power of whole systems", 12.0, "chain.card:chain_card"),
    "uncertainty": Table("bands beside errors of makers that they had not seen: coverage, PIT, CRPS", 1.0,
                         "uncertainty:uncertainty_card"),
    "adequacy": Table("LOLE, LOLH and EUE of test systems, by convolution and by simulation", 1.0),
    "timelines": Table("dates of campuses, plants and queues, from what was known before", 6.0,
                       "timelines.card:timelines_card"),
    "prices": Table("hours of electricity markets from the year before and the mean", 0.5,
                    "prices:prices_card"),
    "supply": Table("plants, weather, building and plan beside published numbers", 11.0),
    "technologies": Table("compute technologies beside published numbers", 5.5),
    "outlook": Table("hindcasts, growth and energies beside published numbers", 16.0),
}  # fmt: skip
"""Every table by name."""


def known_table(table: str) -> Table:
    """The table of that name.

    Raises
    ------
    InputError
        No such table; names the nearest.
    """
    check_word(None, table, TABLES, "no such table of measured rows")
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
        Of published targets (goodput, adequacy, supply, technologies, outlook): the parts to check, all where
        left out.
    progress : callable, optional
        Called with (parts done, parts in all) now and then.

    Raises
    ------
    InputError
        Unknown table or part, no such file, one that is not of the table's shape (file, line, column, what
        was given and what is allowed), or one without rows.
    """
    known = known_table(table)
    if rows is not None and not known.card:
        raise InputError(
            "this scorecard takes no rows", key="--rows", given=str(rows),
            allowed=f"`gigawatt validate {table}` alone: its rows are the catalog's and published documents'",
        )  # fmt: skip
    if parts is not None and known.card:
        having = [name for name, one in TABLES.items() if not one.card]
        raise InputError(f"only {', '.join(having)} have parts", key="parts", given=", ".join(parts))
    if not known.card:
        return published_card(table, parts, progress)
    file = None if rows is None else Path(rows)
    card: Card = resolve(f"{__package__}.{known.card}")(file, progress or (lambda done, of: None))
    if file is not None and not card.rows:
        raise InputError("no measured rows here", key="--rows", given=str(file), allowed="one row or more")
    return card

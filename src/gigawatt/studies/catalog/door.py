"""The numbers: what the commands and Python both call."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from gigawatt.core.answer import Answer
from gigawatt.studies.catalog import STUDY

__all__ = ["catalog_list", "catalog_show"]


def catalog_list(table: str | None = None) -> Answer:
    """The catalog's tables, or the entries of one, as ``gigawatt catalog list`` lists them.

    Returns
    -------
    Answer
        Entries by table; or rows ``id, name, numbers`` of one table.

    Raises
    ------
    InputError
        No such table, with the nearest.
    """
    from gigawatt import catalog
    from gigawatt.studies.catalog.tables import entries_document, tables_document

    if table is None:
        counts = {name: len(catalog.table(name)) for name in catalog.tables()}
        return Answer(STUDY, counts, say=tables_document)
    found = catalog.table(table)
    rows = [{"id": e.id, "name": e.text("name", e.id), "numbers": len(e.rows())} for e in found.values()]
    return Answer(STUDY, {"rows": rows}, found, listed=True, say=partial(entries_document, table))


def catalog_show(table: str, entry: str) -> Answer:
    """Every number of one entry, as ``gigawatt catalog show`` prints them.

    Returns
    -------
    Answer
        ``id, table, texts, numbers``: value (SI), low, high, unit, year, grade, source, note of each.

    Raises
    ------
    InputError
        No such table or entry, with the nearest.
    """
    from gigawatt import catalog
    from gigawatt.studies.catalog.tables import entry_document

    if table == "chips":  # a design is built from its parts
        from gigawatt.machine.load import chip_row

        found = chip_row(entry)[0]
    else:
        found = catalog.entity(table, entry)
    numbers = [{**asdict(row), "grade": row.grade.label} for row in found.rows()]
    data = {"id": found.id, "table": table, "texts": dict(found.texts), "numbers": numbers}
    return Answer(STUDY, data, found, say=partial(entry_document, found))

"""The numbers: what the commands and Python both call."""

from __future__ import annotations

from dataclasses import asdict

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
    from gigawatt.core.evidence import worst

    if table is None:
        counts = {name: len(catalog.table(name)) for name in catalog.tables()}
        return Answer(STUDY, counts)
    found = catalog.table(table)
    rows = [{"id": e.id, "name": e.text("name", e.id), "numbers": len(e.rows())} for e in found.values()]
    grades = {e.id: worst(row.grade for row in e.rows()).label if e.rows() else "" for e in found.values()}
    own = sorted(catalog.user_catalog().get(table, ()))
    data = {"table": table, "rows": rows, "grades": grades, "own": own}
    return Answer(STUDY, data, found, listed=True, kind="entries")


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

    if table == "chips":  # a design is built from its parts
        from gigawatt.machine.load import chip_row

        found = chip_row(entry)[0]
    else:
        found = catalog.entity(table, entry)
    numbers = [{**asdict(row), "grade": row.grade.label} for row in found.rows()]
    data = {"id": found.id, "table": table, "texts": dict(found.texts), "numbers": numbers}
    return Answer(STUDY, data, found, kind="entry")

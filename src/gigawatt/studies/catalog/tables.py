"""The catalog's tables, the entries of one and the numbers of an entry, as documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt import catalog
from gigawatt.core.document import Again, Document
from gigawatt.core.quantities import factor
from gigawatt.faces.report.parts import rows_document, rows_grid
from gigawatt.faces.terminal.console import number

__all__ = ["entries_document", "entry_document", "gaps_document", "tables_document"]

Answer = Mapping[str, Any]
_ASIDE = ("id", "source_id", "locator", "grade")


def tables_document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Every table with the number of its entries, and which user catalog is in force."""
    grid = rows_grid("", ("table", "entries"), answer.items())
    words = f"user catalog: {catalog.user_words()}"
    return rows_document("The catalog", again, grid, notices=(words,))


def entries_document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The entries of a table with their weakest grade."""
    own, grades = set(answer["own"]), answer["grades"]
    rows = [
        (row["id"], row["name"], str(row["numbers"]), grades[row["id"]],
         *(["user catalog" if row["id"] in own else ""] if own else []))
        for row in answer["rows"]
    ]  # fmt: skip
    heads = ("id", "name", "numbers", "worst grade", *(["from"] if own else []))
    notices = (f"user catalog: {catalog.user_folder()}",) if own else ()
    return rows_document(
        answer["table"], again, rows_grid("", heads, rows, grade="worst grade"), notices=notices
    )


def entry_document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Every number of an entry in its own unit, money in that of the catalog, with its source."""
    texts = tuple(f"{name}: {text}" for name, text in answer["texts"].items() if text and name not in _ASIDE)
    rows: list[tuple[str, ...]] = []
    for row in answer["numbers"]:
        scale, money = factor(row["unit"]), "$" in row["unit"]
        known = row["low"] is not None and row["high"] is not None
        ends = f"{number(row['low'] / scale)} – {number(row['high'] / scale)}" if known else ""
        unit = f"{row['unit']} ({catalog.CURRENCY_YEAR} money)" if money else row["unit"]
        value = number(row["value"] / scale) if money else row["written"]
        cite = " ".join(part for part in (row["source_id"], row["locator"]) if part)
        rows.append(
            (row["quantity"], value, ends, unit, str(row["year"] or ""), row["grade"], cite, row["note"])
        )
    heads = ("quantity", "value", "range", "unit", "year", "grade", "source", "note")
    own = answer["texts"].get("source_id", "")
    if not rows and own:  # texts alone, which have one grade and source
        cite = " ".join(part for part in (own, answer["texts"].get("locator", "")) if part)
        texts = (*texts, f"grade: {answer['texts'].get('grade', '')}", f"source: {cite}")
    ids = {row["source_id"] for row in answer["numbers"]} or {own} - {""}
    sources = [catalog.source(one) for one in sorted(ids)]
    cited = rows_grid(
        "", ("source", "title", "publisher", "year", "address"),
        [(one.id, one.title, one.publisher, one.year or "", one.url) for one in sources],
    )  # fmt: skip
    return rows_document(
        f"{answer['id']} ({answer['table']})", again, rows_grid("", heads, rows, grade="grade"), cited,
        paragraphs=texts,
    )  # fmt: skip


def gaps_document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Rows by their variance share, and guesses without a range."""
    rows = [
        (row["row"], row["grade"], f"{100 * row['share']:.1f} %", f"{100 * row['largest']:.0f} %",
         row["quantity"], row["scenario"].rsplit("/", 1)[-1], row["where"].rsplit("/", 1)[-1])
        for row in answer["rows"]
    ]  # fmt: skip
    heads = ("row", "grade", "share", "largest", "of quantity", "in scenario", "where")
    lacking = answer["guesses_without_range"]
    said = (
        f"{answer['figures']} key figures of {len(answer['scenarios'])} scenarios, {answer['draws']:,} draws "
        f"each: {100 * answer['from_guesses']:.0f} % of their variance comes from guesses."
    )
    caption = "Variance share: mean over the key figures, weighted by their intervals; and the largest one."
    wide = rows_grid(
        "Guesses without a range, which are not sampled.", ("row", "scenarios"),
        [(name, str(count)) for name, count in lacking.items()],
    )  # fmt: skip
    return rows_document(
        "Catalog rows by variance share", again, rows_grid(caption, heads, rows, grade="grade"), wide,
        paragraphs=(said,),
    )  # fmt: skip

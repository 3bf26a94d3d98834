"""The catalog: every table with its numbers, units and grades; every source with its licence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from gigawatt import catalog
from gigawatt.core.evidence import Evidence, Grade

__all__ = ["catalog_page", "sources_page"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _grades(rows: Iterable[Evidence]) -> str:
    counts = Counter(row.grade for row in rows)
    return ", ".join(f"{grade.label} {counts[grade]:,}" for grade in Grade if counts[grade])


def _table(name: str) -> list[str]:
    """A section: what the table's entries hold, quantity by quantity."""
    entries = catalog.table(name)
    by_quantity: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for entry in entries.values():
        for row in entry.rows():
            by_quantity[row.quantity, row.unit].append(row)
    texts = sorted({key for entry in entries.values() for key, text in entry.texts.items() if text} - {"id"})
    ids = list(entries)
    shown = ", ".join(f"`{one}`" for one in ids[:6]) + (f" and {len(ids) - 6:,} more" if len(ids) > 6 else "")
    lines = [f"### {name}", "", f"Entries: {_cell(shown)}.", ""]
    if texts:
        lines += ["Words: " + ", ".join(f"`{_cell(text)}`" for text in texts) + ".", ""]
    if by_quantity:
        lines += ["| quantity | unit | numbers | grades |", "|---|---|--:|---|"]
        lines += [
            f"| `{_cell(quantity)}` | {_cell(unit) or '–'} | {len(rows):,} | {_grades(rows)} |"
            for (quantity, unit), rows in by_quantity.items()
        ]
        lines.append("")
    return lines


def catalog_page() -> str:
    """What stands in the catalog, table by table."""
    names = catalog.tables()
    numbers = {
        name: [row for entry in catalog.table(name).values() for row in entry.rows()] for name in names
    }
    whole = [row for rows in numbers.values() for row in rows]
    lines = [
        "# Catalog",
        "",
        f"{len(names)} tables, {sum(len(catalog.table(name)) for name in names):,} entries, {len(whole):,} "
        f"numbers from {len(catalog.sources()):,} [sources](sources.md). Of the numbers: {_grades(whole)}. "
        "`gigawatt catalog show TABLE ENTRY` prints the numbers of one entry with their ranges and sources. "
        f"Money is inflated to {catalog.CURRENCY_YEAR} on loading.",
        "",
        "| table | entries | numbers | grades |",
        "|---|--:|--:|---|",
        *(
            f"| [{name}](#{name}) | {len(catalog.table(name)):,} | {len(numbers[name]):,} "
            f"| {_grades(numbers[name])} |"
            for name in names
        ),
        "",
        "## Table by table",
        "",
    ]
    for name in names:
        lines += _table(name)
    return "\n".join(lines)


def sources_page() -> str:
    """Every source with its licence."""
    sources = sorted(catalog.sources().values(), key=lambda one: one.id)
    used = Counter(
        row.source_id
        for name in catalog.tables()
        for entry in catalog.table(name).values()
        for row in entry.rows()
    )
    lines = [
        "# Sources",
        "",
        f"The {len(sources):,} sources that the catalog cites, with their licence as far as it matters and "
        "the count of [numbers](catalog.md) that each is behind (none: it stands behind a file that is read "
        "whole, a test, or a statement).",
        "",
        "| id | what | year | numbers | licence |",
        "|---|---|--:|--:|---|",
    ]
    for one in sources:
        title = _cell(f"{one.title} ({one.publisher})" if one.publisher else one.title)
        linked = f"[{title.replace('[', '(').replace(']', ')')}]({one.url})" if one.url else title
        lines.append(
            f"| `{one.id}` | {linked} | {one.year or ''} | {used[one.id] or ''} | {_cell(one.licence)} |"
        )
    return "\n".join([*lines, ""])

"""Why a number is what it is: the walk from a quantity to its formula, its inputs and the rows behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gigawatt import catalog
from gigawatt.core.evidence import Evidence
from gigawatt.core.explain import Step, explain, weakest, with_numbers
from gigawatt.core.result import Quantity, Result
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.rendering import fragment
from gigawatt.studies.catalog.document import web_address, where
from gigawatt.studies.run.grids import every_quantity

__all__ = ["link_to", "show"]

_DEPTH, _MOST_ROWS, _MOST_WEAK = 3, 12, 6


@dataclass
class Branch:
    """One quantity of the walk, with those it is made of.

    ``formula`` are paragraphs: words, what a search does, the expression without and with numbers. ``value``
    is empty where it is composite; ``origin`` says where it is from if it is not computed.
    """

    step: Step
    value: str
    formula: list[str]
    origin: str
    rows: list[dict[str, str]]
    more: int
    inside: list[Branch]


def link_to(name: str, query: str) -> str:
    """The address of the walk from a quantity, which opens over the page where it is clicked."""
    return f"/explain/{where(name)}{f'?{query}' if query else ''}"


def show(asked: Asked) -> Fragment:
    """The tree of one quantity, or all of them; an unknown one is an ``InputError`` with the nearest."""
    name = asked.question.item
    return _one(asked, name) if name else _all(asked)


def _one(asked: Asked, name: str) -> Fragment:
    result = asked.result
    roots: list[Branch] = []
    above: list[Branch] = []
    for step in explain(result, name, _DEPTH):
        q = step.quantity
        rows = [_row(row) for row in step.rows[:_MOST_ROWS]]
        branch = Branch(
            step, _value(q), _formula(result, q), _origin(q), rows, len(step.rows) - len(rows), []
        )
        (above[step.depth - 1].inside if step.depth else roots).append(branch)
        above[step.depth :] = [branch]
    quantity = result.quantity(name)
    weak = weakest(result, name)
    return fragment(
        "explain.html.j2",
        title=quantity.summary,
        quantity=quantity,
        root=roots[0],
        weak=[_row(row) for row in weak[:_MOST_WEAK]],
        weak_more=max(0, len(weak) - _MOST_WEAK),
        weak_grade=weak[0].grade.label if weak else "",
        weak_of="row" if len(weak) == 1 else f"{len(weak)} rows",
        query=asked.state.query(),
    )


def _all(asked: Asked) -> Fragment:
    result, query = asked.result, asked.state.query()
    words = " ".join(asked.settings.get("find", "").split())[:100]
    groups = every_quantity(result, words, lambda name: link_to(name, query))
    found = sum(len(grid.rows) for _, grid in groups)
    lead = f"{len(result.quantities)} numbers and names; click one to see where it comes from."
    if words:
        lead = f"{found} of {len(result.quantities)} have “{words}”."
    return fragment(
        "quantities.html.j2", title="Every number of the answer", groups=groups, find=words, lead=lead
    )


def _value(quantity: Quantity) -> str:
    from gigawatt.faces.figures.readable import shown

    text = shown(quantity)
    composite = re.fullmatch(r"[A-Z][A-Za-z]+", text) and quantity.origin == "computed"
    return "" if composite else text


def _origin(quantity: Quantity) -> str:
    if quantity.origin == "default":
        return f"default: {quantity.reason}"
    if quantity.origin == "scenario":
        return quantity.reason or "as the question says"
    return "" if quantity.origin == "computed" else f"from the {quantity.origin}"


def _formula(result: Result, quantity: Quantity) -> list[str]:
    """Words, method, expression, and the expression with numbers."""
    from gigawatt.faces.figures.readable import shown

    worked = (quantity.expression, with_numbers(result, quantity, shown))
    arithmetic = [f"= {text.replace(' * ', ' × ')}" for text in worked if text]
    return [*_paragraphs(quantity.formula), *_paragraphs(quantity.method), *arithmetic]


def _paragraphs(formula: str) -> list[str]:
    """A formula as it reads: lines that were only broken are joined."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", formula.strip()) if part.strip()]


def _row(row: Evidence) -> dict[str, str]:
    source = catalog.sources().get(row.source_id)
    table = row.where.rpartition("/")[2].partition(".")[0]
    return {
        "name": row.name,
        "value": row.shown,
        "grade": row.grade.label,
        "where": row.where,
        "source": f"{source.title}, {source.publisher}" if source else row.source_id,
        "url": web_address(source) if source else "",
        "note": "; ".join(part for part in (row.locator, row.note) if part),
        "catalog": f"/catalog/{where(table, row.entity)}" if _stands(table, row.entity) else "",
    }


def _stands(table: str, entry: str) -> bool:
    return table in catalog.tables() and entry in catalog.table(table)

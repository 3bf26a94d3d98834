"""Why a number is what it is: the walk from a quantity to its formula, its inputs and the rows behind it."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt import catalog
from gigawatt.evidence import Evidence
from gigawatt.figures.readable import shown
from gigawatt.study.explain import Step, explain, weakest
from gigawatt.web.answers import Asked, Fragment
from gigawatt.web.rendering import fragment

__all__ = ["show"]

_DEPTH, _MOST_ROWS, _MOST_WEAK = 3, 12, 6


@dataclass
class Branch:
    """One quantity of the walk, with those it is made of."""

    step: Step
    value: str
    rows: list[dict[str, str]]
    more: int
    inside: list[Branch]


def show(asked: Asked) -> Fragment:
    """The tree of one quantity; raises ``InputError`` for an unknown one, with the nearest."""
    result, name = asked.result, asked.question.item
    roots: list[Branch] = []
    above: list[Branch] = []
    for step in explain(result, name, _DEPTH):
        rows = [_row(row) for row in step.rows[:_MOST_ROWS]]
        branch = Branch(step, shown(step.quantity), rows, len(step.rows) - len(rows), [])
        (above[step.depth - 1].inside if step.depth else roots).append(branch)
        above[step.depth :] = [branch]
    quantity = result.quantity(name)
    weak = weakest(result, name)
    return fragment(
        "explain.html.j2",
        title=quantity.summary,
        quantity=quantity,
        root=roots[0],
        depth=_DEPTH,
        weak=[_row(row) for row in weak[:_MOST_WEAK]],
        weak_more=max(0, len(weak) - _MOST_WEAK),
        weak_grade=weak[0].grade.label if weak else "",
        query=asked.state.query(),
    )


def _row(row: Evidence) -> dict[str, str]:
    source = catalog.sources().get(row.source_id)
    table = row.where.rpartition("/")[2].partition(".")[0]
    return {
        "name": row.name,
        "value": f"{row.written} {'' if row.unit == '1' else row.unit}".strip(),
        "grade": row.grade.label,
        "where": row.where,
        "source": f"{source.title}, {source.publisher}" if source else row.source_id,
        "url": source.url if source and source.url.startswith(("https://", "http://")) else "",
        "note": "; ".join(part for part in (row.locator, row.note) if part),
        "catalog": f"/catalog/{table}/{row.entity}" if table in catalog.tables() else "",
    }

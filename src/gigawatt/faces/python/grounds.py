"""What a number stands on: measurements beside predictions, the walk down to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.core.result import Result

__all__ = ["explain", "validate"]


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
    return Answer(f"Scorecard of {table}", card.to_json(), card)


def explain(result: Result, name: str, depth: int = 4) -> pd.DataFrame:
    """Where a number of a result comes from, as ``gigawatt explain`` says: a row a step, then its rows.

    Parameters
    ----------
    result : Result
        Of :meth:`gigawatt.Study.run`.
    name : str
        A quantity.
    depth : int
        Levels to walk down, ≥ 0.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` (indented by its depth), ``value``, ``unit``, ``grade``, ``from``: the formula of what
        is computed, the line of the scenario, or the row of the catalog and its source; ``code``: file and
        line of the function of what is computed.

    Raises
    ------
    InputError
        No such quantity, with the nearest.
    """
    import pandas as pd

    from gigawatt.core.explain import explain as walked

    lines: list[dict[str, Any]] = []
    for step in walked(result, name, depth):
        q = step.quantity
        formula = q.expression or q.formula or q.method
        origin = "as above" if step.repeated else formula if q.inputs else q.where or q.reason
        lines.append(
            {"quantity": f"{'· ' * step.depth}{q.name}", "value": q.shown, "unit": q.unit, "grade": q.label,
             "from": origin, "code": q.code}
        )  # fmt: skip
        lines += [
            {"quantity": f"{'· ' * (step.depth + 1)}{row.name}", "value": row.written, "unit": row.unit,
             "grade": row.grade.label, "from": f"{row.where}, {row.source_id}", "code": ""}
            for row in (() if step.repeated else step.rows)
        ]  # fmt: skip
    return pd.DataFrame(lines)

"""Where a number comes from, in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.core.result import Result

__all__ = ["explain"]


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
        origin = (
            "as above"
            if step.repeated
            else (q.expression or q.formula or q.method)
            if q.inputs
            else q.where or q.reason
        )
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

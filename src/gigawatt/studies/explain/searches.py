"""What a search left out, what the best lose to, one layout by itself; and the rows of a quantity's band."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.schema.stored import stored_scenario

__all__ = ["SEARCHES", "notices", "search_data", "spread_data", "verdict_data"]

SEARCHES = ("layouts.search", "serving.plan")
"""Quantities that are searches over layouts, of a run and of a replica."""


def search_data(result: Result, name: str) -> dict[str, Any]:
    """What a search looked at and left out, computed again from the scenario of the result."""
    if name == "serving.plan":
        from gigawatt.chain.serving.replica_reasons import replica_reasons

        return replica_reasons(stored_scenario(result)).to_json()
    from gigawatt.chain.training.layout_reasons import LayoutQuestion

    return LayoutQuestion.of(stored_scenario(result)).reasons().to_json()


def verdict_data(result: Result, name: str | None, layout: str) -> dict[str, Any]:
    """Why a search did not take a layout.

    Raises
    ------
    InputError
        No search, or no layout: names what is allowed.
    """
    if name not in SEARCHES:
        raise InputError(
            "--layout is of a search over layouts", key="quantity", given=name or "", allowed=SEARCHES
        )
    result.quantity(name)
    columns = _columns(layout)
    loaded = stored_scenario(result)
    if name == "serving.plan":
        from gigawatt.chain.serving.replica_reasons import replica_verdict

        found = replica_verdict(loaded, {key: _whole(key, value) for key, value in columns.items()}).to_json()
    else:
        from gigawatt.chain.training.layout_reasons import LayoutQuestion
        from gigawatt.schema.pins import read_pins

        found = LayoutQuestion.of(loaded).verdict(read_pins(columns)).to_json()
    return {"quantity": name, "given": layout, **found, "notices": notices(result)}


def spread_data(result: Result, name: str | None, progress: Callable[[str, float], None]) -> dict[str, Any]:
    """The rows whose ranges move a quantity, the largest effect first.

    Raises
    ------
    InputError
        No quantity, or one that is no number.
    """
    from gigawatt.chain.spread import spread

    if name is None:
        raise InputError("--spread is of one quantity", key="quantity", allowed="a dotted name")
    quantity = result.quantity(name)
    found, scale = spread(stored_scenario(result), name, progress), factor(quantity.unit)
    rows = [
        {"row": row.name, "where": row.where, "grade": row.grade, "low": row.low / scale,
         "high": row.high / scale, "share": row.share}
        for row in found.rows
    ]  # fmt: skip
    return {"quantity": name, "unit": quantity.unit, "value": found.value / scale, "low": found.low / scale,
            "high": found.high / scale, "rows": rows}  # fmt: skip


def notices(result: Result) -> list[str]:
    """That the catalog is another than the one that the result was computed with, where it is."""
    then, now = str(result.run.get("catalog", "")), catalog.version()
    if not then or then == now:
        return []
    return [f"The catalog is {now}, the result is of {then}: numbers may differ."]


def _columns(text: str) -> dict[str, str]:
    """``tensor=8,pipeline=16`` by name; raises ``InputError``."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, sign, value = part.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise InputError("not a layout", key="layout", given=part.strip(), allowed="tensor=8,pipeline=16")
        found[name.strip().lower().replace("-", "_")] = value.strip()
    return found


def _whole(key: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise InputError("not a positive whole number", key=key, given=value) from None

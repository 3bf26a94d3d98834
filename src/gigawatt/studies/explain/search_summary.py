"""``gigawatt explain`` of a search: what it left out, what the best lose to, and one layout by itself."""

from __future__ import annotations

from typing import Any

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import compact
from gigawatt.core.result import Result
from gigawatt.faces.terminal.console import console, number, print_json, table
from gigawatt.schema.stored import stored_scenario

__all__ = ["SEARCHES", "print_search", "search_data", "verdict_command"]

SEARCHES = ("layouts.search", "serving.plan")
"""Quantities that are searches over layouts, of a run and of a replica."""


def search_data(result: Result, name: str) -> dict[str, Any]:
    """What a search looked at and left out, computed again from the scenario of the result."""
    if name == "serving.plan":
        from gigawatt.chain.replica_reasons import replica_reasons

        return replica_reasons(stored_scenario(result)).to_json()
    from gigawatt.chain.layout_reasons import LayoutQuestion

    return LayoutQuestion.of(stored_scenario(result)).reasons().to_json()


def print_search(result: Result, name: str) -> None:
    """Print what a search looked at and left out."""
    out, data = console(), search_data(result, name)
    _note_catalog(result)
    if name == "serving.plan":
        out.print(
            f"{data['looked_at']:,} replicas looked at, {data['fit']:,} fit in memory; of {data['points']:,} "
            f"loads of these {data['within_target']:,} are within the latency target.",
            markup=False,
        )
        grid = table(("replica", "left"), ("replicas", "right"), ("$/request", "right"),
                     ("costlier", "right"), ("mostly", "left"), ("", "left"))  # fmt: skip
        for one in data["best"]:
            grid.add_row(one["layout"], f"{one['replicas']:,}", number(one["cost"]),
                         _more(one["costlier"]), one["part"], one["tried"])  # fmt: skip
        out.print(grid)
        return
    from gigawatt.chain.layout_reasons import row_words

    refused = sum(item["combinations"] for item in data["indivisible"])
    lost = data["looked_at"] - data["fit"]
    out.print(f"{data['looked_at']:,} layouts looked at, {data['fit']:,} fit in memory.", markup=False)
    out.print(f"{refused:,} combinations do not divide:", markup=False)
    for item in data["indivisible"]:
        out.print(f"  {item['combinations']:>9,}  {item['reason']}", markup=False)
    out.print(f"{lost:,} do not fit in memory, by the largest part of it:", markup=False)
    for item in data["too_large"]:
        out.print(f"  {item['layouts']:>9,}  {item['part']}", markup=False)
    if lost:
        out.print(f"  the closest lacks {compact(data['lacking_bytes'], 'B')} per accelerator", markup=False)
    grid = table(("layout", "left"), ("s/step", "right"), ("GB", "right"), ("slower", "right"),
                 ("mostly", "left"))  # fmt: skip
    for one in data["best"]:
        part = f"{one['part'].replace('_', ' ')} {one['seconds']:+.3g} s" if one["part"] else ""
        grid.add_row(row_words(one["layout"]), number(one["step_time"]), number(one["memory"] / 1e9),
                     _more(one["slower"]), part)  # fmt: skip
    out.print(grid)


def _more(share: float) -> str:
    return f"{share:.2%}" if share else "best"


def verdict_command(result: Result, name: str | None, layout: str, *, as_json: bool) -> None:
    """Print why a search did not take a layout."""
    if name not in SEARCHES:
        raise InputError(
            "--layout is of a search over layouts", key="quantity", given=name or "", allowed=SEARCHES
        )
    result.quantity(name)
    columns = _columns(layout)
    loaded = stored_scenario(result)
    if name == "serving.plan":
        from gigawatt.chain.replica_reasons import replica_verdict

        degrees = {key: _whole(key, value) for key, value in columns.items()}
        data = replica_verdict(loaded, degrees).to_json()
    else:
        from gigawatt.chain.layout_reasons import LayoutQuestion
        from gigawatt.schema.pins import read_pins

        data = LayoutQuestion.of(loaded).verdict(read_pins(columns)).to_json()
    if as_json:
        print_json(data)
        return
    _note_catalog(result)
    console().print(f"{layout}: {data['sentence']}", markup=False)
    if name == "layouts.search":
        _print_layout(data)
    elif data["configuration"] is not None:
        _print_replica(data)


def _print_layout(data: dict[str, Any]) -> None:
    from gigawatt.chain.layout_reasons import row_words

    out, best = console(), data["best"]
    if data["outside"]:
        out.print(f"Outside the search: {data['outside']}", markup=False)
    if data["layout"] is None:
        return
    out.print(
        f"{data['looked_at']:,} layouts with these columns, {data['fit']:,} fit in memory.", markup=False
    )
    out.print(f"this: {row_words(data['layout'])}\nbest: {row_words(best['layout'])}", markup=False)
    grid = table(("", "left"), ("this", "right"), ("best", "right"), ("difference", "right"))
    grid.add_row("[bold]step[/bold]", f"{number(data['step_time'])} s", f"{number(best['step_time'])} s",
                 f"{data['step_time'] - best['step_time']:+.3g} s")  # fmt: skip
    for part, value in data["parts"].items():
        other = best["parts"][part]
        grid.add_row(
            f"  {part.replace('_', ' ')}",
            f"{number(value)} s",
            f"{number(other)} s",
            f"{value - other:+.3g} s",
        )
    total, others = data["memory_total"], sum(best["memory"].values())
    grid.add_row("[bold]memory[/bold]", _gb(total), _gb(others), f"{(total - others) / 1e9:+.3g} GB")
    for part, value in data["memory"].items():
        other = best["memory"][part]
        grid.add_row(f"  {part}", _gb(value), _gb(other), f"{(value - other) / 1e9:+.3g} GB")
    grid.add_row("  capacity", _gb(data["capacity"]), "", "")
    out.print(grid)


def _print_replica(data: dict[str, Any]) -> None:
    grid = table(("", "left"), ("this", "right"), ("best", "right"))
    mine, best, memory = data["configuration"], data["best"], data["memory"]
    grid.add_row("replica", mine["layout"], best["layout"])
    for key in ("replicas", "chips"):
        grid.add_row(key, f"{mine[key]:,}", f"{best[key]:,}")
    grid.add_row("cost of a request", f"${number(mine['cost'])}", f"${number(best['cost'])}")
    for key in ("ttft", "tpot"):
        grid.add_row(
            f"{key.upper()} at the target's percentile", f"{number(mine[key])} s", f"{number(best[key])} s"
        )
    for key in ("weights", "cache", "usable", "capacity"):
        grid.add_row(f"memory: {key}", _gb(memory[key]), "")
    console().print(grid)


def _gb(value: float) -> str:
    return f"{number(value / 1e9)} GB"


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


def _note_catalog(result: Result) -> None:
    """Say where the catalog is another than the one that the result was computed with."""
    then, now = str(result.run.get("catalog", "")), catalog.version()
    if then and then != now:
        console(stderr=True).print(
            f"The catalog is {now}, the result is of {then}: numbers may differ.", markup=False
        )

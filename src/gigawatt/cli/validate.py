"""``gigawatt validate``: the door to every scorecard."""

from __future__ import annotations

from pathlib import Path

from gigawatt.cli.terminal import console, number, print_json, progress

__all__ = ["validate_command"]

_SHARES = ("mape", "median_ape", "p90_ape", "bias", "coverage90", "baseline_mape")


def validate_command(table: str, rows: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Predict, compare, print."""
    from rich.table import Table

    from gigawatt.validation import validate

    with progress(quiet=quiet or as_json) as report:
        card = validate(
            table, rows, progress=lambda done, all_: report("Predicting rows", done / max(all_, 1))
        )
    if as_json:
        print_json(card.to_json())
        return
    out = console()
    columns, lines = card.to_table()
    shown = Table(*[name.replace("_", " ") for name in columns], box=None)
    for line in lines:
        shown.add_row(*[_cell(name, value) for name, value in zip(columns, line, strict=True)])
    out.print(shown)
    answer = card.to_json()
    out.print(
        f"{answer['rows']:,} rows: {answer['predicted']:,} predicted, {answer['refused']:,} refused; "
        f"{answer['parameters_fitted']} parameters fitted; errors are (predicted - measured) / measured.",
        markup=False,
    )
    for reason, count in answer.get("refused_reasons", {}).items():
        out.print(f"refused {count:>4}: {reason}", markup=False)


def _cell(name: str, value: str | int | float | None) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, str):
        return value
    return f"{100 * value:.1f} %" if name in _SHARES else number(value)

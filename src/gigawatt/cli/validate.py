"""``gigawatt validate``: the door to every scorecard."""

from __future__ import annotations

from pathlib import Path

from gigawatt.cli.terminal import console, number, print_json, progress

__all__ = ["validate_command"]


def validate_command(table: str, rows: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Predict, compare, print."""
    from rich.table import Table

    from gigawatt.validation import validate

    with progress(quiet=quiet or as_json) as report:
        card = validate(table, rows, progress=report)
    if as_json:
        print_json(card.to_json())
        return
    out = console()
    frame = card.to_frame()
    shown = Table(*[str(name) for name in frame.columns], box=None)
    for row in frame.itertuples(index=False):
        shown.add_row(*["" if v != v else v if isinstance(v, str) else number(v, 3) for v in row])
    out.print(shown)
    for line in card.sentences():
        out.print(line, markup=False)

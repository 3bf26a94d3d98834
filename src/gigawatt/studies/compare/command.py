"""``gigawatt compare``: scenarios side by side, and which input moved what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, print_json, progress, table
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed

if TYPE_CHECKING:
    from gigawatt.studies.compare.attribution import Attribution
    from gigawatt.studies.compare.compare import Comparison

__all__ = ["EPILOG", "compare_command"]

EPILOG = (
    "Example: gigawatt compare a.yaml b.yaml --of training.duration --of ledger.run_cost --output results/ab"
)
_NAMES = {"outputs": "--of"}
_MOST_NOTICES = 6
_LONG = 46


def compare_command(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Two or more: scenarios in YAML, or folders that `gigawatt run` wrote.", show_default=False
        ),
    ],
    of: Annotated[
        list[str] | None,
        typer.Option(
            "--of",
            help="A quantity whose difference is split among the inputs; as often as needed.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every quantity that differs, not only those that matter.")
    ] = False,
    split: Annotated[
        bool, typer.Option("--split/--no-split", help="Whether to say which input moved what.")
    ] = True,
    orders: Annotated[
        int, typer.Option(min=4, max=1000, help="Orders to sample where more than six groups differ.")
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampled orders.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for compare.json, compare.html and compare.md.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Put scenarios or results side by side; of two, split every difference among the inputs that differ."""
    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    from gigawatt.studies.compare.compare import compare

    with progress(quiet=quiet or json) as report:
        found = flagged(
            lambda: compare(sources, outputs=of, split=split, orders=orders, seed=seed, progress=report),
            compare_command,
            _NAMES,
        )
        if output is not None:
            report("Drawing", 0.97)
            _write(output, found)
    if json:
        print_json(found.to_json())
    elif not quiet:
        _print(found, everything=everything)
        if output is not None:
            console().print(f"Written: {output / 'compare.html'}, compare.md, compare.json", markup=False)


def _write(folder: Path, found: Comparison) -> None:
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files

    write_files(folder, study_files("compare", found.to_json(), typed()))


def _print(found: Comparison, *, everything: bool) -> None:
    from rich.text import Text

    from gigawatt.studies.compare.compare import MATTERS

    out = console()
    for letter, side in zip(_letters(len(found.sides)), found.sides, strict=True):
        out.print(Text(f"{letter}  {side.name}  ({side.source})", style="bold"))
    for one in found.said:
        out.print(Text(f"! {one}", style="yellow"))
    out.print()
    out.print(_side_by_side(found, None if everything else MATTERS))
    if found.attribution is not None:
        _print_split(found.attribution, out)
    elif found.inputs:
        out.print()
        out.print(_inputs(found))
    for letter, told in zip(_letters(len(found.sides)), found.alone, strict=True):
        if told:
            out.print()
            out.print(Text(f"only of {letter}", style="dim"))
        for one in told[:_MOST_NOTICES]:
            out.print(Text(f"! {one}", style="yellow"))
        if len(told) > _MOST_NOTICES:
            out.print(Text(f"! and {len(told) - _MOST_NOTICES} more: see --json", style="yellow"))


def _letters(count: int) -> list[str]:
    return [chr(ord("A") + number) if number < 26 else f"#{number + 1}" for number in range(count)]


def _side_by_side(found: Comparison, names: tuple[str, ...] | None) -> Any:
    from rich.text import Text

    from gigawatt.studies.compare.figures import change, ratio_words, value_words

    letters = _letters(len(found.sides))
    heads: list[tuple[str, str]] = [("quantity", "left")]
    for letter in letters:
        heads += [(letter, "right"), ("grade", "left")]
    for letter in letters[1:]:
        heads += [(f"{letter} − A", "right"), (f"{letter} / A", "right")]
    grid = table(*heads)
    for row in found.rows:
        numbers = any(isinstance(value, float) for value in row.values)
        if not (row.quantity in names if names is not None else row.differs) or not (numbers or row.differs):
            continue
        cells: list[Any] = [row.quantity]
        for value, grade in zip(row.values, row.grades, strict=True):
            words = value_words(value, row.unit)
            cells += [
                Text(words if len(words) <= _LONG else f"{words[: _LONG - 1]}…"),
                Text(grade or "", style="dim"),
            ]
        for difference, ratio in zip(row.differences[1:], row.ratios[1:], strict=True):
            cells += [change(difference, row.unit), ratio_words(ratio)]
        grid.add_row(*cells)
    return grid


def _inputs(found: Comparison) -> Any:
    from rich.text import Text

    grid = table(("input that differs", "left"), *((one, "left") for one in _letters(len(found.sides))))
    for row in found.inputs:
        grid.add_row(row.quantity, *(Text(str("–" if v is None else v)[:_LONG]) for v in row.values))
    return grid


def _print_split(split: Attribution, out: Any) -> None:
    from rich.text import Text

    from gigawatt.faces.figures.readable import with_unit
    from gigawatt.studies.compare.figures import change, value_words

    out.print()
    out.print(Text(f"Which input moved what: {split.method}", style="bold"))
    if split.groups:
        grid = table(("group", "left"), ("A", "left"), ("B", "left"))
        for group in split.groups:
            grid.add_row(group.name, Text(group.before[:_LONG]), Text(group.after[:_LONG]))
        out.print(grid)
    for one in split.splits if split.groups else ():
        out.print()
        grid = table((one.quantity, "left"), ("", "right"), ("", "left"))
        grid.add_row("A", value_words(one.before, one.unit), "")
        errors = one.errors or (None,) * len(one.parts)
        most = max(map(abs, one.parts), default=0.0)
        for group, part, error in sorted(
            zip(split.groups, one.parts, errors, strict=True), key=lambda item: -abs(item[1])
        ):
            if not one.moved(part):
                continue
            bar = "█" * round(20 * abs(part) / most) if most else ""
            spread = "" if error is None else f" ± {with_unit(error, one.unit)}"
            grid.add_row(f"  {group.name}", change(part, one.unit), f"{bar}{spread}")
        grid.add_row("B", value_words(one.after, one.unit), "")
        out.print(grid)
        if one.strays:
            ends = f"{value_words(one.low, one.unit)} to {value_words(one.high, one.unit)}"
            out.print(Text(f"! mixtures on the way reach from {ends}", style="yellow"))
        still = [
            group.name for group, part in zip(split.groups, one.parts, strict=True) if not one.moved(part)
        ]
        if still:
            out.print(Text(f"  moved nothing: {', '.join(still)}", style="dim"))
    for names, why in split.impossible[:_MOST_NOTICES]:
        out.print(Text(f"! no answer with {', '.join(names)} alone as in B: {why}", style="yellow"))
    if len(split.impossible) > _MOST_NOTICES:
        more = len(split.impossible) - _MOST_NOTICES
        out.print(Text(f"! and {more} more mixtures without an answer: see --json", style="yellow"))

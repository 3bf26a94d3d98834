"""``gigawatt plant``: the sheet of a plant that is known by its physics, with figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.terminal.console import console, print_json, progress, table
from gigawatt.faces.terminal.options import read_pairs
from gigawatt.faces.terminal.typed import typed

if TYPE_CHECKING:
    from gigawatt.power.plants.sheet import PlantSheet

__all__ = ["EPILOG", "plant_command"]

EPILOG = "Example: gigawatt plant fusion --set net=400MW --output results/fusion"


def plant_command(
    plant: Annotated[str, typer.Argument(help="msr, fusion or space-solar.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A number of the plant, such as net=400MW; as often as needed.", show_default=False
        ),
    ] = None,
    design: Annotated[
        str | None, typer.Option(help="A design of this kind; --designs lists them.", show_default=False)
    ] = None,
    year: Annotated[int, typer.Option(help="Of operation, of which the costs are.")] = 2040,
    designs: Annotated[bool, typer.Option("--designs", help="List the designs and stop.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="List what --set takes and stop.")] = False,
    output: Annotated[
        Path | None, typer.Option(help="Folder for plant.html, plant.md and sheet.json.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Print the sheet of a plant from its physics: power, limits, fuel, availability, cost, and its row."""
    from gigawatt.power.plants.sheet import physics_of

    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    physics = physics_of(plant)
    if designs:
        _print_designs(physics.list_designs(), as_json=json)
        return
    written = read_pairs("--set", "key=value, such as net=400MW", settings or [], split=False)
    with progress(quiet=quiet or json) as report:
        report("Solving the plant", 0.1)
        more = {} if design is None else {"design": design}
        try:
            found = physics.sheet(written, year=float(year), **more)
        except GigawattError as error:
            if error.key in written:
                error.key = f"--set {error.key}"
            raise
        if output is not None:
            report("Drawing", 0.6)
            _write(output, found, physics.curves(found))
    if json:
        print_json(found.to_json())
    elif keys:
        _print_keys(found)
    elif not quiet:
        _print_sheet(found)
        if output is not None:
            console().print(f"Written: {output / 'plant.html'}, plant.md, sheet.json", markup=False)


def _print_designs(rows: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    grid = table(("design", "left"), ("", "left"))
    for name, words in rows.items():
        grid.add_row(name, words)
    console().print(grid)


def _print_keys(found: PlantSheet) -> None:
    from gigawatt.studies.plant.figures import setting_value

    grid = table(("key", "left"), ("value", "right"), ("unit", "left"), ("from", "right"), ("to", "right"),
                 ("what it is", "left"))  # fmt: skip
    for key, (value, unit, meaning, low, high) in sorted(found.settings.items()):
        ends = ("", "") if isinstance(value, str) else (setting_value(low, unit), setting_value(high, unit))
        shown = setting_value(value, unit)
        grid.add_row(key, shown, unit if unit != "1" else "", *ends, meaning)
    console().print(grid)


def _print_sheet(found: PlantSheet) -> None:
    from rich.text import Text

    from gigawatt.studies.plant.figures import line_value

    out = console()
    out.print(Text(f"{found.name}, design {found.design}, in {found.year:.0f}", style="bold"))
    for section in dict.fromkeys(line[0] for line in found.lines):
        out.print()
        grid = table(("", "left"), ("", "left"), ("", "left"), title=section)
        grid.show_header = False
        for _, label, value, unit, note in (line for line in found.lines if line[0] == section):
            grid.add_row(Text(label), Text(line_value(value, unit)), Text(note, style="dim"))
        out.print(grid)
    out.print()
    for one in found.assumptions:
        out.print(Text(f"assumed {one.key}: {one.value} ({one.grade.label})", style="dim"))
    out.print(Text("what may be set: --keys; other designs: --designs", style="dim"))


def _write(folder: Path, found: PlantSheet, curves: dict[str, dict[str, Any]]) -> None:
    import json

    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files

    text = json.dumps(curves, default=_list)
    files = study_files("plant", found.to_json(), typed(), json.loads(text))
    write_files(folder, {**files, "curves.json": text + "\n"})


def _list(value: Any) -> Any:
    """Arrays and their scalars as JSON has them, to the digits that a figure shows."""
    if value.ndim > 1:
        return [_list(row) for row in value]
    found = value.tolist()
    return [float(f"{one:.5g}") if isinstance(one, float) else one for one in found] if value.ndim else found

"""``gigawatt chip``: a chip from its parts: area, yield, money, watts, temperatures and what limits it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.terminal.console import console, number, print_json, table
from gigawatt.faces.terminal.options import read_pairs
from gigawatt.faces.terminal.typed import typed

if TYPE_CHECKING:
    from gigawatt.machine.chip.built import Built

__all__ = ["BUILD", "LIST", "build_command", "list_command"]

BUILD = "Example: gigawatt chip build GW-2027 --set memory.stacks=8 --json"
LIST = "Example: gigawatt chip list"
_HAND = "key=value, such as dies.gpu.area=400mm^2"
_ZERO = 273.15
_SHARE = 100.0


def list_command(
    parts: Annotated[bool, typer.Option("--parts", help="The parts that a design may name instead.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """List the designs of the catalog, or the nodes, packages, links, memories and coolings to build with."""
    from gigawatt.catalog import entity
    from gigawatt.catalog import table as rows
    from gigawatt.machine.chip.parts import design_names

    if parts:
        kinds = {
            "node": "chip_nodes",
            "package": "chip_packages",
            "cooling": "chip_cooling",
            "memory.kind": "stacked_memory",
            "links.die_to_die": "chip_links",
            "links.scale_up": "links",
            "links.node": "nodes",
        }
        found = {
            key: {one.id: one.text("name", one.id) for one in rows(name).values()}
            for key, name in kinds.items()
        }
        if json:
            print_json(found)
            return
        grid = table(("key", "left"), ("part", "left"), ("", "left"))
        for key, names in found.items():
            for name, words in names.items():
                grid.add_row(key, name, words)
        console().print(grid)
        return
    listed = [
        {
            "id": name,
            "name": entity("chip_designs", name).text("name"),
            "year": int(entity("chip_designs", name).text("year")),
            "kin": entity("chip_designs", name).text("kin"),
            "note": entity("chip_designs", name).text("note"),
        }
        for name in design_names()
    ]
    if json:
        print_json(listed)
        return
    grid = table(("design", "left"), ("year", "right"), ("", "left"), ("note", "left"))
    for row in listed:
        grid.add_row(row["id"], str(row["year"]), row["name"], row["note"])
    console().print(grid)


def build_command(
    design: Annotated[str, typer.Argument(help="A design's file in YAML, or its id.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A value of the design, such as dies.gpu.area=400mm^2; as often as needed.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for chip.html, .md and .json, and chips.csv.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
) -> None:
    """Build a chip from its parts: area, yield, cost, power, temperatures, roofline, what limits it."""
    from gigawatt.studies.chip.chip import chip_answer

    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    written = read_pairs("--set", _HAND, settings or [], split=False)
    try:
        found, answer = chip_answer(design, written)
    except GigawattError as error:
        if error.key in written:
            error.key = f"--set {error.key}"
            error.line = None
        raise
    if output is not None:
        _write(output, found, answer)
    if json:
        print_json(answer)
    elif not quiet:
        _print(found)
        if output is not None:
            console().print(f"Written: {output / 'chip.html'}, chip.md, chip.json, chips.csv", markup=False)


def _print(made: Built) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(f"{made.design.name}, {made.design.year}", style="bold"))
    out.print(_dies(made))
    out.print()
    out.print(_parts("Money of a good chip", made.cost, made.cost_total, "$"))
    if made.design_cost:
        out.print(Text(f"design, spread over {made.design.volume:,.0f} chips: {number(made.design_cost)} $"))
    low, high = made.price_range
    out.print(Text(f"price {number(made.price)} $ ({number(low)} to {number(high)})"))
    out.print()
    out.print(_parts("Watts in a large 16-bit multiplication", made.power, sum(made.power.values()), "W"))
    out.print(
        Text(
            f"power limit {number(made.power_limit)} W, set by {made.binding}; clock {made.clock:.0%} of full"
        )
    )
    heat = made.thermal
    text = f"hottest logic {heat.junction - _ZERO:.0f} °C"
    if made.stack is not None:
        text += f", memory {heat.memory - _ZERO:.0f} °C"
    text += f" over coolant of {heat.coolant - _ZERO:.0f} °C; {heat.flux / 1e6:.2f} W/mm² of logic, "
    text += f"{made.design.cooling} carries {number(heat.limit)} W ({heat.limit_flux / 1e6:.2f} W/mm²)"
    out.print(Text(text))
    out.print()
    out.print(_roofline(made))
    out.print()
    out.print(_limits(made))
    out.print()
    for one in made.assumptions:
        out.print(Text(f"assumed {one.key}: {one.value}; {one.reason} ({one.grade.label})", style="dim"))
    out.print(
        Text(
            f"worst grade of its parts: {made.grades['all'].label}; keys for --set: those of the file",
            style="dim",
        )
    )


def _dies(made: Built) -> Any:
    grid = table(
        ("die", "left"),
        ("node", "left"),
        ("count", "right"),
        ("mm²", "right"),
        ("arithmetic", "right"),
        ("memory", "right"),
        ("interfaces", "right"),
        ("perfect", "right"),
        ("sold", "right"),
        ("$", "right"),
        title="Dies",
    )
    for die in made.dies:
        joins = sum(
            die.budget[key] for key in ("stack interfaces", "links between chips", "links between dies")
        )
        shares = [
            f"{_SHARE * part / die.area:.0f} %"
            for part in (die.budget["arithmetic"], die.budget["memory"], joins)
        ]
        grid.add_row(
            die.role,
            die.node,
            str(die.count),
            f"{die.area * 1e6:.0f}",
            *shares,
            f"{_SHARE * die.cost.perfect:.0f} %",
            f"{_SHARE * die.cost.sold:.0f} %",
            number(die.cost.price),
        )
    if made.stack is not None:
        grid.add_row(
            made.stack.name,
            f"{made.stack.height} high",
            str(made.stacks),
            f"{made.stack.area * 1e6:.0f}",
            "",
            "",
            "",
            "",
            "",
            number(made.stack.price),
        )
    return grid


def _parts(title: str, parts: Any, total: float, unit: str) -> Any:
    grid = table(("part", "left"), (unit, "right"), ("share", "right"), title=title)
    for name, value in parts.items():
        if value:
            grid.add_row(name, number(value), f"{_SHARE * value / total:.1f} %")
    grid.add_row("sum", number(total), "")
    return grid


def _roofline(made: Built) -> Any:
    grid = table(
        ("format", "left"),
        ("PFLOP/s", "right"),
        ("pJ/FLOP", "right"),
        ("FLOP/B where memory binds", "right"),
        title=f"Roofline over {made.memory_bandwidth / 1e12:.3g} TB/s, {made.memory_bytes / 1e9:,.3g} GB",
    )
    for form, rate in made.peak.items():
        grid.add_row(
            form,
            number(rate / 1e15),
            number(made.energy_flop[form] * 1e12),
            f"below {number(rate / made.memory_bandwidth)}",
        )
    return grid


def _limits(made: Built) -> Any:
    grid = table(
        ("limit", "left"),
        ("used", "right"),
        ("there is", "right"),
        ("unit", "left"),
        ("share", "right"),
        title="Limits",
    )
    for name, (used, available, unit) in made.limits.items():
        scale, shown = {"m": (1e3, "mm"), "m^2": (1e6, "mm²")}.get(unit, (1.0, unit))
        grid.add_row(
            name, number(used * scale), number(available * scale), shown, f"{_SHARE * used / available:.0f} %"
        )
    return grid


def _write(folder: Path, made: Built, answer: dict[str, Any]) -> None:
    import csv
    import io

    from gigawatt.core.store import write_files
    from gigawatt.faces.report.held import with_published
    from gigawatt.validation.technologies_chiplets import shipping

    row = made.numbers()
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["id", "name", *(f"{key} [{unit}]" for key, (_, unit) in row.items())])
    writer.writerow([made.design.id, made.design.name, *(f"{value:.6g}" for value, _ in row.values())])
    files = with_published("chip", answer, typed(), shipping())
    write_files(folder, {**files, "chips.csv": stream.getvalue()})

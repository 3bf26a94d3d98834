"""``gigawatt technologies memory``: generations of stacked memory, what patterns reach, joules, heat."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed

__all__ = ["MEMORY", "memory_command"]

MEMORY = "Example: gigawatt technologies memory hbm4 --pattern kv-pages --pattern random"
_NAMES = {"generation": "GENERATION", "pattern": "--pattern", "stacks": "--stacks", "cooling": "--cooling"}
_ZERO = 273.15  # degrees Celsius


def memory_command(
    generation: Annotated[
        str | None, typer.Argument(help="hbm2 to hbm8; all are listed without it.", show_default=False)
    ] = None,
    pattern: Annotated[
        list[str] | None,
        typer.Option(help="How it is read: weights, kv-pages:contiguous=65536; all if left out.",
                     show_default=False),
    ] = None,
    stacks: Annotated[int, typer.Option(help="Stacks beside a chip.")] = 5,
    cooling: Annotated[
        str | None,
        typer.Option(help="air, cold-plate, immersion, embedded; the generation's if left out.",
                     show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for memory.html, .md and .json.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:  # fmt: skip
    """What stacked memory gives, takes and costs: bandwidth by pattern, pJ a bit, temperature."""
    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    from gigawatt.studies.memory.memory import memory_answer

    with progress(quiet=quiet or json) as report:
        report("Reading stacks", 0.1)
        found = flagged(
            lambda: memory_answer(generation, patterns=pattern, stacks=stacks, cooling=cooling),
            memory_command,
            _NAMES,
        )
        if output is not None:
            report("Reading what is published", 0.5)
            _write(output, found)
    if json:
        print_json(found)
        return
    if quiet:
        return
    _print_generations(found["generations"])
    if generation is not None:
        _print_one(found["generations"][0])
    if output is not None:
        console().print(f"Written: {output / 'memory.html'}, memory.md, memory.json", markup=False)


def _write(folder: Path, found: dict[str, Any]) -> None:
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.held import with_published
    from gigawatt.validation.technologies_memory import of_generations

    checks = of_generations([row["generation"] for row in found["generations"]])
    write_files(folder, with_published("memory", found, typed(), checks))


def _print_generations(rows: list[dict[str, Any]]) -> None:
    grid = table(
        ("generation", "left"), ("year", "right"), ("dies", "right"), ("GB", "right"), ("GB/s", "right"),
        ("of it\nweights", "right"), ("of it\nrandom", "right"), ("pJ/b", "right"), ("range", "right"),
        ("W", "right"), ("hottest\n°C", "right"), ("cooled by", "left"), ("$/GB", "right"),
    )  # fmt: skip
    for row in rows:
        reached = {one["pattern"]: one["share"] for one in row["reached"]}
        heat = row["temperature"]
        grid.add_row(
            row["name"],
            str(row["year"]),
            str(row["height"]),
            number(row["capacity"] / 1e9),
            number(row["bandwidth"] / 1e9),
            f"{100 * reached['weights']:.0f} %" if "weights" in reached else "",
            f"{100 * reached['random']:.0f} %" if "random" in reached else "",
            number(row["energy_bit"] * 1e12),
            f"{number(row['energy_bit_low'] * 1e12)} to {number(row['energy_bit_high'] * 1e12)}",
            number(row["power"]),
            number(heat["hottest"] - _ZERO),
            heat["cooling"],
            f"{number(row['price_gb_low'])} to {number(row['price_gb_high'])}",
        )
    console().print(grid)


def _print_one(row: dict[str, Any]) -> None:
    from rich.text import Text

    out = console()
    grid = table(
        ("pattern", "left"), ("", "left"), ("of the peak", "right"), ("closed form", "right"),
        ("GB/s", "right"), ("B of a row", "right"), ("pJ/b", "right"),
    )  # fmt: skip
    for one in row["reached"]:
        grid.add_row(
            one["pattern"],
            one["name"],
            f"{100 * one['share']:.1f} %",
            f"{100 * one['bound']:.1f} %",
            number(one["bandwidth"] / 1e9),
            number(one["row_bytes"]),
            number(one["energy_bit"] * 1e12),
        )
    out.print(grid)
    heat = row["temperature"]
    celsius = [number(heat[key] - _ZERO) for key in ("bottom", "top", "processor")]
    most = "no power of its own" if heat["most_power"] is None else f"{number(heat['most_power'])} W a stack"
    shape = f"{row['name']}, {row['height']} dies, {heat['bonding']} bonds, {heat['cooling']}"
    for line in (
        f"{shape}: bottom die {celsius[0]} °C, top die {celsius[1]} °C, processor {celsius[2]} °C",
        f"within 95 °C: {most}, or {heat['most_height']} dies at full bandwidth",
        f"units between banks: {number(row['pim_gain'])} times the bandwidth of the interface; "
        f"from {number(row['pim_gain'])} tokens on the chip is quicker",
    ):
        out.print(Text(line))

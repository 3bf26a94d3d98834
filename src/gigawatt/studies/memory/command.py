"""``gigawatt technologies memory``: generations of stacked memory, what patterns reach, joules, heat."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option

__all__ = ["memory_command"]

_NAMES = {"generation": "GENERATION", "pattern": "--pattern", "stacks": "--stacks", "cooling": "--cooling"}


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
        Path | None, option("Folder for memory.html, .md and .json.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """What stacked memory gives, takes and costs: bandwidth by pattern, pJ a bit, temperature."""
    from gigawatt.studies.memory.door import technologies_memory

    give(
        lambda report: technologies_memory(
            generation, patterns=pattern, stacks=stacks, cooling=cooling, published=output is not None,
            progress=report,
        ),
        memory_command, output=output, json=json, quiet=quiet, renamed=_NAMES,
    )  # fmt: skip

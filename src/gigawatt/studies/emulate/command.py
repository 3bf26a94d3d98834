"""``gigawatt emulate``: a real language model on a substrate, beside fp32."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option

__all__ = ["emulate_command"]


def emulate_command(
    model: Annotated[
        str, typer.Option(help="smollm2-135m, small, a folder with config.json, or an id of a hub.")
    ] = "smollm2-135m",
    substrate: Annotated[
        str, typer.Option(help="A row of the catalog's substrates, with changes: fp8:weights=int4.")
    ] = "nvfp4",
    text: Annotated[
        str, typer.Option(help="wikipedia, or a UTF-8 file of ten paragraphs or more.")
    ] = "wikipedia",
    windows: Annotated[int, typer.Option(help="Windows of held-out text.")] = 12,
    length: Annotated[int, typer.Option(help="Tokens of a window.")] = 512,
    seeds: Annotated[int, typer.Option(help="Drawn runs, where something is drawn.")] = 1,
    calibration: Annotated[
        int, typer.Option(help="Windows of training text for methods that look at some.")
    ] = 8,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what an earlier run kept.")] = False,
    output: Annotated[Path | None, option("Folder for emulation.json and losses.csv.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a language model on a substrate: perplexity beside fp32 with intervals, and what was counted."""
    from gigawatt.studies.emulate.door import emulate

    give(
        lambda report: emulate(
            model, substrate, text=text, windows=windows, length=length, seeds=seeds,
            calibration=calibration, fresh=fresh, progress=report,
        ),
        emulate_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip

"""``gigawatt emulate``: a real language model on a substrate, beside fp32."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.faces.terminal.options import flagged

if TYPE_CHECKING:
    from gigawatt.studies.emulate.emulate import Emulated

__all__ = ["EPILOG", "emulate_command"]

EPILOG = "Example: gigawatt emulate --model small --substrate nvfp4 --windows 8"

_WORDS = {
    "weight_zeros": "zeros among weights",
    "activation_zeros": "zeros among inputs",
    "activation_crest": "largest input over root mean square",
    "weight_bits": "bits of a weight, scales included",
    "activation_bits": "bits of an input, scales included",
    "cache_bits": "bits of a key or value, scales included",
    "tile_utilisation": "cells of the tiles in use",
    "tile_reads": "reads of tiles a token",
    "adc_conversions": "conversions to digital a token",
    "dac_conversions": "conversions to analog a token",
    "macs": "multiply-accumulates a token",
}


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
    output: Annotated[
        Path | None, typer.Option(help="Folder for emulation.json and losses.csv.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Run a language model on a substrate: perplexity beside fp32 with intervals, and what was counted."""
    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    from gigawatt.studies.emulate.emulate import emulate_with_cost

    with progress(quiet=quiet or json) as report:
        found = flagged(
            lambda: emulate_with_cost(
                model, substrate, text=text, windows=windows, length=length, seeds=seeds,
                calibration=calibration, cache=not fresh, progress=report,
            ),
            emulate_command,
        )  # fmt: skip
    answer = found.to_json()
    if output is not None:
        _write(output, answer)
    if json:
        print_json(answer)
    elif not quiet:
        _print(found)
        if output is not None:
            console().print(f"Written: {output / 'emulation.json'}, losses.csv", markup=False)


def _write(folder: Path, answer: dict[str, Any]) -> None:
    import json

    from gigawatt.core.store import write_files

    heads = ["window", "fp32", *(f"seed {number}" for number in range(answer["seeds"]))]
    rows = zip(answer["baseline_losses"], *answer["losses"], strict=True)
    lines = [",".join(heads)]
    lines += [f"{i}," + ",".join(f"{value:.8g}" for value in row) for i, row in enumerate(rows)]
    write_files(
        folder,
        {
            "emulation.json": json.dumps(answer, indent=1, allow_nan=False) + "\n",
            "losses.csv": "\n".join(lines) + "\n",
        },
    )


def _print(found: Emulated) -> None:
    run, out = found.run, console()
    out.print(
        f"{run.model}, {run.parameters / 1e6:,.1f} M parameters, on {run.substrate.name}: "
        f"{run.windows} windows of {run.length} tokens of {run.text}"
        + (f", {run.seeds} seeds" if run.seeds > 1 else ""),
        markup=False,
    )
    grid = table(("", "left"), ("value", "right"), ("95 % from", "right"), ("to", "right"))
    for words, one in (
        ("perplexity, fp32", run.baseline),
        (f"perplexity, {run.substrate.id}", run.perplexity),
        ("ratio, over the same windows", run.ratio),
    ):
        grid.add_row(words, number(one.value), number(one.low), number(one.high))
    out.print(grid)
    counted = table(("counted", "left"), ("value", "right"))
    for key, words in _WORDS.items():
        if key in run.statistics:
            counted.add_row(words, number(run.statistics[key]))
    out.print(counted)
    if found.cost is not None:
        _print_cost(found.cost)
    else:
        out.print(f"Without cost: {found.without}", markup=False)
    for caveat in run.caveats:
        out.print(f"Note: {caveat}.", markup=False)


def _print_cost(cost: Any) -> None:
    answer = cost.to_json()
    joules, seconds = answer.get("energy", {}), answer.get("time", {})
    grid = table(("a token at batch 1", "left"), ("mJ", "right"), ("us", "right"))
    for name in dict.fromkeys((*joules, *seconds)):
        mine = joules.get(name, 0.0), seconds.get(name, 0.0)
        if any(mine):
            grid.add_row(name.replace("_", " "), number(1e3 * mine[0]), number(1e6 * mine[1]))
    grid.add_row("together", number(1e3 * sum(joules.values())), number(1e6 * sum(seconds.values())))
    console().print(grid)

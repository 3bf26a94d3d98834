"""``gigawatt technologies``: substrates side by side, and what remains of a published claim."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option, read_settings

__all__ = [
    "audit_command",
    "compare_command",
    "needs_command",
    "study_command",
]

_NAMES = {"substrates": "--substrate", "substrate": "--substrate"}

Folder = Annotated[Path | None, option("Folder for technologies.html, .md and .json.")]


def compare_command(
    model: Annotated[str, typer.Option(help="Whose tokens are priced.")] = "llama-3.1-8b",
    substrate: Annotated[
        list[str] | None,
        typer.Option(help="One, with changes: pcm:adc_bits=6; as often as needed; all if left out.",
                     show_default=False),
    ] = None,
    chip: Annotated[str, typer.Option(help="The digital machine, or the host.")] = "nvidia-h100-sxm",
    batch: Annotated[float, typer.Option(help="Sequences that decode together.")] = 1.0,
    context: Annotated[float, typer.Option(help="Tokens behind each.")] = 512.0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", show_default=False,
                     help="A field that dollars follow from, such as 'supply.price=40 $/MWh'."),
    ] = None,
    bands: Annotated[
        bool, typer.Option("--bands", help="Ranges of joules and dollars, from those of the catalog's rows.")
    ] = False,
    output: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Quality as measured beside joules and dollars a token, of the chip and of the system."""
    from gigawatt.studies.technologies.door import compare_technologies

    give(
        lambda report: compare_technologies(
            model=model, substrates=substrate, chip=chip, batch=batch, context=context, bands=bands,
            settings=read_settings(settings),
            progress=lambda words, share: report(f"Moving {words}", 0.3 + 0.4 * share),
        ),
        compare_command, output=output, json=json, quiet=quiet, renamed=_NAMES,
    )  # fmt: skip


def audit_command(
    id: Annotated[
        str | None, typer.Argument(help="A published row; without it, all are listed.", show_default=False)
    ] = None,
    model: Annotated[str | None, option("On which it is tried.")] = None,
    context: Annotated[float, typer.Option(help="Tokens behind the one that is computed.")] = 2048.0,
    against: Annotated[str | None, option("Another row: their ratio, if they count the same.")] = None,
    output: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What remains of a published claim at the scope, workload and precision of a language model."""
    from gigawatt.studies.technologies.door import technologies_audit

    give(
        lambda report: technologies_audit(id, model=model, context=context, against=against),
        audit_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip


def needs_command(
    chip: Annotated[str, typer.Argument(help="A hybrid chip of the catalog.")],
    model: Annotated[str, typer.Option(help="Whose weights stand in its cells.")] = "llama-3.1-70b",
    today: Annotated[str, typer.Option(help="The chip that its memory and links stand beside.")] = "H100",
    loss: Annotated[float, typer.Option(help="Perplexity that would be borne, over the model's own.")] = 1.02,
    output: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What a machine of several substrates supposes, beside what is published today."""
    from gigawatt.studies.technologies.door import technologies_needs

    give(
        lambda report: technologies_needs(chip, model=model, today=today, loss=loss),
        needs_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip


def study_command(
    model: Annotated[
        str, typer.Option(help="That is run: smollm2-135m, small, or a folder.")
    ] = "smollm2-135m",
    priced: Annotated[str, typer.Option(help="Whose tokens are priced.")] = "llama-3.1-8b",
    substrate: Annotated[list[str] | None, option("One; as often as needed; all if left out.")] = None,
    windows: Annotated[int, typer.Option(help="Held-out windows of 512 tokens.", min=2)] = 8,
    chip: Annotated[str, typer.Option(help="The digital machine, or the host.")] = "nvidia-h100-sxm",
    batch: Annotated[float, typer.Option(help="Sequences that decode together.")] = 1.0,
    output: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a model on every substrate (torch; half an hour) and compare them with what was measured."""
    from gigawatt.studies.technologies.door import technologies_study

    give(
        lambda report: technologies_study(
            model=model, priced=priced, substrates=substrate, windows=windows, chip=chip, batch=batch,
            progress=report,
        ),
        study_command, output=output, json=json, quiet=quiet, renamed=_NAMES,
    )  # fmt: skip

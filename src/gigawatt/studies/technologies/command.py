"""``gigawatt technologies``: substrates side by side, and what remains of a published claim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed

if TYPE_CHECKING:
    from gigawatt.chain.bands import Band
    from gigawatt.chain.technologies import Comparison
    from gigawatt.studies.technologies.audit import Audit

__all__ = [
    "AUDIT",
    "COMPARE",
    "NEEDS",
    "STUDY",
    "audit_command",
    "compare_command",
    "needs_command",
    "study_command",
]

COMPARE = "Example: gigawatt technologies compare --model llama-3.1-8b --substrate nvfp4 --substrate fp8"
AUDIT = "Example: gigawatt technologies audit lightmatter"
STUDY = "Example: gigawatt technologies study --windows 8 --output results/study"
NEEDS = "Example: gigawatt technologies needs mixed-2035 --model llama-3.1-70b"
_NAMES = {"substrates": "--substrate", "substrate": "--substrate"}


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
    bands: Annotated[
        bool, typer.Option("--bands", help="Ranges of joules and dollars, from those of the catalog's rows.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Folder for technologies.html, .md and .json.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:  # fmt: skip
    """Quality as measured beside joules and dollars a token, of the chip and of the system."""
    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    from gigawatt.chain.technologies import compare, with_bands

    with progress(quiet=quiet or json) as report:
        report("Pricing tokens", 0.1)
        found = flagged(
            lambda: compare(model=model, substrates=substrate, chip=chip, batch=batch, context=context),
            compare_command,
            _NAMES,
        )
        if bands:
            found = with_bands(found, lambda words, share: report(f"Moving {words}", 0.3 + 0.4 * share))
        if output is not None:
            report("Drawing", 0.7)
            _write(output, found)
    if json:
        print_json(found.to_json())
    elif not quiet:
        _print_comparison(found)
        if output is not None:
            console().print(
                f"Written: {output / 'technologies.html'}, technologies.md, technologies.json", markup=False
            )


def _range(band: Band | None, scale: float) -> str:
    return "" if band is None else f"\n{number(band.low * scale)} to {number(band.high * scale)}"


def _write(folder: Path, found: Comparison) -> None:
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files

    write_files(folder, study_files("technologies", found.to_json(), typed()))


def _print_comparison(found: Comparison) -> None:
    from rich.text import Text

    from gigawatt.chain.technologies import CAVEAT

    out = console()
    title = f"{found.model} on {found.chip}, batch {found.batch:g}, {found.context:,.0f} tokens of context"
    out.print(Text(title, style="bold"))
    grid = table(
        ("substrate", "left"), ("perplexity", "right"), ("mJ/token\nchip", "right"),
        ("mJ/token\nsystem", "right"), ("$/M tokens\nchip", "right"), ("$/M tokens\nsystem", "right"),
        ("ms a\ntoken", "right"), ("on it", "right"), ("front", "left"),
    )  # fmt: skip
    for row in sorted(found.rows, key=lambda one: one.cost.joules("system")):
        quality = "not run" if row.quality is None else f"× {row.quality.ratio:.3f}"
        grid.add_row(
            Text(row.substrate.id),
            quality,
            number(row.cost.joules("chip") * 1e3),
            number(row.cost.joules("system") * 1e3) + _range(row.bands.get("joules system"), 1e3),
            number(row.money["chip"] * 1e6),
            number(row.money["system"] * 1e6) + _range(row.bands.get("dollars system"), 1e6),
            number(row.cost.step_time * 1e3),
            f"{100 * row.cost.mapped_energy:.0f} %",
            ", ".join(row.fronts),
        )
    out.print(grid)
    for name, reason in found.refused:
        out.print(Text(f"refused {name}: {reason}", style="dim"))
    said = f"Perplexity over that of the model as trained, {CAVEAT}. On it: share of a 16-bit chip's energy."
    out.print(Text(said, style="dim"))


def audit_command(
    id: Annotated[
        str | None, typer.Argument(help="A published row; without it, all are listed.", show_default=False)
    ] = None,
    model: Annotated[str | None, typer.Option(help="On which it is tried.", show_default=False)] = None,
    context: Annotated[float, typer.Option(help="Tokens behind the one that is computed.")] = 2048.0,
    against: Annotated[
        str | None, typer.Option(help="Another row: their ratio, if they count the same.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """What remains of a published claim at the scope, workload and precision of a language model."""
    from gigawatt.studies.technologies.audit import audit, audited, figure_of

    if id is None:
        _print_list(audited(), as_json=json)
        return
    if against is not None:
        ratio = figure_of(id).over(figure_of(against))
        if json:
            print_json({"id": id, "against": against, "ratio": ratio})
        else:
            console().print(f"{id} over {against}: {number(ratio)}", markup=False)
        return
    found = flagged(lambda: audit(id, model=model, context=context), audit_command)
    if json:
        print_json(found.to_json())
    else:
        _print_audit(found)


def _print_list(ids: list[str], *, as_json: bool) -> None:
    from gigawatt.catalog.loader import entity

    rows: list[dict[str, Any]] = []
    for id in ids:
        row = entity("technologies_published", id)
        shown = next(iter(row.rows()))
        claim = f"{number(float(shown.written))} {shown.unit}".strip()
        rows.append({"id": id, "name": row.text("name"), "metric": row.text("metric"), "claim": claim})
    if as_json:
        print_json(rows)
        return
    grid = table(("id", "left"), ("machine", "left"), ("claim", "left"), ("", "right"))
    for row in rows:
        grid.add_row(row["id"], row["name"], row["metric"], row["claim"])
    console().print(grid)


def _print_audit(found: Audit) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(f"{found.name}: {found.claim}", style="bold"))
    for label, words in (
        ("scope", found.scope),
        ("counts", found.included),
        ("leaves out", found.left_out),
        ("source", f"{found.source} ({found.grade})"),
    ):
        out.print(Text(f"{label}: {words}", style="dim"))
    out.print()
    for sentence in found.said:
        out.print(Text(sentence))


def needs_command(
    chip: Annotated[str, typer.Argument(help="A hybrid chip of the catalog.")],
    model: Annotated[str, typer.Option(help="Whose weights stand in its cells.")] = "llama-3.1-70b",
    today: Annotated[str, typer.Option(help="The chip that its memory and links stand beside.")] = "H100",
    loss: Annotated[float, typer.Option(help="Perplexity that would be borne, over the model's own.")] = 1.02,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """What a machine of several substrates supposes, beside what is published today."""
    from gigawatt.chain.hybrids import needs
    from gigawatt.chain.technologies import read_model

    found = flagged(lambda: needs(chip, read_model(model), today=today, loss=loss), needs_command)
    if json:
        print_json([one.to_json() for one in found])
        return
    grid = table(
        ("what", "left"), ("supposed", "right"), ("today", "right"), ("unit", "left"), ("times", "right"),
    )  # fmt: skip
    for one in found:
        grid.add_row(one.what, number(one.supposed), number(one.today), one.unit, number(one.factor))
    console().print(grid)
    for basis in dict.fromkeys(one.basis for one in found):
        names = ", ".join(one.what for one in found if one.basis == basis)
        console().print(f"{names}: {basis}", markup=False, style="dim")


def study_command(
    model: Annotated[
        str, typer.Option(help="That is run: smollm2-135m, small, or a folder.")
    ] = "smollm2-135m",
    priced: Annotated[str, typer.Option(help="Whose tokens are priced.")] = "llama-3.1-8b",
    substrate: Annotated[
        list[str] | None, typer.Option(help="One; as often as needed; all if left out.", show_default=False)
    ] = None,
    windows: Annotated[int, typer.Option(help="Held-out windows of 512 tokens.", min=2)] = 8,
    chip: Annotated[str, typer.Option(help="The digital machine, or the host.")] = "nvidia-h100-sxm",
    batch: Annotated[float, typer.Option(help="Sequences that decode together.")] = 1.0,
    output: Annotated[
        Path | None, typer.Option(help="Folder for technologies.html, .md and .json.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Run a model on every substrate (torch; half an hour) and compare them with what was measured."""
    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    from gigawatt.chain.technologies import with_bands
    from gigawatt.studies.technologies.study import study_all

    with progress(quiet=quiet or json) as report:
        made = flagged(
            lambda: study_all(
                model=model, priced=priced, substrates=substrate, windows=windows, chip=chip, batch=batch,
                progress=lambda words, share: report(words, 0.9 * share),
            ),
            study_command,
            _NAMES,
        )  # fmt: skip
        report("Moving rows", 0.9)
        found = with_bands(made.comparison)
        if output is not None:
            _write(output, found)
    if json:
        document = found.to_json()
        document |= {"not_run": [list(one) for one in made.not_run], "cpu_seconds": made.cpu_seconds}
        print_json(document)
    elif not quiet:
        _print_comparison(found)
        for name, reason in made.not_run:
            console().print(f"not run {name}: {reason}", markup=False, style="dim")
        console().print(f"{made.cpu_seconds / 60.0:.1f} CPU-minutes", style="dim")

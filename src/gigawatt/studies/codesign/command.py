"""``gigawatt codesign``: the front of chips, models and machines against today's best chip, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.faces.terminal.options import read_pairs
from gigawatt.faces.terminal.typed import typed

__all__ = ["EPILOG", "codesign_command"]

EPILOG = (
    "Example: gigawatt codesign examples/llama-3.1-405b-texas.yaml --design B200-parts "
    "--set training.number_format=fp8 --source grid --limit 'power <= 40 MW' --output results/codesign"
)
_ASKED, _SEARCH, _ANSWER = "What is varied", "Search", "Answer"


def _option(help: str, panel: str = _ASKED, **more: Any) -> Any:
    return typer.Option(help=help, show_default=False, rich_help_panel=panel, **more)


def codesign_command(
    scenario: Annotated[Path, typer.Argument(help="A scenario that trains or serves.", show_default=False)],
    design: Annotated[
        str, typer.Option(help="Today's chip from its parts: a design or file.", rich_help_panel=_ASKED)
    ] = "B200-parts",
    design_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--design-set",
            help="KEY=VALUE of the design, such as cooling=cold-plate.",
            show_default=False,
            rich_help_panel=_ASKED,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the scenario.", show_default=False, rich_help_panel=_ASKED),
    ] = None,
    source: Annotated[
        list[str] | None, _option("Plants to choose beside the scenario's: grid+solar; as often as needed.")
    ] = None,
    formats: Annotated[str | None, _option("Number formats to choose from, such as bf16,fp8.")] = None,
    hold: Annotated[str | None, _option("Choices that stay as they are, such as dies,domain.")] = None,
    limit: Annotated[
        list[str] | None, _option("'METRIC <= VALUE unit': power, chip_power, die_area, capital, time …")
    ] = None,
    population: Annotated[
        int, typer.Option(help="Designs of a generation, even.", min=4, rich_help_panel=_SEARCH)
    ] = 100,
    generations: Annotated[
        int | None, _option("Generations; 40 where it trains, 24 where it serves.", _SEARCH, min=0)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the search.", rich_help_panel=_SEARCH)] = 0,
    output: Annotated[Path | None, _option("Folder for codesign.html, .md and .json.", _ANSWER)] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON alone on standard output.", rich_help_panel=_ANSWER)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=_ANSWER)
    ] = False,
) -> None:
    """Vary a chip's area, memory, links and format, the model's shape, machine and power source together."""
    from gigawatt.chain.asking import Asker
    from gigawatt.schema.scenario import read_scenario
    from gigawatt.studies.codesign.answer import as_codesign
    from gigawatt.studies.codesign.codesign import co_design, read_model
    from gigawatt.studies.solve.space import read_settings

    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    held = read_settings(tuple(read_pairs("--set", "KEY=VALUE", settings or [], split=False).items()))
    chips = read_pairs("--design-set", "KEY=VALUE", design_settings or [], split=False)
    asker = Asker(read_scenario(scenario), held)
    asker.loaded({})
    rounds = generations if generations is not None else 24 if asker.base.serves else 40
    with progress(quiet=quiet or json) as report:
        model = read_model(
            asker,
            design,
            design_settings=chips,
            sources=[_names(one, "+") for one in source or []],
            formats=_names(formats or "", ","),
            limits=limit or [],
            held=_names(hold or "", ","),
            progress=report,
        )
        year = int(asker.at({}).value("scenario.year").value)
        found = co_design(
            model, population=population, generations=rounds, seed=seed, year=year, progress=report
        )
        document = as_codesign(found, report)
        if output is not None:
            report("Drawing", 0.99)
            _write(output, document)
    if json:
        print_json(document)
    elif not quiet:
        _print(document)
        if output is not None:
            console().print(f"Written: {output / 'codesign.html'}, codesign.md, codesign.json", markup=False)


def _names(text: str, between: str) -> list[str]:
    return [one.strip() for one in text.split(between) if one.strip()]


def _write(folder: Path, document: Mapping[str, Any]) -> None:
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files

    write_files(folder, study_files("codesign", document, typed()))


def _print(document: Mapping[str, Any]) -> None:
    from rich.text import Text

    out = console()
    searched, names = document["searched"], document["objectives"]
    doing = "serving" if document["serves"] else "training"
    out.print(Text(f"Co-design from {document['design']} for {doing}", style="bold"))
    said = (
        f"{searched['front']} designs of {searched['designs']:,} looked at are beaten by none in "
        f"{', '.join(names)}; {searched['method']}, {searched['population']} × {searched['generations']}, "
        f"seed {searched['seed']}, {searched['cpu_seconds']:.0f} CPU s"
    )
    out.print(Text(said, style="dim"))
    out.print()
    out.print(_choices(document))
    out.print()
    out.print(_ratios(document))
    out.print()
    out.print(_beside(document))
    out.print()
    out.print(_taken_apart(document))
    out.print()
    out.print(_relief(document))
    for notice in document["notices"]:
        out.print(Text(f"! {notice}", style="yellow"))


def _choices(document: Mapping[str, Any]) -> Any:
    grid = table(
        ("choice", "left"), ("today", "right"), *((one["name"], "right") for one in document["designs"])
    )
    for gene in document["genes"]:
        cells = [one["genes"][gene["key"]] for one in document["designs"]]
        ends = [gene["key"] in one["at_end"] for one in document["designs"]]
        marked = [f"{cell}{' |' if end else ''}" for cell, end in zip(cells, ends, strict=True)]
        grid.add_row(gene["words"], gene["today"], *(_short(one) for one in marked))
    return grid


def _short(text: str) -> str:
    return text if len(text) <= 22 else f"{text[:20]}…"


def _ratios(document: Mapping[str, Any]) -> Any:
    """Each design over today's chip: as asked, and in the same use with what the error leaves."""
    grid = table(
        ("over today's chip", "left"), *((one["name"], "right") for one in document["designs"]),
        title="as asked / in the same use (5 to 95 % of the laws' error, each chip its own)",
    )  # fmt: skip
    for metric in document["objectives"]:
        cells: list[str] = []
        for one in document["designs"]:
            error = next((row for row in one["error"] if row["metric"] == metric), None)
            text = f"{one['over_twin'][metric]:.3g}"
            if error is not None:
                text += f" / {error['ratio']:.3g} ({error['own'][0]:.2g}–{error['own'][1]:.2g})"
            cells.append(text)
        grid.add_row(metric, *cells)
        verdicts = [
            next((row["verdict"] for row in one["error"] if row["metric"] == metric), "")
            for one in document["designs"]
        ]
        grid.add_row("", *verdicts, style="dim")
    return grid


def _beside(document: Mapping[str, Any]) -> Any:
    names, units = document["objectives"], document["units"]
    heads = ((f"{m} [{units[m].replace('*', ' ')}]", "right") for m in names)
    grid = table(("the same question on", "left"), *heads, ("designs better in all", "right"))

    def row(words: str, metrics: Mapping[str, Any], beaten: str = "") -> None:
        grid.add_row(words, *(number(metrics[m]) for m in names), beaten)

    row("today's chip from its parts, as asked", document["twin"]["metrics"])
    if document["own"] is not None:
        row(f"{document['own']['chip']} of the catalog, as asked", document["own"]["metrics"])
    for one in document["today"]:
        priced = "" if one["price_known"] else ", price by regression"
        count = f", {one['count']:,}" if one["count"] else ""
        row(f"{one['chip']}{count}, {one['format']}{priced}", one["metrics"], str(one["beaten_in_all_by"]))
    for one in document["designs"]:
        row(f"found: {one['name']}", one["metrics"])
    over = document["found_over_held"]
    if over:
        grid.add_row("least found over least of today's hardware", *(f"{over[m]:.3g}" for m in names))
    return grid


def _taken_apart(document: Mapping[str, Any]) -> Any:
    names = document["objectives"]
    grid = table(
        ("design", "left"), ("change", "left"), *((m, "right") for m in names),
        title="what each change multiplies by (Shapley)",
    )  # fmt: skip
    for one in document["designs"]:
        groups = list(dict.fromkeys(group for part in one["parts"] for group in part["factors"]))
        for i, group in enumerate(groups):
            cells = [part["factors"].get(group) for part in one["parts"]]
            grid.add_row(
                one["name"] if i == 0 else "", group, *("-" if c is None else f"{c:.3f}" for c in cells)
            )
    return grid


def _relief(document: Mapping[str, Any]) -> Any:
    names = [(one["name"], "right") for one in document["designs"]]
    grid = table(("twice as much of", "left"), ("today", "right"), *names, title="would save, at no price")
    for row in document["twin"]["relief"]:
        gains = [
            next((r["gain"] for r in one["relief"] if r["resource"] == row["resource"]), 0.0)
            for one in document["designs"]
        ]
        grid.add_row(row["words"], f"{row['gain']:.1%}", *(f"{gain:.1%}" for gain in gains))
    return grid

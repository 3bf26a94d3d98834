"""``gigawatt outlook``: the largest run, what binds it, machines and electricity, year by year to 2050."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed
from gigawatt.studies.outlook.society_command import print_society

if TYPE_CHECKING:
    from gigawatt.studies.outlook.outlook import OutlookResult

__all__ = ["EPILOG", "outlook_command"]

EPILOG = "Example: gigawatt outlook lift-off --draws 20000 --output results/outlook"

_SHOWN = ("feasible", "run", "leading_power", "stock", "ai_nameplate", "electricity")
_COLUMNS = (2025, 2030, 2035, 2040, 2050)
_TOLD = 3  # a limit below this many percent is not told


def outlook_command(
    scenario: Annotated[
        str, typer.Argument(help="base, headwinds, lift-off, or a YAML file that changes quantities.")
    ] = "base",
    draws: Annotated[int, typer.Option(help="100 to 100,000,000; memory does not grow with them.")] = 100_000,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same numbers.")] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Which unknown makes the spread: Sobol indices, tornado.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for page, JSON and tables.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Draw the outlook to 2050: the largest training run, what binds it, machines and electricity."""
    with progress(quiet=quiet or json) as report:
        report("Reading the catalog", 0.0)
        result = flagged(lambda: _result(scenario, draws, seed, sensitivity, output, report), outlook_command)
        answer = _answer(result)
        if output is not None:
            _write(output, answer)
    if json:
        print_json(answer)
    elif not quiet:
        _print(result)
        if output is not None:
            console().print(
                f"Written: {output / 'outlook.html'}, outlook.md, outlook.json, bands.csv", markup=False
            )


def _result(
    scenario: str, draws: int, seed: int | None, sensitivity: bool, output: Path | None, report: Any
) -> OutlookResult:
    from gigawatt.outlook.randomness import SEED
    from gigawatt.studies.outlook.outlook import outlook, read_outlook

    if output is not None:
        from gigawatt.core.store import writable

        writable(output)
    asked = read_outlook(scenario)
    start = SEED if seed is None else seed
    result = outlook(asked, draws, start, progress=report)
    if not sensitivity:
        return result
    from gigawatt.studies.outlook.sensitivity import explained

    return explained(result, asked, report)


def _answer(result: OutlookResult) -> dict[str, Any]:
    from gigawatt.studies.outlook.society import society_block

    return {**result.to_json(), "society": society_block(result)}


def _print(result: OutlookResult) -> None:
    out = console()
    years = [y for y in _COLUMNS if y in result.years] or list(result.years[-1:])
    title = f"{result.scenario}, {result.draws:,} draws, seed {result.seed}: median (5 to 95 %)"
    grid = table(("", "left"), *((str(year), "right") for year in years), title=title)
    for name in _SHOWN:
        cells: list[str] = []
        for year in years:
            band = result.band(name, year)
            cells.append(f"{_short(band[0.5])} ({_short(band[0.05])}–{_short(band[0.95])})")
        unit = result.units[name]
        grid.add_row(f"{result.words[name]}{'' if unit == '1' else f' [{unit}]'}", *cells)
    out.print(grid)
    out.print()
    rows = table(("binds the feasible run, %", "left"), *((str(y), "right") for y in years))
    for name, shares in result.binding.items():
        rows.add_row(name, *(f"{100 * shares[result.years.index(y)]:.0f}" for y in years))
    below = result.binding_actual["demand"]
    rows.add_row("(the trend stays below it)", *(f"{100 * below[result.years.index(y)]:.0f}" for y in years))
    out.print(rows)
    out.print()
    gains = table(("relieved, the run grows by a factor of", "left"), *((str(y), "right") for y in years))
    for name, values in result.relief.items():
        cells = [
            f"{_short(values[i][1])} ({_short(values[i][0])}–{_short(values[i][2])})"
            for i in (result.years.index(y) for y in years)
        ]
        gains.add_row(name, *cells)
    out.print(gains)
    print_society(out, result, years)
    _print_decades(result)
    out.print(f"\n{result.definition}", markup=False)
    for row in result.overrides:
        out.print(f"yours: {row.key} = {row.value}", markup=False)
    for name, found in result.sensitivities.items():
        told = ", ".join(
            f"{row['quantities'][0]} {row['ST']:.2f}" for row in found["rows"][:5] if row["ST"] * 100 >= _TOLD
        )
        share = found["scenarios"]["share"]
        out.print(f"spread of {name}: {told}; between scenarios {share:.0%}", markup=False)


def _print_decades(result: OutlookResult) -> None:
    from gigawatt.studies.outlook.decades import decade_lines

    for decade in result.decades:
        console().print(f"\n{decade}, share of draws in which it comes true:", markup=False)
        for line in decade_lines(result.decades, decade):
            console().print(f"  {line}", markup=False)


def _short(value: float) -> str:
    """Two digits: 27, 1,300, 2.7e+28."""
    return f"{value:.1e}" if value >= 1e5 else number(float(f"{value:.2g}"))


def _write(folder: Path, answer: dict[str, Any]) -> None:
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files
    from gigawatt.studies.serving.options import flat_csv

    rows: list[dict[str, Any]] = []
    for name, band in answer["bands"].items():
        years = answer["years"] if len(band["values"]) > 1 else [""]
        for year, values in zip(years, band["values"], strict=True):
            row: dict[str, Any] = {"output": name, "unit": band["unit"], "year": year}
            row |= {f"q{100 * q:g}": v for q, v in zip(answer["quantiles"], values, strict=True)}
            rows.append(row)
    write_files(folder, {**study_files("outlook", answer, typed()), "bands.csv": flat_csv(rows)})

"""``gigawatt solve``: inverse questions over any quantity of a scenario, and crossings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give, print_answer
from gigawatt.faces.terminal.options import AnswerJson, AnswerQuiet, option, read_pairs

__all__ = ["solve_command"]

_SOUGHT, _ANSWER = "Question", "Answer"


def solve_command(
    base: Annotated[Path, typer.Argument(help="A scenario in YAML.", show_default=False)],
    find: Annotated[
        list[str] | None,
        option(
            "KEY=RANGE: 2026..2032, '100..300 MW', '8..64 times 2', a|b|c, all; model.parameters=50B..2T. "
            "As often as needed.",
            _SOUGHT,
        ),
    ] = None,
    maximise: Annotated[str | None, option("A quantity that is to be largest.", _SOUGHT)] = None,
    minimise: Annotated[str | None, option("A quantity that is to be least.", _SOUGHT)] = None,
    limit: Annotated[
        list[str] | None, option("'QUANTITY <= VALUE unit', as often as needed.", _SOUGHT)
    ] = None,
    where: Annotated[
        str | None, option("Instead: where 'A <= B' begins to hold; other:QUANTITY is of --other.", _SOUGHT)
    ] = None,
    other: Annotated[
        Path | None, option("A second scenario for --where; else the first with --set other:…", _SOUGHT)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="KEY=VALUE held at every point; other:KEY=VALUE in the second scenario.",
            show_default=False,
            rich_help_panel=_SOUGHT,
        ),
    ] = None,
    every: Annotated[
        int, typer.Option(help="Points up to which all are looked at.", min=1, rich_help_panel=_SOUGHT)
    ] = 400,
    seed: Annotated[int, typer.Option(help="Of a search by evolution.", rich_help_panel=_SOUGHT)] = 0,
    output: Annotated[
        Path | None,
        option("Folder for solve.html, .md, .json and, where there is one, found.yaml.", _ANSWER),
    ] = None,
    json: AnswerJson = False,
    quiet: AnswerQuiet = False,
) -> None:
    """Find values of some keys for which a quantity is best within limits, or where one passes another."""
    from gigawatt.studies.solve.door import refusal, solve

    pairs = read_pairs("--set", "KEY=VALUE, such as year=2030", settings or [], split=False)
    wanted = read_pairs("--find", "KEY=RANGE, such as machine.count=1024..8192", find or [])
    answer = give(
        lambda report: solve(
            base, wanted, maximise=maximise, minimise=minimise, limits=limit or [], where=where, other=other,
            settings=pairs, every=every, seed=seed, progress=report,
        ),
        None, output=output, json=json, quiet=quiet,
        renamed={key: f"--{key}" for key in ("find", "where", "other", "maximise", "minimise", "limit")},
    )  # fmt: skip
    error = refusal(answer, wanted)
    if error is not None:
        if quiet and not json:
            print_answer(answer, json=False, quiet=False)
        raise error

"""``gigawatt solve``: inverse questions over any quantity of a scenario, and crossings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.faces.terminal.options import read_pairs
from gigawatt.faces.terminal.typed import typed

if TYPE_CHECKING:
    from gigawatt.chain.asking import Asker
    from gigawatt.studies.solve.crossing import Crossings
    from gigawatt.studies.solve.solve import Answer

__all__ = ["EPILOG", "solve_command"]

EPILOG = (
    "Example: gigawatt solve examples/llama-3.1-405b-texas.yaml --find model.parameters=50B..3T "
    "--find 'machine.count=8192..65536 step 8192' --maximise model.parameters "
    "--limit 'facility.power_peak <= 300 MW' --limit 'training.duration <= 180 days'"
)
_SOUGHT, _ANSWER = "What is sought", "Answer"
_TOLD = 5e-4
"""Gains below this are not told as such."""


def _option(help: str, panel: str = _SOUGHT, **more: Any) -> Any:
    return typer.Option(help=help, show_default=False, rich_help_panel=panel, **more)


def solve_command(
    base: Annotated[Path, typer.Argument(help="A scenario in YAML.", show_default=False)],
    find: Annotated[
        list[str] | None,
        _option(
            "KEY=RANGE: 2026..2032, '100..300 MW', '8..64 times 2', a|b|c, all; model.parameters=50B..2T. "
            "As often as needed."
        ),
    ] = None,
    maximise: Annotated[str | None, _option("A quantity that is to be largest.")] = None,
    minimise: Annotated[str | None, _option("A quantity that is to be least.")] = None,
    limit: Annotated[list[str] | None, _option("'QUANTITY <= VALUE unit', as often as needed.")] = None,
    where: Annotated[
        str | None, _option("Instead: where 'A <= B' begins to hold; other:QUANTITY is of --other.")
    ] = None,
    other: Annotated[
        Path | None, _option("A second scenario for --where; else the first with --set other:…")
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
        _option("Folder for solve.html, .md, .json and, where there is one, found.yaml.", _ANSWER),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON alone on standard output.", rich_help_panel=_ANSWER)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=_ANSWER)
    ] = False,
) -> None:
    """Find values of some keys for which a quantity is best within limits, or where one passes another."""
    from gigawatt.chain.asking import Asker
    from gigawatt.schema.scenario import read_scenario
    from gigawatt.studies.solve.space import read_settings

    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    pairs = read_pairs("--set", "KEY=VALUE, such as year=2030", settings or [], split=False)
    mark = "other:"
    mine = {key: text for key, text in pairs.items() if not key.startswith(mark)}
    theirs = {key.removeprefix(mark): text for key, text in pairs.items() if key.startswith(mark)}
    held = read_settings(tuple(mine.items()))
    asker = Asker(read_scenario(base), held)
    wanted = read_pairs("--find", "KEY=RANGE, such as machine.count=1024..8192", find or [])
    if not wanted:
        raise InputError(
            "nothing to find", key="--find", allowed="KEY=RANGE, such as 'machine.count=1024..8192 times 2'"
        )
    asker.loaded({})
    if where is not None:
        second = None
        if other is not None or theirs:
            changed = read_settings(tuple(theirs.items()))
            # without a file of its own the second is the first, with its settings and others on top
            second = Asker(
                read_scenario(other or base), changed if other is not None else {**held, **changed}
            )
            second.loaded({})
        if maximise or minimise or limit:
            raise InputError(
                "a comparison or an objective",
                key="--where",
                allowed="without --maximise, --minimise, --limit",
            )
        _crossings(asker, second, wanted, where, every, output, json=json, quiet=quiet)
        return
    if other is not None or theirs:
        key = "--other" if other is not None else f"--set {mark}{next(iter(theirs))}"
        raise InputError("belongs to a comparison", key=key, allowed="with --where 'A <= other:B'")
    if (maximise is None) == (minimise is None):
        raise InputError(
            "what is to be best", key="--maximise", allowed="one of --maximise and --minimise, or --where"
        )
    _solve(asker, wanted, maximise, minimise, limit or [], every, seed, output, json=json, quiet=quiet)


def _solve(
    asker: Asker,
    wanted: dict[str, str],
    maximise: str | None,
    minimise: str | None,
    limits: list[str],
    every: int,
    seed: int,
    output: Path | None,
    *,
    json: bool,
    quiet: bool,
) -> None:
    from gigawatt.studies.solve.answer import as_answer, found_scenario
    from gigawatt.studies.solve.solve import Question, solve
    from gigawatt.studies.solve.space import check_limits, read_axis, read_limit

    objective = maximise or minimise or ""
    asker.quantity(objective, "--maximise" if maximise else "--minimise")
    bounds = tuple(read_limit(asker, text) for text in limits)
    check_limits(bounds)
    with progress(quiet=quiet or json) as report:
        axes = tuple(read_axis(asker, key, text) for key, text in wanted.items())
        question = Question(asker, axes, bounds, objective, maximise is not None, every, seed)
        answer = solve(question, report)
    document = as_answer(answer)
    _write(output, document, found_scenario(answer) if answer.found else None)
    if json:
        print_json(document)
    elif not quiet or not answer.found:
        _print_answer(answer, document)
    if not answer.found:
        raise InfeasibleError(
            "no point of the range keeps every limit",
            key="--find",
            given=", ".join(f"{key}={text}" for key, text in wanted.items()),
            allowed=_nearest_words(answer),
        )


def _nearest_words(answer: Answer) -> str:
    missed = [one for one in answer.kept if one.value is not None and one.room < 0.0]
    if not answer.values:
        return "no point could be computed: " + "; ".join(answer.reasons)
    at = ", ".join(f"{key} {words}" for key, words in answer.values.items())
    by = "; ".join(
        f"{one.limit.quantity} {one.limit.show(one.value or 0.0)}, {-one.room:.3g} of the limit beyond it"
        for one in missed
    )
    return f"the nearest of {answer.points:,} points, {at}: {by}"


def _print_answer(answer: Answer, document: dict[str, Any]) -> None:
    from rich.text import Text

    out = console()
    question = answer.question
    if answer.found:
        sense = "largest" if question.most else "least"
        value = f"{number(document['value'])} {document['unit'] if document['unit'] != '1' else ''}".strip()
        out.print(Text(f"The {sense} {question.objective}: {value} ({document['grade']})", style="bold"))
    else:
        out.print(Text("No point keeps every limit; the nearest one:", style="bold"))
    grid = table(("unknown", "left"), ("found", "left"), ("looked for among", "left"))
    for one in document["unknowns"]:
        end = ", at an end of its range" if one["at_end"] else ""
        among = f"{one['low']} … {one['high']} ({one['chosen']})"
        grid.add_row(one["key"], Text(answer.values.get(one["key"], "-") + end), Text(among, style="dim"))
    out.print(grid)
    if answer.kept:
        out.print()
        out.print(_limits(answer, document))
    out.print()
    sure = "exact" if answer.exact else "not proven to be the best"
    counted = ", ".join(f"{name} {times}" for name, times in answer.computed.items())
    said = f"searched: {answer.method}; {answer.points:,} points ({sure}); computed: {counted or 'none'}; "
    out.print(Text(f"{said}{answer.cpu_seconds:.1f} CPU s", style="dim"))
    for words, times in answer.reasons.items():
        out.print(Text(f"{times} points could not be computed: {words}", style="dim"))
    for notice in answer.notices:
        out.print(Text(f"! {notice}", style="yellow"))


def _limits(answer: Answer, document: dict[str, Any]) -> Any:
    from rich.text import Text

    grid = table(
        ("limit", "left"), ("value", "right"), ("room", "right"), ("", "left"),
        ("better points it stopped", "right"), ("with 10 % more of it", "left"),
    )  # fmt: skip
    unit = document["unit"] if document["unit"] != "1" else ""
    for one, row in zip(answer.kept, document["limits"], strict=True):
        value = "-" if one.value is None else one.limit.show(one.value)
        binds = ("missed" if one.room < -1e-6 else "binds") if one.binds else ""
        more = ""
        if answer.found:
            more = (
                f"{number(row['objective_if_wider'])} {unit} (+{one.gain:.1%}) at {one.there}"
                if one.gain > _TOLD
                else "nothing better"
            )
        grid.add_row(
            Text(one.limit.written), value, f"{one.room:.1%}", Text(binds, style="yellow"), str(one.stopped),
            Text(more, style="dim"),
        )  # fmt: skip
    return grid


def _crossings(
    asker: Asker,
    second: Asker | None,
    wanted: dict[str, str],
    where: str,
    every: int,
    output: Path | None,
    *,
    json: bool,
    quiet: bool,
) -> None:
    from gigawatt.studies.solve.answer import as_crossings
    from gigawatt.studies.solve.crossing import crossings, read_comparison
    from gigawatt.studies.solve.space import read_axis

    if len(wanted) != 1:
        raise InputError(
            "a crossing is sought over one unknown",
            key="--find",
            given=", ".join(wanted),
            allowed="one KEY=RANGE",
        )
    left, right = read_comparison(where, asker, second)
    ((key, text),) = wanted.items()
    with progress(quiet=quiet or json) as report:
        axis = read_axis(asker, key, text)
        if second is not None:
            read_axis(second, key, text)
        found = crossings(axis, left, right, every=every, progress=report)
    document = as_crossings(found)
    _write(output, document, None)
    if json:
        print_json(document)
    elif not quiet:
        _print_crossings(found, document)


def _print_crossings(found: Crossings, document: dict[str, Any]) -> None:
    from rich.text import Text

    out = console()
    key, unit = found.axis.key, document["unit"] if document["unit"] != "1" else ""
    if found.first is None:
        head = f"{document['where']} holds nowhere"
        if found.nearest is not None:
            head += f"; nearest at {key} {found.nearest[0]}, missed by {found.nearest[1]:.1%}"
    else:
        head = f"{document['where']} holds first at {key} {found.first}"
    out.print(Text(head, style="bold"))
    for one in document["crossings"]:
        verb = "begins" if one["holds_after"] else "ceases"
        out.print(f"{verb} between {one['before']} and {one['after']}", markup=False)
    grid = table((key, "right"), (f"left {unit}", "right"), (f"right {unit}", "right"), ("", "left"))
    rows = document["rows"]
    step = max(1, len(rows) // 25)
    for row in rows[::step]:
        cells = ["-" if row[side] is None else number(row[side]) for side in ("left", "right")]
        grid.add_row(row["value"], *cells, "holds" if row["holds"] else "")
    out.print(grid)
    course = "the difference is monotone at these" if found.monotone else "the difference is not monotone"
    out.print(Text(f"searched: {found.method}; {course}; {found.cpu_seconds:.1f} CPU s", style="dim"))
    for words in found.reasons[:5]:
        out.print(Text(f"could not be computed at {words}", style="dim"))


def _write(output: Path | None, document: dict[str, Any], scenario: str | None) -> None:
    if output is None:
        return
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files

    files = study_files("solve", document, typed())
    if scenario is not None:
        files["found.yaml"] = scenario
    write_files(output, files)

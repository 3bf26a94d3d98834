"""``gigawatt validate``: the door to every scorecard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.core.errors import InputError, nearest
from gigawatt.faces.terminal.console import console, print_json, progress
from gigawatt.studies.validate.cells import cell

__all__ = ["validate_command"]

_TABLES = "Which scorecard: training, kernels, memory, power, collectives, serving, supply, technologies."


def validate_command(
    table: Annotated[str, typer.Argument(help=_TABLES, show_default=False)],
    rows: Annotated[Path | None, typer.Option(help="Another file (or folder) of the same shape.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Predictions beside measurements: error by group, beside a naive baseline."""
    if table in _SCORECARDS:
        _SCORECARDS[table](rows, as_json=json, quiet=quiet)
        return
    known = ("training", *_SCORECARDS)
    if table not in known:
        raise InputError(
            "no such table of measured rows", given=table, allowed=known, nearest=nearest(table, known)
        )
    from gigawatt.validation import validate

    with progress(quiet=quiet or json) as report:
        card = validate(
            table, rows, progress=lambda done, all_: report("Predicting rows", done / max(all_, 1))
        )
    answer = card.to_json()
    _not_empty(rows, answer["rows"])
    if json:
        print_json(answer)
        return
    out = console()
    columns, lines = card.to_table()
    _print(columns, lines)
    out.print(
        f"{answer['rows']:,} rows: {answer['predicted']:,} predicted, {answer['refused']:,} refused; "
        f"{answer['parameters_fitted']} parameters fitted; errors are (predicted - measured) / measured.",
        markup=False,
    )
    for reason, count in answer.get("refused_reasons", {}).items():
        out.print(f"refused {count:>4}: {reason}", markup=False)


def _not_empty(rows: Path | None, count: int) -> None:
    """A table that was given holds something to predict."""
    if rows is not None and not count:
        raise InputError("no measured rows here", key="--rows", given=str(rows), allowed="one row or more")


def _kernels(folder: Path | None, *, as_json: bool, quiet: bool) -> None:
    """The scorecard of kernels: shapes not fitted, and devices left out of every fit."""
    from gigawatt.validation.kernels import validate_kernels

    with progress(quiet=quiet or as_json) as report:
        try:
            card = validate_kernels(
                folder, progress=lambda done, all_: report("Predicting kernels", done / max(all_, 1))
            )
        except InputError as error:
            if error.key == "rows":
                error.key = "--rows"
            raise
    if as_json:
        print_json(card.to_json())
        return
    _print(*card.to_table())
    out = console()
    out.print(
        f"{card.rows:,} measured rows of shapes that no fit saw. Median and p90 of |predicted - measured| / "
        "measured: of the row as its framework timed it, and of the kernel as predictions use it (the "
        "middle of the frameworks).",
        markup=False,
    )
    columns, lines = card.left_out_table()
    if lines:
        out.print(
            "\nDevices left out: predicted by fits of other devices (all shapes that judge)", markup=False
        )
        _print(columns, lines)


def _memory(file: Path | None, *, as_json: bool, quiet: bool) -> None:
    """The scorecard of peak memory: sources that a fit used, and those that judge."""
    from gigawatt.validation.memory import validate_memory

    with progress(quiet=quiet or as_json) as report:
        report("Counting memory", 0.0)
        card = validate_memory(file)
    answer = card.to_json()
    _not_empty(file, answer["rows"])
    if as_json:
        print_json(answer)
        return
    if card.judged:
        _print(*card.to_table())
    console().print(
        f"{answer['rows']:,} rows that report memory: {answer['predicted']:,} predicted, "
        f"{answer['refused']:,} refused; errors are (predicted - measured) / measured.",
        markup=False,
    )


def _power(file: Path | None, *, as_json: bool, quiet: bool) -> None:
    """The scorecard of power caps, of the power of training steps and of serving."""
    from gigawatt.validation.power import errors, kept_shares, power_scorecard
    from gigawatt.validation.serving_power import serving_power_scorecard
    from gigawatt.validation.serving_power_rows import is_serving_power_table

    with progress(quiet=quiet or as_json) as report:
        report("Settling clocks", 0.0)
        if file is not None and is_serving_power_table(file):
            rows, shares = serving_power_scorecard(file), ()
        else:
            rows, shares = power_scorecard(file), kept_shares(file)
            rows += serving_power_scorecard() if file is None else ()
    _not_empty(file, len(rows))
    groups = [
        (what, use, sum((row.what, row.use) == (what, use) for row in rows), errors(rows, what=what, use=use))
        for what, use in sorted({(row.what, row.use) for row in rows})
    ]
    if as_json:
        print_json(
            {
                "table": "power",
                "rows": len(rows),
                "groups": [{"what": w, "use": u, "n": n, **asdict(e)} for w, u, n, e in groups],
                "predictions": [asdict(row) for row in rows],
                "kept_shares": [
                    {key: None if value != value else value for key, value in asdict(one).items()}
                    for one in shares
                ],
            }
        )
        return
    _print(
        ("what", "use", "n", "median_ape", "p90_ape", "bias"),
        [(w, u, n, e.median_ape, e.p90_ape, e.bias) for w, u, n, e in groups],
    )
    if shares:
        console().print(
            "\nShare of a benchmarked rate that power leaves, beside what others say", markup=False
        )
        names = ("chip", "format", "by_power", "in_a_step", "measured", "fitted")
        _print(
            names,
            [
                (one.chip, one.number_format, one.benchmark, one.step, one.measured, one.fitted)
                for one in shares
            ],
        )
    console().print(
        "time and energy: of work under a cap over that at its limit; rate: of one silicon at two limits; "
        "watts: of a training step. Rows of use work set the workload's two shares and judge nothing. "
        "serving: at the rate that was measured, or at the one that is predicted as well.",
        markup=False,
    )


def _collectives(folder: Path | None, *, as_json: bool, quiet: bool) -> None:
    """The scorecard of collectives: between nodes as others published, inside a domain with --rows."""
    from gigawatt.validation.collectives import scorecard

    if folder is not None and not folder.is_dir():
        raise InputError(
            "no such folder of measured collectives", key="--rows", given=str(folder),
            allowed="a folder with nccl__DEVICE.parquet",
        )  # fmt: skip
    with progress(quiet=quiet or as_json) as report:
        report("Timing collectives", 0.0)
        scores = scorecard(folder)
    if as_json:
        print_json({"table": "collectives", "groups": [asdict(one) for one in scores]})
        return
    _print(
        ("part", "use", "n", "median", "p90", "bias"),
        [
            (one.part, "fitted" if one.fitted else "judges", one.rows, one.median, one.p90, one.bias)
            for one in scores
        ],
    )
    console().print("errors are (predicted - measured) / measured times.", markup=False)


def _serving(file: Path | None, *, as_json: bool, quiet: bool) -> None:
    """The scorecard of serving: time to first token, time a token, throughput."""
    from gigawatt.validation.serving import validate_serving

    with progress(quiet=quiet or as_json) as report:
        card = validate_serving(
            file, progress=lambda done, all_: report("Predicting serving runs", done / max(all_, 1))
        )
    answer = card.to_json()
    _not_empty(file, answer["rows"])
    if as_json:
        print_json(answer)
        return
    _print(*card.to_table())
    out = console()
    out.print(
        f"{answer['rows']:,} rows: {answer['predicted']:,} predicted, {answer['refused']:,} refused; "
        f"{answer['parameters_fitted']} parameters fitted; errors are (predicted - measured) / measured. "
        "Rows of use judge were seen by no fit.",
        markup=False,
    )
    for reason, count in answer["reasons"].items():
        out.print(f"refused {count:>4}: {reason}", markup=False)


def _supply(file: Path | None, *, as_json: bool, quiet: bool) -> None:
    """The scorecard of supply and building: published numbers beside ours."""
    from gigawatt.validation.supply import validate_supply

    _published("supply", validate_supply, file, as_json=as_json, quiet=quiet)


def _technologies(file: Path | None, *, as_json: bool, quiet: bool) -> None:
    """The scorecard of compute technologies: published numbers beside ours."""
    from gigawatt.validation.technologies import validate_technologies

    _published("technologies", validate_technologies, file, as_json=as_json, quiet=quiet)


def _outlook(file: Path | None, *, as_json: bool, quiet: bool) -> None:
    """The scorecard of the outlook: hindcasts and published numbers beside ours."""
    from gigawatt.validation.outlook import validate_outlook

    _published("outlook", validate_outlook, file, as_json=as_json, quiet=quiet)


def _published(
    name: str, validate: Callable[..., Any], file: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """A scorecard whose rows are published numbers, part by part."""
    if file is not None:
        raise InputError(
            "this scorecard takes no rows", key="--rows", given=str(file),
            allowed=f"`gigawatt validate {name}` alone: its rows are the catalog's and published documents'",
        )  # fmt: skip
    with progress(quiet=quiet or as_json) as report:
        card = validate(progress=lambda done, all_: report("Checking", done / max(all_, 1)))
    if as_json:
        print_json(card.to_json())
        return
    _print(*card.to_table())
    console().print()
    names = ("part", "n", "passed", "judging", "judging_passed")
    _print(names, [tuple(group[name] for name in names) for group in card.groups()])
    console().print(
        f"{card.passed:,} of {len(card.checks):,} within their tolerance. Judging: those that our "
        "number was not made from. Errors are (ours - published) / published.",
        markup=False,
    )


_SCORECARDS = {
    "kernels": _kernels,
    "memory": _memory,
    "power": _power,
    "collectives": _collectives,
    "serving": _serving,
    "supply": _supply,
    "technologies": _technologies,
    "outlook": _outlook,
}


def _print(columns: Sequence[str], lines: Iterable[Sequence[str | int | float | None]]) -> None:
    from rich.table import Table

    shown = Table(*[name.replace("_", " ") for name in columns], box=None)
    for line in lines:
        shown.add_row(*[cell(name, value) for name, value in zip(columns, line, strict=True)])
    console().print(shown)

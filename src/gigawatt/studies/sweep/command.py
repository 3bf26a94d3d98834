"""``gigawatt sweep``: many scenarios into one store, and ``gigawatt sweep show``: what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.faces.terminal.typed import typed

if TYPE_CHECKING:
    from gigawatt.studies.sweep.show import Overview
    from gigawatt.studies.sweep.store import SweepStore
    from gigawatt.studies.sweep.sweep import Swept

__all__ = ["sweep_app"]

RUN = "Example: gigawatt sweep examples/sweep-texas.yaml --workers 2 --output results/texas"
SHOW = "Example: gigawatt sweep show results/texas --x machine.count --y training.tokens"
_ROWS = 40
"""Rows of an answer that are printed."""


class _RunUnlessNamed(TyperGroup):
    """A group whose first word is a file unless it is a command: ``sweep FILE`` is ``sweep run FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``run`` first where no command stands there and no help is asked for."""
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of the first word, or ``run`` with all of them."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["run", *args])


sweep_app = typer.Typer(
    cls=_RunUnlessNamed,
    help="Many scenarios into one store: `gigawatt sweep STUDY` computes, `gigawatt sweep show STORE` looks.",
    epilog=RUN,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@sweep_app.command("run", epilog=RUN)
def run_command(
    study: Annotated[
        Path, typer.Argument(help="A study in YAML: base, over, zip, sample, read.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder of the store; default results/<name of the study file>.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that compute.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler, such as tcp://localhost:8786.", show_default=False),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="The store has to be there: go on with it.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Compute every scenario of a study that its store does not know yet.

    What was computed is kept and never computed again, whenever this ends.
    """
    from gigawatt.studies.sweep.sweep import sweep

    folder = output if output is not None else Path("results") / study.stem
    with progress(quiet=quiet or json) as report:
        try:
            done = sweep(study, folder, workers=workers, scheduler=scheduler, resume=resume, progress=report)
        except InputError as error:
            if error.key is None and error.given == str(folder):
                error.key = "--output"
            raise
    if json:
        print_json(done.to_json())
    elif not quiet:
        _print_swept(done)
    if done.faults:
        raise InputError(
            f"{len(done.faults)} scenarios failed for a fault of the program and are kept nowhere",
            given=done.faults[0],
        )


def _print_swept(done: Swept) -> None:
    words = f"{done.points:,} scenarios: {done.computed:,} computed now, {done.known:,} known before"
    if done.refused:
        words += f"; {done.refused:,} of them have no answer"
    out = console()
    out.print(f"{words}; {done.seconds:,.1f} s", markup=False)
    out.print(f"Store: {done.store}; look at it with `gigawatt sweep show {done.store}`", markup=False)


@sweep_app.command("show", epilog=SHOW)
def show_command(
    store: Annotated[Path, typer.Argument(help="A folder that `gigawatt sweep` wrote.", show_default=False)],
    sql: Annotated[
        str | None, typer.Option(help="A query; tables sweep (units as shown) and si.", show_default=False)
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the rows as CSV.", show_default=False)] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for sweep.html, sweep.md and their data.", show_default=False)
    ] = None,
    x: Annotated[
        str | None, typer.Option(help="Column of the figure's horizontal axis.", show_default=False)
    ] = None,
    y: Annotated[str | None, typer.Option(help="Column of its vertical axis.", show_default=False)] = None,
    by: Annotated[str | None, typer.Option(help="Column of its colours.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
) -> None:
    """Show what a store holds: its columns, the answer to a query, a figure, a CSV file."""
    from gigawatt.studies.sweep.show import ask, overview, write_csv
    from gigawatt.studies.sweep.store import SweepStore

    if (x is None) != (y is None):
        raise InputError("a figure has both axes or neither", key="--x" if x is None else "--y",
                         allowed="--x and --y")  # fmt: skip
    opened = SweepStore(store)
    about = overview(opened)
    if csv is not None:
        write_csv(opened, sql or "SELECT * FROM sweep", csv)
    if output is not None:
        _write(opened, about, output, x, y, by)
    if sql is not None:
        frame = ask(opened, sql)
        if json:
            import json as coder

            print_json(coder.loads(str(frame.to_json(orient="records", double_precision=15))))
        elif not quiet:
            _print_frame(frame)
    elif json:
        print_json(about.to_json())
    elif not quiet:
        _print_overview(about)
    if not quiet and not json:
        for path in (csv, None if output is None else output / "sweep.html"):
            if path is not None:
                console().print(f"Written: {path}", markup=False)


def _write(
    store: SweepStore, about: Overview, folder: Path, x: str | None, y: str | None, by: str | None
) -> None:
    import json as coder

    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files
    from gigawatt.studies.sweep.report import report_data

    answer = report_data(store, about, x=x, y=y, by=by)
    files = {
        **study_files("sweep", answer, typed()),
        "overview.json": coder.dumps(about.to_json(), indent=1) + "\n",
    }
    try:
        write_files(folder, files)
    except InputError as error:
        raise error.at(key="--output") from None


def _print_overview(about: Overview) -> None:
    from rich.text import Text

    from gigawatt.studies.sweep.figures import cell

    out = console()
    out.print(Text(" · ".join(about.studies) or "An empty store", style="bold"))
    out.print(
        f"{about.rows:,} scenarios, {about.refused:,} without an answer; {about.seconds:,.0f} s of computing"
    )
    for axis, title in ((True, "varied"), (False, "read")):
        grid = table((title, "left"), ("unit", "left"), ("values", "right"), ("least", "right"),
                     ("middle", "right"), ("most", "right"))  # fmt: skip
        for one in about.columns:
            if one.axis == axis:
                grid.add_row(one.name, one.unit if one.unit != "1" else "", f"{one.values:,}", cell(one.low),
                             cell(one.middle), cell(one.high))  # fmt: skip
        out.print()
        out.print(grid)
    for reason, count in about.reasons:
        out.print(Text(f"{count:,} ×: {reason}", style="dim"))


def _print_frame(frame: Any) -> None:
    grid = table(
        *((str(name), "right" if frame[name].dtype.kind in "fiu" else "left") for name in frame.columns)
    )
    for row in frame.head(_ROWS).itertuples(index=False):
        grid.add_row(*(number(v) if isinstance(v, float) else str(v) for v in row))
    console().print(grid)
    if len(frame) > _ROWS:
        console().print(f"{len(frame) - _ROWS:,} more rows: --csv FILE writes all", markup=False)

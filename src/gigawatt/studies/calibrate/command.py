"""``gigawatt calibrate``: measure this machine and make it a chip of the user catalog."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gigawatt.calibration.calibrate import Calibration, Session

__all__ = ["EXAMPLE", "calibrate"]

EXAMPLE = "Example: gigawatt calibrate --seconds 60 --name MY-H100 --like H100-SXM5-80GB"


def calibrate(
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:0 …")] = "auto",
    seconds: Annotated[float, typer.Option(help="Time to measure.")] = 60.0,
    formats: Annotated[str, typer.Option(help="Number formats; others are left out.")] = "bf16,fp16,fp32,fp8",
    name: Annotated[str, typer.Option(help="Name of the new chip; default by the device.")] = "",
    like: Annotated[str, typer.Option(help="Chip that lends price, power limit, die area …")] = "",
    output: Annotated[Path | None, typer.Option(help="Measured table, .csv or .parquet.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="Folder of the user catalog.")] = None,
    backend: Annotated[str, typer.Option(help="torch, or numpy (CPU).")] = "torch",
    processes: Annotated[int, typer.Option(min=1, help="On a CPU: processes of collectives.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, measure nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """Measure this machine through torch and write it into the user catalog as a chip."""
    from gigawatt.calibration.calibrate import Session, make_backend
    from gigawatt.core.errors import InputError
    from gigawatt.faces.terminal.console import progress

    if output is not None and output.suffix not in (".csv", ".parquet"):
        raise InputError(
            "unknown kind of table", key="--output", given=str(output), allowed="a name in .csv or .parquet"
        )
    session = Session(
        make_backend(backend, device),
        seconds=seconds,
        formats=[form.strip() for form in formats.split(",") if form.strip()],
        name=name,
        like=like,
        folder=_folder(catalog),
        table=output,
        processes=processes,
    )
    if dry_run:
        _show_plan(session, as_json=json)
        return
    try:
        with progress(quiet=json) as report:
            done = session.run(report)
    except KeyboardInterrupt:
        if session.measured.rows:
            typer.echo(f"{len(session.measured.rows)} rows so far, marked partial: {session.table}", err=True)
        raise
    if json:
        from gigawatt.faces.terminal.console import print_json

        print_json(_as_json(done))
    else:
        _show(done)


def _folder(named: Path | None) -> Path:
    """The user catalog to write into: the option, the environment, the user's data folder."""
    import os

    from gigawatt.catalog.loader import USER_CATALOG, user_folder
    from gigawatt.core.errors import InputError

    if named is not None:
        return named
    from_environment = os.environ.get(USER_CATALOG, "").strip()
    if from_environment:
        return Path(from_environment).expanduser()
    folder = user_folder()
    if folder is None:
        raise InputError(
            f"{USER_CATALOG} says that there is no user catalog", key="--catalog", allowed="a folder"
        )
    return folder


def _show_plan(session: Session, *, as_json: bool) -> None:
    from collections import Counter

    from gigawatt.faces.terminal.console import console, number, print_json

    rates, plan = session.look()
    device = session.backend.device
    counts = Counter((job.operation, job.number_format) for job in plan)
    expected = sum(rates.seconds(job) for job in plan)
    if as_json:
        print_json(
            {
                "name": session.name,
                "device": device.name,
                "backend": f"{device.framework} {device.version}",
                "rates": dict(rates.flops),
                "memory_bandwidth": rates.bandwidth,
                "shapes": [
                    {"operation": job.operation, "format": job.number_format, "shape": job.describe}
                    for job in plan
                ],
                "notices": session.measured.notices,
                "table": str(session.table),
                "catalog": str(session.folder),
            }
        )
        return
    out = console()
    out.print(f"{session.name}: {device.name}, {device.framework} {device.version}", markup=False)
    for form, rate in rates.flops.items():
        out.print(f"  {form:<5} {number(rate / 1e12)} TFLOP/s at a first look")
    out.print(f"  copy  {number(rates.bandwidth / 1e9)} GB/s")
    for (operation, form), count in counts.items():
        out.print(f"  {count:>4} shapes of {operation.replace('_', ' ')}, {form}")
    out.print(
        f"one run of each takes {number(expected)} s; the budget is {session.seconds:g} s", markup=False
    )
    for notice in session.measured.notices:
        out.print(notice, markup=False)
    out.print(f"would write {session.table} and rows of {session.folder}", markup=False)


def _as_json(done: Calibration) -> dict[str, object]:
    import dataclasses

    return {
        "name": done.name,
        "device": dataclasses.asdict(done.measured.device),
        "rows": len(done.measured.rows),
        "partial": done.measured.partial,
        "table": str(done.table),
        "catalog": str(done.folder),
        "files": [str(file) for file in done.files],
        "numbers": {
            number.quantity: {"value": number.value, "unit": number.unit, "grade": number.grade.label}
            for number in done.numbers
        },
        "scores": [dataclasses.asdict(score) for score in done.scores],
        "same_as": done.same,
        "measured_over_catalog": {name: ratio for name, ratio in done.ratios.items() if math.isfinite(ratio)},
        "notices": done.measured.notices,
    }


def _show(done: Calibration) -> None:
    from rich.table import Table

    from gigawatt.faces.terminal.console import console, number

    out, device = console(), done.measured.device
    out.print(f"[bold]{done.name}[/bold]: {len(done.measured.rows)} shapes on {device.name}, "
              f"{device.framework} {device.version}")  # fmt: skip
    shown = Table("quantity", "value", "grade", "note", box=None)
    for entry in done.numbers:
        shown.add_row(entry.quantity, f"{number(entry.value)} {entry.unit}", entry.grade.label, entry.note)
    out.print(shown)
    scores = Table("kind", "format", "shapes", "", "median", "p90", "bias", box=None)
    for score in done.scores:
        scores.add_row(
            score.kind, score.number_format, str(score.shapes), "not fitted" if score.judged else "fitted",
            f"{score.median:.1%}", f"{score.p90:.1%}", f"{score.bias:+.1%}",
        )  # fmt: skip
    out.print("Errors of predicted times, (predicted - measured) / measured:")
    out.print(scores)
    for kind, ratio in done.ratios.items():
        out.print(f"{kind}: {ratio:.2f} × the time that the catalog predicts for {done.same}", markup=False)
    for notice in done.measured.notices:
        out.print(notice, markup=False)
    out.print(f"measured rows: {done.table}", markup=False)
    out.print(f"user catalog:  {done.folder}", markup=False)
    size = "gpt2 --count 1" if device.kind == "CPU" else "llama-3.1-8b --count 8"
    out.print(f"next: gigawatt plan-training --chip {done.name} --model {size}", markup=False)

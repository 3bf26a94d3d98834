"""This machine, measured: what the command and Python both call."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError
from gigawatt.studies.calibrate import STUDY

if TYPE_CHECKING:
    from gigawatt.calibration.calibrate import Calibration, Session

__all__ = ["answered", "calibrate", "session_of"]

Progress = Callable[[str, float], None]
FORMATS = ("bf16", "fp16", "fp32", "fp8")


def calibrate(
    device: str = "auto",
    seconds: float = 60.0,
    formats: str | Sequence[str] = FORMATS,
    name: str = "",
    like: str = "",
    *,
    table: str | Path | None = None,
    catalog: str | Path | None = None,
    backend: str = "torch",
    processes: int = 1,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Measure this machine and write it into the user catalog as a chip, as ``gigawatt calibrate`` does.

    The user catalog is that of this process from then on.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:0`` …
    seconds : float
        Budget, ≥ 2.
    formats : sequence of str
        Number formats; others are left out.
    name, like : str
        Of the new chip (by the device where left out); of the chip that lends price, power limit, die …
    table : path, optional
        Measured rows, ``.csv`` or ``.parquet``; ``measured/NAME.csv`` in the catalog where left out.
    catalog : path, optional
        Folder of the user catalog; ``$GIGAWATT_CATALOG`` or the user's data folder where left out.
    backend : str
        ``torch``, or ``numpy`` on a CPU.
    processes : int
        On a CPU: processes of collectives.
    dry_run : bool
        Whether to answer the plan alone: nothing is measured or written.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys as of ``gigawatt calibrate --json``; ``found`` is the calibration, of a plan the session.

    Raises
    ------
    GigawattError
        No such device, format, chip or folder; a name that the catalog has; torch that is not installed.
    """
    session = session_of(
        device=device, seconds=seconds, formats=formats, name=name, like=like, table=table, catalog=catalog,
        backend=backend, processes=processes,
    )  # fmt: skip
    return answered(session, dry_run=dry_run, progress=progress)


def session_of(
    *,
    device: str,
    seconds: float,
    formats: str | Sequence[str],
    name: str,
    like: str,
    table: str | Path | None,
    catalog: str | Path | None,
    backend: str,
    processes: int,
) -> Session:
    """What is to be measured, checked; arguments and errors as of :func:`calibrate`."""
    from gigawatt.calibration.calibrate import Session, make_backend

    rows = None if table is None else Path(table)
    if rows is not None and rows.suffix not in (".csv", ".parquet"):
        raise InputError(
            "unknown kind of table", key="--table", given=str(table), allowed="a name in .csv or .parquet"
        )
    several = formats.split(",") if isinstance(formats, str) else formats
    return Session(
        make_backend(backend, device),
        seconds=seconds,
        formats=[form.strip() for form in several if form.strip()],
        name=name,
        like=like,
        folder=_folder(catalog),
        table=rows,
        processes=processes,
    )


def answered(session: Session, *, dry_run: bool = False, progress: Progress | None = None) -> Answer:
    """What a session measured; with ``dry_run`` what it would."""
    if dry_run:
        return Answer(STUDY, _plan(session), session)
    done = session.run(progress or (lambda text, share: None))
    return Answer(STUDY, _measured(done), done)


def _folder(named: str | Path | None) -> Path:
    """The user catalog to write into: the option, the environment, the user's data folder."""
    import os

    from gigawatt.catalog.loader import USER_CATALOG, user_folder

    if named is not None:
        return Path(named)
    from_environment = os.environ.get(USER_CATALOG, "").strip()
    if from_environment:
        return Path(from_environment).expanduser()
    folder = user_folder()
    if folder is None:
        raise InputError(
            f"{USER_CATALOG} says that there is no user catalog", key="--catalog", allowed="a folder"
        )
    return folder


def _plan(session: Session) -> dict[str, Any]:
    rates, plan = session.look()
    device = session.backend.device
    return {
        "name": session.name,
        "device": device.name,
        "backend": f"{device.framework} {device.version}",
        "rates": dict(rates.flops),
        "memory_bandwidth": rates.bandwidth,
        "shapes": [
            {"operation": job.operation, "format": job.number_format, "shape": job.describe} for job in plan
        ],
        "one_run_s": sum(rates.seconds(job) for job in plan),
        "budget_s": session.seconds,
        "notices": session.measured.notices,
        "table": str(session.table),
        "catalog": str(session.folder),
    }


def _measured(done: Calibration) -> dict[str, Any]:
    return {
        "name": done.name,
        "device": dataclasses.asdict(done.measured.device),
        "rows": len(done.measured.rows),
        "partial": done.measured.partial,
        "table": str(done.table),
        "catalog": str(done.folder),
        "files": [str(file) for file in done.files],
        "numbers": {
            number.quantity: {
                "value": number.value, "unit": number.unit, "grade": number.grade.label, "note": number.note,
            }
            for number in done.numbers
        },
        "scores": [dataclasses.asdict(score) for score in done.scores],
        "same_as": done.same,
        "measured_over_catalog": {name: ratio for name, ratio in done.ratios.items() if math.isfinite(ratio)},
        "notices": done.measured.notices,
    }  # fmt: skip

"""Many scenarios into one store, and what it holds: what the commands and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.sweep import STUDY

__all__ = ["sweep", "sweep_report", "sweep_show"]

Progress = Callable[[str, float], None]


def sweep(
    study: str | Path,
    store: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    look: bool = True,
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Compute every scenario of a study that its store lacks, as ``gigawatt sweep`` does.

    Parameters
    ----------
    study : path
        A study in YAML (docs/sweep.md).
    store : path
        Folder of the store.
    workers : int
        Processes that compute, ≥ 1.
    scheduler : str, optional
        Address of a Dask scheduler.
    resume : bool
        Whether the store has to be there.
    look : bool
        Whether to read what the store then holds: ``overview``, ``units``, table and figure.
    settings : mapping, optional
        Other values of some fields of the base, as ``--set`` takes them.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        What was done; table ``sweep`` (a row a scenario, units as shown: ``answer["units"]``); figure
        ``sweep`` with ``x=, y=, by=`` columns, without them parallel coordinates.
    """
    from gigawatt.studies.sweep.document import swept_document
    from gigawatt.studies.sweep.figures import figure_of
    from gigawatt.studies.sweep.show import ask, drawn_rows, overview
    from gigawatt.studies.sweep.store import SweepStore
    from gigawatt.studies.sweep.study import read_study
    from gigawatt.studies.sweep.sweep import sweep as swept

    done = swept(
        read_study(study, settings),
        Path(store),
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        progress=progress,
    )
    if not look:
        return Answer(STUDY, done.to_json(), done, say=swept_document)
    opened = SweepStore(store)
    units = {name: unit for name, (unit, _) in opened.units().items()}
    about = overview(opened)
    axes = [column.name for column in about.columns if column.axis]
    read = [column.name for column in about.columns if not column.axis and isinstance(column.low, float)]

    def draw(x: str | None = None, y: str | None = None, by: str | None = None) -> Any:
        hue = by or (read[0] if read else axes[0])
        wanted = [x, y, hue] if x is not None and y is not None else [*axes, *read, hue]
        frame = drawn_rows(opened, list(dict.fromkeys(name for name in wanted if name)))
        return figure_of(frame, units, axes=axes, by=hue, x=x, y=y)

    data = {**done.to_json(), "overview": about.to_json(), "units": units}
    rows = partial(ask, opened, "SELECT * FROM sweep ORDER BY key")
    return Answer(STUDY, data, done, {"sweep": draw}, {"sweep": rows}, say=swept_document)


def sweep_show(store: str | Path, sql: str | None = None) -> Answer:
    """What a store holds, as ``gigawatt sweep show`` prints it.

    Parameters
    ----------
    store : path
        A folder that a sweep wrote.
    sql : str, optional
        A query; tables ``sweep`` (units as shown) and ``si``.

    Returns
    -------
    Answer
        The columns with their ranges, or the rows of the query.

    Raises
    ------
    InputError
        No store; a query without an answer.
    """
    import json

    from gigawatt.studies.sweep.document import overview_document, rows_of_query
    from gigawatt.studies.sweep.show import ask, overview
    from gigawatt.studies.sweep.store import SweepStore

    opened = SweepStore(Path(store))
    if sql is None:
        about = overview(opened)
        return Answer(STUDY, about.to_json(), about, say=overview_document)
    frame = ask(opened, sql)
    rows = json.loads(str(frame.to_json(orient="records", double_precision=15)))
    return Answer(STUDY, {"rows": rows}, frame, listed=True, say=partial(rows_of_query, frame))


def sweep_report(
    store: str | Path, *, x: str | None = None, y: str | None = None, by: str | None = None
) -> Answer:
    """The report of a store: what moves its columns, and a figure of them.

    Parameters
    ----------
    store : path
        A folder that a sweep wrote.
    x, y, by : str, optional
        Columns of the figure's axes and of its colours.

    Returns
    -------
    Answer
        Keys in docs/sweep.md.

    Raises
    ------
    InputError
        No store; a column that it lacks; one axis without the other.
    """
    import json

    from gigawatt.studies.sweep.report import report_data
    from gigawatt.studies.sweep.show import overview
    from gigawatt.studies.sweep.store import SweepStore

    opened = SweepStore(Path(store))
    about = overview(opened)
    data = report_data(opened, about, x=x, y=y, by=by)
    texts = {"overview.json": lambda: json.dumps(about.to_json(), indent=1) + "\n"}
    return Answer(STUDY, data, about, texts=texts)

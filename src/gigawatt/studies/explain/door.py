"""Where a number comes from: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.studies.explain import STUDY

if TYPE_CHECKING:
    from gigawatt.chain.study import Study

__all__ = ["explain"]

Progress = Callable[[str, float], None]
_SCENARIOS = (".yaml", ".yml")


def explain(
    result: Result | Study | str | Path,
    name: str | None = None,
    depth: int = 2,
    *,
    layout: str | None = None,
    spread: bool = False,
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Where a number of a result comes from, as ``gigawatt explain`` says.

    Parameters
    ----------
    result : Result, Study or path
        A result, a folder that ``gigawatt run`` wrote, a scenario (a file, or loaded), which is run.
    name : str, optional
        A quantity; without it all are listed.
    depth : int
        Levels to walk down, ≥ 0.
    layout : str, optional
        Of ``layouts.search`` and ``serving.plan``: why not this layout, such as ``"tensor=8,pipeline=16"``.
    spread : bool
        Whether to list the rows that the quantity's band comes from.
    settings : mapping, optional
        Of a scenario: other values of some fields, as ``--set`` takes them.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        What the command prints with ``--json``. Of a walk, table ``walk``: ``quantity`` (indented by its
        depth), ``value``, ``unit``, ``grade``, ``from``: the formula of what is computed, the line of the
        scenario, or the row of the catalog and its source; ``code``: file and line of a function. ``found``
        is the result.

    Raises
    ------
    InputError
        No such quantity, with the nearest; no search of layouts; settings of a result that is stored.
    """
    from gigawatt.studies.explain.searches import SEARCHES, notices, search_data, spread_data, verdict_data
    from gigawatt.studies.explain.walk import names_data, walk_data, walk_rows

    report = progress or (lambda text, share: None)
    found = _result(result, settings or {}, report)
    if layout is not None:
        return Answer(STUDY, verdict_data(found, name, layout), found)
    if spread:
        return Answer(STUDY, spread_data(found, name, report), found)
    if name is None:
        return Answer(STUDY, names_data(found), found, listed=True)
    data = walk_data(found, name, depth)
    if name in SEARCHES:
        data["rows"][0]["search"] = search_data(found, name)
        data["notices"] = notices(found)

    def walk() -> list[dict[str, object]]:
        return list(walk_rows(found, name, depth))

    return Answer(STUDY, data, found, larger={"walk": walk}, files={"walk": walk}, listed=True)


def _result(
    source: Result | Study | str | Path, settings: Mapping[str, object], progress: Progress
) -> Result:
    """A result as it is, that of a folder, or that of a scenario."""
    from gigawatt.chain.study import Study

    if isinstance(source, str | Path) and Path(source).suffix in _SCENARIOS and Path(source).is_file():
        source = Study.read(source)
    if isinstance(source, Study):
        return source.changed(settings).run(progress)
    if settings:
        raise InputError(
            "a stored result has its values", key="settings", given=", ".join(settings),
            allowed="with a scenario file, which is run",
        )  # fmt: skip
    if isinstance(source, Result):
        return source
    from gigawatt.core.store import load_result

    return load_result(source)

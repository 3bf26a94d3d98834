"""Inverse questions and crossings: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.studies.solve import STUDY

if TYPE_CHECKING:
    from gigawatt.chain.asking import Asker

__all__ = ["refusal", "solve"]

Progress = Callable[[str, float], None]
_OTHER = "other:"
"""Before a key: of the second scenario."""


def solve(
    base: str | Path,
    find: Mapping[str, str],
    *,
    maximise: str | None = None,
    minimise: str | None = None,
    limits: Sequence[str] = (),
    where: str | None = None,
    other: str | Path | None = None,
    settings: Mapping[str, str] | None = None,
    every: int = 400,
    seed: int = 0,
    progress: Progress | None = None,
) -> Answer:
    """Values of some keys for which a quantity is best, or where one passes another, as ``gigawatt solve``.

    Parameters
    ----------
    base : path
        A scenario.
    find : mapping
        Key → range, such as ``{"machine.count": "1024..8192 times 2"}``.
    maximise, minimise : str, optional
        The quantity that is to be largest or least: one of the two, or ``where``.
    limits : sequence of str
        ``"QUANTITY <= VALUE unit"``.
    where : str, optional
        ``"A <= B"``, over one key; ``other:QUANTITY`` is of the second scenario.
    other : path, optional
        The second scenario; else the first with ``settings`` of ``other:KEY``.
    settings : mapping, optional
        Key → value at every point.
    every : int
        Points up to which all are computed.
    seed : int
        Of a search by evolution.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys in docs/solve.md. Where no point keeps every limit, ``answer["found"]`` is false, the answer is
        the nearest point, and :func:`refusal` says why.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A key, range, limit or comparison that cannot be read.
    """
    from gigawatt.chain.asking import Asker
    from gigawatt.chain.graph import refuse_sampling
    from gigawatt.schema.scenario import read_scenario
    from gigawatt.schema.settings import read_settings

    pairs = dict(settings or {})
    theirs = {key.removeprefix(_OTHER): pairs.pop(key) for key in list(pairs) if key.startswith(_OTHER)}
    held = read_settings(tuple(pairs.items()))
    asker = Asker(read_scenario(Path(base)), held)
    if not find:
        raise InputError(
            "nothing to find", key="find", allowed="KEY=RANGE, such as 'machine.count=1024..8192 times 2'"
        )
    refuse_sampling(asker.loaded({}))
    if where is not None:
        second = None
        if other is not None or theirs:
            changed = read_settings(tuple(theirs.items()))
            # without a file of its own the second is the first, with its settings and others on top
            second = Asker(
                read_scenario(Path(other or base)), changed if other is not None else {**held, **changed}
            )
            refuse_sampling(second.loaded({}))
        if maximise or minimise or limits:
            raise InputError(
                "a comparison or an objective",
                key="where",
                allowed="without --maximise, --minimise, --limit",
            )
        return _crossings(asker, second, find, where, every, progress)
    if other is not None or theirs:
        key = "other" if other is not None else f"--set {_OTHER}{next(iter(theirs))}"
        raise InputError("belongs to a comparison", key=key, allowed="with --where 'A <= other:B'")
    if (maximise is None) == (minimise is None):
        raise InputError(
            "what is to be best", key="maximise", allowed="one of --maximise and --minimise, or --where"
        )
    return _optimum(asker, find, maximise, minimise, limits, every, seed, progress)


def _optimum(
    asker: Asker,
    wanted: Mapping[str, str],
    maximise: str | None,
    minimise: str | None,
    limits: Sequence[str],
    every: int,
    seed: int,
    progress: Progress | None,
) -> Answer:
    from gigawatt.studies.solve.answer import as_answer, found_scenario
    from gigawatt.studies.solve.figures import room
    from gigawatt.studies.solve.solve import Question
    from gigawatt.studies.solve.solve import solve as solved
    from gigawatt.studies.solve.space import check_limits, read_axis, read_limit

    objective = maximise or minimise or ""
    asker.quantity(objective, "--maximise" if maximise else "--minimise")
    bounds = tuple(read_limit(asker, text) for text in limits)
    check_limits(bounds)
    axes = tuple(read_axis(asker, key, text) for key, text in wanted.items())
    question = Question(asker, axes, bounds, objective, maximise is not None, every, seed)
    found = solved(question, progress or (lambda words, share: None))
    data = as_answer(found)
    scenario = found_scenario(found) if found.found else None
    texts = {} if scenario is None else {"found.yaml": lambda: scenario}
    drawings = {"room": partial(room, data)} if data["limits"] else {}
    return Answer(STUDY, data, found, drawings, texts=texts)


def _crossings(
    asker: Asker,
    second: Asker | None,
    wanted: Mapping[str, str],
    where: str,
    every: int,
    progress: Progress | None,
) -> Answer:
    from gigawatt.studies.solve.answer import as_crossings
    from gigawatt.studies.solve.crossing import crossings, read_comparison
    from gigawatt.studies.solve.figures import crossing
    from gigawatt.studies.solve.space import read_axis

    if len(wanted) != 1:
        raise InputError(
            "a crossing is sought over one unknown",
            key="find",
            given=", ".join(wanted),
            allowed="one KEY=RANGE",
        )
    left, right = read_comparison(where, asker, second)
    ((key, text),) = wanted.items()
    axis = read_axis(asker, key, text)
    if second is not None:
        read_axis(second, key, text)
    found = crossings(axis, left, right, every=every, progress=progress or (lambda words, share: None))
    data = as_crossings(found)
    return Answer(STUDY, data, found, {"crossing": partial(crossing, data)})


def refusal(answer: Answer, find: Mapping[str, str]) -> InfeasibleError | None:
    """Why an answer holds no point that keeps every limit, with the nearest; ``None`` where one does."""
    if answer.data.get("found", True):
        return None
    found = answer.found
    missed = [one for one in found.kept if one.value is not None and one.room < 0.0]
    if not found.values:
        nearest = "no point could be computed: " + "; ".join(found.reasons)
    else:
        at = ", ".join(f"{key} {words}" for key, words in found.values.items())
        by = "; ".join(
            f"{one.limit.quantity} {one.limit.show(one.value or 0.0)}, {-one.room:.3g} of the limit beyond it"
            for one in missed
        )
        nearest = f"the nearest of {found.points:,} points, {at}: {by}"
    return InfeasibleError(
        "no point of the range meets every limit", key="--find",
        given=", ".join(f"{key}={text}" for key, text in find.items()), allowed=nearest,
    )  # fmt: skip

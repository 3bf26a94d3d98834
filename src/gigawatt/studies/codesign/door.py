"""Chip, model, machine and power source varied together: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from gigawatt.core.answer import Answer
from gigawatt.studies.codesign import STUDY

__all__ = ["codesign"]

Progress = Callable[[str, float], None]
_TRAINING, _SERVING = 40, 24
"""Generations where they are not said."""


def codesign(
    scenario: str | Path,
    *,
    design: str = "B200-parts",
    design_settings: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    sources: Sequence[Sequence[str]] = (),
    formats: Sequence[str] = (),
    hold: Sequence[str] = (),
    limits: Sequence[str] = (),
    population: int = 100,
    generations: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Answer:
    """Vary chip, model shape, machine and power source together, as ``gigawatt codesign`` does.

    Parameters
    ----------
    scenario : path
        One that trains or serves.
    design : str
        Today's chip from its parts: a design of the catalog, or a file.
    design_settings, settings : mapping, optional
        Key → value, of the design and of the scenario.
    sources : sequence of sequences of str
        Sets of plants to choose beside the scenario's.
    formats, hold : sequence of str
        Number formats to choose from; choices that stay as they are.
    limits : sequence of str
        ``"METRIC <= VALUE unit"``.
    population, generations, seed : int
        Of the search; generations 40 where the scenario trains, 24 where it serves.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys in docs/codesign.md.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A scenario, design or limit that cannot be read or met.
    """
    from gigawatt.chain.asking import Asker
    from gigawatt.chain.graph import refuse_sampling
    from gigawatt.schema.scenario import read_scenario
    from gigawatt.schema.settings import read_settings
    from gigawatt.studies.codesign.answer import as_codesign
    from gigawatt.studies.codesign.codesign import co_design, read_model
    from gigawatt.studies.codesign.figures import front

    report = progress or (lambda words, share: None)
    asker = Asker(read_scenario(Path(scenario)), read_settings(tuple((settings or {}).items())))
    refuse_sampling(asker.loaded({}))
    usual = _SERVING if asker.base.serves else _TRAINING
    model = read_model(
        asker, design, design_settings=dict(design_settings or {}), sources=[list(one) for one in sources],
        formats=list(formats), limits=list(limits), held=list(hold), progress=report,
    )  # fmt: skip
    year = int(asker.at({}).value("scenario.year").value)
    found = co_design(
        model, population=population, generations=usual if generations is None else generations, seed=seed,
        year=year, progress=report,
    )  # fmt: skip
    data = as_codesign(found, report)
    return Answer(STUDY, data, found, {"front": partial(front, data)})

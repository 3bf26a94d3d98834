"""The whole chain on one scenario: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from gigawatt.core.answer import Answer
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.studies.run import STUDY

if TYPE_CHECKING:
    from gigawatt.chain.study import Study
    from gigawatt.core.result import Result
    from gigawatt.schema.scenario import LoadedScenario
    from gigawatt.studies.run.uncertainty import Sampling

__all__ = ["Asked", "answered", "run"]

Progress = Callable[[str, float], None]
Scenario: TypeAlias = "str | Path | Mapping[str, Any] | Study | None"
_UNNAMED = Path("scenario.yaml")
"""Where relative paths of a scenario without a file begin."""


@dataclass(frozen=True)
class Asked:
    """What was asked of the uncertainty beside the scenario.

    ``usual``: whether it is drawn where neither says so.
    """

    uncertainty: bool | None = None
    draws: int | None = None
    seed: int | None = None
    usual: bool = False

    def sampling(self, loaded: LoadedScenario) -> Sampling | None:
        """How to draw, ``None`` where nothing is."""
        from gigawatt.studies.run.uncertainty import Sampling

        said = (self.uncertainty, loaded.scenario.uncertainty, self.usual)
        on = next(one for one in said if one is not None)
        given = {
            name: value for name, value in (("draws", self.draws), ("seed", self.seed)) if value is not None
        }
        if given and not on:
            name, value = next(iter(given.items()))
            raise InputError(
                "only --uncertainty draws", key=name, given=str(value),
                allowed="with --uncertainty, or uncertainty: true in the scenario",
            )  # fmt: skip
        return Sampling(**given) if on else None


def run(
    scenario: Scenario = None,
    *,
    settings: Mapping[str, object] | None = None,
    uncertainty: bool | None = None,
    draws: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    **fields: Any,
) -> Answer:
    """Run the whole chain on a scenario, as ``gigawatt run`` does.

    Parameters
    ----------
    scenario : path, mapping or Study, optional
        A file in YAML, the keys of one, or one that was loaded; left out where keywords say it.
    settings : mapping, optional
        Other values of some fields by dotted name, as ``--set`` takes them: ``{"machine.count": 8192}``.
    uncertainty : bool, optional
        Sample all uncertain inputs: the answer then has ``uncertainty`` (5, 50 and 95 % quantiles and
        variance shares by quantity), tables of them, and the draws. Default: as the scenario says, else not.
    draws, seed : int, optional
        Number of draws, 100 to 20,000 (default 2,000), and their seed (default 0).
    progress : callable, optional
        Called with (what is done, share done).
    **fields
        Other values of some fields, or the whole scenario:
        ``model="llama-3.1-8b", training={"tokens": "1T tokens"}, machine={"chip": "H100", "count": 64}``.

    Returns
    -------
    Answer
        Keys as of ``gigawatt run --json`` (docs/result.md): ``quantities`` in their shown units, small
        tables, notices, assumptions. ``found`` is the :class:`~gigawatt.core.result.Result`
        (``found["training.step_time"]`` in SI); tables and figures are those of the result;
        ``save(folder)`` writes what the command writes.

    Raises
    ------
    GigawattError
        A key that no scenario has (with the nearest), a wrong value, a limit that cannot be met.
    """
    changes = {**(settings or {}), **dict(_dotted(fields))}
    return answered(scenario, changes, Asked(uncertainty, draws, seed), progress)


def answered(
    scenario: Scenario, changes: Mapping[str, Any], asked: Asked, progress: Progress | None = None
) -> Answer:
    """:func:`run` of a scenario with other values of some fields by dotted name."""
    from gigawatt.core.store import as_json, trace_text
    from gigawatt.studies.run.figures import figure, figures_of

    result = _result(scenario, changes, asked, progress)
    tables: dict[str, Callable[[], Any]] = {name: partial(_table, result, name) for name in result.tables}
    return Answer(
        STUDY,
        {**as_json(result), **_bands(result), **_drawn(result)},
        result,
        {name: partial(figure, result, name) for name in figures_of(result)},
        tables,
        more=result,
        texts={"trace.json": partial(trace_text, result)},
        parquet=tables,
        sealed={"run.json": result.run},
    )


def _bands(result: Result) -> dict[str, Any]:
    """Where the times, the capacity and the watts of a service would be measured, by quantity."""
    from gigawatt.studies.run.far_off import serving_ends
    from gigawatt.studies.run.words_serving import is_serving

    return {"bands": serving_ends(result)} if is_serving(result) else {}


def _drawn(result: Result) -> dict[str, Any]:
    """The uncertainty by quantity, where it was asked for."""
    from gigawatt.studies.run.uncertainty_words import as_json

    found = as_json(result)
    return {"uncertainty": found} if found else {}


def _table(result: Result, name: str) -> Any:
    return result.tables[name]


def _dotted(fields: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Any]]:
    """Sections given as mappings, by the dotted names of their fields."""
    from gigawatt.schema.fields import sections

    for name, value in fields.items():
        key = f"{section}.{name}" if section else name
        if key in sections() and isinstance(value, Mapping):
            yield from _dotted(value, key)  # type: ignore[arg-type]
        else:
            yield key, value


def _result(
    scenario: Scenario,
    changes: Mapping[str, Any],
    asked: Asked,
    progress: Progress | None,
) -> Result:
    from gigawatt.chain.study import Study
    from gigawatt.schema.changed import scenario_of
    from gigawatt.studies.run.bad_week import with_bad_week
    from gigawatt.studies.run.nines import with_nines
    from gigawatt.studies.run.phases import with_phases
    from gigawatt.studies.run.uncertainty import with_uncertainty

    def of(study: Study) -> Result:
        sampling = asked.sampling(study.loaded)

        def finish(result: Result, loaded: LoadedScenario, objects: Mapping[str, Any]) -> Result:
            found = with_bad_week(with_nines(with_phases(result, loaded, objects), objects), objects)
            return found if sampling is None else with_uncertainty(found, loaded, objects, sampling, progress)

        return study.run(progress, finish=finish)

    if isinstance(scenario, str | Path):
        scenario = Study.read(scenario)
    if isinstance(scenario, Study):
        return of(scenario.changed(changes))
    try:
        values = {**dict(_dotted(scenario or {})), **changes}
        return of(Study(scenario_of(values, _UNNAMED)))
    except GigawattError as error:
        if error.file is not None and Path(error.file) == _UNNAMED:  # there is no file that could be opened
            error.file = error.line = None
        raise

"""What a process of the page does for a question: compute the result, remember it, let a view show it.

Everything here runs in a worker (:mod:`~.processes.worker`); the server only passes on what comes
back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.chain.memo import Memo, Remembered
from gigawatt.chain.study import Study
from gigawatt.core.document import Document
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.registry import find_study
from gigawatt.core.study import resolve
from gigawatt.faces.report import html, markdown
from gigawatt.faces.web.form.state import State, placed
from gigawatt.faces.web.uploads.paths import known, may_name_a_file
from gigawatt.faces.web.uploads.store import Stored
from gigawatt.faces.web.views import job_of, view_of
from gigawatt.schema.fields import allows, belongs_to
from gigawatt.schema.scenario import LoadedScenario

if TYPE_CHECKING:
    from gigawatt.core.result import Result

__all__ = ["Asked", "Fragment", "Question", "loaded_of", "result_of", "show"]

Progress = Callable[[str, float], None]

_MOST_RESULTS = 12
"""Results that a process keeps whole, so that another view of the same question is quick."""
_MEMORY = 384 * 2**20
"""Bytes of quantities that a process remembers, about."""
_NOT_OF_IT = "gigawatt.faces.web.rendering:not_of_it"

_remembered = Remembered(Memo(limit=_MEMORY))
_results: OrderedDict[State, Result] = OrderedDict()


@dataclass(frozen=True)
class Question:
    """What is asked of a view: the state, the view's settings, and what else the address names."""

    view: str
    state: State
    settings: tuple[tuple[str, str], ...] = ()
    item: str = ""


@dataclass(frozen=True)
class Fragment:
    """What a view shows: HTML, and the title of the page."""

    html: str
    title: str = ""


@dataclass
class Asked:
    """A question as a view sees it: the result is computed when it is first looked at."""

    question: Question
    progress: Progress = field(repr=False)

    @property
    def state(self) -> State:
        """The scenario and what is changed in it."""
        return self.question.state

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings of the view that the address holds."""
        return dict(self.question.settings)

    def setting(self, name: str, choices: Mapping[str, str] | tuple[str, ...]) -> str:
        """A setting of the view, or the first of its choices where the address has none of them."""
        given = self.settings.get(name, "")
        return given if given in choices else next(iter(choices))

    def loaded(self) -> LoadedScenario:
        """The scenario of the state, for what computes with it beside the chain.

        Raises
        ------
        GigawattError
            It names a file that is no upload.
        """
        return loaded_of(self.state)

    @cached_property
    def result(self) -> Result:
        """The answer of the chain; raises what the scenario refuses, at the field it belongs to."""
        return result_of(self.state, self.progress)


def loaded_of(state: State) -> LoadedScenario:
    """The scenario of a state; a last look that no name but those of catalog and uploads is read."""
    uploads = Stored(Path.cwd())
    for key, text in state.changes:
        if text and may_name_a_file(key):
            known(key, text, uploads)
    return state.loaded()


def result_of(state: State, progress: Progress) -> Result:
    """The result of a state, from memory where it was asked before.

    Raises
    ------
    GigawattError
        What the scenario refuses, with the key of the field it belongs to.
    """
    found = _results.get(state)
    if found is None:
        try:
            found = Study(loaded_of(state)).run(progress, _remembered)
        except GigawattError as error:
            raise placed(error, state.branch) from None
        _results[state] = found
        while len(_results) > _MOST_RESULTS:
            _results.popitem(last=False)
    _results.move_to_end(state)
    return found


def show(question: Question, progress: Progress) -> Fragment:
    """What a view shows of a question; where it is not of its branch, what it is of."""
    view = view_of(question.view)
    mine = allows(view.branch, question.state.branch)
    return resolve(view.target if mine else _NOT_OF_IT)(Asked(question, progress))


def work(question: Question, progress: Progress) -> tuple[Question, Fragment]:
    """What a job shows of a question, and the question."""
    job, branch = job_of(question.view), question.state.branch
    if not allows(job.branch, branch):
        raise InputError(belongs_to(job.branch, branch), key="start", given=question.state.start)
    return question, resolve(job.target)(Asked(question, progress))


def as_data(state: State, progress: Progress) -> dict[str, Any]:
    """The answer as plain data, tables as lists of rows."""
    from gigawatt.core.store import as_json

    return as_json(result_of(state, progress))


def explained(asked: tuple[State, str], progress: Progress) -> list[dict[str, Any]]:
    """The walk from a quantity down to its rows, as plain data."""
    from gigawatt.core.explain import as_data, explain

    state, name = asked
    result = result_of(state, progress)
    return [as_data(result, step) for step in explain(result, name)]


def figure_json(asked: tuple[State, str], progress: Progress) -> str:
    """A figure of the answer as plotly's JSON."""
    state, name = asked
    return str(result_of(state, progress).figure(name).to_json())


def table_json(asked: tuple[State, str], progress: Progress) -> str:
    """A table of the answer as JSON, with all its rows."""
    import json

    from gigawatt.core.store import table_as_data

    state, name = asked
    return json.dumps(table_as_data(result_of(state, progress), name), allow_nan=False)


def table_sizes(state: State, progress: Progress) -> dict[str, int]:
    """How many rows each table of the answer has."""
    return {str(name): len(table) for name, table in result_of(state, progress).tables.items()}


def compared(asked: tuple[State, State], progress: Progress) -> dict[str, Any]:
    """Two questions side by side, and their differences split among the inputs that differ."""
    sides = [
        (result.name, state.query(), result, state.loaded())
        for state in asked
        for result in (result_of(state, progress),)
    ]
    return find_study("compare").service("sides")(sides, progress)


def _document(result: Result) -> Document:
    """What the report of a result says."""
    return find_study("run").service("document")(result)


def report_html(state: State, progress: Progress) -> str:
    """The report as one file."""
    return html.page(_document(result_of(state, progress)))


def report_markdown(state: State, progress: Progress) -> str:
    """The report as Markdown."""
    return markdown.markdown(_document(result_of(state, progress)))


def scenario_yaml(state: State, progress: Progress) -> str:
    """The scenario as a file that ``gigawatt run`` reads."""
    return state.loaded().yaml

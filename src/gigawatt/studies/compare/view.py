"""Questions side by side: the one that is asked beside those that are pinned; which input moved what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gigawatt.chain.graph import graph_of
from gigawatt.chain.study import Study
from gigawatt.core.document import Drawing
from gigawatt.core.errors import GigawattError
from gigawatt.core.result import Result
from gigawatt.faces.report.html import glued
from gigawatt.faces.report.parts import rows_grid
from gigawatt.faces.web.answers import Asked, Fragment, loaded_of, result_of
from gigawatt.faces.web.form.fields import SIZE, SIZES, field_of
from gigawatt.faces.web.form.state import State, placed
from gigawatt.faces.web.pages.pinned import SLOTS, pins, settings_of
from gigawatt.faces.web.rendering import Plot, fragment, pictured, plot
from gigawatt.faces.web.starts import start_of, starts
from gigawatt.faces.web.uploads.store import Stored
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.compare.attribution import no_mixture
from gigawatt.studies.compare.choice import choice_parts, choice_words, decision_grid
from gigawatt.studies.compare.compare import LEAST, NOT_ASKED, Comparison, Side, beside
from gigawatt.studies.compare.document import split_parts, split_words, words
from gigawatt.studies.compare.figures import change, letters, percent_words, ratios_figure, value_words
from gigawatt.studies.compare.mixing import Mixer
from gigawatt.studies.compare.shapley import MOST_EXACT, ORDERS
from gigawatt.studies.run.grids import CARDS, CARDS_LOAD, CARDS_SERVING

__all__ = ["CHOICE", "SPLIT", "choose", "compute", "show"]

SPLIT = "compare-split"
"""The long work of splitting a difference."""
CHOICE = "compare-choice"
"""The long work of drawing the uncertainty of two."""
_CALLED = dict((*CARDS, *CARDS_LOAD, *CARDS_SERVING))
_START, _NONE = "start", "none"
_MOST_SAID = 3
_ANSWERED = 0.3
"""Share of the work of drawing that the answer itself is, about."""
_RESULTS = 0.25
"""Share of the work of a split that the two answers themselves are, about."""


@dataclass(frozen=True)
class Column:
    """One of the questions: its letter, what it is, the addresses to it and to the page without it."""

    letter: str
    name: str
    role: str
    query: str
    without: str
    state: State


@dataclass(frozen=True)
class Line:
    """One quantity of all columns: texts with grades, then differences and percentages by letter."""

    name: str
    what: str
    cells: tuple[tuple[str, str], ...]
    moved: tuple[tuple[str, str], ...]


def _here() -> Stored:
    """The uploads that are here, where a process answers."""
    return Stored(Path.cwd())


def _choices(state: State, pinned: bool) -> dict[str, str]:
    """What may stand beside the question without being pinned; first what is usual."""
    title = start_of(state.start).title
    mine = {_START: f"its start, unchanged: {title}"} if state.changes else {}
    alike = [one for one in starts().values() if one.id != state.start]
    alike.sort(key=lambda one: one.branch != state.branch)
    others = {one.id: one.title for one in alike}
    nothing = {_NONE: "nothing but what is pinned"}
    return {**nothing, **mine, **others} if pinned else {**mine, **others}


def _columns(asked: Asked) -> tuple[list[Column], list[str], str, dict[str, str]]:
    """The questions, the one that is asked last; what could not be read; what was chosen of which."""
    state, settings = asked.state, dict(asked.settings)
    held = pins(settings, _here())
    choices = _choices(state, bool(held))
    chosen = asked.setting("with", choices)
    said = [f"pinned {pin.slot.upper()}: {line}" for pin in held for line in pin.dropped]
    kept = {"with": chosen} if "with" in settings else {}
    states = {pin.slot: pin.state for pin in held}
    listed: list[tuple[str, State, str]] = []
    for slot, one in states.items():
        rest = [other for name, other in states.items() if name != slot]
        without = {**kept, **settings_of(dict(zip(SLOTS, rest, strict=False)))}
        listed.append(("pinned", one, state.query(without)))
    if chosen != _NONE:
        other = State(state.start if chosen == _START else chosen)
        listed.insert(0, ("beside", other, ""))
    listed = [*listed[: len(SLOTS)], ("now", state, "")]
    columns = [
        Column(chr(ord("A") + number), _name(one), role, one.query(), without, one)
        for number, (role, one, without) in enumerate(listed)
    ]
    return columns, said, chosen, choices


def _name(state: State) -> str:
    """What a question is called: its start, and what is changed in it."""
    title = start_of(state.start).title
    told = []
    sizes = SIZES[state.branch]
    for key, text in state.changes:
        field = field_of(SIZE if key in sizes else key, state.branch)
        if key in sizes and not text:
            continue  # another key says the size
        if text or field is not None:
            told.append(f"{field.label.lower() if field else key} {text or 'left out'}")
    if not told:
        return title
    more = f" and {len(told) - _MOST_SAID} more" if len(told) > _MOST_SAID else ""
    return f"{title}, with {', '.join(told[:_MOST_SAID])}{more}"


def _sides(asked: Asked, columns: Sequence[Column]) -> tuple[list[Column], list[Side], list[str]]:
    """Those that have an answer, and why others have none; raises what the asked question itself refuses."""
    kept: list[Column] = []
    sides: list[Side] = []
    said: list[str] = []
    for column in columns:
        try:
            result = asked.result if column.role == "now" else result_of(column.state, asked.progress)
        except GigawattError as error:
            if column.role == "now":
                raise
            said.append(f"{column.letter} has no answer: {error}")
            continue
        kept.append(column)
        sides.append(Side(column.name, column.query, result, column.state.loaded()))
    renamed = [
        Column(chr(ord("A") + n), c.name, c.role, c.query, c.without, c.state) for n, c in enumerate(kept)
    ]
    return renamed, sides, said


def show(asked: Asked) -> Fragment:
    """The columns with differences, the ratios as a figure, inputs that differ, notices of one only."""
    columns, said, chosen, choices = _columns(asked)
    columns, sides, refused = _sides(asked, columns)
    context: dict[str, Any] = {
        "columns": columns,
        "said": [*said, *refused],
        "chosen": chosen,
        "choices": choices,
        "pinned": settings_of({pin.slot: pin.state for pin in pins(asked.settings, _here())}),
        "query": asked.state.query(asked.settings),
        "most": len(SLOTS) + 1,
    }
    found: Comparison | None = None
    if len(sides) > 1:
        found = beside(sides, split=False)
    return fragment("compare.html.j2", title="Side by side", **context, **_told(found), **_split(columns))


def _told(found: Comparison | None) -> dict[str, Any]:
    """What a comparison has to show; nothing where there is none."""
    if found is None:
        return {"words": (), "lines": [], "others": [], "ratios": None, "inputs": None,
                "alone": [], "same": True}  # fmt: skip
    answer = found.to_json()
    lines = [_line(row) for row in answer["quantities"] if row["matters"] and _is_number(row)]
    others = [
        _line(row) for row in answer["quantities"]
        if not row["matters"] and row["differs"] and _is_number(row)
    ]  # fmt: skip
    same = not any(row["differs"] for row in answer["quantities"])
    marks = letters(answer)
    inputs = [
        (row["quantity"], row["what"].rstrip("."), *(v if v is not None else "–" for v in row["values"]))
        for row in answer["inputs"]
    ]
    ratios: Plot | None = None
    if not same:
        caption = f"Each quantity as a multiple of what it is in {marks[0]}; right of the line it is more."
        ratios = plot("ratios", ratios_figure(answer, _CALLED), caption)
    alone = list(zip(marks, answer["notices"]["only"], strict=True))
    return {
        "words": [glued(text) for text in words(answer)],
        "lines": lines,
        "others": others,
        "ratios": ratios,
        "inputs": rows_grid("Inputs that differ, as they are read.", ("input", "what it is", *marks), inputs)
        if inputs else None,
        "alone": [(mark, told) for mark, told in alone if told],
        "same": same,
    }  # fmt: skip


def _is_number(row: Mapping[str, Any]) -> bool:
    return any(isinstance(value, int | float) for value in row["values"])


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        row["quantity"],
        row["what"].rstrip("."),
        tuple(
            (value_words(value, row["unit"]), grade or "")
            for value, grade in zip(row["values"], row["grades"], strict=True)
        ),
        tuple(
            (
                "0" if ratio is not None and abs(ratio - 1.0) < LEAST else change(difference, row["unit"]),
                percent_words(ratio),
            )
            for difference, ratio in zip(row["differences"][1:], row["ratios"][1:], strict=True)
        ),
    )


def _split(columns: Sequence[Column]) -> dict[str, Any]:
    """Whether the difference of the columns can be split, and how many mixtures that takes."""
    told = {"split": SPLIT, "sampled": CHOICE, "mixtures": 0, "why_not": ""}
    if len(columns) != 2:
        return {**told, "why_not": "It is split between two questions." if len(columns) > 2 else ""}
    first, second = (column.state for column in columns)
    if first.branch != second.branch:
        said = no_mixture(first.branch, second.branch)
        return {**told, "why_not": f"{said[:1].upper()}{said[1:]}."}
    groups = len(Mixer(first.loaded(), second.loaded(), graph_of(first.loaded())).groups)
    return {**told, "mixtures": _mixtures(groups)}


def _mixtures(groups: int) -> int:
    """How many mixtures are computed at most."""
    if groups == 0:
        return 0
    return 2**groups if groups <= MOST_EXACT else ORDERS * groups


def compute(asked: Asked) -> Fragment:
    """The difference of two questions, split among the inputs that differ (Shapley)."""
    columns, _, _, _ = _columns(asked)
    told = 0.0

    def report(words: str, share: float) -> None:
        nonlocal told
        told = max(told, share)  # each side begins anew
        asked.progress(words, told)

    sides_first = Asked(asked.question, lambda words, share: report(words, _RESULTS * share))
    columns, sides, _ = _sides(sides_first, columns)
    found = beside(sides, progress=lambda words, share: report(words, _RESULTS + (1 - _RESULTS) * share))
    answer = found.to_json()
    parts = split_parts(answer) if found.attribution is not None else ()
    return fragment(
        "compare_split.html.j2",
        title="Which input moved what",
        words=split_words(answer),
        said=[one for one in found.said if one != NOT_ASKED],
        parts=parts,
        plots={one.name: pictured(one) for one in parts if isinstance(one, Drawing)},
        columns=columns,
    )


def choose(asked: Asked) -> Fragment:
    """How sure the choice among questions is, and which inputs would change it."""
    columns, _, _, _ = _columns(asked)
    sides = [
        _drawn_side(column, lambda words, share, at=at: asked.progress(words, (at + share) / len(columns)))
        for at, column in enumerate(columns)
    ]
    answer = beside(sides, split=False).to_json()
    grids, parts = decision_grid(answer), choice_parts(answer)
    return fragment(
        "compare_split.html.j2",
        title="What would change the choice",
        words=glued(choice_words(answer)),
        said=[] if grids else ["No quantity by which they could be chosen has an interval in each."],
        parts=[*grids, *parts],
        plots={one.name: pictured(one) for one in parts if isinstance(one, Drawing)},
        columns=columns,
    )


def _drawn_side(column: Column, progress: Callable[[str, float], None]) -> Side:
    """One of the questions with its uncertainty."""
    from gigawatt.studies.run.uncertainty import Sampling, with_uncertainty

    told = 0.0

    def report(words: str, share: float) -> None:
        nonlocal told
        told = max(told, share)  # the draws begin at nothing
        progress(words, told)

    def finish(result: Result, loaded: LoadedScenario, objects: Mapping[str, Any]) -> Result:
        return with_uncertainty(result, loaded, objects, Sampling(), report)

    loaded = loaded_of(column.state)
    try:
        result = Study(loaded).run(lambda words, share: report(words, _ANSWERED * share), finish=finish)
    except GigawattError as error:
        raise placed(error, column.state.branch) from None
    return Side(column.name, column.query, result, loaded)

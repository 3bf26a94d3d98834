"""A sweep as a document: what was varied, what moves the answer most, the least and the most of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Code, Document, Grid, Part, Section, Text
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import amount, facts_of, listed, rows_document, rows_grid, with_percent
from gigawatt.studies.run.far_off import training_error, training_error_grid
from gigawatt.studies.sweep.figures import cell, effect_bars, figure_of

__all__ = ["document", "overview_document", "rows_of_query", "swept_document"]

Answer = Mapping[str, Any]
_SHOWN = 40
"""Rows of a query that a terminal shows."""

_LEAST = 0.01
"""A key that explains a smaller part of the variance is not told."""
_ROWS = 60


def _value(answer: Answer, name: str, value: Any, digits: int = 4) -> str:
    """A value of a column with its unit."""
    if value is None or isinstance(value, str):
        return "–" if value is None else value
    unit = answer["units"].get(name, "1")
    whole = unit in ("", "1") and float(value).is_integer()
    return (
        f"{value:,.0f}"
        if whole
        else amount(float(value), unit, digits).replace("/Mtoken", " a million tokens")
    )


def _what(answer: Answer, name: str) -> str:
    """What a column is, as the subject of a sentence."""
    what = next((c["what"] for c in answer["columns"] if c["name"] == name), "")
    return f"{name} ({what[:1].lower()}{what[1:].rstrip('.')})" if what else name


def _effects(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    return sorted((e for e in answer["effects"] if e["quantity"] == name), key=lambda e: -e["share"])


def _asked(answer: Answer) -> str:
    axes = [
        f"{c['name']} from {_value(answer, c['name'], c['low'])} to {_value(answer, c['name'], c['high'])}"
        for c in answer["columns"]
        if c["axis"] and c["low"] != c["high"]
    ]
    refused = answer["refused"]
    lost = ""
    if refused:
        lost = f", of which {refused:,} {'has' if refused == 1 else 'have'} no answer"
    noun = "scenario was" if answer["rows"] == 1 else "scenarios were"
    return f"{answer['rows']:,} {noun} computed{f' over {listed(axes)}' if axes else ''}{lost}."


def _answered(answer: Answer) -> str:
    name = answer["by"]
    end = next((one for one in answer["extremes"] if one["quantity"] == name), None)
    if end is None:
        return "No quantity that was read differs between them." if not answer["extremes"] else ""
    told = [e["axis"] for e in _effects(answer, name) if e["share"] >= _LEAST]

    def at(values: Mapping[str, Any]) -> str:
        parts = [f"{key} {_value(answer, key, values[key])}" for key in told if key in values]
        return f" at {listed(parts)}" if parts else ""

    least, most = (_value(answer, name, end[side]) for side in ("least", "most"))
    return (
        f"The least {_what(answer, name)} is {least}{at(end['at_least'])}, the most "
        f"{most}{at(end['at_most'])}."
    )


def _moved(answer: Answer) -> str:
    said: list[str] = []
    names = [answer["by"], *answer["told"]]
    for number, name in enumerate(dict.fromkeys(names)):
        found = [e for e in _effects(answer, name) if e["share"] >= _LEAST][:3]
        if not found:
            continue
        parts = [f"{e['axis']} ({with_percent(e['share'])})" for e in found]
        lead = "What moves" if number == 0 else "of"
        if number == 0:
            text = f"What moves {name} most, by the part of its variance that each key alone explains, is "
            said.append(text + listed(parts))
        else:
            said.append(f"{lead} {name} it is {listed(parts)}")
    if not said:
        return ""
    rest = ""
    whole = sum(e["share"] for e in _effects(answer, answer["by"]))
    if whole > 1.05:
        rest = " Keys that were varied together share what they explain."
    return f"{'; '.join(said)}.{rest}"


def _levels(answer: Answer, name: str) -> list[Grid]:
    made: list[Grid] = []
    for effect in _effects(answer, name):
        if effect["share"] < _LEAST:
            continue
        axis = effect["axis"]
        rows = [
            (
                _value(answer, axis, low)
                if low == high
                else f"{_value(answer, axis, low)} to {_value(answer, axis, high)}",
                _value(answer, name, mean),
                f"{count:,}",
            )
            for low, high, mean, count in effect["levels"]
        ]
        caption = f"Mean of {name} at each value of {axis}, over all others."
        made.append(rows_grid(caption, (axis, f"mean of {name}", "scenarios"), rows))
    return made


def _shares(answer: Answer) -> Grid | None:
    axes = list(dict.fromkeys(e["axis"] for e in answer["effects"]))
    names = list(dict.fromkeys(e["quantity"] for e in answer["effects"]))
    known = {(e["axis"], e["quantity"]): e["share"] for e in answer["effects"]}
    rows = [
        (
            name,
            *(with_percent(known[axis, name]) if (axis, name) in known else "–" for axis in axes),
        )
        for name in names
    ]
    if not rows:
        return None
    caption = (
        "What moves what: the part of a quantity's variance that each key alone explains (η², "
        "in a full grid the "
        "first-order Sobol index)."
    )
    return rows_grid(caption, ("quantity", *axes), rows)


def _columns(answer: Answer, *, axis: bool) -> Grid:
    rows = [
        (c["name"], answer["units"].get(c["name"], ""), f"{c['values']:,}", cell(c["low"]), cell(c["middle"]),
         cell(c["high"]), c["what"])
        for c in answer["columns"]
        if c["axis"] == axis
    ]  # fmt: skip
    caption = "Keys that were varied." if axis else "Quantities that were read."
    return rows_grid(caption, ("name", "unit", "values", "least", "middle", "most", "what it is"), rows)


def _extremes(answer: Answer) -> Grid | None:
    rows: list[tuple[str, ...]] = []
    for end in answer["extremes"]:
        name = end["quantity"]
        for word, side in (("least", "at_least"), ("most", "at_most")):
            keys = [_value(answer, key, value) for key, value in end[side].items()]
            rows.append((name, word, _value(answer, name, end[word]), *keys))
    if not rows:
        return None
    keys = list(answer["extremes"][0]["at_least"])
    caption = "The scenarios with the least and the most of each quantity; of equal ones, one of them."
    return rows_grid(caption, ("quantity", "end", "value", *keys), rows)


def _drawn_rows(answer: Answer) -> Grid | None:
    columns = answer["drawn"]
    names = list(columns)
    count = len(next(iter(columns.values()), []))
    if not count:
        return None
    rows = [tuple(cell(columns[name][i]) for name in names) for i in range(min(count, _ROWS))]
    units = answer["units"]
    heads = [
        f"{name}{f' [{units[name]}]' if units.get(name, '1') not in ('', '1') else ''}" for name in names
    ]
    shown = f"the first {_ROWS} of {count:,}" if count > _ROWS else f"all {count:,}"
    return rows_grid(f"Scenarios that the figure draws: {shown}.", heads, rows)


def _studies(answer: Answer) -> list[Part]:
    """What was asked of the store, as files to compute it anew from."""
    parts: list[Part] = []
    for one in answer["asked"]:
        said = (
            f"{one['name']}: saved as study.yaml beside its base {one['base'] or 'scenario'}, "
            f"gigawatt sweep study.yaml computes it (then with gigawatt {one['gigawatt']}, catalog "
            f"{one['catalog']})."
        )
        parts += [Text(said), Code(one["text"], "yaml")]
    return parts or [Text("The store holds no note of what was asked.")]


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of a sweep says; ``answer`` is ``sweep.json``."""
    import pandas as pd

    frame = pd.DataFrame(answer["drawn"])
    axes = [c["name"] for c in answer["columns"] if c["axis"]]
    figure = partial(
        figure_of, frame, answer["units"], axes=axes, by=answer["by"], x=answer["x"], y=answer["y"]
    )
    what = (
        f"{answer['y']} over {answer['x']}, coloured by {answer['by']}."
        if answer["x"]
        else f"One line a scenario, one axis a column, coloured by {answer['by']}."
    )
    rows = _drawn_rows(answer)
    seen: list[Part] = [drawn("scenarios", figure, what), *([rows] if rows is not None else [])]
    sections = [Section("figure", "The scenarios", tuple(seen))]
    shares = _shares(answer)
    if shares is not None:
        bars = [e for e in _effects(answer, answer["by"]) if e["share"] >= _LEAST]
        parts: list[Part] = []
        if bars:
            words = f"Part of the variance of {answer['by']} that each key alone explains."
            parts.append(drawn("effects", partial(effect_bars, bars), words))
        parts += [shares, *_levels(answer, answer["by"])]
        sections.insert(0, Section("moves", "What moves the answer", tuple(parts)))
    ends = _extremes(answer)
    if ends is not None:
        sections.append(Section("ends", "The least and the most", (ends,)))
    names = [c["name"] for c in answer["columns"] if not c["axis"]]
    varied: list[Part] = [
        _columns(answer, axis=True),
        _columns(answer, axis=False),
        *training_error_grid(names),
    ]
    sections.append(Section("columns", "What was varied, what was read", tuple(varied)))
    if answer["reasons"]:
        lost = rows_grid("Why scenarios have no answer: the most frequent reasons.", ("why", "scenarios"),
                         [(why, f"{number:,}") for why, number in answer["reasons"]])  # fmt: skip
        sections.append(Section("lost", "Without an answer", (lost,)))
    if answer["catalogs"] > 1:
        mixed = f"The store holds scenarios of {answer['catalogs']} versions of the catalog."
        sections.append(Section("catalogs", "Catalogs", (Text(mixed),)))
    sections.append(Section("study", "How the store was made", tuple(_studies(answer))))
    texts = (f"{_asked(answer)} {_answered(answer)}".strip(), _moved(answer), training_error(names))
    cards = [
        Card(f"{end['quantity']}, {word}", _value(answer, end["quantity"], end[word]), name=end["quantity"])
        for name in dict.fromkeys([answer["by"], *answer["told"]])
        for end in answer["extremes"]
        if end["quantity"] == name
        for word in ("least", "most")
    ]
    return Document(
        title=" · ".join(answer["studies"]) or "Sweep",
        setting=f"{answer['rows']:,} scenarios",
        paragraphs=tuple(text for text in texts if text),
        again=again,
        short=("moves", "columns", "lost"),
        cards=tuple(cards),
        sections=tuple(sections),
        facts=facts_of(again, ("seconds of computing", f"{answer['seconds']:,.0f}")),
    )


def swept_document(answer: Answer, again: Again, more: Any = None) -> Document:
    """What a sweep did."""
    words = (
        f"{answer['points']:,} scenarios: {answer['computed']:,} computed now, "
        f"{answer['known']:,} known before"
    )
    if answer["refused"]:
        words += f"; {answer['refused']:,} of them have no answer"
    store = answer["store"]
    said = f"Store: {store}; look at it with `gigawatt sweep show {store}`"
    return Document(f"{words}; {answer['seconds']:,.1f} s", "", (said,), again)


def overview_document(answer: Answer, again: Again, more: Any = None) -> Document:
    """What a store holds: columns that were varied and read, and why scenarios have no answer."""
    setting = (
        f"{answer['rows']:,} scenarios, {answer['refused']:,} without an answer; "
        f"{answer['seconds']:,.0f} s of computing"
    )
    grids: list[Grid] = []
    for axis, title in ((True, "varied"), (False, "read")):
        rows = [
            (one["name"], "" if one["unit"] == "1" else one["unit"], f"{one['values']:,}",
             *(cell(one[key]) for key in ("low", "middle", "high")))
            for one in answer["columns"] if one["axis"] == axis
        ]  # fmt: skip
        grids.append(rows_grid("", (title, "unit", "values", "least", "middle", "most"), rows))
    reasons = tuple(f"{count:,} ×: {reason}" for reason, count in answer["reasons"])
    title = " · ".join(answer["studies"]) or "An empty store"
    return rows_document(title, again, *grids, setting=setting, notices=reasons)


def rows_of_query(frame: Any, answer: Answer, again: Again, more: Any = None) -> Document:
    """The rows of a query."""
    heads = tuple(map(str, frame.columns))
    rows = [
        tuple(cell(value) if isinstance(value, int | float) else str(value) for value in row)
        for row in frame.head(_SHOWN).itertuples(index=False)
    ]
    more = len(frame) - len(rows)
    notices = (f"{more:,} more rows: --csv FILE writes all",) if more else ()
    return rows_document(f"{len(frame):,} rows", again, rows_grid("", heads, rows), notices=notices)

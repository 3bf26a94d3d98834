"""Scenarios side by side as a document: which costs less and takes less, and which input moved it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Points, Section, Text
from gigawatt.core.evidence import Grade, worst
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid, with_percent
from gigawatt.studies.compare.choice import choice_parts, choice_words, decision_grid
from gigawatt.studies.compare.figures import (
    change,
    interval_words,
    letters,
    side_by_side,
    value_words,
    waterfall,
)
from gigawatt.validation.training.band import Band

__all__ = ["document", "split_parts", "split_words", "words"]

Answer = Mapping[str, Any]

_ASKED = (
    ("training.duration", "the run takes"),
    ("ledger.run_cost", "the run costs"),
    ("ledger.annual_cost", "a year of the campus costs"),
    ("economics.cost_million_output", "a million output tokens cost"),
    ("ledger.cost_per_energy", "energy at the meter costs, all included,"),
    ("facility.power_peak", "the facility draws at its peak"),
    ("ledger.carbon_operational_per_mtoken", "a million tokens emit in operation"),
)
"""Quantities that the words tell of, those that every side has."""
_MANY = {"training": "training runs", "serving": "services", "load": "loads"}
_LEAST = 0.005
"""Ratios closer to one than this are told as alike."""


def _row(answer: Answer, name: str) -> Mapping[str, Any] | None:
    """The row of a quantity that every side has as a number."""
    for row in answer["quantities"]:
        if row["quantity"] == name and all(isinstance(v, float | int) for v in row["values"]):
            return row
    return None


def _cost(answer: Answer) -> Mapping[str, Any] | None:
    """The row by which one is cheaper: a run, a million tokens, a year."""
    names = (
        "ledger.run_cost",
        "economics.cost_million_output",
        "ledger.cost_per_energy",
        "ledger.annual_cost",
    )
    return next((row for name in names if (row := _row(answer, name)) is not None), None)


def _beside(answer: Answer) -> str:
    said = [f"{a} is {side['name']}" for a, side in zip(letters(answer), answer["scenarios"], strict=True)]
    kinds = {side["does"] for side in answer["scenarios"]}
    what = _MANY[kinds.pop()] if len(kinds) == 1 else "scenarios"
    number = len(answer["scenarios"])
    counted = {2: "Two", 3: "Three", 4: "Four"}.get(number, str(number))
    return f"{counted} {what} stand side by side: {'; '.join(said)}."


def _cheaper(answer: Answer) -> str:
    row = _cost(answer)
    if row is None or len({side["does"] for side in answer["scenarios"]}) > 1:
        return "They do not do the same, so that neither is the cheaper one."
    marks = letters(answer)
    values = [float(v) for v in row["values"]]
    order = sorted(range(len(values)), key=values.__getitem__)
    first, last = order[0], order[-1]
    what = dict(_ASKED)[row["quantity"]]
    told = listed([f"{_value(values[i], row)} in {marks[i]}" for i in range(len(values))])
    grade = _worst(row)
    if values[last] <= values[first] * (1.0 + _LEAST):
        return f"They cost alike: {what} {told}{grade}."
    share = significant(100.0 * (1.0 - values[first] / values[last])) if values[last] > 0 else ""
    by = f", {share} % less than {marks[last]}" if share else ""
    than = "cheaper one" if len(values) == 2 else "cheapest"
    return f"{marks[first]} is the {than}{by}: {what} {told}{grade}."


def _cheaper_grid(answer: Answer) -> list[Grid]:
    """What each costs, and by how much less than the most expensive."""
    row = _cost(answer)
    if row is None or len({side["does"] for side in answer["scenarios"]}) > 1:
        return []
    most = max(float(value) for value in row["values"])
    rows = [
        (
            mark,
            _value(float(value), row),
            f"{significant(100.0 * (1.0 - float(value) / most))} %" if most > 0 else "–",
        )
        for mark, value in zip(letters(answer), row["values"], strict=True)
    ]
    return [rows_grid(f"{row['what'].rstrip('.')}.", ("", "cost", "less than the most expensive"), rows)]


def _worst(row: Mapping[str, Any]) -> str:
    """The worst grade of a quantity's values; nothing where they have intervals."""
    known: list[Grade] = []
    for text in () if row.get("intervals") else row["grades"]:
        try:
            known.append(Grade.read(text or ""))
        except KeyError:
            continue
    return f" ({worst(known).label})" if known else ""


def _others(answer: Answer) -> str:
    marks, cost = letters(answer), _cost(answer)
    said: list[str] = []
    alike = len({side["does"] for side in answer["scenarios"]}) == 1
    for name, words in _ASKED:
        row = _row(answer, name)
        if row is None or (alike and cost is not None and name == cost["quantity"]):
            continue
        values = [f"{_value(v, row)} in {a}" for a, v in zip(marks, row["values"], strict=True)]
        said.append(f"{words} {listed(values)}{_worst(row)}")
    if not said:
        return ""
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}."


def split_words(answer: Answer) -> str:
    """Which input moved the cost most, and of what else was split; empty where nothing was."""
    split = answer["attribution"]
    if split is None:
        return ""
    if not split["groups"]:
        return "No input differs between them."
    cost = _cost(answer)
    wanted = [cost["quantity"]] if cost is not None else []
    wanted.append("training.duration")
    chosen = [one for name in wanted for one in split["quantities"] if one["quantity"] == name]
    chosen = chosen or split["quantities"][:1]
    said: list[str] = []
    for one in chosen:
        order = sorted(range(len(one["parts"])), key=lambda i: -abs(one["parts"][i]))
        most = abs(one["parts"][order[0]]) if order else 0.0
        if most == 0.0:
            continue
        kept = [i for i in order if abs(one["parts"][i]) >= 0.01 * most][:3]
        parts = [f"{split['groups'][i]['name']} by {change(one['parts'][i], one['unit'])}" for i in kept]
        what = one["what"].rstrip(".")
        error = ""
        if one["errors"] is not None and one["errors"][order[0]] is not None:
            error = f" (give or take {value_words(one['errors'][order[0]], one['unit'])} of the sampling)"
        of = f"of which {listed(parts)}" if len(parts) > 1 else f"all by {split['groups'][order[0]]['name']}"
        moved = change(one["difference"], one["unit"])
        said.append(f"{what[:1].lower()}{what[1:]} moves by {moved} from A to B, {of}{error}")
    if not said:
        return "What differs between them moves none of the figures that were split."
    text = "; ".join(said)
    return f"Of the inputs that differ, {text}. {_how(split)}"


def _how(split: Mapping[str, Any]) -> str:
    return f"The parts sum to the whole ({split['method']})."


def _read(value: object) -> str:
    """An input as it was read; of one with several parts, those that were given."""
    if value is None:
        return "–"
    parts = [part for part in str(value).split(", ") if not part.endswith(" None")]
    return ", ".join(parts) or "–"


def _value(value: float, row: Mapping[str, Any]) -> str:
    """A value whose sentence says what it is of."""
    words = value_words(value, row["unit"])
    return words.removesuffix(" a year").replace("/Mtoken", "")


def _bands(answer: Answer) -> dict[str, Band]:
    """By letter of every side that trains, the band of measured steps over predicted ones."""
    sides = zip(letters(answer), answer["scenarios"], strict=True)
    return {mark: Band(**side["step_band"]) for mark, side in sides if side.get("step_band")}


def _error(answer: Answer) -> str:
    bands = _bands(answer)
    if not bands:
        return ""
    first, *others = bands
    one = bands[first]
    text = (
        f"Uncertainty of a time: {with_percent(one.coverage)} of the measured steps of "
        f"{one.groups} makers took between {significant(one.low)} and {significant(one.high)} times the "
        "prediction"
    )
    unlike = [
        f"{significant(bands[mark].low)} to {significant(bands[mark].high)} times in {mark}"
        for mark in others
        if (bands[mark].low, bands[mark].high) != (one.low, one.high)
    ]
    if unlike:
        text += f" ({listed(unlike)})"
    row = _row(answer, "training.duration")
    if row is None or len(row["values"]) != 2 or not all(row["values"]):
        return f"{text}; an error that both share leaves their ratio as it is."
    ratio = float(row["values"][1]) / float(row["values"][0])
    away = max(ratio, 1.0 / ratio)
    wide = one.high / one.low
    verdict = "more" if away > math.sqrt(wide) else "no more"
    return (
        f"{text}. The two times differ by a factor of {significant(away)}, {verdict} than one prediction may "
        f"be off by ({significant(math.sqrt(wide))}); an error that both share leaves their ratio as it is."
    )


def _band_grid(answer: Answer) -> list[Grid]:
    bands = _bands(answer)
    if not bands:
        return []
    rows = [
        (
            mark,
            significant(band.low),
            significant(band.high),
            significant(math.sqrt(band.high / band.low)),
            with_percent(band.coverage),
            f"{band.groups}",
        )
        for mark, band in bands.items()
    ]
    heads = ("", "low end", "high end", "half width, as a factor", "share of steps inside", "makers")
    return [rows_grid("Measured steps over predicted ones, each by a fit that had not seen its maker.",
                      heads, rows)]  # fmt: skip


def split_parts(answer: Answer) -> tuple[Part, ...]:
    """Groups of inputs, a waterfall with its table for every quantity that was split, mixtures that fail."""
    split = answer["attribution"]
    names = [side["name"] for side in answer["scenarios"]]
    groups = [(g["name"], g["words"], g["before"], g["after"]) for g in split["groups"]]
    heads = ("group", "what it is", *letters(answer))
    parts: list[Part] = [
        Text(f"{split['method']}."),
        rows_grid("Inputs that differ, by group.", heads, groups),
    ]
    for number, one in enumerate(split["quantities"]):
        caption = f"{one['what'].rstrip('.')} ({one['quantity']}): the parts sum to the difference."
        parts.append(drawn(f"split-{number}", partial(waterfall, one, split["groups"], names), caption))
        parts.append(_split_grid(one, split["groups"], letters(answer)))
        if one["low"] < min(one["before"], one["after"]) or one["high"] > max(one["before"], one["after"]):
            ends = f"{value_words(one['low'], one['unit'])} to {value_words(one['high'], one['unit'])}"
            parts.append(Text(f"Mixtures of the two on the way reach from {ends}."))
    lost = [(", ".join(one["groups"]), one["why"]) for one in split["without_an_answer"]]
    if lost:
        heads = ("these alone as in the second", "why there is no answer")
        parts.append(rows_grid("Mixtures without an answer.", heads, lost))
    return tuple(parts)


def _split_grid(one: Mapping[str, Any], groups: Sequence[Mapping[str, Any]], marks: list[str]) -> Grid:
    errors = one["errors"] or [None] * len(one["parts"])
    order = sorted(range(len(one["parts"])), key=lambda i: -abs(one["parts"][i]))
    rows = [(f"{marks[0]}", value_words(one["before"], one["unit"]), "")]
    rows += [
        (
            groups[i]["name"],
            change(one["parts"][i], one["unit"]),
            "" if errors[i] is None else f"± {value_words(errors[i], one['unit'])}",
        )
        for i in order
    ]
    rows.append((f"{marks[1]}", value_words(one["after"], one["unit"]), ""))
    rows.append((f"{marks[1]} − {marks[0]}", change(one["difference"], one["unit"]), ""))
    sampled = any(error is not None for error in errors)
    made = rows_grid(
        f"{one['what'].rstrip('.')} ({one['quantity']}): what each group moved.",
        ("", "value", "of the sampling"),
        rows,
    )
    if sampled:
        return made
    return Grid(made.caption, made.head[:2], made.numeric[:2], tuple(row[:2] for row in made.rows))


def _cards(answer: Answer) -> tuple[Card, ...]:
    found: list[Card] = []
    marks = letters(answer)
    for name, _ in _ASKED:
        row = _row(answer, name)
        if row is None:
            continue
        what = row["what"].rstrip(".")
        for side, (mark, value, grade) in enumerate(zip(marks, row["values"], row["grades"], strict=True)):
            if len(found) < 12:
                guesses = row.get("from_guesses", ())[side : side + 1]
                share = f"{100.0 * guesses[0]:.0f} %" if guesses and guesses[0] is not None else ""
                text, band = value_words(value, row["unit"]), interval_words(row, side)
                found.append(
                    Card(f"{mark}: {what}", text, "" if band else grade or "", name, what, band, share)
                )
    return tuple(found)


def words(answer: Answer) -> tuple[str, ...]:
    """What is compared, which is cheaper and how probably, what moved it, the error of a time."""
    texts = (
        f"{_beside(answer)} {_cheaper(answer)} {_others(answer)}".strip(),
        choice_words(answer),
        split_words(answer),
        _error(answer),
    )
    return tuple(text for text in texts if text)


def document(answer: Answer, again: Again, more: Any = None, *, everything: bool = False) -> Document:
    """Everything that the report of a comparison says; ``answer`` is what ``--json`` prints."""
    names = [side["name"] for side in answer["scenarios"]]
    marks = letters(answer)
    sides = [
        (a, side["name"], side["does"], side["source"], side["scenario_hash"] or "–", side["catalog"] or "–")
        for a, side in zip(marks, answer["scenarios"], strict=True)
    ]
    head, rows = side_by_side(answer, everything=everything)
    beside: list[Part] = [
        rows_grid("What is compared.", ("", "name", "does", "source", "scenario hash", "catalog"), sides),
        rows_grid(
            f"Quantities that {'differ' if everything else 'matter'}; "
            "differences and ratios against the first.",
            head,
            rows,
        ),
        *_cheaper_grid(answer),
        *decision_grid(answer),
        *_band_grid(answer),
    ]
    sections = [Section("beside", "Side by side", tuple(beside))]
    if changing := choice_parts(answer):
        sections.append(Section("choice", "What would change the choice", changing))
    split = answer["attribution"]
    if split is not None and split["groups"]:
        sections.append(Section("split", "Which input moved what", split_parts(answer)))
    inputs = [
        (row["quantity"], row["what"], *(_read(value) for value in row["values"])) for row in answer["inputs"]
    ]
    if inputs:
        made = rows_grid("Every input that differs, as it was read.", ("input", "what it is", *marks), inputs)
        sections.append(Section("inputs", "Inputs that differ", (made,)))
    told: list[Part] = []
    if answer["notices"]["all"]:
        told += [Text("Of every one of them:"), Points(tuple(answer["notices"]["all"]))]
    for mark, only in zip(marks, answer["notices"]["only"], strict=True):
        if only:
            told += [Text(f"Only of {mark}:"), Points(tuple(only))]
    if told:
        sections.append(Section("told", "What is to be known of each", tuple(told)))
    return Document(
        title=" beside ".join(names),
        setting=" · ".join(
            f"{a} {side['source']}" for a, side in zip(marks, answer["scenarios"], strict=True)
        ),
        paragraphs=words(answer),
        again=again,
        short=("beside", "choice", "split", "inputs", "told"),
        cards=_cards(answer),
        notices=tuple(answer["said"]),
        sections=tuple(sections),
        facts=facts_of(again),
    )

"""An inverse question as a document: the answer, what binds, what a wider limit would give; or a crossing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Section
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import amount, facts_of, listed, rows_grid, with_percent
from gigawatt.studies.run.far_off import training_error, training_error_grid
from gigawatt.studies.solve.figures import crossing, points, room

__all__ = ["document"]

Answer = Mapping[str, Any]

_MOST = 60
"""Points that the table has at most: the best first."""
_TOLD = 5e-4
"""Gains below this are not told as such."""


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of a question says; ``answer`` is what ``--json`` prints."""
    return _crossing(answer, again) if "where" in answer else _solved(answer, again)


def _at(values: Mapping[str, str]) -> str:
    return listed([f"{key} {words}" for key, words in values.items()])


def _asked(answer: Answer) -> str:
    sense = "largest" if answer["sense"] == "maximise" else "least"
    among = listed([f"{one['key']} from {one['low']} to {one['high']}" for one in answer["unknowns"]])
    text = f"Question: the {sense} {answer['objective']} of {answer['scenario']} over {among}"
    if answer["limits"]:
        text += f" with {listed([one['limit'] for one in answer['limits']])}"
    sought = {one["key"] for one in answer["unknowns"]}
    held = [f"{key} at {value}" for key, value in answer["settings"].items() if key not in sought]
    if held:
        text += f"{',' if answer['limits'] else ''} {'and' if answer['limits'] else 'with'} {listed(held)}"
    return f"{text}."


def _answered(answer: Answer) -> str:
    searched = answer["searched"]
    looked = f"{searched['points']:,} {'point' if searched['points'] == 1 else 'points'}"
    if not answer["found"]:
        if not answer["values"]:
            return f"No point of the range could be computed ({looked} evaluated)."
        missed = [one for one in answer["limits"] if one["value"] is not None and one["room"] < 0.0]
        by = [
            f"{one['quantity']} is {amount(one['value'], one['unit'])}, "
            f"{with_percent(-one['room'], 1)} of the limit beyond it"
            for one in missed
        ]
        near = f" The nearest of {looked} is {_at(answer['values'])}: {listed(by)}." if by else ""
        return f"No point of the range meets every limit.{near}"
    value = amount(answer["value"], answer["unit"], 4)
    sure = "every point was evaluated" if searched["exact"] else "it is not proven to be the best"
    ends = [one["key"] for one in answer["unknowns"] if one["at_end"]]
    text = f"It is {value} ({answer['grade']}), at {_at(answer['values'])}; of {looked}, {sure}."
    if ends:
        verb = "lies at an end of its range" if len(ends) == 1 else "lie at an end of their ranges"
        text += f" {listed(ends)} {verb}: a wider range may give more."
    return text


def _bound(answer: Answer) -> str:
    if not answer["limits"]:
        return "No limit was set; only the range binds."
    binding = [one for one in answer["limits"] if one["binds"]]
    if not binding:
        free = [f"{one['quantity']} has {with_percent(one['room'], 1)} of its limit left"
                for one in answer["limits"] if one["value"] is not None]  # fmt: skip
        return f"No limit binds: {listed(free)}." if free else "No limit binds."
    names = listed([one["limit"] for one in binding])
    text = f"The binding {'limit is' if len(binding) == 1 else 'limits are'} {names}"
    gains = [one for one in binding if one["gain_if_wider"] > _TOLD]
    if gains:
        wider = [
            f"{with_percent(one['wider_by'])} more of {one['quantity']} would give "
            f"{amount(one['objective_if_wider'], answer['unit'], 4)} "
            f"({with_percent(one['gain_if_wider'], 1)} better)"
            for one in gains
        ]
        text += f"; {listed(wider)}"
    else:
        text += f"; {with_percent(binding[0]['wider_by'])} more of it would give nothing better"
    return f"{text}."


def _error(names: list[str]) -> str:
    """The band of a step where a time or a rate of training is in the question."""
    said = training_error(names)
    return f"{said.removesuffix('.')}; a limit met by a smaller margin may be missed." if said else ""


def _solved(answer: Answer, again: Again) -> Document:
    unit, searched = answer["unit"], answer["searched"]
    names = [answer["objective"], *(one["quantity"] for one in answer["limits"])]
    sections = [Section("answer", "The answer", _answer_tables(answer, names))]
    if answer["limits"]:
        caption = "Margin of each value to its limit; binding limits are dark."
        drawing = drawn("room", partial(room, answer), caption)
        sections.append(
            Section("limits", "Binding limits, and what would relieve them", (drawing, _limits(answer)))
        )
    sections += _points(answer)
    if answer["not_computable"]:
        rows = [(why, f"{times:,}") for why, times in answer["not_computable"].items()]
        lost = rows_grid("Points that could not be computed.", ("why", "points"), rows)
        sections.append(Section("lost", "Without an answer", (lost,)))
    texts = (
        f"{_asked(answer)} {_answered(answer)}",
        _bound(answer) if answer["found"] else "",
        _error(names),
    )
    sense = "Largest" if answer["sense"] == "maximise" else "Least"
    cards = [Card(one["key"], answer["values"].get(one["key"], "–")) for one in answer["unknowns"]]
    if answer["value"] is not None:
        cards.insert(0, Card(f"{sense} {answer['objective']}", amount(answer["value"], unit, 4),
                             answer["grade"] or "", answer["objective"]))  # fmt: skip
    return Document(
        title=f"{sense} {answer['objective']}",
        setting=answer["scenario"],
        paragraphs=tuple(text for text in texts if text),
        again=again,
        short=("answer", "crossing", "limits"),
        cards=tuple(cards),
        notices=tuple(answer["notices"]),
        sections=tuple(sections),
        facts=facts_of(again, ("seed", searched["seed"]), ("CPU seconds", searched["cpu_seconds"])),
    )


def _answer_tables(answer: Answer, names: list[str]) -> tuple[Part, ...]:
    """Unknowns, the objective, the error of a step, and what was held."""
    unknowns = [
        (one["key"], answer["values"].get(one["key"], "–"), one["low"], one["high"], one["values"] or "–",
         one["chosen"], "yes" if one["at_end"] else "")
        for one in answer["unknowns"]
    ]  # fmt: skip
    heads = ("unknown", "found", "from", "to", "values", "chosen", "at an end")
    searched = answer["searched"]
    optimum = (
        answer["objective"], "–" if answer["value"] is None else amount(answer["value"], answer["unit"], 4),
        answer["grade"] or "–", f"{searched['points']:,}", searched["method"],
        "yes" if searched["exact"] else "no",
    )  # fmt: skip
    of_optimum = ("objective", "value", "grade", "points", "searched", "proven best")
    parts: list[Part] = [
        rows_grid("Unknowns and their optimum.", heads, unknowns),
        rows_grid("The answer.", of_optimum, [optimum], grade="grade"),
        *training_error_grid(names),
    ]
    if answer["settings"]:
        held = list(answer["settings"].items())
        parts.append(rows_grid("Fixed at every point.", ("key", "value"), held))
    return tuple(parts)


def _limits(answer: Answer) -> Grid:
    rows = [
        (one["limit"], "–" if one["value"] is None else amount(one["value"], one["unit"]),
         "–" if one["room"] is None else with_percent(one["room"], 1) if one["room"] >= 0.0
         else f"−{with_percent(-one['room'], 1)}",
         "binds" if one["binds"] else "", f"{one['better_points_stopped']:,}",
         with_percent(one["wider_by"]),
         "–" if one["objective_if_wider"] is None else amount(one["objective_if_wider"], answer["unit"], 4),
         with_percent(one["gain_if_wider"], 1), one["values_if_wider"])
        for one in answer["limits"]
    ]  # fmt: skip
    heads = ("limit", "value", "room", "binds", "better points stopped", "wider by", "then", "gain", "at")
    return rows_grid("Limits, and what more of each would give.", heads, rows)


def _points(answer: Answer) -> list[Section]:
    known = [one for one in answer["points"] if answer["objective"] in one["amounts"]]
    if not known:
        return []
    most = answer["sense"] == "maximise"
    place = answer["objective"]
    kept = [one for one in known if one["amounts"][place] is not None]
    kept.sort(key=lambda one: (one["excess"] is not None and one["excess"] > 1e-6,
                               -one["amounts"][place] if most else one["amounts"][place]))  # fmt: skip
    names = list(dict.fromkeys(name for one in kept for name in one["amounts"]))
    units = {place: answer["unit"], **{one["quantity"]: one["unit"] for one in answer["limits"]}}
    keys = [one["key"] for one in answer["unknowns"]]
    rows = [
        (
            *(one["values"].get(key, "–") for key in keys),
            *(amount(one["amounts"].get(name), units.get(name, "1"), 4) for name in names),
            "yes" if one["excess"] is None or one["excess"] <= 1e-6 else "no",
        )
        for one in kept[:_MOST]
    ]
    shown = f"the best {_MOST} of {len(kept):,}" if len(kept) > _MOST else f"all {len(kept):,}"
    table = rows_grid(f"Points evaluated: {shown}.", (*keys, *names, "meets every limit"), rows)
    parts: list[Part] = [table]
    if points(answer, kept) is not None:
        caption = f"{place} of every evaluated point over {keys[0]}; dark ones meet every limit."
        parts.insert(0, drawn("points", partial(points, answer, kept), caption))
    return [Section("points", "Points evaluated", tuple(parts))]


def _crossing_words(answer: Answer) -> str:
    """Question and answer of a crossing in words: where it first holds, begins and ceases."""
    key, rows = answer["unknown"], answer["rows"]
    low, high = (rows[0]["value"], rows[-1]["value"]) if rows else ("–", "–")
    asked = f"Question: from where on {answer['where']} holds, over {key} from {low} to {high}."
    if answer["first"] is None:
        said = "It holds nowhere in that range"
        near = answer["nearest"]
        if near is not None and near["missed_by"] is not None:
            said += (
                f"; nearest is {key} {near['value']}, which misses it by {with_percent(near['missed_by'], 1)}"
            )
    else:
        said = f"It holds first at {key} {answer['first']}"
    turns = [
        f"it {'begins' if one['holds_after'] else 'ceases'} between {one['before']} and {one['after']}"
        for one in answer["crossings"]
    ]
    text = f"{asked} {said}{'; ' if turns else ''}{listed(turns) if turns else ''}."
    course = "changes one way only" if answer["searched"]["monotone"] else "turns on the way"
    return f"{text} The difference of the two sides {course} at the {len(rows)} evaluated values."


def _crossing(answer: Answer, again: Again) -> Document:
    key, unit = answer["unknown"], answer["unit"]
    searched = answer["searched"]
    grid = rows_grid(
        f"Both sides at every value of {key} that was evaluated.",
        (key, "left side", "right side", "holds"),
        [
            (one["value"], amount(one["left"], unit, 4), amount(one["right"], unit, 4),
             "yes" if one["holds"] else "no")
            for one in answer["rows"]
        ],
    )  # fmt: skip
    turned = rows_grid(
        "Where it begins and ceases to hold.",
        ("between", "and", "left side", "right side", "then it holds"),
        [
            (one["before"], one["after"], amount(one["left"], unit, 4), amount(one["right"], unit, 4),
             "yes" if one["holds_after"] else "no")
            for one in answer["crossings"]
        ],
    )  # fmt: skip
    parts: list[Part] = [
        drawn("crossing", partial(crossing, answer), f"The two sides of {answer['where']} over {key}.")
    ]
    parts += [turned] if answer["crossings"] else []
    sides = [part.strip().removeprefix("other:") for part in answer["where"].split("<=")]
    parts += [grid, *training_error_grid(sides)]
    sections = [Section("crossing", "Where one passes the other", tuple(parts))]
    if answer["not_computable"]:
        lost = rows_grid("Values that could not be computed.", ("where and why",),
                         [(words,) for words in answer["not_computable"]])  # fmt: skip
        sections.append(Section("lost", "Without an answer", (lost,)))
    error = _error(sides)
    cards = () if answer["first"] is None else (Card(f"{key}, first", str(answer["first"])),)
    return Document(
        title=f"Where {answer['where']}",
        setting=f"over {key}",
        paragraphs=(_crossing_words(answer), *([error] if error else [])),
        again=again,
        short=("answer", "crossing", "limits"),
        cards=cards,
        sections=tuple(sections),
        facts=facts_of(again, ("searched", searched["method"]), ("CPU seconds", searched["cpu_seconds"])),
    )

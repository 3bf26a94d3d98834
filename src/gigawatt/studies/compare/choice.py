"""The choice between two results in words, as tables and as a figure: how sure, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Grid, Part
from gigawatt.faces.figures.ranges import Bar, tornado
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import listed, rows_grid
from gigawatt.studies.compare.figures import value_words
from gigawatt.studies.run.responses import input_value, input_words

__all__ = ["choice_figure", "choice_parts", "choice_words", "decision_grid"]

Answer = Mapping[str, Any]
_COSTS = ("ledger.", "economics.")
_TOLD, _ROWS = 2, 4
"""Inputs that the sentence names, and that the table has of each quantity."""
_LEAST = 0.005
"""Probability below which it is called under 1 %."""


def _cost_decision(answer: Answer) -> Mapping[str, Any] | None:
    """The decision by cost, the first that there is."""
    return next((one for one in answer["decisions"] if one["quantity"].startswith(_COSTS)), None)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= _LEAST else "under 1 %"


def _other(one: Mapping[str, Any]) -> str:
    """The side that is not the lower one with every input at its value."""
    return "A" if one["ratio"] < 1.0 else "B"


def choice_words(answer: Answer) -> str:
    """How probably the cheaper one is cheaper, and which inputs would change that; empty without draws."""
    one = _cost_decision(answer)
    if one is None:
        return ""
    probability = one["probability_first_lower"]
    mark, probability = ("A", probability) if probability >= 0.5 else ("B", 1.0 - probability)
    text = (
        f"With the uncertain inputs of both sampled together, {mark} is cheaper with a probability of "
        f"{100 * probability:.0f} % (B / A: 90 % interval {significant(one['ratio_low'])} to "
        f"{significant(one['ratio_high'])})."
    )
    if one["value_of_information"]:
        names = [input_words(name) for name in list(one["value_of_information"])[:3]]
        text += f" Highest value of information: {listed(names)}."
    return f"{text} {_change_words(one)}".rstrip()


def _change_words(one: Mapping[str, Any]) -> str:
    """Inputs that alone make the other one cheaper; two together; or that none does."""
    if one["break_even"] is None or one["ratio"] == 1.0:
        return ""
    other = _other(one)
    if one["break_even"]:
        said = [
            f"{row['words']} {_beyond(row)} (probability {_percent(row['probability'])}; {row['settled_by']} "
            "settles it)"
            for row in one["break_even"][:_TOLD]
        ]
        return f"By itself, {' or '.join(said)} would make {other} cheaper."
    return f"No single input makes {other} cheaper within its range{_pair_words(one)}."


def _pair_words(one: Mapping[str, Any]) -> str:
    if one["pair"]:
        both = listed([input_words(name) for name in one["pair"]])
        return f"; {both} together do at the ends of theirs, by the product of their effects"
    return ", nor do two of them together"


def _beyond(row: Mapping[str, Any]) -> str:
    return f"{'above' if row['above'] else 'below'} {row['shown']}"


def choice_parts(answer: Answer) -> tuple[Part, ...]:
    """A figure of the cost ratio under single inputs, and a table of those that change a choice."""
    known = [one for one in answer["decisions"] if one["break_even"] is not None and one["ratio"] != 1.0]
    if not known:
        return ()
    parts: list[Part] = []
    cost = _cost_decision(answer)
    if cost is not None and cost["ratios"]:
        caption = (
            "Cost of B over that of A with one input at the low or at the high end of its range (5 and "
            "95 %), all others at their values: a bar across 1 changes the choice."
        )
        parts.append(drawn("choice", partial(choice_figure, cost), caption, titled=False))
    named = {row["quantity"]: row["what"].rstrip(".") for row in answer["quantities"]}
    rows = [row for one in known for row in _rows(one, named.get(one["quantity"], one["quantity"]))]
    heads = (
        "quantity", "input", "makes lower", "beyond", "its range", "probability", "value of information",
        "grade", "settled by",
    )  # fmt: skip
    if rows:
        caption = (
            "Inputs that by themselves change which of the two is lower, all others at their values: the "
            "value at which both are equal, and how probably the input lies beyond it."
        )
        parts.append(rows_grid(caption, heads, rows, grade="grade"))
    firm = [
        (
            named.get(one["quantity"], one["quantity"]), "B" if _other(one) == "A" else "A",
            listed([input_words(name) for name in one["pair"]]) if one["pair"] else "–", _chance(one),
        )
        for one in known
        if not one["break_even"]
    ]  # fmt: skip
    if firm:
        heads = ("quantity", "lower", "two that change it", "probability that the other is lower")
        parts.append(rows_grid("Choices that no single input changes within its range.", heads, firm))
    return tuple(parts)


def _chance(one: Mapping[str, Any]) -> str:
    """Probability that the other one is lower, all inputs drawn together."""
    first = one["probability_first_lower"]
    return _percent(first if _other(one) == "A" else 1.0 - first)


def _rows(one: Mapping[str, Any], what: str) -> list[tuple[str, ...]]:
    return [
        (
            what if at == 0 else "", row["words"], _other(one), _beyond(row),
            " to ".join(_end(row, row[end]) for end in ("low", "high")), _percent(row["probability"]),
            value_words(row["value_of_information"], one["unit"]) if row["value_of_information"] else "–",
            row["grade"], row["settled_by"],
        )
        for at, row in enumerate(one["break_even"][:_ROWS])
    ]  # fmt: skip


def _end(row: Mapping[str, Any], value: float) -> str:
    middle = row["middle"]
    return input_value(value, (row["low"], middle, middle, middle, row["high"]), row["unit"])


def choice_figure(one: Mapping[str, Any]) -> Any:
    """Second over first of a quantity with each input at either end of its range.

    Parameters
    ----------
    one : mapping
        One of the ``decisions`` of an answer.
    """
    bars = [
        Bar(row["words"], row["low"], row["high"], row["low_end"], row["high_end"]) for row in one["ratios"]
    ]
    made = tornado(
        bars, one["ratio"], title="Cost of B over A under single inputs",
        x=f"B / A, line: {significant(one['ratio'])}", words=lambda value: f"B / A {significant(value)}",
    )  # fmt: skip
    made.add_vline(x=1.0, line={"color": "#c1121f", "width": 2, "dash": "dot"})
    return made


def decision_grid(answer: Answer) -> list[Grid]:
    """Probability, ratio, expected regret and value of information by quantity; empty without draws."""
    named = {row["quantity"]: row["what"].rstrip(".") for row in answer["quantities"]}
    rows = [
        (
            named.get(one["quantity"], one["quantity"]),
            f"{100 * one['probability_first_lower']:.0f} %",
            f"{significant(one['ratio_low'])} to {significant(one['ratio_high'])}",
            value_words(one["expected_regret"], one["unit"]),
            ", ".join(
                f"{input_words(name)} ({value_words(value, one['unit'])})"
                for name, value in one["value_of_information"].items()
            ),
        )
        for one in answer["decisions"]
    ]
    if not rows:
        return []
    heads = ("quantity", "A is lower", "B / A, 90 % interval", "expected regret", "value of information")
    caption = (
        "Choice under uncertainty, less being better. Expected regret: mean loss of choosing the smaller "
        "mean against perfect information. Value of information: what perfect information on one input "
        "saves of it."
    )
    return [rows_grid(caption, heads, rows)]

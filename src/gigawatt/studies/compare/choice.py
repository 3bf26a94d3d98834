"""The choice among results in words, as tables and as figures: how sure, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from gigawatt.core.document import Grid, Part
from gigawatt.faces.figures.ranges import Bar, Whisker, tornado, whiskers
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import listed, rows_grid
from gigawatt.studies.compare.figures import letters, value_words
from gigawatt.studies.run.responses import input_value, input_words

__all__ = ["choice_figure", "choice_parts", "choice_words", "costs_figure", "decision_grid"]

Answer = Mapping[str, Any]
_COSTS = ("ledger.", "economics.")
_TOLD, _ROWS, _DRAWN = 2, 4, 3
"""Inputs that the sentence names, that the table has of each quantity, and rivals that have a figure."""
_LEAST = 0.005
"""Probability below which it is called under 1 %."""


def _cost_decision(answer: Answer) -> Mapping[str, Any] | None:
    """The decision by cost, the first that there is; none among results that do not do the same."""
    if len({side["does"] for side in answer["scenarios"]}) > 1:
        return None
    return next((one for one in answer["decisions"] if one["quantity"].startswith(_COSTS)), None)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= _LEAST else "under 1 %"


def _ends(pair: Mapping[str, Any], marks: Sequence[str]) -> tuple[str, str]:
    """Letters of the lower one of a pair with every input at its value, and of the other."""
    first, second = (str(marks[pair[side]]) for side in ("first", "second"))
    return (first, second) if pair["ratio"] >= 1.0 else (second, first)


def _over(pair: Mapping[str, Any], marks: Sequence[str]) -> str:
    return f"{marks[pair['second']]} / {marks[pair['first']]}"


def choice_words(answer: Answer) -> str:
    """How probably the cheapest one is, and which inputs would change that; empty without draws."""
    one = _cost_decision(answer)
    if one is None:
        return ""
    marks = letters(answer)
    order = sorted(range(len(marks)), key=lambda side: -one["lowest"][side])
    best, near = order[0], one["pairs"][0]
    if len(marks) == 2:
        text = (
            f"With the uncertain inputs of both sampled together, {marks[best]} is cheaper with a "
            f"probability of {100 * one['lowest'][best]:.0f} % ({_over(near, marks)}: 90 % interval "
            f"{significant(near['ratio_low'])} to {significant(near['ratio_high'])})."
        )
    else:
        others = listed([f"{marks[side]} with {_percent(one['lowest'][side])}" for side in order[1:]])
        text = (
            f"With the uncertain inputs of all sampled together, {marks[best]} is the cheapest with a "
            f"probability of {100 * one['lowest'][best]:.0f} %, {others}."
        )
        if one["chosen"] != best:
            text += f" {marks[one['chosen']]} has the smallest mean cost."
    if one["value_of_information"]:
        names = [input_words(name) for name in list(one["value_of_information"])[:3]]
        text += f" Highest value of information: {listed(names)}."
    return f"{text} {_change_words(near, marks)}".rstrip()


def _change_words(pair: Mapping[str, Any], marks: Sequence[str]) -> str:
    """Inputs that alone make the other one cheaper; two together; or that none does."""
    if pair["break_even"] is None or pair["ratio"] == 1.0:
        return ""
    lower, other = _ends(pair, marks)
    than = "" if len(marks) == 2 else f" than {lower}"
    if pair["break_even"]:
        said = [
            f"{row['words']} {_beyond(row)} (probability {_percent(row['probability'])}; {row['settled_by']} "
            "settles it)"
            for row in pair["break_even"][:_TOLD]
        ]
        return f"By itself, {' or '.join(said)} would make {other} cheaper{than}."
    return f"No single input makes {other} cheaper{than} within its range{_pair_words(pair)}."


def _pair_words(pair: Mapping[str, Any]) -> str:
    if pair["together"]:
        both = listed([input_words(name) for name in pair["together"]])
        return f"; {both} together do at the ends of theirs, by the product of their effects"
    return ", nor do two of them together"


def _beyond(row: Mapping[str, Any]) -> str:
    return f"{'above' if row['above'] else 'below'} {row['shown']}"


def choice_parts(answer: Answer) -> tuple[Part, ...]:
    """Costs with their intervals, cost ratios under single inputs, and the inputs that change a choice."""
    marks, cost = letters(answer), _cost_decision(answer)
    parts: list[Part] = [] if cost is None else list(_figures(answer, cost, marks))
    named = {row["quantity"]: row["what"].rstrip(".") for row in answer["quantities"]}
    known = [
        (named.get(one["quantity"], one["quantity"]), one["unit"], pair)
        for one in answer["decisions"]
        for pair in one["pairs"]
        if pair["break_even"] is not None and pair["ratio"] != 1.0
    ]
    rows = [row for what, unit, pair in known for row in _rows(what, unit, pair, marks)]
    heads = (
        "quantity", "input", "makes lower", "beyond", "its range", "probability", "value of information",
        "grade", "settled by",
    )  # fmt: skip
    if rows:
        caption = (
            "Inputs that by themselves change which of two is lower, all others at their values: the "
            "value at which both are equal, and how probably the input lies beyond it."
        )
        parts.append(rows_grid(caption, heads, rows, grade="grade"))
    firm = [
        (
            what, _than(pair, marks),
            listed([input_words(name) for name in pair["together"]]) if pair["together"] else "–",
            _chance(pair),
        )
        for what, _, pair in known
        if not pair["break_even"]
    ]  # fmt: skip
    if firm:
        heads = ("quantity", "lower", "two that change it", "probability that the other is lower")
        parts.append(rows_grid("Choices that no single input changes within its range.", heads, firm))
    return tuple(parts)


def _figures(answer: Answer, cost: Mapping[str, Any], marks: Sequence[str]) -> list[Part]:
    """The costs beside one another, and the ratio to each of the likeliest rivals under single inputs."""
    parts: list[Part] = []
    if all(low < high for low, _, _, _, high in cost["quantiles"]):
        caption = (
            "Cost as a multiple of the smallest median: median, 50 % interval (thick), 90 % interval (thin). "
            "Draws are shared, so that intervals may overlap where one is nearly always the cheaper."
        )
        names = [side["name"] for side in answer["scenarios"]]
        parts.append(drawn("costs", partial(costs_figure, cost, marks, names), caption, titled=False))
    for pair in [one for one in cost["pairs"] if one["ratios"]][:_DRAWN]:
        first, second = marks[pair["first"]], marks[pair["second"]]
        caption = (
            f"Cost of {second} over that of {first} with one input at the low or at the high end of its "
            "range (5 and 95 %), all others at their values: a bar across 1 changes the choice."
        )
        name = "choice" if len(marks) == 2 else f"choice-{first}-{second}".lower()
        parts.append(drawn(name, partial(choice_figure, pair, marks), caption, titled=False))
    return parts


def _than(pair: Mapping[str, Any], marks: Sequence[str]) -> str:
    lower, other = _ends(pair, marks)
    return lower if len(marks) == 2 else f"{lower} (than {other})"


def _chance(pair: Mapping[str, Any]) -> str:
    """Probability that the other one of a pair is lower, all inputs drawn together."""
    first = pair["probability_first_lower"]
    return _percent(first if pair["ratio"] < 1.0 else 1.0 - first)


def _rows(
    what: str, unit: str, pair: Mapping[str, Any], marks: Sequence[str]
) -> list[tuple[str, ...]]:  # fmt: skip
    lower, other = _ends(pair, marks)
    makes = other if len(marks) == 2 else f"{other} (than {lower})"
    return [
        (
            what if at == 0 else "", row["words"], makes, _beyond(row),
            " to ".join(_end(row, row[end]) for end in ("low", "high")), _percent(row["probability"]),
            value_words(row["value_of_information"], unit) if row["value_of_information"] else "–",
            row["grade"], row["settled_by"],
        )
        for at, row in enumerate(pair["break_even"][:_ROWS])
    ]  # fmt: skip


def _end(row: Mapping[str, Any], value: float) -> str:
    middle = row["middle"]
    return input_value(value, (row["low"], middle, middle, middle, row["high"]), row["unit"])


def costs_figure(one: Mapping[str, Any], marks: Sequence[str], names: Sequence[str]) -> Any:
    """Medians, 50 and 90 % intervals of a quantity of every result, as multiples of the smallest median.

    Parameters
    ----------
    one : mapping
        One of the ``decisions`` of an answer.
    marks, names : sequence of str
        Letters and names of the results.
    """
    least = min(five[2] for five in one["quantiles"])
    rows = [
        Whisker(
            f"{mark} {name}", tuple(value / least for value in five),  # pyright: ignore[reportArgumentType]
            f"{value_words(five[2], one['unit'])}, 90 % {value_words(five[0], one['unit'])} to "
            f"{value_words(five[4], one['unit'])}",
        )
        for mark, name, five in zip(marks, names, one["quantiles"], strict=True)
    ]  # fmt: skip
    return whiskers(rows, title="Cost of each", x=f"multiple of {value_words(least, one['unit'])}")


def choice_figure(pair: Mapping[str, Any], marks: Sequence[str]) -> Any:
    """Second over first of a quantity with each input at either end of its range.

    Parameters
    ----------
    pair : mapping
        One of the ``pairs`` of a decision.
    marks : sequence of str
        Letters of the results.
    """
    bars = [
        Bar(row["words"], row["low"], row["high"], row["low_end"], row["high_end"]) for row in pair["ratios"]
    ]
    over = _over(pair, marks)
    first, second = marks[pair["first"]], marks[pair["second"]]
    made = tornado(
        bars, pair["ratio"], title=f"Cost of {second} over {first} under single inputs",
        x=f"{over}, line: {significant(pair['ratio'])}", words=lambda value: f"{over} {significant(value)}",
    )  # fmt: skip
    made.add_vline(x=1.0, line={"color": "#c1121f", "width": 2, "dash": "dot"})
    return made


def decision_grid(answer: Answer) -> list[Grid]:
    """Probabilities, ratios, expected regret and value of information by quantity; empty without draws."""
    if not answer["decisions"]:
        return []
    named = {row["quantity"]: row["what"].rstrip(".") for row in answer["quantities"]}
    marks = letters(answer)
    rows = [
        (
            named.get(one["quantity"], one["quantity"]),
            *(_percent(share) for share in one["lowest"]),
            "; ".join(_interval(pair, marks) for pair in one["pairs"]),
            value_words(one["expected_regret"], one["unit"]),
            ", ".join(
                f"{input_words(name)} ({value_words(value, one['unit'])})"
                for name, value in one["value_of_information"].items()
            ),
        )
        for one in answer["decisions"]
    ]  # fmt: skip
    heads = (
        "quantity", *(f"{mark} is lowest" for mark in marks), "ratio, 90 % interval", "expected regret",
        "value of information",
    )  # fmt: skip
    caption = (
        "Choice under uncertainty, less being better. Expected regret: mean loss of choosing the smallest "
        "mean against perfect information. Value of information: what perfect information on one input "
        "saves of it."
    )
    return [rows_grid(caption, heads, rows)]


def _interval(pair: Mapping[str, Any], marks: Sequence[str]) -> str:
    low, high = (significant(pair[end]) for end in ("ratio_low", "ratio_high"))
    return f"{_over(pair, marks)} {low} to {high}"

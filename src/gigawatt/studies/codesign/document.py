"""A co-design as a document: the best designs, why they are better, and whether beyond the error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Section, Text
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import amount, facts_of, few, listed, rows_grid, with_percent
from gigawatt.studies.codesign.figures import front, gains, relief

__all__ = ["document"]

Answer = Mapping[str, Any]

_BEYOND, _SHARED = "beyond the error", "beyond the error both share"
_INSIDE, _NONE = "inside the error", "no gain"
_TOLD = 0.005
"""Savings below this are not told."""


def _unit(answer: Answer, metric: str) -> str:
    return str(answer["units"][metric]).replace("*", " ")


def _asked(answer: Answer) -> str:
    searched, names = answer["searched"], answer["objectives"]
    what = "serves" if answer["serves"] else "trains"
    limits = [
        f"{name} at most {amount(most, _unit(answer, name))}" for name, most in answer["limits"].items()
    ]
    free = sum(len(gene["values"]) > 1 for gene in answer["genes"])
    text = (
        f"Question: which chip, model and machine together take least {listed(names)} where a model "
        f"{what}, {free} choices free{f', with {listed(limits)}' if limits else ''}. Of "
        f"{searched['designs']:,} designs evaluated, {searched['front']:,} "
        f"{'lies' if searched['front'] == 1 else 'lie'} on the Pareto front."
    )
    return f"{text} The measure of all is today's chip, {answer['design']}, built from its parts as they are."


def _best(answer: Answer) -> str:
    """The design of least of each, and the balanced one, over today's chip."""
    said: list[str] = []
    for one in answer["designs"]:
        metric = one["name"].removeprefix("least ")
        if metric in one["over_twin"]:
            value = one["over_twin"][metric]
            found = amount(one["metrics"][metric], _unit(answer, metric))
            said.append(f"the design of least {metric} takes {few(value)} of today's ({found})")
        elif one["name"] == "balanced":
            parts = [f"{few(one['over_twin'][m])} of the {m}" for m in answer["objectives"]]
            said.append(f"the balanced one takes {listed(parts)}")
    if not said:
        return ""
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}."


def _held(answer: Answer) -> str:
    over = answer["found_over_held"]
    if not over:
        return ""
    parts = [f"{few(value)} of the {metric}" for metric, value in over.items()]
    return (
        "Beside today's hardware at its best, with format, shape, machine and power as free as theirs, the "
        f"least found takes {listed(parts)}."
    )


def _sure(answer: Answer) -> str:
    """Whether what a design gains is more than the model's error."""
    groups: dict[str, list[str]] = {_BEYOND: [], _SHARED: [], _INSIDE: [], _NONE: []}
    for one in answer["designs"]:
        metric = one["name"].removeprefix("least ")
        for row in one["error"]:
            if row["metric"] != metric and one["name"] != "balanced":
                continue
            ends = f"{few(row['own'][0], 2)} to {few(row['own'][1], 2)}"
            words = f"the {row['metric']} of the {one['name']} design ({few(row['ratio'])}; {ends})"
            groups[row["verdict"] if row["ratio"] < 1.0 else _NONE].append(words)
    if not any(groups.values()):
        return "Whether these gains exceed the model's error was not sampled."
    told = {
        _BEYOND: "Beyond the error of the laws that the chip is built by: ",
        _SHARED: "Beyond it only where both chips share that error: ",
        _INSIDE: "Inside it, so that the gain may be none: ",
        _NONE: "No gain at all in the same use: ",
    }
    said = [f"{lead}{listed(groups[verdict])}." for verdict, lead in told.items() if groups[verdict]]
    lead = (
        "In the same use, each design over today's hardware, with 5 to 95 % of the draws of an error of each "
        "chip's own in brackets."
    )
    if not groups[_BEYOND]:
        lead += " No gain is beyond that error."
    return f"{lead} {' '.join(said)}"


def _bound(answer: Answer) -> str:
    """What binds today's chip, and what binds the balanced design."""
    rows = sorted(answer["twin"]["relief"], key=lambda row: -row["gain"])
    if not rows:
        return ""
    first = rows[0]
    text = (
        f"The bottleneck of today's chip is {first['words']}: twice as much would save "
        f"{with_percent(first['gain'], 1)}"
    )
    more = [f"{r['words']} ({with_percent(r['gain'], 1)})" for r in rows[1:3] if r["gain"] >= _TOLD]
    if more:
        text += f", before {listed(more)}"
    balanced = next((one for one in answer["designs"] if one["name"] == "balanced"), None)
    if balanced is not None and balanced["relief"]:
        top = max(balanced["relief"], key=lambda row: row["gain"])
        text += f"; in the balanced design it is {top['words']} ({with_percent(top['gain'], 1)})"
    return f"{text}."


def _choices(answer: Answer) -> Grid:
    rows = [
        (
            gene["words"],
            gene["today"],
            *(
                one["genes"][gene["key"]] + (", an end of its range" if gene["key"] in one["at_end"] else "")
                for one in answer["designs"]
            ),
        )
        for gene in answer["genes"]
    ]
    heads = ("choice", "today", *(one["name"] for one in answer["designs"]))
    return rows_grid("What each design chooses.", heads, rows)


def _ratios(answer: Answer) -> Grid:
    rows: list[tuple[str, ...]] = []
    for one in answer["designs"]:
        for metric in answer["objectives"]:
            error = next((row for row in one["error"] if row["metric"] == metric), None)
            rows.append(
                (
                    one["name"], metric, amount(one["metrics"][metric], _unit(answer, metric)),
                    few(one["over_twin"][metric]),
                    *(("–", "–", "–", "") if error is None else (
                        few(error["ratio"]),
                        f"{few(error['shared'][0], 2)} to {few(error['shared'][1], 2)}",
                        f"{few(error['own'][0], 2)} to {few(error['own'][1], 2)}", error["verdict"],
                    )),
                )
            )  # fmt: skip
    heads = ("design", "of", "value", "over today's as asked", "in the same use",
             "one error for both, 5 to 95 %", "an error each, 5 to 95 %", "so the gain is")  # fmt: skip
    return rows_grid("Designs over today's chip, with the error of the laws that build it.", heads, rows)


def _today(answer: Answer) -> Grid:
    names = answer["objectives"]

    def row(words: str, metrics: Mapping[str, Any], beaten: str = "–") -> tuple[str, ...]:
        return (words, *(amount(metrics[m], _unit(answer, m)) for m in names), beaten)

    rows = [row("today's chip from its parts, as asked", answer["twin"]["metrics"])]
    if answer["own"] is not None:
        rows.append(row(f"{answer['own']['chip']} of the catalog, as asked", answer["own"]["metrics"]))
    for one in answer["today"]:
        priced = "" if one["price_known"] else ", price by regression"
        count = f", {one['count']:,}" if one["count"] else ""
        words = f"{one['chip']}{count}, {one['format']}{priced}"
        rows.append(row(words, one["metrics"], f"{one['beaten_in_all_by']:,}"))
    rows += [row(f"found: {one['name']}", one["metrics"]) for one in answer["designs"]]
    heads = ("the same question on", *names, "designs better in all")
    return rows_grid("Designs beside chips of the catalog.", heads, rows)


def _over_held(answer: Answer) -> list[Grid]:
    if not answer["found_over_held"]:
        return []
    rows = [
        (metric, few(answer["held_at_its_best"][metric]), few(value))
        for metric, value in answer["found_over_held"].items()
    ]
    heads = ("least", "today's hardware at its best, over today's use", "least found, over that")
    return [rows_grid("The least found over the least of today's hardware with all else free.", heads, rows)]


def _apart(answer: Answer) -> Grid:
    names = answer["objectives"]
    rows: list[tuple[str, ...]] = []
    for one in answer["designs"]:
        groups = list(dict.fromkeys(group for part in one["parts"] for group in part["factors"]))
        for group in groups:
            cells = [part["factors"].get(group) for part in one["parts"]]
            rows.append((one["name"], group, *("–" if c is None else f"{c:.3f}" for c in cells)))
    caption = (
        "What each group of changes multiplies by (Shapley): the factors of a design multiply to the whole."
    )
    return rows_grid(caption, ("design", "change", *names), rows)


def _relief(answer: Answer) -> Grid:
    rows: list[tuple[str, ...]] = []
    for row in answer["twin"]["relief"]:
        found = [
            next((r["gain"] for r in one["relief"] if r["resource"] == row["resource"]), 0.0)
            for one in answer["designs"]
        ]
        rows.append((row["words"], *(with_percent(gain, 1) for gain in (row["gain"], *found))))
    heads = ("twice as much of", "today", *(one["name"] for one in answer["designs"]))
    return rows_grid("What twice as much of a resource would save, at no price.", heads, rows)


def _beside(answer: Answer) -> tuple[Part, ...]:
    tables = (_today(answer), *_over_held(answer))
    if not {"time", "cost", "energy"} <= set(answer["objectives"]):
        return tables
    over_time = "Cost over time of every design named here, beside today's chips."
    return (
        drawn("front-time", partial(front, answer), over_time),
        drawn("front-energy", partial(front, answer, "energy", "cost"), "Cost over energy of the same."),
        *tables,
    )


def _reasons(answer: Answer) -> tuple[Part, ...]:
    named = [one["name"] for one in answer["designs"]]
    chosen = "balanced" if "balanced" in named else named[0] if named else ""
    if not chosen:
        return _apart(answer), _relief(answer)
    caption = f"What twice as much of a resource would save: of today's chip, and of the {chosen} design."
    return (
        drawn("gains", partial(gains, answer, chosen), f"What each group of changes does: {chosen}."),
        _apart(answer),
        drawn("relief", partial(relief, answer, chosen), caption),
        _relief(answer),
    )


def _varied(answer: Answer) -> tuple[Part, ...]:
    searched = answer["searched"]
    search = (
        f"{searched['method']}, {searched['population']:,} designs × {searched['generations']:,} "
        f"generations, seed {searched['seed']}; {searched['kept_every_limit']:,} of "
        f"{searched['designs']:,} kept every limit."
    )
    varied = [(g["words"], g["group"], g["today"], ", ".join(g["values"])) for g in answer["genes"]]
    sources = [
        (one["name"], amount(one["electricity"], "$/MWh"), amount(one["carbon"], "g/kWh"))
        for one in answer["sources"]
    ]
    return (
        Text(search),
        rows_grid("What is varied: ranges are judgement.", ("choice", "group", "today", "values"), varied),
        rows_grid("Sources of power to choose from.", ("source", "electricity", "carbon"), sources),
    )


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of a co-design says; ``answer`` is what ``--json`` prints."""
    searched = answer["searched"]
    sections = (
        Section("designs", "The designs", (_choices(answer), _ratios(answer))),
        Section("beside", "Beside today's chips", _beside(answer)),
        Section("why", "Why: the bottleneck, and the gain from each change", _reasons(answer)),
        Section("varied", "What is varied, and how it was searched", _varied(answer)),
    )
    cards = [
        Card(
            f"{one['name'][:1].upper()}{one['name'][1:]}: {metric} over today's",
            few(one["over_twin"][metric]),
        )
        for one in answer["designs"]
        for metric in answer["objectives"]
        if one["name"] in (f"least {metric}", "balanced")
    ]
    texts = (
        f"{_asked(answer)} {_best(answer)} {_held(answer)}".strip(),
        _bound(answer),
        _sure(answer),
    )
    return Document(
        title=f"Co-design from {answer['design']}",
        setting="serving" if answer["serves"] else "training",
        paragraphs=tuple(text for text in texts if text),
        again=again,
        short=("designs", "beside", "why"),
        cards=tuple(cards),
        notices=tuple(answer["notices"]),
        sections=sections,
        facts=facts_of(again, ("seed", searched["seed"]), ("CPU seconds", searched["cpu_seconds"])),
    )

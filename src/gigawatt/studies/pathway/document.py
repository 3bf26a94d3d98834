"""A pathway of supply as a document: plants built and retired by year, and load that waits for power."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Points, Section
from gigawatt.core.evidence import worst
from gigawatt.faces.figures.readable import large, significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid, trusted, with_percent
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.studies.pathway.figures import FIGURES, plants_shown

__all__ = ["document"]

Answer = Mapping[str, Any]


def _years(step: Mapping[str, Any]) -> str:
    return f"{step['year']:g} to {step['end']:g}"


def _question(answer: Answer) -> str:
    first, last = answer["steps"][0], answer["steps"][-1]
    low, high = (with_unit(step["load_MW"], "MW") for step in (first, last))
    load = f"{low} of load" if low == high else f"{low} of load, rising to {high},"
    return (
        f"Cheapest supply of {load} at {answer['site']} from {first['year']:g} to {answer['end']:g}, in "
        f"{len(answer['steps'])} {'step' if len(answer['steps']) == 1 else 'steps'}:"
    )


def _summary(answer: Answer, grade: str) -> str:
    last = answer["steps"][-1]
    names = plants_shown(answer)
    stand = [
        f"{name} {with_unit(last['plants'][i]['capacity_MW'], 'MW')}"
        for i, name in names
        if last["plants"][i]["capacity_MW"] > 0.001 * last["load_MW"]
    ]
    text = (
        f"the present cost is {with_unit(answer['present_cost_M$'], 'M$')} at a discount rate of "
        f"{with_percent(answer['discount_rate'], 1)} a year ({grade})."
    )
    if stand:
        text += f" The last step has {listed(stand)}"
        cost = last["cost_$/MWh"]
        if cost is not None:
            text += f"; its electricity costs ${significant(cost)}/MWh"
        if last["carbon_g/kWh"] is not None:
            text += f" and emits {significant(last['carbon_g/kWh'])} g/kWh"
        text += "."
    return text


def _waits(answer: Answer) -> str:
    waits = [step for step in answer["steps"] if step["not_served_GWh"] > 1e-3 * _energy(step)]
    if not waits:
        return "No step waits for power."
    spans = [
        f"{with_percent(step['not_served_GWh'] / _energy(step))} of the load from {_years(step)}"
        for step in waits
    ]
    total = large(answer["idle_accelerator_hours"])
    return f"Load that waits for power: {listed(spans)}; {total} idle accelerator-hours in total."


def _energy(step: Mapping[str, Any]) -> float:
    return float(step["served_GWh"]) + float(step["not_served_GWh"])


def _error(answer: Answer) -> str:
    weeks = answer["weeks"]
    text = f"Each step is planned on {weeks['hours']:,} representative hours of its year"
    if weeks["error_of_cost"] is None:
        return f"{text}; their error was not checked (--check)."
    return (
        f"{text}; in {weeks['checked_step']:g} their cost is off by {100 * weeks['error_of_cost']:+.1f} % "
        "against every hour."
    )


def _steps(answer: Answer) -> Grid:
    names = plants_shown(answer)
    rows = [
        (
            _years(step), with_unit(step["load_MW"], "MW"),
            *(significant(step["plants"][i]["capacity_MW"]) for i, _ in names),
            *("–" if step[key] is None else significant(step[key]) for key in ("cost_$/MWh", "carbon_g/kWh")),
            with_percent(step["not_served_GWh"] / _energy(step), 1) if _energy(step) else "–",
            significant(step["not_served_GWh"]), large(step["idle_accelerator_hours"]),
            significant(step["idle_cost_M$"]),
        )
        for step in answer["steps"]
    ]  # fmt: skip
    heads = ("years", "load", *(f"{name} [MW]" for _, name in names), "$/MWh", "g/kWh", "not served",
             "not served [GWh/yr]", "idle accelerator-hours per year", "idle cost [M$/yr]")  # fmt: skip
    number, hours = len(rows), answer["weeks"]["hours"]
    counted = "step" if number == 1 else "steps"
    error, checked = answer["weeks"]["error_of_cost"], answer["weeks"]["checked_step"]
    off = (
        ""
        if error is None
        else (f" In {checked:g} their cost is off by {100 * error:+.1f} % against every hour.")
    )
    caption = f"The {number} {counted}, each on {hours:,} representative hours of its year.{off}"
    return rows_grid(caption, heads, rows)


def _built(answer: Answer) -> Grid:
    names = plants_shown(answer)
    rows = [
        (
            _years(step), name, significant(one["capacity_MW"]), significant(one["built_MW"]),
            significant(one["retired_MW"]), significant(one["energy_GWh"]),
            with_percent(one["share_of_load"], 1), significant(one["cost_M$"]), significant(one["carbon_kt"]),
        )
        for step in answer["steps"]
        for i, name in names
        for one in [step["plants"][i]]
    ]  # fmt: skip
    heads = ("years", "plant", "capacity [MW]", "built [MW]", "retired [MW]", "energy [GWh/yr]",
             "share of the load", "cost [M$/yr]", "carbon [kt/yr]")  # fmt: skip
    return rows_grid("Capacity built, retained and retired.", heads, rows)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The document of a pathway; ``answer`` is what ``--json`` prints."""
    assumptions = read_assumptions(answer["assumptions"])
    grade = worst(a.grade for a in assumptions).label
    told = tuple(str(text) for text in answer["words"])
    drawings = {
        name: drawn(name, partial(draw, answer), caption) for name, (draw, caption) in FIGURES.items()
    }
    sections = [
        Section("plants", "Capacity built and retired",
                (drawings["capacity"], _built(answer), drawings["energy"])),
        Section("steps", "Cost, carbon and energy not served",
                (_steps(answer), drawings["cost"], drawings["carbon"], drawings["idle"])),
    ]  # fmt: skip
    if told:
        sections.insert(0, Section("told", "Timeline", (Points(told),)))
    ready = [(name, f"{year:g}") for name, year in answer["ready"].items()]
    if ready:
        caption = "Earliest power of a plant that is ordered at the start."
        sections.append(Section("ready", "Earliest power", (rows_grid(caption, ("plant", "year"), ready),)))
    cards = [
        Card("Present cost", with_unit(answer["present_cost_M$"], "M$"), grade),
        Card("Idle accelerator-hours", large(answer["idle_accelerator_hours"]), grade),
    ]
    last = answer["steps"][-1]
    if last["cost_$/MWh"] is not None:
        cards.append(
            Card(f"Electricity from {last['year']:g}", f"${significant(last['cost_$/MWh'])}/MWh", grade)
        )
    if last["carbon_g/kWh"] is not None:
        cards.append(
            Card(f"Carbon from {last['year']:g}", f"{significant(last['carbon_g/kWh'])} g/kWh", grade)
        )
    texts = (
        f"{_question(answer)} {_summary(answer, grade)} {_waits(answer)}",
        " ".join(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in told),
        f"{_error(answer)} {trust_words(assumptions)}",
    )
    return Document(
        title=f"Power for {answer['site']}, {answer['years'][0]:g} to {answer['end']:g}",
        setting=f"idle accelerators: {answer['accelerator']['chip']}",
        paragraphs=tuple(text for text in texts if text),
        again=again,
        short=("told", "plants", "steps"),
        cards=tuple(cards),
        notices=tuple(map(str, answer["notices"])),
        sections=tuple(sections),
        facts=facts_of(again, ("solver", answer["solver"]["name"])),
        **trusted(assumptions),
    )

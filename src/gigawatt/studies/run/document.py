"""The report of a result as a document: a training run, a campus that serves, or a load without a model."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import Any

from gigawatt.core.document import (
    Again,
    Code,
    Columns,
    Document,
    Drawing,
    Folded,
    Grid,
    Heading,
    Part,
    Section,
    Text,
)
from gigawatt.core.result import Result
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.trust import assumption_grid, result_sources
from gigawatt.schema.fields import LOAD, SERVING
from gigawatt.studies.run import grids
from gigawatt.studies.run.bands_serving import factors_grid
from gigawatt.studies.run.far_off import band_grid, resembling_grid, step_band
from gigawatt.studies.run.figures import drawn_figures, figure
from gigawatt.studies.run.figures_tables import has_table
from gigawatt.studies.run.figures_uncertainty import CAPTIONS, caption_of, tornado_grid
from gigawatt.studies.run.phases import phases_grid
from gigawatt.studies.run.sayings import branch_of
from gigawatt.studies.run.short import CARDS, lost_words, short
from gigawatt.studies.run.uncertainty_words import spread_grid, spreads
from gigawatt.studies.run.words import subject, topics
from gigawatt.studies.run.words_serving import error_grid, errors_of, is_serving, is_yearly
from gigawatt.studies.supply.figures import WEEK_CAPTION

__all__ = ["document", "setting"]

#: Figure → (the table that it draws, its caption).
_FIGURES: dict[str, tuple[str, str]] = {
    "sankey": ("flows", "From the sources to arithmetic: year means of power."),
    "breakdown": ("breakdown", "What the time of a step goes to; each bar starts where the one above ends."),
    "relief": ("relief", "What doubling one resource (halving a latency) would save of the step."),
    "goodput": ("goodput", "Wall-clock time lost to restarts, rework and checkpoints."),
    "memory": ("memory", "Memory of one accelerator in the best layout; the dashed line is what it has."),
    "energy": ("energy", "What the electricity of a million tokens is used for."),
    "dispatch_summer": (
        "hourly",
        "The hottest week of the site's year: what each source gives, the load, below zero "
        "what storage takes in; the strip is the marginal price.",
    ),
    "dispatch_winter": ("hourly", "The coldest week of the site's year."),
    "duration": ("hourly", "Power of each source, its hours sorted from the highest to the lowest."),
    "price": ("hourly", "Marginal price of electricity, hours sorted from the highest to the lowest."),
    "bad_week": ("bad_week", WEEK_CAPTION),
    "capacity": ("plants", "What is built, and what it gives in a year."),
    "single_line": (
        "capacity_chain",
        "Single line of the campus: units needed + spare of each stage, and what all of them are rated for.",
    ),
    "flexibility": (
        "flexibility",
        "Cost of giving up a further part of the load, by caps of the accelerators and without work; beside "
        "it, where the plan cuts, power cut by hours.",
    ),
    "ledger": ("ledger", "What the run costs, by component."),
    "uncertainty": ("uncertainty", CAPTIONS["uncertainty"]),
    "tornado": ("responses", CAPTIONS["tornado"]),
    "odds": ("draws", CAPTIONS["odds"]),
    "fan": ("draws", CAPTIONS["fan"]),
}
_SAME = ("sankey", "dispatch_summer", "dispatch_winter", "duration", "price", "bad_week", "capacity",
         "single_line", "flexibility", "uncertainty", "tornado", "odds", "fan")  # fmt: skip
#: The same of a campus that serves.
_FIGURES_SERVING: dict[str, tuple[str, str]] = {
    "day": (
        "day",
        "Power by the hour, mean of the year's days; marks: the highest five minutes of IT. Below: demand.",
    ),
    "latency": ("latency", "Share of requests with at most this latency; dashed lines are latency targets."),
    "occupancy": ("day", "Running and waiting requests of a replica, and their share of the KV cache."),
    "time": ("breakdown", "What the time of an accelerator goes to under the load of the highest hour."),
    "cost_relief": (
        "relief",
        "What doubling one resource (halving a latency or overhead) would save of a token.",
    ),
    "wall": (
        "wall",
        "Left of its ridge a machine waits for memory. Circles: decode, batches growing to the right; "
        "squares: prefill.",
    ),
    "memory": ("memory", "Memory of one accelerator; the dashed line is what it has."),
    "energy": ("energy", "What the electricity of a million output tokens is used for."),
    **{name: _FIGURES[name] for name in _SAME},
    "cost": ("ledger", "What a year of the campus costs, by component."),
}
#: Figures whose table stands right below and says the same as a caption would.
_BESIDE = (
    "breakdown", "time", "relief", "cost_relief", "goodput", "capacity", "ledger", "cost",
)  # fmt: skip
_GROUPS = (
    ("training", "serving", "waits", "error", "binding", "layout"),
    ("day", "facility", "supply"),
    ("money", "tokens", "uncertainty", "trust"),
)
"""Topics by paragraph: the run or the service; the power; money and trust."""

_EXPLAINED = ("training.step_time", "ledger.cost_per_mtoken --depth 4")
_EXPLAINED_SERVING = ("serving.ttft_p99", "economics.cost_million_output --depth 4")
_EXPLAINED_LOAD = ("facility.power_it", "ledger.cost_per_energy --depth 4")
"""Quantities that the page shows how to explain."""


def setting(result: Result) -> str:
    """Model, chip, site and year in one line."""
    parts = (
        subject(result, "model.architecture"),
        subject(result, "machine.chip"),
        subject(result, "site.site"),
        subject(result, "scenario.year"),
    )
    return " · ".join(part for part in parts if part)


class _Pieces:
    """Figures and tables of a result by name, those that it has."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.serves = is_serving(result)
        self.yearly = is_yearly(result)
        self.captions = _FIGURES_SERVING if self.yearly else _FIGURES

    def figure(self, name: str) -> tuple[Drawing, ...]:
        """The figure, or nothing."""
        if name not in self.captions or (name in CAPTIONS and name not in drawn_figures(self.result)):
            return ()
        table, caption = self.captions[name]
        if name in CAPTIONS:
            caption = caption_of(self.result, name)
        if not has_table(self.result, table):
            return ()
        return (
            drawn(
                name, partial(figure, self.result, name), caption, captioned=name not in _BESIDE, titled=False
            ),
        )

    def table(self, name: str) -> tuple[Grid, ...]:
        """The table, or nothing."""
        made = grids.table(self.result, name)
        return () if made is None else (made,)

    def folded(self, name: str, summary: str) -> tuple[Folded, ...]:
        """The table under a summary, or nothing."""
        return tuple(Folded(summary, grid) for grid in self.table(name))


def _far_off(result: Result) -> tuple[Grid, ...]:
    """How far off the times may be, as a table."""
    if is_serving(result):
        made = error_grid(errors_of(result))
        bands = factors_grid(subject(result, "serving.engine"))
        return (*bands, *(() if made is None else (made,)))
    found = step_band(result)
    if found is not None and spreads(result):  # the table above has the interval of the days
        found = replace(found, days=None)
    return (() if found is None else (band_grid(found),)) + resembling_grid(result)


def _day(one: _Pieces) -> tuple[Part, ...]:
    """The day of a service and its latencies; a run of training has none."""
    if not one.serves:
        return ()
    waits = (*one.figure("latency"), *one.table("promise"), *one.folded("latency", "Latencies as a table"))
    every = one.folded("day", "Every hour as a table")
    return (*one.figure("day"), Columns(waits, one.figure("occupancy")), *every)


def _binding(one: _Pieces) -> tuple[Part, ...]:
    """Where the time goes, what would relieve it, and what failures take."""
    time, relief = ("time", "cost_relief") if one.serves else ("breakdown", "relief")
    binding = Columns(
        (*one.figure(time), *one.table("breakdown")), (*one.figure(relief), *one.table("relief"))
    )
    lost = one.table("goodput")
    if not lost:
        return (binding,)
    return (binding, Heading("Lost wall-clock time"), Columns(one.figure("goodput"), lost))


def _uncertainty(one: _Pieces, result: Result) -> tuple[Part, ...]:
    """Intervals, the inputs behind them, curves, and how far off the times may be."""
    return (
        *one.figure("uncertainty"), *one.figure("tornado"),
        *(Folded("These inputs as a table", grid) for grid in tornado_grid(result)),
        Columns(one.figure("odds"), one.figure("fan")),
        *spread_grid(result, grids.titles_of(result)), *_far_off(result),
    )  # fmt: skip


def _replicas(one: _Pieces) -> tuple[Part, ...]:
    """Configurations of replicas, and the memory wall."""
    wall = one.figure("wall")
    if not wall:
        return one.table("configurations")
    more = one.folded("formats", "Other formats and quicker memory as a table")
    return (*one.table("configurations"), Heading("The memory wall"), *wall, *more)


def _layouts(one: _Pieces) -> tuple[Part, ...]:
    layouts = one.table("layouts")
    every = one.folded("operations", "Every operation of a layer, forward and backward")
    return (*layouts, *every) if layouts else ()


def _weeks(one: _Pieces) -> tuple[Part, ...]:
    """The hottest and the coldest week hour by hour, and the hours of the year in their order."""
    summer = one.figure("dispatch_summer")
    if not summer:
        return ()
    return (
        Heading("Summer"), *summer,
        Heading("Winter"), *one.figure("dispatch_winter"),
        Heading("The whole year, sorted"), Columns(one.figure("duration"), one.figure("price")),
    )  # fmt: skip


def _sections(result: Result) -> tuple[Section, ...]:
    """The sections of which a result has figures or tables."""
    one = _Pieces(result)
    gives = "What the service can give up" if one.serves else "What the runs can give up"
    memory = (*one.figure("memory"), *one.folded("memory", "Memory as a table"))
    energy = (*one.figure("energy"), *one.folded("energy", "Electricity as a table"))
    ledger = Columns(one.table("ledger"), one.table("per_token"), uneven=True)
    outline: tuple[tuple[str, str, tuple[Part, ...]], ...] = (
        ("day", "The day, and latencies", _day(one)),
        ("flows", "From source to arithmetic",
         (*one.figure("sankey"), *one.folded("flows", "The flows as a table"))),
        ("binding", "Bottleneck, and what would relieve it", _binding(one)),
        ("phases", "When power is there", tuple(phases_grid(result))),
        ("error", "Uncertainty", _uncertainty(one, result)),
        ("replicas", "The replicas", _replicas(one)),
        ("layouts", "The best layouts", _layouts(one)),
        ("machine", "Memory and energy", (Columns(memory, energy),)),
        ("weeks", "Two weeks, hour by hour", _weeks(one)),
        ("outages", "A bad week", one.figure("bad_week")),
        ("plants", "The plants", (*one.figure("capacity"), *one.table("plants"))),
        ("bill", "The bill of the grid", one.table("bill")),
        ("capacity", "The capacity chain", (*one.figure("single_line"), *one.table("capacity_chain"))),
        ("flexibility", gives, (*one.figure("flexibility"), *one.table("flexibility"))),
        ("ledger", "The ledger", (*one.figure("cost" if one.yearly else "ledger"), ledger)),
    )  # fmt: skip
    found = ((key, title, tuple(filter(_has_something, parts))) for key, title, parts in outline)
    return tuple(Section(key, title, parts) for key, title, parts in found if parts)


def _has_something(part: Part) -> bool:
    return not isinstance(part, Columns) or bool(part.left or part.right)


def again(result: Result) -> Again:
    """The command that computes the result anew, from the scenario as it was read."""
    run = result.run
    file = PurePath(str(run.get("scenario", ""))).name or "scenario.yaml"
    return Again(
        command=f"gigawatt run {shlex.quote(file if not file.startswith('-') else f'./{file}')}",
        gigawatt=str(run.get("gigawatt", "")),
        catalog=str(run.get("catalog", "")),
        inputs=((file, str(run["scenario_hash"])),) if "scenario_hash" in run else (),
        file=file,
        scenario=str(run.get("scenario_text", "")),
    )


def _appendix(result: Result) -> tuple[Section, ...]:
    names = {SERVING: _EXPLAINED_SERVING, LOAD: _EXPLAINED_LOAD}.get(branch_of(result), _EXPLAINED)
    return (
        Section("scenario", "The scenario", (grids.scenario(result),)),
        Section(
            "explain",
            "Where a number comes from",
            (
                Text(
                    "Beside this report lie result.json, trace.json, run.json and one Parquet file a table. "
                    "Any number can be walked back to its formula, its inputs and the rows it was read from:"
                ),
                Code("\n".join(f"gigawatt explain FOLDER {name}" for name in names), "sh"),
                Text("where FOLDER is the folder that holds this report."),
                Folded("Every computed quantity by name", grids.quantities(result)),
            ),
        ),
    )


_FACTS = (
    ("scenario", "scenario"),
    ("scenario_hash", "scenario hash"),
    ("catalog", "catalog version"),
    ("gigawatt", "gigawatt"),
    ("python", "Python"),
    ("seconds", "seconds"),
)


def _facts(run: Any) -> tuple[tuple[str, str], ...]:
    said = [(title, str(run[key])) for key, title in _FACTS if key in run]
    return (*said, *((str(name), str(version)) for name, version in run.get("packages", {}).items()))


_LEAD = ("training", "serving", "waits", "error", "binding", "day", "supply", "uncertainty", "trust")
"""Topics of the short form."""
_LEAD_LOAD = ("facility", "supply", "money", "uncertainty", "trust")
"""The same of a load."""


def _lead(result: Result) -> tuple[str, ...]:
    return _LEAD if is_serving(result) or not is_yearly(result) else _LEAD_LOAD


def answer_document(answer: Mapping[str, Any], again: Again, more: Result) -> Document:
    """:func:`document` of the result that an answer is the JSON of; it says itself how it is reproduced."""
    return document(more)


def document(result: Result, *, usual: bool = False) -> Document:
    """Everything that the report of a result says; of what is not drawn, with ``usual`` intervals."""
    said = topics(result)
    texts = (" ".join(said[name] for name in group if name in said) for group in _GROUPS)
    return Document(
        title=result.name,
        setting=setting(result),
        paragraphs=tuple(text for text in texts if text),
        again=again(result),
        lead=(*(said[name] for name in _lead(result) if name in said), lost_words(result)),
        short=short(result),
        main=CARDS,
        cards=grids.cards(result, usual=usual),
        notices=tuple(result.notices),
        sections=_sections(result),
        assumptions=assumption_grid(result.assumptions),
        sources=result_sources(result),
        appendix=_appendix(result),
        facts=_facts(result.run),
    )

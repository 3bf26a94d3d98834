"""The outlook as a document: bands by year, what binds, what relief gives, what makes the spread."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Drawing, Grid, Heading, Part, Points, Section, Text
from gigawatt.core.evidence import Grade
from gigawatt.core.quantities import factor
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import (
    amount,
    facts_of,
    few,
    listed,
    rows_grid,
    spread,
    trusted,
    with_percent,
)
from gigawatt.faces.report.trust import read_assumptions
from gigawatt.studies.outlook.compare import sentence
from gigawatt.studies.outlook.figures import SHOWN, bands, binding, relief, tornado
from gigawatt.studies.outlook.figures_decades import GROUPS, expected, share_text, shares, wanted_rows
from gigawatt.studies.outlook.figures_society import comparison_rows, society_figures

__all__ = ["document"]

Answer = Mapping[str, Any]

_HEADLINES = (
    ("feasible", "the largest feasible training run is {}"),
    ("leading_power", "the largest run draws {}"),
    ("electricity", "the electricity of the world's data centres is {}"),
    ("run_cost", "the largest run costs {}"),
)
"""Outputs that the words tell of, in this order."""
_TOLD = (2030, 2040, 2050)
_LEAST = 0.005
"""A smaller share of the draws is not told."""
_NAMES = {"interconnect": "the interconnect", "chips": "chips", "power": "power", "capital": "capital"}


class _Reader:
    """An outlook's JSON by output, year and quantile."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.years: list[int] = list(answer["years"])
        self.place = {q: i for i, q in enumerate(answer["quantiles"])}
        self.told = [year for year in _TOLD if year in self.years] or self.years[-1:]
        fives = [year for year in self.years if year % 5 == 0]
        self.columns = sorted({self.years[0], *fives, *self.told})

    def row(self, name: str) -> Mapping[str, Any]:
        return self.answer["bands"][name]

    def at(self, name: str, year: int, quantile: float) -> float:
        return float(self.row(name)["values"][self.years.index(year)][self.place[quantile]])

    def words(self, name: str, year: int) -> str:
        """Median and 5 to 95 %: ``2.7e28 FLOP (1e28 to 6e28 FLOP)``."""
        unit = self.row(name)["unit"]
        low, middle, high = (self.at(name, year, q) for q in (0.05, 0.5, 0.95))
        return f"{amount(middle, unit)} ({spread(low, high, unit)})"

    def share(self, table: str, name: str, year: int) -> float:
        return float(self.answer[table][name][self.years.index(year)])


def _asked(one: _Reader) -> str:
    answer = one.answer
    changed = f", with {len(answer['overrides'])} of its quantities changed" if answer["overrides"] else ""
    return (
        f"Question: how large a training run can be from {one.years[0]} to {one.years[-1]}, "
        "what binds it, and "
        f"how many machines and how much electricity AI takes: {answer['draws']:,} draws of the scenario "
        f"{answer['scenario']}{changed}, seed {answer['seed']}. {answer['definition']}"
    )


def _answered(one: _Reader) -> str:
    said: list[str] = []
    for number, year in enumerate(one.told):
        parts = [words.format(one.words(name, year)) for name, words in _headlines(one)]
        how = ", by the median of the draws and with 90 % of them in brackets," if number == 0 else ""
        said.append(f"In {year}{how} {listed(parts)}.")
    return " ".join(said)


def _headlines(one: _Reader) -> list[tuple[str, str]]:
    """Those of :data:`_HEADLINES` that the answer has by year."""
    known = one.answer["bands"]
    return [pair for pair in _HEADLINES if pair[0] in known and len(known[pair[0]]["values"]) > 1]


def _bound(one: _Reader) -> str:
    answer = one.answer
    said: list[str] = []
    for number, year in enumerate(one.told):
        found = sorted(answer["binding"], key=lambda name: -one.share("binding", name, year))
        first, rest = found[0], [n for n in found[1:3] if one.share("binding", n, year) >= _LEAST]
        text = f"{_limit(first)}, in {with_percent(one.share('binding', first, year))} of the draws"
        if rest:
            more = [f"{_limit(n)} ({with_percent(one.share('binding', n, year))})" for n in rest]
            text += f", before {listed(more)}"
        gain = max(answer["relief"], key=lambda name: answer["relief"][name][one.years.index(year)][1])
        low, middle, high = answer["relief"][gain][one.years.index(year)]
        text += (
            f"; {_limit(gain)} lifted alone would give the most, a run {few(middle)} times as large "
            f"(80 % band {few(low)} to {few(high)})"
        )
        first = f"The limit that binds the feasible run most often in {year} is "
        lead = first if number == 0 else f"In {year} it is "
        said.append(f"{lead}{text}.")
    below = [(year, one.share("binding_actual", "demand", year)) for year in one.told]
    told = [f"{with_percent(share)} of the draws of {year}" for year, share in below]
    said.append(f"The run on trend stays below the feasible one in {listed(told)}.")
    return " ".join(said)


def _limit(name: str) -> str:
    return _NAMES.get(name, name)


def _spread_words(one: _Reader) -> str:
    said: list[str] = []
    for name, found in one.answer["sensitivities"].items():
        rows = [row for row in found["rows"][:3] if row["ST"] >= 0.03]
        parts = [f"{row['quantities'][0].replace('_', ' ')} ({row['ST']:.2f})" for row in rows]
        if parts:
            said.append(f"of {name} {listed(parts)}")
    if not said:
        return ""
    return f"What makes most of the spread, by total Sobol index: {'; '.join(said)}."


def _binding_grid(one: _Reader, table: str, caption: str) -> Grid:
    rows = [
        (name, *(with_percent(one.share(table, name, year), 1) for year in one.columns))
        for name in one.answer[table]
    ]
    return rows_grid(caption, ("limit", *one.columns), rows)


def _relief_grid(one: _Reader) -> Grid:
    rows: list[tuple[str, ...]] = []
    for name, values in one.answer["relief"].items():
        picked = [values[one.years.index(year)] for year in one.columns]
        rows.append((name, *(f"{few(m)} ({few(low)} to {few(high)})" for low, m, high in picked)))
    return rows_grid(
        "Factor on the feasible run with one limit lifted: median (10 to 90 % of the draws).",
        ("limit", *one.columns),
        rows,
    )


def _by_year(one: _Reader) -> Grid:
    rows: list[tuple[str, ...]] = []
    for name, row in one.answer["bands"].items():
        if len(row["values"]) == 1:
            continue
        mark = " (exploratory)" if row.get("exploratory") else ""
        rows.append((f"{row['words']}{mark}", *(one.words(name, year) for year in one.columns)))
    head = ("output", *one.columns)
    return rows_grid("Every output by year: median, and in brackets 5 to 95 % of the draws.", head, rows)


def _band_table(one: _Reader, name: str, caption: str) -> Grid:
    unit = one.row(name)["unit"]
    rows = [
        (year, *(amount(one.at(name, year, q), unit) for q in (0.05, 0.25, 0.5, 0.75, 0.95)))
        for year in one.columns
    ]
    return rows_grid(caption, ("year", "5 %", "25 %", "median", "75 %", "95 %"), rows)


def _sensitivity_sections(one: _Reader) -> list[Part]:
    parts: list[Part] = []
    for number, (name, found) in enumerate(one.answer["sensitivities"].items()):
        unit = one.row(name.rsplit(" ", 1)[0])["unit"]
        indices = [f"{row['quantities'][0].replace('_', ' ')} {row['ST']:.2f}" for row in found["rows"][:6]]
        caption = (
            f"{name}: the answer with one quantity at its 10 and at its 90 % quantile, others "
            "at their median. "
            f"Total Sobol indices: {', '.join(indices)}; {100 * found['scenarios']['share']:.0f} % of the "
            "spread lies between the scenarios."
        )
        figure = drawn(f"tornado-{number}", partial(tornado, name, found["tornado"], unit), caption)
        rows = [
            (r["quantity"].replace("_", " "), *(amount(r[key], unit, 4) for key in ("low", "middle", "high")))
            for r in found["tornado"][:12]
        ]
        heads = ("quantity", "at its 10 %", "at its median", "at its 90 %")
        parts += [figure, rows_grid(f"{name}, one quantity at a time.", heads, rows)]
        ranked = [
            (" or ".join(row["quantities"]).replace("_", " "), f"{row['S1']:.2f}", f"{row['ST']:.2f}")
            for row in found["rows"][:6]
        ]
        heads = ("quantity", "first-order index", "total index")
        parts.append(rows_grid(f"{name}: Sobol indices of its spread.", heads, ranked))
    return parts


def _decades(one: _Reader) -> list[Section]:
    answer = one.answer
    if not answer["decades"]:
        return []
    parts: list[Part] = []
    for number, (title, names) in enumerate(GROUPS.items()):
        caption = f"{title}: medians, and bands of 5 to 95 % of the draws."
        parts.append(drawn(f"shares-{number}", partial(shares, answer, title, names), caption))
    found = [Section("technologies", "Technologies", tuple(parts))]
    for decade, told in answer["decades"].items():
        rows = [
            (row["words"], row["definition"], share_text(row["share"]), row["note"])
            for row in told["expectations"]
        ]
        caption = f"Expectations of the {decade}, judged at the end of {told['year']}."
        figure = drawn(f"expected-{decade}", partial(expected, decade, told), caption)
        table = rows_grid(caption, ("expectation", "means", "share of draws", "note"), rows)
        wanted = rows_grid(
            "Medians over the draws in which a technology is big and over the others, of "
            "chances means. Lift: "
            "the chance that a draw in which it is big has the higher value.",
            ("technology", "big in", "quantity", "where it is big", "where not", "lift"),
            _filled(wanted_rows(told)),
        )
        found.append(
            Section(f"decade-{decade}", f"The {decade}: what comes true, and what would have to be true",
                    (figure, table, Heading(f"What would have to be true by {told['year']}"), wanted))
        )  # fmt: skip
    return found


def _filled(rows: list[list[str]]) -> list[list[str]]:
    """Rows whose first cells say again what the row above says: a table that is read row by row."""
    last: list[str] = ["", ""]
    made: list[list[str]] = []
    for row in rows:
        last = row[:2] if row[0] else last
        made.append([*last, *row[2:]])
    return made


def _figures(one: _Reader) -> list[Section]:
    answer = one.answer
    largest: list[Part] = []
    shown = dict(SHOWN)
    largest.append(drawn("feasible", partial(bands, answer, "feasible"), shown.pop("feasible")))
    largest.append(_band_table(one, "feasible", "The largest run that is feasible, by year."))
    binds: list[Part] = [
        drawn("binding", partial(binding, answer), "Share of draws, each with one limit that binds."),
        _binding_grid(one, "binding_actual", "What binds the largest run; demand: the trend stays below."),
        _binding_grid(one, "binding", "Binding limit of the feasible run: share of the draws."),
        drawn(
            "binding-flat",
            partial(binding, answer, "binding_flat"),
            "The least of power, chips, capital, latency and data at the utilisation of small "
            "runs: what most "
            "published estimates compare.",
        ),
        _binding_grid(one, "binding_flat", "The same at the utilisation of small runs."),
        drawn("relief", partial(relief, answer), "The run without one limit over the run with all of them."),
        _relief_grid(one),
    ]
    world: list[Part] = []
    for name, caption in shown.items():
        world += [
            drawn(f"bands-{name}", partial(bands, answer, name), caption),
            _band_table(one, name, caption),
        ]
    world.append(
        drawn(
            "held-back",
            partial(binding, answer, "held_back"),
            "Additions are the least of what factories, money and power allow.",
        )
    )
    world.append(_binding_grid(one, "held_back", "What holds back the world's additions of machines."))
    return [
        Section("run", "The largest run", tuple(largest)),
        Section("binding", "Binding limits, and what would relieve them", tuple(binds)),
        Section("world", "Machines, electricity, money", tuple(world)),
    ]


def _society_words(one: _Reader) -> tuple[str, ...]:
    """Chances of the last year, and runs beside other users of electricity."""
    found = one.answer["society"]
    chances = found["chances"]
    said = (
        f"Value grows faster than users in {with_percent(chances['value_exponent_above_one'])} of the draws; "
        f"owners' shares revert to their mean in {with_percent(chances['owners_revert'])}.",
        f"Exploratory, on priors that are not measured for AI: in {one.years[-1]} AI earns more than it "
        f"costs in {with_percent(chances['surplus'][-1])} of the draws, and use outruns efficiency in "
        f"{with_percent(chances['backfire'][-1])}.",
    )
    runs = (f"{sentence(run['run'], run['energy_MWh'][1] * factor('MWh'))}." for run in found["runs"])
    return (*said, *runs)


def _society(one: _Reader) -> list[Section]:
    if "society" not in one.answer:
        return []
    parts: list[Part] = []
    drawings: list[Drawing] = [
        drawn(f"society-{number}", figure, caption, table=True)
        for number, (figure, caption) in enumerate(society_figures(one.answer))
    ]
    parts += drawings
    parts.append(Points(_society_words(one)))
    head, rows = comparison_rows(one.answer)
    parts.append(rows_grid("A run beside a year of others: years of their electricity.", head, rows))
    return [Section("society", "Energy, environment, society", tuple(parts))]


def _cards(one: _Reader) -> tuple[Card, ...]:
    year = one.told[0]
    found = [
        Card(
            f"{one.row(name)['words'][:1].upper()}{one.row(name)['words'][1:]}, {year}",
            amount(one.at(name, year, 0.5), one.row(name)["unit"]),
            what="median of the draws",
        )
        for name, _ in _headlines(one)
    ]
    return tuple(found)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of an outlook says; ``answer`` is what ``--json`` prints."""
    one = _Reader(answer)
    assumptions = read_assumptions(answer["assumptions"])
    guesses = sum(a.grade == Grade.guess for a in assumptions)
    trust = (
        f"{len(assumptions)} quantities that are not known are drawn; {guesses} distributions are guesses."
    )
    conditional = "The bands hold where the distributions below do"
    if one.years[-1] > 2040:
        conditional += ", and those of the 2040s are no forecast"
    sections = _figures(one)
    if answer["sensitivities"]:
        sections.append(Section("spread", "What makes the spread", tuple(_sensitivity_sections(one))))
    sections += _society(one) + _decades(one)
    sections.append(Section("years", "By year", (_by_year(one),)))
    if answer["overrides"]:
        rows = [(row["key"], row["value"]) for row in answer["overrides"]]
        mine = rows_grid("What this scenario puts in place.", ("quantity", "distribution"), rows)
        sections.insert(0, Section("yours", "What was changed", (mine,)))
    if one.years[-1] > 2040 and answer["decades"]:
        sections[-1] = Section(
            "years",
            "By year",
            (Text("What is said of the 2040s is conditional, no forecast."), _by_year(one)),
        )
    texts = (_asked(one), _answered(one), _bound(one), _spread_words(one), f"{conditional}. {trust}")
    return Document(
        title=f"Outlook to {one.years[-1]}: {answer['scenario']}",
        setting=f"{answer['draws']:,} draws · seed {answer['seed']} · {one.years[0]} to {one.years[-1]}",
        paragraphs=tuple(text for text in texts if text),
        again=again,
        short=("yours", "years", "binding", "society", *(f"decade-{one}" for one in answer["decades"])),
        cards=_cards(one),
        sections=tuple(sections),
        facts=facts_of(again, ("draws", f"{answer['draws']:,}"), ("seed", answer["seed"])),
        **trusted(assumptions, "Every quantity that is not known, with its distribution, weakest first."),
    )

"""Stacked memory as a document: what a generation gives, what patterns reach of it, joules, heat, money."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Section
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.held import Rows, held_section, held_words, published, rest, rows_words
from gigawatt.faces.report.parts import listed, rows_grid, with_percent
from gigawatt.studies.memory.figures import bandwidth, energy, heat

__all__ = ["document", "more"]

Answer = Mapping[str, Any]
Row = Mapping[str, Any]

_ZERO = 273.15  # degrees Celsius
_BESIDE = "stacks like these"
_HALF = 0.5
"""Share of the peak below which how a stack is read binds first."""
_GAPS = "Where a generation is not sold yet, what is published of it is a roadmap."


def more(folder: Path) -> Rows:
    """What is published of the generations, from ``published.json``."""
    return published(folder)


def _celsius(kelvin: float) -> str:
    return f"{kelvin - _ZERO:.0f} °C"


def _giga(value: float) -> str:
    return significant(value / 1e9, 4)


def _pico(joules: float) -> str:
    return significant(joules * 1e12)


def _bit(row: Row) -> str:
    low, high = _pico(row["energy_bit_low"]), _pico(row["energy_bit_high"])
    return f"{_pico(row['energy_bit'])} pJ ({low} to {high})"


def _price(row: Row) -> str:
    return f"{significant(row['price_gb_low'])} to {significant(row['price_gb_high'])}"


def _ends(row: Row) -> tuple[Row, Row]:
    """The patterns that reach most and least of the peak."""
    reached = row["reached"]
    return max(reached, key=lambda one: one["share"]), min(reached, key=lambda one: one["share"])


def _hot(answer: Answer) -> list[str]:
    """Generations whose hottest die is beyond the temperature at which a stack throttles."""
    most = answer["limits"]["throttle"]
    return [row["name"] for row in answer["generations"] if row["temperature"]["hottest"] > most]


def _reached_words(row: Row) -> str:
    best, worst = _ends(row)
    said = f"reading {best['pattern']!r} reaches {with_percent(best['share'], 1)} of the peak"
    if best["pattern"] != worst["pattern"]:
        said += f", reading {worst['pattern']!r} {with_percent(worst['share'], 1)}"
    return said


def _of_one(answer: Answer) -> tuple[str, str]:
    row = answer["generations"][0]
    warm, most = row["temperature"], answer["limits"]["throttle"]
    asked = (
        f"The question was what a stack of {row['name']} gives, takes and costs ({row['height']} dies, "
        f"{row['year']}). It gives {_giga(row['bandwidth'])} GB/s and {_giga(row['capacity'])} GB; "
        f"{_reached_words(row)}. A bit takes {_bit(row)}, a stack {significant(row['power'])} W at its full "
        f"bandwidth, and a gigabyte costs ${_price(row)}."
    )
    worst = _ends(row)[1]
    hot = warm["hottest"] > most
    binds = "Its limit is heat"
    if not hot:
        binds = (
            f"Its limit is the access pattern, not heat: it reaches {with_percent(worst['share'], 1)} of the "
            f"peak with {worst['pattern']!r}"
            if worst["share"] < _HALF
            else "Its limit is the peak, not heat or the access pattern"
        )
    held = (
        "cannot keep it there even without power of its own"
        if warm["most_power"] is None
        else f"would keep it there up to {significant(warm['most_power'])} W a stack, or "
        f"{warm['most_height']} dies at full bandwidth"
    )
    heat_words = (
        f"its hottest die is at {_celsius(warm['hottest'])} beside a processor at its power limit, "
        f"{'beyond' if hot else 'within'} {_celsius(most)}; {warm['cooling']} cooling {held}."
    )
    gain = f"{significant(row['pim_gain'])} times the bandwidth of the interface"
    relief = (
        f" What relieves reading are units between its banks, with {gain}."
        if row["pim_gain"] > 1.0
        else f" Units between its banks would not relieve reading: they have {gain}."
    )
    return asked, f"{binds}: {heat_words}{relief}"


def _of_all(answer: Answer) -> tuple[str, str]:
    rows = answer["generations"]
    first, last = rows[0], rows[-1]
    asked = (
        f"The question was what stacks of {len(rows)} generations give, take and cost. From {first['name']} "
        f"({first['year']}) to {last['name']} ({last['year']}) a stack goes from "
        f"{_giga(first['bandwidth'])} to {_giga(last['bandwidth'])} GB/s, from "
        f"{_giga(first['capacity'])} to {_giga(last['capacity'])} GB, and a bit from {_bit(first)} to "
        f"{_bit(last)}."
    )
    worst = _ends(last)[1]
    share = next(one["share"] for one in first["reached"] if one["pattern"] == worst["pattern"])
    hot = _hot(answer)
    most = _celsius(answer["limits"]["throttle"])
    binds = (
        f"The limit is the access pattern: reading {worst['pattern']!r} reaches {with_percent(share, 1)} of "
        f"the peak of {first['name']} and {with_percent(worst['share'], 1)} of that of {last['name']}"
    )
    binds += (
        f"; and heat: cooled as the table has it, {listed(hot)} {'is' if len(hot) == 1 else 'are'} "
        f"hotter than {most} at full bandwidth."
        if hot
        else f". All stay within {most}."
    )
    return asked, binds


def _facts(answer: Answer) -> Grid:
    rows = [
        (
            row["name"], str(row["year"]), str(row["height"]), _giga(row["capacity"]),
            _giga(row["bandwidth"]), _bit(row), significant(row["power"]), _price(row),
            significant(row["pim_gain"]),
        )
        for row in answer["generations"]
    ]  # fmt: skip
    heads = ("generation", "year", "dies", "GB", "GB/s", "of a bit", "W", "$/GB", "units, times")
    return rows_grid(
        "A stack by generation; the last column is bandwidth of units between banks.", heads, rows
    )


def _reached(answer: Answer) -> Grid:
    rows = [
        (
            row["name"], one["pattern"], one["name"], with_percent(one["share"], 1),
            with_percent(one["bound"], 1), _giga(one["bandwidth"]), significant(one["row_bytes"]),
            _pico(one["energy_bit"]),
        )
        for row in answer["generations"]
        for one in row["reached"]
    ]  # fmt: skip
    heads = ("generation", "pattern", "what it is", "of the peak", "closed form", "GB/s", "B of a row",
             "pJ/b")  # fmt: skip
    return rows_grid("What patterns reach.", heads, rows)


def _scopes(answer: Answer) -> Grid:
    rows = [
        (row["name"], scope, _pico(value), f"{_pico(low)} to {_pico(high)}")
        for row in answer["generations"]
        for scope, (value, low, high) in row["energy_bit_scopes"].items()
    ]
    return rows_grid("Joules of a bit by scope.", ("generation", "scope", "pJ/b", "range"), rows)


def _heat(answer: Answer) -> Grid:
    rows = [
        (
            row["name"], warm["cooling"], warm["bonding"], _celsius(warm["hottest"]), _celsius(warm["top"]),
            _celsius(warm["processor"]),
            "none of its own" if warm["most_power"] is None else f"{significant(warm['most_power'])} W",
            str(warm["most_height"]), with_percent(warm["bandwidth_lost"], 1),
        )
        for row in answer["generations"]
        for warm in (row["temperature"],)
    ]  # fmt: skip
    most = _celsius(answer["limits"]["throttle"])
    twice = _celsius(answer["limits"]["doubled_refresh"])
    heads = ("generation", "cooled by", "bonds", "hottest", "top die", "processor", f"W within {most}",
             f"dies within {most}", f"lost to refresh above {twice}")  # fmt: skip
    return rows_grid("Beside a processor at its power limit, at full bandwidth.", heads, rows)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of stacked memory says; ``more`` is what is published of it."""
    published_rows: Rows = more or ()
    rows = answer["generations"]
    one = len(rows) == 1
    asked, binds = _of_one(answer) if one else _of_all(answer)
    sections = [
        Section("answer", "The answer", (_facts(answer),)),
        Section("bandwidth", "How it is read", (
            drawn("bandwidth", partial(bandwidth, answer),
                  "A stack's peak from its channels, and what patterns of a language model reach of it."),
            _reached(answer),
        )),
        Section("energy", "Joules of a bit", (
            drawn("energy", partial(energy, answer),
                  "Core: cells and rows. Stack: with wires and vias. Interface: "
                  "with both its ends. Bars are ranges."),
            _scopes(answer),
        )),
        Section("heat", "Heat", (
            drawn("heat", partial(heat, answer),
                  "Beside a processor at its power limit; hybrid bonds are drawn "
                  "through, bumps dotted.", table=True),
            _heat(answer),
        )),
        *held_section(published_rows, _BESIDE, _GAPS),
    ]  # fmt: skip
    last, grade = rows[-1], answer["rows"]["weakest"]
    cards = (
        Card(f"{last['name']}: bandwidth", f"{_giga(last['bandwidth'])} GB/s"),
        Card(f"{last['name']}: a bit", f"{_pico(last['energy_bit'])} pJ", grade,
             band=f"{_pico(last['energy_bit_low'])} to {_pico(last['energy_bit_high'])} pJ"),
        Card(f"{last['name']}: hottest die", _celsius(last["temperature"]["hottest"]), grade,
             what=f"throttles at {_celsius(answer['limits']['throttle'])}"),
    )  # fmt: skip
    title = f"Stacked memory: {last['name']}" if one else "Stacked memory by generation"
    return Document(
        title=title,
        setting=f"{answer['stacks']} {'stack' if answer['stacks'] == 1 else 'stacks'} to a chip",
        paragraphs=(
            asked,
            binds,
            f"{held_words(published_rows, _BESIDE)} {rows_words(answer)}".strip(),
        ),
        again=again,
        short=("answer", "bandwidth", "heat"),
        cards=cards,
        sections=tuple(sections),
        **rest(answer, again),
    )

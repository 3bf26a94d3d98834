"""A chip from its parts as a document: what it reaches, costs and draws, what limits it, what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Section
from gigawatt.faces.figures.readable import count, significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.held import Rows, held_section, held_words, published, rest, rows_words
from gigawatt.faces.report.parts import rows_document, rows_grid, spread, with_percent
from gigawatt.studies.chip.figures import cost, limits, power

__all__ = ["document", "more"]

Answer = Mapping[str, Any]

_BESIDE = "shipping chips"
_HOW = (
    "Each is rebuilt from its dies, node and stacks by laws that were fitted without it and without chips of "
    "the same silicon. They say what a chip of its node and year is like, not what a team made of it."
)
_BINDS = {
    "parts": "what its parts draw in a large multiplication",
    "reading memory": "what reading its memory draws",
}
"""Words for what sets the power limit; cooling and the owner's limit are their own."""
_SCALES = {"m": (1e3, "mm"), "m^2": (1e6, "mm²")}
_JOINS = ("stack interfaces", "links between chips", "links between dies")


def more(folder: Path) -> Rows:
    """What is published of shipping chips, from ``published.json``."""
    return published(folder)


def _rate(value: float) -> str:
    return f"{significant(value / 1e15)} PFLOP/s"


def _speed(value: float) -> str:
    return f"{significant(value / 1e12)} TB/s"


def _shares(answer: Answer) -> dict[str, float]:
    return {name: one["used"] / one["available"] for name, one in answer["limits"].items()}


def _first_format(answer: Answer) -> tuple[str, float]:
    """The widest format that the chip multiplies in, bf16 where it has it, with its FLOP/s."""
    rates = {
        key.removeprefix("peak_"): value for key, value in answer["row"].items() if key.startswith("peak_")
    }
    form = "bf16" if "bf16" in rates else min(rates, key=lambda one: rates[one])
    return form, rates[form]


def _answered(answer: Answer) -> str:
    row, form = answer["row"], _first_format(answer)
    dies = sum(die["count"] for die in answer["dies"])
    memory = answer["memory"]
    held = "no memory beside its dies" if memory is None else (
        f"{memory['stacks']} {'stack' if memory['stacks'] == 1 else 'stacks'} of {memory['generation']}"
    )  # fmt: skip
    return (
        f"The question was the chip that the design {answer['id']} of {answer['year']} makes: "
        f"{dies} {'die' if dies == 1 else 'dies'}, {held}, on {answer['package']['kind']} under "
        f"{answer['thermal']['cooling']} cooling. It reaches {_rate(form[1])} of {form[0]}, "
        f"reads {with_unit(row['memory_bytes'], 'B')} at {_speed(row['memory_bandwidth'])}, is "
        f"limited to {with_unit(row['power_limit'], 'W')}, and costs "
        f"{with_unit(answer['cost_total'], '$')} to make; its price is {with_unit(answer['price'], '$')} "
        f"({spread(answer['price_low'], answer['price_high'], '$')}); the weakest number on the way is "
        f"graded {answer['grade']}."
    )


def _bound_by(answer: Answer) -> str:
    return _BINDS.get(answer["binding"], str(answer["binding"]))


def _bound(answer: Answer) -> str:
    shares, thermal = _shares(answer), answer["thermal"]
    near = max(shares, key=lambda name: shares[name])
    most = max(answer["cost"], key=lambda name: answer["cost"][name])
    draws = max(answer["power"], key=lambda name: answer["power"][name])
    hot = f"its hottest logic is at {thermal['junction']:.0f} °C"
    if answer["memory"] is not None:
        hot += f", its memory at {thermal['memory']:.0f} °C"
    return (
        f"The limit of its power is {_bound_by(answer)}; the limit that is nearest is {near}, used to "
        f"{with_percent(shares[near])}. Cooling carries {with_unit(thermal['limit'], 'W')} of such "
        f"heat; {hot}. Most of its cost is {most} "
        f"({with_percent(answer['cost'][most] / answer['cost_total'])}), most of "
        f"its watts {draws} ({with_percent(answer['power'][draws] / sum(answer['power'].values()))})."
    )


def _facts(answer: Answer) -> Grid:
    row, thermal, package = answer["row"], answer["thermal"], answer["package"]
    rows = [
        ("memory", with_unit(row["memory_bytes"], "B")),
        ("its bandwidth", _speed(row["memory_bandwidth"])),
        ("power limit", with_unit(row["power_limit"], "W")),
        ("set by", _bound_by(answer)),
        ("clock", f"{with_percent(answer['clock'])} of full"),
        ("hottest logic", f"{thermal['junction']:.0f} °C"),
        *([("memory, hottest", f"{thermal['memory']:.0f} °C")] if answer["memory"] else []),
        ("coolant", f"{thermal['coolant']:.0f} °C ({thermal['cooling']})"),
        ("heat that cooling carries", with_unit(thermal["limit"], "W")),
        ("heat of logic", f"{significant(thermal['flux'] / 1e6)} W/mm²"),
        ("cost of making one", with_unit(answer["cost_total"], "$")),
        ("design, of one", with_unit(answer["design_cost"], "$")),
        ("price",
         f"{with_unit(answer['price'], '$')} ({spread(answer['price_low'], answer['price_high'], '$')})"),
        ("carriers that are good", with_percent(package["carrier_yield"])),
        ("joints that hold", with_percent(package["joining_yield"])),
        ("carbon of making one", f"{significant(row['embodied_carbon'])} kg"),
        ("dies", count(sum(die["count"] for die in answer["dies"]))),
        *([("stacks", count(answer["memory"]["stacks"]))] if answer["memory"] else []),
    ]  # fmt: skip
    return rows_grid("What the chip is, and takes.", ("what", "value"), rows)


def _dies(answer: Answer) -> Grid:
    rows = [
        (
            die["role"], die["node"], count(die["count"]), f"{die['area'] * 1e6:.0f}",
            *(with_percent(part / die["area"]) for part in
              (die["budget"]["arithmetic"], die["budget"]["memory"],
               sum(die["budget"][key] for key in _JOINS))),
            with_percent(die["yield_perfect"]), with_percent(die["yield_sold"]),
            f"{with_unit(die['price'], '$')} ({spread(die['price_low'], die['price_high'], '$')})",
        )
        for die in answer["dies"]
    ]  # fmt: skip
    heads = ("die", "node", "count", "mm²", "arithmetic", "memory", "interfaces", "perfect", "sold", "money")
    return rows_grid("Dies: what their area is for, how many are good, what a good one costs.", heads, rows)


def _shared(caption: str, parts: Mapping[str, float], unit: str) -> Grid:
    whole = sum(parts.values())
    rows = [(name, with_unit(value, unit), with_percent(value / whole, 1))
            for name, value in sorted(parts.items(), key=lambda pair: -pair[1]) if value]  # fmt: skip
    made = rows_grid(caption, ("part", "value", "share"), [*rows, ("sum", with_unit(whole, unit), "")])
    return Grid(made.caption, made.head, (False, True, True), made.rows, total=True)


def _roofline(answer: Answer) -> Grid:
    row = answer["row"]
    forms = [key.removeprefix("peak_") for key in row if key.startswith("peak_")]
    rows = [
        (
            form, _rate(row[f"peak_{form}"]),
            f"{significant(row[f'energy_flop_{form}'] * 1e12)} pJ",
            f"{significant(row[f'peak_{form}'] / row['memory_bandwidth'])} FLOP/B",
        )
        for form in forms
    ]  # fmt: skip
    heads = ("format", "rate", "of a FLOP", "memory binds below")
    return rows_grid("Rates by format, and where memory binds.", heads, rows)


def _limits(answer: Answer) -> Grid:
    shares = _shares(answer)
    rows: list[tuple[str, ...]] = []
    for name, one in answer["limits"].items():
        scale, unit = _SCALES.get(one["unit"], (1.0, one["unit"]))
        used, there = (f"{significant(one[key] * scale, 4)} {unit}" for key in ("used", "available"))
        rows.append((name, used, there, with_percent(shares[name])))
    return rows_grid("What is used of each limit.", ("limit", "used", "there is", "share"), rows)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of a chip says; ``more`` is what is published of shipping chips."""
    rows: Rows = more or ()
    form, rate = _first_format(answer)
    grade = answer["grade"]
    price = spread(answer["price_low"], answer["price_high"], "$")
    sections = [
        Section("answer", "The answer", (
            _facts(answer), _roofline(answer), _dies(answer),
        )),
        Section("limits", "What limits it", (
            drawn("limits", partial(limits, answer), "A bar at 100 % would be at its limit."),
            _limits(answer),
        )),
        Section("money", "What it costs", (
            drawn("cost", partial(cost, answer), "Of making one good chip, design left out."),
            _shared("What a good chip costs to make, by part.", answer["cost"], "$"),
        )),
        Section("power", "What it draws", (
            drawn("power", partial(power, answer), "At its sustained rate."),
            _shared("Watts by part.", answer["power"], "W"),
        )),
        *held_section(rows, _BESIDE, _HOW),
    ]  # fmt: skip
    return Document(
        title=f"{answer['name']} ({answer['id']})" if answer["name"] != answer["id"] else str(answer["name"]),
        setting=f"{answer['year']} · {answer['package']['kind']} · {answer['thermal']['cooling']}",
        paragraphs=(
            f"{_answered(answer)} {_bound(answer)}",
            f"{held_words(rows, _BESIDE)} {rows_words(answer)}".strip(),
        ),
        again=again,
        short=("answer", "limits", "money", "power"),
        cards=(
            Card(f"Peak of {form}", _rate(rate), grade),
            Card("Memory", with_unit(answer["row"]["memory_bytes"], "B"),
                 what=f"at {_speed(answer['row']['memory_bandwidth'])}"),
            Card("Power limit", with_unit(answer["row"]["power_limit"], "W"), grade),
            Card("Price", with_unit(answer["price"], "$"), grade, band=price),
        ),
        sections=tuple(sections),
        **rest(answer, again),
    )  # fmt: skip


def designs_document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The designs of the catalog."""
    rows = [(row["id"], row["year"], row["name"], row["note"]) for row in answer["rows"]]
    return rows_document("Designs", again, rows_grid("", ("design", "year", "name", "note"), rows))


def parts_document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The parts that a design may name, by the key that names them."""
    rows = [(key, name, words) for key, names in answer.items() for name, words in names.items()]
    return rows_document("Parts of a design", again, rows_grid("", ("key", "part", "what it is"), rows))

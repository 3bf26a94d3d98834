"""The seconds of a campus as a document: what swings, what that breaks, the smallest store that mends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Section
from gigawatt.core.evidence import worst
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid, trusted
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.studies.seconds.figures import FIGURES

__all__ = ["document", "more"]

Answer = Mapping[str, Any]

_WORDS = {
    "ramp_up": "the rise",
    "ramp_down": "the fall",
    "dynamic_range": "the dynamic range",
    "amplitude": "an oscillation",
}


def more(folder: Path) -> Mapping[str, list[float]]:
    """The series that the figures draw, from ``drawn.json``."""
    return json.loads((folder / "drawn.json").read_text(encoding="utf-8"))


def _swings(answer: Answer) -> str:
    m, limits = answer["measures"], answer["limits"]
    text = (
        f"Asked was what the seconds of {answer['what']} do to its supply. The load goes from "
        f"{with_unit(m['least_MW'], 'MW')} to {with_unit(m['peak_MW'], 'MW')}, "
        f"{with_unit(m['mean_MW'], 'MW')} in the mean; it rises by "
        f"{significant(m['ramp_up_MW_per_s'])} MW/s and "
        f"falls by {significant(m['ramp_down_MW_per_s'])} MW/s at the steepest "
        f"({significant(limits['ramp_MW_per_s'])} MW/s allowed)"
    )
    if m["modes"]:
        first = m["modes"][0]
        text += (
            f", and its largest oscillation has {significant(first['amplitude_MW'])} MW at "
            f"{significant(first['frequency_Hz'])} Hz"
        )
    return f"{text}."


def _bound(answer: Answer) -> str:
    over = [f"{_WORDS[key]} by {significant(times)} times" for key, times in answer["excess"].items()]
    name = answer["limits"]["id"]
    if not over:
        return f"Nothing binds: it stays within the limits {name!r}."
    return f"What binds are the limits {name!r}: they are passed, {listed(over)}."


def _mended(answer: Answer, grade: str) -> str:
    tried = [row for row in answer["stores"] if row["power_MW"] is not None]
    best = next((row for row in tried if row["store"] == answer["cheapest_store"]), None)
    said = ""
    if best is not None:
        said = (
            f"The cheapest store that mends it is {best['store']} with "
            f"{with_unit(best['power_MW'], 'MW')} and "
            f"{with_unit(best['energy_kWh'], 'kWh')}, "
            f"{with_unit(best['cost_USD_per_year'], '$')} a year ({grade})."
        )
    elif answer["stores"]:
        said = "No store that was tried mends it."
    bound = answer["bound"]
    if bound is not None:
        said += (
            f" With all of the future known, {with_unit(bound['power_MW'], 'MW')} and "
            f"{with_unit(bound['energy_kWh'], 'kWh')} would do: no controller does with less."
        )
    plants = answer["plants"]
    if plants is not None:
        if plants["carried"]:
            said += " The plants carry the seconds."
        else:
            said += (
                f" The plants do not carry the seconds: {with_unit(plants['to_buy_MW'], 'MW')} with "
                f"{with_unit(plants['to_buy_MWh'], 'MWh')} are to be bought, "
                f"{with_unit(plants['cost_USD_per_year'], '$')} a year."
            )
    return said.strip()


def _facts(answer: Answer) -> Grid:
    m, limits = answer["measures"], answer["limits"]
    rows = [
        ("peak", with_unit(m["peak_MW"], "MW"), ""),
        ("mean", with_unit(m["mean_MW"], "MW"), ""),
        ("least", with_unit(m["least_MW"], "MW"), ""),
        ("steepest rise", f"{significant(m['ramp_up_MW_per_s'])} MW/s",
         f"{significant(limits['ramp_MW_per_s'])} MW/s"),
        ("steepest fall", f"{significant(m['ramp_down_MW_per_s'])} MW/s",
         f"{significant(limits['ramp_MW_per_s'])} MW/s"),
        ("dynamic range", with_unit(m["dynamic_range_MW"], "MW"),
         f"{significant(limits['dynamic_range_MW'])} MW"),
        ("largest oscillation", with_unit(m["oscillation_MW"], "MW"),
         "–" if limits["oscillation_MW"] is None else f"{significant(limits['oscillation_MW'])} MW"),
    ]  # fmt: skip
    rows += [
        (
            f"oscillation at {significant(one['frequency_Hz'])} Hz",
            f"{significant(one['amplitude_MW'])} MW",
            "",
        )
        for one in m["modes"]
    ]
    rows += [(f"{_WORDS[key]} over its limit", f"{significant(x)} times", "")
             for key, x in answer["excess"].items()]  # fmt: skip
    plants = answer["plants"]
    if plants is not None:
        rows.append(("plants carry the seconds", "yes" if plants["carried"] else "no", ""))
        for words, key in (("as it is", "before"), ("behind the store", "behind_store")):
            one = plants[key]
            ends = f"{one['nadir_Hz']:+.3g} to {one['zenith_Hz']:+.3g} Hz"
            rows.append((f"frequency, {words}", ends, ""))
        if not plants["carried"]:
            rows += [
                ("to buy, power", with_unit(plants["to_buy_MW"], "MW"), ""),
                ("to buy, energy", with_unit(plants["to_buy_MWh"], "MWh"), ""),
                ("to buy, cost of a year", with_unit(plants["cost_USD_per_year"], "$"), ""),
            ]
    bound = answer["bound"]
    if bound is not None:
        rows += [
            ("least store with all of the future known, power", with_unit(bound["power_MW"], "MW"), ""),
            ("the same, energy", with_unit(bound["energy_kWh"], "kWh"), ""),
            ("the same, cost of a year", with_unit(bound["cost_USD_per_year"], "$"), ""),
        ]
    return rows_grid("What the seconds do.", ("measure", "value", "allowed"), rows)


def _stores(answer: Answer) -> Grid:
    rows = [
        (row["store"], "–", "–", "–", "–", row["refused"] or "")
        if row["power_MW"] is None
        else (row["store"], with_unit(row["power_MW"], "MW"), with_unit(row["energy_kWh"], "kWh"),
              f"{100 * row['losses_share']:.2g} %", with_unit(row["cost_USD_per_year"], "$"),
              "cheapest" if row["store"] == answer["cheapest_store"] else "")
        for row in answer["stores"]
    ]  # fmt: skip
    heads = ("store", "power", "energy", "losses", "cost a year", "note")
    return rows_grid("The smallest of each store that keeps the limits.", heads, rows)


def _frontier(answer: Answer) -> Grid:
    rows = [
        (with_unit(row["floor_MW"], "MW"), with_unit(row["power_MW"], "MW"),
         with_unit(row["energy_kWh"], "kWh"),
         f"{100 * row['burnt_share']:.2g} %", with_unit(row["cost_USD_per_year"], "$"),
         "slow start and stop" if row["slow_start_and_stop"] else "")
        for row in answer["frontier"]
    ]  # fmt: skip
    heads = ("floor held by software", "store", "its energy", "burnt", "cost a year", "note")
    return rows_grid("What a floor of the load spares of the store.", heads, rows)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of the seconds says; ``more`` are the series that are drawn."""
    assumptions = read_assumptions(answer["assumptions"])
    grade = worst(a.grade for a in assumptions).label

    def figure(name: str) -> tuple[Part, ...]:
        draw, caption = FIGURES[name]
        return (drawn(name, partial(draw, answer, more), caption, table=name == "spectrum"),) if more else ()

    sections = [Section("answer", "The answer", (_facts(answer), *figure("power"), *figure("spectrum")))]
    if answer["stores"]:
        sections.append(Section("stores", "What would mend it", (_stores(answer),)))
    if answer["frontier"]:
        sections.append(Section("frontier", "Software instead of a store",
                                (*figure("frontier"), _frontier(answer))))  # fmt: skip
    if answer["plants"] is not None and more:
        sections.append(Section("frequency", "What the plants feel", figure("frequency")))
    texts = (
        f"{_swings(answer)} {_bound(answer)}",
        f"{_mended(answer, grade)} {trust_words(assumptions)}".strip(),
    )
    cards = [Card("Peak", with_unit(answer["measures"]["peak_MW"], "MW"), grade)]
    cards += [
        Card(f"Store: {row['store']}", with_unit(row["cost_USD_per_year"], "$/yr"), grade)
        for row in answer["stores"]
        if row["power_MW"] is not None and row["store"] == answer["cheapest_store"]
    ]
    return Document(
        title=f"The seconds of {answer['what']}",
        setting=f"limits {answer['limits']['id']} · {significant(answer['duration_s'])} s",
        paragraphs=texts,
        again=again,
        short=("answer", "stores", "frontier"),
        stated=tuple(one["key"] for one in answer["assumptions"]),
        cards=tuple(cards),
        notices=tuple(map(str, answer["notices"])),
        sections=tuple(sections),
        facts=facts_of(again),
        **trusted(assumptions),
    )

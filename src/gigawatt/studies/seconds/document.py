"""Power swings of a campus as a document: swings, exceeded limits, the smallest store that meets them."""

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
from gigawatt.studies.seconds.figures import FIGURES, shown
from gigawatt.studies.seconds.flexibility_answer import flexibility_words
from gigawatt.studies.seconds.words import loss_words, ride_words

__all__ = ["controls_grid", "demands_grid", "document", "more"]

Answer = Mapping[str, Any]

_WORDS = {
    "ramp_up": "ramp up",
    "ramp_down": "ramp down",
    "dynamic_range": "dynamic range",
    "amplitude": "oscillation",
}


def more(folder: Path) -> Mapping[str, list[float]]:
    """The series that the figures draw, from ``drawn.json``."""
    return json.loads((folder / "drawn.json").read_text(encoding="utf-8"))


def _swings(answer: Answer) -> str:
    m, limits = answer["measures"], answer["limits"]
    text = (
        f"Power swings of {answer['what']}: the load varies from {with_unit(m['least_MW'], 'MW')} to "
        f"{with_unit(m['peak_MW'], 'MW')} (mean {with_unit(m['mean_MW'], 'MW')}); its steepest ramps are "
        f"{significant(m['ramp_up_MW_per_s'])} MW/s up and {significant(m['ramp_down_MW_per_s'])} MW/s "
        f"down ({significant(limits['ramp_MW_per_s'])} MW/s allowed)"
    )
    if m["modes"]:
        first = m["modes"][0]
        text += (
            f", and its largest oscillation has {significant(first['amplitude_MW'])} MW at "
            f"{significant(first['frequency_Hz'])} Hz"
        )
    return f"{text}."


def _limits(answer: Answer) -> str:
    over = [f"{_WORDS[key]} {significant(times)} times" for key, times in answer["excess"].items()]
    name = answer["limits"]["id"]
    if not over:
        return f"All limits of {name!r} are met."
    return f"Limits of {name!r} are exceeded: {listed(over)}."


def _remedy(answer: Answer, grade: str) -> str:
    tried = [row for row in answer["stores"] if row["power_MW"] is not None]
    best = next((row for row in tried if row["store"] == answer["cheapest_store"]), None)
    text = ""
    if best is not None:
        text = (
            f"The cheapest store that meets the limits is {best['store']} with "
            f"{with_unit(best['power_MW'], 'MW')} and {with_unit(best['energy_kWh'], 'kWh')}, "
            f"{with_unit(best['cost_USD_per_year'], '$')} a year ({grade})."
        )
    elif answer["stores"]:
        text = "None of the stores meets the limits."
    bound = answer["bound"]
    if bound is not None:
        text += (
            f" With perfect foresight {with_unit(bound['power_MW'], 'MW')} and "
            f"{with_unit(bound['energy_kWh'], 'kWh')} suffice, the lower bound of any controller."
        )
    plants = answer["plants"]
    if plants is not None:
        if plants["carried"]:
            text += " The plants carry the swings."
        else:
            text += (
                f" The plants do not carry the swings: buy {with_unit(plants['to_buy_MW'], 'MW')} with "
                f"{with_unit(plants['to_buy_MWh'], 'MWh')}, {with_unit(plants['cost_USD_per_year'], '$')} "
                "a year."
            )
    return text.strip()


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
        rows.append(("plants carry the swings", "yes" if plants["carried"] else "no", ""))
        for words, key in (("as it is", "before"), ("behind the store", "behind_store")):
            one = plants[key]
            ends = f"{one['nadir_Hz']:+.3g} to {one['zenith_Hz']:+.3g} Hz"
            rows.append((f"frequency, {words}", ends, ""))
        rows += _loss(plants["largest_loss"])
        if not plants["carried"]:
            rows += [
                ("to buy, power", with_unit(plants["to_buy_MW"], "MW"), ""),
                ("to buy, energy", with_unit(plants["to_buy_MWh"], "MWh"), ""),
                ("to buy, cost per year", with_unit(plants["cost_USD_per_year"], "$"), ""),
            ]
    bound = answer["bound"]
    if bound is not None:
        rows += [
            ("smallest store with perfect foresight, power", with_unit(bound["power_MW"], "MW"), ""),
            ("smallest store with perfect foresight, energy", with_unit(bound["energy_kWh"], "kWh"), ""),
            (
                "smallest store with perfect foresight, cost per year",
                with_unit(bound["cost_USD_per_year"], "$"),
                "",
            ),
        ]
    return rows_grid("Summary of the power swings.", ("measure", "value", "allowed"), rows)


def _loss(loss: Answer | None) -> list[tuple[str, str, str]]:
    """Rows of the loss of an island's largest unit."""
    if loss is None:
        return []
    rows = [
        (f"largest unit, {loss['plant']}", with_unit(loss["unit_MW"], "MW"), ""),
        ("what it gives when it is lost", with_unit(loss["lost_MW"], "MW"), ""),
    ]
    if loss["nadir_Hz"] is not None:
        rows.append(("frequency, at its loss", f"{loss['nadir_Hz']:+.3g} Hz", ""))
    if loss["store_MW"] is not None:
        rows += [
            ("battery that stops load shedding, power", with_unit(loss["store_MW"], "MW"), ""),
            ("battery that stops load shedding, energy", with_unit(loss["store_MWh"], "MWh"), ""),
        ]
    return rows


def _stores(answer: Answer) -> Grid:
    rows = [
        (row["store"], "–", "–", "–", "–", row["refused"] or "")
        if row["power_MW"] is None
        else (row["store"], with_unit(row["power_MW"], "MW"), with_unit(row["energy_kWh"], "kWh"),
              f"{100 * row['losses_share']:.2g} %", with_unit(row["cost_USD_per_year"], "$"),
              "cheapest" if row["store"] == answer["cheapest_store"] else "")
        for row in answer["stores"]
    ]  # fmt: skip
    heads = ("store", "power", "energy", "losses", "cost per year", "note")
    return rows_grid("The smallest size of each store that meets the limits.", heads, rows)


def _remedies(answer: Answer) -> Grid:
    rows = [
        (row["remedy"], "–", "–", "–", "–", "is too small")
        if row["cost_USD_per_year"] is None
        else (row["remedy"], with_unit(row["power_MW"], "MW") if row["power_MW"] else "–",
              f"{100 * row['burnt_share']:.2g} %", with_unit(row["cost_USD_per_year"], "$"),
              with_unit(row["delayed_kWh"], "kWh") if row["delayed_kWh"] else "–",
              "yes" if row["meets"] else f"no, {significant(row['excess_left'])} times the limit")
        for row in answer["remedies"]
    ]  # fmt: skip
    heads = ("remedy", "store", "burnt", "cost per year", "work put off", "meets the limits")
    return rows_grid("Remedies: those that meet the limits by cost, then the others.", heads, rows)


_QUANTITIES = {"voltage": ("voltage", ""), "frequency": ("frequency", "Hz"), "rocof": ("RoCoF", "Hz/s")}


def _demand(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["quantity"] == "counting":
        what = "no counting of dips"
    else:
        name, unit = _QUANTITIES[row["quantity"]]
        what = f"{name} {significant(row['value'])} {unit or 'of the rated'}"
        what += " for good" if row["duration_s"] is None else f" for {significant(row['duration_s'])} s"
    back = "–" if row["outcome"] == "stays" else f"{significant(row['back_s'])} s"
    allowed = "–" if not row["allowed_s"] else f"{significant(row['allowed_s'])} s"
    lost = with_unit(row["lost_MW"], "MW") if row["lost_MW"] else "–"
    return what, row["outcome"], lost, back, allowed, row["broken"] or ""


def demands_grid(answer: Answer) -> Grid | None:
    """The demands of the grid code and what the load does; ``None`` on an island."""
    ride = answer["ride_through"]
    if ride is None:
        return None
    heads = ("demand", "the load", "off the grid", "back after", "allowed", "broken")
    return rows_grid(f"Demands of {ride['name']}.", heads, [_demand(row) for row in ride["demands"]])


def _ride(answer: Answer) -> tuple[Grid, ...]:
    demands, ride = demands_grid(answer), answer["ride_through"]
    if demands is None or len(ride["mends"]) == 1:
        return (demands,) if demands is not None else ()
    rows = [
        (row["change"], f"{significant(row['wait_s'])} s", f"{significant(row['walk_in_s'])} s",
         row["store"] or "–", with_unit(row["cost_USD_per_year"], "$") if row["store"] else "–",
         str(row["broken"]))
        for row in ride["mends"]
    ]  # fmt: skip
    heads = ("change", "wait", "walk-in", "store", "cost per year", "demands broken")
    return demands, rows_grid("Changes of the load, the smallest first.", heads, rows)


def _millions(tokens: float) -> str:
    return f"{significant(tokens / 1e6)} M" if tokens > 1.0 else "–"


def controls_grid(answer: Answer) -> Grid | None:
    """What every control gave and cost; ``None`` without a call."""
    flex = answer["flexibility"]
    if flex is None:
        return None
    rows = [
        (row["control"], "–", "–", "–", "–", "–", "–", row["refused"])
        if row["refused"] is not None
        else (
            row["control"],
            with_unit(row["given_MW"], "MW"),
            "–" if row["reached_s"] is None else f"{significant(row['reached_s'])} s",
            _millions(row["tokens_lost"]),
            _millions(row["training_tokens_lost"]),
            f"{significant(row['longest_wait_s'])} s" if row["longest_wait_s"] >= 1.0 else "–",
            f"{significant(row['voltage'][0], 4)} to {significant(row['voltage'][1], 4)}",
            "–" if not row["asked_MW"] else "yes" if row["meets"] else "no",
        )
        for row in flex["controls"]
    ]  # fmt: skip
    heads = ("control", "given", "after", "not written", "not trained", "longest wait", "voltage", "enough")
    return rows_grid("What answers the call: power given, and what it costs.", heads, rows)


def _frontier(answer: Answer) -> Grid:
    rows = [
        (with_unit(row["floor_MW"], "MW"), with_unit(row["power_MW"], "MW"),
         with_unit(row["energy_kWh"], "kWh"),
         f"{100 * row['burnt_share']:.2g} %", with_unit(row["cost_USD_per_year"], "$"),
         "limited ramps at start and stop" if row["slow_start_and_stop"] else "")
        for row in answer["frontier"]
    ]  # fmt: skip
    heads = ("software power floor", "store", "energy of the floor", "burnt", "cost per year", "note")
    return rows_grid("Store size against the power floor of the load.", heads, rows)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The document of the power swings; ``more`` are the series that are drawn."""
    assumptions = read_assumptions(answer["assumptions"])
    grade = worst(a.grade for a in assumptions).label

    def figure(name: str) -> tuple[Part, ...]:
        draw, caption = FIGURES[name]
        return (drawn(name, partial(draw, answer, more), caption, table=name == "spectrum"),) if more else ()

    sections = [Section("answer", "The answer", (_facts(answer), *figure("power"), *figure("spectrum")))]
    if answer["stores"]:
        sections.append(Section("stores", "Stores that meet the limits", (_stores(answer),)))
    if answer["remedies"]:
        sections.append(Section("remedies", "Remedies by cost", (_remedies(answer),)))
    if answer["frontier"]:
        sections.append(Section("frontier", "Software power floor instead of a store",
                                (*figure("frontier"), _frontier(answer))))  # fmt: skip
    if answer["plants"] is not None and more:
        sections.append(Section("frequency", "Frequency at the plants", figure("frequency")))
    ride = answer["ride_through"]
    if ride is not None:
        drawings = tuple(part for name in ("ride_through", "event") if more and name in shown(answer, more)
                         for part in figure(name))  # fmt: skip
        sections.append(Section("ride-through", "Ride-through", (*drawings, *_ride(answer))))
    controls, flex = controls_grid(answer), answer["flexibility"]
    if controls is not None:
        pictures = tuple(part for name in ("flexibility", "quality") if more and name in shown(answer, more)
                         for part in figure(name))  # fmt: skip
        sections.append(Section("flexibility", "Flexibility within seconds", (*pictures, controls)))
    told = () if ride is None else (" ".join(ride_words(ride)),)
    if flex is not None:
        told += (" ".join(flexibility_words(flex)),)
    loss = None if answer["plants"] is None else answer["plants"]["largest_loss"]
    texts = (
        f"{_swings(answer)} {_limits(answer)}",
        f"{_remedy(answer, grade)} {trust_words(assumptions)}".strip(),
        *told,
        *((loss_words(loss),) if loss is not None else ()),
    )
    cards = [Card("Peak", with_unit(answer["measures"]["peak_MW"], "MW"), grade)]
    cards += [
        Card(f"Store: {row['store']}", with_unit(row["cost_USD_per_year"], "$/yr"), grade)
        for row in answer["stores"]
        if row["power_MW"] is not None and row["store"] == answer["cheapest_store"]
    ]
    return Document(
        title=f"Power swings of {answer['what']}",
        setting=f"limits {answer['limits']['id']} · {significant(answer['duration_s'])} s",
        paragraphs=texts,
        again=again,
        short=("answer", "remedies", "stores", "frontier", "ride-through", "flexibility"),
        stated=tuple(one["key"] for one in answer["assumptions"]),
        cards=tuple(cards),
        notices=tuple(map(str, answer["notices"])),
        sections=tuple(sections),
        facts=facts_of(again),
        **trusted(assumptions),
    )

"""A load over several sites as a document."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Document, Grid, Points, Section
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import listed, rows_grid, trusted, with_percent
from gigawatt.faces.report.trust import read_assumptions
from gigawatt.studies.sites.split_figures import FIGURES

__all__ = ["document"]

Answer = Mapping[str, Any]
_LEAST = 1e-3


def _dollars(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"${significant(value)}{unit}"


def _work(one: Mapping[str, Any]) -> tuple[str, str, str]:
    if one["share"] <= _LEAST:
        return ("–", "–", "–")
    return (
        with_unit(one["machines_MW"], "MW"), with_percent(one["share"]), with_percent(one["full_share"]),
    )  # fmt: skip


def _rows(answer: Answer) -> Grid:
    cells = [
        (
            one["name"], *_work(one), significant(one["pue"]),
            _dollars(one["power_USD_per_MWh"], "/MWh"),
            "–" if one["alone_USD_per_year"] is None else with_unit(one["alone_USD_per_year"], "$"),
            "–" if one["round_trip_ms"] is None else f"{one['round_trip_ms']:.0f} ms",
            ", ".join(f"{name} {with_unit(size, 'MW')}" for name, size in one["plants_MW"].items()) or "–",
        )
        for one in answer["sites"]
    ]  # fmt: skip
    heads = ("site", "machines", "share of the work", "hours at full", "PUE", "power", "everything here",
             "there and back", "plants")  # fmt: skip
    return rows_grid("Power at the racks; what a year would cost with everything at one site.", heads, cells)


def _words(answer: Answer) -> str:
    used = [one for one in answer["sites"] if one["share"] > _LEAST]
    parts = listed([f"{one['name']} {with_percent(one['share'])}" for one in used])
    text = (
        f"{with_unit(answer['load_MW'], 'MW')} at the racks: {parts}. Machines and power cost "
        f"{with_unit(answer['cost_USD_per_year'], '$')} a year, ${significant(answer['cost_USD_per_MWh'])} "
        f"per MWh at the racks (power ${significant(answer['power_USD_per_MWh'])}), and emit "
        f"{significant(answer['carbon_g_per_kWh'])} g/kWh."
    )
    best = answer["best_alone_USD_per_year"]
    if best is not None:
        text += f" At the best site alone it would be {with_unit(best, '$')} a year."
    if answer["not_served_share"] > _LEAST:
        text += f" {with_percent(answer['not_served_share'])} of the work is not done."
    return text


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The document of a load over several sites."""
    figures = tuple(drawn(name, partial(draw, answer), caption) for name, (draw, caption) in FIGURES.items())
    sections = [Section("sites", "The sites", (_rows(answer), *figures))]
    if answer["binding"]:
        sections.append(Section("binding", "What binds", (Points(tuple(answer["binding"])),)))
    if answer["refused"]:
        cells = [(one["site"], one["reason"]) for one in answer["refused"]]
        sections.append(Section("refused", "Left out", (rows_grid("Why.", ("site", "why"), cells),)))
    return Document(
        title=f"{with_unit(answer['load_MW'], 'MW')} over {len(answer['sites'])} sites",
        setting=", ".join(one["site"] for one in answer["sites"]),
        paragraphs=(_words(answer),),
        again=again,
        short=("sites", "binding", "refused"),
        sections=tuple(sections),
        **trusted(read_assumptions(answer["assumptions"])),
    )

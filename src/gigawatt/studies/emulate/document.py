"""The report of an emulation as a document: quality beside fp32, what was counted, what a token takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Section
from gigawatt.faces.figures.readable import large, significant
from gigawatt.faces.report.parts import facts_of, rows_grid

__all__ = ["document"]

Answer = Mapping[str, Any]

_COUNTED = {
    "weight_zeros": "zeros among weights",
    "activation_zeros": "zeros among inputs",
    "activation_crest": "largest input over root mean square",
    "weight_bits": "bits of a weight, scales included",
    "activation_bits": "bits of an input, scales included",
    "cache_bits": "bits of a key or value, scales included",
    "tile_utilisation": "cells of the tiles in use",
    "tile_reads": "reads of tiles a token",
    "adc_conversions": "conversions to digital a token",
    "dac_conversions": "conversions to analog a token",
    "macs": "multiply-accumulates a token",
}
_DIGITS = 4
_MILLI, _MICRO = 1e3, 1e6  # of a unit


def _quality(answer: Answer) -> Grid:
    rows = [
        (words, *(significant(answer[key][end], _DIGITS) for end in ("value", "low", "high")))
        for words, key in (
            ("perplexity, fp32", "baseline"),
            (f"perplexity, {answer['substrate']['id']}", "perplexity"),
            ("ratio, over the same windows", "ratio"),
        )
    ]
    return rows_grid("Perplexity, with 95 % intervals.", ("", "value", "95 % from", "to"), rows)


def _cost(answer: Answer) -> Grid:
    joules, seconds = answer["cost"].get("energy", {}), answer["cost"].get("time", {})
    rows = [
        (name.replace("_", " "), significant(_MILLI * joules.get(name, 0.0), _DIGITS),
         significant(_MICRO * seconds.get(name, 0.0), _DIGITS))
        for name in dict.fromkeys((*joules, *seconds))
        if joules.get(name, 0.0) or seconds.get(name, 0.0)
    ]  # fmt: skip
    rows.append(
        ("together", significant(_MILLI * sum(joules.values()), _DIGITS),
         significant(_MICRO * sum(seconds.values()), _DIGITS))
    )  # fmt: skip
    return rows_grid("What a token takes at batch 1.", ("part", "mJ", "µs"), rows)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of an emulation says; ``answer`` is what ``--json`` prints."""
    substrate = answer["substrate"]
    seeds = f", {answer['seeds']} seeds" if answer["seeds"] > 1 else ""
    sections = [Section("quality", "Quality", (_quality(answer),))]
    counted = [
        (words, significant(answer["statistics"][key], _DIGITS))
        for key, words in _COUNTED.items()
        if key in answer["statistics"]
    ]
    if counted:
        grid = rows_grid("What the run counted.", ("what", "value"), counted)
        sections.append(Section("counted", "What was counted", (grid,)))
    notices = [f"{caveat}." for caveat in answer["caveats"]]
    if answer["cost"] is not None:
        sections.append(Section("cost", "What a token takes", (_cost(answer),)))
    else:
        notices.append(f"without cost: {answer['without_cost']}")
    ratio = answer["ratio"]
    return Document(
        title=f"{answer['model']} on {substrate['name']}",
        setting=(
            f"{large(answer['parameters'])} parameters · {answer['windows']} windows of {answer['length']} "
            f"tokens of {answer['text']}{seeds}"
        ),
        paragraphs=(
            f"Perplexity is {significant(ratio['value'], _DIGITS)} times that of fp32 over the same windows "
            f"(95 % from {significant(ratio['low'], _DIGITS)} to {significant(ratio['high'], _DIGITS)}).",
        ),
        again=again,
        cards=(Card("Perplexity over fp32", f"× {significant(ratio['value'], _DIGITS)}"),),
        notices=tuple(notices),
        sections=tuple(sections),
        facts=facts_of(again, ("CPU seconds", significant(answer["cpu_seconds"], 3))),
        short=("quality", "counted", "cost"),
    )

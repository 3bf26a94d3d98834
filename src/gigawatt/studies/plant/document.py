"""A plant that is known by its physics as a document: its sheet, its figures, what was assumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.core.document import Again, Document, Section
from gigawatt.core.evidence import worst
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_document, rows_grid, trusted
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.studies.plant.figures import drawings, line_value, setting_value

__all__ = ["document", "more"]

Answer = Mapping[str, Any]

_TOLD = 3
"""Lines of each section that the words tell of: the first ones, as the sheet has them."""


def more(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """The curves that the figures draw, from ``curves.json``."""
    return json.loads((folder / "curves.json").read_text(encoding="utf-8"))


def _arrays(value: Any) -> Any:
    """Lists as arrays, as the plant's module gives them."""
    if isinstance(value, Mapping):
        return {key: _arrays(one) for key, one in value.items()}
    return np.asarray(value) if isinstance(value, list) else value


def _key(section: str) -> str:
    return "sheet-" + "".join(c if c.isalnum() else "-" for c in section.lower())


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of a plant says; ``more`` are the curves that are drawn."""
    assumptions = read_assumptions(answer["assumptions"])
    grade = worst(a.grade for a in assumptions).label
    names = list(dict.fromkeys(line["section"] for line in answer["lines"]))
    sections: list[Section] = []
    told: list[str] = []
    for section in names:
        lines = [line for line in answer["lines"] if line["section"] == section]
        rows = [(line["label"], line_value(line["value"], line["unit"]), line["note"]) for line in lines]
        table = rows_grid(f"{section[:1].upper()}{section[1:]}.", ("what", "value", "note"), rows)
        sections.append(Section(_key(section), f"{section[:1].upper()}{section[1:]}", (table,)))
        said = [f"{label} {value}" for label, value, _ in rows[:_TOLD]]
        told.append(f"{section[:1].upper()}{section[1:]}: {listed(said)}.")
    made = drawings({name: _arrays(values) for name, values in (more or {}).items()})
    if made:
        parts = (drawn(f"curve-{name}", figure, words, table=True) for name, (figure, words) in made.items())
        sections.append(Section("drawings", "Figures", tuple(parts)))
    asked = (
        f"The question was the sheet of a {answer['plant']}, design {answer['design']}, in "
        f"{answer['year']:.0f}; the "
        f"weakest number on the way is graded {grade}."
    )
    return Document(
        title=f"{answer['plant']}, design {answer['design']}, in {answer['year']:.0f}",
        setting=f"design {answer['design']} · {answer['year']:.0f}",
        paragraphs=(f"{asked} {' '.join(told)}", trust_words(assumptions)),
        again=again,
        short=tuple(map(_key, names)),
        sections=tuple(sections),
        facts=facts_of(again),
        **trusted(assumptions),
    )


def designs_document(answer: Mapping[str, str], again: Again, more: Any = None) -> Document:
    """The designs of a plant."""
    return rows_document("Designs", again, rows_grid("", ("design", "what it is"), answer.items()))


def keys_document(answer: Answer, again: Again, more: Mapping[str, tuple[Any, ...]]) -> Document:
    """What may be set of a plant, with its range; ``more`` are (value, unit, meaning, low, high) by key."""
    rows: list[tuple[str, ...]] = []
    for key, (value, unit, meaning, low, high) in sorted(more.items()):
        ends = ("", "") if isinstance(value, str) else (setting_value(low, unit), setting_value(high, unit))
        rows.append((key, setting_value(value, unit), unit if unit != "1" else "", *ends, meaning))
    heads = ("key", "value", "unit", "from", "to", "what it is")
    return rows_document(f"{answer['plant']}: what may be set", again, rows_grid("", heads, rows))

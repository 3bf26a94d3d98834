"""Studies by name: which file holds the answer, what its report is called, and who makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Document
from gigawatt.core.record import FILE, study_record
from gigawatt.faces.report import html, markdown

__all__ = ["STUDIES", "StudyFace", "again_of", "made", "study_files"]


@dataclass(frozen=True)
class StudyFace:
    """How a study is stored and shown.

    ``answer`` is the JSON in its folder, ``stem`` the name of its report without an ending. ``module`` has
    ``document(answer, again, more) -> Document`` and, where the answer alone does not do, ``more(folder)``.
    """

    answer: str
    stem: str
    module: str


STUDIES: Mapping[str, StudyFace] = {
    "outlook": StudyFace("outlook.json", "outlook", "outlook"),
    "sweep": StudyFace("sweep.json", "sweep", "sweep"),
    "compare": StudyFace("compare.json", "compare", "compare"),
    "solve": StudyFace("solve.json", "solve", "solve"),
    "codesign": StudyFace("codesign.json", "codesign", "codesign"),
    "plan-training": StudyFace("plan.json", "plan", "plan_training"),
    "plan-serving": StudyFace("plan.json", "plan", "plan_serving"),
    "plan-supply": StudyFace("plan.json", "plan", "plan_supply"),
    "simulate-serving": StudyFace("run.json", "run", "simulate_serving"),
    "plan-pathway": StudyFace("pathway.json", "pathway", "plan_pathway"),
    "plan-seconds": StudyFace("seconds.json", "seconds", "plan_seconds"),
    "plant": StudyFace("sheet.json", "plant", "plant"),
    "technologies": StudyFace("technologies.json", "technologies", "technologies"),
    "quantum": StudyFace("quantum.json", "quantum", "quantum"),
    "memory": StudyFace("memory.json", "memory", "memory"),
    "chip": StudyFace("chip.json", "chip", "chip"),
}
"""Command → its face."""


def made(study: str, answer: Mapping[str, Any], again: Again, more: Any = None) -> Document:
    """The document of a study's answer."""
    return import_module(f"gigawatt.faces.report.{STUDIES[study].module}").document(answer, again, more)


def again_of(record: Mapping[str, Any]) -> Again:
    """How a study is made anew, from its record."""
    return Again(
        command=record["command"],
        gigawatt=record["gigawatt"],
        catalog=record["catalog"],
        inputs=tuple(record["inputs"].items()),
    )


def study_files(
    study: str, answer: Mapping[str, Any], words: tuple[str, ...], more: Any = None
) -> dict[str, str]:
    """What is written of a study: its answer, its record, its report as HTML and as Markdown.

    Parameters
    ----------
    study : str
        One of :data:`STUDIES`.
    answer : mapping
        What its command prints with ``--json``.
    words : tuple of str
        What was typed after ``gigawatt``.
    more : object
        What its report reads beside the answer, as ``more(folder)`` of its module would give it.

    Returns
    -------
    dict
        File name → text.
    """
    face, record = STUDIES[study], study_record(study, words)
    # through JSON, so that a report made anew from the folder is the same
    text = json.dumps(answer, indent=1, allow_nan=False) + "\n"
    document = made(study, json.loads(text), again_of(record), more)
    return {
        face.answer: text,
        FILE: json.dumps(record, indent=1) + "\n",
        f"{face.stem}.html": html.page(document),
        f"{face.stem}.md": markdown.markdown(document),
    }


def read_study(folder: Path, record: Mapping[str, Any]) -> Document:
    """The document of a stored study; raises ``KeyError`` or ``ValueError`` for what is none."""
    face = STUDIES[record["study"]]
    answer = json.loads((folder / face.answer).read_text(encoding="utf-8"))
    module = import_module(f"gigawatt.faces.report.{face.module}")
    more = module.more(folder) if hasattr(module, "more") else None
    return module.document(answer, again_of(record), more)

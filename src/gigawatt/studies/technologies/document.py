"""Compute technologies as a document: which is best in quality against joules and dollars."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Drawing, Section, Text
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, rows_grid
from gigawatt.studies.technologies.figures import KINDS, MOST, WORST, components, front

__all__ = ["document"]

Answer = Mapping[str, Any]

_NEAR = 1.1
"""Perplexity over that as trained up to which a substrate is said to keep the model's quality."""


def _words(answer: Answer) -> tuple[str, ...]:
    rows = answer["rows"]
    ran = [row for row in rows if row["perplexity_ratio"] is not None]
    asked = (
        f"The question was what a token of {answer['model']} takes on {len(rows)} "
        f"{'substrate' if len(rows) == 1 else 'substrates'}, beside or instead of {answer['chip']}, at batch "
        f"{answer['batch']:g} with {answer['context']:,.0f} tokens of context; {len(ran)} of "
        "them were run for "
        "what they do to quality."
    )
    said: list[str] = []
    near = [row for row in ran if row["perplexity_ratio"] <= _NEAR]
    for key, (kind, scale, unit) in KINDS.items():
        if not near:
            continue
        best = min(near, key=lambda row: row[kind]["system"])
        band = best.get("bands", {}).get(f"{key} system")
        ends = ""
        if band:
            ends = (
                f", {significant(band['low'] * scale)} to {significant(band['high'] * scale)} by the ranges"
            )
        said.append(
            f"least {key} with at most {significant(100 * (_NEAR - 1))} % more perplexity has "
            f"{best['substrate']}: "
            f"{significant(best[kind]['system'] * scale)} {unit} of the whole system{ends} "
            f"(perplexity × {best['perplexity_ratio']:.3f})"
        )
    if said:
        text = "; ".join(said)
        answered = f"{text[:1].upper()}{text[1:]}."
    else:
        answered = "No substrate that was run keeps the model's quality."
    bound = [row for row in near if row["amdahl"] is not None]
    binds = ""
    if bound:
        one = min(bound, key=lambda row: row["joules"]["system"])
        binds = (
            f" The limit of {one['substrate']} is its digital part: "
            f"{100 * one['mapped_energy']:.0f} % of the energy "
            f"is mapped, so the gain is at most a factor of {one['amdahl']:.2f}."
        )
    return asked, f"{answered}{binds} Quality is {answer['caveat'].rstrip('.')}."


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of a comparison of substrates says; ``answer`` is what ``--json`` prints."""
    drawings: list[Drawing] = []
    if any(row["perplexity_ratio"] is not None for row in answer["rows"]):
        for scope in answer["scopes"]:
            for kind in KINDS:
                note = "chip: dies, memory and waiting" if scope == "chip" else "with links, node and cooling"
                words = (
                    f"Perplexity against {kind} a token ({note}); filled: on the front; bars: ranges; beyond "
                    f"× {WORST:g} nothing is drawn."
                )
                drawings.append(
                    drawn(f"front-{kind}-{scope}", partial(front, answer, kind=kind, scope=scope), words)
                )
    made_of = f"What a token's energy is made of at system scope; the {MOST} of least joules."
    parts = drawn("components", partial(components, answer), made_of, table=True)
    rows = [
        (
            row["substrate"], row["technology"].replace("_", " "),
            "not run" if row["perplexity_ratio"] is None else f"× {row['perplexity_ratio']:.3f}",
            *(_ranged(row, key, scope) for key, scope in
              (("joules", "chip"), ("joules", "system"), ("dollars", "system"))),
            f"{100 * row['mapped_energy']:.0f} "
            "%", "none" if row["amdahl"] is None else f"{row['amdahl']:.2f}",
            ", ".join(row["fronts"]),
        )
        for row in sorted(answer["rows"], key=lambda one: one["joules"]["system"])
    ]  # fmt: skip
    heads = ("substrate", "technology", "perplexity", "mJ/token, chip", "mJ/token, system",
             "$/M tokens, system", "mapped", "Amdahl", "fronts")  # fmt: skip
    quality = f"Quality is {answer['caveat'].rstrip('.')}."
    sections = [
        Section("fronts", "Quality against joules and dollars", (*drawings, Text(quality))),
        Section("components", "What a token is made of", (parts,)),
        Section("all", "All of them", (rows_grid("Every substrate, least energy first.", heads, rows),)),
    ]
    sections = [section for section in sections if section.parts]
    if answer["refused"]:
        lost = [(one["substrate"], one["reason"]) for one in answer["refused"]]
        made = rows_grid("Substrates without a cost.", ("substrate", "why"), lost)
        sections.append(Section("refused", "Without a cost", (made,)))
    return Document(
        title=f"Compute technologies: {answer['model']} on {answer['chip']}",
        setting=f"decode at batch {answer['batch']:g} · {answer['context']:,.0f} tokens of context",
        paragraphs=_words(answer),
        again=again,
        short=("all", "refused"),
        cards=(Card("Substrates", f"{len(answer['rows'])}"),
               Card("Run for quality", f"{sum(r['perplexity_ratio'] is not None for r in answer['rows'])}"),
               Card("Quality kept up to", f"{significant(100 * (_NEAR - 1))} % more perplexity")),
        sections=tuple(sections),
        facts=facts_of(again),
    )  # fmt: skip


def _ranged(row: Mapping[str, Any], key: str, scope: str) -> str:
    kind, scale, _ = KINDS[key]
    text = significant(row[kind][scope] * scale)
    band = row.get("bands", {}).get(f"{key} {scope}")
    if not band:
        return text
    return f"{text} ({significant(band['low'] * scale)} to {significant(band['high'] * scale)})"

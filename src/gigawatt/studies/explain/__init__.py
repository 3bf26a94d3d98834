"""Where a number comes from."""

from __future__ import annotations

from gigawatt.core.study import Command, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="explain",
    title="Why this number",
    words="Walk from a number to its formula, code, inputs and the rows of the catalog behind it.",
    commands=(
        Command(
            name="explain",
            target="gigawatt.studies.explain.command:explain_command",
            words="Walk from a number to its formula, code, inputs and the rows of the catalog behind it.",
            example="gigawatt explain examples/llama-3.1-405b-texas.yaml training.step_time",
            python="gigawatt.studies.explain.door:explain",
        ),
    ),
    place=20,
    answer_file="explain.json",
    report_stem="explain",
    document="gigawatt.studies.explain.document:document",
    views=(
        View(
            name="explain",
            title="Why this number",
            words="From a number down to its formula, inputs and rows.",
            target="gigawatt.studies.explain.view:show",
            place=120,
            listed=False,
            items=True,
        ),
    ),
    docs="result.md",
)

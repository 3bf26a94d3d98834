"""Scenarios side by side, and which input moved what."""

from __future__ import annotations

from gigawatt.core.study import Command, Job, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="compare",
    title="Compare",
    words="Put scenarios side by side and split every difference among the inputs that differ.",
    commands=(
        Command(
            name="compare",
            target="gigawatt.studies.compare.command:compare_command",
            words=(
                "Put scenarios or results side by side; of two, split every difference among the "
                "inputs that differ."
            ),
            example="gigawatt compare examples/gpt3-175b-a100.yaml examples/deepseek-v3-h800.yaml --no-split",
            python="gigawatt.studies.compare.door:compare",
        ),
    ),
    place=60,
    answer_file="compare.json",
    report_stem="compare",
    document="gigawatt.studies.compare.document:document",
    views=(
        View(
            name="compare",
            title="Compare",
            words="Questions side by side: what differs, and which input moved what.",
            target="gigawatt.studies.compare.view:show",
            place=110,
        ),
    ),
    jobs=(
        Job("compare-split", "Which input moved what", "gigawatt.studies.compare.view:compute"),
        Job("compare-choice", "What would change the choice", "gigawatt.studies.compare.view:choose"),
    ),
    docs="compare.md",
    services={"sides": "gigawatt.studies.compare.door:compare_results"},
)

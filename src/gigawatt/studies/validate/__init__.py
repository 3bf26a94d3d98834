"""Predictions beside measurements."""

from __future__ import annotations

from gigawatt.core.study import Command, Job, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="validate",
    title="Validation",
    words="Predictions beside measurements: error by group, beside a naive baseline.",
    commands=(
        Command(
            name="validate",
            target="gigawatt.studies.validate.command:validate_command",
            words="Predictions beside measurements: error by group, beside a naive baseline.",
            example="gigawatt validate training --rows validation/training_held_out.csv",
            python="gigawatt.studies.validate.door:validate",
        ),
    ),
    place=40,
    answer_file="scorecard.json",
    report_stem="scorecard",
    document="gigawatt.studies.validate.document:card_document",
    more="gigawatt.studies.validate.document:read_notes",
    views=(
        View(
            name="validation",
            title="Validation",
            words="Predictions beside measurements, row by row.",
            target="gigawatt.studies.validate.view:show",
            place=90,
            asks=False,
        ),
    ),
    jobs=(
        Job("validation-table", "Predictions beside measurements", "gigawatt.studies.validate.view:compute"),
        Job("validation-all", "Every table", "gigawatt.studies.validate.view:compute_all"),
    ),
    docs="scorecard.md",
)

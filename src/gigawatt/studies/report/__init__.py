"""The report of what is stored."""

from __future__ import annotations

from gigawatt.core.study import Command, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="report",
    title="Report",
    words="Write the report of a stored result or study again.",
    commands=(
        Command(
            name="report",
            target="gigawatt.studies.report.command:report_command",
            words="Write the report of a stored result or study again, as one HTML page or as Markdown.",
            example="gigawatt report results/llama-3.1-405b-texas --format md --output -",
            python="gigawatt.studies.report.door:report",
        ),
    ),
    place=30,
    docs="reports.md",
)

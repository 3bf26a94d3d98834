"""Inverse questions, and crossings."""

from __future__ import annotations

from gigawatt.core.study import Command, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="solve",
    title="Solve",
    words=("For which values of some keys a quantity is best within limits, or where one passes another."),
    commands=(
        Command(
            name="solve",
            target="gigawatt.studies.solve.command:solve_command",
            words=(
                "Find values of some keys for which a quantity is best within limits, or where one "
                "passes another."
            ),
            example=(
                "gigawatt solve examples/llama-3.1-405b-texas.yaml --find model.parameters=50B..3T "
                "--find 'machine.count=8192..65536 step 8192' --maximise model.parameters --limit "
                "'facility.power_peak <= 300 MW' --limit 'training.duration <= 180 days'"
            ),
            python="gigawatt.studies.solve.door:solve",
            grouped=True,
        ),
    ),
    place=150,
    answer_file="solve.json",
    report_stem="solve",
    document="gigawatt.studies.solve.document:document",
    docs="solve.md",
)

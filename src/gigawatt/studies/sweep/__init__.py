"""Many scenarios into one store."""

from __future__ import annotations

from gigawatt.core.study import Command, Group, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="sweep",
    title="Sweep",
    words="Many scenarios into one store: which input moves what.",
    commands=(
        Command(
            name="sweep run",
            target="gigawatt.studies.sweep.command:run_command",
            words="Compute every scenario of a study that its store does not know yet.",
            example="gigawatt sweep examples/sweep-texas.yaml --workers 2 --output results/texas",
            python="gigawatt.studies.sweep.door:sweep",
            function="sweep",
        ),
        Command(
            name="sweep show",
            target="gigawatt.studies.sweep.command:show_command",
            words="Show what a store holds: its columns, the answer to a query, a figure, a CSV file.",
            example="gigawatt sweep show results/texas --x machine.count --y training.tokens",
            python="gigawatt.studies.sweep.door:sweep_show",
        ),
    ),
    groups=(
        Group(
            "sweep",
            (
                "Many scenarios into one store: `gigawatt sweep STUDY` computes, "
                "`gigawatt sweep show STORE` looks."
            ),
            default="run",
            example="gigawatt sweep examples/sweep-texas.yaml --workers 2 --output results/texas",
        ),
    ),
    place=230,
    answer_file="sweep.json",
    report_stem="sweep",
    document="gigawatt.studies.sweep.document:document",
    docs="sweep.md",
)

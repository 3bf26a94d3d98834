"""The whole chain on one scenario: the run itself, its report and its figures."""

from __future__ import annotations

from gigawatt.core.study import Command, Job, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="run",
    title="Run",
    words="Run the whole chain on a scenario.",
    commands=(
        Command(
            name="run",
            target="gigawatt.studies.run.command:run_command",
            words=(
                "Run the whole chain on a scenario: a table here, one HTML report and data files in a folder."
            ),
            example="gigawatt run examples/llama-3.1-405b-texas.yaml",
            python="gigawatt.studies.run.door:run",
        ),
    ),
    place=10,
    answer_file="result.json",
    report_stem="report",
    document="gigawatt.studies.run.document:answer_document",
    more="gigawatt.core.store:load_result",
    views=(
        View(
            name="chain",
            title="Chain",
            words="From the power plant on: what it takes, what limits it, what would relieve it.",
            target="gigawatt.studies.run.view:show",
            place=10,
        ),
    ),
    jobs=(Job("chain-uncertainty", "Uncertainty", "gigawatt.studies.run.view:compute", alone=True),),
    docs="result.md",
    services={
        "figure_names": "gigawatt.studies.run.figures:figure_names",
        "figure": "gigawatt.studies.run.figures:figure",
        "notebook": "gigawatt.studies.run.render:notebook",
        "document": "gigawatt.studies.run.document:document",
    },
)

"""The outlook to 2050."""

from __future__ import annotations

from gigawatt.core.study import Command, Job, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="outlook",
    title="Outlook",
    words=("The largest training run, what binds it, machines and electricity, year by year to 2050."),
    commands=(
        Command(
            name="outlook",
            target="gigawatt.studies.outlook.command:outlook_command",
            words=(
                "Draw the outlook to 2050: the largest training run, what binds it, machines and electricity."
            ),
            example="gigawatt outlook lift-off --draws 20000 --output results/outlook",
            python="gigawatt.studies.outlook.door:draw_outlook",
            function="draw_outlook",
        ),
    ),
    place=170,
    answer_file="outlook.json",
    report_stem="outlook",
    document="gigawatt.studies.outlook.document:document",
    views=(
        View(
            name="outlook",
            title="Outlook",
            words="The largest run, what binds it, machines and electricity to 2050.",
            target="gigawatt.studies.outlook.view:show",
            place=80,
            asks=False,
        ),
    ),
    jobs=(Job("outlook-draws", "Draws of the outlook", "gigawatt.studies.outlook.view:compute", alone=True),),
    docs="outlook.md",
)

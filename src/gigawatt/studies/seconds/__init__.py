"""The seconds of a load."""

from __future__ import annotations

from gigawatt.core.study import Command, Job, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="plan-seconds",
    title="Plan the seconds",
    words=(
        "How the power of a load swings within seconds, what its connection allows, and the smallest "
        "store that meets these limits."
    ),
    commands=(
        Command(
            name="plan-seconds",
            target="gigawatt.studies.seconds.command:plan_seconds_command",
            words=(
                "Analyse the power swings of a load: ramps, oscillations, the smallest store that "
                "meets limits."
            ),
            example="gigawatt plan-seconds --chip nvidia-h100-sxm --count 16384 --plants gas-turbine=40MW",
            python="gigawatt.studies.seconds.door:plan_seconds",
            grouped=True,
        ),
    ),
    place=110,
    answer_file="seconds.json",
    report_stem="seconds",
    document="gigawatt.studies.seconds.document:document",
    more="gigawatt.studies.seconds.document:more",
    jobs=(Job("seconds", "The seconds of the campus", "gigawatt.studies.seconds.view:compute"),),
    docs="seconds.md",
)

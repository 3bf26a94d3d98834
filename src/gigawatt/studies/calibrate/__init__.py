"""This machine, measured."""

from __future__ import annotations

from gigawatt.core.study import Command, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="calibrate",
    title="Calibrate",
    words="Measure this machine and write it into the user catalog as a chip.",
    commands=(
        Command(
            name="calibrate",
            target="gigawatt.studies.calibrate.command:calibrate_command",
            words="Measure this machine through torch and write it into the user catalog as a chip.",
            example="gigawatt calibrate --seconds 60 --name MY-H100 --like H100-SXM5-80GB",
            python="gigawatt.studies.calibrate.door:calibrate",
        ),
    ),
    place=50,
    answer_file="calibration.json",
    report_stem="calibration",
    document="gigawatt.studies.calibrate.document:document",
    docs="calibrate.md",
)

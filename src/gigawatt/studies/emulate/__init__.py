"""A language model on a substrate, run."""

from __future__ import annotations

from gigawatt.core.study import Command, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="emulate",
    title="Emulate",
    words="What a substrate does to a language model: perplexity beside fp32.",
    commands=(
        Command(
            name="emulate",
            target="gigawatt.studies.emulate.command:emulate_command",
            words=(
                "Run a language model on a substrate: perplexity beside fp32 with intervals, and "
                "what was counted."
            ),
            example="gigawatt emulate --model small --substrate nvfp4 --windows 8",
            python="gigawatt.studies.emulate.door:emulate",
        ),
    ),
    place=140,
    answer_file="emulation.json",
    report_stem="emulation",
    document="gigawatt.studies.emulate.document:document",
    docs="emulate.md",
)

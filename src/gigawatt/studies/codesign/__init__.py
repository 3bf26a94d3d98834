"""Chip, model, machine and power source, varied together."""

from __future__ import annotations

from gigawatt.core.study import Command, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="codesign",
    title="Co-design",
    words="Which chip, model shape, machine and power source are best together.",
    commands=(
        Command(
            name="codesign",
            target="gigawatt.studies.codesign.command:codesign_command",
            words=(
                "Vary a chip's area, memory, links and format, the model's shape, machine and power "
                "source together."
            ),
            example=(
                "gigawatt codesign examples/llama-3.1-405b-texas.yaml --design B200-parts --set "
                "training.number_format=fp8 --source grid --limit 'power <= 40 MW' --output "
                "results/codesign"
            ),
            python="gigawatt.studies.codesign.door:codesign",
            grouped=True,
        ),
    ),
    place=160,
    answer_file="codesign.json",
    report_stem="codesign",
    document="gigawatt.studies.codesign.document:document",
    docs="codesign.md",
)

"""Compute technologies side by side."""

from __future__ import annotations

from gigawatt.core.study import Command, Group, Job, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="technologies",
    title="Technologies",
    words="What number formats and other ways to compute do to quality, energy and cost.",
    commands=(
        Command(
            name="technologies compare",
            target="gigawatt.studies.technologies.command:compare_command",
            words=("Quality as measured beside joules and dollars a token, of the chip and of the system."),
            example="gigawatt technologies compare --model llama-3.1-8b --substrate nvfp4 --substrate fp8",
            python="gigawatt.studies.technologies.door:compare_technologies",
            function="compare_technologies",
        ),
        Command(
            name="technologies audit",
            target="gigawatt.studies.technologies.command:audit_command",
            words=(
                "What remains of a published claim at the scope, workload and precision of a language model."
            ),
            example="gigawatt technologies audit lightmatter",
            python="gigawatt.studies.technologies.door:technologies_audit",
        ),
        Command(
            name="technologies needs",
            target="gigawatt.studies.technologies.command:needs_command",
            words="What a machine of several substrates supposes, beside what is published today.",
            example="gigawatt technologies needs mixed-2035 --model llama-3.1-70b",
            python="gigawatt.studies.technologies.door:technologies_needs",
        ),
        Command(
            name="technologies study",
            target="gigawatt.studies.technologies.command:study_command",
            words=(
                "Run a model on every substrate (torch; half an hour) and compare them with what was "
                "measured."
            ),
            example="gigawatt technologies study --windows 8 --output results/study",
            python="gigawatt.studies.technologies.door:technologies_study",
        ),
    ),
    groups=(
        Group(
            "technologies",
            "Compute technologies: what each costs a token, what it does to quality, what claims are worth.",
        ),
    ),
    place=210,
    answer_file="technologies.json",
    report_stem="technologies",
    document="gigawatt.studies.technologies.document:document",
    documents={
        kind: f"gigawatt.studies.technologies.tables:{kind}_document"
        for kind in ("claims", "ratio", "audit", "needs")
    },
    views=(
        View(
            name="technologies",
            title="Technologies",
            words="What number formats and other ways to compute do to quality and energy.",
            target="gigawatt.studies.technologies.view:show",
            place=70,
            branch="running",
        ),
    ),
    jobs=(
        Job(
            "technology-bands",
            "Ranges of energy and cost",
            "gigawatt.studies.technologies.view:compute",
            branch="running",
        ),
    ),
    docs="technologies.md",
)

"""Stacked memory, generation by generation."""

from __future__ import annotations

from gigawatt.core.study import Command, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="memory",
    title="Stacked memory",
    words="What generations of stacked memory give, take and cost.",
    commands=(
        Command(
            name="technologies memory",
            target="gigawatt.studies.memory.command:memory_command",
            words=(
                "What stacked memory gives, takes and costs: bandwidth by pattern, pJ a bit, temperature."
            ),
            example="gigawatt technologies memory hbm4 --pattern kv-pages --pattern random",
            python="gigawatt.studies.memory.door:technologies_memory",
        ),
    ),
    place=211,
    answer_file="memory.json",
    report_stem="memory",
    document="gigawatt.studies.memory.document:document",
    more="gigawatt.studies.memory.document:more",
    docs="stacked-memory.md",
)

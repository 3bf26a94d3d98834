"""A chip from its parts."""

from __future__ import annotations

from gigawatt.core.study import Command, Group, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="chip",
    title="Chip",
    words="A chip from its parts: area, yield, cost, power, temperatures and what limits it.",
    commands=(
        Command(
            name="chip build",
            target="gigawatt.studies.chip.command:build_command",
            words=(
                "Build a chip from its parts: area, yield, cost, power, temperatures, roofline, what "
                "limits it."
            ),
            example="gigawatt chip build GW-2027 --set memory.stacks=8 --json",
            python="gigawatt.studies.chip.door:chip_build",
        ),
        Command(
            name="chip list",
            target="gigawatt.studies.chip.command:list_command",
            words=(
                "List the designs of the catalog, or the nodes, packages, links, memories and "
                "coolings to build with."
            ),
            example="gigawatt chip list",
            python="gigawatt.studies.chip.door:chip_list",
        ),
    ),
    groups=(Group("chip", "Chips from parts: dies, stacks of memory, links, package, cooling."),),
    place=220,
    answer_file="chip.json",
    report_stem="chip",
    document="gigawatt.studies.chip.document:document",
    documents={kind: f"gigawatt.studies.chip.document:{kind}_document" for kind in ("designs", "parts")},
    more="gigawatt.studies.chip.document:more",
    docs="chiplets.md",
)

"""Power over decades."""

from __future__ import annotations

from gigawatt.core.study import Command, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="plan-pathway",
    title="Plan a pathway",
    words=(
        "What a campus builds and retires over decades, bridging plants, and the cost of waiting for power."
    ),
    commands=(
        Command(
            name="plan-pathway",
            target="gigawatt.studies.pathway.command:plan_pathway_command",
            words=(
                "Plan a campus's power over decades: build, retire, bridge, and the cost of waiting for "
                "power."
            ),
            example=(
                'gigawatt plan-pathway texas --load "2025: 200 MW, 2030: 1 GW" --carbon-price "2030: 50 $/t"'
            ),
            python="gigawatt.studies.pathway.door:plan_pathway",
            grouped=True,
        ),
    ),
    place=130,
    answer_file="pathway.json",
    report_stem="pathway",
    document="gigawatt.studies.pathway.document:document",
    docs="pathway.md",
)

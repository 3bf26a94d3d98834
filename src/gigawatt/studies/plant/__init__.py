"""A plant from its physics."""

from __future__ import annotations

from gigawatt.core.study import Command, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="plant",
    title="Plant",
    words=("The sheet of a plant that is known by its physics: power, limits, fuel, availability, cost."),
    commands=(
        Command(
            name="plant",
            target="gigawatt.studies.plant.command:plant_command",
            words=(
                "Print the sheet of a plant from its physics: power, limits, fuel, availability, "
                "cost, and its row."
            ),
            example="gigawatt plant fusion --set net=400MW --output results/fusion",
            python="gigawatt.studies.plant.door:plant",
        ),
    ),
    place=120,
    answer_file="sheet.json",
    report_stem="plant",
    document="gigawatt.studies.plant.document:document",
    documents={"designs": "gigawatt.studies.plant.document:designs_document"},
    more="gigawatt.studies.plant.document:more",
    views=(
        View(
            name="plants",
            title="Plants",
            words="What each plant costs at the site, and the physics of those not built yet.",
            target="gigawatt.studies.plant.view:show",
            place=50,
        ),
    ),
    docs="plants-fusion.md",
)

"""The supply of a load, planned hour by hour."""

from __future__ import annotations

from gigawatt.core.study import Command, Job, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="plan-supply",
    title="Plan a supply",
    words="The least-cost plants that supply a load at a site, and their hourly dispatch.",
    commands=(
        Command(
            name="plan-supply",
            target="gigawatt.studies.supply.command:plan_supply_command",
            words=("Plan the supply of a load: least-cost plants, their capacities and hourly dispatch."),
            example='gigawatt plan-supply texas --load 1GW --year 2035 --carbon "20 g/kWh"',
            python="gigawatt.studies.supply.door:plan_supply",
            grouped=True,
        ),
    ),
    place=90,
    answer_file="plan.json",
    report_stem="plan",
    document="gigawatt.studies.supply.document:document",
    more="gigawatt.studies.supply.document:more",
    views=(
        View(
            name="supply",
            title="Supply",
            words=("Site of the campus, the plants built for it and their hourly dispatch."),
            target="gigawatt.studies.supply.view:show",
            place=40,
        ),
    ),
    jobs=(Job("supply-near", "What costs almost the same", "gigawatt.studies.supply.near_view:compute"),),
    docs="plan-supply.md",
)

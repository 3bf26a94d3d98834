"""Sites side by side: one question asked at each, and which is cheapest, cleanest, first."""

from __future__ import annotations

from gigawatt.core.study import Command, Job, Study, View

__all__ = ["SPLIT", "STUDY"]

SPLIT = Study(
    name="split-load",
    title="Split a load over sites",
    words="One load at several sites at once: where machines stand, and in which hours they run.",
    commands=(
        Command(
            name="split-load",
            target="gigawatt.studies.sites.split_command:split_load_command",
            words="Divide one load over several sites: machines, plants and hours in one programme.",
            example='gigawatt split-load "100 MW" --sites "texas, dublin" --most "texas=60 MW" --year 2036',
            python="gigawatt.studies.sites.split_door:split_load",
        ),
    ),
    place=96,
    answer_file="split.json",
    report_stem="split",
    document="gigawatt.studies.sites.split_document:document",
    jobs=(Job("sites-split", "The load over several sites", "gigawatt.studies.sites.view:split"),),
    docs="rank-sites.md",
)

STUDY = Study(
    name="rank-sites",
    title="Rank sites",
    words="One question at many sites: cost, carbon, date and hours short of each.",
    commands=(
        Command(
            name="rank-sites",
            target="gigawatt.studies.sites.command:rank_sites_command",
            words="Ask one question at many sites, and rank them by cost, carbon, date and hours short.",
            example='gigawatt rank-sites --load "100 MW" --year 2036 --sites "texas, dublin, karlsruhe"',
            python="gigawatt.studies.sites.door:rank_sites",
        ),
    ),
    place=95,
    answer_file="sites.json",
    report_stem="sites",
    document="gigawatt.studies.sites.document:document",
    views=(
        View(
            name="sites",
            title="Sites",
            words="The same question at many sites, and one load over several.",
            target="gigawatt.studies.sites.view:show",
            place=45,
        ),
    ),
    jobs=(Job("sites-ranked", "The question at many sites", "gigawatt.studies.sites.view:rank"),),
    docs="rank-sites.md",
)

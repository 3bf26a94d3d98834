"""The numbers."""

from __future__ import annotations

from gigawatt.core.study import Command, Group, Study, View

__all__ = ["STUDY"]

STUDY = Study(
    name="catalog",
    title="Catalog",
    words="Every number with its unit, range, grade and source.",
    commands=(
        Command(
            name="catalog list",
            target="gigawatt.studies.catalog.command:list_command",
            words="List the catalog's tables, or the entries of one.",
            example="gigawatt catalog list chips",
            python="gigawatt.studies.catalog.door:catalog_list",
        ),
        Command(
            name="catalog show",
            target="gigawatt.studies.catalog.command:show_command",
            words="Show every number of one entry with unit, range, grade and source.",
            example="gigawatt catalog show chips H100-SXM5-80GB",
            python="gigawatt.studies.catalog.door:catalog_show",
        ),
        Command(
            name="catalog gaps",
            target="gigawatt.studies.catalog.command:gaps_command",
            words="List the guesses with the largest share of the variance of scenarios' key figures.",
            example="gigawatt catalog gaps examples/deepseek-v3-h800.yaml --draws 500",
            python="gigawatt.studies.catalog.gaps:catalog_gaps",
        ),
    ),
    groups=(Group("catalog", "Look at the numbers: every row with its unit, range, grade and source."),),
    place=200,
    answer_file="catalog.json",
    report_stem="catalog",
    document="gigawatt.studies.catalog.tables:tables_document",
    documents={
        kind: f"gigawatt.studies.catalog.tables:{kind}_document" for kind in ("entries", "entry", "gaps")
    },
    views=(
        View(
            name="catalog",
            title="Catalog",
            words="Every number with its unit, range, grade and source.",
            target="gigawatt.studies.catalog.view:show",
            place=100,
            asks=False,
            items=True,
        ),
    ),
    docs="bring-your-own.md",
)

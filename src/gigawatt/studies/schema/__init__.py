"""The fields of a question, for editors and for the docs."""

from __future__ import annotations

from gigawatt.core.study import Command, Study

__all__ = ["STUDY"]

STUDY = Study(
    name="schema",
    title="Fields of a question",
    words="Print every field of a scenario, as a JSON schema for editors or as a table.",
    commands=(
        Command(
            name="schema",
            target="gigawatt.studies.schema.command:schema_command",
            words="Print every field of a scenario, as a JSON schema for editors or as a table.",
            example="gigawatt schema --format json",
            python="gigawatt.studies.schema.door:scenario_schema",
            function="scenario_schema",
        ),
    ),
    place=45,
    docs="scenario.md",
)

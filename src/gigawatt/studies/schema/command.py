"""``gigawatt schema``: the fields of a scenario for editors and for the docs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gigawatt.core.checks import check_word

__all__ = ["schema_command"]

_FORMATS = ("json", "markdown")


def schema_command(
    format: Annotated[str, typer.Option(help="json: JSON schema; markdown: the table of the docs.")] = "json",
) -> None:
    """Print every field of a scenario, as a JSON schema for editors or as a table."""
    from gigawatt.schema.exports import as_table
    from gigawatt.studies.schema.door import scenario_schema

    check_word("--format", format, _FORMATS, "no such format")
    print(json.dumps(scenario_schema(), indent=1) if format == "json" else as_table(), end="\n")

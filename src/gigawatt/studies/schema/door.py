"""The fields of a scenario: what the command and Python both call."""

from __future__ import annotations

from typing import Any

__all__ = ["scenario_schema"]


def scenario_schema() -> dict[str, Any]:
    """The JSON schema of a scenario, as ``gigawatt schema`` prints it: what an editor completes from."""
    from gigawatt.schema.exports import as_json_schema

    return as_json_schema()

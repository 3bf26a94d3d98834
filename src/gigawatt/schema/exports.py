"""The fields of a question as a JSON schema that editors complete from, and as a table for the docs."""

from __future__ import annotations

from typing import Any

from gigawatt import catalog
from gigawatt.schema.fields import FIELDS, Field, fields, keys_under, sections
from gigawatt.schema.scenario import SHORT
from gigawatt.schema.values import starting

__all__ = ["as_json_schema", "as_table"]

_TYPES: dict[str, dict[str, Any]] = {
    "quantity": {"type": ["string", "number"]},
    "count": {"type": ["integer", "string"]},
    "name": {"type": ["string", "number"]},
    "names": {"type": ["array", "string"], "items": {"type": "string"}},
    "batch": {"type": "string"},
    "demand": {"type": "string"},
    "dates": {"type": ["string", "integer", "object"]},
    "shape": {"type": ["string", "number", "array"]},
    "ranks": {"type": ["integer", "string"]},
    "runs": {"type": ["integer", "string"]},
    "resale": {"type": ["number", "string"]},
    "columns": {"type": ["array", "string"]},
    "path": {"type": ["string", "number", "object"]},
    "powers": {"type": "object", "additionalProperties": {"type": "string"}},
    "files": {"type": "object", "additionalProperties": {"type": "string"}},
    "prices": {"type": "object", "additionalProperties": {"type": ["string", "number", "object"]}},
    "settings": {"type": "object", "additionalProperties": {"type": ["string", "boolean"]}},
    "year": {"type": "integer", "minimum": 2010, "maximum": 2050},
    "flag": {"type": "boolean"},
}


def _names(field: Field) -> list[str]:
    """Rows of the catalog that a field may name, their aliases left out."""
    return sorted(catalog.table(field.table)) if field.table else []


def _property(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {"title": field.label or field.key, "description": _sentence(field)}
    if field.example:
        described["examples"] = [field.example]
    if field.default:
        described["default"] = starting(field)
    if field.choices:
        values: list[Any] = [int(one) if field.kind == "number" else one for one in field.choices]
        return {**described, "enum": values}
    kind = _TYPES[field.kind]
    names = _names(field)
    if field.kind == "name" and names:  # a row of the catalog, an alias of one, or a file
        return {**described, "anyOf": [{"enum": names}, kind]}
    if field.kind == "names" and names:
        return {**described, **kind, "items": {"anyOf": [{"enum": names}, {"type": "string"}]}}
    return {**described, **kind}


def _sentence(field: Field) -> str:
    more = f" ({field.branch} only)" if field.branch in ("training", "serving") else ""
    return f"{field.sentence}{more}."


def _object(section: str) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    needed: list[str] = []
    for name in keys_under(section):
        key = f"{section}.{name}" if section else name
        if key in sections():
            properties[name] = _object(key)
            inside = any(one.required for one in FIELDS if one.key.startswith(f"{key}."))
            optional = key in ("training", "serving")
        else:
            properties[name] = _property(fields()[key])
            inside, optional = fields()[key].required, False
        if inside and not optional:
            needed.append(name)
    found: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    found = {**found, "required": needed} if needed else found
    return {"anyOf": [_property(fields()[SHORT[section]]), found]} if section in SHORT else found


def as_json_schema() -> dict[str, Any]:
    """A scenario as JSON schema (draft 2020-12), names of the catalog as completions."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gigawatt scenario",
        "description": "What is trained or served, on which machine, at which site, with which supply.",
        **_object(""),
    }


def as_table() -> str:
    """The fields as a table in Markdown: name, what it is, an example, unit inside, where it belongs."""
    lines = ["| field | what it is | example |", "|---|---|---|"]
    for one in FIELDS:
        needed = "**needed** · " if one.needed else ""
        alone = one.branch in ("training", "serving") and not one.key.startswith(one.branch)
        belongs = f"; {one.branch} only" if alone else ""
        said = (one.sentence + belongs).replace("|", "\\|")
        choices = f": {', '.join(one.choices)}" if one.choices else ""
        default = f" (default {one.default})" if one.default else ""
        lines.append(f"| `{one.key}` | {needed}{said}{choices}{default} | `{one.example}` |")
    return "\n".join(lines) + "\n"

"""Rows of published targets and the functions that they call: each part has its module, no name is idle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

from gigawatt.core.errors import InputError
from gigawatt.validation.computations import computations
from gigawatt.validation.published import parts_of, rows_of

PUBLISHED = ("goodput", "adequacy", "supply", "technologies", "outlook")
ROOT = Path(__file__).parents[2]
WRITTEN = ("where", "ours", "published", "tolerance", "fitted")


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text.strip(), mode="eval")) if isinstance(node, ast.Name)}


def _called(table: str, part: str) -> set[str]:
    """Names that the rows of a part call, in calls and in the braces of words."""
    found: set[str] = set()
    for row in rows_of(table):
        if row["part"].partition(".")[0] == part:
            texts = [row[key] for key in WRITTEN if row[key] not in ("", "yes")]
            for key in ("what", "source", "note"):
                texts += [text for text, _ in re.findall(r"\{([^{}:]+)(?::([^{}]*))?\}", row[key])]
            found |= set().union(*map(_names, texts))
    return found


def _elsewhere(module: ModuleType) -> Iterator[str]:
    """Names that another file of the repository imports from a module."""
    for folder in ("src", "tests", "benchmarks"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            if module.__name__ in text:
                for node in ast.walk(ast.parse(text)):
                    if isinstance(node, ast.ImportFrom) and node.module == module.__name__:
                        yield from (name.name for name in node.names)


@pytest.mark.parametrize("table", PUBLISHED)
def test_every_part_has_its_module_and_every_module_its_rows(table: str) -> None:
    modules = {one.name for one in iter_modules(import_module(f"gigawatt.validation.{table}").__path__)}
    assert modules == {part.partition(".")[0] for part in parts_of(table)}


@pytest.mark.parametrize("table", PUBLISHED)
def test_every_name_of_a_part_is_called(table: str) -> None:
    for part in {one.partition(".")[0] for one in parts_of(table)}:
        module = import_module(f"gigawatt.validation.{table}.{part}")
        assert _called(table, part) >= set(module.__all__) - set(_elsewhere(module)), module.__name__


def test_a_part_without_a_module_is_named() -> None:
    with pytest.raises(InputError, match=r"part.*tides.*gigawatt\.validation\.supply\.tides"):
        computations("supply", "tides")

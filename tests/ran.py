"""Examples that several files look at, evaluated once in a worker.

Tests of an example share a group of ``--dist loadgroup``, so that one worker has them all; under other modes
an example may be evaluated in several workers, which is slower and no less right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import gigawatt
from gigawatt.core.result import Result
from gigawatt.schema.scenario import LoadedScenario

FOLDER = Path(__file__).parents[1] / "examples"


@cache
def evaluated(name: str) -> tuple[Result, Mapping[str, Any]]:
    """The result of an example, and its quantities by name as functions made them."""
    kept: dict[str, Any] = {}

    def finish(result: Result, _: LoadedScenario, objects: Mapping[str, Any]) -> Result:
        kept.update(objects)
        return result

    return gigawatt.load(FOLDER / f"{name}.yaml").run(finish=finish), kept


def ran(name: str) -> Result:
    """The result of an example."""
    return evaluated(name)[0]


def group(name: str) -> pytest.MarkDecorator:
    """Of tests of one example."""
    return pytest.mark.xdist_group(f"example-{name}")


def each(names: Iterable[str]) -> list[Any]:
    """Examples as parameters of a test."""
    return [pytest.param(name, marks=group(name)) for name in names]

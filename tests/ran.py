"""Examples that several files look at, evaluated once in a worker.

One worker has all files that import this one: ``conftest.py`` sees to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

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

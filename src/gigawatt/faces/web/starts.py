"""Where a question on the page starts: the scenarios that travel along."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from gigawatt.core.errors import MissingDataError
from gigawatt.schema.fields import LOAD, SERVING, TRAINING
from gigawatt.schema.scenario import LoadedScenario, read_scenario

__all__ = ["BRANCHES", "DEFAULT", "FILE", "Start", "start_of", "starts"]

DEFAULT = "llama-3.1-405b-texas"
"""What the page opens with."""
FILE = Path("scenario.yaml")
"""What a scenario is called whose file nobody has: errors name it, and no folder."""


BRANCHES = {TRAINING: "train a model", SERVING: "serve a model", LOAD: "a load without a model"}
"""Branches that the page asks, in the order of their starts, and what they are called."""


@dataclass(frozen=True)
class Start:
    """A scenario that travels along: its id, what it is called, its branch."""

    id: str
    title: str
    branch: str
    loaded: LoadedScenario


@lru_cache(maxsize=1)
def _folder() -> Path:
    here = Path(__file__).resolve().parent
    for folder in (here / "examples", here.parents[3] / "examples"):
        if (folder / f"{DEFAULT}.yaml").is_file():
            return folder
    raise MissingDataError(
        "the scenarios to start from are not installed", allowed="gigawatt installed whole"
    )


@lru_cache(maxsize=1)
def starts() -> dict[str, Start]:
    """Every scenario to start from, by id: branch by branch, the default before all."""
    found: list[Start] = []
    for file in sorted(_folder().glob("*.yaml")):
        if file.stem.startswith("sweep"):  # a study, not a scenario
            continue
        loaded = replace(read_scenario(file), file=FILE)
        found.append(Start(file.stem, loaded.scenario.name or file.stem, loaded.branch, loaded))
    order = tuple(BRANCHES)
    found.sort(key=lambda one: (order.index(one.branch), one.id != DEFAULT, one.title))
    return {one.id: one for one in found}


def start_of(name: str) -> Start:
    """A scenario by id; raises ``KeyError``."""
    return starts()[name]

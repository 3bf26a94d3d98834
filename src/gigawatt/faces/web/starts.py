"""Where a question on the page starts: the scenarios that travel along."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from gigawatt.core.errors import MissingDataError
from gigawatt.schema.scenario import LoadedScenario, read_scenario

__all__ = ["DEFAULT", "FILE", "Start", "start_of", "starts"]

DEFAULT = "llama-3.1-405b-texas"
"""What the page opens with."""
FILE = Path("scenario.yaml")
"""What a scenario is called whose file nobody has: errors name it, and no folder."""


@dataclass(frozen=True)
class Start:
    """A scenario that travels along: its id, what it is called, whether it serves."""

    id: str
    title: str
    serves: bool
    loaded: LoadedScenario


@lru_cache(maxsize=1)
def _folder() -> Path:
    here = Path(__file__).resolve().parent
    for folder in (here / "examples", here.parents[2] / "examples"):
        if (folder / f"{DEFAULT}.yaml").is_file():
            return folder
    raise MissingDataError(
        "the scenarios to start from are not installed", allowed="gigawatt installed whole"
    )


@lru_cache(maxsize=1)
def starts() -> dict[str, Start]:
    """Every scenario to start from, by id: those that train first, the default before all."""
    found: list[Start] = []
    for file in sorted(_folder().glob("*.yaml")):
        if file.stem.startswith("sweep"):  # a study, not a scenario
            continue
        loaded = replace(read_scenario(file), file=FILE)
        found.append(Start(file.stem, loaded.scenario.name or file.stem, loaded.serves, loaded))
    found.sort(key=lambda one: (one.serves, one.id != DEFAULT, one.title))
    return {one.id: one for one in found}


def start_of(name: str) -> Start:
    """A scenario by id; raises ``KeyError``."""
    return starts()[name]

"""A scenario that serves, as questions of serving alone are asked: key by key, as a person writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gigawatt.errors import InputError
from gigawatt.study.leaves import beside
from gigawatt.study.scenario import read_scenario
from gigawatt.study.serving_question import DEGREES

__all__ = ["asked_by"]

_SAME = (
    "prompt", "output", "arrivals", "variation", "objective", "weights", "cache", "precision",
    "sparsity", "engine", "guesses", "acceptance", "replicas", "routing",
)  # fmt: skip
_MACHINE = ("chip", "node", "scale_up", "scale_out", "domain", "topology", "oversubscription")
_REQUESTS = 200_000
"""Simulated where neither the scenario nor the caller says how many."""


def asked_by(file: str | Path) -> dict[str, Any]:
    """What the scenario in ``file`` says, by the names that questions of serving use.

    ``rate`` or ``demand`` is what it asks for; ``requests`` how many are to be simulated. The hours of its
    day, the building and its supply are left to ``gigawatt run``.

    Raises
    ------
    InputError
        The file is no scenario, or one that trains.
    """
    loaded = read_scenario(file)
    scenario, section = loaded.scenario, loaded.scenario.serving
    if section is None:
        raise InputError(
            "this scenario serves nothing",
            file=loaded.file,
            allowed="a serving: section; gigawatt run trains",
        )
    found: dict[str, Any] = {name: getattr(section, name) for name in _SAME}
    found |= {name: getattr(scenario.machine, name) for name in _MACHINE}
    found |= {name: getattr(section.layout, name) for name in DEGREES}
    found["model"] = str(beside(loaded, scenario.model))
    found["trace"] = None if section.trace is None else str(beside(loaded, section.trace))
    found["year"], found["site"], found["seed"] = scenario.year, scenario.site.name, section.seed
    found["requests"] = section.simulated_requests or _REQUESTS
    if section.demand is not None:
        kind, value = section.demand
        key = "demand" if kind.startswith("token") else "rate"
        found[key] = f"{value:g} tokens/s" if key == "demand" else f"{value:g}/s"
    return {key: value for key, value in found.items() if value is not None}

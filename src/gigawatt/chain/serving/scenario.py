"""A serving scenario as words of a serving question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gigawatt.chain.filler import beside
from gigawatt.chain.graph import refuse_sampling
from gigawatt.chain.serving.question import DEGREES, POOLED, ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.core.errors import InputError
from gigawatt.schema.scenario import LoadedScenario, read_scenario

__all__ = ["asked_by", "question_beside"]

_SAME = (
    "prompt", "output", "sessions", "arrivals", "variation", "objective", "weights", "cache", "precision",
    "sparsity", "engine", "recipe", "guesses", "acceptance", "speculation", "tiers", "adapters",
    "images", "audio", "classes", "replicas", "routing", "failures",
    *POOLED,
)  # fmt: skip
_MACHINE = ("chip", "node", "scale_up", "scale_out", "domain", "topology", "oversubscription")
_SETTINGS = (
    "site.weather", "site.cooling", "site.redundancy", "site.pue", "supply.price", "supply.grid.price",
    "economics.discount_rate", "economics.chip_price", "economics.chip_resale", "economics.chip_life",
)  # fmt: skip
"""Fields of building, price and money that a question of serving alone reads as well."""
_REQUESTS = 200_000
_DEMANDS = {"token": ("demand", "tokens/s"), "request": ("rate", "/s"), "user": ("demand", "users")}
"""Default number of simulated requests."""


def asked_by(file: str | Path) -> dict[str, Any]:
    """The values of the scenario in ``file`` by the names of serving questions.

    ``rate`` or ``demand`` is what it asks for; ``requests`` how many are to be simulated; ``settings`` what
    it says of building, price of electricity and money. The hours of its day and the plan of its supply are
    left to ``gigawatt run``.

    Raises
    ------
    InputError
        The file is no scenario, or one that trains.
    """
    loaded = refuse_sampling(read_scenario(file))
    scenario, section = loaded.scenario, loaded.scenario.serving
    if section is None:
        raise InputError(
            "not a serving scenario",
            file=loaded.file,
            allowed="a serving: section; gigawatt run trains",
        )
    found: dict[str, Any] = {name: getattr(section, name) for name in _SAME}
    found |= {name: getattr(scenario.machine, name) for name in _MACHINE}
    found |= {name: getattr(section.layout, name) for name in DEGREES}
    found["cap"] = loaded.written.get("machine.power_cap")
    found["model"] = str(beside(loaded, scenario.model))
    found["trace"] = None if section.trace is None else str(beside(loaded, section.trace))
    found["year"], found["site"], found["seed"] = scenario.year, scenario.site.name, section.seed
    found["requests"] = section.simulated_requests or _REQUESTS
    if section.demand is not None:
        kind, value = section.demand
        key, unit = _DEMANDS[kind]
        found[key] = f"{value!r}{unit}" if kind == "request" else f"{value!r} {unit}"
    found["settings"] = {key: loaded.written[key] for key in _SETTINGS if key in loaded.written}
    return {key: value for key, value in found.items() if value is not None}


def question_beside(loaded: LoadedScenario, *, objective: str | None = None) -> ServingQuestion:
    """The question of serving a training scenario's model on its machine and at its site.

    Accelerator, node, links, site and year are those of the scenario; requests, formats and engine are the
    usual ones, listed among the assumptions. No demand is asked for: one replica is looked for.

    Parameters
    ----------
    loaded : LoadedScenario
        One that trains.
    objective : str, optional
        A row of the catalog's ``objectives``, or limits in words; the usual one if left out.

    Raises
    ------
    InputError
        A scenario that serves, or what
        :func:`~gigawatt.chain.serving.reader.read_serving_question` refuses.
    """
    scenario = loaded.scenario
    if loaded.serves:
        raise InputError("already a serving scenario", file=loaded.file, allowed="a training: section")
    machine = {name: getattr(scenario.machine, name) for name in _MACHINE}
    machine["chip"] = str(beside(loaded, scenario.machine.chip))
    return read_serving_question(
        model=str(beside(loaded, scenario.model)),
        objective=objective,
        year=scenario.year,
        site=scenario.site.name,
        **{key: value for key, value in machine.items() if value is not None},
    )

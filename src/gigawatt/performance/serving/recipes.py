"""How an engine is set: its own defaults by accelerator, and published recipes by model and concurrency.

Defaults are rows of ``engines_limits``: tokens and sequences of an iteration at most by the accelerator's
memory. A recipe is the server flags that a benchmark's scripts set instead (``engines_recipes``);
it goes by model, accelerator and concurrency, not by the source of a row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gigawatt.catalog import Entity, table
from gigawatt.machine.machine import Chip
from gigawatt.performance.serving.engines import Engine

__all__ = ["Recipe", "engine_on", "recipe_for"]

_ROUND = 64.0
"""Tokens to which a budget made from a prompt is rounded up."""


@dataclass(frozen=True)
class Recipe:
    """Settings of a server.

    Attributes
    ----------
    id : str
        Of the row, that of a model before one for all; empty where the engine's defaults hold.
    token_budget, max_sequences : int
        Of an iteration of one attention group at most.
    read_interval : int
        Decode iterations between looks for new requests.
    cache : str
        Format of keys and values; empty where it is left to the engine.
    """

    id: str
    token_budget: int
    max_sequences: int
    read_interval: int = 1
    cache: str = ""


def engine_on(engine: Engine, chip: Chip) -> Engine:
    """The engine with its default limits on ``chip``: those of the largest memory that the chip reaches, a
    row for chips of its name before one for all.
    """
    best: tuple[int, float, Entity] | None = None
    for row in table("engines_limits").values():
        prefix, least = row.text("prefix"), row.value("memory_from")
        if row.text("engine") != engine.id or not chip.id.startswith(prefix) or chip.memory_bytes < least:
            continue
        key = (len(prefix), least, row)
        if best is None or key[:2] > best[:2]:
            best = key
    if best is None:
        return engine
    row = best[2]
    return replace(engine, token_budget=row.value("token_budget"), max_sequences=row.value("max_sequences"))


def _meant(row: Entity, *, engine: str, model: str, chip: str, weights: str, groups: float) -> bool:
    """Whether a recipe is for this engine, model, chip, format of weights and these attention groups."""
    wanted = {"one": groups <= 1.0, "several": groups > 1.0, "any": True}[row.text("groups")]
    return (
        wanted
        and row.text("engine") == engine
        and row.text("model") in ("", model)
        and chip.startswith(tuple(row.text("prefix").split("|")))
        and weights.startswith(row.text("weights"))
    )


def recipe_for(
    engine: Engine, *, model: str, chip: Chip, weights: str, groups: float, held: float, prompt: float
) -> Recipe:
    """The published recipe, or the engine's defaults on the chip where none is published.

    Parameters
    ----------
    engine : Engine
        Of the catalog.
    model : str
        Id of the catalog's model.
    chip : Chip
        The accelerator.
    weights : str
        Format of the stored weights.
    groups : float
        Attention groups of the replica (data parallelism of attention).
    held : float
        Requests in flight.
    prompt : float [token]
        Longest prompt.
    """
    usual = engine_on(engine, chip)
    budget, sequences = usual.token_budget, usual.max_sequences
    chosen: Entity | None = None
    best = (False, 0.0)
    for row in table("engines_recipes").values():
        most = row.get("prompt_to")
        if row.value("held_from") > held or (most is not None and prompt > most):
            continue
        if not _meant(row, engine=engine.id, model=model, chip=chip.id, weights=weights, groups=groups):
            continue
        key = (row.text("model") != "", row.value("held_from"))
        if chosen is None or key >= best:
            chosen, best = row, key
    if chosen is None:
        return Recipe("", round(budget), round(sequences))
    budget = chosen.get("token_budget") or budget
    if chosen.text("whole") == "yes":
        budget = max(budget, math.ceil((held + prompt + _ROUND) / _ROUND) * _ROUND)
    sequences = chosen.get("max_sequences") or sequences
    interval = round(chosen.value("read_interval"))
    return Recipe(chosen.id, round(budget), round(sequences), interval, chosen.text("cache"))

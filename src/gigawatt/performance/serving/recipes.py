"""How an engine is set: its own defaults by accelerator, and published recipes by model and concurrency.

Defaults are rows of ``engines_limits``: tokens and sequences of an iteration at most by the accelerator's
memory. A recipe is the server flags that a benchmark's scripts set instead (``engines_recipes``);
it goes by model, accelerator and concurrency, not by the source of a row. A scenario names one
(``serving.recipe``), or leaves it to what is published (:data:`PUBLISHED`) or to the engine
(:data:`DEFAULTS`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gigawatt.catalog import Entity, table
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Evidence
from gigawatt.machine.machine import Chip
from gigawatt.performance.serving.engines import Engine, engine_rows

__all__ = [
    "DEFAULTS",
    "PUBLISHED",
    "Recipe",
    "check_recipe",
    "engine_on",
    "limits_on",
    "recipe_for",
    "setting_rows",
]

DEFAULTS = "engine"
"""Recipe of a scenario: the engine's own defaults on the accelerator."""
PUBLISHED = "published"
"""Recipe of a scenario: the published one by model, accelerator, formats and concurrency, if there is one."""

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
    balance : bool
        Whether attention groups wait for each other's prompts, ``read_interval`` iterations at most.
    batch_wait : float
        Share of the budget that waiting prompts fill before any of them runs, ``read_interval`` iterations
        after the first at the latest; nought where none waits for others.
    """

    id: str
    token_budget: int
    max_sequences: int
    read_interval: int = 1
    cache: str = ""
    balance: bool = False
    batch_wait: float = 0.0

    @property
    def mean_interval(self) -> float:
        """Decode iterations between looks for new requests in which a prompt waits as long in the mean.

        With ``batch_wait`` it waits for all of ``read_interval``, without for half of it.
        """
        return 2.0 * self.read_interval - 1.0 if self.batch_wait > 0.0 else float(self.read_interval)


def limits_on(engine: Engine, chip: Chip) -> Entity | None:
    """The row of the engine's default limits on ``chip``: that of the largest memory that the chip reaches, a
    row for chips of its name before one for all; ``None`` where it has none.
    """
    best: tuple[tuple[int, float], Entity] | None = None
    for row in table("engines_limits").values():
        prefix, least = row.text("prefix"), row.value("memory_from")
        if row.text("engine") != engine.id or not chip.id.startswith(prefix) or chip.memory_bytes < least:
            continue
        key = (len(prefix), least)
        if best is None or key > best[0]:
            best = key, row
    return None if best is None else best[1]


def engine_on(engine: Engine, chip: Chip) -> Engine:
    """The engine with its default limits on ``chip`` (:func:`limits_on`)."""
    row = limits_on(engine, chip)
    if row is None:
        return engine
    return replace(engine, token_budget=row.value("token_budget"), max_sequences=row.value("max_sequences"))


def setting_rows(engine: Engine, chip: Chip) -> tuple[Evidence, ...]:
    """Rows behind an engine on a chip: those of the engine, its limits in place of the engine's own."""
    row = limits_on(engine, chip)
    own = engine_rows(engine.id)
    if row is None:
        return own
    limits = row.rows()
    limited = {one.quantity for one in limits}
    return (*(one for one in own if one.quantity not in limited), *limits)


def check_recipe(name: str, engine: Engine) -> str:
    """The recipe of a scenario, if it is one of this engine.

    Raises
    ------
    InputError
        No such recipe, or one of another engine.
    """
    rows = table("engines_recipes")
    mine = [key for key, row in rows.items() if row.text("engine") == engine.id]
    known = [DEFAULTS, PUBLISHED, *mine]
    if name in rows and name not in known:
        other = rows[name].text("engine")
        raise InputError(
            f"a recipe of {other}, and the engine is {engine.id}", key="recipe", given=name, allowed=known
        )
    if name not in known:
        raise InputError(
            "no such recipe",
            key="recipe",
            given=name,
            allowed=known,
            nearest=nearest(name, (*known, *rows)),
        )
    return name


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
    engine: Engine,
    *,
    model: str,
    chip: Chip,
    weights: str,
    groups: float,
    held: float,
    prompt: float,
    output: float,
    tensor: float,
    name: str = PUBLISHED,
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
    prompt, output : float [token]
        Longest prompt and answer.
    tensor : float
        Tensor degree of attention.
    name : str
        As a scenario names it: :data:`PUBLISHED`, :data:`DEFAULTS` or the row of a recipe, which then holds
        whatever the load is.
    """
    usual = engine_on(engine, chip)
    budget, sequences = usual.token_budget, usual.max_sequences
    chosen = (
        _published(engine, model, chip, weights, groups, (held, prompt, output, tensor))
        if name == PUBLISHED
        else None
    )
    if name not in (PUBLISHED, DEFAULTS):
        chosen = table("engines_recipes")[check_recipe(name, engine)]
    if chosen is None:
        return Recipe("", round(budget), round(sequences))
    budget = chosen.get("token_budget") or budget
    if chosen.text("whole") == "yes":
        budget = max(budget, math.ceil((held + prompt + _ROUND) / _ROUND) * _ROUND)
    sequences = chosen.get("max_sequences") or sequences
    interval = round(chosen.value("read_interval"))
    balance, batch_wait = chosen.text("balance") == "yes", chosen.get("batch_wait") or 0.0
    return Recipe(
        chosen.id, round(budget), round(sequences), interval, chosen.text("cache"), balance, batch_wait
    )


def _published(
    engine: Engine, model: str, chip: Chip, weights: str, groups: float, load: tuple[float, ...]
) -> Entity | None:
    """The row that is meant, of a model before one for all, for the highest concurrency that is reached."""
    chosen: Entity | None = None
    best = (False, 0.0)
    held, *sizes = load
    for row in table("engines_recipes").values():
        most = [row.get(f"{name}_to") for name in ("prompt", "output", "tensor")]
        beyond = any(m is not None and size > m for m, size in zip(most, sizes, strict=True))
        if row.value("held_from") > held or beyond:
            continue
        if not _meant(row, engine=engine.id, model=model, chip=chip.id, weights=weights, groups=groups):
            continue
        key = (row.text("model") != "", row.value("held_from"))
        if chosen is None or key >= best:
            chosen, best = row, key
    return chosen

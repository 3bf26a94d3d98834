"""Leaves of reinforcement learning: the engine that rolls out, formats, the model that scores."""

from __future__ import annotations

from gigawatt import catalog
from gigawatt.chain.filler import Filler
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Grade
from gigawatt.performance.serving.engines import default_engine, engine_in_year, load_engine
from gigawatt.performance.serving.recipes import engine_on, setting_rows
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import WEIGHT_BYTES, formats_of
from gigawatt.workload.operation import FORMAT_BYTES
from gigawatt.workload.sized import sizes_of

__all__ = ["fill_rollouts"]

RULE = "rule"
_CACHES = ("bf16", "fp8")


def fill_rollouts(fill: Filler) -> None:
    """Fill the leaves of the section ``rl`` that are no plain fields; model and machine are filled before.

    Raises
    ------
    InputError
        A name that the catalog does not know, a format that cannot be stored: with file, line, key.
    """
    rl, year = fill.loaded.scenario.rl, fill.loaded.scenario.year
    chip = fill.leaves["machine.chip"].value
    name = rl.engine or default_engine(chip, year)
    engine, released = fill.ask("rl.engine", lambda: engine_in_year(engine_on(load_engine(name), chip), year))
    rows = (*setting_rows(engine, chip), *released)
    if rl.engine is None:
        reason = f"the usual engine for {chip.id} in {year}"
        fill.default("rl.engine", engine, name, reason)
        fill.with_rows("rl.engine", rows)
    else:
        fill.written("rl.engine", "rl.engine", engine, rows)
    if rl.weights is None:
        form = str(fill.leaves["training.number_format"].value)
        form = form if form in WEIGHT_BYTES else "bf16"
        fill.default(
            "rl.weights", form, form, "the format that the training multiplies in", grade=Grade.guess
        )
    else:
        for form in fill.ask("rl.weights", lambda: formats_of(rl.weights)).values():
            _known(fill, "rl.weights", form, tuple(WEIGHT_BYTES))
        fill.written("rl.weights", "rl.weights", rl.weights)
    if rl.cache is not None:
        _known(fill, "rl.cache", rl.cache, tuple(one for one in _CACHES if one in chip.peak))
    cache = fill.given_or_default("rl.cache", rl.cache, str, "serving.cache")
    assert cache in FORMAT_BYTES
    if rl.acceptance is not None and not rl.guesses:
        error = InputError("the number of draft tokens is missing", allowed="rl.guesses, such as 1, as well")
        raise fill.loaded.blame(error, "rl.acceptance")
    if rl.guesses and rl.acceptance is None:
        fill.given_or_default("rl.acceptance", None, float, "serving.acceptance")
    else:
        fill.written("rl.acceptance", "rl.acceptance", rl.acceptance or 0.0)
    _rewarder(fill, rl.reward)


def _known(fill: Filler, key: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        error = InputError("unknown number format", given=given, allowed=allowed,
                           nearest=nearest(given, allowed))  # fmt: skip
        raise fill.loaded.blame(error, key)


def _rewarder(fill: Filler, given: str | None) -> None:
    if given is None or given == RULE:
        fill.written("rl.rewarder", "rl.reward", None)
        return
    models = catalog.table("models")
    try:
        known = catalog.entity("models", given).id in models
    except InputError:
        known = sizes_of(given) is not None
    if not known:
        error = InputError("no such model", given=given, allowed=f"{RULE}, a model of the catalog or a size",
                           nearest=nearest(given, (RULE, *models)))  # fmt: skip
        raise fill.loaded.blame(error, "rl.reward")
    found = read_architecture(given)
    fill.written("rl.rewarder", "rl.reward", found)

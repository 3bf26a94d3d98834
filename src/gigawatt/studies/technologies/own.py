"""Which substrate of the comparison a scenario computes on: its number format, or its machine."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.catalog.loader import table
from gigawatt.chain.filler import beside
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.machine.precision import TRAINED, run_of
from gigawatt.machine.machine import Chip
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.technology.digital import formats as digital

__all__ = ["Own", "own_technology"]

_TRAINED_IN = {"bf16": "bf16", "fp16": "fp16", "fp8": "fp8", "fp4": "nvfp4"}
"""Number format of a training run → the substrate that multiplies so."""
_CACHES = {"fp8_e4m3": "fp8"}


@dataclass(frozen=True)
class Own:
    """What a scenario computes with, as a comparison of substrates takes it.

    Attributes
    ----------
    substrate : str
        A row of ``substrates``; empty where none is of this format.
    format : str
        What the scenario says (or is assumed to): a number format, or the name of a machine.
    model, chip : str
        For :func:`gigawatt.chain.machine.technologies.compare`: model of the tokens, digital machine or host.
    notes : tuple of str
        In what the substrate is not what the scenario does.
    """

    substrate: str
    format: str
    model: str
    chip: str
    notes: tuple[str, ...] = ()


def own_technology(loaded: LoadedScenario) -> Own:
    """The substrate of a scenario, what nobody wrote filled in as the chain does.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A name that the catalog does not know, at its key.
    """
    leaves, _ = fill_leaves(loaded)
    chip = leaves["machine.chip"].value
    assert isinstance(chip, Chip)
    model = str(beside(loaded, loaded.scenario.model))
    known = table("substrates")
    if chip.id in known:  # a machine of several substrates
        return Own(chip.id, chip.name, model, digital.CHIP)
    named, notes = str(beside(loaded, loaded.scenario.machine.chip)), list[str]()
    if digital.WIDE not in chip.peak:
        named = digital.CHIP
        notes.append(
            f"{chip.id} has no {digital.WIDE} rate, without which no token is priced: formats are those of "
            f"{named} here"
        )
    if not loaded.serves:
        written = str(leaves["training.number_format"].value)
        found = _TRAINED_IN.get(written, "")
        return Own(found if found in known else "", written, model, named, (*notes, TRAINED))
    weights, cache = (str(leaves[f"serving.{key}"].value) for key in ("weights", "cache"))
    found = run_of(weights, chip)
    if found:
        its = known[found].text("cache") or "bf16"
        its = _CACHES.get(its, its)
        if its != cache:
            notes.append(f"{found} keeps keys and values in {its}, the scenario in {cache}")
    said = weights if cache == weights else f"{weights}, keys and values in {cache}"
    return Own(found, said, model, named, tuple(notes))

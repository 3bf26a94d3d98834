"""Fields of a scenario that co-design cannot use, refused by name; the chip that a design stands in for."""

from __future__ import annotations

from typing import Any

from gigawatt.chain.asking import Asker
from gigawatt.chain.filler import beside
from gigawatt.core.errors import InputError
from gigawatt.machine import load_chip

__all__ = ["check_fields", "replaced_chip"]

_DESIGNED = {
    "machine.node": "node", "machine.scale_up": "scale_up", "machine.scale_out": "scale_out",
    "machine.domain": "domain",
}  # fmt: skip
"""Fields that the design says, and its keys."""


def check_fields(asker: Asker, kin: str) -> None:
    """Refuse what a co-design has no use for; ``kin``: the catalog's chip that the design is like, or empty.

    Raises
    ------
    InputError
        Node, links or domain, which the design says; a count with a power; a price of another chip; a mode of
        serving other than aggregated replicas: with the key and what would do.
    """
    loaded = asker.loaded({})
    scenario = loaded.scenario
    machine, serving = scenario.machine, scenario.serving

    def refuse(key: str, message: str, given: Any, allowed: str) -> None:
        raise InputError(
            message, file=loaded.file, line=loaded.lines.get(key), key=key, given=given, allowed=allowed
        )

    for key, name in _DESIGNED.items():
        given = getattr(machine, name)
        if given is not None:
            refuse(key, "codesign takes this from the design", given, f"--design-set links.{name}=…")
    if serving is None and machine.count is not None and machine.power is not None:
        refuse(
            "machine.power", "codesign does not cap every design to a power", loaded.written["machine.power"],
            "machine.count alone, with --limit 'power <= …'",
        )  # fmt: skip
    if scenario.economics.chip_price is not None and replaced_chip(asker, kin):
        refuse(
            "economics.chip_price", f"the price of {machine.chip}, which codesign does not build",
            loaded.written["economics.chip_price"], f"machine.chip: {kin or 'the chip of the design'}",
        )  # fmt: skip
    if serving is not None and serving.mode not in (None, "aggregated"):
        refuse(
            "serving.mode", "codesign knows replicas that read and write", serving.mode,
            "aggregated; gigawatt run SCENARIO separates them",
        )  # fmt: skip


def replaced_chip(asker: Asker, kin: str) -> tuple[str, ...]:
    """A notice where the chip of the scenario is not the one that the design is like."""
    loaded = asker.loaded({})
    named = str(beside(loaded, loaded.scenario.machine.chip))
    own = load_chip(named).id
    if kin and load_chip(kin).id == own:
        return ()
    return (f"machine.chip, {own}, gives way to the design's chip{f', like {kin}' if kin else ''}",)

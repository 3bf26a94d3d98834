"""What one token takes, by component, with the scope that its joules are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gigawatt.core.checks import check_word
from gigawatt.technology.substrate import Figure

__all__ = ["CHIP_SCOPE", "MACRO_SCOPE", "SYSTEM_SCOPE", "TokenCost"]

MACRO_SCOPE = ("arithmetic", "converters", "laser", "sram")
CHIP_SCOPE = (*MACRO_SCOPE, "weights", "memory", "cache", "fallback", "idle")
"""Components of the dies that the step runs on."""
SYSTEM_SCOPE = (*CHIP_SCOPE, "links", "host", "cooling")
"""Components of a machine in its building."""


@dataclass(frozen=True)
class TokenCost:
    """What one token of a decode step takes.

    Attributes
    ----------
    substrate, technology, model, chip : str
        Of what.
    chips, batch, context : float
        Digital chips that share the step, sequences, tokens behind each.
    energy : mapping
        Component → joules a token; every name of :data:`SYSTEM_SCOPE`.
    time : mapping
        Component → seconds a token (of the whole batch: a step's seconds over its sequences).
    mapped_operations, mapped_energy : float
        Share of FLOPs on the substrate; share of a digital 16-bit machine's energy that they take there.
    placed : tuple of dict
        Operation, launches a step, whether it is on the substrate, why.
    notes : tuple of str
        What was multiplied in which format, and why.
    area : float
        Of the substrate's own silicon or photonics beside the chips [m²]; 0 where it is the chip.
    """

    substrate: str
    technology: str
    model: str
    chip: str
    chips: float
    batch: float
    context: float
    energy: Mapping[str, float]
    time: Mapping[str, float]
    mapped_operations: float
    mapped_energy: float
    placed: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    area: float = 0.0

    @property
    def step_time(self) -> float:
        """Seconds between two tokens of one sequence."""
        return sum(self.time.values()) * self.batch

    @property
    def amdahl(self) -> float | None:
        """Most that the energy of a token can fall by what is mapped; ``None``: no bound, all of it is."""
        rest = 1.0 - self.mapped_energy
        return None if rest <= 1e-12 else 1.0 / rest

    def joules(self, scope: str) -> float:
        """J a token at ``macro``, ``chip`` or ``system``.

        Raises
        ------
        InputError
            A scope that a roll-up does not have.
        """
        names = {"macro": MACRO_SCOPE, "chip": CHIP_SCOPE, "system": SYSTEM_SCOPE}
        check_word("scope", scope, names, "no such scope of a token")
        return sum(self.energy[name] for name in names[scope])

    def figure(self, scope: str) -> Figure:
        """The same with its scope, to compare with others of that scope."""
        workload = f"{self.model}, decode, batch {self.batch:g}, context {self.context:g}"
        return Figure(self.joules(scope), "J/token", scope, workload, self.substrate)

    def to_json(self) -> dict[str, Any]:
        """Stable keys; plain numbers."""
        return {
            "substrate": self.substrate,
            "technology": self.technology,
            "model": self.model,
            "chip": self.chip,
            "chips": self.chips,
            "batch": self.batch,
            "context": self.context,
            "joules": {scope: self.joules(scope) for scope in ("macro", "chip", "system")},
            "energy": dict(self.energy),
            "time": dict(self.time),
            "step_time": self.step_time,
            "mapped_operations": self.mapped_operations,
            "mapped_energy": self.mapped_energy,
            "amdahl": self.amdahl,
            "area": self.area,
            "placed": list(self.placed),
            "notes": list(self.notes),
        }

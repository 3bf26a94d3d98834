"""The one interface behind which every compute technology stands.

A technology is a file in this folder with an object that satisfies :class:`Technology`; a chip names
it in the catalog. The performance room asks it for the cost of an operation and never for its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gigawatt.machine.machine import Chip
from gigawatt.workload.operations import Array, Operation

__all__ = ["Cost", "Efficiency", "Technology"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one launch of an operation takes, over an array of layouts.

    ``time`` = max(``arithmetic``, ``memory``) + ``launch`` [s]; ``energy`` by component [J], above the
    chip's idle power: ``arithmetic``, ``dram``, ``sram``, and whatever a technology adds (converters,
    laser, …). ``active`` is the share of the time in which digital processors are busy with it.
    """

    arithmetic: Array
    memory: Array
    launch: Array
    time: Array
    energy: Mapping[str, Array]
    active: Array | float = 1.0


@dataclass(frozen=True, slots=True)
class Efficiency:
    """How close a software stack comes to the machine: few bounded, fitted parameters of the catalog.

    ``arithmetic``, ``attention`` and ``memory`` multiply the technology's own achievable rates of matrix
    multiplications, of attention (older kernels are slower) and of memory; ``launch`` [s] is the exposed
    host and launch time of one kernel.
    """

    arithmetic: float = 1.0
    memory: float = 1.0
    launch: float = 0.0
    attention: float = 1.0


class Technology(Protocol):
    """What every compute technology can say about an operation on one of its chips."""

    name: str

    def lacks(self, operation: Operation, chip: Chip) -> str | None:
        """Why this operation cannot run on this chip (it goes to a digital fallback), or ``None``."""
        ...

    def cost(self, operation: Operation, chip: Chip, efficiency: Efficiency) -> Cost:
        """Time and energy by component of one launch, as arrays over layouts."""
        ...

    def area(self, chip: Chip) -> float:
        """Silicon (or photonic, …) area of one chip [m²]."""
        ...

    def money(self, chip: Chip) -> float:
        """Price of one chip [$]."""
        ...

"""What the sheet of a plant in orbit holds beside that of every plant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.power.plants.sheet import PlantSheet
from gigawatt.power.plants.space_solar.chain import Stage
from gigawatt.power.plants.space_solar.cost import Programme, Spending
from gigawatt.power.plants.space_solar.rectenna import Beam

__all__ = ["OrbitSheet"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OrbitSheet(PlantSheet):
    """The sheet of a plant in orbit at a site: ``chain`` as NASA assumes it and ``beam`` as physics has it;
    ``spending`` over the life; ``hours`` (8760,), the profile."""

    chain: tuple[Stage, ...] = field(repr=False)
    beam: Beam = field(repr=False)
    programme: Programme = field(repr=False)
    spending: Spending = field(repr=False)
    hours: Array = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As every sheet, with the stages of the chain and what each phase costs; without the hours."""
        stages = [
            {
                "stage": one.name,
                "efficiency": one.efficiency,
                "entering": one.entering,
                "leaving": one.leaving,
                "lost": one.lost,
            }
            for one in self.chain
        ]
        phases = {name: dict(items) for name, items in self.spending.phases.items()}
        return {**super().to_json(), "chain": stages, "phases": phases}

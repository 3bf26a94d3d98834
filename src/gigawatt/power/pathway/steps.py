"""What a pathway is asked for: its steps, and the vintages of plants that may run in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.formulation import HOUR
from gigawatt.power.plants.plant import Plant

__all__ = ["ROUNDING", "Step", "Vintage", "alive"]

Array = npt.NDArray[np.float64]

_SECONDS_PER_YEAR = HOURS_PER_YEAR * HOUR
ROUNDING = 1e-6
"""Years by which a life may end within a step and still be counted as ending at its start."""


@dataclass(frozen=True)
class Step:
    """Years that are alike.

    Attributes
    ----------
    year : float
        The first of them.
    worth : float
        What a dollar in each of these years is worth at the start of the pathway, years: their number where
        nothing is discounted.
    load : (H,)
        W at the hours that stand for the year.
    carbon_price : float
        $/kg.
    carbon_limit : float or None
        Largest mean operational carbon of the energy served, kg/J.
    limits, build_limits : mapping
        W of a plant that may be on line in the step, that may be built in it.
    """

    year: float
    worth: float
    load: Array = field(repr=False)
    carbon_price: float = 0.0
    carbon_limit: float | None = None
    limits: Mapping[str, float] = field(default_factory=lambda: {})
    build_limits: Mapping[str, float] = field(default_factory=lambda: {})


@dataclass(frozen=True)
class Vintage:
    """A plant that begins in ``year`` and stands for ``life`` [s].

    ``running`` is how it runs in each step (by the step's place; series at the hours that stand for the
    year): fuel, carbon and price may change, the annuity ``capital`` and ``fixed`` are those of its first
    step. ``capacity`` [W]: it stands already, and is paid for.
    """

    plant: str
    year: float
    life: float
    running: tuple[Plant, ...] = field(repr=False)
    capacity: float | None = None


def alive(vintage: Vintage, year: float) -> bool:
    """Whether a vintage stands in the step that begins in ``year``: built, and its life not over."""
    return (
        vintage.year <= year + ROUNDING and year < vintage.year + vintage.life / _SECONDS_PER_YEAR - ROUNDING
    )

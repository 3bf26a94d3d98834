"""A chip with other stacks, or with multipliers between the banks: the numbers are those of the digital face.

Where weights are read, and how they get to a multiplier, changes no product. Units in memory multiply in 16
bits what formats store in fewer, as the digital face does.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.emulation import digital
from gigawatt.technology.stacked_memory.products import SETTINGS, numerics
from gigawatt.technology.substrate import Substrate

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = ["NOISY", "SETTINGS", "convert", "needs_calibration"]

NOISY = digital.NOISY


def needs_calibration(substrate: Substrate) -> bool:
    """Whether its formats need calibration inputs."""
    return digital.needs_calibration(numerics(substrate))


def convert(
    model: Any, substrate: Substrate, calibration_inputs: Tensor, generator: Generator
) -> digital.Counter:
    """Replace the linear layers of a model by those of the substrate's formats, in place.

    Parameters and errors are those of :func:`gigawatt.emulation.digital.convert`.
    """
    return digital.convert(model, numerics(substrate), calibration_inputs, generator)

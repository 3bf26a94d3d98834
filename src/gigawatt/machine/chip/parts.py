"""Designs of chips as data: dies, stacks of memory, links, package and cooling.

A design is a row of ``chip_designs`` with its dies in ``chip_dies``, or a YAML file of the same content, read
by :mod:`~gigawatt.machine.chip.design_file`:

.. code-block:: yaml

    name: my-chip
    year: 2027
    package: cowos-l
    cooling: cold-plate
    formats: [bf16, fp8, fp4]
    dies:
      gpu: {count: 2, node: n3, area: 600 mm^2, sram: 64 MB, units: 80, good_units: 74, phys: 4}
    memory: {kind: hbm4, stacks: 8, height: 12}
    links: {die_to_die: ucie-advanced, bandwidth: 5 TB/s, scale_up: nvlink5, scale_out: ib-xdr-800,
            node: dgx-b200, domain: 8}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gigawatt.catalog.loader import table
from gigawatt.core.errors import GigawattError
from gigawatt.core.evidence import Grade

__all__ = ["FORMATS", "PLACES", "Design", "DieArea", "MemoryPart", "design_names", "is_design_file"]

FORMATS = ("bf16", "fp16", "tf32", "fp8", "int8", "fp4")
PLACES = ("beside", "on-logic", "under-logic")


@dataclass(frozen=True)
class DieArea:
    """Like dies of a design; SI.

    ``count`` in the package, ``area`` [m²] and ``sram`` [B] of one, ``units`` on it of which ``good_units``
    must work (0: all of it), ``phys`` interfaces to stacks on it, ``on`` the die it is stacked on (empty:
    the carrier), ``compute`` whether what is left of its area computes, ``arithmetic`` the share of its area
    that does (``None``: what memory and interfaces leave).
    """

    role: str
    node: str
    count: int
    area: float
    sram: float = 0.0
    units: int = 0
    good_units: int = 0
    phys: int = 0
    on: str = ""
    compute: bool = True
    arithmetic: float | None = None
    grade: Grade = Grade.projected


@dataclass(frozen=True)
class MemoryPart:
    """Stacks of a generation; ``data_rate`` [B/s] of a lane; ``place`` beside the logic or on it."""

    kind: str
    stacks: int
    height: int | None = None
    data_rate: float | None = None
    place: str = "beside"


@dataclass(frozen=True)
class Design:
    """A chip before it is computed. ``die_bandwidth`` [B/s] is what a die offers others, one way.

    ``year`` is that of prices, yields and limits, ``architecture`` the one whose units the dies hold.
    ``kernels`` names the chip of the catalog whose measured kernels are taken; ``margin`` price over cost,
    ``volume`` chips over which the design is paid off, ``power_limit`` [W] where the owner sets one below
    what parts and cooling allow; ``file`` where it was read.
    """

    id: str
    name: str
    year: int
    package: str
    cooling: str
    formats: tuple[str, ...]
    dies: tuple[DieArea, ...]
    architecture: int = 0
    memory: MemoryPart | None = None
    die_link: str = ""
    die_bandwidth: float = 0.0
    scale_up: str = ""
    scale_out: str = ""
    node: str = ""
    domain: int = 0
    kernels: str = ""
    kin: str = ""
    technology: str = "gpu"
    margin: float | None = None
    volume: float | None = None
    power_limit: float | None = None
    grade: Grade = Grade.projected
    source: str = ""
    note: str = ""
    file: str = ""
    lines: Mapping[str, int] = field(default_factory=lambda: {}, compare=False, repr=False)

    def blame(self, error: GigawattError) -> GigawattError:
        """Put this design's file and line on an error that names one of its keys."""
        if self.file and error.file is None:
            key = error.key or ""
            error.file, error.line = self.file, error.line or self.lines.get(key)
        elif not self.file:
            error.key = f"{self.id}.{error.key}" if error.key else self.id
        return error


def is_design_file(text: str) -> bool:
    """Whether a chip's name is that of a file."""
    return text.lower().endswith((".yaml", ".yml"))


def design_names() -> tuple[str, ...]:
    """Ids of the designs in the catalog."""
    return tuple(table("chip_designs"))

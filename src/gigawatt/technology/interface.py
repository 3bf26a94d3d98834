"""What a compute technology says of itself, and the one protocol that its cost model satisfies.

A technology is a folder with a :class:`Technology`: which operations, formats and phases it supports, and
where its cost model, its settings and its functional face are found. The performance room and the roll-up
ask a :class:`Model` and never its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.study import resolve
from gigawatt.technology.operations import OPERATIONS, Support
from gigawatt.technology.substrate import Bound, Statistics, Substrate
from gigawatt.technology.token import SYSTEM_SCOPE, TokenCost
from gigawatt.technology.work import Work
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.operations import Array, Operation

if TYPE_CHECKING:
    from gigawatt.machine.machine import Chip

__all__ = [
    "PHASES",
    "Cost",
    "Efficiency",
    "Model",
    "ModelDefaults",
    "Product",
    "Support",
    "Technology",
    "Writing",
]

PHASES = ("inference", "training")
"""Training changes every weight at every step; inference leaves them as they were written."""


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
    host and launch time of one kernel; ``voltage`` is the core's over that at which J/FLOP were set.
    """

    arithmetic: float = 1.0
    memory: float = 1.0
    launch: float = 0.0
    attention: float = 1.0
    voltage: float = 1.0


@dataclass(frozen=True)
class Product:
    """One launch on a substrate: joules by the roll-up's component and seconds, arrays over layouts.

    ``bounds`` splits ``time`` by what sets it (empty: all of it is arithmetic); ``notes`` say in which format
    was multiplied, and why.
    """

    energy: Mapping[str, Array]
    time: Array
    bounds: Mapping[str, float] = field(default_factory=lambda: {})
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Writing:
    """Writing weights once: joules of all cells, seconds with all arrays at once."""

    energy: float
    time: float


class Model(Protocol):
    """What every compute technology can say.

    Of a chip of the catalog, for the performance room: ``lacks``, ``cost``, ``area``, ``money``. Of a
    substrate, alone or beside a digital host, for the roll-up and for machines of several: the rest.
    :class:`~gigawatt.technology.multiplier.Multiplier` has all of it for a technology that
    multiplies beside a host.
    """

    def lacks(self, operation: Operation, chip: Chip) -> str | None:
        """Why this operation cannot run on this chip, or ``None``."""
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

    def cells_lacking(self, chip: Chip, architecture: Architecture, chips: Array) -> Array:
        """Silicon that each of ``chips`` (L,) lacks for weights that stay written in it [m²]; 0: none."""
        ...

    def beside(self, chip: Chip) -> tuple[str, ...]:
        """Substrates that stand beside a chip's digital host; empty: none."""
        ...

    def product(self, work: Work, substrate: Substrate, statistics: Statistics, *, chip: Chip) -> Product:
        """One launch on the substrate; ``chip`` is the digital machine, itself or its host."""
        ...

    def silicon(self, substrate: Substrate, operation: Operation, statistics: Statistics) -> float:
        """Area beside the chip that the weights of one launch take [m²]."""
        ...

    def standing_power(self, substrate: Substrate, operation: Operation) -> float:
        """Watts that the weights of one launch take whether anything happens or not."""
        ...

    def stays(self, substrate: Substrate) -> bool:
        """Whether weights are written before the run, each in a place of its own."""
        ...

    def write(self, substrate: Substrate, weights: float) -> Writing | None:
        """Writing ``weights`` once; ``None``: nothing is known of it, or nothing is written."""
        ...

    def stored(
        self, substrate: Substrate, architecture: Architecture, statistics: Statistics
    ) -> tuple[float, float]:
        """(bytes of layers' weights, keys and values over those in 16 bits) in its chips' memory."""
        ...

    def decode(
        self,
        substrate: Substrate,
        architecture: Architecture,
        statistics: Statistics,
        *,
        batch: float,
        context: float,
        chip: Chip,
    ) -> TokenCost | None:
        """A token where the technology is a whole machine of its own; ``None``: operation by operation."""
        ...

    def capital(self, cost: TokenCost) -> float | None:
        """Dollars of the machines of a step, where they are no chips of the catalog; else ``None``."""
        ...


class ModelDefaults:
    """A :class:`Model` of chips of the catalog with nothing beside them; a technology says what differs.

    ``training``: weights change at every step, so that what stays written runs on the host.
    """

    def __init__(self, technology: Technology, *, training: bool = False) -> None:
        self.technology, self.training = technology, training

    def area(self, chip: Chip) -> float:
        """Silicon of the chip's dies [m²]."""
        return chip.die_area

    def money(self, chip: Chip) -> float:
        """Price of one chip [$ of the catalog's currency year]."""
        return chip.price

    def cells_lacking(self, chip: Chip, architecture: Architecture, chips: Array) -> Array:
        """Nothing stays written in it [m²]."""
        del chip, architecture
        return chips * 0.0

    def beside(self, chip: Chip) -> tuple[str, ...]:
        """No substrate."""
        del chip
        return ()

    def write(self, substrate: Substrate, weights: float) -> Writing | None:
        """Nothing is written, or nothing is known of it."""
        del substrate, weights
        return None

    def decode(
        self,
        substrate: Substrate,
        architecture: Architecture,
        statistics: Statistics,
        *,
        batch: float,
        context: float,
        chip: Chip,
    ) -> TokenCost | None:
        """Operation by operation."""
        del substrate, architecture, statistics, batch, context, chip
        return None

    def capital(self, cost: TokenCost) -> float | None:
        """Its machines are chips of the catalog and its own silicon."""
        del cost
        return None


@dataclass(frozen=True)
class Technology:
    """A compute technology, registered with what it supports.

    Attributes
    ----------
    name, title : str
        As ``technology`` of ``substrates`` and ``chips`` writes it; in words.
    operations : mapping
        Of :data:`~gigawatt.technology.operations.OPERATIONS`: how each is done. What is not here
        goes to the digital host, with the reason.
    cost : str
        ``module:class`` of its :class:`Model`, imported when it is first asked.
    parts : mapping
        Component of its energy → that of the roll-up; one that is not here is refused by name.
    formats : tuple of str
        Number formats of operations that it takes over; empty: any, converted on the way in.
    phases : tuple of str
        Of :data:`PHASES`.
    settings : str
        ``module:name`` of the mapping of :data:`~gigawatt.technology.substrate.Bound`; empty: none.
    emulation : str
        Module of its functional face (torch), never imported here; empty: none.
    refusals : mapping
        Reasons of its own for operations that it leaves to the host.
    names : tuple of str
        Other names that a catalog may use.
    alone : bool
        A chip of it runs every operation; else it stands beside a digital host.
    native : bool
        It is the digital chip itself, so that nothing of a step is a fallback.
    """

    name: str
    title: str
    operations: Mapping[str, Support | tuple[Support, ...]]
    cost: str
    parts: Mapping[str, str]
    formats: tuple[str, ...] = ()
    phases: tuple[str, ...] = ("inference",)
    settings: str = ""
    emulation: str = ""
    refusals: Mapping[str, str] = field(default_factory=lambda: {})
    names: tuple[str, ...] = ()
    alone: bool = False
    native: bool = False

    def __post_init__(self) -> None:
        for key, given, allowed in (
            ("operations", self.operations, OPERATIONS),
            ("refusals", self.refusals, OPERATIONS),
            ("phases", self.phases, PHASES),
            ("parts", self.parts.values(), SYSTEM_SCOPE),
        ):
            for one in given:
                check_word(
                    f"{self.name}.{key}", one, allowed, "a technology is registered with what does not exist"
                )
        if ":" not in self.cost:
            raise InputError(
                "a cost model is named by module and class",
                key=f"{self.name}.cost",
                given=self.cost,
                allowed="package.module:Class",
            )

    def model(self, *, training: bool = False) -> Model:
        """The cost model; ``training``: as it trains."""
        return cast(Model, resolve(self.cost)(self, training=training))

    def bounds(self) -> Mapping[str, Bound]:
        """What settings it has, and their ranges."""
        return dict(resolve(self.settings)) if self.settings else {}

    def support(self, substrate: Substrate, kind: str) -> tuple[bool, str]:
        """(whether a substrate does operations of a kind, how or why not)."""
        given = self.operations.get(kind, ())
        for one in given if isinstance(given, tuple) else (given,):
            if one.holds(substrate):
                return True, one.how
        return False, self.refusals.get(kind, OPERATIONS[kind])

    def grouped(self, energy: Mapping[str, Any]) -> dict[str, Array]:
        """Its own components under the roll-up's names.

        Raises
        ------
        InputError
            A component that its registration does not place.
        """
        total: dict[str, Array] = {}
        for name, value in energy.items():
            check_word(
                f"{self.name}.parts",
                name,
                self.parts,
                "a component of energy that its technology does not place",
            )
            key = self.parts[name]
            total[key] = total.get(key, np.zeros(())) + np.asarray(value, dtype=float)
        return total

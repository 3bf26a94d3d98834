"""A machine of several substrates: each kind of operation where it runs best, the rest on a digital host.

What takes which group is in :mod:`~gigawatt.technology.composition`. :class:`Hybrid` lets a chip of
the catalog be such a machine, so that plans of serving and whole scenarios run on it as on any other: what is
mapped takes what its substrate takes, everything else what the host's kernels take.

*Weights that stay written* need cells for all of them on the packages that share the model: a chip has
silicon for so many (table ``hybrids``), beside the copy in its memory from which cells are written.
*Training* changes every weight at every step, so products by weights that stay written go to the host there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.machine.machine import Chip
from gigawatt.technology.composition import HYBRID, parts
from gigawatt.technology.digital.gpu import Gpu
from gigawatt.technology.interface import Cost, Efficiency, ModelDefaults, Product
from gigawatt.technology.mapper import runs_on
from gigawatt.technology.measured import carried, measured
from gigawatt.technology.products import product_of
from gigawatt.technology.registry import load_substrate, model_of
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.work import Work
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.operation import FORMAT_BYTES, ONE
from gigawatt.workload.operations import Array, Operation

__all__ = ["Hybrid", "Machine", "cell_area", "machine_of", "own_machine", "scaled"]

_GPU = Gpu()


@dataclass(frozen=True)
class Machine:
    """A chip's row of ``hybrids``: what stands on its package beside the digital host.

    Attributes
    ----------
    substrate : Substrate
        The hybrid.
    area : float [m²]
        Silicon for weights that stay written, all layers of a stack counted.
    density : float
        Weights on that silicon over what the substrate's own rows hold on the same area.
    joules : float
        Energy of a product over what the substrate's own rows say (1: as they say).
    today : Substrate
        What is published, and what the machine is set beside.
    """

    substrate: Substrate
    area: float
    density: float
    joules: float
    today: Substrate
    row: Entity

    @property
    def standing_power(self) -> float:
        """Watts that the silicon for written weights takes all the time, all of it in use."""
        found = {part.id: part for _, part in self.stationary}.values()
        if not found:
            return 0.0
        share = self.area / len(found)
        watts = sum(share * self.density / cell_area(part.id) * _standing(part.id) for part in found)
        return watts * self.joules

    def statistics(self, part: Substrate) -> Statistics:
        """What the stored run of a part counted, as far as it holds for other models."""
        quality = measured(part.id)
        return {} if quality is None else carried(quality, "")

    @property
    def stationary(self) -> tuple[tuple[str, Substrate], ...]:
        """Groups whose weights stay written, and where."""
        return tuple(
            (group, part)
            for group, part in parts(self.substrate).items()
            if group != "attention" and model_of(part.technology).stays(part)
        )

    def weights(self, architecture: Architecture) -> float:
        """Weights of a model that stand in cells."""
        held = _weights(architecture)
        return sum(held[group] for group, _ in self.stationary)

    def area_needed(self, architecture: Architecture) -> float:
        """Silicon that a model's weights need in cells [m²], at this machine's density."""
        held = _weights(architecture)
        return sum(held[group] * cell_area(part.id) for group, part in self.stationary) / self.density


_EDGE = 4096.0
"""Inputs and outputs of the matrix by which a weight's share of silicon and leakage is told."""


def _weights(architecture: Architecture) -> dict[str, float]:
    """Weights of a model by group."""
    p = architecture.parameters
    return {
        "projections": float(p.attention),
        "feed_forward": float(p.feed_forward),
        "experts": float(p.experts),
        "gate": float(p.router),
    }


def _matrix() -> Operation:
    """A product by the matrix by which silicon and leakage are told."""
    edge = np.asarray(_EDGE)
    return Operation(
        "mlp", "gemm", "forward", ONE, edge, edge, ONE, 2.0 * edge * edge, edge * edge, edge, ONE, "bf16"
    )


@lru_cache(maxsize=64)
def cell_area(name: str) -> float:
    """Silicon of one weight of a substrate with its share of the periphery [m²]."""
    part = load_substrate(name)
    return model_of(part.technology).silicon(part, _matrix(), {}) / _EDGE**2


@lru_cache(maxsize=64)
def _standing(name: str) -> float:
    """Watts of one weight's silicon, whether anything happens or not."""
    part = load_substrate(name)
    return model_of(part.technology).standing_power(part, _matrix()) / _EDGE**2


@lru_cache(maxsize=32)
def machine_of(chip: str) -> Machine:
    """The hybrid machine that a chip is.

    Raises
    ------
    MissingDataError
        The chip has no row in ``hybrids``.
    InputError
        Silicon for weights that stay written, where nothing does.
    """
    rows = table("hybrids")
    if chip not in rows:
        raise MissingDataError(
            "a hybrid chip needs a row that says what is on it",
            file="hybrids.csv",
            key=chip,
            allowed=f"a row {chip}, as those of {', '.join(rows)}",
        )
    row = entity("hybrids", chip)
    machine = Machine(
        substrate=load_substrate(row.text("substrate")),
        area=row.value("area"),
        density=row.value("density"),
        joules=row.value("joules"),
        today=load_substrate(row.text("today")),
        row=row,
    )
    if not machine.stationary:
        for key, used, given in (
            ("area", machine.area > 0.0, f"{machine.area * 1e6:,.0f} mm²"),
            ("density", machine.density != 1.0, f"{machine.density:g}"),
        ):
            if used:
                raise InputError(
                    "nothing of this machine stays written: cells for it would change no answer",
                    file="hybrids.csv",
                    key=f"{chip}.{key}",
                    given=given,
                    allowed="0 mm², density 1; or a substrate with parts that keep their weights",
                )
    return machine


def own_machine(chip: Chip, substrate: Substrate) -> bool:
    """Whether a chip is the machine that a hybrid is the substrate of."""
    if chip.technology != HYBRID or substrate.technology != HYBRID:
        return False
    return machine_of(chip.id).substrate.settings == substrate.settings


def scaled(chip: Chip, substrate: Substrate) -> float:
    """Factor on the joules of published parts: that of the hybrid machine whose substrate it is, else 1."""
    return machine_of(chip.id).joules if own_machine(chip, substrate) else 1.0


class Hybrid(ModelDefaults):
    """Several substrates and a digital host behind the protocol of technologies.

    ``training``: weights change at every step, so that what stays written runs on the host.
    """

    def _part(self, operation: Operation, chip: Chip) -> tuple[Substrate | None, str]:
        phase = "training" if self.training else "inference"
        return runs_on(machine_of(chip.id).substrate, operation, phase=phase)

    def lacks(self, operation: Operation, chip: Chip) -> str | None:
        """Why the host takes an operation, or ``None``: a substrate does."""
        part, reason = self._part(operation, chip)
        return None if part is not None else reason

    def cost(self, operation: Operation, chip: Chip, efficiency: Efficiency) -> Cost:
        """Time and energy by component of one launch, on the substrate or on the host.

        A product runs on its substrate unless the host, which has a copy of the weights, is done sooner:
        cells take the tokens of a prompt one after the other. The host waits meanwhile (``active`` 0).

        Raises
        ------
        InputError
            The host lacks the number format.
        """
        part, _ = self._part(operation, chip)
        if part is None:
            return _GPU.cost(operation, chip, efficiency)
        machine, host = machine_of(chip.id), _GPU.cost(operation, chip, efficiency)
        made = product_of(operation, part, machine.statistics(part), chip=chip)
        busy = np.maximum(host.arithmetic, host.memory)
        mine = made.time <= busy
        nothing: Array = np.zeros(())
        energy = {
            name: np.where(
                mine, made.energy.get(name, nothing) * machine.joules, host.energy.get(name, nothing)
            )
            for name in (*made.energy, *(other for other in host.energy if other not in made.energy))
        }
        return Cost(
            arithmetic=np.where(mine, made.time, host.arithmetic),
            memory=np.where(mine, 0.0, host.memory),
            launch=host.launch,
            time=np.where(mine, made.time, busy) + host.launch,
            energy=energy,
            active=np.where(mine, 0.0, 1.0),
        )

    def cells_lacking(self, chip: Chip, architecture: Architecture, chips: Array) -> Array:
        """Silicon that each of ``chips`` (L,) lacks for the weights that stay written [m²]; 0: none."""
        if self.training:
            return chips * 0.0
        machine = machine_of(chip.id)
        need = machine.area_needed(architecture) / np.maximum(chips, ONE)
        return np.maximum(need - machine.area, 0.0)

    def beside(self, chip: Chip) -> tuple[str, ...]:
        """Substrates that stand beside its host, each once."""
        return tuple(dict.fromkeys(part.id for part in parts(machine_of(chip.id).substrate).values()))

    def area(self, chip: Chip) -> float:
        """Silicon of the host's dies and of the cells [m²]."""
        return chip.die_area + machine_of(chip.id).area

    def product(self, work: Work, substrate: Substrate, statistics: Statistics, *, chip: Chip) -> Product:
        """On the part that takes it.

        Raises
        ------
        InputError
            No part takes it: it is the host's.
        """
        part, reason = runs_on(substrate, work.operation)
        if part is None:
            raise InputError(reason, key=work.operation.name, given=substrate.id, allowed="the digital host")
        return model_of(part.technology).product(work, part, statistics, chip=chip)

    def silicon(self, substrate: Substrate, operation: Operation, statistics: Statistics) -> float:
        """Of the part that takes it."""
        part, _ = runs_on(substrate, operation)
        return 0.0 if part is None else model_of(part.technology).silicon(part, operation, statistics)

    def standing_power(self, substrate: Substrate, operation: Operation) -> float:
        """Of the part that takes it."""
        part, _ = runs_on(substrate, operation)
        return 0.0 if part is None else model_of(part.technology).standing_power(part, operation)

    def stays(self, substrate: Substrate) -> bool:
        """Whether all of its parts keep their weights."""
        return all(model_of(part.technology).stays(part) for part in parts(substrate).values())

    def stored(
        self, substrate: Substrate, architecture: Architecture, statistics: Statistics
    ) -> tuple[float, float]:
        """A copy of all weights, from which cells are written, in 16 bits."""
        del substrate, statistics
        p = architecture.parameters
        return float(p.attention + p.feed_forward + p.experts) * FORMAT_BYTES["bf16"], 1.0

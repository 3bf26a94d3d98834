"""What a hybrid machine requires to match its rows, and the notices of a plan on it.

Nothing of a machine of the 2030s or 2040s is measured. Each of its numbers is set beside the best that is
published today, as the factor of improvement that it requires: density of cells, energy, error, memory
bandwidth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gigawatt.catalog.loader import table
from gigawatt.chain.machine.technologies import CAVEAT
from gigawatt.machine import Chip
from gigawatt.machine.load import load_chip, load_link
from gigawatt.machine.machine import Link
from gigawatt.technology.composition import GROUPS, HYBRID, parts
from gigawatt.technology.hybrid.machine import Machine, cell_area, machine_of
from gigawatt.technology.mapper import Placed, places
from gigawatt.technology.measured import measured
from gigawatt.technology.products import product_of
from gigawatt.technology.registry import model_of
from gigawatt.technology.substrate import Substrate
from gigawatt.workload.architecture import Architecture

__all__ = ["Need", "machine_notices", "needs", "training_notices"]

_BATCH = 32.0


@dataclass(frozen=True)
class Need:
    """One thing that a machine supposes: ``supposed`` beside what is published ``today``, in ``unit``.

    ``factor`` is how many times better it would have to be; 1 or less: it is here. ``measured`` tells a
    published figure from a judgement.
    """

    what: str
    supposed: float
    today: float
    unit: str
    factor: float
    basis: str

    def to_json(self) -> dict[str, Any]:
        """Stable keys, plain values."""
        return {
            "what": self.what,
            "supposed": self.supposed,
            "today": self.today,
            "unit": self.unit,
            "factor": self.factor,
            "basis": self.basis,
        }


def needs(chip: str, architecture: Architecture, *, today: str = "H100", loss: float = 1.02) -> list[Need]:
    """What stands between a hybrid chip of the catalog and what is published.

    Parameters
    ----------
    chip : str
        Of technology ``hybrid``.
    architecture : Architecture
        The model whose weights have to stand in its cells.
    today : str
        A chip that is sold: its memory, links and joules are what its host's are set beside.
    loss : float
        Perplexity over that of the model as trained that would be borne.

    Returns
    -------
    list of Need
        Cells, energy, quality, writing, memory, links, in that order; what a machine has none of is left out.

    Raises
    ------
    InputError, MissingDataError
        No such chip, or one that is no hybrid.
    """
    own, other = load_chip(chip), load_chip(today)
    machine = machine_of(own.id)
    found = [*_cells(machine, architecture), *_energy(machine, architecture, own), *_quality(machine, loss)]
    found += _writing(machine, architecture, own.power_limit)
    bandwidth = own.memory_bandwidth / 1e12, other.memory_bandwidth / 1e12
    found.append(
        Need("memory bandwidth", bandwidth[0], bandwidth[1], "TB/s", bandwidth[0] / bandwidth[1], other.name)
    )
    joules = own.energy_byte["dram"] * 1e12, other.energy_byte["dram"] * 1e12
    found.append(Need("energy of memory", joules[0], joules[1], "pJ/B", joules[1] / joules[0], other.name))
    links = _link(own), _link(other)
    if links[0] is not None and links[1] is not None and links[0].energy_byte > 0.0:
        mine, theirs = links[0].energy_byte * 1e12, links[1].energy_byte * 1e12
        found.append(Need("energy of links", mine, theirs, "pJ/B", theirs / mine, links[1].id))
    return found


def _link(chip: Chip) -> Link | None:
    name = table("chips")[chip.id].text("default_scale_up")
    return load_link(name) if name else None


def _cells(machine: Machine, architecture: Architecture) -> list[Need]:
    count = machine.weights(architecture)
    if count <= 0.0:
        return []
    dense = count / (machine.area_needed(architecture) * 1e6)  # weights a mm²
    now = 1.0 / (cell_area(machine.today.id) * 1e6)
    return [Need("weights on a mm²", dense, now, "1/mm²", dense / now, f"published: {machine.today.name}")]


def _energy(machine: Machine, architecture: Architecture, own: Chip) -> list[Need]:
    """Joules of one token through all products that the machine's substrates take."""
    placed = [one for one in places(machine.substrate, architecture) if one.by is not None]
    linear = [one for one in placed if one.work.linear]
    if not linear:
        return []

    def joules(of: Callable[[Placed], Substrate], factor: float) -> float:
        total = 0.0
        for one in linear:
            part = of(one)
            made = product_of(one.work.operation, part, machine.statistics(part), chip=own)
            total += sum(float(np.sum(value)) for value in made.energy.values()) * one.work.count
        return total * factor

    supposed = joules(lambda one: one.by or machine.today, machine.joules)
    now = joules(lambda one: machine.today, 1.0)
    words = f"published: {machine.today.name}"
    return [Need("energy of its products", supposed * 1e3, now * 1e3, "mJ/token", now / supposed, words)]


def _quality(machine: Machine, loss: float) -> list[Need]:
    """The quality of the machine as it was run, or else of each of its parts."""
    overall = measured(machine.substrate.id)
    runs = {machine.substrate.id: overall}
    if overall is None:
        runs = {part.id: measured(part.id) for part in parts(machine.substrate).values()}
    return [
        Need(
            f"perplexity, {name}", loss, quality.ratio, "of the model as trained",
            max((quality.ratio - 1.0) / (loss - 1.0), 0.0), CAVEAT,
        )
        for name, quality in runs.items()
        if quality is not None
    ]  # fmt: skip


def _writing(machine: Machine, architecture: Architecture, power: float) -> list[Need]:
    """Seconds to write a model's weights once, as today's cells are written, beside an hour.

    All tiles at once, or as many as ``power`` [W] of each package feeds.
    """
    if not machine.stationary or machine.area <= 0.0:
        return []
    packages = max(machine.area_needed(architecture) / machine.area, 1.0)
    found: list[Need] = []
    for name, part in {part.id: part for _, part in machine.stationary}.items():
        made = model_of(part.technology).write(part, machine.weights(architecture))
        if made is None:
            continue
        seconds = max(made.time, made.energy / (packages * power))
        words = "as many tiles at once as the power limit of the packages feeds"
        found.append(Need(f"time to write all cells, {name}", 3600.0, seconds, "s", seconds / 3600.0, words))
    return found


def training_notices(chip: Chip, architecture: Architecture) -> list[str]:
    """The notices of training this model on this chip: of a published checkpoint, of a hybrid's host."""
    told = [
        f"the {one.name} of {architecture.name} ({one.parameters / 1e9:.3g} billion) is not trained"
        for one in architecture.towers
    ]
    if architecture.checkpoint is not None:
        stored = architecture.checkpoint.weights or "formats that are not known"
        told += [f"the checkpoint of {architecture.name} is published in {stored}; training does not use it"]
    if chip.technology != HYBRID:
        return told
    return [
        *told,
        f"{chip.id} trains on its digital host alone: training changes every weight at every step, so "
        "that no weights stay written",
    ]


def machine_notices(chip: Chip, architecture: Architecture) -> list[str]:
    """The notices of serving on this chip; none for a digital one.

    Names what runs where, and what no substrate of the machine can do, with the fallback.
    """
    if chip.technology != HYBRID:
        return []
    machine = machine_of(chip.id)
    placed = places(machine.substrate, architecture, batch=_BATCH)
    mine = {one.work.operation.name: one.by.id for one in placed if one.by is not None}
    host = {one.work.operation.name: one.reason for one in placed if one.by is None}
    found = [
        f"{chip.id} is hypothetical: "
        + "; ".join(
            f"{one.what} {one.factor:.3g} times today's"
            for one in needs(chip.id, architecture)
            if one.factor > 1.0
        )
    ]
    by: dict[str, list[str]] = {}
    for name, part in mine.items():
        by.setdefault(part, []).append(name)
    for part, names in by.items():
        found.append(f"on {part}, unless the host is sooner: {', '.join(names)}")
    reasons: dict[str, list[str]] = {}
    for name, reason in host.items():
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        found.append(f"left to the digital host: {', '.join(names)} ({reason})")
    left = [group for group in GROUPS if group not in parts(machine.substrate)]
    quality = measured(machine.substrate.id)
    if quality is not None:
        found.append(
            f"perplexity × {quality.ratio:.3f} ({quality.low:.3f} to {quality.high:.3f}) with "
            f"{machine.substrate.id}: {CAVEAT}"
        )
    elif len(left) < len(GROUPS):
        found.append(f"no stored run of {machine.substrate.id}: its effect on quality is unknown")
    return found

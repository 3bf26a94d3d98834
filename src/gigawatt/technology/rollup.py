"""From operations to a token: joules and seconds of a decode step, by component, at a named scope.

Each operation of the step is placed (:mod:`~gigawatt.technology.mapper`) and priced by the
technology of the substrate or, where physics leaves it, by the digital chip beside it (``fallback``). To what
operations cost come the waiting of the chip (``idle``), exchange between chips (``links``), the node
(``host``) and what the building adds (``cooling``).

*Scope.* ``macro``: what the substrate's own products cost. ``chip``: the dies that the step runs on, their
memory and their idle power. ``system``: with links, node and cooling. A figure carries its scope, and two of
unlike scope do not compare (:class:`~gigawatt.technology.substrate.Figure`).

*Amdahl.* If a digital machine spends the share s of a token's energy on what the substrate takes over, no
substrate saves more than the factor 1/(1 − s) on that machine, however little it needs itself.

References
----------
Amdahl 1967, "Validity of the single processor approach to achieving large scale computing capabilities".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InfeasibleError, InputError, MissingDataError
from gigawatt.machine.load import build_cluster, load_chip, load_node
from gigawatt.machine.machine import Chip, Cluster
from gigawatt.technology.composition import HYBRID, counted_of, group_of
from gigawatt.technology.digital import formats as digital
from gigawatt.technology.digital.model import BASE, host_product
from gigawatt.technology.hybrid.machine import own_machine, scaled
from gigawatt.technology.interface import Product
from gigawatt.technology.mapper import Placed, place, places, share_mapped
from gigawatt.technology.measured import carried, measured
from gigawatt.technology.registry import model_of, registered
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.token import SYSTEM_SCOPE, TokenCost
from gigawatt.technology.work import Work
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import Shares, kept_bytes
from gigawatt.workload.operation import FORMAT_BYTES

__all__ = [
    "BASE",
    "chips_needed",
    "energy_share",
    "fallback_cost",
    "token_cost",
]


def chips_needed(
    architecture: Architecture,
    substrate: Substrate,
    *,
    chip: Chip,
    batch: float = 1.0,
    context: float = 512.0,
    statistics: Statistics | None = None,
) -> int:
    """Least power of two of chips that holds weights, keys and values.

    A substrate that keeps the weights itself leaves head, embedding and keys to the chip; the host of a
    hybrid has a copy of all of them.

    Raises
    ------
    InfeasibleError
        More than 1,024 chips.
    """
    p = architecture.parameters
    ends = (p.embedding + p.head + p.router + p.norms) * FORMAT_BYTES["bf16"]
    held, kept = model_of(substrate.technology).stored(substrate, architecture, statistics or {})
    kept *= float(kept_bytes(architecture, tokens=context, shares=Shares.of())) * batch
    room = chip.memory_bytes * entity("technologies_digital", "rollup").value("room")
    count = 1
    while (held + ends + kept) / count > room:
        count *= 2
        if count > 1024:
            raise InfeasibleError(
                f"{architecture.name} does not fit on 1,024 {chip.id}",
                key="batch",
                given=batch,
                allowed=f"{(held + ends + kept) / room:,.0f} chips hold it",
            )
    return count


def _add(total: dict[str, float], values: Mapping[str, float], factor: float) -> None:
    for name, value in values.items():
        total[name] = total.get(name, 0.0) + float(value) * factor


def _standing(works: Sequence[tuple[Work, Substrate, float]], step: float) -> float:
    """Joules that a technology's own silicon takes while it waits for the rest of the step."""
    waiting = 0.0
    for work, substrate, busy in works:
        if work.linear:
            watts = model_of(substrate.technology).standing_power(substrate, work.operation)
            waiting += watts * work.count * max(step - busy, 0.0)
    return waiting


def _links(
    cluster: Cluster | None, architecture: Architecture, batch: float, tensor: int
) -> tuple[float, float]:
    """(J, s) a step of the all-reduces behind attention and feed-forward, as rings."""
    if cluster is None or tensor == 1:
        return 0.0, 0.0
    calls = sum(b.count * b.sublayers for b in architecture.blocks if b.role == "layer")
    sent = 2.0 * (tensor - 1) / tensor * batch * architecture.hidden * FORMAT_BYTES["bf16"]
    link, steps = cluster.scale_up, 2.0 * (tensor - 1)
    curve = link.ring
    seconds = curve.base + curve.step * steps + sent / (curve.efficiency * link.bandwidth)
    return calls * sent * tensor * link.energy_byte, calls * seconds


@lru_cache(maxsize=64)
def _cluster(chip: str, count: int) -> Cluster | None:
    try:
        node = load_node(entity("chips", chip).text("default_node"))  # shared by as many chips as it holds
        return build_cluster(chip=chip, count=max(count, node.chips), node=node)[0]
    except (InputError, MissingDataError):
        return None


def token_cost(
    substrate: Substrate,
    architecture: Architecture,
    statistics: Statistics | None = None,
    *,
    chip: str | Chip = digital.CHIP,
    batch: float = 1.0,
    context: float = 512.0,
    tensor: int | None = None,
) -> TokenCost:
    """Joules and seconds of one token of a decode step, by component.

    Parameters
    ----------
    substrate : Substrate
        What multiplies by weights.
    architecture : Architecture
        The model.
    statistics : mapping, optional
        What a functional run of this substrate counted; it goes into the cost.
    chip : str or Chip
        The digital machine: the substrate itself, or the host that takes what physics leaves it.
    batch, context : float
        Sequences that decode together, ≥ 1, and tokens behind each, ≥ 0.
    tensor : int, optional
        Chips that share every matrix; as few as hold the model where left out.

    Raises
    ------
    InputError
        A batch below 1, an unknown chip, a setting outside its range.
    InfeasibleError
        The model does not fit.
    MissingDataError
        No cost model for the technology.
    """
    counted: Statistics = statistics or {}
    machine = load_chip(chip) if isinstance(chip, str) else chip
    model = model_of(substrate.technology)
    pipeline = model.decode(substrate, architecture, counted, batch=batch, context=context, chip=machine)
    if pipeline is not None:
        return pipeline
    count = tensor or chips_needed(
        architecture, substrate, chip=machine, batch=batch, context=context, statistics=counted
    )
    placed = places(substrate, architecture, batch=batch, context=context, tensor=count)
    native = registered(substrate.technology).native
    energy, seconds, notes = _step(
        substrate, placed, machine, counted, count, reduce=(architecture, batch), native=native
    )
    return TokenCost(
        substrate=substrate.id,
        technology=substrate.technology,
        model=architecture.name,
        chip=machine.id,
        chips=float(count),
        batch=batch,
        context=context,
        energy={name: value / batch for name, value in energy.items()},
        time={name: value / batch for name, value in seconds.items()},
        mapped_operations=float(share_mapped(placed)),
        mapped_energy=energy_share(
            [one.work for one in placed], lambda one: place(substrate, one).on_substrate, chip=machine
        ),
        placed=tuple(
            {
                "operation": one.work.operation.name,
                "launches": one.work.count,
                "on_substrate": one.on_substrate,
                "reason": one.reason,
            }
            for one in placed
        ),
        notes=notes,
        area=0.0 if native else _area(placed, counted) * count,
    )


def _step(
    substrate: Substrate,
    placed: Sequence[Placed],
    machine: Chip,
    counted: Statistics,
    count: int,
    *,
    reduce: tuple[Architecture, float],
    native: bool,
) -> tuple[dict[str, float], dict[str, float], tuple[str, ...]]:
    """(J of all chips, s, notes) of a decode step, with links, idle silicon, hosts and cooling.

    ``reduce``: model and batch whose activations the chips sum over.
    """
    energy: dict[str, float] = dict.fromkeys(SYSTEM_SCOPE, 0.0)
    seconds: dict[str, float] = {}
    notes: dict[str, None] = {}
    standing: list[tuple[Work, Substrate, float]] = []
    for one in placed:
        product, by = _launch(substrate, one, machine, counted)
        if by is None and one.by is not None:
            notes[f"{one.work.operation.name}: sooner on the host"] = None
        else:
            notes.update(dict.fromkeys(product.notes))
        joules, took = _totals(product)
        if by is None:
            joules, took = {"fallback": sum(joules.values())}, {"fallback": sum(took.values())}
        _add(energy, joules, one.work.count * count)
        _add(seconds, took, one.work.count)
        if one.by is not None and not native:
            standing.append((one.work, one.by, sum(took.values())))
    cluster = _cluster(machine.id, count)
    energy["links"], linked = _links(cluster, *reduce, count)
    if linked:
        seconds["links"] = linked
    step = sum(seconds.values())
    energy["idle"] = machine.idle_power * count * step
    if not own_machine(machine, substrate):  # whose chip waits with all of its silicon already
        energy["idle"] += _standing(standing, step) * count
    if cluster is not None:
        energy["host"] = cluster.node.overhead_power / cluster.node.chips * count * step
    energy["cooling"] = sum(energy.values()) * entity("technologies_digital", "rollup").value("cooling")
    return energy, seconds, tuple(notes)


def _launch(
    substrate: Substrate, placed: Placed, machine: Chip, counted: Statistics
) -> tuple[Product, Substrate | None]:
    """(what one launch takes, the substrate that makes it); ``None``: the host does."""
    work, by = placed.work, placed.by
    if by is None:
        return host_product(work, BASE, machine, counted), None
    mine = model_of(by.technology).product(work, by, _counted(substrate, placed, counted), chip=machine)
    if substrate.technology != HYBRID:
        return mine, by
    times = scaled(machine, substrate)
    mine = replace(mine, energy={name: value * times for name, value in mine.energy.items()})
    other = host_product(work, BASE, machine, counted)  # whose host has a copy of the weights
    there = sum(seconds for name, seconds in other.bounds.items() if name != "launch")
    return (other, None) if there < float(np.sum(mine.time)) else (mine, by)


def _totals(product: Product) -> tuple[dict[str, float], dict[str, float]]:
    """(joules by component, seconds by what sets them) of one launch."""
    joules = {name: float(np.sum(value)) for name, value in product.energy.items()}
    return joules, dict(product.bounds) or {"arithmetic": float(np.sum(product.time))}


def _counted(substrate: Substrate, placed: Placed, counted: Statistics) -> Statistics:
    """What a run counted of the substrate that takes an operation; of a hybrid, what its part's run did."""
    if substrate.technology != HYBRID or placed.by is None:
        return counted
    own = counted_of(counted, group_of(placed.work.operation))
    if own:
        return own
    quality = measured(placed.by.id)
    return {} if quality is None else carried(quality, "")


def _spent(work: Work, chip: Chip, substrate: Substrate = BASE) -> tuple[float, float]:
    """(J with the chip's waiting, s) a step that an operation takes on a digital machine."""
    joules, took = _totals(host_product(work, substrate, chip, {}))
    seconds = sum(took.values()) * work.count
    return sum(joules.values()) * work.count + chip.idle_power * seconds, seconds


def energy_share(
    work: Sequence[Work], chosen: Callable[[Work], bool], *, chip: Chip, of: str = "energy"
) -> float:
    """Share of a step's energy on a 16-bit digital machine, its waiting counted, that ``chosen`` takes.

    ``of`` is ``energy``, or ``time`` for the share of a step's seconds.
    """
    which = 1 if of == "time" else 0
    spent = [(_spent(one, chip)[which], chosen(one)) for one in work]
    return sum(value for value, mine in spent if mine) / sum(value for value, _ in spent)


def fallback_cost(
    placed: Sequence[Placed], *, chip: Chip, substrate: Substrate = BASE
) -> tuple[float, float]:
    """(J, s) a step of what is left to a digital chip, its waiting counted meanwhile.

    ``substrate`` says in which format keys and values are kept.
    """
    spent = [_spent(one.work, chip, substrate) for one in placed if not one.on_substrate]
    return sum(joules for joules, _ in spent), sum(seconds for _, seconds in spent)


def _area(placed: tuple[Placed, ...], statistics: Statistics) -> float:
    total = 0.0
    shared: set[str] = set()
    for one in placed:
        op = one.work.operation
        if one.by is None or not one.work.linear:
            continue
        model = model_of(one.by.technology)
        if model.stays(one.by):
            total += model.silicon(one.by, op, statistics) * one.work.count
        elif one.by.id not in shared:  # one chip for all layers
            total += model.silicon(one.by, op, statistics)
            shared.add(one.by.id)
    return total

"""What a product by weights costs on event-driven cores: joules, seconds and silicon, component by component.

Weights lie in memories of small cores. A spike travels from the core of its neuron to every core that holds
weights of its targets; there each is fetched and added to a potential. Neurons are updated once a step.
What a core does not do costs nothing but leakage, and cores leak as long as the whole step takes, since the
model must stay where it is.

Events are counted by a functional run (:mod:`gigawatt.emulation.neuromorphic`), never assumed: without
``spikes_per_activation`` there is no cost.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.technology.substrate import Bound, Statistics, Substrate
from gigawatt.workload.operations import Array

__all__ = [
    "COMPONENTS",
    "CORES",
    "SETTINGS",
    "area",
    "core",
    "cores_needed",
    "cost",
    "distance",
    "setting",
    "standing_power",
    "synapse_energy",
    "time",
]

CORES = ("loihi", "loihi2", "truenorth", "spinnaker2", "memristive", "event-2040")
COMPONENTS = ("synapse", "sram", "neuron", "route", "leakage")
"""Of a product's energy: additions, fetches of weights, updates of neurons, spikes on their way, leakage."""

SETTINGS: Mapping[str, Bound] = {
    "coding": ("", "what a spike means: its number, or its time", ("rate", "ttfs")),
    "steps": ("", "steps of time in which a number is sent", 1.0, 1024.0),
    "rotate": ("", "width of the Hadamard blocks that inputs are rotated by (0: none)", 0.0, 4096.0),
    "core": ("", "event-driven core, a row of the table neuromorphic", CORES),
    "weight_bits": ("", "bits of a weight with its sign, one scale an output", 2.0, 16.0),
    "threshold": ("", "the largest of each token's inputs, or fixed by calibration", ("max", "percentile")),
    "attention": ("", "where the products of attention are made", ("digital",)),
}

_DEFAULTS: Mapping[str, float] = {"steps": 15.0, "rotate": 0.0, "weight_bits": 8.0}
_BYTE = 8.0


def setting(substrate: Substrate, key: str) -> float:
    """A number of the substrate's settings, its default where it has none, within its range.

    Raises
    ------
    InputError
        Outside its range, or a fraction of a step, bit or block.
    """
    value, bound = float(substrate.settings.get(key, _DEFAULTS[key])), SETTINGS[key]
    assert len(bound) == 4
    if not bound[2] <= value <= bound[3] or value != int(value):
        raise InputError(
            f"outside its range: {bound[1]}",
            key=key,
            given=f"{value:g}",
            allowed=f"whole, {bound[2]:g} to {bound[3]:g}",
        )
    return value


def core(name: str) -> Entity:
    """A row of the table ``neuromorphic`` that is a core.

    Raises
    ------
    InputError
        No such core.
    """
    check_word("core", name, CORES, "no such event-driven core")
    return entity("neuromorphic", name)


def _own(substrate: Substrate) -> Entity:
    substrate.check_technology("neuromorphic")
    return core(substrate.word("core") or "loihi2")


def _spikes(statistics: Statistics | None) -> float:
    found = (statistics or {}).get("spikes_per_activation")
    if found is None:
        raise MissingDataError(
            "the spikes of this substrate were not counted",
            key="spikes_per_activation",
            allowed="statistics of a run: gigawatt emulate --substrate …",
        )
    check_range("spikes_per_activation", found, 0.0, message="not a number of spikes")
    return float(found)


def synapse_energy(substrate: Substrate) -> tuple[float, float]:
    """(J to add a weight to a potential, J to fetch it) of one spike on one synapse.

    A core whose synapses have fewer bits than the weight takes one synapse for each piece of it; where they
    have more, the fetch shrinks with the bits.
    """
    row, bits = _own(substrate), setting(substrate, "weight_bits")
    pieces = np.ceil(bits / row.value("synapse_bits"))
    whole, share = row.value("synapse"), row.value("share_fetch")
    width = bits / (pieces * row.value("synapse_bits"))
    return float(pieces * whole * (1.0 - share)), float(pieces * whole * share * width)


def cores_needed(substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> dict[str, Array]:
    """Cores of a matrix of k inputs and n outputs, not rounded: matrices share cores.

    Returns
    -------
    dict of array
        ``weights``: cores that hold the matrix, whichever of memory and neurons asks for more; ``reached``:
        those that one spike goes to (all of them where a core takes every input, else a share);
        ``sources``: cores of the neurons that send.
    """
    row = _own(substrate)
    inputs, outputs = check_range("k", k, 0.0, open_low=True), check_range("n", n, 0.0, open_low=True)
    stored = inputs * outputs * setting(substrate, "weight_bits") / _BYTE
    down = np.ceil(inputs / row.value("axons"))
    held = np.maximum(stored / row.value("memory"), down * outputs / row.value("neurons"))
    return {
        "weights": held,
        "reached": np.maximum(held / down, 1.0),
        "sources": np.maximum(inputs / row.value("neurons"), 1.0),
    }


def distance(sources: ArrayLike, targets: ArrayLike) -> Array:
    """Mean tiles that a spike crosses from a square of ``sources`` tiles to one of ``targets`` beside it.

    Along the axis that joins their centres half of both sides; across it the mean distance of two uniform
    points on segments a ≥ b with one centre, a/4 + b²/12a. Layers lie each beside the one that
    feeds it. Inside one tile nothing is crossed.

    Parameters
    ----------
    sources, targets : array [tiles]
        ≥ 0; broadcastable.
    """
    one, other = np.sqrt(check_range("sources", sources, 0.0)), np.sqrt(check_range("targets", targets, 0.0))
    long, short = np.maximum(one, other), np.minimum(one, other)
    across = long / 4.0 + short**2 / (12.0 * np.maximum(long, 1e-300))
    apart = (one + other) / 2.0 + across
    return np.where(long <= 1.0, np.minimum(apart, 1.0), apart)


def _route(row: Entity, used: Mapping[str, Array]) -> Array:
    """Joules of one spike on its way to all the cores that it reaches."""
    per_tile = row.value("cores_per_tile")
    tiles = np.minimum(used["weights"], row.value("cores")) / per_tile
    hops = distance(used["sources"] / per_tile, tiles)
    chips = np.ceil(used["weights"] / row.value("cores")) - 1.0
    each = row.value("spike") + hops * row.value("hop")
    return used["reached"] * each + chips * row.value("off_chip")


def cost(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics | None = None,
) -> dict[str, Array]:
    """Joules of m vectors through a matrix of k inputs and n outputs that lies on event-driven cores.

    Parameters
    ----------
    substrate : Substrate
        Of technology ``neuromorphic``.
    m, n, k : array [vectors, outputs, inputs]
        Broadcastable; m ≥ 0, the others > 0.
    statistics : mapping
        ``spikes_per_activation``, as a functional run counted them.

    Returns
    -------
    dict of array [J]
        :data:`COMPONENTS`. ``neuron``: all senders and receivers, once a step. ``leakage``: of the cores of
        this matrix while it is computed; what they leak while they wait is :func:`standing_power`. Norms,
        gates, attention and the head are not in it.

    Raises
    ------
    InputError
        A size, setting or statistic that cannot be.
    MissingDataError
        Nobody counted the spikes.

    References
    ----------
    Davies et al. 2018, "Loihi: A neuromorphic manycore processor with on-chip learning", IEEE Micro 38, 82.
    """
    row, spikes = _own(substrate), _spikes(statistics)
    vectors, used = check_range("m", m, 0.0), cores_needed(substrate, n=n, k=k)
    inputs, outputs = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    add, fetch = synapse_energy(substrate)
    sent = vectors * inputs * spikes
    busy = time(substrate, m=m, n=n, k=k, statistics=statistics)
    return {
        "synapse": sent * outputs * add,
        "sram": sent * outputs * fetch,
        "neuron": vectors * setting(substrate, "steps") * (inputs + outputs) * row.value("update"),
        "route": sent * _route(row, used),
        "leakage": standing_power(substrate, n=n, k=k) * busy,
    }


def time(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics | None = None,
) -> Array:
    """Seconds of the same: T steps, each as long as its busiest core takes, and a barrier after each.

    A core serves its synapses one after the other, then its neurons; all cores of the matrix work at once.
    """
    row, spikes, steps = _own(substrate), _spikes(statistics), setting(substrate, "steps")
    used = cores_needed(substrate, n=n, k=k)
    inputs, outputs = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    pieces = np.ceil(setting(substrate, "weight_bits") / row.value("synapse_bits"))
    held = np.maximum(used["weights"], 1.0)
    synapses = inputs * spikes * outputs * pieces / held * row.value("synapse_time")
    updates = steps * np.maximum(outputs / held, inputs / used["sources"]) * row.value("update_time")
    return check_range("m", m, 0.0) * (synapses + updates + steps * row.value("barrier"))


def area(substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> Array:
    """Silicon of the cores that hold a matrix of k inputs and n outputs [m²]: their share of a chip."""
    row = _own(substrate)
    return cores_needed(substrate, n=n, k=k)["weights"] * row.value("area") / row.value("cores")


def standing_power(substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> Array:
    """Watts that the cores of a matrix take whether anything happens or not: their share of a chip's."""
    row = _own(substrate)
    return cores_needed(substrate, n=n, k=k)["weights"] * row.value("static") / row.value("cores")

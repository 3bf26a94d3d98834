"""A language model spread over event-driven chips, one block after the other, beside an edge GPU.

Weights lie on the chips. While a prompt is read all blocks work, each on another token: a token leaves every
time step, and a step is as long as the slowest core takes. While tokens are generated one block works at a
time. A block makes its products one after the other, each behind a norm whose sum must be known first: two
steps a product. At the least a step without a product takes a barrier; at the most all steps take as long as
the slowest. Both ends are given, and their geometric mean. All chips leak all the time.

How far a chip stays behind its synapses' own time was measured once (pre-fill of the same model): ``use``.
"""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.neuromorphic.cores import core

__all__ = ["Deployment", "deploy", "edge_gpu", "model_weights"]

_BYTE = 8.0
_STEPS = 2.0  # of a product: the norm before it, the product


@dataclass(frozen=True)
class Deployment:
    """What a model takes on event-driven chips.

    ``chips``; ``step`` [s]: the slowest step; ``prefill``, ``throughput`` [tokens/s], ``prefill_energy``,
    ``energy`` [J/token]: of reading a prompt and of generating at batch 1; the last two as (least, middle,
    most).
    """

    chips: float
    step: float
    prefill: float
    prefill_energy: float
    throughput: tuple[float, float, float]
    energy: tuple[float, float, float]


def model_weights(model: Entity) -> float:
    """Weights of the blocks: four square matrices of the mixer, three of the feed-forward layer."""
    hidden, wide = model.value("hidden"), model.value("intermediate")
    return model.value("layers") * (4.0 * hidden**2 + 3.0 * hidden * wide)


def deploy(
    name: str = "loihi2", model: str = "matmul-free-370m", *, measured_prefill: float = 0.0
) -> Deployment:
    """A model of the catalog on event-driven chips.

    Parameters
    ----------
    name : str
        A core of :data:`~gigawatt.technology.neuromorphic.cores.CORES`.
    model : str
        A row of ``neuromorphic`` of kind ``model``.
    measured_prefill : float [tokens/s]
        Where it was measured: every step with a product is as long as this says. 0: as long as the busiest
        core's synapses and a barrier take by the catalog.

    Raises
    ------
    InputError
        No such core or model; a rate below 0.
    """
    chip, row = core(name), entity("neuromorphic", model)
    if row.text("kind") != "model":
        raise InputError("not a model", key="model", given=model, allowed="a row of kind model")
    check_range("measured_prefill", measured_prefill, 0.0, message="not a rate")
    layers, weights = row.value("layers"), model_weights(row)
    stored = weights / layers * row.value("weight_bits") / _BYTE
    room = chip.value("cores") * chip.value("memory")
    chips = layers * max(1.0, float(-(-stored // room)))
    barrier = chip.value("barrier_chips")
    active = weights * (1.0 - row.value("zeros"))
    served = active / (chips * chip.value("cores")) * chip.value("synapse_time")
    step = 1.0 / measured_prefill if measured_prefill else barrier + served
    products = layers * row.value("products")
    longest = products * _STEPS * step
    shortest = products * (step + (_STEPS - 1.0) * min(barrier, step))
    static, work = chips * chip.value("static"), active * chip.value("synapse")
    spans = (longest, (longest * shortest) ** 0.5, shortest)
    rates = tuple(1.0 / span for span in spans)
    joules = tuple(static * span + work for span in reversed(spans))
    assert len(rates) == 3
    assert len(joules) == 3
    return Deployment(chips, step, 1.0 / step, static * step + work, rates, joules)


def edge_gpu(parameters: float, *, host_time: float | None = None) -> tuple[float, float]:
    """(tokens/s, J/token) of a model on the edge GPU that Loihi 2 was set beside.

    Its bytes at the memory's bandwidth, behind the time of the host's launches, at the power it took. The
    latter two come from one published pair (a model of 400 M); ``host_time=0`` is what the memory allows.

    Raises
    ------
    InputError
        No weights, or more than the memory holds; a time below 0.
    """
    row = entity("neuromorphic", "jetson-orin-nano")
    size = parameters * row.value("bytes_per_weight")
    if not 0.0 < size <= row.value("memory"):
        most = row.value("memory") / row.value("bytes_per_weight")
        raise InputError("does not fit", key="parameters", given=parameters, allowed=f"above 0, to {most:g}")
    waiting = row.value("host_time") if host_time is None else host_time
    check_range("host_time", waiting, 0.0, unit="s", message="not a time")
    span = waiting + size / row.value("bandwidth")
    return 1.0 / span, row.value("power") * span

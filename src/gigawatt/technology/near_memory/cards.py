"""Digital near-memory machines: a card for every layer, weights and keys in memories on the chip, no DRAM.

A model is a pipeline of cards. A card's stage takes a fixed time (exchange with the next card, waiting for
it) and the time to read its weights and keys once for each token. With as many sequences as stages the
pipeline is full and a token leaves every stage time; with fewer, as often as sequences come round.

A token costs what is multiplied and read, and its share of the power that cards draw whatever they do. That
constant power is never published. It is what remains of the chip's power in another workload (ResNet-50) when
multiplications and traffic are taken off, of which the traffic is known only within bounds: a wide range,
which :func:`constant_power` gives.

References
----------
Modha et al. 2023, "Neural inference at the frontier of energy, space, and time", Science 382.
Appuswamy et al. 2024, "Breakthrough low-latency, high-energy-efficiency LLM inference performance using
NorthPole", HPEC. DeBole et al. 2025, arXiv:2511.15950.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.substrate import Bound, Statistics, Substrate
from gigawatt.technology.token import SYSTEM_SCOPE, TokenCost
from gigawatt.technology.work import decode_work
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import Shares, kept_bytes
from gigawatt.workload.operation import FORMAT_BYTES
from gigawatt.workload.operations import Array

__all__ = [
    "SETTINGS",
    "Pipeline",
    "area",
    "constant_power",
    "cost",
    "decode",
    "multiply_add",
    "pipeline",
    "time",
]

_INTEGERS = ("int8", "int4", "int2")
SETTINGS: Mapping[str, Bound] = {
    "machine": ("", "row of the table near_memory", ("northpole",)),
    "weights": ("", "format in which weights are stored and multiplied", _INTEGERS),
    "activations": ("", "format of the inputs", _INTEGERS),
    "cache": ("", "format of keys and values", _INTEGERS),
    "weight_group": ("", "what shares a scale among weights", ("tensor", "channel")),
}
_BYTE = 8.0


def _machine(substrate: Substrate) -> Entity:
    return entity("near_memory", substrate.word("machine") or "northpole")


def _bits(substrate: Substrate, key: str, default: str) -> float:
    name = substrate.word(key) or default
    check_word(key, name, _INTEGERS, "not a format of this machine")
    return float(name.removeprefix("int"))


def multiply_add(substrate: Substrate) -> float:
    """Energy of one multiply-add [J]: the product by its widths, and a 32-bit accumulation."""
    row = _machine(substrate)
    width = _bits(substrate, "weights", "int4") * _bits(substrate, "activations", "int8") / _BYTE**2
    return row.value("multiply") * width + row.value("add")


def constant_power(substrate: Substrate, *, traffic: float | None = None) -> float:
    """Watts of a card whatever it computes: its power in ResNet-50 less multiplications and traffic.

    Parameters
    ----------
    substrate : Substrate
        Names the machine.
    traffic : float, optional
        Share of the bandwidth on the chip in use there, 0 to 1; the row's middle where left out.

    Raises
    ------
    InputError
        A share outside 0 to 1, or one that leaves no power.
    """
    row = _machine(substrate)
    share = row.value("reference_traffic") if traffic is None else traffic
    check_range("traffic", share, 0.0, 1.0, message="not a share")
    rate = row.value("reference_rate")
    macs = rate * row.value("reference_macs") * (row.value("multiply") + row.value("add"))
    found = rate / row.value("reference_efficiency") - macs
    found -= share * row.value("bandwidth") * row.value("memory_byte")
    if found <= 0.0:
        raise InputError(
            "multiplications and traffic take more than the measured power",
            key="traffic",
            given=share,
            allowed="a lower share, or lower energies in the table near_memory",
        )
    return found


@dataclass(frozen=True)
class Pipeline:
    """A model laid out on cards.

    ``cards`` in all, ``per_layer`` for a layer; ``read`` bytes of a layer's stage a token, ``stage`` seconds
    of a stage, ``rate`` tokens a second of all sequences, ``latency`` seconds between tokens of one.
    """

    cards: int
    per_layer: int
    stages: int
    read: float
    stage: float
    rate: float
    latency: float


def _weights(architecture: Architecture) -> tuple[float, float]:
    """(weights of a layer, of the output) of a dense model."""
    blocks = [block for block in architecture.blocks if block.role == "layer"]
    if any(block.experts is not None or block.mixer is not None for block in blocks):
        raise InputError(
            "only dense transformers are laid out on these cards", key="model", given=architecture.name
        )
    p = architecture.parameters
    return (p.attention + p.feed_forward) / architecture.layers, float(
        architecture.hidden * architecture.vocabulary
    )


def pipeline(
    substrate: Substrate, architecture: Architecture, *, batch: float = 28.0, context: float = 1024.0
) -> Pipeline:
    """Cards, rate and latency of a dense model.

    Parameters
    ----------
    substrate : Substrate
        Formats and machine.
    architecture : Architecture
        A dense transformer.
    batch, context : float
        Sequences in flight, ≥ 1, and tokens that each keeps.

    Raises
    ------
    InputError
        Experts or another mixer; a batch below 1; keys of one layer that fit on no 64 cards.
    """
    if batch < 1.0 or context < 0.0:
        raise InputError("out of range", key="batch", given=batch, allowed="1 or more; context 0 or more")
    row = _machine(substrate)
    layer, head = _weights(architecture)
    stored = layer * _bits(substrate, "weights", "int4") / _BYTE
    each = float(kept_bytes(architecture, tokens=context, shares=Shares.of())) / architecture.layers
    keys = each / FORMAT_BYTES["bf16"] * _bits(substrate, "cache", "int8") / _BYTE
    memory = row.value("memory")
    per_layer = ceil((stored + keys * batch) / memory)
    if per_layer > 64:
        raise InputError("a layer does not fit on 64 cards", key="batch", given=batch, allowed="fewer")
    head_cards = ceil(head * row.value("head_bits") / _BYTE / memory)
    read = (stored + keys) / per_layer
    stage = row.value("stage") + max(
        read / row.value("bandwidth"), _arithmetic(row, substrate, layer / per_layer)
    )
    stages = architecture.layers * per_layer + head_cards
    rate = min(1.0 / stage, batch / (stages * stage))
    return Pipeline(stages, per_layer, stages, read, stage, rate, batch / rate)


def _arithmetic(row: Entity, substrate: Substrate, weights: float) -> float:
    """Seconds to multiply one token by ``weights``; narrow weights at the rate of their width."""
    narrow = max(_bits(substrate, "weights", "int4"), _bits(substrate, "activations", "int8"))
    rate = row.value("cores") * row.value("operations") * row.value("clock") * _BYTE / narrow
    return 2.0 * weights / rate


def decode(
    substrate: Substrate,
    architecture: Architecture,
    statistics: Statistics,
    *,
    batch: float = 28.0,
    context: float = 1024.0,
) -> TokenCost:
    """A token of a full or part-full pipeline, as :func:`~gigawatt.technology.rollup.token_cost`.

    ``statistics`` may hold ``weight_bits`` as a run counted them.
    """
    row, laid = _machine(substrate), pipeline(substrate, architecture, batch=batch, context=context)
    step = decode_work(architecture, batch=1.0, context=context)
    macs = sum(float(work.operation.flops) * work.count for work in step) / 2.0
    layer, head = _weights(architecture)
    bits = float(statistics.get("weight_bits", _bits(substrate, "weights", "int4")))
    weights = (layer * architecture.layers * bits + head * row.value("head_bits")) / _BYTE
    keys = sum(float(work.cache) * work.count for work in step) * _bits(substrate, "cache", "int8") / _BYTE
    energy: dict[str, float] = dict.fromkeys(SYSTEM_SCOPE, 0.0)
    energy["arithmetic"] = macs * multiply_add(substrate)
    energy["sram"] = weights * row.value("memory_byte")
    energy["cache"] = keys * row.value("memory_byte")
    energy["idle"] = laid.cards * constant_power(substrate) / laid.rate
    energy["links"] = laid.stages * architecture.hidden * row.value("link_byte")
    hosts = ceil(laid.cards / row.value("cards_of_a_host"))
    energy["host"] = hosts * row.value("host_power") / laid.rate
    energy["cooling"] = sum(energy.values()) * entity("technologies_digital", "rollup").value("cooling")
    fixed = row.value("stage") / laid.stage
    return TokenCost(
        substrate=substrate.id,
        technology=substrate.technology,
        model=architecture.name,
        chip=row.id,
        chips=float(laid.cards),
        batch=batch,
        context=context,
        energy=energy,
        time={"weights": (1.0 - fixed) / laid.rate, "launch": fixed / laid.rate},
        mapped_operations=1.0,
        mapped_energy=1.0,
        placed=tuple(
            {
                "operation": work.operation.name,
                "launches": work.count,
                "on_substrate": True,
                "reason": "on the cards of its layer",
            }
            for work in step
        ),
        notes=(f"{laid.per_layer} card(s) a layer, {laid.cards} in all",),
    )


def cost(
    substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
) -> dict[str, Array]:
    """Energy by component [J] of m tokens through a matrix, whose weights are read for each of them."""
    row = _machine(substrate)
    rows, weights = np.asarray(m, dtype=float), np.asarray(n, dtype=float) * np.asarray(k, dtype=float)
    bits = float(statistics.get("weight_bits", _bits(substrate, "weights", "int4")))
    return {
        "arithmetic": rows * weights * multiply_add(substrate),
        "sram": rows * weights * bits / _BYTE * row.value("memory_byte"),
    }


def time(substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics) -> Array:
    """Seconds on one card, its fixed stage time not counted."""
    row = _machine(substrate)
    rows, weights = np.asarray(m, dtype=float), np.asarray(n, dtype=float) * np.asarray(k, dtype=float)
    read = weights * _bits(substrate, "weights", "int4") / _BYTE / row.value("bandwidth")
    return rows * np.maximum(read, _arithmetic(row, substrate, 1.0) * weights)


def area(substrate: Substrate) -> float:
    """Silicon of one card [m²]."""
    return _machine(substrate).value("die_area")

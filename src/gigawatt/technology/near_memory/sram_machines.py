"""Machines without DRAM: weights in memories on the chips, as many chips as hold them.

A token passes all layers, one after another. A layer takes the time to read its weights from the chips that
share it, and a fixed time: exchange between chips, start and end of its products. Reading alone gives a
bound that these machines miss by a factor of ten (Groq) to some hundred (a wafer); the fixed time of a
layer decides. It is fitted to one published rate of each machine; the others judge it.

Sequences fill the stages of such a pipeline. With one of them the whole machine's power serves one token.

NorthPole has a model of its own (:mod:`~gigawatt.technology.near_memory.cards`), which
:func:`token_rate` asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from gigawatt.catalog.loader import entity, table
from gigawatt.core.checks import check_range
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import Shares, kept_bytes

__all__ = ["TokenRate", "machines", "token_rate"]

_TABLE = "sram_machines"


@dataclass(frozen=True)
class TokenRate:
    """A model on such a machine.

    ``chips`` that hold weights and keys; ``bound`` tokens a second of one sequence by reading alone;
    ``rate`` with the fixed time of layers; ``full`` tokens a second of as many sequences as stages;
    ``joules`` a token of one sequence and ``joules_full`` of a full pipeline [J].
    """

    machine: str
    model: str
    chips: int
    bound: float
    rate: float
    full: float
    joules: float
    joules_full: float


def machines() -> tuple[str, ...]:
    """Ids of the machines: of this room's table, and of ``near_memory``."""
    return (*table(_TABLE), *table("near_memory"))


def token_rate(
    machine: str,
    architecture: Architecture,
    *,
    batch: float = 1.0,
    context: float = 1024.0,
    weight_bytes: float | None = None,
) -> TokenRate:
    """Chips, tokens a second and joules of a model.

    Parameters
    ----------
    machine : str
        Of :func:`machines`.
    architecture : Architecture
        The model; of experts, those of one token are read and all are held.
    batch, context : float
        Sequences whose keys are held, ≥ 1, and tokens of each, ≥ 0.
    weight_bytes : float, optional
        Of a stored weight [B], 0.25 to 4; the machine's where left out.

    Raises
    ------
    InputError
        An unknown machine, a number outside its range.
    """
    check_range("batch", batch, 1.0, 1e6)
    check_range("context", context, 0.0, 1e9)
    if machine in table("near_memory"):
        return _near_memory(machine, architecture, batch, context)
    row = entity(_TABLE, machine)
    stored = float(check_range("weight_bytes", weight_bytes or row.value("weight_bytes"), 0.25, 4.0, "B"))
    active = float(architecture.active_parameters - architecture.parameters.embedding)
    keys = float(kept_bytes(architecture, tokens=context, shares=Shares.of()))
    held = architecture.parameters.total * stored + keys * batch
    chips = max(1, ceil(held / (row.value("memory") * row.value("room"))))
    read = active * stored + keys
    together = min(row.value("parallel"), chips)
    reading = read / (row.value("bandwidth") * together)
    multiplying = 2.0 * active / (row.value("rate") * together)
    seconds = max(reading, multiplying) + architecture.layers * row.value("layer")
    stages = max(1.0, min(float(architecture.layers), chips / together))
    power = chips * row.value("power")
    return TokenRate(
        machine=row.id,
        model=architecture.name,
        chips=chips,
        bound=1.0 / reading,
        rate=1.0 / seconds,
        full=stages / seconds,
        joules=power * seconds,
        joules_full=power * seconds / stages,
    )


def _near_memory(machine: str, architecture: Architecture, batch: float, context: float) -> TokenRate:
    from gigawatt.technology.near_memory.cards import decode, pipeline
    from gigawatt.technology.substrate import Substrate

    settings = {"machine": machine, "weights": "int4", "activations": "int8", "cache": "int8"}
    substrate, row = Substrate(machine, machine, "near_memory", settings), entity("near_memory", machine)
    alone = pipeline(substrate, architecture, batch=1.0, context=context)
    laid = pipeline(substrate, architecture, batch=batch, context=context)
    full = pipeline(substrate, architecture, batch=max(batch, float(laid.stages)), context=context)
    one, many = (decode(substrate, architecture, {}, batch=b, context=context) for b in (1.0, batch))
    return TokenRate(
        machine=machine,
        model=architecture.name,
        chips=laid.cards,
        bound=row.value("bandwidth") / (alone.read * alone.stages),
        rate=1.0 / laid.latency,
        full=full.rate,
        joules=one.joules("chip"),
        joules_full=many.joules("chip") if batch > 1.0 else one.joules("chip"),
    )

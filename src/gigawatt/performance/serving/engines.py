"""Serving engines: few bounded parameters of the catalog for each generation of each, never per run."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any

from gigawatt.catalog import Entity, entity, table
from gigawatt.core.evidence import Evidence
from gigawatt.machine.machine import Chip
from gigawatt.performance.stacks import named_for
from gigawatt.technology.interface import Efficiency

__all__ = [
    "Engine",
    "default_engine",
    "engine_in_year",
    "engine_of_version",
    "engine_rows",
    "load_engine",
]


@dataclass(frozen=True)
class Engine:
    """One serving engine of one generation, with what a machine's datasheet cannot say about it.

    Attributes
    ----------
    arithmetic, memory, attention : float
        Multipliers on the technology's achievable rates of multiplications, of memory and of attention.
    decode_attention : float
        Times that decoding's attention takes beside the kernel of the catalog.
    experts : float
        Times that the fused expert kernels take beside those of the catalog.
    experts_block : float
        The same of those with block-scaled FP8 weights, on top.
    traffic : float
        Bytes that element-wise operations really move over the least.
    launch : float [s]
        Exposed time of one kernel (captured graphs: next to nothing).
    overhead : float [s]
        Of every iteration, hidden by nothing: scheduling, sampling, the step from one graph to the next.
    layer_overhead : float [s]
        The same for every layer.
    eager : float [s]
        Least time of a layer in an iteration with prompts, whose kernels are not replayed from a captured
        graph but issued one by one.
    sequence : float [s]
        Of the host for every sequence of an attention group in an iteration, hidden by nothing.
    host, host_sequence : float [s]
        Of the host for an iteration and for every sequence of an attention group in it, beside the device's
        work: an iteration takes the longer of the two.
    prompt : float [s]
        Of a request before its first iteration: reading, splitting into tokens, sending the answer's head.
    cold : float [s]
        That the first requests of a server beside its warm-up wait in all for kernels that are compiled,
        tuned or captured at their first use; no part of steady serving.
    cold_experts : float [s]
        The same of a model with experts, in place of ``cold``: their kernels are compiled or tuned by shape.
    waits : float
        Iterations that a new request waits before its first, and its token for the client.
    exchange : float
        Times that communication between accelerators takes beside the catalog's links.
    direct : bool
        Whether small reductions inside a domain are done by kernels that read their neighbours' memory.
    deduplicates : bool
        Whether a token bound for several experts of one domain crosses the fabric once.
    dispatch_bytes : float [B]
        Per element in the dispatch to experts (combining is in 16 bit).
    gathered : float
        Groups of experts up to which all tokens are gathered on every rank and a fused kernel picks its own;
        beyond them a dispatch delivers each expert's tokens in a row.
    padded : bool
        Whether attention groups with fewer tokens compute as many, padding, as that with the most: experts
        then have all of these.
    spreads : bool
        Whether a new request goes to the attention group with the least of prompts to compute, and of these
        to that with the fewest requests; if not, to one with the fewest requests.
    exchange_hidden : float in [0, 1]
        Share of the exchange that two-batch overlap hides behind the work of the other half.
    exchange_cores : float in [0, 1]
        Share of a chip's arithmetic units that kernels of the exchange take while prompts are computed beside
        it; those of decoding iterations take none.
    expert_skew : float
        Lasting excess of the busiest of 8 expert ranks of 32 experts over the mean, beyond chance.
    chunked : bool
        Whether prompts are cut to what an iteration has room for; if not, they run whole.
    pipelined : bool
        Whether each stage of a pipeline has a batch of its own under way; if not, all sequences pass the
        stages together, of which one works at a time.
    alone : bool
        Whether prompts run in iterations of their own, before any decoding goes on.
    token_budget : float
        Tokens of an iteration at most, usual setting.
    max_sequences : float
        Sequences of an iteration at most, usual setting.
    reserved : float in [0, 1]
        Share of a request's output for which it must have room before it starts, in the mean: one where
        engines never let a request go, a half where pages are given as tokens come.
    page : float
        Tokens in a page of keys and values.
    usable : float
        Share of the accelerator's memory that weights, keys and values may take.
    reserve : float [B]
        Outside: context, graphs, communication libraries, activations of the largest iteration.
    """

    id: str
    name: str
    framework: str
    year: int
    arithmetic: float
    memory: float
    attention: float
    decode_attention: float
    experts: float
    experts_block: float
    traffic: float
    launch: float
    overhead: float
    layer_overhead: float
    eager: float
    sequence: float
    host: float
    host_sequence: float
    prompt: float
    cold: float
    cold_experts: float
    waits: float
    exchange: float
    direct: float
    deduplicates: float
    dispatch_bytes: float
    gathered: float
    padded: float
    spreads: float
    exchange_hidden: float
    exchange_cores: float
    expert_skew: float
    chunked: float
    pipelined: float
    alone: float
    token_budget: float
    max_sequences: float
    reserved: float
    page: float
    usable: float
    reserve: float

    @property
    def efficiency(self) -> Efficiency:
        """What the technology needs to know of the engine."""
        return Efficiency(
            arithmetic=self.arithmetic, memory=self.memory, launch=self.launch, attention=self.attention
        )


_TEXTS = ("id", "name", "framework", "year")
_AT_START = ("cold", "cold_experts")


def _engine(row: Entity) -> Engine:
    default = entity("engines", "generic-2025")
    numbers: dict[str, Any] = {}
    for one in fields(Engine):
        if one.name not in _TEXTS:
            value = row.get(one.name)
            numbers[one.name] = default.value(one.name) if value is None else value
    return Engine(
        id=row.id,
        name=row.text("name"),
        framework=row.text("framework"),
        year=int(row.text("year")),
        **numbers,
    )


def load_engine(id: str) -> Engine:
    """The engine ``id`` of the catalog; an unknown one is an ``InputError`` with the nearest one."""
    return _engine(entity("engines", id))


def engine_of_version(engine: Engine, version: str) -> Engine:
    """The engine as a release of it does its work, where ``engines_versions`` has a row of that release.

    ``version`` such as ``0.12.0``; one that is not known, or that no row is of, is the engine as it is.
    """
    release = _release(version)
    for row in _versions(engine):
        first, last = _release(row.text("from")), _release(row.text("to"))
        if release is not None and first is not None and last is not None and first <= release <= last:
            return replace(engine, padded=row.value("padded"))
    return engine


def engine_in_year(engine: Engine, year: int) -> tuple[Engine, tuple[Evidence, ...]]:
    """The engine as its usual release of a year does its work, and the rows of ``engines_versions`` that say
    so; as it is, and none, from the year on after their ``last_year``."""
    for row in _versions(engine):
        if year <= int(row.text("last_year")):
            return replace(engine, padded=row.value("padded")), row.rows()
    return engine, ()


def _versions(engine: Engine) -> list[Entity]:
    return [row for row in table("engines_versions").values() if row.text("engine") == engine.id]


def _release(version: str) -> tuple[int, int] | None:
    """(major, minor) of a version in words."""
    found = re.match(r"v?(\d+)\.(\d+)", version.strip())
    return (int(found[1]), int(found[2])) if found else None


def engine_rows(id: str) -> tuple[Evidence, ...]:
    """The catalog's rows of an engine that a service's answer reads: all but those of a server's start, which
    benchmarks alone contain."""
    return tuple(row for row in entity("engines", id).rows() if row.quantity not in _AT_START)


def default_engine(chip: Chip, year: int) -> str:
    """The engine that the catalog's ``engines_default`` names for a chip in a year
    (:func:`~gigawatt.performance.stacks.named_for`)."""
    return named_for(chip, year, source="engines_default", column="engine")

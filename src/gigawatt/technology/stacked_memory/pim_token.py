"""A decode step of which the products by weights are made between the banks, wherever that is quicker.

Chip and stacks take turns: while the units multiply, the host waits and cannot read. Products of attention,
whose keys several heads share, norms and gates stay with the chip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.machine.machine import Chip
from gigawatt.technology.digital import formats as digital
from gigawatt.technology.mapper import Placed
from gigawatt.technology.rollup import BASE, energy_share, fallback_cost
from gigawatt.technology.stacked_memory.pim import gemv_energy, gemv_time
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.token import SYSTEM_SCOPE, TokenCost
from gigawatt.technology.work import Work, decode_work
from gigawatt.workload.architecture import Architecture

__all__ = ["with_units"]

_BYTE = 8.0


def with_units(
    plain: TokenCost,
    substrate: Substrate,
    architecture: Architecture,
    statistics: Statistics,
    *,
    chip: Chip,
    memory: str,
    stacks: float,
) -> TokenCost:
    """The same token with units in the stacks.

    Parameters
    ----------
    plain : TokenCost
        On the chip alone, with these stacks.
    substrate : Substrate
        The digital formats.
    architecture : Architecture
        The model.
    statistics : mapping
        What a run counted.
    chip : Chip
        With these stacks.
    memory : str
        Their generation.
    stacks : float
        Beside each chip.
    """
    work = decode_work(architecture, batch=plain.batch, context=plain.context, tensor=plain.chips)
    energy: dict[str, float] = dict.fromkeys(SYSTEM_SCOPE, 0.0)
    placed: list[dict[str, Any]] = []
    units = host_time = 0.0
    for one in work:
        joules, seconds = fallback_cost([Placed(one, None, "")], chip=chip, substrate=substrate)
        inside = _in_stack(one, substrate, statistics, memory=memory, stacks=stacks)
        sooner = inside is not None and inside[1] < seconds
        if inside is not None and sooner:
            for name, value in inside[0].items():
                energy[name] += value * plain.chips
            units += inside[1]
        else:
            energy["fallback"] += (joules - chip.idle_power * seconds) * plain.chips
            host_time += seconds
        placed.append(
            {
                "operation": one.operation.name,
                "launches": one.count,
                "on_substrate": sooner,
                "reason": _reason(one, inside is not None, sooner),
            }
        )
    names = {row["operation"] for row in placed if row["on_substrate"]}
    if not names:
        return replace(plain, placed=tuple(placed), mapped_operations=0.0, mapped_energy=0.0)
    linked = plain.time.get("links", 0.0) * plain.batch
    step = units + host_time + linked
    energy["links"] = plain.energy["links"] * plain.batch
    energy["idle"] = chip.idle_power * plain.chips * step
    energy["host"] = plain.energy["host"] * plain.batch * step / plain.step_time
    energy["cooling"] = sum(energy.values()) * entity("technologies_digital", "rollup").value("cooling")
    return _with_shares(plain, work, names, chip, energy, (units, host_time, linked), tuple(placed))


def _with_shares(
    plain: TokenCost,
    work: Sequence[Work],
    names: Set[str],
    chip: Chip,
    energy: Mapping[str, float],
    seconds: tuple[float, float, float],
    placed: tuple[dict[str, Any], ...],
) -> TokenCost:
    """The token of a step's ``energy`` [J] and ``seconds`` (units, host, links); ``names`` in the stacks."""
    total = sum(float(one.operation.flops) * one.count for one in work)
    moved = sum(float(one.operation.flops) * one.count for one in work if one.operation.name in names)
    by_part = zip(("arithmetic", "fallback", "links"), seconds, strict=True)
    return replace(
        plain,
        energy={name: value / plain.batch for name, value in energy.items()},
        time={name: value / plain.batch for name, value in by_part if value > 0.0},
        mapped_operations=moved / total,
        mapped_energy=energy_share(work, lambda one: one.operation.name in names, chip=chip),
        placed=placed,
    )


def _reason(work: Work, possible: bool, taken: bool) -> str:
    if taken:
        return "made between the banks: sooner than reading the weights"
    if possible:
        return "weights are read once for all tokens: sooner"
    if work.operation.kind == "grouped_gemm":
        return "experts are chosen by token: left to the chip"
    if work.operation.kind == "attention":
        return "keys are shared by several heads: read once by the chip"
    return "no product by weights"


def _in_stack(
    work: Work, substrate: Substrate, statistics: Statistics, *, memory: str, stacks: float
) -> tuple[dict[str, float], float] | None:
    """(J by component, s) a step of an operation on one chip's units; nothing where it has no weights."""
    op = work.operation
    if op.kind != "gemm" or not np.any(work.weights):
        return None
    wide = op.name.startswith(("head", "router"))
    bits = digital.stored_weight_bits(BASE if wide else substrate, {} if wide else statistics, length=op.k)
    sizes: dict[str, Any] = {
        "m": op.m,
        "n": op.n * op.batch,
        "k": op.k,
        "weight_bytes": float(np.mean(bits)) / _BYTE,
    }
    joules = {name: float(np.sum(value)) * work.count for name, value in gemv_energy(memory, **sizes).items()}
    return joules, float(np.sum(gemv_time(memory, stacks=stacks, **sizes))) * work.count

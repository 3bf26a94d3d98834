"""A token on a chip with other stacks."""

from __future__ import annotations

from dataclasses import replace

from gigawatt.machine.machine import Chip
from gigawatt.technology.digital.formats import CHIP
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.stacked_memory import pim_token
from gigawatt.technology.stacked_memory.products import checked, host, numerics
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.token import TokenCost
from gigawatt.workload.architecture import Architecture

__all__ = ["decode"]


def decode(
    substrate: Substrate,
    architecture: Architecture,
    statistics: Statistics,
    *,
    batch: float = 1.0,
    context: float = 512.0,
    chip: str | Chip = CHIP,
) -> TokenCost:
    """A token on a chip with these stacks, as :func:`~gigawatt.technology.rollup.token_cost`."""
    asked, machine = checked(substrate), host(substrate, chip)
    plain = token_cost(numerics(asked), architecture, statistics, chip=machine, batch=batch, context=context)
    note = (
        f"{asked.settings.get('stacks', 5.0):g} stacks of {asked.word('memory') or 'hbm3e'} beside the chip"
    )
    made = replace(plain, technology="stacked_memory", notes=(note, *plain.notes))
    if asked.word("pim") != "bank":
        return made
    return pim_token.with_units(
        made,
        numerics(asked),
        architecture,
        statistics,
        chip=machine,
        memory=asked.word("memory") or "hbm3e",
        stacks=float(asked.settings.get("stacks", 5.0)),
    )

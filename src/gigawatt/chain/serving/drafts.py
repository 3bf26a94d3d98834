"""Speculative decoding of a serving question by measured acceptance, and the layer that drafts."""

from __future__ import annotations

import math
from dataclasses import replace

from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Grade
from gigawatt.serving.speculation import Speculation, read_speculation
from gigawatt.workload import Architecture

__all__ = ["measured_drafts", "whole_number", "with_drafter"]


def measured_drafts(
    assumed: AssumptionList,
    given: str | None,
    architecture: Architecture,
    guesses: int | None,
    acceptance: float | None,
) -> Speculation | None:
    """What is measured of the speculation ``given``; none without one."""
    if given is None:
        return None
    if acceptance is not None:
        raise InputError(
            "the acceptance is given twice",
            key="acceptance",
            given=str(acceptance),
            allowed=f"or that of {given}",
        )
    count = None if guesses is None else int(whole_number("guesses", guesses))
    found = read_speculation(given, model=architecture.name, guesses=count)
    if count is None:
        assumed.add("serving.guesses", str(found.guesses), "the usual number of draft tokens", Grade.guess)
    for row in found.rows:
        cell = row.evidence(f"accepted_{found.guesses}")
        assumed.add_row(
            f"speculation.{row.id}", cell, f"{cell.value:g} tokens an iteration", row.text("note")
        )
    if not found.own:
        assumed.notices.append(
            f"{found.method} was not measured on {architecture.name}: {found.accepted:.3g} tokens an "
            f"iteration are the mean over {len(found.rows)} other models"
        )
    return found


def with_drafter(assumed: AssumptionList, architecture: Architecture, found: Speculation) -> Architecture:
    """The architecture with a layer that drafts, where it has no prediction module of its own."""
    blocks = architecture.blocks
    if any(block.role == "prediction" for block in blocks):
        return architecture
    layers = [block for block in blocks if block.role == "layer"]
    dense = [block for block in layers if block.experts is None]
    kind = (dense or layers)[0]
    name = "dense layer" if dense else "layer"
    assumed.add(
        "serving.drafter", f"one {name} of the model", f"{found.method} drafts with a layer and the head",
        Grade.modelled,
    )  # fmt: skip
    return replace(architecture, blocks=(*blocks, replace(kind, role="prediction", count=1)))


def whole_number(key: str, value: float, least: int = 1) -> float:
    """``value``, which is a whole number of ``least`` or more; else an error that names ``key``."""
    if not math.isfinite(value) or value != int(value) or value < least:
        raise InputError(
            "not a whole number", key=key, given=value, allowed=f"a whole number of {least} or more"
        )
    return float(value)

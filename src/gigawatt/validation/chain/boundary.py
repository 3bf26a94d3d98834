"""What a published energy, carbon or rate counts, read from the words of its boundary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gigawatt.core.errors import GigawattError
from gigawatt.machine import load_chip
from gigawatt.validation.chain.rows import CaseRow
from gigawatt.validation.files import Refusal

__all__ = ["Counted", "carbon_factor", "counted", "is_derived", "pue_of"]

_WATTS = re.compile(r"(\d+(?:\.\d+)?) ?W\b")
_FACTOR = re.compile(r"(\d+(?:\.\d+)?) ?(kg/kWh|g/kWh|t/MWh)")
_PUE = re.compile(r"PUE (\d\.\d+)")
_NO_PUE = re.compile(r"(no|before|without) PUE")
_SYSTEM = re.compile(r"system power|with host|host share|server|at the wall|HPL|by meter", re.IGNORECASE)
_CHIPS = re.compile(r"on GPUs|GPUs? (only|alone)|GPU (active )?energy", re.IGNORECASE)
_STEADY = re.compile(r"per step|tokens/s|in \d+\.\d s on")
_ALIKE = 0.02
"""Share by which stated watts may differ from a chip's power limit that they are."""


@dataclass(frozen=True)
class Counted:
    """``step`` of the ladder (a value of the field ``boundary``) and the PUE on top of it (1: none);
    ``derived``: hours × power limit × factors, not measured."""

    step: str
    pue: float
    derived: bool


def pue_of(row: CaseRow) -> float | None:
    """The PUE that a figure holds, ``None`` where it holds none."""
    words = row.counts
    if "PUE" not in words or _NO_PUE.search(words):
        return None
    found = _PUE.search(words)
    return float(found[1]) if found else row.number("datacentre_pue_published")


def carbon_factor(row: CaseRow) -> str | None:
    """Carbon of a kWh that a figure was made with, as a scenario writes it."""
    found = _FACTOR.search(row.counts)
    if found is None:
        return None
    return f"{1000.0 * float(found[1]):g} g/kWh" if found[2] != "g/kWh" else f"{found[1]} g/kWh"


def counted(row: CaseRow, case: Iterable[CaseRow] = ()) -> Counted:
    """What an energy or a carbon counts; ``case`` are the other rows of its system.

    Watts that equal the power limit of the accelerator are that limit, others are a system's. A carbon that
    does not say it is that of an energy of the same system.

    Raises
    ------
    Refusal
        The words do not say it, or it is beside the run.
    """
    words = row.counts
    if "in addition" in words:
        raise Refusal("an idle cluster beside the run: no boundary holds it alone", words)
    watts = _WATTS.search(words)
    limited = "TDP" in words or (watts is not None and _is_limit(float(watts[1]), row.text("chip")))
    pue = pue_of(row) or 1.0
    if limited:
        return Counted("at-limit", pue, True)
    if _SYSTEM.search(words):
        return Counted("it", pue, False)
    if _CHIPS.search(words):
        return Counted("chips", pue, False)
    if watts is not None:
        return Counted("it", pue, False)
    energies = (one for one in case if one.text("quantity") == "mwh" and one is not row)
    for one in energies if row.text("quantity").startswith("tco2e") else ():
        try:
            energy = counted(one)
        except Refusal:
            continue
        return Counted(energy.step, max(energy.pue, pue), True)
    raise Refusal("its boundary does not say what is counted", words)


def _is_limit(watts: float, chip: str) -> bool:
    try:
        limit = load_chip(chip).power_limit
    except GigawattError:
        return False
    return abs(watts / limit - 1.0) < _ALIKE


def is_derived(row: CaseRow) -> bool:
    """Whether a rate, a count of hours or days only repeats another figure of its system."""
    return row.text("read_or_recalled") == "derived" and _STEADY.search(row.counts) is None

"""Feeders of the catalog: their lines, transformers, regulators and loads."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.loader import Entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.power.loop.feeder import Branch, Feeder, Load

__all__ = ["feeder_bus", "list_feeders", "load_feeder"]

_PLACES = ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))


def list_feeders() -> list[str]:
    """Ids of the feeders in the catalog."""
    return list(table("feeders"))


def feeder_bus(id: str) -> str:
    """The bus at which a campus is taken to be where none is named."""
    return _feeder(id).text("bus")


def _feeder(id: str) -> Entity:
    found = table("feeders").get(id)
    if found is None:
        raise InputError(
            "no such feeder", key="feeder", given=id, allowed=list_feeders(),
            nearest=nearest(id, list_feeders()),
        )  # fmt: skip
    return found


def _matrix(row: Entity, letter: str, n: int) -> NDArray[np.float64]:
    """(n, n) of the lower triangle that a row has, per metre."""
    found = np.zeros((n, n))
    for i, j in _PLACES:
        if i < n:
            found[i, j] = found[j, i] = row.value(f"{letter}{i + 1}{j + 1}")
    return found


def _branch(row: Entity) -> Branch:
    phases, ends = row.text("phases"), (row.text("from"), row.text("to"))
    if row.text("kind") == "line":
        code, length = table("feeder_codes")[row.text("code")], row.value("length")
        n = len(phases)
        return Branch(
            *ends, phases,
            impedance=length * (_matrix(code, "r", n) + 1j * _matrix(code, "x", n)),
            capacitance=length * _matrix(code, "c", n),
        )  # fmt: skip
    if row.text("kind") == "switch":
        return Branch(*ends, phases)
    return Branch(
        *ends, phases,
        leakage=complex(row.value("resistance"), row.value("reactance")), rating=row.value("rating"),
        voltages=(row.value("voltage_from"), row.value("voltage_to")), tap=row.get("tap", 1.0) or 1.0,
    )  # fmt: skip


@lru_cache(maxsize=16)
def load_feeder(id: str, taps: tuple[tuple[str, float], ...] = ()) -> Feeder:
    """A feeder of the catalog.

    Parameters
    ----------
    id : str
        Row of ``feeders``.
    taps : tuple of (row of ``feeder_branches``, tap), optional
        Regulators that stand otherwise than their rows say: 1.05 raises by 5 %.

    Raises
    ------
    InputError
        No such feeder, no such regulator.
    """
    row = _feeder(id)
    given = dict(taps)
    own = [one for one in table("feeder_branches").values() if one.text("feeder") == row.text("lines")]
    regulators = [one.id for one in own if one.text("kind") == "regulator"]
    for name in given:
        check_word("taps", name, regulators, f"no regulator of {id}")
    branches: list[Branch] = []
    for one in own:
        made = _branch(one)
        branches.append(replace(made, tap=given[one.id]) if one.id in given else made)
    return Feeder(
        name=id,
        voltage=row.value("voltage"),
        source=row.text("source_bus"),
        source_voltage=row.value("source_voltage"),
        branches=tuple(branches),
        loads=tuple(
            Load(
                one.text("bus"),
                one.text("phases"),
                one.text("connection"),
                one.text("kind"),
                complex(one.value("power"), one.value("reactive")),
                one.value("voltage"),
            )
            for one in table("feeder_loads").values()
            if one.text("feeder") == id
        ),
    )

"""What a byte of stacked memory costs: opening its row, moving it out of the die, down the stack, across.

A row is opened once for all that is read from it, so that joules a bit fall with what is used of a row:

    e = E_row / (8 b) + (a / 0.5) (e_array + e_wire + (N + 1) / 2 · e_via + e_io)

with b bytes used of an opened row, a the share of bits that toggle and N dies, of which an access comes from
the middle on average. Beside that a stack spends power whether it is read or not: standby of its dies, its
base die, and refresh.

Published figures of "HBM" count different things; :data:`SCOPES_OF` says which components each has.

References
----------
O'Connor et al. 2017, "Fine-Grained DRAM: Energy-Efficient DRAM for Extreme Bandwidth Systems", MICRO-50,
section 2 and table 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.workload.operations import Array

__all__ = [
    "COMPONENTS",
    "SCOPES_OF",
    "access_energy",
    "access_range",
    "defaults",
    "generation",
    "idle_power",
    "is_hot",
    "refresh_power",
]

COMPONENTS = ("activation", "array", "wire", "via", "io")
"""Of the energy of an access, from the cells to the far end of the interface."""

SCOPES_OF: Mapping[str, tuple[str, ...]] = {
    "core": ("activation", "array"),
    "stack": ("activation", "array", "wire", "via"),
    "interface": COMPONENTS,
}
"""What a published figure may count: cells alone, the stack, or the stack and both ends of its interface."""

_BITS = 8.0
_HALF = 0.5  # the activity at which energies stand in the catalog


@lru_cache(maxsize=64)
def generation(name: str) -> Entity:
    """A row of ``stacked_memory``: ``hbm2`` to ``hbm8``.

    Raises
    ------
    InputError
        No such generation; names the nearest.
    """
    return entity("stacked_memory", name)


@lru_cache(maxsize=1)
def defaults() -> Entity:
    """How a stack is used where nobody says: bytes of an opened row, share of toggling bits."""
    return entity("stacked_memory_usage", "defaults")


def _height(row: Entity, height: float | None) -> float:
    return float(check_range("height", row.value("height") if height is None else height, 1.0, 64.0, "dies"))


def access_energy(
    memory: str | Entity,
    *,
    row_bytes: ArrayLike | None = None,
    activity: ArrayLike | None = None,
    height: float | None = None,
) -> dict[str, Array]:
    """Joules of one byte read or written, by :data:`COMPONENTS`.

    Parameters
    ----------
    memory : str or Entity
        A generation.
    row_bytes : array, optional
        Bytes used of a row before it is closed [B], 1 to the page.
    activity : array, optional
        Share of bits that toggle, 0 to 1 (table 3 of the reference: 0.5).
    height : float, optional
        Dies, 1 to 64.

    Returns
    -------
    dict of array
        J/B; the arrays broadcast together.

    Raises
    ------
    InputError
        A value outside its range.
    """
    row = generation(memory) if isinstance(memory, str) else memory
    page = row.value("page")
    used = check_range(
        "row_bytes", defaults().value("row_bytes") if row_bytes is None else row_bytes, 1.0, page, "B"
    )
    toggles = check_range(
        "activity", defaults().value("activity") if activity is None else activity, 0.0, 1.0
    )
    moved = toggles / _HALF * np.ones_like(used)
    crossed = (_height(row, height) + 1.0) / 2.0
    return {
        "activation": row.value("activation") / used * np.ones_like(moved),
        "array": row.value("array") * moved,
        "wire": row.value("wire") * moved,
        "via": row.value("via") * crossed * moved,
        "io": row.value("io") * moved,
    }


def access_range(
    memory: str | Entity, *, scope: str = "interface", height: float | None = None
) -> tuple[float, float, float]:
    """(value, low, high) of a byte [J/B] at a scope of :data:`SCOPES_OF`.

    Low is the low end of every component with whole rows used, high the high end with what workloads of
    graphics processors use of a row.

    Raises
    ------
    InputError
        An unknown scope.
    """
    check_word("scope", scope, SCOPES_OF, "no such scope")
    row = generation(memory) if isinstance(memory, str) else memory
    crossed = (_height(row, height) + 1.0) / 2.0
    used = defaults().evidence("row_bytes")
    total = [0.0, 0.0, 0.0]
    for name in SCOPES_OF[scope]:
        one = row.evidence(name)
        ends = (
            one.value,
            one.value if one.low is None else one.low,
            one.value if one.high is None else one.high,
        )
        share = (crossed,) * 3 if name == "via" else (1.0,) * 3
        if name == "activation":
            assert used.low is not None
            assert used.high is not None
            share = (1.0 / used.value, 1.0 / used.high, 1.0 / used.low)
        for i in range(3):
            total[i] += ends[i] * share[i]
    return total[0], total[1], total[2]


def is_hot(temperature: ArrayLike | None) -> NDArray[np.bool_]:
    """Whether cells are so hot [K] that they are refreshed twice as often; not where left out.

    Raises
    ------
    InputError
        A temperature outside 200 to 500 K.
    """
    if temperature is None:
        return np.zeros((), dtype=bool)
    return check_range("temperature", temperature, 200.0, 500.0, "K") > defaults().value("hot")


def refresh_power(
    memory: str | Entity, *, capacity: ArrayLike, temperature: ArrayLike | None = None
) -> Array:
    """Watts of refreshing ``capacity`` bytes; twice as many above 85 °C.

    Parameters
    ----------
    memory : str or Entity
        A generation.
    capacity : array
        Bytes, > 0.
    temperature : array, optional
        Of the hottest die [K], 200 to 500; below the limit where left out.

    Raises
    ------
    InputError
        A value outside its range.
    """
    row = generation(memory) if isinstance(memory, str) else memory
    size = check_range("capacity", capacity, 1.0, 1e15, "B")
    return size * row.value("refresh") / row.value("refi") * np.where(is_hot(temperature), 2.0, 1.0)


def idle_power(
    memory: str | Entity, *, height: float | None = None, temperature: ArrayLike | None = None
) -> Array:
    """Watts of a stack that is kept but not read: standby of its dies, refresh, base die."""
    row = generation(memory) if isinstance(memory, str) else memory
    dies = _height(row, height)
    kept = refresh_power(row, capacity=dies * row.value("die_capacity"), temperature=temperature)
    return row.value("standby") * dies + row.value("base_die") + kept

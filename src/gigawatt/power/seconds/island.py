"""The largest loss of an island: what its frequency does when its largest unit trips, and what stops it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.power.seconds.machines import Frequency, Machine, frequency
from gigawatt.power.seconds.rows import load_machine

__all__ = ["UnitLoss", "lose_unit"]

_STEP, _SECONDS, _BEFORE = 0.01, 40.0, 1.0
_BATTERY = "battery-2h"
_HALVINGS = 20
_WIDEST = 4.0
"""Rating of the largest store that is tried, over the power that is lost."""


@dataclass(frozen=True)
class UnitLoss:
    """What follows when the unit that gives most trips at full load.

    Attributes
    ----------
    plant : str
        Whose unit.
    unit, lost : float
        W of the unit, and what it gave.
    nadir : float
        Lowest deviation [Hz]; -inf where nothing is left that turns.
    rocof : float
        Hz/s.
    sheds, trips : bool
        Whether the frequency stays below the first stage of load shedding for its delay, and whether it falls
        below what machines bear: the island is lost.
    short : float
        W of the load that the machines left cannot give.
    store, energy : float
        W and J of the smallest grid-forming battery that keeps the frequency above the first stage, for as
        long as until another unit runs; 0 where none is needed, ``inf`` where none that was tried does.
    """

    plant: str
    unit: float
    lost: float
    nadir: float
    rocof: float
    sheds: bool
    trips: bool
    short: float
    store: float
    energy: float


def lose_unit(*, load: float, plants: Mapping[str, float]) -> UnitLoss | None:
    """The loss of the largest unit of an island that carries ``load`` [W].

    Every plant stands in units of the catalog's ``unit_size``; machines share the load by their ratings.

    Parameters
    ----------
    load : float
        W, above 0.
    plants : mapping
        Plant id → W, without a grid.

    Returns
    -------
    UnitLoss or None
        ``None`` where no plant has units that turn (batteries alone).

    Raises
    ------
    InputError
        Plants that cannot carry the load.
    """
    check_range("load", load, 0.0, unit="W", open_low=True, message="not a power")
    machines: list[tuple[Machine, float]] = []
    for name, watts in plants.items():
        made = load_machine(name, rating=watts) if watts > 0.0 else None
        if made is not None:
            size = entity("plants", name).get("unit_size")
            battery = made.power is not None
            machines.append((made, 0.0 if battery else min(watts, size or watts)))
    rating = sum(one.rating for one, unit in machines if unit > 0.0)
    if rating == 0.0:
        return None
    if load > rating * (1.0 + 1e-9):
        raise InputError(
            "the machines cannot give this load", key="plants", given=f"{rating / 1e6:.4g} MW that turn",
            allowed=f"{load / 1e6:.4g} MW or more",
        )  # fmt: skip
    first, unit = max(machines, key=lambda pair: pair[1])
    lost = unit * load / rating
    left = tuple(
        replace(one, rating=one.rating - unit) if one is first else one
        for one, _ in machines
        if one is not first or one.rating - unit > 1e-6 * unit
    )
    row, nominal = (
        entity("dynamics_limits", "island"),
        entity("dynamics_limits", "frequency").value("nominal"),
    )
    below = row.value("shed") - nominal
    turning = sum(one.rating for one in left if one.power is None)
    short = max(load - turning, 0.0)
    seen = _after(left, load, lost, nominal)
    sheds = seen is None or _sheds(seen, below, row.value("shed_delay"))
    store = _smallest(left, load, lost, short, nominal, below, row.value("shed_delay")) if sheds else 0.0
    nadir = -math.inf if seen is None else max(seen.nadir, -nominal)
    return UnitLoss(
        plant=first.name,
        unit=unit,
        lost=lost,
        nadir=nadir,
        rocof=math.inf if seen is None else seen.rocof,
        sheds=sheds,
        trips=nadir < row.value("trip") - nominal,
        short=short,
        store=store,
        energy=store * row.value("bridge"),
    )


def _after(left: tuple[Machine, ...], load: float, lost: float, nominal: float) -> Frequency | None:
    """The frequency after the loss; ``None`` where nothing is left that makes one."""
    if not any(one.inertia * one.rating > 0.0 for one in left):
        return None
    held = left
    if all(one.power is not None for one in left):  # batteries alone: they take up the whole load
        held = tuple(replace(one, power=None) for one in left)
        lost = min(lost, load)
        if load > sum(one.rating for one in held):
            return None
    values = np.full(round(_SECONDS / _STEP), load)
    values[: round(_BEFORE / _STEP)] = max(load - lost, 0.0)
    return frequency(values, step=_STEP, machines=held, nominal=nominal)


def _sheds(seen: Frequency, below: float, delay: float) -> bool:
    """Whether the frequency is lower than ``below`` [Hz] for ``delay`` [s] on end."""
    low = np.concatenate([[False], seen.deviation < below, [False]]).astype(int)
    starts, ends = np.flatnonzero(np.diff(low) == 1), np.flatnonzero(np.diff(low) == -1)
    return bool(len(starts)) and float((ends - starts).max()) * _STEP >= delay - 1e-9


def _smallest(
    left: tuple[Machine, ...],
    load: float,
    lost: float,
    short: float,
    nominal: float,
    below: float,
    delay: float,
) -> float:
    """W of the smallest battery beside the machines left with which no load is shed."""

    def kept(watts: float) -> bool:
        made = load_machine(_BATTERY, rating=watts)
        assert made is not None
        seen = _after((*left, made), load, lost, nominal)
        return seen is not None and not _sheds(seen, below, delay)

    low, high = short, _WIDEST * max(lost, short)
    if not kept(high):
        return math.inf
    if low > 0.0 and kept(low):
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if kept(middle) else (middle, high)
        if high - low < 1e-3 * high:
            break
    return high

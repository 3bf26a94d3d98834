"""Ways to the limits of a connection, the cheapest first: software, firmware with its capacitors, stores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gigawatt import catalog
from gigawatt.core.errors import InfeasibleError
from gigawatt.power.seconds import (
    Frontier,
    Prices,
    Sized,
    Software,
    load_store,
    measure,
    smallest_store,
    soften,
)
from gigawatt.studies.seconds.question import SecondsQuestion

__all__ = ["Remedy", "remedies"]

FIRMWARE = "rack-capacitor"
"""Store of a rack whose firmware smooths (GB300: ramps, floor, and capacitors in its supplies)."""


@dataclass(frozen=True)
class Remedy:
    """A way to the limits.

    ``id`` in words; ``power`` [W], ``energy`` [J] of a store, 0 without one; ``burnt`` share of the load's
    energy, ``delayed`` [J] of work put off; ``cost`` [$/year] without that of work put off (``inf`` where it
    cannot be); ``excess``: the worst measure over its limit that is left, at most 1 where ``meets``.
    """

    id: str
    power: float
    energy: float
    burnt: float
    delayed: float
    cost: float
    excess: float
    meets: bool


def remedies(
    question: SecondsQuestion,
    *,
    stores: Mapping[str, Sized | None],
    curves: tuple[Frontier | None, Frontier | None],
    best: str,
    priced: Callable[[str], Prices],
    awake: float,
) -> tuple[Remedy, ...]:
    """Every way to the limits of ``question``: those that meet them by cost, then those that do not.

    Parameters
    ----------
    question : SecondsQuestion
        One whose load exceeds a limit.
    stores : mapping
        Store alone → its smallest size, ``None`` where there is none.
    curves : tuple
        Floors beside the store ``best``, without and with slow start and stop.
    best : str
        Row of ``dynamics_stores``.
    priced : callable
        Row of ``dynamics_stores`` → its prices.
    awake : float
        W from which on the load is at work.
    """
    q, row = question, catalog.entity("dynamics_load", "training")
    seconds, whole = len(q.load) * q.step, float(q.load.sum()) * q.step
    most = row.value("floor_most") * float(q.load.max())
    found: list[Remedy] = []

    def softened(*, floor: float, slow: bool) -> Software:
        return soften(
            q.load, step=q.step, floor=floor, hold=row.value("hold"), awake=awake,
            ramp_up=q.limits.ramp_up if slow else math.inf,
            ramp_down=q.limits.ramp_down if slow else math.inf,
        )  # fmt: skip

    def add(id: str, software: Software | None, sized: Sized | None, store: str) -> None:
        drawn = sized.passed.power if sized is not None else software.power if software else q.load
        left = measure(drawn, step=q.step, limits=q.limits)
        excess = max(
            getattr(left, name) / getattr(q.limits, name)
            for name in ("ramp_up", "ramp_down", "dynamic_range", "amplitude")
        )
        burnt = (software.dummy if software else 0.0) + (sized.passed.losses if sized else 0.0)
        power, energy = (sized.store.power, sized.store.energy) if sized else (0.0, 0.0)
        cost = priced(store).yearly(power=power, energy=energy, burnt=burnt, seconds=seconds)
        found.append(
            Remedy(id, power, energy, burnt / whole if whole else 0.0, software.delayed if software else 0.0,
                   cost, excess, not left.excess(q.limits))
        )  # fmt: skip

    for id, floor, slow in (
        ("slow start and stop", 0.0, True),
        ("power floor", most, False),
        ("power floor, slow start and stop", most, True),
    ):
        add(id, softened(floor=floor, slow=slow), None, best)
    firmware = softened(floor=most, slow=True)
    try:
        basis = load_store(FIRMWARE, accelerators=q.accelerators)
        sized = smallest_store(firmware.power, step=q.step, limits=q.limits, store=basis)
        add(f"firmware smoothing with {FIRMWARE}", firmware, sized, FIRMWARE)
    except InfeasibleError:
        found.append(_refused(f"firmware smoothing with {FIRMWARE}"))
    for name, sized in stores.items():
        if sized is None:
            found.append(_refused(name))
        else:
            add(name, None, sized, name)
    for curve, words in zip(curves, ("power floor", "power floor, slow start and stop"), strict=True):
        if curve is not None and curve.best.floor > 0.0:
            add(f"{words}, {best}", curve.best.software, curve.best.sized, best)
    return tuple(sorted(found, key=lambda one: (not one.meets, one.cost)))


def _refused(id: str) -> Remedy:
    return Remedy(id, math.nan, math.nan, math.nan, math.nan, math.inf, math.nan, meets=False)

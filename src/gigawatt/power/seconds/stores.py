"""Between racks and grid: stores that follow a rule of their own, software that burns or waits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range, check_rules
from gigawatt.power.seconds.load import series

__all__ = ["Passed", "Software", "Store", "endless", "pass_store", "pass_stores", "soften"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Store:
    """A store that keeps what is drawn behind it smooth.

    Attributes
    ----------
    name : str
    power : float
        Most W it takes or gives, at its terminals.
    energy : float
        J between empty and full.
    charge_efficiency, discharge_efficiency : float
        Share that passes, (0, 1].
    time_constant : float
        s of the low-pass that its controller makes of the load; 0: none.
    ramp_up, ramp_down : float
        Most W/s behind it.
    restore : float
        s in which it comes back to where it started; ``inf``: never.
    level : float
        Share of ``energy`` that is in it at the start, [0, 1].
    standing : float
        W that it draws for itself all the time.
    """

    name: str = "store"
    power: float = math.inf
    energy: float = math.inf
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    time_constant: float = 0.0
    ramp_up: float = math.inf
    ramp_down: float = math.inf
    restore: float = math.inf
    level: float = 0.5
    standing: float = 0.0

    def __post_init__(self) -> None:
        charge, discharge = self.charge_efficiency, self.discharge_efficiency
        rules = (
            ("power", self.power, "0 or more", self.power >= 0.0),
            ("energy", self.energy, "0 or more", self.energy >= 0.0),
            ("time_constant", self.time_constant, "0 or more", self.time_constant >= 0.0),
            ("standing", self.standing, "0 or more", self.standing >= 0.0),
            ("ramp_up", self.ramp_up, "above 0", self.ramp_up > 0.0),
            ("ramp_down", self.ramp_down, "above 0", self.ramp_down > 0.0),
            ("restore", self.restore, "above 0", self.restore > 0.0),
            ("charge_efficiency", charge, "above 0, at most 1", 0.0 < charge <= 1.0),
            ("discharge_efficiency", discharge, "above 0, at most 1", 0.0 < discharge <= 1.0),
            ("level", self.level, "0 to 1", 0.0 <= self.level <= 1.0),
        )
        check_rules(rules, self.name)


@dataclass(frozen=True)
class Passed:
    """A load behind a store, by the step.

    ``power`` (T,) [W] drawn behind it; ``charge``, ``discharge`` (T,) [W] at its terminals, of which one is
    0; ``stored`` (T+1,) [J] (an endless store: what it holds over its start); ``losses`` [J] in all,
    standing ones among them. power = load + standing + charge − discharge, and ∫charge − ∫discharge =
    Δstored + losses without the standing ones.
    """

    power: Array
    charge: Array
    discharge: Array
    stored: Array
    losses: float
    store: Store

    @property
    def needed_power(self) -> float:
        """Most W taken or given."""
        return float(max(self.charge.max(), self.discharge.max()))

    @property
    def needed_energy(self) -> float:
        """J between the emptiest and the fullest."""
        return float(self.stored.max() - self.stored.min())


@dataclass(frozen=True)
class Software:
    """A load that software smooths.

    ``power`` (T,) [W]; ``dummy`` [J] burnt for nothing; ``delayed`` [J] of work that a slow start puts off.
    power = load + dummy's power − delayed's power.
    """

    power: Array
    dummy: float
    delayed: float


def pass_store(load: npt.ArrayLike, *, step: float, store: Store) -> Passed:
    """Draw a load through one store, step by step, with nothing known of what comes.

    wanted = what was drawn + (1 − e^(−step/τ)) · (load + (start − stored)/restore − what was drawn), its
    change held to the ramps; the store takes or gives the difference to the load as far as its power and
    energy go, and what it cannot passes through. It starts at the first value of the load.

    Parameters
    ----------
    load : (T,)
        W.
    step : float
        s, above 0.
    store : Store
        Its size and its rule.

    Raises
    ------
    InputError
        No series, no positive step.
    """
    values = series(load, "load")
    check_range("step", step, 0.0, unit="s", open_low=True, message="not a time step")
    tau, restore = store.time_constant, store.restore
    gain = 1.0 if tau == 0.0 else -math.expm1(-step / tau)
    back = 0.0 if math.isinf(restore) else 1.0 / restore
    up, down = store.ramp_up * step, store.ramp_down * step
    into, out, most = store.charge_efficiency, store.discharge_efficiency, store.power
    endless = math.isinf(store.energy)
    full = math.inf if endless else store.energy
    start = 0.0 if endless else store.level * store.energy
    bottom = -math.inf if endless else 0.0
    drawn, held = float(values[0]), start
    net: list[float] = []
    stored = [held]
    for x in values.tolist():
        change = gain * (x + (start - held) * back - drawn)
        change = up if change > up else -down if change < -down else change
        flow = drawn + change - x
        if flow > 0.0:
            flow = min(flow, most, (full - held) / (into * step))
            held = min(held + flow * into * step, full)
        else:
            flow = max(flow, -most, (bottom - held) * out / step)
            held = max(held + flow / out * step, bottom)
        drawn = x + flow
        net.append(flow)
        stored.append(held)
    flows = np.asarray(net)
    charge, discharge = np.maximum(flows, 0.0), np.maximum(-flows, 0.0)
    lost = float((1.0 - into) * charge.sum() + (1.0 / out - 1.0) * discharge.sum()) * step
    return Passed(
        power=values + flows + store.standing,
        charge=charge,
        discharge=discharge,
        stored=np.asarray(stored),
        losses=lost + store.standing * len(values) * step,
        store=store,
    )


def pass_stores(load: npt.ArrayLike, *, step: float, stores: Sequence[Store]) -> tuple[Passed, ...]:
    """Through several stores, from the rack outwards; each sees what the one before draws."""
    found: list[Passed] = []
    power: npt.ArrayLike = load
    for store in stores:
        found.append(pass_store(power, step=step, store=store))
        power = found[-1].power
    return tuple(found)


def soften(
    load: npt.ArrayLike,
    *,
    step: float,
    floor: float = 0.0,
    hold: float = 0.0,
    awake: float = 0.0,
    ramp_up: float = math.inf,
    ramp_down: float = math.inf,
) -> Software:
    """Smooth with software alone: a floor held by a dummy load, a slow start, a slow stop.

    Exact and causal. The load is at work while it has been at ``awake`` or above within ``hold``. After a
    rest a cap rises by ``ramp_up`` from what was drawn at rest, and holds load and floor below it; at work
    at least the floor is drawn; and never less than what was drawn before − ramp_down·step. Dips between
    which the load is at work do not start the cap anew: what fills them is the floor.

    Parameters
    ----------
    load : (T,)
        W.
    step : float
        s.
    floor : float
        W, 0 or more.
    hold : float
        s for which the floor stays after the load was last at work.
    awake : float
        W from which on the load is at work; 0: always.
    ramp_up, ramp_down : float
        W/s; above 0. What the cap of a slow start does not let through is work put off.

    Raises
    ------
    InputError
        A number out of its range.

    References
    ----------
    NVIDIA, How New GB300 NVL72 Features Provide Steady Power for AI, 2025 (ramp of the cap at the start,
    burner at the end); Choukse et al., arXiv 2508.14318 (floor of the GB200).
    """
    values = series(load, "load")
    at_least = (("floor", floor), ("hold", hold), ("awake", awake))
    above = (("ramp_up", ramp_up), ("ramp_down", ramp_down), ("step", step))
    check_rules((key, value, "0 or more", value >= 0.0) for key, value in at_least)
    check_rules((key, value, "above 0", value > 0.0) for key, value in above)
    clock = np.arange(len(values)) * step
    at_work = np.maximum.accumulate(np.where(values >= awake, clock, -math.inf))
    lately = clock - at_work <= hold
    slow, cap = values, np.full(len(values), math.inf)
    if math.isfinite(ramp_up):
        place = np.maximum.accumulate(np.where(lately, -1, np.arange(len(values))))
        began = np.maximum(place, 0)
        cap = np.where(place >= 0, values[began] + ramp_up * (clock - clock[began]), math.inf)
        slow = np.minimum(values, cap)
    drawn = slow
    if floor > 0.0:
        drawn = np.where(lately, np.maximum(slow, np.minimum(floor, cap)), slow)
    if math.isfinite(ramp_down):
        held = np.maximum.accumulate(drawn + ramp_down * clock) - ramp_down * clock
        drawn = np.maximum(held, drawn)
    return Software(
        power=drawn,
        dummy=float((drawn - slow).sum()) * step,
        delayed=float((values - slow).sum()) * step,
    )


def endless(store: Store) -> Store:
    """The same store without limits of power and energy, to see what it needs."""
    return replace(store, power=math.inf, energy=math.inf)

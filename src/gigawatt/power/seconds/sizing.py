"""The smallest store with which a controller that knows nothing of the future meets the limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.seconds.bound import Prices
from gigawatt.power.seconds.load import series
from gigawatt.power.seconds.measures import Limits, Measures, measure
from gigawatt.power.seconds.stores import Passed, Software, Store, endless, pass_store, soften

__all__ = [
    "Frontier",
    "FrontierPoint",
    "Sized",
    "frontier",
    "smallest_store",
]

Array = npt.NDArray[np.float64]

_BISECTIONS = 40
_CLOSE = 1e-4
"""Bisection ends where the time constant is known to this share."""
_RESTORE, _TURNS = 10.0, 2.0
"""Time constants, and turns of the whole swing at the ramp, in which the store comes back to its level."""
_WORDS = {
    "ramp_up": ("rise", "W/s"),
    "ramp_down": ("fall", "W/s"),
    "dynamic_range": ("dynamic range", "W"),
    "amplitude": ("oscillation", "W"),
}


@dataclass(frozen=True)
class Sized:
    """The smallest store of a controller, and what comes of it.

    ``store`` has the power, energy, level and time constant found; ``passed`` the series; ``measures`` of
    what is drawn behind it; ``losses_share`` of the load's energy.
    """

    store: Store
    passed: Passed
    measures: Measures
    losses_share: float


@dataclass(frozen=True)
class FrontierPoint:
    """A floor [W], what software does with it, and the store that is then still needed; ``cost`` [$/year]."""

    floor: float
    software: Software
    sized: Sized
    cost: float
    burnt_share: float


@dataclass(frozen=True)
class Frontier:
    """From no floor to the highest; ``best`` is the cheapest."""

    points: tuple[FrontierPoint, ...]

    @property
    def best(self) -> FrontierPoint:
        """The point with the least cost a year."""
        return min(self.points, key=lambda point: point.cost)


def smallest_store(
    load: npt.ArrayLike,
    *,
    step: float,
    limits: Limits,
    store: Store | None = None,
) -> Sized:
    """The smallest store with which a controller that knows nothing of the future meets the limits.

    The controller is :func:`~gigawatt.power.seconds.stores.pass_store`: a low-pass, held to the ramps. Its
    time constant is the shortest that meets every limit, by bisection: a longer one damps every frequency
    more. Power and energy are then what it took, gave and swung through, without a margin.

    Parameters
    ----------
    load : (T,)
        W.
    step : float
        s.
    limits : Limits
        What has to be met behind the store.
    store : Store, optional
        Efficiencies, and the most power and energy that there may be.

    Raises
    ------
    InfeasibleError
        No time constant within the series meets the limits, or it takes more than ``store`` has; says by how
        much.
    InputError
        The step is too coarse for the band.

    References
    ----------
    Choukse et al., arXiv 2508.14318, 2025 (criteria, storage as the mend).
    """
    values = series(load, "load")
    basis = store if store is not None else Store()
    seconds = len(values) * step
    turn = _TURNS * float(values.max() - values.min()) / min(limits.ramp_up, limits.ramp_down)
    outcome: dict[float, tuple[Passed, Measures]] = {}

    def tried(tau: float) -> dict[str, float]:
        rule = replace(
            endless(basis),
            time_constant=tau,
            ramp_up=limits.ramp_up,
            ramp_down=limits.ramp_down,
            restore=max(_RESTORE * tau, turn),
        )
        passed = pass_store(values, step=step, store=rule)
        found = measure(passed.power, step=step, limits=limits)
        outcome[tau] = (passed, found)
        return found.excess(limits)

    short, tau = 0.0, 0.0
    if measure(values, step=step, limits=limits).excess(limits):
        tau = long = seconds
        broken = tried(long)
        if broken:
            raise _unreachable(broken, outcome[long][1], limits, seconds)
        short = step / 10.0
        if not tried(short):
            tau = short
        else:
            for _ in range(_BISECTIONS):
                middle = math.sqrt(short * long)
                if tried(middle):
                    short = middle
                else:
                    long = middle
                if long / short < 1.0 + _CLOSE:
                    break
            tau = long
    else:
        idle = replace(endless(basis), time_constant=0.0)
        passed = pass_store(values, step=step, store=idle)
        outcome[0.0] = (passed, measure(passed.power, step=step, limits=limits))
    passed, found = outcome[tau]
    _within(passed, basis)
    needed = passed.needed_energy
    level = float(-passed.stored.min() / needed) if needed > 0.0 else 0.5
    size = replace(passed.store, power=passed.needed_power, energy=needed, level=min(max(level, 0.0), 1.0))
    lost = passed.losses / (float(values.sum()) * step) if values.any() else 0.0
    return Sized(size, passed, found, lost)


def _within(passed: Passed, basis: Store) -> None:
    for name, needed, has, scale, unit in (
        ("power", passed.needed_power, basis.power, 1e6, "MW"),
        ("energy", passed.needed_energy, basis.energy, 1e6, "MJ"),
    ):
        if needed > has * (1.0 + 1e-9):
            raise InfeasibleError(
                f"{basis.name} is too small for these limits",
                key=f"{basis.name}.{name}",
                given=f"{has / scale:.4g} {unit}",
                allowed=f"{needed / scale:.4g} {unit} or more",
            )


def _unreachable(
    broken: dict[str, float], found: Measures, limits: Limits, seconds: float
) -> InfeasibleError:
    name = max(broken, key=lambda key: broken[key])
    words, unit = _WORDS[name]
    return InfeasibleError(
        f"no store meets this limit of the {words}, even with a time constant of {seconds:.4g} s",
        key=name,
        given=f"{getattr(limits, name):.4g} {unit}",
        allowed=f"{getattr(found, name):.4g} {unit} or more, a slow start and stop, or a higher floor",
    )


def frontier(
    load: npt.ArrayLike,
    *,
    step: float,
    limits: Limits,
    prices: Prices,
    floors: Sequence[float],
    store: Store | None = None,
    hold: float = 0.0,
    awake: float = 0.0,
    slow: bool = False,
) -> Frontier:
    """Floor against store: for every floor the smallest store that is then still needed, and both costs.

    Parameters
    ----------
    load, step, limits, store
        As :func:`smallest_store`.
    prices : Prices
        Of store and electricity.
    floors : sequence of float
        W, such as shares of the peak.
    hold, awake : float
        s and W, as of :func:`~gigawatt.power.seconds.stores.soften`.
    slow : bool
        Whether software also starts and stops within the ramps (work put off and joules burnt).

    Raises
    ------
    InfeasibleError
        No floor has a store that meets the limits.

    References
    ----------
    Choukse et al., arXiv 2508.14318, 2025 (floor of software beside storage).
    """
    values = series(load, "load")
    seconds, energy = len(values) * step, float(values.sum()) * step
    points: list[FrontierPoint] = []
    refused: InfeasibleError | None = None
    for floor in floors:
        software = soften(
            values,
            step=step,
            floor=floor,
            hold=hold,
            awake=awake,
            ramp_up=limits.ramp_up if slow else math.inf,
            ramp_down=limits.ramp_down if slow else math.inf,
        )
        try:
            sized = smallest_store(software.power, step=step, limits=limits, store=store)
        except InfeasibleError as error:
            refused = error
            continue
        burnt = software.dummy + sized.passed.losses
        cost = prices.yearly(power=sized.store.power, energy=sized.store.energy, burnt=burnt, seconds=seconds)
        points.append(FrontierPoint(floor, software, sized, cost, burnt / energy if energy else 0.0))
    if not points:
        raise refused or InputError("no floor was given", key="floors", allowed="one or more")
    return Frontier(tuple(points))

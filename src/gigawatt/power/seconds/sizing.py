"""The smallest store that meets the limits: what a blind controller needs, and a bound below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.seconds.load import series
from gigawatt.power.seconds.measures import Limits, Measures, measure
from gigawatt.power.seconds.stores import Passed, Software, Store, endless, pass_store, soften

__all__ = [
    "Bound",
    "Frontier",
    "FrontierPoint",
    "Prices",
    "Sized",
    "frontier",
    "least_store",
    "smallest_store",
]

Array = npt.NDArray[np.float64]

_YEAR = 8760.0 * 3600.0
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
class Prices:
    """What a store and energy cost.

    ``power`` $/W and ``energy`` $/J a year (annuity and fixed); ``electricity`` $/J; ``hours``: share of the
    year in which the load is as in the series, [0, 1]; ``minimum_duration`` s: energy over power that cells
    come with at least, needed or not.
    """

    power: float
    energy: float
    electricity: float
    hours: float = 1.0
    minimum_duration: float = 0.0

    def __post_init__(self) -> None:
        for name in ("power", "energy", "electricity", "hours", "minimum_duration"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InputError(
                    "not a price", key=name, given=f"{getattr(self, name):g}", allowed="0 or more"
                )

    def yearly(self, *, power: float, energy: float, burnt: float, seconds: float) -> float:
        """$ a year of a store of ``power`` [W] and ``energy`` [J] and of ``burnt`` J in ``seconds``."""
        cells = max(energy, power * self.minimum_duration)
        return power * self.power + cells * self.energy + burnt * self.of_year(seconds)

    def of_year(self, seconds: float) -> float:
        """$ a year for each J that is burnt in a series of ``seconds``."""
        return self.electricity * self.hours * _YEAR / seconds


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
class Bound:
    """What no controller undercuts, since this one knows the future.

    ``power`` [W], ``energy`` [J], ``dummy`` [J] burnt, ``losses`` [J], ``cost`` [$/year];
    ``drawn`` (K,) [W] over steps of ``step`` s.
    """

    power: float
    energy: float
    dummy: float
    losses: float
    cost: float
    drawn: Array
    step: float


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


def least_store(
    load: npt.ArrayLike,
    *,
    step: float,
    limits: Limits,
    prices: Prices,
    store: Store | None = None,
    floor: float = 0.0,
    most_steps: int = 600,
) -> Bound:
    """The cheapest store and dummy load with perfect foresight: a linear programme, a lower bound.

    Minimise $/year of power, energy, losses and what is burnt, subject to ramps and dynamic range; the store
    ends no emptier than it began, and software may burn up to ``floor``. Oscillation limits are left out and
    the load is averaged over at most ``most_steps`` steps, both of which only lower the bound.

    Parameters
    ----------
    load, step, limits, store
        As :func:`smallest_store`.
    prices : Prices
        Of store and electricity.
    floor : float
        W up to which software may fill the load.
    most_steps : int
        Size of the programme.

    Raises
    ------
    InfeasibleError
        The limits cannot be met with the power and energy there may be.

    References
    ----------
    Huangfu and Hall, Math. Prog. Comp. 10, 2018 (HiGHS, which solves the programme).
    """
    linprog: Any = import_module("scipy.optimize").linprog
    sparse: Any = import_module("scipy.sparse")
    csr_matrix, hstack = sparse.csr_matrix, sparse.hstack

    values = series(load, "load")
    basis = store if store is not None else Store()
    width = math.ceil(len(values) / most_steps)
    count = len(values) // width
    dt = width * step
    p = values[: count * width].reshape(count, width).mean(axis=1)
    scale = max(float(p.max()), 1.0)
    p = p / scale
    # x = charge, discharge, burnt (count each), stored (count + 1), power, energy, least, most; W over scale
    one: Any = sparse.eye_array(count, format="csr")

    def zero(rows: int, columns: int) -> Any:
        return csr_matrix((rows, columns))

    move = sparse.diags_array([-np.ones(count), np.ones(count)], offsets=[0, 1], shape=(count, count + 1))
    into, out = basis.charge_efficiency, basis.discharge_efficiency
    drawn = hstack([one, -1.0 * one, one, zero(count, count + 1), zero(count, 4)])
    balance = hstack([-dt * into * one, dt / out * one, zero(count, count), move, zero(count, 4)])
    column = np.zeros((count, 4))
    rows: list[Any] = []
    right: list[Array] = []

    def row(matrix: Any, bound: Array) -> None:
        rows.append(matrix)
        right.append(bound)

    for start in (0, count):  # charge and discharge within the power
        cells = column.copy()
        cells[:, 0] = -1.0
        left = [zero(count, count)] * 3
        left[start // count] = one
        row(hstack([*left, zero(count, count + 1), csr_matrix(cells)]), np.zeros(count))
    cells = np.zeros((count + 1, 4))
    cells[:, 1] = -1.0
    every = sparse.eye_array(count + 1)
    row(hstack([zero(count + 1, 3 * count), every, csr_matrix(cells)]), np.zeros(count + 1))
    cyclic = np.zeros((1, 4 * count + 5))
    cyclic[0, 3 * count], cyclic[0, 4 * count] = 1.0, -1.0
    row(csr_matrix(cyclic), np.zeros(1))
    if math.isfinite(limits.dynamic_range):
        for sign, place in ((1.0, 3), (-1.0, 2)):
            cells = column.copy()
            cells[:, place] = -sign
            row(sign * drawn + hstack([zero(count, 4 * count + 1), csr_matrix(cells)]), -sign * p)
        between = np.zeros((1, 4 * count + 5))
        between[0, -2:] = -1.0, 1.0
        if limits.range_window >= len(values) * step:
            row(csr_matrix(between), np.array([limits.dynamic_range / scale]))
    lag = min(max(1, round(limits.ramp_window / dt)), count - 1)
    later = drawn.tocsr()[lag:] - drawn.tocsr()[:-lag]
    rise = p[lag:] - p[:-lag]
    for sign, most in ((1.0, limits.ramp_up), (-1.0, limits.ramp_down)):
        if math.isfinite(most):
            row(sign * later, most / scale * lag * dt - sign * rise)
    of_year = prices.of_year(count * dt)
    cells = np.zeros((1, 4 * count + 5))
    cells[0, -4:-2] = prices.minimum_duration, -1.0
    row(csr_matrix(cells), np.zeros(1))
    cost = np.concatenate(
        [
            np.full(count, (1.0 - into) * dt * of_year),
            np.full(count, (1.0 / out - 1.0) * dt * of_year),
            np.full(count, dt * of_year),
            np.zeros(count + 1),
            [prices.power, prices.energy, 0.0, 0.0],
        ]
    )
    most_power, most_energy = basis.power / scale, basis.energy / scale
    upper = np.concatenate(
        [
            np.full(2 * count, np.inf),
            np.maximum(floor / scale - p, 0.0),
            np.full(count + 1, np.inf),
            [most_power, most_energy, np.inf, np.inf],
        ]
    )
    lower = np.zeros(len(upper))
    lower[-2:] = -np.inf
    found: Any = linprog(
        cost,
        A_ub=sparse.vstack(rows, format="csr"),
        b_ub=np.concatenate(right),
        A_eq=balance,
        b_eq=np.zeros(count),
        bounds=np.column_stack([lower, upper]),
        method="highs",
    )
    if found.x is None:
        raise InfeasibleError(
            "no store of this size meets the limits",
            key=basis.name,
            given=f"{basis.power / 1e6:.4g} MW, {basis.energy / 1e6:.4g} MJ",
            allowed="more power or energy, wider limits, or a higher floor",
        )
    x = np.asarray(found.x, dtype=float)
    charge, discharge, burnt = (x[i * count : (i + 1) * count] for i in range(3))
    lost = ((1.0 - into) * charge + (1.0 / out - 1.0) * discharge).sum() * dt * scale
    return Bound(
        power=float(x[-4]) * scale,
        energy=float(x[-3]) * scale,
        dummy=float(burnt.sum()) * dt * scale,
        losses=float(lost),
        cost=float(found.fun) * scale,
        drawn=(p + charge - discharge + burnt) * scale,
        step=dt,
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

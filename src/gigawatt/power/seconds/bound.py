"""The cheapest store with perfect foresight: a lower bound on any controller's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.seconds.load import series
from gigawatt.power.seconds.measures import Limits
from gigawatt.power.seconds.stores import Store

__all__ = ["Bound", "Prices", "least_store"]

Array = npt.NDArray[np.float64]

_YEAR = 8760.0 * 3600.0


@dataclass(frozen=True)
class Prices:
    """What a store and energy cost.

    ``power`` $/W and ``energy`` $/J a year (annuity and fixed); ``electricity`` $/J; ``minimum_duration``
    s: energy over power that cells come with at least, needed or not.
    """

    power: float
    energy: float
    electricity: float
    minimum_duration: float = 0.0

    def __post_init__(self) -> None:
        for name in ("power", "energy", "electricity", "minimum_duration"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InputError(
                    "not a price", key=name, given=f"{getattr(self, name):g}", allowed="0 or more"
                )

    def yearly(self, *, power: float, energy: float, burnt: float, seconds: float) -> float:
        """$ a year of a store of ``power`` [W] and ``energy`` [J] and of ``burnt`` J in ``seconds``."""
        cells = max(energy, power * self.minimum_duration)
        return power * self.power + cells * self.energy + burnt * self.of_year(seconds)

    def of_year(self, seconds: float) -> float:
        """$ a year for each J that is burnt in a series of ``seconds``, all year long."""
        return self.electricity * _YEAR / seconds


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
        As :func:`~gigawatt.power.seconds.sizing.smallest_store`.
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
    values = series(load, "load")
    basis = store if store is not None else Store()
    width = math.ceil(len(values) / most_steps)
    count = len(values) // width
    dt = width * step
    p = values[: count * width].reshape(count, width).mean(axis=1)
    scale = max(float(p.max()), 1.0)
    p = p / scale
    rows = _StoreRows(count, dt, basis)
    rows.sizes()
    if math.isfinite(limits.dynamic_range):
        window = limits.range_window >= len(values) * step
        rows.limit_range(p, limits.dynamic_range / scale if window else None)
    rows.limit_ramps(p, limits, scale)
    rows.minimum_duration(prices.minimum_duration)
    upper = np.concatenate(
        [
            np.full(2 * count, np.inf),
            np.maximum(floor / scale - p, 0.0),
            np.full(count + 1, np.inf),
            [basis.power / scale, basis.energy / scale, np.inf, np.inf],
        ]
    )
    x, cost = rows.solve(prices, upper)
    charge, discharge, burnt = (x[i * count : (i + 1) * count] for i in range(3))
    into, out = basis.charge_efficiency, basis.discharge_efficiency
    lost = ((1.0 - into) * charge + (1.0 / out - 1.0) * discharge).sum() * dt * scale
    return Bound(
        power=float(x[-4]) * scale,
        energy=float(x[-3]) * scale,
        dummy=float(burnt.sum()) * dt * scale,
        losses=float(lost),
        cost=cost * scale,
        drawn=(p + charge - discharge + burnt) * scale,
        step=dt,
    )


class _StoreRows:
    """Rows of the programme of a store over ``count`` steps of ``dt`` s, in units of the load's scale.

    Columns: charge, discharge, burnt (``count`` each), stored (``count + 1``), power, energy, and the least
    and the most that is drawn.
    """

    def __init__(self, count: int, dt: float, store: Store) -> None:
        self.sparse: Any = import_module("scipy.sparse")
        self.count, self.dt, self.store = count, dt, store
        self.one: Any = self.sparse.eye_array(count, format="csr")
        more = self._zero(count, count + 1), self._zero(count, 4)
        self.drawn = self.sparse.hstack([self.one, -1.0 * self.one, self.one, *more])
        self.rows: list[Any] = []
        self.right: list[Array] = []

    def _zero(self, rows: int, columns: int) -> Any:
        return self.sparse.csr_matrix((rows, columns))

    def _add(self, matrix: Any, bound: Array) -> None:
        self.rows.append(matrix)
        self.right.append(bound)

    def _sizes(self, rows: int, place: int, value: float) -> Any:
        """The last four columns of ``rows`` rows, ``value`` in one of them."""
        cells = np.zeros((rows, 4))
        cells[:, place] = value
        return self.sparse.csr_matrix(cells)

    def sizes(self) -> None:
        """Charge and discharge within the power, what is stored within the energy, no emptier at the end."""
        count, hstack = self.count, self.sparse.hstack
        for which in range(2):
            left = [self._zero(count, count)] * 3
            left[which] = self.one
            row = [*left, self._zero(count, count + 1), self._sizes(count, 0, -1.0)]
            self._add(hstack(row), np.zeros(count))
        every = self.sparse.eye_array(count + 1)
        row = [self._zero(count + 1, 3 * count), every, self._sizes(count + 1, 1, -1.0)]
        self._add(hstack(row), np.zeros(count + 1))
        cyclic = np.zeros((1, 4 * count + 5))
        cyclic[0, 3 * count], cyclic[0, 4 * count] = 1.0, -1.0
        self._add(self.sparse.csr_matrix(cyclic), np.zeros(1))

    def limit_range(self, p: Array, most: float | None) -> None:
        """What is drawn lies between the least and the most, which are ``most`` apart at most."""
        count = self.count
        for sign, place in ((1.0, 3), (-1.0, 2)):
            cells = self.sparse.hstack([self._zero(count, 4 * count + 1), self._sizes(count, place, -sign)])
            self._add(sign * self.drawn + cells, -sign * p)
        if most is not None:
            between = np.zeros((1, 4 * count + 5))
            between[0, -2:] = -1.0, 1.0
            self._add(self.sparse.csr_matrix(between), np.array([most]))

    def limit_ramps(self, p: Array, limits: Limits, scale: float) -> None:
        """Rise and fall of what is drawn over the window of the ramps."""
        lag = min(max(1, round(limits.ramp_window / self.dt)), self.count - 1)
        later = self.drawn.tocsr()[lag:] - self.drawn.tocsr()[:-lag]
        rise = p[lag:] - p[:-lag]
        for sign, most in ((1.0, limits.ramp_up), (-1.0, limits.ramp_down)):
            if math.isfinite(most):
                self._add(sign * later, most / scale * lag * self.dt - sign * rise)

    def minimum_duration(self, seconds: float) -> None:
        """Energy over power is at least what cells come with."""
        cells = np.zeros((1, 4 * self.count + 5))
        cells[0, -4:-2] = seconds, -1.0
        self._add(self.sparse.csr_matrix(cells), np.zeros(1))

    def solve(self, prices: Prices, upper: Array) -> tuple[Array, float]:
        """(columns, $ a year) of the cheapest store.

        Raises
        ------
        InfeasibleError
            No store within ``upper`` meets the limits.
        """
        count, dt, store = self.count, self.dt, self.store
        into, out = store.charge_efficiency, store.discharge_efficiency
        move = self.sparse.diags_array(
            [-np.ones(count), np.ones(count)], offsets=[0, 1], shape=(count, count + 1)
        )
        balance = self.sparse.hstack(
            [-dt * into * self.one, dt / out * self.one, self._zero(count, count), move, self._zero(count, 4)]
        )
        of_year = prices.of_year(count * dt)
        cost = np.concatenate(
            [
                np.full(count, (1.0 - into) * dt * of_year),
                np.full(count, (1.0 / out - 1.0) * dt * of_year),
                np.full(count, dt * of_year),
                np.zeros(count + 1),
                [prices.power, prices.energy, 0.0, 0.0],
            ]
        )
        lower = np.zeros(len(upper))
        lower[-2:] = -np.inf
        linprog: Any = import_module("scipy.optimize").linprog
        found: Any = linprog(
            cost,
            A_ub=self.sparse.vstack(self.rows, format="csr"),
            b_ub=np.concatenate(self.right),
            A_eq=balance,
            b_eq=np.zeros(count),
            bounds=np.column_stack([lower, upper]),
            method="highs",
        )
        if found.x is None:
            raise InfeasibleError(
                "no store of this size meets the limits",
                key=store.name,
                given=f"{store.power / 1e6:.4g} MW, {store.energy / 1e6:.4g} MJ",
                allowed="more power or energy, wider limits, or a higher floor",
            )
        return np.asarray(found.x, dtype=float), float(found.fun)

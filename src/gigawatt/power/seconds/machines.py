"""Frequency: machines with inertia and governors, a grid as one large machine, and a load that moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range, check_rules
from gigawatt.core.errors import InputError
from gigawatt.power.seconds.load import series

__all__ = [
    "Frequency",
    "Machine",
    "Mode",
    "frequency",
    "modes",
    "response",
    "settled",
    "step_deviation",
]

Array = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]

_ROCOF_WINDOW = 0.5
"""s over which a rate of change of frequency is measured (ENTSO-E: 500 ms)."""
_FASTEST = 1e-3
"""s: a governor or a store with a shorter time constant acts as one with this."""


@dataclass(frozen=True)
class Machine:
    """A source on the bus that sets the frequency.

    Governor and turbine are those of GAST in its linear range: a fuel valve of time constant
    ``governor_time`` with a speed of at most ``ramp``, within ``minimum`` and ``maximum``; then
    ``turbine_time``; of the power, ``fast_share`` follows at once and the rest with ``slow_time`` (steam of
    a combined cycle, reheat).

    Attributes
    ----------
    name : str
    rating : float
        W, above 0.
    inertia : float
        H, s: kinetic energy at synchronous speed over the rating; ``inf`` is a stiff grid.
    droop : float
        Change of frequency over change of power, each over its rated value; ``inf``: no governor.
    governor_time, turbine_time, slow_time : float
        s.
    fast_share : float
        (0, 1].
    ramp : float
        Share of the rating a second.
    minimum, maximum : float
        Shares of the rating; a store that charges has a negative minimum.
    power : float or None
        Share of the rating given at the start; ``None``: its part of the load by rating.
    """

    name: str
    rating: float
    inertia: float = 0.0
    droop: float = math.inf
    governor_time: float = 0.0
    turbine_time: float = 0.0
    fast_share: float = 1.0
    slow_time: float = 0.0
    ramp: float = math.inf
    minimum: float = 0.0
    maximum: float = 1.0
    power: float | None = None

    def __post_init__(self) -> None:
        rules = (
            ("rating", self.rating, "above 0 W", 0.0 < self.rating < math.inf),
            ("inertia", self.inertia, "0 s or more", self.inertia >= 0.0),
            ("droop", self.droop, "above 0", self.droop > 0.0),
            ("governor_time", self.governor_time, "0 s or more", self.governor_time >= 0.0),
            ("turbine_time", self.turbine_time, "0 s or more", self.turbine_time >= 0.0),
            ("slow_time", self.slow_time, "0 s or more", self.slow_time >= 0.0),
            ("fast_share", self.fast_share, "above 0, at most 1", 0.0 < self.fast_share <= 1.0),
            ("ramp", self.ramp, "above 0", self.ramp > 0.0),
            ("minimum", self.minimum, "below the maximum", self.minimum < self.maximum),
        )
        check_rules(rules, self.name)


@dataclass(frozen=True)
class Frequency:
    """How the frequency went.

    ``deviation`` (T+1,) [Hz] at the ends of the steps, the first one 0; ``power`` (T+1, M) [W] of the
    machines; ``nadir``, ``zenith`` [Hz] lowest and highest deviation; ``rocof`` [Hz/s] steepest over half a
    second; ``limited`` whether a valve met its speed or its end; ``residual`` is what the energy balance
    leaves over the load's energy.
    """

    deviation: Array
    power: Array
    nadir: float
    zenith: float
    rocof: float
    limited: bool
    residual: float


@dataclass(frozen=True)
class Mode:
    """``frequency`` [Hz] and ``damping`` ratio of what swings by itself."""

    frequency: float
    damping: float


@dataclass(frozen=True)
class _System:
    """x' = A x + B·ΔP_load; x = [Δω, secondary, (valve, gas, slow) of each machine]."""

    A: Array
    B: Array
    output: Array  # (M, N): mechanical power of each machine
    kinetic: float  # J at synchronous speed
    damping: float  # W for a whole change of frequency
    stiff: bool


def _system(machines: Sequence[Machine], load: float, damping: float, secondary: float) -> _System:
    if not machines:
        raise InputError("nothing carries the load", key="machines", allowed="one machine or more")
    kinetic = sum(one.inertia * one.rating for one in machines)
    if not kinetic > 0.0:
        raise InputError(
            "nothing turns: without inertia a load sets the frequency",
            key="inertia",
            given="0 s",
            allowed="a machine with inertia, or a store that makes its own (inertia above 0)",
        )
    if not damping >= 0.0:
        raise InputError("not a damping", key="damping", given=f"{damping:g}", allowed="0 or more")
    stiff = math.isinf(kinetic)
    size = 2 + 3 * len(machines)
    A, B, output = np.zeros((size, size)), np.zeros(size), np.zeros((len(machines), size))
    sags = damping * load
    inverse = 0.0 if stiff else 1.0 / (2.0 * kinetic)
    A[0, 0], B[0] = -sags * inverse, -inverse
    governed = sum(one.rating / one.droop for one in machines)
    if math.isfinite(secondary) and governed > 0.0:
        A[1, 0] = -1.0 / secondary  # a share of the speed error that is asked for on top
    for number, one in enumerate(machines):
        v, g, r = (2 + 3 * number + k for k in range(3))
        stiffness = one.rating / one.droop
        valve, gas, slow = (max(t, _FASTEST) for t in (one.governor_time, one.turbine_time, one.slow_time))
        A[v, v], A[v, 0], A[v, 1] = -1.0 / valve, -stiffness / valve, stiffness / valve
        A[g, g], A[g, v] = -1.0 / gas, 1.0 / gas
        A[r, r], A[r, g] = -1.0 / slow, 1.0 / slow
        output[number, g], output[number, r] = one.fast_share, 1.0 - one.fast_share
        A[0, g] += one.fast_share * inverse
        A[0, r] += (1.0 - one.fast_share) * inverse
    return _System(A, B, output, kinetic, sags, stiff)


def frequency(
    load: npt.ArrayLike,
    *,
    step: float,
    machines: Sequence[Machine],
    nominal: float = 60.0,
    damping: float = 0.0,
    secondary: float = math.inf,
) -> Frequency:
    """Frequency of a bus whose load moves: swing equation with governors, exact between the steps.

    2·Σ(H·S)·dω/dt = Σ P_m − P_load − D·P_0·ω with ω the relative deviation. Over each step the load is
    constant and the linear system is solved by its matrix exponential, so that the answer does not depend on
    the step while no valve meets a limit. Valves that would pass their speed or an
    end in a step move evenly over it to what they may reach.

    Parameters
    ----------
    load : (T,)
        W; the machines balance its first value at the start.
    step : float
        s, above 0.
    machines : sequence of Machine
        What turns or governs on the bus.
    nominal : float
        Hz.
    damping : float
        D: relative change of the load over that of the frequency; 0 for electronic load.
    secondary : float
        s in which the set points take over a lasting deviation (isochronous control); ``inf``: droop alone.

    Raises
    ------
    InputError
        No machine, no inertia, machines that cannot give the first value.

    References
    ----------
    Kundur, Power System Stability and Control, 1994, chapters 3 and 11; Rowen, J. Eng. Power 105, 1983, and
    IEC 61970-302 (GovGAST) for the gas turbine.
    """
    expm: Any = import_module("scipy.linalg").expm
    values = series(load, "load")
    check_range("step", step, 0.0, unit="s", open_low=True, message="not a time step")
    check_range("secondary", secondary, 0.0, np.inf, "s", open_low=True, message="not a time")
    first = float(values[0])
    system = _system(machines, first, damping, secondary)
    shares = _dispatch(machines, first)
    size, count = len(system.A), len(machines)
    # integrals of ω and of the mechanical power ride along, for the balance of energy
    A = np.zeros((size + 3, size + 3))
    A[:size, :size], A[:size, size + 2] = system.A, system.B
    A[size, 0] = 1.0
    A[size + 1, :size] = system.output.sum(axis=0)
    over: Array = expm(A * step)
    M, N = over[: size + 2, : size + 2], over[: size + 2, size + 2]
    valves = 2 + 3 * np.arange(count)
    # the same with valves that move evenly over the step, for those that meet a limit
    B = np.zeros((size + 3 + count, size + 3 + count))
    B[: size + 3, : size + 3] = A
    B[valves] = 0.0
    B[valves, size + 3 + np.arange(count)] = 1.0
    evenly: Array = expm(B * step)[: size + 2]
    E, F = evenly[:, : size + 2], evenly[:, size + 2]
    G = evenly[:, size + 3 :] / step
    speed = np.array([one.ramp * one.rating * step for one in machines])
    low = np.array([one.minimum * one.rating for one in machines]) - shares
    high = np.array([one.maximum * one.rating for one in machines]) - shares
    free = bool(np.all(np.isinf(speed)) and np.all(np.isinf(low)) and np.all(np.isinf(high)))
    x = np.zeros(size + 2)
    track = np.zeros((len(values) + 1, size + 2))
    limited = False
    for number, change in enumerate((values - first).tolist(), 1):
        old, before = x, x[valves]
        x = M @ old + N * change
        if not free:
            now = x[valves]
            held = np.minimum(np.maximum(now, before - speed), before + speed)
            held = np.minimum(np.maximum(held, low), high)
            if not np.array_equal(held, now):
                limited = True
                x = E @ old + F * change + G @ (held - before)
        track[number] = x
    power = shares + track[:, :size] @ system.output.T
    deviation = track[:, 0] * nominal
    swung = 0.0 if system.stiff else 2.0 * system.kinetic * float(x[0])
    taken = float((values - first).sum()) * step
    left = float(x[size + 1]) - taken - system.damping * float(x[size]) - swung
    energy = float(np.abs(values).sum()) * step
    return Frequency(
        deviation=deviation,
        power=power,
        nadir=float(deviation.min()),
        zenith=float(deviation.max()),
        rocof=_steepest(deviation, step),
        limited=limited,
        residual=0.0 if system.stiff or energy == 0.0 else left / energy,
    )


def _dispatch(machines: Sequence[Machine], load: float) -> Array:
    """W of each machine at the start: those given, and what is left by rating."""
    given = sum(one.power * one.rating for one in machines if one.power is not None)
    open_rating = sum(one.rating for one in machines if one.power is None)
    rest = load - given
    if open_rating == 0.0:
        if abs(rest) > 1e-6 * max(load, 1.0):
            raise InputError(
                "the machines do not balance the load at the start",
                key="power",
                given=f"{given / 1e6:.4g} MW",
                allowed=f"{load / 1e6:.4g} MW",
            )
        rest = 0.0
    found = np.array(
        [one.rating * (rest / open_rating if one.power is None else one.power) for one in machines]
    )
    for one, watts in zip(machines, found.tolist(), strict=True):
        if not (one.minimum - 1e-9) * one.rating <= watts <= (one.maximum + 1e-9) * one.rating:
            raise InputError(
                "a machine cannot give its part of the load at the start",
                key=one.name,
                given=f"{watts / 1e6:.4g} MW",
                allowed=f"{one.minimum * one.rating / 1e6:.4g} to {one.maximum * one.rating / 1e6:.4g} MW",
            )
    return found


def _steepest(deviation: Array, step: float) -> float:
    width = min(max(1, round(_ROCOF_WINDOW / step)), len(deviation) - 1)
    return float(np.abs(deviation[width:] - deviation[:-width]).max()) / (width * step)


def settled(
    change: float, *, machines: Sequence[Machine], load: float, nominal: float = 60.0, damping: float = 0.0
) -> float:
    """Deviation [Hz] in which a lasting ``change`` of the load [W] ends: −ΔP/(Σ S/R + D·P)·f.

    References
    ----------
    Kundur, Power System Stability and Control, 1994, equation 11.8.
    """
    stiffness = sum(one.rating / one.droop for one in machines) + damping * load
    if not stiffness > 0.0:
        raise InputError("nothing holds the frequency", key="droop", allowed="a governor or damping")
    return -change / stiffness * nominal


def step_deviation(
    time: npt.ArrayLike, *, change: float, kinetic: float, damping: float, nominal: float = 60.0
) -> Array:
    """Deviation [Hz] after a step of the load where no governor acts: −ΔP/D·(1 − e^(−D t/2E)).

    Parameters
    ----------
    time : (T,)
        s after the step.
    change, kinetic, damping : float
        W, J (at synchronous speed), W for a whole change of frequency (> 0).
    nominal : float
        Hz.

    References
    ----------
    Kundur, Power System Stability and Control, 1994, example 11.1 and its closed form.
    """
    t = np.asarray(time, dtype=float)
    return -change / damping * -np.expm1(-damping * t / (2.0 * kinetic)) * nominal


def response(
    frequencies: npt.ArrayLike,
    *,
    machines: Sequence[Machine],
    load: float,
    nominal: float = 60.0,
    damping: float = 0.0,
) -> Complex:
    """Deviation of the bus [Hz] for each W that the load swings at a frequency, without valves' limits.

    Parameters
    ----------
    frequencies : (F,)
        Hz, above 0.
    machines, load, nominal, damping
        As :func:`frequency`; the load in W.

    Returns
    -------
    (F,) complex array
    """
    system = _system(machines, load, damping, math.inf)
    found = np.zeros(np.shape(frequencies), dtype=complex)
    for number, hertz in enumerate(np.asarray(frequencies, dtype=float).tolist()):
        s = 2j * math.pi * hertz
        found[number] = np.linalg.solve(s * np.eye(len(system.A)) - system.A, system.B)[0] * nominal
    return found


def modes(*, machines: Sequence[Machine], load: float, damping: float = 0.0) -> tuple[Mode, ...]:
    """What swings by itself between inertia and governors; a load that swings there is amplified.

    Eigenvalues σ ± jω of the linear system: frequency |ω|/2π, damping −σ/√(σ² + ω²); slowest first.
    """
    system = _system(machines, load, damping, math.inf)
    found = np.linalg.eigvals(system.A)
    return tuple(
        sorted(
            (Mode(float(one.imag) / (2.0 * math.pi), float(-one.real / abs(one))) for one in found
             if one.imag > 1e-9),
            key=lambda mode: mode.frequency,
        )
    )  # fmt: skip

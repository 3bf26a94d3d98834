"""Voltage at a connection of finite strength, and the flicker that lamps beside it would show."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_rules, check_word
from gigawatt.core.errors import InputError
from gigawatt.power.seconds.load import series

__all__ = ["LAMPS", "flicker_severity", "voltage"]

Array = npt.NDArray[np.float64]

#: Weighting filter of IEC 61000-4-15 by lamp: k, then λ, ω1, ω2, ω3, ω4 in Hz; and the relative change of
#: voltage [%], peak to peak, of a sine of 8.8 Hz that is just perceived (table 1a).
LAMPS = {
    "230V": ((1.74802, 4.05981, 9.15494, 2.27979, 1.22535, 21.9), 0.250),
    "120V": ((1.6357, 4.167375, 9.077169, 2.939902, 1.394468, 17.31512), 0.321),
}
_PERCEIVED = 8.8
_FINE = 2.5e-3
"""s of the meter's own step: the bilinear transform bends 8.8 Hz by 0.2 % there."""
_COARSEST = 0.02
_HIGH_PASS, _SMOOTH = 0.05, 0.3
#: Weights and levels (% of the time exceeded) of the statistical block.
_STATISTICS = (
    (0.0314, (0.1,)),
    (0.0525, (0.7, 1.0, 1.5)),
    (0.0657, (2.2, 3.0, 4.0)),
    (0.28, (6.0, 8.0, 10.0, 13.0, 17.0)),
    (0.08, (30.0, 50.0, 80.0)),
)


def voltage(
    power: npt.ArrayLike, *, short_circuit: float, x_over_r: float, power_factor: float = 1.0
) -> Array:
    """Voltage at the connection over that of the grid behind it.

    V⁴ + V²·(2(R P + X Q) − 1) + (R² + X²)(P² + Q²) = 0, the upper root, in units of the short-circuit power.

    Parameters
    ----------
    power : (T,)
        W drawn.
    short_circuit : float
        Short-circuit power [VA], above 0; over the rated load it is the short-circuit ratio.
    x_over_r : float
        Reactance over resistance of the grid, 0 or more.
    power_factor : float
        Of the load, lagging, (0, 1].

    Raises
    ------
    InputError
        A number out of its range; more power than the connection can carry (its voltage collapses).

    References
    ----------
    Kundur, Power System Stability and Control, 1994, section 2.1.2 (power transfer to a load).
    """
    values = series(power, "power")
    rules = (
        ("short_circuit", short_circuit, "above 0 VA", short_circuit > 0.0),
        ("x_over_r", x_over_r, "0 or more", x_over_r >= 0.0),
        ("power_factor", power_factor, "above 0, at most 1", 0.0 < power_factor <= 1.0),
    )
    check_rules(rules)
    p = values / short_circuit
    q = p * math.tan(math.acos(power_factor))
    r = 1.0 / math.hypot(1.0, x_over_r)
    x = r * x_over_r
    half = (1.0 - 2.0 * (r * p + x * q)) / 2.0
    inside = half * half - (p * p + q * q)
    if not np.all((inside >= 0.0) & (half > 0.0)):
        raise InputError(
            "the connection is too weak: its voltage collapses",
            key="short_circuit",
            given=f"{short_circuit / 1e6:.4g} MVA for {values.max() / 1e6:.4g} MW",
            allowed="a stronger connection",
        )
    return np.sqrt(half + np.sqrt(inside))


def flicker_severity(voltage: npt.ArrayLike, *, step: float, lamp: str = "120V") -> float:
    """Short-term flicker severity Pst of a voltage (its effective value over the time).

    The demodulated voltage goes through the eye's weighting filter, is squared, smoothed over 0.3 s, scaled
    so that 1 is the threshold, and classified by how long it is exceeded. Pst is meant of ten minutes; a
    shorter series gives that of its own length.

    Parameters
    ----------
    voltage : (T,)
        Any unit; relative to its mean.
    step : float
        s, at most 20 ms.
    lamp : str
        ``120V`` or ``230V``.

    Raises
    ------
    InputError
        Another lamp, too coarse a step.

    References
    ----------
    IEC 61000-4-15, as adopted by IEEE 1453.
    """
    check_word("lamp", lamp, LAMPS, "no such lamp")
    values = series(voltage, "voltage")
    if not 0.0 < step <= _COARSEST:
        raise InputError(
            "the time step is too coarse for flicker",
            key="step",
            given=f"{step:g} s",
            allowed=f"at most {_COARSEST:g} s",
        )
    (k, damped, one, two, three, four), just = LAMPS[lamp]
    times = math.ceil(step / _FINE)
    fine = step / times
    w1, w2, w3, w4, lam = (2.0 * math.pi * f for f in (one, two, three, four, damped))
    zeros = [0.0, -w2]
    root = complex(w1 * w1 - lam * lam) ** 0.5
    poles: list[complex] = [-lam + 1j * root, -lam - 1j * root, -w3, -w4]
    gain = k * w1 / w2 * w3 * w4
    high = 2.0 * math.pi * _HIGH_PASS
    zeros.append(0.0)
    poles.append(-high)

    def weight(hertz: float) -> float:
        s = 2j * math.pi * hertz
        found = gain * np.prod([s - z for z in zeros]) / np.prod([s - p for p in poles])
        return float(abs(found))

    signal: Any = import_module("scipy.signal")
    sos = signal.zpk2sos(*signal.bilinear_zpk(zeros, poles, gain, 1.0 / fine))
    b, a = signal.zpk2tf(*signal.bilinear_zpk([], [-1.0 / _SMOOTH], 1.0 / _SMOOTH, 1.0 / fine))
    # a sine of peak-to-peak change d passes as (d/2)·|F|; squared and smoothed it peaks a little above its
    # mean
    amplitude = just / 100.0 / 2.0 * weight(_PERCEIVED)
    ripple = 1.0 / math.hypot(1.0, 2.0 * 2.0 * math.pi * _PERCEIVED * _SMOOTH)
    scale = 1.0 / (amplitude * amplitude / 2.0 * (1.0 + ripple))
    relative = np.repeat(values / values.mean() - values[0] / values.mean(), times)
    seen = np.asarray(signal.sosfilt(sos, relative), dtype=float)
    felt = np.asarray(signal.lfilter(b, a, seen * seen), dtype=float) * scale
    total = 0.0
    for share, levels in _STATISTICS:
        total += share * float(np.mean(np.quantile(felt, [1.0 - level / 100.0 for level in levels])))
    return math.sqrt(max(total, 0.0))

"""Optical links from their budget: light at the photodiode, at the laser, joules a bit, watts of a fabric."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.technology.optical.kerr import LIGHT
from gigawatt.workload.operations import Array

__all__ = ["COMPONENTS", "LinkBudget", "error_ratio", "fabric_power", "link_budget", "sensitivity"]

COMPONENTS = ("laser", "serdes", "processor", "driver", "receiver", "control")
"""Of the energy a bit."""
_FIBRE_INDEX = 1.468
"""Group index of standard single-mode fibre (ITU-T G.652 fibres, 1310 nm)."""


def error_ratio(quality: ArrayLike, levels: int = 2) -> Array:
    """Bit errors over bits of a signal with Gaussian noise: (1 − 1/M)/log₂M·erfc(q/√2).

    Parameters
    ----------
    quality : array
        q ≥ 0: half the distance of two neighbouring levels over the noise.
    levels : int
        M, 2 or more, Gray coded.

    Raises
    ------
    InputError
        A negative quality, fewer than two levels.

    References
    ----------
    Agrawal, Fiber-Optic Communication Systems (Q factor); Proakis, Digital Communications (amplitude levels).
    """
    from scipy.special import erfc

    q = np.asarray(quality, dtype=float)
    if not bool(np.all(q >= 0.0)):
        raise InputError("not a quality", key="quality", given=str(quality), allowed="0 or more")
    if levels < 2:
        raise InputError("too few levels", key="levels", given=levels, allowed="2 or more")
    return (1.0 - 1.0 / levels) / np.log2(levels) * erfc(q / np.sqrt(2.0))


def sensitivity(
    *,
    symbol_rate: float,
    levels: int,
    error_rate: float,
    responsivity: float,
    noise_density: float,
    bandwidth_share: float,
    extinction: float,
) -> float:
    """Mean optical power [W] that a receiver with thermal noise needs.

    (M − 1)·q·σ/R·(r + 1)/(r − 1), with σ² the noise density times the bandwidth and r the extinction ratio.

    Parameters
    ----------
    symbol_rate : float [1/s]
        Above 0.
    levels : int
        M ≥ 2.
    error_rate : float
        Before correction, above 0 and below what guessing gives.
    responsivity : float [A/W]
        Of the photodiode.
    noise_density : float [A²·s]
        Of the amplifier, at its input.
    bandwidth_share : float
        Receiver bandwidth over symbol rate.
    extinction : float [dB]
        Light of the highest over that of the lowest level, above 0.

    Raises
    ------
    InputError
        A number outside its range.

    References
    ----------
    Agrawal, Fiber-Optic Communication Systems, chapter 4 (sensitivity, penalty of a finite extinction).
    """
    from scipy.special import erfcinv

    given = {
        "symbol_rate": symbol_rate,
        "responsivity": responsivity,
        "noise_density": noise_density,
        "bandwidth_share": bandwidth_share,
        "extinction": extinction,
    }
    for key, value in given.items():
        check_range(key, value, 0.0, open_low=True)
    share = float(error_ratio(0.0, levels))
    if not 0.0 < error_rate < share:
        raise InputError(
            "not an error rate", key="error_rate", given=error_rate, allowed=f"above 0, below {share:g}"
        )
    quality = np.sqrt(2.0) * float(erfcinv(error_rate / share))
    noise = np.sqrt(noise_density * bandwidth_share * symbol_rate)
    ratio = 10.0 ** (extinction / 10.0)
    return float((levels - 1) * quality * noise / responsivity * (ratio + 1.0) / (ratio - 1.0))


@dataclass(frozen=True)
class LinkBudget:
    """A design with its energies.

    Attributes
    ----------
    id : str
    rate : float [b/s]
        Of a port, each way.
    received, launched : float [W]
        Mean light of a lane at the photodiode and at the laser.
    laser_power : float [W]
        Electricity for a lane's light.
    energy : mapping [J/b]
        By :data:`COMPONENTS`; a port that sends and receives.
    reach : float [m]
        Fibre that uses up the margin.
    delay : float [s]
        Of electronics and correction, without fibre.
    """

    id: str
    rate: float
    received: float
    launched: float
    laser_power: float
    energy: Mapping[str, float]
    reach: float
    delay: float

    @property
    def total(self) -> float:
        """Joules a bit of one end of a link: its transmitter and its receiver."""
        return float(sum(self.energy.values()))

    @property
    def power(self) -> float:
        """Watts of a port."""
        return self.total * self.rate

    def latency(self, length: ArrayLike) -> Array:
        """Seconds over ``length`` [m] of fibre."""
        metres = check_range("length", length, 0.0, message="not a length")
        return self.delay + metres * _FIBRE_INDEX / LIGHT


def link_budget(id: str, **changes: float) -> LinkBudget:
    """The budget of a design of ``optical_links``, with some of its numbers replaced.

    Parameters
    ----------
    id : str
        ``pluggable-1600``, ``cpo-1600``, ``optical-io``.
    **changes : float
        Numbers of its row, SI (losses in dB).

    Raises
    ------
    InputError
        No such design or number; a number outside its range.

    References
    ----------
    Link budgets as in Agrawal, chapter 5: laser − losses − penalties − margin = sensitivity.
    """
    row = entity("optical_links", id)
    unknown = sorted(set(changes) - set(row.numbers))
    if unknown:
        raise InputError("no such number of this link", key=row.id, given=unknown[0], allowed=row.numbers)

    def number(key: str) -> float:
        value = float(changes.get(key, row.value(key)))
        check_range(key, value, 0.0)
        return value

    # the loader brings bits to bytes
    bits_second = number("lane_rate") * 8.0
    levels, lanes = round(number("levels")), number("lanes")
    received = sensitivity(
        symbol_rate=bits_second / float(np.log2(max(levels, 2))),
        levels=levels,
        error_rate=number("error_rate"),
        responsivity=number("responsivity"),
        noise_density=number("noise_density"),
        bandwidth_share=number("bandwidth_share"),
        extinction=number("extinction"),
    )
    decibel = number("loss") + number("penalty") + number("margin")
    launched = received * 10.0 ** (decibel / 10.0)
    wall = number("wall_plug")
    check_range("wall_plug", wall, 0.0, 1.0, open_low=True, message="not an efficiency")
    laser = launched / wall
    energy = {"laser": laser / bits_second}
    energy.update({name: number(name) / 8.0 for name in COMPONENTS[1:]})
    per_metre = number("attenuation")
    reach = number("margin") / per_metre if per_metre > 0.0 else float("inf")
    return LinkBudget(row.id, lanes * bits_second, received, launched, laser, energy, reach, number("delay"))


def fabric_power(
    *, rate: ArrayLike, tiers: ArrayLike, host: float, switch: float, silicon: float = 0.0
) -> Array:
    """Watts of a folded Clos network an accelerator: optics at both ends of a cable a tier, and the switches.

    Of the 2·tiers ends one is the host's; every tier but the highest passes the traffic twice, so that
    2·tiers − 1 ports of switches stand for an accelerator.

    Parameters
    ----------
    rate : array [b/s]
        Of an accelerator, each way, > 0.
    tiers : array
        ≥ 1.
    host, switch : float [J/b]
        Of an end at the host and at a switch, ≥ 0.
    silicon : float [J/b]
        Of a switch without its ports' optics, ≥ 0.

    Raises
    ------
    InputError
        A number outside its range.

    References
    ----------
    Leiserson 1985, "Fat-trees", IEEE Transactions on Computers C-34, 892.
    """
    b, t = np.asarray(rate, dtype=float), np.asarray(tiers, dtype=float)
    check_range("rate", b, 0.0, open_low=True, message="not a rate")
    check_range("tiers", t, 1.0, message="not a number of tiers")
    for key, value in (("host", host), ("switch", switch), ("silicon", silicon)):
        check_range(key, value, 0.0, message="not an energy a bit")
    return b * (host + (2.0 * t - 1.0) * (switch + silicon))

"""Inertial fusion: target gain over driver energy, driver, repetition rate, and the plant round it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InfeasibleError
from gigawatt.power.plants.fusion.plant import Flows, Plant, flows
from gigawatt.power.plants.fusion.reactivity import REACTIONS

__all__ = ["CURVES", "Inertial", "gain_curve", "inertial_flows", "rate_for"]

# Driver energy 1, 2 … 10 MJ: Meier and Rosenberg, Fusion Technol. 21 (1992) 1552, figs. 1 and 2 (direct-drive
# KrF laser); Meier and Bieri, Fusion Technol. 21 (1992) 1547 (heavy ions). Gain and driver efficiency.
_TABLES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "laser-1992": (
        (63.0, 95.0, 112.0, 125.0, 136.0, 144.0, 151.0, 157.0, 162.0, 166.0),
        (0.082, 0.079, 0.076, 0.072, 0.069, 0.064, 0.059, 0.054, 0.048, 0.042),
    ),
    "heavy-ion-1992": (
        (25.0, 44.0, 62.0, 76.0, 87.0, 97.0, 107.0, 115.0, 125.0, 132.0),
        (0.232, 0.256, 0.269, 0.276, 0.282, 0.286, 0.290, 0.292, 0.294, 0.296),
    ),
}
CURVES = ("laser-1992", "heavy-ion-1992", "indirect-2011")
"""Gain curves: two of 1992, and the indirect drive of Amendt et al. 2011."""


@dataclass(frozen=True)
class Inertial:
    """A pulsed source of fusion energy.

    ``driver`` : J on the target a shot. ``gain`` : fusion energy over that. ``repetition`` : 1/s.
    ``driver_efficiency`` : J on the target over J from the busbar.
    """

    driver: float
    gain: float
    repetition: float
    driver_efficiency: float

    def __post_init__(self) -> None:
        for name, low, high in (
            ("driver", 1e3, 1e8),
            ("gain", 0.0, 1e3),
            ("repetition", 1e-6, 1e3),
            ("driver_efficiency", 1e-4, 0.9),
        ):
            value = float(getattr(self, name))
            check_range(f"inertial.{name}", value, low, high, message="outside the physical range")

    @property
    def fusion(self) -> float:
        """Mean fusion power, W."""
        return self.driver * self.gain * self.repetition

    @property
    def cycle_gain(self) -> float:
        """Driver efficiency × target gain; a plant wants some 10."""
        return self.driver_efficiency * self.gain


def gain_curve(curve: str, driver: float) -> tuple[float, float]:
    """(target gain, driver efficiency) that a design study expects at a driver energy.

    Parameters
    ----------
    curve : str
        One of :data:`CURVES`.
    driver : float
        J on the target, 1e6 to 1e7 (indirect drive: 2e6 to 1e7).

    Raises
    ------
    InputError
        No such curve; an energy outside it.

    References
    ----------
    Meier and Rosenberg 1992, Meier and Bieri 1992. Amendt et al., Fusion Sci. Technol. 60 (2011) 49, as the
    public model LLNL GEM 1.0 reads its figure: 60 (E/2.2 MJ)^1.505; driver efficiency 0.15. All are
    calculated gains; what has been measured is at most 4 (2025).
    """
    check_word("curve", curve, CURVES, "no such gain curve")
    low = 2e6 if curve == "indirect-2011" else 1e6
    check_range("driver", driver, low, 1e7, "J", message="outside the gain curve")
    if curve == "indirect-2011":
        return 60.0 * (driver / 2.2e6) ** 1.5050488181748096, 0.15
    gains, efficiencies = _TABLES[curve]
    at = np.arange(1.0, 11.0)
    energy = driver / 1e6
    return float(np.interp(energy, at, gains)), float(np.interp(energy, at, efficiencies))


def inertial_flows(source: Inertial, plant: Plant) -> Flows:
    """The plant's powers: the driver is what heating is in a magnetic plant.

    Parameters
    ----------
    source : Inertial
        Target, driver, rate.
    plant : Plant
        Its ``heating_efficiency`` is replaced by the driver's.

    Raises
    ------
    InfeasibleError
        No fusion: a beam on a dead target heats only itself.

    References
    ----------
    Meier et al., Fusion Eng. Des. 89 (2014) 2489 (LIFE).
    """
    if not source.fusion > 0.0:
        raise InfeasibleError("no power balance: the target gives no energy", key="inertial.gain")
    one = REACTIONS["T(d,n)4He"]
    share = (one.energy - one.charged) / one.energy
    changed = Plant(**{**vars(plant), "heating_efficiency": source.driver_efficiency})
    return flows(
        changed,
        fusion=source.fusion,
        neutron=share * source.fusion,
        heating=source.driver * source.repetition,
    )


def rate_for(source: Inertial, plant: Plant, net: float) -> Inertial:
    """The same target and driver at the repetition rate that gives ``net`` W.

    Raises
    ------
    InfeasibleError
        A shot gives less electricity than it takes; names the gain that would break even.

    References
    ----------
    As :func:`inertial_flows`: all but the fixed loads grow with the rate.
    """
    fixed = plant.cryogenics + plant.magnets + plant.fuel_cycle + plant.base
    one = Inertial(source.driver, source.gain, 1.0, source.driver_efficiency)
    made = inertial_flows(one, plant)
    shot = made.net + fixed
    if shot <= 0.0:
        raise InfeasibleError(
            f"no net power: a shot makes {made.gross / 1e6:.3g} MJ of electricity and takes "
            f"{(made.gross - shot) / 1e6:.3g} MJ; driver efficiency times gain is {source.cycle_gain:.2g}",
            key="inertial.gain",
        )
    return Inertial(source.driver, source.gain, (net + fixed) / shot, source.driver_efficiency)

"""From the meter to the boards: transformer, UPS, distribution, rack supply; and what redundancy does."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity

__all__ = [
    "ChainLosses",
    "chain_losses",
    "construction_factor",
    "installed_ratio",
    "served_share",
    "stage_loss",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ChainLosses:
    """Losses [W] of each stage from the meter to the boards, (hours,).

    ``rack_supply`` lies within the IT power (behind the racks' plugs, as PUE counts it); all else is the
    building's. ``delivered`` [W] is what the boards get.
    """

    transformer: Array = field(repr=False)
    ups: Array = field(repr=False)
    distribution: Array = field(repr=False)
    other: Array = field(repr=False)
    rack_supply: Array = field(repr=False)
    delivered: Array = field(repr=False)

    @property
    def inside(self) -> Array:
        """Losses that heat the building [W]: all but the transformer's outdoors and the racks' own."""
        return self.ups + self.distribution + self.other

    @property
    def efficiency(self) -> Array:
        """Power of the boards over power at the meter, without cooling."""
        return self.delivered / (self.delivered + self.rack_supply + self.inside + self.transformer)


def stage_loss(*, power: ArrayLike, rated: float, no_load: float, linear: float, quadratic: float) -> Array:
    """Loss of one stage [W]: rated × (no-load + linear x + quadratic x²), x = power over rated.

    Parameters
    ----------
    power : array [W]
        That leaves the stage.
    rated : float [W]
        Of all units in service together: two paths at half load are one stage of twice the rating.
    no_load, linear, quadratic : float []
        Shares of the rated power at full load.
    """
    share = np.asarray(power, dtype=np.float64) / rated
    return rated * (no_load + linear * share + quadratic * share**2)


def installed_ratio(redundancy: Entity | None, part: str) -> float:
    """Installed over needed capacity of ``power`` or ``cooling``: (units + spare) / units × paths."""
    if redundancy is None:
        return 1.0
    units = redundancy.value(f"{part}_units")
    return (units + redundancy.value(f"{part}_spare")) / units * redundancy.value(f"{part}_paths")


def chain_losses(
    *, it_power: ArrayLike, chain: Entity, redundancy: Entity | None = None, design_power: float | None = None
) -> ChainLosses:
    """Losses of each stage of a power chain, hour by hour.

    Parameters
    ----------
    it_power : array [W]
        Power at the racks. The chain is rated for ``design_power`` times the row's ``margin`` and the
        redundancy's installed ratio; all units share the load.
    chain : Entity
        A row of ``cooling_electrical``.
    redundancy : Entity, optional
        A row of ``cooling_redundancy``; without one the row's margin alone stands.
    design_power : float, optional [W]
        IT power that the building is made for; the peak of ``it_power`` if none is given.
    """
    power = np.asarray(it_power, dtype=np.float64)
    needed = (float(power.max()) if design_power is None else design_power) * chain.value("margin")
    rated = needed * installed_ratio(redundancy, "power")

    def loss(stage: str, linear: float = 0.0, no_load: float = 0.0) -> Array:
        return stage_loss(
            power=power,
            rated=rated,
            no_load=no_load,
            linear=linear,
            quadratic=chain.value(f"{stage}_quadratic"),
        )

    delivered = _behind(
        power / rated,
        no_load=chain.value("rack_no_load"),
        linear=chain.value("rack_linear"),
        quadratic=chain.value("rack_quadratic"),
    )
    return ChainLosses(
        transformer=loss("transformer", no_load=chain.value("transformer_no_load")),
        ups=loss("ups", linear=chain.value("ups_linear"), no_load=chain.value("ups_no_load")),
        distribution=loss("distribution"),
        other=np.full(power.shape, needed * chain.value("other")),
        rack_supply=power - delivered * rated,
        delivered=delivered * rated,
    )


def _behind(entering: Array, *, no_load: float, linear: float, quadratic: float) -> Array:
    """What leaves a stage that takes in ``entering``, shares of its rating: the root of a quadratic."""
    slope = 1.0 + linear
    spare = np.maximum(entering - no_load, 0.0)
    return 2.0 * spare / (slope + np.sqrt(slope**2 + 4.0 * quadratic * spare))


def served_share(*, units: int, spare: int, paths: int, availability: float) -> float:
    """Share of the time in which enough units are in service on at least one path.

    Parameters
    ----------
    units, spare : int
        Needed and additional equal units of one path.
    paths : int
        Independent paths, each enough alone.
    availability : float []
        Of one unit.

    Notes
    -----
    Units fail independently here; fires, floods and operators do not ask.

    References
    ----------
    Billinton, R., Allan, R. (1992). Reliability Evaluation of Engineering Systems, ch. 5 (k out of n).
    """
    all_units = units + spare
    one = sum(
        math.comb(all_units, up) * availability**up * (1.0 - availability) ** (all_units - up)
        for up in range(units, all_units + 1)
    )
    return 1.0 - (1.0 - one) ** paths


def construction_factor(*, redundancy: Entity, parts: Entity, reference: Entity) -> float:
    """What a building of another redundancy costs over one of the ``reference``.

    Parameters
    ----------
    redundancy, reference : Entity
        Rows of ``cooling_redundancy``; the published construction costs are of the reference.
    parts : Entity
        A row of ``building`` with ``construction_power`` and ``construction_cooling``: shares of the
        construction cost that grow with installed capacity.
    """
    factor = 1.0
    for part in ("power", "cooling"):
        more = installed_ratio(redundancy, part) / installed_ratio(reference, part) - 1.0
        factor += parts.value(f"construction_{part}") * more
    return factor

"""What further nines of hours take: units of the plant whose firm power is cheapest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gigawatt.power.adequacy.further_units import fewest
from gigawatt.power.adequacy.plan import Adequacy
from gigawatt.power.adequacy.system import Loss, System, by_convolution, yearly_cost

__all__ = ["Nine", "nines_of"]

_NINES = (0.99, 0.999, 0.9999, 0.99999)
_MOST_UNITS = 64
"""Further units that are looked at for each nine, in multiples of those that the plan has."""
_ROUNDING = 1e-9
"""Relative, of what a convolution loses."""


@dataclass(frozen=True)
class Nine:
    """``count`` further units of ``plant`` for a loss of load in at most ``hours`` a year, at ``cost`` [$ a
    year]; ``None`` where no number of them reaches it."""

    share: float
    plant: str
    count: int | None
    cost: float | None


def nines_of(adequacy: Adequacy, losses: Callable[[System], Loss] | None = None) -> Sequence[Nine]:
    """Further units for each further nine of hours, of the kind whose firm power is cheapest.

    ``losses`` : what other numbers of units lose (:func:`losses_of`); by convolution where left out.

    Kinds that may not grow (a connection, a plant at its limit) are left out.
    """
    system, hours = adequacy.system, float(adequacy.system.weight.sum())
    growing = [
        i for i, one in enumerate(system.kinds)
        if one.plant.kind == "dispatchable" and one.plant.maximum >= one.units.total + one.units.size
    ]  # fmt: skip
    if not growing:
        return ()
    kind = min(growing, key=lambda i: yearly_cost(system.kinds[i]) / (1.0 - system.units[i].forced))
    one, found = system.kinds[kind], list[Nine]()
    most = max(4, _MOST_UNITS // max(1, one.units.count)) * one.units.count
    losses = losses or by_convolution
    lost: dict[int, float] = {0: adequacy.indices.hours}

    def enough(count: int, share: float) -> bool:
        if count not in lost:
            lost[count] = losses(system.with_more(kind, count)).hours
        return lost[count] <= (1.0 - share) * hours

    least, bound = 0, None
    for share in _NINES:
        if adequacy.indices.hours <= (1.0 - share) * hours:
            continue
        bound = losses(_unfailing(system, kind, most)).hours if bound is None else bound
        reached = bound <= (1.0 - share) * hours * (1.0 + _ROUNDING)
        count = fewest(lambda n, share=share: enough(n, share), most, least) if reached else None
        if count is None:
            found.append(Nine(share, one.plant.name, None, None))
            break
        found.append(Nine(share, one.plant.name, count, count * one.units.size * yearly_cost(one)))
        least = count - 1
    return tuple(found)


def _unfailing(system: System, kind: int, most: int) -> System:
    """The system with ``most`` further units of a kind that never fail, and nothing in maintenance: what it
    loses, by common modes, it loses with any number of them up to that."""
    kinds = [replace(one, units=replace(one.units, planned=0.0)) for one in system.kinds]
    units = kinds[kind].units
    sure = replace(units, count=1, size=(units.count + most) * units.size, forced=0.0, derated=())
    kinds[kind] = replace(kinds[kind], units=sure)
    return system.with_kinds(kinds)

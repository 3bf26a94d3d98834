"""Hedges: a fixed price for the hours of the hub, and congestion rights for those of the basis.

Both are settled in money against the hours of the market, on a share of the load or as a strip of power,
whatever is drawn: they move what energy costs and how far that can move, and not what a plan builds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.assumption_list import quantity
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.core.quantities import parse, show
from gigawatt.power import Grid, Plant
from gigawatt.power.plants.swap import Swap

__all__ = ["HEDGE", "RIGHT", "Position", "hedged", "read_hedge", "read_right"]

Array = NDArray[np.float64]

HEDGE, RIGHT = "supply.hedge", "supply.congestion_right"
FORWARD = "forward"
_KINDS = {HEDGE: "hedge", RIGHT: "congestion right"}
_WRITTEN = re.compile(r"(?P<volume>.+?)\s+(?:at\s+(?P<price>\S.*)|forward)")
_EXAMPLES = {
    HEDGE: "a share of the load or a power and its price, such as '80 % at 45 $/MWh' or '50 MW forward'",
    RIGHT: "a share of the load or a power and its price, such as '80 % at 4 $/MWh' or '50 MW forward'",
}


@dataclass(frozen=True)
class Position:
    """A swap that is held: ``key`` of its field, ``share`` of the load or ``power`` [W], ``price`` [$/J]."""

    key: str
    price: float
    share: float = 0.0
    power: float = 0.0

    @property
    def line(self) -> str:
        """What the bill calls it: ``Hedge, 80 % at 45 $/MWh``."""
        volume = f"{100.0 * self.share:g} %" if self.share else show(self.power, "MW")
        return f"{_KINDS[self.key].capitalize()}, {volume} at {show(self.price, '$/MWh', 3)}"


def read_hedge(text: str, grid: Grid, *, own: bool) -> tuple[tuple[Position, ...], tuple[Assumption, ...]]:
    """(positions, how their prices are known) of ``80 % at 45 $/MWh, 20 MW forward``.

    A forward is the mean of the hours of the hub, and a premium (``forward_premium`` of ``grids_defaults``).

    Parameters
    ----------
    text : str
        Shares of the load or powers, each ``at`` a price or ``forward``.
    grid : Grid
        Whose hours they are settled against.
    own : bool
        Whether its hours are those of a file.

    Raises
    ------
    InputError
        Of the key ``supply.hedge``: a grid without hours of a market, no volume, no price, more than
        the load.
    """
    if not grid.price_year and not own:
        raise InputError(
            f"the catalog has no hours of a market of {grid.name} to settle it against", key=HEDGE,
            given=text, allowed="supply.grid.hours, a file of them, or a grid that has them, such as ercot",
        )  # fmt: skip
    hub = float(np.mean(grid.price)) - grid.delivery - _mean(grid.basis)
    premium = catalog.entity("grids_defaults", "world").evidence("forward_premium")
    forward = hub * (1.0 + premium.value)
    positions = _positions(text, HEDGE, forward)
    if FORWARD not in text:
        return positions, ()
    why = f"mean of the hub's hours {show(hub, '$/MWh', 3)}, and a premium of {premium.shown}: {premium.note}"
    told = premium.assumption(HEDGE, why, show(forward, "$/MWh", 3))
    return positions, (told,)


def read_right(text: str, grid: Grid) -> tuple[tuple[Position, ...], tuple[Assumption, ...]]:
    """(congestion rights, how their prices are known) of ``80 % at 4 $/MWh``; a forward is the mean basis.

    Raises
    ------
    InputError
        Of the key ``supply.congestion_right``: no basis that it settles; else as :func:`read_hedge`.
    """
    if grid.basis is None:
        raise InputError("no basis that it could settle", key=RIGHT, given=text,
                         allowed="supply.grid.basis as well, such as ercot-west")  # fmt: skip
    forward = _mean(grid.basis)
    positions = _positions(text, RIGHT, forward)
    if FORWARD not in text:
        return positions, ()
    why = "the mean of the basis that it settles; what an auction of rights clears at is not known"
    return positions, (Assumption(RIGHT, show(forward, "$/MWh", 3), why, Grade.guess, "gigawatt-guess"),)


def _mean(basis: Array | None) -> float:
    return 0.0 if basis is None else float(np.mean(basis))


def _positions(text: str, key: str, forward: float) -> tuple[Position, ...]:
    found: list[Position] = []
    for one in text.split(","):
        written = _WRITTEN.fullmatch(one.strip())
        if written is None:
            raise InputError("not a hedge" if key == HEDGE else "not a right", key=key, given=one.strip(),
                             allowed=_EXAMPLES[key])  # fmt: skip
        priced = written["price"]
        price = forward if priced is None else quantity(key, priced, "$/J", "45 $/MWh")
        found.append(replace(_volume(written["volume"], key), price=price))
    if (whole := sum(one.share for one in found)) > 1.0 + 1e-12:
        raise InputError("more than the load", key=key, given=f"{100.0 * whole:g} %",
                         allowed="at most 100 % together, or a power")  # fmt: skip
    return tuple(found)


def _volume(text: str, key: str) -> Position:
    try:
        share, power = parse(text, "1"), 0.0
    except InputError:
        try:
            share, power = 0.0, parse(text, "W")
        except InputError:
            raise InputError("neither a share nor a power", key=key, given=text,
                             allowed=_EXAMPLES[key]) from None  # fmt: skip
    if not share + power > 0.0:
        raise InputError("nothing is fixed", key=key, given=text, allowed="more than 0 % or 0 MW")
    return Position(key, 0.0, share, power)


def hedged(plant: Plant, positions: Sequence[Position], hub: Array, basis: Array | None) -> Plant:
    """A connection with its swaps: hedges against ``hub`` (H,) [$/J], rights against ``basis``."""
    swaps: list[Swap] = []
    for one in positions:
        index = hub if one.key == HEDGE else basis
        assert index is not None
        swaps.append(Swap(one.line, _KINDS[one.key], one.price, index, one.share, one.power))
    return replace(plant, swaps=tuple(swaps)) if swaps else plant

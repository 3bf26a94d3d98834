"""Compute technologies: one file each behind :class:`~gigawatt.technology.interface.Technology`."""

from __future__ import annotations

from gigawatt.core.errors import MissingDataError, nearest
from gigawatt.technology.gpu import Gpu
from gigawatt.technology.hybrid import Hybrid
from gigawatt.technology.interface import Cost, Efficiency, Technology

__all__ = ["Cost", "Efficiency", "Technology", "technologies", "technology"]

_BY_NAME: dict[str, Technology] = {"gpu": Gpu(), "hybrid": Hybrid()}
_TRAINING: dict[str, Technology] = {**_BY_NAME, "hybrid": Hybrid(training=True)}


def technologies() -> tuple[str, ...]:
    """Names of the technologies that can compute a cost."""
    return tuple(_BY_NAME)


def technology(name: str, *, training: bool = False) -> Technology:
    """The technology called ``name``, as the catalog's chips write it; ``training``: as it trains.

    Raises
    ------
    MissingDataError
        No cost model for that technology exists yet.
    """
    if name not in _BY_NAME:
        raise MissingDataError(
            "no cost model for this compute technology yet",
            key="technology",
            given=name,
            allowed=technologies(),
            nearest=nearest(name, _BY_NAME),
        )
    return (_TRAINING if training else _BY_NAME)[name]

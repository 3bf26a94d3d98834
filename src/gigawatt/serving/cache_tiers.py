"""Tiers below the cache of an accelerator: host memory, disks, a pool over the network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gigawatt.catalog import Entity, entity, table
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import parse

__all__ = ["CacheTier", "of_replica", "read_tiers"]

_EXAMPLE = "such as 'host=256GB, ssd=4TB, remote=100TB' or 'host=256GB@40GB/s+10us'"


@dataclass(frozen=True)
class CacheTier:
    """Memory that takes prefixes which were evicted from the tier above.

    Attributes
    ----------
    name : str
    capacity : float [B]
        For keys and values: of a replica, or of all of them together where it is shared.
    bandwidth : float [B/s]
        To a replica, one way; transfers of a replica come one after another.
    latency : float [s]
        Of a transfer; it does not occupy the link.
    shared : bool
        Whether all replicas use one.
    """

    name: str
    capacity: float
    bandwidth: float
    latency: float = 0.0
    shared: bool = False

    def __post_init__(self) -> None:
        for key in ("capacity", "bandwidth"):
            if not getattr(self, key) > 0.0:
                raise InputError(
                    "must be positive", key=f"tiers.{self.name}.{key}", given=getattr(self, key),
                    allowed="more than 0",
                )  # fmt: skip
        if not self.latency >= 0.0:
            raise InputError(
                "is negative", key=f"tiers.{self.name}.latency", given=self.latency, allowed="0 s or more"
            )


def read_tiers(text: str) -> tuple[tuple[CacheTier, ...], tuple[Entity, ...]]:
    """(tiers in words, each for one accelerator; the catalog's rows that complete them).

    ``host=256GB, ssd=4TB, remote=100TB``: rows of ``cache_tiers`` with the capacity for each accelerator, of
    a shared one in all. ``host=256GB@40GB/s+10us`` replaces bandwidth, of an accelerator, and latency.

    Raises
    ------
    InputError
        No such tier, a tier without capacity or given twice, a quantity that cannot be read.
    """
    tiers: list[CacheTier] = []
    rows: list[Entity] = []
    for word in (part.strip() for part in text.split(",") if part.strip()):
        name, sign, size = (part.strip() for part in word.partition("="))
        row = _row(name)
        if not sign or not size:
            raise InputError(
                f"{row.id} has no capacity", key="tiers", given=word, allowed=f"such as '{row.id}=256GB'"
            )
        capacity, _, rate = (part.strip() for part in size.partition("@"))
        speed, _, delay = (part.strip() for part in rate.partition("+"))
        if row.id in (tier.name for tier in tiers):
            raise InputError("given twice", key="tiers", given=word, allowed="each tier once")
        tiers.append(CacheTier(
            row.id, _quantity(capacity, "B", "256 GB"),
            _quantity(speed, "B/s", "50 GB/s") if speed else row.value("bandwidth"),
            _quantity(delay, "s", "10 us") if delay else row.value("latency"),
            row.text("shared") == "yes",
        ))  # fmt: skip
        if not (speed and delay):
            rows.append(row)
    if not tiers:
        raise InputError("no tier", key="tiers", given=text, allowed=_EXAMPLE)
    return tuple(tiers), tuple(rows)


def _row(name: str) -> Entity:
    try:
        return entity("cache_tiers", name)
    except InputError:
        known = tuple(table("cache_tiers"))
        raise InputError(
            "no such tier", key="tiers", given=name, allowed=known, nearest=nearest(name, known)
        ) from None


def _quantity(text: str, unit: str, example: str) -> float:
    try:
        return parse(text, unit, example=example)
    except InputError as error:
        raise error.at(key="tiers") from None


def of_replica(tiers: tuple[CacheTier, ...], chips: float) -> tuple[CacheTier, ...]:
    """Tiers of one accelerator as those of a replica of ``chips``; the capacity of a shared one stays."""
    return tuple(
        replace(
            tier, bandwidth=tier.bandwidth * chips,
            capacity=tier.capacity * (1.0 if tier.shared else chips),
        )
        for tier in tiers
    )  # fmt: skip

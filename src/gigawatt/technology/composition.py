"""Which substrate of a hybrid takes which kind of operation.

A hybrid is a substrate whose settings name other substrates by group of operations; :data:`HOST` leaves a
group with the digital machine that everything else runs on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.registry import load_substrate
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.workload.operations import Operation

__all__ = ["GROUPS", "HOST", "HYBRID", "counted_of", "group_of", "parts"]

GROUPS = ("projections", "feed_forward", "experts", "gate", "attention")
"""Products by weights around attention, of feed-forward layers, of routed experts, of the router; and
attention's own products."""
HOST = "digital"
HYBRID = "hybrid"


def group_of(operation: Operation) -> str | None:
    """The group that an operation belongs to; ``None``: the host's. Names are those of the workload room."""
    name, kind = operation.name, operation.kind
    if kind == "memory" or name.startswith("head"):
        return None
    if kind == "attention":
        return "attention"
    if name.startswith("router"):
        return "gate"
    if name.startswith("experts"):
        return "experts"
    return "feed_forward" if name.startswith(("mlp", "shared")) else "projections"


@lru_cache(maxsize=64)
def _loaded(name: str) -> Substrate:
    return load_substrate(name)


def parts(substrate: Substrate) -> dict[str, Substrate]:
    """Substrates of a hybrid by group, without those that the host takes.

    Raises
    ------
    InputError
        Not a hybrid, a setting that is no group, a substrate that the catalog does not have, or one that is
        itself a hybrid.
    """
    if substrate.technology != HYBRID:
        raise InputError("not a hybrid", key="technology", given=substrate.technology, allowed=HYBRID)
    found: dict[str, Substrate] = {}
    for group, name in substrate.settings.items():
        check_word(substrate.id, group, GROUPS, "no such group of operations")
        if name == HOST:
            continue
        try:
            part = _loaded(str(name))
        except InputError as error:
            raise error.at(key=f"{substrate.id}.{group}") from None
        if part.technology == HYBRID:
            raise InputError(
                "a hybrid of a hybrid", key=f"{substrate.id}.{group}", given=name, allowed="one technology"
            )
        found[group] = part
    return found


def counted_of(statistics: Statistics, group: str | None) -> Mapping[str, float]:
    """What a run of a hybrid counted in one group: its functional face writes ``group.name``."""
    start = f"{group}."
    return {name.removeprefix(start): x for name, x in statistics.items() if name.startswith(start)}

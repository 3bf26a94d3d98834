"""Technologies of the outlook: rows of the catalog, and the quantities that are drawn for each.

A technology is a row of ``outlook_technologies``; its ``family`` says how it is taken up and which
quantities it needs. A quantity of a technology is the row ``<technology>_<quantity>`` of
``outlook_adoption`` or, where there is none, the row ``<family>_<quantity>``, which all of the family
without their own share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from gigawatt import catalog
from gigawatt.core.errors import InputError, nearest

__all__ = [
    "COMMON",
    "FAMILIES",
    "POSITIVE",
    "QUANTITIES",
    "Technology",
    "drawn_name",
    "drawn_names",
    "list_technologies",
    "read_technology",
]

TABLE, PRIORS = "outlook_technologies", "outlook_adoption"

QUANTITIES: Mapping[str, tuple[str, ...]] = {
    "energy": (
        "fails", "time", "start", "most", "seed", "speed", "ramp", "first", "cost", "before", "learning",
        "experience", "world", "shock",
    ),
    "storage": ("cost", "learning", "experience", "world", "shock"),
    "package": ("fails", "time", "start", "most", "seed", "speed", "ramp", "first", "cost", "learning"),
    "generation": ("fails", "time", "seed", "speed", "bandwidth"),
    "compute": (
        "fails", "time", "ceiling", "seed", "speed", "ramp", "first", "cost", "learning", "experience",
        "shock", "efficiency", "progress", "most", "mapped",
    ),
    "quantum": ("fails", "time", "weight"),
}  # fmt: skip
"""Family → what is drawn for each of its technologies."""
FAMILIES = tuple(QUANTITIES)

POSITIVE = frozenset(
    {"speed", "ramp", "first", "cost", "before", "experience", "efficiency", "progress", "most", "bandwidth"}
)
"""Quantities that have to be above 0 in every draw."""

COMMON: Mapping[str, tuple[str, ...]] = {
    "energy": (
        "incumbent_cost", "incumbent_growth", "energy_choice", "energy_shocks", "energy_volatility",
        "firm_worth", "solar_shift", "wind_shift",
    ),
    "package": ("package_choice",),
    "compute": ("compute_choice", "compute_energy", "compute_follows", "compute_volatility"),
}  # fmt: skip
"""Family → what is drawn once for all of it."""


@dataclass(frozen=True)
class Technology:
    """One row: ``family`` of :data:`FAMILIES`, ``curve`` of adoption (``logistic`` or ``gompertz``), today's
    readiness level ``trl`` (1 to 9), ``market`` that its share is of, and the share from which it is
    ``big``."""

    id: str
    name: str
    family: str
    market: str
    curve: str
    trl: float
    big: float

    @property
    def key(self) -> str:
        """The name in identifiers."""
        return self.id.replace("-", "_")

    @property
    def mature(self) -> bool:
        """Whether it is sold today (TRL 9)."""
        return self.trl >= 9.0


@lru_cache(maxsize=16)
def list_technologies(family: str | None = None) -> tuple[Technology, ...]:
    """Technologies in the order of the table; of one family where it is given.

    Raises
    ------
    InputError
        No such family; a row with a family, curve, level or share that is none.
    """
    if family is not None and family not in FAMILIES:
        raise InputError("no such family", given=family, allowed=FAMILIES, nearest=nearest(family, FAMILIES))
    found: list[Technology] = []
    for id, row in catalog.table(TABLE).items():
        made = Technology(
            id, row.text("name"), row.text("family"), row.text("market"), row.text("curve"),
            row.value("trl"), row.value("big"),
        )  # fmt: skip
        where = row.rows()[0].where
        if made.family not in FAMILIES:
            raise InputError("no such family", file=where, key=id, given=made.family, allowed=FAMILIES)
        if made.curve not in ("logistic", "gompertz"):
            raise InputError(
                "no such curve", file=where, key=id, given=made.curve, allowed="logistic, gompertz"
            )
        if not 1.0 <= made.trl <= 9.0 or not 0.0 < made.big < 1.0:
            raise InputError(
                "not a level and a share",
                file=where,
                key=id,
                given=f"{made.trl:g}, {made.big:g}",
                allowed="1 to 9, and between 0 and 1",
            )
        if family is None or made.family == family:
            found.append(made)
    return tuple(found)


def read_technology(id: str) -> Technology:
    """A technology by its id or key.

    Raises
    ------
    InputError
        No such technology; names the nearest.
    """
    known = {one.key: one for one in list_technologies()}
    key = id.replace("-", "_")
    if key not in known:
        raise InputError("no such technology", given=id, allowed=known, nearest=nearest(key, known))
    return known[key]


def drawn_name(technology: Technology, quantity: str) -> str:
    """The row that a quantity of a technology is drawn by: its own, or that of its family.

    Raises
    ------
    InputError
        Neither is there.
    """
    rows = catalog.table(PRIORS)
    own, shared = f"{technology.key}_{quantity}", f"{technology.family}_{quantity}"
    if own in rows:
        return own
    if shared in rows:
        return shared
    raise InputError("no distribution", key=own, allowed=f"a row {own} or {shared} of {PRIORS}")


def drawn_names(technology: Technology) -> tuple[str, ...]:
    """Rows that a technology's quantities are drawn by, in the order of :data:`QUANTITIES`."""
    return tuple(drawn_name(technology, quantity) for quantity in QUANTITIES[technology.family])

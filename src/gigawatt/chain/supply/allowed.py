"""Plants that may not be built at a site, by law, for want of a resource or of load, and what overrides it.

A plant of the catalog has a ``law`` where its kind is ruled by law or by a resource (``nuclear``, ``wind``,
``solar``, ``gas``, ``geothermal``); the table ``allowed`` says for a country or a state whether such plants
are offered. Its costs are of plants from ``least_size`` on, where it has one: a smaller load is not offered
it. ``supply.allow`` names plants that are offered all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from gigawatt import catalog
from gigawatt.chain.supply.candidates import ALL, plant_id
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import show
from gigawatt.facility import Country
from gigawatt.facility.countries import Law

__all__ = [
    "ALLOW",
    "barred_words",
    "every_plant",
    "least_sizes",
    "names_plants",
    "not_allowed",
    "refuse_barred",
    "resource_limits",
    "small_words",
    "too_large",
]

ALLOW, PLANTS = "supply.allow", "supply.plants"
_MEGAWATT = 1e6


def names_plants(plants: Sequence[str] | None) -> bool:
    """Whether a question's ``supply.plants`` names plants: neither left out nor :data:`ALL`."""
    return plants is not None and tuple(plants) != (ALL,)


def every_plant(given: Collection[str] = ()) -> tuple[str, ...]:
    """The plants (ids) of ``supply.plants: all``: every row that has hours of its own, or ``given`` ones.

    Without those of the default ``supply.not_in_all``. What law, dates and size leave out goes later.
    """
    out = catalog.entity("defaults", "supply.not_in_all").text("text").split("|")
    return tuple(
        name
        for name, row in catalog.table("plants").items()
        if name not in out and (name in given or row.text("kind") != "profile" or row.text("profile"))
    )


def not_allowed(names: Iterable[str], country: Country, allow: Iterable[str] = ()) -> dict[str, Law]:
    """The law by name of the plants that are not offered in a country; ``names`` are ids or aliases.

    Raises
    ------
    InputError
        ``allow`` names no plant.
    """
    free = {plant_id(ALLOW, name) for name in allow}
    found: dict[str, Law] = {}
    for name in names:
        row = catalog.entity("plants", name)
        subject = row.text("law")
        law = country.law(subject) if subject and row.id not in free else None
        if law is not None and not law.offered:
            found[name] = law
    return found


def resource_limits(names: Iterable[str], country: Country, allow: Iterable[str] = ()) -> dict[str, Law]:
    """The law by id of the plants whose resource at one site is limited; ``row`` has the ``limit`` [W]."""
    free = {plant_id(ALLOW, name) for name in allow}
    found: dict[str, Law] = {}
    for name in names:
        row = catalog.entity("plants", name)
        law = country.law(row.text("law")) if row.id not in free else None
        if law is not None and law.offered and "limit" in law.row.numbers:
            found[row.id] = law
    return found


def least_sizes(names: Iterable[str]) -> dict[str, float]:
    """The smallest [W] of the plants of ``names`` (ids) that are not built of any size at their costs."""
    rows = {name: catalog.entity("plants", name).get("least_size") for name in names}
    return {name: size for name, size in rows.items() if size is not None}


def too_large(names: Iterable[str], asked: Iterable[str], peak: float) -> dict[str, float]:
    """The smallest [W] of the plants of ``names`` (ids) that are larger than the ``peak`` [W] of a load.

    Those ``asked`` for by name (ids or aliases) are not among them.
    """
    known = {plant_id(ALLOW, name) for name in asked}
    sizes = least_sizes(name for name in names if name not in known)
    return {name: size for name, size in sizes.items() if size > peak}


def small_words(small: Mapping[str, float], peak: float) -> tuple[str, ...]:
    """One sentence of all plants whose smallest [W] is above the ``peak`` [W] of a load; none without any."""
    if not small:
        return ()
    each = ", ".join(
        f"{catalog.entity('plants', name).text('name')} (from {show(size, 'MW')})"
        for name, size in small.items()
    )
    load = show(peak, "MW" if peak >= _MEGAWATT else "kW", 3)
    return (
        f"not offered to a load of {load}, as the costs in the catalog are of larger plants: {each}; {ALLOW} "
        "offers them by name",
    )


def _said(name: str, law: Law) -> str:
    recalled = f", {law.row.text('note')}" if law.row.text("note").startswith("recalled") else ""
    return (
        f"{catalog.entity('plants', name).text('name')} in {law.place} ({law.words}; row {law.row.id} of the "
        f"table allowed{recalled})"
    )


def barred_words(barred: Mapping[str, Law]) -> tuple[str, ...]:
    """One sentence of all plants that are left out; none without any."""
    if not barred:
        return ()
    each = "; ".join(_said(name, law) for name, law in barred.items())
    return (f"not offered, as it may not be built or has no resource: {each}; {ALLOW} offers it by name",)


def refuse_barred(barred: Mapping[str, Law], names: Sequence[str]) -> None:
    """Raise ``InfeasibleError`` of plants that a question names and that may not be built."""
    each = "; ".join(_said(name, law) for name, law in barred.items())
    others = [name for name in names if name not in barred]
    raise InfeasibleError(
        f"may not be built or has no resource: {each}",
        key=PLANTS,
        given=", ".join(barred),
        allowed=f"{', '.join(others) or 'other plants'}; or {ALLOW}: [{', '.join(barred)}]",
    )

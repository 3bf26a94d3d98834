"""Where a campus stands: a site of the catalog, a city, a provider's region, or coordinates.

``sites`` has places that were looked at one by one, with hours of their own; ``places`` has the world's
cities, each with a weather year of ``places_weather`` that is its own or stands in for it; ``cloud_regions``
has the codes that providers give theirs.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence, Grade

__all__ = ["Site", "distance", "load_site", "nearest_place"]

_RADIUS = 6371e3
"""Mean radius of the earth [m] (IUGG)."""
_SHOWN = 8
_ALIKE = 0.75
"""How alike a name must be to be offered; below it names share letters and no more (london, bodo: 0.6)."""
_SHORT = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}
_PROVIDERS = ("aws", "azure", "gcp")
_ANGLE = r"([+-]?\d+(?:\.\d+)?)\s*°?\s*"
_COORDINATES = re.compile(rf"\s*{_ANGLE}([NS]?)\s*[,;\s]\s*{_ANGLE}([EW]?)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Site:
    """A place in a ``country`` and, where it is known, a ``state``: ``latitude``, ``longitude`` [deg],
    ``elevation`` [m], ``time_zone`` [h] of its standard time;
    ``grid`` and ``weather`` are names in the catalog, ``water`` and ``hazards`` a few words on scarcity and
    dangers. ``place`` is the row that all of it is read from: its own ``id``, or for coordinates the nearest;
    ``assumptions`` lists what that one lends."""

    id: str
    name: str
    country: str
    state: str
    latitude: float
    longitude: float
    elevation: float
    time_zone: float
    weather: str
    grid: str
    water: str
    hazards: str
    note: str
    evidence: Mapping[str, Evidence] = field(repr=False)
    place: str = ""
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Great-circle distance [m] between two places on the earth; angles in degrees."""
    south, north = math.radians(latitude), math.radians(other_latitude)
    across = math.sin(math.radians(other_longitude - longitude) / 2.0) ** 2
    half = math.sin((north - south) / 2.0) ** 2 + math.cos(south) * math.cos(north) * across
    return 2.0 * _RADIUS * math.asin(math.sqrt(min(half, 1.0)))


def load_site(name: str) -> Site:
    """A site by id, alias, a provider's region, coordinates, or words of id, name and country in any order.

    Coordinates are degrees, latitude first: ``51.5,-0.12``, ``51.5N 0.12W``. Accents and case do not matter;
    hyphens do in codes of regions, since ``us-east-1`` and ``us-east1`` are two providers' and two places.

    Raises
    ------
    InputError
        No place has these words (names those spelled alike), several have, or no such latitude or longitude.
    """
    at = _coordinates(name)
    return _of_row(_row(name)) if at is None else _of_coordinates(*at)


def nearest_place(latitude: float, longitude: float) -> tuple[Entity, float]:
    """The row of ``sites`` or ``places`` nearest to a point [deg], and how far it is [m]."""
    rows = [*loader.table("sites").values(), *loader.table("places").values()]
    far = [
        distance(latitude, longitude, *(math.degrees(row.value(of)) for of in ("latitude", "longitude")))
        for row in rows
    ]
    closest = far.index(min(far))
    return rows[closest], far[closest]


def _of_row(row: Entity) -> Site:
    return Site(
        id=row.id,
        name=row.text("name", row.id),
        country=row.text("country"),
        state=row.text("state"),
        latitude=math.degrees(row.value("latitude")),
        longitude=math.degrees(row.value("longitude")),
        elevation=row.value("elevation"),
        time_zone=row.value("time_zone") / 3600.0,
        weather=row.text("weather"),
        grid=row.text("grid"),
        water=row.text("water"),
        hazards=row.text("hazards"),
        note=row.text("note"),
        evidence={item.quantity: item for item in row.rows()},
        place=row.id,
    )


def _of_coordinates(latitude: float, longitude: float) -> Site:
    row, far = nearest_place(latitude, longitude)
    other = _of_row(row)
    told = Assumption(
        "site.place",
        f"{other.name}, {far / 1e3:.0f} km away",
        f"the place of the catalog nearest to {latitude:g}, {longitude:g}: its country, grid ({other.grid}), "
        "time zone, elevation and weather",
        Grade.guess,
        row.text("source_id"),
    )
    return replace(
        other,
        id=f"{latitude:g},{longitude:g}",
        name=f"{latitude:g}, {longitude:g} ({far / 1e3:.0f} km from {other.name})",
        latitude=latitude,
        longitude=longitude,
        assumptions=(told,),
    )


def _coordinates(name: str) -> tuple[float, float] | None:
    found = _COORDINATES.fullmatch(name)
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[3])
    for number, letter in ((found[1], found[2]), (found[3], found[4])):
        if letter and number[0] in "+-":
            raise InputError(
                "a sign and a letter", key="site", given=name, allowed="33.9S, 18.4E or -33.9, 18.4"
            )
    if found[2].upper() == "S":
        latitude = -latitude
    if found[4].upper() == "W":
        longitude = -longitude
    for key, value, most in (("latitude", latitude, 90.0), ("longitude", longitude, 180.0)):
        if abs(value) > most:
            raise InputError(
                f"no such {key}",
                key="site",
                given=name,
                allowed=f"latitude, longitude; -{most:g} to {most:g} degrees",
            )
    return latitude, longitude


def _row(name: str) -> Entity:
    try:
        return loader.entity("sites", re.sub(r"[.,]", " ", name))
    except InputError:
        sites, places = loader.table("sites"), loader.table("places")
    if name in places:
        return places[name]
    region = loader.table("cloud_regions").get(_code(name))
    if region is not None:
        held = region.text("site")
        return sites[held] if held in sites else places[held]
    rows = [*sites.values(), *places.values()]
    named = [row for row in rows if _called(row, name, (row.id, row.text("name")))]
    held = [row for row in rows if _words(name) and _words(name) <= _around()[row.id]]
    own = [row for row in held if row.id in sites]
    if not named and len(own) == 1:
        return own[0]  # a site's words go before what else a place is called
    found = named + [row for row in rows if row not in named and _called(row, name, _aliases(row))]
    found = found or own or held
    if len(found) == 1:
        return found[0]
    if found:
        more = "" if len(found) <= _SHOWN else f" and {len(found) - _SHOWN} more"
        ids = ", ".join(row.id for row in found[:_SHOWN])
        raise InputError("several sites have these words", key="site", given=name, allowed=ids + more)
    raise InputError(
        "no such site",
        key="site",
        given=name,
        allowed="a row of `gigawatt catalog list sites`, `… places` or `… cloud_regions`, words of its name, "
        "or coordinates such as 51.5,-0.12",
        nearest=_alike(name, rows),
    )


def _aliases(row: Entity) -> list[str]:
    return [alias for alias in row.text("aliases").split("|") if alias]


def _called(row: Entity, written: str, names: Iterable[str]) -> bool:
    """Whether ``written`` is one of the names, alone or with words of where the place is."""
    wanted = _words(written)
    return any(
        _plain(name) == _plain(written) or _words(name) <= wanted <= _words(name) | _around()[row.id]
        for name in names
    )


@lru_cache(maxsize=1)
def _around() -> dict[str, set[str]]:
    """By id the words of a row's id and name, of its country and state, and of what those are called else."""
    regions = [
        (_words(row.id), _words(row.text("aliases"))) for row in loader.table("places_regions").values()
    ]
    found: dict[str, set[str]] = {}
    for row in (*loader.table("places").values(), *loader.table("sites").values()):
        own = _words(" ".join((row.id, *map(row.text, ("name", "country", "state")))))
        found[row.id] = own.union(*(more for region, more in regions if region <= own))
    return found


def _alike(name: str, rows: Iterable[Entity]) -> str | None:
    """The id of the row, or the region, whose name is spelled most alike; ``None`` where none is."""
    known = {code: code for code in loader.table("cloud_regions")}
    for row in rows:
        parts = sorted(word for word in _words(row.text("name")) if len(word) > 2)
        for word in (*map(_folded, (row.id, row.text("name"))), *parts):
            known.setdefault(word, row.id)  # sites come first
        for alias in _aliases(row):
            known.setdefault(_folded(alias), alias)
    found = get_close_matches(_folded(name), known, n=1, cutoff=_ALIKE)
    return known[found[0]] if found else None


def _code(name: str) -> str:
    """A region's code without its provider; Azure's is written in words as well (West Europe)."""
    words = name.strip().lower().split()
    if len(words) > 1 and words[0] in _PROVIDERS:
        words = words[1:]
    return "".join(words)


def _folded(text: str) -> str:
    """Lower case without accents."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ø", "o").replace("ł", "l"))
    return "".join(c for c in plain if not unicodedata.combining(c))


def _plain(text: str) -> str:
    return "".join(c for c in _folded(text) if c.isalnum())


def _words(text: str) -> set[str]:
    words = "".join(c if c.isalnum() else " " for c in _folded(text)).split()
    return {_SHORT.get(word, word) for word in words}

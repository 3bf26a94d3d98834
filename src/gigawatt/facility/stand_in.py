"""What is said of weather that is another place's: how far, how much warmer, and whether it was observed."""

from __future__ import annotations

import math

from gigawatt.catalog import Entity, loader
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.facility.sites import Site, distance

__all__ = ["beside_site", "design_place", "stand_in"]

_MODELLED = "modelled"
_ZERO = 273.15
"""0 °C in K (exact)."""
_MEND = "give a file as site.weather"


def stand_in(
    site: Site, *, latitude: float, longitude: float, hot: float, of: str
) -> tuple[tuple[Assumption, ...], tuple[str, ...]]:
    """Assumptions and warnings of a site whose weather is the row ``of`` of ``places_weather`` or ``sites``.

    Parameters
    ----------
    site : Site
        A place, or coordinates.
    latitude, longitude : float [deg]
        Of the weather.
    hot : float [K]
        The dry bulb that one hour in a hundred of the weather exceeds.
    of : str
        Id of the row.
    """
    limits, year = loader.entity("places_limits", "world"), loader.table("places_weather").get(of)
    row = loader.entity("sites", of) if year is None else year
    far = _apart(site, latitude, longitude)
    shown = f"{row.text('name')}, {far / 1e3:.0f} km away"
    kind = row.text("kind", "year")
    reason = {
        _MODELLED: f"no observed year is free: {row.text('locator')}, {row.text('note')}; without wind",
        "TMY": f"a typical year: {row.text('locator')}",
    }.get(kind, f"a single year: {row.text('locator')} {row.text('period')}".rstrip())
    place = design_place(site)
    gap = 0.0 if place is None else hot - place.value("design_hot")
    if place is not None:
        reason += f"; its 1 % hot dry bulb is {hot - _ZERO:.1f} °C, the place's {hot - gap - _ZERO:.1f} °C"
    if far > limits.value("wind_distance") and kind != _MODELLED:
        off, _, most = (100.0 * share for share in limits.at("wind_stand_in", 0.0))
        reason += f"; a wind farm by it is off by {off:.0f} % in the median, {most:.0f} % in one of ten"
    told = Assumption(
        "site.weather", f"{kind} of {shown}", reason, Grade.read(row.text("grade")), row.text("source_id")
    )
    warnings: list[str] = []
    if _apart_from_place(site) > limits.value("weather_distance"):
        warnings.append(
            f"country ({site.country}), grid and time zone of {site.name} are those of that place: give "
            "supply.grid.price and supply.grid.carbon where you know better"
        )
    if far > limits.value("weather_distance") or abs(gap) > limits.value("weather_hot"):
        off = (
            ""
            if place is None
            else f", its 1 % hot dry bulb {abs(gap):.1f} K {'above' if gap > 0.0 else 'below'} the place's"
        )
        moved = place is not None and far > limits.value("move_distance")
        more = "" if moved else ", or its station's dry bulbs as site.design_hot and site.design_cold"
        warnings.append(f"the weather of {site.name} is that of {shown}{off}: {_MEND}{more}")
    if kind == _MODELLED:
        warnings.append(
            f"the weather of {site.name} is modelled, not observed: good for heat and sun in the mean, "
            f"without wind, so that no wind plant is sized; {_MEND}"
        )
    return (told,), tuple(warnings)


def beside_site(
    site: Site, *, latitude: float, longitude: float, time_zone: float, file: str
) -> tuple[str, ...]:
    """A warning where a weather file is of another place [deg] or zone [h] than the site it is used for."""
    limits = loader.entity("places_limits", "world")
    far, hours = _apart(site, latitude, longitude), abs(time_zone - site.time_zone)
    if far <= limits.value("file_distance") and hours * 3600.0 <= limits.value("file_time"):
        return ()
    return (
        f"the weather file {file} is of {latitude:g}, {longitude:g}, {far / 1e3:.0f} km and {hours:g} h of "
        f"time zone from {site.name}, whose grid and prices hold",
    )


def design_place(site: Site) -> Entity | None:
    """The city whose design dry bulbs hold at a site; ``None`` far from it, where they say nothing."""
    near = _apart_from_place(site) <= loader.entity("places_limits", "world").value("weather_distance")
    return loader.table("places").get(site.place) if near else None


def _apart_from_place(site: Site) -> float:
    """Distance of coordinates from the place that lends them its grid [m]; 0 for a place itself."""
    rows = loader.table("places"), loader.table("sites")
    row = next((table[site.place] for table in rows if site.place in table), None)
    if row is None:
        return 0.0
    return _apart(site, *(math.degrees(row.value(of)) for of in ("latitude", "longitude")))


def _apart(site: Site, latitude: float, longitude: float) -> float:
    """Distance of a point [deg] from a site [m]."""
    return distance(site.latitude, site.longitude, latitude, longitude)

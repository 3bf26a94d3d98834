"""How wrong a place is whose weather is another's: ``PYTHONPATH=src python benchmarks/stand_ins.py``.

Every observed or reanalysed year of ``places_weather`` is left out in turn and answered with another one:
first with each of the others, by distance; then with the one that ``make_places`` would choose (nearest whose
1 % hot dry bulb is alike, else nearest). Errors of the annual PUE, of a tracker's capacity factor and, where
the wind is known, of a wind farm's. Single years are of 2020 to 2024, typical years of older decades: what is
shown holds the difference of periods too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gigawatt.catalog import entity, loader
from gigawatt.facility import facility_load, load_site, load_weather
from gigawatt.facility.sites import distance
from gigawatt.facility.weather import HOURS, Weather, move_to_design, scale_wind
from gigawatt.power import solar_capacity_factor, wind_capacity_factor

BANDS = (0.0, 50e3, 100e3, 150e3, 300e3, 500e3, 1000e3, 2000e3)
ALIKE, REACH = 3.0, 300e3


@dataclass(frozen=True)
class Year:
    """What a year of weather gives: ``hot``, ``cold`` [K] are its design dry bulbs, the rest are means []."""

    id: str
    at: tuple[float, float]
    hot: float
    cold: float
    pue: float
    sun: float
    wind: float
    sky: Weather


def years() -> list[Year]:
    """The usual years of cities that are not modelled, in the order of the table."""
    found: list[Year] = []
    rows, seen = loader.table("places_weather"), set[str]()
    for place in loader.table("places").values():
        of = place.text("weather")
        if of in seen or of not in rows or rows[of].text("kind") == "modelled":
            continue
        sky = load_weather(load_site(place.id))
        if any(one.key == "site.design" for one in sky.assumptions):
            continue  # moved
        seen.add(of)
        found.append(
            Year(
                of,
                (sky.latitude, sky.longitude),
                float(np.quantile(sky.air_temperature(), 0.99)),
                float(np.quantile(sky.air_temperature(), 0.01)),
                _pue(sky),
                float(solar_capacity_factor(sky).mean()),
                float(wind_capacity_factor(sky).mean()),
                sky,
            )
        )
    return found


def _pue(sky: Weather) -> float:
    """With the usual cooling."""
    cooling = entity("cooling", entity("defaults", "site.cooling").text("text"))
    return float(facility_load(it_power=np.ones(HOURS), weather=sky, cooling=cooling).annual_pue)


def errors(pairs: list[tuple[Year, Year]]) -> dict[str, tuple[float, float]]:
    """(median, ninth decile) of the errors: PUE [], sun and wind over their own [], hot dry bulb [K]."""
    each = np.array(
        [
            (abs(b.pue - a.pue), abs(b.sun / a.sun - 1.0), abs(b.wind / a.wind - 1.0), abs(b.hot - a.hot))
            for a, b in pairs
        ]
    )
    names = ("pue", "sun", "wind", "hot")
    return {n: (float(np.median(c)), float(np.quantile(c, 0.9))) for n, c in zip(names, each.T, strict=True)}


def by_distance(known: list[Year]) -> dict[tuple[float, float], list[tuple[Year, Year]]]:
    """Ordered pairs of years (the place, the one in its stead) by the band of their distance [m]."""
    found: dict[tuple[float, float], list[tuple[Year, Year]]] = {band: [] for band in pairwise(BANDS)}
    for a in known:
        for b in known:
            far = distance(*a.at, *b.at)
            for (low, high), pairs in found.items():
                if a is not b and low <= far < high:
                    pairs.append((a, b))
    return found


def chosen(known: list[Year]) -> list[tuple[Year, Year]]:
    """Every year with the one that would stand in for it were it not there."""
    found: list[tuple[Year, Year]] = []
    for a in known:
        others = [b for b in known if b is not a]
        far = np.array([distance(*a.at, *b.at) for b in others])
        alike = np.array([abs(b.hot - a.hot) <= ALIKE for b in others]) & (far <= REACH)
        found.append((a, others[int(np.argmin(np.where(alike, far, far + REACH)))]))
    return found


def moved(known: list[Year], low: float, high: float) -> tuple[float, float]:
    """(median, ninth decile) of the error of the PUE, each year's stand-in moved to its own design dry bulbs.

    Of the pairs from ``low`` to ``high`` [m] apart, 120 spread evenly.
    """
    pairs = [
        pair for (a, b), all_of in by_distance(known).items() if low <= a and b <= high for pair in all_of
    ]
    few = pairs[:: max(1, len(pairs) // 120)]
    off = [abs(_pue(move_to_design(b.sky, hot=a.hot, cold=a.cold)) - a.pue) for a, b in few]
    return float(np.median(off)), float(np.quantile(off, 0.9))


def raised() -> dict[str, tuple[float, float]]:
    """Output of a wind farm over that by wind at 100 m, of sites that have both heights.

    By wind at 10 m raised to the hub, and by that scaled to the mean at 100 m.
    """
    found: dict[str, tuple[float, float]] = {}
    for name in loader.table("sites"):
        sky = load_weather(name)
        told = any(one.key == "site.wind_100m" for one in sky.assumptions)
        if sky.wind_10m is not None and sky.wind_100m is not None and not told:
            near = replace(sky, wind_100m=None)
            skies = (near, scale_wind(near, float(sky.wind_100m.mean())), sky)
            low, scaled, high = (float(wind_capacity_factor(one).mean()) for one in skies)
            found[name] = low / high, scaled / high
    return found


def row(name: str, pairs: list[tuple[Year, Year]]) -> str:
    """A row of the table of docs/bring-your-own.md: medians, and what nine of ten are below."""
    found = errors(pairs)
    told = [f"{found['hot'][0]:.1f}, {found['hot'][1]:.1f} K", "{:.4f}, {:.4f}".format(*found["pue"])]
    told += [f"{100 * found[of][0]:.0f}, {100 * found[of][1]:.0f} %" for of in ("sun", "wind")]
    return f"| {name} | {len(pairs)} | {' | '.join(told)} |"


def main() -> None:
    """Print the tables."""
    known = years()
    print(f"{len(known)} years\n\n| stand-in | pairs | hot dry bulb | PUE | sun | wind |")
    print("|---|---|---|---|---|---|")
    for (low, high), pairs in by_distance(known).items():
        print(row(f"{low / 1e3:.0f} to {high / 1e3:.0f} km", pairs))
    near = [(a, b) for a, b in chosen(known) if distance(*a.at, *b.at) <= REACH]
    print(row("chosen, within 300 km", near))
    print(row("chosen, farther", [pair for pair in chosen(known) if pair not in near]))
    print(
        "\nPUE, moved, 300 to 1000 km:",
        moved(known, 300e3, 1000e3),
        "150 to 300:",
        moved(known, 150e3, 300e3),
    )
    shares = {name: (round(low, 2), round(scaled, 2)) for name, (low, scaled) in raised().items()}
    print("\nwind at 10 m, raised and scaled:", shares)


if __name__ == "__main__":
    main()

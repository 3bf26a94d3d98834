"""The chain of a load without a model: its hours, and what the building adds to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.chain.money import Campus, built_with, supply_costs
from gigawatt.chain.registry import load_alone, shared
from gigawatt.chain.supply.arrivals import Arrivals
from gigawatt.chain.training.notices import of_building, of_supply
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.facility import LoadShape, Site, Weather, building_of, facility_load, with_pue
from gigawatt.money import SECONDS_PER_YEAR, Ledger, building_asset, ledger
from gigawatt.power import SupplyPlan
from gigawatt.power.adequacy import Adequacy
from gigawatt.power.resource.hours_file import read_hours
from gigawatt.schema.values import ByYear, at_year

__all__ = ["FLAT", "PROFILES", "profile_hours", "profile_words"]

Array = NDArray[np.float64]

FLAT = "flat"
PROFILES = (FLAT, "serving")
_HOURS = int(HOURS_PER_YEAR)
_FILES = (".csv", ".txt")


def profile_words(profile: str | None) -> str:
    """A profile in words."""
    name = profile or FLAT
    if Path(name).suffix.lower() in _FILES:
        return f"hours of {Path(name).name}"
    return "constant" if name == FLAT else f"follows the requests of {_shape(name)}"


def _shape(name: str) -> str:
    return catalog.entity("defaults", "serving.shape").text("text") if name == "serving" else name


def profile_hours(profile: str | None, *, time_zone: float, year: int) -> tuple[Array, bool]:
    """((8760,) values in hours of local standard time, whether they are watts) of a profile.

    Parameters
    ----------
    profile : str, optional
        ``flat``, ``serving`` (the days of the catalog's usual ``traces_shapes``), a row of ``traces_shapes``,
        or a CSV file of 8,760 numbers, with or without a head ``load [MW]``.
    time_zone : float [h]
        Of the site.
    year : int
        Whose weekdays count.

    Raises
    ------
    InputError
        No such profile (key ``load.profile``), or a file that is none.
    """
    name = profile or FLAT
    if Path(name).suffix.lower() in _FILES:
        return read_hours(Path(name), key="load.profile")
    if name == FLAT:
        return np.ones(_HOURS), False
    shapes, shape = catalog.table("traces_shapes"), _shape(name)
    if shape not in shapes:
        known = (*PROFILES, *shapes)
        raise InputError(
            "unknown load profile", key="load.profile", given=name,
            allowed=(*known, "a CSV file of 8,760 hours"), nearest=nearest(name, known),
        )  # fmt: skip
    from gigawatt.chain.serving.day import read_week  # it brings all of serving

    week = read_week(shape, days=None, time_zone=time_zone)
    return week.levels[week.of_year(year)].ravel(), False


def _profile(profile: str | None, site: Site, weather: Weather) -> Array:
    """Relative hours of a load (8760,)."""
    return profile_hours(profile, time_zone=site.time_zone, year=weather.year)[0]


def _at_the_meter(power: Array, notices: tuple[str, ...] = ()) -> LoadShape:
    none = np.zeros(len(power))
    return LoadShape(facility=power, it=power, pue=none + 1.0, water=none, evaporated=none,
                     parts={"it": power}, notices=notices)  # fmt: skip


@shared("facility.load", "", given=("load.peak",))
def load_of_peak(
    load_peak: float, load_profile: str | None, site_site: Site, site_weather: Weather
) -> LoadShape:
    """Power of the whole facility in every hour of the year, at the meter, from its highest hour.

    profile × highest hour / highest of the profile
    """
    hours = _profile(load_profile, site_site, site_weather)
    return _at_the_meter(hours * (load_peak / float(hours.max())), site_weather.warnings)


@shared("facility.load", "", given=("load.mean",))
def load_of_mean(
    load_mean: ByYear, load_profile: str | None, scenario_year: int, site_site: Site, site_weather: Weather
) -> LoadShape:
    """Power of the whole facility in every hour of the year, at the meter, from its mean in that year.

    profile × mean / mean of the profile
    """
    hours, mean = _profile(load_profile, site_site, site_weather), at_year(load_mean, scenario_year)
    assert mean is not None
    return _at_the_meter(hours * (mean / float(hours.mean())), site_weather.warnings)


@shared("facility.load", "", given=("load.hours",))
def load_of_hours(load_hours: str) -> LoadShape:
    """Power of the whole facility in every hour of the year, at the meter, from a file.

    Raises
    ------
    InputError
        A file that cannot be read, or that has no head with a unit of power.
    """
    hours, absolute = read_hours(Path(load_hours), key="load.hours")
    if not absolute:
        raise InputError(
            "the load is missing", key="load.peak",
            allowed="the highest hour, such as 1GW, or a file with a head such as 'load [MW]'",
        )  # fmt: skip
    return _at_the_meter(hours)


@shared("facility.load", "", given=("load.it_peak",))
def load_at_the_racks(
    load_it_peak: float,
    load_profile: str | None,
    site_site: Site,
    site_weather: Weather,
    site_cooling: Entity,
    site_redundancy: Entity | None,
    site_pue: float | None,
) -> LoadShape:
    """Power of the whole facility in every hour of the year, from the one given at the racks.

    IT power of the hour × hourly PUE of the cooling system in the site's weather, or the PUE that is given.
    """
    hours = _profile(load_profile, site_site, site_weather)
    power = hours * (load_it_peak / float(hours.max()))
    load = facility_load(
        it_power=power, weather=site_weather, cooling=site_cooling, redundancy=site_redundancy
    )
    return with_pue(load, site_pue)


@load_alone("facility.building", "")
def building(
    facility_load: LoadShape,
    site_weather: Weather,
    site_cooling: Entity,
    site_redundancy: Entity | None,
    site_pue: float | None,
) -> LoadShape:
    """The building that draws the load: IT power, losses and water in every hour.

    IT power of the hour by the hourly PUE of the cooling system in the site's weather, or the PUE that is
    given; as it is, where the load is given at the racks.
    """
    if len(facility_load.parts) > 1:
        return facility_load
    return building_of(
        facility_load.facility, weather=site_weather, cooling=site_cooling, redundancy=site_redundancy,
        pue=site_pue,
    )  # fmt: skip


@load_alone("facility.pue", "1")
def pue(facility_building: LoadShape) -> float:
    """Power usage effectiveness over the year.

    facility energy / IT energy
    """
    return facility_building.annual_pue


@load_alone("facility.power_it", "MW")
def power_it(facility_building: LoadShape) -> float:
    """Power at the racks in the highest hour, which the building is made for.

    Largest hour of the year.
    """
    return float(facility_building.it.max())


@load_alone("facility.water", "m^3")
def water(facility_building: LoadShape) -> float:
    """Water evaporated and drained on site in a year.

    Sum over the hours.
    """
    return float(facility_building.water.sum())


@load_alone("ledger.campus", "")
def campus(facility_power_it: float, site_redundancy: Entity | None) -> Campus:
    """The building, power and cooling included, for the highest hour at the racks; no accelerators.

    Where its redundancy is given, power and cooling cost and embody as much more or less as they are larger
    or smaller than the usual ones.
    """
    factor, embodied, rows = built_with(site_redundancy, facility_power_it)
    asset, told = building_asset(it_power=facility_power_it, factor=factor, embodied=embodied)
    return Campus({"building": asset}, (*catalog.entity("building", "ai-campus").rows(), *rows), told)


@load_alone("ledger.ledger", "")
def books(
    ledger_campus: Campus,
    supply_plan: SupplyPlan,
    economics_discount_rate: float,
    facility_energy: float,
    facility_water: float,
) -> Ledger:
    """Money, carbon and water of building and supply in a year, without accelerators.

    annuities and upkeep of building and plants + fuel and energy; see gigawatt.money.ledger
    """
    return ledger(
        assets=ledger_campus.assets,
        supply=supply_costs(supply_plan),
        discount_rate=economics_discount_rate,
        energy=facility_energy,
        duration=SECONDS_PER_YEAR,
        carbon=sum(supply_plan.carbon.values()),
        water_site=facility_water,
        water_supply=sum(supply_plan.water.values()),
    )


@load_alone("study.notices", "")
def notices(
    facility_building: LoadShape,
    site_redundancy: Entity | None,
    supply_plan: SupplyPlan,
    supply_adequacy: Adequacy,
    supply_arrivals: Arrivals,
    scenario_year: int,
) -> tuple[str, ...]:
    """The notices of a load without a model.

    bindings and notices of plan and building, lead times, what is not bought
    """
    return (
        "the ledger holds building and supply: what runs in it is not bought",
        *of_building(facility_building, site_redundancy),
        *of_supply(supply_plan, supply_adequacy, scenario_year, supply_arrivals),
    )

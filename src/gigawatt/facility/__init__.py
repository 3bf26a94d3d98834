"""The building: weather, cooling, PUE, water, and the load's shape over the year."""

from gigawatt.facility.countries import Country, country_of
from gigawatt.facility.load import LoadShape, building_of, facility_load, held_to, with_pue, with_standing
from gigawatt.facility.weather import Site, Weather, load_site, load_weather
from gigawatt.facility.years import ResourceYear, list_years, load_years

__all__ = [
    "Country",
    "LoadShape",
    "ResourceYear",
    "Site",
    "Weather",
    "building_of",
    "country_of",
    "facility_load",
    "held_to",
    "list_years",
    "load_site",
    "load_weather",
    "load_years",
    "with_pue",
    "with_standing",
]

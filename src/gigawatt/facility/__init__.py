"""The building: weather, cooling, PUE, water, and the load's shape over the year."""

from gigawatt.facility.load import LoadShape, facility_load, load_profile
from gigawatt.facility.weather import Site, Weather, load_site, load_weather

__all__ = ["LoadShape", "Site", "Weather", "facility_load", "load_profile", "load_site", "load_weather"]

"""What sun and wind give, hour by hour, and what a plant makes of it.

Several weather years of a site are in :mod:`gigawatt.facility.years`.
"""

from gigawatt.power.resource.solar import (
    plane_irradiance,
    pv_output,
    solar_capacity_factor,
    tracker_rotation,
)
from gigawatt.power.resource.wind import power_curve, wind_at_hub, wind_capacity_factor

__all__ = [
    "plane_irradiance",
    "power_curve",
    "pv_output",
    "solar_capacity_factor",
    "tracker_rotation",
    "wind_at_hub",
    "wind_capacity_factor",
]

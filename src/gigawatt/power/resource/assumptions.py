"""What the capacity factors of sun and wind take for granted."""

from __future__ import annotations

from gigawatt.catalog import loader
from gigawatt.core.evidence import Assumption
from gigawatt.facility.weather import Weather

__all__ = ["resource_assumptions"]


def resource_assumptions(
    weather: Weather, module: str = "single-axis", turbine: str = "nrel-atb-5.5mw-175"
) -> tuple[Assumption, ...]:
    """What the two capacity factors take for granted, for the list of assumptions."""
    panel, machine = loader.entity("modules", module), loader.entity("turbines", turbine)
    found: list[Assumption] = []
    if weather.solar_capacity_factor is None:
        proof = panel.evidence("loss_share")
        found.append(
            Assumption("supply.solar_module", panel.id, panel.text("name"), proof.grade, proof.source_id)
        )
    if weather.wind_capacity_factor is None:
        proof = machine.evidence("loss_wake")
        found.append(
            Assumption("supply.wind_turbine", machine.id, machine.text("name"), proof.grade, proof.source_id)
        )
        if weather.wind_100m is None:
            shear = machine.evidence("shear_exponent")
            found.append(
                Assumption(
                    "supply.wind_shear",
                    f"{shear.value:g}",
                    "wind is known at 10 m only and carried to the hub by a power law, which can be far off",
                    shear.grade,
                    shear.source_id,
                )
            )
    return tuple(found)

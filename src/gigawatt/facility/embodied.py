"""Carbon in the building and its equipment: shell, power, cooling, generators, and their replacements."""

from __future__ import annotations

import math

from gigawatt.catalog import Entity
from gigawatt.core.checks import check_range
from gigawatt.facility.power_chain import installed_ratio

__all__ = ["PARTS", "embodied_carbon"]

PARTS = ("shell", "power", "batteries", "generators", "cooling")
_GROWS = {"power": "power", "batteries": "power", "generators": "power", "cooling": "cooling"}


def embodied_carbon(
    *,
    it_power: float,
    parts: Entity,
    years: float,
    redundancy: Entity | None = None,
    reference: Entity | None = None,
) -> dict[str, float]:
    """Embodied carbon by part over ``years`` of use, replacements counted [kg CO2e].

    Parameters
    ----------
    it_power : float [W]
        That the building is made for.
    parts : Entity
        A row of ``building`` with ``embodied_PART`` [kg/W of IT] and ``life_PART`` of each of :data:`PARTS`.
    years : float [s]
        Of use; each part is bought as many times as its life needs to span it. 0: what is built at first.
    redundancy, reference : Entity, optional
        Rows of ``cooling_redundancy``: the parts' figures are of the reference; equipment grows with the
        installed capacity, the shell does not.

    Returns
    -------
    dict of str to float
        By part; they sum to the whole.

    Raises
    ------
    InputError
        Power or years that are negative or not finite.
    """
    for key, value in (("it_power", it_power), ("years", years)):
        check_range(key, value, 0.0, message="out of range")
    found: dict[str, float] = {}
    for part in PARTS:
        bought = max(math.ceil(years / parts.value(f"life_{part}") - 1e-9), 1)
        grown = 1.0
        if redundancy is not None and part in _GROWS:
            grown = installed_ratio(redundancy, _GROWS[part]) / installed_ratio(reference, _GROWS[part])
        found[part] = it_power * parts.value(f"embodied_{part}") * bought * grown
    return found

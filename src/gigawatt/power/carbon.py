"""One boundary for the carbon of everything: what of a kilowatt-hour counts, whichever plant or grid makes
it.

``direct`` counts what leaves a stack; ``supply-chain`` adds what getting the fuel leaks and burns;
``life-cycle`` adds making the plant. Rows of grids are of one of these (column ``boundary``) and are brought
to another by a ratio measured on hours of both where the catalog has it, else by the mix: fossil carbon times
``fossil_upstream``, and the construction of its clean plants. All in CO2e by the warming of 100 years;
methane is kept apart, so that its warming in 20 years is a second result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gigawatt.catalog import Entity, loader
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence, Grade, worst
from gigawatt.core.quantities import parse

__all__ = ["BOUNDARIES", "DIRECT", "LIFE_CYCLE", "SUPPLY_CHAIN", "GridCarbon", "check_boundary",
"fuel_upstream", "grid_carbon",
           "read_leak", "residual_mix", "warming_20"]  # fmt: skip

DIRECT, SUPPLY_CHAIN, LIFE_CYCLE = "direct", "supply-chain", "life-cycle"
BOUNDARIES: Mapping[str, str] = {
    DIRECT: "what leaves the stacks of plants",
    SUPPLY_CHAIN: "the stacks, and what getting the fuel leaks and burns",
    LIFE_CYCLE: "stacks, fuel, and making the plants",
}
"""Values of the field ``carbon.boundary``, and what each counts."""
_MIX = {"solar_share": "solar", "wind_share": "wind"}


@dataclass(frozen=True)
class GridCarbon:
    """Mean carbon of a grid [kg/J] within every boundary, by name; ``own`` is that of its row, ``assumption``
    how the others were found."""

    by: Mapping[str, float]
    own: str
    assumption: Assumption


def check_boundary(boundary: str) -> str:
    """The boundary; an unknown one is an ``InputError`` of the key ``carbon.boundary``."""
    check_word("carbon.boundary", boundary, BOUNDARIES, "no such boundary of carbon")
    return boundary


def grid_carbon(row: Entity, mean: float) -> GridCarbon:
    """The carbon of a grid within each boundary.

    Parameters
    ----------
    row : Entity
        Of ``grids`` or ``grids_countries``.
    mean : float [kg/J]
        The year's, within the boundary of the row.
    """
    own = row.text("boundary", LIFE_CYCLE)
    making = _making(row)
    measured = _measured(row)
    if measured is not None:
        ratio, proof = measured
        direct = mean if own == DIRECT else mean / ratio
        whole = direct * ratio
        chain = max(direct, whole - making)
        how = f"{ratio:.3g} times direct is life cycle, by hours of both"
        grade, source = worst([Grade.modelled, proof.grade]), proof.source_id
    else:
        upstream = loader.entity("grids_defaults", "world").evidence("fossil_upstream")
        chain = mean * upstream.value if own == DIRECT else max(mean - making, 0.0)
        direct, whole = chain / upstream.value, chain + making
        how = f"fossil fuel adds {upstream.value - 1.0:.0%} before the stack"
        grade, source = worst([Grade.modelled, upstream.grade]), upstream.source_id
    by = {DIRECT: direct, SUPPLY_CHAIN: chain, LIFE_CYCLE: whole} | {own: mean}
    reason = f"the row is {own}; {how}, and making the clean plants of its mix is {making * 3.6e9:.1f} g/kWh"
    shown = ", ".join(f"{name} {value * 3.6e9:.0f}" for name, value in by.items()) + " g/kWh"
    return GridCarbon(by, own, Assumption("carbon.grid", shown, reason, grade, source))


def residual_mix(row: Entity, boundary: str, location: float) -> tuple[float, Assumption]:
    """(carbon of the residual mix of a grid's market [kg/J], how it is known).

    Parameters
    ----------
    row : Entity
        Of ``grids`` or ``grids_countries``; its ``residual_carbon`` counts what leaves the stacks.
    boundary : str
        What carbon counts. Beyond the stack, fossil fuel adds ``fossil_upstream``; the making of the plants
        is not known of a residual mix.
    location : float [kg/J]
        Mean of the grid within the boundary, which stands in where no residual mix is published.

    References
    ----------
    WRI (2015). GHG Protocol Scope 2 Guidance, table 6.3: contracts before residual mix before grid average.
    """
    if "residual_carbon" not in row.numbers:
        reason = "no residual mix is published for this grid; its average stands in"
        return location, Assumption("carbon.residual_mix", _grams(location), reason, Grade.guess, _RULE)
    proof = row.evidence("residual_carbon", 9999)
    upstream = loader.entity("grids_defaults", "world").evidence("fossil_upstream")
    value = proof.value * (1.0 if boundary == DIRECT else upstream.value)
    added = "" if boundary == DIRECT else f", {upstream.value - 1.0:.0%} added before the stack"
    reason = f"what no contract names in the market of {row.text('name', row.id)}, {proof.year}{added}"
    return value, proof.assumption("carbon.residual_mix", reason, _grams(value))


_RULE = "ghg-scope-2"


def _grams(value: float) -> str:
    return f"{value * 3.6e9:.0f} g/kWh"


def _measured(row: Entity) -> tuple[float, Evidence] | None:
    """(life cycle over direct of the latest year that has both, its row) of a grid with hours of carbon."""
    series = row.text("hours")
    if not series:
        return None
    market = loader.entity("grids_hours", series)
    if not {"carbon_direct", "carbon_life_cycle"} <= market.numbers.keys():
        return None
    both = [market.evidence(name, 9999) for name in ("carbon_life_cycle", "carbon_direct")]
    return both[0].value / both[1].value, both[0]


def _making(row: Entity) -> float:
    """Construction of the clean plants of a grid's mix [kg/J] of its mean kilowatt-hour."""
    plants = loader.table("plants")
    found = sum(
        (row.get(share, 0.0) or 0.0) * plants[plant].value("construction_carbon")
        for share, plant in _MIX.items()
    )
    firm = loader.entity("grids_defaults", "world").value("firm_construction")
    return found + (row.get("firm_clean_share", 0.0) or 0.0) * firm


def read_leak(text: str | None) -> float | None:
    """Share of the gas that leaks between well and plant: a region of the table ``methane``, or a share.

    Raises ``InputError`` of the key ``carbon.leak``.
    """
    if text is None:
        return None
    regions = {name: row for name, row in loader.table("methane").items() if "leak" in row.numbers}
    if text in regions:
        return regions[text].value("leak")
    try:
        share = parse(text, "1")
    except InputError:
        share = -1.0
    if not 0.0 <= share <= 0.2:
        raise InputError("not a leak of gas", key="carbon.leak", given=text, nearest=nearest(text, regions),
                         allowed=f"a share such as '2 %', at most 20 %, or {', '.join(regions)}")  # fmt: skip
    return share


def leaks(fuel: str) -> bool:
    """Whether a fuel of the catalog leaks gas before the plant."""
    return bool(fuel) and "upstream_co2" in loader.entity("fuels", fuel).numbers


def fuel_upstream(fuel: Entity, leak: float | None) -> tuple[float, float]:
    """(kg CO2e, of it kg methane) before the stack of a joule of heat of a fuel.

    ``leak``: share of it that leaks, which replaces the leak inside the fuel's own ``upstream_carbon``; the
    carbon dioxide of wells, plants and compressors stays. Fuels without ``upstream_co2`` leak no gas.
    """
    whole = fuel.get("upstream_carbon", 0.0) or 0.0
    if "upstream_co2" not in fuel.numbers:
        return whole, 0.0
    methane = loader.entity("methane", "fossil")
    burnt = fuel.value("upstream_co2")
    if leak is None:
        return whole, max(whole - burnt, 0.0) / methane.value("warming_100")
    leaked = leak / methane.value("heat")
    return burnt + leaked * methane.value("warming_100"), leaked


def warming_20() -> float:
    """kg CO2e that a kg of methane counts more in 20 years than in 100."""
    methane = loader.entity("methane", "fossil")
    return methane.value("warming_20") - methane.value("warming_100")

"""Money of a die that is known to be good: wafer, yield, harvesting, test, and what designing it cost.

price of a good die = (wafer / gross dies + sort test) / (share that is sold) , share = passed by the test

References
----------
Feng and Ma 2022, "Chiplet Actuary", DAC (design cost by area). Williams and Brown 1981 (what escapes a test).
Ahmad et al. 2022, google/chiplets-cost-model (test by seconds of a tester).
"""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Grade, worst
from gigawatt.technology.chiplets.yields import (
    die_yield,
    gross_dies,
    harvested_yield,
    known_good,
)

__all__ = [
    "DieCost",
    "Harvest",
    "design_cost",
    "die_cost",
    "good_die",
    "load_process",
    "nodes",
    "wafer_price",
]

RULES = "default"
_NRE_AREA = 300e-6  # m²: the die that published costs of a design are quoted for (Feng and Ma 2022)


@dataclass(frozen=True)
class Harvest:
    """``needed`` of ``units`` like parts, each ``unit_area`` [m²], must be good; the rest of the die too."""

    units: int
    needed: int
    unit_area: float


@dataclass(frozen=True)
class DieCost:
    """A die that passed its test. Money [$], areas [m²], shares.

    ``perfect`` is the yield without harvesting, ``sold`` with it, ``passed`` what the test lets through and
    ``quality`` how much of that is good. ``raw`` is silicon of one site on the wafer, ``lost`` what bad sites
    add, ``test`` the sort test of all sites; their sum is ``price``. ``design`` is a share of the design cost
    and 0 without a volume; it is not in ``price``.
    """

    node: str
    area: float
    gross: float
    perfect: float
    sold: float
    passed: float
    quality: float
    wafer: float
    raw: float
    lost: float
    test: float
    price: float
    low: float
    high: float
    design: float
    grade: Grade


def nodes() -> tuple[str, ...]:
    """Ids of the process nodes."""
    return tuple(table("chip_nodes"))


def load_process(id: str) -> Entity:
    """The row of a process node; an unknown one is named with its nearest.

    Raises
    ------
    InputError
        No such node.
    """
    try:
        return entity("chip_nodes", id)
    except InputError:
        raise InputError(
            "no such process node", key="node", given=id, allowed=nodes(), nearest=nearest(id, nodes())
        ) from None


def wafer_price(node: str, year: float) -> tuple[float, float, float]:
    """(value, low, high) of a 300 mm wafer of a node in a year [$].

    Raises
    ------
    InputError
        No such node.
    """
    return load_process(node).at("wafer_price", year)


def good_die(
    *, wafer: float, gross: float, sold: float, test: float = 0.0, quality: float = 1.0
) -> tuple[float, float, float]:
    """(silicon of one site, what bad sites add, test) of a sold die [$]; their sum is its price.

    Parameters
    ----------
    wafer : float [$]
        Price of a wafer.
    gross : float
        Sites on the wafer, ≥ 1.
    sold : float
        Share of sites that is good, above 0 to 1.
    test : float [$]
        Of one site.
    quality : float
        Share of passed dies that is good, above 0 to 1: what passes and is bad is not paid for twice here, it
        is wasted with its package.

    Raises
    ------
    InputError
        A number outside its range.
    """
    check_range("gross", gross, 1.0, 1e7, "dies")
    check_range("sold", sold, 0.0, 1.0, open_low=True)
    check_range("quality", quality, 0.0, 1.0, open_low=True)
    passed = min(sold / quality, 1.0)
    raw = wafer / gross
    return raw, raw * (1.0 / passed - 1.0), test / passed


def design_cost(node: str, area: float, *, reused: float = 0.0) -> float:
    """What designing a die costs once [$]: half and three tenths by area, a fifth fixed.

    Parameters
    ----------
    node : str
        A row of ``chip_nodes``.
    area : float [m²]
        Of the die.
    reused : float
        Share of the area whose modules are taken over, 0 to 1.

    Raises
    ------
    InputError
        No such node; a number outside its range.

    References
    ----------
    Feng and Ma 2022: shares 0.5 (modules), 0.3 (chip), 0.2 (fixed) of the cost of a 300 mm² die.
    """
    rules = entity("chip_rules", RULES)
    check_range("area", area, 0.0, 0.1, "m²", open_low=True)
    check_range("reused", reused, 0.0, 1.0)
    whole = load_process(node).value("design_cost")
    modules, chip = rules.value("design_modules"), rules.value("design_chip")
    size = area / _NRE_AREA
    return whole * (modules * size * (1.0 - reused) + chip * size + (1.0 - modules - chip))


def die_cost(
    node: str,
    area: float,
    *,
    year: float,
    harvest: Harvest | None = None,
    defect_density: float | None = None,
    coverage: float | None = None,
    volume: float | None = None,
) -> DieCost:
    """Money of a known good die of a node in a year, with the range of its wafer's price and defects.

    Parameters
    ----------
    node : str
        A row of ``chip_nodes``.
    area : float [m²]
        At most a reticle field; larger dies are stitched and priced by their package.
    year : float
        Of prices and defects.
    harvest : Harvest, optional
        Dies with some bad units are sold.
    defect_density : float, optional [1/m²]
        The node's of that year where left out.
    coverage : float, optional
        Share of faults found by the sort test.
    volume : float, optional
        Dies over which the design is spread.

    Raises
    ------
    InputError
        No such node; a die above the reticle; a number outside its range.
    """
    row, rules = load_process(node), entity("chip_rules", RULES)
    field = rules.value("reticle_width") * rules.value("reticle_height")
    if area > field * (1.0 + 1e-9):
        raise InputError(
            "a die above the reticle field",
            key="area",
            given=f"{area * 1e6:.0f} mm²",
            allowed=f"{field * 1e6:.0f} mm²: {area / field - 1:.0%} too large",
        )
    check_range("area", area, 0.0, field * 1.001, "m²", open_low=True)
    densities = row.at("defect_density", year) if defect_density is None else (defect_density,) * 3
    tested = rules.value("test_coverage") if coverage is None else coverage
    gross = float(gross_dies(area, edge=rules.value("wafer_edge"), scribe=rules.value("wafer_scribe")))
    perfect, sold = _sellable(row, area, densities[0], harvest)
    passed, quality = (float(x) for x in known_good(sold, tested))
    prices = row.at("wafer_price", year)
    test = rules.value("test_area") * area
    raw, lost, tests = good_die(wafer=prices[0], gross=gross, sold=sold, test=test, quality=quality)
    ends = [
        sum(
            good_die(
                wafer=price,
                gross=gross,
                sold=_sellable(row, area, density, harvest)[1],
                test=test,
                quality=quality,
            )
        )
        for price, density in zip(prices[1:], densities[1:], strict=True)
    ]
    grades = [row.evidence(name).grade for name in ("wafer_price", "defect_density", "clustering")]
    return DieCost(
        node=row.id,
        area=area,
        gross=gross,
        perfect=perfect,
        sold=sold,
        passed=passed,
        quality=quality,
        wafer=prices[0],
        raw=raw,
        lost=lost,
        test=tests,
        price=raw + lost + tests,
        low=min(*ends, raw + lost + tests),
        high=max(*ends, raw + lost + tests),
        design=0.0 if volume is None else design_cost(row.id, area) / volume,
        grade=worst(grades),
    )


def _sellable(row: Entity, area: float, density: float, harvest: Harvest | None) -> tuple[float, float]:
    """Shares of sites (without a defect, that can be sold) at a ``density`` of defects [1/m²]."""
    critical, clustering = row.value("critical"), row.value("clustering")
    perfect = float(die_yield(area, density, clustering=clustering, critical=critical))
    if harvest is None:
        return perfect, perfect
    left = area - harvest.units * harvest.unit_area
    if left < -1e-12:
        raise InputError(
            "units larger than the die",
            key="harvest",
            given=f"{harvest.units} × {harvest.unit_area * 1e6:.2f} mm²",
            allowed=f"{area * 1e6:.0f} mm² in all",
        )
    sold = harvested_yield(
        unit_area=harvest.unit_area * critical,
        units=harvest.units,
        needed=harvest.needed,
        shared_area=max(left, 0.0) * critical,
        defect_density=density,
        clustering=clustering,
    )
    return perfect, sold

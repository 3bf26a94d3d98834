"""Society, as numbers with stated priors: what a frontier model costs and who can pay for it, who owns
compute, what stays with hosts, what households pay, what a floor for everybody would take, value less cost.

What is in :data:`EXPLORATORY` rests on priors that nobody has measured for AI; its sign may be unsure. It is
marked so wherever it is told.

References
----------
Cottier et al. 2024, "The rising costs of training frontier AI models", arXiv:2405.21015; Havranek, Horvath
and Zeynalov 2016, "Natural resources and economic growth: a meta-analysis", World Development 88, 134-151;
Mehlum, Moene and Torvik 2006, "Institutions and the resource curse", The Economic Journal 116, 1-20.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.money.annuity import capital_recovery_factor
from gigawatt.outlook.frame import FIRST, LAST, YEARS, Frame
from gigawatt.outlook.paths import ANCHOR, since
from gigawatt.outlook.society.ownership import country_table, owner_futures

__all__ = ["BLOCKS", "EXPLORATORY", "LINEAR", "TOLD", "able", "curse_effect", "price_rise"]

Array = NDArray[np.float64]

_YEAR = np.asarray(YEARS, dtype=float)[None, :]
_AT = YEARS.index(ANCHOR)
_DOLLARS = (1e2, 1e16)
_LEAST = 1e-12  # W: not to divide by 0
_YEAR_S = 365.0 * 86400.0

TOLD: tuple[tuple[str, str, str, float, float], ...] = (
    ("run_energy", "GWh", "electricity of the largest run", 1e6, 1e22),
    ("run_cost", "M$", "cost of the largest run: machines written off, and power", *_DOLLARS),
    ("model_cost", "M$", "cost of its model, with trials and staff", *_DOLLARS),
    ("actors", "1", "firms and states of the list that can pay for such a model", 0.5, 5e2),
    ("hhi", "1", "Herfindahl-Hirschman index of owners of AI machines, points", 1e2, 1e4),
    ("largest_one", "1", "share of the largest owner", 1e-2, 1.0),
    ("largest_five", "1", "share of the five largest owners", 1e-2, 1.0),
    ("subsidy", "B$/yr", "yearly cost of a floor of tokens for everybody without", 1e-6, 1e10),
    ("rent_share", "1", "rents of a host country over its product", 1e-9, 1.0),
    ("rebound", "1", "part of the saving by efficiency that more use takes back", 1e-6, 1e6),
)  # fmt: skip
LINEAR: tuple[tuple[str, str, str, float, float], ...] = (
    ("compute_gini", "1", "Gini coefficient of AI machines over people by country", 0.0, 1.0),
    ("growth_effect", "percent/yr", "growth of a host by its rents", -2e-3 / _YEAR_S, 2e-3 / _YEAR_S),
    ("household_rise", "percent", "rise of US household bills by data centres", -0.2, 2.0),
    ("surplus", "B$/yr", "what AI earns less what it costs", -2e13 / _YEAR_S, 2e13 / _YEAR_S),
)
"""Name, unit, words and range (SI) of what is told; ``LINEAR`` may be 0 or below."""
EXPLORATORY = frozenset({
    "actors", "subsidy", "rent_share", "growth_effect", "household_rise", "surplus", "rebound",
    "power_without_gain", "compute_gini", "power_fusion", "power_space",
})  # fmt: skip
"""Outputs that are marked as exploratory."""


def able(cost: ArrayLike, money: ArrayLike, *, spread: float) -> Array:
    """How many actors can pay: the expected number whose money is at least the cost.

    Parameters
    ----------
    cost : array
        $/s or any unit of ``money``, above 0.
    money : array (actors,)
        What each has, above 0.
    spread : float
        Standard deviation of ln money about its row, the same for all, ≥ 0.

    Returns
    -------
    array
        Shape of ``cost``: Σ Φ(ln(money / cost) / spread), from 0 to the number of actors.

    Raises
    ------
    InputError
        A cost or money that is not above 0, a spread below 0.
    """
    ask, have = np.asarray(cost, dtype=float), np.asarray(money, dtype=float)
    for key, given in (("cost", ask), ("money", have)):
        if not np.all(given > 0.0):
            raise InputError("not money", key=key, given=float(np.min(given)), allowed="above 0")
    if not spread >= 0.0:
        raise InputError("not a spread", key="spread", given=spread, allowed="0 or more")
    ratio = np.log(have) - np.log(ask)[..., None]
    if spread == 0.0:
        return np.sum(ratio >= 0.0, axis=-1).astype(float)
    from scipy.special import ndtr  # pyright: ignore[reportMissingTypeStubs]

    return np.asarray(np.sum(ndtr(ratio / spread), axis=-1))


@lru_cache(maxsize=2)
def _counts(kind: str, spread: float) -> tuple[Array, Array]:
    """(ln cost, expected number of actors): a table fine enough that steps between nodes do not show."""
    rows = catalog.table("outlook_actors").values()
    money = np.array([row.value("money") for row in rows if row.text("kind") == kind])
    grid = np.linspace(math.log(money.min()) - 4.0, math.log(money.max()) + 4.0, 2048)
    return grid, able(np.exp(grid), money, spread=spread)


def curse_effect(sign: ArrayLike, size: ArrayLike, institutions: ArrayLike) -> Array:
    """Change of yearly growth by a share of rents in output, as studies of resources found it.

    Parameters
    ----------
    sign : array
        0 to 1, uniform: below the part of negative estimates, above one less that of positive ones, or
        between.
    size : array
        Size of the effect where there is one, ≥ 0 [1/yr by a share of one].
    institutions : array
        0 (grabber-friendly) to 1 (producer-friendly).

    Returns
    -------
    array
        Negative: −size (1 − q/q*), 0 from the threshold q* on; positive: size q/q*, at most size; else 0.

    Raises
    ------
    InputError
        A number outside its range.

    References
    ----------
    Havranek et al. 2016 (the parts); Mehlum et al. 2006, table 1 (the threshold 14.34/15.40).
    """
    u, m, q = (np.asarray(one, dtype=float) for one in (sign, size, institutions))
    for key, given, high in (("sign", u, 1.0), ("size", m, np.inf), ("institutions", q, 1.0)):
        if not np.all((given >= 0.0) & (given <= high)):
            raise InputError("out of range", key=key, given=float(np.min(given)), allowed=f"0 to {high:g}")
    row = catalog.table("outlook_society_published")
    down, up = row["R1"].value("curse_negative"), row["R1"].value("curse_positive")
    good = np.minimum(q / row["R2"].value("threshold"), 1.0)
    return np.where(u < down, -m * (1.0 - good), np.where(u >= 1.0 - up, m * good, 0.0))


def price_rise(added: ArrayLike, other: ArrayLike, elasticity: ArrayLike, part: ArrayLike) -> Array:
    """Relative rise of bills when demand grows against a supply of constant elasticity.

    Parameters
    ----------
    added, other : array
        Demand that is added, and demand without it; ``other`` > 0, together > 0.
    elasticity : array
        Of supply to price, > 0.
    part : array
        Share of the bill that follows the price, 0 to 1.

    Returns
    -------
    array
        part ((1 + added/other)^(1/elasticity) − 1); other demand is taken not to answer.

    Raises
    ------
    InputError
        Demand or elasticity not above 0.
    """
    more, base, e = (np.asarray(one, dtype=float) for one in (added, other, elasticity))
    if not np.all(base > 0.0) or not np.all(base + more > 0.0):
        raise InputError("not a demand", key="other", given=float(np.min(base)), allowed="above 0")
    if not np.all(e > 0.0):
        raise InputError("not an elasticity", key="elasticity", given=float(np.min(e)), allowed="above 0")
    return np.asarray(part * np.expm1(np.log1p(more / base) / e))


BLOCKS = Frame()
"""The blocks of this module."""


@BLOCKS.block("run_energy [J]", "run_cost [$]", "model_cost [$]", "machine_year [1/s]")
def frontier(
    leading_power: Array,
    run_watts: Array,
    run_time: Array,
    draw: Array,
    machine_price: Array,
    machine_part: Array,
    amortised_life: Array,
    building_life: Array,
    money_rate: Array,
    busy_share: Array,
    price_ai: Array,
    trial_factor: Array,
    staff_part: Array,
) -> tuple[Array, Array, Array, Array]:
    """Energy and cost of the largest run; cost of the model; and what a second of a dollar of machines costs.

    Machines of the run, at their price of the year, written off over their lives with the cost of capital,
    and idle hours carried by busy ones; power at the price of AI's electricity. The model's cost has the
    trials before, and staff as a share of all.
    """
    rate = machine_part * capital_recovery_factor(rate=money_rate, life=amortised_life)
    rate = (rate + (1.0 - machine_part) * capital_recovery_factor(rate=money_rate, life=building_life)) / (
        factor("yr") * busy_share
    )
    energy = leading_power * draw * run_time
    run = leading_power / run_watts * machine_price * rate * run_time + energy * price_ai
    return energy, run, run * trial_factor / (1.0 - staff_part), rate * busy_share


@BLOCKS.block("actors [1]")
def payers(
    model_cost: Array,
    feasible_part: Array,
    capital: Array,
    output: Array,
) -> Array:
    """Actors of the list that can pay for a model of the largest run once a year; one at least, who makes it.

    Money of firms grows as spending on AI does, that of states as the world's product. Nobody enters.
    """
    year = factor("yr")
    ask = np.log(model_cost / feasible_part / year)
    spread = catalog.entity("outlook_society_settings", "actors").value("spread")
    found = np.zeros(np.broadcast_shapes(ask.shape, capital.shape))
    for kind, money in (("firm", capital), ("state", output)):
        grid, count = _counts(kind, spread)
        at = ask - np.log(money / money[:, _AT : _AT + 1])
        place = np.clip((at - grid[0]) / (grid[1] - grid[0]), 0.0, len(grid) - 1.0)
        found += count[place.astype(np.intp)]
    return np.maximum(found, 1.0)


@BLOCKS.block("hhi [1]", "largest_one [1]", "largest_five [1]")
def owners_of_compute(owner_row: Array) -> tuple[Array, Array, Array]:
    """Concentration of owners, one drawn future a draw."""
    futures = owner_futures()
    rows = np.minimum(owner_row[:, 0].astype(np.intp), len(futures.hhi) - 1)
    return futures.hhi[rows], futures.one[rows], futures.five[rows]


@BLOCKS.block("compute_gini [1]")
def over_countries(country_share: Array, spread_rate: Array) -> Array:
    """Gini coefficient of machines over people by country; of what is tracked."""
    return country_table().at(country_share, spread_rate * factor("yr") * since(ANCHOR))


@lru_cache(maxsize=1)
def _hosts() -> tuple[Array, Array]:
    rows = catalog.table("outlook_hosts").values()
    return np.array([row.value("part") for row in rows]), np.array([row.value("output") for row in rows])


@BLOCKS.block("rent_share [1]", "growth_effect [1/s]")
def hosts(
    ai_nameplate: Array,
    country_share: Array,
    ai_china: Array,
    host_row: Array,
    host_growth: Array,
    host_take: Array,
    output: Array,
    curse_sign: Array,
    curse_size: Array,
    institutions: Array,
) -> tuple[Array, Array]:
    """Rents of a host country over its product, and what studies of resources would have them do to growth.

    Its part of AI power outside the United States and China is reached in a line by 2040.
    """
    part, product = _hosts()
    row = np.minimum(host_row[:, 0].astype(np.intp), len(part) - 1)
    ramp = np.clip((_YEAR - FIRST) / (2040.0 - FIRST), 0.0, 1.0)
    share = np.minimum(part[row][:, None] * host_growth, 1.0)
    power = ai_nameplate * (1.0 - country_share) * (1.0 - ai_china) * share * ramp
    grown = product[row][:, None] * output / output[:, _AT : _AT + 1]
    rents = power * host_take / grown
    return rents, rents * curse_effect(curse_sign, curse_size, institutions) / factor("yr")


@BLOCKS.block("household_rise [1]")
def households(
    electricity_us: Array,
    demand_2024: Array,
    demand_growth: Array,
    supply_elasticity: Array,
    supply_memory: Array,
    household_part: Array,
) -> Array:
    """Relative rise of US household bills by what data centres have added of late.

    Demand to which supply has not yet answered counts: what was added, less what fades within the memory.
    """
    other = (demand_2024 - electricity_us[:, :1]) * demand_growth ** since(FIRST)
    forget = np.exp(-factor("yr") / supply_memory)
    pressing = np.zeros_like(electricity_us)
    for t in range(1, pressing.shape[1]):
        pressing[:, t] = pressing[:, t - 1] * forget[:, 0] + electricity_us[:, t] - electricity_us[:, t - 1]
    base = other + electricity_us - pressing
    return price_rise(pressing, np.maximum(base, 0.1 * other), supply_elasticity, household_part)


@BLOCKS.block("subsidy [$/s]")
def floor(
    users: Array,
    population_2025: Array,
    population_2050: Array,
    floor_tokens: Array,
    answer_energy: Array,
    answer_tokens: Array,
    prompt_share: Array,
    machine_price: Array,
    machine_year: Array,
    chip_watts: Array,
    overhead: Array,
    pue_mean: Array,
    busy_share: Array,
    draw: Array,
    price_ai: Array,
    service_part: Array,
) -> Array:
    """Yearly cost of giving everybody without AI a floor of tokens, at what a token costs.

    A token costs the machine for as long as it takes at the watts of a machine that decodes, its power, and
    what comes on top. ``answer_energy`` follows the served model of the draw.
    """
    part = (_YEAR - ANCHOR) / float(LAST - ANCHOR)
    people = population_2025 * (population_2050 / population_2025) ** part
    without = np.maximum(people - users, 0.0)
    joules = answer_energy / answer_tokens * (1.0 - prompt_share)
    watts = np.maximum(chip_watts * overhead * pue_mean * draw, _LEAST)
    joule_price = machine_price * machine_year / busy_share / watts + price_ai
    return without * floor_tokens * joules * joule_price * service_part


@BLOCKS.block("surplus [$/s]")
def value_less_cost(
    revenue: Array,
    stock: Array,
    machine_price: Array,
    machine_year: Array,
    ai_power: Array,
    price_ai: Array,
    other_cost: Array,
) -> Array:
    """Revenue (users to the drawn power β) less machines, power and other costs, a year.

    Machines at today's price for what they do, written off over their lives; what users gain beyond what they
    pay is not in.
    """
    return revenue * (1.0 - other_cost) - stock * machine_price * machine_year - ai_power * price_ai

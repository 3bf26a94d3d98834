"""Substrates compared: measured quality against joules and dollars per token.

Quality is the perplexity of a stored functional run (table ``technologies_measured``) over that of the same
model as it was trained; energy and time are those of the roll-up at one scope. A substrate without a run
has a cost but no quality, and is on no front. The runs are of a model of 135 million weights, which suffers
more from few bits than larger ones: their increases are shown as they are, never carried over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gigawatt import catalog
from gigawatt.catalog.loader import entity, table
from gigawatt.chain.bands import Band, bands
from gigawatt.core.checks import check_word
from gigawatt.core.errors import GigawattError, InputError, MissingDataError, nearest
from gigawatt.machine.load import load_chip, load_node
from gigawatt.machine.prices import bought_in
from gigawatt.money.annuity import SECONDS_PER_YEAR, capital_recovery_factor
from gigawatt.schema.values import YEAR
from gigawatt.technology.digital import formats as digital
from gigawatt.technology.measured import Measured, carried, measured
from gigawatt.technology.registry import load_substrate, model_of
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.technology.token import TokenCost
from gigawatt.workload import read_architecture
from gigawatt.workload.architecture import Architecture

__all__ = [
    "CAVEAT",
    "SCOPES_COMPARED",
    "Comparison",
    "Row",
    "compare",
    "list_substrates",
    "money_of",
    "read_model",
    "read_substrate",
    "with_bands",
]

SCOPES_COMPARED = ("chip", "system")
CAVEAT = (
    "measured on a model of 135 million weights, which loses more to few bits than a larger one: "
    "not carried over to this model"
)


def read_model(name: str) -> Architecture:
    """A model of the catalog, one of this room's own (``technologies_models``), or a ``config.json``."""
    own = table("technologies_models")
    if name in own:
        return read_architecture(catalog.path(f"technologies/{own[name].text('file')}"))
    return read_architecture(name)


def read_substrate(text: str) -> Substrate:
    """A substrate of the catalog with changes behind it, settings checked; NorthPole has a row of its own.

    Raises
    ------
    InputError
        No such substrate or setting, or one outside its range.
    """
    name = text.partition(":")[0].strip()
    if name in table("near_memory"):
        return Substrate(
            text, name, "near_memory",
            {"machine": name, "weights": "int4", "activations": "int8", "cache": "int8"},
        )  # fmt: skip
    return load_substrate(text)


def list_substrates() -> list[str]:
    """Ids of every substrate that the catalog has: rows of ``substrates``, and near-memory machines."""
    rows = list(table("substrates")) if "substrates" in catalog.tables() else []
    return [*rows, *(name for name in table("near_memory") if name not in rows)]


_PRICES = (
    "year", "supply.price", "economics.discount_rate", "economics.chip_life", "economics.chip_price",
    "economics.chip_bought",
)  # fmt: skip
"""Fields of a scenario that the dollars of a token follow from."""


@dataclass(frozen=True)
class Prices:
    """Terms of the dollars of a token; ``None`` is the catalog's.

    ``electricity`` [$/J], ``rate`` [1/yr], ``life`` [s] of what is bought, price of a ``chip`` [$] and
    ``year`` in which it is bought.
    """

    electricity: float | None = None
    rate: float | None = None
    life: float | None = None
    chip: float | None = None
    year: int = YEAR


def read_prices(settings: Mapping[str, object]) -> Prices:
    """Terms from fields of a scenario, such as ``{"supply.price": "40 $/MWh"}``.

    Raises
    ------
    InputError
        A field that the comparison has no use for, or a value that cannot be read.
    """
    from gigawatt.chain.question_words import HERE, Words  # the reader of scenarios comes with it
    from gigawatt.schema.changed import scenario_of

    said = Words("technologies compare", {})
    said.settings(settings)
    with said.named():
        for key in said.values:
            if key not in _PRICES:
                raise InputError("technologies compare does not use this field", key=key,
                                 allowed=", ".join(_PRICES), nearest=nearest(key, _PRICES))  # fmt: skip
        given = scenario_of({"site.name": "texas", "load": {}, **said.values}, HERE).scenario
    money = given.economics
    return Prices(
        given.supply.price, money.discount_rate, money.chip_life, money.chip_price,
        money.chip_bought or given.year,
    )  # fmt: skip


def money_of(cost: TokenCost, scope: str, prices: Prices | None = None) -> float:
    """Dollars of a token: capital over its life and the joules of ``scope``.

    At chip scope the dies alone, at system scope their share of the node too. A substrate's own silicon is
    priced by its area.

    Raises
    ------
    InputError
        Another scope.
    """
    check_word("scope", scope, SCOPES_COMPARED, "no price at this scope")
    prices = prices or Prices()
    row, finance = entity("technologies_money", "default"), entity("finance", "hyperscaler")
    rate = finance.value("discount_rate") if prices.rate is None else prices.rate
    recovery = float(capital_recovery_factor(rate=rate, life=prices.life or finance.value("chip_life")))
    capital = model_of(cost.technology).capital(cost)
    if capital is None:
        chip = bought_in(load_chip(cost.chip), prices.year)
        price = chip.price if prices.chip is None else prices.chip
        capital = cost.chips * price + cost.area * row.value("silicon")
        node = entity("chips", chip.id).text("default_node")
        if scope == "system" and node:
            server = load_node(node)
            capital += cost.chips * server.price / server.chips
    seconds = cost.step_time / cost.batch
    owned = capital * recovery / (SECONDS_PER_YEAR * row.value("utilisation")) * seconds
    electricity = row.value("electricity") if prices.electricity is None else prices.electricity
    return owned + cost.joules(scope) * electricity


@dataclass(frozen=True)
class Row:
    """One substrate of a comparison: its cost, its measured quality, its fronts."""

    substrate: Substrate
    cost: TokenCost
    quality: Measured | None
    money: dict[str, float]
    fronts: tuple[str, ...]
    bands: Mapping[str, Band] = field(default_factory=lambda: {})

    def to_json(self) -> dict[str, Any]:
        """Stable keys; plain numbers, ``None`` where nothing was measured."""
        q = self.quality
        return {
            "substrate": self.substrate.id,
            "name": self.substrate.name,
            "technology": self.substrate.technology,
            "settings": dict(self.substrate.settings),
            "perplexity_ratio": None if q is None else q.ratio,
            "perplexity": None if q is None else q.perplexity,
            "perplexity_base": None if q is None else q.base,
            "perplexity_ratio_low": None if q is None else q.low,
            "perplexity_ratio_high": None if q is None else q.high,
            "measured_on": None if q is None else q.model,
            "joules": {scope: self.cost.joules(scope) for scope in SCOPES_COMPARED},
            "dollars": self.money,
            "step_time": self.cost.step_time,
            "mapped_energy": self.cost.mapped_energy,
            "amdahl": self.cost.amdahl,
            "fronts": list(self.fronts),
            "bands": {name: band.to_json() for name, band in self.bands.items()},
            "cost": self.cost.to_json(),
        }


@dataclass(frozen=True)
class Comparison:
    """Substrates on one model and one digital chip; ``refused`` says which have no cost, and why."""

    model: str
    chip: str
    batch: float
    context: float
    rows: tuple[Row, ...]
    refused: tuple[tuple[str, str], ...]
    prices: Prices = Prices()

    def to_json(self) -> dict[str, Any]:
        """The document of ``gigawatt technologies compare --json``."""
        return {
            "model": self.model,
            "chip": self.chip,
            "batch": self.batch,
            "context": self.context,
            "caveat": CAVEAT,
            "scopes": list(SCOPES_COMPARED),
            "rows": [row.to_json() for row in self.rows],
            "refused": [{"substrate": name, "reason": reason} for name, reason in self.refused],
        }


def _front(points: Sequence[tuple[int, float, float]]) -> set[int]:
    """Indices of the points that no other is at least as low as in both numbers, and lower in one."""
    kept: set[int] = set()
    for index, x, y in points:
        beaten = any(a <= x and b <= y and (a < x or b < y) for other, a, b in points if other != index)
        if not beaten:
            kept.add(index)
    return kept


def compare(
    *,
    model: str = "llama-3.1-8b",
    substrates: Sequence[str | Substrate] | None = None,
    chip: str = digital.CHIP,
    batch: float = 1.0,
    context: float = 512.0,
    qualities: Mapping[str, Measured] | None = None,
    prices: Prices | None = None,
) -> Comparison:
    """Every substrate's cost per token and measured quality, with the fronts.

    Parameters
    ----------
    model : str
        Whose tokens are priced.
    substrates : sequence, optional
        Names with changes, or substrates; all of the catalog where left out.
    chip : str
        The digital machine, or the host of what is not digital.
    batch, context : float
        Sequences, ≥ 1, and tokens behind each.
    qualities : mapping of id to Measured, optional
        Runs that are taken in place of the stored ones.
    prices : Prices, optional
        Terms of the dollars.

    Returns
    -------
    Comparison
        Fronts ``joules chip``, ``joules system``, ``dollars chip``, ``dollars system``, each with quality.

    Raises
    ------
    InputError
        No such model, chip or substrate.
    MissingDataError
        The catalog has no substrate.
    """
    architecture, machine = read_model(model), load_chip(chip)
    names = list_substrates() if substrates is None else list(substrates)
    if not names:
        raise MissingDataError(
            "the catalog has no substrate", key="substrates", allowed="rows in substrates.csv"
        )
    made: list[tuple[Substrate, TokenCost, Measured | None]] = []
    refused: list[tuple[str, str]] = []
    for one in names:
        substrate = read_substrate(one) if isinstance(one, str) else one
        quality = measured(substrate.id) if qualities is None else qualities.get(substrate.id)
        counted = {} if quality is None else carried(quality, architecture.name)
        try:
            cost = token_cost(substrate, architecture, counted, chip=machine, batch=batch, context=context)
        except GigawattError as error:
            if substrates is not None:
                raise
            refused.append((substrate.id, str(error)))
            continue
        made.append((substrate, cost, quality))
    money = [{scope: money_of(cost, scope, prices) for scope in SCOPES_COMPARED} for _, cost, _ in made]
    fronts: dict[int, list[str]] = {index: [] for index in range(len(made))}
    for scope in SCOPES_COMPARED:
        for kind in ("joules", "dollars"):
            points = [
                (index, cost.joules(scope) if kind == "joules" else money[index][scope], quality.ratio)
                for index, (_, cost, quality) in enumerate(made)
                if quality is not None
            ]
            for index in _front(points):
                fronts[index].append(f"{kind} {scope}")
    rows = tuple(
        Row(substrate, cost, quality, money[index], tuple(fronts[index]))
        for index, (substrate, cost, quality) in enumerate(made)
    )
    return Comparison(architecture.name, machine.id, batch, context, rows, tuple(refused), prices or Prices())


def with_bands(
    found: Comparison,
    progress: Callable[[str, float], None] | None = None,
) -> Comparison:
    """The comparison with a band on every number: ``joules chip``, ``dollars system`` …, of each row.

    Bands are those of :func:`gigawatt.chain.bands.bands`: from the ranges of catalog rows, not from what a
    run counted. Some twenty CPU seconds for all substrates of the catalog.
    """

    def computation(row: Row) -> Callable[[], Mapping[str, float]]:
        architecture = read_model(found.model)
        counted = {} if row.quality is None else carried(row.quality, architecture.name)

        def compute() -> Mapping[str, float]:
            cost = token_cost(
                row.substrate,
                architecture,
                counted,
                chip=found.chip,
                batch=found.batch,
                context=found.context,
            )
            joules = {f"joules {scope}": cost.joules(scope) for scope in SCOPES_COMPARED}
            return joules | {
                f"dollars {scope}": money_of(cost, scope, found.prices) for scope in SCOPES_COMPARED
            }

        return compute

    made = bands({row.substrate.id: computation(row) for row in found.rows}, progress)
    rows = tuple(replace(row, bands=made.get(row.substrate.id, row.bands)) for row in found.rows)
    return replace(found, rows=rows)

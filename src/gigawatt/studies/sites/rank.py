"""One scenario at many sites, each an ordinary scenario, on the processes of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gigawatt import catalog
from gigawatt.chain.graph import graph_of
from gigawatt.core.errors import InputError
from gigawatt.facility import load_site
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.schema.fields import SERVING, TRAINING
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.sweep.evaluate import Row, Task
from gigawatt.studies.sweep.points import Point
from gigawatt.studies.sweep.pools import Pool, pool_of

__all__ = ["CRITERIA", "SITE", "Asked", "Ranked", "best_of", "columns_of", "rank", "sites_named"]

SITE, ALL = "site.name", "all"
_MWH, _GRAM = 3.6e9, 3.6e9


@dataclass(frozen=True)
class Asked:
    """A column: the quantity that is read, its key, and the factor from SI."""

    quantity: str
    key: str
    scale: float = 1.0


_POWER = (
    Asked("supply.electricity_cost", "cost_USD_per_MWh", _MWH),
    Asked("supply.carbon_intensity", "carbon_g_per_kWh", _GRAM),
    Asked("supply.complete", "complete", 1.0 / SECONDS_PER_YEAR),
    Asked("supply.lolh", "lolh_h", 1.0 / 3600.0),
    Asked("supply.eue", "eue_MWh", 1.0 / _MWH),
    Asked("supply.mix", "mix"),
    Asked("facility.pue", "pue"),
)
_BY_BRANCH = {
    TRAINING: (
        Asked("training.duration", "duration_days", 1.0 / 86400.0),
        Asked("ledger.run_cost", "run_cost_USD"),
        Asked("ledger.run_carbon", "run_carbon_t", 1e-3),
    ),
    SERVING: (
        Asked("economics.cost_million_output", "cost_USD_per_million_output", 1e6),
        Asked("economics.carbon_operational_million_output", "carbon_g_per_million_output", 1e9),
    ),
}
CRITERIA = {"cost": "cost_USD_per_MWh", "carbon": "carbon_g_per_kWh", "date": "complete", "short": "lolh_h"}
"""What sites are ranked by → the key of it; less is better."""


@dataclass(frozen=True)
class Ranked:
    """Rows of sites that have an answer, and (site, reason) of those that have none."""

    rows: tuple[dict[str, Any], ...]
    refused: tuple[tuple[str, str], ...]
    seconds: float


def sites_named(text: str) -> tuple[str, ...]:
    """Ids of the sites that a text names: ``all``, countries, and places.

    Raises
    ------
    InputError
        A name that no place has.
    """
    own, others = catalog.table("sites"), catalog.table("places")
    if text.strip() == ALL:
        return (*own, *(name for name in others if name not in own))
    found: list[str] = []
    for word in (one.strip() for one in text.split(",")):
        if not word:
            raise InputError("an empty name", key="sites", given=text, allowed="names with commas between")
        here = [
            row.id for rows in (own, others) for row in rows.values()
            if row.text("country").lower() == word.lower()
        ]  # fmt: skip
        if here:
            found.extend(here)
            continue
        try:
            found.append(load_site(word).id)
        except InputError as error:
            error.key = "sites"
            raise
    return tuple(dict.fromkeys(found))


def columns_of(loaded: LoadedScenario) -> tuple[Asked, ...]:
    """What is read of the scenario at each site: of its power, and of its run or service."""
    graph = graph_of(loaded)
    branch = next((one for name, one in _BY_BRANCH.items() if one[0].quantity in graph.nodes), ())
    return tuple(one for one in (*_POWER, *branch) if one.quantity in graph.nodes)


def rank(
    loaded: LoadedScenario,
    sites: Sequence[str],
    *,
    workers: int = 1,
    told: Callable[[Row, int], None] | None = None,
    pool: Pool | None = None,
) -> Ranked:
    """The scenario at each site.

    Parameters
    ----------
    loaded : LoadedScenario
        Whose site is each of ``sites`` in turn; all else stays.
    sites : sequence of str
        Ids.
    workers : int
        Processes; 1 computes in this one.
    told : callable, optional
        Called with each row as it comes and how many have come.
    pool : Pool, optional
        Where to compute; it is not closed.

    Raises
    ------
    InputError
        A scenario that buys at one price: its sites differ in nothing that is ranked.
    """
    columns = columns_of(loaded)
    if not any(one.quantity == "supply.electricity_cost" for one in columns):
        raise InputError("this scenario plans no supply", key="supply", allowed="a scenario with a supply")
    read = tuple(one.quantity for one in columns)
    waiting = [
        Task(loaded, read, (name,), (Point({SITE: name}, {}, {SITE: name}),)) for name in reversed(sites)
    ]
    crew = pool_of(min(workers, max(len(sites), 1)), None) if pool is None else pool
    rows: dict[str, Row] = {}
    try:
        running = 0
        while waiting or running:
            for slot in crew.free:
                if not waiting:
                    break
                crew.give(slot, waiting.pop())
                running += 1
            for _, _, answer in crew.take(1.0):
                running -= 1
                for row in answer.rows:
                    rows[row.key] = row
                    if told is not None:
                        told(row, len(rows))
    finally:
        if pool is None:
            crew.close()
    kept = [rows[name] for name in sites]
    faults = [row for row in kept if row.fault]
    if faults:
        raise RuntimeError(f"{faults[0].key}: {faults[0].fault}")
    return Ranked(
        tuple(_row(row, columns) for row in kept if not row.error),
        tuple((row.key, row.error) for row in kept if row.error),
        sum(row.seconds for row in kept),
    )


def _row(row: Row, columns: Sequence[Asked]) -> dict[str, Any]:
    site = load_site(row.key)
    found: dict[str, Any] = {
        "site": site.id, "name": site.name, "country": site.country, "latitude": site.latitude,
        "longitude": site.longitude,
    }  # fmt: skip
    for one in columns:
        value = row.values[one.quantity]
        found[one.key] = value * one.scale if isinstance(value, float) else value
    return found


def best_of(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Sites that no other beats: none is as good by every criterion and better by one."""
    keys = tuple(CRITERIA.values())

    def beats(one: dict[str, Any], other: dict[str, Any]) -> bool:
        pairs = [(one[key], other[key]) for key in keys]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    return tuple(row["site"] for row in rows if not any(beats(other, row) for other in rows))

"""Times of the yearly supply plan, and its distance from HiGHS on the same programme.

    python benchmarks/supply_plan.py [--highs] [--weather FILE] [--case WORD]

The sites and loads of the shipped examples, as the whole chain asks for them; then six plants of the catalog
(grid limited to 30 % of the load, sun, wind, battery, gas, small reactor) that carry a 1 GW load through
8,760 hours, without and with carbon limits. Their weather is synthetic, or real years where ``--weather``
names a Parquet file with columns ``site, year, hour, cf_solar, cf_wind`` (capacity factor times 10⁴).
Then ten weather years of a shipped series in one programme, and one year with every plant of the catalog:
to be chosen from, and each built with 20 MW at least (5 MW of a store inside another).
``--case`` keeps the cases with this word in their name. ``--highs`` solves every year with HiGHS too (a
minute or more each) and prints the relative difference of the objective; ``--clarabel`` plans with the
general interior point in place of the one of hours, and prints how many times as long it takes. CPU-s are the
process's, of one call of ``plan``, with reading the weather, the catalog and the facility left out.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.chain.graph import CHAIN
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.study import Study
from gigawatt.core.graph import GraphError
from gigawatt.facility.years import load_years
from gigawatt.money import capital_recovery_factor
from gigawatt.power import Problem, build_plant, default_not_served_price, list_plants, plan
from gigawatt.power.solve import solve

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
HOURS = 8760
MWH, KWH = 3.6e9, 3.6e6
SIX = ("grid", "solar", "wind", "battery", "gas-combined-cycle", "fission-small")
TEN = ("texas", tuple(range(2015, 2025)))
SITES = (("texas", 2019), ("virginia", 2021), ("germany", 2018))


def synthetic() -> tuple[np.ndarray, np.ndarray]:
    rng, h = np.random.default_rng(7), np.arange(HOURS)
    sun = np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0, 1) * rng.uniform(0.4, 1, 365).repeat(24)
    calm = np.convolve(rng.normal(size=HOURS + 47), np.ones(48) / 48, "valid")
    return sun, np.clip(0.35 + 1.5 * calm, 0, 1)


def measured(file: str, site: str, year: int) -> tuple[np.ndarray, np.ndarray]:
    import duckdb

    query = "select cf_solar, cf_wind from read_parquet(?) where site = ? and year = ? order by hour"
    table = duckdb.execute(query, [file, site, year]).fetchnumpy()
    sun, wind = (np.minimum(np.asarray(table[c], float)[:HOURS] / 1e4, 1.0) for c in ("cf_solar", "cf_wind"))
    return sun, wind


def park(sun: np.ndarray, wind: np.ndarray, names: Sequence[str] = SIX, year: int = 2030) -> list:
    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=0.07, life=life))

    h = np.arange(len(sun))
    price = (55 + 20 * np.sin((h % 24 - 12) / 24 * 2 * np.pi) + 10 * np.cos(h / HOURS * 4 * np.pi)) / MWH
    carbon = (0.35 + 0.07 * np.cos(h / 24 * 2 * np.pi)) / KWH
    more = {
        "grid": {"price": price, "carbon": carbon, "limit": 3e8},
        "solar": {"profile": sun},
        "wind": {"profile": wind},
        "space-solar": {"profile": np.ones(len(sun))},
        "hydro": {"profile": 0.4 + 0.2 * np.sin(h / HOURS * 2 * np.pi), "limit": 2e8},
    }
    return [build_plant(n, year=year, capital_recovery=recovery, **more.get(n, {})) for n in names]


def examples() -> dict[str, dict[str, Any]]:
    """What the chain asks of ``plan`` for every shipped example."""
    asked: dict[str, dict[str, Any]] = {}
    names = ("facility.load", "supply.candidates", "supply.carbon_limit", "supply.carbon_price")
    for file in sorted(EXAMPLES.glob("*.yaml")):
        if "\nsite:" not in file.read_text(encoding="utf-8"):
            continue  # a study of many scenarios
        try:
            values = CHAIN.evaluate(fill_leaves(Study.read(file).loaded)[0])
        except GraphError:  # an example of serving: its load comes from another chain
            continue
        load, plants, limit, price = (values[name].value for name in names)
        asked[file.stem] = {
            "load": np.asarray(load.facility),
            "plants": plants,
            "not_served_price": values["supply.not_served_price"].value,
            "carbon_limit": limit,
            "carbon_price": price,
        }
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--highs", action="store_true", help="solve with HiGHS too and compare")
    parser.add_argument("--clarabel", action="store_true", help="plan with Clarabel too and compare")
    parser.add_argument("--weather", help="Parquet file of real years")
    parser.add_argument("--case", default="", help="only cases with this word in their name")
    options = parser.parse_args()
    cases = examples()
    years = {"synthetic": synthetic()}
    if options.weather:
        years = {f"{s} {y}": measured(options.weather, s, y) for s, y in SITES}
    load = 1e9 * (1 + 0.05 * np.sin(np.arange(HOURS) / 24 * 2 * np.pi))
    lost = default_not_served_price()[0]
    for name, (sun, wind) in years.items():
        plants = park(sun, wind)
        for grams in (None, 100, 20):
            limit = None if grams is None else grams / 1e3 / KWH
            case = f"{name}, {'no limit' if grams is None else f'{grams} g/kWh'}"
            cases[case] = {"load": load, "plants": plants, "not_served_price": lost, "carbon_limit": limit}
    ten = load_years(TEN[0], years=TEN[1])
    sun, wind = np.concatenate([one.solar for one in ten]), np.concatenate([one.wind for one in ten])
    several, one = park(sun, wind), park(ten[-1].solar, ten[-1].wind, list_plants())
    for grams in (100, 20):
        rest = {"not_served_price": lost, "carbon_limit": grams / 1e3 / KWH}
        cases[f"{TEN[0]} ten years, {grams} g/kWh"] = {
            "load": np.tile(load, len(ten)),
            "plants": several,
            "years": len(ten),
            **rest,
        }
        cases[f"{len(one)} plants, {grams} g/kWh"] = {"load": load, "plants": one, **rest}
        built = [replace(plant, minimum=5e6 if plant.host else 2e7) for plant in one]
        cases[f"{len(one)} plants built, {grams} g/kWh"] = {"load": load, "plants": built, **rest}
    head = ("build s", 9), ("plan CPU-s", 11), ("iter", 6), ("$/MWh", 9), ("g/kWh", 8), ("gap", 10)
    head += (("HiGHS s", 9), ("diff", 10)) if options.highs else ()
    head += (("Clarabel", 10), ("ratio", 7), ("diff", 10)) if options.clarabel else ()
    print(f"{'case':28}" + "".join(f"{word:>{width}}" for word, width in head))
    for case, asked in cases.items():
        if options.case not in case:
            continue
        start = time.perf_counter()
        programme = Problem(**asked).programme()
        built = time.perf_counter() - start
        start = time.process_time()
        found = plan(**asked)
        spent = time.process_time() - start
        line = f"{case:28}{built:9.3f}{spent:11.2f}{found.iterations:6}{found.cost_per_energy * MWH:9.2f}"
        line += f"{found.carbon_intensity * KWH * 1e3:8.1f}{found.gap:10.1e}"
        if options.highs:
            given = {"A": programme.A, "b": programme.b, "cost": programme.cost}
            check = solve(**given, equalities=programme.equalities, solver="highs")
            ours = found.objective / (10 / MWH * 3600 * programme.power_unit)
            line += f"{check.seconds:9.1f}{(ours - check.objective) / check.objective:10.1e}"
        if options.clarabel:
            start = time.process_time()
            other = plan(**asked, solver="clarabel")
            theirs = time.process_time() - start
            far = (found.objective - other.objective) / other.objective
            line += f"{theirs:10.2f}{theirs / spent:7.2f}{far:10.1e}"
        print(line, flush=True)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

"""Random supply plans: is every one solved to a gap of 1e-6, or refused with its cause, and equal to HiGHS?

    python benchmarks/supply_cases.py [--cases 200] [--first 0] [--hours 720] [--no-highs]

A case draws a site (sun and wind of its own climate), a load, some of a dozen plants with costs, limits,
ramps, minimum loads and stores, and one or more of the limits: carbon, price of carbon, hourly matching,
energy not served, a load that gives way, several weather years. What is refused must name its cause. CPU-s
are of one ``solve_problem``. The difference is of the objectives, relative, where HiGHS finishes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.power.flexible import Flexible
from gigawatt.power.plan.plan import solve_problem
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plants.plant import Plant, Storage

MWH, KWH, PER_KW = 3.6e9, 3.6e6, 1e-3


def draw(seed: int, hours: int) -> Problem:
    """The case of this number."""
    rng = np.random.default_rng([5, seed])
    h = np.arange(hours)
    top = 10 ** rng.uniform(6, 10)  # W
    cloud = rng.uniform(0.1, 1.0, hours // 24 + 1).repeat(24)[:hours]
    noon = rng.uniform(0.3, 1.0)
    sun = np.clip(noon * np.sin((h % 24 - 6) / 12 * np.pi), 0, 1) * cloud
    gusts = np.convolve(rng.normal(size=hours + 47), np.ones(48) / 48, "valid")
    wind = np.clip(rng.uniform(0.1, 0.5) + 1.5 * gusts, 0, 1)

    def some(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def limits(chance: float) -> dict:
        kind = rng.random()
        if kind > chance:
            return {}
        size = some(0.05, 1.0) * top
        return {"maximum": size, "minimum": size if kind < chance / 4 else 0.0}

    def store(name: str, longest: float, energy: float, passes: float) -> Plant:
        one = Storage(
            charge_efficiency=passes,
            discharge_efficiency=passes,
            energy_capital=some(0.5, 1.5) * energy / KWH,
            duration_min=some(0, 0.5) * longest * 3600.0,
            duration_max=longest * 3600.0,
            self_discharge=some(0, 1e-3),
        )
        return Plant(name, "storage", capital=some(10, 80) * PER_KW, storage=one, **limits(0.2))

    price = (some(30, 80) + some(0, 40) * np.sin(h / 24 * 2 * np.pi) + rng.normal(0, 5, hours)) / MWH
    if rng.random() < 0.8:
        price = np.maximum(price, 0.0)

    def steady(name: str, capital: float, fuel: float, carbon: float, floor: float, ramp: float) -> Plant:
        return Plant(
            name,
            "dispatchable",
            capital=some(0.7, 1.5) * capital * PER_KW,
            fuel=some(0.7, 1.5) * fuel / MWH,
            carbon=carbon / KWH,
            availability=some(0.85, 1.0),
            minimum_load=floor * some(0, 1),
            ramp=None if rng.random() < 0.3 else ramp * some(0.1, 2.0),
            **limits(0.4),
        )

    grid_carbon = np.maximum(some(0.05, 0.6) + 0.05 * np.cos(h / 24 * 2 * np.pi), 0.0) / KWH
    plants = [
        Plant("grid", "grid", capital=some(0, 30) * PER_KW, fuel=price, carbon=grid_carbon, **limits(0.8)),
        Plant("solar", "profile", availability=sun, capital=some(40, 150) * PER_KW, **limits(0.3)),
        Plant("wind", "profile", availability=wind, capital=some(60, 200) * PER_KW, **limits(0.3)),
        store("battery", 8.0, 25.0, 0.93),
        store("long store", 100.0, 3.0, 0.7),
        store("season store", 500.0, 0.2, 0.6),
        steady("combined cycle", 180.0, 33.0, 0.4, 0.5, 0.7),
        steady("turbine", 110.0, 50.0, 0.55, 0.3, 3.0),
        steady("engine", 160.0, 45.0, 0.5, 0.2, 3.0),
        steady("coal", 350.0, 25.0, 0.95, 0.6, 0.3),
        steady("reactor", 750.0, 12.0, 0.0, 0.6, 0.2),
        steady("geothermal", 600.0, 1.0, 0.02, 0.1, 0.5),
    ]
    kept = [plant for plant in plants if rng.random() < 0.6] or plants[:1]
    years = 2 if rng.random() < 0.2 and hours % 2 == 0 else 1
    flexible = None
    if rng.random() < 0.3:
        flexible = Flexible(
            cut_share=some(0, 0.4),
            cut_cost=some(20, 400) / MWH,
            cut_limit=None if rng.random() < 0.5 else some(0, 0.1),
            defer_share=some(0, 0.4),
            defer_window=some(0, 48) * 3600.0,
        )
    return Problem(
        load=top * (1 - some(0, 0.3) * (1 + np.sin(h / 24 * 2 * np.pi + some(0, 6))) / 2),
        plants=kept,
        not_served_price=10 ** rng.uniform(3, 4.5) / MWH,
        carbon_limit=None if rng.random() < 0.5 else float(rng.choice([0, 5, 20, 100, 300])) / 1e3 / KWH,
        carbon_price=0.0 if rng.random() < 0.7 else some(0, 0.3),
        not_served_limit=None if rng.random() < 0.5 else float(rng.choice([0.0, 1e-4, 1e-2])),
        years=years,
        year_weights=None if years == 1 else (some(0.2, 1), some(0.2, 1)),
        flexible=flexible,
        matching=None if rng.random() < 0.8 else float(rng.choice([0.5, 0.9, 1.0])),
        clean_carbon=0.05 / KWH,
    )


def run(seed: int, hours: int, highs: bool = True) -> tuple[str, float, float, float, str]:
    """(outcome, CPU-s, gap, relative difference to HiGHS, words) of one case."""
    start = time.process_time()
    try:
        asked = draw(seed, hours)
        ours = solve_problem(asked)
    except InfeasibleError as error:
        return "refused", time.process_time() - start, 0.0, 0.0, str(error)
    except GigawattError as error:
        return "failed", time.process_time() - start, 0.0, 0.0, str(error)
    spent, apart = time.process_time() - start, np.nan
    if highs:
        try:
            theirs = solve_problem(asked, solver="highs")
            apart = abs(ours.objective - theirs.objective) / max(abs(theirs.objective), 1e-12)
        except GigawattError as error:
            return "solved", spent, ours.gap, np.nan, f"HiGHS: {error}"
    good = ours.gap <= 1e-6 and ours.infeasibility <= 1e-6
    words = "; ".join(text for text in ours.notices if "HiGHS" in text or "mended" in text)
    return ("solved" if good else "inexact"), spent, ours.gap, float(apart), words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--hours", type=int, default=720)
    parser.add_argument("--no-highs", action="store_true", help="do not cross-check")
    options = parser.parse_args()
    found = []
    for seed in range(options.first, options.first + options.cases):
        one = run(seed, options.hours, not options.no_highs)
        found.append(one)
        if one[0] != "solved" or one[3] > 1e-6 or one[4]:
            line = f"{seed:4} {one[0]:8}{one[1]:7.2f}s gap {one[2]:.1e} apart {one[3]:.1e} {one[4]}"
            print(line[:220], flush=True)
    for outcome in ("solved", "refused", "inexact", "failed"):
        print(f"{outcome}: {sum(one[0] == outcome for one in found)}")
    solved = [one for one in found if one[0] == "solved"]
    apart = np.array([one[3] for one in solved])
    print(f"largest gap {max(one[2] for one in solved):.1e}, CPU-s {sum(one[1] for one in found):.0f}")
    if not np.all(np.isnan(apart)):
        print(
            f"HiGHS finished {np.sum(~np.isnan(apart))} of {len(apart)}; within 1e-6: "
            f"{np.sum(apart <= 1e-6)}; largest difference {np.nanmax(apart):.1e}"
        )


if __name__ == "__main__":
    main()

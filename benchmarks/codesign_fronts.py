"""Our NSGA-II beside that of pymoo on the same co-design: volume under the front for as many designs.

Run ``python benchmarks/codesign_fronts.py`` with pymoo installed (it is no dependency: 16 packages, some
130 MB beside numpy and scipy). The volume is the share of a box that a front beats, from the least of both
fronts to the worst, in logarithms, by 200,000 drawn points.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from gigawatt.chain.asking import Asker
from gigawatt.performance.search import non_dominated
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.codesign.codesign import read_model
from gigawatt.studies.codesign.evolve import evolve

TEXAS = Path(__file__).parents[1] / "examples/llama-3.1-405b-texas.yaml"
POPULATION, GENERATIONS, SEEDS = 60, 20, (0, 1, 2)


def front_of(values: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """The rows that keep the limits and that none beats."""
    kept = values[(excess <= 0.0) & np.all(np.isfinite(values), axis=1)]
    return np.log(kept[non_dominated(kept)])


def theirs(model: object, seed: int) -> tuple[np.ndarray, float, int]:
    """(front, CPU seconds, designs) of pymoo's NSGA-II over the same whole numbers."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    sizes = np.array([len(gene.values) for gene in model.genes])  # type: ignore[attr-defined]
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    class Designs(Problem):
        def __init__(self) -> None:
            super().__init__(n_var=len(sizes), n_obj=4, n_ieq_constr=1, xl=0, xu=sizes - 1, vtype=int)

        def _evaluate(self, x, out, *args, **kwargs):
            values, excess = model.evaluate(x.astype(np.int64))  # type: ignore[attr-defined]
            seen.append((values, excess))
            out["F"], out["G"] = np.where(np.isfinite(values), values, 1e30), excess[:, None]

    algorithm = NSGA2(
        pop_size=POPULATION, sampling=IntegerRandomSampling(),
        crossover=SBX(prob=0.9, eta=3.0, vtype=float, repair=RoundingRepair()),
        mutation=PM(eta=3.0, vtype=float, repair=RoundingRepair()), eliminate_duplicates=True,
    )  # fmt: skip
    started = time.process_time()
    minimize(Designs(), algorithm, ("n_gen", GENERATIONS + 1), seed=seed)
    values, excess = (np.concatenate([one[i] for one in seen]) for i in (0, 1))
    return front_of(values, excess), time.process_time() - started, len(values)


def volume(front: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Share of the box that some row of the front beats."""
    points = np.random.default_rng(0).uniform(low, high, (200_000, front.shape[1]))
    beaten = np.zeros(len(points), dtype=bool)
    for row in front:
        beaten |= np.all(points >= row, axis=1)
    return float(beaten.mean())


def main() -> None:
    """Print volumes and times for a few seeds."""
    asker = Asker(read_scenario(TEXAS), {"training.number_format": "fp8"})
    for seed in SEEDS:
        model = read_model(asker, "B200-parts")
        sizes = [len(gene.values) for gene in model.genes]
        started = time.process_time()
        found = evolve(
            sizes, [gene.ordered for gene in model.genes], model.evaluate,
            population=POPULATION, generations=GENERATIONS, seed=seed,
        )  # fmt: skip
        ours, spent = front_of(found.values, found.excess), time.process_time() - started
        other, took, designs = theirs(read_model(asker, "B200-parts"), seed)
        both = np.concatenate([ours, other])
        low, high = both.min(axis=0), both.max(axis=0)
        print(
            f"seed {seed}: ours {volume(ours, low, high):.3f} of the box, {len(ours)} on the front, "
            f"{len(found.genes)} designs, {spent:.0f} CPU s; pymoo {volume(other, low, high):.3f}, "
            f"{len(other)}, {designs}, {took:.0f} CPU s"
        )


if __name__ == "__main__":
    main()

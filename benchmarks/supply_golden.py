"""Golden optima of the capacity plan: PyPSA builds the cases of the validation, HiGHS solves them.

    python benchmarks/supply_golden.py [FILE]

Needs PyPSA (extra ``pypsa``). Writes the catalog's ``supply_plan_golden.csv``: the objective and the
capacities of each case, and PyPSA's own screening example with the inputs of its documentation.
"""

from __future__ import annotations

import csv
import sys
import warnings
from pathlib import Path

import highspy
import numpy as np
import pypsa

import gigawatt
from gigawatt.power.plan.export_pypsa import export_pypsa, pypsa_limits
from gigawatt.validation.supply.plan import CASES, case

COLUMNS = ("id", "quantity", "value", "low", "high", "unit", "year", "currency_year", "grade", "source_id",
           "locator", "note")  # fmt: skip
SOLVED = f"PyPSA {pypsa.__version__}, HiGHS {highspy.Highs().version()}"
OPTIONS = {
    "solver_name": "highs",
    "output_flag": False,
    "progress": False,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
GOLDEN = Path(gigawatt.__file__).parent / "catalog/data/supply_plan_golden.csv"


def screening() -> pypsa.Network:
    """PyPSA's example: two plants and load shedding beside a load of 1000 − 1000 z."""
    network = pypsa.Network()
    z = np.linspace(0, 1, 1001)
    network.set_snapshots(z)
    network.snapshot_weightings = network.snapshot_weightings / len(z)
    network.add("Bus", "bus")
    network.add("Load", "load", bus="bus", p_set=1000 - 1000 * z)
    for name, marginal, capital in (("coal", 2.0, 15.0), ("gas", 12.0, 10.0), ("lost", 1012.0, 0.0)):
        network.add("Generator", name, bus="bus", p_nom_extendable=True, marginal_cost=marginal,
                    capital_cost=capital)  # fmt: skip
    return network


def main() -> None:
    warnings.simplefilter("ignore")
    rows = []
    for name in CASES:
        asked = case(name)
        network = export_pypsa(asked)
        network.optimize(extra_functionality=pypsa_limits(asked), **OPTIONS)
        rows.append((name, "objective", float(network.objective), "$", 2024))
        for plant in asked.plants:
            at = network.links if plant.storage else network.generators
            size = float(at.p_nom_opt[f"{plant.id} charge" if plant.storage else plant.id])
            if size > 1.0:  # MW; what is not built has no share of itself to be wrong by
                rows.append((name, plant.id, size, "MW", ""))
    network = screening()
    network.optimize(**OPTIONS)
    sizes = network.generators.p_nom_opt
    rows += [("screening", name, float(sizes[name]), "MW", "") for name in ("coal", "gas", "lost")]
    rows += [
        ("screening", "mean_cost", float(network.objective), "$/h", 2024),
        ("screening", "load", 1000.0, "MW", ""),
        ("screening", "snapshots", 1001.0, "", ""),
        ("screening", "not_served_price", 1012.0, "$/MWh", 2024),
    ]
    with Path(sys.argv[1] if len(sys.argv) > 1 else GOLDEN).open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for name, quantity, value, unit, currency in rows:
            source = "pypsa-screening" if name == "screening" else "pypsa-golden"
            number = f"{value:.12g}"
            out.writerow((name, quantity, number, "", "", unit, "", currency, "modelled", source, SOLVED, ""))


if __name__ == "__main__":
    main()

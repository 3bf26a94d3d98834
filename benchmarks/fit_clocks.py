"""Fit the two numbers of Blackwell in ``clocks`` to measured steps of B200 and GB200, and show the errors around them.

    python benchmarks/fit_clocks.py

``training_factor`` (joules of a FLOP in a step over those of a large multiplication) and ``knee_share`` (clock up to
which the voltage is at its least) of the row B200-SXM-180GB, which GB200, B300 and GB300 share. Rows of a B200 at its
own limit and of GB200 are used, by default and with the release that they name; those of other limits and of B300 and
GB300 judge. The loss is the absolute logarithm of predicted over measured, a maker weighing with the root of its rows.
"""

# ruff: noqa: E501
from __future__ import annotations

from itertools import product

import numpy as np

from fit_software import ROWS, WAYS, maker, weights
from gigawatt.catalog.loader import varied
from gigawatt.validation.rows import read_rows
from gigawatt.validation.training.card import prepare_all
from software_knobs import logs

SILICON, USED = "B200-SXM-180GB", ("B200-SXM-180GB", "GB200")
FACTORS, KNEES = (1.26, 1.4, 1.48, 1.56, 1.64, 1.72, 1.9, 2.1), (0.8, 0.9, 1.0)


def main() -> None:
    """Print the loss of every pair, the least last."""
    rows = [row for file in ROWS for row in read_rows(file)]
    cases = [
        case
        for way in WAYS
        for case in prepare_all(rows, told=way == "stated")[0]
        if case.cluster.chip.id in USED
    ]
    weight = weights([maker(case) for case in cases])
    found: dict[tuple[float, float], float] = {}
    for factor, knee in product(FACTORS, KNEES):
        changes = {("clocks", SILICON, "training_factor"): factor, ("clocks", SILICON, "knee_share"): knee}
        with varied(changes):
            off = np.abs(logs(cases, {}))
        use = np.isfinite(off)
        found[factor, knee] = float(weight[use] @ off[use] / weight[use].sum())
        print(f"factor {factor:.2f}, knee {knee:.1f}: {found[factor, knee]:.4f}", flush=True)
    factor, knee = min(found, key=lambda at: found[at])
    print(f"{len(cases)} predictions; least at factor {factor:g}, knee {knee:g}: {found[factor, knee]:.4f}")


if __name__ == "__main__":
    main()

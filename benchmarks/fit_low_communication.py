"""Fit the law of what low-communication training costs in loss to published losses, and print both.

    python benchmarks/fit_low_communication.py

The coefficients are those of the row ``penalty`` of the catalog's table ``diloco_law``.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from gigawatt.catalog import entity, table
from gigawatt.performance.sites.low_communication import COEFFICIENTS, penalty_law

Array = np.ndarray


def published_losses(role: str | None = None) -> dict[str, Array]:
    """Published losses as columns: ``parameters, tokens, replicas, inner_steps, log_loss``.

    ``role``: rows that the law is fitted to (``fit``), those left out (``judge``), or all.
    """
    rows = [row for row in table("diloco_losses").values() if role in (None, row.text("role"))]
    columns = {
        name: np.array([row.value(name) for row in rows])
        for name in ("parameters", "tokens", "replicas", "inner_steps")
    }
    ratio = np.array([row.value("loss") / row.value("loss_data_parallel") for row in rows])
    return columns | {"log_loss": np.log(ratio)}


def fit_penalty() -> tuple[dict[str, float], float]:
    """Coefficients by name, and the standard deviation of ρ over the fitted rows."""
    rows, law = published_losses("fit"), entity("diloco_law", "penalty")
    start = [law.value(name) for name in COEFFICIENTS]
    one, base = law.value("size_base"), law.value("inner_base")

    def miss(guess: Array) -> Array:
        found = penalty_law(guess, rows["parameters"], rows["replicas"], rows["inner_steps"], one, base)
        return found - rows["log_loss"]

    done = least_squares(miss, start, x_scale=np.abs(start))
    return dict(zip(COEFFICIENTS, map(float, done.x), strict=True)), float(np.std(done.fun))


def main() -> None:
    found, residual = fit_penalty()
    law = entity("diloco_law", "penalty")
    for name, value in found.items():
        print(f"{name}: {value:.5g} (catalog {law.value(name):.5g})")
    print(f"residual: {residual:.3g} (catalog {law.value('residual'):.3g})")


if __name__ == "__main__":
    main()

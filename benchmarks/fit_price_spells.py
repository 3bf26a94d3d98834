"""Daily spreads of the markets whose hours may not ship, and the spells by which the model has them.

Run ``python benchmarks/fit_price_spells.py hourly_stats.csv``: statistics by zone and year with ``mean_usd``
and ``spread4h_usd``, the mean over days of the four dearest hours less the four cheapest. Writes the columns
``daily_spread`` (over the mean) and ``spells`` of ``grids_hours_quantiles``.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from gigawatt.catalog import loader
from gigawatt.power.market import model
from gigawatt.validation.prices import daily_spread

PARTS = np.linspace(0.0, 0.98, 99)


def main() -> None:
    """Fit and write."""
    file = loader.path("grids_hours_quantiles.csv")
    with Path(sys.argv[1]).open(encoding="utf-8") as stream:
        known = {(row["zone"], row["year"]): row for row in csv.DictReader(stream)}
    with file.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        year = known[row["locator"], row["year"]]
        wanted = float(year["spread4h_usd"]) / float(year["mean_usd"])
        cuts = [float(row[f"{model.column(cut)} []"]) for cut in model.CUTS]
        series = loader.entity("grids_hours", row["series"])
        off = [
            abs(
                daily_spread(
                    model.of_quantiles(model.rank(model.score(series, None, 0.0, float(part))), cuts)
                )
                - wanted
            )
            for part in PARTS
        ]
        row["daily_spread []"], row["spells []"] = f"{wanted:.4f}", f"{PARTS[int(np.argmin(off))]:.2f}"
    head = [name for name in rows[0] if not name.startswith(("daily_spread", "spells"))]
    at = head.index("year")
    head[at:at] = ["daily_spread []", "spells []"]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, head, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()

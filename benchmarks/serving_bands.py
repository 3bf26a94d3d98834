"""Write residuals of serving, from which bands are made: ``validation/serving_residuals.csv``.

    python benchmarks/serving_bands.py

Rows are those of the shipped scorecards of serving and of its power that no fit saw, each predicted as a user
would ask it. Prints what share of the rows of a source (a series) lies in bands that were made without it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator

from gigawatt.validation.files import data_folder
from gigawatt.validation.power.serving import OWN_RATE, serving_power_scorecard
from gigawatt.validation.serving.bands import METRICS, RESIDUALS, coverage_left_out
from gigawatt.validation.serving.card import serving_pairs

_HEADS = ("metric", "engine", "source", "accelerator", "ln_measured_over_predicted")


def _times() -> Iterator[tuple[str, str, str, str, float]]:
    for pair in serving_pairs():
        if pair.use == "judge" and pair.predicted > 0.0:
            source = pair.source.split()[0] if pair.part == "rows" else pair.source.split(",")[0]
            metric = pair.metric.removeprefix("mean ")
            yield metric, pair.engine, source, pair.chip, math.log(pair.measured / pair.predicted)


def _watts() -> Iterator[tuple[str, str, str, str, float]]:
    with (data_folder() / "serving_power.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    for one in serving_power_scorecard():
        judged = (one.kind == "gpu" and OWN_RATE in one.what) or one.kind == "wall"
        if one.use == "fit" or "watts" not in one.what or not judged:
            continue
        row = rows[one.id]
        yield "watts", row["engine"], row["source"], one.chip, math.log(one.measured / one.predicted)


def main() -> None:
    """Write the residuals and print the coverage."""
    with (data_folder() / RESIDUALS).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_HEADS)
        writer.writerows((*row[:-1], f"{row[-1]:.3f}") for row in sorted((*_times(), *_watts())))
    for by in ("sources", "series"):
        shares = ", ".join(f"{name} {coverage_left_out(metric=name, by=by):.3f}" for name in METRICS)
        print(
            f"inside bands without their {by}: {coverage_left_out(by=by):.3f} of times and rates ({shares})"
        )


if __name__ == "__main__":
    main()

"""How alike the errors of two measured rows of one maker are, by what the rows have in common.

Prints the correlation of ln(measured / predicted), each row predicted by a fit without its maker, about the
mean of all makers: covariance of pairs of rows over variance, a maker weighing with the root of its rows (at
most 60). The rows ``same_maker``, ``same_model`` and ``same_accelerator`` (of services) of the catalog's
table ``uncertainty`` come from here.

Usage: python benchmarks/error_correlation.py
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gigawatt.validation.files import data_folder
from gigawatt.validation.training.band import MOST

_MAKER, _FEWEST = 10, 5
"""Rows that a maker, and pairs of rows that a case, have at least."""
Row = Mapping[str, str]


def correlation(rows: Iterable[tuple[str, float, Sequence[str]]], alike: Sequence[bool]) -> tuple[float, int]:
    """Correlation of rows (maker, error, features) of one maker of which each feature is the same or is not.

    Parameters
    ----------
    rows : iterable of (str, float, sequence of str)
        Maker, ln(measured / predicted), features.
    alike : sequence of bool
        By feature whether it is the same in both rows of a pair.

    Returns
    -------
    float, int
        The correlation, and the makers that it is from.
    """
    makers: dict[str, list[tuple[float, Sequence[str]]]] = {}
    for maker, value, features in rows:
        makers.setdefault(maker, []).append((value, features))
    weights = {maker: min(len(mine), MOST) ** 0.5 for maker, mine in makers.items()}
    means = [float(np.mean([value for value, _ in mine])) for mine in makers.values()]
    centre = float(np.average(means, weights=list(weights.values())))
    covariance = variance = 0.0
    counted = 0
    for maker, mine in makers.items():
        if len(mine) < _MAKER:
            continue
        off = np.array([value for value, _ in mine]) - centre
        pairs = np.triu(np.ones((len(mine), len(mine)), dtype=bool), 1)
        for at, same in enumerate(alike):
            names = np.array([features[at] for _, features in mine])
            pairs &= (names[:, None] == names[None, :]) == same
        if pairs.sum() < _FEWEST:
            continue
        covariance += weights[maker] * float(np.outer(off, off)[pairs].mean())
        variance += weights[maker] * float(np.mean(off**2))
        counted += 1
    return (covariance / variance if counted else float("nan")), counted


def training_rows(software: str) -> list[tuple[str, float, tuple[str, ...]]]:
    """Maker, error, and (accelerator, number format, model) of the rows of training steps."""
    known: dict[str, Row] = {}
    for name in ("training", "training_more", "training_held_out"):
        known |= {row["id"]: row for row in _read(f"{name}.csv")}
    return [
        (
            row["maker"], float(row["ln_measured_over_predicted"]),
            tuple(known[row["id"]][key] for key in ("accelerator", "precision", "model")),
        )
        for row in _read("residuals.csv")
        if row["software"] == software
    ]  # fmt: skip


def serving_rows(metric: str) -> list[tuple[str, float, tuple[str, ...]]]:
    """Maker, error, and (accelerator, engine) of the rows of a metric of services."""
    return [
        (row["source"], float(row["ln_measured_over_predicted"]), (row["accelerator"], row["engine"]))
        for row in _read("serving_residuals.csv")
        if row["metric"] == metric
    ]


def _read(name: str) -> list[Row]:
    with (data_folder() / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def main() -> None:
    for software in ("default", "stated"):
        rows = training_rows(software)
        print(f"training steps, software {software}: correlation (makers)")
        for words, alike in (
            ("accelerator, format and model", (True, True, True)),
            ("accelerator and format", (True, True, False)),
            ("accelerator and model", (True, False, True)),
            ("format and model", (False, True, True)),
            ("format", (False, True, False)),
            ("maker alone", (False, False, False)),
        ):
            found, makers = correlation(rows, alike)
            print(f"  the same {words:32} {found:5.2f} ({makers})")
    for metric in ("throughput", "tpot", "ttft", "watts"):
        rows = serving_rows(metric)
        print(f"{metric} of services: correlation (makers)")
        for words, alike in (
            ("accelerator and engine", (True, True)),
            ("accelerator", (True, False)),
            ("engine", (False, True)),
        ):
            found, makers = correlation(rows, alike)
            print(f"  the same {words:32} {found:5.2f} ({makers})")


if __name__ == "__main__":
    main()

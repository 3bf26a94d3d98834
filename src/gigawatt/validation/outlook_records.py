"""Hindcasts of AI records from 2015 on, and the replay of a forecast of electricity that was too sure of
itself."""

from __future__ import annotations

import numpy as np

from gigawatt.outlook.growth import fit_growth
from gigawatt.outlook.records import record_hindcast
from gigawatt.validation.check import Check
from gigawatt.validation.outlook_check import at_least, at_most, published, within

__all__ = ["above", "checks"]

_DRAWS, _SEED = 100_000, 2016


def above(name: str, until: int, years: int, ratio: float) -> float:
    """Probability that a series fitted to ``until`` is more than ``ratio`` times its last value ``years``
    later."""
    rng = np.random.Generator(np.random.Philox(_SEED))
    ahead = fit_growth(name, until).sample(rng, _DRAWS, years)[:, -1]
    return float((ahead > np.log(ratio)).mean())


def checks() -> list[Check]:
    """Training compute, bandwidth, the other chip series; mass that the replay leaves above what came."""
    compute, bandwidth = record_hindcast("training_compute"), record_hindcast("memory_bandwidth")
    least = published("records-target", "compute_coverage")
    found = [
        at_least(
            "records",
            "training compute, coverage",
            compute.mean("covered", "regimes"),
            least.value,
            "target of the project",
        ),
        at_most(
            "records",
            "training compute, mean width beside a random walk",
            compute.mean("width", "regimes"),
            compute.mean("width", "walk"),
            "target of the project",
            unit="ln",
        ),
        at_most(
            "records",
            "training compute, CRPS beside a random walk",
            compute.mean("crps", "regimes"),
            compute.mean("crps", "walk"),
            "random walk with drift, Student t",
            unit="ln",
        ),
        within(
            "records",
            "memory bandwidth, coverage of 90 % intervals",
            bandwidth.mean("covered", "regimes"),
            published("records-target", "bandwidth_coverage"),
        ),
    ]
    for name in ("chip_flops", "chip_flops_per_watt", "chip_flops_per_dollar", "memory_bandwidth"):
        done = record_hindcast(name)
        found.append(
            at_most(
                "records",
                f"{name.replace('_', ' ')}, CRPS beside a random walk",
                done.mean("crps", "regimes"),
                done.mean("crps", "walk"),
                "random walk with drift, Student t",
                unit="ln",
            )
        )
        found.append(
            at_least(
                "records",
                f"{name.replace('_', ' ')}, coverage",
                done.mean("covered", "regimes"),
                least.value,
                "limit of training compute, here too",
            )
        )
    mass, source = published("lbnl-2016", "mass_above").value, "I6: LBNL 2016 replayed, data to 2014"
    actual, basis = published("lbnl-2016", "actual").value, published("lbnl-2016", "on_its_basis").value
    last = fit_growth("us_lbnl_2016", 2014).last_value
    found.append(
        at_least(
            "records",
            "mass above 76 TWh in 2018",
            above("us_lbnl_2016", 2014, 4, actual / last),
            mass,
            source,
        )
    )
    found.append(
        at_least(
            "records",
            "mass above the growth from 58 to 76 TWh",
            above("us_lbnl_2016", 2014, 4, actual / basis),
            mass,
            f"{source}; growth on the basis of the 2024 report",
        )
    )
    return found

"""Nonlinear optics, optical logic and optical links beside what others published.

Published response times went into the thresholds' energies as the time for which light is needed. Energies of
a link's parts are recalled values of the trade with ranges; the published ports were known when they were
written down.
"""

from __future__ import annotations

import numpy as np

from gigawatt.catalog import entity, tables
from gigawatt.core.evidence import Evidence
from gigawatt.technology.optical.activations import load_activation
from gigawatt.technology.optical.electro_optic import electro_optic_field
from gigawatt.technology.optical.gates import load_gate, verdict
from gigawatt.technology.optical.link import link_budget
from gigawatt.technology.optical.logic import ripple_adder
from gigawatt.validation.supply_check import Check

__all__ = ["checks", "measured"]

_NONLINEAR, _LINKS = "photonic_nonlinear_published", "optical_links_published"
_TRADE = 0.25  # of every physical number
_PJ = 1e12 / 8.0  # J/B, as the loader gives an energy a bit, to pJ/b


def _source(row: Evidence) -> str:
    return ", ".join(part for part in (row.source_id, row.locator, row.note) if part)


def _check(
    what: str,
    ours: float,
    table: str,
    id: str,
    quantity: str,
    unit: str,
    scale: float,
    tolerance: float,
    *,
    fitted: bool = False,
) -> Check:
    row = entity(table, id).evidence(quantity)
    return Check("optics", what, ours * scale, row.value * scale, unit, tolerance, _source(row), fitted)


def _activations() -> list[Check]:
    found: list[Check] = []
    for id in ("absorber-graphene", "kerr-silicon-phc"):
        device = load_activation(id)
        found.append(
            _check(
                f"{id}: light of the threshold",
                device.threshold_energy,
                _NONLINEAR,
                id,
                "threshold_energy",
                "fJ",
                1e15,
                _TRADE,
            )
        )
    row = entity(_NONLINEAR, "neuroptica-a")
    for quantity in ("out_0_1", "out_0_5", "out_1_0", "out_1_5"):
        field = float(quantity.removeprefix("out_").replace("_", "."))
        z = electro_optic_field(field, tap=0.1, phase_gain=np.pi * row.value("phase_gain"), phase_bias=np.pi)
        ours = float(np.abs(z) ** 2)
        what = f"electro-optic neuron: output at a field of {field:g}"
        found.append(_check(what, ours, _NONLINEAR, "neuroptica-a", quantity, "1", 1.0, 1e-9))
    return found


def _links() -> list[Check]:
    found: list[Check] = []
    budgets = {id: link_budget(id) for id in ("pluggable-1600", "cpo-1600", "optical-io")}
    for id in ("pluggable-1600", "cpo-1600"):
        what = f"{id}: energy a bit"
        found.append(_check(what, 8.0 * budgets[id].total, _LINKS, id, "energy", "pJ/b", _PJ, _TRADE))
    ratio = budgets["pluggable-1600"].total / budgets["cpo-1600"].total
    found.append(_check("pluggable over co-packaged", ratio, _LINKS, "cpo-ratio", "ratio", "1", 1.0, _TRADE))
    cpo = budgets["cpo-1600"].energy
    below = (
        ("cpo-1600-engine", "energy_below", 8.0 * sum(cpo[x] for x in ("driver", "receiver", "control"))),
        ("optical-io", "energy_below", 8.0 * budgets["optical-io"].total),
    )
    for id, quantity, ours in below:
        row = entity(_LINKS, id).evidence(quantity)
        what = f"{id}: pJ/b above {row.value * _PJ:g}"
        over = max(0.0, ours - row.value) * _PJ
        found.append(Check("optics", what, over, 0.0, "pJ/b", 0.0, _source(row)))
    row = entity(_LINKS, "cpo-800").evidence("power_below")
    watts = budgets["cpo-1600"].total * 800e9
    found.append(
        Check(
            "optics",
            f"cpo-800: watts above {row.value:g}",
            max(0.0, watts - row.value),
            0.0,
            "W",
            0.0,
            _source(row),
        )
    )
    parts = budgets["pluggable-1600"].energy
    module = (budgets["pluggable-1600"].total - parts["serdes"]) * 800e9
    what = "pluggable-800: module without the host's SerDes"
    found.append(_check(what, module, _LINKS, "pluggable-800", "power", "W", 1.0, _TRADE))
    return found


def _logic() -> list[Check]:
    """Miller's verdict of 2010 that all-optical gates without a supply fail, and that powered ones can do."""
    source = "optics-miller-2010, box 1: nearly all proposals fail on most of the criteria"
    found = [
        Check(
            "optics",
            f"{id}: criteria failed, at least 2",
            min(len(verdict(load_gate(id)).fails), 2),
            2,
            "1",
            0,
            source,
        )
        for id in ("gate-absorber", "gate-kerr")
    ]
    for id in ("gate-soa-mzi", "gate-electro-optic"):
        quality = float(ripple_adder(load_gate(id), words=4000).quality[-1])
        what = f"{id}: quality of the carry out of 4 bits below 6"
        found.append(
            Check("optics", what, max(0.0, 6.0 - quality), 0.0, "1", 0.0, "6 is one error in 10^9; ours")
        )
    return found


def measured() -> dict[str, dict[str, float]]:
    """What ``benchmarks/optical_activations.py`` measured, by activation; empty where it did not."""
    if "optical_activations_measured" not in tables():
        return {}
    from gigawatt.catalog import table

    return {
        id: {key: row.value(key) for key in row.numbers}
        for id, row in table("optical_activations_measured").items()
    }


def checks() -> list[Check]:
    """Every published number of nonlinear optics, logic and links beside ours."""
    found = [*_activations(), *_links(), *_logic()]
    runs = measured()
    if runs:
        linear, relu = runs["linear"]["loss"], runs["relu"]["loss"]
        for id, run in runs.items():
            if id not in ("linear", "relu", "silu", "clipped", "runs") and not id.endswith("-gated"):
                what = f"{id}: share of the gain of ReLU over no activation"
                gained = (linear - run["loss"]) / (linear - relu)
                source = "as good as ReLU is the target; stored run, mean of seeds"
                found.append(Check("optics", what, min(gained, 1.0), 1.0, "1", 0.25, source))
    return found

"""Every key of a scenario goes through its report, and not only through the solver."""

from __future__ import annotations

from pathlib import Path

import pytest

import gigawatt

TRAINING: dict[str, object] = {
    "model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": "H100", "machine.count": 64,
    "site": "virginia",
}  # fmt: skip
LOAD: dict[str, object] = {"site": "virginia", "load.peak": "50 MW"}
#: Keys together, so that each of the supply, the building and the money is rendered at least once; of the
#: plants only those that a key is about: all of them together take a minute.
CASES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "what may be cut or wait": (
        TRAINING,
        {"supply.flexible": "10%:60$/MWh", "supply.deferrable": "20%:6h",
         "supply.plants": ["grid", "solar", "battery"], "supply.grid.limit": "0.05 MW"},
    ),
    "terms of the supply": (
        LOAD,
        {"supply.matching": "80 %", "supply.reliability": "99.9 %", "supply.carbon_limit": "200 g/kWh",
         "supply.carbon_price": "2025: 50 $/t, 2040: 150 $/t", "supply.not_served_price": "5 $/kWh",
         "supply.grid.counts": True, "supply.grid.price": "60 $/MWh", "supply.grid.carbon": "300 g/kWh",
         "supply.limits": {"wind": "40 MW"}, "supply.fuel_prices": {"natural-gas": "5 $/MMBtu"},
         "supply.plants": ["grid", "wind", "solar", "battery", "gas-engine"]},
    ),
    "building and money": (
        TRAINING,
        {"site.cooling": "air-cooled-chiller", "site.redundancy": "2n", "site.pue": 1.3,
         "economics.chip_price": "30 k$", "economics.chip_life": "4 years", "economics.discount_rate": "8 %",
         "economics.budget": "9 M$",
         "training.deadline": "40 days", "machine.power_cap": "500 W", "training.failures": "llama3-h100",
         "software.framework": "megatron-core", "software.version": "2025",
         "software.flags": {"attention": "flash-3"},
         "supply.plants": ["grid", "solar", "battery"]},
    ),
    "what is given in place of something": (
        TRAINING,
        {"training.goodput": "92 %", "training.step_time": "5 s", "supply.price": "60 $/MWh"},
    ),
    "a load at the racks": (
        {"site": "virginia"},
        {"load.it_peak": "20 MW", "load.profile": "serving", "site.weather_years": 2,
         "supply.plants": ["grid", "solar", "battery"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_report_of_these_keys_renders(name: str, tmp_path: Path) -> None:
    base, changes = CASES[name]
    gigawatt.run(base | changes).save(tmp_path)
    page, text = ((tmp_path / f"report.{kind}").read_text(encoding="utf-8") for kind in ("html", "md"))
    assert len(page) > 100_000
    assert "nan" not in text.replace("finance", "").lower().split()

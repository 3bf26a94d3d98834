"""Bands from the ranges of catalog rows: exact for products, and the catalog is as it was afterwards."""

from __future__ import annotations

import math

import pytest

from gigawatt.catalog import entity, table, varied, watched
from gigawatt.catalog.loader import forget
from gigawatt.chain.bands import bands
from gigawatt.chain.machine.technologies import compare, with_bands
from gigawatt.machine.load import load_chip


def product() -> dict[str, float]:
    cooling = entity("technologies_digital", "rollup").evidence("cooling")
    idle = entity("nodes", "dgx-h100").evidence("overhead_power")
    return {"product": cooling.value * idle.value**2, "fixed": 3.0}


def test_a_product_of_powers_has_the_band_that_it_should() -> None:
    made = bands({"one": product})["one"]
    cooling = entity("technologies_digital", "rollup").evidence("cooling")
    power = entity("nodes", "dgx-h100").evidence("overhead_power")
    assert cooling.low is not None
    assert cooling.high is not None
    assert power.low is not None
    assert power.high is not None
    up = math.hypot(math.log(cooling.high / cooling.value), 2.0 * math.log(power.high / power.value))
    down = math.hypot(math.log(cooling.low / cooling.value), 2.0 * math.log(power.low / power.value))
    assert made["product"].high == pytest.approx(made["product"].value * math.exp(up), rel=1e-12)
    assert made["product"].low == pytest.approx(made["product"].value * math.exp(-down), rel=1e-12)
    assert {row for row, _, _ in made["product"].from_rows} == {
        "technologies_digital.rollup.cooling",
        "nodes.dgx-h100.overhead_power",
    }
    assert made["fixed"].low == made["fixed"].high == 3.0


def test_varied_rows_reach_what_was_cached_and_leave_no_trace() -> None:
    before = load_chip("H100")
    with varied({("chips", before.id, "idle_power"): 1.0}):
        assert load_chip("H100").idle_power == 1.0
        with varied({("chips", before.id, "price"): 5.0}):
            assert (load_chip("H100").idle_power, load_chip("H100").price) == (1.0, 5.0)
        assert load_chip("H100").price == before.price
    assert load_chip("H100") == before
    with pytest.raises(ZeroDivisionError), varied({("chips", before.id, "idle_power"): 1.0}):
        raise ZeroDivisionError
    assert load_chip("H100") == before


def test_only_what_is_read_is_watched() -> None:
    forget(tables_too=False)
    with watched() as seen:
        entity("nodes", "dgx-h100").value("price")
    assert list(seen) == [("nodes", "dgx-h100", "price")]
    table("nodes")["dgx-h100"].value("overhead_power")
    assert len(seen) == 1


def test_bands_of_a_comparison_hold_its_numbers() -> None:
    found = with_bands(compare(substrates=["bf16", "pcm"]))
    for row in found.rows:
        for scope in ("chip", "system"):
            band = row.bands[f"joules {scope}"]
            assert band.value == pytest.approx(row.cost.joules(scope), rel=1e-12)
            assert band.low < band.value < band.high
            assert row.bands[f"dollars {scope}"].value == pytest.approx(row.money[scope], rel=1e-12)
        assert row.bands["joules system"].from_rows
    assert found.to_json()["rows"][0]["bands"]["joules chip"]["rows"]

"""The price of a question without a supply plan is that of a plan with the grid alone."""

from __future__ import annotations

import pytest

from gigawatt.core.errors import InputError
from gigawatt.studies.serving.door import plan_serving
from gigawatt.studies.supply.door import plan_supply
from gigawatt.studies.training.door import plan_training


@pytest.mark.parametrize("site", ["texas", "karlsruhe", "mumbai"])
def test_a_flat_load_on_the_grid_pays_the_same(site: str) -> None:
    run = plan_training(model="llama-3.1-8b", chip="H100", count=64, site=site, year=2026)
    supply = plan_supply(site, load="100MW", plants="grid", year="2026", settings={"supply.units": "any"})
    assert run["electricity_USD_per_MWh"] == pytest.approx(supply["cost_USD_per_MWh"], rel=2e-3)


def test_price_and_pue_given_need_no_site() -> None:
    words = {"model": "llama-3.1-8b", "chip": "H100", "count": 64, "pue": 1.1}
    assert plan_training(**words, settings={"supply.price": "50 $/MWh"})[
        "electricity_USD_per_MWh"
    ] == pytest.approx(50.0)


@pytest.mark.parametrize("key", ["carbon.boundary", "carbon.leak"])
def test_what_counts_as_carbon_is_refused_where_none_is_counted(key: str) -> None:
    given = {key: "direct" if key == "carbon.boundary" else "permian"}
    with pytest.raises(InputError, match="counts no carbon"):
        plan_training(model="llama-3.1-8b", chip="H100", count=64, settings=given)
    with pytest.raises(InputError, match="counts no carbon"):
        plan_serving(model="llama-3.1-8b", chip="H100", chips=8, settings=given)

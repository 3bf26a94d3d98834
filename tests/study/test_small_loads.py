"""Plants that a load is offered: by its size, by name, all of them, by when they are ordered."""

from __future__ import annotations

from typing import Any

import pytest

import gigawatt
from gigawatt import catalog

PLACE = {"site": {"name": "iowa"}, "year": 2026}


def plants(load: str, **supply: Any) -> tuple[set[str], str]:
    """Plants that the plan may build at a load, and the notices in one."""
    answer = gigawatt.run(load=load, supply=supply, **PLACE)
    return {row["plant"] for row in answer["tables"]["plants"]}, " ".join(answer["notices"])


@pytest.mark.parametrize(
    ("load", "gone"),
    [("20 kW", {"solar", "wind", "battery"}), ("2 MW", {"wind"}), ("4 MW", set[str]())],
)
def test_plants_from_their_least_size_on(load: str, gone: set[str]) -> None:
    offered, words = plants(load)
    assert {"solar", "wind", "battery"} - offered == gone
    for name in gone:
        assert catalog.entity("plants", name).text("name") in words
    assert ("supply.allow offers them" in words) == bool(gone)


@pytest.mark.parametrize(
    "supply",
    [{"allow": ["wind"]}, {"allow": ["onwind"]}, {"plants": ["grid", "wind"]}, {"limits": {"wind": "5 MW"}}],
)
def test_what_is_named_is_offered(supply: dict[str, Any]) -> None:
    assert "wind" in plants("20 kW", **supply)[0]


def test_names_are_read_without_brackets() -> None:
    assert plants("20 MW", plants="grid, solar")[0] == {"grid", "solar"}


def test_plants_are_offered_where_nothing_else_gives_power() -> None:
    """A question whose only plants are small ones keeps them."""
    assert {"solar", "battery"} <= plants("20 kW", plants=["solar", "battery"])[0]


def test_the_table_of_plants_has_the_lead_time_of_the_load() -> None:
    answer = gigawatt.run(load="20 kW", **PLACE)
    grid = next(row for row in answer["tables"]["plants"] if row["plant"] == "grid")
    assert grid["lead_time [yr]"] == pytest.approx(0.5)  # up to 1 MW: connection_time_small


def test_a_pathway_asks_for_the_least_size() -> None:
    """By the highest hour of all years; what a term names is offered."""

    def built(load: str, **terms: Any) -> tuple[set[str], str]:
        answer = gigawatt.plan_pathway("iowa", years="2030,2032", load=load, weeks=2, **terms)
        return {row["plant"] for step in answer["steps"] for row in step["plants"]}, " ".join(
            answer["notices"]
        )

    few, words = built("20 kW", lead_time=["solar=1 yr"])
    assert "solar" in few
    assert not few & {"wind", "battery"}
    assert "onshore wind (from 3.4 MW)" in words
    many, words = built("20 MW")
    assert {"solar", "wind", "battery"} <= many
    assert "not offered to a load" not in words


def test_bridges_have_a_least_size() -> None:
    """A node of a few kW waits for leased power, not for a rented turbine or a fuel cell."""
    scenario = {"site": {"name": "tokyo"}, "year": 2027, "load": "3 kW"}
    small, large = gigawatt.run(**scenario), gigawatt.run(**scenario | {"load": "30 MW"})
    rents = {"gas-turbine-rented", "gas-fuel-cell"}
    assert not rents & {row["plant"] for row in small["tables"]["plants"]}
    assert rents <= {row["plant"] for row in large["tables"]["plants"]}
    assert "is there by 2027: leased power" in " ".join(small["notices"])
    assert "is there by 2027: rented" not in " ".join(small["notices"])
    phases = " ".join(row["plants"] for row in small["tables"]["phases"])
    assert "power-leased" in phases
    assert not any(name in phases for name in rents)


def test_all_plants_but_those_that_cannot_be_there() -> None:
    """Nothing of ``all`` is named: what is late, barred or too large is left out, not refused."""
    offered, words = plants("20 kW", plants="all")
    assert "grid" in offered
    assert not offered & {"solar", "wind", "gas-turbine-rented", "coal-existing", "battery-2h", "hydro"}
    assert "not offered to a load of 20 kW" in words
    with pytest.raises(gigawatt.GigawattError, match="no such plant"):
        plants("20 kW", plants=["all", "solar"])


@pytest.mark.parametrize("ordered", ["2035", "grid: 2031-02", "2026-11, gas-engine: 2040"])
def test_an_order_after_the_year_is_refused(ordered: str) -> None:
    with pytest.raises(gigawatt.GigawattError, match=r"supply\.ordered: after the year of the plan"):
        gigawatt.run(site={"name": "iowa"}, year=2030, load="20 MW", supply={"ordered": ordered})

"""One load over several sites: against plans of one site, and by what is known beforehand."""

from __future__ import annotations

import pytest

from gigawatt.core.errors import GigawattError
from gigawatt.studies.sites.split import SplitQuestion, split_load

SITES = ("abilene-texas", "dublin", "karlsruhe")
PLANTS = {"year": 2036, "supply.plants": ["grid", "gas-engine", "solar"]}
MW = 1e6


def asked(**more: object) -> SplitQuestion:
    words = {"load": 100 * MW, "sites": SITES, "settings": PLANTS, "machine_cost": 5.0, **more}
    return SplitQuestion(**words)  # type: ignore[arg-type]


def test_dear_machines_go_to_the_cheapest_site_and_cost_what_it_costs() -> None:
    found = split_load(asked())
    best = min(found.parts, key=lambda one: one.alone or 0.0)
    assert best.share == pytest.approx(1.0, abs=1e-3)
    assert found.cost == pytest.approx(best.alone, rel=1e-4)
    assert found.not_served == pytest.approx(0.0, abs=1e-6)


def test_limits_fill_sites_in_order_and_work_is_conserved() -> None:
    found = split_load(asked(most={"abilene-texas": 60 * MW}))
    shares = {one.site.id: one for one in found.parts}
    assert shares["abilene-texas"].machines <= 60 * MW * (1 + 1e-6)
    assert sum(one.share for one in found.parts) == pytest.approx(1.0, abs=1e-4)
    assert sum(sum(hours) for hours in found.flow.values()) / len(found.flow["dublin"]) == pytest.approx(
        100 * MW, rel=1e-4
    )
    assert shares["abilene-texas"].alone is None
    assert found.cost == pytest.approx(
        sum(one.power_cost + one.machine_cost for one in found.parts), rel=1e-4
    )


def test_free_machines_follow_the_hours_and_never_cost_more() -> None:
    """Each hour where power is cheapest: full machines in few hours, and less than at any one site."""
    free, dear = split_load(asked(machine_cost=1e-6)), split_load(asked())
    assert sum(one.machines for one in free.parts) > sum(one.machines for one in dear.parts) * (1.0 + 1e-4)
    assert sum(one.power_cost for one in free.parts) <= sum(one.power_cost for one in dear.parts)
    assert all(one.alone is None or free.cost <= one.alone * (1 + 1e-4) for one in free.parts)


def test_a_limit_of_carbon_holds_for_all_together() -> None:
    open_, tight = (
        split_load(asked()),
        split_load(asked(settings={**PLANTS, "supply.carbon_limit": "200 g/kWh"})),
    )
    assert tight.cost > open_.cost
    energy = sum(one.energy for one in tight.parts)
    assert tight.carbon / energy <= 200e-3 / 3.6e6 * (1 + 1e-3)


def test_far_sites_are_left_out_by_name() -> None:
    found = split_load(asked(users="frankfurt", latency=0.05))
    assert [one for one, _ in found.refused] == ["abilene-texas"]
    assert "ms there and back" in found.refused[0][1]
    assert {one.site.id for one in found.parts} == {"dublin", "karlsruhe"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"most": dict.fromkeys(SITES, 10 * MW)}, "may not hold so much"),
        ({"most": {"london": MW}}, "not among the sites"),
        ({"users": "tokyo", "latency": 0.001}, "no site answers in time"),
        ({"settings": {**PLANTS, "supply.reliability": "99.9%"}}, "none of these"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(GigawattError, match=said):
        split_load(asked(**more))

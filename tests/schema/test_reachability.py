"""Which fields a question uses follows from the graph; the others are refused by name, every one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.chain.graph import graph_of, graph_of_branch, refuse_unread
from gigawatt.core.branching import fields_of
from gigawatt.core.errors import InputError
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.fields import FIELDS, Field, fields
from gigawatt.schema.settings import read_setting

#: Fields without a quantity: the title of a report, and whether intervals are added.
OF_ANSWER = {"name", "uncertainty"}
#: Fields that are read only where they are given, most of them in place of what is computed.
SEAMS = {"load.peak", "load.mean", "load.hours", "load.it_peak", "training.goodput", "training.step_time",
         "training.outages", "supply.price", "machine.deliveries", "site.buildings", "serving.failures",
         "serving.availability", "rl.steps", "rl.rollout_share"}  # fmt: skip
#: Of reinforcement learning, which rl.steps asks for.
OF_ROLLOUTS = {one.key for one in FIELDS if one.key.startswith("rl.")} - SEAMS
OF_LOAD = {"load.profile"}
#: Of a plan alone: of a training run over several data centres, and of a service of several classes.
OF_PLAN = {"serving.classes", "machine.sites", "machine.distance", "machine.wan", "machine.exchange"}
PLAN = {
    "supply.plants", "supply.allow", "supply.limits", "supply.capacity_factors", "supply.fuel_prices",
    "supply.credits", "supply.grid.limit",
    "supply.grid.counts", "supply.grid.nonfirm", "supply.grid.nonfirm_saving", "supply.grid.peak_charge",
    "supply.grid.peak_hours", "supply.grid.reserve_price", "supply.grid.tariff", "supply.grid.contract",
    "supply.grid.sell", "supply.grid.sell_limit", "supply.grid.sell_spread", "supply.ppa", "supply.ppa_price",
    "supply.hedge", "supply.congestion_right",
    "supply.carbon_limit", "supply.carbon_price",
    "supply.not_served_price", "supply.ordered", "supply.ready", "supply.reliability", "supply.units",
    "supply.fuel_lines", "carbon.leak", "supply.fuel_stock", "supply.matching", "supply.flexible",
    "supply.deferrable",
}  # fmt: skip
#: (branch, what is given in place of something) → what then has no use.
CUTS: dict[tuple[str, str], set[str]] = {
    ("training", "training.goodput"): {"training.failures", "training.recovery"},
    ("training", "training.step_time"): set(),
    ("training", "supply.price"): PLAN,
    ("training", "rl.steps"): {
        "training.tokens",
        "training.epochs",
        "training.sequence",
        "training.global_batch",
    },
    ("serving", "supply.price"): PLAN,
    ("load", "load.peak"): set(),
    ("load", "load.mean"): set(),
    ("load", "load.hours"): OF_LOAD,
    ("load", "load.it_peak"): set(),
}
BASES: dict[str, dict[str, object]] = {
    "training": {"model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": "H100",
                 "machine.count": 64, "site.name": "virginia"},
    "serving": {"model": "llama-3.1-8b", "serving.demand": "10 requests/s", "machine.chip": "H100",
                "site.name": "virginia"},
    "load": {"site.name": "virginia"},
}  # fmt: skip


def read_by(branch: str, *given: str) -> set[str]:
    return set(fields_of(graph_of_branch(branch, given)))


def of_branch(branch: str) -> set[str]:
    """Fields that may stand in a question of a branch and are no seam."""
    return {one.key for one in FIELDS if one.allows(branch)} - SEAMS - OF_PLAN - OF_ANSWER - OF_ROLLOUTS


@pytest.mark.parametrize("branch", ["training", "serving"])
def test_every_field_of_a_branch_has_a_path_to_its_answer(branch: str) -> None:
    read = {key for key in read_by(branch) if fields()[key].allows(branch)}
    assert read - SEAMS == of_branch(branch) - OF_LOAD


@pytest.mark.parametrize(("branch", "seam"), CUTS, ids="-".join)
def test_what_is_given_cuts_what_only_led_to_it(branch: str, seam: str) -> None:
    """The whole table: field by field, used or cut."""
    found = read_by(branch, seam)
    assert seam in found
    unused = of_branch(branch) - found | (OF_ROLLOUTS - found if seam == "rl.steps" else set())
    assert unused - (set() if branch == "load" else OF_LOAD) == CUTS[branch, seam]


ROLLOUTS = ("rl.prompts", "rl.samples", "rl.prompt", "rl.response")


def scenario(branch: str, seam: str, one: Field) -> dict[str, object]:
    values = dict(BASES[branch])
    if seam == "rl.steps":
        values |= {key: read_setting(key, fields()[key].example) for key in ROLLOUTS}
        del values["training.tokens"]
    if seam:
        values[seam] = "load.csv" if seam == "load.hours" else read_setting(seam, fields()[seam].example)
    return values | {one.key: read_setting(one.key, one.example)}


REFUSED = [
    *((branch, seam, key) for (branch, seam), cut in CUTS.items() for key in sorted(cut)),
    *(
        ("serving" if key.startswith("serving.") else "training", "", key)
        for key in ("load.profile", *sorted(OF_PLAN))
    ),
    *(("load", "load.peak", key) for key in ("model", "machine.count", "economics.chip_life")),
]


@pytest.mark.parametrize(("branch", "seam", "key"), REFUSED, ids="-".join)
def test_a_field_without_a_path_is_refused_by_name(branch: str, seam: str, key: str) -> None:
    loaded = scenario_of(scenario(branch, seam, fields()[key]), Path("question"))
    with pytest.raises(InputError) as caught:
        refuse_unread(loaded, graph_of(loaded))
    assert str(caught.value.key).startswith(key)
    words = str(caught.value)
    assert "\n" not in words
    if seam and key in CUTS[branch, seam]:
        assert seam in words  # what it is given in place of


def test_two_fields_in_place_of_one_quantity_are_refused() -> None:
    values = {"site.name": "virginia", "load.peak": "1 GW", "load.mean": "500 MW"}
    loaded = scenario_of(values, Path("question"))
    with pytest.raises(
        InputError, match=r"load\.peak: load\.mean is given as well|load\.mean: load\.peak is"
    ):
        graph_of(loaded)


@pytest.mark.parametrize("on", [True, False])
def test_intervals_are_refused_by_who_does_not_sample_and_none_are_let_pass(on: bool) -> None:
    values = {"load.peak": "1 GW", "site.name": "virginia", "uncertainty": on}
    loaded = scenario_of(values, Path("question"))
    if not on:
        refuse_unread(loaded, graph_of(loaded))
        return
    with pytest.raises(InputError, match="uncertainty: this command samples nothing"):
        refuse_unread(loaded, graph_of(loaded))

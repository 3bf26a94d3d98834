"""What pausing, capping and slowing a training costs, and what a plan makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.chain.study import Study
from gigawatt.chain.supply.flexibility import Point, ladder_of
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.money import SECONDS_PER_YEAR, annuity

MWH, HOUR = 3.6e9, 3600.0
SCENARIO = """\
name: flexible
year: 2025
model: llama-3.1-8b
training:
  tokens: 100B tokens
  {training}
layout:
  tensor: 1
  pipeline: 1
machine:
  chip: H100
  count: 64
site:
  name: abilene-texas
{site}supply:
  plants: {plants}
  {supply}
"""


def study(
    tmp_path: Path, *, training: str = "", supply: str = "", plants: str = "[grid]", site: str = ""
) -> Study:
    file = tmp_path / "one.yaml"
    file.write_text(SCENARIO.format(training=training, supply=supply, plants=plants, site=site))
    return Study.read(file)


def objects(tmp_path: Path, **words: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def kept(result: Result, _: object, values: Any) -> Result:
        found.update(values)
        return result

    study(tmp_path, **words).run(finish=kept)
    return found


# --- the ladder


def test_steps_are_the_lower_hull_of_power_given_up_and_work_lost() -> None:
    points = [Point(0.2, 0.1, "a"), Point(0.3, 0.4, "above"), Point(0.4, 0.39, "b"), Point(0.8, 1.0, "pause")]
    found = ladder_of(points, worth=10.0, power=2.0)
    assert [step.name for step in found.steps] == ["a", "b", "pause"]
    assert [step.share for step in found.steps] == pytest.approx([0.2, 0.2, 0.4])
    assert [step.cost for step in found.steps] == pytest.approx([2.5, 7.25, 7.625])
    assert found.kept == pytest.approx((0.9, 0.61, 0.0))
    whole = sum(step.share * 2.0 * step.cost for step in found.steps)
    assert whole == pytest.approx(10.0)  # all of it costs what all the work is worth


def test_a_long_curve_is_a_few_steps_that_still_cost_the_same_in_all() -> None:
    curve = [Point(x, x**2, str(x)) for x in np.linspace(0.02, 0.5, 25).tolist()] + [Point(0.9, 1.0, "pause")]
    found = ladder_of(curve, worth=1.0, power=1.0)
    assert len(found.steps) == 5
    costs = [step.cost for step in found.steps]
    assert costs == sorted(costs)
    assert sum(step.share * step.cost for step in found.steps) == pytest.approx(1.0)
    assert sum(step.slows for step in found.steps) == pytest.approx(1.0)


# --- what a run costs to pause


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return objects(tmp_path_factory.mktemp("plain"))


def test_an_hour_of_the_campus_costs_its_annuities_and_operation(plain: dict[str, Any]) -> None:
    rate = plain["economics.discount_rate"]
    assets = plain["ledger.campus"].assets.values()
    yearly = sum(float(annuity(capital=a.price, rate=rate, life=a.life)) + a.operating for a in assets)
    assert plain["load.hour_cost"] == pytest.approx(yearly / SECONDS_PER_YEAR, rel=1e-12)
    books = plain["ledger.ledger"]
    without = books.cost_yearly - books.electricity_yearly
    assert plain["load.hour_cost"] == pytest.approx(without / SECONDS_PER_YEAR, rel=1e-9)


def test_a_pause_costs_the_hour_and_the_energy_of_the_hour_that_makes_it_up(plain: dict[str, Any]) -> None:
    mean, paused = plain["facility.power_mean"], plain["facility.power_paused"]
    price = plain["supply.later_price"]
    assert price == pytest.approx(plain["supply.electricity_cost"])
    assert paused < plain["facility.power_standing"] < mean
    hour = plain["load.hour_cost"] * HOUR + price * mean * HOUR
    assert plain["load.pause_cost"] * (mean - paused) * HOUR == pytest.approx(hour, rel=1e-12)
    ladder = plain["load.ladder"]
    share = sum(step.share for step in ladder.steps)
    assert share == pytest.approx(1.0 - paused / mean, rel=1e-9)
    assert sum(step.share * mean * HOUR * step.cost for step in ladder.steps) == pytest.approx(hour, rel=1e-9)
    assert ladder.steps[-1].name == "runs paused"
    assert ladder.kept[-1] == 0.0
    assert all(before > after for before, after in zip(ladder.kept, ladder.kept[1:], strict=False))


def test_an_event_loses_a_checkpoint_and_a_restart_or_half_an_interval_more(plain: dict[str, Any]) -> None:
    row, pause = catalog.entity("recovery", "restart"), plain["training.pause"]
    restart = row.value("base") + 64 * row.value("each")
    assert pause.told == pytest.approx(
        catalog.entity("reliability", "large-cluster").value("checkpoint_time") + restart
    )
    half = min(plain["training.reliability"].interval, 86400.0) / 2.0
    assert pause.outage == pytest.approx(half + row.value("detection") + restart)
    second = plain["load.hour_cost"] + plain["supply.later_price"] * plain["facility.power_standing"]
    assert plain["load.pause_event_cost"] == pytest.approx(second * pause.told)
    assert plain["load.ladder"].steps[-1].stops == pause.told


def test_the_answer_says_what_a_pause_costs_and_which_word_uses_it(tmp_path: Path) -> None:
    found = study(tmp_path).run()
    told = [text for text in found.notices if text.startswith("a pause of the runs costs")]
    assert len(told) == 1
    assert "$35,685/MWh: with supply.flexible: computed" in told[0]
    cheap = study(tmp_path, supply="not_served_price: 1 $/kWh").run()
    assert not any("a pause of the runs" in text for text in cheap.notices)
    rows = found.tables["flexibility"]
    assert rows["speed_kept [percent]"].iloc[-1] == 0.0
    assert (rows["cut [MWh/yr]"] == 0.0).all()


# --- what a plan makes of it


PEAKS = "flexible: computed\n  units: any\n  grid: {peak_charge: 80 $/kW, price: 10 $/MWh}"


def test_a_dear_hour_is_cut_and_the_run_takes_longer_by_as_much(
    tmp_path: Path, plain: dict[str, Any]
) -> None:
    o = objects(tmp_path, supply=PEAKS)
    plan, step = o["supply.plan"], o["supply.flexible"].ladder
    assert sum(s.share for s in step) == pytest.approx(o["load.flexible_share"])
    hours = np.flatnonzero(plan.cut > 0.01 * plan.load)
    assert len(hours) == 4  # 20,000 $/MWh in each, and nothing else to draw from; others spare connection
    assert plan.cut[hours] == pytest.approx(o["load.flexible_share"] * plan.load[hours], rel=1e-6)
    slows = np.array([one.slows / one.share for one in step])
    whole = 4 + 4 * o["training.pause"].told / HOUR
    rest = np.delete(plan.cut_steps / plan.load[:, None], hours, axis=0) @ slows
    assert 0.0 < rest.sum() < 0.1 * whole
    lost = (whole + float(rest.sum())) / 8760
    assert o["supply.time_lost"] == pytest.approx(lost, rel=1e-5)
    assert o["training.kept_speed"] == pytest.approx(1.0 - lost, rel=1e-9)
    assert o["training.duration"] == pytest.approx(plain["training.duration"] / (1.0 - lost), rel=1e-9)
    energy = o["facility.energy"]
    cut = float(plan.cut.sum()) * HOUR * plan.duty
    assert energy == pytest.approx(plain["facility.energy"] - cut, rel=1e-9)
    assert o["energy.facility"] == pytest.approx(energy * o["training.duration"] / SECONDS_PER_YEAR, rel=1e-6)
    assert o["supply.flexibility_saves"] * SECONDS_PER_YEAR == pytest.approx(
        o["supply.uncut_plan"].objective - plan.objective, rel=1e-4
    )
    assert o["supply.flexibility_saves"] > 0.0


def test_a_deadline_is_held(tmp_path: Path, plain: dict[str, Any]) -> None:
    days = plain["training.duration"] / 86400.0
    late = objects(tmp_path, training=f"deadline: {days * 1.0002:.9f} days", supply=PEAKS)
    assert late["training.duration"] <= late["training.deadline"] * (1.0 + 1e-7)
    assert late["training.duration"] > plain["training.duration"] * 1.0001
    none = objects(tmp_path, training=f"deadline: {days * 0.9:.9f} days", supply=PEAKS)
    assert not np.any(none["supply.plan"].cut)
    assert none["training.duration"] == pytest.approx(plain["training.duration"])


def test_outages_count_what_a_pause_costs(tmp_path: Path) -> None:
    engines = {"plants": "[gas-engine]"}
    fail = objects(tmp_path, **engines)
    pause = objects(tmp_path, training="outages: pause", **engines)
    assert fail["supply.outage_price"] == fail["supply.not_served_price"]
    assert pause["supply.outage_price"] == pytest.approx(pause["load.pause_cost"])
    assert pause["supply.plan"].capacity["gas-engine"] <= fail["supply.plan"].capacity["gas-engine"]
    assert pause["supply.eue"] > fail["supply.eue"]
    assert not np.any(pause["supply.plan"].cut)
    kept = objects(tmp_path, training="outages: fail", supply="flexible: computed", **engines)
    assert kept["supply.outage_price"] == kept["supply.not_served_price"]


def test_a_share_beside_outages_that_pause_is_as_given(tmp_path: Path) -> None:
    o = objects(tmp_path, training="outages: pause", supply='flexible: "10%:60$/MWh"')
    assert o["supply.flexible"].cut_share == 0.1
    assert o["supply.flexible"].outage_price == pytest.approx(o["load.pause_cost"])


# --- what is refused


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"supply": "flexible: computed\n  deferrable: 10%:6h"}, "nothing waits beside what is computed"),
        ({"supply": "flexible: computed\n  price: 60 $/MWh"}, "is given as well"),
        (
            {"supply": "flexible: computed", "site": "  oversubscription: 5 %\n"},
            "supply.flexible=computed: site.oversubscription is given as well; allowed: one of them",
        ),
        ({"training": "outages: pauses"}, "training.outages"),
        ({"supply": "flexible: comptued"}, "or computed for a model; did you mean 'computed'"),
        (
            {"supply": "fuel_stock: 3 days"},
            "supply.fuel_stock: none of these plants burns a fuel from stock",
        ),
        (
            {"training": "outages: fail"},
            "training.outages: no requested quantity depends on this field; given 'fail'; "
            "allowed: supply.flexible=computed as well, for example",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, words: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        study(tmp_path, **words).run()


def test_a_load_without_a_model_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "load.yaml"
    file.write_text("load: {peak: 10 MW}\nsite: {name: abilene-texas}\nsupply: {flexible: computed}\n")
    with pytest.raises(
        InputError, match=r"load.yaml:3: supply.flexible: what a load gives is computed of a model"
    ):
        Study.read(file).run()

"""Failures of a service in scenarios and simulations: the reserve, limits, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_chain_serving import run, write

import gigawatt
from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.serving.replica_outages import read_outages, replica_outages
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.studies.run.words_serving import FIRST

FAILING = ("failures: h100", "availability: 99.9 %")


def test_a_reserve_is_added_to_what_the_target_needs() -> None:
    plain, reserved = run(), run(serving=FAILING)
    spare = reserved["serving.reserve"]
    assert spare >= 1
    assert reserved["serving.replicas"] == plain["serving.replicas"] + spare
    assert reserved["machine.count"] == reserved["serving.replicas"]
    assert reserved["machine.power_it"] > plain["machine.power_it"]
    assert reserved["serving.in_service"] >= 0.999
    # without the reserve, the days are those without failures
    assert reserved["serving.ttft_p99_degraded"] == plain["serving.ttft_p99"]
    assert reserved["serving.ttft_p99"] < plain["serving.ttft_p99"]
    share, whole = reserved["serving.goodput_failures"], reserved["serving.goodput"]
    assert 0.999 * 0.99 < share < whole


def test_draws_simulate_no_day_again_and_move_the_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reserve is a decision; failure rates and repairs are drawn."""
    from gigawatt.chain.serving import sized_days

    days, serve = [0], sized_days.serve_day

    def counted(*given: Any, **more: Any) -> Any:
        days[0] += 1
        return serve(*given, **more)

    monkeypatch.setattr(sized_days, "serve_day", counted)
    file = tmp_path / "service.yaml"
    text = write(serving=FAILING, plants=None).replace("  plants: None", "  price: 60 $/MWh")
    file.write_text(text)
    gigawatt.run(str(file))
    once, days[0] = days[0], 0
    drawn = gigawatt.run(str(file), uncertainty=True, draws=200)
    assert once > 0
    assert days[0] == once
    table = drawn.found.tables["uncertainty"]
    for name in ("serving.replica_out", "serving.failures_day"):
        assert table.loc[name, "low"] < table.loc[name, "value"] < table.loc[name, "high"]


def test_failures_alone_say_how_often_all_are_in_service() -> None:
    plain, failing = run(), run(serving=("failures: h100",))
    assert failing["serving.reserve"] == 0
    for name in ("serving.replicas", "serving.ttft_p99", "serving.kept", "machine.power_it"):
        assert failing[name] == plain[name], name
    # one chip a replica, on nodes of eight, one of which is not full
    rate = catalog.entity("reliability", "h100").value("failure_rate")
    replaced, repair = (catalog.entity("reliability", "node").value(key) for key in ("share", "repair_time"))
    short = catalog.entity("recovery", "restart").value("detection") + 180.0
    count, odds = plain["serving.replicas"], rate * replaced * (repair + short)
    expected = (1.0 / (1.0 + rate * (1.0 - replaced) * short)) ** count
    full, rest = divmod(count, 8)
    expected *= (1.0 / (1.0 + 8 * odds)) ** full / (1.0 + rest * odds)
    assert failing["serving.in_service"] == pytest.approx(expected, rel=1e-9)
    assert failing["serving.failures_day"] == pytest.approx(rate * 86400.0 * count, rel=0.01)


def test_of_given_accelerators_some_are_the_reserve() -> None:
    plain = run(demand=None, count=32)
    reserved = run(demand=None, count=32, serving=FAILING)
    total, spare = reserved["serving.replicas"], reserved["serving.reserve"]
    assert reserved["machine.count"] == plain["machine.count"]
    assert total == plain["serving.replicas"]
    assert spare >= 8  # a node at least
    assert reserved["serving.rate"] == pytest.approx(
        plain["serving.rate"] * (total - spare) / total, rel=0.05
    )


def test_more_availability_takes_no_fewer_replicas() -> None:
    counts = [run(serving=(f"availability: {share} %",))["serving.reserve"] for share in (50, 99, 99.999)]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"serving": ("availability: 100 %",)}, "serving.availability: is reached by no reserve"),
        ({"serving": ("failures: h10",)}, "did you mean 'h100'"),
        ({"serving": ("failures: whole-run",)}, "not a cluster"),
        ({"serving": ("failures: h100", "mode: both")}, "serving.failures: needs one kind of replica"),
        ({"demand": None, "count": 8, "serving": FAILING}, "serving.availability: 8 replicas are never"),
    ],
)  # fmt: skip
def test_what_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(GigawattError) as caught:
        run(**given)
    assert message in str(caught.value)


def test_the_text_of_a_scenario_says_what_the_reserve_is() -> None:
    reserved, plain = FIRST["waits"](run(serving=FAILING)), FIRST["waits"](run())
    assert "in reserve those that the SLO needs are in service for" in reserved
    assert "in reserve" not in plain


def simulated(**words: object) -> gigawatt.Answer:
    return gigawatt.simulate_serving(
        model="llama-3.1-8b", chip="H100", tensor=1, replicas=8, rate="20/s", requests=4000,
        whole=True, **words
    )  # fmt: skip


def test_a_simulation_with_failures_has_them_in_its_answer() -> None:
    found = simulated(failures="h100", outages="factor=2000000, repair=20s, detection=5s, restart=20s")
    outages = found.data["outages"]
    assert outages["cluster"] == "h100"
    assert outages["failures"] > 5
    assert outages["in_service_share"] < 1.0
    assert outages["in_service_share"] == pytest.approx(outages["in_service_share_expected"], abs=0.2)
    assert outages["requests_interrupted"] == np.count_nonzero(found.table("requests")["interruptions"])
    assert outages["ttft_out_s"]["p99"] > outages["ttft_in_service_s"]["p50"]
    assert {"serving.failures", "serving.replaced"} <= {one["key"] for one in found.data["assumptions"]}
    plain = simulated()
    assert plain.data["outages"] is None
    # accelerators that are away cost as much
    assert found.data["USD_per_hour"] == pytest.approx(plain.data["USD_per_hour"], rel=0.05)


def test_a_rolling_update_interrupts_nothing() -> None:
    outages = simulated(outages="update@30s, restart=5s").data["outages"]
    assert outages["drains"] == 8
    assert outages["failures"] == outages["requests_interrupted"] == 0
    assert outages["out_most"] == 1
    assert outages["cluster"] is None


def test_words_of_outages() -> None:
    assumed = AssumptionList()
    assert read_outages(None, None, 8, 8, assumed) is None
    found = read_outages(
        "fail=1@30min+4h, drain=0@20min, update@1h+5min, restart=60s", "h100", 16, 8, assumed
    )
    assert found is not None
    assert [(one.kind, one.replica, one.time, one.away) for one in found.outages.planned] == [
        ("failure", 1, 1800.0, 14400.0), ("drain", 0, 1200.0, 0.0), ("update", 0, 3600.0, 300.0)
    ]  # fmt: skip
    rate = catalog.entity("reliability", "h100").value("failure_rate")
    assert found.outages.failure_rate == pytest.approx(16 * rate)
    assert found.outages.restart == 60.0
    assert found.outages.together == 1
    assert replica_outages("h100", 2, 8, 0.0).outages.together == 4
    assert replica_outages(None, 2, 8, 0.0).outages.failure_rate == 0.0
    assert "serving.autoscaling_start_up" not in {one.key for one in assumed.assumptions}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"outages": "fall=1@3s"}, "outages: not an outage; given 'fall=1@3s'"),
        ({"outages": "restart=3"}, "outages: the unit is missing"),
        ({"outages": "restart=3s, restart=4s"}, "outages: given twice"),
        ({"outages": "repair=3s"}, "outages: has no use without failures"),
        ({"outages": "update@1s, update@2s"}, "outages: a second rolling update"),
        ({"outages": "fail=8@1s"}, "outages: no such replica; given 8; allowed: 0 to 7"),
        ({"failures": "h100", "outages": "replaced=2"}, "outages: is no share"),
        ({"failures": "h10"}, "h100"),
        ({"failures": "h100", "static": True}, "static: static batches have no outages"),
        ({"failures": "h100", "prefill": "1xTP1"}, "failures: replicas fail where they both"),
    ],
)  # fmt: skip
def test_bad_words(words: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        simulated(**words)
    assert message in str(caught.value)


def test_a_scenario_is_simulated_with_its_failures(tmp_path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(write(serving=("failures: h100", "layout: {tensor: 1}")))
    found = gigawatt.simulate_serving(file, requests=500, rate="20/s", replicas=2)
    assert found.data["outages"]["cluster"] == "h100"

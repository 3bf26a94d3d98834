"""Classes of requests: words, mixing, and what a simulation says of each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from test_chain_serving import write

import gigawatt
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.serving.classes import class_words, read_classes
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.serving import Requests
from gigawatt.serving.classes import merged

CHAT = "chat: share=70%, prompt=500, output=100, ttft=300ms, tpot=50ms, p99"
BATCH = "batch: share=30%, prompt=4000, output=lognormal(median=300, p90=900), arrivals=constant, priority=1"


def simulated(classes: str = f"{CHAT}; {BATCH}", **words: object) -> gigawatt.Answer:
    given = {"rate": "30/s", "requests": 3000, "whole": True, **words}
    return gigawatt.simulate_serving(
        model="llama-3.1-8b", chip="H100", tensor=1, classes=classes, **given
    )  # fmt: skip


def test_words() -> None:
    assert class_words(f"{CHAT};{BATCH};") == {
        "chat": {"share": "70%", "prompt": "500", "output": "100", "ttft": "300ms", "tpot": "50ms",
                 "percentile": "p99"},
        "batch": {"share": "30%", "prompt": "4000", "output": "lognormal(median=300, p90=900)",
                  "arrivals": "constant", "priority": "1"},
    }  # fmt: skip


def test_each_class_has_its_share_and_its_lengths() -> None:
    traffic = read_classes(f"{CHAT}; {BATCH}", AssumptionList(), limit=None)
    mix = traffic.mixed(rate=20.0, count=5000, seed=1)
    requests = mix.requests
    assert np.bincount(mix.member).tolist() == [3500, 1500]
    assert (np.diff(requests.arrival) >= 0.0).all()
    assert requests.span == pytest.approx(250.0, rel=0.05)
    assert (requests.prompt[mix.member == 0] == 500).all()
    assert (requests.prompt[mix.member == 1] == 4000).all()
    assert np.array_equal(requests.priority, mix.member)
    gaps = np.diff(requests.arrival[mix.member == 1])
    assert gaps == pytest.approx(np.full(1499, 1.0 / 6.0))
    assert mix.objectives[0] is not None
    assert (mix.objectives[0].ttft, mix.objectives[0].percentile) == (0.3, 0.99)
    assert mix.objectives[1] is None


def test_merged_blocks_stay_with_their_requests() -> None:
    one = Requests(
        [0.0, 2.0], [128, 64], [1, 1], blocks=(np.array([0, 2, 3]), np.array([7, 8, 7])), block_tokens=64
    )
    two = Requests([1.0], [64], [1], blocks=(np.array([0, 1]), np.array([7])), block_tokens=64)
    three = Requests([0.5], [10], [1])
    found, member = merged([one, two, three])
    assert member.tolist() == [0, 2, 1, 0]
    assert found.blocks is not None
    offsets, ids = found.blocks
    held = [ids[start:end].tolist() for start, end in pairwise(offsets)]
    assert [len(one) for one in held] == [2, 0, 1, 1]
    assert held[0][0] == held[3][0]  # the same text in one class
    assert held[2][0] not in held[0]  # another class's is another
    with pytest.raises(InputError, match="blocks of different sizes"):
        merged([one, Requests([1.0], [64], [1], blocks=(np.array([0, 1]), np.array([7])), block_tokens=16)])


def test_the_answer_has_each_class_and_all_of_them() -> None:
    found = simulated()
    rows = {row["name"]: row for row in found.data["classes"]}
    frame = found.table("requests")
    assert {name: row["requests"] for name, row in rows.items()} == frame["class"].value_counts().to_dict()
    for name, row in rows.items():
        mine = frame[frame["class"] == name]
        assert row["ttft_s"]["mean"] == pytest.approx(mine["ttft_s"].mean())
        assert row["e2e_s"]["p99"] == pytest.approx(np.quantile(mine["e2e_s"], 0.99), rel=0.02)
        assert row["prompt_tokens_mean"] == pytest.approx(mine["prompt_tokens"].mean())
    chat = frame[frame["class"] == "chat"]
    met = ((chat["ttft_s"] <= 0.3) & (chat["tpot_s"] <= 0.05)).mean()
    assert rows["chat"]["kept_share"]["all"] == pytest.approx(met)
    assert rows["batch"]["kept_share"] == {}
    # batch has no target: all of it counts
    whole = (met * rows["chat"]["requests"] + rows["batch"]["requests"]) / 3000
    assert found.data["kept_share"]["all"] == pytest.approx(whole)
    assert "serving.trace" not in {one["key"] for one in found.data["assumptions"]}
    assert "Requests by class" in repr(found.document)


def test_priority_and_preemption_serve_the_urgent_first() -> None:
    """Overloaded by batch work, chat keeps its latency only where it is served first."""
    words = {"rate": "60/s", "sequences": 48}
    alike = simulated(f"{CHAT}; {BATCH.replace('priority=1', 'priority=0')}", **words)
    first, preempts = simulated(**words), simulated(priority_preemption=True, **words)
    ttft = [found.data["classes"][0]["ttft_s"]["p99"] for found in (alike, first, preempts)]
    assert ttft[2] < ttft[1] < ttft[0]
    assert preempts.data["classes"][1]["requests_preempted"] > 0
    assert preempts.data["classes"][0]["requests_preempted"] == 0
    for found in (alike, first, preempts):
        assert found.data["requests_finished"] == 3000


def test_batch_work_fills_the_valleys_of_the_day() -> None:
    """A day in which chat takes what there is at noon: batch of lower priority ends when there is room."""
    day = "arrivals=diurnal, shape=azure-code-2024-weekday"
    chat = f"chat: rate=1/s, prompt=500, output=400, ttft=1s, p99, {day}"
    batch = "batch: rate=1.4/s, prompt=1000, output=500, arrivals=constant, priority=1"
    words = {"rate": None, "requests": None, "span": "24h", "sequences": 8}
    found = simulated(f"{chat}; {batch}", priority_preemption=True, **words)
    alike = simulated(f"{chat}; {batch}".replace("priority=1", "priority=0"), **words)
    frame = found.table("requests")
    mine = frame[frame["class"] == "batch"]
    finish = np.bincount(
        np.minimum((mine["arrival_s"] + mine["e2e_s"]) // 3600, 24).astype(int), minlength=24
    )
    came = np.bincount((frame[frame["class"] == "chat"]["arrival_s"] // 3600).astype(int), minlength=24)[:24]
    peak, valley = np.argsort(came)[-4:], np.argsort(came)[:4]
    assert came[peak].sum() > 2.5 * came[valley].sum()
    assert finish[peak].sum() < 0.9 * finish[valley].sum()
    kept = [one.data["classes"][0]["kept_share"]["all"] for one in (alike, found)]
    assert kept[0] < 0.6 < 0.8 < kept[1]


def test_one_class_is_a_run_of_its_own() -> None:
    one = simulated("all: rate=20/s, prompt=500, output=100, ttft=1s, p99", rate=None)
    plain = gigawatt.simulate_serving(
        model="llama-3.1-8b", chip="H100", tensor=1, prompt="500", output="100", rate="20/s", requests=3000,
        whole=True, objective="ttft=1s,p99",
    )  # fmt: skip
    assert plain.data["classes"] == []
    for key in ("ttft_s", "e2e_s", "power_kW", "USD_per_hour", "goodput_requests_per_s"):
        assert one.data[key] == plain.data[key], key


def test_a_scenario_is_served_with_classes_in_place_of_its_requests(tmp_path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(write(serving=("layout: {tensor: 1}",)))
    found = gigawatt.simulate_serving(file, classes=f"{CHAT}; {BATCH}", requests=500, rate="20/s", replicas=2)
    assert [row["name"] for row in found.data["classes"]] == ["chat", "batch"]


AGENTS = "agents: share=30%, prompt=6000, output=300, ttft=5s, tpot=60ms, p95, priority=1"
PLAN = {"model": "llama-3.1-8b", "chip": "H100", "finalists": 2, "requests": 1500}


def test_a_plan_meets_the_target_of_every_class() -> None:
    """Each by its own limits and percentile, on replicas that serve both; looser targets take no more."""
    found = gigawatt.plan_serving(**PLAN, rate="40/s", classes=f"{CHAT}; {AGENTS}")
    rows = {row["name"]: row for row in found.data["classes"]}
    assert list(rows) == ["chat", "agents"]
    for name, percentile in (("chat", 0.99), ("agents", 0.95)):
        assert rows[name]["objective_kept"] is True
        assert min(rows[name]["kept_share"].values()) >= percentile
    assert rows["chat"]["requests_per_s"] / rows["agents"]["requests_per_s"] == pytest.approx(7 / 3, rel=0.1)
    assert rows["agents"]["prompt_tokens_mean"] == 6000.0
    assert "Requests by class" in repr(found.document)
    assert "in 2 classes with latency targets of their own" in repr(found.document)
    strict = gigawatt.plan_serving(**PLAN, rate="40/s", classes=f"{CHAT}; {AGENTS.replace('60ms', '9ms')}")
    assert strict.data["USD_per_hour"] > 1.1 * found.data["USD_per_hour"]  # the shortest TPOT is everyone's


def test_one_class_is_planned_as_a_question_of_its_own() -> None:
    alone = "all: rate=40/s, prompt=500, output=100, ttft=300ms, tpot=50ms, p99"
    one = gigawatt.plan_serving(**PLAN, classes=alone)
    plain = gigawatt.plan_serving(
        **PLAN, rate="40/s", prompt="500", output="100", objective="ttft=300ms,tpot=50ms,p99"
    )  # fmt: skip
    for key in ("chips", "replicas", "ttft_s", "tpot_s", "USD_per_hour", "power_kW", "limit"):
        assert one.data[key] == plain.data[key], key
    assert plain.data["classes"] == []


LONG = "long: share=5%, prompt=20000, output=20, {target}, priority=1"
SHORT = "chat: share=95%, prompt=500, output=100, ttft=450ms, tpot=100ms, p99"


def test_a_class_whose_target_nothing_meets_is_named() -> None:
    with pytest.raises(InfeasibleError, match=r"meets ttft ≤ 0\.06 s for only 0 % of requests of long"):
        gigawatt.plan_serving(**PLAN, rate="5/s", classes=f"{SHORT}; {LONG.format(target='ttft=60ms, p99')}")


def test_long_prompts_behind_urgent_ones_are_planned_by_events() -> None:
    """In closed form all wait alike, and none would have its first token in 450 ms beside 60,000 tokens."""
    classes = f"{SHORT}; {LONG.format(target='ttft=30s, p95').replace('20000', '60000')}"
    found = gigawatt.plan_serving(**PLAN, rate="3/s", classes=classes)
    for row, percentile in zip(found.data["classes"], (0.99, 0.95), strict=True):
        assert row["objective_kept"] is True
        assert row["kept_share"]["all"] >= percentile


def test_the_field_of_a_scenario(tmp_path) -> None:
    file = tmp_path / "scenario.yaml"
    classes = f"{CHAT}; {AGENTS}"
    lines = ("layout: {tensor: 1}", f'classes: "{classes}"')
    file.write_text(write(serving=lines, trace=None, shape=None, objective=None, demand="40 requests/s"))
    found = gigawatt.simulate_serving(file, requests=500, replicas=2)
    assert [row["name"] for row in found.data["classes"]] == ["chat", "agents"]
    with pytest.raises(InputError, match=r"serving\.classes: .*plan-serving or simulate-serving"):
        gigawatt.run(file)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"classes": "chat"}, "classes: not a class; given 'chat'"),
        ({"classes": " ; "}, "classes: no class"),
        ({"classes": f"{CHAT}; {CHAT}"}, "classes: this class stands twice; given 'chat'"),
        ({"classes": "chat: sare=1"}, "did you mean 'share'"),
        ({"classes": "chat: share=1, share=1"}, "classes: given twice"),
        ({"classes": CHAT}, "classes: shares do not add up; given '0.7'; allowed: 100 % in all"),
        ({"classes": "chat: rate=1/s"}, "rate: each class has a rate; given '30/s'"),
        ({"classes": "chat: rate=3", "rate": None}, "classes: the unit is missing"),
        ({"classes": "a: rate=3/s; b: share=1"}, "classes: classes have rates or shares"),
        ({"rate": None}, "rate: classes by share need a rate of all"),
        ({"classes": "a: share=1, priority=-1"}, "classes: not a priority"),
        ({"classes": "a: share=1, p99"}, "classes: a percentile of no limit"),
        ({"classes": "a: share=1, ttft=1"}, "classes: the unit is missing"),
        ({"classes": "a: share=1, ttft=1s, objective=interactive"}, "the latency target stands twice"),
        ({"classes": "a: share=1, trace=azure-cod"}, "did you mean"),
        ({"trace": "azure-code-2023"}, "trace: cannot be combined with classes"),
        ({"concurrency": 4}, "concurrency: cannot be combined with classes"),
        ({"requests": 1}, "requests: fewer than classes; given 1; allowed: 2 or more"),
        ({"static": True, "priority_preemption": True}, "static batches are not preempted"),
    ],
)  # fmt: skip
def test_bad_words(words: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        simulated(**words)
    assert message in str(caught.value)

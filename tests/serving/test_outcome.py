"""Metrics of outcomes made by hand, where every number can be reckoned; percentiles are numpy's."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.performance.serving.step_tables import StepTables, iteration_cost
from gigawatt.serving.engine import ITL_EDGES, Outcome, Series
from gigawatt.serving.objectives import list_objectives, read_objective
from gigawatt.serving.outcome import Quantiles, latencies, steady_window, summarise
from gigawatt.serving.power_profile import largest_step, power_series
from gigawatt.serving.requests import Requests
from gigawatt.serving.token_cost import token_cost

NAN = math.nan
COLUMNS = tuple(part.name for part in dataclasses.fields(Series) if part.name != "bin")


def series(bin: float, count: int, **given: object) -> Series:
    """Zeros but for what is given; a number stands for all bins."""
    columns = {name: np.broadcast_to(np.asarray(given.get(name, 0.0), float), count) for name in COLUMNS}
    return Series(bin=bin, **{name: np.array(values) for name, values in columns.items()})


def outcome(
    arrival: list[float],
    scheduled: list[float],
    first: list[float],
    finish: list[float],
    over_time: Series,
    **given: object,
) -> Outcome:
    rejected = np.isnan(np.array(finish))
    count = len(arrival)
    return Outcome(
        arrival=np.array(arrival, float),
        scheduled=np.array(scheduled, float),
        first_token=np.array(first, float),
        finish=np.array(finish, float),
        replica=np.where(rejected, -1, 0),
        preemptions=np.array(given.get("preemptions", [0] * count)),
        cached_tokens=np.array(given.get("cached", [0] * count)),
        rejected=rejected,
        series=over_time,
        itl_weights=np.array(given.get("itl", np.zeros(len(ITL_EDGES) - 1))),
    )


def requests(arrival: list[float], prompt: list[int], output: list[int]) -> Requests:
    return Requests(np.array(arrival, float), np.array(prompt), np.array(output))


@pytest.fixture
def four() -> tuple[Outcome, Requests]:
    """Four requests, the last turned away; ten seconds of which the replica works eight.

    times to first token 1, 2, 3; between tokens (3 − 1)/(5 − 1) = 0.5, (6 − 3)/(2 − 1) = 3, none (one token).
    """
    power = series(
        1.0, 10,
        energy=[100, 100, 300, 300, 300, 200, 100, 50, 50, 50], output_tokens=[0, 2, 2, 1, 0, 2, 0, 1, 0, 0],
        prompt_tokens=[50, 50, 10, 0, 0, 0, 40, 0, 0, 0], running=[1, 2, 2, 1, 1, 1, 1, 1, 0, 0],
        waiting=[0, 1, 0, 0, 0, 0, 0, 0, 0, 0], kv_tokens=[60, 110, 120, 80, 50, 50, 20, 20, 0, 0],
        replicas_on=1.0, busy=[1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
    )  # fmt: skip
    made = outcome(
        [0.0, 1.0, 4.5, 5.0], [0.0, 1.5, 6.0, NAN], [1.0, 3.0, 7.5, NAN], [3.0, 6.0, 7.5, NAN], power,
        preemptions=[0, 2, 0, 0], cached=[0, 30, 10, 0],
    )  # fmt: skip
    return made, requests([0.0, 1.0, 4.5, 5.0], [100, 50, 50, 9000], [5, 2, 1, 7])


def test_latencies_are_what_their_names_say(four: tuple[Outcome, Requests]) -> None:
    times = latencies(*four)
    assert times["wait"][:3].tolist() == [0.0, 0.5, 1.5]
    assert times["ttft"][:3].tolist() == [1.0, 2.0, 3.0]
    assert times["tpot"][:2].tolist() == [0.5, 3.0]
    assert times["e2e"][:3].tolist() == [3.0, 5.0, 3.0]
    assert all(math.isnan(values[3]) for values in times.values())
    assert math.isnan(times["tpot"][2])
    with pytest.raises(InputError, match="an outcome of other requests"):
        latencies(four[0], requests([0.0], [1], [1]))


def test_a_run_as_a_whole(four: tuple[Outcome, Requests]) -> None:
    found = summarise(*four, capacity=1000.0)
    assert (found.requests, found.finished, found.rejected) == (4, 3, 1)
    assert (found.preempted, found.preemptions) == (1, 2)
    assert found.window == (0.0, 7.5)
    assert found.ttft == Quantiles(2.0, 2.0, 2.8, 2.98, 3.0)
    assert found.tpot.mean == 1.75
    assert found.tpot.most == 3.0
    assert found.request_rate == pytest.approx(3 / 7.5)
    assert found.prompt_rate == pytest.approx(200 / 7.5)
    assert found.computed_rate == pytest.approx(150 / 7.5)
    assert found.output_rate == pytest.approx(8 / 7.5)
    assert found.cached == pytest.approx(40 / 200)
    assert found.utilisation == pytest.approx(0.8)
    assert found.occupancy == pytest.approx(0.051)
    assert found.peak_occupancy == pytest.approx(0.12)
    assert found.replicas == pytest.approx(1.0)
    assert found.energy == 1550.0
    assert found.power == pytest.approx(155.0)
    assert (found.peak_power, found.power_step, found.power_bin) == (300.0, 200.0, 1.0)
    assert found.token_energy == pytest.approx(1550 / 8)
    assert found.request_energy == pytest.approx(1550 / 3)
    assert found.goodput is None


def test_a_part_of_a_run(four: tuple[Outcome, Requests]) -> None:
    """From 0.5 to 4.5 s: one arrival (the third comes at 4.5 itself), half of two bins."""
    found = summarise(*four, "ttft=2s", capacity=1000.0, window=(0.5, 4.5))
    assert (found.requests, found.finished) == (1, 1)
    assert found.ttft.mean == 2.0
    assert found.request_rate == pytest.approx(1 / 4.0)  # one finishes in it
    assert found.prompt_rate == pytest.approx(150 / 4.0)  # two first tokens come out
    assert found.energy == pytest.approx(50 + 100 + 300 + 300 + 150)
    assert found.output_rate == pytest.approx((0 + 2 + 2 + 1 + 0) / 4.0)
    assert found.concurrency == pytest.approx((0.5 + 2 + 2 + 1 + 0.5) / 4.0)
    assert found.goodput is not None
    assert (found.goodput.share, found.goodput.rate) == (1.0, 0.25)
    assert found.trimmed == "from 0.5 s to 4.5 s, as asked"
    with pytest.raises(InputError, match=r"window: not a window of the run; given '3 to 20 s'"):
        summarise(*four, window=(3.0, 20.0))
    with pytest.raises(InputError, match="no such window"):
        summarise(*four, window="stable")


def test_parts_add_up_to_the_whole(four: tuple[Outcome, Requests]) -> None:
    edges = [0.0, 1.7, 5.0, 10.0]
    parts = [summarise(*four, window=(a, b)) for a, b in pairwise(edges)]
    whole = summarise(*four)
    assert sum(part.energy for part in parts) == pytest.approx(whole.energy)
    assert sum(part.requests for part in parts) == whole.requests
    for name in ("output_rate", "computed_rate", "prompt_rate", "request_rate"):
        made = sum(getattr(part, name) * (part.window[1] - part.window[0]) for part in parts)
        assert made == pytest.approx(getattr(whole, name) * whole.window[1]), name


def test_percentiles_are_numpys() -> None:
    random = np.random.default_rng(3)
    count = 2000
    arrival = np.sort(random.random(count) * 1000.0)
    first = arrival + random.gamma(2.0, 0.5, count)
    output = random.integers(1, 50, count)
    finish = first + (output - 1) * random.gamma(3.0, 0.01, count)
    made = outcome(
        arrival.tolist(),
        arrival.tolist(),
        first.tolist(),
        finish.tolist(),
        series(1.0, 1100, replicas_on=1.0),
    )
    found = summarise(made, Requests(arrival, np.ones(count, int), output))
    for name, values in (
        ("ttft", first - arrival),
        ("e2e", finish - arrival),
        ("tpot", ((finish - first)[output > 1] / (output[output > 1] - 1))),
    ):
        quantiles = getattr(found, name)
        assert quantiles.mean == pytest.approx(np.mean(values))
        assert [quantiles.p50, quantiles.p90, quantiles.p99] == pytest.approx(
            np.percentile(values, [50, 90, 99])
        )
        assert quantiles.most == pytest.approx(values.max())


def test_gaps_between_tokens_out_of_the_histogram() -> None:
    """Percentiles of a lognormal through bins of 1.8 %: within one per cent of numpy's."""
    gaps = 0.03 * np.exp(0.4 * np.random.default_rng(1).standard_normal(50_000))
    found = Quantiles.of_histogram(ITL_EDGES, np.histogram(gaps, ITL_EDGES)[0].astype(float))
    assert found.mean == pytest.approx(gaps.mean(), rel=2e-3)
    assert [found.p50, found.p90, found.p99] == pytest.approx(np.percentile(gaps, [50, 90, 99]), rel=0.01)
    assert gaps.max() <= found.most <= gaps.max() * 1.02
    one = np.zeros(len(ITL_EDGES) - 1)
    one[100] = 5.0
    found = Quantiles.of_histogram(ITL_EDGES, one)
    assert ITL_EDGES[100] < found.p50 < found.p99 < found.most == ITL_EDGES[101]
    assert math.isnan(Quantiles.of_histogram(ITL_EDGES, np.zeros(len(ITL_EDGES) - 1)).mean)


def test_nothing_finished() -> None:
    made = outcome([0.0], [NAN], [NAN], [NAN], series(1.0, 2, energy=5.0, replicas_on=1.0))
    found = summarise(made, requests([0.0], [10], [10]), "ttft=1s,p99", capacity=10.0)
    assert (found.finished, found.rejected) == (0, 1)
    assert math.isnan(found.ttft.mean)
    assert math.isnan(found.token_energy)
    assert found.energy == 10.0
    assert found.goodput is not None
    assert found.goodput.share == 0.0
    assert found.goodput.met is False


# objectives


def test_goodput_counts_those_that_keep_every_limit(four: tuple[Outcome, Requests]) -> None:
    def share(text: str) -> tuple[float, dict[str, float], bool | None]:
        found = summarise(*four, text).goodput
        assert found is not None
        return found.share, found.by_limit, found.met

    assert share("ttft=2s") == (0.5, {"ttft": 0.5}, None)
    assert share("ttft=2s,tpot=1s") == (0.25, {"ttft": 0.5, "tpot": 0.5}, None)
    assert share("tpot=1s") == (0.5, {"tpot": 0.5}, None)  # one token has no time between tokens
    assert share("e2e=5s") == (0.75, {"e2e": 0.75}, None)
    assert share("e2e=5s,p75") == (0.75, {"e2e": 0.75}, True)
    assert share("e2e=5s,ttft=1.5s,p75")[2] is False  # each limit by itself has to reach the percentile
    found = summarise(*four, "e2e=5s").goodput
    assert found is not None
    assert found.rate == pytest.approx(3 / 7.5)


def test_objectives_as_text() -> None:
    found = read_objective("ttft=2s, tpot <= 50 ms, E2E≤1min, p99")
    assert (found.ttft, found.tpot, found.e2e, found.percentile) == (2.0, 0.05, 60.0, 0.99)
    assert str(found) == "ttft ≤ 2 s, tpot ≤ 0.05 s, e2e ≤ 60 s, p99"
    assert read_objective("latency=3s,p99.9").percentile == pytest.approx(0.999)
    assert read_objective("ttft 2s").limits == {"ttft": 2.0}
    assert str(read_objective("TTFT 120 ms, tpot 12 ms, p90")) == "ttft ≤ 0.12 s, tpot ≤ 0.012 s, p90"
    assert read_objective(found) is found


# MLCommons, inference rules, constraints of the datacenter suite (TTFT/TPOT at the 99th percentile)
@pytest.mark.parametrize(
    ("name", "ttft", "tpot"),
    [
        ("mlperf-llama2-70b-server", 2.0, 0.2),
        ("mlperf-llama2-70b-interactive", 0.45, 0.04),
        ("mlperf-llama3.1-405b-server", 6.0, 0.175),
        ("llama3.1-405b-interactive", 4.5, 0.08),
        ("deepseek-r1", 2.0, 0.08),
    ],
)
def test_objectives_of_the_catalog(name: str, ttft: float, tpot: float) -> None:
    found = read_objective(name)
    assert (found.ttft, found.tpot, found.percentile) == (pytest.approx(ttft), pytest.approx(tpot), 0.99)
    assert found.e2e == math.inf
    assert found.name in list_objectives()
    assert (
        catalog.source(catalog.entity("objectives", name).evidence("ttft").source_id).publisher == "MLCommons"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "mlperf-llama2-70b-servers",
            "objective: no such objective; given 'mlperf-llama2-70b-servers'; allowed: ",
        ),
        ("ttft=2", "objective.ttft: the unit is missing; given '2'"),
        ("ttft=2 GW", "objective.ttft: 'GW' is the wrong kind of unit here"),
        ("ttft=2s,ttft=3s", "objective.ttft: this stands twice"),
        ("tppt=2s", "objective: no such limit; given 'tppt=2s'"),
        ("ttft=2s,90", "objective: no such limit; given '90'"),
        ("p99", "objective: an objective without a limit"),
        ("ttft=0s", "objective.ttft: not a limit on a time; given 0.0"),
        ("ttft=2s,p0", "objective.percentile: not a percentile; given 0.0"),
    ],
)
def test_objectives_refuse_in_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError) as raised:
        read_objective(text)
    assert str(raised.value).startswith(says)
    assert "\n" not in str(raised.value)


# the steady part


def test_the_steady_part_leaves_out_warm_up_and_tail() -> None:
    """In flight: a ramp of 100 s, a plateau with noise, a tail after the last arrival at 900 s."""
    noise = np.random.default_rng(5).standard_normal(1000)
    flight = np.concatenate([np.linspace(0, 50, 100), 50 + noise[:800], np.linspace(50, 0, 100)])
    arrival = np.linspace(0.0, 900.0, 500).tolist()
    late = (np.array(arrival) + 1.0).tolist()
    made = outcome(arrival, arrival, late, late, series(1.0, 1000, running=flight, replicas_on=1.0))
    start, end = steady_window(made)
    assert 85.0 <= start <= 130.0
    assert end == 900.0
    found = summarise(
        made, Requests(np.array(arrival), np.ones(500, int), np.ones(500, int)), window="steady"
    )
    assert found.concurrency == pytest.approx(50.0, abs=0.3)
    assert found.trimmed.startswith(f"the steady part: from {start:g} s")
    assert "900" in found.trimmed
    flat = dataclasses.replace(made, series=series(1.0, 1000, running=50 + noise, replicas_on=1.0))
    assert steady_window(flat)[0] <= 450.0
    short = outcome([0.0], [0.0], [0.5], [0.5], series(1.0, 1))
    assert steady_window(short) == (0.0, 1.0)


# power


def test_power_by_the_step_conserves_energy() -> None:
    energy = np.random.default_rng(2).random(1000)
    fine = series(0.25, 1000, energy=energy)
    for step in (None, 0.25, 1.0, 0.7, 13.0):
        found = power_series(fine, step=step)
        assert found.energy == pytest.approx(energy.sum())
        assert found.edges[-1] == pytest.approx(250.0)
    seconds = power_series(fine, step=1.0)
    assert seconds.power == pytest.approx(energy.reshape(250, 4).sum(axis=1))
    assert largest_step(seconds) == pytest.approx(np.abs(np.diff(seconds.power)).max())
    part = power_series(fine, step=1.0, window=(10.0, 12.0))
    assert part.power == pytest.approx(seconds.power[10:12])
    with pytest.raises(InputError, match=r"step: finer than the outcome's bins; given '0\.1 s'"):
        power_series(fine, step=0.1)
    with pytest.raises(InputError, match="not a window of the series"):
        power_series(fine, window=(200.0, 300.0))


def test_a_short_last_step_is_no_peak() -> None:
    found = power_series(series(0.5, 5, energy=[1, 1, 1, 1, 50]), step=1.0)
    assert found.power.tolist() == [2.0, 2.0, 100.0]
    assert found.whole.tolist() == [2.0, 2.0]
    assert largest_step(found) == 0.0


# cost


def plain() -> StepTables:
    """A token of a prompt takes 1 ms, an iteration 10 ms at least: the rest of the tables is empty."""
    two, one = np.array([0.0, 1.0]), np.array([1.0])
    zero = np.zeros(1)
    return StepTables(
        tokens=two, linear_time=1e-3 * two, linear_energy=two, batch=one, batch_time=zero, batch_energy=zero,
        floor=zero, context=one, decode_time=zero[:, None], decode_energy=zero[:, None], chunk=one,
        before=one, prefill_time=zero[:, None], prefill_energy=zero[:, None], overhead=9e-3,
        verified=1.0, accepted=1.0, capacity=1000.0, token_bytes=1.0, sequence_bytes=0.0, idle_power=10.0,
        power_limit=100.0, chips=2,
    )  # fmt: skip


def test_cost_of_tokens_by_hand(four: tuple[Outcome, Requests]) -> None:
    """7.5 s of two chips at 4 $ a second are 60 $; a prompt of 50 computed tokens takes 59 ms."""
    tables = plain()
    found = summarise(*four, tables=tables)
    cost = token_cost(found, tables=tables, price=4.0)
    assert cost.total == pytest.approx(60.0)
    each, _ = iteration_cost(tables, decoding=0, context=0, chunk=50)
    assert float(each) == pytest.approx(0.059)
    batch = found.concurrency
    step = (9e-3 + 1e-3 * batch) / batch
    share = 150 * 0.059 / 50 / (150 * 0.059 / 50 + 8 * step)
    assert cost.prompt_share == pytest.approx(share)
    assert cost.prompt_million == pytest.approx(60.0 * share / 200 * 1e6)
    assert cost.computed_million == pytest.approx(60.0 * share / 150 * 1e6)
    assert cost.output_million == pytest.approx(60.0 * (1 - share) / 8 * 1e6)
    assert found.occupancy == pytest.approx(0.051)  # the room out of the tables


def test_cost_adds_up_whatever_the_split(four: tuple[Outcome, Requests]) -> None:
    tables = plain()
    found = summarise(*four, tables=tables)
    for split in ("time", "tokens", 0.0, 0.3, 1.0):
        cost = token_cost(found, tables=tables, price=4.0, split=split)
        assert cost.prompt_million * 200e-6 + cost.output_million * 8e-6 == pytest.approx(cost.total)
    assert token_cost(found, tables=tables, price=4.0, split="tokens").prompt_share == pytest.approx(
        150 / 158
    )
    for asked, says in (
        ({"split": "evenly"}, "no such split"),
        ({"split": 2.0}, "split: not a share"),
        ({"price": -1.0}, "price: not a price"),
    ):
        with pytest.raises(InputError, match=says):
            token_cost(found, tables=tables, **({"price": 1.0} | asked))  # type: ignore[arg-type]

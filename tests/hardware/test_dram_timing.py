"""Commands of a pseudo-channel: two simulators of other people with the same timing, laws, known limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity, table
from gigawatt.core.errors import InputError
from gigawatt.technology.stacked_memory.dram_patterns import accesses_of, pattern_of, patterns, reach
from gigawatt.technology.stacked_memory.dram_timing import (
    Accesses,
    bound,
    channel_of,
    peak_bandwidth,
    simulate,
)
from gigawatt.validation.technologies.memory import simulated

SIMULATED = tuple(
    id.removeprefix("dramsim3-hbm2-")
    for id in table("stacked_memory_published")
    if id.startswith("dramsim3-hbm2-")
)
"""Traces that were run through DRAMsim3."""
few = settings(deadline=None, max_examples=8, derandomize=True)


@pytest.mark.parametrize("memory", ["hbm2", "hbm3"])
@pytest.mark.parametrize("name", SIMULATED)
def test_traces_reach_what_dramsim3_says(memory: str, name: str) -> None:
    """DRAMsim3, commit 2981759, with the same timing, 64 transactions, refresh of all banks."""
    published = entity("stacked_memory_published", f"dramsim3-{memory}-{name}").value("share")
    assert simulated(memory, name) == pytest.approx(published, rel=0.06)


@pytest.mark.parametrize("memory", ["hbm2", "hbm3", "hbm4"])
def test_a_stream_reaches_what_ramulator_says(memory: str) -> None:
    """Ramulator 2.1, commit c5b1c3a, its own presets, refresh of all banks."""
    published = entity("stacked_memory_published", f"ramulator-{memory}").value("stream_all")
    assert reach(memory, "weights").share == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize(
    ("memory", "rate", "peak"),
    [("hbm2", 2.0, 256.0), ("hbm2", 2.4, 307.2), ("hbm2e", 3.6, 460.8), ("hbm3", 6.4, 819.2),
     ("hbm3e", 9.6, 1228.8), ("hbm4", 8.0, 2048.0)],
)  # fmt: skip
def test_peaks_are_those_of_the_standards(memory: str, rate: float, peak: float) -> None:
    assert peak_bandwidth(memory, data_rate=rate * 1e9 / 8.0) == pytest.approx(peak * 1e9, rel=1e-9)


def accesses(bank: np.ndarray, row: np.ndarray, write: np.ndarray | None = None) -> Accesses:
    return Accesses(bank, row, np.zeros(len(bank), dtype=bool) if write is None else write)


def test_known_limits_without_refresh() -> None:
    """One bank, new rows: tRC each. One bank, one row: tCCD_L each. All groups, one row each: the bus."""
    c, i = channel_of("hbm3", ranks=1), np.arange(4000)
    cases = (
        (accesses(0 * i, i), c.rc),
        (accesses(0 * i, 0 * i), c.ccd_l),
        (accesses(i % 4, 0 * i), c.burst),
        (accesses(i % 16, i), max(c.faw / 4.0, c.rrd_s)),
    )
    for made, each in cases:
        assert simulate(c, made, refresh="none").moved == pytest.approx(c.burst / each, rel=0.01)


def test_every_time_between_two_commands_is_kept() -> None:
    """Times of columns obey burst, group and turnaround; none is lost, none comes twice."""
    from gigawatt.technology.stacked_memory.dram_timing import _Controller

    c, rng = channel_of("hbm3", ranks=1), np.random.default_rng(3)
    n = 3000
    made = accesses(rng.integers(0, 16, n), rng.integers(0, 50, n), rng.random(n) < 0.3)
    issued, activations, _ = _Controller(c, made, 64, "bank").run()
    order = np.argsort(issued, kind="stable")
    t, write, group = issued[order], made.write[order], made.bank[order] % c.groups
    assert np.all(issued > 0.0)
    assert activations >= len(np.unique(made.row * 16 + made.bank))
    gap, same = np.diff(t), write[1:] == write[:-1]
    slack = 1e-15
    assert np.all(gap >= c.burst - slack)
    assert np.all(gap[(group[1:] == group[:-1]) & same] >= c.ccd_l - slack)
    assert np.all(gap[~write[:-1] & write[1:]] >= c.rtw - slack)
    assert np.all(gap[write[:-1] & ~write[1:]] >= c.cwl + c.burst + c.wtr_s - slack)


def test_what_refresh_and_heat_take() -> None:
    c = channel_of("hbm3")
    hot = channel_of("hbm3", temperature=360.0)
    assert hot.refi == c.refi / 2.0
    cool, warm, none = (reach("hbm3", "weights", refresh=how, temperature=t).share
                        for how, t in (("all", 300.0), ("all", 360.0), ("none", 300.0)))  # fmt: skip
    assert cool == pytest.approx(none * (1.0 - c.rfc / c.refi), rel=1e-9)
    assert warm == pytest.approx(none * (1.0 - 2.0 * c.rfc / c.refi), rel=1e-9)
    by_bank = reach("hbm3", "random", refresh="bank").share
    assert by_bank <= reach("hbm3", "random", refresh="none").share


def test_a_long_simulation_of_all_banks_loses_the_share_of_refresh() -> None:
    c, i = channel_of("hbm2", ranks=1), np.arange(16000)
    made = accesses(i % 4 + 4 * ((i // 128) % 4), i // 512)
    whole, lost = (simulate(c, made, refresh=how).moved for how in ("none", "all"))
    assert lost == pytest.approx(whole * (1.0 - c.rfc / c.refi), rel=0.02)


@few
@given(
    memory=st.sampled_from(["hbm2", "hbm3e", "hbm4", "hbm6"]),
    name=st.sampled_from(["weights", "kv-pages", "random"]),
)
def test_no_pattern_beats_its_closed_form(memory: str, name: str) -> None:
    found = reach(memory, name, refresh="none")
    assert found.share <= found.bound * 1.02
    assert found.share >= found.bound * 0.9


@few
@given(size=st.sampled_from([32.0, 64.0, 128.0, 256.0]))
def test_longer_runs_reach_more_and_cost_less(size: float) -> None:
    short, long = (reach("hbm3e", f"random:contiguous={s}") for s in (size, 4.0 * size))
    assert long.share >= short.share * 0.99
    assert long.energy_byte <= short.energy_byte * 1.01


def test_a_piece_smaller_than_an_access_moves_the_rest_in_vain() -> None:
    whole, piece = reach("hbm3", "random"), reach("hbm3", "gather")
    assert piece.share == pytest.approx(whole.share / 8.0, rel=0.02)
    assert piece.energy_byte == pytest.approx(8.0 * whole.energy_byte, rel=0.02)
    every = [reach("hbm3", name).share for name in patterns()]
    assert all(0.0 < share < 1.0 for share in every)


def test_writes_cost_turnarounds() -> None:
    shares = [reach("hbm3", f"copy:write_share={w}").share for w in (0.0, 0.06, 0.5)]
    assert shares[0] > shares[1] > shares[2]


def test_the_closed_form_by_hand() -> None:
    c = channel_of("hbm2", ranks=1)
    assert bound(c, row_bytes=1024.0, refresh="none") == pytest.approx(1.0)
    assert bound(c, row_bytes=32.0, refresh="none") == pytest.approx(c.burst / c.rrd_s)
    assert bound(c, row_bytes=1024.0, banks=1.0, refresh="none") == pytest.approx(
        32 * c.burst / (c.rcd_read + 31 * c.ccd_l + c.rtp + c.rp)
    )
    slow = replace(c, faw=40e-9)
    assert bound(slow, row_bytes=32.0, refresh="all") == pytest.approx(
        c.burst / 10e-9 * (1.0 - c.rfc / c.refi)
    )


def test_requests_of_an_object_stand_where_they_should() -> None:
    c = channel_of("hbm3")
    stream = accesses_of(pattern_of("weights"), c, count=2048)
    assert len(stream) == 2048
    assert set(stream.bank.tolist()) == set(range(c.banks))
    assert not stream.write.any()
    assert accesses_of(pattern_of("random"), c, count=2048).served == 1.0


CHANNEL = channel_of("hbm3", ranks=1)


def same(count: int, bank: int) -> Accesses:
    return accesses(np.full(count, bank), np.zeros(count, dtype=int))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: channel_of("hbm3", data_rate=-1.0), "data_rate"),
        (lambda: channel_of("hbm10"), "hbm1"),
        (lambda: channel_of("hbm3", ranks=0), "ranks"),
        (lambda: channel_of("hbm3", temperature=900.0), "temperature"),
        (lambda: reach("hbm3", "weight"), "weights"),
        (lambda: reach("hbm3", "weights", stacks=0), "stacks"),
        (lambda: reach("hbm3", "weights", refresh="rank"), "refresh"),
        (lambda: pattern_of("weights:size=3"), "size"),
        (lambda: pattern_of("weights:write_share=2"), "write_share"),
        (lambda: pattern_of("weights:stride=many"), "many"),
        (lambda: bound(channel_of("hbm3"), row_bytes=1e6), "row_bytes"),
        (lambda: simulate(CHANNEL, same(9, 0)), "accesses"),
        (lambda: simulate(CHANNEL, same(999, 99)), "bank"),
        (lambda: simulate(CHANNEL, same(999, 0), window=0), "window"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]

"""Collectives: limits that follow from the model itself (Thakur et al. 2005), and measured times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.machine.load import build_cluster, load_link
from gigawatt.machine.machine import Curve, Link
from gigawatt.performance.collectives import (
    Fabric,
    all_gather,
    all_reduce,
    all_to_all,
    group,
    place,
    point_to_point,
    reduce_scatter,
)
from gigawatt.validation.collectives import scorecard


def link(bandwidth: float, latency: float, *, in_network: bool = False) -> Link:
    return Link("test", bandwidth, latency, 0.0, 1.0, in_network, {})


FABRIC = Fabric(link(400e9, 1e-6), link(50e9, 5e-6))
COLLECTIVES = (all_reduce, all_gather, reduce_scatter, all_to_all)


@pytest.mark.parametrize("collective", COLLECTIVES)
def test_one_rank_communicates_nothing(collective) -> None:
    found = collective(size=np.array([1e9]), inside=1.0, outside=1.0, fabric=FABRIC)
    assert found.time[0] == 0.0
    assert found.up_bytes[0] == found.out_bytes[0] == 0.0


def test_large_ring_all_reduce_reaches_the_bandwidth_limit() -> None:
    """2 (n − 1)/n · M / β for large M, the figure of the ring algorithm."""
    size, n = 1e12, 8.0
    found = all_reduce(size=size, inside=n, outside=1.0, fabric=FABRIC)
    assert found.time == pytest.approx(2.0 * (n - 1.0) / n * size / 400e9, rel=1e-3)


def test_small_all_reduce_is_logarithmic_in_ranks() -> None:
    """2 log₂(n) α for a tiny message: the tree beats the ring."""
    found = all_reduce(size=8.0, inside=1.0, outside=1024.0, fabric=FABRIC)
    assert found.latency == pytest.approx(20 * 5e-6)


def test_switches_that_reduce_send_the_data_once() -> None:
    fabric = Fabric(link(400e9, 1e-6, in_network=True), link(50e9, 5e-6))
    found = all_reduce(size=1e12, inside=8.0, outside=1.0, fabric=fabric)
    assert found.bandwidth == pytest.approx(1e12 / 400e9)


def test_rings_leave_a_domain_through_all_its_cards() -> None:
    """8 ranks a domain: each card carries an eighth of the ring's (n − 1)/n, the rest stays inside."""
    found = reduce_scatter(size=8e9, inside=8.0, outside=4.0, fabric=FABRIC)
    assert found.out_bytes == pytest.approx(8e9 * 31 / 32 / 8)
    assert found.up_bytes + found.out_bytes == pytest.approx(8e9 * 31 / 32)
    assert found.bandwidth == pytest.approx(max(found.up_bytes / 400e9, found.out_bytes / 50e9))


def test_oversubscription_slows_only_the_fabric() -> None:
    slow = Fabric(FABRIC.scale_up, FABRIC.scale_out, 2.0)
    for collective in COLLECTIVES:
        near = collective(size=1e9, inside=8.0, outside=1.0, fabric=slow)
        assert near.time == collective(size=1e9, inside=8.0, outside=1.0, fabric=FABRIC).time
        far = collective(size=1e9, inside=1.0, outside=8.0, fabric=slow)
        assert far.bandwidth == pytest.approx(
            2.0 * collective(size=1e9, inside=1.0, outside=8.0, fabric=FABRIC).bandwidth
        )


def test_half_the_rate_at_latency_times_bandwidth() -> None:
    """Hockney's half-performance length."""
    size = 5e-6 * 50e9
    found = point_to_point(size=size, within=False, fabric=FABRIC)
    assert found.time == pytest.approx(2.0 * size / 50e9)


def test_place_fills_domains_in_order() -> None:
    inside, outside = place(size=[8, 16, 64, 4], stride=[1, 1, 8, 4], domain=8)
    assert inside.tolist() == [8.0, 8.0, 1.0, 2.0]
    assert outside.tolist() == [1.0, 2.0, 64.0, 2.0]


@given(
    size=st.floats(1.0, 1e12),
    inside=st.sampled_from([1.0, 2.0, 8.0, 72.0]),
    outside=st.sampled_from([1.0, 2.0, 16.0, 2048.0]),
    faster=st.floats(1.0, 100.0),
)
def test_more_bandwidth_is_never_slower(size: float, inside: float, outside: float, faster: float) -> None:
    quick = Fabric(link(400e9 * faster, 1e-6), link(50e9 * faster, 5e-6))
    for collective in COLLECTIVES:
        before = collective(size=size, inside=inside, outside=outside, fabric=FABRIC).time
        after = collective(size=size, inside=inside, outside=outside, fabric=quick).time
        assert np.isfinite(before)
        assert after <= before * (1.0 + 1e-12)


@pytest.mark.parametrize(
    ("chip", "ranks", "collective", "size", "seconds"),
    [
        ("H100", 8, all_reduce, 2**29, 2111.4e-6),
        ("H100", 8, all_gather, 2**29, 1400.6e-6),
        ("H100", 2, all_gather, 2**25, 93.2e-6),
        ("H100", 4, all_to_all, 2**27, 344.9e-6),
        ("H100", 8, all_reduce, 2**10, 15.6e-6),
        ("A100", 8, reduce_scatter, 2**29, 2207.1e-6),
        ("A100", 4, all_reduce, 2**26, 544.3e-6),
        ("B200", 8, all_gather, 2**29, 761.6e-6),
        ("GB200", 4, all_reduce, 2**29, 1271.9e-6),
    ],
)
def test_measured_inside_a_domain(chip: str, ranks: int, collective, size: float, seconds: float) -> None:
    """aiconfigurator-core (NVIDIA): nccl tables, half precision, median over versions."""
    fabric = Fabric.of(build_cluster(chip=chip, count=ranks)[0])
    found = collective(
        size=float(size), group=group(size=float(ranks), stride=1.0, fabric=fabric), fabric=fabric
    )
    assert found.time == pytest.approx(seconds, rel=0.2)


def test_measured_between_nodes() -> None:
    """Four nodes of eight B200, of eight H200 over EFA (ml-engineering book): sizes that were not fitted."""
    scores = {score.part: score for score in scorecard() if not score.fitted}
    assert scores["p6-b200-4x8"].median < 0.10
    assert scores["p5en-h200-4x8"].median < 0.10


def test_the_rate_grows_with_the_message() -> None:
    """Half of what the protocol for large messages costs is paid at ``half``; the rate only grows."""
    one = Link("test", 400e9, 1e-6, 0.0, 1.0, False, {}, base=5e-6, bulk=30e-6, half=4e6)
    fabric = Fabric(one, one)
    found = all_gather(size=8e6, inside=2.0, outside=1.0, fabric=fabric)
    assert found.latency == pytest.approx(5e-6 + 1e-6 + 15e-6)
    sizes = np.geomspace(1e2, 1e11, 200)
    rates = sizes / all_gather(size=sizes, inside=8.0, outside=1.0, fabric=fabric).time
    assert np.all(np.diff(rates) > 0.0)


def test_the_latency_wall() -> None:
    """A shard of 64 MB over more and more nodes: bandwidth stays, latency grows with ranks and takes over."""
    fabric = Fabric.of(build_cluster(chip="H100", count=65536)[0])
    ranks = 2.0 ** np.arange(1, 14)
    found = reduce_scatter(size=64e6, group=group(size=ranks, stride=8.0, fabric=fabric), fabric=fabric)
    assert found.latency[0] < 0.2 * found.bandwidth[0]
    assert found.latency[-1] > 5.0 * found.bandwidth[-1]
    wall = ranks[np.argmax(found.latency > found.bandwidth)]
    assert 128 <= wall <= 1024
    steps = np.diff(found.latency) / np.diff(ranks)
    assert steps[-1] >= fabric.scale_out.latency


@given(size=st.floats(1.0, 1e11), ranks=st.sampled_from([2.0, 16.0, 256.0, 4096.0]))
def test_an_all_reduce_takes_the_quickest_way(size: float, ranks: float) -> None:
    """Never slower than two rings; a tree for what is small, whose latency doubles only when ranks square."""
    fabric = Fabric.of(build_cluster(chip="H100", count=32768)[0])
    where = group(size=ranks, stride=8.0, fabric=fabric)
    found = all_reduce(size=size, group=where, fabric=fabric)
    ring = reduce_scatter(size=2.0 * size, group=where, fabric=fabric)
    assert found.time <= ring.time + where.out_steps * fabric.scale_out.latency + where.out_wait + 1e-12
    if size < 1e3 and ranks >= 256.0:
        assert found.latency < 0.2 * ring.latency


def test_links_nobody_measured_have_a_transferred_curve() -> None:
    """Its evidence is the rule's, worse than what was measured."""
    link, kin = load_link("infinity-fabric-mi300x"), load_link("nvlink4")
    assert link.base > 0.0
    assert link.evidence["base"].entity == "inside"
    assert link.evidence["base"].grade > kin.evidence["base"].grade
    assert link.pairs == Curve(link.base, link.pairs.step, link.pairs.efficiency, link.bulk, link.half)

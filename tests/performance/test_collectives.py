"""Collectives: limits that follow from the α–β model itself (Thakur et al. 2005)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.hardware.machine import Link
from gigawatt.performance.collectives import (
    Fabric,
    all_gather,
    all_reduce,
    all_to_all,
    place,
    point_to_point,
    reduce_scatter,
)


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


def test_hierarchy_sends_a_share_of_the_data_between_domains() -> None:
    """8 ranks a domain: an eighth of the buffer crosses, (o − 1)/o of it."""
    found = reduce_scatter(size=8e9, inside=8.0, outside=4.0, fabric=FABRIC)
    assert found.out_bytes == pytest.approx(8e9 / 8 * 3 / 4)
    assert found.up_bytes == pytest.approx(8e9 * 7 / 8)


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

"""Topologies: figures that their makers publish, and what a change of topology does to a training step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gigawatt.catalog import table
from gigawatt.core.errors import InputError
from gigawatt.machine.load import build_cluster
from gigawatt.machine.machine import Cluster
from gigawatt.machine.topology import block, load_topology
from gigawatt.performance import TrainingRun, evaluate
from gigawatt.performance.collectives import Fabric, all_to_all, group, point_to_point, reduce_scatter
from gigawatt.performance.layouts import COLUMNS, Layouts
from gigawatt.performance.software import load_stack
from gigawatt.workload import read_architecture


def ideal(cluster: Cluster) -> Fabric:
    """The fabric of a cluster whose links reach their datasheet rate at once."""

    def plain(link):
        return replace(link, efficiency=1.0, base=0.0, bulk=0.0, half=0.0, exchange=None)

    return replace(Fabric.of(cluster), scale_up=plain(cluster.scale_up), scale_out=plain(cluster.scale_out))


@pytest.mark.parametrize(
    ("count", "shape"),
    [
        (64, (4, 4, 4)),
        (128, (4, 4, 8)),
        (256, (4, 8, 8)),
        (512, (8, 8, 8)),
        (1024, (8, 8, 16)),
        (2048, (8, 16, 16)),
        (4096, (16, 16, 16)),
        (6144, (16, 16, 24)),
    ],
)
def test_blocks_are_those_that_google_offers(count: int, shape: tuple[int, ...]) -> None:
    """Cloud TPU documentation, v5p: topologies of a slice."""
    torus = load_topology("torus-tpu-v5p")
    found = block(torus.shape, count, torus.wrap)
    assert found is not None
    assert sorted(found) == sorted(shape)


@given(count=st.integers(1, 4096))
def test_a_block_holds_its_count(count: int) -> None:
    found = block((16, 16, 16), count)
    assert found is None or (np.prod(found) == count and max(found) <= 16)


@pytest.mark.parametrize(
    ("chip", "count", "bisection", "within"), [("TPU-v6e", 256, 3.2e12, 0.001), ("TPU-v4", 4096, 24e12, 0.08)]
)
def test_all_to_all_on_a_torus_is_bound_by_its_bisection(
    chip: str, count: int, bisection: float, within: float
) -> None:
    """Cloud TPU documentation: 3.2 TB/s of a v6e pod, 24 of a v4 pod; a quarter of all bytes crosses."""
    fabric = ideal(build_cluster(chip=chip, count=count)[0])
    whole = group(size=float(count), stride=1.0, fabric=fabric)
    found = all_to_all(size=1e12, group=whole, fabric=fabric)
    assert found.bandwidth == pytest.approx(1e12 * count / 4.0 / bisection, rel=within)


def test_rings_of_a_whole_pod_use_every_link() -> None:
    """Cloud TPU documentation: 102.4 TB/s of all-reduce bandwidth in a pod of 256 v6e, 400 GB/s a chip."""
    fabric = ideal(build_cluster(chip="TPU-v6e", count=256)[0])
    found = reduce_scatter(size=1e12, group=group(size=256.0, stride=1.0, fabric=fabric), fabric=fabric)
    assert 256 * found.up_bytes / found.bandwidth == pytest.approx(102.4e12)


def test_a_group_along_one_side_has_the_links_of_that_side() -> None:
    """A third of a v4 chip's links, and half of that where the side is cut and does not close."""
    fabric = Fabric.of(build_cluster(chip="TPU-v4", count=4096)[0])
    assert group(size=16.0, stride=1.0, fabric=fabric).up_rate == pytest.approx(1.0 / 3.0)
    assert group(size=16.0, stride=16.0, fabric=fabric).up_rate == pytest.approx(1.0 / 3.0)
    assert group(size=8.0, stride=1.0, fabric=fabric).up_rate == pytest.approx(1.0 / 6.0)
    assert group(size=8.0, stride=2.0, fabric=fabric).up_rate == pytest.approx(1.0 / 6.0)
    assert group(size=256.0, stride=1.0, fabric=fabric).up_rate == pytest.approx(2.0 / 3.0)


def test_few_ranks_on_a_mesh_leave_links_idle() -> None:
    """ml-engineering book: on MI300X one peer sees a seventh of what all seven do."""
    fabric = ideal(build_cluster(chip="MI300X", count=64)[0])
    two, eight = (group(size=n, stride=1.0, fabric=fabric) for n in (2.0, 8.0))
    assert two.up_rate == pytest.approx(1.0 / 7.0)
    assert eight.up_rate == 1.0
    message = point_to_point(size=1e9, within=True, fabric=fabric)
    assert message.bandwidth == pytest.approx(1e9 / 64e9)


def test_a_dragonfly_slows_an_all_to_all_by_its_taper() -> None:
    """Frontier: 102.4 Tb/s enter a group and 58.4 Tb/s leave it, a blocking factor of 1.753 (Lockwood)."""
    times = []
    for name in ("dragonfly-full", "dragonfly-slingshot"):
        fabric = ideal(build_cluster(chip="MI250X", count=512 * 64, topology=name)[0])
        where = group(size=4096.0, stride=8.0, fabric=fabric)
        times.append(float(all_to_all(size=1e9, group=where, fabric=fabric).bandwidth))
    assert times[1] / times[0] == pytest.approx(1.753, rel=0.02)


def test_the_pods_of_llama_3() -> None:
    """3,072 accelerators at full rate, a seventh beyond; a ring with seven nodes in a pod feels nothing."""
    cluster, _ = build_cluster(chip="H100", count=24576, topology="Llama 3")
    fabric = ideal(cluster)
    near, far = (
        point_to_point(size=1e9, within=False, distance=d, fabric=fabric).bandwidth for d in (1024.0, 8192.0)
    )
    assert 3.0 * near == pytest.approx(far)  # a third of the senders have their pod's border between
    assert far == pytest.approx(7.0 * 1e9 / 50e9)
    one_pod, all_pods = (group(size=n, stride=8.0, fabric=fabric) for n in (384.0, 3072.0))
    assert all_to_all(size=1e9, group=one_pod, fabric=fabric).bandwidth == pytest.approx(
        1e9 * 383 / 384 / 50e9
    )
    assert all_to_all(size=1e9, group=all_pods, fabric=fabric).bandwidth == pytest.approx(
        7.0 * 1e9 * 7 / 8 / 50e9
    )
    assert all_pods.out_rate == 1.0
    assert group(size=8.0, stride=3072.0, fabric=fabric).out_rate == pytest.approx(1.0 / 7.0)


def test_a_rail_leaf_spans_more_nodes_than_a_rack() -> None:
    """Thirty-two nodes of a rail share a switch: no hop beyond it, where racks of two need two more."""
    waits = {}
    for name in ("rail", "fat-tree"):
        fabric = Fabric.of(build_cluster(chip="H100", count=4096, topology=name)[0])
        waits[name] = group(size=[32.0, 64.0], stride=8.0, fabric=fabric).out_wait
    assert waits["rail"][0] == 0.0
    assert waits["rail"][1] > 0.0
    assert np.all(waits["fat-tree"] > waits["rail"])


@pytest.mark.parametrize("name", list(table("topologies")))
@given(
    size=st.floats(1e2, 1e10),
    ranks=st.sampled_from([1.0, 2.0, 16.0, 128.0, 2048.0]),
    stride=st.sampled_from([1.0, 2.0, 8.0]),
)
def test_no_topology_beats_a_single_switch(name: str, size: float, ranks: float, stride: float) -> None:
    """Sharing links can only slow; one rank sends nothing."""
    topology = load_topology(name)
    sides = math.prod(topology.shape) if topology.shape else 4096
    count = sides if topology.level == "inner" else 4096
    assume(ranks * stride <= count)
    wired, _ = build_cluster(
        chip="TPU-v4" if topology.level == "inner" else "H100", count=count, topology=name
    )
    flat = replace(wired, inner=None, topology=None)
    for collective in (reduce_scatter, all_to_all):
        times = []
        for cluster in (flat, wired):
            fabric = Fabric.of(cluster)
            where = group(size=ranks, stride=stride, fabric=fabric)
            times.append(collective(size=size, group=where, fabric=fabric).bandwidth)
        assert times[1] >= times[0] * (1.0 - 1e-12)
        if ranks == 1.0:
            assert times[1] == 0.0


def step(cluster: Cluster, *, model: str, **degrees: int) -> float:
    """Seconds of one step of ``model`` in one layout."""
    run = TrainingRun(read_architecture(model), tokens=10**12, sequence=4096, global_batch=1024)
    given = dict.fromkeys(COLUMNS, 1)
    given |= {"sequence_parallel": 1, "recompute": 0, "zero": 1, "schedule": 0, "shard": 0, "offload": 0}
    given |= degrees
    given["data"] = cluster.count // (given["tensor"] * given["pipeline"] * given["context"])
    columns = (np.array([given[name]], dtype=np.int32) for name in COLUMNS)
    layouts = Layouts(*columns, global_batch=run.global_batch)
    return float(evaluate(run, layouts, cluster, load_stack("megatron-core", 2024)).step_time[0])


def test_changing_the_topology_changes_a_training_step() -> None:
    """Llama 3 70B on 1,024 H100: a torus between nodes has a third of a card's links a side."""
    times = {
        name: step(
            build_cluster(chip="H100", count=1024, topology=name)[0],
            model="llama-3.1-70b",
            tensor=8,
            pipeline=4,
        )
        for name in ("single-switch", "rail", "torus-3d")
    }
    assert times["single-switch"] <= times["rail"] < times["torus-3d"]
    assert times["torus-3d"] > 1.01 * times["single-switch"]


def test_a_torus_inside_the_pod_costs_a_training_step() -> None:
    """The same 256 chips with every link into one switch."""
    torus, switch = (
        step(build_cluster(chip="TPU-v5e", count=256, topology=name)[0], model="llama-3.1-8b", tensor=8)
        for name in (None, "nvswitch")
    )
    assert switch < torus


def test_what_is_left_out_is_said() -> None:
    cluster, assumed = build_cluster(chip="H100", count=1024)
    assert cluster.topology is not None
    assert cluster.topology.kind == "rail"
    assert any(one.key == "cluster.topology" and "rail-dgx-h100" in one.value for one in assumed)
    named, said = build_cluster(chip="H100", count=1024, topology="dragonfly")
    assert named.topology is not None
    assert named.topology.kind == "dragonfly"
    assert not any(one.key == "cluster.topology" for one in said)


def test_a_domain_larger_than_the_machine_is_cut_and_said() -> None:
    cluster, assumed = build_cluster(chip="H100", count=4, domain=72)
    assert cluster.scale_up_size == 4
    assert any(one.key == "cluster.domain" and "72" in one.reason for one in assumed)


def test_oversubscription_acts_above_the_leaves() -> None:
    """Inside a leaf nothing changes; an all-to-all over many leaves is slowed."""
    near, far = [], []
    for factor in (1.0, 4.0):
        fabric = ideal(build_cluster(chip="H100", count=4096, oversubscription=factor)[0])
        for ranks, times in ((32.0, near), (512.0, far)):
            where = group(size=ranks, stride=8.0, fabric=fabric)
            times.append(float(all_to_all(size=1e9, group=where, fabric=fabric).bandwidth))
    assert near[1] == near[0]
    assert far[1] > 3.0 * far[0]


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"topology": "dragonfy"}, ("cluster.topology", "dragonfy", "dragonfly")),
        ({"chip": "TPU-v4", "count": 37, "topology": "torus-tpu-v4"}, ("16x16x16", "37", "36")),
        ({"oversubscription": 0.5}, ("cluster.oversubscription", "0.5")),
    ],
)
def test_refusals_name_what_would_do(keywords: dict, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as error:
        build_cluster(**({"chip": "H100", "count": 64} | keywords))
    for word in words:
        assert word in str(error.value)

"""Replicas of measured serving rows, as the step model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from gigawatt.machine import Cluster, build_cluster
from gigawatt.performance.serving.engines import Engine, engine_of_version
from gigawatt.performance.serving.inference import Replica, multiply_format
from gigawatt.validation.serving.layout import Layout
from gigawatt.validation.serving.rows import ServingCase
from gigawatt.workload.inference import Shares

__all__ = ["cluster_of", "replica_of", "replica_with"]

_NODE = 8
"""Accelerators of the smallest cluster that is built."""


@lru_cache(maxsize=128)
def cluster_of(chip: str, count: int) -> Cluster:
    """``count`` accelerators in their usual nodes."""
    return build_cluster(chip=chip, count=count)[0]


def replica_of(cases: Sequence[ServingCase], engine: Engine) -> Replica:
    """The replica of cases of one group: its layouts are arrays over them."""
    return replica_with(cases[0], [case.layout for case in cases], engine)


def replica_with(one: ServingCase, layouts: Sequence[Layout], engine: Engine) -> Replica:
    """The replica of a case with other layouts, arrays over these, and the release of its engine."""
    tensor, data, expert, expert_tensor, pipeline = (
        np.array([getattr(layout, name) for layout in layouts])
        for name in ("tensor", "data", "expert", "expert_tensor", "pipeline")
    )
    count = int(max(_NODE, (tensor * data * pipeline).max()))
    multiply = multiply_format(one.weights, one.chip)
    shares = Shares(
        tensor, data, expert, expert_tensor,
        weights=one.weights, multiply=multiply, cache=one.cache, attend="bf16",
    )  # fmt: skip
    software = engine_of_version(engine, one.version)
    return Replica(one.architecture, cluster_of(one.chip.id, count), software, shares, pipeline)

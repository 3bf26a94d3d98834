"""Measured rows with attention data parallelism, by the event engine and in closed form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pytest

from gigawatt.performance.serving.engines import load_engine
from gigawatt.validation.files import data_folder
from gigawatt.validation.serving import replicas
from gigawatt.validation.serving.card import read_cases
from gigawatt.validation.serving.predict import predict_serving
from gigawatt.validation.serving.rows import ServingCase


@pytest.fixture(scope="module")
def cases() -> list[ServingCase]:
    found, _ = read_cases(data_folder() / "serving.parquet")
    return [case for case in found if case.layout.data > 1.0 and case.kind == "closed"]


def errors(cases: list[ServingCase], engine: str, *, events: bool = True) -> Mapping[str, float]:
    """Median of the absolute errors by metric."""
    groups: dict[tuple[str, ...], list[ServingCase]] = defaultdict(list)
    for case in cases:
        if case.engine == engine:
            groups[case.group].append(case)
    found: dict[str, list[float]] = defaultdict(list)
    for mine in groups.values():
        for case, made in zip(mine, predict_serving(mine, events=events), strict=True):
            for name, value in made.items():
                found[name].append(abs(value / case.measured[name] - 1.0))
    return {name: float(np.median(values)) for name, values in found.items()}


def test_groups_that_wait_for_each_other(cases: list[ServingCase]) -> None:
    """44 rows of TensorRT-LLM with balance; 33 % of TTFT and, in closed form, 61 % of TPOT without it."""
    events, closed = (errors(cases, "trtllm-2025", events=events) for events in (True, False))
    assert events["ttft"] < 0.22
    assert events["tpot"] < 0.14
    assert closed["tpot"] < 0.14


def test_the_measured_release_pads(cases: list[ServingCase], monkeypatch: pytest.MonkeyPatch) -> None:
    """19 rows of vLLM 0.12, which pads all groups to the longest: without padding they are worse told."""
    assert {case.version for case in cases if case.engine == "vllm-2025"} == {"0.12.0"}
    padded = errors(cases, "vllm-2025")
    monkeypatch.setattr(replicas, "engine_of_version", lambda engine, version: engine)
    assert load_engine("vllm-2025").padded == 0.0
    free = errors(cases, "vllm-2025")
    for name in ("ttft", "tpot"):
        assert padded[name] < free[name]

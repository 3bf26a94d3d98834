"""Low-rank adapters of a service: read in words, and what a request waits for its own."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.serving.traffic import Traffic
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Grade
from gigawatt.machine import Chip
from gigawatt.performance.serving.inference import Replica
from gigawatt.performance.serving.memory import load_time
from gigawatt.performance.serving.queueing import waits
from gigawatt.serving.outcome import Outcome
from gigawatt.workload import Architecture
from gigawatt.workload.served_adapters import Adapters, check_adapters

__all__ = ["adapter_waits", "late_adapters", "read_adapters"]

Array = NDArray[np.float64]

_KEYS = ("number", "rank", "matrices", "popularity", "slots")
_EXAMPLE = "such as '1000' or '1000; rank=16; matrices=attention; popularity=zipf(1); slots=64'"
_HOST = "host"
"""The tier that adapters are loaded from."""


def read_adapters(
    assumed: AssumptionList, text: str | None, architecture: Architecture, chip: Chip, traffic: Traffic
) -> Adapters | None:
    """Adapters in words: ``1000; rank=16; matrices=attention; popularity=zipf(1); slots=64``.

    What is left out is a row of ``defaults``, listed; popularity is ``uniform`` or ``zipf(s)``. They are
    loaded from host memory as the row of ``cache_tiers`` says.

    Raises
    ------
    InputError
        No such key, a number that is none, no such matrices in the model, a chip that is not digital, or
        prompts that share prefixes whatever their adapter.
    """
    if text is None:
        return None
    if chip.technology != "gpu":
        raise InputError(f"{chip.id} is not a digital chip: adapters change with the request",
                         key="adapters", given=text, allowed="a chip of technology gpu")  # fmt: skip
    if traffic.sample.blocks is not None:
        raise InputError("prompts of the trace share prefixes, whose keys and values differ by adapter",
                         key="adapters", given=text, allowed="another trace or lengths")  # fmt: skip
    words = _words(text)
    if "number" not in words:
        raise InputError("the number of adapters is missing", key="adapters", given=text, allowed=_EXAMPLE)
    for key in ("rank", "matrices", "popularity"):
        if key not in words:
            words[key] = assumed.default(f"serving.adapters.{key}").text("text")
    row = catalog.entity("cache_tiers", _HOST)
    for key in ("bandwidth", "latency"):
        cell = row.evidence(key)
        assumed.add_row(f"serving.adapters.{_HOST}.{key}", cell, cell.shown, row.text("note"))
    if "slots" not in words:
        assumed.add(
            "serving.adapters.slots", "none", "adapters of running requests share memory with the KV cache "
            "(S-LoRA); others lie in host memory", Grade.modelled,
        )  # fmt: skip
    found = Adapters(
        number=_count(words["number"]), rank=_count(words["rank"]), matrices=words["matrices"],
        exponent=_exponent(words["popularity"]), slots=_count(words["slots"]) if "slots" in words else None,
        bandwidth=row.value("bandwidth"), latency=row.value("latency"),
    )  # fmt: skip
    check_adapters(architecture, found)
    if traffic.sessions is not None and traffic.sessions.common and found.number > 1:
        assumed.notices.append(
            f"the first {traffic.sessions.common:,} tokens that all sessions share are reused whatever their "
            "adapter, although keys and values differ by adapter"
        )
    return found


def _words(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, word in enumerate(part.strip() for part in text.split(";") if part.strip()):
        key, sign, value = (part.strip() for part in word.partition("="))
        if not sign and place == 0:
            key, value = "number", word.removesuffix("adapters").strip()
        elif not sign or not value:
            raise InputError("not key=value", key="adapters", given=word, allowed=_EXAMPLE)
        check_word("adapters", key, _KEYS, "no such property of adapters")
        if key in found:
            raise InputError("given twice", key="adapters", given=word, allowed=f"{key} once")
        found[key] = value
    return found


def _count(text: str) -> int:
    plain = text.replace(",", "").replace("_", "")
    if not plain.isdigit() or int(plain) < 1:
        raise InputError("not a whole number", key="adapters", given=text, allowed=_EXAMPLE)
    return int(plain)


def _exponent(text: str) -> float:
    match = re.fullmatch(r"zipf\(\s*(\d+(?:\.\d+)?)\s*\)", text.lower())
    if text.lower() != "uniform" and (match is None or float(match[1]) > 5.0):
        raise InputError("no such popularity", key="adapters", given=text, allowed="uniform, or zipf(0 to 5)")
    return 0.0 if match is None else float(match[1])


def adapter_waits(r: Replica, *, rate: ArrayLike, running: ArrayLike, quantile: float) -> tuple[Array, Array]:
    """(mean wait, wait at ``quantile``) [s] of a request for its adapter, arrays over points (L,).

    ``rate`` [1/s] and ``running`` requests are those of the replica; adapters that are not in memory come one
    after another over the link of their attention group, beside what the accelerators compute.
    """
    if r.adapters is None:
        return np.zeros(()), np.zeros(())
    each = load_time(r)
    missing = r.adapters.missing(np.asarray(running, dtype=float) / r.shares.data)
    loads = np.asarray(rate, dtype=float) * missing / r.shares.data
    wait, tail = waits(service=each, rate=loads, variation=0.0, quantile=quantile)
    slow = np.where(missing > 1.0 - quantile, each + tail, 0.0)
    return np.where(missing > 0.0, missing * (each + np.where(missing > 0.0, wait, 0.0)), 0.0), slow


def late_adapters(r: Replica, outcome: Outcome, *, replicas: int, seed: int) -> Array:
    """Seconds by which each request (N,) of a simulated run starts later for its adapter.

    Whether a request's adapter is missing is drawn by its chance with as many requests as ran in the mean;
    those that are missing come over the links of all groups in the order in which requests start.
    """
    assert r.adapters is not None
    groups = replicas * float(np.max(r.shares.data))
    good = ~outcome.rejected
    late = np.zeros(len(outcome))
    if not np.any(good):
        return late
    start, finish = outcome.scheduled[good], outcome.finish[good]
    span = max(float(np.max(finish) - np.min(start)), 1e-9)
    running = float(np.sum(finish - start)) / span / groups
    chance = float(r.adapters.missing(running))
    rows = np.flatnonzero(good)
    rows = rows[np.argsort(outcome.scheduled[rows], kind="stable")]
    rows = rows[np.random.default_rng([seed, 7]).random(len(rows)) < chance]
    if not len(rows):
        return late
    each = float(np.max(load_time(r)))
    times, own = outcome.scheduled[rows], each / groups * np.arange(len(rows))
    begins = np.maximum.accumulate(times - own) + own  # one server as quick as all links together
    late[rows] = begins - times + each
    return late

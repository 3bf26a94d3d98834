"""How replicas of a service fail: rates of their accelerators, time out of service; outages in words.

Replicas fail at the rate of their accelerators. After a share of failures the node is away for its repair,
and all replicas on it; after the others a replica restarts where it is. It is out of service for the
detection, the repair or none, and a cold start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.training.reliability import CLUSTER, reliability_rows
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import parse
from gigawatt.performance.reliability.failures import in_service, recovery_row, reserve_of
from gigawatt.serving.outages import Outages, PlannedOutage

__all__ = ["ReplicaOutages", "read_outages", "replica_outages"]

_EXAMPLE = "such as 'update@10min, drain=0@20min+5min, fail=1@30min, restart=60s'"
_TIMES = {"detection": "s", "restart": "s", "repair": "s"}
_OF_FAILURES = ("factor", "repair", "replaced")
"""Words that need a rate of failures."""


@dataclass(frozen=True)
class ReplicaOutages:
    """Outages of a replica of ``chips`` accelerators that fail like those of ``cluster``, and their rows.

    ``cluster`` is empty where they do not fail by chance.
    """

    outages: Outages
    cluster: str
    chips: int
    evidence: tuple[Evidence, ...]

    def in_service(self, replicas: int, needed: int) -> float:
        """Share of the time at which ``needed`` of ``replicas`` are in service."""
        return in_service(replicas=replicas, needed=needed, **self._shares)

    def reserve(self, needed: int, availability: float) -> int:
        """Fewest replicas beyond ``needed`` with which that share is ``availability`` or more."""
        return reserve_of(needed=needed, confidence=availability, **self._shares)

    @property
    def _shares(self) -> dict[str, Any]:
        alone, node = self.outages.out
        return {"out": alone, "node_out": node, "together": self.outages.together}

    @property
    def out(self) -> float:
        """Share of the time that a replica is out of service."""
        alone, node = self.outages.out
        return 1.0 - (1.0 - alone) * (1.0 - node)


def replica_outages(cluster: str | None, chips: int, node: int, restart: float) -> ReplicaOutages:
    """How replicas of ``chips`` accelerators, on nodes of ``node``, fail like those of ``cluster``.

    ``restart`` [s] is a cold start. Without a cluster they do not fail by chance.

    Rows of the catalog's ``reliability`` (rate, share of failures that replace a node, its repair) and
    ``recovery`` (detection), those of a training run.

    Raises
    ------
    InputError
        No such cluster.
    """
    usual = catalog.entity("reliability", "node")
    rows = (
        reliability_rows(cluster or CLUSTER)[0], usual.evidence("share"), usual.evidence("repair_time"),
        recovery_row("restart", "detection"),
    )  # fmt: skip
    rate, share, repair, detection = (row.value for row in rows)
    outages = Outages(
        failure_rate=rate * chips if cluster else 0.0, replaced=share, repair=repair, detection=detection,
        restart=restart, together=max(1, node // chips),
    )  # fmt: skip
    return ReplicaOutages(outages, cluster or "", chips, rows)


def read_outages(
    text: str | None, cluster: str | None, chips: int, node: int, assumed: AssumptionList
) -> ReplicaOutages | None:
    """Outages of replicas; None where there are none.

    Parameters
    ----------
    text : str, optional
        Words between commas. ``fail=1@30min+4h``: replica 1 fails after 30 min and is away for 4 h before it
        restarts; ``drain=0@20min+5min``: it takes nothing more, and is away for 5 min once it has finished;
        ``update@10min+30s``: all of them, one after the other. ``detection``, ``restart`` (a cold start),
        ``repair``: times; ``replaced``: share of failures that replace a node; ``factor``: times as many
        failures.
    cluster : str, optional
        Whose failure rates the accelerators have; no failures but those of ``text`` if left out.
    chips, node : int
        Accelerators of a replica, and of a node.
    assumed : AssumptionList
        Collects the values that come from the catalog.

    Raises
    ------
    InputError
        Words that cannot be read, stand twice, or have no use without failures.
    """
    if text is None and cluster is None:
        return None
    planned, words = list[PlannedOutage](), dict[str, str]()
    for word in (part.strip() for part in (text or "").split(",") if part.strip()):
        match = re.fullmatch(r"(?:(fail|drain)=(\d+)|(update))@([^+]+)(?:\+(.+))?", word)
        if match:
            kind = {"fail": "failure"}.get(match[1], match[1] or match[3])
            away = _quantity(match[5], "s", "4 h") if match[5] else 0.0
            planned.append(PlannedOutage(kind, _quantity(match[4], "s", "30 min"), int(match[2] or 0), away))
            continue
        name, sign, value = (part.strip() for part in word.partition("="))
        known = (*_TIMES, "replaced", "factor")
        if not sign or name not in known:
            raise InputError(
                "not an outage", key="outages", given=word, allowed=_EXAMPLE,
                nearest=nearest(name, (*known, "fail", "drain", "update")),
            )  # fmt: skip
        if name in words:
            raise InputError("given twice", key="outages", given=word, allowed="each word once")
        if cluster is None and name in _OF_FAILURES:
            allowed = "--failures h100"
            raise InputError("has no use without failures", key="outages", given=word, allowed=allowed)
        words[name] = value
    row = None if "restart" in words else assumed.default("serving.autoscaling_start_up")
    usual = replica_outages(cluster, chips, node, 0.0 if row is None else parse(row.text("text"), "s"))
    given = {name: _quantity(words[name], unit, "60 s") for name, unit in _TIMES.items() if name in words}
    if "replaced" in words:
        given["replaced"] = _quantity(words["replaced"], "1", "70 %")
    if "factor" in words:
        given["failure_rate"] = usual.outages.failure_rate * _quantity(words["factor"], "1", "1000")
    for row in usual.evidence:
        if (_NAMES[row.quantity] not in given) and (cluster or row.quantity == "detection"):
            assumed.add(f"serving.{_NAMES[row.quantity]}", row.shown, row.note, row.grade, row.source_id)
    try:
        return replace(usual, outages=replace(usual.outages, planned=tuple(planned), **given))
    except InputError as error:
        error.key = "outages"
        raise


_NAMES = {
    "failure_rate": "failures", "share": "replaced", "repair_time": "repair", "detection": "detection",
}  # fmt: skip


def _quantity(text: str, unit: str, example: str) -> float:
    try:
        value = parse(text.strip(), unit, example=example)
    except InputError as error:
        raise error.at(key="outages") from None
    if not value >= 0.0:
        raise InputError("is negative", key="outages", given=text, allowed=f"0 or more, such as {example}")
    return value

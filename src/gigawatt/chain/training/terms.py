"""The terms of a run before its number of accelerators is known, and the law of its batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gigawatt import catalog
from gigawatt.chain.training.reliability import Goodput, given_goodput, goodput_beside
from gigawatt.core.evidence import Assumption
from gigawatt.machine import Chip, Cluster, build_cluster
from gigawatt.performance import Stack, TrainingRun
from gigawatt.performance.layouts import IndivisibleError
from gigawatt.workload import Architecture

__all__ = ["ROUNDING", "Batch", "RunTerms", "critical_batch", "sequences_of", "tokens_factor"]

Batch = tuple[str, float]
"""(What is counted: ``token`` or ``sequence``, how many.)"""
ROUNDING = 0.125
"""By how much a batch in tokens may be rounded so that degrees divide it."""
_WHOLE_NODES = 2**20
"""A count at which no node is cut short."""


@dataclass(frozen=True, kw_only=True)
class RunTerms:
    """A run before it is known on how many accelerators, in SI.

    ``batch`` is (what is counted: ``token`` or ``sequence``, how many) and ``batch_held`` whether it may not
    grow; ``options`` are those of :func:`~gigawatt.machine.build_cluster`; ``fixed`` pins layout columns and
    ``widen`` names rare ones to search; ``cap`` [W] is what an accelerator may draw, where that is less than
    its own limit; ``reliability`` names a cluster of the catalog's ``reliability``, ``given_goodput`` takes
    the place of that from failure rates; ``adapters`` is the rank of those that alone are trained, or 0;
    ``overhead`` is the share of steps and failures that a whole run
    takes besides.
    """

    architecture: Architecture
    tokens: float
    sequence: int
    batch: Batch
    batch_held: bool
    number_format: str
    optimizer: str
    chip: Chip
    options: Mapping[str, Any]
    stack: Stack
    fixed: Mapping[str, int]
    widen: tuple[str, ...]
    cap: float | None
    year: int
    reliability: str
    given_goodput: float | None = None
    recovery: str | None = None
    overhead: float
    adapters: int = 0

    def goodput(self, count: int, failures: float = 1.0, spares: int = 0) -> Goodput:
        """Goodput on ``count`` accelerators that fail ``failures`` times as often; the given one, if any."""
        if self.given_goodput is not None:
            return given_goodput(self.given_goodput, count)
        node = min(self.cluster(_WHOLE_NODES)[0].node.chips, count)
        return goodput_beside(
            self.reliability, count, spares, node=node, failures=failures, recovery=self.recovery,
            year=self.year,
        )  # fmt: skip

    def cluster(self, count: int) -> tuple[Cluster, tuple[Assumption, ...]]:
        """(the cluster of ``count`` accelerators, its assumptions)."""
        return build_cluster(chip=self.chip, count=count, **self.options)

    def sequences(self, wanted: float, count: int) -> int:
        """Sequences near to ``wanted`` that pinned replicas divide, or many layouts of ``count``."""
        if "data" not in self.fixed:
            return sequences_of(wanted, count)
        at_once = self.fixed["data"] * self.fixed.get("microbatch", 1)
        if self.fixed.get("interleave", 1) > 1:  # rounds of a pipeline's stages
            at_once *= self.fixed.get("pipeline", 1)
        return max(1, round(wanted / at_once)) * at_once

    def run(self, count: int, batch: Batch | None = None, *, uneven: bool = False) -> TrainingRun:
        """The run on ``count`` accelerators with its batch, or with another given in tokens or sequences.

        Raises
        ------
        IndivisibleError
            A batch in tokens that comes near to nothing that divides.
        """
        counted, number = batch or self.batch
        wanted = number if counted == "sequence" else number / self.sequence
        whole = max(1, round(wanted))
        if counted == "token" and not uneven:
            whole = self.sequences(wanted, count)
            if abs(whole / wanted - 1.0) > ROUNDING:
                raise IndivisibleError("no batch near to the given one divides", allowed=f"{whole} sequences")
        tokens = self.tokens
        if not self.batch_held and whole > (1.0 + ROUNDING) * self.batch[1] / self.sequence:
            tokens *= tokens_factor(whole * self.sequence, self.batch[1], tokens)
        return TrainingRun(
            architecture=self.architecture,
            tokens=tokens,
            sequence=int(self.sequence),
            global_batch=whole,
            number_format=self.number_format,
            optimizer=self.optimizer,
            uneven=uneven,
            adapters=self.adapters,
        )


def sequences_of(number: float, count: int) -> int:
    """A number of sequences near to one, with three significant binary digits times the odd part of a count.

    So parallel degrees of ``count`` accelerators can divide it.
    """
    odd = count // (count & -count)
    wanted = max(1.0, number / odd)
    step = 2 ** max(0, int(wanted).bit_length() - 3)
    return max(1, round(wanted / step)) * step * odd


def critical_batch(tokens: float) -> float:
    """Tokens of a step at which a loss takes twice the tokens of a small batch, for a run of ``tokens``."""
    law = catalog.entity("batch_law", "critical")
    return law.value("batch_scale") * tokens ** law.value("batch_exponent") * law.value("batch_sequence")


def tokens_factor(batch: float, usual: float, tokens: float) -> float:
    """Tokens for the same loss with a ``batch`` [tokens], over those with the ``usual`` one; never less."""
    critical = critical_batch(tokens)
    return max(1.0, (1.0 + batch / critical) / (1.0 + usual / critical))

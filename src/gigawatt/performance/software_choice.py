"""Which software a run has where none is named: what is usual on its chip in its year.

Frameworks multiply dense layers alike; how quick they are on mixtures of experts differs with what they have
for them (dispatch, grouped products, routing). Of the usual ones a mixture has the quickest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from gigawatt.core.errors import GigawattError
from gigawatt.core.once import once
from gigawatt.machine.load import build_cluster
from gigawatt.machine.machine import Chip
from gigawatt.performance.layouts import TrainingRun
from gigawatt.performance.search import search
from gigawatt.performance.software import Software, load_software
from gigawatt.workload.architecture import Architecture

__all__ = ["SCALES", "usual_software"]

SCALES = (1024, 16384)
"""Accelerators of the step by which frameworks are compared, with as many sequences: the first on which the
model fits."""
_SEQUENCE = 4096
"""Tokens of these sequences."""


def usual_software(
    architecture: Architecture,
    chip: Chip,
    *,
    year: float,
    number_format: str,
    version: str | None = None,
    flags: Mapping[str, str] | None = None,
    layout: Mapping[str, int] | None = None,
) -> Software:
    """The software of a run of which no framework is named: the likeliest, or of a mixture of experts the
    quickest of those that are usual.

    Frameworks are compared by the quickest layout of one step on :data:`SCALES` accelerators, so that a
    model has the same software on few accelerators and on many.

    Parameters
    ----------
    architecture, chip, number_format
        What is trained, on what.
    year, version, flags, layout
        As of :func:`~gigawatt.performance.software.load_software`.

    Returns
    -------
    Software
        ``others`` are the frameworks that it may be as well.

    Raises
    ------
    InputError
        As of :func:`~gigawatt.performance.software.load_software`.
    """
    likeliest = load_software(
        chip=chip, version=version, flags=flags, year=year, layout=layout,
        model=architecture.name, number_format=number_format,
    )  # fmt: skip
    if not likeliest.others or not architecture.routed:
        return likeliest
    key = ("software", architecture, repr(chip), number_format, likeliest)
    return once(key, lambda: _quickest(likeliest, architecture, chip, number_format))


def _quickest(likeliest: Software, architecture: Architecture, chip: Chip, number_format: str) -> Software:
    """The likeliest, or one of its others that is quicker."""
    share = 1.0 - sum(of for _, of in likeliest.others)
    usual = [(replace(likeliest, others=()), share), *likeliest.others]
    for count in SCALES:
        times = [_step_time(one, architecture, chip, number_format, count) for one, _ in usual]
        if min(times) < math.inf:
            chosen = times.index(min(times))
            others = (*usual[:chosen], *usual[chosen + 1 :])
            return replace(usual[chosen][0], others=others)
    return likeliest


def _step_time(
    software: Software, architecture: Architecture, chip: Chip, number_format: str, count: int
) -> float:
    """Of a step of as many sequences as accelerators [s]; infinite where the model cannot run so."""
    stack = software.stack()
    run = TrainingRun(
        architecture=architecture,
        tokens=float(count * _SEQUENCE),
        sequence=_SEQUENCE,
        global_batch=count,
        number_format=number_format,
        optimizer=stack.optimizer,
    )
    try:
        cluster = build_cluster(chip=chip, count=count)[0]
        found = search(run, cluster, stack, top=1, counted=False)
    except GigawattError:
        return math.inf
    return math.inf if found.beyond else float(found.best.step_time[0])

"""How well a machine trains by the size of the run: the step model asked for runs far beyond today's.

A dense model of one family is scaled to the run (C = 6 N D, tokens and weights in proportion), with a batch
that grows with a power of the run, and laid out over ever more chips: the best of some two hundred layouts
each. From time against chips follows what a machine of so many raw FLOPs can finish in a given time. The
*utilisation cliff* is where the utilisation of small runs is halved, the *wall* where no number of chips
finishes in time, and the *latency wall* the same with every rate and bandwidth unlimited, so that only
latencies are left.

References
----------
Erdil and Schneider-Joseph 2024, arXiv:2411.01137, "Data movement limits to frontier model training".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.checks import check_word
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.machine import build_cluster, load_chip
from gigawatt.machine.machine import Chip, Cluster, Link
from gigawatt.outlook.compute.demand import LAW_FLOPS
from gigawatt.outlook.tables import Utilisation
from gigawatt.performance import Layouts, TrainingRun, default_stack, evaluate
from gigawatt.performance.layouts import SCHEDULES
from gigawatt.workload import Architecture, read_architecture
from gigawatt.workload.sized import scaled_architecture

__all__ = ["Curve", "cliff_and_wall", "overhead_by_chip", "run_curve", "utilisation_table"]

Array = NDArray[np.float64]

_UNLIMITED = 1e9
"""Factor on rates and bandwidths where latencies alone shall count."""
_GRANULE = 16
"""Layers of a scaled model are multiples of it, so that pipelines can divide them."""
_STRIDE = 4
"""Factor between the numbers of chips that are looked at; between them time is a power of the number."""
_HELPS = 0.95
"""More chips that leave more than this share of the time do not help; twice in a row, and no more are looked
at."""
_TENSOR = 2 ** np.arange(3, 11)
_PIPELINE = 2 ** np.arange(0, 11)
_CONTEXT = 4 ** np.arange(0, 3)
_INTERLEAVE = np.array([1, 4])
_SCHEDULE = np.array([SCHEDULES.index("1f1b"), SCHEDULES.index("zb-h2")])


@dataclass(frozen=True)
class Curve:
    """One run of ``flops``: ``seconds`` on ``chips`` (both (N,)), of a machine of ``rate`` [FLOP/s] a chip.

    ``seconds`` never rises with chips: more may be left idle.
    """

    flops: float
    rate: float
    chips: Array
    seconds: Array

    def raw(self, duration: float) -> float:
        """Raw FLOPs of the smallest machine that finishes in ``duration`` [s]; infinite where none does."""
        if self.seconds[-1] > duration:
            return float("inf")
        logs = np.log(self.seconds[::-1])
        count = np.exp(np.interp(np.log(duration), logs, np.log(self.chips[::-1])))
        return float(count) * self.rate * duration


def _settings() -> catalog.Entity:
    return catalog.entity("outlook_training", "run")


@lru_cache(maxsize=64)
def _model(layers: int) -> Architecture:
    return scaled_architecture(read_architecture(_settings().text("model")), layers)


def _scaled(flops: float) -> tuple[Architecture, float]:
    """(model, tokens) of a run: tokens a weight as the settings say."""
    row = _settings()
    base = read_architecture(row.text("model"))
    weights = float(np.sqrt(flops / (LAW_FLOPS * row.value("tokens_parameter"))))
    layers = base.layers * (weights / base.active_parameters) ** (1.0 / 3.0)
    model = _model(max(_GRANULE, _GRANULE * round(layers / _GRANULE)))
    return model, flops / (LAW_FLOPS * model.active_parameters)


def _layouts(count: int, batch: int, layers: int, cluster: Cluster) -> Layouts | None:
    grid = np.meshgrid(_TENSOR, _PIPELINE, _CONTEXT, _INTERLEAVE, _SCHEDULE, indexing="ij")
    tensor, pipeline, context, interleave, schedule = (axis.ravel() for axis in grid)
    ranks = tensor * pipeline * context
    data = np.where(count % ranks == 0, count // ranks, 0)
    keep = (
        (data > 0)
        & (data <= batch)
        & (pipeline * interleave <= layers)
        & ((interleave == 1) | (pipeline > 1))
    )
    keep &= tensor <= 64 * cluster.scale_up_size
    rounds = batch // np.maximum(data, 1)
    keep &= (interleave == 1) | (rounds % pipeline == 0)
    keep &= (schedule == 0) | ((pipeline > 1) & (interleave == 1))
    if not keep.any():
        return None
    return Layouts.of(
        global_batch=batch, tensor=tensor[keep], pipeline=pipeline[keep], context=context[keep],
        interleave=interleave[keep], data=data[keep], schedule=schedule[keep],
        zero=1, microbatch=1, sequence_parallel=1,
    )  # fmt: skip


def _machine(chip: Chip, count: int, domain: int, unlimited: bool) -> Cluster:
    cluster, _ = build_cluster(chip=chip, count=count, domain=domain)
    if not unlimited:
        return cluster

    def quick(link: Link) -> Link:
        return replace(link, bandwidth=link.bandwidth * _UNLIMITED)

    fast = replace(
        chip,
        peak={name: rate * _UNLIMITED for name, rate in chip.peak.items()},
        memory_bandwidth=chip.memory_bandwidth * _UNLIMITED,
        memory_bytes=chip.memory_bytes * _UNLIMITED,
        power_limit=chip.power_limit * _UNLIMITED,
    )
    return replace(cluster, chip=fast, scale_up=quick(cluster.scale_up), scale_out=quick(cluster.scale_out))


def run_curve(
    flops: float, chip: str, exponent: float, *, shortest: float, longest: float, unlimited: bool = False
) -> Curve | None:
    """Time of one run against the number of chips.

    Parameters
    ----------
    flops : float
        Of the run, > 0.
    chip : str
        A row of ``chips`` with a bf16 rate.
    exponent : float
        Tokens of a step grow with ``flops`` to this power from those of the reference run.
    shortest, longest : float [s]
        Durations of interest: fewer chips than the longest needs and more than help are not looked at.
    unlimited : bool
        Rates and bandwidths without limit.

    Returns
    -------
    Curve or None
        ``None`` where no layout fits in any machine that was looked at.

    Raises
    ------
    InputError
        FLOPs or durations that are not positive.
    """
    if not (flops > 0.0 and 0.0 < shortest <= longest):
        raise InputError(
            "not a run", given=f"{flops:g} FLOP in {shortest:g} to {longest:g} s", allowed="all > 0"
        )
    row, part = _settings(), load_chip(chip)
    model, tokens = _scaled(flops)
    sequence = int(row.value("sequence"))
    step = row.value("batch") * (flops / row.value("batch_flops")) ** exponent
    batch = 2 ** max(0, round(float(np.log2(step / sequence))))
    run = TrainingRun(model, tokens, sequence, batch, "bf16")
    known = catalog.entity("outlook_training", part.id)
    stack = default_stack(part, int(known.value("year")))
    rate, domain = part.peak["bf16"], int(known.value("domain"))
    # with no limits on rates any machine of the right parallelism will do
    most = 2 ** int(row.value("most_chips_log2"))
    count = (
        2 ** max(3, int(np.floor(np.log2(flops / (rate * longest))))) if not unlimited else most // _STRIDE**3
    )
    chips: list[float] = []
    seconds: list[float] = []
    worse = 0
    while count <= most and worse < 2:
        cluster = _machine(part, count, domain, unlimited)
        layouts = _layouts(count, batch, model.layers, cluster)
        count *= _STRIDE
        if layouts is None:
            continue
        table = evaluate(run, layouts, cluster, stack)
        times = table.step_time[table.fits] if table.fits.any() else np.array([np.inf])
        time = float(times.min()) * tokens / (batch * sequence)
        if not np.isfinite(time):
            continue
        worse = worse + 1 if seconds and time > _HELPS * seconds[-1] else 0
        chips.append(float(cluster.count))
        seconds.append(min(time, seconds[-1]) if seconds else time)
        if time < shortest:
            break
    return Curve(flops, rate, np.array(chips), np.array(seconds)) if chips else None


def _curves(
    flops: Array, chip: str, exponent: float, ends: Mapping[str, float], *, unlimited: bool
) -> list[Curve]:
    """Curves of the runs that fit somewhere, smallest first, until one takes longer than is of interest."""
    found: list[Curve] = []
    for size in flops:
        curve = run_curve(float(size), chip, exponent, unlimited=unlimited, **ends)
        if curve is not None:
            found.append(curve)
            if curve.seconds[-1] > ends["longest"]:
                break
    return found


def _column(curves: Sequence[Curve], duration: float, sizes: Array) -> Array:
    """log10 of the FLOPs done in ``duration`` by machines of 10^``sizes`` raw FLOPs."""
    points = [(c.raw(duration), c.flops) for c in curves]
    points = [(x, y) for x, y in points if np.isfinite(x)]
    wall = _wall(curves, duration)
    if wall is not None:
        points.append(wall)
    raw, done = np.log10(np.array(points)).T
    raw = np.maximum.accumulate(raw)
    rising = np.concatenate([[True], np.diff(raw) > 1e-9])
    found = np.interp(sizes, raw[rising], done[rising])
    return np.where(sizes < raw[0], done[0] + sizes - raw[0], found)


def _wall(curves: Sequence[Curve], duration: float) -> tuple[float, float] | None:
    """(raw FLOPs, FLOPs) of the largest run: between the last size that finishes and the first that does
    not."""
    for before, after in pairwise(curves):
        fast, slow = np.log(before.seconds[-1]), np.log(after.seconds[-1])
        if fast <= np.log(duration) < slow:
            part = (np.log(duration) - fast) / (slow - fast)
            chips = before.chips[-1] ** (1.0 - part) * after.chips[-1] ** part
            return float(chips * before.rate * duration), float(
                before.flops ** (1.0 - part) * after.flops**part
            )
    return None


@lru_cache(maxsize=1)
def utilisation_table() -> Utilisation:
    """The whole table, from the chips and settings of ``outlook_training``; kept in memory.

    Raises
    ------
    GigawattError
        A chip of the table has no bf16 rate.
    """
    row = _settings()
    chips = [e for e in catalog.table("outlook_training").values() if e.id != "run"]
    sizes = np.arange(row.value("least_log10") - 1.0, row.value("most_log10") + 2.01, 0.25)
    durations = row.value("shortest") * 2.0 ** np.arange(0.0, row.value("doublings") + 0.01)
    exponents = np.array([1.0 / 6.0, 1.0 / 3.0])
    flops = 10.0 ** np.arange(row.value("least_log10"), row.value("most_log10") + 0.01)
    feasible = np.empty((len(chips), len(exponents), len(durations), len(sizes)))
    latency = np.empty(feasible.shape[:3])
    plain = np.empty(len(chips))
    for i, entry in enumerate(chips):
        if "bf16" not in load_chip(entry.id).peak:
            raise GigawattError("no bf16 rate", key=entry.id)
        for j, exponent in enumerate(exponents):
            ends = {"shortest": float(durations[0]), "longest": float(durations[-1])}
            curves = _curves(flops, entry.id, float(exponent), ends, unlimited=False)
            slow = _curves(flops[::3], entry.id, float(exponent), ends, unlimited=True)
            least = np.log([c.seconds[-1] for c in slow])
            for k, duration in enumerate(durations):
                feasible[i, j, k] = _column(curves, float(duration), sizes)
                latency[i, j, k] = np.interp(np.log(duration), least, np.log10([c.flops for c in slow]))
            plain[i] = max(curve.flops / curve.raw(float(durations[2])) for curve in curves[:3])
    years = np.array([entry.value("year") for entry in chips])
    return Utilisation(years, exponents, durations, sizes, feasible, latency, plain)


def cliff_and_wall(chip: str, exponent: float, duration: float) -> tuple[float, float, float]:
    """(run at which utilisation is half that of small runs, largest run, largest by latency alone) [FLOP].

    On a finer grid of runs than the table's, four a decade.

    Parameters
    ----------
    chip : str
        A row of ``outlook_training``.
    exponent : float
        Growth of the batch with the run.
    duration : float [s]
        Of the run, > 0.

    Raises
    ------
    InputError
        A chip that is not in the table; a duration that is not positive.
    """
    chips = [e.id for e in catalog.table("outlook_training").values() if e.id != "run"]
    name = load_chip(chip).id
    check_word(None, name, chips, "no such chip in the table")
    row = _settings()
    flops = 10.0 ** np.arange(row.value("least_log10"), row.value("most_log10"), 0.25)
    ends = {"shortest": 0.5 * duration, "longest": 1.5 * duration}
    curves = _curves(flops, name, exponent, ends, unlimited=False)
    points = [(curve.flops, curve.flops / curve.raw(duration)) for curve in curves]
    sizes, shares = np.array([p for p in points if p[1] > 0.0]).T
    past = int(np.argmax(shares < 0.5 * shares.max()))
    part = np.interp(np.log(0.5 * shares.max()), np.log(shares[[past, past - 1]]), [1.0, 0.0])
    cliff = float(sizes[past - 1] ** (1.0 - part) * sizes[past] ** part)
    walls = [_wall(curves, duration), _wall(_curves(flops, name, exponent, ends, unlimited=True), duration)]
    most = [float("inf") if wall is None else wall[1] for wall in walls]
    return cliff, most[0], most[1]


def overhead_by_chip() -> tuple[Array, Array]:
    """(year, watts of IT per watt of the chip) of the chips of the table: hosts, switches and optics.

    Returns
    -------
    tuple of array
        Both (chips,), in the order of the table.
    """
    years: list[float] = []
    found: list[float] = []
    for entry in catalog.table("outlook_training").values():
        if entry.id == "run":
            continue
        cluster, _ = build_cluster(chip=entry.id, count=int(entry.value("domain")))
        chip, node = cluster.chip, cluster.node
        whole = chip.power_limit + node.overhead_power / node.chips + cluster.network_power
        years.append(entry.value("year"))
        found.append(whole / chip.power_limit)
    return np.array(years), np.array(found)

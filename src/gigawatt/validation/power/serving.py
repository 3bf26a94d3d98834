"""Power of serving beside measurements: watts of accelerators, watts and joules at the wall, idle nodes.

Rows are those of ``serving_power.csv`` (of sources whose licence lets them be shipped), or of a table that
:mod:`~gigawatt.validation.power.serving_rows` reads. ``gpu``: mean watts of an accelerator while it serves a
closed loop. ``wall``: watts of a node. ``cap``: what a lower limit costs in rate. ``idle``: a node that
serves nothing. ``step``: the largest change of a node's power within a second of a training run.

Each ``gpu`` and ``wall`` row is predicted twice. *At the measured rate* it is known how often an iteration
happens, so the error is that of the energies alone. *At our own rate* nothing is known but model, machine,
layout and load, so that errors of the step model's times come on top.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from gigawatt.catalog.loader import table as rows_of
from gigawatt.core.errors import GigawattError
from gigawatt.machine.load import build_cluster
from gigawatt.machine.machine import Cluster
from gigawatt.performance.serving.engines import Engine, load_engine
from gigawatt.performance.serving.inference import (
    Replica,
    decode_cost,
    multiply_format,
    prompt_cost,
    sequence_cost,
    token_cost,
)
from gigawatt.performance.serving.pass_cost import PassCost
from gigawatt.performance.serving.power import (
    ServingPower,
    largest_step,
    load_node_power,
    load_serving_power,
    serving_power,
    wall_power,
)
from gigawatt.performance.serving.steady import steady
from gigawatt.validation.card import Errors, errors_of
from gigawatt.validation.files import Refusal, Refusals
from gigawatt.validation.power.serving_rows import IMAGES, NODE, PowerCase, cases_of, cluster_of, power_rows
from gigawatt.validation.power.training import PowerOutcome, PowerRow
from gigawatt.validation.rows import LARGEST, number_of
from gigawatt.workload.inference import (
    Shares,
    decode_operations,
    logits_operations,
    prompt_operations,
    token_operations,
)
from gigawatt.workload.operation import Operation

__all__ = [
    "MEASURED_RATE",
    "OWN_RATE",
    "Group",
    "Work",
    "at_rate",
    "groups",
    "own_rate",
    "serving_power_outcome",
    "serving_power_scorecard",
    "work_of",
]

MEASURED_RATE, OWN_RATE = "measured rate", "own rate"
_GIVEN = "given-time"


@dataclass(frozen=True)
class Work:
    """What one accelerator does in a mean iteration: tokens of ``held`` sequences and their share of prompts.

    ``kernels``, ``experts`` and ``exchange`` [s] are times of kernels, of fused expert kernels and of
    collectives.
    """

    kernels: float
    experts: float
    exchange: float
    bytes_moved: float
    flops: Mapping[str, float] = field(repr=False)
    links: float = 0.0

    @property
    def busy(self) -> float:
        """All of its kernels [s]."""
        return self.kernels + self.experts + self.exchange


def _replica(case: PowerCase, engine: Engine) -> Replica:
    shares = Shares.of(
        tensor=np.array([case.tensor]),
        data=np.array([case.data]),
        expert=np.array([case.expert]),
        weights=case.weights,
        multiply=multiply_format(case.weights, case.chip),
        cache=case.cache,
    )
    count = int(max(NODE, case.tensor * case.data * case.pipeline))
    cluster = replace(cluster_of(case.chip.id, count), chip=case.chip)
    return Replica(case.architecture, cluster, engine, shares, np.array([case.pipeline]))


def _neutral(engine: Engine) -> Engine:
    """The engine whose kernels are those of the catalog: its host's habits alone are its own."""
    names = ("arithmetic", "memory", "attention", "decode_attention", "experts", "traffic", "exchange")
    return replace(engine, **dict.fromkeys(names, 1.0))


def _one(values: object) -> float:
    return float(np.max(np.asarray(values, dtype=float)))


def _kernel_time(cost: PassCost) -> float:
    return _one(cost.parts["arithmetic"] + cost.parts["memory"])


def _counted(
    case: PowerCase, shares: Shares, tokens: float, prompts: float
) -> tuple[float, dict[str, float]]:
    """(bytes, FLOPs by format) of one accelerator in an iteration of ``tokens``, ``prompts`` among them."""
    total = 0.0
    flops: dict[str, float] = defaultdict(float)

    def add(operations: Iterable[Operation], times: float) -> None:
        nonlocal total
        for op in operations:
            total += times * _one((op.bytes_read + op.bytes_written) * op.launches)
            form = "fp8" if op.number_format == "fp8_block" else op.number_format
            flops[form] += times * _one(op.flops * op.launches)

    p, context = case.pipeline, np.array([case.prompt + case.output / 2.0])
    own, all_ = np.array([case.held / p]), np.array([tokens / p])
    chunk = np.array([max(case.prompt, 1.0) / p])
    for block in case.architecture.blocks:
        if block.role == "prediction":
            continue
        add(token_operations(case.architecture, block, tokens=all_, shares=shares), block.count)
        add(decode_operations(block, sequences=own, context=context, shares=shares), block.count)
        part = prompts / max(case.prompt, 1.0) / case.data
        add(prompt_operations(block, chunk=chunk, before=np.zeros(1), shares=shares), block.count * part)
    add(logits_operations(case.architecture, sequences=own, shares=shares), 1.0)
    return total, {form: count for form, count in flops.items() if count > 0.0}


def work_of(case: PowerCase, engine: Engine | None = None) -> Work:
    """What one accelerator does in a mean iteration of a row, by the catalog's kernels or an ``engine``'s."""
    engine = _neutral(load_engine(case.engine)) if engine is None else engine
    r = _replica(case, engine)
    prompts = case.prompt * case.held / case.output
    tokens = case.held + prompts
    linear = token_cost(r, tokens)
    twice = token_cost(replace(r, engine=replace(engine, experts=2.0 * engine.experts)), tokens)
    experts = _kernel_time(twice) - _kernel_time(linear)
    chunk = np.array([max(case.prompt, 1.0)])
    parts = [linear, decode_cost(r, case.held, case.prompt + case.output / 2.0), sequence_cost(r, case.held)]
    parts.append(prompt_cost(r, chunk, np.zeros(1)).times(prompts / chunk / case.data))
    total = parts[0].plus(parts[1]).plus(parts[2]).plus(parts[3])
    moved, flops = _counted(case, r.shares, tokens, prompts)
    sorts = case.sorted_bytes * case.held / case.data * case.architecture.vocabulary
    return Work(
        kernels=_kernel_time(total) - experts + sorts / case.chip.memory_bandwidth,
        experts=experts,
        exchange=_one(total.parts["exchange"] + total.parts["latency"]),
        bytes_moved=moved + sorts,
        flops=flops,
    )


def _stretches(case: PowerCase) -> tuple[float, float]:
    """How much longer than the catalog's an engine's kernels and expert kernels may take in a given time."""
    row = rows_of("serving_power")[_GIVEN]
    form = {"fp8_block": "experts_8", "fp4": "experts_4"}.get(case.weights, "experts")
    return row.value("kernels"), row.value(form)


def at_rate(
    case: PowerCase, work: Work, power: ServingPower, stretch: tuple[float, float] | None = None
) -> float:
    """Watts of one accelerator at the measured rate: iterations take what they took.

    Where they took longer than the kernels of the catalog, the engine's kernels were slower up to ``stretch``
    (kernels, expert kernels), and in the rest the accelerator waited.
    """
    kernels, experts = _stretches(case) if stretch is None else stretch
    busy = kernels * work.kernels + experts * work.experts + work.exchange
    drawn = serving_power(
        power=power,
        time=case.held / case.rate,
        busy=busy,
        flops=work.flops,
        bytes_moved=work.bytes_moved,
        cap=case.cap,
    )
    return float(drawn.power)


def own_rate(case: PowerCase, power: ServingPower) -> tuple[float, float]:
    """(watts of one accelerator, output tokens/s of a replica) with nothing measured."""
    engine = load_engine(case.engine)
    work = work_of(case, engine)
    sorts = case.sorted_bytes * case.architecture.vocabulary / case.chip.memory_bandwidth
    r = _replica(case, replace(engine, sequence=engine.sequence + sorts))
    capped = case.cap is not None and case.cap < case.chip.power_limit
    r = replace(r, cap=case.cap) if capped else r
    prompt, output, held = (np.array([max(x, 1.0)]) for x in (case.prompt, case.output, case.held))
    found = steady(r, prompt=prompt, output=output, held=held, sequences=max(case.held, engine.max_sequences))
    rate = _one(found.requests) * case.output
    if capped:
        return _one(found.power) / _one(r.chips), rate
    drawn = serving_power(
        power=power, time=case.held / rate, busy=work.busy, flops=work.flops, bytes_moved=work.bytes_moved,
        cap=case.cap,
    )  # fmt: skip
    return float(drawn.power), rate


def serving_power_scorecard(file: Path | None = None) -> tuple[PowerRow, ...]:
    """What is predicted of every row, by what is compared: see :func:`groups`."""
    return serving_power_outcome(file).judged


def serving_power_outcome(file: Path | None = None) -> PowerOutcome:
    """Every row of ``serving_power.csv`` (or of a ``file`` of its shape), predicted or refused.

    Raises
    ------
    InputError
        No such file, another shape, a cell that is no number: file, line, column.
    """
    rows = power_rows(file)
    cases, refused = cases_of(file, rows)
    found: list[PowerRow] = []
    for case in cases:
        try:
            with np.errstate(all="ignore"):
                made = _of_case(case)
        except (GigawattError, ArithmeticError, MemoryError) as error:
            refused.add(Refusal("the row's numbers cannot be run", str(error)), case.id)
            continue
        if all(np.isfinite(one.predicted) and one.predicted > 0.0 for one in made):
            found += made
        else:
            refused.add("the power model gives no finite number", case.id)
    found += _nodes(rows, refused)
    return PowerOutcome(len(rows), tuple(found), (), refused)


def _of_case(case: PowerCase) -> list[PowerRow]:
    found: list[PowerRow] = []
    work, power = work_of(case), load_serving_power(case.chip)
    given = at_rate(case, work, power)
    own, rate = own_rate(case, power)

    def add(what: str, measured: float, predicted: float) -> None:
        found.append(
            PowerRow(case.id, case.kind, case.chip.id, case.model, what, case.use, measured, predicted)
        )

    if case.kind == "cap":
        _, free = own_rate(replace(case, cap=None), power)
        add("serving rate, limit over cap", case.measured, free / rate)
    elif case.kind == "gpu":
        what = "" if case.load not in IMAGES else "images: "
        add(f"{what}serving watts, {MEASURED_RATE}", case.measured, given)
        add(f"{what}serving watts, {OWN_RATE}", case.measured, own)
        add(f"{what}serving J/token, {OWN_RATE}", case.measured / case.rate, own / rate)
    else:
        node = load_node_power(_cluster_of_node(case).node, case.chip)
        replicas = node.chips / (case.tensor * case.data * case.pipeline)
        at_wall, own_wall = (float(wall_power(node=node, chip_power=watts)) for watts in (given, own))
        add(f"wall watts, {MEASURED_RATE}", case.measured, at_wall)
        add(f"wall J/token, {OWN_RATE}", case.measured / (case.rate * replicas), own_wall / (rate * replicas))
    return found


def _cluster_of_node(case: PowerCase) -> Cluster:
    return build_cluster(chip=case.chip.id, count=NODE, node=case.node or None)[0]


def _nodes(rows: Sequence[Mapping[str, str]], refused: Refusals) -> list[PowerRow]:
    """Idle nodes and largest steps among the rows; others of these kinds are counted in ``refused``."""
    found: list[PowerRow] = []
    for row in rows:
        kind, watts = row.get("kind", ""), number_of(row, "watts")
        if kind not in ("idle", "step"):
            continue
        if watts is None or not 0.0 < watts < LARGEST:
            why = "watts are not given" if watts is None else "watts are out of range"
            refused.add(Refusal(why, row.get("watts", "")), int(row["line"]))
            continue
        try:
            cluster = build_cluster(chip=row["accelerator"], count=NODE, node=row.get("node") or None)[0]
            node, power = load_node_power(cluster.node, cluster.chip), load_serving_power(cluster.chip)
        except GigawattError as error:
            why = Refusal("an accelerator or node that the catalog lacks", str(error))
            refused.add(why, int(row["line"]))
            continue
        idle = kind == "idle"
        value = wall_power(node=node) if idle else largest_step(node=node, high=power.limit)
        what = "idle node watts" if idle else "largest one-second step of a training node"
        found.append(
            PowerRow(row.get("id") or f"line {row['line']}", kind, cluster.chip.id, row.get("model", ""),
                     what, row.get("use") or "judge", watts, float(value))
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Group:
    """Errors of the rows of one comparison on one accelerator (``all``: on every one)."""

    what: str
    chip: str
    use: str
    n: int
    errors: Errors


def groups(rows: Sequence[PowerRow]) -> tuple[Group, ...]:
    """Errors by what is compared, accelerator and use, those of all accelerators first."""
    keys = sorted({(r.what, chip, r.use) for r in rows for chip in ("", r.chip)})
    found: list[Group] = []
    for what, chip, use in keys:
        mine = [r for r in rows if r.what == what and r.use == use and chip in ("", r.chip)]
        errors = errors_of(np.array([r.predicted for r in mine]), np.array([r.measured for r in mine]))
        found.append(Group(what, chip or "all", use, len(mine), errors))
    return tuple(found)

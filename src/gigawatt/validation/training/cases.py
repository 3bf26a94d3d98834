"""From a measured row to what the performance room predicts: architecture, run, cluster, stack, layouts.

What a row leaves open is filled by rules, each told in the case's assumptions:

- data parallelism is what the accelerators leave over; a row whose degrees do not multiply to its
  accelerators keeps tensor, pipeline and context and gets the data degree that does, or is refused;
- ``DP`` equal to the accelerators means that tensor and pipeline are 1;
- microbatch, expert parallelism, and interleaving where the software interleaves, are looked for: the fastest
  that fits in memory, as the people who ran it did; recomputation that is not told is none, unless the
  memory is far from enough for that;
- where tensor and pipeline are unknown, all layouts that divide are looked at;
- where a framework counts the microbatch per chip, a data-parallel rank takes its whole batch at once;
- ZeRO stages, sequence parallelism and interleaving that are looked at are those that the software has;
  where it shares out states only inside a fast domain (a slice of TPUs, whose number the notes may tell)
  the rest are copies.

No software is chosen by the source of a row: it is what is usual on the chip in the year with the layout, or
the framework and release that the row's words name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from gigawatt.catalog import table
from gigawatt.core.errors import GigawattError
from gigawatt.machine import build_cluster, load_chip
from gigawatt.machine.machine import Chip, Cluster
from gigawatt.machine.rows import load_link
from gigawatt.performance.layouts import RECOMPUTE, TrainingRun
from gigawatt.performance.software import (
    Software,
    flags_named_in,
    framework_named_in,
    load_software,
    release_named_in,
)
from gigawatt.performance.software_choice import usual_software
from gigawatt.performance.stacks import Stack
from gigawatt.validation.files import Refusal
from gigawatt.validation.rows import Row
from gigawatt.validation.training.models import architecture_of
from gigawatt.validation.training.network import scale_out_bandwidth, scale_out_link
from gigawatt.validation.training.target import counted_flops_per_token, measured_step_time
from gigawatt.workload.architecture import Architecture

__all__ = ["Case", "kind_of", "prepare"]

BATCH_SLACK = 0.05
"""Largest share by which a batch may be rounded so that it divides over the layout."""
LARGEST_MICROBATCH = 32
LEAST_NETWORK = 0.1
"""A described network below this share of the accelerator's usual one is the host's, not the fabric."""
ZERO = (0, 1, 2, 3)
"""Stages of ZeRO that are looked at where neither the row nor its software says which."""
SPARSE = 0.9
"""Active share of the parameters below which a model of unknown shape counts as a mixture of experts."""
_FORMATS = (("fp4", r"(nv|mx)?fp4"), ("fp8", r"(mx|amp_)?fp8|float8"), ("int8", r"int8"),
            ("bf16", r"(amp_)?bf(loat)?16"), ("fp16", r"(amp_)?fp16|float16"), ("tf32", r"tf32"),
            ("fp32", r"fp32|float32"))  # fmt: skip
_BUT_PROJECTIONS = re.compile(r"(all but|save).*(attention|qkv|query|key|output|projection)")
_OFFLOADED = re.compile(r"(qkv|projection).*offload|offload.*(qkv|projection)")
"""Policies that keep projections in the host's memory; the rest of a layer is computed again."""
_SLICES = re.compile(r"\b(\d+)\s?x\s+\S+\s+slices?\b", re.I)
_SHARED_OVER = re.compile(
    r"\b(?:fsdp(?=[\s=])|zero1|shard(?:ed|ing)?(?: group| over| within)?)\s*(?:=|of|:)?\s*(-?\d+)", re.I
)


@dataclass(frozen=True)
class Case:
    """A row ready to be predicted. ``options`` maps layout columns to the values to look at.

    ``measured`` [s] is of a step of ``batch`` sequences (the row's own, rounded to divide);
    ``work`` [FLOP] is the model's per accelerator and step.
    """

    row: Row
    architecture: Architecture
    kind: str
    number_format: str
    sequence: int
    batch: int
    cluster: Cluster
    software: Software
    options: Mapping[str, tuple[int, ...]]
    measured: float
    work: float
    told: bool
    assumptions: tuple[str, ...]

    def training_run(self, optimizer: str) -> TrainingRun:
        """One step of it."""
        return TrainingRun(
            architecture=self.architecture,
            tokens=float(self.batch * self.sequence),
            sequence=self.sequence,
            global_batch=self.batch,
            number_format=self.number_format,
            optimizer=optimizer,
        )

    @property
    def run(self) -> object:
        """Configuration of the run: equal for duplicate runs of different sources."""
        layout = tuple(sorted((name, of) for name, of in self.options.items() if len(of) == 1))
        machine = (self.cluster.chip.id, self.cluster.count)
        return (self.architecture, self.number_format, self.sequence, self.batch, machine, layout)


def kind_of(row: Row, architecture: Architecture | None = None) -> str:
    """``MoE`` where the row (or its model) counts experts, else ``dense``."""
    if architecture is not None and architecture.routed:
        return "MoE"
    active, total = row.number("active_params_b"), row.number("params_b")
    sparse = active is not None and total is not None and active < SPARSE * total
    return "MoE" if row.count("n_experts") or sparse else "dense"


def prepare(row: Row, *, told: bool = False) -> Case:
    """The case of a row; ``told``: with the framework and release that its words name.

    Raises
    ------
    Refusal
        With the reason that is counted, and what lacks.
    """
    sequence, batch = row.count("seq_len"), row.count("global_batch")
    if sequence is None or batch is None:
        raise Refusal("no sequence length or global batch", row.id)
    count = _accelerators(row)
    architecture, notes = architecture_of(row)
    chip = _chip(row)
    number_format = _format(row, chip)
    software, why = _software(row, architecture, chip, number_format, told)
    stack = software.stack()
    cluster = _sliced(_cluster(chip.id, count, row.text("interconnect")), row)
    if row.text("interconnect") and scale_out_bandwidth(row.text("interconnect"), per_node=1.0) is None:
        notes = (
            *notes,
            f"interconnect {row.text('interconnect')!r} names no rate: the usual one of {chip.id}",
        )
    options, degrees_told = _degrees(row, architecture, count, batch, stack)
    if "data" in options:
        options["shard"] = (_shard(cluster, options, row, stack),)
    used, batch_told = _divide(batch, options)
    measured = measured_step_time(row, architecture, count=count, peak=chip.peak.get(number_format))
    flops = counted_flops_per_token(architecture, sequence=sequence)
    return Case(
        row=row,
        architecture=architecture,
        kind=kind_of(row, architecture),
        number_format=number_format,
        sequence=sequence,
        batch=used,
        cluster=cluster,
        software=software,
        options=options,
        measured=measured * used / batch,
        work=flops * sequence * used / count,
        told=told,
        assumptions=(*notes, f"software {software.label}: {why}", *degrees_told, *batch_told),
    )


def _accelerators(row: Row) -> int:
    count = row.count("n_accel")
    if count is not None:
        return count
    degrees = [row.count(name) for name in ("TP", "PP", "DP")]
    if None in degrees:
        raise Refusal("the number of accelerators is not given", row.id)
    product = row.count("CP") or 1
    for degree in degrees:
        product *= degree or 1
    return product


def _chip(row: Row) -> Chip:
    """The catalog's chip; what a name says in brackets is left out, unless it counts parts of a chip."""
    name = row.text("accelerator")
    bare = re.sub(r"\s*\((?!per).*?\)", "", name)
    for candidate in dict.fromkeys((name, bare)):
        try:
            return load_chip(candidate)
        except GigawattError as caught:
            error = caught
    raise Refusal("the accelerator is not in the catalog", f"{name}: {error}")


def _format(row: Row, chip: Chip) -> str:
    words = row.text("precision").lower()
    words = words.rpartition(" or ")[2]
    for name, pattern in _FORMATS:
        if re.match(pattern, words):
            same_width = {"fp16": "bf16", "bf16": "fp16"}.get(name, name)
            for candidate in (name, same_width):
                if candidate in chip.peak:
                    return candidate
            raise Refusal("the accelerator has no rate in this number format", f"{chip.id} {name}")
    allowed = ", ".join(name for name, _ in _FORMATS)
    raise Refusal("the number format is not known", f"{row.text('precision')!r}; allowed: {allowed}")


def _software(
    row: Row, architecture: Architecture, chip: Chip, number_format: str, told: bool
) -> tuple[Software, str]:
    """(software of a run of a model in a number format as a user would ask for it, what was said of it).

    With ``told``, the framework, the release and the flags that the row's own words name, its year where they
    name no release; else what :func:`gigawatt.performance.software_choice.usual_software` takes.
    """
    year = row.count("year") or chip.year
    words = " ".join(row.text(name) for name in ("source", "source_loc", "notes", "precision"))
    flags = flags_named_in(words, chip) if told else {}
    framework = framework_named_in(words, chip) if told else None
    if framework is None:
        found = usual_software(
            architecture, chip, year=year, number_format=number_format, flags=flags, layout=_known(row)
        )  # fmt: skip
        return found, f"usual on {chip.id} in {year} with the row's layout"
    release = release_named_in(words, framework)
    load = partial(
        load_software, chip=chip, framework=framework, flags=flags, model=architecture.name,
        number_format=number_format,
    )  # fmt: skip
    try:
        found = load(version=release or str(year))
    except GigawattError:  # the row says a year in which there was no such framework yet
        found = load(year=year)
    return found, "as the row says"


def _degrees(
    row: Row, architecture: Architecture, count: int, batch: int, stack: Stack
) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Options of every layout column; columns that are absent are all looked at."""
    told: list[str] = []
    tensor, pipeline, data = row.count("TP"), row.count("PP"), row.count("DP")
    context = row.count("CP") or 1
    if tensor is None and pipeline is None and data == count:
        tensor = pipeline = 1
    options: dict[str, tuple[int, ...]] = {}
    if tensor is None or pipeline is None:
        told.append("tensor and pipeline parallelism are not given: the fastest layout that fits")
        given = {"tensor": tensor, "pipeline": pipeline, "context": row.count("CP")}
        options.update({name: (value,) for name, value in given.items() if value is not None})
    else:
        shared = tensor * pipeline * context
        if count % shared:
            raise Refusal(
                "the degrees do not multiply to the accelerators",
                f"TP {tensor} x PP {pipeline} x CP {context} does not divide {count}",
            )
        left = count // shared
        if data not in (None, left):
            told.append(f"DP {data} does not fit {count} accelerators: {left}")
        options.update(tensor=(tensor,), pipeline=(pipeline,), context=(context,), data=(left,))
    _rest(row, architecture, batch, stack, options, told)
    return options, told


def _rest(
    row: Row,
    architecture: Architecture,
    batch: int,
    stack: Stack,
    options: dict[str, tuple[int, ...]],
    told: list[str],
) -> None:
    offers, known = dict(stack.offers), _known(row)
    stages = options.get("pipeline", (0,))[0]
    data = options.get("data", (0,))[0]
    microbatch = row.count("microbatch")
    if microbatch is not None and data and _per_chip(stack):
        microbatch = max(batch // data, 1)
        told.append("microbatch is per chip: the whole batch of a data-parallel rank at once")
    if microbatch is not None:
        options["microbatch"] = (microbatch,)
    elif data:
        each = max(batch // data, 1)
        options["microbatch"] = tuple(_divisors(each, LARGEST_MICROBATCH))
        told.append("microbatch is not given: the fastest that fits")
    if "interleave" in known:
        options["interleave"] = (known["interleave"],)
    elif offers.get("interleave") == (1,):
        options["interleave"] = (1,)
    elif stages:
        per_stage = -(-architecture.layers // stages)
        whole = not microbatch or not data or (batch // max(data * microbatch, 1)) % stages == 0
        options["interleave"] = tuple(_divisors(per_stage, per_stage)) if stages > 1 and whole else (1,)
        if len(options["interleave"]) > 1:
            told.append("interleaving is not given: the fastest")
    experts = [block.experts.count for block in architecture.blocks if block.experts]
    if not experts:
        options["expert"] = (1,)
    elif row.count("EP") is not None:
        options["expert"] = (row.count("EP") or 1,)
    elif data:
        ranks = data * options["context"][0]
        options["expert"] = tuple(e for e in _divisors(min(experts), ranks) if ranks % e == 0)
        told.append("expert parallelism is not given: the fastest that fits")
    ranks = data * options.get("context", (1,))[0]
    if "zero" in known:
        options["zero"] = (known["zero"],)
    else:
        options["zero"] = offers.get("zero", ZERO) if ranks != 1 else (0,)
        told.append("the ZeRO stage is not given: the fastest that fits")
    tensor = options.get("tensor", (2,))[0]
    shared = known.get("sequence_parallel")
    sequence = offers.get("sequence_parallel", (0, 1)) if shared is None else (shared,)
    options["sequence_parallel"] = sequence if tensor > 1 else (0,)
    if "recompute" in known:
        options["recompute"] = (known["recompute"],)
    elif data:
        options["recompute"] = offers.get("recompute", tuple(range(len(RECOMPUTE))))
        told.append("recomputation is not given: none, since reports say where they use it, if that can fit")


def _known(row: Row) -> dict[str, int]:
    """Columns of the layout that a row gives and in which frameworks differ.

    Raises
    ------
    Refusal
        An unknown ZeRO stage or recomputation.
    """
    given = {
        "interleave": row.count("VP"),
        "context": row.count("CP"),
        "sequence_parallel": row.number("seq_parallel"),
    }
    found = {name: int(value) for name, value in given.items() if value is not None}
    if stage := row.text("zero_stage"):
        if stage[:1] not in map(str, ZERO):
            raise Refusal("the ZeRO stage is not known", f"{stage!r}; allowed: 0, 1, 2, 3")
        found["zero"] = int(stage[:1])
    word, _, brackets = row.text("recompute").lower().partition(" ")
    if word in RECOMPUTE:
        kept = _BUT_PROJECTIONS if word == "full" else _OFFLOADED
        but_projections = word in ("full", "selective") and kept.search(brackets) is not None
        found["recompute"] = RECOMPUTE.index("feed-forward" if but_projections else word)
    elif word:
        raise Refusal("the recomputation is not known", f"{word!r}; allowed: {', '.join(RECOMPUTE)}")
    return found


def _per_chip(stack: Stack) -> bool:
    """Whether reports of the framework count the microbatch of one chip."""
    return table("software_frameworks")[stack.framework].text("microbatch_of") == "chip"


def _divisors(number: int, most: int) -> Iterable[int]:
    return [d for d in range(1, min(number, most) + 1) if number % d == 0]


def _divide(batch: int, options: Mapping[str, tuple[int, ...]]) -> tuple[int, list[str]]:
    """The batch rounded to a multiple of what one round of microbatches takes."""
    data, microbatch = options.get("data"), options.get("microbatch")
    if data is None or microbatch is None:
        return batch, []
    unit = data[0] * (microbatch[0] if len(microbatch) == 1 else 1)
    if batch % unit == 0:
        return batch, []
    rounded = max(round(batch / unit), 1) * unit
    if abs(rounded - batch) > BATCH_SLACK * batch:
        raise Refusal("the batch does not divide over the layout", f"{batch} over {unit}")
    return rounded, [f"batch {batch} rounded to {rounded}; the step time is scaled alike"]


def _sliced(cluster: Cluster, row: Row) -> Cluster:
    """The cluster cut into as many fast domains as the row's notes count slices."""
    slices = _SLICES.search(row.text("notes"))
    if slices is None or cluster.count % int(slices[1]):
        return cluster
    return replace(cluster, scale_up_size=cluster.count // int(slices[1]))


def _shard(cluster: Cluster, options: Mapping[str, tuple[int, ...]], row: Row, stack: Stack) -> int:
    """Ranks that states are shared out over, 0 where those are all of a data-parallel group."""
    ranks = options["data"][0] * options["context"][0]
    said = _SHARED_OVER.search(row.text("notes"))
    if said is not None:
        inside = int(said[1])
    elif "shard" in stack.widens:
        inside = max(cluster.scale_up_size // options["tensor"][0], 1)
    else:
        return 0
    return inside if 0 < inside < ranks and ranks % inside == 0 else 0


@lru_cache(maxsize=512)
def _cluster(chip: str, count: int, interconnect: str) -> Cluster:
    cluster, _ = build_cluster(chip=chip, count=count)
    said = scale_out_bandwidth(interconnect, per_node=float(cluster.node_chips))
    if said is None or said < LEAST_NETWORK * cluster.scale_out.bandwidth:
        return cluster
    named = scale_out_link(interconnect, bandwidth=said)
    link = cluster.scale_out if named is None else load_link(named)
    return replace(cluster, scale_out=replace(link, bandwidth=said))

"""Layouts: how a training run is spread over a cluster, as columns over all candidates at once.

Conventions: ``count = tensor · context · data · pipeline``; ranks are numbered in that order, tensor
first. Expert groups are taken from the data- and context-parallel ranks, and each expert is then split
over the tensor ranks like any other layer; where ``expert`` does not divide ``data · context`` it is
taken from the tensor ranks too, and experts are whole (expert tensor parallelism 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import entity
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.machine.machine import Cluster
from gigawatt.performance.degrees import (
    ENDS,
    Cross,
    Integers,
    Table,
    TrainingRun,
    cross_with,
    degrees_of_all,
    degrees_of_part,
    divisible,
    divisors,
    either,
    splits,
)
from gigawatt.performance.stacks import RECOMPUTE, Stack
from gigawatt.workload.architecture import Architecture

if TYPE_CHECKING:
    import pandas  # pyright: ignore[reportMissingTypeStubs]

__all__ = [
    "COLUMNS", "RECOMPUTE", "SCHEDULES", "IndivisibleError", "Layouts", "TrainingRun", "enumerate_layouts",
    "layouts_of", "not_offered", "scheduled",
]  # fmt: skip

COLUMNS = (
    "tensor",
    "pipeline",
    "interleave",
    "data",
    "context",
    "expert",
    "zero",
    "microbatch",
    "recompute",
    "sequence_parallel",
    "schedule",
    "shard",
    "offload",
)
SCHEDULES = ("1f1b", "zb-h1", "zb-h2", "dualpipe")
"""Pipeline schedules by the number that stands in a layout; 1F1B is interleaved where ``interleave`` > 1."""


class IndivisibleError(InputError):
    """Fixed columns that no layout can have, or a run that no layout divides."""


@dataclass(frozen=True)
class Layouts:
    """Columns of shape ``(L,)``: one layout an index, never an object.

    ``recompute``: an index of :data:`RECOMPUTE`: nothing, the attention core, all, all but attention's
    projections. ``sequence_parallel``: 0 or 1.
    ``schedule``: an index of :data:`SCHEDULES`. ``shard``: ranks over which ZeRO spreads states, the rest
    being copies (hybrid sharding); 0 is all of data · context. ``offload`` to the host: 0 nothing,
    1 the optimizer's state, 2 activations as well.
    ``global_batch`` [sequences] is the run's, so that ``microbatches`` can be derived; ``(L,)`` where each
    layout fills it up to what it works through.
    """

    tensor: Integers
    pipeline: Integers
    interleave: Integers
    data: Integers
    context: Integers
    expert: Integers
    zero: Integers
    microbatch: Integers
    recompute: Integers
    sequence_parallel: Integers
    schedule: Integers
    shard: Integers
    offload: Integers
    global_batch: int | Integers

    @classmethod
    def of(cls, *, global_batch: int, **columns: ArrayLike) -> Layouts:
        """Layouts from columns or scalars, broadcast together; degrees left out are 1, the rest 0."""
        unknown = next((name for name in columns if name not in COLUMNS), None)
        if unknown is not None:
            raise InputError(
                "no such layout column", given=unknown, allowed=COLUMNS, nearest=nearest(unknown, COLUMNS)
            )
        zeros = ("zero", "recompute", "sequence_parallel", "schedule", "shard", "offload")
        filled = [np.atleast_1d(columns.get(name, 0 if name in zeros else 1)) for name in COLUMNS]
        arrays = np.broadcast_arrays(*filled)
        return cls(*(np.ascontiguousarray(a, dtype=np.int32) for a in arrays), global_batch=global_batch)

    def __len__(self) -> int:
        return len(self.tensor)

    @property
    def count(self) -> Integers:
        """Accelerators that each layout uses."""
        return self.tensor * self.context * self.data * self.pipeline

    @property
    def microbatches(self) -> NDArray[np.float64]:
        """Microbatches of one step, of the pipeline that works through the most."""
        return np.ceil(self.mean_microbatches)

    @property
    def mean_microbatches(self) -> NDArray[np.float64]:
        """Microbatches of one step, mean of the pipelines."""
        return self.global_batch / (self.data.astype(float) * self.microbatch)

    def take(self, index: NDArray[np.intp] | slice) -> Layouts:
        """The layouts at ``index``."""
        batch = self.global_batch if isinstance(self.global_batch, int) else self.global_batch[index]
        return Layouts(*(getattr(self, name)[index] for name in COLUMNS), global_batch=batch)

    def to_frame(self) -> pandas.DataFrame:
        """A pandas frame with one row a layout."""
        import pandas  # pyright: ignore[reportMissingTypeStubs]

        return pandas.DataFrame(
            {name: getattr(self, name) for name in COLUMNS} | {"microbatches": self.microbatches}
        )


_TOP = {
    "zero": 3,
    "recompute": len(RECOMPUTE) - 1,
    "sequence_parallel": 1,
    "schedule": len(SCHEDULES) - 1,
    "shard": 2**31 - 1,
    "offload": 2,
}
"""Largest values of the columns that count from zero."""
_RARE = ("schedule", "shard", "offload")
"""Columns that stay at zero unless a search is asked to widen them."""


def _does_not_divide(key: str, given: int, what: str, number: int) -> IndivisibleError:
    return IndivisibleError(
        f"a layout that cannot divide: {given} does not divide {what} ({number})", key=key, given=given
    )


def _check_pins(run: TrainingRun, cluster: Cluster, fixed: Mapping[str, int], part: bool) -> None:
    """Raise on pins that no layout can satisfy, each named by the numbers that do not divide."""
    for key, value in fixed.items():
        check_word(None, key, COLUMNS, "no such layout column")
        top = _TOP.get(key)
        if top is not None:
            if not 0 <= value <= top:
                raise InputError("out of range", key=key, given=value, allowed=f"0 to {top}")
        elif value < 1 or value != int(value):
            raise InputError("not a positive whole number", key=key, given=value)
    if not part:
        _check_ranks(cluster.count, fixed)
    _check_model_pins(run.architecture, fixed)
    if run.sequence % fixed.get("context", 1):
        raise _does_not_divide("context", fixed["context"], "the sequence", run.sequence)
    sequences = fixed.get("data", 1) * fixed.get("microbatch", 1)
    if run.global_batch % sequences and not run.uneven:
        raise _does_not_divide("data · microbatch", sequences, "the global batch", run.global_batch)


def _check_ranks(count: int, fixed: Mapping[str, int]) -> None:
    """Raise where the degrees do not divide the accelerators, or all four are not their number."""
    for key in ("tensor", "pipeline", "context", "data"):
        if count % fixed.get(key, 1):
            raise _does_not_divide(key, fixed[key], "the accelerators", count)
    product = 1
    for key in ("tensor", "context", "data", "pipeline"):
        product *= fixed.get(key, 1)
    if count % product:
        raise _does_not_divide("tensor · context · data · pipeline", product, "the accelerators", count)
    if all(key in fixed for key in ("tensor", "context", "data", "pipeline")) and product != count:
        raise IndivisibleError(
            "a layout that cannot divide: tensor · context · data · pipeline is not the accelerators",
            given=product,
            allowed=str(count),
        )


def _check_model_pins(model: Architecture, fixed: Mapping[str, int]) -> None:
    """Raise where heads, layers or experts of the model do not split as pinned."""
    tensor = fixed.get("tensor", 1)
    for block in model.blocks:
        heads, key_value = block.attention.heads, block.attention.key_value_heads
        if heads % tensor:
            raise _does_not_divide("tensor", tensor, "the attention heads", heads)
        if heads and key_value % tensor and tensor % key_value:
            raise _does_not_divide("tensor", tensor, "the key-value heads", key_value)
        if not splits(block, tensor):
            mixer = block.mixer
            groups = mixer.splits if mixer else 1
            raise _does_not_divide("tensor", tensor, "the groups of a token mixer", groups)
    depth = fixed.get("pipeline", 1) * fixed.get("interleave", 1)
    if depth > model.layers + ENDS:
        raise IndivisibleError(
            "a layout that cannot divide: more pipeline chunks than layers",
            key="pipeline · interleave",
            given=depth,
            allowed=f"at most {model.layers + ENDS} (embedding and head as ends of their own)",
        )
    experts = [block.experts.count for block in model.blocks if block.experts]
    expert = fixed.get("expert", 1)
    if expert > 1 and not experts:
        raise IndivisibleError(
            "a model without experts has no expert parallelism", key="expert", given=expert, allowed="1"
        )
    for number in experts:
        if number % expert:
            raise _does_not_divide("expert", expert, "the experts", number)


def _runs_as(
    schedule: Integers, pipeline: Integers, interleave: Integers, rounds: ArrayLike
) -> NDArray[np.bool_]:
    """Whether a pipeline can be worked through in the order of a schedule.

    Zero-bubble schedules and DualPipe are of one run of layers a stage; DualPipe feeds an even number of
    stages from both ends, with an even number of microbatches that is at least twice theirs.
    """
    split = (pipeline > 1) & (interleave == 1)
    number = np.asarray(rounds)
    both_ways = (pipeline % 2 == 0) & (number >= 2 * pipeline) & (number % 2 == 0)
    return (schedule == 0) | (split & ((schedule != SCHEDULES.index("dualpipe")) | both_ways))


def layouts_of(
    run: TrainingRun,
    cluster: Cluster,
    stack: Stack,
    fixed: Mapping[str, int] | None = None,
    widen: Iterable[str] = (),
    refused: dict[str, int] | None = None,
    part: bool = False,
    fill: float = 0.0,
) -> Layouts:
    """:func:`enumerate_layouts` of what a stack offers, in 1F1B and its own pipeline schedule."""
    own = SCHEDULES.index(stack.schedule)
    offers = {**dict(stack.offers), "schedule": (0, own) if own else (0,)}
    return enumerate_layouts(run, cluster, fixed, widen, refused, part, offers, fill)


def not_offered(stack: Stack, fixed: Mapping[str, int], widen: Iterable[str] = ()) -> dict[str, int]:
    """The pins that the stack does not offer and a search without them does not look at."""
    offers = {
        "schedule": (0, SCHEDULES.index(stack.schedule)), "shard": (0,), "offload": (0,), **dict(stack.offers)
    }  # fmt: skip
    names = tuple(widen)
    return {
        name: value
        for name, value in fixed.items()
        if name in offers and name not in names and value not in offers[name]
    }


def scheduled(layouts: Layouts, schedule: str) -> Layouts:
    """The layouts with ``schedule`` where they are of 1F1B and can be worked through in that order."""
    kind = SCHEDULES.index(schedule)
    if kind == 0:
        return layouts
    wanted = np.full_like(layouts.schedule, kind)
    fits = _runs_as(wanted, layouts.pipeline, layouts.interleave, layouts.microbatches)
    return replace(layouts, schedule=np.where(fits & (layouts.schedule == 0), wanted, layouts.schedule))


def _rare(
    table: Table,
    run: TrainingRun,
    cluster: Cluster,
    pins: Mapping[str, int],
    widen: set[str],
    schedules: Iterable[int],
    cross: Cross,
) -> Table:
    """The columns that are searched only on request: schedule, shard, offload."""
    unknown = next((name for name in widen if name not in _RARE), None)
    if unknown is not None:
        raise InputError(
            "this column is not widened", given=unknown, allowed=_RARE, nearest=nearest(unknown, _RARE)
        )

    def options(name: str, free: list[int], usual: Iterable[int] = (0,)) -> list[int]:
        return either(pins, name, free if name in widen else list(usual))

    def schedule_fits(w: Table) -> NDArray[np.bool_]:
        rounds = -(-run.global_batch // (w["data"] * w["microbatch"]))
        return _runs_as(w["schedule"], w["pipeline"], w["interleave"], rounds)

    def shard_fits(w: Table) -> NDArray[np.bool_]:
        ranks, part = w["data"] * w["context"], np.maximum(w["shard"], 1)
        return (w["shard"] == 0) | (divisible(ranks, part) & (part < ranks) & (w["zero"] > 0))

    near = [s for s in divisors(cluster.scale_up_size) if s > 1]
    everything = list(range(len(SCHEDULES)))
    kinds = options("schedule", everything, schedules)
    table = cross(table, "schedule", kinds, schedule_fits if any(kinds) else None)
    shards = options("shard", [0, *near])
    table = cross(table, "shard", shards, shard_fits if any(shards) else None)
    return cross(table, "offload", options("offload", [0, 1, 2]))


def enumerate_layouts(
    run: TrainingRun,
    cluster: Cluster,
    fixed: Mapping[str, int] | None = None,
    widen: Iterable[str] = (),
    refused: dict[str, int] | None = None,
    part: bool = False,
    offers: Mapping[str, tuple[int, ...]] | None = None,
    fill: float = 0.0,
) -> Layouts:
    """Every layout that divides, with the degrees of ``fixed`` pinned.

    Parameters
    ----------
    run, cluster
        What is trained, on what.
    fixed : mapping of column to value
        Pinned columns. A pin leaves of all layouts those that have it, so that none with it is quicker than
        the quickest without: pinned degrees divide as free ones do. Beyond what is searched a pin may only
        be where searches stop for being sensible: at the catalog's ``stacks_search`` limits on context
        parallelism and microbatch, and at ZeRO and sequence parallelism where there are no ranks to share
        with, which do nothing.
    widen : names among ``schedule``, ``shard``, ``offload``
        Columns to search as well: every pipeline schedule, sharding inside the fast domain only, and
        states and activations in the host's memory. The others keep 0.
    refused : dict, optional
        Gets, by column, how many combinations of its values with those of the columns before do not divide.
    part : bool
        Layouts of a part of the accelerators, with few values of the columns that its size does not follow
        from, in place of those of all.
    offers : mapping of column to values, optional
        Columns of which the software has only these values (of the schedule: these and no other unless it is
        widened); a pin is kept all the same (:func:`not_offered`).
    fill : float
        By how much a batch may be larger that a layout of a part fills up to whole microbatches, and to whole
        rounds of an interleaved pipeline, as a share.

    Returns
    -------
    Layouts
        In a fixed order (deterministic).

    Raises
    ------
    InputError
        A pin that cannot divide; says which number does not divide which.
    """
    pins: Mapping[str, int] = fixed or {}
    _check_pins(run, cluster, pins, part)
    model, count, layers = run.architecture, cluster.count, run.architecture.layers
    limits = entity("stacks_search", "limits")
    cross = partial(cross_with, refused=refused)
    offered = offers or {}
    held = {name: values[0] for name, values in offered.items() if len(values) == 1} | dict(pins)

    def options(name: str, free: list[int], few: Iterable[int] = ()) -> list[int]:
        kept = [one for one in free if one in offered.get(name, free)]
        return either(held, name, [one for one in kept if one in few] if part and few else kept)

    table = (
        degrees_of_part(run, cluster, held, cross)
        if part
        else degrees_of_all(run, cluster, held, cross, refused)
    )
    experts = [block.experts.count for block in model.blocks if block.experts]
    shared = min(experts) if experts else 1

    def expert_fits(w: Table) -> NDArray[np.bool_]:
        return w["data"] * w["context"] * w["tensor"] % w["expert"] == 0

    expert_degrees = [e for e in divisors(shared) if all(n % e == 0 for n in experts)]
    some = {1, min(expert_degrees, key=lambda e: abs(e - cluster.scale_up_size)), expert_degrees[-1]}
    table = cross(table, "expert", options("expert", expert_degrees, some), expert_fits)

    def microbatch_fits(w: Table) -> NDArray[np.bool_]:
        each = -(-run.global_batch // w["data"])
        whole = each % w["microbatch"] == 0
        whole &= (w["interleave"] == 1) | (each // w["microbatch"] % w["pipeline"] == 0)
        return whole | (filled_batch(w, run.global_batch) <= most)

    most = (1.0 + fill) * run.global_batch if fill else 0.0
    largest = min(int(limits.value("microbatch")), run.global_batch)
    small = (1, 2) if fill else (1, 2, 3, 4, 5, 6)  # a batch that is filled is worked through by small ones
    table = cross(
        table, "microbatch", options("microbatch", list(range(1, largest + 1)), small), microbatch_fits
    )

    def sequence_fits(w: Table) -> NDArray[np.bool_]:
        split = w["tensor"] > 1
        usual = w["sequence_parallel"] == split if part and fill else w["sequence_parallel"] <= split
        return usual | ("sequence_parallel" in held)

    table = cross(
        table,
        "sequence_parallel",
        options("sequence_parallel", [0, 1]),
        sequence_fits,
    )
    table = cross(
        table,
        "recompute",
        options("recompute", list(range(len(RECOMPUTE))), (0, 1, 2)),
    )
    table = cross(
        table,
        "zero",
        options("zero", [0, 1, 2, 3], (0, 1, 3)),
        lambda w: (w["zero"] == 0) | (w["data"] * w["context"] > 1) | ("zero" in pins),
    )
    table = _rare(table, run, cluster, pins, set(widen), offered.get("schedule", (0,)), cross)
    if not len(table["tensor"]):
        given = ", ".join(f"{key} {value}" for key, value in pins.items())
        power = 2 ** round(float(np.log2(count)))
        batch = max(1, round(run.global_batch / power)) * power
        raise IndivisibleError(
            "a layout that cannot divide: no product of degrees gives "
            f"{count} accelerators, {layers} layers and {run.global_batch} sequences a step",
            given=given or None,
            allowed=f"numbers with common divisors, such as {power} accelerators and {batch} sequences",
        )
    batch: int | Integers = run.global_batch
    if fill:
        full = filled_batch(table, batch)
        batch = np.where(full <= most, full, batch)
    return Layouts(*(table[name] for name in COLUMNS), global_batch=batch)


def filled_batch(layouts: Table, batch: int) -> Integers:
    """Sequences of a step in which every replica works through as many microbatches as that with the most,
    an interleaved pipeline in whole rounds of its stages: ``(L,)``, at least ``batch``."""
    each = layouts["data"].astype(np.int64) * layouts["microbatch"]
    rounds = -(-batch // each)
    stages = np.where(layouts["interleave"] > 1, layouts["pipeline"], 1)
    return -(-rounds // stages) * stages * each

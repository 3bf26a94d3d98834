"""Measured rows of serving power: read, typed, and turned into what the step model can be asked.

Columns are those of a benchmark collection (:data:`COLUMNS`) or of the ML.ENERGY leaderboard. What a row
leaves open is filled in by rules that are the same for every row. Lengths of prompts are means of the task's
data set (the catalog's ``loads``). That table also says whether tokens were drawn from the upper part of
their sorted distribution (top-p): the engines of these rows sort the logits of every sequence in every
iteration, which takes longer than all multiplications of a small model. What a model's rows are used for
follows from the checksum of its name (even: fitted), so that nobody chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.machine.load import build_cluster
from gigawatt.machine.machine import Chip, Cluster
from gigawatt.serving.loads import named_loads
from gigawatt.validation.files import Refusal, Refusals, table
from gigawatt.validation.rows import LARGEST, cells_of, check_columns, in_fitted_half, number_of
from gigawatt.validation.serving.names import architecture_named, blocked, chip_named, named, number_format
from gigawatt.workload.architecture import Architecture

__all__ = [
    "COLUMNS",
    "IMAGES",
    "NODE",
    "PowerCase",
    "cases_of",
    "cluster_of",
    "is_serving_power_table",
    "power_rows",
]

COLUMNS = (
    "source", "table", "accelerator", "n_accel", "PP", "DP", "EP", "model", "weight_prec", "framework", "isl",
    "osl", "concurrency", "tok_s_total", "power_w_per_accel", "power_frac_tdp_avg",
)  # fmt: skip
"""Columns of a benchmark collection that are read; what a row lacks is filled in by the rules above."""
_LEADERBOARD = {
    "task": "table", "gpu_model": "accelerator", "num_gpus": "n_accel", "data_parallel": "DP",
    "expert_parallel": "EP", "model_id": "model", "weight_precision": "weight_prec", "avg_output_len": "osl",
    "avg_batch_size": "concurrency", "output_throughput_tokens_per_sec": "tok_s_total",
    "avg_power_watts": "watts",
}  # fmt: skip
"""Columns of the leaderboard's table by those of a collection."""
_TOP = 1.02
"""More than this over its limit no accelerator draws in the mean: such a row measures something else."""
_IDLE = 0.5
"""Less than this of its idle power no accelerator draws in the mean of a run."""
NODE = 8
MOST = 4096
"""Accelerators of the largest replica that is looked at."""
USES = ("", "fit", "judge")
"""What a row may be for; by its model where it does not say."""
IMAGES = ("image-chat", "video-chat")
"""Loads whose prompts have images: what turns them into tokens is not predicted, so they stand apart."""


@dataclass(frozen=True)
class PowerCase:
    """One measured row that can be asked; ``rate`` [output tokens/s] is of a replica.

    ``measured`` is what its ``kind`` says: W of one accelerator (``gpu``), W of a node (``wall``), rate at
    the accelerators' own limit over that under the ``cap`` (``cap``).
    """

    id: str
    source: str
    model: str
    architecture: Architecture
    chip: Chip
    engine: str
    weights: str
    tensor: float
    data: float
    expert: float
    pipeline: float
    load: str
    prompt: float
    output: float
    held: float
    rate: float
    measured: float
    use: str
    kind: str = "gpu"
    node: str = ""
    cap: float | None = None
    sorted_bytes: float = 0.0
    cache: str = "bf16"


@lru_cache(maxsize=256)
def cluster_of(chip: str, count: int) -> Cluster:
    """``count`` accelerators in their usual nodes."""
    return build_cluster(chip=chip, count=count)[0]


def is_serving_power_table(file: Path) -> bool:
    """Whether a file has the columns of measured serving power, of a collection or of the leaderboard."""
    return _of_serving(cells_of(file)[0])


def _of_serving(header: Sequence[str]) -> bool:
    names = set(header)
    collection = {"model", "accelerator", "concurrency", "osl"} <= names
    watts = bool({"power_w_per_accel", "power_frac_tdp_avg"} & names)
    return (collection and watts) or {"task", "gpu_model", "avg_power_watts"} <= names


def power_rows(file: Path | None = None) -> list[dict[str, str]]:
    """Rows of the shipped table or of a ``file``, texts by a collection's columns, with their ``line``.

    Raises
    ------
    InputError
        No such file, or one without the columns that are needed.
    """
    if file is None:
        return [{**row, "line": str(line)} for line, row in enumerate(table("serving_power.csv"), start=2)]
    header, cells = cells_of(file)
    if not _of_serving(header):
        raise InputError(
            "these columns are not of measured serving power", file=file, line=1, allowed=COLUMNS
        )
    check_columns(file, header, (), (*COLUMNS, *_LEADERBOARD, *table("serving_power.csv")[0]))
    return [
        {**{_LEADERBOARD.get(k, k): v.strip() for k, v in record.items()}, "line": str(line)}
        for line, record in cells
    ]


def _number(row: Mapping[str, str], name: str, default: float | None = None) -> float | None:
    """The number of a cell; ``Refusal`` where no run can have it."""
    value = number_of(row, name, line=int(row["line"]))
    if value is None:
        return default
    if not 0.0 <= value <= LARGEST:
        raise Refusal(f"{name} is out of range")
    return value


def _needed(row: Mapping[str, str], name: str) -> float:
    value = _number(row, name)
    if value is None or not value > 0.0:
        raise Refusal("a row without what its prediction needs", name)
    return value


def _watts(row: Mapping[str, str], chip: Chip, count: float, cap: float | None) -> float:
    """W of one accelerator; refused where it cannot be that."""
    watts, share, total = (_number(row, key) for key in ("power_w_per_accel", "power_frac_tdp_avg", "watts"))
    if watts is None:
        watts = (
            share * chip.power_limit if share is not None else total / count if total is not None else None
        )
    if watts is None:
        raise Refusal("no power was measured")
    if watts > _TOP * (cap or chip.power_limit):
        raise Refusal("more than the accelerator's limit: whose watts these are is not said")
    if watts < _IDLE * chip.idle_power:
        raise Refusal("less than half of what an idle accelerator draws: the mean is not of the run")
    return watts


def _case(row: Mapping[str, str]) -> PowerCase:
    """What a row of a collection asks; ``Refusal`` where it cannot be predicted."""
    name = row["accelerator"]
    chip = cluster_of(chip_named(name).id, NODE).chip
    architecture = architecture_named(row["model"])
    count = _needed(row, "n_accel")
    data, pipeline, expert = (_number(row, key, 1.0) or 1.0 for key in ("DP", "PP", "EP"))
    if max(count, data, pipeline, expert) > MOST:
        raise Refusal("more accelerators than a replica has")
    tensor = count / (data * pipeline)
    if tensor < 1.0:
        raise Refusal("degrees that do not divide", name)
    kind, cap = row.get("kind") or "gpu", _number(row, "cap")
    measured = (
        _watts(row, chip, count, cap)
        if kind == "gpu"
        else _needed(row, "ratio" if kind == "cap" else "watts")
    )
    load = named_loads().get(row.get("table", ""))
    prompt = _number(row, "isl") or (load.prompt if load else None)
    if prompt is None:
        raise Refusal("the length of prompts is not known for this task", row.get("table", ""))
    weights = blocked(number_format(row.get("weight_prec", "")), row["model"])
    engine = row.get("engine") or named("engine", row.get("framework", "") or "vllm") or "generic-2025"
    return PowerCase(
        id=row.get("id") or f"line {row['line']}", source=row.get("source", ""), model=row["model"],
        architecture=architecture, chip=chip, engine=engine, weights=weights, tensor=tensor, data=data,
        expert=expert, pipeline=pipeline, load=row.get("table", ""), prompt=prompt,
        output=_needed(row, "osl"), held=_needed(row, "concurrency"), rate=_needed(row, "tok_s_total"),
        measured=measured,
        use=row.get("use") or ("fit" if in_fitted_half(row["model"]) else "judge"), kind=kind,
        node=row.get("node", ""), cap=cap, sorted_bytes=load.sorted_bytes if load else 0.0,
        cache=row.get("cache") or "bf16",
    )  # fmt: skip


def cases_of(
    file: Path | None = None, rows: Sequence[Mapping[str, str]] | None = None
) -> tuple[list[PowerCase], Refusals]:
    """(cases, reasons why other rows cannot be predicted) of a ``file`` or the shipped rows; idle nodes and
    largest steps are in neither. ``rows`` are those of the file, where they are read already.

    Raises
    ------
    InputError
        As of :func:`power_rows`, and a cell that is no number: file, line, column.
    """
    found, refused = list[PowerCase](), Refusals()
    for row in power_rows(file) if rows is None else rows:
        kind = row.get("kind") or "gpu"
        if kind in ("idle", "step"):
            continue
        try:
            if kind not in ("gpu", "wall", "cap"):
                raise Refusal("a kind of row that is not gpu, wall, cap, idle or step")
            if row.get("use", "") not in USES:
                raise Refusal("a use that is not known", f"{row['use']!r}; allowed: {', '.join(USES[1:])}")
            found.append(_case(row))
        except Refusal as why:
            refused.add(why, int(row["line"]))
        except InputError as error:
            raise error.at(file=file, key=error.key or "row") from None
        except (GigawattError, ArithmeticError) as error:
            refused.add(Refusal("the row's numbers cannot be run", str(error)), int(row["line"]))
    return found, refused

"""Layouts of measured serving rows: degrees by column or label, copies of a replica, pools of a deployment.

``parallel_detail`` such as ``tp8 pp1 dp1 mtp1 ep8`` gives attention's tensor and data ranks and the experts'
tensor ranks and groups; ``tp4``, ``tep8`` (tensor ranks that hold whole experts), ``dep16`` (data ranks that
do), ``dp2tp4`` are read likewise. Some collections write tensor · expert for what is one node's ranks (tp64 …
ep8 on eight accelerators); where the product exceeds a node and divides by the expert groups, it is divided.
Where data ranks are not given, they are the experts' ranks over attention's. A degree of 0 is none. A
largest throughput of which only ranks are said has the engine's published settings for the model: sequences
of its own on every rank where these have it so (``engines_layouts``, apart), experts as the row has them.
Ranks of engines that cut models by layers alone are stages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gigawatt.catalog import Entity
from gigawatt.machine import Chip
from gigawatt.validation.files import Refusal
from gigawatt.validation.rows import LARGEST, LEAST, number_of
from gigawatt.validation.serving.names import EMPTY

__all__ = ["Layout", "Pools", "as_run", "layout_of", "number", "pools_of"]

_MOST = {"n_accel": 4096.0, "TP": 4096.0, "PP": 4096.0, "DP": 4096.0, "EP": 4096.0, "isl": 1e7, "osl": 1e7,
         "concurrency": 1e6}  # fmt: skip
_DETAIL = re.compile(r"tp(\d+) pp(\d+) dp(\d+|None) mtp(\d+) ep(\d+)")
_POOLS = re.compile(r"prefill: (.*) workers(\d+|None) bs\w+; decode: (.*) workers(\d+|None) bs\w+")
_NAMED = re.compile(r"(tep|dep|tp|pp|dp|ep)[=_-]?(\d+)", re.I)
_COUNTED = re.compile(r"(\d+)(tep|dep|tp|pp|dp|ep)", re.I)
_LAYOUTS = "such as tp8 pp1 dp1 mtp1 ep8, tep8 or dp2tp4, or nothing beside TP, PP, DP, EP"
_NODE = 8.0
"""Accelerators of a node of the machines whose labels are mended."""


@dataclass(frozen=True)
class Layout:
    """Ranks of a replica, and how many copies of it there are.

    ``chosen`` says that the row gives accelerators and no degrees: then ``tensor`` is all of them, and
    the prediction may cut them into copies.
    """

    tensor: float
    data: float = 1.0
    expert: float = 1.0
    expert_tensor: float = 1.0
    pipeline: float = 1.0
    copies: float = 1.0
    chosen: bool = False

    @property
    def chips(self) -> float:
        """Accelerators of a copy."""
        return self.tensor * self.data * self.pipeline


@dataclass(frozen=True)
class Pools:
    """A prefill and a decode pool, the copies of each being its workers.

    ``counted`` says that the row gives them; if not there is one of each, and the prediction takes as many as
    go together (:func:`~gigawatt.serving.disaggregation.balanced_mix`).
    """

    prefill: Layout
    decode: Layout
    counted: bool = True


def number(row: Mapping[str, str], column: str) -> float | None:
    """The number of a cell, above zero; ``None`` where it is empty.

    Raises
    ------
    InputError
        The cell is no number.
    Refusal
        A number that no run can have.
    """
    value = number_of(row, column, line=int(row["line"]))
    if value is None:
        return None
    if column == "EP" and value == 0.0:
        return None
    if not LEAST <= value <= _MOST.get(column, LARGEST):
        raise Refusal(f"{column} is out of range", row[column])
    return value


def layout_of(row: Mapping[str, str], chip: Chip) -> Layout:
    """The layout of a row of one pool."""
    count, tensor, pipeline, data, expert = (
        number(row, name) for name in ("n_accel", "TP", "PP", "DP", "EP")
    )
    detail = row.get("parallel_detail", "").strip()
    said = _DETAIL.fullmatch(detail)
    if said is not None:
        return _labelled(said, chip, detail)
    if detail not in EMPTY:
        tensor, pipeline, data, expert = _words(detail, (tensor, pipeline, data, expert))
    if tensor is None and count is None and data is None:
        raise Refusal("the layout is not given")
    pipeline, data, expert = pipeline or 1.0, data or 1.0, expert or 1.0
    copies, chosen = 1.0, False
    if tensor is None:
        chosen = data * expert * pipeline == 1.0
        tensor = max((count or 1.0) / (data * pipeline), 1.0)
    elif count is not None and count > tensor * data * pipeline:
        if expert == count / pipeline:  # experts over all accelerators: attention's ranks are as many
            tensor = count / (data * pipeline)
        else:
            copies = max(count / (tensor * data * pipeline), 1.0)
    if copies != int(copies) or tensor != int(tensor):
        raise Refusal("degrees that do not divide", f"{count:g} accelerators in {detail or 'TP, PP, DP, EP'}")
    share = tensor * data / expert
    if share < 1.0 and expert > 1.0:
        raise Refusal(
            "degrees that do not divide", f"{expert:g} groups of experts on {tensor * data:g} ranks"
        )
    return Layout(tensor, data, expert, max(share, 1.0), pipeline, copies, chosen)


def as_run(layout: Layout, row: Mapping[str, str], rules: Entity | None, *, apart: bool) -> Layout:
    """The layout as the engine runs ranks of which a row says no more than how many.

    ``apart``: its published settings give every rank sequences of its own, unless the row says how attention
    is cut, which a label of ranks and stages alone does not. An engine that cuts models by layers alone
    (``rules``: a row of ``engines_layouts``) has them as stages.
    """
    if rules is not None and rules.text("attention") == "stages":
        return replace(layout, tensor=1.0, pipeline=layout.pipeline * layout.tensor, chosen=False)
    said = re.search("dp|dep", row.get("parallel_detail", ""), re.I)
    if not apart or said or layout.chosen or layout.data > 1.0:
        return layout
    return replace(layout, tensor=1.0, data=layout.tensor)


def _words(
    detail: str, columns: tuple[float | None, float | None, float | None, float | None]
) -> tuple[float | None, float | None, float | None, float | None]:
    """(tensor, pipeline, data, expert) of a label such as ``TP4,PP2``, ``tep8``, ``4DP2TP``, over columns."""
    found = dict(zip(("tp", "pp", "dp", "ep"), columns, strict=True))
    counted = detail[0].isdigit()
    form = _COUNTED if counted else _NAMED
    tokens = form.findall(detail)
    if re.sub(r"[\s,;/_+-]|\bNone\b", "", form.sub("", detail)) or not tokens:
        raise Refusal("the layout cannot be read", f"parallel_detail {detail!r}; allowed: {_LAYOUTS}")
    for first, second in tokens:
        name, value = (second.lower(), float(first)) if counted else (first.lower(), float(second))
        if value == 0.0 and name in ("ep", "dp", "pp"):
            value = 1.0
        if not 1.0 <= value <= _MOST["TP"]:
            raise Refusal("degrees that no layout has", detail)
        if name in ("tep", "dep"):
            found["tp" if name == "tep" else "dp"] = value
            found["ep"] = value
        else:
            found[name] = value
    return found["tp"], found["pp"], found["dp"], found["ep"]


def _labelled(said: re.Match[str], chip: Chip, detail: str, *, mended: bool = True) -> Layout:
    """A layout of a label with the experts' own ranks; ``mended`` as the head of this file says."""
    tensor, pipeline, expert = float(said[1]), float(said[2]), max(float(said[5]), 1.0)
    if not all(1.0 <= float(said[i]) <= _MOST["TP"] for i in (1, 2)):
        raise Refusal("degrees that no layout has", detail)
    ranks = max(float(said[4]), 1.0) * expert  # of the experts: all that a stage has
    data = max(ranks / tensor, 1.0) if said[3] == "None" else float(said[3])
    if not 1.0 <= data <= _MOST["TP"]:
        raise Refusal("degrees that no layout has", detail)
    if mended and tensor * data > _NODE and expert > 1.0 and not chip.id.startswith("GB"):
        tensor, data = (tensor / expert, data) if tensor > 1.0 else (tensor, data / expert)
    share = tensor * data / expert
    if share < 1.0 or share != int(share):
        raise Refusal("degrees that do not divide", detail)
    if mended and tensor * data * pipeline > _NODE:
        raise Refusal("a layout of several nodes, whose label may be of a disaggregated run")
    return Layout(tensor, data, expert, share, pipeline)


def pools_of(row: Mapping[str, str], chip: Chip) -> Pools:
    """The pools of a disaggregated row.

    Raises
    ------
    Refusal
        A label without pools, or degrees that no layout has.
    """
    detail = row.get("parallel_detail", "").strip()
    found = _POOLS.fullmatch(detail)
    if found is None:
        raise Refusal("disaggregated: the pools of the row are not told apart", detail[:60])
    counted = "None" not in (found[2], found[4])
    layouts: list[Layout] = []
    for label, workers in ((found[1], found[2]), (found[3], found[4])):
        said, number_of_them = _DETAIL.fullmatch(label), float(workers) if counted else 1.0
        if said is None or number_of_them < 1.0:
            raise Refusal("the layout cannot be read", f"parallel_detail {detail[:60]!r}")
        one = _labelled(said, chip, label, mended=False)
        layouts.append(
            Layout(one.tensor, one.data, one.expert, one.expert_tensor, one.pipeline, number_of_them)
        )
    pools = Pools(layouts[0], layouts[1], counted)
    count = number(row, "n_accel")
    used = sum(pool.chips * pool.copies for pool in layouts)
    if counted and count is not None and used != count:
        raise Refusal("disaggregated: pools and accelerators do not agree", f"{used:g} of {count:g}")
    return pools

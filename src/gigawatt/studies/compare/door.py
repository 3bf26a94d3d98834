"""Scenarios side by side: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError
from gigawatt.studies.compare import STUDY
from gigawatt.studies.run.door import Asked

if TYPE_CHECKING:
    from gigawatt.chain.study import Study
    from gigawatt.core.result import Result
    from gigawatt.schema.scenario import LoadedScenario

__all__ = ["answered", "compare", "compare_results"]

Progress = Callable[[str, float], None]


def compare(
    *sources: str | Path | Study,
    of: Sequence[str] | None = None,
    split: bool = True,
    orders: int | None = None,
    seed: int = 0,
    everything: bool = False,
    settings: Mapping[str, object] | None = None,
    uncertainty: bool | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Put scenarios side by side and say which input moved what, as ``gigawatt compare`` does.

    Parameters
    ----------
    *sources : path or Study
        Two or more: scenario files, folders of results, studies that were loaded (and changed).
    of : sequence of str, optional
        Quantities whose difference is split; the usual ones where left out.
    split : bool
        Whether to split at all.
    orders, seed : int, optional
        Of sampled orders, where more than six groups differ.
    everything : bool
        Whether the document's table has every quantity that differs, not only those that matter.
    settings : mapping, optional
        Other values of some fields of every scenario, as ``--set`` takes them.
    uncertainty : bool, optional
        Sample all uncertain inputs of scenarios, so that each has the probability that it is the lowest.
        Default: as each scenario says, else not.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys in docs/compare.md. Tables ``side_by_side`` (values in the unit of the row, a column a scenario)
        and ``moved`` (a row a group, a column a quantity); figure ``waterfall`` (``of=`` a quantity).
    """
    return answered(
        sources, Asked(uncertainty), of=of, split=split, orders=orders, seed=seed, everything=everything,
        settings=settings, progress=progress,
    )  # fmt: skip


def answered(
    sources: Sequence[str | Path | Study],
    asked: Asked,
    *,
    of: Sequence[str] | None,
    split: bool,
    orders: int | None,
    seed: int,
    everything: bool,
    settings: Mapping[str, object] | None,
    progress: Progress | None,
) -> Answer:
    """:func:`compare` of scenarios whose uncertainty is ``asked``."""
    from gigawatt.studies.compare.attribution import ORDERS
    from gigawatt.studies.compare.compare import compare as compared
    from gigawatt.studies.compare.document import document
    from gigawatt.studies.compare.figures import waterfall

    found = compared(
        [_set(source, settings or {}) for source in sources], outputs=of, split=split,
        orders=ORDERS if orders is None else orders, seed=seed, asked=asked, progress=progress,
    )  # fmt: skip
    data = found.to_json()
    names = [side["name"] for side in data["scenarios"]]
    divided = data["attribution"] if data["attribution"] and data["attribution"]["groups"] else None

    def side_by_side() -> list[dict[str, Any]]:
        heads = [name if names.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(names)]
        return [
            {"quantity": row["quantity"], "unit": row["unit"], **dict(zip(heads, row["values"], strict=True)),
             "grade": row["grades"][0], "what": row["what"]}
            for row in data["quantities"] if row["matters"]
        ]  # fmt: skip

    def moved() -> list[dict[str, Any]]:
        assert divided is not None
        return [
            {"group": group["name"], "before": group["before"], "after": group["after"],
             **{f"{one['quantity']} [{one['unit']}]": one["parts"][i] for one in divided["quantities"]}}
            for i, group in enumerate(divided["groups"])
        ]  # fmt: skip

    def draw(of: str | None = None) -> Any:
        assert divided is not None
        known = {one["quantity"]: one for one in divided["quantities"]}
        if of is not None and of not in known:
            raise InputError("this difference was not split", given=of, allowed=known)
        return waterfall(known[of or next(iter(known))], divided["groups"], names)

    drawings = {} if divided is None else {"waterfall": draw}
    larger: dict[str, Callable[[], Any]] = {"side_by_side": side_by_side}
    if divided is not None:
        larger["moved"] = moved
    return Answer(STUDY, data, found, drawings, larger, say=partial(document, everything=everything))


def _set(source: str | Path | Study, settings: Mapping[str, object]) -> str | Path | Study:
    """A scenario with other values of some fields; a stored result has its values."""
    if not settings:
        return source
    from gigawatt.chain.study import Study

    if isinstance(source, Study):
        return source.changed(settings)
    if Path(source).is_dir() or Path(source).name == "result.json":
        raise InputError(
            "a stored result has its values", key="settings", given=str(source),
            allowed="with scenario files, which are run",
        )  # fmt: skip
    return Study.read(source).changed(settings)


def compare_results(
    sides: Sequence[tuple[str, str, Result, LoadedScenario]], progress: Progress | None = None
) -> dict[str, Any]:
    """Results side by side, and their differences split: (name, source, result, scenario) of each."""
    from gigawatt.studies.compare.compare import Side, beside

    return beside([Side(*one) for one in sides], progress=progress).to_json()

"""Many scenarios: side by side, and swept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError

if TYPE_CHECKING:
    from gigawatt.chain.study import Study

__all__ = ["compare", "sweep"]

Progress = Callable[[str, float], None]


def compare(
    *sources: str | Path | Study,
    of: Sequence[str] | None = None,
    split: bool = True,
    orders: int | None = None,
    seed: int = 0,
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
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys in docs/compare.md. Tables ``side_by_side`` (values in the unit of the row, a column a scenario)
        and ``moved`` (a row a group, a column a quantity); figure ``waterfall`` (``of=`` a quantity).
    """
    from gigawatt.studies.compare.attribution import ORDERS
    from gigawatt.studies.compare.compare import compare as compared
    from gigawatt.studies.compare.figures import waterfall

    found = compared(
        list(sources), outputs=of, split=split, orders=ORDERS if orders is None else orders, seed=seed,
        progress=progress,
    )  # fmt: skip
    document = found.to_json()
    names = [side["name"] for side in document["scenarios"]]
    divided = (
        document["attribution"] if document["attribution"] and document["attribution"]["groups"] else None
    )

    def side_by_side() -> list[dict[str, Any]]:
        heads = [name if names.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(names)]
        return [
            {"quantity": row["quantity"], "unit": row["unit"], **dict(zip(heads, row["values"], strict=True)),
             "grade": row["grades"][0], "what": row["what"]}
            for row in document["quantities"] if row["matters"]
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

    drawn = {} if divided is None else {"waterfall": draw}
    more: dict[str, Callable[[], Any]] = {"side_by_side": side_by_side}
    return Answer(
        " beside ".join(names), document, found, drawn, more if divided is None else more | {"moved": moved}
    )


def sweep(
    study: str | Path,
    store: str | Path,
    *,
    workers: int = 1,
    resume: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Compute every scenario of a study that its store lacks, as ``gigawatt sweep`` does.

    Parameters
    ----------
    study : path
        A study in YAML (docs/sweep.md).
    store : path
        Folder of the store.
    workers : int
        Processes that compute, ≥ 1.
    resume : bool
        Whether the store has to be there.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        What was done; table ``sweep`` (a row a scenario, units as shown: ``answer["units"]``); figure
        ``sweep`` with ``x=, y=, by=`` columns, without them parallel coordinates.
    """
    from gigawatt.studies.sweep.figures import figure_of
    from gigawatt.studies.sweep.show import ask, drawn_rows, overview
    from gigawatt.studies.sweep.store import SweepStore
    from gigawatt.studies.sweep.sweep import sweep as swept

    done = swept(study, store, workers=workers, resume=resume, progress=progress)
    opened = SweepStore(store)
    units = {name: unit for name, (unit, _) in opened.units().items()}
    about = overview(opened)
    axes = [column.name for column in about.columns if column.axis]
    read = [column.name for column in about.columns if not column.axis and isinstance(column.low, float)]

    def draw(x: str | None = None, y: str | None = None, by: str | None = None) -> Any:
        hue = by or (read[0] if read else axes[0])
        wanted = [x, y, hue] if x is not None and y is not None else [*axes, *read, hue]
        frame = drawn_rows(opened, list(dict.fromkeys(name for name in wanted if name)))
        return figure_of(frame, units, axes=axes, by=hue, x=x, y=y)

    document = {**done.to_json(), "overview": about.to_json(), "units": units}
    rows = partial(ask, opened, "SELECT * FROM sweep ORDER BY key")
    return Answer(f"{done.points:,} scenarios", document, done, {"sweep": draw}, {"sweep": rows})

"""What moves a sweep, against shares that are known by algebra; and the record of a study."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import duckdb
import numpy as np
import pandas as pd
import pytest

from gigawatt.core.errors import InputError
from gigawatt.core.record import FILE, read_record, study_record
from gigawatt.studies.sweep.effects import GROUPS, effects, extremes
from gigawatt.studies.sweep.show import ColumnOverview, Overview
from gigawatt.studies.sweep.store import SweepStore


class Fake:
    """A store of one table."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame.assign(key=[f"{i:04d}" for i in range(len(frame))])
        if "error" not in frame:
            self.frame["error"] = pd.Series([None] * len(frame), dtype=object)

    @contextmanager
    def connect(self) -> Iterator[Any]:
        with duckdb.connect() as connection:
            connection.register("sweep", self.frame)
            yield connection


def about(frame: pd.DataFrame, axes: tuple[str, ...]) -> Overview:
    columns = tuple(
        ColumnOverview(
            name, "1", "", name in axes, frame[name].nunique(), *(frame[name].agg(["min", "median", "max"]))
        )
        if frame[name].dtype.kind == "f"
        else ColumnOverview(
            name, "", "", True, frame[name].nunique(), min(frame[name]), None, max(frame[name])
        )
        for name in map(str, frame.columns)
        if name != "error"
    )
    return Overview(("s",), len(frame), 0, 1, 0.0, (), columns)


def shares(frame: pd.DataFrame, axes: tuple[str, ...]) -> dict[tuple[str, str], float]:
    found = effects(cast(SweepStore, Fake(frame)), about(frame, axes))
    return {(one.axis, one.quantity): one.share for one in found}


def grid() -> pd.DataFrame:
    a, b, c = (one.ravel() for one in np.meshgrid([1.0, 2.0, 3.0], [0.0, 10.0], [5.0, 6.0], indexing="ij"))
    return pd.DataFrame({"a": a, "b": b, "c": c, "y": 2.0 * a + 0.3 * b})


def test_of_a_sum_the_shares_are_those_of_its_terms() -> None:
    """Var(2a) = 4 · 2/3, Var(0.3b) = 0.09 · 25: they add up to the whole, and c has none."""
    found = shares(grid(), ("a", "b", "c"))
    first, second = 4.0 * 2.0 / 3.0, 0.09 * 25.0
    assert found["a", "y"] == pytest.approx(first / (first + second))
    assert found["b", "y"] == pytest.approx(second / (first + second))
    assert found["c", "y"] == pytest.approx(0.0, abs=1e-12)


def test_of_a_product_the_rest_is_what_both_do_together() -> None:
    """y = (a − 2)(b − 5): neither alone moves it."""
    frame = grid().assign(y=lambda one: (one["a"] - 2.0) * (one["b"] - 5.0))
    found = shares(frame, ("a", "b", "c"))
    assert found["a", "y"] == pytest.approx(0.0, abs=1e-12)
    assert found["b", "y"] == pytest.approx(0.0, abs=1e-12)


def test_many_values_are_groups_and_levels_are_in_order() -> None:
    frame = pd.DataFrame({"a": np.linspace(0.0, 1.0, 400)})
    frame["y"] = frame["a"]
    (one,) = effects(cast(SweepStore, Fake(frame)), about(frame, ("a",)))
    assert len(one.levels) == GROUPS
    assert sum(level[3] for level in one.levels) == 400
    assert one.share == pytest.approx(1.0 - 1.0 / GROUPS**2, abs=1e-3)  # a uniform in equal pieces
    assert [level[0] for level in one.levels] == sorted(level[0] for level in one.levels)


def test_what_has_no_answer_or_no_number_is_left_out() -> None:
    frame = grid()
    frame["error"] = pd.Series([None] * 11 + ["no room"], dtype=object)
    frame.loc[11, "y"] = 1e9
    found = effects(cast(SweepStore, Fake(frame)), about(frame, ("a", "b", "c")))
    assert all(sum(level[3] for level in one.levels) == 11 for one in found)
    ends = extremes(cast(SweepStore, Fake(frame)), about(frame, ("a", "b", "c")))
    assert ends[0].most == pytest.approx(9.0)


def test_extremes_name_their_scenarios() -> None:
    frame = grid().assign(site=["north", "south"] * 6)
    (end,) = extremes(cast(SweepStore, Fake(frame)), about(frame, ("a", "b", "c", "site")))
    assert (end.least, end.at_least["a"], end.at_least["b"]) == (2.0, 1.0, 0.0)
    assert (end.most, end.at_most["a"], end.at_most["b"]) == (9.0, 3.0, 10.0)
    assert end.at_least["site"] in ("north", "south")


def test_a_quantity_that_never_moves_has_no_effect() -> None:
    assert shares(grid().assign(y=4.0), ("a", "b", "c")) == {}


def test_a_record_says_what_was_typed_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my file.yaml").write_text("year: 2030\n")
    words = [
        "solve",
        "my file.yaml",
        "--find",
        "year=2026..2032",
        "--other=my file.yaml",
        "--quiet",
        "--json",
    ]
    found = study_record("solve", words)
    assert shlex.split(found["command"]) == ["gigawatt", *words[:-2]]
    assert found["inputs"] == {"my file.yaml": hashlib.sha256(b"year: 2030\n").hexdigest()[:12]}
    assert study_record("outlook", [])["command"] == "gigawatt outlook"
    Path(FILE).write_text(json.dumps(found))
    assert read_record(tmp_path) == found
    Path(FILE).write_text(json.dumps({**found, "inputs": {"a": 1}}))
    with pytest.raises(InputError, match="cannot be read"):
        read_record(tmp_path)
    Path(FILE).unlink()
    assert read_record(tmp_path) is None

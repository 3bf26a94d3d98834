"""A result on disk: it comes back as it was, and what is cut short leaves the old one whole."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import gigawatt.core.store as store
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.result import Quantity, Result
from gigawatt.core.store import as_json, load_result, save_result

ROW = Evidence(
    entity="H100", quantity="price", value=3.0e4, low=2.0e4, high=4.0e4, unit="k$", written="30", year=2023,
    currency_year=2023, grade=Grade.guess, source_id="somebody", locator="page 3", note="per chip, \"list\"",
    where="chips.csv:7",
)  # fmt: skip
TWICE = Evidence(
    entity="H100", quantity="power_limit", value=700.0, low=None, high=None, unit="W", written="700",
    year=None, currency_year=None, grade=Grade.vendor, source_id="maker", locator="", note="",
    where="chips.csv:7",
)  # fmt: skip


def quantity(name: str, value: object, unit: str = "", **given: object) -> Quantity:
    fields = {
        "grade": Grade.guess, "summary": f"what {name} is", "formula": "a × b", "inputs": (),
        "origin": "computed", "where": "", "reason": "", "written": "", "evidence": (),
    }  # fmt: skip
    return Quantity(name=name, value=value, unit=unit, **{**fields, **given})  # type: ignore[arg-type]


def make(tag: float = 1.0) -> Result:
    quantities = [
        quantity("a.time", 12.5 * tag, "days", inputs=("b.price", "c.text"), evidence=(ROW, TWICE)),
        quantity(
            "b.price", 3.0e4, "k$", origin="scenario", where="x.yaml:3", written="30 k$", evidence=(ROW,)
        ),
        quantity("c.text", "arithmetic"),
        quantity("d.none", None),
        quantity("e.count", 7),
        quantity("f.lost", math.inf, "W"),
    ]
    hours = pd.RangeIndex(300, name="hour")
    tables = {
        "hourly": pd.DataFrame({"load [MW]": np.linspace(1.0, 2.0, 300) * tag, "n": range(300)}, index=hours),
        "ledger": pd.DataFrame(
            {"run [M$]": [1.5, tag]}, index=pd.Index(["chips", "été's"], name="component")
        ),
        "flows": pd.DataFrame([{"source": "grid", "target": "served", "power [MW]": tag}]),
        "gaps": pd.DataFrame({"x": [1.0, math.nan]}, index=pd.Index(["u", "v"], name="key")),
    }
    assumed = Assumption("site.cooling", "dry cooler", "nobody said", Grade.modelled, "somebody")
    run = {"scenario_hash": "abc", "seconds": 1.25}
    return Result("A name", {q.name: q for q in quantities}, tables, ("one", "two"), (assumed,), run)


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    result = make()
    back = load_result(save_result(result, tmp_path / "deep" / "folder"))
    assert back.name == result.name
    assert back.notices == result.notices
    assert back.assumptions == result.assumptions
    assert back.run == result.run
    assert list(back.quantities) == list(result.quantities)
    for name, q in result.quantities.items():
        if name != "f.lost":
            assert back.quantity(name) == q, name
            assert back.quantity(name).shown == q.shown
            assert back.quantity(name).label == q.label
    assert back["f.lost"] is None  # JSON has no infinity
    assert set(back.tables) == set(result.tables)
    for name, table in result.tables.items():
        index = table.index.name
        read = back.tables[name] if index is None else back.tables[name].set_index(index)
        pd.testing.assert_frame_equal(
            read, table, check_index_type=False, check_dtype=False, check_column_type=False
        )


def test_a_real_result_comes_back(tmp_path: Path) -> None:
    import gigawatt

    scenario = tmp_path / "small.yaml"
    scenario.write_text(
        "model: llama-3.1-8b\ntraining: {tokens: 1T tokens}\nmachine: {chip: H100-SXM5-80GB, count: 64}\n"
        "site: {name: abilene-texas}\nsupply: {plants: [grid]}\n"
    )
    result = gigawatt.load(scenario).run()
    back = load_result(save_result(result, tmp_path / "out"))
    assert back.quantities == result.quantities
    assert back.assumptions == result.assumptions
    assert back.notices == result.notices
    assert as_json(back)["quantities"] == as_json(result)["quantities"]
    for name, table in result.tables.items():
        read = back.tables[name]
        for column in table.select_dtypes("number"):
            np.testing.assert_array_equal(read[column].to_numpy(float), table[column].to_numpy(float))


def test_a_result_is_read_by_its_file_too(tmp_path: Path) -> None:
    folder = save_result(make(), tmp_path / "r")
    assert load_result(folder / "result.json").name == "A name"


def test_json_is_strict_and_says_nothing_that_is_no_number(tmp_path: Path) -> None:
    folder = save_result(make(), tmp_path / "r")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    for name in ("result.json", "trace.json", "run.json"):
        json.loads((folder / name).read_text(encoding="utf-8"), parse_constant=refuse)
    answer = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert answer["quantities"]["f.lost"]["value"] is None
    assert answer["tables"]["gaps"][1]["x"] is None
    assert "hourly" not in answer["tables"]  # 300 rows are for Parquet


def test_duckdb_reads_the_tables(tmp_path: Path) -> None:
    folder = save_result(make(), tmp_path / "it's a folder")
    with duckdb.connect() as connection:
        file = str(folder / "hourly.parquet")
        hours, mean = connection.execute(
            'SELECT count(*), avg("load [MW]") FROM read_parquet(?)', [file]
        ).fetchone()
        assert (hours, mean) == (300, pytest.approx(1.5))
        found = connection.execute(
            "SELECT * FROM read_parquet(?)", [str(folder / "ledger.parquet")]
        ).fetchall()
        assert found == [("chips", 1.5), ("été's", 1.0)]


def test_an_older_result_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    folder = save_result(make(1.0), tmp_path / "r")
    (folder / "mine.txt").write_text("keep")
    save_result(make(2.0), folder, extra={"report.html": "<p>new</p>"})
    assert load_result(folder)["a.time"] == 25.0
    assert (folder / "mine.txt").read_text() == "keep"
    assert (folder / "report.html").read_text() == "<p>new</p>"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full"), MemoryError])
def test_a_write_cut_short_leaves_the_old_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    folder = save_result(make(1.0), tmp_path / "r")
    before = files(folder)
    done: list[str] = []
    write = store.write_parquet

    def cut(table: pd.DataFrame, file: Path, connection: Any) -> None:
        if done:
            raise error
        done.append(file.name)
        write(table, file, connection)

    monkeypatch.setattr(store, "write_parquet", cut)
    with pytest.raises((KeyboardInterrupt, OSError, MemoryError, InputError)):
        save_result(make(2.0), folder)
    assert done
    assert files(folder) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["r"]
    with pytest.raises((KeyboardInterrupt, OSError, MemoryError, InputError)):
        save_result(make(2.0), tmp_path / "fresh")
    assert [entry.name for entry in tmp_path.iterdir()] == ["r"]


def test_cut_between_two_files_every_file_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save_result(make(1.0), tmp_path / "r")
    old, moved, move = files(folder), [], os.replace
    new = files(save_result(make(2.0), tmp_path / "new"))

    def cut(source: Path, target: Path) -> None:
        if len(moved) == 3:
            raise KeyboardInterrupt
        moved.append(Path(target).name)
        move(source, target)

    monkeypatch.setattr(store.os, "replace", cut)
    monkeypatch.setattr(
        store, "exchanged", lambda made, target: False
    )  # as where folders cannot change places
    with pytest.raises(KeyboardInterrupt):
        save_result(make(2.0), folder)
    for name, content in files(folder).items():
        assert content == (new if name in moved else old)[name], name
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["new", "r"]


KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from typing import Any
import gigawatt.core.store as store
from test_result_store import make

write = store.write_parquet

def slow(table, file, connection):
    write(table, file, connection)
    print("writing", flush=True)
    time.sleep(60)

store.write_parquet = slow
store.save_result(make(2.0), Path({folder!r}))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_process_leaves_the_old_result(tmp_path: Path, number: signal.Signals) -> None:
    folder = save_result(make(1.0), tmp_path / "r")
    before = files(folder)
    code = KILLED.format(tests=str(Path(__file__).parent), folder=str(folder))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "writing"
        process.send_signal(number)
        process.wait(timeout=20)
    assert process.returncode != 0
    assert files(folder) == before
    assert load_result(folder)["a.time"] == 12.5
    left = [entry.name for entry in tmp_path.iterdir() if entry.name != "r"]
    if number == signal.SIGINT:
        assert left == []
    else:  # nobody can clean up after SIGKILL: what is left is hidden and beside the result, not in it
        assert all(name.startswith(".r-") for name in left)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(InputError, match=r"the output folder is a file; given '.*taken'; allowed: a folder"):
        save_result(make(), tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
    with pytest.raises(InputError, match="cannot write here"):
        save_result(make(), tmp_path / "taken" / "below")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_nobody_may_write(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(InputError, match="cannot write here: Permission denied"):
        save_result(make(), tmp_path / "closed" / "r")


def test_a_folder_that_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store.tempfile, "mkdtemp", refuse)
    with pytest.raises(InputError, match=r"cannot write here: Permission denied; given '.*r'"):
        save_result(make(), tmp_path / "r")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("trace.json", "{", "cannot be read"),
        ("trace.json", "{}", "cannot be read"),
        ("result.json", "[]", "cannot be read"),
        ("result.json", '{"name": "x"}', "cannot be read"),
        ("hourly.parquet", "not parquet", "cannot be read"),
    ],
)
def test_a_spoilt_result_is_one_line(tmp_path: Path, file: str, text: str, says: str) -> None:
    folder = save_result(make(), tmp_path / "r")
    (folder / file).write_text(text)
    with pytest.raises(InputError, match=says):
        load_result(folder)


def test_no_result_here(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no result here; given '.*nothing'; allowed: a folder that"):
        load_result(tmp_path / "nothing")


def test_code_formula_and_method_come_back(tmp_path: Path) -> None:
    told = quantity(
        "a.half", 6.0, code="gigawatt/study/x.py:3", method="searched", expression="a.whole / TWO",
        terms={"TWO": 2.0},
    )  # fmt: skip
    result = dataclasses.replace(make(), quantities={**make().quantities, "a.half": told})
    save_result(result, tmp_path / "out")
    assert load_result(tmp_path / "out").quantity("a.half") == told
    stored = json.loads((tmp_path / "out" / "result.json").read_text())["quantities"]["a.half"]
    assert stored["code"] == "gigawatt/study/x.py:3"


def test_a_result_of_version_0_1_still_opens(tmp_path: Path) -> None:
    """Without what later versions store of a quantity."""
    save_result(make(), tmp_path / "out")
    file = tmp_path / "out" / "trace.json"
    trace = json.loads(file.read_text())
    for stored in trace["quantities"].values():
        for key in ("code", "method", "expression", "terms"):
            del stored[key]
    (tmp_path / "out" / "run.json").unlink()
    file.write_text(json.dumps(trace))
    opened = load_result(tmp_path / "out").quantity("a.time")
    assert (opened.code, opened.method, opened.expression, dict(opened.terms)) == ("", "", "", {})
    assert opened.value == make().quantity("a.time").value


@pytest.mark.parametrize(("key", "value"), [("expression", "a +"), ("terms", {"a": "b"}), ("code", 3)])
def test_a_formula_that_is_none_is_refused(tmp_path: Path, key: str, value: object) -> None:
    save_result(make(), tmp_path / "out")
    file = tmp_path / "out" / "trace.json"
    trace = json.loads(file.read_text())
    trace["quantities"]["a.time"][key] = value
    (tmp_path / "out" / "run.json").unlink()
    file.write_text(json.dumps(trace))
    with pytest.raises(InputError, match="this result cannot be read"):
        load_result(tmp_path / "out")

"""The store of a sweep: every key once, units as told, and one line for whatever it cannot be.

Oracles: a Python set for the keys, SQL over rows that were made up here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.studies.sweep.claims import Claims
from gigawatt.studies.sweep.evaluate import Row
from gigawatt.studies.sweep.points import Points
from gigawatt.studies.sweep.show import ask, drawn_rows, overview, write_csv
from gigawatt.studies.sweep.store import FORMAT, Done, SweepStore
from gigawatt.studies.sweep.study import SweepStudy, read_study

EXAMPLE = Path(__file__).parents[2] / "examples/sweep-texas.yaml"
KEYS = st.lists(st.integers(0, 2**128 - 1).map(lambda n: f"{n:032x}"), max_size=40)


@pytest.fixture(scope="module")
def study() -> SweepStudy:
    return read_study(EXAMPLE)


def made(study: SweepStudy, numbers: range, *, fail: int = -1) -> list[Row]:
    """Rows that nobody computed: duration is a million seconds times the number of the point."""
    points = Points(study, study.groups)
    return [
        Row(
            f"{number:032x}", points[number].axes,
            {} if number == fail else {"training.duration": 1e6 * number, "training.binding": "arithmetic"},
            0.5, "it fits nowhere" if number == fail else "",
        )
        for number in numbers
    ]  # fmt: skip


@settings(max_examples=30, derandomize=True, deadline=None)
@given(first=KEYS, second=KEYS, asked=KEYS)
def test_known_keys_are_a_set(first: list[str], second: list[str], asked: list[str]) -> None:
    import numpy as np

    done, known = Done(), set(first) | set(second)
    done.add(first)
    halves = [np.array([int(k[s], 16) for k in second], np.uint64) for s in (slice(16), slice(16, 32))]
    done.add_halves(*halves)
    for key in [*asked, *known, "f" * 32, "0" * 31 + "1"]:
        assert (key in done) == (key in known)
    assert len(done) == len(known)
    assert all(key in done for key in known)


def test_equal_upper_halves_are_told_apart() -> None:
    done = Done()
    done.add(["a" * 16 + "0" * 15 + n for n in "13"])
    assert len(done) == 2
    assert ["a" * 16 + "0" * 15 + n in done for n in "123"] == [True, False, True]


def test_rows_come_back_in_si_and_as_shown(study: SweepStudy, tmp_path: Path) -> None:
    store = SweepStore(tmp_path / "store", create=True)
    store.add_study(study)
    store.write(study, made(study, range(108), fail=7), "some")
    si, shown = (ask(store, f"SELECT * FROM {view} ORDER BY key") for view in ("si", "sweep"))
    assert len(si) == len(shown) == 108
    assert si["training.duration"][5] == 5e6
    assert shown["training.duration"][5] == pytest.approx(5e6 / 86400.0)
    assert shown["economics.chip_price"].max() == pytest.approx(30.0)
    assert si["economics.chip_price"].max() == 30e3
    assert si["training.mfu"].isna().all()
    assert ask(store, "SELECT error FROM sweep WHERE error IS NOT NULL")["error"].tolist() == [
        "it fits nowhere"
    ]
    about = overview(store)
    assert (about.rows, about.refused, about.catalogs, about.seconds) == (108, 1, 1, 54.0)
    columns = {column.name: column for column in about.columns}
    assert columns["machine.count"].values == 4
    assert columns["machine.count"].axis
    assert columns["training.binding"].middle == "arithmetic"
    assert len(drawn_rows(store, ["machine.count", "training.duration"])) == 107
    with pytest.raises(InputError, match=r"did you mean 'training\.duration'"):
        drawn_rows(store, ["training.duratoin"])


def test_rows_written_twice_are_one_and_packing_loses_none(study: SweepStudy, tmp_path: Path) -> None:
    store = SweepStore(tmp_path / "store", create=True)
    store.add_study(study)
    for start in range(0, 100, 10):
        store.write(study, made(study, range(start, start + 10)), "some")
    other = SweepStore(tmp_path / "store", create=True)
    other.write(study, made(study, range(95, 108)), "some")
    other.write(study, made(study, range(95, 108)), "another")  # of another catalog: rows of their own
    assert len(store.files()) == 12
    count = 'SELECT count(*) AS n, sum("training.duration") AS d, count(DISTINCT key) AS k FROM si'
    before = ask(store, count).iloc[0].tolist()
    assert before == [108 + 13, pytest.approx(1e6 * (sum(range(108)) + sum(range(95, 108)))), 108]
    store.pack()
    assert len(store.files()) == 3  # what another wrote is left alone
    assert ask(store, count).iloc[0].tolist() == before
    done = Done()
    SweepStore(tmp_path / "store").refresh(done, study.read, "some")
    assert len(done) == 108
    wanting = Done()
    SweepStore(tmp_path / "store").refresh(wanting, ["training.relief"], "some")
    assert len(wanting) == 0


def test_what_it_cannot_be_is_one_line(study: SweepStudy, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no store of a sweep here"):
        SweepStore(tmp_path / "store")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"no store of a sweep here; .* or a new one"):
        SweepStore(tmp_path / "full", create=True)
    with pytest.raises(InputError, match="the output folder is a file"):
        SweepStore(tmp_path / "full" / "mine.txt", create=True)
    head = SweepStore(tmp_path / "store", create=True).folder / "store.json"
    head.write_text(json.dumps({"format": FORMAT + 1, "gigawatt": "9.1"}))
    for create in (False, True):
        with pytest.raises(
            InputError, match=f"newer version; given 'format {FORMAT + 1} of gigawatt 9.1'"
        ) as caught:
            SweepStore(tmp_path / "store", create=create)
        assert (caught.value.file, str(caught.value).count("\n")) == (head, 0)
    head.write_text("{")
    with pytest.raises(InputError, match="this is no store of a sweep"):
        SweepStore(tmp_path / "store")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder that nobody may write")
def test_a_folder_that_cannot_be_written_is_one_line() -> None:
    with pytest.raises(InputError, match="cannot write here") as caught:
        SweepStore("/proc/self/store", create=True)
    assert "\n" not in str(caught.value)


def test_a_broken_part_names_the_store(study: SweepStudy, tmp_path: Path) -> None:
    store = SweepStore(tmp_path / "store", create=True)
    store.add_study(study)
    store.write(study, made(study, range(3)), "some")
    store.files()[0].write_bytes(b"PAR1 but not really")
    with pytest.raises(InputError, match="this store cannot be read") as caught:
        overview(SweepStore(tmp_path / "store"))
    assert caught.value.file == tmp_path / "store"
    with pytest.raises(InputError, match="this store cannot be read"):
        SweepStore(tmp_path / "store").refresh(Done(), study.read, "some")


def test_what_no_rename_finished_is_not_there(study: SweepStudy, tmp_path: Path) -> None:
    store = SweepStore(tmp_path / "store", create=True)
    store.add_study(study)
    store.write(study, made(study, range(3)), "some")
    half = store.files()[0].with_name(f".part-{study.hash}-half.parquet")
    half.write_bytes(store.files()[0].read_bytes()[:100])
    assert len(ask(SweepStore(tmp_path / "store", create=True), "SELECT * FROM sweep")) == 3
    assert half.exists()  # another process may be writing it


def test_a_csv_is_written_whole(study: SweepStudy, tmp_path: Path) -> None:
    store = SweepStore(tmp_path / "store", create=True)
    store.add_study(study)
    store.write(study, made(study, range(108)), "some")
    query = 'SELECT "machine.count", avg("training.duration") AS d FROM sweep GROUP BY 1 ORDER BY 1'
    assert write_csv(store, query, tmp_path / "out.csv") == 4
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "machine.count,d"
    assert lines[1].startswith("8192.0,")
    with pytest.raises(InputError, match="--csv: cannot write here"):
        write_csv(store, query, tmp_path / "nowhere" / "out.csv")
    with pytest.raises(InputError, match="--sql: this query has no answer"):
        write_csv(store, "SELEC 1", tmp_path / "other.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "store"]


def test_a_claim_is_one_process_s(tmp_path: Path) -> None:
    mine, other = Claims(tmp_path / "claims"), Claims(tmp_path / "claims")
    assert [mine.take("a"), other.take("a"), other.take("b"), mine.take("b")] == [True, False, True, False]
    mine.give("a")
    assert other.take("a")
    other.give_all()
    assert mine.take("b")
    mine.give_all()
    mine.give("never taken")
    assert not list((tmp_path / "claims").iterdir())

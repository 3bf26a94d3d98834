"""Sweeps as they run: what is known is not computed again, whatever ends, dies, fills up or runs beside it.

Oracles: ``Study.run`` of the same scenarios for the numbers; the store of a sweep that nothing disturbed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gigawatt import catalog
from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.memo import Remembered
from gigawatt.chain.study import Study
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.sweep import sweep as module
from gigawatt.studies.sweep.evaluate import Task
from gigawatt.studies.sweep.points import Point, Points
from gigawatt.studies.sweep.pools import Here, Processes
from gigawatt.studies.sweep.show import ask
from gigawatt.studies.sweep.store import SweepStore
from gigawatt.studies.sweep.study import read_study
from gigawatt.studies.sweep.sweep import Swept, sweep

TEXAS = Path(__file__).parents[2] / "examples/llama-3.1-405b-texas.yaml"
READ = ("training.duration", "training.binding", "supply.electricity_cost", "ledger.cost_per_mtoken")
TEXT = f"""
base: {TEXAS}
set: {{supply.plants: [grid], layout.tensor: 8, layout.pipeline: 16, layout.context: 1, layout.zero: 1}}
over:
  machine.count: [8192, 16384]
  training.tokens: {{from: 1T tokens, to: 9T tokens, steps: 6}}
  economics.chip_price: {{from: 20 k$, to: 30 k$, steps: 5}}
read: [{", ".join(READ)}]
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
PINS = ", layout.tensor: 8, layout.pipeline: 16, layout.context: 1, layout.zero: 1"
SMALL = "training.tokens: {from: 1T tokens, to: 9T tokens, steps: 6}", "training.tokens: [1T tokens]"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "study.yaml"
    made.write_text(TEXT, encoding="utf-8")
    return made


def rows(store: Path, sql: str = "SELECT * FROM sweep ORDER BY key") -> pd.DataFrame:
    return ask(SweepStore(store), sql)


def raw_rows(store: Path) -> int:
    """Rows of all parts, twice where something was computed twice."""
    import duckdb

    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*) FROM '{store}/parts/part-*.parquet'").fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "study.yaml").write_text(TEXT, encoding="utf-8")
    done = sweep(folder / "study.yaml", folder / "store")
    assert (done.points, done.computed, done.known, done.refused, done.faults) == (60, 60, 0, 0, [])
    return rows(folder / "store")


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal but for seconds, study and order of columns; kept optima leave the last digits of a plan open."""
    assert list(found["key"]) == list(expected["key"])
    assert not found["error"].notna().any()
    for name in expected.columns:
        if name in ("seconds", "study"):
            continue
        if expected[name].dtype.kind == "f":
            assert found[name].to_numpy() == pytest.approx(expected[name].to_numpy(), rel=1e-6), name
        else:
            assert list(found[name].astype(str)) == list(expected[name].astype(str)), name


def script(body: str, *arguments: object) -> subprocess.Popen[str]:
    """Python in a process of its own, which writes parts at once."""
    head = "import sys\nfrom gigawatt.studies.sweep import sweep as module\nmodule._EVERY = 0.05\n"
    inside = textwrap.indent(textwrap.dedent(body), "    ")
    code = f"{head}if __name__ == '__main__':\n{inside}"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], text=True, env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


RUN = """
import json
done = module.sweep(sys.argv[1], sys.argv[2], workers=int(sys.argv[3]))
print(json.dumps(done.to_json()))
"""


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_numbers_are_those_of_a_single_run(undisturbed: pd.DataFrame, file: Path) -> None:
    study = read_study(file)
    points = Points.of(study)
    for number in (0, 31, 59):
        result = Study(scenario_with(study.base, points[number].changes)).run()
        row = undisturbed[undisturbed["key"] == points.key(number)].iloc[0]
        for name in READ:
            quantity = result.quantities[name]
            if isinstance(quantity.value, str):
                assert row[name] == quantity.value
            else:
                assert row[name] == pytest.approx(quantity.value / factor(quantity.unit), rel=1e-6)
    assert set(undisturbed["machine.count"]) == {8192.0, 16384.0}
    assert undisturbed["training.tokens"].max() == pytest.approx(9.0)  # in T tokens, as written
    assert set(undisturbed["catalog"]) == {catalog.version()}


def test_nothing_known_is_computed_again(
    undisturbed: pd.DataFrame, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    file.write_text(TEXT.replace(*SMALL), encoding="utf-8")
    first = sweep(file, store)
    assert (first.points, first.computed) == (10, 10)
    assert (sweep(file, store).computed, raw_rows(store)) == (0, 10)
    file.write_text(f"# other words, the same points\n{TEXT}".replace(*SMALL), encoding="utf-8")
    assert sweep(file, store, resume=True).computed == 0
    file.write_text(TEXT.replace(SMALL[0], "training.tokens: [1000G tokens, 9T tokens]"), encoding="utf-8")
    more = sweep(file, store)
    assert (more.known, more.computed) == (10, 10)  # 1000 G is 1 T
    file.write_text(TEXT.replace(*SMALL).replace("read: [", "read: [training.mfu, "), encoding="utf-8")
    assert sweep(file, store).computed == 10  # another quantity is asked for
    assert len(rows(store)) == 20  # and stands in the same rows
    assert int(rows(store)["training.mfu"].notna().sum()) == 10
    monkeypatch.setattr(catalog, "version", lambda: "another")
    assert sweep(file, store).computed == 10
    assert len(rows(store)) == 30


def test_a_scenario_without_an_answer_is_kept_as_such(file: Path, tmp_path: Path) -> None:
    file.write_text(
        TEXT.replace(*SMALL)
        .replace("[8192, 16384]", "[64, 8192]")
        .replace("steps: 5", "steps: 2")
        .replace(PINS, ""),
        encoding="utf-8",
    )
    done = sweep(file, tmp_path / "store")
    assert (done.computed, done.refused) == (4, 2)
    found = rows(tmp_path / "store", 'SELECT * FROM sweep ORDER BY "machine.count"')
    assert found["error"].isna().tolist() == [False, False, True, True]
    told = r"llama-3\.1-405b-texas\.yaml:12: machine\.count: .* fits in none of"
    assert found["error"].str.contains(told).tolist()[:2] == [True, True]
    assert found["training.duration"].isna().tolist() == [True, True, False, False]
    assert sweep(file, tmp_path / "store").computed == 0


def test_a_fault_of_the_program_is_kept_nowhere(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(TEXT.replace(*SMALL), encoding="utf-8")
    points = Points.of(read_study(file))
    remembered = Remembered()
    whole, bad = remembered.memo.evaluate, points[3].changes["economics.chip_price"]

    def evaluate(graph: object, leaves: dict, **more: object) -> object:  # type: ignore[type-arg]
        if leaves["machine.chip"].value.price == float(str(bad).split()[0]) * 1e3:
            raise ZeroDivisionError("a slip")
        return whole(graph, leaves, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(remembered.memo, "evaluate", evaluate)
    done = sweep(file, tmp_path / "store", pool=Here(remembered))
    assert (done.computed, len(done.faults)) == (8, 2)
    assert "ZeroDivisionError: a slip at" in done.faults[0]
    assert sweep(file, tmp_path / "store").computed == 2


def test_rows_of_the_catalog_are_varied_and_put_back(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        f"base: {TEXAS}\nset: {{supply.plants: [grid]}}\nread: [machine.power_it, ledger.annual_cost]\n"
        "over:\n  catalog.chips.H100-SXM5-80GB.idle_power: [60 W, 90 W]\n"
        "  economics.chip_life: [4 years, 5 years]\n",
        encoding="utf-8",
    )

    def power() -> float:
        leaves = fill_leaves(read_scenario(TEXAS))[0]
        return (
            graph_of_branch("training")
            .evaluate(leaves, targets=["machine.power_it"])["machine.power_it"]
            .value
        )

    before = power()
    sweep(file, tmp_path / "store")
    found = rows(tmp_path / "store", "SELECT * FROM si")
    key = ("chips", "H100-SXM5-80GB", "idle_power")
    for watts in (60.0, 90.0):
        with catalog.varied({key: watts}):
            expected = power()
        chosen = found[found["catalog.chips.H100-SXM5-80GB.idle_power"] == watts]
        assert chosen["machine.power_it"].tolist() == pytest.approx([expected] * 2, rel=1e-9)
    assert power() == before


@pytest.mark.apart
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_it_goes_on_after_kill_nine(undisturbed: pd.DataFrame, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    running = script(RUN, file, store, 2)
    until(lambda: len(list((store / "parts").glob("part-*"))) >= 1 if store.is_dir() else False)
    children = _children(running.pid)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    kept = raw_rows(store)
    assert 0 < kept < 60
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))  # nothing goes on without it
    done = sweep(file, store, resume=True)
    assert (done.known, done.computed) == (kept, 60 - kept)
    assert raw_rows(store) == 60
    same(rows(store), undisturbed)
    assert not list((store / "claims").iterdir())


def _children(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(one) for one in found]


def test_two_processes_fill_one_store(undisturbed: pd.DataFrame, file: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    both = [script(RUN, file, store, 1) for _ in range(2)]
    told = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], told
    done = [json.loads(out) for out, _ in told]
    assert sum(one["computed"] for one in done) == 60  # nothing twice
    assert all(one["known"] + one["computed"] == 60 for one in done)
    assert raw_rows(store) == 60
    same(rows(store), undisturbed)


def test_a_worker_that_dies_is_replaced(undisturbed: pd.DataFrame, file: Path, tmp_path: Path) -> None:
    pool, store = Processes(1), tmp_path / "store"
    killed: list[int] = []

    def kill_one(text: str, share: float) -> None:
        if share > 0.1 and not killed:
            killed.append(next(iter(pool._pools[0]._processes)))  # type: ignore[arg-type]
            os.kill(killed[0], signal.SIGKILL)

    try:
        done = sweep(file, store, pool=pool, progress=kill_one)
    finally:
        pool.close()
    assert killed
    assert done.computed == raw_rows(store) == 60
    same(rows(store), undisturbed)


def test_a_worker_that_died_idle_is_replaced() -> None:
    """Between two tasks too: the executor then refuses the next task at once."""
    pool = Processes(1)
    try:
        pool._pools[0].submit(os.getpid).result()
        os.kill(next(iter(pool._pools[0]._processes)), signal.SIGKILL)  # type: ignore[arg-type]
        with pytest.raises(BrokenProcessPool):
            pool._pools[0].submit(time.sleep, 60).result()  # from now on it knows
        pool.give(0, Task(read_scenario(TEXAS), ("scenario.year",), ("one",), (Point({}, {}, {}),)))
        found: list[object] = []
        while not found:
            found = list(pool.take(1.0))
        assert len(found) == 1
    finally:
        pool.close()


DASK = """
import json, os, signal
from distributed import LocalCluster
killed = []
with LocalCluster(n_workers=2, threads_per_worker=1, host="localhost", dashboard_address=None) as cluster:
    def kill_one(text, share):
        if share > 0.1 and not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)
    done = module.sweep(sys.argv[1], sys.argv[2], scheduler=cluster.scheduler_address, progress=kill_one)
print(json.dumps({**done.to_json(), "killed": len(killed)}))
"""


@pytest.mark.apart
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_dask_workers_compute_and_one_that_is_killed_loses_nothing(
    undisturbed: pd.DataFrame, file: Path, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    running = script(DASK, file, tmp_path / "store")
    out, told = running.communicate(timeout=180)
    assert running.returncode == 0, told[-2000:]
    done = json.loads(out.strip().splitlines()[-1])
    assert (done["killed"], done["computed"], done["known"]) == (1, 60, 0)
    assert raw_rows(tmp_path / "store") == 60
    same(rows(tmp_path / "store"), undisturbed)


def test_a_scheduler_that_is_not_there(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("gigawatt.studies.sweep.pools._ANSWERS_WITHIN", 0.5)
    with pytest.raises(
        InputError, match=r"does not answer within 0\.5 s; given 'tcp://localhost:9'"
    ) as caught:
        sweep(file, tmp_path / "store", scheduler="tcp://localhost:9")
    assert caught.value.key == "--scheduler"
    assert "\n" not in str(caught.value)


def test_no_room_is_one_line_and_what_was_written_is_kept(
    undisturbed: pd.DataFrame, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(module, "_EVERY", 0.0)
    store, write = tmp_path / "store", SweepStore.write
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def write_little(self: SweepStore, *asked: Any) -> None:
        """The system itself refuses to write more than 200 bytes of a file from the second part on."""
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        if len(self.files()) > 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
        try:
            write(self, *asked)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)

    monkeypatch.setattr(SweepStore, "write", write_little)
    with pytest.raises(InputError, match="cannot write here: ") as caught:
        sweep(file, store)
    assert "\n" not in str(caught.value)
    assert not [one for one in (store / "parts").iterdir() if one.name.startswith(".")]
    assert raw_rows(store) == 20
    monkeypatch.undo()
    done = sweep(file, store)
    assert (done.known, done.computed) == (20, 40)
    same(rows(store), undisturbed)


def test_interrupted_it_keeps_what_it_has(file: Path, tmp_path: Path) -> None:
    def stop(text: str, share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(file, tmp_path / "store", progress=stop)
    kept = raw_rows(tmp_path / "store")
    assert 18 <= kept < 60
    assert not list((tmp_path / "store" / "claims").iterdir())


def test_progress_counts_up_and_tells_the_time_left(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, float]] = []
    done: Swept = sweep(file, tmp_path / "store", progress=lambda text, share: told.append((text, share)))
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[0] == ("0 of 60 scenarios", 0.0)
    assert told[-1][1] == 1.0
    assert all(" left" in text for text, _ in told[1:])
    assert done.seconds > 0.0
    assert [module._words(t) for t in (3.2, 600.0, 9000.0)] == ["3 s", "10 min", "2.5 h"]

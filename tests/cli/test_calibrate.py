"""``gigawatt calibrate`` on this machine's CPU: really measured, and its chip computes a scenario."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import gigawatt
from gigawatt.catalog import loader
from gigawatt.core.answer import Answer
from gigawatt.faces.terminal import main
from gigawatt.studies.calibrate import STUDY

Call = Callable[..., tuple[int, str, str]]
SECONDS = "3"


@pytest.fixture(autouse=True)
def _no_catalog_is_left() -> Iterator[None]:
    yield
    loader._chosen.clear()
    loader.forget()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """``call("calibrate", …)`` → exit code, standard output, standard error."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user catalog with ``MY-CPU``, measured with numpy in its own process."""
    made = tmp_path_factory.mktemp("catalog")
    done = shell(
        "calibrate", "--backend", "numpy", "--seconds", SECONDS, "--name", "MY-CPU", "--json", folder=made
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (made / "answer.json").write_text(done.stdout)
    return made


def shell(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from gigawatt.faces.terminal import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120,
        env=os.environ | {"GIGAWATT_CATALOG": str(folder), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_what_it_answers(folder: Path) -> None:
    answer = json.loads((folder / "answer.json").read_text())
    assert (answer["name"], answer["partial"], answer["device"]["kind"]) == ("MY-CPU", False, "CPU")
    assert answer["rows"] >= 15
    judged = {score["kind"]: score for score in answer["scores"] if score["judged"]}
    assert judged["gemm"]["shapes"] >= 2
    assert judged["gemm"]["median"] < 1.0  # a shared machine is noisy; a broken unit is off by thousands
    assert 1e9 < answer["numbers"]["peak_fp32"]["value"] * 1e12 < 1e14
    assert answer["numbers"]["price"]["grade"] == "guess"
    assert any("bf16 is left out" in notice for notice in answer["notices"])


def test_the_measured_table(folder: Path) -> None:
    with (folder / "measured" / "MY-CPU.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {"gemm", "context_attention", "memory_copy"} <= {row["op_name"] for row in rows}
    assert {row["partial"] for row in rows} == {"0"}
    assert all(float(row["latency_ms"]) > 0.0 for row in rows)


def test_the_chip_is_shown_with_its_source(call: Call, folder: Path) -> None:
    loader.use_user_catalog(folder)
    code, out, err = call("catalog", "show", "chips", "MY-CPU")
    assert (code, err) == (0, "")
    assert re.search(r"^calibrate-MY-CPU +gigawatt calibrate on ", out, re.M)
    assert "numpy" in out
    code, out, _ = call("catalog", "list", "chips", "--json")
    assert "MY-CPU" in {row["id"] for row in json.loads(out)}


def test_a_step_is_predicted_on_it(folder: Path) -> None:
    """Of a small model; no quicker than its FLOPs at the best rate measured, not a hundred times slower."""
    from gigawatt.machine.load import build_cluster
    from gigawatt.performance import TrainingRun, load_stack, search
    from gigawatt.workload.model_flops import model_flops_per_token
    from gigawatt.workload.reader import read_architecture

    loader.use_user_catalog(folder)
    cluster, assumed = build_cluster(chip="MY-CPU", count=1)
    model = read_architecture("gpt2")
    run = TrainingRun(architecture=model, tokens=1e6, sequence=1024, global_batch=1, number_format="fp32")
    found = search(run, cluster, load_stack("megatron-core", 2024))
    least = model_flops_per_token(model, 1024.0) * 1024 / cluster.chip.peak["fp32"]
    step = float(found.best.step_time[0])
    assert least <= step < 100.0 * least
    assert any(entry.key == "cluster.node" for entry in assumed)


def test_the_plan_alone(call: Call, tmp_path: Path) -> None:
    words = ("calibrate", "--backend", "numpy", "--seconds", "2", "--catalog", tmp_path / "c", "--dry-run")
    code, out, err = call(*words, "--json")
    assert (code, err) == (0, "")
    plan = json.loads(out)
    assert {shape["operation"] for shape in plan["shapes"]} >= {"gemm", "context_attention", "memory_copy"}
    code, out, err = call(*words)
    assert (code, err) == (0, "")
    assert "would write" in out
    assert [*tmp_path.iterdir()] == []


def test_python_answers_what_the_command_does(call: Call, folder: Path, tmp_path: Path) -> None:
    """The plan again (its rates are measured, so that they differ), and the stored form of a measurement."""
    words = {"backend": "numpy", "seconds": 2, "catalog": tmp_path / "c", "dry_run": True}
    out = call("calibrate", "--backend", "numpy", "--seconds", "2", "--catalog", tmp_path / "c", "--dry-run",
               "--json")[1]  # fmt: skip
    plan, told = gigawatt.calibrate(**words), json.loads(out)
    assert list(plan) == list(told)
    for key in ("name", "device", "backend", "budget_s", "notices", "table", "catalog"):
        assert plan[key] == told[key]
    assert [*tmp_path.iterdir()] == []
    data = json.loads((folder / "answer.json").read_text())
    Answer(STUDY, data).save(tmp_path / "report")
    text = gigawatt.report(tmp_path / "report", "md")
    assert f"MY-CPU: {data['rows']} shapes on" in text
    assert "| price | " in text


def test_help_has_an_example(call: Call) -> None:
    code, out, err = call("calibrate", "--help")
    assert (code, err) == (0, "")
    assert "Example: gigawatt calibrate" in out
    assert len(out.splitlines()) <= 40


BAD = [
    (("--backend", "jax"), r"--backend: no such backend; given 'jax'; allowed: torch, numpy"),
    (("--backend", "numpy", "--device", "cuda"), r"--device: numpy has the CPU alone; given 'cuda'"),
    (("--backend", "numpy", "--seconds", "0"), r"--seconds: too little time; given 0.0; allowed: 2 or more"),
    (("--backend", "numpy", "--formats", "bf16"), r"runs none of .* formats; given 'bf16'; allowed: fp32"),
    (("--backend", "numpy", "--name", "A100"), r"--name: the catalog has a chip of this name"),
    (("--backend", "numpy", "--like", "A1000"), r"no such entry in the catalog's chips; given 'A1000'"),
    (("--backend", "numpy", "--table", "x.txt"), r"--table: unknown kind of table; given 'x.txt'"),
    (("--backend", "numpy", "--output", "x.csv"), r"--output: .* given 'x.csv'; allowed: --table x.csv"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says"), BAD)
def test_bad_input_is_one_line(call: Call, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    import re

    code, out, err = call("calibrate", "--catalog", tmp_path / "c", *words)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert re.search(says, err), err
    assert [*tmp_path.iterdir()] == []


def test_no_catalog_to_write_to(call: Call) -> None:
    code, out, err = call("calibrate", "--backend", "numpy")  # the suite says that there is none
    assert (code, out) == (2, "")
    assert "--catalog: " in err or "GIGAWATT_CATALOG" in err
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_one_line_says_how_to_get_it(call: Call, tmp_path: Path) -> None:
    code, out, err = call("calibrate", "--catalog", tmp_path / "c")
    assert (code, out) == (2, "")
    assert "this needs torch, which is not installed; allowed: pip install 'gigawatt[calibrate]'" in err
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_leaves_a_marked_table(tmp_path: Path) -> None:
    code = "from gigawatt.faces.terminal import main; main()"
    words = [
        "calibrate",
        "--backend",
        "numpy",
        "--seconds",
        "60",
        "--name",
        "X",
        "--catalog",
        str(tmp_path / "c"),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    while not (tmp_path / "c" / "measured").is_dir() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "rows so far, marked partial: " in err
    with (tmp_path / "c" / "measured" / "X.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    assert {row["partial"] for row in rows} == {"1"}
    assert sorted(file.name for file in (tmp_path / "c").rglob("*") if file.is_file()) == ["X.csv"]


def test_through_torch(tmp_path: Path) -> None:
    """Where torch is installed: number formats of the CPU, and collectives between two processes."""
    pytest.importorskip("torch")
    done = shell(
        "calibrate", "--device", "cpu", "--seconds", "8", "--name", "T", "--processes", "2", "--json",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert {"peak_bf16", "peak_fp32"} <= set(answer["numbers"])
    assert {"gemm", "attention", "collectives"} <= {score["kind"] for score in answer["scores"]}
    assert {"links.csv", "links.details.csv"} <= {file.name for file in tmp_path.glob("*.csv")}
    done = shell("catalog", "show", "links", "T-link", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    numbers = {row["quantity"]: row["value"] for row in json.loads(done.stdout)["numbers"]}
    assert 1e6 < numbers["bandwidth"] < 1e12
    assert 0.0 < numbers["efficiency"] <= 1.0

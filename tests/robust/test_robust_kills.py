"""SIGKILL at every step of every command that writes: the old files or the new ones, none of them half."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gigawatt.core.store import load_result

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="signals and forks"), pytest.mark.apart]

TEXT = """\
name: {name}
model: llama-3.1-8b
training: {{tokens: {tokens}}}
machine: {{chip: H100-SXM5-80GB, count: 64}}
site: {{name: abilene-texas}}
supply: {{plants: [grid]}}
"""
HERE = Path(__file__).parent


def commands(base: Path) -> dict[str, list[str]]:
    one, two = base / "one.yaml", base / "two.yaml"
    one.write_text(TEXT.format(name="One", tokens="1T tokens"))
    two.write_text(TEXT.format(name="Two", tokens="2T tokens"))
    model = ["--model", "llama-3.1-8b", "--chip", "H100-SXM5-80GB"]
    out = "--output"
    return {
        "run": ["run", str(one), "-q", "--out"],
        "compare": ["compare", str(one), str(two), "--of", "training.duration", "-q", out],
        "plan-training": ["plan-training", *model, "--count", "16", "--tokens", "1T tokens", "-q", out],
        "plan-serving": ["plan-serving", *model, "--rate", "2/s", "--prompt", "256", "--output", "64",
                         "--objective", "ttft=2s,tpot=100ms,p90", "--requests", "60", "-q", out],
        "simulate-serving": ["simulate-serving", *model, "--rate", "2/s", "--prompt", "256", "--output", "64",
                             "--requests", "60", "-q", out],
        "plan-supply": ["plan-supply", "abilene-texas", "--load", "10 MW", "--plants", "grid", "-q", out],
        "technologies compare": ["technologies", "compare", "--substrate", "fp8", "-q", out],
        "plant": ["plant", "msr", "-q", out],
    }  # fmt: skip


NAMES = (
    "run", "compare", "plan-training", "plan-serving", "simulate-serving", "plan-supply",
    "technologies compare", "plant", "calibrate",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    base = tmp_path_factory.mktemp("kills")
    done = subprocess.run(
        [sys.executable, str(HERE / "killer.py"), json.dumps(commands(base)), str(base / "work")],
        capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_killed_at_any_step_nothing_is_half_written(found: dict[str, list[str]], name: str) -> None:
    assert found[name] == []


def start(words: list[str], **more: object) -> subprocess.Popen[str]:
    code = "from gigawatt.faces.terminal import main; print('up', flush=True); main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,  # type: ignore[call-overload]
    )  # fmt: skip


def test_run_killed_at_random_moments(tmp_path: Path) -> None:
    """The whole command, as it is typed, at moments that nobody chose."""
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(TEXT.format(name="One", tokens="1T tokens"))
    two.write_text(TEXT.format(name="Two", tokens="2T tokens"))
    out = tmp_path / "out"
    began = time.monotonic()
    with start(["run", str(one), "--out", str(out), "-q"]) as process:
        process.communicate(timeout=120)
    whole, names = time.monotonic() - began, {file.name for file in out.iterdir()}
    moments = random.Random(7)
    for _ in range(8):
        with start(["run", str(two), "--out", str(out), "-q"]) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.uniform(0.3, 1.1) * whole)
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
        assert load_result(out).name in ("One", "Two")
        assert {file.name for file in out.iterdir()} == names


@pytest.mark.parametrize("words", [["plant", "msr"], ["technologies", "compare"]])
def test_an_interrupt_is_one_line(tmp_path: Path, words: list[str]) -> None:
    with start([*words, "--output", str(tmp_path / "out")]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)  # inside of main, importing or computing
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    if process.returncode == 0:  # it was done before the signal came
        assert (tmp_path / "out").is_dir()
        return
    assert process.returncode == 130
    assert err == "gigawatt: interrupted; nothing half-written was left\n"
    assert [entry.name for entry in tmp_path.iterdir()] == []

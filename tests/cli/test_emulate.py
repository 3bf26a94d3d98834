"""``gigawatt emulate``: help, refusals in one line with exit code 2, an answer in JSON, a folder of files."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from gigawatt.faces.terminal.app import main

needs_all = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "transformers", "gensim")),
    reason="the extra emulation is not installed",
)


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["emulate", *words])
    out = capsys.readouterr()
    return int(stopped.value.code or 0), out.out, out.err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "--help")
    assert code == 0
    assert "Example: gigawatt emulate --model small --substrate nvfp4" in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--substrate", "nvfp5"), "did you mean 'nvfp4'"),
        (("--substrate", "nvfp4:weights=int9"), "did you mean 'int8'"),
        (("--substrate", "nvfp4:weight=int8"), "did you mean 'weights'"),
        (("--substrate", "nvfp4:rotate"), "key=value"),
        (("--substrate", "teal-50:keep=2"), "1e-06 to 1"),
        (("--windows", "1"), "--windows: too few"),
        (("--seeds", "0"), "--seeds: too few"),
    ],
)
def test_refusals_are_one_line(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str) -> None:
    code, out, err = call(capsys, *words)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_without_the_extra_it_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "--model", "small")
    assert code == 2
    assert 'pip install "gigawatt[emulation]"' in err


@needs_all
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--model", "./nowhere"), "no config.json in this folder"),
        (("--model", "smal"), "did you mean 'small'"),
        (("--model", "small", "--length", "4096"), "512 or fewer"),
        (("--model", "small", "--windows", "100000"), "fewer windows"),
        (("--model", "small", "--text", "absent.txt"), "cannot be read as text"),
    ],
)
def test_models_and_texts_that_cannot_be(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, _, err = call(capsys, *words)
    assert code == 2
    assert says in err


@needs_all
def test_an_answer_and_its_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import torch

    torch.set_num_threads(1)
    folder = tmp_path / "out"
    words = ("--model", "small", "--substrate", "nvfp4", "--windows", "3", "--fresh")
    code, out, err = call(capsys, *words, "--json", "--output", str(folder))
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer == json.loads((folder / "emulation.json").read_text())
    assert answer["ratio"]["low"] <= answer["ratio"]["value"] <= answer["ratio"]["high"]
    with (folder / "losses.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["fp32"]) for row in rows] == pytest.approx(answer["baseline_losses"])
    code, out, _ = call(capsys, *words[:-1])
    assert code == 0
    assert "ratio, over the same windows" in out
    assert "bits of a weight, scales included" in out

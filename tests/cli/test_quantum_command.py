"""``gigawatt quantum``: answers as words, JSON and pages, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]
COMMAND = ("quantum",)


def test_a_molecule(call: Call, tmp_path: Path) -> None:
    code, out, err = call("vqe", "h2", "--bond", "0.7", "--ansatz", "adapt", "--noise", "--output", tmp_path)
    assert (code, err) == (0, "")
    assert "−1.13618945 Ha" in out
    document = json.loads((tmp_path / "quantum.json").read_text())
    assert document["error"] == pytest.approx(0.0, abs=1e-7)
    assert [one["raw"] for one in document["noise"]] == sorted(one["raw"] for one in document["noise"])
    page = (tmp_path / "quantum.html").read_text()
    assert "chemical accuracy" in page
    assert "Energy under noise" in page
    assert {file.name for file in tmp_path.iterdir()} == {
        "quantum.html", "quantum.md", "quantum.json", "published.json", "study.json"
    }  # fmt: skip


@pytest.mark.parametrize("words", [("pipeline", "--stages", "3"), ("bits", "--depth", "1")])
def test_a_piece(call: Call, words: tuple[str, ...]) -> None:
    code, out, _ = call("optimise", *words, "--json")
    assert code == 0
    document = json.loads(out)
    assert document["classical"][0]["value"] == pytest.approx(document["best"], rel=1e-6)
    assert document["best_of_machine"] >= document["best"]


@pytest.mark.parametrize(
    "words", [("rsa",), ("p450",), ("lih",), ("custom", "--qubits", "1000", "--toffolis", "1e9")]
)
def test_resources(call: Call, words: tuple[str, ...], tmp_path: Path) -> None:
    code, out, err = call("resources", *words, "--output", tmp_path / "out")
    assert (code, err) == (0, "")
    document = json.loads((tmp_path / "out" / "quantum.json").read_text())
    assert f"{document['physical_qubits']:,.0f}" in out
    assert document["asked"]["algorithm"] == words[0]
    assert document["rows"]["read"] == sum(document["rows"]["sources"].values())
    assert any("power of superconducting" in one["key"] for one in document["assumptions"])
    assert "Physical qubits" in (tmp_path / "out" / "quantum.html").read_text()


@pytest.mark.parametrize("problem", ["chemistry", "search", "pipeline", "llm"])
def test_break_even(call: Call, problem: str, tmp_path: Path) -> None:
    code, out, _ = call("break-even", problem, "--output", tmp_path)
    assert code == 0
    assert "quantum over classical" in out
    assert "quantum.md" in " ".join(out.split())
    assert json.loads((tmp_path / "quantum.json").read_text())["verdict"].lower() in out.lower()


def test_every_command_shows_an_example(call: Call) -> None:
    for name in ("vqe", "optimise", "resources", "break-even"):
        code, out, _ = call(name, "--help")
        assert code == 0
        assert f"Example: gigawatt quantum {name}" in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("vqe", "h2", "--bond", "9"), "gigawatt: --bond: no integrals of this bond length"),
        (("vqe", "lih", "--noise"), "gigawatt: --noise: too many qubits for a density matrix"),
        (("vqe", "h3"), "gigawatt: MOLECULE: no such molecule"),
        (("optimise", "--window", "9"), "gigawatt: --window: more qubits than the simulator holds"),
        (("optimise", "bits", "--mean-bits", "9"), "gigawatt: --mean-bits: not a mean width"),
        (("resources", "p450", "--error", "0.01"), "gigawatt: --error: no distance suffices"),
        (("resources", "custom", "--qubits", "10"), "gigawatt: --toffolis: custom needs it"),
        (("resources", "dsa-2048"), "gigawatt: ALGORITHM: no such algorithm"),
        (("break-even", "weather"), "gigawatt: PROBLEM: no such problem"),
    ],
)
def test_bad_input_is_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert err.startswith(said)
    assert err.count("\n") == 1

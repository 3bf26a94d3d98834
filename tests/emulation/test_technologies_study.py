"""All substrates in one go: fresh runs in place of stored ones, refusals beside them."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from gigawatt.core.errors import InputError
from gigawatt.emulation.run import emulate
from gigawatt.faces.terminal.app import main
from gigawatt.studies.technologies.study import study_all

NAMES = ["bf16", "w-int4"]


def test_a_study_is_the_runs_it_makes_and_prices_them() -> None:
    made = study_all(model="small", windows=2, length=64, substrates=NAMES, cache=False)
    rows = {row.substrate.id: row for row in made.comparison.rows}
    alone = emulate("small", "w-int4", windows=2, length=64, cache=False)
    quality = rows["w-int4"].quality
    assert quality is not None
    assert quality.ratio == pytest.approx(alone.ratio.value, rel=1e-12)
    assert quality.statistics["weight_bits"] == alone.statistics["weight_bits"]
    assert rows["w-int4"].cost.joules("chip") < rows["bf16"].cost.joules("chip")
    assert made.not_run == ()
    with pytest.raises(InputError):
        study_all(substrates=[])
    with pytest.raises(InputError, match="no such entry"):
        study_all(substrates=["nvfp5"])


def test_the_command_writes_both_files(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["technologies", "study", "--model", "small", "--windows", "2", "--output", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as left:
        main([*words, "--substrate", "bf16", "--json", "--quiet"])
    assert left.value.code == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"][0]["perplexity_ratio"] == pytest.approx(1.0, abs=0.01)
    assert document["rows"][0]["bands"]["joules system"]["low"] > 0.0
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "technologies.json", "technologies.html", "technologies.md", "study.json"
    }  # fmt: skip

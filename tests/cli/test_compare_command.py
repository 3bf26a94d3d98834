"""``gigawatt compare``: the table, the split, the page, the JSON, and what is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt.faces.terminal import main
from gigawatt.studies.compare.figures import change, ratio_words, waterfall

Call = Callable[..., tuple[int, str, str]]

TEXT = """\
name: {name}
model: llama-3.1-8b
training: {{tokens: {tokens}}}
machine: {{chip: H100-SXM5-80GB, count: {count}}}
site: {{name: abilene-texas}}
supply: {{price: 60 $/MWh}}
"""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("COLUMNS", "220")

    def run(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([*map(str, words)])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(TEXT.format(name="<b>One</b>", tokens="1T tokens", count=64))
    two.write_text(TEXT.format(name="Two [red]", tokens="2T tokens", count=128))
    return one, two


def test_table_split_and_page(call: Call, files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, err = call("compare", *files, "--of", "training.duration", "--output", out)
    assert (code, err) == (0, "")
    assert "A  <b>One</b>" in said
    assert "B  Two [red]" in said
    assert "training.duration" in said
    assert "all 4 mixtures of 2 groups" in said
    for row in ("training.tokens", "machine.size"):
        assert row in said
    document = json.loads((out / "compare.json").read_text())
    page = (out / "compare.html").read_text()
    assert sorted(file.name for file in out.iterdir()) == [
        "compare.html", "compare.json", "compare.md", "study.json"
    ]  # fmt: skip
    assert "<b>One</b>" not in page
    assert "&lt;b&gt;One&lt;/b&gt;" in page
    assert page.count(r"\"type\":\"waterfall\"") == 1
    assert "Which input moved what" in page
    (split,) = document["attribution"]["quantities"]
    assert sum(split["parts"]) == pytest.approx(split["difference"], rel=1e-9)


def test_json_alone(call: Call, files: tuple[Path, Path]) -> None:
    code, said, err = call("compare", *files, "--of", "training.duration", "--no-uncertainty", "--json")
    assert (code, err) == (0, "")
    document = json.loads(said)
    rows = {row["quantity"]: row for row in document["quantities"]}
    assert rows["machine.count"]["values"] == [64.0, 128.0]
    assert rows["machine.count"]["ratios"] == [1.0, 2.0]
    assert [group["name"] for group in document["attribution"]["groups"]] == [
        "training.tokens",
        "machine.size",
    ]


def test_a_field_of_all_scenarios_is_set(call: Call, files: tuple[Path, Path]) -> None:
    """The same as if it stood in both files; a key that no scenario has is one line."""
    words = ("--set", "machine.count=256", "--no-split", "--no-uncertainty", "--json")
    code, out, err = call("compare", *files, *words)
    assert (code, err) == (0, "")
    for file in files:
        text = file.read_text().replace("count: 64", "count: 256").replace("count: 128", "count: 256")
        file.write_text(text)
    today = json.loads(call("compare", *files, *words[2:])[1])["quantities"]
    assert json.loads(out)["quantities"] == today
    code, out, err = call("compare", *files, "--set", "machine.cuont=256")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "machine.cuont: unknown key" in err
    assert "did you mean 'count'" in err


def test_quiet_and_without_a_split(call: Call, files: tuple[Path, Path]) -> None:
    words = ("compare", *files, "--no-split", "--no-uncertainty")
    assert call(*words, "-q") == (0, "", "")
    said = call(*words, "--all")[1]
    assert "as asked" in said
    assert "input that differs" in said
    assert "model.training_flops" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{one}"], "one scenario has nothing beside it"),
        (["{one}", "missing.yaml"], "no such scenario file"),
        (["{one}", "{folder}"], "no result here"),
        (["{one}", "{two}", "--of", "training.duratio"], "--of: no such computed quantity"),
        (["{one}", "{two}", "--of", "layouts.search"], "this quantity is no number"),
        (["{one}", "{two}", "--output", "{one}"], "--output: the output folder is a file"),
        (["{one}", "{two}", "--orders", "1"], "--orders"),
    ],
)
def test_bad_input_is_one_line(call: Call, files: tuple[Path, Path], tmp_path: Path, words: list[str],
                               says: str) -> None:  # fmt: skip
    (tmp_path / "folder").mkdir()
    names = {"one": files[0], "two": files[1], "folder": tmp_path / "folder"}
    code, out, err = call("compare", *(word.format(**names) for word in words), "--no-uncertainty")
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_waterfall_ends_where_the_second_is() -> None:
    split = {
        "unit": "days", "what": "Time", "before": 10.0, "after": 17.0, "parts": [8.0, -1.0, 1e-9],
        "errors": [0.5, None, 0.1],
    }  # fmt: skip
    groups = [{"name": name} for name in ("chip", "<i>site</i>", "year")]
    figure = waterfall(split, groups, ["a", "b"])
    (bars,) = figure.data
    assert list(bars.x) == [10.0, 8.0, -1.0, 17.0]
    assert list(bars.measure) == ["absolute", "relative", "relative", "total"]
    assert "± 12 h" in bars.text[1]
    assert "<i>" not in "".join(figure.layout.yaxis.ticktext)


def test_words() -> None:
    assert change(4.06, "percent") == "+4.06 points"
    assert change(-2.5e6, "W") == "−2.5 MW"
    assert change(0.0, "s") == "0"
    assert (change(None, "s"), ratio_words(None), ratio_words(1.7834)) == ("–", "–", "× 1.78")

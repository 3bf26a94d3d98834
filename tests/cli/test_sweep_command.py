"""``gigawatt sweep`` and ``gigawatt sweep show``: answers, figures, files, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gigawatt.faces.terminal import main
from gigawatt.studies.sweep.figures import figure_of, heat, parallel, scatter

EXAMPLES = Path(__file__).parents[2] / "examples"
Call = Callable[..., tuple[int, str, str]]


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([*map(str, words)])
    found = capsys.readouterr()
    return int(left.value.code or 0), found.out, found.err


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.delenv("COLUMNS", raising=False)
    return lambda *words: said(capsys, *words)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example itself, computed once."""
    folder = tmp_path_factory.mktemp("example") / "texas"
    with pytest.raises(SystemExit) as left:
        main(["sweep", str(EXAMPLES / "sweep-texas.yaml"), "--output", str(folder), "-q"])
    assert not left.value.code
    return folder


def test_the_example_is_computed_once(call: Call, store: Path) -> None:
    code, out, err = call("sweep", EXAMPLES / "sweep-texas.yaml", "--output", store, "--json", "--resume")
    assert (code, err) == (0, "")
    done = json.loads(out)
    assert (done["points"], done["known"], done["computed"], done["refused"]) == (108, 108, 0, 0)
    code, out, _ = call("sweep", "run", EXAMPLES / "sweep-texas.yaml", "--output", store)
    assert "108 scenarios: 0 computed now, 108 known before" in out
    assert f"gigawatt sweep show {store}" in out
    assert call("sweep", "-q", EXAMPLES / "sweep-texas.yaml", "--output", store) == (0, "", "")


STUDY = """
base: {base}
over:
  machine.count: [8192, 16384]
read: [training.duration]
"""


def test_a_field_of_the_base_is_set(call: Call, tmp_path: Path) -> None:
    """The same durations as those of a base that has it; what the study varies is refused."""
    study, text = tmp_path / "study.yaml", (EXAMPLES / "llama-3.1-405b-texas.yaml").read_text()
    (tmp_path / "base.yaml").write_text(text)
    study.write_text(STUDY.format(base="base.yaml"))
    days: list[list[float]] = []
    for number, words in enumerate(([], ["--set", "training.tokens=5T tokens"])):
        store = tmp_path / f"store-{number}"
        assert call("sweep", study, "--output", store, *words, "-q") == (0, "", "")
        rows = json.loads(
            call("sweep", "show", store, "--sql", 'SELECT * FROM sweep ORDER BY "machine.count"', "--json")[1]
        )
        days.append([row["training.duration"] for row in rows])
    assert [b / a for a, b in zip(*days, strict=True)] == pytest.approx([5.0 / 15.6] * 2, rel=1e-2)
    for setting, says in (
        ("machine.count=8", "--set: the study gives this key; given 'machine.count'"),
        ("machine.cuont=8", "machine.cuont: unknown key"),
    ):
        code, out, err = call("sweep", study, "--output", tmp_path / "s", "--set", setting)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert says in err


def test_a_store_is_shown(call: Call, store: Path, tmp_path: Path) -> None:
    code, out, err = call("sweep", "show", store)
    assert (code, err) == (0, "")
    assert "108 scenarios, 0 without an answer" in out
    for name in ("machine.count", "training.tokens", "ledger.cost_per_mtoken"):
        assert name in out
    about = json.loads(call("sweep", "show", store, "--json")[1])
    assert about["rows"] == 108
    assert {c["name"]: c["values"] for c in about["columns"] if c["axis"]} == {
        "machine.count": 4, "training.tokens": 3, "economics.chip_price": 3, "supply.carbon_price": 3,
    }  # fmt: skip
    query = 'SELECT "machine.count" AS n, min("ledger.run_cost") AS cost FROM sweep GROUP BY 1 ORDER BY 1'
    rows = json.loads(call("sweep", "show", store, "--sql", query, "--json")[1])
    assert [row["n"] for row in rows] == [8192, 16384, 24576, 32768]
    assert "32,768" in call("sweep", "show", store, "--sql", query)[1]
    assert call("sweep", "show", store, "-q", "--csv", tmp_path / "a.csv") == (0, "", "")
    frame = pd.read_csv(tmp_path / "a.csv")
    assert len(frame) == 108
    assert frame["ledger.run_cost"].min() == pytest.approx(min(row["cost"] for row in rows))
    assert "68 more rows" in call("sweep", "show", store, "--sql", "SELECT key FROM sweep")[1]


def test_numbers_of_the_example_move_as_they_must(call: Call, store: Path) -> None:
    rows = pd.DataFrame(json.loads(call("sweep", "show", store, "--sql", "SELECT * FROM sweep", "--json")[1]))
    axes = ["machine.count", "training.tokens", "economics.chip_price", "supply.carbon_price"]
    wide = rows.set_index(axes).sort_index()
    dearer = wide["ledger.run_cost"].unstack("economics.chip_price")
    assert (dearer.diff(axis=1).iloc[:, 1:] > 0.0).all(axis=None)
    longer = wide["training.duration"].unstack("training.tokens")
    assert (longer[15.0] / longer[5.0]).to_numpy() == pytest.approx(3.0)
    cleaner = wide["supply.carbon_intensity"].unstack("supply.carbon_price")
    assert (cleaner.diff(axis=1).iloc[:, 1:] <= 1e-6).all(axis=None)
    power = wide["machine.power_it"].unstack("supply.carbon_price")
    assert (power.nunique(axis=1) == 1).all()


def test_pages_are_written_whole(call: Call, store: Path, tmp_path: Path) -> None:
    code, out, _ = call("sweep", "show", store, "--output", tmp_path / "page")
    assert code == 0
    assert "sweep.html" in out
    page = (tmp_path / "page" / "sweep.html").read_text()
    assert "Size, tokens and prices in Texas" in page
    assert "parcoords" in page
    assert json.loads((tmp_path / "page" / "overview.json").read_text())["rows"] == 108
    grid = ("--x", "machine.count", "--y", "training.tokens", "--by", "training.duration", "-q")
    assert call("sweep", "show", store, *grid, "--output", tmp_path / "grid") == (0, "", "")
    assert r"\"type\":\"heatmap\"" in (tmp_path / "grid" / "sweep.html").read_text()


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "a.x": [1.0, 1.0, 2.0, 2.0], "a.y": [1.0, 2.0, 1.0, 2.0], "a.site": ["b", "b", "<a>", "c"],
            "a.z": [4.0, 5.0, 6.0, 8.0], "a.same": [3.0] * 4,
        }
    )  # fmt: skip


def test_figures_hold_the_numbers() -> None:
    units = {"a.z": "MW"}
    lines = parallel(frame(), units, by="a.z").data[0]
    shown = {one.label: list(one["values"]) for one in lines.dimensions}
    assert shown["z [MW]"] == [4.0, 5.0, 6.0, 8.0]
    assert "same" not in shown
    site = next(one for one in lines.dimensions if one.label == "site")
    assert [site.ticktext[int(v)] for v in site["values"]] == ["b", "b", "&lt;a&gt;", "c"]
    cells = heat(
        pd.concat([frame(), frame().assign(**{"a.z": 0.0})]), units, x="a.x", y="a.y", by="a.z"
    ).data[0]
    assert cells.z.tolist() == [[2.0, 3.0], [2.5, 4.0]]
    drawn = scatter(frame(), units, x="a.x", y="a.z", by="a.site").data
    assert sorted(len(one.x) for one in drawn) == [1, 1, 2]
    assert scatter(frame(), units, x="a.site", y="a.z", by=None).data[0].x.tolist() == [1.0, 1.0, 0.0, 2.0]
    kinds = {
        figure_of(frame(), units, axes=axes, by=by, x=x, y=y).data[0].type
        for axes, by, x, y in (
            (["a.x", "a.y"], "a.z", "a.x", "a.y"), (["a.x"], "a.site", "a.x", "a.z"), ([], "a.z", None, None),
        )
    }  # fmt: skip
    assert kinds == {"heatmap", "scatter", "parcoords"}
    assert "no scenario" in str(figure_of(frame()[:0], units, axes=[], by="a.z", x=None, y=None).layout)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sweep", "nothing.yaml"), "no such sweep file; given 'nothing.yaml'"),
        (("sweep", "{study}", "--workers", "0"), "--workers: no workers; given 0"),
        (("sweep", "{study}", "--resume"), "no store of a sweep here"),
        (("sweep", "show", "{study}"), "no store of a sweep here"),
        (("sweep", "show", "{store}", "--x", "machine.count"), "--y: a figure has both axes or neither"),
        (
            (
                "sweep",
                "show",
                "{store}",
                "--x",
                "machine.cuont",
                "--y",
                "training.tokens",
                "--output",
                "page",
            ),
            "no such column in this store; given 'machine.cuont'; did you mean 'machine.count'?",
        ),
        (
            ("sweep", "show", "{store}", "--sql", "select machine.count from sweep"),
            "--sql: this query has no answer",
        ),
    ],
)
def test_refusals_are_one_line(
    call: Call,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    study = EXAMPLES / "sweep-texas.yaml"
    code, out, err = call(*(word.format(study=study, store=store) for word in words))
    assert (code, out) == (2, "")
    assert told in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_help_has_an_example(call: Call) -> None:
    for words in (("sweep", "--help"), ("sweep", "run", "--help"), ("sweep", "show", "-h")):
        code, out, _ = call(*words)
        assert code == 0
        assert "Example: gigawatt sweep" in " ".join(out.split())

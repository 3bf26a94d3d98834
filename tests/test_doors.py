"""What Python calls says the same as the command line, with tables and figures by name."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import gigawatt
from gigawatt.core.answer import Answer, flat_rows
from gigawatt.core.errors import InputError

ROOT = Path(__file__).parent.parent
TEXAS = ROOT / "examples" / "llama-3.1-405b-texas.yaml"


def command(*words: str, cwd: Path) -> Any:
    """What a command prints with ``--json``."""
    done = subprocess.run(
        [sys.executable, "-c", "from gigawatt.faces.terminal import main; main()", *words, "--json"],
        capture_output=True, text=True, timeout=120, cwd=cwd,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_time(document: Any) -> Any:
    """A document without the seconds that computing it took."""
    if isinstance(document, dict):
        return {
            key: without_time(value)
            for key, value in document.items()
            if not key.endswith(("cpu_s", "cpu_seconds", "seconds"))
        }
    return [without_time(one) for one in document] if isinstance(document, list) else document


def plain(answer: Answer) -> Any:
    return without_time(json.loads(json.dumps(answer.to_json())))


def test_every_door_is_lazy_and_listed() -> None:
    code = (
        "import sys, gigawatt\nbefore = 'gigawatt.core.registry' in sys.modules\n"
        "print([before, sorted(set(gigawatt.__all__) - set(dir(gigawatt)))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ast.literal_eval(done.stdout) == [False, []]
    for name in gigawatt.__all__:
        assert getattr(gigawatt, name) is not None
        if name != "__version__":
            assert getattr(gigawatt, name).__doc__
    with pytest.raises(AttributeError):
        _ = gigawatt.plan_nothing  # type: ignore[attr-defined]


def test_planning_a_training_run_is_what_the_command_says(tmp_path: Path) -> None:
    answer = gigawatt.plan_training(
        model="llama-3.1-8b", chip="H100", count=64, relief=True, cap_sweep=True, site="texas", format="fp8",
        sites=2, distance="1000km", wan="100Gbit/s",
    )  # fmt: skip
    told = command(
        "plan-training", "--model", "llama-3.1-8b", "--chip", "H100", "--count", "64", "--relief",
        "--cap-sweep", "--site", "texas", "--format", "fp8", "--sites", "2", "--distance", "1000km",
        "--wan", "100Gbit/s",
        cwd=tmp_path,
    )  # fmt: skip
    assert plain(answer) == without_time(told)
    assert answer.found.days == answer["days"]
    assert set(answer.tables) >= {"best", "relief", "cap_sweep.rows", "sites.methods", "assumptions"}
    relief = answer.table("relief")
    assert list(relief["gain"]) == [row["gain"] for row in answer["relief"]]
    assert {"layout.tensor", "layout.pipeline"} <= set(relief.columns)
    assert len(answer.table("cap_sweep.rows")) == len(answer["cap_sweep"]["rows"])
    for name in answer.figures:
        assert answer.figure(name).layout.title.text


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ({}, "count"),
        ({"largest_model": True, "count": 64}, "largest_model"),
        ({"count": 64, "power": "nothing"}, "power"),
        ({"count": 64, "sites": 2}, "distance"),
        ({"count": 64, "sites": 1, "distance": "1km", "wan": "1Gbit/s"}, "sites"),
        ({"count": 64, "deadline": "-3d"}, "deadline"),
    ],
)
def test_a_wrong_word_is_named(words: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError) as caught:
        gigawatt.plan_training(model="llama-3.1-8b", chip="H100", **words)
    assert caught.value.key == key


def test_what_is_missing_names_the_nearest() -> None:
    answer = gigawatt.plan_training(model="llama-3.1-8b", chip="H100", count=8, top=1, deadline="1d")
    assert any("too late" in notice for notice in answer["notices"])
    assert len(answer.table("best")) == 1
    for ask in (answer.__getitem__, answer.table, answer.figure):
        with pytest.raises(InputError) as caught:
            ask("bests")
        assert "bests" in str(caught.value)
    with pytest.raises(InputError, match="did you mean 'days'"):
        _ = answer["day"]
    assert "days" in answer.to_frame().index
    assert answer.to_frame().loc["days", "value"] == answer["days"]
    assert answer.title in answer._repr_html_()
    assert set(answer) == set(answer.data)
    assert len(answer) == len(answer.data)
    assert answer.document.title == answer.title


def test_planning_a_service_is_what_the_command_says(tmp_path: Path) -> None:
    answer = gigawatt.plan_serving(
        model="llama-3.1-8b", chip="H100", rate="50/s", prompt="500", output="100", tensor=1, roofline=True,
        objective="interactive", requests=500, finalists=1,
    )  # fmt: skip
    told = command(
        "plan-serving", "--model", "llama-3.1-8b", "--chip", "H100", "--rate", "50/s", "--prompt", "500",
        "--output", "100", "--tensor", "1", "--roofline", "--objective", "interactive", "--requests", "500",
        "--finalists", "1",
        cwd=tmp_path,
    )  # fmt: skip
    assert plain(answer) == without_time(told)
    assert answer["pools"][0]["tensor"] == 1
    assert len(answer.table("roofline.rows")) == len(answer["roofline"]["rows"])
    for name in answer.figures:
        assert answer.figure(name).layout.title.text


def test_planning_a_supply_is_what_the_command_says(tmp_path: Path) -> None:
    answer = gigawatt.plan_supply(
        "virginia", load="20 MW", carbon="300 g/kWh", plants=["grid", "gas-engine", "solar", "battery"]
    )
    told = command(
        "plan-supply", "virginia", "--load", "20MW", "--carbon", "300 g/kWh", "--plants",
        "grid,gas-engine,solar,battery",
        cwd=tmp_path,
    )  # fmt: skip
    assert plain(answer) == without_time(told)
    hours = answer.table("hourly")
    assert len(hours) == 8760
    assert all(name.endswith(("[MW]", "[MWh]", "[$/MWh]")) for name in hours.columns)
    assert hours["load [MW]"].sum() / 1e3 == pytest.approx(answer["load_GWh"], rel=1e-3)
    for name in answer.figures:
        assert answer.figure(name) is not None


def test_a_changed_study_is_compared_with_itself() -> None:
    study = gigawatt.load(TEXAS)
    half = study.changed({"name": "half", "machine.count": 8192})
    assert study.loaded.scenario.machine.count == 16384
    answer = gigawatt.compare(study, half, of=["training.step_time", "training.duration"])
    sides = answer.table("side_by_side").set_index("quantity")
    assert sides.loc["machine.count", "half"] == 8192
    assert sides.loc["machine.count", study.loaded.scenario.name] == 16384
    moved = answer.table("moved")
    assert list(moved["group"]) == ["machine.size"]
    days = sides.loc["training.duration"]
    difference = days["half"] - days[study.loaded.scenario.name]
    assert moved["training.duration [days]"].sum() == pytest.approx(difference, rel=1e-9)
    assert answer.figure("waterfall", of="training.duration").data
    with pytest.raises(InputError, match="was not split"):
        answer.figure("waterfall", of="ledger.run_cost")
    with pytest.raises(InputError) as caught:
        study.changed({"machine.cuont": 1})
    assert "machine.cuont" in str(caught.value)
    alone = gigawatt.compare(study, half, split=False)
    assert alone.figures == ()
    assert "moved" not in alone.tables


def test_a_sweep_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(
        f"name: two by two\nbase: {TEXAS}\nover:\n  machine.count: [8192, 16384]\n"
        "  training.tokens: [5T tokens, 10T tokens]\nread: [training.duration, training.mfu]\n"
    )
    answer = gigawatt.sweep(tmp_path / "study.yaml", tmp_path / "store")
    table = answer.table("sweep")
    assert (answer["points"], answer["computed"], len(table)) == (4, 4, 4)
    assert answer["units"]["training.duration"] == "days"
    few, many = (table[table["machine.count"] == count]["training.duration"].min() for count in (8192, 16384))
    assert many < few
    again = gigawatt.sweep(tmp_path / "study.yaml", tmp_path / "store", resume=True)
    assert (again["computed"], again["known"]) == (0, 4)
    assert answer.figure("sweep").data
    heat = answer.figure("sweep", x="machine.count", y="training.tokens", by="training.duration")
    assert heat.data[0].type == "heatmap"


def test_an_outlook_is_what_the_command_says(tmp_path: Path) -> None:
    answer = gigawatt.draw_outlook(draws=200, years=(2025, 2030))
    (tmp_path / "mine.yaml").write_text("years: [2025, 2030]\nname: base\n")
    told = command("outlook", "mine.yaml", "--draws", "200", cwd=tmp_path)
    mine = plain(answer)
    assert mine["bands"] == without_time(told)["bands"]
    assert mine["society"] == without_time(told)["society"]
    rows = answer.table("bands").set_index(["output", "year"])
    assert rows.loc[("electricity", 2030), "q50"] == answer.found.band("electricity", 2030)[0.5]
    assert rows.loc["text_exhausted"].index.isna().all()
    assert answer.figure("bands", "feasible").data
    assert answer.figure("expected", "2030s").data
    changed = gigawatt.draw_outlook(draws=200, years=(2025, 2030), quantities={"draw": 0.4})
    assert [row["key"] for row in changed["overrides"]] == ["draw"]
    assert changed.found.band("ai_power", 2030)[0.5] < answer.found.band("ai_power", 2030)[0.5]
    with pytest.raises(InputError):
        gigawatt.draw_outlook(draws=200, quantities={"drew": 0.4})


def test_technologies_are_what_the_command_says(tmp_path: Path) -> None:
    names = ["bf16", "fp8", "nvfp4"]
    answer = gigawatt.compare_technologies(substrates=names, batch=8, bands=True)
    options = [word for name in names for word in ("--substrate", name)]
    told = command("technologies", "compare", *options, "--batch", "8", "--bands", cwd=tmp_path)
    assert plain(answer) == without_time(told)
    assert list(answer.table("rows")["substrate"]) == names
    assert answer.figure("front", kind="joules", scope="chip").data
    assert answer.figure("components").data


def test_a_scorecard_says_what_it_missed() -> None:
    card = gigawatt.validate("outlook", parts=["records"])
    assert set(card.table("checks")["part"]) == {"records"}
    checks = card.table("checks")
    assert card["predicted"] == len(checks)
    assert len(checks) > int(checks["ok"].sum()) > 0
    for words in ({"table": "outlok"}, {"table": "outlook", "parts": ["recods"]}, {"parts": ["records"]}):
        with pytest.raises(InputError):
            gigawatt.validate(**words)  # type: ignore[arg-type]


SMALL = """
model: llama-3.1-8b
training: {tokens: 100B tokens, sequence: 8192 tokens, global_batch: 512 sequences}
machine: {chip: H100-SXM5-80GB, count: 64}
site: {name: abilene-texas}
supply: {plants: [grid]}
"""


def test_a_run_is_what_the_command_says_and_writes(tmp_path: Path) -> None:
    """From a file with ``--set``, from its keys, and from keywords: the same numbers and files."""
    (tmp_path / "small.yaml").write_text(SMALL)
    told = command("run", "small.yaml", "--set", "machine.count=128", "--output", "told", cwd=tmp_path)
    answer = gigawatt.run(tmp_path / "small.yaml", settings={"machine.count": 128}, uncertainty=True)
    assert plain(answer)["quantities"] == without_time(told)["quantities"]
    assert answer.found["machine.count"] == 128
    assert answer.found["training.duration"] == answer.found.quantity("training.duration").value
    names = answer.save(tmp_path / "mine")
    files = {file.name for file in (tmp_path / "told").iterdir()}
    assert files == {file.name for file in (tmp_path / "mine").iterdir()} == set(names)
    assert {"result.json", "trace.json", "run.json", "report.html", "report.md", "hourly.parquet"} <= files
    assert answer.table("hourly").shape == answer.found.tables["hourly"].shape
    assert answer.figure("breakdown").data
    keys = yaml.safe_load(SMALL)
    durations = {
        one["quantities"]["training.duration"]["value"]
        for one in (
            answer,
            gigawatt.run(keys, machine={"count": 128}),
            gigawatt.run(**{**keys, "machine": {"chip": "H100-SXM5-80GB", "count": 128}}),
        )
    }
    assert len(durations) == 1
    with pytest.raises(InputError, match=r"^machine.cuont: unknown key.*did you mean 'count'"):
        gigawatt.run(keys, machine={"cuont": 128})


def test_a_report_is_what_the_command_prints(tmp_path: Path) -> None:
    answer = gigawatt.plan_training(model="llama-3.1-8b", chip="H100", count=64)
    answer.save(tmp_path / "plan")
    done = subprocess.run(
        [sys.executable, "-c", "from gigawatt.faces.terminal import main; main()", "report", "plan",
         "--format", "md", "--output", "-"],
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert gigawatt.report(tmp_path / "plan", "md") == done.stdout == (tmp_path / "plan/plan.md").read_text()
    assert gigawatt.report(tmp_path / "plan") == (tmp_path / "plan/plan.html").read_text()
    with pytest.raises(InputError, match=r"no such format; given 'htm'.*did you mean 'html'"):
        gigawatt.report(tmp_path / "plan", "htm")


def test_the_schema_is_what_the_command_prints(tmp_path: Path) -> None:
    """Both in processes of their own: rows that another test has added to this one are in neither."""
    shell = "from gigawatt.faces.terminal import main; main()"
    python = "import gigawatt, json; print(json.dumps(gigawatt.scenario_schema()))"
    printed, given = (
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path
            ).stdout
        )
        for code, *words in ((shell, "schema"), (python,))
    )
    assert given == printed
    assert "serving" in given["properties"]


def test_a_walk_ends_in_rows_with_grade_and_source(tmp_path: Path) -> None:
    result = gigawatt.load(TEXAS).run()
    answer = gigawatt.explain(result, "training.duration", depth=5)
    walk = answer.table("walk")
    assert list(walk.columns) == ["quantity", "value", "unit", "grade", "from", "code"]
    assert walk.loc[0, "from"] == (
        "training.tokens_trained / training.tokens_per_second * (1 + training.overhead) / training.kept_speed"
    )
    assert walk.loc[0, "code"].startswith("gigawatt/chain/training/quantities.py:")
    assert walk.loc[0, "value"] == pytest.approx(result.quantity("training.duration").shown)
    assert walk["from"].str.contains(r"\.csv:\d+, ").any()
    assert walk["from"].str.contains("llama-3.1-405b-texas.yaml:").any()
    assert len(gigawatt.explain(result, "training.duration", depth=0).table("walk")) < len(walk)
    with pytest.raises(InputError):
        gigawatt.explain(result, "training.duraton")
    with pytest.raises(InputError, match="a stored result has its values"):
        gigawatt.explain(result, "training.duration", settings={"machine.count": 8})


@pytest.mark.parametrize(
    ("words", "keywords"),
    [
        ((), {}),
        (("training.mfu", "--depth", "1"), {"name": "training.mfu", "depth": 1}),
        (("layouts.search",), {"name": "layouts.search"}),
        (("layouts.search", "--layout", "tensor=8"), {"name": "layouts.search", "layout": "tensor=8"}),
        (("economics.discount_rate", "--spread"), {"name": "economics.discount_rate", "spread": True}),
    ],
)
def test_explaining_is_what_the_command_says_and_is_stored(
    tmp_path: Path, words: tuple[str, ...], keywords: dict[str, Any]
) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    told = command("explain", "small.yaml", *words, "--output", "why", cwd=tmp_path)
    answer = gigawatt.explain(tmp_path / "small.yaml", **keywords)
    mine = json.loads(json.dumps(answer.to_json()).replace(str(tmp_path / "small.yaml"), "small.yaml"))
    assert mine == told
    assert gigawatt.report(tmp_path / "why", "md") == (tmp_path / "why" / "explain.md").read_text()


@pytest.mark.apart
def test_a_scorecard_is_stored_and_opens(tmp_path: Path) -> None:
    told = command("validate", "outlook", "--output", "card", cwd=tmp_path)
    assert gigawatt.validate("outlook").to_json() == told
    text = gigawatt.report(tmp_path / "card", "md")
    assert text == (tmp_path / "card" / "scorecard.md").read_text()
    assert f"{told['rows']:,} rows: {told['predicted']:,} predicted" in text


def test_rows_are_flattened() -> None:
    rows = [{"a": 1, "b": {"c": 2, "d": {"e": [3]}}}]
    assert flat_rows(rows) == [{"a": 1, "b.c": 2, "b.d.e": [3]}]


def test_the_python_of_the_page_of_notebooks_runs() -> None:
    page = (ROOT / "docs" / "notebooks" / "index.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    assert len(blocks) == 1
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocks[0]],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    for name in re.findall(r"`(\w+)\(", page):
        assert name in gigawatt.__all__, name


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: gigawatt.catalog_list(), "cooling"),
        (lambda: gigawatt.catalog_list("cooling"), "worst grade"),
        (lambda: gigawatt.catalog_show("chips", "H100"), "peak"),
        (lambda: gigawatt.technologies_audit(), "lightmatter"),
        (lambda: gigawatt.technologies_audit("lightmatter"), "What remains of it"),
        (lambda: gigawatt.technologies_needs("mixed-2035", model="llama-3.1-8b"), "supposed"),
        (lambda: gigawatt.chip_list(), "GW-2027"),
        (lambda: gigawatt.chip_list(parts=True), "cooling"),
        (lambda: gigawatt.plant("fusion", designs=True), "design"),
    ],
)
def test_lists_and_entries_are_stored_and_open_again(tmp_path: Path, answer: Any, words: str) -> None:
    stored = answer()
    names = stored.save(tmp_path / "stored")
    (page,) = [name for name in names if name.endswith(".md")]
    text = (tmp_path / "stored" / page).read_text()
    assert gigawatt.report(tmp_path / "stored", "md") == text
    assert words in text

"""The command line: what it prints where, what it leaves behind, and one line for whatever is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gigawatt import __version__
from gigawatt.faces.terminal import main

SCENARIO = """\
model: llama-3.1-8b
training:
  tokens: 1T tokens
  sequence: 4096 tokens
  global_batch: 512 sequences
machine:
  chip: H100-SXM5-80GB
  count: 64
site:
  name: abilene-texas
supply:
  plants: [grid]
"""
COMMANDS = (
    "run", "explain", "validate", "plan-training", "plan-serving", "simulate-serving", "plan-supply",
    "plan-pathway", "calibrate", "doctor", "catalog list", "catalog show",
)  # fmt: skip
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ``gigawatt run`` wrote."""
    folder = tmp_path_factory.mktemp("answer")
    (folder / "small.yaml").write_text(SCENARIO)
    with pytest.raises(SystemExit) as left:
        main(["run", str(folder / "small.yaml"), "--out", str(folder / "out"), "--quiet"])
    assert not left.value.code
    return folder / "out"


def strict(text: str) -> object:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def shell(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    code = "from gigawatt.faces.terminal import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, timeout=120, cwd=cwd
    )


# what it prints


def test_run_in_a_shell_prints_json_alone(scenario: Path) -> None:
    done = shell("run", scenario.name, "--draws", "150", "--json", cwd=scenario.parent)
    assert done.returncode == 0, done.stderr
    found = strict(done.stdout)
    assert isinstance(found, dict)
    assert found["quantities"]["machine.count"]["value"] == 64
    assert done.stderr == ""
    assert {file.name for file in (scenario.parent / "results" / "small").iterdir()} >= {
        "report.html", "report.md", "result.json", "run.json", "trace.json", "hourly.parquet",
    }  # fmt: skip


def test_quiet_prints_nothing(call: Call, scenario: Path, tmp_path: Path) -> None:
    assert call("run", scenario, "--out", tmp_path / "o", "--quiet") == (0, "", "")
    assert (tmp_path / "o" / "report.html").stat().st_size > 10_000
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["o", "small.yaml"]


def test_run_says_where_the_report_lies(call: Call, scenario: Path, tmp_path: Path) -> None:
    code, out, err = call("run", scenario, "--out", tmp_path / "o")
    assert (code, err) == (0, "")
    assert str(tmp_path / "o" / "report.html").replace("\n", "") in out.replace("\n", "")
    assert "MFU" in out
    assert "nan" not in out.lower().split()


def test_explain(call: Call, answer: Path) -> None:
    code, out, err = call("explain", answer, "training.step_time")
    assert (code, err) == (0, "")
    assert out.startswith("training.step_time = ")
    assert "layouts.search" in out
    code, out, err = call("explain", answer)
    assert (code, err) == (0, "")
    assert "ledger.cost_per_mtoken" in out


def test_explain_in_json(call: Call, answer: Path) -> None:
    code, out, err = call("explain", answer, "ledger.cost_per_mtoken", "--depth", "9", "--json")
    assert (code, err) == (0, "")
    steps = strict(out)
    assert isinstance(steps, list)
    assert steps[0]["quantity"] == "ledger.cost_per_mtoken"
    assert any("small.yaml:" in step["where"] for step in steps)
    assert any(re.fullmatch(r"chips.*\.csv:\d+", row["where"]) for step in steps for row in step["rows"])
    first = steps[0]
    assert re.fullmatch(r"gigawatt/chain/money\.py:\d+", first["code"])
    assert first["expression"] == "ledger.ledger.cost / ledger.ledger.tokens"
    cost, tokens = first["terms"]["ledger.ledger.cost"], first["terms"]["ledger.ledger.tokens"]
    assert first["value"] == pytest.approx(cost / tokens * 1e6, rel=1e-12)


def test_explain_shows_code_and_numbers(call: Call, answer: Path) -> None:
    code, out, err = call("explain", answer, "training.accelerator_hours", "--depth", "1")
    assert (code, err) == (0, "")
    assert "= training.duration × machine.count / training.runs" in out
    assert re.search(r"= [\d.,]+ \w+ × 64 / 1", out)
    assert len(re.findall(r"gigawatt/chain/[\w/]+\.py:\d+", out)) == 4


def test_explain_of_the_layout_search(call: Call, answer: Path) -> None:
    code, out, err = call("explain", answer, "layouts.search", "--json", "--depth", "0")
    assert (code, err) == (0, "")
    search = strict(out)[0]["search"]  # type: ignore[index]
    assert search["looked_at"] > search["fit"] > 0
    assert sum(item["layouts"] for item in search["too_large"]) == search["looked_at"] - search["fit"]
    code, out, err = call("explain", answer, "layouts.search", "--depth", "0")
    assert (code, err) == (0, "")
    assert f"{search['looked_at']:,} layouts evaluated, {search['fit']:,} fit in memory." in out
    best = search["best"][0]["layout"]
    code, out, err = call("explain", answer, "layouts.search", "--layout", f"tensor={best['tensor']}")
    assert (code, err) == (0, "")
    assert "the best layout of the search" in out
    code, out, err = call("explain", answer, "layouts.search", "--layout", "tensor=3", "--json")
    assert (code, err) == (0, "")
    assert strict(out)["outcome"] == "does not divide"  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["layouts.search", "--layout", "tensr=8"], "no such layout column; given 'tensr'.*'tensor'"),
        (
            ["layouts.search", "--layout", "tensor"],
            "not a layout; given 'tensor'; allowed: tensor=8,pipeline=16",
        ),
        (["layouts.search", "--layout", "zero=7"], "zero: out of range; given 7; allowed: 0 to 3"),
        (["training.mfu", "--layout", "tensor=8"], "allowed: layouts.search, serving.plan"),
        (["serving.plan", "--layout", "tensor=8"], "no such quantity; given 'serving.plan'"),
        (["--spread"], "--spread is of one quantity"),
        (["machine.chip", "--spread"], "this quantity is not a number; given 'machine.chip'"),
    ],
)
def test_explain_refuses(call: Call, answer: Path, words: list[str], says: str) -> None:
    refused(call("explain", answer, *words), says)


def test_explain_runs_a_scenario(call: Call, scenario: Path, answer: Path) -> None:
    words = ("training.step_time", "--depth", "1", "--json")
    code, out, err = call("explain", scenario, *words)
    assert (code, err) == (0, "")
    stored = strict(call("explain", answer, *words)[1])
    found = strict(out)
    assert [step["value"] for step in found] == [step["value"] for step in stored]  # type: ignore[union-attr]
    assert [entry.name for entry in scenario.parent.iterdir()] == ["small.yaml"]


def test_a_field_of_a_scenario_is_set(call: Call, scenario: Path, answer: Path, tmp_path: Path) -> None:
    """By run and explain alike; a misspelt key is one line with the nearest, a stored result is refused."""
    code, out, err = call("run", scenario, "--set", "machine.count=128", "--out", tmp_path / "o", "--json")
    assert (code, err) == (0, "")
    days = strict(out)["quantities"]["training.duration"]["value"]  # type: ignore[index,call-overload]
    assert days < strict(call("explain", answer, "training.duration", "--json")[1])[0]["value"]  # type: ignore[index]
    words = ("training.duration", "--set", "machine.count=128", "--json")
    assert strict(call("explain", scenario, *words)[1])[0]["value"] == days  # type: ignore[index]
    for command in (("run", scenario), ("explain", scenario, "training.duration")):
        refused(
            call(*command, "--set", "machine.cuont=1"), "machine.cuont: unknown key.*did you mean 'count'"
        )
        refused(call(*command, "--set", "machine.count"), "--set: not a pair; given 'machine.count'")
    refused(call("explain", answer, *words), "--set: a stored result has its values; given 'machine.count'")


def test_explain_lists_the_rows_of_a_spread(call: Call, answer: Path) -> None:
    code, out, err = call("explain", answer, "economics.discount_rate", "--spread", "--json")
    assert (code, err) == (0, "")
    found = strict(out)
    assert isinstance(found, dict)
    shares = [row["share"] for row in found["rows"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0)
    assert found["rows"][0]["row"].startswith("finance.")
    assert found["low"] < found["value"] < found["high"]
    refused(
        call("explain", answer, "site.pue", "--spread"), "a band is of a positive number; given 'site.pue'"
    )


@pytest.mark.parametrize("columns", ["60", "80"])
def test_names_stay_whole_in_a_narrow_terminal(
    call: Call, answer: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert "ledger.cost_per_mtoken" in call("explain", answer)[1]
    assert "memory_bandwidth" in call("catalog", "show", "chips", "H100")[1]
    assert "llama-4-maverick" in call("catalog", "list", "models")[1]


def test_catalog(call: Call) -> None:
    code, out, _ = call("catalog", "list")
    assert code == 0
    assert "chips" in out
    code, out, _ = call("catalog", "list", "chips", "--json")
    listed = strict(out)
    assert isinstance(listed, list)
    assert "H100-SXM5-80GB" in {row["id"] for row in listed}
    code, out, _ = call("catalog", "show", "chips", "H100", "--json")
    shown = strict(out)
    assert isinstance(shown, dict)
    assert all(row["grade"] and row["source_id"] and row["where"] for row in shown["numbers"])
    code, out, err = call("catalog", "show", "chips", "H100")
    assert (code, err) == (0, "")
    assert "memory_bandwidth" in out
    out = call("catalog", "show", "software_frameworks", "megatron-core")[1]  # texts alone have a source too
    assert "source: training-features section 2" in out
    assert "Measured ablations of training software" in out


def test_doctor(call: Call) -> None:
    code, out, err = call("doctor", "--json")
    assert (code, err) == (0, "")
    found = strict(out)
    assert isinstance(found, dict)
    assert found["gigawatt"] == __version__
    names = {row["package"]: row["version"] for row in found["packages"]}
    assert names["numpy"] != "missing"
    assert names["clarabel"] != "missing"
    assert "torch" in names
    assert found["user_catalog"] == {"folder": None, "entries": {}}
    code, out, _ = call("doctor")
    assert code == 0
    assert __version__ in out
    assert re.search(r"user catalog +none", out)


def test_a_user_catalog_is_named(call: Call, tmp_path: Path) -> None:
    from gigawatt import catalog
    from gigawatt.catalog import loader

    rows = ("id,quantity,value,low,high,unit,year,currency_year,grade,source_id,locator,note",
            "H100-SXM5-80GB,power_limit,650,,,W,2026,,measured,my-meter,,held lower here")  # fmt: skip
    (tmp_path / "chips.details.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "mine.csv").write_text(
        "id,title,publisher,year,url,licence\nmy-meter,My meter,me,2026,,\n"
    )
    catalog.use_user_catalog(tmp_path)
    try:
        code, out, err = call("doctor")
        assert (code, err) == (0, "")
        assert "chips: H100-SXM5-80GB" in out
        assert "chips: H100-SXM5-80GB" in call("catalog", "list")[1]
        out = call("catalog", "list", "chips")[1]
        assert out.count("user catalog") == 2  # its row, and where it lies
        assert strict(call("doctor", "--json")[1])["user_catalog"]["entries"] == {"chips": ["H100-SXM5-80GB"]}
    finally:
        loader._chosen.clear()
        loader.forget()


@pytest.mark.parametrize("table", ["memory", "collectives"])  # the others: tests/golden
def test_validate_tables(call: Call, table: str) -> None:
    code, out, err = call("validate", table, "--json")
    assert (code, err) == (0, "")
    card = strict(out)
    assert card["table"] == table
    assert len(card["groups"]) > 4
    code, out, err = call("validate", table)
    assert (code, err) == (0, "")
    assert "predicted - measured" in out or "judge" in out
    assert "nan" not in out.lower().split()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("memry",), "no such table of measured rows.*did you mean 'memory'"),
        (("memory", "--rows", "nonexistent"), "no such file of measured rows"),
        (("power", "--rows", "nonexistent"), "no such file of measured rows"),
        (("collectives", "--rows", "nonexistent"), "no measured collectives here; given 'nonexistent'"),
        (("kernels", "--rows", "nonexistent"), "nonexistent"),
        (("power", "--rows", "README.md"), "README.md"),
        (("collectives", "--rows", "."), "no measured collectives here.*nccl__DEVICE.parquet"),
    ],
)
def test_validate_refuses_in_one_line(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("# nothing measured\n")
    refused(call("validate", *words), says)


def test_a_bad_cell_of_a_power_table_is_named(call: Call, tmp_path: Path) -> None:
    from gigawatt.validation.files import data_folder

    text = (data_folder() / "power.csv").read_text()
    (tmp_path / "mine.csv").write_text(text)
    code, out, _ = call("validate", "power", "--rows", tmp_path / "mine.csv", "--json")
    assert code == 0
    assert {"time", "energy", "watts"} <= {group["what"] for group in json.loads(out)["groups"]}
    (tmp_path / "mine.csv").write_text(text.replace(",300,275,", ",300,much,", 1))
    refused(
        call("validate", "power", "--rows", tmp_path / "mine.csv"),
        r"mine\.csv:\d+: cap: not a number; given 'much'",
    )


def test_version(call: Call) -> None:
    assert call("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_short_and_has_an_example(call: Call, command: str) -> None:
    code, out, err = call(*command.split(), "--help")
    assert (code, err) == (0, "")
    assert f"Example: gigawatt {command}" in out or len(out.splitlines()) <= 9
    groups = re.findall(r"^(\w[\w, ]*):$", out, re.M)
    assert len(out.splitlines()) <= 30 or len(groups) > 3
    assert all(len(part.strip().splitlines()) <= 25 for part in re.split(r"^\w[\w, ]*:$", out, flags=re.M))


def test_nothing_said_is_help(call: Call) -> None:
    code, out, err = call()
    assert (code, err) == (0, "")
    for command in COMMANDS:
        assert command.split()[0] in out


# what is wrong: one line, exit code 2, nothing written


def refused(done: tuple[int, str, str], says: str) -> None:
    code, out, err = done
    assert (code, out) == (2, ""), err
    assert len(err.splitlines()) == 1, err
    assert err.startswith("gigawatt: ")
    assert "Traceback" not in err
    assert re.search(says, err), err


PLACE = r"small\.yaml"

#: what is wrong → what stood there, what stands there, in which line (0: none), what is said about it
BAD = [
    (
        "an unknown key",
        "tokens:",
        "tokens_:",
        3,
        r"training\.tokens_: unknown key.*allowed: tokens,.*did you mean 'tokens'",
    ),
    ("an unknown section", "site:", "sight:", 9, r"sight: unknown key.*did you mean 'site'"),
    ("no unit", "1T tokens", "15e12", 3, r"training\.tokens: the unit is missing; given '15e12'; allowed"),
    (
        "a wrong unit",
        "1T tokens",
        "1 TB",
        3,
        r"training\.tokens: 'TB' is the wrong kind of unit here; given '1 TB'",
    ),
    ("an unknown unit", "1T tokens", "1T tokns", 3, r"training\.tokens: unknown unit"),
    ("a zero count", "count: 64", "count: 0", 8, r"machine\.count: not a count; given '0'"),
    ("a negative count", "count: 64", "count: -8", 8, r"machine\.count: not a count; given '-8'"),
    ("a broken count", "count: 64", "count: 6.5", 8, r"machine\.count: not a count"),
    ("too large a count", "count: 64", "count: 1e30", 8, r"machine\.count: out of range"),
    ("no tokens", "1T tokens", "0 tokens", 3, r"training\.tokens: out of range"),
    ("beyond counting", "1T tokens", "1e300 tokens", 3, r"training\.tokens: out of range"),
    ("half a token", "4096 tokens", "0.5 tokens", 4, r"training\.sequence: not a count"),
    ("half a sequence", "512 sequences", "0.5 sequences", 5, r"training\.global_batch: not a batch"),
    ("no size", "  count: 64\n", "", 6, r"machine: give the machine's size"),
    (
        "an unknown model",
        "llama-3.1-8b",
        "llama-3.1-9b",
        1,
        r"model: no such model; given 'llama-3.1-9b'.*did you mean",
    ),
    ("an unknown chip", "H100-SXM5-80GB", "H1000-SXM5", 7, r"machine\.chip: no such entry.*did you mean"),
    (
        "an unknown site",
        "abilene-texas",
        "abilen-texas",
        10,
        r"site\.name: no such.*did you mean 'abilene-texas'",
    ),
    (
        "no weather file",
        "abilene-texas",
        "abilene-texas\n  weather: no.csv",
        11,
        r"site\.weather: no such weather file; given '.*no\.csv'",
    ),
    (
        "a folder for a weather file",
        "abilene-texas",
        "abilene-texas\n  weather: .",
        11,
        r"site\.weather: no such weather file",
    ),
    (
        "a list for a section",
        "site:\n",
        "layout: [1]\nsite:\n",
        9,
        r"layout: should be a mapping of keys; given",
    ),
    (
        "a recomputation nobody knows",
        "site:",
        "layout: {recompute: ful}\nsite:",
        9,
        r"layout\.recompute: unknown value; .*'full'",
    ),
    ("a chip without rates", "H100-SXM5-80GB", "Feynman", 0, r"Feynman: this chip has no peak rate"),
    (
        "no connection and nothing else",
        "[grid]",
        "[grid]\n  grid: {limit: 0 W}",
        12,
        r"supply\.plants: .* cannot serve any",
    ),
    ("an unknown cooling", "abilene-texas", "abilene-texas\n  cooling: ice", 11, r"site\.cooling: no such"),
    (
        "an unknown plant",
        "[grid]",
        "[grid, soler]",
        12,
        r"supply\.plants: no such plant; given 'soler'.*did you mean 'solar'",
    ),
    ("no plant", "[grid]", "[]", 12, r"supply\.plants: no plant here makes electricity"),
    ("a plant twice", "[grid]", "[grid, grid]", 12, r"supply\.plants: two plants"),
    ("a number for a list", "[grid]", "7", 12, r"supply\.plants: should be a list, such as \[grid, solar\]"),
    (
        "a layout that cannot divide",
        "site:",
        "layout:\n  tensor: 7\nsite:",
        10,
        r"layout\.tensor: a layout that cannot divide: 7 does not divide the accelerators \(64\)",
    ),
    (
        "too large a model",
        "llama-3.1-8b",
        "llama-3.1-405b",
        8,
        r"machine\.count: .*fits in none of [\d,]+ layouts: the closest lacks [\d.]+ GB per device",
    ),
    (
        "an impossible carbon limit",
        "[grid]",
        "[grid]\n  carbon_limit: 5 g/kWh",
        13,
        r"supply\.carbon_limit: the carbon limit of 5 g/kWh cannot be met .* [\d.]+ g/kWh too much",
    ),
    (
        "a price of nothing",
        "[grid]",
        "[grid]\n  not_served_price: 0 $/MWh",
        13,
        r"supply\.not_served_price: not a sensible value",
    ),
    (
        "a link nobody made",
        "count: 64",
        "count: 64\n  scale_up: nvlnk4",
        9,
        r"machine\.scale_up: no such entry.*did you mean 'nvlink4'",
    ),
    (
        "more runs than accelerators",
        "512 sequences",
        "512 sequences\n  runs: 65",
        6,
        r"training\.runs: more runs than accelerators; given 65; allowed: at most 64",
    ),
    (
        "too little power",
        "count: 64",
        "power: 100 W",
        8,
        r"machine\.power: the power is too small for one accelerator",
    ),
    (
        "a key twice",
        "  count: 64\n",
        "  count: 64\n  count: 64\n",
        9,
        r"machine\.count: this key stands twice",
    ),
    ("an alias that holds itself", "[grid]", "&a [*a]", 12, r"not YAML: an alias is not read here"),
    ("a date that is none", "[grid]", "2026-13-45", 0, r"not YAML"),
    ("a tab", "  chip:", "\tchip:", 7, r"not YAML"),
    ("nothing but brackets", SCENARIO, "[" * 5000, 0, r"not a scenario: it is nested too deeply"),
    ("nothing", SCENARIO, "", 1, r"not a scenario"),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_bad_input_is_one_line(call: Call, tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in SCENARIO
    place = rf"small\.yaml:{line}: " if line else r"\.(yaml|csv): "
    (tmp_path / "small.yaml").write_text(SCENARIO.replace(old, new, 1))
    refused(call("run", tmp_path / "small.yaml", "--out", tmp_path / "out", "--json"), place + says)
    assert [entry.name for entry in tmp_path.iterdir()] == ["small.yaml"]


KNOWN = r"allowed: .*deepseek_v2, deepseek_v3, .*llama.*qwen3_moe"
MODELS = [
    (
        "no transformer",
        '{"depths": [1, 2]}',
        rf"m\.json: model_type: this is no transformer's configuration.*{KNOWN}",
    ),
    (
        "an unknown family",
        '{\n "model_type": "mystery"\n}',
        rf"m\.json:2: model_type: this model family is not known; given 'mystery'; {KNOWN}",
    ),
    (
        "a near family",
        '{"model_type": "lama"}',
        r"m\.json:1: model_type: .* given 'lama'.*did you mean 'llama'",
    ),
    (
        "half a configuration",
        '{"model_type": "llama", "hidden_size": 4096}',
        r"m\.json: \w+: this key is missing",
    ),
    (
        "a negative size",
        '{"model_type": "llama", "num_hidden_layers": 2, "num_attention_heads": 8, "hidden_size": -1}',
        r"m\.json:1: hidden_size: this is not a size; given -1",
    ),
    ("no JSON", "model_type: llama", r"m\.json:1: broken JSON"),
    ("a list", "[1, 2]", r"m\.json: this is no configuration"),
    ("an empty file", "", r"m\.json:1: broken JSON"),
]


@pytest.mark.parametrize(("text", "says"), [row[1:] for row in MODELS], ids=[row[0] for row in MODELS])
def test_a_bad_configuration_is_one_line(call: Call, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "m.json").write_text(text)
    (tmp_path / "small.yaml").write_text(SCENARIO.replace("llama-3.1-8b", "m.json"))
    refused(call("run", tmp_path / "small.yaml", "--out", tmp_path / "out"), says)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m.json", "small.yaml"]


def test_a_site_without_weather(
    call: Call, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    import gigawatt.chain.shared_leaves as leaves
    from gigawatt.catalog.loader import forget

    forget()  # what earlier scenarios of this process loaded
    load = leaves.load_site
    monkeypatch.setattr(leaves, "load_site", lambda name: dataclasses.replace(load(name), weather=""))
    monkeypatch.setattr(leaves, "once", lambda key, call: call())
    refused(
        call("run", scenario, "--out", tmp_path / "out"),
        rf"{PLACE}:10: site\.\w+: the site 'abilene-texas' has no weather; allowed: the path of an EPW",
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "nowhere.yaml"], "no such scenario file; given 'nowhere.yaml'"),
        (["run"], "[Mm]issing argument"),
        (["runn", "x.yaml"], "No such command 'runn'"),
        (["run", "x.yaml", "--jsn"], "No such option: --jsn"),
        (["explain", "nowhere", "training.mfu"], "no result here; given 'nowhere'"),
        (["catalog", "list", "chps"], "no such catalog table; given 'chps'.*did you mean 'chips'"),
        (["catalog", "show", "chips", "H10"], "no such entry in the catalog's chips; given 'H10'"),
        (["catalog", "show", "chps", "H100"], "no such catalog table"),
        (["validate", "trainng"], "given 'trainng'; allowed: training.*did you mean 'training'"),
        (["validate", "training", "--rows", "nowhere.csv"], "nowhere.csv"),
        (["explain", ".", "x", "--depth", "-1"], "--depth"),
        (["explain", ".", "x", "--depth", "two"], "--depth"),
    ],
)
def test_bad_words_are_one_line(call: Call, words: list[str], says: str) -> None:
    refused(call(*words), says)


def test_an_unknown_quantity_gives_the_nearest(call: Call, answer: Path) -> None:
    refused(
        call("explain", answer, "trainig.mfu"),
        "no such quantity; given 'trainig.mfu'; did you mean 'training.mfu'",
    )


def test_an_output_folder_that_is_a_file(call: Call, scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    refused(call("run", scenario, "--out", tmp_path / "taken"), "the output folder is a file")
    assert (tmp_path / "taken").read_text() == "mine"


def test_coordinates_in_the_south_are_no_option(call: Call) -> None:
    code, out, _ = call("plan-supply", "-33.4,-70.6", "--load", "1 MW", "--plants", "grid", "--json")
    assert code == 0
    assert json.loads(out)["site"] == "-33.4,-70.6"


def test_a_binary_scenario(call: Call, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_bytes(bytes(range(128, 256)))
    refused(call("run", tmp_path / "small.yaml"), rf"{PLACE}: not a UTF-8 text file")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupted_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "llama-3.1-405b-texas.yaml"
    code = "from gigawatt.faces.terminal import main; print('up', flush=True); main()"
    words = [sys.executable, "-c", code, "run", str(example), "--out", str(tmp_path / "out")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1.0)  # it reads, searches or plans
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "gigawatt: interrupted; nothing half-written was left\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (("plan-supply", "--site", "texas"), "gigawatt plan-supply SITE"),
        (("plan-training", "--chip-life", "3 years"), "--set economics.chip_life=VALUE"),
        (("plan-training", "--discount", "5 %"), "--set economics.discount_rate=VALUE"),
    ],
)
def test_an_option_that_is_none_names_the_field(call: Call, words: tuple[str, ...], mend: str) -> None:
    code, _, err = call(*words)
    assert code == 2
    assert err.endswith(f"allowed: {mend}\n")


def _interrupted(code: str, folder: Path) -> tuple[int, str, str]:
    """(exit code, output, errors) of a command line whose command is ``run`` of ``code``.

    The codes wait for longer than they may take: an interrupt ends a wait of the system too.
    """
    code = f"from gigawatt.faces.terminal import app\n{code}\napp.app = run\napp.main([])"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return told.returncode, told.stdout, told.stderr


_SAID = (130, "", "gigawatt: interrupted; nothing half-written was left\n")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_waits_for_imports(tmp_path: Path) -> None:
    """NumPy's C interface and DuckDB print, or abort, over an exception."""
    (tmp_path / "compiled.py").write_text(
        "import signal\n"
        "try:\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "except BaseException:\n"
        "    print('disturbed', flush=True)\n"
    )
    code = "import time\ndef run(**words):\n    import compiled\n    time.sleep(300.0)"
    assert _interrupted(code, tmp_path) == _SAID


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("method", "used"),
    [
        ("__del__(self)", "del [Raises()][:]"),  # exceptions of it are ignored: it comes again
        ("__set_name__(self, owner, name)", "type('Owner', (), {'name': Raises()})"),  # a RuntimeError
    ],
)
def test_an_interrupt_that_is_lost_or_changed_is_one(tmp_path: Path, method: str, used: str) -> None:
    code = (
        "import signal, time\n"
        "class Raises:\n"
        f"    def {method}:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "def run(**words):\n"
        f"    {used}\n"
        "    time.sleep(300.0)"
    )
    assert _interrupted(code, tmp_path) == _SAID


@pytest.mark.parametrize(
    ("typed", "said"), [("abc", "not a number"), ("1.5", "not a whole number"), ("1e400", "finite")]
)
def test_a_count_that_is_none_names_its_option(call: Call, typed: str, said: str) -> None:
    code, _, err = call("plan-training", "--model", "llama-3.1-8b", "--chip", "H100", "--count", typed)
    assert code == 2
    assert "--count" in err
    assert said in err


def test_a_count_may_have_commas(call: Call) -> None:
    words = ("plan-training", "--model", "llama-3.1-8b", "--chip", "H100", "--json", "--count")
    made = [json.loads(call(*words, typed)[1]) for typed in ("10,000", "10000")]
    assert made[0]["count"] == made[1]["count"] == 10_000
    assert made[0]["days"] == made[1]["days"]


@pytest.mark.parametrize(
    ("said", "options", "draws"),
    [
        ("", ["--draws", "150"], 150),
        ("uncertainty: false\n", [], None),
        ("uncertainty: false\n", ["--uncertainty"], 2000),
        ("uncertainty: true\n", ["--no-uncertainty"], None),
        ("", [], 2000),
    ],
)
def test_run_draws_unless_it_is_told_not_to(
    said: str,
    options: list[str],
    draws: int | None,
    call: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        f"{said}model: llama-3.1-8b\nyear: 2026\nsite: abilene-texas\nsupply: {{price: 60 $/MWh}}\n"
        "training: {tokens: 1T tokens}\nmachine: {chip: H100, count: 8}\n"
    )
    code, output, errors = call("run", file, "--out", tmp_path / "out", "--json", *options)
    assert code == 0, errors
    found = json.loads(output)
    assert ("uncertainty" in found) == (draws is not None)
    assert found["run"].get("uncertainty", {}).get("draws") == draws


@pytest.mark.apart
def test_compare_draws_of_two_and_of_three(call: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    files: list[Path] = []
    for chip in ("H100", "H200", "A100"):
        file = tmp_path / f"{chip}.yaml"
        file.write_text(
            "model: llama-3.1-8b\nyear: 2026\nsite: abilene-texas\nsupply: {price: 60 $/MWh}\n"
            f"training: {{tokens: 1T tokens}}\nmachine: {{chip: {chip}, count: 8}}\n"
        )
        files.append(file)

    def decided(*words: str | Path) -> bool:
        code, output, errors = call("compare", *words, "--no-split", "--json")
        assert code == 0, errors
        return bool(json.loads(output)["decisions"])

    assert decided(*files[:2])
    assert not decided(*files[:2], "--no-uncertainty")
    assert decided(*files)

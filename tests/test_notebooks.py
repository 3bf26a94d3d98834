"""The notebooks run from the first cell to the last, draw what they say, and agree with the command line."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
NAMES = ("training-plan", "serving-campus", "outlook")


def pages() -> ModuleType:
    """docs/_site/notebook_pages.py, which is no module of the package."""
    spec = importlib.util.spec_from_file_location("notebook_pages", ROOT / "docs/_site/notebook_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stored(name: str) -> dict[str, Any]:
    return json.loads((pages().NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))


#: In the kernel before the first cell: warnings are errors, and every file opened for writing, folder made or
#: file moved outside of the folder that was given is noted.
BEFORE = """
import os, sys, warnings
warnings.simplefilter("error")
_inside = tuple(os.path.realpath(f) for f in ({folder!r}, os.environ["JUPYTER_RUNTIME_DIR"])) + ("/dev/",)
_strays = []
def _watch(event, given):
    if event == "open":
        path, mode, flags = given
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if mode is None else set(mode) & set("wax+")
        if not writes or not isinstance(path, str | bytes):
            return
        paths = (path,)
    elif event in ("os.mkdir", "os.remove", "os.rmdir"):
        paths = given[:1]
    elif event == "os.rename":
        paths = given[:2]
    else:
        return
    for path in paths:
        real = os.path.realpath(os.fsdecode(path))
        if not real.startswith(_inside) and "__pycache__" not in real:  # what compilers keep
            _strays.append(f"{{event}} {{real}}")
sys.addaudithook(_watch)
"""
#: After the last cell: what the test compares, as JSON on a line of its own.
PROBES = {
    "training-plan": """dict(
        chip=CHIP, count=COUNT, config=config, yaml=Path("lab.yaml").read_text(),
        plan={key: best[key] for key in ("days", "days_low", "days_high", "step_time_s", "mfu", "cost_USD")},
        relief=best["relief"], capital=result["ledger.total_capital"], window=WINDOW,
    )""",
    "serving-campus": """dict(
        chip=CHIP, yaml=Path("campus.yaml").read_text(),
        plan={key: best[key] for key in ("chips", "replicas", "USD_per_million_output_tokens", "ttft_s")},
        cost=result["economics.cost_million_output"], replicas=result["serving.replicas"],
        sweep=len(points),
    )""",
    "outlook": """dict(
        bands={name: base["bands"][name]["values"] for name in ("feasible", "electricity", "actors")},
        binding=base["binding_actual"], twice=twice["bands"]["electricity"]["values"],
        overrides=[row["key"] for row in twice["overrides"]],
    )""",
}
FIGURES = {"training-plan": 6, "serving-campus": 9, "outlook": 9}


def command(*words: str, cwd: Path) -> Any:
    """What a command prints with ``--json``."""
    done = subprocess.run(
        [sys.executable, "-c", "from gigawatt.faces.terminal import main; main()", *words, "--json"],
        capture_output=True, text=True, timeout=300, cwd=cwd,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def executed(name: str, folder: Path) -> tuple[Any, Any]:
    """(the notebook with outputs, what its probe says), run in ``folder``."""
    module = pages()
    before = BEFORE.format(folder=str(folder))
    told = f"dict(strays=_strays, said={PROBES[name]})"
    after = f"import json\nwarnings.simplefilter('default')\nprint(json.dumps({told}))"
    node = module.execute(module.NOTEBOOKS / f"{name}.ipynb", folder, before=before, after=after)
    probe = node.cells.pop()
    assert [one["output_type"] for one in probe.outputs] == ["stream"], probe.outputs
    found = json.loads(probe.outputs[0]["text"])
    assert found["strays"] == []
    return node, found["said"]


def check_outputs(name: str, node: Any) -> None:
    """No cell complained, and every cell that ends in a figure drew one."""
    module = pages()
    for cell in node.cells:
        if cell.cell_type != "code":
            continue
        kinds = {one["output_type"] for one in cell.outputs}
        assert "error" not in kinds
        errors = [o["text"] for o in cell.outputs if o["output_type"] == "stream" and o["name"] == "stderr"]
        assert errors == [], cell.source
        if ".figure(" in cell.source or "go.Figure(" in cell.source:
            assert module.figures(SimpleNamespace(cells=[cell])), cell.source
    drawn = module.figures(node)
    assert len(drawn) >= FIGURES[name]
    for figure in drawn:
        assert figure["data"]
        assert figure["layout"]["title"]["text"]
        assert len(json.dumps(figure)) < 400_000


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_stored_without_outputs_and_small(name: str) -> None:
    notebook = stored(name)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    for cell in code:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert len(json.dumps(notebook)) < 100_000
    assert notebook["cells"][0]["source"][0].startswith("# ")


def test_every_notebook_is_tested() -> None:
    assert sorted(file.stem for file in pages().NOTEBOOKS.glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_prose_of_notebooks_has_no_formula_by_accident(name: str) -> None:
    """Two dollar signs in a paragraph are a formula to a notebook."""
    for cell in stored(name)["cells"]:
        if cell["cell_type"] == "markdown":
            assert "".join(cell["source"]).count("$") == 0


@pytest.mark.apart
def test_the_training_plan_runs_and_agrees_with_the_command(tmp_path: Path) -> None:
    node, said = executed("training-plan", tmp_path)
    check_outputs("training-plan", node)
    (tmp_path / "config.json").write_text(json.dumps(said["config"]))
    (tmp_path / "lab.yaml").write_text(said["yaml"])
    answer = command(
        "plan-training", "--model", "config.json", "--chip", said["chip"], "--count", str(said["count"]),
        "--tokens", "5T", "--batch", "16M tokens", "--sequence", "8192", "--site", "abilene-texas",
        "--year", "2026", "--relief",
        cwd=tmp_path,
    )  # fmt: skip
    for key, value in said["plan"].items():
        assert answer[key] == pytest.approx(value, rel=1e-12), key
    assert [row["gain"] for row in answer["relief"]] == pytest.approx([row["gain"] for row in said["relief"]])
    assert answer["days_high"] <= said["window"]

    text = said["yaml"].replace("chip: H100", f"chip: {said['chip']}").replace("1024", str(said["count"]))
    (tmp_path / "chosen.yaml").write_text(text)
    run = command("run", "chosen.yaml", cwd=tmp_path)
    capital = run["quantities"]["ledger.total_capital"]
    assert capital["value"] * 1e6 == pytest.approx(said["capital"], rel=1e-9)


@pytest.mark.apart
def test_the_serving_campus_runs_and_agrees_with_the_command(tmp_path: Path) -> None:
    node, said = executed("serving-campus", tmp_path)
    check_outputs("serving-campus", node)
    answer = command(
        "plan-serving", "--model", "llama-3.1-70b", "--chip", said["chip"], "--rate", "30000/s",
        "--trace", "azure-conversation-2023", "--objective", "mlperf-llama2-70b-interactive",
        "--weights", "fp8", "--cache", "fp8", "--site", "virginia",
        cwd=tmp_path,
    )  # fmt: skip
    for key, value in said["plan"].items():
        assert answer[key] == pytest.approx(value, rel=1e-9), key
    assert said["sweep"] == 15

    (tmp_path / "campus.yaml").write_text(said["yaml"])
    run = command("run", "campus.yaml", cwd=tmp_path)
    assert run["quantities"]["serving.replicas"]["value"] == said["replicas"]
    cost = run["quantities"]["economics.cost_million_output"]
    assert cost["value"] * 1e-6 == pytest.approx(said["cost"], rel=1e-9)


@pytest.mark.apart
def test_the_outlook_runs_and_agrees_with_the_command(tmp_path: Path) -> None:
    node, said = executed("outlook", tmp_path)
    check_outputs("outlook", node)
    answer = command("outlook", "--draws", "20000", cwd=tmp_path)
    for name, values in said["bands"].items():
        assert answer["bands"][name]["values"] == values, name
    assert answer["binding_actual"] == said["binding"]
    assert said["overrides"] == ["grid_rate"]
    assert said["twice"] != answer["bands"]["electricity"]["values"]


def small(folder: Path, *cells: Any) -> Path:
    """A notebook of a few cells."""
    import nbformat

    node = nbformat.v4.new_notebook(cells=list(cells))
    nbformat.write(node, folder / "small.ipynb")
    return folder / "small.ipynb"


def test_a_stray_file_is_noticed(tmp_path: Path) -> None:
    import nbformat

    inside, outside = tmp_path / "inside", tmp_path / "outside.txt"
    inside.mkdir()
    cells = [
        nbformat.v4.new_code_cell(code)
        for code in ("open('here.txt', 'w').close()", f"open({str(outside)!r}, 'w').close()")
    ]
    file = small(tmp_path, *cells)
    node = pages().execute(file, inside, before=BEFORE.format(folder=str(inside)), after="print(_strays)")
    assert node.cells[-1].outputs[0]["text"].strip() == str([f"open {outside}"])


def test_a_warning_and_an_error_stop_a_notebook(tmp_path: Path) -> None:
    import nbformat
    from nbclient.exceptions import CellExecutionError

    for code in ("import warnings\nwarnings.warn('old')", "assert False"):
        file = small(tmp_path, nbformat.v4.new_code_cell(code))
        with pytest.raises(CellExecutionError):
            pages().execute(file, tmp_path, before=BEFORE.format(folder=str(tmp_path)))


def test_a_page_has_tables_and_figures_and_nothing_from_the_network(tmp_path: Path) -> None:
    import nbformat

    module = pages()
    code = (
        "import gigawatt\nplan = gigawatt.plan_training(model='llama-3.1-8b', chip='H100', count=64)\n"
        "plan.figure('step_parts')"
    )
    file = small(
        tmp_path,
        nbformat.v4.new_markdown_cell("# A page\n\nIt costs 2 M\\$."),
        nbformat.v4.new_code_cell(code),
        nbformat.v4.new_code_cell("plan.table('best')[['step_time_s', 'mfu']]"),
        nbformat.v4.new_code_cell("print(plan['count'])"),
    )
    text = module.as_markdown(module.execute(file, tmp_path), "small", "../..")
    assert "It costs 2 M$." in text
    assert "```text\n64\n```" in text
    assert "<table><thead>" in text
    assert "dataframe" not in text
    assert "<style" not in text
    assert '<script src="../../assets/plotly.min.js"></script>' in text
    assert text.count("Plotly.newPlot") == 1
    assert "http" not in text
    assert "newPlot" in module.plotly_script()


def test_pages_without_a_run_have_words_and_code() -> None:
    module = pages()
    made = module.notebook_pages(run=False)
    assert sorted(made) == sorted([module.SCRIPT, *(f"notebooks/{name}.md" for name in NAMES)])
    for name in NAMES:
        text = made[f"notebooks/{name}.md"]
        assert text.startswith("# ")
        assert "Not executed here" in text
        assert f"notebooks/{name}.ipynb" in text
        assert "import gigawatt" in text
        assert "Plotly" not in text

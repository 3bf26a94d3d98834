"""The house keeps its habits: short files, docstrings, a quick import, no machine's name, a true README."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

import gigawatt

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "gigawatt"
MODULES = sorted(SOURCE.rglob("*.py"))
MIDDLE = (
    "core",
    "schema",
    "catalog",
    "workload",
    "machine",
    "technology",
    "performance",
    "serving",
    "facility",
    "power",
    "money",
    "chain",
    "studies",
)

MOST_LINES = 500
#: Files that may be a little longer (520 at most), with the reason.
LONGER: dict[str, str] = {}

#: What an import of the package must not bring: a second and hundreds of megabytes of memory.
HEAVY = ("pandas", "plotly", "scipy", "duckdb", "clarabel", "highspy", "xarray", "pint", "jinja2", "rich")


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def texts() -> Iterator[Path]:
    """Every text that the repository ships."""
    kinds = {".py", ".md", ".yaml", ".yml", ".toml", ".csv", ".j2", ".js", ".css", ".json"}
    for folder in ("src", "tests", "docs", "examples", "benchmarks", "validation"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in kinds and "__pycache__" not in file.parts:
                yield file
    tops = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "pyproject.toml")
    yield from (ROOT / name for name in tops)


def python(code: str, *options: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=120, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_file_is_short() -> None:
    lines = {relative(file): len(file.read_text(encoding="utf-8").splitlines()) for file in MODULES}
    assert lines
    assert {file: n for file, n in lines.items() if n > (520 if file in LONGER else MOST_LINES)} == {}


def test_no_file_is_excused_that_need_not_be() -> None:
    for name, reason in LONGER.items():
        assert reason
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) > MOST_LINES, name


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def offered(tree: ast.Module) -> list[str]:
    """What stands in ``__all__``."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return ast.literal_eval(node.value)  # type: ignore[attr-defined]
    return []


def public(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The functions and classes that a module offers, and the public methods of these classes."""
    names = offered(tree)
    for node in tree.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name in names:
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, FUNCTIONS) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner


@pytest.mark.parametrize("room", MIDDLE)
def test_every_public_name_says_what_it_is(room: str) -> None:
    silent: list[str] = []
    for file in sorted((SOURCE / room).rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text)
        if text.strip() and not ast.get_docstring(tree):
            silent.append(relative(file))
        silent.extend(
            f"{relative(file)}:{name}"
            for name, node in public(tree)
            if not ast.get_docstring(node)  # type: ignore[arg-type]
        )
    assert silent == []


def defined(tree: ast.Module) -> set[str]:
    """Names that a module defines, imports or assigns."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def missing(file: Path) -> set[str]:
    """Names in a module's ``__all__`` that it does not define."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    lazy = {"Result", "Study"} if file == SOURCE / "__init__.py" else set()
    return set(offered(tree)) - defined(tree) - lazy


def test_what_a_module_offers_is_there() -> None:
    assert {relative(file): names for file in MODULES if (names := missing(file))} == {}


def imported(file: Path, names: set[str]) -> set[str]:
    """Modules of the package that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{relative(file)} imports relatively"
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found & names


def test_files_import_one_way() -> None:
    """No circle between files, imports inside functions counted; packages' own files are left out."""
    files = {
        ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts): file
        for file in MODULES
        if file.name != "__init__.py"
    }
    graph = {name: imported(file, set(files)) - {name} for name, file in files.items()}
    order = list(TopologicalSorter(graph).static_order())  # CycleError names the files of a circle
    assert len(order) == len(files) > 500


def test_what_tests_and_benchmarks_import_is_there() -> None:
    """Read, not run: what needs torch is collected in no other suite."""
    modules = {
        ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for file in MODULES
    }
    trees = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in modules.items()}
    names = {name: defined(tree) | set(offered(tree)) for name, tree in trees.items()}
    lost: list[str] = []
    for file in sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                asked = [one.name for one in node.names if one.name.split(".")[0] == "gigawatt"]
                lost.extend(f"{relative(file)}: {name}" for name in asked if name not in modules)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gigawatt":
                module = str(node.module)
                lost.extend(
                    f"{relative(file)}: {module}.{one.name}"
                    for one in node.names
                    if f"{module}.{one.name}" not in modules and one.name not in names.get(module, ())
                )
    assert lost == []


#: Imports every module of the package alone: a process per module, forked from one that has the libraries.
ALONE = """
import gc, importlib, os, sys
for name in {libraries!r}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
gc.disable()
gc.freeze()
for name in sys.argv[1:]:
    if os.fork() == 0:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in {extras!r}:
                print(name + ": " + str(error), flush=True)
        except BaseException as error:
            print(name + ": " + type(error).__name__ + ": " + str(error), flush=True)
        os._exit(0)
    os.wait()
print("all")
"""
LIBRARIES = (
    "numpy", "pandas", "scipy.optimize", "scipy.sparse", "scipy.special", "scipy.stats", "pint", "pydantic",
    "duckdb", "plotly.graph_objects", "typer", "rich.console", "jinja2", "clarabel", "highspy", "numba",
    "yaml", "fastapi", "fastapi.testclient", "uvicorn", "xarray",
)  # fmt: skip
EXTRAS = ("torch", "transformers", "gguf", "qdk", "pypsa", "fastapi", "uvicorn", "distributed")


@pytest.mark.apart
def test_packages_and_every_eighth_module_can_be_imported_first() -> None:
    """No circle at run time either, packages' own files counted; what an extra needs may be missing."""
    packages = [file for file in MODULES if file.name == "__init__.py"]
    names = [
        ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for file in (*packages, *MODULES[::8])
    ]
    code = ALONE.format(libraries=LIBRARIES, extras=EXTRAS)
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, timeout=600)
    assert done.stdout.splitlines() == ["all"], done.stderr


def test_the_import_is_quick() -> None:
    """At most half a second; the best of three, since other processes share the machine."""
    code = "import time; t = time.perf_counter(); import gigawatt; print(time.perf_counter() - t)"
    seconds = min(float(python(code)) for _ in range(3))
    assert seconds <= 0.5, f"import gigawatt takes {seconds:.2f} s"


def test_the_import_is_light() -> None:
    code = f"import sys, gigawatt; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert python(code).strip() == "[]"


def test_help_does_not_load_the_rooms() -> None:
    code = (
        "import sys, gigawatt.faces.terminal.app\n"
        f"print([m for m in {HEAVY!r} + ('numpy', 'gigawatt.chain.graph') if m in sys.modules])"
    )
    assert set(ast.literal_eval(python(code))) <= {"rich"}  # typer brings rich


def test_no_text_names_a_machine() -> None:
    """No absolute path of somebody's machine, no address of a host, no home folder."""
    wrong = re.compile(
        r"(?<![\w.])/(?:work|home/\w|Users/\w|root/|opt/\w|mnt/|tmp/\w)"
        r"|https?://(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[)"
        r"|\b(?:10|127|192\.168)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b"
    )
    found = [
        f"{relative(file)}:{number}: {line.strip()[:80]}"
        for file in texts()
        if file != Path(__file__)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if wrong.search(line)
    ]
    assert found == []


def test_the_product_does_not_read_outside_itself() -> None:
    found = [relative(file) for file in MODULES if "shared/" in file.read_text(encoding="utf-8")]
    assert found == []


# the README is true

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.M | re.S)


def test_the_readme_has_examples() -> None:
    assert blocks("python")
    assert any(line.startswith("gigawatt run") for block in blocks("sh") for line in block.splitlines())


@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: f"{len(code)} characters")
def test_the_python_of_the_readme_runs(code: str) -> None:
    python(code, "-W", "error", cwd=ROOT)


@pytest.mark.apart
def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    """One after the other, as a reader would type them, in a folder that holds the examples."""
    os.symlink(ROOT / "examples", tmp_path / "examples")
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("gigawatt ")]
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        if words[0] == "validate":
            continue  # minutes of predictions; tests/validation runs it
        if words[0] == "web":
            _serves(words, tmp_path)
            continue
        done = subprocess.run(
            [sys.executable, "-c", "from gigawatt.faces.terminal import main; main()", *words],
            capture_output=True, text=True, timeout=120, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert done.stdout.strip(), line


def _serves(words: list[str], folder: Path) -> None:
    """A command that serves says where, and ends when it is interrupted."""
    code = "from gigawatt.faces.terminal import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *words, "--port", "0", "--no-ahead"],
        stderr=subprocess.PIPE, text=True, cwd=folder,
    ) as server:  # fmt: skip
        assert server.stderr is not None
        try:
            assert re.fullmatch(
                r"gigawatt: http://localhost:\d+/ \(stop with Ctrl\+C\)\n", server.stderr.readline()
            )
        finally:
            server.send_signal(signal.SIGINT)
        server.communicate(timeout=120)


def test_the_readmes_yaml_is_a_scenario(tmp_path: Path) -> None:
    from gigawatt.chain.leaves import fill_leaves
    from gigawatt.schema.scenario import read_scenario

    found = blocks("yaml")
    assert found
    for number, text in enumerate(found):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        fill_leaves(read_scenario(file))


def test_the_readme_lists_every_example() -> None:
    for file in (ROOT / "examples").glob("*.yaml"):
        assert f"examples/{file.name}" in README, file.name


@pytest.mark.apart
def test_the_errors_and_the_picture_of_the_readme_are_todays() -> None:
    """`make readme` writes both; of the picture its labels are compared, which hold the numbers.

    Errors of a table whose answer is frozen are taken from there: the golden tests compute it.
    """
    import readme

    def errors(arguments: str) -> str:
        frozen = ROOT / f"tests/golden/answers/validate-{arguments}.json"
        if not frozen.is_file():
            return readme.errors(arguments)
        answer = json.loads(frozen.read_text(encoding="utf-8"))
        return readme.cells({**answer[""], "overall": answer["overall"]})

    assert readme.with_errors(README, errors) == README, "make readme"
    drawn = readme.PICTURE.read_text(encoding="utf-8")
    assert len(drawn.encode()) < 150_000
    labels = gigawatt.load(readme.EXAMPLE).run().figure("sankey").data[0].node.label
    assert len(labels) > 10
    assert [one for one in labels if f">{one}<" not in drawn] == [], "make readme"


def test_the_citation_and_the_hooks_say_what_the_project_is() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    assert cited["version"] == gigawatt.__version__
    assert (cited["license"], cited["keywords"]) == (project["license"], project["keywords"])
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for hook in local["hooks"]:
        assert hook["entry"] == ".ci/run" or f"\n{hook['entry']}\n" in ci, hook["id"]


def test_the_makefile_has_the_two_commands() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("install", "demo", "test", "lint", "bench"):
        assert re.search(rf"^{target}:", text, re.M), target
    for target in ("make demo", "make test"):
        assert target in README

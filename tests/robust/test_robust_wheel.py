"""The package as others get it: built, looked into, installed where nothing of this repository is, run."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "gigawatt"


def call(*words: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_"))}
    return subprocess.run(
        [*map(str, words)], capture_output=True, text=True, check=False, timeout=300, cwd=cwd,
        env=kept | {"OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "GIGAWATT_CATALOG": ""}
        | more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(the wheel that the source distribution gives, the source distribution)."""
    base = tmp_path_factory.mktemp("built")
    tools = base / "tools"
    got = call(sys.executable, "-m", "pip", "install", "-q", "--target", tools, "hatchling", cwd=base)
    if got.returncode:
        pytest.skip("hatchling, which builds the package, cannot be had here")
    done = call(
        sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", base, cwd=ROOT, PYTHONPATH=str(tools)
    )
    assert done.returncode == 0, done.stderr
    (source,) = base.glob("*.tar.gz")
    done = call(
        sys.executable, "-m", "pip", "wheel", "-q", source, "--no-deps", "--no-build-isolation", "-w", base,
        cwd=base, PYTHONPATH=str(tools),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = base.glob("*.whl")
    return wheel, source


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel, and what it needs from this one."""
    base = tmp_path_factory.mktemp("clean")
    assert call(sys.executable, "-m", "venv", base / "env", cwd=base).returncode == 0
    programs = base / "env" / ("Scripts" if os.name == "nt" else "bin")
    done = call(programs / "python", "-m", "pip", "install", "-q", "--no-deps", built[0], cwd=base)
    assert done.returncode == 0, done.stderr
    where = call(
        programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=base
    )
    needs = Path(where.stdout.strip()) / "needs.pth"  # after the environment's own, so that the wheel counts
    needs.write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def test_the_wheel_has_every_file_and_nothing_of_the_tests(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        (entry,) = (name for name in names if name.endswith("entry_points.txt"))
        assert b"gigawatt = gigawatt.faces.terminal:main" in archive.read(entry)
    tracked = subprocess.run(
        ["git", "ls-files", "src/gigawatt", "validation"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(tracked) > 300
    for name in tracked:
        inside = name.removeprefix("src/").replace("validation/", "gigawatt/validation/data/", 1) \
            if name.startswith("validation/") else name.removeprefix("src/")  # fmt: skip
        assert inside in names, name
    for name in names:
        assert name.startswith("gigawatt/") or ".dist-info/" in name, name
        assert "test" not in Path(name).name.lower() or name.endswith((".csv", ".html")), name
        assert "__pycache__" not in name


def test_the_source_distribution_builds_and_has_no_tests(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        tops = {Path(name).parts[1] for name in archive.getnames() if len(Path(name).parts) > 1}
    assert {"src", "validation", "examples", "LICENSE", "NOTICE", "README.md", "pyproject.toml"} <= tops
    assert not tops & {"tests", "benchmarks", "docs", ".ci", "results"}


@pytest.mark.apart
def test_it_runs_from_another_folder(installed: Path, tmp_path: Path) -> None:
    where = call(installed / "python", "-c", "import gigawatt; print(gigawatt.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)
    done = call(installed / "gigawatt", "--version", cwd=tmp_path)
    text = (SOURCE / "_version.py").read_text(encoding="utf-8")
    assert done.stdout.strip() in text
    example = ROOT / "examples" / "llama-3.1-405b-texas.yaml"
    done = call(installed / "gigawatt", "run", example, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Llama 3.1 405B in Texas" in done.stdout
    assert (tmp_path / "results" / example.stem / "report.html").stat().st_size > 10**6
    done = call(
        installed / "gigawatt", "explain", f"results/{example.stem}", "training.step_time", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for words in (("catalog", "list"), ("validate", "power"), ("chip", "list"), ("plant", "msr")):
        done = call(installed / "gigawatt", *words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
        assert done.stdout.strip()

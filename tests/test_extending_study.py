"""A study of another package: docs/extending.md as it stands there, through an entry point."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8").partition("\n## A study: one folder\n")[2]
FILES = dict(re.findall(r'^```python title="([^"]+)"\n(.*?)^```$', PAGE, re.M | re.S))
MAIN = "from gigawatt.faces.terminal import main; main()"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package is installed: its files, and what an installer writes of it."""
    folder = tmp_path_factory.mktemp("site")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (entry,) = re.findall(r"^```toml\n\[project\.entry-points\.\"(.+?)\"\]\n(.*?)^```$", PAGE, re.M | re.S)
    info = folder / "land_study-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: land-study\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{entry[0]}]\n{entry[1].replace(chr(34), '')}")
    return folder


def python(site: Path, code: str, *words: str, code_of_exit: int = 0) -> str:
    """What a fresh interpreter prints that finds the package."""
    path = os.pathsep.join([str(site), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *words], capture_output=True, text=True, timeout=240,
        env=os.environ | {"PYTHONPATH": path, "GIGAWATT_CATALOG": "", "COLUMNS": "120"}, cwd=site,
    )  # fmt: skip
    assert done.returncode == code_of_exit, done.stderr
    return done.stdout + done.stderr


def test_the_page_counts_its_files() -> None:
    folders = {Path(name).parent for name in FILES}
    assert f"**{len(FILES)} files in {len(folders)} folder, 0 files of gigawatt**" in PAGE


def test_the_command_is_listed_without_its_rooms(site: Path) -> None:
    code = (
        "import sys\nfrom gigawatt.faces.terminal.app import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(n for n in sys.modules if n.startswith('land_study.')\n"
        "    or (n.startswith('gigawatt.studies.') and n.count('.') > 2)))"
    )
    said = python(site, code)
    assert re.search(r"^  land +Say what land a mean power takes", said, re.M)
    assert said.splitlines()[-1] == "[]"


def test_command_python_and_stored_form_say_the_same(site: Path) -> None:
    printed = python(site, MAIN, "land", "100MW", "--plant", "wind", "--output", "kept", "--json")
    answer = json.loads(printed)
    called = python(
        site, "import json, gigawatt; print(json.dumps(gigawatt.land('100 MW', ['wind']).to_json()))"
    )
    assert json.loads(called) == answer
    assert answer["plants"][0]["land_ha"] == pytest.approx(100.0 / 0.35 * 34.0)  # rows of the catalog
    folder = site / "kept"
    assert {file.name for file in folder.iterdir()} == {
        "land.html", "land.json", "land.md", "plants.csv", "study.json",
    }  # fmt: skip
    assert json.loads((folder / "land.json").read_text()) == answer
    again = python(site, MAIN, "report", "kept", "--format", "md", "--output", "-")
    assert again == (folder / "land.md").read_text()
    assert "gigawatt land 100MW" in again


def test_the_terminal_shows_the_head_of_the_document(site: Path) -> None:
    said = python(site, MAIN, "land", "100MW")
    for words in ("Land of 100 MW", "wind", "solar", "ha", "guess"):
        assert words in said


def test_a_wrong_option_is_one_line(site: Path) -> None:
    said = python(site, MAIN, "land", "nothing", code_of_exit=2)
    assert said.count("\n") == 1
    assert "POWER" in said
    said = python(site, MAIN, "land", "1 MW", "--plant", "winds", code_of_exit=2)
    assert "did you mean 'wind'" in said


def test_the_page_shows_it(site: Path) -> None:
    code = (
        "from gigawatt.core.registry import views\n"
        "from gigawatt.faces.web.answers import Question, show\n"
        "from gigawatt.faces.web.form.state import State\n"
        "assert [v.title for v in views()][-1] == 'Land'\n"
        "print(show(Question('land', State()), lambda words, share: None).html)"
    )
    html = python(site, code)
    assert "Land of " in html
    assert "What each plant takes alone." in html


def test_a_study_that_cannot_be_loaded_is_named(site: Path, tmp_path: Path) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gigawatt.studies]\nbroken = not_there:STUDY\n")
    said = python(tmp_path, MAIN, "--help", code_of_exit=2)
    assert "broken" in said
    assert "not_there:STUDY" in said
    assert said.count("\n") == 1
    listed = python(
        tmp_path, MAIN, "catalog", "list", "--json"
    )  # a study of this package is not kept from it
    assert json.loads(listed)["plants"] > 0

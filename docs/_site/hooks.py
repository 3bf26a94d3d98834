"""What the site holds beside the pages of docs/: pages made while it is built, from the code and the catalog.

MkDocs calls the functions below (``hooks:`` in mkdocs.yml). Nothing made here is written into docs/.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

# the code of this checkout, not one that is installed; mkdocs restores the path after loading this file
sys.path[:0] = [str(HERE), str(ROOT / "src")]

from api_pages import ROOMS, api_pages  # noqa: E402
from catalog_pages import catalog_page, sources_page  # noqa: E402
from cli_page import cli_page  # noqa: E402
from evidence_page import evidence_page  # noqa: E402
from notebook_pages import notebook_pages  # noqa: E402

__all__ = ["on_config", "on_files", "on_page_content", "on_page_markdown"]


def _pages() -> Mapping[str, Callable[[], str]]:
    return {
        "evidence.md": evidence_page,
        "contributing.md": lambda: _from_root("CONTRIBUTING.md"),
        "reference/cli.md": cli_page,
        "reference/catalog.md": catalog_page,
        "reference/sources.md": sources_page,
        **api_pages(ROOT / "src" / "gigawatt"),
    }


def _from_root(name: str) -> str:
    """A page of the repository's root, its links turned to where the pages stand in the site."""
    return (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")


def on_config(config: Any) -> Any:
    """Put the page of every room behind the API's index in the navigation."""
    for section in config.nav:
        for entry in section.get("Reference", []):
            if "Python" in entry:
                entry["Python"] = [
                    {"All packages": "reference/api/index.md"},
                    *({room: f"reference/api/{room}.md"} for room in ROOMS),
                ]
    return config


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages that are made."""
    for path, make in _pages().items():
        files.append(File.generated(config, path, content=make()))
    for path, text in notebook_pages(run=os.environ.get("NOTEBOOKS") == "run").items():
        files.append(File.generated(config, path, content=text))
    return files


_CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]+`)", re.M | re.S)
_FORMULA = re.compile(r"(?<![\\$\w])\$(?=\S)([^$\n]+?)(?<=\S)\$(?![\d$\w])")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Formulas of the model pages: ``$x$``, which other readers of Markdown typeset, becomes ``\\(x\\)``.

    Elsewhere a ``$`` is money, and the site takes it as such.
    """
    if not page.file.src_uri.startswith("model/"):
        return markdown
    parts = _CODE.split(markdown)  # what is code stands at the odd places
    parts[::2] = [_FORMULA.sub(r"\\(\1\\)", part).replace("\\$", "$") for part in parts[::2]]
    return "".join(parts)


_ROLE = re.compile(r":(?:class|data|func|meth|mod|attr|exc):<code>~?")


def on_page_content(html: str, *, page: Any, config: Any, files: Files) -> str:
    """Docstrings name things in roles of another markup; what is named stays."""
    return _ROLE.sub("<code>", html) if page.file.src_uri.startswith("reference/api/") else html

"""Notebooks as pages: each is executed in a folder that goes away and written down as Markdown.

The stored notebooks hold no outputs. Figures are drawn by plotly.js, one file beside the pages
(:func:`plotly_script`), which comes from the Python package and not from the network. nbclient and ipykernel
are all that this needs.

    python docs/_site/notebook_pages.py FOLDER

writes the pages as HTML for a look at them.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["NOTEBOOKS", "SCRIPT", "as_markdown", "execute", "figures", "notebook_pages", "plotly_script"]

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = ROOT / "docs" / "notebooks"
SCRIPT = "assets/plotly.min.js"
"""Where the pages look for plotly.js, from the root of the site."""
_PLOTLY = "application/vnd.plotly.v1+json"
_SECONDS = 300
"""A cell that takes longer has failed."""
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
pre{background:#f6f8fa;padding:.7rem;overflow-x:auto;font-size:12px}
table{border-collapse:collapse;font-size:12px}
td,th{padding:.2rem .6rem;text-align:right;border:0;border-bottom:1px solid #d0d7de}
"""


def execute(notebook: Path, folder: Path, *, before: str = "", after: str = "") -> Any:
    """Run every cell in a kernel of this Python, in ``folder``.

    Parameters
    ----------
    notebook : path
        Stored notebook; it stays as it is.
    folder : path
        Where the kernel works, and what it takes for home and for temporary files.
    before, after : str
        Code of a first and of a last cell, not kept in what is returned but for the last one's output.

    Returns
    -------
    nbformat.NotebookNode
        With outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed.
    """
    import nbformat
    from nbclient import NotebookClient

    node: Any = nbformat.read(notebook, as_version=4)
    for place, code in ((0, before), (len(node.cells) + 1, after)):
        if code:
            node.cells.insert(place, nbformat.v4.new_code_cell(code))
    inside = folder / "temporary"
    inside.mkdir(exist_ok=True)
    runtime = tempfile.mkdtemp(prefix="kernel-")  # short: the path of a socket has a hundred letters at most
    paths = os.pathsep.join(filter(None, (str(ROOT / "src"), os.environ.get("PYTHONPATH"))))
    changed = {
        "PYTHONPATH": paths,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PLOTLY_RENDERER": "plotly_mimetype",
        "TMPDIR": str(inside),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": runtime,
        "OMP_NUM_THREADS": "1",
    }
    kept = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        client = NotebookClient(
            node, timeout=_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        manager: Any = client.create_kernel_manager()
        if os.name == "posix":  # what goes over a port is open to whoever listens
            manager.transport, manager.ip = "ipc", str(Path(runtime) / "k")
        client.execute()
    finally:
        shutil.rmtree(runtime, ignore_errors=True)
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    if before:
        del node.cells[0]
    return node


def figures(node: Any) -> list[Mapping[str, Any]]:
    """The plotly figures of an executed notebook, in their order."""
    outputs = (one for cell in node.cells for one in cell.get("outputs", ()))
    return [one["data"][_PLOTLY] for one in outputs if _PLOTLY in one.get("data", {})]


def plotly_script() -> str:
    """plotly.js, as the Python package has it."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _drawn(figure: Mapping[str, Any], name: str) -> str:
    height = figure["layout"].get("height", 400)
    data, layout = (json.dumps(figure[part]).replace("</", "<\\/") for part in ("data", "layout"))
    options = json.dumps({"displayModeBar": False, "responsive": True})
    return (
        f'<div id="{name}" class="notebook-figure" style="height:{height}px"></div>\n'
        f"<script>Plotly.newPlot({json.dumps(name)}, {data}, {layout}, {options})</script>"
    )


def _table(text: str) -> str:
    """A table of pandas without its style, so that the page's own holds."""
    plain = re.sub(r"<style scoped>.*?</style>\s*", "", text, flags=re.S)
    plain = plain.replace('<table border="1" class="dataframe">', "<table>")
    lines = (line.strip() for line in plain.splitlines())
    return f'<div class="notebook-table" style="overflow-x:auto">{"".join(lines)}</div>'


def _output(one: Any, name: str) -> str:
    if one["output_type"] == "stream":
        return f"```text\n{one['text'].rstrip()}\n```"
    data = one["data"]
    if _PLOTLY in data:
        return _drawn(data[_PLOTLY], name)
    if "text/markdown" in data:
        return str(data["text/markdown"]).replace("\\$", "$").strip()
    if "text/html" in data:
        return _table(data["text/html"])
    return f"```text\n{data['text/plain'].rstrip()}\n```"


def as_markdown(node: Any, stem: str, up: str = "..") -> str:
    """An executed notebook as Markdown with tables and figures in HTML.

    Parameters
    ----------
    node : nbformat.NotebookNode
        With outputs.
    stem : str
        Name of the notebook's file.
    up : str
        From the page to the root of the site.
    """

    def parts() -> Iterator[str]:
        count = 0
        titled = False
        for cell in node.cells:
            if cell.cell_type == "markdown":
                yield cell.source.replace("\\$", "$")
                if not titled:
                    titled = True
                    file = html.escape(f"{stem}.ipynb")
                    link = f'<a href="{up}/notebooks/{file}" download>{file}</a>'
                    run = any(one.get("outputs") for one in node.cells)
                    said = "Executed when this page was made" if run else "Not executed here"
                    yield f"*{said}. The notebook: {link}*"
                    if run:
                        yield f'<script src="{up}/{SCRIPT}"></script>'
                continue
            yield f"```python\n{cell.source}\n```"
            for one in cell.outputs:
                count += 1
                yield _output(one, f"{stem}-{count}")

    return "\n\n".join(parts()) + "\n"


def notebook_pages(up: str = "..", *, run: bool = True) -> dict[str, str]:
    """Path of a page from the root of the site → its Markdown; and plotly.js.

    Parameters
    ----------
    up : str
        From a page to the root of the site.
    run : bool
        Whether the notebooks are executed, which takes some 80 CPU-seconds in all; else code and words alone.
    """
    import nbformat

    found: dict[str, str] = {}
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        if run:
            with tempfile.TemporaryDirectory() as folder:
                node = execute(notebook, Path(folder))
        else:
            node = nbformat.read(notebook, as_version=4)
        found[f"notebooks/{notebook.stem}.md"] = as_markdown(node, notebook.stem, up)
    return found | {SCRIPT: plotly_script()}


def _look(folder: Path, names: list[str]) -> None:
    """Pages as HTML, with Markdown of the ``markdown`` package."""
    import markdown

    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "notebooks").mkdir(exist_ok=True)
    (folder / SCRIPT).write_text(plotly_script(), encoding="utf-8")
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        if names and notebook.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as inside:
            text = as_markdown(execute(notebook, Path(inside)), notebook.stem)
        body = markdown.markdown(text, extensions=["fenced_code", "tables", "md_in_html"])
        page = f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style>{body}"
        (folder / "notebooks" / f"{notebook.stem}.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    _look(Path(sys.argv[1]), sys.argv[2:])

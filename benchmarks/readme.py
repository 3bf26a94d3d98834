"""Write what the README shows of the project anew: the errors of its scorecards, and its picture.

python benchmarks/readme.py              # the table, as `gigawatt validate` gives it today (minutes)
python benchmarks/readme.py --picture    # docs/assets/flows.svg; chromium lays the figure out
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gigawatt

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "docs/assets/flows.svg"
EXAMPLE = ROOT / "examples/llama-3.1-405b-texas.yaml"
ROW = re.compile(r"^\| ([^|]+) \| `gigawatt validate ([^`]+)` \|.*$", re.M)
"""A row of the README's table: what was measured, and the arguments of the command."""
_DRAW = """Plotly.toImage(document.querySelector('.plotly-graph-div'), {format: 'svg', width: 960})
  .then(url => { document.body.textContent = decodeURIComponent(url.split(',').slice(1).join(',')); });"""


def errors(arguments: str) -> str:
    """Cells of a row: rows predicted, median and mean error of ``gigawatt validate ARGUMENTS``."""
    table, *more = shlex.split(arguments)
    rows = ROOT / more[1] if more[:1] == ["--rows"] else None
    return cells(gigawatt.validate(table, rows=rows))


def cells(card: Mapping[str, Any]) -> str:
    """Those cells of what ``gigawatt validate`` says of a table."""
    overall = card["overall"]
    counted = f"{card['predicted']:,}" + (f" of {card['rows']:,}" if card["refused"] else "")
    return f"{counted} | {100 * overall['median_ape']:.1f} % | {100 * overall['mape']:.1f} %"


def with_errors(text: str, errors: Callable[[str], str] = errors) -> str:
    """The README with the errors of today."""
    return ROW.sub(lambda row: f"| {row[1]} | `gigawatt validate {row[2]}` | {errors(row[2])} |", text)


def flows() -> str:
    """The Sankey figure of the example as SVG, drawn by a headless chromium."""
    figure = gigawatt.load(EXAMPLE).run().figure("sankey")
    figure.update_layout(title=None, paper_bgcolor="white", margin={"l": 8, "r": 8, "t": 8, "b": 8})
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise SystemExit("chromium is needed to draw the picture: apt install chromium")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "figure.html"
        figure.write_html(page, post_script=_DRAW)
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/user",
                   "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]  # fmt: skip
        seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    drawn = re.search(r"&lt;svg.*&lt;/svg&gt;", seen, re.S)
    if drawn is None:
        raise SystemExit("the browser drew no figure")
    return drawn.group().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--picture"]:
        PICTURE.write_text(flows(), encoding="utf-8")
    else:
        README.write_text(with_errors(README.read_text(encoding="utf-8")), encoding="utf-8")

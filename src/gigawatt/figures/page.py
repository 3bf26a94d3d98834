"""The frame of a page of its own: a plan's answer as HTML, light and dark."""

from __future__ import annotations

import html
from collections.abc import Sequence

__all__ = ["PAGE", "grid"]

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
<style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328;
background:#fff}}
table{{border-collapse:collapse;font-size:.9rem;display:block;overflow-x:auto}}
td,th{{padding:.2rem .7rem;text-align:right;white-space:nowrap;border-bottom:1px solid #d0d7de}}
td:first-child,th:first-child{{text-align:left}}
.assumed td{{white-space:normal;text-align:left}}
.notice{{color:#9a6700}} figcaption,.dim{{color:#59636e}} figure{{margin:.5rem 0 2rem}}
h2{{margin:2rem 0 .5rem;font-size:1.25rem}}
@media (prefers-color-scheme:dark){{body{{background:#0d1117;color:#e6edf3}}}}
</style></head><body>
{body}
</body></html>
"""


def grid(heads: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """A table of cells, with a head where any is given."""

    def line(cells: Sequence[object], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    head = line(heads, "th") if any(heads) else ""
    return f"<table>{head}{''.join(line(row, 'td') for row in rows)}</table>"

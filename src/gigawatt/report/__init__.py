"""The report: one HTML page that works offline, the same as Markdown, and what notebooks show.

Importing this module tells :class:`gigawatt.study.result.Result` how to show itself.
"""

from __future__ import annotations

from gigawatt.report.render import notebook, render, render_files, render_markdown
from gigawatt.report.words import sentences
from gigawatt.study.result import renderers

__all__ = ["notebook", "render", "render_files", "render_markdown", "sentences"]

renderers["html"] = notebook

"""The report: one HTML page that works offline, the same as Markdown, and what notebooks show.

Importing this module tells :class:`gigawatt.core.result.Result` how to show itself.
"""

from __future__ import annotations

from gigawatt.core.result import renderers
from gigawatt.studies.run.render import notebook, render, render_files, render_markdown
from gigawatt.studies.run.words import sentences

__all__ = ["notebook", "render", "render_files", "render_markdown", "sentences"]

renderers["html"] = notebook

"""The report: one HTML page that works offline, and the summary that notebooks show.

Importing this module tells :class:`gigawatt.study.result.Result` how to show itself.
"""

from __future__ import annotations

from gigawatt.report.render import notebook, render
from gigawatt.report.words import sentences
from gigawatt.study.result import renderers

__all__ = ["notebook", "render", "sentences"]

renderers["html"] = notebook

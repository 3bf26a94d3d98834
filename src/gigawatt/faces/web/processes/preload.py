"""What a process that answers needs, imported once, in the server of forks, before anything is asked.

Only imports: a thread that started here, of a solver or of linear algebra, would be lost in every fork.
"""

from __future__ import annotations

import gc
import os
import signal
from importlib import import_module

from gigawatt.core.processes import ONE_THREAD

__all__ = ["warm"]

_NEEDED = (
    "clarabel", "duckdb", "jinja2", "numba", "pandas", "plotly.graph_objs._figure", "plotly.io",
    "plotly.offline", "plotly.subplots", "scipy.linalg", "scipy.sparse",
    "gigawatt.faces.figures", "gigawatt.faces.report", "gigawatt.chain.serving.service",
    "gigawatt.chain.serving.plan",
    "gigawatt.chain.training.plan", "gigawatt.chain.study", "gigawatt.faces.web.processes.worker",
)  # fmt: skip


def warm() -> None:
    """Import what answers need; what is imported stays in memory that all forks share.

    An interrupt is the parent's to handle, from here on in every fork.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(ONE_THREAD)
    for name in _NEEDED:
        import_module(name)
    gc.collect()
    gc.freeze()


warm()

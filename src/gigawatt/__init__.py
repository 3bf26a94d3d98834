"""gigawatt: from silicon to power plant, what it takes to train a language model, and what binds first.

import gigawatt
result = gigawatt.load("examples/llama-3.1-405b-texas.yaml").run()
result["training.step_time"]
result.figure("sankey")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt._version import __version__

if TYPE_CHECKING:
    from gigawatt.study.result import Result
    from gigawatt.study.study import Study

__all__ = ["Result", "Study", "__version__", "load"]


def load(file: str | Path) -> Study:
    """Read a scenario file; ``.run()`` gives a :class:`Result`.

    Raises
    ------
    gigawatt.errors.InputError
        The file is not a right scenario: names file, line, key, what is allowed and the nearest spelling.
    """
    import gigawatt.figures
    import gigawatt.report  # noqa: F401  (both register what they can draw with the result)
    from gigawatt.study.study import Study

    return Study.read(file)


def __getattr__(name: str) -> Any:
    if name == "Result":
        from gigawatt.study.result import Result

        return Result
    if name == "Study":
        from gigawatt.study.study import Study

        return Study
    raise AttributeError(f"module 'gigawatt' has no attribute {name!r}")

"""gigawatt: from silicon to power plant, what it takes to train or serve a model, and what binds first.

import gigawatt
result = gigawatt.load("examples/llama-3.1-405b-texas.yaml").run()
result["training.step_time"]
result.figure("sankey")
gigawatt.plan_training(model="llama-3.1-8b", chip="H100", count=64)["days"]

The functions are the doors of :mod:`gigawatt.faces.python`, imported when they are asked for.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt._version import __version__

if TYPE_CHECKING:
    from gigawatt.chain.study import Study
    from gigawatt.core.answer import Answer
    from gigawatt.core.errors import GigawattError
    from gigawatt.core.result import Result
    from gigawatt.faces.python import (
        compare,
        compare_technologies,
        draw_outlook,
        explain,
        plan_serving,
        plan_supply,
        plan_training,
        sweep,
        validate,
    )

__all__ = [
    "Answer",
    "GigawattError",
    "Result",
    "Study",
    "__version__",
    "compare",
    "compare_technologies",
    "draw_outlook",
    "explain",
    "load",
    "plan_serving",
    "plan_supply",
    "plan_training",
    "sweep",
    "validate",
]

_LATE = {
    "Answer": "gigawatt.core.answer",
    "GigawattError": "gigawatt.core.errors",
    "Result": "gigawatt.core.result",
    "Study": "gigawatt.chain.study",
} | dict.fromkeys(
    (
        "compare",
        "compare_technologies",
        "draw_outlook",
        "explain",
        "plan_serving",
        "plan_supply",
        "plan_training",
        "sweep",
        "validate",
    ),
    "gigawatt.faces.python",
)


def load(file: str | Path) -> Study:
    """Read a scenario file; ``.run()`` gives a :class:`Result`.

    Raises
    ------
    gigawatt.core.errors.InputError
        The file is not a right scenario: names file, line, key, what is allowed and the nearest spelling.
    """
    import gigawatt.faces.figures
    import gigawatt.faces.report  # noqa: F401  (both register what they can draw with the result)
    from gigawatt.chain.study import Study

    return Study.read(file)


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'gigawatt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""gigawatt: from silicon to power plant, what it takes to train or serve a model, and its bottleneck.

import gigawatt
answer = gigawatt.run("examples/llama-3.1-405b-texas.yaml", settings={"machine.count": 8192})
answer.found["training.step_time"]
answer.figure("sankey")
gigawatt.plan_training(model="llama-3.1-8b", chip="H100", count=64)["days"]

A function for each command, with the same options and units as a person types them (``"300 MW"``); each
returns an :class:`~gigawatt.core.answer.Answer`, whose data are what the command prints with ``--json`` and
whose ``save(folder)`` writes what ``--output`` does; :func:`report` returns a text, :func:`scenario_schema`
a dictionary. They are found in :mod:`gigawatt.core.registry` and imported when they are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt._version import __version__

if TYPE_CHECKING:  # for editors and type checkers; names are looked up in the registry
    from gigawatt.chain.study import Study
    from gigawatt.core.answer import Answer
    from gigawatt.core.errors import GigawattError
    from gigawatt.core.result import Result
    from gigawatt.studies.calibrate.door import calibrate
    from gigawatt.studies.catalog.door import catalog_list, catalog_show
    from gigawatt.studies.catalog.gaps import catalog_gaps
    from gigawatt.studies.chip.door import chip_build, chip_list
    from gigawatt.studies.codesign.door import codesign
    from gigawatt.studies.compare.door import compare
    from gigawatt.studies.emulate.door import emulate
    from gigawatt.studies.explain.door import explain
    from gigawatt.studies.memory.door import technologies_memory
    from gigawatt.studies.outlook.door import draw_outlook
    from gigawatt.studies.pathway.door import plan_pathway
    from gigawatt.studies.plant.door import plant
    from gigawatt.studies.quantum.door import (
        quantum_break_even,
        quantum_optimise,
        quantum_resources,
        quantum_vqe,
    )
    from gigawatt.studies.report.door import report
    from gigawatt.studies.run.door import run
    from gigawatt.studies.schema.door import scenario_schema
    from gigawatt.studies.seconds.door import plan_seconds
    from gigawatt.studies.serving.door import plan_serving
    from gigawatt.studies.serving.simulate_door import simulate_serving
    from gigawatt.studies.sites.door import rank_sites
    from gigawatt.studies.sites.split_door import split_load
    from gigawatt.studies.solve.door import solve
    from gigawatt.studies.supply.door import plan_supply
    from gigawatt.studies.sweep.door import sweep, sweep_show
    from gigawatt.studies.technologies.door import (
        compare_technologies,
        technologies_audit,
        technologies_needs,
        technologies_study,
    )
    from gigawatt.studies.training.door import plan_training
    from gigawatt.studies.validate.door import validate

__all__ = [
    "Answer",
    "GigawattError",
    "Result",
    "Study",
    "__version__",
    "calibrate",
    "catalog_gaps",
    "catalog_list",
    "catalog_show",
    "chip_build",
    "chip_list",
    "codesign",
    "compare",
    "compare_technologies",
    "draw_outlook",
    "emulate",
    "explain",
    "load",
    "plan_pathway",
    "plan_seconds",
    "plan_serving",
    "plan_supply",
    "plan_training",
    "plant",
    "quantum_break_even",
    "quantum_optimise",
    "quantum_resources",
    "quantum_vqe",
    "rank_sites",
    "report",
    "run",
    "scenario_schema",
    "simulate_serving",
    "solve",
    "split_load",
    "sweep",
    "sweep_show",
    "technologies_audit",
    "technologies_memory",
    "technologies_needs",
    "technologies_study",
    "validate",
]

_LATE = {
    "Answer": "gigawatt.core.answer:Answer",
    "GigawattError": "gigawatt.core.errors:GigawattError",
    "Result": "gigawatt.core.result:Result",
    "Study": "gigawatt.chain.study:Study",
}


def load(file: str | Path) -> Study:
    """Read a scenario file; ``.run()`` gives a :class:`Result`.

    Raises
    ------
    gigawatt.core.errors.InputError
        The file is not a right scenario: names file, line, key, what is allowed and the nearest spelling.
    """
    from gigawatt.chain.study import Study

    return Study.read(file)


def __getattr__(name: str) -> Any:
    # a folder of the package that is being imported is no function of another package
    if name in _LATE or not (name.startswith("_") or (Path(__file__).parent / name).is_dir()):
        from gigawatt.core.registry import find_function
        from gigawatt.core.study import resolve

        target = _LATE.get(name) or find_function(name)
        if target is not None:
            return resolve(target)
    raise AttributeError(f"module 'gigawatt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""The scenario of a stored result, read from the text stored with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.schema.renamed import rename_keys
from gigawatt.schema.scenario import LoadedScenario, check_scenario

__all__ = ["stored_scenario"]


def stored_scenario(result: Result) -> LoadedScenario:
    """The scenario that a result was computed from, from the text stored with it.

    Raises
    ------
    InputError
        The result contains no scenario, or one that this version cannot read.
    """
    import yaml

    text, file = result.run.get("scenario_text"), Path(str(result.run.get("scenario", "")))
    try:
        data = yaml.safe_load(text) if isinstance(text, str) else None
    except yaml.YAMLError:
        data = None
    if not isinstance(data, dict):
        raise InputError("this result contains no scenario", given=result.name)
    data = dict(cast("dict[str, Any]", data))
    rename_keys(data, {}, {}, file)
    scenario = check_scenario(data, file, {})
    digest = str(result.run.get("scenario_hash", ""))
    return LoadedScenario(scenario, file, {}, {}, digest, data, str(text))

"""Results for the faces' tests: one made by hand, and the same saved and read back."""

from __future__ import annotations

import pytest
from made_result import make_result

from gigawatt.core.result import Result
from gigawatt.core.store import load_result, save_result


@pytest.fixture(scope="session")
def made() -> Result:
    """The synthetic result."""
    return make_result()


@pytest.fixture(scope="session")
def saved(made: Result, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The synthetic result as it comes back from disk."""
    return load_result(save_result(made, tmp_path_factory.mktemp("results") / "made"))

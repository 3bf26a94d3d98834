"""Cases of which ``make test`` runs some and ``make test-apart`` the others: CI runs them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def sampled(cases: Sequence[Any], count: int) -> list[Any]:
    """All cases, of which ``count`` evenly spaced ones run in ``make test``; a tuple is a case of several."""
    quick = {round(i * (len(cases) - 1) / max(count - 1, 1)) for i in range(count)}
    return [
        case
        if i in quick
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.apart)
        for i, case in enumerate(cases)
    ]

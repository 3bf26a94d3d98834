"""What a whole run takes besides its steps and failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gigawatt import catalog
from gigawatt.chain.asking import Asker
from gigawatt.core.errors import InputError
from gigawatt.schema.changed import scenario_of

BASE: dict[str, object] = {
    "model": "llama-3.1-8b", "training.tokens": "100B tokens", "training.global_batch": "512 sequences",
    "machine.chip": "H100", "machine.count": 64, "site.name": "virginia", "supply.price": "60 $/MWh",
}  # fmt: skip


def asked(**given: object) -> Any:
    settings = {f"training.{name}": value for name, value in given.items()}
    point = Asker(scenario_of(BASE | settings, Path("question"))).at({})
    return lambda name: point.value(name).value


def test_a_run_takes_its_overhead_besides() -> None:
    """Time, energy and money in proportion; step, goodput and tokens per second not at all."""
    none, more = asked(overhead="0 %"), asked(overhead="30 %")
    for name in ("training.duration", "training.accelerator_hours", "energy.run", "ledger.run_cost",
                 "training.duration_low", "training.duration_high"):  # fmt: skip
        assert more(name) == pytest.approx(1.3 * none(name), rel=1e-9), name
    for name in ("training.step_time", "training.goodput", "training.tokens_per_second", "machine.power_it"):
        assert more(name) == none(name), name


def test_a_goodput_that_is_given_holds_it() -> None:
    assert asked()("training.overhead") == catalog.entity("reliability", "whole-run").value("overhead")
    given = asked(goodput="80 %")
    assert given("training.overhead") == 0.0
    assert given("training.duration") == pytest.approx(
        given("training.tokens_trained") / given("training.tokens_per_second")
    )
    with pytest.raises(InputError, match=r"lost time is given twice") as said:
        asked(goodput="80 %", overhead="5 %")("training.duration")
    assert "\n" not in str(said.value)

"""Fields with values that people mistype: leaves of an answer, or one line that names the field."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gigawatt.chain.graph import graph_of, refuse_unread
from gigawatt.chain.leaves import fill_leaves
from gigawatt.core.errors import GigawattError
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.fields import FIELDS
from gigawatt.schema.settings import read_setting
from gigawatt.studies.pathway.question import read_pathway_question
from gigawatt.studies.supply.question import read_supply_question

ODD = (
    "", "0", "-1", "1e400", "nan", "inf", "1,5 MW", "[]", "{}", "null", "true", "x" * 300, "2025: 1 MW",
    "2025: 1 MW, 2024: 2 MW", "{a: b}", "1 MW", "5 %", "60 $/MWh", "300 mW", "{gas-turbine: 5 MW}", "grid",
    "grid,solar", "7", "/dev/zero", "2030: 1 GW, 2035: x", "1 $/t", "{natural-gas: 2025}", "1d", "flat", ": ",
)  # fmt: skip
BASES: tuple[dict[str, object], ...] = (
    {"model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": "H100", "machine.count": 64,
     "site.name": "virginia", "supply.plants": ["grid"]},
    {"model": "llama-3.1-8b", "serving.demand": "10 requests/s", "machine.chip": "H100",
     "site.name": "virginia", "supply.plants": ["grid"]},
    {"site": "texas", "load": "100 MW", "supply.plants": ["grid"]},
)  # fmt: skip
DRAWS = 150


@pytest.mark.parametrize("seed", range(8))
def test_fields_with_odd_values_end_in_leaves_or_in_one_line(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(DRAWS):
        fields = draw.sample(FIELDS, draw.randint(1, 3))
        settings = {one.key: read_setting(one.key, draw.choice([*ODD, *[one.example] * 6])) for one in fields}
        said = ""
        try:
            kind = draw.random()
            if kind < 0.7:
                loaded = scenario_of(draw.choice(BASES) | settings, Path("question"))
                refuse_unread(loaded, graph_of(loaded))
                fill_leaves(loaded)
            elif kind < 0.85:
                read_supply_question(site="texas", load="10 MW", settings=settings)
            else:
                read_pathway_question(site="texas", load="10 MW", settings=settings)
        except GigawattError as error:
            said = str(error)
        assert "\n" not in said, settings

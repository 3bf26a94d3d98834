"""The vectorised slice of the chip builder is the builder's, column by column; it refuses the same."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.machine.chip.build import build_chip
from gigawatt.machine.chip.columns import chip_columns, template_die, vary
from gigawatt.machine.chip.design_file import read_design
from gigawatt.machine.chip.parts import Design
from gigawatt.machine.load import chip_of, load_chip, load_link


def leaving_of(design: Design) -> float:
    return load_link(design.scale_up).bandwidth + load_link(design.scale_out).bandwidth


@pytest.mark.parametrize("name", ["A100-parts", "H100-parts", "H200-parts", "B200-parts", "TPU-v5p-parts"])
def test_the_template_varied_to_itself_is_itself(name: str) -> None:
    design = read_design(name)
    die, part, own = template_die(design), design.memory, leaving_of(design)
    assert part is not None
    height = part.height or 8
    same = vary(
        design, dies=die.count, area=die.area, sram=die.sram, stacks=part.stacks, height=height,
        leaving=own, own_leaving=own,
    )  # fmt: skip
    assert (same.dies[0].units, same.dies[0].good_units) == (die.units, die.good_units)
    ours, theirs = build_chip(same, leaving=own), build_chip(design)
    assert ours.peak == pytest.approx(theirs.peak, rel=1e-12)
    assert ours.price == pytest.approx(theirs.price, rel=1e-12)


def test_columns_are_what_the_builder_gives() -> None:
    """300 drawn variations: rate, memory, and every limit, whether or not the design can be made."""
    design = read_design("B200-parts")
    own = leaving_of(design)
    rng = np.random.default_rng(3)
    n = 300
    dies, stacks = rng.choice([1, 2, 4], n), rng.integers(1, 20, n)
    area, sram = rng.uniform(250e-6, 900e-6, n), rng.uniform(8e6, 400e6, n)
    leaving = rng.uniform(1e11, 4e12, n)
    height = 12
    found = chip_columns(
        design, dies=dies, area=area, sram=sram, stacks=stacks, leaving=leaving, own_leaving=own,
        height=height,
    )  # fmt: skip
    made = unsaid = 0
    for i in range(n):
        one = vary(
            design, dies=int(dies[i]), area=float(area[i]), sram=float(sram[i]), stacks=int(stacks[i]),
            height=height, leaving=float(leaving[i]), own_leaving=own,
        )  # fmt: skip
        try:
            built = build_chip(one, leaving=float(leaving[i]))
        except GigawattError as refused:
            # what heat refuses, the slice does not know
            hot = any(word in str(refused) for word in ("cooling", "power", "clock"))
            unsaid += int(found.excess[i] <= -1e-9 and not hot)
            continue
        made += 1
        assert found.excess[i] <= 1e-9
        assert built.peak["bf16"] == pytest.approx(found.rate[i] * built.clock, rel=1e-9)
        assert built.memory_bytes == pytest.approx(found.memory_bytes[i])
        assert built.sram_bytes == pytest.approx(found.sram[i])
        for name in ("edge of the package's logic", "package"):
            used, there, _ = built.limits[name]
            assert used / there == pytest.approx(found.used[name][i], rel=1e-9)
    assert unsaid == 0
    assert 20 < made < n


def test_a_row_of_a_built_chip_is_the_chip_that_is_loaded() -> None:
    built = build_chip(read_design("B200-parts"))
    assert chip_of(built.entity()).peak == load_chip("B200-parts").peak
    assert chip_of(built.entity()).price == load_chip("B200-parts").price


def test_more_links_leave_less_room() -> None:
    design = read_design("B200-parts")
    own = leaving_of(design)
    found = chip_columns(
        design, dies=2, area=800e-6, sram=66e6, stacks=8, leaving=np.array([0.5, 1.0, 2.0]) * own,
        own_leaving=own,
    )  # fmt: skip
    assert np.all(np.diff(found.rate) < 0.0)
    assert np.all(np.diff(found.used["edge of the package's logic"]) > 0.0)


@pytest.mark.parametrize("name", ["MI300X-parts", "GW-2027", "GW-SRAM"])
def test_designs_of_another_make_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="one kind of die"):
        template_die(read_design(name))


def test_several_dies_need_a_link() -> None:
    design = read_design("H100-parts")
    with pytest.raises(InputError, match="no link between dies"):
        vary(design, dies=2, area=8e-4, sram=6e7, stacks=4, height=8, leaving=5e11, own_leaving=5e11)

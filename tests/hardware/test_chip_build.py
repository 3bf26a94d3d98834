"""Chips from parts. The oracles are shipping chips that the laws were not fitted to; then sums and signs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity, table
from gigawatt.catalog.loader import forget
from gigawatt.chain.leaves import fill_leaves
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.evidence import Grade
from gigawatt.machine import build_cluster, load_chip
from gigawatt.machine.chip.build import build_chip, narrower
from gigawatt.machine.chip.design_file import read_design
from gigawatt.machine.chip.parts import design_names
from gigawatt.schema.scenario import read_scenario
from gigawatt.technology.chiplets.node_laws import fit_laws, same_die
from gigawatt.technology.digital.gpu import Gpu
from gigawatt.technology.interface import Efficiency
from gigawatt.validation.published import checks_of
from gigawatt.validation.technologies.shipping import left_out
from gigawatt.workload import block_operations, read_architecture

few = settings(deadline=None, max_examples=15, derandomize=True)
SHIPPING = tuple(one.id for one in table("chip_designs").values() if one.text("kin"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "chips" / "chip-of-chiplets.yaml"


@pytest.fixture
def _fresh() -> Iterator[None]:
    """No design that another test made known."""
    forget()
    yield
    forget()


@pytest.mark.parametrize("design", SHIPPING)
def test_a_shipping_chip_without_its_own_numbers(design: str) -> None:
    """Peak within 30 % of the datasheet, bandwidth within 10 %; power of all but B200 within 30 %."""
    chip, made = load_chip(entity("chip_designs", design).text("kin")), left_out(design)
    assert made.peak["bf16"] / made.clock == pytest.approx(chip.peak["bf16"], rel=0.3)
    assert made.memory_bandwidth == pytest.approx(chip.memory_bandwidth, rel=0.1)
    if design != "B200-parts":
        assert made.power_parts == pytest.approx(chip.power_limit, rel=0.3)
    assert made.memory_bytes == pytest.approx(chip.memory_bytes, rel=0.1)


def test_leaving_out_leaves_out_the_silicon() -> None:
    without = fit_laws("H200-SXM-141GB")
    assert "H100-SXM5-80GB" not in without.chips
    assert set(fit_laws().chips) - set(without.chips) == {same_die()["H200-SXM-141GB"]}


def test_the_scorecard_says_what_it_misses() -> None:
    """Known misses stay known: a pass or a new miss is looked at."""
    checks = [*checks_of("technologies", "chiplets"), *checks_of("technologies", "shipping")]
    missed = {one.what for one in checks if not one.ok}
    assert len(missed) <= 14, sorted(missed)
    assert {"B200-parts: power limit from its parts", "MI250X: peak of bf16"} <= missed
    assert not any("ucie" in what or "actuary" in what or "google" in what for what in missed)


@pytest.mark.parametrize("name", [*design_names(), str(EXAMPLE)])
def test_parts_sum_to_the_chip(name: str) -> None:
    made = build_chip(name)
    assert made.cost_total == pytest.approx(sum(made.cost.values()))
    assert made.cost_total == pytest.approx(made.packed.total, rel=1e-9)
    for die in made.dies:
        assert sum(die.budget.values()) == pytest.approx(die.area, rel=1e-9)
        assert all(part >= 0 for part in die.budget.values())
    assert max(sum(made.power.values()), made.streaming) == pytest.approx(made.power_limit)
    assert made.power_limit <= made.thermal.limit * 1.01
    assert made.price_range[0] <= made.price <= made.price_range[1]
    for used, available, _ in made.limits.values():
        assert 0.0 <= used <= available * 1.01
    rate = sum(die.count * die.rate for die in made.dies)
    for form, peak in made.peak.items():
        assert peak == pytest.approx(rate * narrower(form) * made.clock)
    assert made.grades["all"] >= Grade.projected


@pytest.mark.usefixtures("_fresh")
def test_a_design_is_a_chip_like_any() -> None:
    chip = load_chip("gw-2027")
    assert chip.id == "GW-2027"
    assert chip.assumptions
    assert entity("chips", "GW-2027").value("power_limit") == chip.power_limit
    assert all(row.grade >= Grade.projected for row in chip.evidence.values())
    cluster, told = build_cluster(chip=chip, count=144)
    assert cluster.scale_up.id == "nvlink6-nvl72"
    assert cluster.scale_up_size == 72
    assert any("idle_power" in one.key for one in told)
    assert load_chip("GW-2027") == chip
    model = read_architecture("llama-3.1-70b")
    operation = block_operations(
        model,
        model.blocks[0],
        microbatch=1,
        sequence=4096.0,
        tensor=1,
        context=1,
        expert=1,
        sequence_parallel=False,
        number_format="bf16",
    )[1]
    cost = Gpu().cost(operation, chip, Efficiency())
    assert float(cost.time.max()) > 0
    assert math.isfinite(float(sum(x.sum() for x in cost.energy.values())))


@pytest.mark.usefixtures("_fresh")
def test_a_file_beside_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "my-chip.yaml").write_text(EXAMPLE.read_text())
    text = (EXAMPLE.parents[1] / "gpt3-175b-a100.yaml").read_text()
    lines = [
        "  chip: my-chip.yaml" if line.strip().startswith("chip:") else line for line in text.splitlines()
    ]
    (tmp_path / "run.yaml").write_text("\n".join(lines) + "\n")
    leaves, assumed = fill_leaves(read_scenario(tmp_path / "run.yaml"))
    assert leaves["machine.chip"].value.id == "chip-of-chiplets"
    assert leaves["machine.chip"].value.peak["bf16"] == build_chip(EXAMPLE).peak["bf16"]
    assert assumed


@pytest.mark.usefixtures("_fresh")
def test_two_chips_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.yaml").write_text(EXAMPLE.read_text())
    load_chip(str(tmp_path / "a" / "x.yaml"))
    load_chip(str(tmp_path / "a" / "x.yaml"))
    with pytest.raises(InputError, match="known already"):
        load_chip(str(tmp_path / "b" / "x.yaml"))


@few
@given(area=st.floats(300, 800), stacks=st.integers(2, 8), height=st.sampled_from([8, 12, 16]))
def test_signs_of_what_moves_a_chip(area: float, stacks: int, height: int) -> None:
    def made(**settings: str) -> object:
        return build_chip(
            read_design(
                EXAMPLE,
                {
                    "dies.gpu.area": f"{area} mm^2",
                    "memory.stacks": str(stacks),
                    "memory.height": str(height),
                    **settings,
                },
            )
        )

    one = made()
    larger = made(**{"dies.gpu.area": f"{area + 20} mm^2"})
    assert sum(d.rate for d in larger.dies) > sum(d.rate for d in one.dies)  # type: ignore[attr-defined]
    assert larger.cost["logic"] > one.cost["logic"]  # type: ignore[attr-defined]
    cached = made(**{"dies.gpu.sram": "200 MB"})
    assert cached.peak["bf16"] / cached.clock < one.peak["bf16"] / one.clock  # type: ignore[attr-defined]
    strict = made(**{"dies.gpu.good_units": "96"})
    assert strict.cost["logic"] > one.cost["logic"]  # type: ignore[attr-defined]
    warm = made(cooling="two-phase")
    assert warm.thermal.limit > one.thermal.limit  # type: ignore[attr-defined]
    older = made(**{"dies.gpu.node": "n7"})
    assert older.peak["bf16"] / older.clock < one.peak["bf16"] / one.clock  # type: ignore[attr-defined]


def test_a_weak_cooling_lowers_the_clock() -> None:
    free = build_chip(EXAMPLE)
    held = build_chip(read_design(EXAMPLE, {"power_limit": f"{0.7 * free.power_parts:.0f} W"}))
    assert held.clock < 1.0
    assert held.binding == "the owner's limit"
    assert sum(held.power.values()) == pytest.approx(0.7 * free.power_parts, rel=1e-3)
    assert held.peak["bf16"] / free.peak["bf16"] == pytest.approx(held.clock / free.clock)
    assert held.energy_flop["bf16"] <= free.energy_flop["bf16"]


def test_design_cost_falls_with_volume() -> None:
    few_, many = (build_chip(read_design(EXAMPLE, {"volume": text})) for text in ("100000", "1000000"))
    assert few_.design_cost == pytest.approx(10 * many.design_cost)
    assert build_chip(EXAMPLE).design_cost == 0.0


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("dies.gpu.node", "n33", "did you mean 'n3'"),
        ("package", "cowos-x", "did you mean"),
        ("cooling", "cold-plat", "did you mean 'cold-plate"),
        ("memory.kind", "hbm44", "did you mean 'hbm4"),
        ("links.die_to_die", "ucie-advance", "did you mean 'ucie-advanced'"),
        ("links.scale_up", "nvlnk5", "did you mean 'nvlink5'"),
        ("dies.gpu.area", "700 GB", "dies.gpu.area"),
        ("dies.gpu.area", "-3 mm^2", "0.1 to 80000 mm²"),
        ("dies.gpu.area", "900 mm^2", "above the reticle"),
        ("memory.stacks", "9", "fewer interfaces than stacks"),
        ("memory.height", "99", "memory.height"),
        ("dies.gpu.sram", "3000 MB", "no room for arithmetic"),
        ("links.bandwidth", "40 TB/s", "shoreline is too short for the link"),
        ("power_limit", "5000 W", "W too much"),
        ("memory.place", "above", "not known"),
        ("colour", "red", "unknown key"),
        ("dies.gpu.on", "iod", "no such die"),
    ],
)
def test_what_cannot_be_built_is_named_in_one_line(setting: str, value: str, words: str) -> None:
    with pytest.raises(GigawattError) as caught:
        build_chip(read_design(EXAMPLE, {setting: value}))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_many_stacks_for_the_shoreline() -> None:
    with pytest.raises(InfeasibleError, match=r"shoreline is too short for the stacks.*less"):
        build_chip(read_design(EXAMPLE, {"memory.stacks": "14", "dies.gpu.phys": "8"}))


def test_a_package_above_its_interposer() -> None:
    with pytest.raises(InfeasibleError, match="too large"):
        build_chip(read_design(EXAMPLE, {"package": "cowos-s"}))


def test_power_beyond_cooling_says_by_how_much() -> None:
    with pytest.raises(InfeasibleError, match="W too much"):
        build_chip(read_design("GW-2030", {"cooling": "immersion", "memory.place": "on-logic"}))


def test_an_unknown_chip_names_a_design() -> None:
    with pytest.raises(InputError, match="GW-2027"):
        load_chip("GW-2028")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "not YAML"),
        ("- 1", "mapping of keys"),
        ("name: a\nyear: 2026\n", "this key is missing"),
        ("year: 2026\npackage: organic\ncooling: air\ndies: {a: {node: n5, area: 3}}\n", "unit is missing"),
        (
            "year: 2026\npackage: organic\ncooling: air\ndies: {a: {node: n5, area: 300 mm^2}}\n",
            "without memory",
        ),
    ],
)
def test_a_broken_file_names_itself(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(GigawattError) as caught:
        load_chip(str(file))
    assert words in str(caught.value)
    assert "broken.yaml" in str(caught.value)

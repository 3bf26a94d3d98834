"""Every technology on random machines and settings: nothing negative, no part cheaper by more of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.catalog.loader import table
from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.machine.chip.build import build_chip
from gigawatt.machine.chip.columns import template_die
from gigawatt.machine.chip.design_file import read_design
from gigawatt.machine.chips import catalog_chip, chip_of, list_chips
from gigawatt.machine.load import load_chip
from gigawatt.machine.machine import Chip
from gigawatt.technology import Efficiency, technology
from gigawatt.technology.chiplets.die_cost import die_cost
from gigawatt.technology.composition import GROUPS
from gigawatt.technology.hybrid import machine as hybrid_machine
from gigawatt.technology.hybrid.machine import Machine, machine_of
from gigawatt.technology.interface import Model, Product, Technology
from gigawatt.technology.mapper import places, runs_on
from gigawatt.technology.registry import load_substrate, model_of, technologies
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate, check_settings
from gigawatt.technology.work import Work
from gigawatt.workload import read_architecture
from gigawatt.workload.operation import ONE, Operation

MACHINES = 200
LLAMA = read_architecture("llama-3.1-8b")
COUNTED = {"spikes_per_activation": 3.0}
REGISTERED = sorted({one.name: one for one in technologies().values()}.items())
SIZES = ("m", "n", "k")


def product(m: float, n: float, k: float) -> Operation:
    x, y, z = (np.asarray(v) for v in (m, n, k))
    read, written = 2.0 * (y * z + x * z), 2.0 * x * y
    return Operation("mlp.up", "gemm", "forward", x, y, z, ONE, 2.0 * x * y * z, read, written, ONE, "bf16")


def attention(tokens: float, heads: float, width: float) -> Operation:
    n, b, k = (np.asarray(v) for v in (tokens, heads, width))
    return Operation(
        "attention.decode", "attention", "forward", ONE, n, k, b, 4.0 * n * b * k, 4.0 * n * b * k,
        2.0 * b * k, ONE, "bf16",
    )  # fmt: skip


def digital_chips() -> list[Chip]:
    found: list[Chip] = []
    for id in list_chips():
        try:
            chip = catalog_chip(id)
        except GigawattError:
            continue
        if chip.technology == "gpu" and "bf16" in chip.peak:
            found.append(chip)
    return found


CHIPS = digital_chips()


def plain(name: str) -> Substrate:
    return Substrate(name, name, name, {})


def random_settings(known: Technology, rng: np.random.Generator) -> Substrate:
    """A row of the catalog, or the technology without any, with some of its settings drawn anew."""
    rows = [one.id for one in table("substrates").values() if one.text("technology") == known.name]
    base = (
        load_substrate(str(rng.choice(rows))) if rows else Substrate(known.name, known.name, known.name, {})
    )
    bounds = known.bounds()
    changed: dict[str, float | str] = dict(base.settings)
    for key, bound in bounds.items():
        if rng.random() < 0.7:
            continue
        if len(bound) == 3:
            changed[key] = str(rng.choice(bound[2]))
        else:
            low, high = bound[2], bound[3]
            value = rng.uniform(low, high) if low <= 0.0 else float(np.exp(rng.uniform(*np.log([low, high]))))
            changed[key] = float(np.clip(round(value), low, high)) if high >= 8.0 else value
    return check_settings(replace(base, settings=changed), bounds)


BESIDE = ("analog", "neuromorphic", "photonic")


def hybrid_of(rng: np.random.Generator) -> Substrate:
    known = (row.id for row in table("substrates").values() if row.text("technology") in BESIDE)
    parts = ["digital", *known]
    return Substrate("drawn", "drawn", "hybrid", {group: str(rng.choice(parts)) for group in GROUPS})


def drawn(known: Technology, rng: np.random.Generator) -> Substrate:
    return hybrid_of(rng) if known.name == "hybrid" else random_settings(known, rng)


def total(values) -> float:
    return sum(float(np.sum(value)) for value in values)


def priced(
    model: Model, substrate: Substrate, chip: Chip, **sizes: float
) -> tuple[Product, list[float]] | None:
    """A product with its numbers; ``None``: refused, in one line that names what is wrong."""
    operation = product(**sizes)
    try:
        made = model.product(Work.of(operation), substrate, COUNTED, chip=chip)
        numbers = [
            *(float(np.min(value)) for value in made.energy.values()),
            float(np.min(made.time)),
            model.silicon(substrate, operation, COUNTED),
            model.standing_power(substrate, operation),
        ]
    except GigawattError as error:
        refused = error
    else:
        return made, numbers
    assert refused.key or refused.file, (substrate, str(refused))
    assert "\n" not in str(refused)
    return None


def place_of(made: Product) -> bool:
    """Whether stacks made a product themselves: a larger one may go to the chip, sooner and for less."""
    return float(np.sum(made.energy.get("weights", 0.0))) > 0.0


@pytest.mark.parametrize(("name", "known"), REGISTERED)
def test_no_negative_joules_watts_seconds_or_areas_and_energy_grows(name: str, known: Technology) -> None:
    rng = np.random.default_rng(sum(name.encode()))
    model, count = model_of(name), 0
    for _ in range(MACHINES):
        substrate, chip = drawn(known, rng), CHIPS[rng.integers(len(CHIPS))]
        bits = [rng.uniform(low, high) for low, high in ((0, 12), (6, 14), (6, 14))]
        sizes = {key: float(round(2.0**x)) for key, x in zip(SIZES, bits, strict=True)}
        if name == "hybrid" and runs_on(substrate, product(**sizes))[0] is None:
            continue
        found = priced(model, substrate, chip, **sizes)
        if found is None:
            continue
        made, numbers = found
        count += 1
        assert np.all(np.isfinite(numbers)), (substrate, numbers)
        assert min(numbers) >= 0.0, (substrate, chip.id, sizes, made.energy)
        for key in SIZES:
            more = priced(model, substrate, chip, **{**sizes, key: 2.0 * sizes[key]})
            if more is None or place_of(more[0]) != place_of(made):
                continue
            grown = total(more[0].energy.values()) / total(made.energy.values())
            assert grown >= 1.0 - 1e-12, (key, substrate, sizes)
    assert count >= MACHINES // 2, f"{name}: {count} of {MACHINES} drawings were priced"


@pytest.mark.parametrize("name", ["gain-cell", "photonic-crossbar"])
def test_attention_takes_more_for_more(name: str) -> None:
    rng, substrate = np.random.default_rng(7), load_substrate(name)
    model = model_of(substrate.technology)
    for _ in range(50):
        n, b, k = 2.0 ** rng.uniform(4, 14), float(rng.integers(1, 64)), float(rng.choice([64, 128, 256]))
        one = model.product(Work.of(attention(n, b, k)), substrate, COUNTED, chip=CHIPS[0])
        more = model.product(Work.of(attention(2.0 * n, b, k)), substrate, COUNTED, chip=CHIPS[0])
        assert 0.0 < total(one.energy.values()) <= total(more.energy.values())
        assert 0.0 < float(np.sum(one.time)) <= float(np.sum(more.time))


def test_tokens_of_random_machines_have_no_negative_part() -> None:
    rng, kinds = np.random.default_rng(11), [known for _, known in REGISTERED]
    count = 0
    for _ in range(60):
        substrate = drawn(kinds[rng.integers(len(kinds))], rng)
        batch, context = float(rng.integers(1, 64)), float(rng.integers(0, 8192))
        try:
            cost = token_cost(
                substrate, LLAMA, COUNTED, chip=CHIPS[rng.integers(len(CHIPS))], batch=batch, context=context
            )
        except GigawattError:
            continue
        count += 1
        assert min(cost.energy.values()) >= 0.0, cost
        assert min(cost.time.values()) >= 0.0, cost
        assert cost.area >= 0.0
        assert 0.0 <= cost.mapped_energy <= 1.0 + 1e-12
        assert all(one["reason"] for one in cost.placed)
    assert count >= 30


def random_machine(rng: np.random.Generator) -> tuple[Machine, float]:
    base = machine_of("neuromorphic-2045")
    machine = replace(
        base,
        substrate=hybrid_of(rng),
        area=1e-6 * 10.0 ** rng.uniform(1, 5),
        density=10.0 ** rng.uniform(-1, 2),
        joules=10.0 ** rng.uniform(-1, 1),
    )
    return machine, 1.0 + rng.random()


def test_idle_is_below_the_limit_and_more_cells_are_never_cheaper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 200 hybrids: idle is below the limit, or the cells are refused with the area that would do."""
    rng = np.random.default_rng(3)
    chip = load_chip("neuromorphic-2045")
    row = table("chips")[chip.id]
    refusals: list[InfeasibleError] = []
    count = 0
    current: list[Machine] = []
    monkeypatch.setattr("gigawatt.machine.chips.machine_of", lambda id: current[-1])
    monkeypatch.setattr(hybrid_machine, "machine_of", lambda id: current[-1])
    for _ in range(MACHINES):
        machine, factor = random_machine(rng)
        more = replace(machine, area=machine.area * factor)
        made: list[Chip] = []
        for one in (machine, more):
            current.append(one)
            try:
                made.append(chip_of(row))
            except InfeasibleError as error:
                refusals.append(error)
                break
            found = made[-1]
            count += 1
            assert 0.0 < found.idle_power < found.power_limit
            assert min(found.energy_flop.values()) >= 0.0
        if len(made) == 2:
            assert made[1].idle_power >= made[0].idle_power
            assert made[1].price >= made[0].price
            model = technology("hybrid")
            assert model.money(made[1]) >= model.money(made[0])
            for operation in (product(1.0, 4096.0, 4096.0), attention(1024.0, 32.0, 128.0)):
                cost = model.cost(operation, made[1], Efficiency())
                assert min(float(np.min(value)) for value in cost.energy.values()) >= 0.0
                assert float(np.min(cost.time)) > 0.0
    assert min(count, len(refusals)) > 10
    assert {error.key for error in refusals} == {f"{chip.id}.area"}
    assert all("less than" in str(error) for error in refusals)


def test_cells_beyond_the_power_limit_are_refused_with_what_would_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """60,000 mm² of dense cells took 1,800 W idle in a package of 1,117 W, and answers had negative watts."""
    large = replace(machine_of("neuromorphic-2045"), area=0.06, density=30.0)
    monkeypatch.setattr("gigawatt.machine.chips.machine_of", lambda id: large)
    with pytest.raises(InfeasibleError, match=r"60,000 mm² of 1,800 W.*less than 25,3\d\d mm² in 1,117 W"):
        load_chip("neuromorphic-2045")


def test_a_larger_die_is_never_cheaper() -> None:
    rng, nodes = np.random.default_rng(5), list(table("chip_nodes"))
    compared = 0
    for _ in range(MACHINES):
        node, area = str(rng.choice(nodes)), 1e-6 * rng.uniform(50.0, 600.0)
        try:
            small = die_cost(node, area, year=2026)
            large = die_cost(node, area * rng.uniform(1.01, 1.3), year=2026)
        except GigawattError:
            continue
        compared += 1
        assert 0.0 < small.price <= large.price, (node, area)
    assert compared > 100


def test_a_design_with_a_larger_die_is_never_cheaper_and_idles_below_its_limit() -> None:
    rng, compared = np.random.default_rng(9), 0
    names = [name for name in table("chip_designs") if read_design(name).technology == "gpu"]
    templates = []
    for name in names:
        try:
            template_die(read_design(name))
        except GigawattError:
            continue
        templates.append(read_design(name))
    for _ in range(40):
        design = templates[rng.integers(len(templates))]
        (die,) = design.dies
        area = die.area * rng.uniform(0.9, 1.05)
        built = []
        for factor in (1.0, rng.uniform(1.0, 1.05)):
            try:
                built.append(build_chip(replace(design, dies=(replace(die, area=area * factor),))))
            except GigawattError:
                break
        for one in built:
            assert 0.0 < one.idle < one.power_limit
            assert min(one.power.values()) >= 0.0
            assert min(one.cost.values()) >= 0.0
        if len(built) == 2:
            compared += 1
            assert built[1].cost_total >= built[0].cost_total * (1.0 - 1e-12), design.id
    assert compared > 10


def test_every_operation_of_a_step_has_a_place_and_a_reason() -> None:
    for name, known in REGISTERED:
        substrate = (
            hybrid_of(np.random.default_rng(1)) if name == "hybrid" else Substrate(name, name, name, {})
        )
        for one in places(substrate, LLAMA):
            assert one.reason
            assert one.on_substrate or not known.native

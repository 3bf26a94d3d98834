"""Generations of stacks, joules of their accesses, heat, units between banks, machines without DRAM."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.machine.load import load_chip
from gigawatt.technology.digital import formats as digital
from gigawatt.technology.near_memory.sram_machines import machines, token_rate
from gigawatt.technology.registry import load_substrate
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.stacked_memory import products as stacked_memory
from gigawatt.technology.stacked_memory.dram_energy import (
    access_energy,
    access_range,
    idle_power,
    refresh_power,
)
from gigawatt.technology.stacked_memory.dram_thermal import (
    COOLING,
    die_powers,
    most_height,
    most_power,
    solve,
    stack_temperature,
)
from gigawatt.technology.stacked_memory.dram_timing import channel_of
from gigawatt.technology.stacked_memory.pim import (
    crossover,
    gemv_energy,
    gemv_time,
    published_systems,
    speedup,
    system,
    units_of,
)
from gigawatt.technology.stacked_memory.products import host
from gigawatt.technology.stacked_memory.stack import generations, stack_of
from gigawatt.technology.substrate import Substrate
from gigawatt.validation.published import checks_of
from gigawatt.workload import read_architecture

few = settings(deadline=None, max_examples=15, derandomize=True)
LLAMA = read_architecture("llama-3.1-8b")
ALONE = {"processor_power": 0.0, "lateral": False, "board": False}


def read(text: str) -> Substrate:
    return load_substrate(text)


# --- stacks and joules


def test_stacks_of_the_roadmap() -> None:
    """KAIST: 80, 96, 160, 200 GB, and 100 to 180 W, which the projected joules are fitted to."""
    for name, size, power in (("hbm5", 80, 100), ("hbm6", 96, 120), ("hbm7", 160, 160), ("hbm8", 200, 180)):
        made = stack_of(name)
        assert made.capacity == pytest.approx(size * 1e9)
        assert made.power == pytest.approx(power, rel=0.01)
    assert stack_of("hbm4", height=16).capacity == pytest.approx(48e9)
    assert stack_of("HBM3E").generation == "hbm3e"
    years = [stack_of(name).year for name in generations()]
    assert years == sorted(years)


def test_a_stack_is_what_its_rows_say() -> None:
    made = stack_of("hbm3e", height=8, data_rate=9.2e9 / 8.0)
    assert made.bandwidth == pytest.approx(1177.6e9)
    assert made.power == pytest.approx(made.idle_power + made.bandwidth * made.energy_byte)
    assert made.energy_low < made.energy_byte < made.energy_high
    for row in catalog.table("stacked_memory").values():
        assert row.value("page") == row.value("width") * row.value("burst") * 32.0  # 32 columns
        assert row.value("rc") >= row.value("ras")


def test_joules_of_hbm2_are_those_of_the_paper() -> None:
    """O'Connor et al. 2017, table 3: 909 pJ a row, 1.51 + 1.17 + 0.80 pJ/b at 50 % activity, eight dies."""
    parts = {
        name: float(one) / 8e-12 for name, one in access_energy("hbm2", row_bytes=1024, height=8).items()
    }
    assert parts["activation"] == pytest.approx(909.0 / 8192.0)
    assert parts["array"] == pytest.approx(1.51)
    assert parts["wire"] + parts["via"] == pytest.approx(1.17, abs=0.002)
    assert parts["io"] == pytest.approx(0.80)


def test_reading_70_billion_weights_takes_2_2_joules() -> None:
    model = read_architecture("llama-3.1-70b")
    joules = model.parameters.total * float(sum(access_energy("hbm2").values()))
    assert joules == pytest.approx(2.2, rel=0.05)


@few
@given(row=st.floats(32, 512), activity=st.floats(0.05, 0.5), name=st.sampled_from(generations()))
def test_signs_of_what_moves_a_byte(row: float, activity: float, name: str) -> None:
    def total(**asked: float) -> float:
        return float(sum(access_energy(name, **{"row_bytes": row, "activity": activity, **asked}).values()))

    assert total(row_bytes=2.0 * row) < total()
    assert total(activity=activity * 1.5) > total()
    assert total(height=24) > total(height=4)
    low, mid, high = (access_range(name)[i] for i in (1, 0, 2))
    assert low < mid < high
    assert access_range(name, scope="core")[0] < access_range(name, scope="stack")[0] < mid


def test_heat_doubles_refresh_and_nothing_else() -> None:
    cool, hot = (refresh_power("hbm3e", capacity=36e9, temperature=t) for t in (300.0, 360.0))
    assert hot == pytest.approx(2.0 * cool)
    assert idle_power("hbm3e", temperature=360.0) - idle_power("hbm3e") == pytest.approx(float(cool))


# --- heat


def test_one_way_out_is_a_series_of_resistances() -> None:
    """Bottom die: coolant, then every resistance times the heat that passes it, by hand."""
    stack, each, lowest, fluid = replace(stack_of("hbm3e"), height=4), 1.5, 6.0, 310.0
    asked = {"cooling": "cold-plate", "bonding": "microbump", "coolant": fluid, "dies": each, "base": lowest}
    made = stack_temperature(stack, **asked, **ALONE)  # type: ignore[arg-type]
    table = catalog.table("stacked_memory_thermal")

    def v(id: str, quantity: str) -> float:
        return table[id].value(quantity)

    a, k = stack.area, v("die", "conductivity")
    wide = (a**0.5 + 2.0 * v("package", "lid")) ** 2
    lid = v("package", "lid") / (v("package", "lid_conductivity") * (a * wide) ** 0.5)
    lid += v("cold-plate", "resistance") / wide
    joint = v("die", "wiring") + v("microbump", "resistance")
    thin = v("die", "thickness")
    last = (0.5 * (thin + v("die", "top")) / k + joint) / a
    between = (thin / k + joint) / a
    whole = 4 * each + lowest
    top = fluid + whole * (lid + (v("die", "top") / (2.0 * k) + v("package", "interface")) / a)
    third = top + (3 * each + lowest) * last
    bottom = third + (2 * each + lowest) * between + (each + lowest) * between
    assert made.dies[3] == pytest.approx(top, abs=1e-9)
    assert made.bottom == pytest.approx(bottom, abs=1e-9)
    assert made.to_coolant == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("cooling", COOLING)
def test_all_heat_leaves(cooling: str) -> None:
    made = stack_temperature("hbm4", cooling=cooling, processor_power=900.0)
    assert made.to_coolant + made.to_board == pytest.approx(made.power + 900.0, rel=1e-9)
    assert made.hottest == made.bottom > made.dies[-1]


def test_a_network_without_power_is_as_warm_as_what_holds_it() -> None:
    g = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    fixed = np.array([True, False, False])
    held = np.array([300.0, 0.0, 0.0])
    assert solve(g, np.zeros(3), fixed=fixed, held=held) == pytest.approx(np.full(3, 300.0))
    assert solve(g, np.array([0.0, 0.0, 4.0]), fixed=fixed, held=held) == pytest.approx([300.0, 302.0, 306.0])
    with pytest.raises(InputError, match="held"):
        solve(g, np.zeros(3), fixed=~np.ones(3, dtype=bool), held=held)


@few
@given(height=st.sampled_from([4, 8, 12, 16]), watts=st.floats(0.5, 4.0))
def test_signs_of_what_heats_a_stack(height: int, watts: float) -> None:
    stack = replace(stack_of("hbm4"), height=height)

    def hottest(**asked: object) -> float:
        return stack_temperature(stack, **{"dies": watts, "base": 10.0, **asked}).hottest  # type: ignore[arg-type]

    assert hottest(dies=1.5 * watts) > hottest()
    assert hottest(bonding="hybrid") < hottest(bonding="microbump")
    assert hottest(processor_power=1400.0) > hottest(processor_power=300.0)
    assert hottest(cooling="cold-plate", coolant=315.0) > hottest(cooling="cold-plate", coolant=300.0)


def test_limits_of_power_and_height_are_where_the_limit_is() -> None:
    stack, limit = stack_of("hbm4"), 368.15
    most = most_power(stack, limit=limit)
    each, lowest = die_powers(stack)
    share = most / (each * stack.height + lowest)
    there = stack_temperature(stack, dies=share * each, base=share * lowest)
    assert there.hottest == pytest.approx(limit, abs=1e-6)
    best = most_height("hbm5", bonding="hybrid")
    low, high = (replace(stack_of("hbm5"), height=h, capacity=5e9 * h) for h in (best, best + 1))
    assert (
        stack_temperature(low, bonding="hybrid").hottest
        <= limit
        < stack_temperature(high, bonding="hybrid").hottest
    )
    with pytest.raises(InputError, match="processor alone"):
        most_power(stack, limit=312.0)


def test_above_85_degrees_bandwidth_and_watts_are_lost() -> None:
    cool, hot = (stack_temperature("hbm4", coolant=t) for t in (290.0, 340.0))
    assert cool.bandwidth_lost == 0.0 == cool.power_added
    c = channel_of("hbm4")
    share = c.rfc / c.refi
    assert hot.bandwidth_lost == pytest.approx(1.0 - (1.0 - 2.0 * share) / (1.0 - share))
    assert hot.power_added == pytest.approx(float(refresh_power("hbm4", capacity=36e9)))


# --- units in memory


def test_units_of_the_stack_that_was_built() -> None:
    """Hot Chips 33: 128 units of 16 lanes at 300 MHz, 1.2 TFLOP/s; four times the interface's bandwidth."""
    made = units_of("hbm2", data_rate=2.4e9 / 8.0)
    assert made.count == 128.0
    assert made.rate == pytest.approx(1.2288e12)
    assert made.bandwidth == pytest.approx(4.0 * 307.2e9)


def test_systems_with_units_in_memory() -> None:
    """Kim et al. 2022: 2.8 and 2.54 on an Alveo card. Samsung: 2.5 times, 62 % less energy."""
    alveo = published_systems()["alveo"]
    assert alveo["kernel"] == pytest.approx(2.8, rel=0.15)
    assert alveo["system"] == pytest.approx(2.5, rel=0.15)
    assert alveo["energy_saved"] == pytest.approx(0.62, rel=0.15)
    for share in (0.88, 1.0):  # whatever share of the work it was
        assert system(share=share)["system"] == pytest.approx(2.5, rel=0.15)


def test_amdahl() -> None:
    assert speedup(2.0, 0.0) == 1.0
    assert speedup(1e9, 0.75) == pytest.approx(4.0, rel=1e-6)
    assert speedup(2.8, 0.943) == pytest.approx(2.54, rel=0.001)


@few
@given(m=st.integers(1, 64), n=st.integers(64, 9000), k=st.integers(64, 9000))
def test_products_between_banks_scale(m: int, n: int, k: int) -> None:
    one, many = (gemv_time("hbm3", m=x, n=n, k=k) for x in (1, m))
    assert many == pytest.approx(m * float(one))
    assert gemv_time("hbm3", m=m, n=n, k=k, stacks=4.0) == pytest.approx(float(many) / 4.0)
    wide, narrow = (sum(gemv_energy("hbm3", m=m, n=n, k=k, weight_bytes=b).values()) for b in (2.0, 1.0))
    assert float(narrow) < float(wide)
    assert gemv_time("hbm3", m=m, n=n, k=k, weight_bytes=1.0) >= float(many) * 0.4


def test_where_the_host_is_quicker() -> None:
    """From the crossover on a host that reads weights once is quicker, if it only has to read."""
    units = units_of("hbm3")
    b, size = crossover("hbm3"), 4096 * 4096 * 2.0
    assert gemv_time("hbm3", m=b, n=4096, k=4096) == pytest.approx(size / units.host)


# --- the substrate


def test_a_chip_with_its_own_kind_of_stack_costs_what_it_did() -> None:
    """H100 has five stacks of HBM3 at a lower rate: joules a byte and waiting stay, bandwidth follows."""
    chip = load_chip(digital.CHIP)
    made = host(read("stack-hbm3e:memory=hbm3"), chip)
    assert made.energy_byte["dram"] == pytest.approx(chip.energy_byte["dram"], rel=1e-9)
    assert made.idle_power == pytest.approx(chip.idle_power, rel=1e-9)
    assert made.memory_bandwidth == pytest.approx(5 * 819.2e9)
    better = host(read("stack-hbm6"), chip)
    assert better.energy_byte["dram"] < made.energy_byte["dram"]


def test_tokens_with_other_stacks_and_with_units() -> None:
    plain, better, units = (
        token_cost(read(name), LLAMA) for name in ("stack-hbm3e", "stack-hbm6", "pim-hbm3e")
    )
    assert better.step_time < plain.step_time
    assert better.joules("chip") < plain.joules("chip")
    assert units.step_time < plain.step_time
    assert units.joules("system") < plain.joules("system")
    assert units.mapped_energy > 0.9
    assert units.technology == "stacked_memory"
    assert any(one["on_substrate"] for one in units.placed)
    inside = {one["operation"]: one["on_substrate"] for one in units.placed}
    assert not any(on for name, on in inside.items() if "norm" in name or name == "attention")


def test_many_tokens_stay_with_the_chip() -> None:
    plain, units = (token_cost(read(name), LLAMA, batch=32.0) for name in ("stack-hbm3e", "pim-hbm3e"))
    assert units.mapped_operations == 0.0
    assert units.energy == plain.energy


def test_the_chip_that_is_asked_for_is_the_host() -> None:
    made = token_cost(read("stack-hbm4"), LLAMA, chip="A100-SXM4-80GB")
    assert made.chip == "A100-SXM4-80GB"


def test_a_product_alone() -> None:
    plain, units = read("stack-hbm3e"), read("pim-hbm3e")
    sizes = {"n": 4096, "k": 4096, "statistics": {}}
    assert stacked_memory.time(units, m=1, **sizes) < stacked_memory.time(plain, m=1, **sizes)
    few_, many = (stacked_memory.cost(units, m=m, **sizes) for m in (1, 64))
    assert sum(float(x) for x in few_.values()) < sum(
        float(x) for x in stacked_memory.cost(plain, m=1, **sizes).values()
    )
    far = stacked_memory.cost(plain, m=64, **sizes)
    assert {k: float(v) for k, v in many.items()} == {k: float(v) for k, v in far.items()}
    assert stacked_memory.area(plain) == pytest.approx(814e-6 + 5 * 121e-6)


# --- machines without DRAM


def test_rates_of_machines_that_hold_their_weights() -> None:
    """Groq: fitted to Llama 2 70B, the 7B judges. Cerebras: four wafers; its rate of 70B is missed."""
    seven = token_rate("groq-lpu", read_architecture("llama-2-7b"))
    assert seven.rate == pytest.approx(750.0, rel=0.1)
    seventy = token_rate("cerebras-wse3", read_architecture("llama-3.1-70b"))
    assert seventy.chips == 4
    assert seventy.rate > 450.0
    for name in machines():
        model = catalog.path("technologies/northpole-3b.json") if name == "northpole" else "llama-2-7b"
        made = token_rate(name, read_architecture(model), batch=28.0)
        assert made.rate < made.bound
        assert made.full >= made.rate
        assert made.joules >= made.joules_full
    north = token_rate(
        "northpole", read_architecture(catalog.path("technologies/northpole-3b.json")), batch=28.0
    )
    assert north.joules_full == pytest.approx(0.0237, rel=0.15)


def test_the_scorecard_has_its_rows() -> None:
    made = checks_of("technologies", "memory")
    assert len({one.what for one in made}) == len(made) >= 55
    judged = [one for one in made if not one.fitted]
    assert sum(one.ok for one in judged) >= 36
    row = entity("stacked_memory_published", "hbm-pim")
    kernel = next(one for one in made if "Alveo card: matrix" in one.what)
    assert kernel.published == row.value("kernel_alveo")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: stack_of("hbm9"), "hbm8"),
        (lambda: stack_of("hbm3", height=40), "height"),
        (lambda: stack_of("hbm3", data_rate=1e12), "data_rate"),
        (lambda: access_energy("hbm3", row_bytes=0.0), "row_bytes"),
        (lambda: access_energy("hbm3", activity=float("nan")), "activity"),
        (lambda: access_range("hbm3", scope="system"), "scope"),
        (lambda: refresh_power("hbm3", capacity=-1.0), "capacity"),
        (lambda: stack_temperature("hbm3", cooling="ice"), "cooling"),
        (lambda: stack_temperature("hbm3", bonding="glue"), "bonding"),
        (lambda: stack_temperature("hbm3", use=2.0), "use"),
        (lambda: stack_temperature("hbm3", coolant=1000.0), "coolant"),
        (lambda: most_power("hbm3", limit=10.0), "limit"),
        (lambda: gemv_time("hbm3", m=1, n=0, k=4), "n:"),
        (lambda: gemv_energy("hbm3", m=1, n=4, k=4, weight_bytes=9.0), "weight_bytes"),
        (lambda: speedup(2.0, 1.5), "share"),
        (lambda: system(power=-1.0), "power"),
        (lambda: token_rate("groq", LLAMA), "groq-lpu"),
        (lambda: token_rate("groq-lpu", LLAMA, batch=0.0), "batch"),
        (lambda: read("pim-hbm3:memory=hbm33"), "hbm3"),
        (lambda: read("pim-hbm3:stacks=0"), "stacks"),
        (lambda: read("pim-hbm3:pim=rank"), "pim"),
        (lambda: host(Substrate("x", "x", "digital", {})), "stacked_memory"),
        (lambda: host(read("stack-hbm4"), "L40S"), "chip"),
    ],
)  # fmt: skip
def test_bad_input_of_stacks_is_named(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]
